/* Processors, where other programs want them too: the system takes one from a thread in the middle of a chunk, for milliseconds in
 * which whoever needs that chunk waits, and may put two threads of a run on one. So a helper whose turn of its processor is about to
 * end gives it up by itself, where it holds nothing, and goes elsewhere when it meets the caller. */
#define _GNU_SOURCE
#ifdef __linux__
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "runtime.h"

#ifdef __linux__
/* The system takes a processor from a thread, for one that waits for it, when it ticks: at the first tick behind the slice that the
 * thread has, which is seldom more than SLICE_NS. So right before that tick is the time to give it up: earlier, and the thread has
 * less than its share, for the other keeps the processor for a whole slice and up to a tick in any case. Ticks are told by the
 * coarse clock, which changes with them. */
enum {
    SLICE_NS = 2500000,
    BEFORE_NS = 100000, /* that far before the tick, or as long as what is done between two breaths lately takes, */
    FURTHEST_NS = 1500000, /* up to so long */
    LONG_NS = 1000000, /* between two breaths: has the thread lost its processor meanwhile? */
    OFF_NS = 200000 /* so much later than the processor's time: it has */
};

static int64_t time_of(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t between_ticks(void) {
    static atomic_llong known;
    int64_t ns = atomic_load_explicit(&known, memory_order_relaxed);
    if (!ns) {
        struct timespec t;
        ns = clock_getres(CLOCK_MONOTONIC_COARSE, &t) || t.tv_nsec < LONG_NS / 2 ? SLICE_NS : t.tv_nsec;
        atomic_store_explicit(&known, ns, memory_order_relaxed);
    }
    return ns;
}

static void read_processor_time(fk_breath *b, int64_t now, int64_t worked) {
    b->read = now;
    b->worked = worked;
}

void fk_breathe(fk_breath *b) {
    const int64_t now = fk_nanoseconds(), took = now - b->last, coarse = time_of(CLOCK_MONOTONIC_COARSE);
    if (coarse != b->coarse && took < between_ticks() / 2) b->tick = b->last;
    b->coarse = coarse;
    if (took > LONG_NS) {
        const int64_t worked = time_of(CLOCK_THREAD_CPUTIME_ID);
        if (now - b->read - (worked - b->worked) > OFF_NS) b->since = now;
        read_processor_time(b, now, worked);
    }
    b->longest = fk_max(b->longest - b->longest / 8, fk_min(took, FURTHEST_NS));
    b->last = now;
    if (now - b->since < SLICE_NS - FURTHEST_NS) return;
    const int64_t tick = b->tick + ((now - b->tick) / between_ticks() + 1) * between_ticks();
    if (tick - b->since < SLICE_NS || tick - now > fk_max(b->longest, BEFORE_NS)) return;
    sched_yield();
    b->last = b->since = fk_nanoseconds();
    b->coarse = time_of(CLOCK_MONOTONIC_COARSE);
    read_processor_time(b, b->last, time_of(CLOCK_THREAD_CPUTIME_ID));
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
    if (!CPU_COUNT(&others) || sched_setaffinity(thread, sizeof others, &others) ||
        !sched_setaffinity(thread, sizeof all, &all))
        return;
    memset(&all, 0xff, sizeof all);
    sched_setaffinity(thread, sizeof all, &all);
}
#else
void fk_breathe(fk_breath *b) { (void)b; }
int fk_processor(void) { return -1; }
int fk_thread_id(void) { return 0; }
void fk_send_from(int processor, int thread) { (void)processor, (void)thread; }
#endif
