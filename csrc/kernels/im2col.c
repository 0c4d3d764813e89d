/* See im2col.h. Pixels of one stretch are innermost: all their runs have the same length, and most need no check. */
#include "im2col.h"

void FK(im2col_begin)(windows *v, int64_t r, int64_t m) {
    v->stretches = 0;
    if (m <= 0) return;
    int64_t j = r % v->ow, i = r / v->ow % v->oh, q = r / v->ow / v->oh, n = q / v->od;
    q -= n * v->od;
    while (m > 0) {
        const int64_t id = q * v->sd - v->pf, ih = i * v->sh - v->pt, iw = j * v->sw - v->pl;
        const int64_t count = fk_min(m, v->ow - j);
        v->list[v->stretches++] = (stretch){(((n * v->d + id) * v->h + ih) * v->w + iw) * v->c, id, ih, iw, count};
        m -= count;
        j = 0;
        if (++i < v->oh) continue;
        i = 0;
        if (++q == v->od) q = 0, n++;
    }
}

/* element of x under the last row of taps of output pixel r */
static int64_t last_row(const windows *v, int64_t r) {
    const int64_t j = r % v->ow, i = r / v->ow % v->oh, q = r / v->ow / v->oh % v->od, n = r / v->ow / v->oh / v->od;
    const int64_t id = fk_min(v->d - 1, fk_max(0, q * v->sd - v->pf + (v->kd - 1) * v->dd));
    const int64_t ih = fk_min(v->h - 1, fk_max(0, i * v->sh - v->pt + (v->kh - 1) * v->dh));
    const int64_t iw = fk_max(0, j * v->sw - v->pl);
    return (((n * v->d + id) * v->h + ih) * v->w + iw) * v->c;
}
void FK(im2col_upcoming)(const windows *v, int64_t r, int64_t m, gemm_fetch *f) {
    const int64_t from = last_row(v, r), to = last_row(v, r + m - 1) + v->c;
    *f = fetch_run(v->x + from, fk_min(to - from, 1 << 16) / LINE, f->next);
}

/* elements [lo, hi) of one row of the window of pixel iw, at s, across a border of the image */
static void cut_row(const windows *v, int64_t iw, const float *s, int64_t lo, int64_t hi, float *d) {
    const int64_t l = fk_min(hi, fk_max(lo, -iw * v->c)), u = fk_max(l, fk_min(hi, (v->w - iw) * v->c));
    gemm_zero(d, l - lo);
    gemm_copy(d + l - lo, s + l, u - l);
    gemm_zero(d + u - lo, hi - u);
}

/* elements [lo, hi) of each of m pixels; s and d: of the first */
static void copy_runs(const float *s, int64_t pitch, int64_t m, int64_t n, float *d, int64_t stride) {
    if (n < VL)
        for (; m > 0; m--, s += pitch, d += stride) gemm_copy(d, s, n);
    else if (n <= 2 * VL)
        for (; m > 0; m--, s += pitch, d += stride) {
            v_store(d, v_load(s));
            v_store(d + n - VL, v_load(s + n - VL));
        }
    else
        for (; m > 0; m--, s += pitch, d += stride) gemm_copy(d, s, n);
}

/* one tap, or taps of one row of the window, side by side in memory: `width` pixels, elements [lo, hi) of them */
static float *one_run(const windows *v, const stretch *t, int64_t deep, int64_t down, int64_t right, int64_t width, int64_t lo,
                      int64_t hi, float *d, int64_t stride) {
    const int64_t iw = t->iw + right, pitch = v->sw * v->c;
    if ((uint64_t)(t->ih + down) >= (uint64_t)v->h || (uint64_t)(t->id + deep) >= (uint64_t)v->d) {
        for (int64_t q = 0; q < t->count; q++) gemm_zero(d + q * stride, hi - lo);
        return d + t->count * stride;
    }
    /* pixels [first, last) have the whole run inside the image */
    const int64_t first = fk_min(t->count, iw >= 0 ? 0 : fk_ceil_div(-iw, v->sw)), room = v->w - width - iw;
    const int64_t last = fk_max(first, room < 0 ? 0 : fk_min(t->count, room / v->sw + 1));
    const float *s = v->x + t->at + ((deep * v->h + down) * v->w + right) * v->c;
    for (int64_t q = 0; q < first; q++, d += stride) cut_row(v, iw + q * v->sw, s + q * pitch, lo, hi, d);
    copy_runs(s + first * pitch + lo, pitch, last - first, hi - lo, d, stride);
    d += (last - first) * stride;
    for (int64_t q = last; q < t->count; q++, d += stride) cut_row(v, iw + q * v->sw, s + q * pitch, lo, hi, d);
    return d;
}

void FK(im2col)(const windows *v, int64_t p, int64_t k, float *d, int64_t stride) {
    if (k <= 0) return;
    const int dense = v->run == v->c && (v->dw == 1 || v->kw == 1);
    const int64_t width = dense ? v->kw : 1, run = width * v->run, across = v->kw / width;
    for (int64_t t = p / run; t * run < p + k; t++) {
        const int64_t lo = fk_max(p - t * run, 0), hi = fk_min(p + k - t * run, run);
        const int64_t row = t / across, deep = row / v->kh * v->dd, down = row % v->kh * v->dh, right = t % across * v->dw;
        float *e = d + t * run + lo - p;
        for (int64_t i = 0; i < v->stretches; i++) e = one_run(v, &v->list[i], deep, down, right, width, lo, hi, e, stride);
    }
}
