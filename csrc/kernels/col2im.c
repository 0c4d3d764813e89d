/* The sum of overlapping windows: what every tap gives to a pixel of x, gathered row by row of x. With a product of matrices
 * in front it is conv_dx of few channels, whose panels would be nearly empty. */
#include "vec.h"

#define COL2IM_GRAIN (1 << 15) /* elements read per chunk: about 10 µs */
#define FLUSH 4096             /* elements that wait for the epilogue */
#define SOURCES 64             /* rows of windows that are summed at a time */

FK_CHUNKS(col2im) {
    const int64_t read = a->od * a->oh * a->ow * a->kd * a->kh * a->kw * a->c / fk_max(1, a->d * a->h);
    return fk_split(a->n * a->d * a->h, COL2IM_GRAIN / fk_max(1, read));
}
FK_ONE_PART(col2im)

/* y[(j · sw + right) · c …] += the sums over s of from[s][j · pitch …], `width` pixels for each window j of a row */
static void add_rows(const fk_attr_col2im *a, float *y, const float *const *from, int64_t sources, int64_t right,
                     int64_t width) {
    const int64_t c = a->c, pitch = a->kd * a->kh * a->kw * c;
    for (int64_t j = 0; j < a->ow; j++) {
        const int64_t first = j * a->sw + right;
        const int64_t lo = fk_max(0, -first) * c, hi = fk_min(width, a->w - first) * c;
        for (int64_t e = lo; e < hi; e += VL) {
            const int64_t n = fk_min(VL, hi - e);
            vf sum = v_load_upto(from[0] + j * pitch + e, n);
            for (int64_t s = 1; s < sources; s++) sum += v_load_upto(from[s] + j * pitch + e, n);
            float *to = y + first * c + e;
            v_store_upto(to, v_load_upto(to, n) + sum, n);
        }
    }
}

/* the row of windows whose tap k meets element q of an axis, or -1 */
static inline int64_t meets(int64_t q, int64_t k, int64_t stride, int64_t dilation, int64_t pad, int64_t count) {
    const int64_t p = q + pad - k * dilation;
    return p < 0 || p % stride || p / stride >= count ? -1 : p / stride;
}

static void one_row(const fk_attr_col2im *a, const float *t, float *y, int64_t image, int64_t z, int64_t row) {
    const int64_t c = a->c, across = a->dw == 1 ? 1 : a->kw, width = a->kw / across, line = a->kw * c;
    const int64_t pitch = a->kd * a->kh * line;
    memset(y, 0, (size_t)(a->w * c) * 4);
    for (int64_t x = 0; x < across; x++) {
        const float *from[SOURCES];
        int64_t sources = 0;
        for (int64_t kz = 0; kz < a->kd; kz++) {
            const int64_t i = meets(z, kz, a->sd, a->dd, a->pf, a->od);
            for (int64_t ky = 0; i >= 0 && ky < a->kh; ky++) {
                const int64_t j = meets(row, ky, a->sh, a->dh, a->pt, a->oh);
                if (j < 0) continue;
                from[sources++] = t + ((image * a->od + i) * a->oh + j) * a->ow * pitch + (kz * a->kh + ky) * line + x * c;
                if (sources == SOURCES) {
                    add_rows(a, y, from, sources, x * a->dw - a->pl, width);
                    sources = 0;
                }
            }
        }
        if (sources) add_rows(a, y, from, sources, x * a->dw - a->pl, width);
    }
}

FK_KERNEL(col2im) {
    const int64_t line = a->w * a->c;
    int64_t lo, hi;
    fk_range(a->n * a->d * a->h, 1, ith, nth, &lo, &hi);
    float *y = call->ptr[1];
    int64_t waiting = lo;
    for (int64_t r = lo; r < hi; r++) {
        one_row(a, call->ptr[0], y + r * line, r / a->h / a->d, r / a->h % a->d, r % a->h);
        if ((r + 1 - waiting) * line >= FLUSH || r + 1 == hi) {
            fk_epilogue(call, waiting * line, (r + 1 - waiting) * line);
            waiting = r + 1;
        }
    }
}
