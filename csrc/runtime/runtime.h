/* What the files of runtime/ share. */
#ifndef FK_RUNTIME_H
#define FK_RUNTIME_H
#include <stdatomic.h>
#include <time.h>

#include "../kernels/tile.h"

enum { FK_BASE = 0, FK_V3 = 1, FK_V4 = 2, FK_NEON = 3, FK_NISA = 4 };

/* dispatch.c: the kernels of one instruction set */
typedef struct {
    const char *name;
    const fk_entry *table;
    int (*gemm_mr)(void), (*gemm_nr)(void);
    double (*fma_peak)(double);
    void (*plan_tile)(fk_tile *); /* tile_plan.c */
    fk_blocks *blocks;
} fk_isa_table;
const fk_isa_table *fk_isa_current(void);
const fk_isa_table *fk_isa_table_of(int isa); /* NULL where the build has none */
int fk_isa_init(void);

/* blocks.c: the sizes for micro-kernels of so many rows and columns, and such caches; 0: not known */
void fk_blocks_choose(fk_blocks *b, int rows, int columns, int64_t l1, int64_t l2);

/* threads.c: how many a run may have, here and now, and any run at most; a crew of n threads, each of which does member(0 … n − 1). 0 where the
 * system refuses them. A crew's end waits until all have returned */
int fk_threads_wanted(int *most);
int fk_processors(void); /* that the process may use */
int fk_crew_begin(int n, void (*member)(int thread));
void fk_crew_end(void);

/* team.c. Room for what the threads of a run share, or NULL where the caller must go alone: the team is taken, or forbidden. */
#define FK_SHARED_BYTES 256
void *fk_team_take(void);
void fk_team_give(void);
/* body(shared, 0, threads) by the caller, and by those helpers that come. It has returned when the caller's has; a helper that
 * has nothing to do then must look at nothing but `shared`. wakes: helpers that sleep, as well */
typedef void (*fk_body)(void *shared, int thread, int threads);
void fk_team_run(void *shared, fk_body body, int wakes);
/* how long a thread looks for a change before it sleeps: about what being woken costs */
enum { FK_LOOK_NS = 50000 };
/* wait until (*word >> shift) is not `was`, for `ms` at most (0: however long); who changed it calls fk_wake. 0: it still is; FK_SLEPT:
 * it changed while the caller slept */
enum { FK_SLEPT = 2 };
int fk_wait(atomic_ullong *word, int shift, uint64_t was, int ms);
void fk_wake(void);
void fk_team_forget(void); /* in a forked child */
void fk_turns_forget(void);

/* of a clock that only goes on */
static inline int64_t fk_nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* processors.c. By a thread that nobody waits for: gives its processor up, if another one wants it, when it would soon be taken from
 * it. b: what it knows of itself, 0 at first */
typedef struct {
    int64_t since;         /* when it got its processor */
    int64_t last, longest; /* its last breath, and the longest time between two of late */
    int64_t tick, coarse;  /* about when there was one, and what the coarse clock said last */
    int64_t read, worked;  /* the processor's time when it was read last */
} fk_breath;
void fk_breathe(fk_breath *b);
int fk_processor(void); /* where the calling thread runs, or -1 */
int fk_thread_id(void);
void fk_send_from(int processor, int thread); /* to another one, if the thread may; 0: the calling thread */

/* ending.c: what kernels may do in registers in place of a program */
fk_simple fk_tile_simple(const fk_tile *t);
/* products.c: sums that kernels may make in registers */
fk_products fk_tile_products(const fk_tile *t);

/* arena.c: FK_SCRATCH bytes that belong to the calling thread; NULL when memory is out */
char *fk_scratch(void);
#endif
