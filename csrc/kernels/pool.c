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
static inline void touching(int64_t first, int64_t last, int64_t stride, int64_t pad, int64_t k, int64_t count, int64_t *lo,
                            int64_t *hi) {
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

/* ---- forward. nd: slices of a window, a constant where it is one, as of an image: that takes fewer registers */
INLINE void max_window(float *y, const float *x, const int64_t nd, int64_t nh, int64_t nw, int64_t plane, int64_t row,
                       int64_t c, int nv, int64_t n) {
    vf m[4];
    for (int v = 0; v < nv; v++) m[v] = nd && nh && nw ? v_load_upto(x + v * VL, n) : v_set1(-INFINITY);
    int64_t j = 1;
    for (int64_t z = 0; z < nd; z++)
        for (int64_t i = 0; i < nh; i++, j = 0)
            for (; j < nw; j++)
                for (int v = 0; v < nv; v++) m[v] = v_max(v_load_upto(x + z * plane + i * row + j * c + v * VL, n), m[v]);
    for (int v = 0; v < nv; v++) v_store_upto(y + v * VL, m[v], n);
}

/* a row of the window is summed first, then the rows, then the slices: shorter chains round less */
INLINE void add_rows(vf sum[4], const float *x, int64_t nh, int64_t nw, int64_t row, int64_t c, int nv, int64_t n) {
    for (int64_t i = 0; i < nh; i++) {
        vf s[4] = {{0}, {0}, {0}, {0}};
        for (int64_t j = 0; j < nw; j++)
            for (int v = 0; v < nv; v++) s[v] += v_load_upto(x + i * row + j * c + v * VL, n);
        for (int v = 0; v < nv; v++) sum[v] += s[v];
    }
}
INLINE void avg_window(float *y, const float *x, const int64_t nd, int64_t nh, int64_t nw, int64_t plane, int64_t row,
                       int64_t c, int nv, int64_t n) {
    vf sum[4] = {{0}, {0}, {0}, {0}};
    add_rows(sum, x, nd ? nh : 0, nw, row, c, nv, n);
    for (int64_t z = 1; z < nd; z++) {
        vf slice[4] = {{0}, {0}, {0}, {0}};
        add_rows(slice, x + z * plane, nh, nw, row, c, nv, n);
        for (int v = 0; v < nv; v++) sum[v] += slice[v];
    }
    vf count = v_set1((float)fk_max(1, nd * nh * nw));
    for (int v = 0; v < nv; v++) v_store_upto(y + v * VL, sum[v] / count, n);
}

#define FORWARD(op, WINDOW)                                                                                       \
    FK_CHUNKS(op) {                                                                                               \
        return fk_split(a->n * a->od * a->oh, POOL_GRAIN / fk_max(1, a->ow * a->kd * a->kh * a->kw * a->c));      \
    }                                                                                                             \
    FK_ONE_PART(op)                                                                                               \
    /* a row of windows of nd × nh rows, the first of which is x */                                               \
    INLINE void op##_row(const fk_attr_##op *a, const float *x, float *y, const int64_t nd, int64_t nh) {         \
        const int64_t c = a->c, row = a->w * c, plane = a->h * row;                                               \
        const int64_t fresh = fk_min(a->sh, a->kh) * row, share = fresh / fk_max(1, a->ow);                       \
        const float *next = x + (nh + a->sh) * row - fresh;                                                       \
        for (int64_t j = 0; j < a->ow; j++) {                                                                     \
            int64_t w0, w1;                                                                                       \
            for (int64_t z = 0; z < nd; z++) fetch(next + z * plane + j * share, share, 0);                       \
            window(j, a->sw, a->pl, a->kw, a->w, &w0, &w1);                                                       \
            const float *xw = x + w0 * c;                                                                         \
            float *yw = y + j * c;                                                                                \
            CHANNELS(c, WINDOW);                                                                                  \
        }                                                                                                         \
    }                                                                                                             \
    static __attribute__((noinline)) void op##_flat(const fk_attr_##op *a, const float *x, float *y, int64_t nh) { \
        op##_row(a, x, y, 1, nh);                                                                                 \
    }                                                                                                             \
    static __attribute__((noinline)) void op##_deep(const fk_attr_##op *a, const float *x, float *y, int64_t nd,   \
                                                    int64_t nh) {                                                 \
        op##_row(a, x, y, nd, nh);                                                                                \
    }                                                                                                             \
    FK_KERNEL(op) {                                                                                               \
        const int64_t row = a->w * a->c, orow = a->ow * a->c;                                                     \
        int64_t lo, hi, d0, d1, h0, h1;                                                                           \
        fk_range(a->n * a->od * a->oh, 1, ith, nth, &lo, &hi);                                                    \
        for (int64_t r = lo, waiting = lo; r < hi; r++) {                                                         \
            window(r / a->oh % a->od, a->sd, a->pf, a->kd, a->d, &d0, &d1);                                       \
            window(r % a->oh, a->sh, a->pt, a->kh, a->h, &h0, &h1);                                               \
            const float *x = (const float *)call->ptr[0] + ((r / a->oh / a->od * a->d + d0) * a->h + h0) * row;   \
            float *y = (float *)call->ptr[1] + r * orow;                                                          \
            if (d1 - d0 == 1)                                                                                     \
                op##_flat(a, x, y, h1 - h0);                                                                      \
            else                                                                                                  \
                op##_deep(a, x, y, d1 - d0, h1 - h0);                                                             \
            if ((r + 1 - waiting) * orow >= FLUSH || r + 1 == hi) {                                               \
                fk_epilogue(call, waiting * orow, (r + 1 - waiting) * orow);                                      \
                waiting = r + 1;                                                                                  \
            }                                                                                                     \
        }                                                                                                         \
    }
