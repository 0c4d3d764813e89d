/* Moving elements without changing them: fill, and the copy of a box between two strided layouts. */
#include "transpose.h"

#define MOVE_GRAIN (1 << 18) /* bytes per chunk: about 20 µs of a core's bandwidth */

/* ---- fill */
FK_CHUNKS(fill) { return fk_split(a->n * a->itemsize, MOVE_GRAIN); }
FK_ONE_PART(fill)
FK_KERNEL(fill) {
    int64_t lo, hi;
    fk_range(a->n, 64, ith, nth, &lo, &hi);
    if (lo >= hi) return;
    char *y = (char *)call->ptr[0] + lo * a->itemsize;
    uint64_t bits = (uint64_t)a->bits;
    uint8_t low = (uint8_t)bits;
    uint64_t width = a->itemsize == 8 ? ~0ull : (1ull << 8 * a->itemsize) - 1;
    if ((bits & width) == (0x0101010101010101ull * low & width))
        memset(y, low, (size_t)((hi - lo) * a->itemsize));
    else if (a->itemsize == 4)
        for (int64_t i = 0; i < hi - lo; i++) ((int32_t *)y)[i] = (int32_t)bits;
    else
        for (int64_t i = 0; i < hi - lo; i++) ((int64_t *)y)[i] = (int64_t)bits;
}

/* ---- copy */
typedef struct {
    int64_t n, xs, ys;
} axis_t;
typedef struct {
    int nd; /* -1: nothing to do */
    axis_t ax[FK_MAXDIM];
    int64_t xoff, yoff;
} box_t;

/* The fewest axes that say the same: none of one element, in the order of their steps in y (all forward), neighbours
 * joined where both sides allow. */
static box_t box_of(const fk_attr_copy *a) {
    box_t b = {0, {{0, 0, 0}}, a->xoff, a->yoff};
    for (int64_t i = 0; i < a->ndim; i++) {
        axis_t t = {a->shape[i], a->xstride[i], a->ystride[i]};
        if (t.n == 0) return (box_t){.nd = -1};
        if (t.n == 1) continue;
        if (t.ys < 0) {
            b.xoff += (t.n - 1) * t.xs;
            b.yoff += (t.n - 1) * t.ys;
            t.xs = -t.xs;
            t.ys = -t.ys;
        }
        int k = b.nd++;
        for (; k > 0 && b.ax[k - 1].ys < t.ys; k--) b.ax[k] = b.ax[k - 1];
        b.ax[k] = t;
    }
    int last = 0;
    for (int i = 1; i < b.nd; i++) {
        axis_t *o = &b.ax[last], t = b.ax[i];
        if (o->ys == t.ys * t.n && o->xs == t.xs * t.n)
            *o = (axis_t){o->n * t.n, t.xs, t.ys};
        else
            b.ax[++last] = t;
    }
    b.nd = b.nd ? last + 1 : 0;
    return b;
}

/* a line: y[i·ys] = x[i·xs]; the steps that matter are constants, so that the compiler can use shuffles */
#define LINE(T)                                                                                          \
    static inline void line_##T(T *restrict y, const T *restrict x, int64_t n, int64_t ys, int64_t xs) { \
        if (ys == 1) switch (xs) {                                                                       \
            case 0: for (int64_t i = 0; i < n; i++) y[i] = x[0]; return;                                 \
            case 1: for (int64_t i = 0; i < n; i++) y[i] = x[i]; return;                                 \
            case -1: for (int64_t i = 0; i < n; i++) y[i] = x[-i]; return;                               \
            case 2: for (int64_t i = 0; i < n; i++) y[i] = x[2 * i]; return;                             \
            case 3: for (int64_t i = 0; i < n; i++) y[i] = x[3 * i]; return;                             \
            case 4: for (int64_t i = 0; i < n; i++) y[i] = x[4 * i]; return;                             \
            }                                                                                            \
        for (int64_t i = 0; i < n; i++) y[i * ys] = x[i * xs];                                           \
    }
LINE(int8_t)
LINE(int32_t)
LINE(int64_t)

