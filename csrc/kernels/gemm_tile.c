/* The micro-kernels: R rows × V vectors of C, accumulated in registers, and the loops over one block of k. */
#include "gemm_tile.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL_FOR _Pragma("GCC unroll 16") for
#define MAXV 16
#define AHEAD 384 /* multiply-adds of vectors from fetching a row of B to its use, by rows */

/* c[r] + j is where row r of the R × n results goes; n < V vectors only when V is 1 or 2 */
typedef void (*micro)(const gemm_args *g, const float *a, const float *b, float *const *c, int64_t j, int64_t n);

/* the results, n columns of them: added to what is there, finished, stored */
INLINE void leave(const gemm_args *g, vf (*acc)[MAXV], float *const *c, int64_t j, int64_t n, const int R,
                  const int V) {
    if (g->add)
        UNROLL_FOR (int r = 0; r < R; r++)
            UNROLL_FOR (int v = 0; v < V; v++) acc[r][v] += v_load_upto(c[r] + j + v * VL, n - v * VL);
    if (g->ending)
        UNROLL_FOR (int v = 0; v < V; v++)
            fk_end(g->ending, acc[0] + v, MAXV, R, R, c[0] + j + v * VL, g->ldc, g->channel + j + v * VL, n - v * VL);
    UNROLL_FOR (int r = 0; r < R; r++)
        UNROLL_FOR (int v = 0; v < V; v++) v_store_upto(c[r] + j + v * VL, acc[r][v], n - v * VL);
}

/* the chains, `count` steps on; `fetch` is done at each */
#define STEPS(count, fetch)                                                                             \
    for (int64_t q = (count); q > 0; q--) {                                                             \
        vf x[MAXV];                                                                                     \
        UNROLL_FOR (int v = 0; v < V; v++) x[v] = v_load(b + v / 2 * bs + v % 2 * VL);                  \
        UNROLL_FOR (int r = 0; r < R; r++) {                                                            \
            const vf s = v_set1(kmajor ? a[r] : a[r * as]);                                             \
            UNROLL_FOR (int v = 0; v < V; v++) acc[r][v] = v_fma(s, x[v], acc[r][v]);                   \
        }                                                                                               \
        a += kmajor ? as : 1;                                                                           \
        if (copy) {                                                                                     \
            v_store(d, x[0]);                                                                           \
            v_store(d + VL, x[1]);                                                                      \
            d += NR;                                                                                    \
        }                                                                                               \
        b += step;                                                                                      \
        fetch;                                                                                          \
    }

INLINE void run(const gemm_args *g, const float *a, const float *b, float *const *c, int64_t j, int64_t n, const int R,
                const int V, const int kmajor, const int copy) {
    vf acc[MR][MAXV];
    UNROLL_FOR (int r = 0; r < R; r++)
        UNROLL_FOR (int v = 0; v < V; v++) acc[r][v] = (vf){0};
    const int64_t as = g->as, bs = g->bs, lead = g->lead, step = g->ldb ? g->ldb : NR;
    if (V <= 2 && !g->add) /* results that nobody has touched yet: let them come while these are made */
        UNROLL_FOR (int r = 0; r < R; r++)
            UNROLL_FOR (int l = 0; l < V * VL; l += 16) __builtin_prefetch(c[r] + j + l + lead, 1);
    gemm_fetch *f = g->fetch;
    float *d = g->copy;
    if (copy) { /* rows of B that lie far apart, which no hardware fetches ahead: first of this panel, then of the next */
        const int64_t soon = fk_min(g->k, AHEAD / R);
        const float *line = b + soon * step;
        STEPS(g->k - soon, (__builtin_prefetch(line, 0, 2), __builtin_prefetch(line + LINE, 0, 2), line += step))
        line = g->after;
        STEPS(soon, (__builtin_prefetch(line, 0, 2), __builtin_prefetch(line + LINE, 0, 2), line += step))
    } else if (V <= 2 && f) {
        const int64_t next = f->step, per = f->per;
        for (int64_t p = g->k; p > 0; p -= per, f->at += f->turn) {
            const float *line = f->at;
            STEPS(fk_min(p, per), (__builtin_prefetch(line, 0, 2), line += next))
        }
        f->lines -= g->k;
    } else {
        STEPS(g->k, )
    }
    if (V <= 2 && n < V * VL)
        leave(g, acc, c, j, n, R, V);
    else
        leave(g, acc, c, j, V * VL, R, V);
}

#define EACH_ROW(X, V) X(1, V) X(2, V) X(3, V) X(4, V) X(5, V) X(6, V)
#if MR == 12
#define EACH(X, V) EACH_ROW(X, V) X(7, V) X(8, V) X(9, V) X(10, V) X(11, V) X(12, V)
#define WIDE(X) X(1, 4) X(2, 4) X(3, 4) X(4, 4) X(1, 8) X(2, 8) X(3, 8) X(1, 16)
#else
#define EACH(X, V) EACH_ROW(X, V)
#define WIDE(X) X(1, 4) X(2, 4) X(3, 4) X(1, 8)
#endif

#define DEFINE(R, V, K, COPY)                                                                                     \
    static void micro_##R##x##V##_##K##COPY(const gemm_args *g, const float *a, const float *b, float *const *c, int64_t j, \
                                      int64_t n) {                                                                \
        run(g, a, b, c, j, n, R, V, K, COPY);                                                                     \
    }