#define MAX_ONE(nv, n) max_window(yw + k, xw + k, nd, nh, w1 - w0, plane, row, c, nv, n);
#define AVG_ONE(nv, n) avg_window(yw + k, xw + k, nd, nh, w1 - w0, plane, row, c, nv, n);
FORWARD(max_pool, MAX_ONE)
FORWARD(avg_pool, AVG_ONE)

/* ---- gradient of the maximum. A chunk owns a band of dx, rows of an image or slices of a volume: it looks through all
 * windows that touch the band, in order, and adds to its own elements only, so that bands may meet in the middle of a window */
typedef struct {
    int64_t d0, d1, h0, h1, w0, w1; /* the elements that a window covers */
} cut;
typedef struct {
    int64_t z0, z1, r0, r1; /* the slices and the rows that the band owns */
} band;
typedef struct {
    const float *x, *y, *dy;
    float *dx;
    int64_t plane, row, c;
    int alone; /* no other window has these elements: nothing to add to */
} grad_t;
INLINE void max_back(grad_t g, cut q, const band *own, int nv, int64_t n) {
    vf y[4], dy[4];
    vi open[4]; /* lanes that have not met their maximum, or a NaN, which is one */
    for (int v = 0; v < nv; v++) {
        y[v] = v_load_upto(g.y + v * VL, n);
        dy[v] = v_load_upto(g.dy + v * VL, n);
        open[v] = vi_set1(-1);
    }
    for (int64_t z = q.d0; z < q.d1 && z < own->z1; z++)
        for (int64_t i = q.h0; i < q.h1 && i < own->r1; i++) {
            const int64_t line = (z - q.d0) * g.plane + (i - q.h0) * g.row;
            const int mine = z >= own->z0 && i >= own->r0;
            for (int64_t j = 0; j < q.w1 - q.w0; j++)
                for (int v = 0; v < nv; v++) {
                    int64_t at = line + j * g.c + v * VL;
                    vf x = v_load_upto(g.x + at, n);
                    vi hit = ((x == y[v]) | (x != x)) & open[v];
                    open[v] &= ~hit;
                    vf d = (vf)((vi)dy[v] & hit);
                    if (!g.alone) d += v_load_upto(g.dx + at, n);
                    if (mine) v_store_upto(g.dx + at, d, n);
                }
        }
}

