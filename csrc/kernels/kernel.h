/* What every kernel includes. A kernel is f(call, ith, nth): chunk `ith` of `nth`. It knows no threads and takes no
 * memory; what it computes for an element depends on the shapes and the block sizes (below) alone, never on nth, the batch, or who
 * runs it. */
#ifndef FK_KERNEL_H
#define FK_KERNEL_H
#include <math.h>
#include <string.h>

#include "../fk.h"

/* every kernel file is compiled once per instruction set, with FK_ISA its suffix */
#define FK_CAT2(a, b) a##_##b
#define FK_CAT(a, b) FK_CAT2(a, b)
#define FK(name) FK_CAT(fk_##name, FK_ISA)

#define FK_SCRATCH (6 << 20) /* bytes each thread owns; the tile program uses the last FK_TILE_SCRATCH of them */
/* Elements of a tile. 512 rather than 1,024: as fast on cached data within a tenth, and half as long on data from memory
 * (Zen 4, Adam's update: 4.4 against 8 ms), since all the tiles of a program then fit a 32 KB L1 and the processor
 * sees far enough ahead to load while it computes. */
#define FK_TILE 512
#define FK_TILES (2 * (FK_TILE_REGS + 2)) /* of a program: its registers, then its inputs */
#define FK_TILE_SCRATCH (FK_TILES * FK_TILE * 4)
#define FK_KERNEL_SCRATCH (FK_SCRATCH - FK_TILE_SCRATCH)

typedef struct fk_tile fk_tile;
typedef struct {
    const void *attr;      /* struct fk_attr_<op> */
    void *const *ptr;      /* the tensors: the kernel's own first, then the tile program's inputs and outputs */
    const fk_tile *tile;   /* epilogue, or NULL */
    void *const *tile_ptr; /* its tensors */
    char *scratch;         /* FK_SCRATCH bytes, 64-byte aligned; the first FK_KERNEL_SCRATCH are the kernel's */
    int *status;           /* set to 1 when an index was out of range */
    int64_t turn;          /* this time chunks are wanted in the order of fk_turned; 0: in that of their numbers */
} fk_call;

/* The i-th of n chunks where those before call->turn, and those from there on, are to come in the opposite order: what a cache
 * of the thread that claims them from either side kept of the last time is then read first, before it is put out. */
static inline int64_t fk_turned(const fk_call *call, int64_t i, int64_t n) {
    return i < call->turn ? call->turn - 1 - i : call->turn ? call->turn + n - 1 - i : i;
}

typedef void (*fk_kernel)(const fk_call *, int64_t ith, int64_t nth);
typedef int64_t (*fk_query)(const void *attr);
typedef int64_t (*fk_row_query)(const void *attr, int64_t chunk);
typedef struct {
    fk_kernel run;
    fk_query chunks, parts;
    fk_row_query rows; /* NULL where ops.def does not say ROWS */
} fk_entry;

/* attribute structs, from ops.def */
#define EPI 1
#define I(x) int64_t x;
#define F(x) double x;
#define A(x) int64_t x[FK_MAXDIM];
#define OP(name, flags, refs, attrs)
#define CONV_ATTRS union { struct { CONV_FIELDS }; fk_conv conv; };
#include "../ops.def"
typedef struct {
    CONV_FIELDS
} fk_conv; /* a->conv of every convolution */
#undef OP
#define OP(name, flags, refs, attrs) typedef struct { attrs } fk_attr_##name;
#include "../ops.def"
#undef OP
#undef CONV_ATTRS
#undef I
#undef F
#undef A

/* Block sizes, from blocks.def: those of this instruction set, which runtime/blocks.c chooses before anything runs, and which
 * stay. What an element's sum is may depend on them, as on the shapes and the instruction set. */
#define BLOCK(name, lowest, highest, multiple, meaning) int64_t name;
typedef struct {
#include "../blocks.def"
} fk_blocks;
#undef BLOCK
#define BLOCK(name, lowest, highest, multiple, meaning) FK_LEAST_##name = lowest, FK_MOST_##name = highest,
enum {
#include "../blocks.def"
};
#undef BLOCK
extern __attribute__((visibility("hidden"))) fk_blocks FK(blocks);
#define BLOCKS FK(blocks)

/* FK_KERNEL(softmax) { … a->rows … call->ptr[0] … } */
#define FK_KERNEL(op)                                                                             \
    static void op##_body(const fk_call *call, const fk_attr_##op *a, int64_t ith, int64_t nth);  \
    void FK(op)(const fk_call *call, int64_t ith, int64_t nth) { op##_body(call, call->attr, ith, nth); } \
    static void op##_body(const fk_call *call, const fk_attr_##op *a, int64_t ith, int64_t nth)
#define FK_QUERY(op, what)                                                \
    static int64_t op##_##what(const fk_attr_##op *a);                    \
    int64_t FK(op##_##what)(const void *a) { return op##_##what(a); }     \
    static int64_t op##_##what(const fk_attr_##op *a)
#define FK_CHUNKS(op) FK_QUERY(op, chunks)
#define FK_PARTS(op) FK_QUERY(op, parts)
#define FK_ONE_PART(op) FK_PARTS(op) { (void)a; return 1; }
#define FK_ROWS(op)                                                                                            \
    static int64_t op##_first_row(const fk_attr_##op *a, int64_t chunk);                                       \
    int64_t FK(op##_first_row)(const void *a, int64_t chunk) { return op##_first_row(a, chunk); }              \
    static int64_t op##_first_row(const fk_attr_##op *a, int64_t chunk)

static inline int64_t fk_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t fk_max(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t fk_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
/* chunks of at least `grain` items each, at most 64: more only cost claims */
static inline int64_t fk_split(int64_t items, int64_t grain) { return fk_max(1, fk_min(64, items / fk_max(1, grain))); }
/* the share [*lo, *hi) of chunk ith of nth, in multiples of `unit` */
static inline void fk_range(int64_t items, int64_t unit, int64_t ith, int64_t nth, int64_t *lo, int64_t *hi) {
    int64_t blocks = fk_ceil_div(items, unit);
    *lo = fk_min(items, blocks * ith / nth * unit);
    *hi = fk_min(items, blocks * (ith + 1) / nth * unit);
}

/* tile.c: run a program over `rows` runs of n elements of its flattened iteration space, the first at i, `stride` apart */
void FK(tile_run)(const fk_tile *, void *const *ptr, int64_t i, int64_t rows, int64_t stride, int64_t n, char *scratch);
/* the same of rows of n <= FK_TILE elements. The first `nsum` outputs have no memory: ptr has a row of whole vectors for each, to
 * which theirs are added */
void FK(tile_sums)(const fk_tile *, void *const *ptr, int nsum, int64_t i, int64_t rows, int64_t stride, int64_t n,
                   char *scratch);
/* an EPI kernel calls one of these for all parts of its first output that it has finished, unless it did in registers what
 * the program does (ending.h) */
static inline void fk_epilogue_rows(const fk_call *c, int64_t i, int64_t rows, int64_t stride, int64_t n) {
    if (c->tile) FK(tile_run)(c->tile, c->tile_ptr, i, rows, stride, n, c->scratch + FK_KERNEL_SCRATCH);
}
static inline void fk_epilogue(const fk_call *c, int64_t i, int64_t len) { fk_epilogue_rows(c, i, 1, len, len); }
#endif
