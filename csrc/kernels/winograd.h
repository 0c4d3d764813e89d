/* Winograd's minimal filtering F(4 × 4, 3 × 3): a tile of 4 × 4 outputs of a 3 × 3 correlation from its 6 × 6 inputs d and
 * the window g, in 36 products instead of 144:
 *
 *     Y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A
 *
 * (Lavin and Gray 2015). The matrices evaluate polynomials at 0, ±a, ±b and infinity:
 *
 *          1   0  -1/a²-1/b²   0     1/a²b²  0           1   0   0            1   p    p    q    q    0
 *          0  -ab²   -b²       a       1     0           1   a   a²           0   pa  -pa   qb  -qb   0
 *     Bᵀ = 0   ab²   -b²      -a       1     0       G = 1  -a   a²      Aᵀ = 0   pa²  pa²  qb²  qb²  0
 *          0  -ba²   -a²       b       1     0           1   b   b²           0   pa³ -pa³  qb³ -qb³  1
 *          0   ba²   -a²      -b       1     0           1  -b   b²
 *          0   a²b²   0    -a²-b²      0     1           0   0   1            p = 1/2a²(a²-b²), q = 1/2b²(b²-a²)
 *
 * a = 5/8 and b = 3/2 keep all coefficients near 1: errors are a quarter of those of the usual ±1, ±2 (docs/performance.md).
 *
 * All functions work on VL channels at a time. No sum has two products, of which the compiler might round either: the
 * bits are the same wherever a function is inlined. */
#ifndef FK_WINOGRAD_H
#define FK_WINOGRAD_H
#include "vec.h"

#define WINO_OUT 4 /* outputs of a tile along an axis */
#define WINO_IN 6  /* inputs */
#define WINO_AT (WINO_IN * WINO_IN)

#define WINO_A 0.625f
#define WINO_B 1.5f
#define WINO_A2 (WINO_A * WINO_A)
#define WINO_B2 (WINO_B * WINO_B)
#define WINO_P (1 / (2 * WINO_A2 * (WINO_A2 - WINO_B2)))
#define WINO_Q (1 / (2 * WINO_B2 * (WINO_B2 - WINO_A2)))

#define WINO_INLINE static inline __attribute__((always_inline))

/* Bᵀ d of a vector of six, `ds` and `os` apart, in two halves. x ± y · z as two sums of a product that is rounded: those are
 * other units' work than multiply-adds */
WINO_INLINE void wino_in_low(const vf *d, int ds, vf *o, int os) {
    const vf even = d[4 * ds] - WINO_B2 * d[2 * ds], odd = v_keep(WINO_A * (d[3 * ds] - WINO_B2 * d[ds]));
    o[0] = (d[0] + 1 / (WINO_A2 * WINO_B2) * d[4 * ds]) - (1 / WINO_A2 + 1 / WINO_B2) * d[2 * ds];
    o[os] = even + odd;
    o[2 * os] = even - odd;
}
WINO_INLINE void wino_in_high(const vf *d, int ds, vf *o, int os) {
    const vf even = d[4 * ds] - WINO_A2 * d[2 * ds], odd = v_keep(WINO_B * (d[3 * ds] - WINO_A2 * d[ds]));
    o[0] = even + odd;
    o[os] = even - odd;
    o[2 * os] = (d[5 * ds] - (WINO_A2 + WINO_B2) * d[3 * ds]) + WINO_A2 * WINO_B2 * d[ds];
}

/* Aᵀ m: four of six */
WINO_INLINE void wino_out(const vf *m, int ms, vf *y, int ys) {
    const float p = WINO_P, q = WINO_Q;
    const vf sum_a = m[ms] + m[2 * ms], difference_a = m[ms] - m[2 * ms];
    const vf sum_b = m[3 * ms] + m[4 * ms], difference_b = m[3 * ms] - m[4 * ms];
    y[0] = (m[0] + p * sum_a) + q * sum_b;
    y[ys] = p * WINO_A * (difference_a + q * WINO_B / (p * WINO_A) * difference_b);
    y[2 * ys] = p * WINO_A2 * (sum_a + q * WINO_B2 / (p * WINO_A2) * sum_b);
    y[3 * ys] = (m[5 * ms] + p * WINO_A2 * WINO_A * difference_a) + q * WINO_B2 * WINO_B * difference_b;
}

