/* The core of reductions along the rows of x[r, inner], for reduce.c and sums.c.
 *
 * Rows are reduced in blocks of REDUCE_ROWS, in registers, and the blocks' results meet pairwise as in a binary counter: the
 * error of a sum grows with the logarithm of r (N. J. Higham, The accuracy of floating point summation, 1993). Where
 * inner is small, a row is too short for that: then x[r, inner] is read as longer rows of `period` floats, a multiple of
 * inner and of the vector, which are folded at the end. */
#ifndef FK_REDUCE_H
#define FK_REDUCE_H
#include "vec.h"

enum { REDUCE_ROWS = 16, PANEL = 1024, LEVELS = 48 }; /* PANEL: floats of a row that one pass takes */
#define INLINE static inline __attribute__((always_inline))

INLINE vf join(int kind, vf a, vf b) {
    return kind == FK_SUM ? a + b : kind == FK_MAX ? v_max(a, b) : kind == FK_MIN ? v_min(a, b) : a * b;
}
INLINE float join1(int kind, float a, float b) {
    return kind == FK_SUM   ? a + b
           : kind == FK_MAX ? (a > b || a != a ? a : b)
           : kind == FK_MIN ? (a < b || a != a ? a : b)
                            : a * b;
}
static float identity(int kind) {
    return kind == FK_SUM ? 0.0f : kind == FK_MAX ? -INFINITY : kind == FK_MIN ? INFINITY : 1.0f;
}

/* floats of the long rows that r rows of inner are read as, or 0: as they are. *lcm: the least common multiple of inner
 * and VL, of which the long row is some */
static inline int64_t period_of(int64_t r, int64_t inner, int64_t *lcm) {
    int64_t g = inner & -inner; /* the largest power of two in it */
    *lcm = inner * (VL / fk_min(VL, g));
    if (inner >= 4 * VL || r * inner < *lcm || *lcm > PANEL) return 0;
    return *lcm * fk_max(1, fk_min(8 * VL, r * inner) / *lcm);
}

/* ---- the core: rows of w <= PANEL floats, `ld` apart, into out[0..w) */

/* nv vectors of a block of rows, or, when lanes < VL, the first lanes of one; joined with the `levels` lowest of the
 * stack */
INLINE void block(int kind, int nv, int64_t lanes, const float *x, int64_t ld, int64_t rows, int levels, const float *stack,
                  float *out) {
    vf acc[8];
    for (int v = 0; v < nv; v++) acc[v] = lanes == VL ? v_load(x + v * VL) : v_load_n(x, lanes);
    for (int64_t r = 1; r < rows; r++) {
        x += ld;
        for (int v = 0; v < nv; v++) acc[v] = join(kind, acc[v], lanes == VL ? v_load(x + v * VL) : v_load_n(x, lanes));
    }
    for (int l = 0; l < levels; l++)
        for (int v = 0; v < nv; v++) acc[v] = join(kind, v_load(stack + l * PANEL + v * VL), acc[v]);
    for (int v = 0; v < nv; v++)
        if (lanes == VL)
            v_store(out + v * VL, acc[v]);
        else
            v_store_n(out, acc[v], lanes);
}
/* stack: LEVELS × PANEL floats */
INLINE void rows_into(int kind, const float *x, int64_t ld, int64_t rows, int64_t w, float *out, float *stack) {
    int64_t blocks = fk_ceil_div(rows, REDUCE_ROWS);
    for (int64_t b = 0; b < blocks; b++, x += REDUCE_ROWS * ld) {
        int64_t n = fk_min(REDUCE_ROWS, rows - b * REDUCE_ROWS), c = 0;
        int levels = __builtin_ctzll(~(uint64_t)b);
        float *to = blocks == 1 ? out : stack + levels * PANEL;
        for (; c + 8 * VL <= w; c += 8 * VL) block(kind, 8, VL, x + c, ld, n, levels, stack + c, to + c);
        if (c + 4 * VL <= w) block(kind, 4, VL, x + c, ld, n, levels, stack + c, to + c), c += 4 * VL;
        if (c + 2 * VL <= w) block(kind, 2, VL, x + c, ld, n, levels, stack + c, to + c), c += 2 * VL;
        if (c + VL <= w) block(kind, 1, VL, x + c, ld, n, levels, stack + c, to + c), c += VL;
        if (c < w) block(kind, 1, w - c, x + c, ld, n, levels, stack + c, to + c);
    }
    if (blocks == 1) return;
    for (int64_t c = 0; c < w; c += VL) {
        uint64_t left = (uint64_t)blocks;
        vf acc = v_load(stack + __builtin_ctzll(left) * PANEL + c);
        while (left &= left - 1) acc = join(kind, v_load(stack + __builtin_ctzll(left) * PANEL + c), acc);
        if (c + VL <= w)
            v_store(out + c, acc);
        else
            v_store_n(out + c, acc, w - c);
    }
}

INLINE float fold_lanes(int kind, vf v) {
    return kind == FK_SUM ? v_sum(v) : kind == FK_MAX ? v_largest(v) : kind == FK_MIN ? v_smallest(v) : v_prod(v);
}
/* a contiguous row of 1 to SHORT floats */
enum { SHORT = 64 * VL };
INLINE float short_row(int kind, const float *x, int64_t n) {
    vf none = v_set1(identity(kind)), acc = n >= VL ? v_load(x) : v_load_fill(x, n, none);
    int64_t k = VL;
    if (n >= 4 * VL) {
        vf b = v_load(x + VL), c = v_load(x + 2 * VL), d = v_load(x + 3 * VL);
        for (k = 4 * VL; k + 4 * VL <= n; k += 4 * VL) {
            acc = join(kind, acc, v_load(x + k));
            b = join(kind, b, v_load(x + k + VL));
            c = join(kind, c, v_load(x + k + 2 * VL));
            d = join(kind, d, v_load(x + k + 3 * VL));
        }
        acc = join(kind, join(kind, acc, b), join(kind, c, d));
    }
    for (; k + VL <= n; k += VL) acc = join(kind, acc, v_load(x + k));
    if (k < n) acc = join(kind, acc, v_load_fill(x + k, n - k, none));
    return fold_lanes(kind, acc);
}

/* groups of n floats, n apart, into the first: halves first */
INLINE void fold(int kind, float *a, int64_t groups, int64_t n) {
    if (n == 1 && groups == VL) {
        *a = fold_lanes(kind, v_load(a));
        return;
    }
    while (groups > 1) {
        int64_t half = groups / 2, w = half * n, c = 0;
        const float *b = a + (groups - half) * n;
        for (; c + VL <= w; c += VL) v_store(a + c, join(kind, v_load(a + c), v_load(b + c)));
        for (; c < w; c++) a[c] = join1(kind, a[c], b[c]);
        groups -= half;
    }
}
/* x[r, inner] by its long rows */
INLINE void flat_into(int kind, const float *x, int64_t r, int64_t inner, int64_t period, int64_t lcm, float *y, float *stack) {
    float *acc = stack + LEVELS * PANEL;
    int64_t n = r * inner, full = n / period, rest = n - full * period, c = 0;
    rows_into(kind, x, period, full, period, acc, stack);
    x += full * period;
    for (; c + VL <= rest; c += VL) v_store(acc + c, join(kind, v_load(acc + c), v_load(x + c)));
    for (; c < rest; c++) acc[c] = join1(kind, acc[c], x[c]);
    fold(kind, acc, period / lcm, lcm);
    fold(kind, acc, lcm / inner, inner);
    memcpy(y, acc, 4 * (size_t)inner);
}
#endif
