/* How a tile program's inputs are read. */
#ifndef FK_TILE_READ_H
#define FK_TILE_READ_H
#include "tile_chain.h"

/* a tile's words, seen as either type */
typedef int32_t word_t __attribute__((may_alias));
typedef float real_t __attribute__((may_alias));

/* the part of the index space that a tile covers: n elements of each of so many rows, the first at i, `stride` apart;
 * several rows only where every input is steady. `whole`: n in whole vectors */
typedef struct {
    int64_t i, n, rows, stride, whole;
} fk_tile_part;

/* a part of an input: in place where whole vectors of 32-bit words stand there, else in `room` */
fk_tile_arg FK(tile_read)(const fk_tile_in *in, const void *x, const fk_tile_part *t, float *room);
#endif
