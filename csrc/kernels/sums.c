/* Sums over rows of what a tile program makes, which never stands in memory: its values are made in blocks that stay in
 * the L1 cache, and summed there. Several sums, and results that are kept, come of one pass over the program's inputs. */
#include "reduce.h"
#include "tile.h"

/* SUMS_BLOCK: elements made at a time, at least a row of them. A value that is an input or is kept is copied into the block too:
 * summed where it stands, it waits for memory (two sums over data from memory, Zen 5: 2.9 ms against 1.7). Blocks are
 * summed in groups of SUMS_EVERY, whose sums meet then. */
enum { SUMS_BLOCK = 4096, SUMS_EVERY = 16 };

/* rows of a part: about 20 µs of work */
static int64_t share_of(int64_t rows, int64_t inner) {
    int64_t parts = fk_max(1, fk_min(64, rows * inner / 65536));
    return fk_max(1, fk_ceil_div(rows, parts));
}
FK_PARTS(sums) { return fk_max(1, fk_ceil_div(a->rows, share_of(a->rows, a->inner))); }
FK_CHUNKS(sums) { return sums_parts(a); }

static void add_to(float *y, const float *x, int64_t n) {
    for (int64_t k = 0; k < n; k += VL)
        v_store_upto(y + k, v_load_upto(y + k, n - k) + v_load_upto(x + k, n - k), n - k);
}
/* y[inner] += the sums of the columns of x[rows, inner] */
static void add_block(const float *x, int64_t rows, int64_t inner, float *y, float *sum, float *stack) {
    int64_t lcm, period = period_of(rows, inner, &lcm);
    for (int64_t c = 0; c < inner; c += PANEL) {
        int64_t w = fk_min(PANEL, inner - c);
        if (period)
            flat_into(FK_SUM, x, rows, inner, period, lcm, sum, stack);
        else
            rows_into(FK_SUM, x + c, inner, rows, w, sum, stack);
        add_to(y + c, sum, w);
    }
}

FK_KERNEL(sums) {
    const fk_tile *t = call->tile;
    int64_t inner = a->inner, count = a->count, share = share_of(a->rows, inner);
    int64_t first = fk_min(a->rows, ith * share), end = fk_min(a->rows, first + share);
    int64_t height = fk_max(1, SUMS_BLOCK / inner), room = fk_ceil_div(height * inner, VL) * VL;
    float *y = (float *)call->ptr[0] + ith * count * inner;
    float *made = (float *)call->scratch, *near = made + count * room, *sum = near + count * inner;
    float *stack = sum + PANEL;
    void *ptr[FK_MAXREF];
    (void)nth;
    memcpy(ptr, call->tile_ptr, (size_t)t->nin * sizeof *ptr);
    memcpy(ptr + t->nin + count, call->tile_ptr + t->nin, (size_t)(t->nout - count) * sizeof *ptr);
    memset(y, 0, (size_t)(count * inner) * 4);
    for (int64_t row = first, blocks = 0; row < end; row += height) {
        int64_t rows = fk_min(height, end - row), at = row * inner;
        for (int64_t s = 0; s < count; s++)
            ptr[t->nin + s] = (void *)((uintptr_t)(made + s * room) - 4 * (uintptr_t)at);
        FK(tile_run)(t, ptr, at, 1, rows * inner, rows * inner, call->scratch + FK_KERNEL_SCRATCH);
        if (!blocks) memset(near, 0, (size_t)(count * inner) * 4);
        for (int64_t s = 0; s < count; s++) add_block(made + s * room, rows, inner, near + s * inner, sum, stack);
        if (++blocks == SUMS_EVERY || row + height >= end) {
            add_to(y, near, count * inner);
            blocks = 0;
        }
    }
}
