/* Chains: instructions of a tile program that each read the result of the one before. A chain is run over a few vectors
 * at a time that stay in registers, so that what passes from one instruction to the next never sees memory. */
#ifndef FK_TILE_CHAIN_H
#define FK_TILE_CHAIN_H
#include "tile.h"

/* an operand: rows of elements, `skip` floats apart, or one word for all of it. p NULL: it has no place yet */
typedef struct {
    const float *p;
    int64_t skip;
    int64_t scalar;
} fk_tile_arg;

/* One step: v is what the step before left. The micro-operations that chains know have four codes each, by the operands
 * of BI: v op vector, v op scalar, vector op v, scalar op v (UN: the first; TER: v is the first operand and the others,
 * p and q, are a scalar where bit 0 and bit 1 are set). */
typedef struct {
    int64_t code;
    fk_tile_arg p, q;
} fk_chain_step;
enum {
    FK_CHAIN_LOAD = 4 * FK_T_COUNT, /* v = p */
    FK_CHAIN_SPLAT, /* v = p[0] */
    FK_CHAIN_STORE, /* p = v */
    FK_CHAIN_STREAM, /* the same past the caches; p is aligned to vectors */
    FK_CHAIN_ADD, /* p += v */
    FK_CHAIN_FETCH /* p will be read soon */
};

/* whether micro-operation `op` may stand in a chain */
int FK(chain_knows)(int op);
/* n, a multiple of VL, elements of each of the rows [r0, r1) */
void FK(chain_run)(const fk_chain_step *steps, int count, int64_t r0, int64_t r1, int64_t n);
#endif
