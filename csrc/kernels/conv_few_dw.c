/* See conv_few.h: the gradient with respect to w. Some elements of the windows × two vectors of output channels are summed in
 * registers over the pixels of a row. */
#include "conv_few.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL_FOR _Pragma("GCC unroll 16") for

/* H rows of the window, the first at `at`, × W elements × V vectors, the last of which may be cut: n channels */
INLINE void sum(const few_windows *w, const float *x, const int64_t *at, const float *dy, int64_t pixels, float *dw, int64_t n,
                const int H, const int W, const int V) {
    vf acc[MR][2];
    const float *s[4];
    UNROLL_FOR (int h = 0; h < H; h++) s[h] = x + at[h];
    UNROLL_FOR (int e = 0; e < H * W; e++)
        UNROLL_FOR (int v = 0; v < V; v++) acc[e][v] = (vf){0};
    const int64_t ahead = pixels * w->oc; /* what comes after, often from memory */
    for (int64_t p = 0; p < pixels; p++, dy += w->oc) {
        vf d[2];
        UNROLL_FOR (int l = 0; l < V * VL; l += LINE) __builtin_prefetch(dy + ahead + l, 0, 2);
        UNROLL_FOR (int v = 0; v < V; v++) d[v] = v_load_upto(dy + v * VL, n - v * VL);
        UNROLL_FOR (int e = 0; e < H * W; e++) {
            const vf f = v_set1(s[e / W][e % W]);
            UNROLL_FOR (int v = 0; v < V; v++) acc[e][v] = v_fma(f, d[v], acc[e][v]);
        }
        UNROLL_FOR (int h = 0; h < H; h++) s[h] += w->step;
    }
    UNROLL_FOR (int e = 0; e < H * W; e++)
        UNROLL_FOR (int v = 0; v < V; v++) {
            float *to = dw + (e / W * w->run + e % W) * w->oc + v * VL;
            v_store_upto(to, v_load_upto(to, n - v * VL) + acc[e][v], n - v * VL);
        }
}

typedef void (*micro)(const few_windows *w, const float *x, const int64_t *at, const float *dy, int64_t pixels, float *dw,
                      int64_t n);
#if MR == 12
#define EACH(X, V)                                                                                                  \
    X(1, 1, V) X(1, 2, V) X(1, 3, V) X(1, 4, V) X(1, 5, V) X(1, 6, V) X(1, 7, V) X(1, 8, V) X(1, 9, V) X(1, 10, V)  \
    X(1, 11, V) X(1, 12, V) X(2, 1, V) X(2, 2, V) X(2, 3, V) X(2, 4, V) X(2, 5, V) X(2, 6, V) X(3, 1, V) X(3, 2, V) \
    X(3, 3, V) X(3, 4, V) X(4, 1, V) X(4, 2, V) X(4, 3, V)
#else
#define EACH(X, V)                                                                                                  \
    X(1, 1, V) X(1, 2, V) X(1, 3, V) X(1, 4, V) X(1, 5, V) X(1, 6, V) X(2, 1, V) X(2, 2, V) X(2, 3, V) X(3, 1, V)   \
    X(3, 2, V) X(4, 1, V)
#endif
#define DEFINE(H, W, V)                                                                                            \
    static void sum_##H##x##W##x##V(const few_windows *w, const float *x, const int64_t *at, const float *dy,        \
                                    int64_t pixels, float *dw, int64_t n) {                                        \
        sum(w, x, at, dy, pixels, dw, n, H, W, V);                                                                 \
    }
#define NAME(H, W, V) [H][W] = sum_##H##x##W##x##V,
/* clang-format off */
EACH(DEFINE, 1) EACH(DEFINE, 2)
static const micro kernels[2][5][MR + 1] = {{EACH(NAME, 1)}, {EACH(NAME, 2)}}; /* by vectors - 1, rows, elements */
/* clang-format on */

/* With more than a few channels, vectors that are cut lose what copies would cost. */
FK_PARTS(conv_few_dw) {
    if (!conv_is_few(&a->conv) || (a->c > 4 && a->oc % VL)) return 0;
    const int64_t rows = a->n * a->od * a->oh, taps = a->kd * a->kh * a->kw;
    const int64_t work = rows * a->ow * taps * a->c * gemm_panels(a->oc) * NR;
    return fk_max(1, fk_min(fk_min(gemm_chunks((double)work, 16), rows), work / GEMM_GRAIN));
}

FK_CHUNKS(conv_few_dw) { return fk_max(1, conv_few_dw_parts(a)); }

FK_KERNEL(conv_few_dw) {
    const int64_t k = a->kd * a->kh * a->kw * a->c, parts = conv_few_dw_parts(a);
    const float *x = call->ptr[0], *dy = call->ptr[1];
    few_windows w = FEW_WINDOWS(a);
    const int64_t groups = fk_ceil_div(w.run, MR), widest = fk_ceil_div(w.run, groups);
    const int64_t high = fk_max(1, fk_min(4, MR / widest)); /* rows of the window at once */
    for (int64_t part = ith; part < parts; part += nth) {
        float *dw = (float *)call->ptr[2] + part * k * a->oc;
        int64_t lo, hi;
        fk_range(a->n * a->od * a->oh, 1, part, parts, &lo, &hi);
        memset(dw, 0, (size_t)(k * a->oc) * 4);
        for (int64_t r = lo; r < hi; r++)
            for (int64_t j = 0; j < a->ow; j += BLOCKS.few_pixels) {
                const int64_t count = fk_min(BLOCKS.few_pixels, a->ow - j);
                const float *d = dy + (r * a->ow + j) * a->oc;
                FK(few_at)(&w, &a->conv, x, r, j, count, (float *)call->scratch);
                for (int64_t c = 0; c < a->oc; c += NR) {
                    const int64_t n = fk_min(NR, a->oc - c);
                    for (int64_t i = 0; i < w.rows; i += high)
                        for (int64_t g = 0; g < groups; g++) {
                            const int64_t e = w.run * g / groups, wide = w.run * (g + 1) / groups - e;
                            kernels[n > VL][fk_min(high, w.rows - i)][wide](&w, w.x + e, w.at + i, d + c, count,
                                                                            dw + (i * w.run + e) * a->oc + c, n);
                        }
                }
            }
    }
}
