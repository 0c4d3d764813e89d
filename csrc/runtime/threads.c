/* The only file that knows OpenMP: how many threads there may be, and the crew, which is one parallel region for as long as the
 * number of threads stays. */
#define _GNU_SOURCE
#include <omp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef __linux__
#include <sched.h>
#endif

#include "runtime.h"

static int processors; /* that this process may use */
static int configured; /* what the user or the machine says */
static int omp_at_start; /* a lower value now was set by someone else (threadpoolctl): honoured */
static size_t stack; /* OMP_STACKSIZE, or 0 */

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

void fk_threads_set(int n) { configured = n < 1 ? 1 : n > FK_MAX_THREADS ? FK_MAX_THREADS : n; }

int fk_threads(void) {
    int limit = omp_get_max_threads();
    return limit < omp_at_start && limit < configured ? limit : configured;
}

int fk_processors(void) { return processors; }

/* a region of the caller's own has its processors already */
int fk_threads_wanted(int *most) {
    *most = configured;
    return omp_in_parallel() ? 1 : fk_threads();
}

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

/* GCC's library ends the process when the system refuses it a thread. So as many as it will want are made and ended first, with
 * stacks as large as its own. */
static int can_have(int n) {
    pthread_t made[FK_MAX_THREADS + 1];
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

/* A thread of its own begins the region and rests in it: it has the place of the callers, where OpenMP binds threads to
 * processors. A caller that began one would have a crew for itself alone, which a fork takes from it. */
static pthread_t first;
static struct {
    int n;
    void (*member)(int);
    atomic_ullong begun; /* how many crews have */
} crew;

static void *begin(void *unused) {
    (void)unused;
#pragma omp parallel num_threads(crew.n)
    {
        if (omp_get_thread_num()) fk_scratch();
#pragma omp barrier
        if (!omp_get_thread_num()) {
            atomic_fetch_add(&crew.begun, 1);
            fk_wake();
        }
        crew.member(omp_get_thread_num());
    }
    return NULL;
}

/* What a crew takes of memory it has taken when this returns, not in the middle of some later run. */
int fk_crew_begin(int n, void (*member)(int thread)) {
    const uint64_t before = atomic_load(&crew.begun);
    crew.n = n;
    crew.member = member;
    if (!can_have(n) || pthread_create(&first, NULL, begin, NULL)) return 0;
    fk_wait(&crew.begun, 0, before, 0);
    return 1;
}

void fk_crew_end(void) { pthread_join(first, NULL); }

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
    processors = machine_threads();
    if (!n) n = processors;
    fk_threads_set(n);
    stack = stack_from_env();
    pthread_atfork(NULL, NULL, fk_team_forget);
    pthread_atfork(NULL, NULL, fk_turns_forget);
    return 0;
}
