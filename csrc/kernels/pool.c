/* Maxima and averages of windows, channels_last, and their gradients. Vectors run over the channels. */
#include "vec.h"

#define POOL_GRAIN (1 << 16) /* elements read per chunk: about 20 µs */
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

/* A row of windows reads several short rows at once, jumping from one to the next, which the processor does not foresee:
 * each window asks for its share of what the next row of windows adds. */
INLINE void fetch(const float *p, int64_t n, int write) {
    for (int64_t i = 0; i < n; i += 16)
        if (write)
            __builtin_prefetch(p + i, 1);
        else
            __builtin_prefetch(p + i);
}

/* ---- forward */
INLINE void max_window(float *y, const float *x, int64_t nh, int64_t nw, int64_t row, int64_t c, int nv, int64_t n) {
    vf m[4];
    for (int v = 0; v < nv; v++) m[v] = nh && nw ? v_load_upto(x + v * VL, n) : v_set1(-INFINITY);
    for (int64_t i = 0; i < nh; i++)
        for (int64_t j = i == 0; j < nw; j++)
            for (int v = 0; v < nv; v++) m[v] = v_max(v_load_upto(x + i * row + j * c + v * VL, n), m[v]);
    for (int v = 0; v < nv; v++) v_store_upto(y + v * VL, m[v], n);
}

/* a row of the window is summed first, then the rows: shorter chains round less */
INLINE void avg_window(float *y, const float *x, int64_t nh, int64_t nw, int64_t row, int64_t c, int nv, int64_t n) {
    vf sum[4] = {{0}, {0}, {0}, {0}};
    for (int64_t i = 0; i < nh; i++) {
        vf s[4] = {{0}, {0}, {0}, {0}};
        for (int64_t j = 0; j < nw; j++)
            for (int v = 0; v < nv; v++) s[v] += v_load_upto(x + i * row + j * c + v * VL, n);
        for (int v = 0; v < nv; v++) sum[v] += s[v];
    }
    vf count = v_set1((float)fk_max(1, nh * nw));
    for (int v = 0; v < nv; v++) v_store_upto(y + v * VL, sum[v] / count, n);
}

