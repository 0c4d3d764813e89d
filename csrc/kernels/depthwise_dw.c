/* Gradient of depthwise convolution for its weights: for every tap, the sum over images and pixels of x · dy. The rows of
 * dy are shared out into parts, each with a result of its own; a row is summed in registers, then added to the part. */
#include "depthwise.h"

#define INLINE static inline __attribute__((always_inline))

/* one row of dy against one row of x, for the output columns [p0, p1) */
typedef struct {
    const float *x, *dy; /* x at column 0 */
    int64_t xstep, ystep; /* from pixel to pixel */
    int64_t w, sw, dw, pl, p0, p1;
} pair_t;

/* the columns whose tap k is inside x */
static inline void valid(const pair_t *q, int64_t k, int64_t *lo, int64_t *hi) {
    int64_t before = q->pl - k * q->dw, after = q->w - 1 + before;
    *lo = before > 0 ? fk_max(q->p0, (before + q->sw - 1) / q->sw) : q->p0;
    *hi = after < 0 ? *lo : fk_max(*lo, fk_min(q->p1, after / q->sw + 1));
}

INLINE void span(const pair_t *q, vf *acc, int64_t lo, int64_t hi, int64_t k, int64_t c, int nt, int nv, int64_t n) {
    const float *x = q->x + (lo * q->sw - q->pl + k * q->dw) * q->xstep + c, *dy = q->dy + lo * q->ystep + c;
    for (int64_t p = lo; p < hi; p++, x += q->sw * q->xstep, dy += q->ystep) {
        vf d[2];
        for (int v = 0; v < nv; v++) d[v] = n < VL ? v_load_n(dy, n) : v_load(dy + v * VL);
        for (int t = 0; t < nt; t++) {
            const float *xt = x + t * q->dw * q->xstep;
            for (int v = 0; v < nv; v++) acc[t * nv + v] += (n < VL ? v_load_n(xt, n) : v_load(xt + v * VL)) * d[v];
        }
    }
}

/* nt taps from k on × nv vectors from channel c on: the columns that all taps have, then what each has besides */
INLINE void taps(const pair_t *q, float *dw, int64_t wstep, int64_t k, int64_t c, int nt, int nv, int64_t n) {
    vf acc[10];
    int64_t lo = q->p0, hi = q->p1, a, b;
    for (int i = 0; i < nt * nv; i++) acc[i] = (vf){0};
    for (int t = 0; t < nt; t++) {
        valid(q, k + t, &a, &b);
        lo = fk_max(lo, a);
        hi = fk_min(hi, b);
    }
    if (hi < lo) lo = hi = q->p0;
    span(q, acc, lo, hi, k, c, nt, nv, n);
    for (int t = 0; t < nt; t++) {
        valid(q, k + t, &a, &b);
        if (a < lo) span(q, acc + t * nv, a, fk_min(b, lo), k + t, c, 1, nv, n);
        if (b > hi) span(q, acc + t * nv, fk_max(a, hi), b, k + t, c, 1, nv, n);
        float *to = dw + (k + t) * wstep + c;
        for (int v = 0; v < nv; v++) {
            if (n < VL) v_store_n(to, v_load_n(to, n) + acc[t * nv + v], n);
            else v_store(to + v * VL, v_load(to + v * VL) + acc[t * nv + v]);
        }
    }
}

INLINE void all_taps(const pair_t *q, float *dw, int64_t wstep, int64_t nk, int64_t c, int nv, int64_t n) {
    int64_t k = 0;
    for (; k + 5 <= nk; k += 5) taps(q, dw, wstep, k, c, 5, nv, n);
    for (; k + 3 <= nk; k += 3) taps(q, dw, wstep, k, c, 3, nv, n);
    for (; k < nk; k++) taps(q, dw, wstep, k, c, 1, nv, n);
}
/* dw[nk, …] at wstep, c channels */
static void pair(const pair_t *q, float *dw, int64_t wstep, int64_t nk, int64_t c) {
    int64_t k = 0;
    for (; k + 2 * VL <= c; k += 2 * VL) all_taps(q, dw, wstep, nk, k, 2, VL);
    if (k + VL <= c) {
        all_taps(q, dw, wstep, nk, k, 1, VL);
        k += VL;
    }
    if (k < c) all_taps(q, dw, wstep, nk, k, 1, c - k);
}

/* a part has work worth its own result: multiply-adds, and many more rows than it costs to add it up */
FK_PARTS(depthwise_dw) {
    int64_t rows = a->n * a->oh, macs = rows * a->ow * a->c * a->mult * a->kh * a->kw;
    return fk_max(1, fk_min(fk_min(32, macs >> 19), fk_min(rows, rows * a->ow / 16)));
}
FK_CHUNKS(depthwise_dw) { return depthwise_dw_parts(a); }
FK_KERNEL(depthwise_dw) {
    int64_t c = a->c, mult = a->mult, cm = c * mult, xrow = a->w * c, rows = a->n * a->oh, lo, hi;
    axis_t av = axis_forward(a->h, a->kh, a->sh, a->dh, a->pt);
    piece_t piece = depthwise_piece(c, mult, a->ow, 1, a->kw, a->sw, a->dw);
    float *dw = (float *)call->ptr[2] + ith * a->kh * a->kw * cm, *scratch = (float *)call->scratch;
    fk_range(rows, 1, ith, nth, &lo, &hi);
    memset(dw, 0, (size_t)(a->kh * a->kw * cm) * 4);
    for (int64_t r = lo; r < hi; r++) {
        taps_t t = axis_taps(&av, r % a->oh);
        const float *dy = (const float *)call->ptr[1] + r * a->ow * cm;
        for (int64_t k = 0; k < t.n; k++) {
            const float *x = (const float *)call->ptr[0] + (r / a->oh * a->h + t.i + k * t.istep) * xrow;
            float *to = dw + (t.k + k) * a->kw * cm;
            if (mult == 1) {
                pair_t q = {x, dy, c, c, a->w, a->sw, a->dw, a->pl, 0, a->ow};
                pair(&q, to, c, a->kw, c);
                continue;
            }
            for (int64_t ch = 0; piece.channels && ch < c; ch += piece.channels)
                for (int64_t p = 0; p < a->ow; p += piece.columns) {
                    int64_t nc = fk_min(piece.channels, c - ch), p1 = fk_min(a->ow, p + piece.columns), nl = nc * mult;
                    int64_t i0 = fk_max(0, p * a->sw - a->pl);
                    int64_t n = fk_max(0, fk_min(a->w, (p1 - 1) * a->sw - a->pl + (a->kw - 1) * a->dw + 1) - i0);
                    FK(depthwise_repeat)(scratch, x + i0 * c + ch, n, c, nc, mult);
                    pair_t q = {scratch - i0 * nl, dy + ch * mult, nl, cm, a->w, a->sw, a->dw, a->pl, p, p1};
                    pair(&q, to + ch * mult, cm, a->kw, nl);
                }
            if (piece.channels) continue;
            for (int64_t j = 0; j < a->kw; j++) /* a kernel too wide for scratch */
                for (int64_t p = 0; p < a->ow; p++) {
                    int64_t i = p * a->sw - a->pl + j * a->dw;
                    for (int64_t l = 0; i >= 0 && i < a->w && l < cm; l++) to[j * cm + l] += x[i * c + l / mult] * dy[p * cm + l];
                }
        }
    }
}