/* runs: n rows of `bytes` contiguous bytes. Short ones by fixed sizes: a call of memcpy costs more than they do */
#define FIXED(B) case B: for (; n > 0; n--, y += ys, x += xs) memcpy(y, x, B); return;
static void runs(char *restrict y, const char *restrict x, int64_t n, int64_t ys, int64_t xs, int64_t bytes) {
    switch (bytes) { FIXED(1) FIXED(2) FIXED(3) FIXED(4) FIXED(8) FIXED(12) FIXED(16) FIXED(24) FIXED(32) FIXED(40) FIXED(64) }
    for (; n > 0; n--, y += ys, x += xs) memcpy(y, x, (size_t)bytes);
}

/* A plane whose contiguous axes differ: y[r·ys + c] = x[c·xs + r]. Blocks stay in the cache, and write long pieces of a
 * row: memory takes those better than it gives short ones. */
#define PLANE(T, ROWS, COLUMNS)                                                                                   \
    static void plane_##T(T *restrict y, const T *restrict x, int64_t nr, int64_t nc, int64_t ys, int64_t xs) {    \
        for (int64_t c0 = 0; c0 < nc; c0 += COLUMNS)                                                              \
            for (int64_t r0 = 0; r0 < nr; r0 += ROWS)                                                             \
                block_##T(y + r0 * ys + c0, x + c0 * xs + r0, fk_min(ROWS, nr - r0), fk_min(COLUMNS, nc - c0), ys,  \
                          xs);                                                                                    \
    }
#define MOVE_BLOCK(T)                                                                                                  \
    static inline void block_##T(T *restrict y, const T *restrict x, int64_t nr, int64_t nc, int64_t ys, int64_t xs) { \
        for (int64_t r = 0; r < nr; r++)                                                                          \
            for (int64_t c = 0; c < nc; c++) y[r * ys + c] = x[c * xs + r];                                       \
    }
MOVE_BLOCK(int8_t)
MOVE_BLOCK(int64_t)
static inline void block_int32_t(int32_t *yi, const int32_t *xi, int64_t nr, int64_t nc, int64_t ys, int64_t xs) {
    float *y = (float *)yi;
    const float *x = (const float *)xi;
    for (int64_t r0 = 0; r0 < nr; r0 += 16) /* whole cache lines of both, whatever the width of a vector */
        for (int64_t c0 = 0; c0 < nc; c0 += 16)
            for (int64_t r = r0; r < fk_min(nr, r0 + 16); r += VL)
                for (int64_t c = c0; c < fk_min(nc, c0 + 16); c += VL) {
                    if (r + VL <= nr && c + VL <= nc)
                        transpose_square(y + r * ys + c, ys, x + c * xs + r, xs);
                    else
                        transpose_part(y + r * ys + c, ys, x + c * xs + r, xs, fk_min(VL, nr - r), fk_min(VL, nc - c));
                }
}
PLANE(int8_t, 64, 64)
PLANE(int32_t, 64, 256)
PLANE(int64_t, 8, 32)

/* channels of 2, 3 or 4: y[k·ys + i] = x[K·i + k], and back */
#define SPLIT(T, K)                                                                                    \
    static void split##K##_##T(T *restrict y, const T *restrict x, int64_t n, int64_t ys) {            \
        for (int64_t i0 = 0; i0 < n; i0 += 1024)                                                       \
            for (int64_t k = 0; k < K; k++)                                                            \
                for (int64_t i = i0; i < fk_min(n, i0 + 1024); i++) y[k * ys + i] = x[K * i + k];      \
    }                                                                                                  \
    static void join##K##_##T(T *restrict y, const T *restrict x, int64_t n, int64_t xs) {             \
        for (int64_t i = 0; i < n; i++)                                                                \
            for (int64_t k = 0; k < K; k++) y[K * i + k] = x[k * xs + i];                              \
    }
#define SPLITS(T) SPLIT(T, 2) SPLIT(T, 3) SPLIT(T, 4)
SPLITS(int8_t)
SPLITS(int32_t)
SPLITS(int64_t)

