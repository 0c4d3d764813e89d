/* Tile programs: a short list of elementwise micro-operations run over L1-sized tiles of a flattened index space.
 * (dtypes, kinds of access and operand codes: ../shared.def). The one vocabulary for elementwise regions and for the epilogues of matmul, conv, pool and reduce.
 *
 * Every element i of [0, n) is computed alone: inputs are read at access(i), outputs are written at i. Registers hold
 * the lanes of a tile as float, or as int32 for the integer micro-operations; a truth value is the float 1 or 0.
 * An output without rows may share its memory with an input read FLAT with the same item size: a tile is read before it is
 * written.
 * Not so where another output is that very input (its arg an input's code): begin such a program with copy. */
#ifndef FK_TILE_H
#define FK_TILE_H
#include "kernel.h"

typedef struct {
    int32_t dtype, kind, ndim;
    int64_t p;
    int64_t dim[FK_MAXDIM], stride[FK_MAXDIM];
    int64_t run, pitch; /* FK_STRIDED: rows of `run` elements, from one to the next `pitch`; run 0: not so */
} fk_tile_in;
typedef struct {
    int32_t dtype, arg; /* arg: operand code, as in an instruction */
    int64_t run, pitch; /* written as rows of `run` elements, from one to the next `pitch`; run 0: one after the other */
} fk_tile_out;
/* operand codes: below FK_TILE_REGS a register; FK_INPUT + j input j; FK_IMMEDIATE + j immediate j */
typedef struct {
    int16_t op, dst, a, b, c; /* b, c: 0 where unused */
} fk_tile_ins;

/* a program that is an ending (ending.h): its inputs, -1 where there is none, and the bounds of its clipping */
typedef struct {
    int32_t known, raw, bias, residual;
    int32_t gate;   /* where it is not above 0 the result is 0 */
    int32_t bounded; /* also where it is not below `below` */
    int32_t either; /* whether raw and residual may change places */
    int32_t clips;
    int64_t channels; /* of the bias */
    float low, high, below;
} fk_simple;

/* a program whose outputs are y · (x - mean), and perhaps y: its inputs, and which output is which */
enum { FK_PRODUCTS = 3 };
typedef struct {
    int32_t known, y, plain; /* plain: 1 + the output that is y, or 0 */
    int32_t count, of[FK_PRODUCTS], x[FK_PRODUCTS], mean[FK_PRODUCTS];
} fk_products;

/* what the program alone decides of how it is run (tile_plan.c) */
typedef struct {
    int64_t step;              /* elements of a tile where tiles are the rows of one run */
    int32_t made[FK_MAXREF];   /* for each output the instruction that may write it in place, or -1 */
    int32_t needed[FK_MAXREF]; /* for each input the last instruction that reads it, or -1 */
    int8_t room[FK_MAXREF];    /* for each input its tile, or -1 */
    int32_t crowded;           /* an input has none: it is read for each use, which comes at once */
    uint8_t *flow;             /* for each instruction, how it stands in a chain */
} fk_tile_plan;
enum { FK_CHAINED = 1, FK_JOINED = 2, FK_KEPT = 4 };

struct fk_tile {
    int32_t nin, nout, nins, nimm;
    const fk_tile_in *in;
    const fk_tile_out *out;
    const fk_tile_ins *ins;
    const float *imm; /* an int32 immediate is stored by its bits */
    fk_simple simple;
    fk_products products;
    fk_tile_plan plan;
};

/* As words (int64), how Python hands a program over:
 *   nin nout nins nimm
 *   nin  × (dtype kind ndim p dim[FK_MAXDIM] stride[FK_MAXDIM])
 *   nout × (dtype arg run pitch)
 *   nins × (op dst a b c)
 *   nimm × (bits of the float or int32 in the low half)
 * Parsed by runtime/plan.c. Pointers given to tile_run: inputs, then outputs. */

/* the tiles of scratch: registers, then copies of inputs, then, from FK_TILE_SPARE on, three for inputs without one */
enum { FK_TILE_SPARE = FK_TILES - 3 };

/* micro-operation numbers, from tile.def */
#define UN(name, expr) FK_T_##name,
#define BI(name, expr) FK_T_##name,
#define TER(name, expr) FK_T_##name,
enum {
#include "tile.def"
    FK_T_COUNT
};
#undef UN
#undef BI
#undef TER
#endif
