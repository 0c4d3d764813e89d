/* Sums over rows of what a tile program makes, which never stands in memory: a few rows are added up where they are made, in the
 * L1 cache. Several sums, and results that are kept, come of one pass over the program's inputs. */
#include "reduce.h"
#include "tile.h"

/* Rows are added one after the other SUMS_ROWS at a time, which meet as in reduce.h. Short ones are taken as longer ones of
 * whole vectors, and long ones a strip of FK_TILE columns after the other. */
enum { SUMS_ROWS = 32, SUMS_SIZE = FK_SUMS * FK_TILE };

/* about 20 µs of work each */
FK_PARTS(sums) { return fk_max(1, fk_min(a->rows, fk_min(64, a->rows * a->inner / 65536))); }
FK_CHUNKS(sums) { return a->parts; }

/* rows that are taken as one */
static int64_t joined(int64_t inner) {
    const int64_t whole = VL / fk_min(VL, inner & -inner);
    return inner >= FK_TILE ? 1 : whole * fk_max(1, FK_TILE / (inner * whole));
}

/* ---- y and y · (x - mean): sums of some rows stay in registers */
#define TOGETHER 8 /* rows, the next of which are fetched meanwhile */
typedef struct {
    const float *y, *x[FK_PRODUCTS], *mean[FK_PRODUCTS];
    float *sum, *product[FK_PRODUCTS]; /* sum: NULL where nobody wants it */
    int64_t inner, at; /* of mean, and where in it the columns begin */
} products;

static inline __attribute__((always_inline)) void add_rows(const products *p, int64_t from, int64_t stride, int64_t n,
                                                           const int rows, const int count) {
    for (int64_t k = 0, at = p->at; k < n; k += VL) {
        vf sum = {0}, product[FK_PRODUCTS] = {{0}}, mean[FK_PRODUCTS];
        _Pragma("GCC unroll 3") for (int q = 0; q < count; q++) mean[q] = v_load(p->mean[q] + at);
        _Pragma("GCC unroll 8") for (int r = 0; r < rows; r++) {
            const int64_t i = from + r * stride + k, next = i + TOGETHER * stride;
            const vf y = v_load(p->y + i);
            if (rows > 1) __builtin_prefetch(p->y + next);
            sum += y;
            _Pragma("GCC unroll 3") for (int q = 0; q < count; q++) {
                if (rows > 1) __builtin_prefetch(p->x[q] + next);
                product[q] += y * (v_load(p->x[q] + i) - mean[q]);
            }
        }
        if (p->sum) v_store(p->sum + k, v_load(p->sum + k) + sum);
        _Pragma("GCC unroll 3") for (int q = 0; q < count; q++)
            v_store(p->product[q] + k, v_load(p->product[q] + k) + product[q]);
        if ((at += VL) == p->inner) at = 0;
    }
}

/* what tile_sums would do; i, n and inner are whole vectors */
static void add_products(const fk_tile *t, void *const *ptr, int64_t inner, int64_t i, int64_t rows, int64_t stride,
                         int64_t n) {
    const fk_products *f = &t->products;
    products p = {.y = ptr[f->y], .sum = f->plain ? ptr[t->nin + f->plain - 1] : NULL, .inner = inner, .at = i % inner};
    for (int q = 0; q < f->count; q++) {
        p.x[q] = ptr[f->x[q]];
        p.mean[q] = ptr[f->mean[q]];
        p.product[q] = ptr[t->nin + f->of[q]];
    }
#define EACH(rows)                                              \
    switch (f->count) {                                         \
    case 1: add_rows(&p, i, stride, n, rows, 1); break;         \
    case 2: add_rows(&p, i, stride, n, rows, 2); break;         \
    case 3: add_rows(&p, i, stride, n, rows, 3); break;         \
    }
    for (; rows >= TOGETHER; rows -= TOGETHER, i += TOGETHER * stride) EACH(TOGETHER)
    for (; rows > 0; rows--, i += stride) EACH(1)
}

/* whether a call's program is such, of whole vectors */
static int in_registers(const fk_tile *t, int64_t count, int64_t inner) {
    const fk_products *f = &t->products;
    int fits = f->known && count == t->nout && inner % VL == 0;
    for (int q = 0; q < f->count; q++) fits &= t->in[f->mean[q]].p == inner;
    return fits;
}

