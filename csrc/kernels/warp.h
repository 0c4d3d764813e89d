/* Affine warps of images by inverse mapping, as SciPy's ndimage does them, and what is done to an image besides
 * (modes, types and flags: ../shared.def; the record of an image: ../fk.h).
 *
 * Pixel (i, j) of the result is the input at coordinates (o0 + i·m00) + j·m01 along the rows and (o1 + i·m10) + j·m11
 * along the columns, in that order of operations and without contraction: so that a coordinate half way between two pixels,
 * or on the edge of the image, goes where SciPy sends it. */
#ifndef FK_WARP_H
#define FK_WARP_H
#include "vec.h"

/* an image on its way */
typedef struct {
    const fk_attr_warp *a;
    const fk_warp_image *image;
    const float *mean, *factor;
    void *y;
    double *coefficients; /* room for a plane, where the order is above 1 */
} warp_job;

/* n coordinates of a stretch of a row along one axis: base + step[j] */
typedef struct {
    const double *step;
    double base;
    int64_t n, size; /* pixels that the axis has */
} warp_line;

enum { WARP_BLOCK = 256 }; /* pixels of a row that are done at a time */

static inline double warp_at(const warp_line *l, int64_t j) { return l->base + l->step[j]; }
/* false for NaN */
static inline int warp_inside(double x, int64_t size) { return x >= 0 && x <= (double)(size - 1); }
/* x, a product that must not become part of a fused multiply-add */
static inline double warp_rounded(double x) {
    __asm__("" : "+m"(x));
    return x;
}

/* warp.c: a coordinate outside, brought to [-1, size] by the mode; anything where it is no number */
double FK(warp_fold)(double x, int64_t size, int mode);
/* the index of a pixel outside by less than `size` or so */
int64_t FK(warp_fold_index)(int64_t i, int64_t size, int mode);
/* y = (rescale · x - mean) · factor of n elements from column j of row i, of plane k where the channels come first */
void FK(warp_standardize)(const warp_job *, float *y, int64_t i, int64_t j, int64_t k, int64_t n);
/* warp_whole.c: shift, brightness and the sample's own mean and deviation, then the same */
void FK(warp_whole)(const warp_job *);
/* warp_spline.c: orders above 1, and what they need of memory */
void FK(warp_spline)(const warp_job *);
int64_t FK(warp_plane)(const fk_attr_warp *);

/* warp_rows.h: rows [lo, hi) of an image at order 0 or 1, or only flipped. The names say: type of the pixels, arithmetic */
void FK(warp_uint8_float)(const warp_job *, int64_t lo, int64_t hi);
void FK(warp_float_float)(const warp_job *, int64_t lo, int64_t hi);
void FK(warp_uint8_double)(const warp_job *, int64_t lo, int64_t hi);
void FK(warp_float_double)(const warp_job *, int64_t lo, int64_t hi);
void FK(warp_double_double)(const warp_job *, int64_t lo, int64_t hi);
#endif
