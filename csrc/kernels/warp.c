/* The pass over a batch of images: which rows of which image a chunk does, and how its rows end. */
#include "warp.h"

double FK(warp_fold)(double x, int64_t size, int mode) {
    const double last = (double)(size - 1);
    if (size <= 1) return 0;
    if (mode == WARP_REFLECT) {
        const double period = 2 * (double)size;
        if (x < 0) {
            if (x < -period) x = period * trunc(-x / period) + x;
            return x < -(double)size ? x + period : (x > -1e-15 ? 1e-15 : -x) - 1;
        }
        x -= period * trunc(x / period);
        return x >= (double)size ? period - x - 1 : x;
    }
    if (mode == WARP_MIRROR) {
        const double period = 2 * last;
        if (x < 0) {
            x = period * trunc(-x / period) + x;
            return x <= -last ? x + period : -x;
        }
        x -= period * trunc(x / period);
        return x >= (double)size ? period - x : x;
    }
    if (mode == WARP_WRAP) return x < 0 ? x + last * (trunc(-x / last) + 1) : x - last * trunc(x / last);
    return x > 0 ? last : 0;
}

int64_t FK(warp_fold_index)(int64_t i, int64_t size, int mode) {
    if (size <= 1) return 0;
    if (mode == WARP_NEAREST) return fk_max(0, fk_min(i, size - 1));
    const int64_t period = mode == WARP_REFLECT ? 2 * size : 2 * size - 2;
    i %= period;
    if (i < 0) i += period;
    return i < size ? i : mode == WARP_REFLECT ? period - 1 - i : period - i;
}

void FK(warp_standardize)(const warp_job *job, float *y, int64_t i, int64_t j, int64_t k, int64_t n) {
    const fk_attr_warp *a = job->a;
    const float rescale = (float)a->rescale;
    if (a->standard == WARP_PLAIN) {
        if (rescale != 1)
            for (int64_t e = 0; e < n; e++) y[e] *= rescale;
    } else if (a->standard == WARP_BY_CHANNEL) {
        const float mean = job->mean[k], factor = job->factor[k];
        for (int64_t e = 0; e < n; e++) y[e] = (y[e] * rescale - mean) * factor;
    } else {
        const int64_t c = a->first ? 1 : a->c, from = (a->standard == WARP_BY_ROW ? j : (k * a->h + i) * a->w + j) * c;
        const float *mean = job->mean + from, *factor = job->factor + from;
        for (int64_t e = 0; e < n; e++) y[e] = (y[e] * rescale - mean[e]) * factor[e];
    }
}

static void rows(const warp_job *job, int64_t lo, int64_t hi) {
    const fk_warp_image *image = job->image;
    if (image->type == WARP_DOUBLE)
        FK(warp_double_double)(job, lo, hi);
    else if (image->what & WARP_BRIGHTNESS) /* which makes whole numbers of the pixels: a last bit may become a step */
        (image->type == WARP_UINT8 ? FK(warp_uint8_double) : FK(warp_float_double))(job, lo, hi);
    else
        (image->type == WARP_UINT8 ? FK(warp_uint8_float) : FK(warp_float_float))(job, lo, hi);
}

/* chunks of one image: of rows, where a row needs no other */
static int64_t shares(const fk_attr_warp *a) {
    if (a->whole || a->order > 1 || a->n == 0) return 1;
    return fk_max(1, fk_min(fk_min(a->h, a->h * a->w * a->c / 16384), 16 / a->n));
}

FK_PARTS(warp) {
    const int64_t words = a->order > 1 ? FK(warp_plane)(a) : 0;
    return words * 8 <= FK_KERNEL_SCRATCH ? 0 : words;
}

FK_CHUNKS(warp) { return fk_max(1, a->n * shares(a)); }

FK_KERNEL(warp) {
    const int64_t each = shares(a), n = ith / each, size = a->h * a->w * a->c;
    (void)nth;
    if (n >= a->n || size == 0) return;
    const int64_t lo = a->h * (ith % each) / each, hi = a->h * (ith % each + 1) / each, room = FK(warp_parts)(a);
    const fk_warp_image *image = (const fk_warp_image *)call->ptr[0] + n;
    double *coefficients = room ? (double *)call->ptr[3] + n * room : (double *)call->scratch;
    const warp_job job = {a,           image, call->ptr[1], call->ptr[2], (char *)call->ptr[4] + n * size * (a->wide ? 8 : 4),
                          coefficients};
    if (a->order > 1 && image->what & WARP_MATRIX)
        FK(warp_spline)(&job);
    else
        rows(&job, lo, hi);
    if (a->whole) FK(warp_whole)(&job);
}