#define ROWMAJOR(R, V) DEFINE(R, V, 0, 0)
#define KMAJOR(R, V) DEFINE(R, V, 1, 0)
#define COPYING(R, V) DEFINE(R, V, 0, 1)
/* clang-format off */
EACH(ROWMAJOR, 1) EACH(ROWMAJOR, 2) EACH(KMAJOR, 1) EACH(KMAJOR, 2) WIDE(ROWMAJOR) EACH(COPYING, 2)
#define NAME0(R, V) [R] = micro_##R##x##V##_00,
#define NAME1(R, V) [R] = micro_##R##x##V##_10,
#define NAMEC(R, V) [R] = micro_##R##x##V##_01,
/* by storage of A, one vector or two, rows */
static const micro narrow_kernel[2][2][MR + 1] = {{{EACH(NAME0, 1)}, {EACH(NAME0, 2)}},
                                                  {{EACH(NAME1, 1)}, {EACH(NAME1, 2)}}};
static const micro copying_kernel[MR + 1] = {EACH(NAMEC, 2)};
/* clang-format on */
/* by vectors (4, 8, 16) and rows; NULL where the registers do not suffice */
#define NAMEW(R, V) [V / 8][R] = micro_##R##x##V##_00,
static const micro wide_kernel[3][FEW + 1] = {WIDE(NAMEW)};

/* One strip of rows against all panels. Few rows read B once and no more: several panels at a time, to have enough
 * chains of multiply-adds under way. */
static void strip(const gemm_args *g, const float *a, int64_t r0, int64_t rows) {
    float *c[MR];
    for (int64_t r = 0; r < rows; r++) c[r] = g->c + (g->rows ? g->rows[r0 + r] : (r0 + r) * g->ldc);
    int64_t j = 0;
    const float *b = g->b;
    gemm_args t = *g;
    gemm_fetch strip_after = {a + rows * g->as, g->as, 16, 16, g->ahead && !g->kmajor ? g->k : 0, g->fetch, 0};
    t.fetch = &strip_after;
    for (int level = rows <= FEW && !g->kmajor ? 2 : -1; level >= 0; level--) {
        const int64_t w = VL * (4 << level);
        const micro kernel = wide_kernel[level][rows];
        for (; kernel && j + w <= g->n; j += w, b += w / NR * g->bs) kernel(&t, a, b, c, j, w);
    }
    for (; j < g->n; j += NR, b += g->bs) {
        const int64_t n = fk_min(NR, g->n - j);
        while (t.fetch && t.fetch->lines <= 0) t.fetch = t.fetch->next;
        t.lead = j + NR < g->n ? NR : g->rows ? 0 : rows * g->ldc - j;
        narrow_kernel[g->kmajor][n > VL][rows](&t, a, b, c, j, n);
    }
}

/* All strips against one panel after the other, each of which then comes from memory while the one before it is used. No
 * strip has few rows. */
static void by_panels(const gemm_args *g, int64_t strips) {
    const int64_t across = g->kmajor ? 1 : g->as;
    gemm_args t = *g;
    const float *b = g->b;
    for (int64_t j = 0; j < g->n; j += NR, b += g->bs) {
        const int64_t n = fk_min(NR, g->n - j);
        const float *next = j + NR < g->n ? b + g->bs : g->after;
        gemm_fetch panel = {next, LINE, 16, 16 * LINE, next ? g->k * NR / LINE : 0, g->fetch, 0};
        t.fetch = &panel;
        for (int64_t s = 0; s < strips; s++) {
            const int64_t lo = g->m * s / strips, rows = g->m * (s + 1) / strips - lo;
            const float *a = g->a + lo * across;
            float *c[MR];
            for (int64_t r = 0; r < rows; r++) c[r] = g->c + (lo + r) * g->ldc;
            gemm_fetch strip_after = {
                a + rows * g->as, g->as, 16, 16, j == 0 && g->ahead && !g->kmajor && s + 1 < strips ? g->k : 0,
                &panel,           0};
            t.fetch = &strip_after;
            while (t.fetch && t.fetch->lines <= 0) t.fetch = t.fetch->next;
            t.lead = s + 1 < strips ? rows * g->ldc : 0;
            narrow_kernel[g->kmajor][n > VL][rows](&t, a, b, c, j, n);
        }
    }
}

/* the first strip, which leaves a packed B for the others */
static void copying_strip(const gemm_args *g, int64_t rows) {
    const int64_t leave = rows < g->m ? g->k * NR : 0; /* a copy that nobody reads stays in L1 */
    float *c[MR];
    for (int64_t r = 0; r < rows; r++) c[r] = g->c + r * g->ldc;
    gemm_args t = *g;
    for (int64_t j = 0; j < g->n; j += NR, t.copy += leave) {
        t.lead = 0;
        t.after = g->b + (j + NR < g->n ? j + NR : 0);
        copying_kernel[rows](&t, g->a, g->b + j, c, j, NR);
    }
}

void FK(gemm_tile)(const gemm_args *g) {
    const int64_t strips = fk_ceil_div(g->m, MR);
    gemm_args packed;
    int64_t s = 0;
    if (g->copy && strips) {
        copying_strip(g, g->m / strips);
        packed = *g;
        packed.b = g->copy;
        packed.bs = g->k * NR;
        packed.ldb = 0;
        g = &packed;
        s = 1;
    }
    if (g->once && strips > 1 && s == 0) {
        by_panels(g, strips);
        return;
    }
    for (; s < strips; s++) { /* equal strips: a short last one would run at a fraction of the speed */
        const int64_t lo = g->m * s / strips, hi = g->m * (s + 1) / strips;
        strip(g, g->a + lo * (g->kmajor ? 1 : g->as), lo, hi - lo);
    }
}
