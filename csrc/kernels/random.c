/* Random numbers by counter (J. K. Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011): Philox 4x32-10.
 * Element e takes lane e % 4 of the words at
 *     counter (e / 4 low, e / 4 high, seed[1], round), key (seed[0], 0)
 * where round is 0 but for redraws; u = (word >> 8) · 2^-24. What an element gets depends on nothing else. */
#include "vmath.h"

/* VL / 2 counters at a time, one word in the low half of each 64-bit lane; the high halves hold rubbish */
typedef uint64_t vq __attribute__((vector_size(4 * VL), aligned(4 * VL)));
enum { RANDOM_GROUP = 2 * VL }; /* the elements they make */
typedef struct {
    vq w[4];
} words_t;

/* 32 × 32 → 64 bits, from the low halves */
static inline vq mul_low(vq a, uint64_t b) {
    vq m = b + (vq){0};
#if defined(__AVX512F__)
    return (vq)_mm512_mul_epu32((__m512i)a, (__m512i)m);
#elif defined(__AVX2__)
    return (vq)_mm256_mul_epu32((__m256i)a, (__m256i)m);
#elif defined(__x86_64__)
    return (vq)_mm_mul_epu32((__m128i)a, (__m128i)m);
#else
    return (a & 0xffffffffu) * m;
#endif
}
static inline words_t philox(vq counter, const uint32_t *seed, uint64_t round) {
    vq c0 = counter, c1 = counter >> 32, c2 = (uint64_t)seed[1] + (vq){0}, c3 = round + (vq){0};
    uint32_t k0 = seed[0], k1 = 0;
    for (int i = 0; i < 10; i++) {
        vq p0 = mul_low(c0, 0xD2511F53u), p1 = mul_low(c2, 0xCD9E8D57u);
        c0 = (p1 >> 32) ^ c1 ^ (uint64_t)k0;
        c2 = (p0 >> 32) ^ c3 ^ (uint64_t)k1;
        c1 = p1;
        c3 = p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (words_t){{c0, c1, c2, c3}};
}
static inline vq counters(int64_t first) {
    vq c = {0};
    for (int i = 0; i < VL / 2; i++) c[i] = (uint64_t)(first + i);
    return c;
}
/* two words side by side in each 64-bit lane */
static inline vi pair(vq low, vq high) { return (vi)((low & 0xffffffffu) | (high << 32)); }
static inline vf uniform(vi words) { return v_from_i((vi)((vu)words >> 8)) * 0x1p-24f; }

/* lanes of a and b taken in turn */
static inline void interleave(vf a, vf b, vf *low, vf *high) {
#if VL == 16
    *low = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    *high = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#elif VL == 8
    *low = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
    *high = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#else
    *low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    *high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
#endif
}

/* z of the RANDOM_GROUP elements of the counters: r·cos θ in even lanes, r·sin θ in odd ones (G. Box, M. Muller, 1958) */
static inline void normal(vq counter, const uint32_t *seed, uint64_t round, vf *low, vf *high) {
    words_t w = philox(counter, seed, round);
    vf even = uniform(pair(w.w[0], w.w[2])), odd = uniform(pair(w.w[1], w.w[3])), sine, cosine;
    vf r = v_sqrt(v_log(1.0f - even) * -2.0f);
    v_sincos_turn(odd, &sine, &cosine);
    interleave(r * cosine, r * sine, low, high);
}
static inline void uniforms(vq counter, const uint32_t *seed, vf *low, vf *high) {
    words_t w = philox(counter, seed, 0);
    vf even = uniform(pair(w.w[0], w.w[2])), odd = uniform(pair(w.w[1], w.w[3]));
    interleave(even, odd, low, high);
}

/* y[e..] of a group that may reach beyond n */
static inline void put(float *y, int64_t e, int64_t n, vf low, vf high) {
    if (e + RANDOM_GROUP <= n) {
        v_store(y + e, low);
        v_store(y + e + VL, high);
        return;
    }
    float t[RANDOM_GROUP] __attribute__((aligned(4 * VL)));
    v_store(t, low);
    v_store(t + VL, high);
    memcpy(y + e, t, 4 * (size_t)(n - e));
}

#define RANDOM_KERNEL(op, grain)                                                         \
    FK_ONE_PART(op)                                                                      \
    FK_CHUNKS(op) { return fk_split(a->n, grain); }                                      \
    FK_KERNEL(op) {                                                                      \
        int64_t lo, hi;                                                                  \
        uint32_t seed[2];                                                                \
        memcpy(seed, call->ptr[0], 8);                                                   \
        fk_range(a->n, RANDOM_GROUP, ith, nth, &lo, &hi);                                       \
        op##_fill(a, seed, call->ptr[1], lo, hi);                                        \
    }

static void random_uniform_fill(const fk_attr_random_uniform *a, const uint32_t *seed, float *y, int64_t lo, int64_t hi) {
    vf base = v_set1((float)a->low), span = v_set1((float)(a->high - a->low)), u, v;
    vq c = counters(lo / 4);
    for (int64_t e = lo; e < hi; e += RANDOM_GROUP, c += VL / 2) {
        uniforms(c, seed, &u, &v);
        put(y, e, hi, v_fma(u, span, base), v_fma(v, span, base));
    }
}
RANDOM_KERNEL(random_uniform, 8192)

static void random_normal_fill(const fk_attr_random_normal *a, const uint32_t *seed, float *y, int64_t lo, int64_t hi) {
    vf mean = v_set1((float)a->mean), scale = v_set1((float)a->stddev), z, w;
    vq c = counters(lo / 4);
    for (int64_t e = lo; e < hi; e += RANDOM_GROUP, c += VL / 2) {
        normal(c, seed, 0, &z, &w);
        if (a->truncated) {
            vf two = v_set1(2.0f), z2, w2;
            for (uint64_t round = 1; round <= 16 && v_any((v_abs(z) > two) | (v_abs(w) > two)); round++) {
                normal(c, seed, round, &z2, &w2);
                z = v_blend(v_abs(z) > two, z2, z);
                w = v_blend(v_abs(w) > two, w2, w);
            }
            z = v_max(v_min(z, two), -two);
            w = v_max(v_min(w, two), -two);
        }
        put(y, e, hi, v_fma(z, scale, mean), v_fma(w, scale, mean));
    }
}
RANDOM_KERNEL(random_normal, 4096)

static void dropout_mask_fill(const fk_attr_dropout_mask *a, const uint32_t *seed, float *y, int64_t lo, int64_t hi) {
    vf rate = v_set1((float)a->rate), keep = v_set1((float)(1.0 / (1.0 - a->rate))), u, v;
    vq c = counters(lo / 4);
    for (int64_t e = lo; e < hi; e += RANDOM_GROUP, c += VL / 2) {
        uniforms(c, seed, &u, &v);
        put(y, e, hi, (vf)((vi)keep & (u >= rate)), (vf)((vi)keep & (v >= rate)));
    }
}
RANDOM_KERNEL(dropout_mask, 8192)
