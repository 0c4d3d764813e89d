/* In the place of csrc/runtime/threads.c when races are looked for: the thread sanitizer understands pthreads, not the
 * barriers of OpenMP's library. */
#include <pthread.h>

#include "../../csrc/runtime/runtime.h"

static int configured = 1, n;
static pthread_t made[FK_MAX_THREADS];
static void (*does)(int);

static void *start(void *thread) {
    does((int)(intptr_t)thread);
    return NULL;
}

int fk_init(void) { return fk_isa_init(); }
int fk_threads(void) { return configured; }
int fk_threads_wanted(int *most) { return *most = configured; }
int fk_processors(void) { return configured; }
void fk_threads_set(int threads) { configured = threads; }

int fk_crew_begin(int threads, void (*member)(int)) {
    does = member;
    for (n = 0; n < threads; n++)
        if (pthread_create(&made[n], NULL, start, (void *)(intptr_t)n)) return 0;
    return 1;
}

void fk_crew_end(void) {
    for (int k = 0; k < n; k++) pthread_join(made[k], NULL);
}
