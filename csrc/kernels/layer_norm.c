/* Rows brought to mean 0 and variance 1, or to a mean square of 1, in one pass over memory: a row stays in the L1 cache for
 * the passes that it takes. The gradient makes mean and deviation again. */
#include "vec.h"

typedef struct {
    float mean, over; /* 1 / sqrt(variance + epsilon) */
} moments_t;

enum { LANES = 4 };
#define EACH(k, lanes, n, part, rest)                                                       \
    int64_t k = 0;                                                                          \
    for (; k + LANES * VL <= (n); k += LANES * VL)                                          \
        for (int l = 0; l < LANES; l++) {                                                   \
            const int64_t i = k + l * VL;                                                   \
            part                                                                            \
        }                                                                                   \
    for (; k < (n); k += VL) {                                                              \
        const int64_t i = k, l = 0, left = (n) - k;                                         \
        rest                                                                                \
    }

static inline float total(const vf *s) { return v_sum((s[0] + s[1]) + (s[2] + s[3])); }

static moments_t moments_of(const float *x, int64_t n, float epsilon, int64_t centred) {
    moments_t m = {0};
    if (centred) {
        vf s[LANES] = {{0}};
        EACH(k, LANES, n, s[l] += v_load(x + i);, s[l] += v_load_upto(x + i, left);)
        m.mean = total(s) / (float)n;
    }
    vf s[LANES] = {{0}};
    const vf mean = v_set1(m.mean);
    EACH(k, LANES, n, const vf d = v_load(x + i) - mean; s[l] += d * d;, vf d = v_load_upto(x + i, left) - mean;
         if (left < VL) d = v_blend(v_first(left), d, (vf){0}); s[l] += d * d;)
    m.over = 1.0f / sqrtf(total(s) / (float)n + epsilon);
    return m;
}

/* shares of rows: about 20 µs each */
static int64_t shares(int64_t rows, int64_t n) { return fk_max(1, fk_min(fk_split(rows * n, 1 << 14), rows)); }

FK_CHUNKS(layer_norm) { return shares(a->rows, a->n); }
FK_ONE_PART(layer_norm)
FK_KERNEL(layer_norm) {
    const int64_t n = a->n;
    const float *gamma = call->ptr[1], *beta = call->ptr[2];
    int64_t lo, hi;
    fk_range(a->rows, 1, ith, nth, &lo, &hi);
    if (n == 0) return;
    for (; lo < hi; lo++) {
        const float *x = (const float *)call->ptr[0] + lo * n;
        float *y = (float *)call->ptr[3] + lo * n;
        const moments_t m = moments_of(x, n, (float)a->epsilon, a->centred);
        for (int64_t k = 0; k < n; k += VL) {
            const int64_t left = n - k;
            const vf d = (v_load_upto(x + k, left) - m.mean) * m.over;
            v_store_upto(y + k, d * v_load_upto(gamma + k, left) + v_load_upto(beta + k, left), left);
        }
    }
}

FK_PARTS(layer_norm_dx) { return shares(a->rows, a->n); }
FK_CHUNKS(layer_norm_dx) { return shares(a->rows, a->n); }
FK_KERNEL(layer_norm_dx) {
    const int64_t n = a->n;
    const float *gamma = call->ptr[1];
    float *of_gamma = (float *)call->ptr[4] + ith * 2 * n, *of_beta = of_gamma + n;
    int64_t lo, hi;
    fk_range(a->rows, 1, ith, nth, &lo, &hi);
    for (int64_t k = 0; k < n; k++) of_gamma[k] = of_beta[k] = 0.0f;
    if (n == 0) return;
    const float share = 1.0f / (float)n;
    for (; lo < hi; lo++) {
        const float *x = (const float *)call->ptr[0] + lo * n, *dy = (const float *)call->ptr[2] + lo * n;
        float *dx = (float *)call->ptr[3] + lo * n;
        const moments_t m = moments_of(x, n, (float)a->epsilon, a->centred);
        vf s[LANES] = {{0}}, t[LANES] = {{0}}; /* of g = dy · gamma, and of g times the normalised x */
        EACH(k, LANES, n, const vf g = v_load(dy + i) * v_load(gamma + i); s[l] += g; t[l] += g * (v_load(x + i) - m.mean);
             , const vf g = v_load_upto(dy + i, left) * v_load_upto(gamma + i, left); s[l] += g;
             t[l] += g * (v_load_upto(x + i, left) - m.mean);)
        const float middle = a->centred ? total(s) * share : 0.0f, slope = total(t) * m.over * share;
        for (int64_t j = 0; j < n; j += VL) {
            const int64_t left = n - j;
            const vf d = v_load_upto(dy + j, left), h = (v_load_upto(x + j, left) - m.mean) * m.over;
            v_store_upto(dx + j, (d * v_load_upto(gamma + j, left) - middle - h * slope) * m.over, left);
            v_store_upto(of_gamma + j, v_load_upto(of_gamma + j, left) + d * h, left);
            v_store_upto(of_beta + j, v_load_upto(of_beta + j, left) + d, left);
        }
    }
}
