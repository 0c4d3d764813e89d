/* Elementary functions of a vector of floats. exp and log stay within 1.1 ulp of the true value, tanh within 2.5, the
 * others within 3.5 (the remainder of mod is exact). NaN, infinities, zeros of both signs, subnormals and overflow come
 * out as from C's libm. A number depends on the operands alone, and is the same for every vector length of the
 * instruction sets that have FMA.
 *
 * Methods: argument reduction with a constant in two parts (W. J. Cody and W. Waite, Software Manual for the Elementary
 * Functions, 1980), then a polynomial. The polynomials are minimax fits (Lawson's iteration, coefficients rounded to
 * float one by one, the rest fitted again), to the range and weight that each function needs.
 * Trigonometric reduction, pow and the quotients are done in double. */
#ifndef FK_VMATH_H
#define FK_VMATH_H
#include "vec.h"

#define V_NAN v_set1(__builtin_nanf(""))
#define V_INF v_set1(INFINITY)
#define V_LN2_HI 0.693359375f /* 9 bits: exact times any exponent */
#define V_LN2_LO (-2.12194440e-4f)
#define V_LOG2E 1.44269504088896341f
#define V_MAGIC 12582912.0f /* 1.5·2^23: adding it rounds to an integer, which then stands in the low bits */

/* |a| with the sign of s */
static inline vf v_copysign(vf a, vf s) { return (vf)(((vi)a & 0x7fffffff) | ((vi)s & (int32_t)0x80000000)); }
/* 2^n for -126 <= n <= 127 */
static inline vf v_exp2i(vi n) { return (vf)((n + 127) << 23); }
static inline vf v_sign(vf a) {
    vf s = v_blend(a > 0.0f, v_set1(1.0f), v_blend(a < 0.0f, v_set1(-1.0f), v_set1(0.0f)));
    return v_blend(a != a, a, s);
}

/* ---- exponentials */

/* x = k·ln 2 + r, |r| <= ln 2 / 2 */
static inline vf v_exp_reduce(vf x, vf *t) {
    *t = v_fma(x, v_set1(V_LOG2E), v_set1(V_MAGIC)); /* k in the low bits */
    vf k = *t - V_MAGIC;
    return v_fma(k, v_set1(-V_LN2_LO), v_fma(k, v_set1(-V_LN2_HI), x));
}
static inline vi v_exp_n(vf t) { return (vi)t - 0x4b400000; }
static inline vf v_exp(vf x) {
    vf t, r = v_exp_reduce(v_at_most(v_at_least(x, -104.0f), 89.0f), &t); /* beyond: 0 and inf all the same */
    vf p = v_fma(v_set1(0.0013940561f), r, v_set1(0.00836883f));
    p = v_fma(p, r, v_set1(0.041666403f));
    p = v_fma(p, r, v_set1(0.1666652f));
    p = v_fma(p, r, v_set1(0.5f));
    p = v_fma(r * r, p, r) + 1.0f;
#if defined(__AVX512F__)
    /* the same number as below, and as there nothing that underflows to 0, as what is masked out of a softmax does */
    const __mmask16 some = _mm512_cmp_ps_mask((__m512)x, _mm512_set1_ps(-104.0f), _CMP_NLT_UQ);
    return (vf)_mm512_maskz_scalef_ps(some, (__m512)p, (__m512)(t - V_MAGIC));
#else
    /* two factors reach the subnormals and beyond 2^127; only the last product rounds. Exactly 0 below all subnormals,
     * where a product that underflows would cost a hundred cycles. */
    vi n = v_exp_n(t), h = n >> 1;
    return p * v_exp2i(h) * (vf)((vi)v_exp2i(n - h) & (x >= -104.0f));
#endif
}
/* e^r - 1 on the reduced range, with a small relative error at 0 */
static inline vf v_expm1_poly(vf r) {
    vf p = v_fma(v_set1(0.00019944271f), r, v_set1(0.0013932685f));
    p = v_fma(p, r, v_set1(0.008333208f));
    p = v_fma(p, r, v_set1(0.04166649f));
    p = v_fma(p, r, v_set1(0.16666667f));
    p = v_fma(p, r, v_set1(0.5f));
    return v_fma(r * r, p, r);
}
static inline vf v_expm1(vf x) {
    vf t, r = v_exp_reduce(v_at_most(v_at_least(x, -40.0f), 89.0f), &t);
    vf s = v_exp2i(v_exp_n(t) - 1); /* half of 2^n, which would overflow for n = 128 */
    vf y = v_fma(s, v_expm1_poly(r), s - 0.5f);
    return v_copysign(y + y, x);
}
/* with t = e^2|x| - 1: tanh |x| = t / (t + 2) */
static inline vf v_tanh(vf x) {
    vf z = v_at_most(v_abs(x), 10.0f);
    vf t, r = v_exp_reduce(z + z, &t);
    vf s = v_exp2i(v_exp_n(t));
    vf y = v_fma(s, v_expm1_poly(r), s - 1.0f);
    return v_copysign(y / (y + 2.0f), x);
}
/* by e^-|x|, so that neither side overflows */
static inline vf v_sigmoid(vf x) {
    vf e = v_exp(-v_abs(x));
    return v_blend(x < 0.0f, e, v_set1(1.0f)) / (e + 1.0f);
}

