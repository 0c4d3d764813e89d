/* The team: a caller, and helpers that sleep until there is a run to help with.
 *
 * Nobody waits for a helper that has not come, or that has nothing to do any more: on a machine that others use too, the system
 * may put it to sleep for milliseconds at any point. So a caller whose work is done closes the door and leaves; a helper that
 * stands behind the door looks only at what the run shares, which stays where it is until the helper has left too. */
#include <pthread.h>
#include <stdlib.h>

#include "runtime.h"

/* A thread that was refused may be had later: it is asked for again once a second. */
enum { ASK_AGAIN = 1 };

/* ---- waiting */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    atomic_int asleep;
} rest_t;
#define REST {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0}
static rest_t between = REST, within = REST, till_end = REST; /* between runs, within one, and till the team's end */

static inline void pause_a_little(void) {
    for (int i = 0; i < 16; i++) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#endif
    }
}

static inline int is_still(atomic_ullong *word, int shift, uint64_t was) { return atomic_load(word) >> shift == was; }

static int wait_in(rest_t *rest, atomic_ullong *word, int shift, uint64_t was, int ms) {
    for (int i = 0; i < 8; i++) {
        if (!is_still(word, shift, was)) return 1;
        pause_a_little();
    }
    for (const int64_t until = fk_nanoseconds() + FK_LOOK_NS; fk_nanoseconds() < until; pause_a_little())
        if (!is_still(word, shift, was)) return 1;
    struct timespec until;
    if (ms) {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += ms * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
    }
    pthread_mutex_lock(&rest->lock);
    atomic_fetch_add(&rest->asleep, 1);
    int late = 0;
    while (is_still(word, shift, was) && !late)
        late = ms ? pthread_cond_timedwait(&rest->changed, &rest->lock, &until)
                  : pthread_cond_wait(&rest->changed, &rest->lock) & 0;
    atomic_fetch_sub(&rest->asleep, 1);
    pthread_mutex_unlock(&rest->lock);
    return late ? 0 : FK_SLEPT;
}

/* behind the change: who sleeps is counted before he looks for the last time */
static void wake(rest_t *rest) {
    if (!atomic_load(&rest->asleep)) return;
    pthread_mutex_lock(&rest->lock);
    pthread_cond_broadcast(&rest->changed);
    pthread_mutex_unlock(&rest->lock);
}

int fk_wait(atomic_ullong *word, int shift, uint64_t was, int ms) { return wait_in(&within, word, shift, was, ms); }
void fk_wake(void) { wake(&within); }

/* ---- jobs: the run that helpers may join, and earlier ones in which a sleeper stands yet */
typedef struct {
    _Alignas(64) char shared[FK_SHARED_BYTES];
    fk_body body;
    atomic_int threads; /* that may join, with the caller */
    atomic_int processor; /* the caller's */
    atomic_uint gate; /* bit 0: open; above: how many helpers are inside */
} job_t;

static struct {
    int threads; /* with the caller; 0: there is none */
    job_t *jobs; /* one more than there are helpers, so one is always empty */
    _Atomic(job_t *) current;
    atomic_ullong epoch; /* counts runs, and the end */
    atomic_ullong ends;
    time_t refused;
} team;
static atomic_flag taken = ATOMIC_FLAG_INIT;

/* Where helpers were when they joined a run, last, or -1. The system may put one on the caller's processor: there he can only keep
 * the caller from work, and while other programs have the other processors it leaves him there. So he is sent away, whoever of the
 * two finds it out. */
static struct {
    atomic_int thread, processor;
} places[FK_MAX_THREADS + 1];
enum { SEND_AGAIN_NS = 1000000 };
static atomic_llong sent;

static void forget_places(void) {
    for (int k = 0; k <= FK_MAX_THREADS; k++) atomic_store(&places[k].processor, -1);
}

static int may_send(void) {
    const int64_t now = fk_nanoseconds();
    if (now - atomic_load_explicit(&sent, memory_order_relaxed) < SEND_AGAIN_NS) return 0;
    atomic_store_explicit(&sent, now, memory_order_relaxed);
    return 1;
}