/* bands are of slices where there are several, else of rows */
static int64_t lines_of(const fk_attr_max_pool_dx *a) { return a->d > 1 ? a->d : a->h; }
FK_CHUNKS(max_pool_dx) {
    int64_t line = a->ow * a->oh * a->od * a->kd * a->kh * a->kw * a->c / fk_max(1, lines_of(a));
    return fk_split(a->n * lines_of(a), fk_max(a->d > 1 ? a->kd : a->kh, POOL_GRAIN / 3 / fk_max(1, line)));
}
/* Whether windows lie side by side from the first element on, and end with the last line: then bands of whole windows leave
 * alone what others read, and dx may stand where x does. */
FK_PARTS(max_pool_dx) {
    const int beside = a->sd == a->kd && a->sh == a->kh && a->sw == a->kw && !a->pf && !a->pt && !a->pl;
    return beside && lines_of(a) % (a->d > 1 ? a->kd : a->kh) == 0;
}
/* zeros in the rows [r0, r1) of the slices [z0, z1), from their element `at` on */
static void clear(float *dx, int64_t plane, int64_t row, int64_t z0, int64_t z1, int64_t r0, int64_t r1, int64_t at) {
    for (int64_t z = z0; z < z1; z++)
        if (at == 0 && r1 > r0)
            memset(dx + z * plane + r0 * row, 0, (size_t)((r1 - r0) * row) * 4);
        else
            for (int64_t r = r0; r < r1 && at < row; r++) memset(dx + z * plane + r * row + at, 0, (size_t)(row - at) * 4);
}

/* the windows of slices [q.d0, q.d1); fresh0, fresh1: those of them that no window has met yet */
static void back_slices(const fk_attr_max_pool_dx *a, grad_t g, cut q, const band *own, int64_t fresh0, int64_t fresh1,
                        int64_t covered) {
    const int64_t c = g.c, row = g.row, plane = g.plane, fresh = fk_min(a->sh, a->kh) * row, share = fresh / fk_max(1, a->ow);
    int64_t i0, i1, clean = own->r0; /* rows below are cleared: just before their first window, while they are in the cache */
    touching(own->r0, own->r1, a->sh, a->pt, a->kh, a->oh, &i0, &i1);
    for (int64_t i = i0; i < i1; i++) {
        window(i, a->sh, a->pt, a->kh, a->h, &q.h0, &q.h1);
        clear(g.dx, plane, row, fresh0, fresh1, clean, fk_min(q.h0, own->r1), 0);
        clear(g.dx, plane, row, fresh0, fresh1, fk_max(clean, q.h0), fk_min(q.h1, own->r1), covered);
        clean = fk_max(clean, fk_min(q.h1, own->r1));
        const int64_t next = (q.h1 + a->sh) * row - fresh;
        const int below = q.h1 + a->sh <= own->r1; /* else the rows below are another chunk's to write */
        for (int64_t j = 0; j < a->ow; j++) {
            for (int64_t z = q.d0; z < q.d1; z++) {
                const int64_t ahead = z * plane + next + j * share;
                if (g.x != g.dx) fetch(g.x + ahead, share, 0);
                fetch(g.dx + ahead, below && z >= own->z0 && z < own->z1 ? share : 0, 1);
            }
            window(j, a->sw, a->pl, a->kw, a->w, &q.w0, &q.w1);
            const int64_t at = q.d0 * plane + q.h0 * row + q.w0 * c, out = (i * a->ow + j) * c;
#define BACK_ONE(nv, n)                                                                                                  \
    max_back((grad_t){g.x + at + k, g.y + out + k, g.dy + out + k, g.dx + at + k, plane, row, c, g.alone}, q, own, nv, n);
            CHANNELS(c, BACK_ONE);
        }
    }
    clear(g.dx, plane, row, fresh0, fresh1, clean, own->r1, 0);
}

