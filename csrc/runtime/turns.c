/* Turns: threads of the process that keep a lock of their caller's, one after another, each for a while. Who lets go of it waits in
 * line, where he sleeps until he is called: those who wait for Python's lock itself wake every 5 ms to look for it, all of them.
 *
 * Nobody relies on being called. Whoever had his turn may go elsewhere, and what took the lock may be a thread that takes no
 * turns: who let go of the lock looks whether it does. Who waits goes when his turn should have come, called or not. */
#define _GNU_SOURCE
#include <pthread.h>

#include "runtime.h"

enum {
    MOMENT_NS =
        50000, /* in which a thread that was called, or took the lock, has begun its turn, unless it waits for a processor */
    LATE_NS = 1000000 /* that a turn may come later than it should */
};

#ifdef __linux__
enum { CLOCK = CLOCK_MONOTONIC };
#else
enum { CLOCK = CLOCK_REALTIME };
#endif

typedef struct waiter {
    struct waiter *next;
    pthread_cond_t changed;
    int called;
} waiter_t;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static waiter_t *first, **end = &first;
static int64_t waiting;
static atomic_llong seen; /* the last sign of a turn */

static void enter(waiter_t *w) {
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
#ifdef __linux__
    pthread_condattr_setclock(&attr, CLOCK);
#endif
    pthread_cond_init(&w->changed, &attr);
    pthread_condattr_destroy(&attr);
    *end = w;
    end = &w->next;
    waiting++;
}

static void leave(waiter_t *w) {
    waiter_t **at = &first;
    while (*at != w) at = &(*at)->next;
    if (!(*at = w->next)) end = at;
    waiting--;
}

/* until it is called, or for so long */
static void sleep_for(waiter_t *w, int64_t ns) {
    struct timespec until;
    clock_gettime(CLOCK, &until);
    ns += until.tv_nsec;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    while (!w->called && !pthread_cond_timedwait(&w->changed, &lock, &until)) {
    }
}

static int64_t last_sign(void) { return atomic_load_explicit(&seen, memory_order_relaxed); }

void fk_turn_goes_on(int64_t now) { atomic_store_explicit(&seen, now, memory_order_relaxed); }

/* whether there was anybody but `me` to be called */
static int call_first(const waiter_t *me) {
    waiter_t *next = first;
    if (!next || next == me) return 0;
    leave(next);
    next->called = 1;
    pthread_cond_signal(&next->changed);
    return 1;
}

void fk_turn_ends(int64_t now, int64_t length, int is_taken) {
    waiter_t me = {0};
    pthread_mutex_lock(&lock);
    int another = !is_taken && call_first(NULL); /* has the next turn */
    if (another || is_taken) {
        enter(&me);
        const int64_t line = waiting * (length + length / 4);
        sleep_for(&me, MOMENT_NS);
        if (!me.called) another = last_sign() > now || (is_taken && call_first(&me));
        if (!me.called && another) sleep_for(&me, line + LATE_NS);
        if (!me.called) leave(&me);
        pthread_cond_destroy(&me.changed);
    }
    pthread_mutex_unlock(&lock);
}

/* A forked child has none of those who wait. */
void fk_turns_forget(void) {
    pthread_mutex_init(&lock, NULL);
    first = NULL;
    end = &first;
    waiting = 0;
}
