/* Gradient of depthwise convolution for its weights: for every tap, the sum over images and pixels of x · dy. The rows
 * of dy are shared out into parts, each with its own result; a row is summed in registers, then added to the part. */
#include "depthwise.h"

#define INLINE static inline __attribute__((always_inline))

/* one row of dy against the rows of x that its taps read, for the output columns [p0, p1) */
typedef struct {
    const float *x, *dy; /* x at column 0 of the first row */
    int64_t rows, xrow; /* rows of x, and floats from one to the next */
    int64_t xstep, ystep; /* from pixel to pixel */
    int64_t w, sw, dw, pl, p0, p1;
} pair_t;

/* the columns whose tap k is inside x */
static inline void valid(const pair_t *q, int64_t k, int64_t *lo, int64_t *hi) {
    int64_t before = q->pl - k * q->dw, after = q->w - 1 + before;
    *lo = before > 0 ? fk_max(q->p0, (before + q->sw - 1) / q->sw) : q->p0;
    *hi = after < 0 ? *lo : fk_max(*lo, fk_min(q->p1, after / q->sw + 1));
}

/* sums of nr rows × nt taps × nv vectors, the last (and only) of n <= VL elements, over the columns [lo, hi) */
INLINE void span(const pair_t *q, vf *sums, int64_t row, int64_t lo, int64_t hi, int64_t k, int64_t c, int nr, int nt, int nv,
                 int64_t n) {
    const float *x = q->x + row * q->xrow + (lo * q->sw - q->pl + k * q->dw) * q->xstep + c;
    const float *dy = q->dy + lo * q->ystep + c;
    int64_t p = lo, xnext = q->sw * q->xstep, xtap = q->dw * q->xstep, ynext = q->ystep;
    vf acc[10]; /* of its own, for the compiler to keep in registers */
    UNROLL_FOR (int i = 0; i < nr * nt * nv; i++) acc[i] = sums[i];
    /* four pixels share what they load of x */
    for (; nt > 1 && xnext == xtap && p + 4 <= hi; p += 4, x += 4 * xnext, dy += 4 * ynext) {
        vf d[4][2];
        UNROLL_FOR (int i = 0; i < 4; i++)
            UNROLL_FOR (int v = 0; v < nv; v++) d[i][v] = v_load_upto(dy + i * ynext + v * VL, n);
        UNROLL_FOR (int r = 0; r < nr; r++)
            UNROLL_FOR (int i = 0; i < nt + 3; i++)
                UNROLL_FOR (int v = 0; v < nv; v++) {
                    const float *from = x + r * q->xrow + i * xnext;
                    vf in = v_keep(v_load_upto(from + v * VL, n));
                    UNROLL_FOR (int t = 0; t < nt; t++)
                        if (i - t >= 0 && i - t < 4) acc[(r * nt + t) * nv + v] += in * d[i - t][v];
                }
    }
    for (; p < hi; p++, x += xnext, dy += ynext) {
        vf d[2];
        UNROLL_FOR (int v = 0; v < nv; v++) d[v] = v_load_upto(dy + v * VL, n);
        UNROLL_FOR (int r = 0; r < nr; r++)
            UNROLL_FOR (int t = 0; t < nt; t++)
                UNROLL_FOR (int v = 0; v < nv; v++) {
                    const float *from = x + r * q->xrow + t * xtap;
                    acc[(r * nt + t) * nv + v] += v_load_upto(from + v * VL, n) * d[v];
                }
    }
    UNROLL_FOR (int i = 0; i < nr * nt * nv; i++) sums[i] = acc[i];
}

/* nr rows from `row` on × nt taps from k on × nv vectors from channel c on: the columns that all taps have, then what
 * each has besides */
INLINE void taps(const pair_t *q, float *dw, int64_t wstep, int64_t wrow, int64_t row, int64_t k, int64_t c, int nr, int nt,
                 int nv, int64_t n) {
    vf acc[10];
    int64_t lo = q->p0, hi = q->p1, a, b;
    UNROLL_FOR (int i = 0; i < nr * nt * nv; i++) acc[i] = (vf){0};
    UNROLL_FOR (int t = 0; t < nt; t++) {
        valid(q, k + t, &a, &b);
        lo = fk_max(lo, a);
        hi = fk_min(hi, b);
    }
    if (hi < lo) lo = hi = q->p0;
    span(q, acc, row, lo, hi, k, c, nr, nt, nv, n);
    UNROLL_FOR (int t = 0; t < nt; t++) {
        valid(q, k + t, &a, &b);
        UNROLL_FOR (int r = 0; r < nr; r++) {
            vf *sum = acc + (r * nt + t) * nv;
            if (a < lo) span(q, sum, row + r, a, fk_min(b, lo), k + t, c, 1, 1, nv, n);
            if (b > hi) span(q, sum, row + r, fk_max(a, hi), b, k + t, c, 1, 1, nv, n);
            float *to = dw + (row + r) * wrow + (k + t) * wstep + c;
            UNROLL_FOR (int v = 0; v < nv; v++) v_store_upto(to + v * VL, v_load_upto(to + v * VL, n) + sum[v], n);
        }
    }
}

