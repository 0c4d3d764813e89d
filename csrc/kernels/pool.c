/* Maxima and averages of windows, channels_last, and their gradients. Vectors run over the channels. */
#include "vec.h"

#define GRAIN (1 << 16) /* elements read per chunk: about 20 µs */
#define FLUSH 4096      /* elements that wait for the epilogue */

/* the elements [*lo, *hi) of one axis that window i covers */
static inline void window(int64_t i, int64_t stride, int64_t pad, int64_t k, int64_t size, int64_t *lo, int64_t *hi) {
    int64_t first = i * stride - pad;
    *lo = fk_max(0, first);
    *hi = fk_max(*lo, fk_min(size, first + k));
}
/* the windows [*lo, *hi) that touch the elements [first, last) of one axis */
static inline void touching(int64_t first, int64_t last, int64_t stride, int64_t pad, int64_t k, int64_t count,
                            int64_t *lo, int64_t *hi) {
    int64_t before = first + pad - k;
    *lo = before < 0 ? 0 : before / stride + 1;
    *hi = fk_max(*lo, fk_min(count, (last - 1 + pad) / stride + 1));
}

static inline vf load_some(const float *p, int64_t n) { return n < VL ? v_load_n(p, n) : v_load(p); }
static inline void store_some(float *p, vf v, int64_t n) {
    if (n < VL) v_store_n(p, v, n);
    else v_store(p, v);
}
#define INLINE static inline __attribute__((always_inline))

/* run STEP(vectors, elements of the last) over c channels: as many vectors at once as there are, up to four */
#define CHANNELS(c, STEP)                              \
    do {                                               \
        int64_t k = 0;                                 \
        for (; k + 4 * VL <= (c); k += 4 * VL) STEP(4, VL) \
        if (k + 2 * VL <= (c)) { STEP(2, VL) k += 2 * VL; } \
        if (k + VL <= (c)) { STEP(1, VL) k += VL; }    \
        if (k < (c)) STEP(1, (c) - k)                  \
    } while (0)

/* ---- forward */
INLINE void max_window(float *y, const float *x, int64_t nh, int64_t nw, int64_t row, int64_t c, int nv, int64_t n) {
    vf m[4];
    for (int v = 0; v < nv; v++) m[v] = nh && nw ? load_some(x + v * VL, n) : v_set1(-INFINITY);
    for (int64_t i = 0; i < nh; i++)
        for (int64_t j = i == 0; j < nw; j++)
            for (int v = 0; v < nv; v++) m[v] = v_max(load_some(x + i * row + j * c + v * VL, n), m[v]);
    for (int v = 0; v < nv; v++) store_some(y + v * VL, m[v], n);
}

/* a row of the window is summed first, then the rows: shorter chains round less */
INLINE void avg_window(float *y, const float *x, int64_t nh, int64_t nw, int64_t row, int64_t c, int nv, int64_t n) {
    vf sum[4] = {{0}, {0}, {0}, {0}};
    for (int64_t i = 0; i < nh; i++) {
        vf s[4] = {{0}, {0}, {0}, {0}};
        for (int64_t j = 0; j < nw; j++)
            for (int v = 0; v < nv; v++) s[v] += load_some(x + i * row + j * c + v * VL, n);
        for (int v = 0; v < nv; v++) sum[v] += s[v];
    }
    vf count = v_set1((float)fk_max(1, nh * nw));
    for (int v = 0; v < nv; v++) store_some(y + v * VL, sum[v] / count, n);
}

#define FORWARD(op, ONE)                                                                              \
    FK_CHUNKS(op) { return fk_split(a->n * a->oh, GRAIN / fk_max(1, a->ow * a->kh * a->kw * a->c)); } \
    FK_ONE_PART(op)                                                                                   \
    FK_KERNEL(op) {                                                                                   \
        const float *x = call->ptr[0];                                                                \
        float *y = call->ptr[1];                                                                      \
        int64_t c = a->c, row = a->w * c, orow = a->ow * c, lo, hi;                                   \
        fk_range(a->n * a->oh, 1, ith, nth, &lo, &hi);                                                \
        int64_t waiting = lo;                                                                         \
        for (int64_t r = lo; r < hi; r++) {                                                           \
            int64_t h0, h1, w0, w1;                                                                   \
            window(r % a->oh, a->sh, a->pt, a->kh, a->h, &h0, &h1);                                   \
            const float *xr = x + (r / a->oh * a->h + h0) * row;                                      \
            for (int64_t j = 0; j < a->ow; j++) {                                                     \
                window(j, a->sw, a->pl, a->kw, a->w, &w0, &w1);                                       \
                const float *xw = xr + w0 * c;                                                        \
                float *yw = y + r * orow + j * c;                                                     \
                CHANNELS(c, ONE);                                                                     \
            }                                                                                         \
            if ((r + 1 - waiting) * orow >= FLUSH || r + 1 == hi) {                                   \
                fk_epilogue(call, waiting * orow, (r + 1 - waiting) * orow);                          \
                waiting = r + 1;                                                                      \
            }                                                                                         \
        }                                                                                             \
    }
#define MAX_ONE(nv, n) max_window(yw + k, xw + k, h1 - h0, w1 - w0, row, c, nv, n);
#define AVG_ONE(nv, n) avg_window(yw + k, xw + k, h1 - h0, w1 - w0, row, c, nv, n);
FORWARD(max_pool, MAX_ONE)
FORWARD(avg_pool, AVG_ONE)

/* ---- gradient of the maximum. A chunk owns a band of dx's rows: it looks through all windows that touch the band, in
 * order, and adds to its own rows only, so that bands may meet in the middle of a window */