#define FORWARD(op, ONE)                                                                              \
    FK_CHUNKS(op) { return fk_split(a->n * a->oh, POOL_GRAIN / fk_max(1, a->ow * a->kh * a->kw * a->c)); } \
    FK_ONE_PART(op)                                                                                   \
    FK_KERNEL(op) {                                                                                   \
        const float *x = call->ptr[0];                                                                \
        float *y = call->ptr[1];                                                                      \
        int64_t c = a->c, row = a->w * c, orow = a->ow * c, lo, hi;                                   \
        int64_t fresh = fk_min(a->sh, a->kh) * row, share = fresh / fk_max(1, a->ow);                 \
        fk_range(a->n * a->oh, 1, ith, nth, &lo, &hi);                                                \
        int64_t waiting = lo;                                                                         \
        for (int64_t r = lo; r < hi; r++) {                                                           \
            int64_t h0, h1, w0, w1;                                                                   \
            window(r % a->oh, a->sh, a->pt, a->kh, a->h, &h0, &h1);                                   \
            const float *xr = x + (r / a->oh * a->h + h0) * row;                                      \
            const float *next = xr + (h1 - h0 + a->sh) * row - fresh;                                 \
            for (int64_t j = 0; j < a->ow; j++) {                                                     \
                fetch(next + j * share, share, 0);                                                    \
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
    int alone;          /* no other window has these elements: nothing to add to */
} grad_t;
INLINE void max_back(grad_t g, int64_t nh, int64_t nw, int64_t row, int64_t c, int nv, int64_t n) {
    vf y[4], dy[4];
    vi open[4]; /* lanes that have not met their maximum, or a NaN, which is one */
    for (int v = 0; v < nv; v++) {
        y[v] = v_load_upto(g.y + v * VL, n);
        dy[v] = v_load_upto(g.dy + v * VL, n);
        open[v] = vi_set1(-1);
    }
    for (int64_t i = 0; i < nh && i < g.own1; i++)
        for (int64_t j = 0; j < nw; j++)
            for (int v = 0; v < nv; v++) {
                int64_t at = i * row + j * c + v * VL;
                vf x = v_load_upto(g.x + at, n);
                vi hit = ((x == y[v]) | (x != x)) & open[v];
                open[v] &= ~hit;
                vf d = (vf)((vi)dy[v] & hit);
                if (!g.alone) d += v_load_upto(g.dx + at, n);
                if (i >= g.own0) v_store_upto(g.dx + at, d, n);
            }
}

FK_CHUNKS(max_pool_dx) {
    int64_t row = fk_max(1, a->ow * a->oh * a->kh * a->kw * a->c / fk_max(1, a->h));
    return fk_split(a->n * a->h, fk_max(a->kh, POOL_GRAIN / 3 / row));
}
FK_ONE_PART(max_pool_dx)
/* zeros in the rows [r0, r1), from their element `at` on */
static void clear(float *dx, int64_t row, int64_t r0, int64_t r1, int64_t at) {
    if (at == 0 && r1 > r0)
        memset(dx + r0 * row, 0, (size_t)((r1 - r0) * row) * 4);
    else
        for (int64_t r = r0; r < r1 && at < row; r++) memset(dx + r * row + at, 0, (size_t)(row - at) * 4);
}

FK_KERNEL(max_pool_dx) {
    int64_t c = a->c, row = a->w * c, lo, hi, w0, w1;
    int64_t fresh = fk_min(a->sh, a->kh) * row, share = fresh / fk_max(1, a->ow);
    int alone = (a->sh >= a->kh || a->oh == 1) && (a->sw >= a->kw || a->ow == 1);
    /* elements of a row that windows side by side overwrite; what follows has to be cleared */
    int64_t covered = 0;
    if (alone && (a->sw == a->kw || a->ow == 1) && a->ow > 0) {
        window(a->ow - 1, a->sw, a->pl, a->kw, a->w, &w0, &w1);
        covered = fk_min(w1, a->w) * c;
    }
    fk_range(a->n * a->h, 1, ith, nth, &lo, &hi);
    while (lo < hi) { /* one image at a time */
        int64_t image = lo / a->h, r0 = lo % a->h, r1 = fk_min(a->h, r0 + hi - lo), i0, i1;
        const float *x = (const float *)call->ptr[0] + image * a->h * row;
        const float *y = (const float *)call->ptr[1] + image * a->oh * a->ow * c;
        const float *dy = (const float *)call->ptr[2] + image * a->oh * a->ow * c;
        float *dx = (float *)call->ptr[3] + image * a->h * row;
        touching(r0, r1, a->sh, a->pt, a->kh, a->oh, &i0, &i1);
        int64_t clean = r0; /* rows below are cleared: just before their first window, while they are in the cache */
        for (int64_t i = i0; i < i1; i++) {
            int64_t h0, h1;
            window(i, a->sh, a->pt, a->kh, a->h, &h0, &h1);
            clear(dx, row, clean, fk_min(h0, r1), 0);
            clear(dx, row, fk_max(clean, h0), fk_min(h1, r1), covered);
            clean = fk_max(clean, fk_min(h1, r1));
            int64_t next = (h1 + a->sh) * row - fresh;
            int64_t own = h1 + a->sh <= r1 ? share : 0; /* the rows below are another chunk's to write */
            for (int64_t j = 0; j < a->ow; j++) {
                fetch(x + next + j * share, share, 0);
                fetch(dx + next + j * share, own, 1);
                window(j, a->sw, a->pl, a->kw, a->w, &w0, &w1);
                int64_t at = h0 * row + w0 * c, out = (i * a->ow + j) * c;
#define BACK_ONE(nv, n)                                                                             \
    max_back((grad_t){x + at + k, y + out + k, dy + out + k, dx + at + k, r0 - h0, r1 - h0, alone}, \
             h1 - h0, w1 - w0, row, c, nv, n);
                CHANNELS(c, BACK_ONE);
            }
        }
        clear(dx, row, clean, r1, 0);
        lo += r1 - r0;
    }
}

/* ---- gradient of the average: every element of dx gathers from the windows that hold it */
FK_CHUNKS(avg_pool_dx) {
    int64_t windows = fk_ceil_div(a->kh, fk_max(1, a->sh)) * fk_ceil_div(a->kw, fk_max(1, a->sw));
    return fk_split(a->n * a->h, POOL_GRAIN / 2 / fk_max(1, a->w * a->c * windows));
}
FK_ONE_PART(avg_pool_dx)

/* one row of x, and the windows [i0, i1) that it is in */
typedef struct {
    const fk_attr_avg_pool_dx *a;
    const float *dy;
    float *dx;
    int64_t i0, i1;
    int whole; /* none of them is cut at the border */
} spread_t;
static inline float share(const fk_attr_avg_pool_dx *a, int64_t i, int64_t j) {
    int64_t h0, h1, w0, w1;
    window(i, a->sh, a->pt, a->kh, a->h, &h0, &h1);
    window(j, a->sw, a->pl, a->kw, a->w, &w0, &w1);
    return 1.0f / (float)((h1 - h0) * (w1 - w0));
}
static inline int whole(int64_t first, int64_t last, int64_t stride, int64_t pad, int64_t k, int64_t size) {
    return first * stride >= pad && (last - 1) * stride - pad + k <= size;
}

INLINE void avg_back(const spread_t *q, int64_t w, int64_t j0, int64_t j1, int same, int64_t k, int nv, int64_t n) {
    const fk_attr_avg_pool_dx *a = q->a;
    vf s[4] = {{0}, {0}, {0}, {0}};
    for (int64_t i = q->i0; i < q->i1; i++)
        for (int64_t j = j0; j < j1; j++) {
            const float *from = q->dy + (i * a->ow + j) * a->c + k;
            float f = same ? 1.0f : share(a, i, j);
            for (int v = 0; v < nv; v++) s[v] += v_load_upto(from + v * VL, n) * f;
        }
    float f = same ? 1.0f / (float)(a->kh * a->kw) : 1.0f;
    for (int v = 0; v < nv; v++) v_store_upto(q->dx + w * a->c + k + v * VL, s[v] * f, n);
}
static void spread(const spread_t *q) {
    const fk_attr_avg_pool_dx *a = q->a;
    for (int64_t w = 0; w < a->w; w++) {
        int64_t j0, j1;
        touching(w, w + 1, a->sw, a->pl, a->kw, a->ow, &j0, &j1);
        if (q->whole && whole(j0, j1, a->sw, a->pl, a->kw, a->w)) {
#define SAME_ONE(nv, n) avg_back(q, w, j0, j1, 1, k, nv, n);
            CHANNELS(a->c, SAME_ONE);
        } else {
#define CUT_ONE(nv, n) avg_back(q, w, j0, j1, 0, k, nv, n);
            CHANNELS(a->c, CUT_ONE);
        }
    }
}
/* where windows do not overlap, one value goes to all columns of a window */
INLINE void fill_window(const float *dy, float *dx, int64_t nw, int64_t c, float f, int nv, int64_t n) {
    vf d[4];
    for (int v = 0; v < nv; v++) d[v] = v_load_upto(dy + v * VL, n) * f;
    for (int64_t j = 0; j < nw; j++)
        for (int v = 0; v < nv; v++) v_store_upto(dx + j * c + v * VL, d[v], n);
}
static void spread_apart(const spread_t *q) {
    const fk_attr_avg_pool_dx *a = q->a;
    int64_t c = a->c, clean = 0; /* columns below are written */
    for (int64_t j = 0; j < a->ow && q->i0 < q->i1; j++) {
        int64_t w0, w1;
        window(j, a->sw, a->pl, a->kw, a->w, &w0, &w1);
        if (w1 <= w0) continue;
        if (w0 > clean) memset(q->dx + clean * c, 0, (size_t)((w0 - clean) * c) * 4);
        const float *dy = q->dy + (q->i0 * a->ow + j) * c;
        float *dx = q->dx + w0 * c, f = share(a, q->i0, j);
#define FILL_ONE(nv, n) fill_window(dy + k, dx + k, w1 - w0, c, f, nv, n);
        CHANNELS(c, FILL_ONE);
        clean = w1;
    }
    if (clean < a->w) memset(q->dx + clean * c, 0, (size_t)((a->w - clean) * c) * 4);
}

FK_KERNEL(avg_pool_dx) {
    int64_t c = a->c, lo, hi;
    fk_range(a->n * a->h, 1, ith, nth, &lo, &hi);
    for (int64_t r = lo; r < hi; r++) {
        spread_t q = {.a = a, .dy = (const float *)call->ptr[0] + r / a->h * a->oh * a->ow * c};
        q.dx = (float *)call->ptr[1] + r * a->w * c;
        touching(r % a->h, r % a->h + 1, a->sh, a->pt, a->kh, a->oh, &q.i0, &q.i1);
        q.whole = whole(q.i0, q.i1, a->sh, a->pt, a->kh, a->h);
        if ((a->sh >= a->kh || a->oh == 1) && (a->sw >= a->kw || a->ow == 1))
            spread_apart(&q);
        else
            spread(&q);
    }
}
