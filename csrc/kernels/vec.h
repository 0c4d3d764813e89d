/* Vectors of float and int32 in GCC/Clang vector extensions: one source for every width. */
#ifndef FK_VEC_H
#define FK_VEC_H
#include "kernel.h"
#if defined(__x86_64__)
#include <immintrin.h> /* only for what vector extensions do not reach: parts of a vector, tests of a mask, max, fma */
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

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
/* past the caches to p, which is aligned to vectors; v_streamed() behind the last, before others may read */
static inline void v_stream(float *p, vf v) {
#if defined(__AVX512F__)
    _mm512_stream_ps(p, (__m512)v);
#elif defined(__AVX__)
    _mm256_stream_ps(p, (__m256)v);
#elif defined(__x86_64__)
    _mm_stream_ps(p, (__m128)v);
#else
    v_store(p, v);
#endif
}
static inline void v_streamed(void) {
#if defined(__x86_64__)
    _mm_sfence();
#endif
}
static inline void vi_store(int32_t *p, vi v) { *(vi_u *)p = v; }
static inline vi vi_set1(int32_t x) { return x + (vi){0}; }
static inline vf v_set1(float x) { return x - (vf){0}; } /* x - 0 keeps -0 and NaN, and becomes one broadcast */
/* the same word in every lane, whatever it holds: a float's NaN payload or an int32 */
static inline vf v_splat(const float *p) {
    int32_t bits;
    memcpy(&bits, p, 4);
    return (vf)vi_set1(bits);
}
static inline vi vi_lanes(void) {
#if VL == 16
    return (vi){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#elif VL == 8
    return (vi){0, 1, 2, 3, 4, 5, 6, 7};
#else
    return (vi){0, 1, 2, 3};
#endif
}
static inline vi v_first(int64_t n) { return vi_lanes() < vi_set1((int32_t)n); } /* mask of the first n lanes */

/* the first n < VL elements; the rest reads as zero and is not touched */
static inline vf v_load_n(const float *p, int64_t n) {
#if defined(__AVX512F__)
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif defined(__AVX__)
    return (vf)_mm256_maskload_ps(p, (__m256i)v_first(n));
#else
    vf v = {0};
    switch (n) {
    case 3: v[2] = p[2]; /* fall through */
    case 2: v[1] = p[1]; /* fall through */
    case 1: v[0] = p[0];
    }
    return v;
#endif
}
static inline void v_store_n(float *p, vf v, int64_t n) {
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#elif defined(__AVX__)
    __m128 part = _mm256_castps256_ps128((__m256)v); /* a masked store is microcode on AMD */
    if (n & 4) {
        _mm_storeu_ps(p, part);
        p += 4;
        part = _mm256_extractf128_ps((__m256)v, 1);
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)p, part);
        p += 2;
        part = _mm_movehl_ps(part, part);
    }
    if (n & 1) _mm_store_ss(p, part);
#else
    switch (n) {
    case 3: p[2] = v[2]; /* fall through */
    case 2: p[1] = v[1]; /* fall through */
    case 1: p[0] = v[0];
    }
#endif
}

/* the first n elements, or all where n >= VL */
static inline vf v_load_upto(const float *p, int64_t n) { return n < VL ? v_load_n(p, n) : v_load(p); }
static inline void v_store_upto(float *p, vf v, int64_t n) {
    if (n < VL)
        v_store_n(p, v, n);
    else
        v_store(p, v);
}

/* a, loaded once: keeps the compiler from reading memory again in every instruction that uses it */
static inline vf v_keep(vf a) {
#if defined(__AVX512F__)
    __asm__("" : "+v"(a));
#elif defined(__x86_64__)
    __asm__("" : "+x"(a));
#elif defined(__aarch64__)
    __asm__("" : "+w"(a));
#endif
    return a;
}

/* p itself, hidden from the compiler. It would otherwise compute p + distance for each of many distances ahead of a loop, and
 * keep the results in registers, or in memory when these run out; so it adds the distance in the instruction that loads. */
static inline const float *v_here(const float *p) {
    __asm__("" : "+r"(p));
    return p;
}

/* the same for a distance */
static inline int64_t v_far(int64_t n) {
    __asm__("" : "+r"(n));
    return n;
}

/* a mask is a vi of all ones or all zeros; the vector ?: does not compile in C, so blend by bits */
static inline vf v_blend(vi m, vf a, vf b) { return (vf)(((vi)a & m) | ((vi)b & ~m)); }
/* the first n < VL elements, the rest `fill` */
static inline vf v_load_fill(const float *p, int64_t n, vf fill) { return v_blend(v_first(n), v_load_n(p, n), fill); }
/* a · b + c, rounded once where the ISA has that. a * b + c is contracted to it as well (-ffp-contract=fast), but not where the
 * compiler has another use for the product, or for its block of code. */
