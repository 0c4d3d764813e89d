/* The only file that knows OpenMP: how many threads, and one parallel region for a whole plan. */
#define _GNU_SOURCE
#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#ifdef __linux__
#include <sched.h>
#endif

#include "runtime.h"

#define MAX_THREADS 256
static int configured;           /* what the user or the machine says */
static int omp_at_start;         /* a lower value now was set by someone else (threadpoolctl): honoured */
static atomic_flag taken = ATOMIC_FLAG_INIT;
static atomic_int era;           /* how often teams have been put away */
static int lonely;               /* a forked child whose parent's team could not be put away */

static int from_env(const char *name) {
    const char *s = getenv(name);
    int n = s ? atoi(s) : 0;
    return n > 0 ? n : 0;
}

/* CPUs this process may use: affinity, then the quota of its control group */
static int machine_threads(void) {
    int n = omp_get_num_procs();
#ifdef __linux__
    cpu_set_t set;
    if (!sched_getaffinity(0, sizeof set, &set) && CPU_COUNT(&set) > 0 && CPU_COUNT(&set) < n) n = CPU_COUNT(&set);
    long long quota = -1, period = 100000;
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "r");
    if (f) {
        if (fscanf(f, "%lld %lld", &quota, &period) < 1) quota = -1;
        fclose(f);
    } else if ((f = fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "r"))) {
        if (fscanf(f, "%lld", &quota) < 1) quota = -1;
        fclose(f);
        if ((f = fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "r"))) {
            if (fscanf(f, "%lld", &period) < 1) period = 100000;
            fclose(f);
        }
    }
    if (quota > 0 && period > 0 && (quota + period - 1) / period < n) n = (int)((quota + period - 1) / period);
#endif
    return n > 0 ? n : 1;
}

void fk_threads_set(int n) { configured = n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n; }

int fk_threads(void) {
    if (lonely) return 1;
    int limit = omp_get_max_threads();
    return limit < omp_at_start && limit < configured ? limit : configured;
}

/* GCC's library keeps a team across a fork that the child does not have, unless it is put away before; Clang's library makes
 * a new one in the child by itself, and does not survive being put away there. */
#if defined(__clang__)
enum { paused = 1 };
static void before_fork(void) {}
#else
#pragma weak omp_pause_resource_all
static int paused;
static void before_fork(void) {
    atomic_fetch_add(&era, 1);
    paused = omp_pause_resource_all != NULL && omp_pause_resource_all(omp_pause_hard) == 0;
}
#endif
static void in_child(void) {
    atomic_fetch_add(&era, 1);
    atomic_flag_clear(&taken);
    if (!paused) lonely = 1;
}

/* GCC's library ends the process when the system refuses it a thread. It keeps a team for each thread that has had one, so where
 * this thread has none of n, as many threads as it will want are made and ended first, with stacks as large as its own. What is
 * refused now may be had later: it is asked again once a second. */
enum { ASK_AGAIN = 1 };
typedef struct {
    int size, era; /* of the team; era: how often teams had been put away when it was made */
    time_t refused;
} team_t;
static pthread_key_t key;
static int keyless;
static size_t stack; /* OMP_STACKSIZE, or 0 */

static size_t stack_from_env(void) {
    const char *s = getenv("OMP_STACKSIZE");
    if (!s) s = getenv("GOMP_STACKSIZE");
    if (!s) return 0;
    char *unit;
    const unsigned long n = strtoul(s, &unit, 10);
    while (*unit == ' ') unit++;
    const int c = *unit | 32;
    return (size_t)n << (c == 'b' ? 0 : c == 'm' ? 20 : c == 'g' ? 30 : 10);
}

static void *wait_for(void *go) {
    pthread_mutex_lock(go);
    pthread_mutex_unlock(go);
    return NULL;
}

static int can_have(int n) {
    pthread_t made[MAX_THREADS];
    pthread_mutex_t go = PTHREAD_MUTEX_INITIALIZER;
    pthread_attr_t attr;
    int k = 0;
    if (pthread_attr_init(&attr)) return 0;
    if (stack) pthread_attr_setstacksize(&attr, stack);
    pthread_mutex_lock(&go);
    while (k < n && !pthread_create(&made[k], &attr, wait_for, &go)) k++;
    pthread_mutex_unlock(&go);
    for (int i = 0; i < k; i++) pthread_join(made[i], NULL);
    pthread_attr_destroy(&attr);
    return k == n;
}

/* whether this thread may begin a parallel region of n threads */
static int team_of(int n) {
    team_t *t = keyless ? NULL : pthread_getspecific(key);
    const int now = atomic_load(&era);
    if (t && t->size == n && t->era == now) return 1;
    if (!t && !keyless && (t = calloc(1, sizeof *t)) && pthread_setspecific(key, t)) {
        free(t);
        t = NULL;
    }
    if (!t || (t->refused && time(NULL) < t->refused + ASK_AGAIN)) return 0;
    if (!can_have(n - 1)) {
        *t = (team_t){.refused = time(NULL)};
        return 0;
    }
    *t = (team_t){n, now, 0};
    return 1;
}

int fk_init(void) {
    static int done;
    if (done) return 0;
    if (fk_isa_init()) return -1;
    done = 1;
    /* what OpenMP takes when nobody limits it; a limit may stand already */
    int n = from_env("OMP_NUM_THREADS"), limit = omp_get_max_threads();
    omp_at_start = n ? n : omp_get_num_procs();
    if (limit > omp_at_start) omp_at_start = limit;
    n = from_env("FASTKERAS_NUM_THREADS");
    if (!n) n = from_env("OMP_NUM_THREADS");
    if (!n) n = machine_threads();
    fk_threads_set(n);
    keyless = pthread_key_create(&key, free);
    stack = stack_from_env();
    pthread_atfork(before_fork, NULL, in_child);
    return 0;
}

/* Full team or alone, never a size in between: libgomp makes its threads anew when the size of a region changes. */
void fk_team_run(void (*body)(void *, int, int), void *arg, int parallel) {
    int n = parallel ? fk_threads() : 1;
    if (n > 1 && !omp_in_parallel() && !atomic_flag_test_and_set(&taken)) {
        const int team = team_of(n);
        if (team) {
#pragma omp parallel num_threads(n)
            body(arg, omp_get_thread_num(), omp_get_num_threads());
        }
        atomic_flag_clear(&taken);
        if (team) return;
    }
    body(arg, 0, 1);
}