/* ---- logarithms */

/* log(1 + f) + k·ln 2 for √½ - 1 <= f <= √2 - 1 */
static inline vf v_log_poly(vf f, vf k) {
    vf p = v_fma(v_set1(-0.07638189f), f, v_set1(0.12764764f));
    p = v_fma(p, f, v_set1(-0.1316019f));
    p = v_fma(p, f, v_set1(0.14201273f));
    p = v_fma(p, f, v_set1(-0.16623315f));
    p = v_fma(p, f, v_set1(0.2000125f));
    p = v_fma(p, f, v_set1(-0.25000823f));
    p = v_fma(p, f, v_set1(0.3333333f));
    p = v_fma(p, f, v_set1(-0.5f));
    vf y = v_fma(f * f, p, v_fma(k, v_set1(V_LN2_LO), f));
    return v_fma(k, v_set1(V_LN2_HI), y);
}
/* x = 2^e·m, √½ <= m < √2, for a normal x > 0 */
static inline vi v_log_exponent(vf x) { return ((vi)x - 0x3f3504f3) >> 23; }
static inline vf v_log_mantissa(vf x, vi e) { return (vf)((vi)x - (e << 23)); }

static inline vf v_log(vf x) {
    vi tiny = x < 1.17549435e-38f;
    vf s = v_blend(tiny, x * 33554432.0f, x); /* a subnormal times 2^25 is normal */
    vi e = v_log_exponent(s);
    vf f = v_log_mantissa(s, e) - 1.0f;
    vf k = v_from_i(e - (tiny & 25));
    vf y = v_log_poly(f, k);
    vf odd = v_blend(x == 0.0f, -V_INF, v_blend(x < 0.0f, V_NAN, x)); /* 0, negative, inf, NaN */
    return v_blend((x > 0.0f) & (x < INFINITY), y, odd);
}
static inline vf v_log1p(vf x) {
    vf u = x + 1.0f;
    vi e = v_log_exponent(u);
    vf s = (vf)((127 - e) << 23);
    vf f = v_fma(x, s, s - 1.0f); /* (1 + x)·2^-e - 1, rounded once: what 1 + x loses is not lost here */
    f = v_blend(e > 60, v_log_mantissa(u, e) - 1.0f, f);
    vf k = v_from_i(e);
    vf y = v_log_poly(f, k);
    vf odd = v_blend(x == -1.0f, -V_INF, v_blend(x < -1.0f, V_NAN, x));
    return v_blend((x > -1.0f) & (x < INFINITY) & (x != 0.0f), y, odd);
}
static inline vf v_softplus(vf x) { return v_at_least(x, 0.0f) + v_log1p(v_exp(-v_abs(x))); }

/* erf x = x + x·P(x²) near 0; beyond, 1 - e^(-t·Q(t)), with t·Q(t) fitted to -log erfc(t) */
static inline vf v_erf(vf x) {
    vf t = v_at_most(v_abs(x), 3.95f), z = x * x;
    vf p = v_fma(v_set1(7.992584e-05f), z, v_set1(-0.00080491515f));
    p = v_fma(p, z, v_set1(0.0051923767f));
    p = v_fma(p, z, v_set1(-0.026855728f));
    p = v_fma(p, z, v_set1(0.11283626f));
    p = v_fma(p, z, v_set1(-0.3761263f));
    p = v_fma(p, z, v_set1(0.12837917f));
    vf q = v_fma(v_set1(1.0843247e-05f), t, v_set1(-0.00031892472f));
    q = v_fma(q, t, v_set1(0.003626714f));
    q = v_fma(q, t, v_set1(-0.023728834f));
    q = v_fma(q, t, v_set1(0.1061984f));
    q = v_fma(q, t, v_set1(0.6351745f));
    q = v_fma(q, t, v_set1(1.1286428f));
    vf far = 1.0f - v_exp(-(t * q));
    return v_blend(t < 0.92f, v_fma(x, p, x), v_copysign(far, x));
}

