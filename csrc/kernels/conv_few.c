/* See conv_few.h. Some output pixels of a row × two vectors of output channels are made in registers; the order of an
 * element's sum is that of gemm_block. */
#include "conv_few.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL_FOR _Pragma("GCC unroll 16") for

/* R pixels × V vectors, of which the last may be cut: n channels from `channel` on. e: the ending, or NULL */
INLINE void make(const few_windows *w, const float *x, const float *b, float *c, const fk_ending *e, int64_t channel, int64_t n,
                 const int R, const int V) {
    vf acc[MR][2];
    UNROLL_FOR (int r = 0; r < R; r++)
        UNROLL_FOR (int v = 0; v < V; v++) {
            acc[r][v] = (vf){0};
            for (int l = 0; l < VL; l += LINE) __builtin_prefetch(c + (r + R) * w->oc + v * VL + l, 1);
        }
    const int64_t step = w->step;
    for (int64_t i = 0; i < w->rows; i++) {
        const float *row = x + w->at[i], *s[] = {row, row + 4 * step, row + 8 * step}; /* few registers for many addresses */
        for (int64_t p = w->run; p > 0; p--, b += NR) {
            vf f[2];
            UNROLL_FOR (int v = 0; v < V; v++) f[v] = v_load(b + v * VL);
            UNROLL_FOR (int r = 0; r < R; r++) {
                const vf e = v_set1(s[r / 4][r % 4 * step]);
                UNROLL_FOR (int v = 0; v < V; v++) acc[r][v] = v_fma(e, f[v], acc[r][v]);
            }
            UNROLL_FOR (int q = 0; q < 3; q++) s[q]++;
        }
    }
    if (e)
        UNROLL_FOR (int v = 0; v < V; v++) fk_end(e, acc[0] + v, 2, R, R, c + v * VL, w->oc, channel + v * VL, n - v * VL);
    UNROLL_FOR (int r = 0; r < R; r++)
        UNROLL_FOR (int v = 0; v < V; v++) v_store_upto(c + r * w->oc + v * VL, acc[r][v], n - v * VL);
}

typedef void (*micro)(const few_windows *w, const float *x, const float *b, float *c, const fk_ending *e, int64_t channel,
                      int64_t n);
#define EACH_ROW(X, V) X(1, V) X(2, V) X(3, V) X(4, V) X(5, V) X(6, V)
#if MR == 12
#define EACH(X, V) EACH_ROW(X, V) X(7, V) X(8, V) X(9, V) X(10, V) X(11, V) X(12, V)
#else
#define EACH(X, V) EACH_ROW(X, V)
#endif
#define DEFINE(R, V)                                                                                            \
    static void few_##R##x##V(const few_windows *w, const float *x, const float *b, float *c, const fk_ending *e, \
                              int64_t channel, int64_t n) {                                                     \
        make(w, x, b, c, e, channel, n, R, V);                                                                  \
    }
#define NAME(R, V) [R] = few_##R##x##V,
/* clang-format off */
EACH(DEFINE, 1) EACH(DEFINE, 2)
static const micro kernels[2][MR + 1] = {{EACH(NAME, 1)}, {EACH(NAME, 2)}}; /* by vectors - 1, pixels */
/* clang-format on */

static void pixels(const few_windows *w, const float *b, int64_t k, int64_t count, int64_t oc, float *c, const fk_ending *e) {
    const int64_t strips = fk_ceil_div(count, MR);
    for (int64_t j = 0; j < oc; j += NR, b += k * NR)
        for (int64_t s = 0; s < strips; s++) { /* equal ones, as in gemm_block */
            const int64_t lo = count * s / strips, rows = count * (s + 1) / strips - lo, n = fk_min(NR, oc - j);
            kernels[n > VL][rows](w, w->x + lo * w->step, b, c + lo * oc + j, e, j, n);
        }
}

