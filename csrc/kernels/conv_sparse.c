/* The gradients of conv where dy is 0 almost everywhere, as behind a maximum over the whole image: each of its other numbers
 * is multiplied by the window that it belongs to, and by its filter. A 0 multiplies nothing, so what it would be multiplied by has
 * to be finite. Images of which that is not so, or where many elements are the maximum, are left to products. */
#include "im2col.h"
#include "transpose.h"

#define INLINE static inline __attribute__((always_inline))
#define ENOUGH 16 /* one number in so many that is not 0: products are as fast (Xeon, v4 and v3) */
#define FK_SPARSE_ROW (1 << 18) /* numbers of a row of dy, at most: their places stand in the scratch */

/* the places of the numbers among n that are not 0, and how many */
static int64_t found(const float *p, int64_t n, int32_t *list) {
    int64_t count = 0, k = 0;
    for (; k + 4 * VL <= n; k += 4 * VL) {
        vi any = {0};
        for (int v = 0; v < 4; v++) any |= v_load(p + k + v * VL) != 0.0f;
        if (!v_any(any)) continue;
        for (int64_t l = k; l < k + 4 * VL; l++) {
            list[count] = (int32_t)l;
            count += p[l] != 0.0f;
        }
    }
    for (; k < n; k++) {
        list[count] = (int32_t)k;
        count += p[k] != 0.0f;
    }
    return count;
}

/* whether more than one in ENOUGH is not 0 */
static int dense(const float *p, int64_t n) {
    int64_t count = 0;
    for (int64_t k = 0; k < n; k += 4 * VL) {
        const int64_t some = fk_min(4 * VL, n - k);
        vi any = {0};
        for (int64_t v = 0; v < some; v += VL) any |= v_load_upto(p + k + v, some - v) != 0.0f;
        if (!v_any(any)) continue;
        for (int64_t l = k; l < k + some; l++) count += p[l] != 0.0f;
    }
    return count * ENOUGH > n;
}

/* whether there is no NaN and no inf among n numbers: 0 times any other is 0 */
static int all_finite(const float *p, int64_t n) {
    vf sum = v_set1(0.0f);
    for (int64_t k = 0; k < n; k += VL) sum += v_load_upto(p + k, fk_min(VL, n - k)) * 0.0f;
    return !v_any(sum != sum);
}

/* y += f · x, n numbers */
INLINE void add_product(float *y, const float *x, float f, int64_t n) {
    const vf a = v_set1(f);
    int64_t k = 0;
    for (; k + VL <= n; k += VL) v_store(y + k, v_fma(a, v_load(x + k), v_load(y + k)));
    if (k < n) v_store_n(y + k, v_fma(a, v_load_n(x + k, n - k), v_load_n(y + k, n - k)), n - k);
}

/* the windows of one row of one slice of dy: for each number that is not 0, the filter f[oc][taps · c] += g · the window in x, or,
 * by_input, the window in x += g · the filter. Elements of a row of a window lie side by side: PARTS below */
INLINE void row_of(const fk_conv *a, float *x, float *f, const float *dy, int64_t z, int64_t y, int32_t *list,
                   const int by_input) {
    const int64_t taps = a->kd * a->kh * a->kw * a->c, n = found(dy, a->ow * a->oc, list);
    for (int64_t i = 0; i < n; i++) {
        const int64_t column = list[i] / a->oc * a->sw - a->pl, channel = list[i] % a->oc;
        const int64_t first = fk_max(0, -column), wide = fk_min(a->kw, a->w - column) - first;
        if (wide <= 0) continue;
        for (int64_t tz = 0; tz < a->kd; tz++)
            for (int64_t ty = 0; ty < a->kh; ty++) {
                const int64_t slice = z * a->sd - a->pf + tz * a->dd, line = y * a->sh - a->pt + ty * a->dh;
                if (slice < 0 || slice >= a->d || line < 0 || line >= a->h) continue;
                float *window = x + ((slice * a->h + line) * a->w + column + first) * a->c;
                float *filter = f + channel * taps + ((tz * a->kh + ty) * a->kw + first) * a->c;
                if (by_input)
                    add_product(window, filter, dy[list[i]], wide * a->c);
                else
                    add_product(filter, window, dy[list[i]], wide * a->c);
            }
    }
}

