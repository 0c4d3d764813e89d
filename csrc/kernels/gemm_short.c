/* Products of little k, as in the Winograd domain, where setting up a micro-kernel for each strip of rows would take a tenth
 * of the time: one call runs over all strips against a panel. The arithmetic is that of gemm_tile. */
#include "gemm_tile.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL_FOR _Pragma("GCC unroll 16") for

/* what is to be fetched at the next step, and how to go on */
typedef struct {
    const float *line, *at;
    int64_t step, left, per, turn;
} lines;

static gemm_fetch *take_up(gemm_fetch *f, const float *idle, lines *l) {
    while (f && f->lines <= 0) f = f->next;
    if (f)
        *l = (lines){f->at + f->done * f->step, f->at, f->step, f->per - f->done, f->per, f->turn};
    else
        *l = (lines){.line = idle, .left = INT64_MAX};
    return f;
}
static void put_down(gemm_fetch *f, const lines *l, int64_t count) {
    if (!f) return;
    f->at = l->at;
    f->done = l->per - l->left;
    f->lines -= count;
}

/* `count` strips of R rows × one panel */
INLINE void run(const gemm_args *g, const float *a, const float *b, float *c, int64_t count, const int R,
                const int kmajor) {
    const int64_t as = g->as, ldc = g->ldc, k = g->k;
    gemm_fetch *f = g->fetch;
    for (; count > 0; count--, a += kmajor ? R : R * as) {
        vf acc[MR][2];
        UNROLL_FOR (int r = 0; r < R; r++)
            UNROLL_FOR (int v = 0; v < 2; v++) acc[r][v] = (vf){0};
        lines l;
        f = take_up(f, a, &l);
        const float *s[] = {a, a + 4 * as, a + 8 * as}, *p = b; /* few registers for many addresses */
        for (int64_t q = k; q > 0; q--, p += NR) {
            const vf x = v_load(p), y = v_load(p + VL);
            UNROLL_FOR (int r = 0; r < R; r++) {
                const vf e = v_set1(kmajor ? s[0][r] : s[r / 4][r % 4 * as]);
                acc[r][0] = v_fma(e, x, acc[r][0]);
                acc[r][1] = v_fma(e, y, acc[r][1]);
            }
            UNROLL_FOR (int i = 0; i < 3; i++) s[i] += kmajor ? as : 1;
            __builtin_prefetch(l.line, 0, 2);
            l.line += l.step;
            if (--l.left == 0) {
                l.line = l.at += l.turn;
                l.left = l.per;
            }
        }
        put_down(f, &l, k);
        if (g->add)
            UNROLL_FOR (int r = 0; r < R; r++)
                UNROLL_FOR (int v = 0; v < 2; v++) acc[r][v] += v_load(c + r * ldc + v * VL);
        UNROLL_FOR (int r = 0; r < R; r++, c += ldc)
            UNROLL_FOR (int v = 0; v < 2; v++) v_store(c + v * VL, acc[r][v]);
    }
}

typedef void (*micro)(const gemm_args *g, const float *a, const float *b, float *c, int64_t count);
#define EACH_ROW(X, K) X(1, K) X(2, K) X(3, K) X(4, K) X(5, K) X(6, K)
#if MR == 12
#define EACH(X, K) EACH_ROW(X, K) X(7, K) X(8, K) X(9, K) X(10, K) X(11, K) X(12, K)
#else
#define EACH(X, K) EACH_ROW(X, K)
#endif
#define DEFINE(R, K)                                                                                          \
    static void strips_##R##_##K(const gemm_args *g, const float *a, const float *b, float *c, int64_t count) { \
        run(g, a, b, c, count, R, K);                                                                         \
    }
#define NAME(R, K) [R] = strips_##R##_##K,
/* clang-format off */
EACH(DEFINE, 0) EACH(DEFINE, 1)
static const micro kernels[2][MR + 1] = {{EACH(NAME, 0)}, {EACH(NAME, 1)}}; /* by storage of A, rows */
/* clang-format on */

void FK(gemm_short)(const gemm_args *g) {
    const int64_t strips = fk_ceil_div(g->m, MR), step = g->kmajor ? 1 : g->as, whole = g->n / NR;
    if (strips <= 0) return;
    const int64_t rows = g->m / strips, longer = g->m % strips, high = longer * (rows + 1);
    const float *b = g->b;
    for (int64_t j = 0; j < whole; j++, b += g->bs) {
        float *c = g->c + j * NR;
        if (longer) kernels[g->kmajor][rows + 1](g, g->a, b, c, longer);
        kernels[g->kmajor][rows](g, g->a + high * step, b, c + high * g->ldc, strips - longer);
    }
    if (whole * NR < g->n) {
        gemm_args rest = *g;
        rest.b = b;
        rest.c += whole * NR;
        rest.n -= whole * NR;
        FK(gemm_tile)(&rest);
    }
}