FK_KERNEL(max_pool_dx) {
    const int64_t c = a->c, row = a->w * c, plane = a->h * row, lines = lines_of(a), windows = a->oh * a->ow * c;
    const int alone = (a->sd >= a->kd || a->od == 1) && (a->sh >= a->kh || a->oh == 1) && (a->sw >= a->kw || a->ow == 1);
    /* elements of a row that windows side by side overwrite; what follows has to be cleared */
    int64_t covered = 0, lo, hi, w0, w1;
    if (alone && (a->sw == a->kw || a->ow == 1) && a->ow > 0) {
        window(a->ow - 1, a->sw, a->pl, a->kw, a->w, &w0, &w1);
        covered = fk_min(w1, a->w) * c;
    }
    fk_range(a->n * lines, !max_pool_dx_parts(a) ? 1 : a->d > 1 ? a->kd : a->kh, ith, nth, &lo, &hi);
    while (lo < hi) { /* one image at a time */
        const int64_t image = lo / lines, l0 = lo % lines, l1 = fk_min(lines, l0 + hi - lo);
        const band own = a->d > 1 ? (band){l0, l1, 0, a->h} : (band){0, a->d, l0, l1};
        grad_t g = {.plane = plane, .row = row, .c = c, .alone = alone};
        g.x = (const float *)call->ptr[0] + image * a->d * plane;
        g.dx = (float *)call->ptr[3] + image * a->d * plane;
        int64_t k0, k1, clean = own.z0; /* slices below are cleared */
        touching(own.z0, own.z1, a->sd, a->pf, a->kd, a->od, &k0, &k1);
        for (int64_t k = k0; k < k1; k++) {
            cut q = {0};
            window(k, a->sd, a->pf, a->kd, a->d, &q.d0, &q.d1);
            clear(g.dx, plane, row, clean, fk_min(q.d0, own.z1), own.r0, own.r1, 0);
            g.y = (const float *)call->ptr[1] + (image * a->od + k) * windows;
            g.dy = (const float *)call->ptr[2] + (image * a->od + k) * windows;
            back_slices(a, g, q, &own, fk_max(clean, q.d0), fk_min(q.d1, own.z1), covered);
            clean = fk_max(clean, fk_min(q.d1, own.z1));
        }
        clear(g.dx, plane, row, clean, own.z1, own.r0, own.r1, 0);
        lo += l1 - l0;
    }
}

/* ---- gradient of the average: every element of dx gathers from the windows that hold it */
FK_CHUNKS(avg_pool_dx) {
    int64_t windows = fk_ceil_div(a->kh, fk_max(1, a->sh)) * fk_ceil_div(a->kw, fk_max(1, a->sw));
    windows *= fk_ceil_div(a->kd, fk_max(1, a->sd));
    return fk_split(a->n * a->d * a->h, POOL_GRAIN / 2 / fk_max(1, a->w * a->c * windows));
}
FK_ONE_PART(avg_pool_dx)

/* one row of x, and the windows [z0, z1) × [i0, i1) that it is in */
typedef struct {
    const fk_attr_avg_pool_dx *a;
    const float *dy;
    float *dx;
    int64_t z0, z1, i0, i1;
    int whole; /* none of them is cut at the border */
} spread_t;
static inline float share(const fk_attr_avg_pool_dx *a, int64_t z, int64_t i, int64_t j) {
    int64_t d0, d1, h0, h1, w0, w1;
    window(z, a->sd, a->pf, a->kd, a->d, &d0, &d1);
    window(i, a->sh, a->pt, a->kh, a->h, &h0, &h1);
    window(j, a->sw, a->pl, a->kw, a->w, &w0, &w1);
    return 1.0f / (float)((d1 - d0) * (h1 - h0) * (w1 - w0));
}
static inline int whole(int64_t first, int64_t last, int64_t stride, int64_t pad, int64_t k, int64_t size) {
    return first * stride >= pad && (last - 1) * stride - pad + k <= size;
}

