/* Mean and variance of columns. No value is squared before a number near the columns' mean is taken from it, so a mean
 * far larger than the spread costs no accuracy; blocks of rows are joined as in Chan, Golub, LeVeque (1979). */
#include "vec.h"

#define NORM_LANES 1024 /* columns at a time: their running numbers stay in the L1 cache */
#define NORM_BLOCK 128  /* rows summed before they are joined */
#define NARROW 16  /* fewer columns than this: several rows are taken as one wide row */

/* running numbers of up to NORM_LANES lanes, in scratch: the shift, and about it the sums of a block, the sum of all blocks,
 * and the joined squared distances from the mean */
typedef struct {
    float shift[NORM_LANES], sum[NORM_LANES], square[NORM_LANES], total[NORM_LANES], m2[NORM_LANES];
} state_t;

#define INLINE static inline __attribute__((always_inline))

/* add nr rows of n lanes, ld apart, to the sums of the block; those that come behind them are fetched */
INLINE void add_rows(state_t *s, const float *x, int64_t ld, int64_t n, int nr) {
    for (int64_t k = 0; k < n; k += VL) {
        vf shift = v_load(s->shift + k), sum = v_load(s->sum + k), square = v_load(s->square + k);
        for (int r = 0; r < nr; r++) {
            if (nr > 1) __builtin_prefetch(x + (r + nr) * ld + k);
            vf d = v_load_upto(x + r * ld + k, n - k) - shift;
            sum += d;
            square += d * d;
        }
        v_store(s->sum + k, sum);
        v_store(s->square + k, square);
    }
}
/* join a block of nb rows to the `have` before it, and clear the sums */
static void join(state_t *s, int64_t n, int64_t have, int64_t nb) {
    float inv = 1.0f / (float)nb, before = 1.0f / (float)fk_max(1, have);
    float weight = (float)have * (float)nb / (float)(have + nb);
    for (int64_t k = 0; k < n; k += VL) {
        vf sum = v_load(s->sum + k), total = v_load(s->total + k), block = sum * inv, d = block - total * before;
        vf m2 = v_load(s->square + k) - sum * block;
        m2 = v_blend(m2 < (vf){0}, (vf){0}, m2); /* rounding below zero; a NaN stays */
        v_store(s->total + k, total + sum);
        v_store(s->m2 + k, v_load(s->m2 + k) + m2 + d * (d * weight));
        v_store(s->sum + k, (vf){0});
        v_store(s->square + k, (vf){0});
    }
}

/* rows × n lanes, ld apart; about s->shift */
static void moments_lanes(state_t *s, const float *x, int64_t ld, int64_t rows, int64_t n) {
    size_t bytes = (size_t)fk_ceil_div(n, VL) * VL * 4;
    memset(s->sum, 0, bytes);
    memset(s->square, 0, bytes);
    memset(s->total, 0, bytes);
    memset(s->m2, 0, bytes);
    for (int64_t r = 0; r < rows; r += NORM_BLOCK) {
        int64_t nb = fk_min(NORM_BLOCK, rows - r), i = 0;
        for (; i + 8 <= nb; i += 8) add_rows(s, x + (r + i) * ld, ld, n, 8);
        for (; i < nb; i++) add_rows(s, x + (r + i) * ld, ld, n, 1);
        join(s, n, r, nb);
    }
}

/* s->shift: numbers near the means of n columns, those of their first rows; 0 where that is not finite */
static void set_shift(state_t *s, const float *x, int64_t ld, int64_t rows, int64_t n) {
    int64_t few = fk_min(rows, 16);
    for (int64_t k = 0; k < n; k += VL) {
        vf first = v_load_upto(x + k, n - k), sum = {0};
        for (int64_t r = 1; r < few; r++) sum += v_load_upto(x + r * ld + k, n - k) - first;
        sum = first + sum / (float)few;
        v_store(s->shift + k, v_blend(v_abs(sum) < v_set1(INFINITY), sum, (vf){0}));
    }
}

/* columns [c0, c0 + n) of x[rows, c] → mean and sum of squared distances */
static void moments_block(state_t *s, float *mean, float *m2, const float *x, int64_t rows, int64_t c, int64_t n) {
    set_shift(s, x, c, rows, n);
    moments_lanes(s, x, c, rows, n);
    for (int64_t j = 0; j < n; j++) {
        mean[j] = s->shift[j] + s->total[j] / (float)rows;
        m2[j] = s->m2[j];
    }
}