INLINE void all_taps(const pair_t *q, float *dw, int64_t wstep, int64_t wrow, int64_t nk, int64_t c, int nv, int64_t n) {
    for (int64_t r = 0; r < q->rows; r++) {
        int64_t k = 0;
        for (; k + 5 <= nk; k += 5) taps(q, dw, wstep, wrow, r, k, c, 1, 5, nv, n);
        for (; k + 3 <= nk; k += 3) taps(q, dw, wstep, wrow, r, k, c, 1, 3, nv, n);
        for (; k < nk; k++) taps(q, dw, wstep, wrow, r, k, c, 1, 1, nv, n);
    }
}
/* dw[rows, nk, …] at wrow and wstep, c channels */
static void pair(const pair_t *q, float *dw, int64_t wstep, int64_t wrow, int64_t nk, int64_t c) {
    int64_t k = 0;
    /* the usual kernel: all nine sums at once, but where half lines of many pixels would fall into one cache set */
    if (q->rows == 3 && nk == 3 && (VL == 16 || q->xstep % 64)) {
        for (; k + VL <= c; k += VL) taps(q, dw, wstep, wrow, 0, 0, k, 3, 3, 1, VL);
        if (k < c) taps(q, dw, wstep, wrow, 0, 0, k, 3, 3, 1, c - k);
        return;
    }
    for (; k + 2 * VL <= c; k += 2 * VL) all_taps(q, dw, wstep, wrow, nk, k, 2, VL);
    if (k + VL <= c) {
        all_taps(q, dw, wstep, wrow, nk, k, 1, VL);
        k += VL;
    }
    if (k < c) all_taps(q, dw, wstep, wrow, nk, k, 1, c - k);
}

/* one row of x against one of dy when every channel of x has several: x is repeated, piece by piece */
static void row_mult(const fk_attr_depthwise_dw *a, float *dw, const float *x, const float *dy, float *scratch) {
    int64_t c = a->c, cm = c * a->mult;
    piece_t piece = depthwise_piece(c, a->mult, a->ow, 1, a->kw, a->sw, a->dw);
    for (int64_t k = 0; piece.channels && k < c; k += piece.channels)
        for (int64_t p = 0; p < a->ow; p += piece.columns) {
            int64_t nc = fk_min(piece.channels, c - k), p1 = fk_min(a->ow, p + piece.columns), nl = nc * a->mult;
            int64_t i0 = fk_max(0, p * a->sw - a->pl);
            int64_t n = fk_max(0, fk_min(a->w, (p1 - 1) * a->sw - a->pl + (a->kw - 1) * a->dw + 1) - i0);
            FK(depthwise_repeat)(scratch, x + i0 * c + k, n, c, nc, a->mult);
            pair_t q = {scratch - i0 * nl, dy + k * a->mult, 1, 0, nl, cm, a->w, a->sw, a->dw, a->pl, p, p1};
            pair(&q, dw + k * a->mult, cm, 0, a->kw, nl);
        }
    if (piece.channels) return;
    for (int64_t j = 0; j < a->kw; j++) /* a kernel too wide for scratch */
        for (int64_t p = 0; p < a->ow; p++) {
            int64_t i = p * a->sw - a->pl + j * a->dw;
            for (int64_t l = 0; i >= 0 && i < a->w && l < cm; l++) dw[j * cm + l] += x[i * c + l / a->mult] * dy[p * cm + l];
        }
}

/* a part has work worth its own result: multiply-adds, and many more rows than it costs to add it up */
FK_PARTS(depthwise_dw) {
    int64_t rows = a->n * a->oh, macs = rows * a->ow * a->c * a->mult * a->kh * a->kw;
    return fk_max(1, fk_min(fk_min(32, macs >> 19), fk_min(rows, rows * a->ow / 16)));
}
FK_CHUNKS(depthwise_dw) { return depthwise_dw_parts(a); }
FK_KERNEL(depthwise_dw) {
    int64_t c = a->c, mult = a->mult, cm = c * mult, xrow = a->w * c, lo, hi;
    int64_t width = mult == 1 ? depthwise_channels(c, a->kh * a->kw, 0) : c;
    axis_t av = axis_forward(a->h, a->kh, a->sh, a->dh, a->pt);
    float *dw = (float *)call->ptr[2] + ith * a->kh * a->kw * cm;
    fk_range(a->n * a->oh, 1, ith, nth, &lo, &hi);
    memset(dw, 0, (size_t)(a->kh * a->kw * cm) * 4);
    for (int64_t k = 0; k < c; k += width)
        for (int64_t r = lo; r < hi; r++) {
            taps_t t = axis_taps(&av, r % a->oh);
            const float *dy = (const float *)call->ptr[1] + r * a->ow * cm + k;
            const float *x = (const float *)call->ptr[0] + (r / a->oh * a->h + t.i) * xrow + k;
            float *to = dw + t.k * a->kw * cm + k;
            if (mult == 1) {
                pair_t q = {x, dy, t.n, t.istep * xrow, c, c, a->w, a->sw, a->dw, a->pl, 0, a->ow};
                pair(&q, to, c, a->kw * c, a->kw, fk_min(width, c - k));
            } else {
                for (int64_t i = 0; i < t.n; i++)
                    row_mult(a, to + i * a->kw * cm, x + i * t.istep * xrow, dy, (float *)call->scratch);
            }
        }
}
