/* Affine warps of images by inverse mapping, as SciPy's ndimage does them, and what is done to an image besides.
 *
 * Pixel (i, j) of the result is the input at coordinates (o0 + i·m00) + j·m01 along the rows and (o1 + i·m10) + j·m11
 * along the columns, in that order of operations and without contraction: so that a coordinate half way between two pixels,
 * or on the edge of the image, goes where SciPy sends it. */
#ifndef FK_WARP_H
#define FK_WARP_H
#include "vec.h"

/* what lies outside. NEAREST: the pixel at the edge. CONSTANT: cval. REFLECT: d c b a | a b c d | d c b a.
 * MIRROR: d c b | a b c d | c b a. WRAP: from the last pixel back to the first, which are one: a period of size - 1. */
enum { WARP_NEAREST, WARP_CONSTANT, WARP_REFLECT, WARP_WRAP, WARP_MIRROR };
enum { WARP_UINT8, WARP_FLOAT, WARP_DOUBLE };
enum { WARP_MATRIX = 1, WARP_FLIP_COLUMNS = 2, WARP_FLIP_ROWS = 4, WARP_SHIFT = 8, WARP_BRIGHTNESS = 16 };

/* one image: the words of a record, as Python fills them in */
typedef struct {
    const void *pixels;       /* h × w × c, or c × h × w */
    int32_t type, what;       /* of the pixels; which of the following is done, in the order of the bits */
    double matrix[4], offset[2];
    double shift, brightness; /* added, within the image's own range; factor of an image of 0 … 255 */
} warp_image;

/* an image on its way */
typedef struct {
    const fk_attr_warp *a;
    const warp_image *image;
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
