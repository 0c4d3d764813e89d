/* Convolutions of few input channels: too little work in a window to copy it out first, as im2col does. A row of a window is
 * side by side in x, so that its elements are read where they are. */
#ifndef FK_CONV_FEW_H
#define FK_CONV_FEW_H
#include "gemm_tile.h"

/* Whether a convolution is one: its windows are a single block of k, and read where they are they overlap, or nearly. Rows of
 * the output that are shorter than half a micro-kernel would waste it. */
static inline int conv_is_few(const fk_attr_conv2d *a) {
    const int readable = a->groups == 1 && a->sw <= a->kw && (a->dw == 1 || a->kw == 1);
    return readable && a->c <= 32 && a->kh * a->kw > 1 && a->kh * a->kw * a->c <= KC && a->ow >= 6;
}
int64_t FK(conv_few_chunks)(const fk_attr_conv2d *a);
void FK(conv_few)(const fk_call *call, const fk_attr_conv2d *a, int64_t ith, int64_t nth);
#endif
