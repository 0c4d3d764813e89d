/* Warps by B-splines of order 2 to 5: the coefficients of a plane, by recursive filters (M. Unser, A. Aldroubi, M. Eden,
 * B-spline signal processing, 1993), then sums of (order + 1)² of them. All in double. */
#include "warp.h"

enum { MAX_ORDER = 5, PAD = 12 }; /* in mode NEAREST, the image is padded by so many edge pixels before it is filtered */

static int64_t padding(const fk_attr_warp *a) { return a->mode == WARP_NEAREST ? PAD : 0; }
int64_t FK(warp_plane)(const fk_attr_warp *a) { return (a->h + 2 * padding(a)) * (a->w + 2 * padding(a)); }

/* the poles of the filter, in (-1, 0); returns how many */
static int poles(int64_t order, double *z) {
    switch (order) {
    case 2: z[0] = sqrt(8.0) - 3; return 1;
    case 3: z[0] = sqrt(3.0) - 2; return 1;
    case 4:
        z[0] = sqrt(664 - sqrt(438976.0)) + sqrt(304.0) - 19;
        z[1] = sqrt(664 + sqrt(438976.0)) - sqrt(304.0) - 19;
        return 2;
    default:
        z[0] = sqrt(67.5 - sqrt(4436.25)) + sqrt(26.25) - 6.5;
        z[1] = sqrt(67.5 + sqrt(4436.25)) - sqrt(26.25) - 6.5;
        return 2;
    }
}

/* The sum of what lies before a line, the first of n elements that are `step` apart, weighted by powers of z. The line goes on
 * beyond its ends mirrored about its last element, or, `reflect`, about its end. Short lines wholly count; of long ones the
 * terms that do not vanish. */
static double before(const double *l, int64_t n, int64_t step, double z, int reflect) {
    const int64_t seen = 2 + (int64_t)(-42 / log(-z));
    const double far = pow(z, (double)(reflect ? n : n - 1));
    double sum = l[0], power = z;
    if (seen < n) {
        for (int64_t i = 1; i < seen; i++, power *= z) sum += power * l[i * step];
        return reflect ? l[0] + z * sum : sum;
    }
    sum += far * l[(n - 1) * step];
    if (!reflect) {
        for (int64_t i = 1; i < n - 1; i++, power *= z) sum += power * (l[i * step] + far * l[(n - 1 - i) * step]);
        return sum / (1 - far * far);
    }
    /* the sum itself instead of the first element in the last term: as SciPy has it, visible in images of a few pixels */
    for (int64_t i = 1; i < n; i++, power *= z) sum += power * (l[i * step] + far * (i < n - 1 ? l[(n - 1 - i) * step] : sum));
    return l[0] + sum * z / (1 - far * far);
}

/* One pole over `count` lines: element i of line j is at c[i·step + j·side]. */
static inline void filter(double *c, int64_t n, int64_t step, int64_t count, int64_t side, double z, int reflect) {
    for (int64_t j = 0; j < count; j++) c[j * side] = before(c + j * side, n, step, z, reflect);
    for (int64_t i = 1; i < n; i++)
        for (int64_t j = 0; j < count; j++) c[i * step + j * side] += z * c[(i - 1) * step + j * side];
    double *e = c + (n - 1) * step;
    for (int64_t j = 0; j < count; j++)
        e[j * side] = reflect ? e[j * side] * z / (z - 1) : (z * e[j * side - step] + e[j * side]) * z / (z * z - 1);
    for (int64_t i = n - 2; i >= 0; i--)
        for (int64_t j = 0; j < count; j++)
            c[i * step + j * side] = z * (c[(i + 1) * step + j * side] - c[i * step + j * side]);
}

static void prefilter(double *c, int64_t h, int64_t w, int64_t order, int mode) {
    double z[2], gain = 1;
    const int many = poles(order, z), reflect = mode == WARP_REFLECT || mode == WARP_NEAREST;
    for (int p = 0; p < many; p++) gain *= (1 - z[p]) * (1 - 1 / z[p]);
    if (h > 1) {
        for (int64_t e = 0; e < h * w; e++) c[e] *= gain;
        for (int p = 0; p < many; p++) filter(c, h, w, w, 1, z[p], reflect);
    }
    if (w > 1) {
        for (int64_t e = 0; e < h * w; e++) c[e] *= gain;
        for (int p = 0; p < many; p++)
            for (int64_t i = 0; i < h; i++) filter(c + i * w, w, 1, 1, 1, z[p], reflect);
    }
}

