/* See im2col.h. The loops over rows are innermost, so that a run has the same length many times in turn. */
#include "im2col.h"

void FK(im2col_begin)(windows *v, int64_t r, int64_t m) {
    if (m <= 0) return;
    int64_t j = r % v->ow, i = r / v->ow % v->oh, n = r / v->ow / v->oh;
    for (int64_t q = 0; q < m; q++) {
        const int64_t ih = i * v->sh - v->pt, iw = j * v->sw - v->pl;
        v->at[q] = (window){((n * v->h + ih) * v->w + iw) * v->c, ih, iw};
        if (++j == v->ow) {
            j = 0;
            if (++i == v->oh) i = 0, n++;
        }
    }
}

/* element of x under the last row of taps of output pixel r */
static int64_t last_row(const windows *v, int64_t r) {
    const int64_t j = r % v->ow, i = r / v->ow % v->oh, n = r / v->ow / v->oh;
    const int64_t ih = fk_min(v->h - 1, fk_max(0, i * v->sh - v->pt + (v->kh - 1) * v->dh));
    const int64_t iw = fk_max(0, j * v->sw - v->pl);
    return ((n * v->h + ih) * v->w + iw) * v->c;
}
void FK(im2col_upcoming)(const windows *v, int64_t r, int64_t m, gemm_fetch *f) {
    const int64_t from = last_row(v, r), to = last_row(v, r + m - 1) + v->c;
    *f = (gemm_fetch){v->x + from, 16, 16, 256, fk_min(to - from, 1 << 16) / 16, f->next};
}

/* elements [lo, hi) of one row of the window at s, across a border of the image */
static __attribute__((noinline)) void cut_row(const windows *v, const window *at, const float *s, int64_t lo,
                                              int64_t hi, float *d) {
    const int64_t l = fk_min(hi, fk_max(lo, -at->iw * v->c)), u = fk_max(l, fk_min(hi, (v->w - at->iw) * v->c));
    gemm_zero(d, l - lo);
    gemm_copy(d + l - lo, s + l, u - l);
    gemm_zero(d + u - lo, hi - u);
}

/* taps of one row of the window that lie side by side in memory */
static void whole_rows(const windows *v, int64_t m, int64_t tap, int64_t lo, int64_t hi, float *d, int64_t stride) {
    const int64_t down = tap * v->dh, last = v->w - v->kw, h = v->h;
    const float *x = v->x + down * v->w * v->c;
    for (const window *at = v->at, *end = at + m; at < end; at++, d += stride) {
        if ((uint64_t)(at->ih + down) >= (uint64_t)h)
            gemm_zero(d, hi - lo);
        else if (at->iw < 0 || at->iw > last)
            cut_row(v, at, x + at->at, lo, hi, d);
        else
            gemm_copy(d, x + at->at + lo, hi - lo);
    }
}

/* elements [lo, hi) of one tap */
static void one_tap(const windows *v, int64_t m, int64_t tap, int64_t lo, int64_t hi, float *d, int64_t stride) {
    const int64_t down = tap / v->kw * v->dh, right = tap % v->kw * v->dw, offset = (down * v->w + right) * v->c + lo;
    for (int64_t q = 0; q < m; q++, d += stride) {
        const window *at = &v->at[q];
        if ((uint64_t)(at->ih + down) >= (uint64_t)v->h || (uint64_t)(at->iw + right) >= (uint64_t)v->w)
            gemm_zero(d, hi - lo);
        else
            gemm_copy(d, v->x + at->at + offset, hi - lo);
    }
}

void FK(im2col)(const windows *v, int64_t m, int64_t p, int64_t k, float *d, int64_t stride) {
    if (k <= 0) return;
    const int dense = v->run == v->c && (v->dw == 1 || v->kw == 1);
    const int64_t run = dense ? v->kw * v->run : v->run;
    for (int64_t t = p / run; t * run < p + k; t++) {
        const int64_t lo = fk_max(p - t * run, 0), hi = fk_min(p + k - t * run, run);
        (dense ? whole_rows : one_tap)(v, m, t, lo, hi, d + t * run + lo - p, stride);
    }
}
