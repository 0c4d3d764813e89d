/* Convolutions of few input channels: too little work in a window to copy it out first, as im2col does. A row of a window is
 * side by side in x, so that its elements are read where they are. */
#ifndef FK_CONV_FEW_H
#define FK_CONV_FEW_H
#include "gemm.h"

#define FEW_ROWS 64 /* of a window, at most */

/* Whether a convolution is one: its windows are a single block of k, and read where they are they overlap, or nearly. Rows of
 * the output that are shorter than half a micro-kernel would waste it. */
static inline int conv_is_few(const fk_conv *a) {
    const int readable = a->groups == 1 && a->sw <= a->kw && (a->dw == 1 || a->kw == 1);
    const int64_t rows = a->kd * a->kh;
    return readable && a->c > 0 && a->c <= 32 && rows <= FEW_ROWS && rows * a->kw > 1 && rows * a->kw * a->c <= BLOCKS.kc &&
           a->ow >= 6;
}

/* the windows of some pixels of a row of the output */
typedef struct {
    const float *x; /* the first element of the first */
    int64_t step; /* from one to the next */
    int64_t rows, run; /* of each, of all slices: rows, elements of a row */
    int64_t oc;
    int64_t at[FEW_ROWS]; /* where each row begins, from the first element */
} few_windows;
#define FEW_WINDOWS(a) {.step = a->sw * a->c, .rows = a->kd * a->kh, .run = a->kw * a->c, .oc = a->oc}
/* Finds the windows of output pixels [j, j + count), count ≤ few_pixels, in row r of the rows of all slices of all images.
 * Windows inside the image are read where they are; where one reaches over its border, the rows of x under them all are copied
 * to `copy`, FEW_COPY floats, with zeros around. */
#define FEW_COPY ((FK_MOST_few_pixels + LINE) * FK_MOST_kc)
void FK(few_at)(few_windows *w, const fk_conv *a, const float *x, int64_t r, int64_t j, int64_t count, float *copy);
#endif
