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

/* c columns of x, ld apart → their running numbers in the first c lanes */
static void moments_block(state_t *s, const float *x, int64_t rows, int64_t ld, int64_t c) {
    set_shift(s, x, ld, rows, c);
    moments_lanes(s, x, ld, rows, c);
}

/* the same of c < NARROW columns: NARROW rows are one of NARROW · c lanes, then the lanes of a column are joined, then the rows
 * left over */
static void moments_narrow(state_t *s, const float *x, int64_t rows, int64_t c) {
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
        s->total[j] = total;
        s->m2[j] = q;
    }
}

/* parts: shares of rows of about 20 µs each, long enough that joining them costs nothing beside them */
static int64_t parts_of(int64_t rows, int64_t c) { return fk_max(1, fk_min(fk_split(rows * c, 1 << 16), rows / 32)); }
FK_PARTS(moments) { return parts_of(a->rows, a->c); }
FK_CHUNKS(moments) {
    return a->parts > 1 ? a->parts : fk_min(fk_split(a->rows * a->c, 1 << 16), fk_ceil_div(a->c, NORM_LANES));
}
FK_KERNEL(moments) {
    const int64_t *bounds = call->ptr[1], parts = a->parts, part = parts > 1 ? ith : 0;
    int64_t c = a->c, c0 = 0, c1 = c, rows = bounds[part + 1] - bounds[part];
    const float *x = (const float *)call->ptr[0] + bounds[part] * c;
    float *y = (float *)call->ptr[2] + part * 3 * c;
    state_t *s = (state_t *)call->scratch;
    if (parts == 1) fk_range(c, VL, ith, nth, &c0, &c1);
    if (rows == 0 && parts > 1) return; /* nobody reads it */
    for (int64_t j = c0, n; j < c1; j += n) {
        n = fk_min(NORM_LANES, c1 - j);
        if (rows == 0)
            for (int64_t k = 0; k < n; k++) s->shift[k] = s->total[k] = s->m2[k] = NAN;
        else if (c < NARROW)
            moments_narrow(s, x, rows, c);
        else
            moments_block(s, x + j, rows, c, n);
        for (int64_t k = 0; parts > 1 && k < n; k++) {
            y[j + k] = s->shift[k];
            y[c + j + k] = s->total[k];
            y[2 * c + j + k] = s->m2[k];
        }
        for (int64_t k = 0; parts == 1 && k < n; k++) {
            y[j + k] = s->shift[k] + s->total[k] / (float)rows;
            y[c + j + k] = s->m2[k] / (float)rows;
        }
    }
}

/* ---- the parts, in order */
FK_CHUNKS(moments_merge) { return fk_split(a->parts * a->c, 1 << 16); }
FK_ONE_PART(moments_merge)
FK_KERNEL(moments_merge) {
    const int64_t *bounds = call->ptr[1], c = a->c;
    const float *x = call->ptr[0];
    float *y = call->ptr[2];
    int64_t lo, hi;
    fk_range(c, VL, ith, nth, &lo, &hi);
    for (int64_t j = lo; j < hi; j += VL) {
        int64_t n = fk_min(VL, hi - j), have = 0;
        vf shift = {0}, total = {0}, m2 = {0};
        for (int64_t p = 0; p < a->parts; p++) {
            const int64_t rows = bounds[p + 1] - bounds[p];
            const float *at = x + p * 3 * c + j;
            if (rows == 0) continue;
            if (have == 0) shift = v_load_upto(at, n);
            float before = 1.0f / (float)fk_max(1, have), weight = (float)have * (float)rows / (float)(have + rows);
            /* two numbers near one mean: their difference is exact, as that of two means would not be */
            vf away = v_load_upto(at, n) - shift, sum = v_load_upto(at + c, n), d = away + sum / (float)rows - total * before;
            total += away * (float)rows + sum;
            m2 += v_load_upto(at + 2 * c, n) + d * (d * weight);
            have += rows;
        }
        vf mean = shift + total / (float)a->rows;
        v_store_upto(y + j, mean, n);
        v_store_upto(y + c + j, m2 / (float)a->rows, n);
    }
}
