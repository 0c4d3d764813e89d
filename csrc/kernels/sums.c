/* Sums over rows of what a tile program makes, which never stands in memory: a few rows are added up where they are made, in the
 * L1 cache. Several sums, and results that are kept, come of one pass over the program's inputs. */
#include "reduce.h"
#include "tile.h"

/* Rows are added one after the other SUMS_ROWS at a time, which meet as in reduce.h. Short ones are taken as longer ones of
 * whole vectors, and long ones a strip of FK_TILE columns after the other. */
enum { SUMS_ROWS = 32, SUMS_SIZE = FK_SUMS * FK_TILE };

/* rows of a part: about 20 µs of work */
static int64_t share_of(int64_t rows, int64_t inner) {
    int64_t parts = fk_max(1, fk_min(64, rows * inner / 65536));
    return fk_max(1, fk_ceil_div(rows, parts));
}
FK_PARTS(sums) { return fk_max(1, fk_ceil_div(a->rows, share_of(a->rows, a->inner))); }
FK_CHUNKS(sums) { return sums_parts(a); }

/* rows that are taken as one */
static int64_t joined(int64_t inner) {
    const int64_t whole = VL / fk_min(VL, inner & -inner);
    return inner >= FK_TILE ? 1 : whole * fk_max(1, FK_TILE / (inner * whole));
}

/* to[s] = the sums of n columns of `rows` rows, the first element at i; y: FK_TILE floats for each of the sums */
static void sum_strip(const fk_call *call, void **ptr, int nsum, int64_t i, int64_t rows, int64_t stride, int64_t n,
                      float *const *to, float *stack) {
    const int64_t blocks = fk_ceil_div(rows, SUMS_ROWS);
    for (int64_t b = 0; b < blocks; b++, i += SUMS_ROWS * stride) {
        const int levels = __builtin_ctzll(~(uint64_t)b);
        float *y = stack + levels * SUMS_SIZE;
        memset(y, 0, (size_t)nsum * FK_TILE * 4);
        for (int s = 0; s < nsum; s++) ptr[call->tile->nin + s] = y + s * FK_TILE;
        FK(tile_sums)(call->tile, ptr, nsum, i, fk_min(SUMS_ROWS, rows - b * SUMS_ROWS), stride, n,
                      call->scratch + FK_KERNEL_SCRATCH);
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
    const int64_t inner = a->inner, count = a->count, share = share_of(a->rows, inner);
    const int64_t first = fk_min(a->rows, ith * share), rows = fk_min(a->rows - first, share);
    const int64_t wide = joined(inner) * inner, whole = rows * inner / wide, rest = rows * inner - whole * wide;
    float *y = (float *)call->ptr[0] + ith * count * inner;
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
        sum_strip(call, ptr, (int)count, first * inner + c, whole, wide, fk_min(FK_TILE, wide - c), to, stack);
    }
    for (int64_t c = 0; c < rest; c += FK_TILE) { /* the rows that are left over */
        const int64_t n = fk_min(FK_TILE, rest - c);
        for (int s = 0; s < count; s++) to[s] = last + s * FK_TILE;
        sum_strip(call, ptr, (int)count, first * inner + whole * wide + c, 1, n, n, to, stack);
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