/* to[s] = the sums of n columns of `rows` rows, the first element at i; y: FK_TILE floats for each of the sums */
static void sum_strip(const fk_call *call, void **ptr, int nsum, int64_t inner, int64_t i, int64_t rows, int64_t stride,
                      int64_t n, float *const *to, float *stack) {
    const int64_t blocks = fk_ceil_div(rows, SUMS_ROWS);
    const int registers = in_registers(call->tile, nsum, inner);
    for (int64_t b = 0; b < blocks; b++, i += SUMS_ROWS * stride) {
        const int levels = __builtin_ctzll(~(uint64_t)b);
        float *y = stack + levels * SUMS_SIZE;
        memset(y, 0, (size_t)nsum * FK_TILE * 4);
        for (int s = 0; s < nsum; s++) ptr[call->tile->nin + s] = y + s * FK_TILE;
        const int64_t some = fk_min(SUMS_ROWS, rows - b * SUMS_ROWS);
        if (registers)
            add_products(call->tile, ptr, inner, i, some, stride, n);
        else
            FK(tile_sums)(call->tile, ptr, nsum, i, some, stride, n, call->scratch + FK_KERNEL_SCRATCH);
        for (const float *x = stack; x < y; x += SUMS_SIZE)
            for (int64_t k = 0; k < nsum * FK_TILE; k += VL) v_store(y + k, v_load(x + k) + v_load(y + k));
    }
    for (int s = 0; s < nsum; s++)
        for (int64_t k = 0; k < n; k += VL) {
            uint64_t left = (uint64_t)blocks;
            const float *x = stack + s * FK_TILE + k;
            vf sum = v_load(x + __builtin_ctzll(left) * SUMS_SIZE);
            while (left &= left - 1) sum += v_load(x + __builtin_ctzll(left) * SUMS_SIZE);
            v_store_upto(to[s] + k, sum, n - k);
        }
}

FK_KERNEL(sums) {
    const fk_tile *t = call->tile;
    const int64_t inner = a->inner, count = a->count, *bounds = call->ptr[0];
    const int64_t first = bounds[ith], rows = bounds[ith + 1] - first;
    const int64_t wide = joined(inner) * inner, whole = rows * inner / wide, rest = rows * inner - whole * wide;
    float *y = (float *)call->ptr[1] + ith * count * inner;
    const int64_t pitch = fk_ceil_div(wide, VL) * VL;
    float *stack = (float *)call->scratch, *total = stack + LEVELS * SUMS_SIZE, *last = total + count * pitch;
    float *to[FK_SUMS];
    void *ptr[FK_MAXREF];
    (void)nth;
    memcpy(ptr, call->tile_ptr, (size_t)t->nin * sizeof *ptr);
    memcpy(ptr + t->nin + count, call->tile_ptr + t->nin, (size_t)(t->nout - count) * sizeof *ptr);
    memset(total, 0, (size_t)(count * pitch) * 4);
    for (int64_t c = 0; whole && c < wide; c += FK_TILE) {
        for (int s = 0; s < count; s++) to[s] = total + s * pitch + c;
        sum_strip(call, ptr, (int)count, inner, first * inner + c, whole, wide, fk_min(FK_TILE, wide - c), to, stack);
    }
    for (int64_t c = 0; c < rest; c += FK_TILE) { /* the rows that are left over */
        const int64_t n = fk_min(FK_TILE, rest - c);
        for (int s = 0; s < count; s++) to[s] = last + s * FK_TILE;
        sum_strip(call, ptr, (int)count, inner, first * inner + whole * wide + c, 1, n, n, to, stack);
        for (int s = 0; s < count; s++)
            for (int64_t k = 0; k < n; k += VL) {
                float *y = total + s * pitch + c + k;
                v_store_upto(y, v_load_upto(y, n - k) + v_load_upto(to[s] + k, n - k), n - k);
            }
    }
    for (int s = 0; s < count; s++) {
        fold(FK_SUM, total + s * pitch, wide / inner, inner);
        memcpy(y + s * inner, total + s * pitch, (size_t)inner * 4);
    }
}