typedef struct {
    const float *x, *y, *dy;
    float *dx;
    int64_t own0, own1; /* the rows of the window that the band owns, from its first */
} grad_t;
INLINE void max_back(grad_t g, int64_t nh, int64_t nw, int64_t row, int64_t c, int nv, int64_t n) {
    vf y[4], dy[4];
    vi open[4]; /* lanes that have not met their maximum */
    for (int v = 0; v < nv; v++) {
        y[v] = load_some(g.y + v * VL, n);
        dy[v] = load_some(g.dy + v * VL, n);
        open[v] = vi_set1(-1);
    }
    for (int64_t i = 0; i < nh && i < g.own1; i++)
        for (int64_t j = 0; j < nw; j++)
            for (int v = 0; v < nv; v++) {
                int64_t at = i * row + j * c + v * VL;
                vf x = load_some(g.x + at, n);
                vi hit = ((x == y[v]) | (x != x)) & open[v];
                open[v] &= ~hit;
                if (i >= g.own0) store_some(g.dx + at, load_some(g.dx + at, n) + (vf)((vi)dy[v] & hit), n);
            }
}

FK_CHUNKS(max_pool_dx) {
    int64_t row = fk_max(1, a->ow * a->oh * a->kh * a->kw * a->c / fk_max(1, a->h));
    return fk_split(a->n * a->h, fk_max(a->kh, GRAIN / 3 / row));
}
FK_ONE_PART(max_pool_dx)
FK_KERNEL(max_pool_dx) {
    int64_t c = a->c, row = a->w * c, lo, hi;
    fk_range(a->n * a->h, 1, ith, nth, &lo, &hi);
    while (lo < hi) { /* one image at a time */
        int64_t image = lo / a->h, r0 = lo % a->h, r1 = fk_min(a->h, r0 + hi - lo), i0, i1;
        const float *x = (const float *)call->ptr[0] + image * a->h * row;
        const float *y = (const float *)call->ptr[1] + image * a->oh * a->ow * c;
        const float *dy = (const float *)call->ptr[2] + image * a->oh * a->ow * c;
        float *dx = (float *)call->ptr[3] + image * a->h * row;
        touching(r0, r1, a->sh, a->pt, a->kh, a->oh, &i0, &i1);
        int64_t clean = r0; /* rows below are zeroed: just before their first window, while they are in the cache */
        for (int64_t i = i0; i <= i1; i++) {
            int64_t h0 = r1, h1 = r1, w0, w1;
            if (i < i1) window(i, a->sh, a->pt, a->kh, a->h, &h0, &h1);
            if (clean < fk_min(h1, r1)) {
                memset(dx + clean * row, 0, (size_t)((fk_min(h1, r1) - clean) * row) * 4);
                clean = fk_min(h1, r1);
            }
            if (i == i1) break;
            for (int64_t j = 0; j < a->ow; j++) {
                window(j, a->sw, a->pl, a->kw, a->w, &w0, &w1);
                int64_t at = h0 * row + w0 * c, out = (i * a->ow + j) * c;
#define BACK_ONE(nv, n) \
    max_back((grad_t){x + at + k, y + out + k, dy + out + k, dx + at + k, r0 - h0, r1 - h0}, h1 - h0, w1 - w0, row, c, nv, n);
                CHANNELS(c, BACK_ONE);
            }
        }
        lo += r1 - r0;
    }
}

/* ---- gradient of the average: every element of dx gathers from the windows that hold it */
FK_CHUNKS(avg_pool_dx) {
    int64_t windows = fk_ceil_div(a->kh, fk_max(1, a->sh)) * fk_ceil_div(a->kw, fk_max(1, a->sw));
    return fk_split(a->n * a->h, GRAIN / 2 / fk_max(1, a->w * a->c * windows));
}
FK_ONE_PART(avg_pool_dx)
INLINE void avg_back(const fk_attr_avg_pool_dx *a, float *dx, const float *dy, int64_t i0, int64_t i1, int64_t j0, int64_t j1,
                     int nv, int64_t n) {
    vf s[4] = {{0}, {0}, {0}, {0}};
    for (int64_t i = i0; i < i1; i++)
        for (int64_t j = j0; j < j1; j++) {
            int64_t h0, h1, w0, w1;
            window(i, a->sh, a->pt, a->kh, a->h, &h0, &h1);
            window(j, a->sw, a->pl, a->kw, a->w, &w0, &w1);
            vf count = v_set1((float)((h1 - h0) * (w1 - w0)));
            for (int v = 0; v < nv; v++) s[v] += load_some(dy + (i * a->ow + j) * a->c + v * VL, n) / count;
        }
    for (int v = 0; v < nv; v++) store_some(dx + v * VL, s[v], n);
}
FK_KERNEL(avg_pool_dx) {
    const float *dy = call->ptr[0];
    float *dx = call->ptr[1];
    int64_t c = a->c, lo, hi;
    fk_range(a->n * a->h, 1, ith, nth, &lo, &hi);
    for (int64_t r = lo; r < hi; r++) {
        int64_t i0, i1, j0, j1, h = r % a->h;
        const float *image = dy + r / a->h * a->oh * a->ow * c;
        touching(h, h + 1, a->sh, a->pt, a->kh, a->oh, &i0, &i1);
        for (int64_t w = 0; w < a->w; w++) {
            touching(w, w + 1, a->sw, a->pl, a->kw, a->ow, &j0, &j1);
            float *to = dx + (r * a->w + w) * c;
#define SPREAD_ONE(nv, n) avg_back(a, to + k, image + k, i0, i1, j0, j1, nv, n);
            CHANNELS(c, SPREAD_ONE);
        }
    }
}
