/* A depthwise convolution between two of single pixels, as in MobileNetV2: the wide images on both of its sides, h and d, are made
 * and used a few rows at a time, and never leave L2. Every number is made as the three kernels would make it. */
#include "depthwise.h"
#include "gemm.h"

/* Shares of an image, each of which makes some rows of h again: so many, but fewer of batches that make ENOUGH chunks so. */
#define MOST_SHARES 4
#define ENOUGH 16
#define BANDS 2 /* rows of h have room for so many bands, so that what two of them read need not be moved each time */

static fk_attr_depthwise depthwise_of(const fk_attr_depthwise_between *a) {
    return (fk_attr_depthwise){1, a->h, a->w, a->e, a->oh, a->ow, 1, a->kh, a->kw, a->sh, a->sw, a->dh, a->dw, a->pt, a->pl};
}
/* rows of h under so many of d */
static int64_t under(const fk_attr_depthwise_between *a, int64_t rows) {
    return fk_min(a->h, (rows - 1) * a->sh + (a->kh - 1) * a->dh + 1);
}

/* rows of d that are made at a time, and those of h that there is room for */
typedef struct {
    int64_t rows, room;
} band_t;
static band_t band_of(const fk_attr_depthwise_between *a) {
    const fk_attr_depthwise d = depthwise_of(a);
    const int64_t unit = FK(depthwise_unit)(&d), drow = a->ow * a->e, hrow = a->expands ? a->w * a->e : 0;
    const int64_t left = BLOCKS.between_numbers - fk_max(0, (a->kh - 1) * a->dh + 1 - a->sh) * hrow;
    const int64_t rows = fk_max(1, left / fk_max(1, drow + BANDS * a->sh * hrow) / unit) * unit;
    band_t b = {fk_min(rows, fk_ceil_div(a->oh, unit) * unit), 0};
    if (a->expands) b.room = under(a, BANDS * b.rows);
    return b;
}

static int64_t shares_of(const fk_attr_depthwise_between *a) { /* of an image */
    const double work = (double)a->oh * a->ow * a->e * (a->oc + a->kh * a->kw) + (double)a->expands * a->h * a->w * a->c * a->e;
    const int64_t few = fk_min(MOST_SHARES, fk_ceil_div(ENOUGH, fk_max(1, a->n)));
    return fk_max(1, fk_min(fk_ceil_div(a->oh, 4), gemm_chunks(work, few)));
}
FK_CHUNKS(depthwise_between) { return a->n * shares_of(a); }
FK_PARTS(depthwise_between) {
    const band_t b = band_of(a);
    return GEMM_SCRATCH + 4 * (b.rows * a->ow + b.room * a->w) * a->e <= FK_KERNEL_SCRATCH;
}

static fk_ending clip(const float *bias, double low, double high) {
    return (fk_ending){.bias = bias, .clips = low > -INFINITY || high < INFINITY, .low = (float)low, .high = (float)high};
}

/* of pixels of k channels and a packed B of k × n, which is near */
static gemm_job job(int64_t k, int64_t n, const float *b, const fk_ending *ending, float *scratch) {
    return (gemm_job){.as = k, .ldc = n, .n = n, .k = k, .mode = GEMM_NEAR, .b = b, .ending = ending, .scratch = scratch};
}

/* all columns of `rows` pixels from a on, times B */
static void product(gemm_job *j, const float *a, int64_t rows, float *c) {
    j->a = a;
    j->c = c;
    j->pack = gemm_must_pack(j->as, 0, rows, j->n, 0) ? FK(gemm_pack_rows) : NULL;
    FK(gemm_packed)(j, 0, rows, 0, j->n);
}

/* rows [first, behind) of h that are there, from `at` on */
typedef struct {
    float *at;
    int64_t first, behind;
} rows_t;
/* lets rows [lowest, highest) be there, those that are not yet being made of x */
static void wide_rows(rows_t *h, const fk_attr_depthwise_between *a, gemm_job *expand, const float *x, int64_t room,
                      int64_t lowest, int64_t highest) {
    const int64_t n = a->w * a->e;
    if (lowest >= h->behind) {
        h->first = h->behind = lowest;
    } else if (highest - h->first > room) {
        memmove(h->at, h->at + (lowest - h->first) * n, (size_t)((h->behind - lowest) * n) * 4);
        h->first = lowest;
    }
    if (highest <= h->behind) return;
    product(expand, x + h->behind * a->w * a->c, (highest - h->behind) * a->w, h->at + (h->behind - h->first) * n);
    h->behind = highest;
}

FK_KERNEL(depthwise_between) {
    const int64_t per = shares_of(a), hrow = a->w * a->e, drow = a->ow * a->e;
    const fk_attr_depthwise depthwise = depthwise_of(a);
    const band_t band = band_of(a);
    const fk_ending end1 = clip(call->ptr[2], a->low1, a->high1), end = clip(call->ptr[4], a->low, a->high);
    float *scratch = (float *)call->scratch, *d = scratch + GEMM_SCRATCH / 4, *y = call->ptr[6];
    fk_ending e;
    const fk_ending *ending = fk_ending_of(call, y, a->oc, &e);
    gemm_job expand = job(a->c, a->e, call->ptr[1], &end1, scratch), project = job(a->e, a->oc, call->ptr[5], ending, scratch);
    project.call = ending ? NULL : call;
    for (int64_t t = ith; t < a->n * per; t += nth) {
        const float *x = (const float *)call->ptr[0] + t / per * a->h * a->w * a->c;
        rows_t h = {.at = d + band.rows * drow};
        int64_t lo, hi;
        fk_range(a->oh, FK(depthwise_unit)(&depthwise), t % per, per, &lo, &hi);
        for (int64_t r0 = lo; r0 < hi; r0 += band.rows) {
            const int64_t r1 = fk_min(hi, r0 + band.rows), lowest = r0 * a->sh - a->pt;
            const int64_t highest = fk_min(a->h, (r1 - 1) * a->sh - a->pt + (a->kh - 1) * a->dh + 1);
            if (a->expands) wide_rows(&h, a, &expand, x, band.room, fk_max(0, lowest), highest);
            FK(depthwise_rows)(&depthwise, &end, a->expands ? h.at - h.first * hrow : x, call->ptr[3], d - r0 * drow, r0, r1);
            project.index = (t / per * a->oh + r0) * a->ow * a->oc;
            product(&project, d, (r1 - r0) * a->ow, y + project.index);
        }
    }
}