/* pixels [from, from + count) of a row of x, zeros outside it; x: NULL for a row outside the image */
static void padded_row(const float *x, int64_t w, int64_t c, int64_t from, int64_t count, float *d) {
    const int64_t lo = fk_max(0, -from), hi = fk_max(lo, fk_min(count, w - from));
    if (!x || lo >= count) {
        gemm_zero(d, count * c);
        return;
    }
    gemm_zero(d, lo * c);
    gemm_copy(d + lo * c, x + (from + lo) * c, (hi - lo) * c);
    gemm_zero(d + hi * c, (count - hi) * c);
}

void FK(few_at)(few_windows *w, const fk_conv *a, const float *x, int64_t r, int64_t j, int64_t count, float *copy) {
    const int64_t width = (count - 1) * a->sw + a->kw, column = j * a->sw - a->pl, line = a->w * a->c;
    const int64_t row = r % a->oh * a->sh - a->pt, last = row + (a->kh - 1) * a->dh;
    const int64_t slice = r / a->oh % a->od * a->sd - a->pf, deepest = slice + (a->kd - 1) * a->dd;
    const float *image = x + r / a->oh / a->od * a->d * a->h * line;
    const int inside = slice >= 0 && deepest < a->d && row >= 0 && last < a->h && column >= 0 && column + width <= a->w;
    const int64_t pitch = gemm_lines(width * a->c);
    w->x = inside ? image + (slice * a->h + row) * line + column * a->c : copy;
    for (int64_t z = 0, k = 0; z < a->kd; z++)
        for (int64_t y = 0; y < a->kh; y++, k++) {
            w->at[k] = inside ? (z * a->dd * a->h + y * a->dh) * line : k * pitch;
            if (inside) continue;
            const int64_t q = slice + z * a->dd, p = row + y * a->dh;
            const int known = q >= 0 && q < a->d && p >= 0 && p < a->h;
            padded_row(known ? image + (q * a->h + p) * line : NULL, a->w, a->c, column, width, copy + k * pitch);
        }
}

FK_CHUNKS(conv_few) {
    const int64_t rows = a->n * a->od * a->oh, taps = a->kd * a->kh * a->kw;
    const int64_t work = rows * a->ow * taps * a->c * gemm_panels(a->oc) * NR;
    return fk_max(1, fk_min(fk_min(gemm_chunks((double)work, 64), rows), work / (GEMM_GRAIN / 2)));
}

FK_PARTS(conv_few) { return conv_is_few(&a->conv); }
FK_ROWS(conv_few) {
    int64_t lo, hi;
    fk_range(a->n * a->od * a->oh, 1, chunk, conv_few_chunks(a), &lo, &hi);
    return lo * a->ow;
}

FK_KERNEL(conv_few) {
    const float *x = call->ptr[0], *b = call->ptr[1];
    float *y = call->ptr[2], *copy = (float *)call->scratch;
    few_windows w = FEW_WINDOWS(a);
    fk_ending e;
    const fk_ending *ending = fk_ending_of(call, y, a->oc, &e);
    int64_t lo, hi;
    fk_range(a->n * a->od * a->oh, 1, ith, nth, &lo, &hi);
    int64_t done = lo * a->ow * a->oc, end = done;
    for (int64_t r = lo; r < hi; r++)
        for (int64_t j = 0; j < a->ow; j += BLOCKS.few_pixels) {
            const int64_t count = fk_min(BLOCKS.few_pixels, a->ow - j);
            FK(few_at)(&w, &a->conv, x, r, j, count, copy);
            pixels(&w, b, w.rows * w.run, count, a->oc, y + (r * a->ow + j) * a->oc, ending);
            end += count * a->oc;
            if (end - done >= 8 * FK_TILE && !ending) {
                fk_epilogue(call, done, end - done);
                done = end;
            }
        }
    if (end > done && !ending) fk_epilogue(call, done, end - done);
}

_Static_assert(FEW_COPY * 4 <= FK_KERNEL_SCRATCH, "the rows under some pixels fit the scratch");
