/* What the files of depthwise convolution share: which taps of the kernel an output element has along one axis.
 *
 * Forward, element p reads the inputs p·stride - pad + k·dilation. Backward, an element p of dx was read by the outputs
 * (p + pad - k·dilation) / stride, for the k that divide: every step-th one. Both are a row of taps, clipped at the
 * borders, and neighbouring elements (`step` apart) have the same row but for a shift of `advance`. */
#ifndef FK_DEPTHWISE_H
#define FK_DEPTHWISE_H
#include "ending.h"

/* a loop whose trips are known, over arrays that must become registers */
#define UNROLL_FOR _Pragma("GCC unroll 32") for

typedef struct {
    int64_t size; /* of the axis that is read */
    int64_t k, stride, dilation, pad;
    int64_t step, advance; /* forward 1 and stride, backward stride and 1 */
    int back;
} axis_t;
typedef struct {
    int64_t k, kstep, n; /* the taps k, k + kstep, …: n of them */
    int64_t i, istep;    /* what they read */
    int64_t same;        /* elements, this one included, that have the same taps */
} taps_t;

static inline axis_t axis_forward(int64_t size, int64_t k, int64_t stride, int64_t dilation, int64_t pad) {
    return (axis_t){size, k, stride, dilation, pad, 1, stride, 0};
}
static inline axis_t axis_backward(int64_t size, int64_t k, int64_t stride, int64_t dilation, int64_t pad) {
    return (axis_t){size, k, stride, dilation, pad, stride, 1, 1};
}

static inline taps_t axis_taps(const axis_t *a, int64_t p) {
    taps_t t = {0, 1, a->k, p * a->stride - a->pad, a->dilation, INT64_MAX};
    if (a->back) {
        int64_t q = p + a->pad;
        while (t.k < a->k && (q - t.k * a->dilation) % a->stride) t.k++;
        for (t.kstep = 1; t.kstep * a->dilation % a->stride; t.kstep++) continue;
        t.n = t.k < a->k ? (a->k - 1 - t.k) / t.kstep + 1 : 0;
        t.i = (q - t.k * a->dilation) / a->stride;
        t.istep = -(t.kstep * a->dilation / a->stride);
    }
    if (t.n == 0) return t;
    int64_t last = t.i + (t.n - 1) * t.istep, low = fk_min(t.i, last), high = fk_max(t.i, last);
    if (low >= 0 && high < a->size) {
        t.same = (a->size - 1 - high) / a->advance + 1;
        return t;
    }
    int64_t from, to, d = t.istep < 0 ? -t.istep : t.istep, end = a->size - 1;
    if (t.istep > 0) {
        from = t.i < 0 ? (-t.i + d - 1) / d : 0;
        to = t.i > end ? 0 : (end - t.i) / d + 1;
    } else {
        from = t.i > end ? (t.i - end + d - 1) / d : 0;
        to = t.i < 0 ? 0 : t.i / d + 1;
    }
    t.k += from * t.kstep;
    t.i += from * t.istep;
    t.n = fk_max(0, fk_min(t.n, to) - from);
    t.same = 1;
    return t;
}

/* Channels worked through many rows, so that their weights stay in the L1 cache, and so do `near` pixels of x, unless pieces of
 * x would be too short to be fetched ahead (0: as many as there are): about equal blocks. */
static inline int64_t depthwise_channels(int64_t c, int64_t taps, int64_t near) {
    enum { SHORT = 64 };
    int64_t most = fk_max(SHORT, 4096 / fk_max(1, taps));
    if (near * SHORT <= BLOCKS.depthwise_near) most = fk_min(most, BLOCKS.depthwise_near / fk_max(1, near));
    const int64_t blocks = fk_max(1, fk_ceil_div(c, most));
    return fk_max(1, fk_ceil_div(fk_ceil_div(c, blocks), 16) * 16);
}

/* x[pixels, channels] → y[pixels, channels·mult], every channel repeated; xstep: floats from pixel to pixel of x */
void FK(depthwise_repeat)(float *y, const float *x, int64_t pixels, int64_t xstep, int64_t channels, int64_t mult);

/* rows [r0, r1) of y[oh, ow, c] from x[h, w, c], where mult is 1; x, y: where row 0 is or would be */
void FK(depthwise_rows)(const fk_attr_depthwise *a, const fk_ending *ending, const float *x, const float *w, float *y,
                        int64_t r0, int64_t r1);
int64_t FK(depthwise_unit)(const fk_attr_depthwise *a); /* rows of y that are made together */

/* with mult > 1 x is repeated into scratch, in pieces of so many channels and output columns; 0 channels: none fits */
typedef struct {
    int64_t channels, columns;
} piece_t;
static inline piece_t depthwise_piece(int64_t c, int64_t mult, int64_t ow, int64_t kh, int64_t kw, int64_t sw, int64_t dw) {
    int64_t room = FK_KERNEL_SCRATCH / 4 / fk_max(1, kh * mult); /* pixels × channels of one row */
    int64_t reach = (kw - 1) * dw + 1;
    piece_t p = {0, 0};
    if (room < reach) return p;
    p.columns = fk_min(ow, fk_max(1, (room - reach) / sw + 1));
    p.columns = fk_min(p.columns, 16);
    p.channels = fk_min(c, room / ((p.columns - 1) * sw + reach));
    return p;
}
#endif
