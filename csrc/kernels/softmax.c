/* softmax and log_softmax along rows, the largest element subtracted first. A row of NaN, with +inf, or of -inf alone
 * comes out NaN, as from NumPy. */
#include "vmath.h"

/* Groups of sums meet every SOFTMAX_BLOCK vectors, so that the error stays small over long rows. */
enum { SOFTMAX_LANES = 4, SOFTMAX_BLOCK = 64 * SOFTMAX_LANES * VL };

static float row_max(const float *x, int64_t n) {
    vf low = v_set1(-INFINITY), m[SOFTMAX_LANES] = {low, low, low, low};
    int64_t i = 0;
    for (; i + SOFTMAX_LANES * VL <= n; i += SOFTMAX_LANES * VL)
        for (int k = 0; k < SOFTMAX_LANES; k++) m[k] = v_max(m[k], v_load(x + i + k * VL));
    for (; i + VL <= n; i += VL) m[0] = v_max(m[0], v_load(x + i));
    if (i < n) m[0] = v_max(m[0], v_load_fill(x + i, n - i, low));
    return v_largest(v_max(v_max(m[0], m[1]), v_max(m[2], m[3])));
}

/* the sum of e^(x - top); keep: the terms go to y. Without: less 1, and what makes it more than 1 is not rounded beside it, so
 * that the share of a row's largest element is exact however near it is to 1. */
static inline __attribute__((always_inline)) vf exp_term(vf v, vf t, int keep, vf *tops) {
    vf e = v_exp(v - t);
    if (keep) return e;
    vi top = v == t;
    *tops += (vf)((vi)v_set1(1.0f) & top);
    return (vf)((vi)e & ~top);
}
static inline __attribute__((always_inline)) float exp_sum(const float *x, float *y, int64_t n, float top, int keep) {
    vf t = v_set1(top), total = {0}, tops = {0};
    for (int64_t lo = 0; lo < n; lo += SOFTMAX_BLOCK) {
        int64_t i = lo, hi = fk_min(n, lo + SOFTMAX_BLOCK);
        vf s[SOFTMAX_LANES] = {{0}};
        for (; i + SOFTMAX_LANES * VL <= hi; i += SOFTMAX_LANES * VL)
            for (int k = 0; k < SOFTMAX_LANES; k++) {
                vf e = exp_term(v_load(x + i + k * VL), t, keep, &tops);
                if (keep) v_store(y + i + k * VL, e);
                s[k] += e;
            }
        for (; i + VL <= hi; i += VL) {
            vf e = exp_term(v_load(x + i), t, keep, &tops);
            if (keep) v_store(y + i, e);
            s[0] += e;
        }
        if (i < hi) {
            vf e = exp_term(v_load_fill(x + i, hi - i, v_set1(-INFINITY)), t, keep, &tops);
            if (keep) v_store_n(y + i, e, hi - i);
            s[0] += (vf)((vi)e & v_first(hi - i));
        }
        total += (s[0] + s[1]) + (s[2] + s[3]);
    }
    return keep ? v_sum(total) : v_sum(total) + (v_sum(tops) - 1.0f) + (top - top); /* NaN where the top is no number */
}

/* The logarithm y of the share of x: where x is finite it is finite, though x - top be beyond all numbers, for a target of 0
 * times -inf would make a loss of NaN. */
static inline vf finite_kept(vf x, vf y) { return v_blend((y == -INFINITY) & (x > -INFINITY), v_set1(-3.40282347e38f), y); }

/* a row within one vector: what is missing reads as -inf, whose share is 0 */
static void softmax_short(const float *x, float *y, int64_t n) {
    vf v = v_load_fill(x, n, v_set1(-INFINITY)), e = v_exp(v - v_largest(v));
    v_store_n(y, e * (1.0f / v_sum(e)), n);
}
static void log_softmax_short(const float *x, float *y, int64_t n) {
    vf v = v_load_fill(x, n, v_set1(-INFINITY));
    vf top = v_set1(v_largest(v)), tops = {0}, rest = exp_term(v, top, 0, &tops);
    vf more = v_set1(v_sum(rest) + (v_sum(tops) - 1.0f)) + (top - top);
    v_store_n(y, finite_kept(v, v - top - v_log1p(more)), n);
}
static void softmax_row(const float *x, float *y, int64_t n) {
    float scale = 1.0f / exp_sum(x, y, n, row_max(x, n), 1);
    int64_t i = 0;
    for (; i + VL <= n; i += VL) v_store(y + i, v_load(y + i) * scale);
    if (i < n) v_store_n(y + i, v_load_n(y + i, n - i) * scale, n - i);
}
static void log_softmax_row(const float *x, float *y, int64_t n) {
    float top = row_max(x, n), log_total = v_log1p(v_set1(exp_sum(x, NULL, n, top, 0)))[0];
    int64_t i = 0;
    for (; i + VL <= n; i += VL) {
        vf v = v_load(x + i);
        v_store(y + i, finite_kept(v, v - top - log_total));
    }
    if (i < n) {
        vf v = v_load_n(x + i, n - i);
        v_store_n(y + i, finite_kept(v, v - top - log_total), n - i);
    }
}

#define ROW_KERNEL(op)                                                                              \
    FK_ONE_PART(op)                                                                                 \
    FK_CHUNKS(op) { return fk_max(1, fk_min(a->rows, fk_split(a->rows * a->n, 4096))); }            \
    FK_KERNEL(op) {                                                                                 \
        int64_t lo, hi;                                                                             \
        fk_range(a->rows, 1, ith, nth, &lo, &hi);                                                   \
        if (a->n == 0) return;                                                                      \
        const float *x = (const float *)call->ptr[0] + lo * a->n;                                   \
        float *y = (float *)call->ptr[1] + lo * a->n;                                               \
        if (a->n < VL)                                                                              \
            for (; lo < hi; lo++, x += a->n, y += a->n) op##_short(x, y, a->n);                     \
        else                                                                                        \
            for (; lo < hi; lo++, x += a->n, y += a->n) op##_row(x, y, a->n);                       \
    }
ROW_KERNEL(softmax)
ROW_KERNEL(log_softmax)
