/* What a plan is made of; plan.c makes it, run.c runs it. */
#ifndef FK_PLAN_H
#define FK_PLAN_H
#include "runtime.h"

typedef struct {
    int64_t space, offset;
    int32_t move, nmoves; /* its first move, and how many: one for each loop that it moves with */
} ref_t;

/* in round t of the loop at `level` a ref stands (t mod period) · stride bytes further; period 0: never back */
typedef struct {
    int64_t level, stride, period;
} move_t;

typedef struct {
    fk_kernel run;
    const int64_t *attr;
    const fk_tile *tile;
    int64_t nchunks;
    int32_t ref, nref, nown;
    int32_t loop; /* the outermost that begins here, or -1 */
    int32_t follows; /* chunk c is done right behind chunk c of the step before */
} step_t;

/* steps [first, end) are done `count` times, or as long as the byte that `go` refers to is not 0 before a round */
typedef struct {
    int64_t count;
    int32_t first, end, level;
    int32_t inner;  /* the next loop that begins at the same step, inside this one, or -1 */
    int32_t go;     /* ref, or -1 */
    int32_t shares; /* so many loops, from this one on, may run at one time: 0 in those that follow, -1: see block_t */
} loop_t;

/* a stretch of the plan between two barriers: one step of many chunks with those that follow it, a row of one-chunk steps that
 * one thread does, or loops that do not meet, a chunk each */
typedef struct {
    int32_t first, last, loop; /* loop: the first of those loops, or -1 */
    int64_t nchunks;
    int64_t nclaims, per; /* a claim is `per` chunks, the last one perhaps fewer: one, but where they are millions */
} unit_t;

/* units that are gone through `count` times: those of a loop whose steps the threads share, or, once, the others. In a run units
 * are numbered as they come, so that a unit's number says the round. */
typedef struct {
    int64_t begin, count; /* number of the first unit of the first round */
    int32_t unit, nunits, level;
    int32_t shared; /* the loop, or -1 */
} block_t;

struct fk_plan {
    int64_t nsteps, nunits, nblocks, nloops, total; /* total: units of a run */
    step_t *steps;
    unit_t *units;
    block_t *blocks;
    loop_t *loops;
    ref_t *refs;
    move_t *moves;
    int64_t *attrs;
    fk_tile **tiles;
    int64_t ntiles;
    int parallel, lasts; /* lasts: a value decides how many rounds a loop has */
    int64_t widest;      /* the most claims of a unit */
    atomic_uint runs; /* so far; wraps around */
    atomic_llong took; /* ns that a run of the team takes, or of a thread where there is no work for more; 0 before the first */
};

/* one run's state: the unit's number in the high bits, then the claims taken from the back, then those from the front */
#define CLAIM_BITS 22
#define CLAIM_MASK ((1u << CLAIM_BITS) - 1)
#define MOST_CLAIMS (1 << 20) /* leaves room for a claim in vain by each thread */
#define MOST_UNITS (1 << 19)

/* the step behind step i and those that follow it */
static inline int32_t behind(const struct fk_plan *p, int32_t i) {
    do i++;
    while (i < p->nsteps && p->steps[i].follows);
    return i;
}
/* the loop that begins at step i, inside the loop `outer` (-1: none), or -1 */
static inline int32_t loop_at(const struct fk_plan *p, int32_t i, int32_t outer) {
    return outer >= 0 && p->loops[outer].first == i ? p->loops[outer].inner : p->steps[i].loop;
}
#endif