/* the plane of channel k as doubles, padded */
static void widen(const warp_job *job, int64_t k, double *c, int64_t pad) {
    const fk_attr_warp *a = job->a;
    const int64_t h = a->h + 2 * pad, w = a->w + 2 * pad, row = a->first ? a->w : a->w * a->c, pixel = a->first ? 1 : a->c;
    for (int64_t i = 0; i < h; i++)
        for (int64_t j = 0; j < w; j++) {
            const int64_t y = fk_max(0, fk_min(i - pad, a->h - 1)), x = fk_max(0, fk_min(j - pad, a->w - 1));
            const int64_t e = (a->first ? k * a->h * a->w : k) + y * row + x * pixel;
            const void *p = job->image->pixels;
            c[i * w + j] = job->image->type == WARP_UINT8   ? ((const uint8_t *)p)[e]
                           : job->image->type == WARP_FLOAT ? ((const float *)p)[e]
                                                            : ((const double *)p)[e];
        }
}

/* the values at x of the splines that are not zero there, by de Boor's recurrence; returns the pixel of the first */
static inline int64_t weights(double x, int64_t order, double *v) {
    const double below = floor(order & 1 ? x : x + 0.5), t = (order & 1 ? x : x + 0.5) - below;
    v[0] = 1;
    for (int64_t p = 1; p <= order; p++) {
        double saved = 0;
        for (int64_t r = 0; r < p; r++) {
            const double part = v[r] / (double)p;
            v[r] = saved + ((double)(r + 1) - t) * part;
            saved = (t + (double)(p - r - 1)) * part;
        }
        v[p] = saved;
    }
    return (int64_t)below - order / 2;
}

/* the splines at a coordinate: their values, and where their coefficients are along the axis; 0 where that is outside in
 * mode CONSTANT */
static inline int taps(double x, int64_t size, int64_t order, int mode, int64_t step, int64_t *where, double *v) {
    if (!warp_inside(x, size)) {
        if (mode == WARP_CONSTANT) return 0;
        /* in mode NEAREST the coefficients go on outside, not the pixels */
        if (mode != WARP_NEAREST) x = FK(warp_fold)(x, size, mode);
        x = x > -MAX_ORDER ? x : -MAX_ORDER; /* and NaN */
        x = x < (double)(size + MAX_ORDER) ? x : (double)(size + MAX_ORDER);
    }
    const int64_t start = weights(x, order, v);
    for (int64_t r = 0; r <= order; r++) {
        const int64_t i = start + r;
        where[r] = (i >= 0 && i < size ? i : FK(warp_fold_index)(i, size, mode)) * step;
    }
    return 1;
}

static inline void plane(const warp_job *job, int64_t k, const int64_t order) {
    const fk_attr_warp *a = job->a;
    const fk_warp_image *image = job->image;
    const int64_t pad = padding(a), h = a->h + 2 * pad, w = a->w + 2 * pad, pixel = a->first ? 1 : a->c;
    const double *m = image->matrix, *c = job->coefficients;
    for (int64_t i = 0; i < a->h; i++)
        for (int64_t j = 0; j < a->w; j++) {
            const double row = (double)(image->what & WARP_FLIP_ROWS ? a->h - 1 - i : i);
            const double column = (double)(image->what & WARP_FLIP_COLUMNS ? a->w - 1 - j : j);
            const double y = image->offset[0] + warp_rounded(row * m[0]) + warp_rounded(column * m[1]) + (double)pad;
            const double x = image->offset[1] + warp_rounded(row * m[2]) + warp_rounded(column * m[3]) + (double)pad;
            int64_t wy[MAX_ORDER + 1], wx[MAX_ORDER + 1];
            double vy[MAX_ORDER + 1], vx[MAX_ORDER + 1], value = a->cval;
            if (taps(y, h, order, (int)a->mode, w, wy, vy) && taps(x, w, order, (int)a->mode, 1, wx, vx)) {
                value = 0;
                for (int64_t q = 0; q <= order; q++) {
                    double sum = 0;
                    for (int64_t r = 0; r <= order; r++) sum += vx[r] * c[wy[q] + wx[r]];
                    value += vy[q] * sum;
                }
            }
            const int64_t e = (a->first ? k * a->h * a->w : k) + (i * a->w + j) * pixel;
            if (a->wide)
                ((double *)job->y)[e] = value;
            else
                ((float *)job->y)[e] = (float)value;
        }
}

void FK(warp_spline)(const warp_job *job) {
    const fk_attr_warp *a = job->a;
    const int64_t pad = padding(a), planes = a->first ? a->c : 1, row = a->first ? a->w : a->w * a->c;
    for (int64_t k = 0; k < a->c; k++) {
        widen(job, k, job->coefficients, pad);
        prefilter(job->coefficients, a->h + 2 * pad, a->w + 2 * pad, a->order, (int)a->mode);
        switch (a->order) {
        case 2: plane(job, k, 2); break;
        case 3: plane(job, k, 3); break;
        case 4: plane(job, k, 4); break;
        default: plane(job, k, 5); break;
        }
    }
    if (a->whole || a->wide) return;
    for (int64_t k = 0; k < planes; k++)
        for (int64_t i = 0; i < a->h; i++) FK(warp_standardize)(job, (float *)job->y + (k * a->h + i) * row, i, 0, k, row);
}
