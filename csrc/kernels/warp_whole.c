/* What needs a whole image: its range, its mean, its deviation. */
#include "warp.h"

static void range(const float *x, int64_t n, float *low, float *high) {
    vf least = v_set1(x[0]), most = least;
    for (int64_t e = 0; e < n; e += VL) {
        vf v = e + VL <= n ? v_load(x + e) : v_load_fill(x + e, n - e, v_set1(x[0]));
        least = v_min(least, v);
        most = v_max(most, v);
    }
    *low = v_smallest(least);
    *high = v_largest(most);
}

static void add_shift(float *y, int64_t n, float shift) {
    float low, high;
    range(y, n, &low, &high);
    for (int64_t e = 0; e < n; e += VL) {
        vf v = v_load_upto(y + e, n - e) + shift;
        v_store_upto(y + e, v_min(v_max(v, v_set1(low)), v_set1(high)), n - e);
    }
}

/* n values stretched to bytes, times the factor and cut to bytes again. `keeps` marks the lanes that stay bytes. */
static void brighten(float *y, int64_t n, float low, float spread, float factor, vi keeps) {
    const vf largest = v_set1(factor >= 0 && factor <= 1 ? INFINITY : 255.0f);
    for (int64_t e = 0; e < n; e += VL) {
        vf v = v_load_upto(y + e, n - e) - low;
        if (spread != 0) v /= spread;
        vf byte = v_from_i(v_to_i(v * 255.0f) & 255); /* NaN is some byte */
        v = byte * factor;
        v = v_lesser(largest, v_greater(v, (vf){0}));
        v_store_upto(y + e, v_blend(keeps, byte, v_from_i(v_to_i(v) & 255)), n - e);
    }
}

/* as through an image of bytes and Pillow's ImageEnhance.Brightness: the fourth channel is opacity, which stays */
static void change_brightness(const fk_attr_warp *a, float *y, int64_t n, float factor) {
    float low, high;
    range(y, n, &low, &high);
    const vi none = {0}, fourth = (vi_lanes() & 3) == 3;
    if (a->c == 4 && a->first) {
        brighten(y, n / 4 * 3, low, high - low, factor, none);
        brighten(y + n / 4 * 3, n / 4, low, high - low, factor, ~none);
    } else {
        brighten(y, n, low, high - low, factor, a->c == 4 ? fourth : none);
    }
}

static double mean_of(const float *y, int64_t n) {
    double sum[8] = {0}, all = 0;
    for (int64_t e = 0; e + 8 <= n; e += 8)
        for (int l = 0; l < 8; l++) sum[l] += y[e + l];
    for (int64_t e = n / 8 * 8; e < n; e++) all += y[e];
    for (int l = 0; l < 8; l++) all += sum[l];
    return all / (double)n;
}

static double deviation_of(const float *y, int64_t n, double mean) {
    double sum[8] = {0}, all = 0;
    for (int64_t e = 0; e + 8 <= n; e += 8)
        for (int l = 0; l < 8; l++) sum[l] += (y[e + l] - mean) * (y[e + l] - mean);
    for (int64_t e = n / 8 * 8; e < n; e++) all += (y[e] - mean) * (y[e] - mean);
    for (int l = 0; l < 8; l++) all += sum[l];
    return sqrt(all / (double)n);
}

void FK(warp_whole)(const warp_job *job) {
    const fk_attr_warp *a = job->a;
    const fk_warp_image *image = job->image;
    const int64_t n = a->h * a->w * a->c, planes = a->first ? a->c : 1, wide = a->first ? a->w : a->w * a->c;
    const float rescale = (float)a->rescale;
    float *y = job->y;
    if (image->what & WARP_SHIFT) add_shift(y, n, (float)image->shift);
    if (image->what & WARP_BRIGHTNESS) change_brightness(a, y, n, (float)image->brightness);
    if (a->center || a->scale) {
        /* in the units of the result: what is added to the deviation is of them */
        const double mean = mean_of(y, n);
        const double deviation = a->scale ? deviation_of(y, n, mean) * fabs(a->rescale) + 1e-6 : 1;
        const float center = a->center ? (float)(mean * a->rescale) : 0, factor = (float)(1 / deviation);
        for (int64_t e = 0; e < n; e++) y[e] = (y[e] * rescale - center) * factor;
    }
    warp_job rest = *job;
    fk_attr_warp done = *a;
    if (a->center || a->scale) done.rescale = 1;
    rest.a = &done;
    for (int64_t k = 0; k < planes; k++)
        for (int64_t i = 0; i < a->h; i++) FK(warp_standardize)(&rest, y + (k * a->h + i) * wide, i, 0, k, wide);
}