/* one group, rows of windows in one piece, a list that fits */
static int suits(const fk_conv *a) { return a->groups == 1 && (a->dw == 1 || a->kw == 1) && a->ow * a->oc <= FK_SPARSE_ROW; }
_Static_assert(FK_SPARSE_ROW * 4 <= FK_KERNEL_SCRATCH / 2 && FK_DW_SCRATCH <= FK_KERNEL_SCRATCH / 2,
               "half is left for filters");

static int64_t filters(const fk_conv *a) { return a->kd * a->kh * a->kw * a->c * a->oc; }

/* ---- with respect to x. A chunk has some images */
FK_PARTS(conv_sparse_dx) { return suits(&a->conv); }
FK_CHUNKS(conv_sparse_dx) { return fk_split(a->n, 1); }
FK_KERNEL(conv_sparse_dx) {
    const int64_t image = a->d * a->h * a->w * a->c, rows = a->od * a->oh;
    int64_t lo, hi;
    fk_range(a->n, 1, ith, nth, &lo, &hi);
    const int plain = lo < hi && all_finite(call->ptr[1], filters(&a->conv));
    for (int64_t i = lo; i < hi; i++) {
        float *dx = (float *)call->ptr[3] + i * image, *dy = (float *)call->ptr[0] + i * rows * a->ow * a->oc;
        if (!plain || dense(dy, rows * a->ow * a->oc)) {
            fk_attr_conv_dx one = {.conv = a->conv};
            one.n = 1;
            FK(conv_dx)(&(fk_call){.attr = &one, .ptr = (void *[]){dy, call->ptr[2], dx}, .scratch = call->scratch}, 0, 1);
        } else {
            memset(dx, 0, (size_t)image * 4);
            for (int64_t r = 0; r < rows; r++)
                row_of(&a->conv, dx, (float *)call->ptr[1], dy + r * a->ow * a->oc, r / a->oh, r % a->oh,
                       (int32_t *)call->scratch, 1);
        }
        fk_epilogue(call, i * image, image);
    }
}

/* ---- with respect to w: sums of filters stand in the scratch, one after the other */
FK_PARTS(conv_sparse_dw) {
    if (!suits(&a->conv) || filters(&a->conv) * 4 > FK_KERNEL_SCRATCH / 2) return 0;
    return fk_max(1, fk_min(8, a->n * a->od * a->oh * a->ow * a->oc / (1 << 16)));
}
FK_CHUNKS(conv_sparse_dw) { return fk_max(1, conv_sparse_dw_parts(a)); }
FK_KERNEL(conv_sparse_dw) {
    const int64_t taps = a->kd * a->kh * a->kw * a->c, rows = a->od * a->oh, parts = conv_sparse_dw_parts(a);
    const float *x = call->ptr[0], *dy = call->ptr[1];
    float *sum = (float *)(call->scratch + FK_KERNEL_SCRATCH / 2), block[VL * VL];
    for (int64_t part = ith; part < parts; part += nth) {
        float *dw = (float *)call->ptr[2] + part * taps * a->oc;
        int64_t lo, hi, next;
        int some = 0; /* whether dw holds some images already */
        fk_range(a->n * rows, 1, part, parts, &lo, &hi);
        memset(sum, 0, (size_t)(taps * a->oc) * 4);
        for (int64_t r = lo; r < hi; r = next) { /* an image, or what the part has of it */
            const int64_t image = r / rows, size = a->d * a->h * a->w * a->c;
            next = fk_min(hi, (image + 1) * rows);
            if (!all_finite(x + image * size, size) || dense(dy + r * a->ow * a->oc, (next - r) * a->ow * a->oc)) {
                FK(conv_dw_pixels)(&a->conv, x, dy, dw, r * a->ow, next * a->ow, some, (float *)call->scratch);
                some = 1;
            } else {
                for (; r < next; r++)
                    row_of(&a->conv, (float *)x + image * size, sum, (float *)dy + r * a->ow * a->oc, r % rows / a->oh,
                           r % a->oh, (int32_t *)call->scratch, 0);
            }
        }
        for (int64_t k = 0; k < taps; k += VL)
            for (int64_t o = 0; o < a->oc; o += VL) {
                const int64_t nk = fk_min(VL, taps - k), no = fk_min(VL, a->oc - o);
                transpose_part(block, VL, sum + o * taps + k, taps, nk, no);
                for (int64_t l = 0; l < nk; l++) {
                    float *to = dw + (k + l) * a->oc + o;
                    const vf s = v_load_upto(block + l * VL, no);
                    v_store_upto(to, some ? v_load_upto(to, no) + s : s, no);
                }
            }
    }
}
