/* Vectors of float and int32 in GCC/Clang vector extensions: one source for every width. */
#ifndef FK_VEC_H
#define FK_VEC_H
#include "kernel.h"

#if defined(__AVX512F__)
#define VL 16
#elif defined(__AVX__)
#define VL 8
#else
#define VL 4
#endif

typedef float vf __attribute__((vector_size(4 * VL), aligned(4 * VL)));
typedef int32_t vi __attribute__((vector_size(4 * VL), aligned(4 * VL)));
typedef uint32_t vu __attribute__((vector_size(4 * VL), aligned(4 * VL)));
typedef float vf_u __attribute__((vector_size(4 * VL), aligned(4), may_alias));
typedef int32_t vi_u __attribute__((vector_size(4 * VL), aligned(4), may_alias));

static inline vf v_load(const float *p) { return *(const vf_u *)p; }
static inline void v_store(float *p, vf v) { *(vf_u *)p = v; }
static inline vi vi_load(const int32_t *p) { return *(const vi_u *)p; }
static inline void vi_store(int32_t *p, vi v) { *(vi_u *)p = v; }
static inline vf v_set1(float x) { return x - (vf){0}; } /* x - 0 keeps -0 and NaN, and becomes one broadcast */
static inline vi vi_set1(int32_t x) { return x + (vi){0}; }
/* the first n < VL elements; the rest reads as zero and is not touched */
static inline vf v_load_n(const float *p, int64_t n) {
    float t[VL] __attribute__((aligned(4 * VL))) = {0};
    memcpy(t, p, 4 * (size_t)n);
    return *(vf *)t;
}
static inline void v_store_n(float *p, vf v, int64_t n) { memcpy(p, &v, 4 * (size_t)n); }

/* a mask is a vi of all ones or all zeros; the vector ?: does not compile in C, so blend by bits */
static inline vf v_blend(vi m, vf a, vf b) { return (vf)(((vi)a & m) | ((vi)b & ~m)); }
static inline vf v_fma(vf a, vf b, vf c) { return a * b + c; } /* contracted where the ISA has FMA (-ffp-contract=fast) */
/* a NaN in either operand wins, as in NumPy */
static inline vf v_max(vf a, vf b) { return v_blend((a > b) | (a != a), a, b); }
static inline vf v_min(vf a, vf b) { return v_blend((a < b) | (a != a), a, b); }
static inline vf v_abs(vf a) { return (vf)((vi)a & 0x7fffffff); }
static inline vf v_from_i(vi a) { return __builtin_convertvector(a, vf); }
static inline vi v_to_i(vf a) { return __builtin_convertvector(a, vi); } /* toward zero */
static inline vf v_sqrt(vf a) {
    for (int i = 0; i < VL; i++) a[i] = __builtin_sqrtf(a[i]); /* becomes one instruction with -fno-math-errno */
    return a;
}
/* sums in a fixed order: halves are folded until one lane is left */
static inline float v_sum(vf a) {
    float t[VL] __attribute__((aligned(4 * VL)));
    *(vf *)t = a;
    for (int w = VL / 2; w; w /= 2)
        for (int i = 0; i < w; i++) t[i] += t[i + w];
    return t[0];
}
#endif