static void meet_caller(int helper, int caller) {
    int here = fk_processor();
    if (here >= 0 && here == caller && may_send()) {
        fk_send_from(here, 0);
        here = fk_processor();
    }
    if (atomic_load_explicit(&places[helper].processor, memory_order_relaxed) != here) /* they share a line of the cache */
        atomic_store_explicit(&places[helper].processor, here, memory_order_relaxed);
}

static void meet_helpers(job_t *job, int threads) {
    const int here = fk_processor();
    atomic_store_explicit(&job->processor, here, memory_order_relaxed);
    for (int k = 1; k < threads; k++)
        if (here >= 0 && atomic_load_explicit(&places[k].processor, memory_order_relaxed) == here && may_send()) {
            fk_send_from(here, atomic_load_explicit(&places[k].thread, memory_order_relaxed));
            atomic_store_explicit(&places[k].processor, -1, memory_order_relaxed);
        }
}

/* the first is there for the place it takes */
static void member(int thread) {
    uint64_t seen = 0;
    atomic_store(&places[thread].thread, fk_thread_id());
    if (!thread) wait_in(&till_end, &team.ends, 0, 0, 0);
    while (!atomic_load(&team.ends)) {
        job_t *job = atomic_load(&team.current);
        if (job && thread < atomic_load(&job->threads)) {
            unsigned gate = atomic_load(&job->gate);
            while (gate & 1 && !atomic_compare_exchange_weak(&job->gate, &gate, gate + 2)) {
            }
            if (gate & 1) {
                meet_caller(thread, atomic_load_explicit(&job->processor, memory_order_relaxed));
                job->body(job->shared, thread, job->threads);
                atomic_fetch_sub(&job->gate, 2);
            }
        }
        wait_in(&between, &team.epoch, 0, seen, 0);
        seen = atomic_load(&team.epoch);
    }
}

static void end_team(void) {
    if (!team.threads) return;
    atomic_store(&team.ends, 1);
    atomic_fetch_add(&team.epoch, 1);
    wake(&between);
    wake(&till_end);
    fk_crew_end();
    free(team.jobs);
    team.jobs = NULL;
    team.threads = 0;
}

static int team_of(int n) {
    if (team.threads == n) return 1;
    if (team.refused && time(NULL) < team.refused + ASK_AGAIN) return 0;
    end_team();
    team.refused = 0;
    atomic_store(&team.ends, 0);
    atomic_store(&team.current, NULL);
    forget_places(); /* before there is a new crew: of threads that have ended nothing may be moved */
    if ((team.jobs = aligned_alloc(64, (size_t)n * sizeof *team.jobs))) {
        memset(team.jobs, 0, (size_t)n * sizeof *team.jobs);
        if (fk_crew_begin(n, member)) {
            team.threads = n;
            return 1;
        }
        free(team.jobs);
        team.jobs = NULL;
    }
    team.refused = time(NULL);
    return 0;
}

void *fk_team_take(void) {
    int most;
    const int n = fk_threads_wanted(&most);
    if (n < 2 || atomic_flag_test_and_set(&taken)) return NULL;
    if (team_of(most))
        for (int k = 0; k < most; k++)
            if (!atomic_load(&team.jobs[k].gate)) {
                atomic_store(&team.jobs[k].threads, n);
                return team.jobs[k].shared;
            }
    atomic_flag_clear(&taken);
    return NULL;
}

void fk_team_run(void *shared, fk_body body, int wakes) {
    job_t *job = shared;
    job->body = body;
    meet_helpers(job, atomic_load(&job->threads));
    atomic_store(&job->gate, 1);
    atomic_store(&team.current, job);
    atomic_fetch_add(&team.epoch, 1);
    if (wakes) wake(&between);
    body(shared, 0, job->threads);
    atomic_fetch_and(&job->gate, ~1u);
}

void fk_team_give(void) { atomic_flag_clear(&taken); }

/* A forked child has no helpers, and locks as they happened to stand. What its parent's jobs took stays taken. */
static void rest_anew(rest_t *rest) {
    pthread_mutex_init(&rest->lock, NULL);
    pthread_cond_init(&rest->changed, NULL);
    atomic_store(&rest->asleep, 0);
}

void fk_team_forget(void) {
    rest_anew(&between);
    rest_anew(&within);
    rest_anew(&till_end);
    forget_places();
    team.threads = 0;
    team.jobs = NULL;
    team.refused = 0;
    atomic_flag_clear(&taken);
}