/* c < NARROW: NARROW rows as one of NARROW · c lanes, then the lanes of a column are joined, then the rows left over */
static void moments_narrow(state_t *s, float *mean, float *m2, const float *x, int64_t rows, int64_t c) {
    int64_t n = NARROW * c, wide = rows / NARROW, left = rows % NARROW;
    set_shift(s, x, c, rows, c);
    for (int64_t k = c; k < n; k++) s->shift[k] = s->shift[k - c];
    moments_lanes(s, x, n, wide, n);
    for (int64_t j = 0; j < c; j++) {
        float total = 0, q = 0, have = 0, count = (float)wide;
        for (int64_t k = j; k < n && wide; k += c) {
            float d = s->total[k] / count - total / fmaxf(have, 1.0f);
            total += s->total[k];
            q += s->m2[k] + d * (d * (have * count / (have + count)));
            have += count;
        }
        for (int64_t r = 0; r < left; r++) {
            float v = x[(wide * NARROW + r) * c + j] - s->shift[j], d = v - total / fmaxf(have, 1.0f);
            total += v;
            q += d * (d * (have / (have + 1.0f)));
            have += 1.0f;
        }
        mean[j] = s->shift[j] + total / have;
        m2[j] = q;
    }
}

/* parts: shares of rows of about 20 µs each, long enough that joining them costs nothing beside them */
static int64_t parts_of(int64_t rows, int64_t c) { return fk_max(1, fk_min(fk_split(rows * c, 1 << 16), rows / 32)); }
FK_PARTS(moments) { return parts_of(a->rows, a->c); }
FK_CHUNKS(moments) {
    int64_t parts = parts_of(a->rows, a->c);
    return parts > 1 ? parts : fk_min(fk_split(a->rows * a->c, 1 << 16), fk_ceil_div(a->c, NORM_LANES));
}
FK_KERNEL(moments) {
    int64_t parts = parts_of(a->rows, a->c), share = fk_ceil_div(a->rows, parts), c = a->c, c0 = 0, c1 = c;
    int64_t r0 = parts > 1 ? fk_min(a->rows, ith * share) : 0, rows = fk_min(share, a->rows - r0);
    const float *x = (const float *)call->ptr[0] + r0 * c;
    float *mean = (float *)call->ptr[1] + (parts > 1 ? ith * 2 * c : 0), *m2 = mean + c;
    state_t *s = (state_t *)call->scratch;
    if (parts == 1) fk_range(c, VL, ith, nth, &c0, &c1);
    if (rows == 0) {
        float none = parts > 1 ? 0.0f : NAN;
        for (int64_t j = c0; j < c1; j++) mean[j] = m2[j] = none;
        return;
    }
    if (c < NARROW)
        moments_narrow(s, mean, m2, x, rows, c);
    else
        for (int64_t j = c0; j < c1; j += NORM_LANES)
            moments_block(s, mean + j, m2 + j, x + j, rows, c, fk_min(NORM_LANES, c1 - j));
    if (parts == 1)
        for (int64_t j = c0; j < c1; j++) m2[j] /= (float)rows;
}

/* ---- the parts, in order */
FK_CHUNKS(moments_merge) { return fk_split(parts_of(a->rows, a->c) * a->c, 1 << 16); }
FK_ONE_PART(moments_merge)
FK_KERNEL(moments_merge) {
    int64_t parts = parts_of(a->rows, a->c), share = fk_ceil_div(a->rows, parts), c = a->c, lo, hi;
    const float *x = call->ptr[0];
    float *y = call->ptr[1];
    fk_range(c, VL, ith, nth, &lo, &hi);
    for (int64_t j = lo; j < hi; j += VL) {
        int64_t n = fk_min(VL, hi - j), have = 0;
        vf shift = v_load_upto(x + j, n), total = {0}, m2 = {0};
        shift = v_blend(v_abs(shift) < v_set1(INFINITY), shift, (vf){0});
        for (int64_t p = 0; p < parts; p++) {
            int64_t rows = fk_min(share, a->rows - have);
            if (rows <= 0) break;
            float before = 1.0f / (float)fk_max(1, have), weight = (float)have * (float)rows / (float)(have + rows);
            vf part = v_load_upto(x + p * 2 * c + j, n) - shift, d = part - total * before;
            total += part * (float)rows;
            m2 += v_load_upto(x + (p * 2 + 1) * c + j, n) + d * (d * weight);
            have += rows;
        }
        vf mean = shift + total / (float)a->rows;
        v_store_upto(y + j, mean, n);
        v_store_upto(y + c + j, m2 / (float)a->rows, n);
    }
}