/* G g: six of three. It is inlined in more than one place, in which the compiler would not contract the same sums */
WINO_INLINE void wino_filter(const vf *g, int gs, vf *u, int us) {
    const vf even_a = v_fma(v_set1(WINO_A2), g[2 * gs], g[0]), even_b = v_fma(v_set1(WINO_B2), g[2 * gs], g[0]);
    u[0] = g[0];
    u[us] = v_fma(v_set1(WINO_A), g[gs], even_a);
    u[2 * us] = v_fma(v_set1(-WINO_A), g[gs], even_a);
    u[3 * us] = v_fma(v_set1(WINO_B), g[gs], even_b);
    u[4 * us] = v_fma(v_set1(-WINO_B), g[gs], even_b);
    u[5 * us] = g[2 * gs];
}

/* The gradient of g, Gᵀ [ Σ_tiles (Bᵀ d B) ⊙ (A Y Aᵀ) ] G, in the same way from the gradients Y of the outputs. The factors
 * p and q of A are left to the last step.
 * A y: six of four */
WINO_INLINE void wino_out_back(const vf *y, int ys, vf *m, int ms) {
    const vf even_a = y[0] + WINO_A2 * y[2 * ys], odd_a = y[ys] + WINO_A2 * y[3 * ys];
    const vf even_b = y[0] + WINO_B2 * y[2 * ys], odd_b = y[ys] + WINO_B2 * y[3 * ys];
    m[0] = y[0];
    m[ms] = even_a + WINO_A * odd_a;
    m[2 * ms] = even_a - WINO_A * odd_a;
    m[3 * ms] = even_b + WINO_B * odd_b;
    m[4 * ms] = even_b - WINO_B * odd_b;
    m[5 * ms] = y[3 * ys];
}

/* Gᵀ u, and the factors of A: three of six */
WINO_INLINE void wino_filter_back(const vf *u, int us, vf *g, int gs) {
    const vf sum_a = u[us] + u[2 * us], difference_a = u[us] - u[2 * us];
    const vf sum_b = u[3 * us] + u[4 * us], difference_b = u[3 * us] - u[4 * us];
    g[0] = (u[0] + WINO_P * sum_a) + WINO_Q * sum_b;
    g[gs] = WINO_P * WINO_A * (difference_a + WINO_Q * WINO_B / (WINO_P * WINO_A) * difference_b);
    g[2 * gs] = (u[5 * us] + WINO_P * WINO_A2 * sum_a) + WINO_Q * WINO_B2 * sum_b;
}

/* a tile of an image: its pixel (i, j) begins at x[i · down + j · right]; those of rows [i0, i1) and columns [j0, j1) are
 * inside the image, the others count as zero */
typedef struct {
    const float *x;
    int64_t down, right;
    int i0, i1, j0, j1;
} wino_tile;

/* the tile whose first pixel is (i, j) of the h × w image x of c channels; i and j may be negative */
static inline wino_tile wino_tile_at(const float *x, int64_t h, int64_t w, int64_t c, int64_t i, int64_t j) {
    return (wino_tile){x + (i * w + j) * c,
                       w * c,
                       c,
                       (int)fk_min(WINO_IN, fk_max(0, -i)),
                       (int)fk_max(0, fk_min(WINO_IN, h - i)),
                       (int)fk_min(WINO_IN, fk_max(0, -j)),
                       (int)fk_max(0, fk_min(WINO_IN, w - j))};
}

/* Bᵀ d B of VL channels: position p of 36 to v + p · plane. Half of the rows at a time: those of all 36 positions do not fit
 * the registers. Addresses are made anew, not kept for 36 planes. */