/* the two innermost axes: o outside i; i has the smaller step in y */
#define CHANNELS(T, K)                                                                                 \
    if (o.n == K && i.xs == K) { split##K##_##T(y, x, i.n, o.ys); return; }                            \
    if (i.n == K && o.ys == K) { join##K##_##T(y, x, o.n, i.xs); return; }
#define PLANES(T)                                                                                      \
    static void planes_##T(T *y, const T *x, axis_t o, axis_t i) {                                     \
        if (i.ys == 1 && i.xs == 1) {                                                                  \
            runs((char *)y, (const char *)x, o.n, o.ys * (int64_t)sizeof(T), o.xs * (int64_t)sizeof(T), \
                 i.n * (int64_t)sizeof(T));                                                            \
        } else if (i.ys == 1 && o.xs == 1) {                                                           \
            CHANNELS(T, 2) CHANNELS(T, 3) CHANNELS(T, 4)                                               \
            plane_##T(y, x, o.n, i.n, o.ys, i.xs);                                                     \
        } else if (o.n > i.n && i.n < 16) { /* the longer loop inside */                               \
            for (int64_t k = 0; k < i.n; k++) line_##T(y + k * i.ys, x + k * i.xs, o.n, o.ys, o.xs);   \
        } else {                                                                                       \
            for (int64_t k = 0; k < o.n; k++) line_##T(y + k * o.ys, x + k * o.xs, i.n, i.ys, i.xs);   \
        }                                                                                              \
    }
PLANES(int8_t)
PLANES(int32_t)
PLANES(int64_t)

FK_CHUNKS(copy) {
    int64_t bytes = a->itemsize;
    for (int64_t i = 0; i < a->ndim; i++) bytes *= a->shape[i];
    return fk_split(bytes, MOVE_GRAIN);
}
FK_ONE_PART(copy)

FK_KERNEL(copy) {
    box_t b = box_of(a);
    if (b.nd < 0) return;
    /* a chunk is a share of one axis: the outermost that is long enough, else the longest */
    if (nth > 1) {
        int s = 0;
        while (s < b.nd && b.ax[s].n < 4 * nth) s++;
        if (s == b.nd)
            for (int k = s = 0; k < b.nd; k++)
                if (b.ax[k].n > b.ax[s].n) s = k;
        int64_t lo, hi;
        fk_range(b.ax[s].n, s == b.nd - 1 && b.ax[s].n >= 64 * nth ? 64 : 1, ith, nth, &lo, &hi);
        if (lo >= hi) return;
        b.ax[s].n = hi - lo;
        b.xoff += lo * b.ax[s].xs;
        b.yoff += lo * b.ax[s].ys;
    }
    /* the plane: the axis innermost in y, and with it the one innermost in x, else the next */
    axis_t one = {1, 0, 0};
    axis_t i = b.nd > 0 ? b.ax[--b.nd] : one, o = one;
    if (b.nd > 0) {
        int t = b.nd - 1;
        if (i.xs != 1)
            for (int k = 0; k < b.nd; k++)
                if (b.ax[k].xs == 1) t = k;
        o = b.ax[t];
        for (b.nd--; t < b.nd; t++) b.ax[t] = b.ax[t + 1];
    } else {
        i.xs = i.n == 1 ? 1 : i.xs;
        i.ys = i.n == 1 ? 1 : i.ys;
    }
    int64_t at[FK_MAXDIM] = {0}, xo = b.xoff, yo = b.yoff;
    for (;;) {
        if (a->itemsize == 4)
            planes_int32_t((int32_t *)call->ptr[1] + yo, (const int32_t *)call->ptr[0] + xo, o, i);
        else if (a->itemsize == 1)
            planes_int8_t((int8_t *)call->ptr[1] + yo, (const int8_t *)call->ptr[0] + xo, o, i);
        else
            planes_int64_t((int64_t *)call->ptr[1] + yo, (const int64_t *)call->ptr[0] + xo, o, i);
        int k = b.nd - 1;
        for (; k >= 0; k--) {
            xo += b.ax[k].xs;
            yo += b.ax[k].ys;
            if (++at[k] < b.ax[k].n) break;
            at[k] = 0;
            xo -= b.ax[k].n * b.ax[k].xs;
            yo -= b.ax[k].n * b.ax[k].ys;
        }
        if (k < 0) return;
    }
}