INLINE void avg_back(const spread_t *q, int64_t w, const int64_t nz, int64_t j0, int64_t j1, int same, int64_t k, int nv,
                     int64_t n) {
    const fk_attr_avg_pool_dx *a = q->a;
    vf s[4] = {{0}, {0}, {0}, {0}};
    const float *dy = q->dy + q->z0 * a->oh * a->ow * a->c;
    for (int64_t z = q->z0; z < q->z0 + nz; z++, dy += a->oh * a->ow * a->c)
        for (int64_t i = q->i0; i < q->i1; i++)
            for (int64_t j = j0; j < j1; j++) {
                const float *from = dy + (i * a->ow + j) * a->c + k;
                float f = same ? 1.0f : share(a, z, i, j);
                for (int v = 0; v < nv; v++) s[v] += v_load_upto(from + v * VL, n) * f;
            }
    float f = same ? 1.0f / (float)(a->kd * a->kh * a->kw) : 1.0f;
    for (int v = 0; v < nv; v++) v_store_upto(q->dx + w * a->c + k + v * VL, s[v] * f, n);
}
INLINE void spread_slices(const spread_t *q, const int64_t nz) {
    const fk_attr_avg_pool_dx *a = q->a;
    for (int64_t w = 0; w < a->w; w++) {
        int64_t j0, j1;
        touching(w, w + 1, a->sw, a->pl, a->kw, a->ow, &j0, &j1);
        if (q->whole && whole(j0, j1, a->sw, a->pl, a->kw, a->w)) {
#define SAME_ONE(nv, n) avg_back(q, w, nz, j0, j1, 1, k, nv, n);
            CHANNELS(a->c, SAME_ONE);
        } else {
#define CUT_ONE(nv, n) avg_back(q, w, nz, j0, j1, 0, k, nv, n);
            CHANNELS(a->c, CUT_ONE);
        }
    }
}
static __attribute__((noinline)) void spread_flat(const spread_t *q) { spread_slices(q, 1); }
static __attribute__((noinline)) void spread_deep(const spread_t *q) { spread_slices(q, q->z1 - q->z0); }
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
    for (int64_t j = 0; j < a->ow && q->i0 < q->i1 && q->z0 < q->z1; j++) {
        int64_t w0, w1;
        window(j, a->sw, a->pl, a->kw, a->w, &w0, &w1);
        if (w1 <= w0) continue;
        if (w0 > clean) memset(q->dx + clean * c, 0, (size_t)((w0 - clean) * c) * 4);
        const float *dy = q->dy + ((q->z0 * a->oh + q->i0) * a->ow + j) * c;
        float *dx = q->dx + w0 * c, f = share(a, q->z0, q->i0, j);
#define FILL_ONE(nv, n) fill_window(dy + k, dx + k, w1 - w0, c, f, nv, n);
        CHANNELS(c, FILL_ONE);
        clean = w1;
    }
    if (clean < a->w) memset(q->dx + clean * c, 0, (size_t)((a->w - clean) * c) * 4);
}

FK_KERNEL(avg_pool_dx) {
    int64_t c = a->c, lo, hi;
    fk_range(a->n * a->d * a->h, 1, ith, nth, &lo, &hi);
    for (int64_t r = lo; r < hi; r++) {
        const int64_t slice = r / a->h;
        spread_t q = {.a = a, .dy = (const float *)call->ptr[0] + slice / a->d * a->od * a->oh * a->ow * c};
        q.dx = (float *)call->ptr[1] + r * a->w * c;
        touching(slice % a->d, slice % a->d + 1, a->sd, a->pf, a->kd, a->od, &q.z0, &q.z1);
        touching(r % a->h, r % a->h + 1, a->sh, a->pt, a->kh, a->oh, &q.i0, &q.i1);
        q.whole = whole(q.z0, q.z1, a->sd, a->pf, a->kd, a->d) && whole(q.i0, q.i1, a->sh, a->pt, a->kh, a->h);
        if ((a->sd >= a->kd || a->od == 1) && (a->sh >= a->kh || a->oh == 1) && (a->sw >= a->kw || a->ow == 1))
            spread_apart(&q);
        else if (q.z1 - q.z0 == 1)
            spread_flat(&q);
        else
            spread_deep(&q);
    }
}
