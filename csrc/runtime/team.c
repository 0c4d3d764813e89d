/* The only file that knows OpenMP: how many threads, and one parallel region for a whole plan. */
#define _GNU_SOURCE
#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef __linux__
#include <sched.h>
#endif

#include "runtime.h"

#define MAX_THREADS 256
static int configured;           /* what the user or the machine says */
static int omp_at_start;         /* a lower value now was set by someone else (threadpoolctl): honoured */
static atomic_flag taken = ATOMIC_FLAG_INIT;
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
    paused = omp_pause_resource_all != NULL && omp_pause_resource_all(omp_pause_hard) == 0;
}
#endif
static void in_child(void) {
    atomic_flag_clear(&taken);
    if (!paused) lonely = 1;
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
    pthread_atfork(before_fork, NULL, in_child);
    return 0;
}

/* Full team or alone, never a size in between: libgomp makes its threads anew when the size of a region changes. */
void fk_team_run(void (*body)(void *, int, int), void *arg, int parallel) {
    int n = parallel ? fk_threads() : 1;
    if (n > 1 && !omp_in_parallel() && !atomic_flag_test_and_set(&taken)) {
#pragma omp parallel num_threads(n)
        body(arg, omp_get_thread_num(), omp_get_num_threads());
        atomic_flag_clear(&taken);
    } else {
        body(arg, 0, 1);
    }
}
