/* What the files of runtime/ share. */
#ifndef FK_RUNTIME_H
#define FK_RUNTIME_H
#include "../kernels/tile.h"

enum { FK_BASE = 0, FK_V3 = 1, FK_V4 = 2, FK_NEON = 3, FK_NISA = 4 };

/* dispatch.c: the kernels of one instruction set */
typedef struct {
    const char *name;
    const fk_entry *table;
    int (*gemm_nr)(void);
    double (*fma_peak)(double);
    void (*plan_tile)(fk_tile *); /* tile_plan.c */
} fk_isa_table;
const fk_isa_table *fk_isa_current(void);
int fk_isa_init(void);

/* team.c: run body(arg, thread, threads) on the full team, or alone where it is taken, small or forbidden */
void fk_team_run(void (*body)(void *arg, int thread, int threads), void *arg, int parallel);

/* ending.c: what kernels may do in registers in place of a program */
fk_simple fk_tile_simple(const fk_tile *t);

/* arena.c: FK_SCRATCH bytes that belong to the calling thread; NULL when memory is out */
char *fk_scratch(void);
#endif
