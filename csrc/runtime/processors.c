/* Processors, where other programs want them too: the system takes one from a thread in the middle of a chunk, for milliseconds in
 * which whoever needs that chunk waits, and may put two threads of a run on one. So a helper that has had its processor for a while
 * gives it up by itself, where it holds nothing, and goes elsewhere when it meets the caller. */
#define _GNU_SOURCE
#ifdef __linux__
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "runtime.h"

#ifdef __linux__
/* HELD_NS: a little less than what a thread has of a processor that others wait for, which ends with a tick: mostly 3 or 4 ms. So
 * much later than the processor's time another thread had it meanwhile: OFF_NS */
enum { HELD_NS = 2500000, OFF_NS = 200000 };

static int64_t processor_time(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void fk_breathe(fk_breath *b) {
    int64_t now = fk_nanoseconds();
    if (now - b->since < HELD_NS) return;
    const int64_t worked = processor_time();
    if (now - b->since - (worked - b->worked) < OFF_NS) {
        sched_yield();
        now = fk_nanoseconds();
    }
    *b = (fk_breath){now, worked};
}

int fk_processor(void) { return sched_getcpu(); }
int fk_thread_id(void) { return (int)syscall(SYS_gettid); }

/* Where a thread may run stays what it was, or becomes all that its cpuset allows, should that have changed in between; it has left
 * when it may not be here. */
void fk_send_from(int processor, int thread) {
    cpu_set_t all, others;
    if (processor >= CPU_SETSIZE || sched_getaffinity(thread, sizeof all, &all)) return;
    others = all;
    CPU_CLR(processor, &others);
    if (!CPU_COUNT(&others) || sched_setaffinity(thread, sizeof others, &others) || !sched_setaffinity(thread, sizeof all, &all)) return;
    memset(&all, 0xff, sizeof all);
    sched_setaffinity(thread, sizeof all, &all);
}
#else
void fk_breathe(fk_breath *b) { (void)b; }
int fk_processor(void) { return -1; }
int fk_thread_id(void) { return 0; }
void fk_send_from(int processor, int thread) { (void)processor, (void)thread; }
#endif