/* ---- in double: half a vector at a time */
typedef double vd __attribute__((vector_size(4 * VL), aligned(4 * VL)));
typedef int64_t vl __attribute__((vector_size(4 * VL), aligned(4 * VL)));
typedef float vf_half __attribute__((vector_size(2 * VL)));
typedef struct {
    vd lo, hi;
} vd2;

static inline vd2 vd_from(vf a) {
    union {
        vf v;
        vf_half h[2];
    } u = {a};
    return (vd2){__builtin_convertvector(u.h[0], vd), __builtin_convertvector(u.h[1], vd)};
}
static inline vf vd_to(vd2 a) {
    vf_half lo = __builtin_convertvector(a.lo, vf_half), hi = __builtin_convertvector(a.hi, vf_half);
#if VL == 16
    return __builtin_shufflevector(lo, hi, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#elif VL == 8
    return __builtin_shufflevector(lo, hi, 0, 1, 2, 3, 4, 5, 6, 7);
#else
    return __builtin_shufflevector(lo, hi, 0, 1, 2, 3);
#endif
}
static inline vd vd_set1(double x) { return x - (vd){0}; }
static inline vd vd_blend(vl m, vd a, vd b) { return (vd)(((vl)a & m) | ((vl)b & ~m)); }
#define VD_MAGIC 6755399441055744.0 /* 1.5·2^52 */

/* ---- trigonometric: x = n·π/2 + r by 66 bits of π/2; from 10^6 on, libm's own reduction */
#define V_TRIG_MAX 1e6f
static inline vd vd_trig_n(vd x) { return (x * 0.63661977236758134308 + VD_MAGIC) - VD_MAGIC; }
static inline vd vd_trig_r(vd x, vd n) { return (x - n * 1.57079632673412561417) - n * 6.07710050650619224932e-11; }
static inline vf v_trig_reduce(vf x, vi *quadrant) {
    vd2 d = vd_from(x), n = {vd_trig_n(d.lo), vd_trig_n(d.hi)};
    *quadrant = v_to_i(vd_to(n));
    return vd_to((vd2){vd_trig_r(d.lo, n.lo), vd_trig_r(d.hi, n.hi)});
}
/* on [-π/4, π/4] */
static inline vf v_sin_poly(vf r) {
    vf z = r * r;
    vf p = v_fma(v_set1(-0.00019517908f), z, v_set1(0.008332187f));
    p = v_fma(p, z, v_set1(-0.16666655f));
    return v_fma(p, z * r, r);
}
static inline vf v_cos_poly(vf r) {
    vf z = r * r;
    vf p = v_fma(v_set1(2.443233e-05f), z, v_set1(-0.001388731f));
    p = v_fma(p, z, v_set1(0.041666646f));
    p = v_fma(p, z, v_set1(-0.5f));
    return v_fma(p, z, v_set1(1.0f));
}
/* lanes too large for the reduction, and infinities */
#define V_TRIG_LARGE(y, x, fn)                    \
    if (v_any(v_abs(x) > V_TRIG_MAX))             \
        for (int i = 0; i < VL; i++)              \
            if (__builtin_fabsf(x[i]) > V_TRIG_MAX) y[i] = fn(x[i]);

static inline vf v_sin(vf x) {
    vi q;
    vf r = v_trig_reduce(x, &q);
    vf y = v_blend((q & 1) != 0, v_cos_poly(r), v_sin_poly(r));
    y = (vf)((vi)y ^ ((q & 2) << 30));
    V_TRIG_LARGE(y, x, sinf)
    return v_blend(x == 0.0f, x, y);
}
static inline vf v_cos(vf x) {
    vi q;
    vf r = v_trig_reduce(x, &q);
    vf y = v_blend((q & 1) != 0, v_sin_poly(r), v_cos_poly(r));
    y = (vf)((vi)y ^ (((q + 1) & 2) << 30));
    V_TRIG_LARGE(y, x, cosf)
    return y;
}
static inline vf v_tan(vf x) {
    vi q;
    vf r = v_trig_reduce(x, &q);
    vf s = v_sin_poly(r), c = v_cos_poly(r);
    vi odd = (q & 1) != 0;
    vf y = v_blend(odd, -c, s) / v_blend(odd, s, c);
    V_TRIG_LARGE(y, x, tanf)
    return v_blend(x == 0.0f, x, y);
}
/* sin and cos of 2πu for 0 <= u < 1, where taking off quarters is exact */
static inline void v_sincos_turn(vf u, vf *sine, vf *cosine) {
    vf n = v_round(u * 4.0f);
    vf r = v_fma(n, v_set1(-0.25f), u) * 6.28318530717958647692f;
    vi q = v_to_i(n), odd = (q & 1) != 0;
    vf s = v_sin_poly(r), c = v_cos_poly(r);
    *sine = (vf)((vi)v_blend(odd, c, s) ^ ((q & 2) << 30));
    *cosine = (vf)((vi)v_blend(odd, s, c) ^ (((q + 1) & 2) << 30));
}

#define V_PI_2_HI 1.57079637f /* π/2 and what it lacks */
#define V_PI_2_LO (-4.37113883e-8f)

/* asin s for 0 <= s <= ½, z = s² */
static inline vf v_asin_poly(vf s, vf z) {
    vf p = v_fma(v_set1(0.042158306f), z, v_set1(0.024184778f));
    p = v_fma(p, z, v_set1(0.04546915f));
    p = v_fma(p, z, v_set1(0.074953094f));
    p = v_fma(p, z, v_set1(0.16666752f));
    return v_fma(s * z, p, s);
}
/* beyond ½ by asin x = π/2 - 2·asin √((1 - x) / 2) */
static inline vf v_asin(vf x) {
    vf a = v_abs(x);
    vi big = a > 0.5f;
    vf z = v_blend(big, (1.0f - a) * 0.5f, a * a);
    vf p = v_asin_poly(v_blend(big, v_sqrt(z), a), z);
    return v_copysign(v_blend(big, V_PI_2_HI - (p + p - V_PI_2_LO), p), x);
}
static inline vf v_acos(vf x) {
    vf a = v_abs(x);
    vi big = a > 0.5f;
    vf z = v_blend(big, (1.0f - a) * 0.5f, a * a);
    vf p = v_asin_poly(v_blend(big, v_sqrt(z), a), z);
    vf middle = V_PI_2_HI - (v_copysign(p, x) - V_PI_2_LO);
    vf left = 2.0f * (V_PI_2_HI - (p - V_PI_2_LO));
    return v_blend(big, v_blend(x < 0.0f, left, p + p), middle);
}
/* atan t for 0 <= t <= 1 */
static inline vf v_atan_poly(vf t) {
    vf z = t * t;
    vf p = v_fma(v_set1(-0.0017875476f), z, v_set1(0.010887361f));
    p = v_fma(p, z, v_set1(-0.031127002f));
    p = v_fma(p, z, v_set1(0.057906546f));
    p = v_fma(p, z, v_set1(-0.08400475f));
    p = v_fma(p, z, v_set1(0.10951175f));
    p = v_fma(p, z, v_set1(-0.14264052f));
    p = v_fma(p, z, v_set1(0.19998531f));
    p = v_fma(p, z, v_set1(-0.333333f));
    return v_fma(p, z * t, t);
}
static inline vf v_atan(vf x) {
    vf a = v_abs(x);
    vi big = a > 1.0f;
    vf p = v_atan_poly(v_blend(big, 1.0f / a, a));
    return v_copysign(v_blend(big, V_PI_2_HI - (p - V_PI_2_LO), p), x);
}
static inline vf v_atan2(vf y, vf x) {
    vf ay = v_abs(y), ax = v_abs(x), top = v_max(ay, ax), low = v_min(ay, ax);
    vf t = v_blend(low == top, v_set1(1.0f), low / top); /* also inf / inf */
    vf r = v_atan_poly(v_blend(top == 0.0f, top, t));
    r = v_blend(ay > ax, V_PI_2_HI - (r - V_PI_2_LO), r);
    r = v_blend((vi)x < 0, 2.0f * V_PI_2_HI - (r - 2.0f * V_PI_2_LO), r);
    return v_blend((x != x) | (y != y), x + y, v_copysign(r, y));
}

/* ---- pow: 2^(y·log2 x) in double, log2 of the mantissa by atanh */
static inline vd vd_pow(vd m, vd e, vd y) {
    vd s = (m - 1.0) / (m + 1.0), z = s * s;
    vd p = 0.28265567113962886 * z + 0.31992724439159925;
    p = p * z + 0.4122085682921066;
    p = p * z + 0.5770779517646447;
    p = p * z + 0.9617966940614885;
    vd t = y * (e + s * (p * z + 2.88539008177792681472));
    t = vd_blend(t > 200.0, vd_set1(200.0), vd_blend(t < -200.0, vd_set1(-200.0), t));
    vd k = t + VD_MAGIC;
    vd f = t - (k - VD_MAGIC);
    p = 1.5315072182531973e-05 * f + 0.00015467235813826282;
    p = p * f + 0.0013333430275492822;
    p = p * f + 0.009618036548409462;
    p = p * f + 0.055504109631466785;
    p = p * f + 0.24022651078077797;
    p = p * f + 0.6931471805415114;
    vl scale = ((vl)k << 52) + 0x3ff0000000000000;
    return (p * f + 1.0) * (vd)scale;
}
static inline vf v_pow(vf x, vf y) {
    vf a = v_abs(x);
    vi tiny = a < 1.17549435e-38f;
    vf s = v_blend(tiny, a * 33554432.0f, a);
    vi e = v_log_exponent(s);
    vd2 m = vd_from(v_log_mantissa(s, e)), k = vd_from(v_from_i(e - (tiny & 25))), yd = vd_from(y);
    vf r = vd_to((vd2){vd_pow(m.lo, k.lo, yd.lo), vd_pow(m.hi, k.hi, yd.hi)});
    vf ay = v_abs(y), zero = v_set1(0.0f), one = v_set1(1.0f);
    r = v_blend(a == 0.0f, v_blend(y < 0.0f, V_INF, zero), r);
    r = v_blend(a == INFINITY, v_blend(y < 0.0f, zero, V_INF), r);
    r = v_blend(a == 1.0f, one, r);
    vi whole = v_trunc(ay) == ay; /* so are infinities, and all from 2^24 on, which are even */
    vi odd = (ay < 16777216.0f) & whole & ((v_to_i(ay) & 1) != 0);
    r = v_blend((x < 0.0f) & (a < INFINITY) & ~whole, V_NAN, r);
    r = (vf)((vi)r ^ (odd & (vi)x & (int32_t)0x80000000));
    r = v_blend((x != x) | (y != y), x + y, r);
    return v_blend((y == 0.0f) | (x == 1.0f), one, r);
}

/* ---- quotients as Python has them: floor(a / b), and a remainder with the sign of b */

/* the remainder of |a| by |b| toward zero, exact below a quotient of 2^28; *q the quotient */
static inline vd vd_rem(vd a, vd b, vd *q) {
    vd t = a / b;
    vd n = (vd)((vl)t & ~(vl)(t != t));
    n = (n + VD_MAGIC) - VD_MAGIC;
    vd r = a - n * b;
    vl low = r < 0.0; /* rounded up: one less */
    *q = n - (vd)((vl)vd_set1(1.0) & low);
    return r + (vd)((vl)b & low);
}
#define V_QUOTIENT_MAX 268435456.0f
static inline vf v_divmod(vf a, vf b, vf *quotient) {
    vf aa = v_abs(a), ab = v_abs(b), bad = a + b;
    vd2 ad = vd_from(aa), bd = vd_from(ab), qd, rd;
    rd.lo = vd_rem(ad.lo, bd.lo, &qd.lo);
    rd.hi = vd_rem(ad.hi, bd.hi, &qd.hi);
    vf r = vd_to(rd), q = vd_to(qd), t = aa / ab;
    if (v_any((t >= V_QUOTIENT_MAX) & (ab > 0.0f) & (aa < INFINITY)))
        for (int i = 0; i < VL; i++)
            if (t[i] >= V_QUOTIENT_MAX && ab[i] > 0.0f && aa[i] < INFINITY) r[i] = fmodf(aa[i], ab[i]), q[i] = t[i];
    vi far = (ab == INFINITY) & (aa < INFINITY); /* a itself remains */
    r = v_blend(far, aa, r);
    q = v_blend(far, v_set1(0.0f), q);
    r = v_copysign(r, a);
    vi unlike = ((vi)a ^ (vi)b) < 0, step = unlike & (r != 0.0f);
    q = v_blend(unlike, -q, q) - (vf)((vi)v_set1(1.0f) & step);
    r = v_blend(step, r + b, v_blend(r == 0.0f, v_copysign(r, b), r));
    vi none = (aa == INFINITY) | (b == 0.0f) | (bad != bad);
    vf ratio = a / b; /* 0 / 0, inf / inf and NaN give NaN, x / 0 an infinity, as NumPy's floor_divide does */
    *quotient = v_blend(none, v_blend(aa == INFINITY, v_blend(b == 0.0f, ratio, V_NAN), ratio), q);
    return v_blend(none, v_blend(bad != bad, bad, V_NAN), r);
}
static inline vf v_floordiv(vf a, vf b) {
    vf q;
    v_divmod(a, b, &q);
    return q;
}
static inline vf v_mod(vf a, vf b) {
    vf q;
    return v_divmod(a, b, &q);
}
#endif