#if defined(__AVX512F__)
static inline vf v_fma(vf a, vf b, vf c) { return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
#elif defined(__FMA__)
static inline vf v_fma(vf a, vf b, vf c) { return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
#elif defined(__aarch64__)
static inline vf v_fma(vf a, vf b, vf c) { return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
#else
static inline vf v_fma(vf a, vf b, vf c) { return a * b + c; }
#endif
/* *c += a · b where *c is: left to itself, GCC writes some sums of a loop that fills the registers to those of their factors,
 * and moves them back at its end */
static inline void v_add_product(vf *c, vf a, vf b) {
#if defined(__AVX512F__)
    __asm__("vfmadd231ps %1, %2, %0" : "+v"(*c) : "v"(a), "v"(b));
#else
    *c = v_fma(a, b, *c);
#endif
}
/* a > b ? a : b and a < b ? a : b, lane by lane: b where either is NaN. One instruction on x86, which GCC does not find
 * in the blend. */
#if defined(__AVX512F__)
static inline vf v_greater(vf a, vf b) { return (vf)_mm512_max_ps((__m512)a, (__m512)b); }
static inline vf v_lesser(vf a, vf b) { return (vf)_mm512_min_ps((__m512)a, (__m512)b); }
#elif defined(__AVX__)
static inline vf v_greater(vf a, vf b) { return (vf)_mm256_max_ps((__m256)a, (__m256)b); }
static inline vf v_lesser(vf a, vf b) { return (vf)_mm256_min_ps((__m256)a, (__m256)b); }
#elif defined(__x86_64__)
static inline vf v_greater(vf a, vf b) { return (vf)_mm_max_ps((__m128)a, (__m128)b); }
static inline vf v_lesser(vf a, vf b) { return (vf)_mm_min_ps((__m128)a, (__m128)b); }
#else
static inline vf v_greater(vf a, vf b) { return v_blend(a > b, a, b); }
static inline vf v_lesser(vf a, vf b) { return v_blend(a < b, a, b); }
#endif
/* a NaN in either operand wins, as in NumPy */
static inline vf v_max(vf a, vf b) { return v_blend(a != a, a, v_greater(a, b)); }
static inline vf v_min(vf a, vf b) { return v_blend(a != a, a, v_lesser(a, b)); }
/* x, but at least low or at most high, which are no NaN: x's stays */
static inline vf v_at_least(vf x, float low) { return v_greater(v_set1(low), x); }
static inline vf v_at_most(vf x, float high) { return v_lesser(v_set1(high), x); }
static inline vf v_abs(vf a) { return (vf)((vi)a & 0x7fffffff); }
static inline vf v_from_i(vi a) { return __builtin_convertvector(a, vf); }
static inline vi v_to_i(vf a) { return __builtin_convertvector(a, vi); } /* toward zero */
/* 1 when any lane of a mask is set */
static inline int v_any(vi m) {
#if defined(__AVX512F__)
    return _mm512_test_epi32_mask((__m512i)m, (__m512i)m) != 0;
#elif defined(__AVX__)
    return _mm256_movemask_ps((__m256)m) != 0;
#elif defined(__x86_64__)
    return _mm_movemask_ps((__m128)m) != 0;
#else
    int32_t any = 0;
    for (int i = 0; i < VL; i++) any |= m[i];
    return any != 0;
#endif
}
/* these loops become one instruction each; v_round is to the nearest, halves to even */
#define FK_LANES(name, fn) \
    static inline vf name(vf a) { for (int i = 0; i < VL; i++) a[i] = fn(a[i]); return a; }
FK_LANES(v_sqrt, __builtin_sqrtf) /* needs -fno-math-errno */
FK_LANES(v_floor, __builtin_floorf)
FK_LANES(v_ceil, __builtin_ceilf)
FK_LANES(v_trunc, __builtin_truncf)
FK_LANES(v_round, __builtin_rintf)
#undef FK_LANES
/* lane i of the result is lane i + w of a, around the end */
#if VL == 16
#define V_TURN(a, w)                                                                                             \
    __builtin_shufflevector(a, a, w, (1 + w) & 15, (2 + w) & 15, (3 + w) & 15, (4 + w) & 15, (5 + w) & 15,       \
                            (6 + w) & 15, (7 + w) & 15, (8 + w) & 15, (9 + w) & 15, (10 + w) & 15, (11 + w) & 15, \
                            (12 + w) & 15, (13 + w) & 15, (14 + w) & 15, (15 + w) & 15)
#elif VL == 8
#define V_TURN(a, w)                                                                                     \
    __builtin_shufflevector(a, a, w, (1 + w) & 7, (2 + w) & 7, (3 + w) & 7, (4 + w) & 7, (5 + w) & 7, (6 + w) & 7, \
                            (7 + w) & 7)
#else
#define V_TURN(a, w) __builtin_shufflevector(a, a, w, (1 + w) & 3, (2 + w) & 3, (3 + w) & 3)
#endif
/* all lanes into one, in a fixed order: halves first */
#define V_FOLD4(a, join) a = join(a, V_TURN(a, 2)), a = join(a, V_TURN(a, 1))
#if VL == 16
#define V_FOLD(a, join) a = join(a, V_TURN(a, 8)), a = join(a, V_TURN(a, 4)), V_FOLD4(a, join)
#elif VL == 8
#define V_FOLD(a, join) a = join(a, V_TURN(a, 4)), V_FOLD4(a, join)
#else
#define V_FOLD(a, join) V_FOLD4(a, join)
#endif
static inline vf v_add(vf a, vf b) { return a + b; }
static inline vf v_mul(vf a, vf b) { return a * b; }
static inline float v_sum(vf a) { return V_FOLD(a, v_add), a[0]; }
static inline float v_prod(vf a) { return V_FOLD(a, v_mul), a[0]; }
static inline float v_largest(vf a) { return V_FOLD(a, v_max), a[0]; }
static inline float v_smallest(vf a) { return V_FOLD(a, v_min), a[0]; }
#endif