WINO_INLINE void wino_input_half(const float *x, int64_t down, int64_t right, const int high, float *v, int64_t plane) {
    vf r[3 * WINO_IN];
    _Pragma("GCC unroll 6") for (int j = 0; j < WINO_IN; j++, x = v_here(x + right)) {
        vf d[WINO_IN];
        _Pragma("GCC unroll 6") for (int i = 0; i < WINO_IN; i++) d[i] = v_load(x + i * down);
        if (high)
            wino_in_high(d, 1, r + j, WINO_IN);
        else
            wino_in_low(d, 1, r + j, WINO_IN);
    }
    v += high * 3 * WINO_IN * plane;
    _Pragma("GCC unroll 3") for (int i = 0; i < 3; i++, v = (float *)v_here(v + WINO_IN * plane)) {
        vf o[WINO_IN];
        wino_in_low(r + i * WINO_IN, 1, o, 1);
        wino_in_high(r + i * WINO_IN, 1, o + 3, 1);
        _Pragma("GCC unroll 6") for (int j = 0; j < WINO_IN; j++) v_store(v + j * plane, o[j]);
    }
}
WINO_INLINE void wino_input_lanes(const float *x, int64_t down, int64_t right, float *v, int64_t plane) {
    x = v_here(x);
    v = (float *)v_here(v);
    wino_input_half(x, down, right, 0, v, plane);
    wino_input_half(x, down, right, 1, v, plane);
}

/* ---- Windows of 4 to 6 taps a side, two pixels apart, are windows of 3 × 3, one apart, over the quarters of the image: its
 * pixels of even or odd row and column, so half as many each way, are the channels of one of half the size. A quarter
 * misses taps of the 3 × 3, mostly a row and a column: then the filters are zero at 11 of the 36 positions.
 * The sizes, channels, pt and pl of such a step are those of the convolution as it is. */
#define QUARTERS 4

typedef struct {
    int64_t tap[9]; /* of the kernel as it is stored, or -1 */
    char live[WINO_AT]; /* positions at which not all filters are zero */
    char back[WINO_AT]; /* the same with the taps taken backwards */
} wino_quarter;

static inline void wino_quarters(int64_t side, int64_t pt, int64_t pl, wino_quarter *q) {
    for (int64_t k = 0; k < QUARTERS; k++, q++) {
        const int64_t y = k / 2 + pt - 2, x = k % 2 + pl - 2; /* the tap of the first */
        for (int64_t t = 0; t < 9; t++) {
            const int64_t i = y + t / 3 * 2, j = x + t % 3 * 2;
            q->tap[t] = i >= 0 && i < side && j >= 0 && j < side ? i * side + j : -1;
        }
        const int above = y >= 0, below = y + 4 < side, left = x >= 0, right = x + 4 < side;
        for (int p = 0; p < WINO_AT; p++) {
            const int i = p / WINO_IN, j = p % WINO_IN, last = WINO_IN - 1;
            q->live[p] = (i || above) && (i < last || below) && (j || left) && (j < last || right);
            q->back[p] = (i || below) && (i < last || above) && (j || right) && (j < last || left);
        }
    }
}

/* where quarter k begins in an image w pixels wide */
static inline int64_t wino_quarter_at(int64_t k, int64_t w, int64_t c) { return (k / 2 * w + k % 2) * c; }

/* a tile of quarter k of the 2h × 2w image x, as wino_tile_at */
static inline wino_tile wino_quarter_tile(const float *x, int64_t k, int64_t h, int64_t w, int64_t c, int64_t i, int64_t j) {
    wino_tile t = wino_tile_at(x, h, w, 2 * c, i, j);
    t.x = x + wino_quarter_at(k, 2 * w, c) + (i * 2 * w + j) * 2 * c;
    t.down = 4 * w * c;
    return t;
}

/* n ≤ VL channels of the pixels of a tile, `side` × `side`, zeros outside the image */
static inline void wino_pixels(const wino_tile *t, int64_t at, int64_t n, int side, vf *d) {
    const float *x = t->x + at;
    for (int i = 0; i < side; i++, x += t->down)
        for (int j = 0; j < side; j++, d++) {
            const int inside = i >= t->i0 && i < t->i1 && j >= t->j0 && j < t->j1;
            *d = inside ? v_load_upto(x + j * t->right, n) : (vf){0};
        }
}

/* of c channels; planes have room for a multiple of VL */
static inline void wino_input(const wino_tile *t, int64_t c, float *v, int64_t plane) {
    int64_t at = 0;
    if (t->i0 == 0 && t->j0 == 0 && t->i1 == WINO_IN && t->j1 == WINO_IN)
        for (; at + VL <= c; at += VL) wino_input_lanes(t->x + at, t->down, t->right, v + at, plane);
    for (; at < c; at += VL) {
        vf d[WINO_AT];
        wino_pixels(t, at, c - at, WINO_IN, d);
        wino_input_lanes((const float *)d, WINO_IN * VL, VL, v + at, plane);
    }
}
#endif
