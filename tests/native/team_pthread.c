/* In the place of csrc/runtime/team.c when races are looked for: the thread sanitizer understands pthreads, not the barriers
 * of OpenMP's library. A team is made for each run and joined after it. */
#include <pthread.h>

#include "../../csrc/runtime/runtime.h"

static int configured = 1;
typedef struct {
    void (*body)(void *, int, int);
    void *arg;
    int thread;
} member;

static void *start(void *p) {
    member *m = p;
    m->body(m->arg, m->thread, configured);
    return NULL;
}

int fk_init(void) { return fk_isa_init(); }
int fk_threads(void) { return configured; }
void fk_threads_set(int n) { configured = n; }

void fk_team_run(void (*body)(void *, int, int), void *arg, int parallel) {
    if (!parallel || configured == 1) {
        body(arg, 0, 1);
        return;
    }
    pthread_t other[configured];
    member members[configured];
    for (int i = 1; i < configured; i++) {
        members[i] = (member){body, arg, i};
        pthread_create(&other[i], NULL, start, &members[i]);
    }
    body(arg, 0, configured);
    for (int i = 1; i < configured; i++) pthread_join(other[i], NULL);
}
