/* Windows of a channels_last image as rows of a matrix, made a block at a time: the convolutions as implicit GEMM. */
#ifndef FK_IM2COL_H
#define FK_IM2COL_H
#include "gemm.h"

/* output pixels side by side in one row of the output */
typedef struct {
    int64_t at, id, ih, iw; /* where the window of the first begins, inside x or not: its element, slice, row, column */
    int64_t count;
} stretch;

typedef struct {
    const float *x; /* n images of d × h × w pixels of c channels, of which the taps read `run`, from x on */
    int64_t d, h, w, c, run;
    int64_t kd, kh, kw, dd, dh, dw; /* taps, and pixels from one to the next */
    /* output pixel (q, i, j) of od × oh × ow begins at (q · sd - pf, i · sh - pt, j · sw - pl) */
    int64_t od, oh, ow, sd, sh, sw, pf, pt, pl;
    stretch *list; /* the pixels at hand; room for as many as im2col_begin is asked for */
    int64_t stretches;
} windows;
/* of a step's attributes, but for x */
#define WINDOWS(a, table)                                                                                              \
    {.list = table, .d = a->d, .h = a->h, .w = a->w, .c = a->c, .run = a->c / a->groups,                               \
     .kd = a->kd, .kh = a->kh, .kw = a->kw, .dd = a->dd, .dh = a->dh, .dw = a->dw,                                     \
     .od = a->od, .oh = a->oh, .ow = a->ow, .sd = a->sd, .sh = a->sh, .sw = a->sw,                                     \
     .pf = a->pf, .pt = a->pt, .pl = a->pl}
/* whether the windows are the pixels themselves */
#define PIXELWISE(a)                                                                                                   \
    (a->kd * a->kh * a->kw * a->sd * a->sh * a->sw == 1 && a->od == a->d && a->oh == a->h && a->ow == a->w &&          \
     !a->pf && !a->pt && !a->pl)

/* lists the output pixels [r, r + m), counted over all images */
void FK(im2col_begin)(windows *v, int64_t r, int64_t m);
/* what the windows of [r, r + m) have below those before them */
void FK(im2col_upcoming)(const windows *v, int64_t r, int64_t m, gemm_fetch *f);
/* elements [p, p + k) of the windows at hand to d, `stride` from pixel to pixel; elements run over kd, kh, kw, run */
void FK(im2col)(const windows *v, int64_t p, int64_t k, float *d, int64_t stride);

/* conv_grad.c: dw of one group from the pixels [p0, p1) of dy; add: to what dw holds. The scratch of a kernel: the first
 * FK_DW_SCRATCH bytes are used */
#define FK_DW_SCRATCH (5 << 18)
void FK(conv_dw_pixels)(const fk_conv *a, const float *x, const float *dy, float *dw, int64_t p0, int64_t p1, int add,
                        float *scratch);
void FK(conv_dx)(const fk_call *, int64_t ith, int64_t nth);
#endif
