/* Products of little k, as in the Winograd domain or of few channels, where setting up a micro-kernel for each strip of rows would
 * take a tenth of the time or more: one call runs over all strips against a panel. The arithmetic is that of gemm_block. */
#include "gemm_steps.h"

#define PLACES 3 /* strips from asking for the place of results to their writing */

/* what is to be fetched at the next step, and how to go on */
typedef struct {
    const float *line, *at;
    int64_t step, left, per, turn, at_once;
} lines;

static gemm_fetch *take_up(gemm_fetch *f, const float *idle, lines *l) {
    while (f && f->lines <= 0) f = f->next;
    if (f)
        *l = (lines){f->at + f->done * f->step, f->at, f->step, f->per - f->done, f->per, f->turn, f->rate == 1 ? 1 : QUAD};
    else
        *l = (lines){.line = idle, .left = INT64_MAX, .at_once = 1};
    return f;
}
static void put_down(gemm_fetch *f, const lines *l, int64_t count) {
    if (!f) return;
    f->at = l->at;
    f->done = l->per - l->left;
    f->lines -= count / QUAD * l->at_once;
}

/* `count` strips of R rows × V vectors, one panel or two, from channel `channel` of C on */
INLINE void run(const gemm_args *g, const float *a, const float *b, float *c, int64_t channel, int64_t count, const int R,
                const int V, const int kmajor) {
    const int64_t as = g->a.step, bs = g->b.panel, ldc = g->c.step, k = g->k;
    gemm_fetch *f = g->fetch;
    for (; count > 0; count--, a += kmajor ? R : R * as) {
        vf acc[MR][MAXV];
        UNROLL_FOR (int r = 0; r < R; r++)
            UNROLL_FOR (int v = 0; v < V; v++) acc[r][v] = (vf){0};
        UNROLL_FOR (int r = 0; r < R; r++)
            UNROLL_FOR (int v = 0; v < V * VL; v += LINE) __builtin_prefetch(c + (PLACES * R + r) * ldc + v, 1);
        lines l;
        f = take_up(f, a, &l);
        rows_of_a at = rows_from(a, as, R);
        const float *p = b;
        for (int64_t q = k / QUAD; q > 0; q--) {
            steps(acc, &at, &p, bs, NR, NULL, QUAD, R, V, kmajor, 0);
            __builtin_prefetch(l.line, 0, 2);
            l.line += l.step;
            if (l.at_once > 1)
                UNROLL_FOR (int s = 1; s < QUAD; s++, l.line += l.step) __builtin_prefetch(l.line, 0, 2);
            if ((l.left -= l.at_once) <= 0) {
                l.line = l.at += l.turn;
                l.left = l.per;
            }
        }
        for (int64_t q = k % QUAD; q > 0; q--) steps(acc, &at, &p, bs, NR, NULL, 1, R, V, kmajor, 0);
        put_down(f, &l, k);
        if (g->c.add)
            UNROLL_FOR (int r = 0; r < R; r++)
                UNROLL_FOR (int v = 0; v < V; v++) acc[r][v] += v_load(c + r * ldc + v * VL);
        if (g->c.ending)
            UNROLL_FOR (int v = 0; v < V; v++)
                fk_end(g->c.ending, acc[0] + v, MAXV, R, R, c + v * VL, ldc, channel + v * VL, VL);
        UNROLL_FOR (int r = 0; r < R; r++, c += ldc)
            UNROLL_FOR (int v = 0; v < V; v++) v_store(c + v * VL, acc[r][v]);
    }
}

typedef void (*micro)(const gemm_args *g, const float *a, const float *b, float *c, int64_t channel, int64_t count);
#define EACH_ROW(X, V, K) X(1, V, K) X(2, V, K) X(3, V, K) X(4, V, K) X(5, V, K) X(6, V, K)
#if MR == 12
#define EACH(X, K) EACH_ROW(X, 2, K) X(7, 2, K) X(8, 2, K) X(9, 2, K) X(10, 2, K) X(11, 2, K) X(12, 2, K)
#define EACH_FLAT(X, K) EACH_ROW(X, 4, K)
#else
#define EACH(X, K) EACH_ROW(X, 2, K)
#define EACH_FLAT(X, K)
#endif
#define DEFINE(R, V, K)                                                                                             \
    static void strips_##R##x##V##_##K(const gemm_args *g, const float *a, const float *b, float *c, int64_t channel, \
                                         int64_t count) {                                                            \
        run(g, a, b, c, channel, count, R, V, K);                                                                    \
    }
#define NAME(R, V, K) [R] = strips_##R##x##V##_##K,
/* clang-format off */
EACH(DEFINE, 0) EACH(DEFINE, 1) EACH_FLAT(DEFINE, 0) EACH_FLAT(DEFINE, 1)
/* by storage of A, rows */
static const micro kernels[2][MR + 1] = {{EACH(NAME, 0)}, {EACH(NAME, 1)}};
static const micro flat_kernels[2][MR + 1] = {{EACH_FLAT(NAME, 0)}, {EACH_FLAT(NAME, 1)}};
/* clang-format on */

/* the columns from n on, all strips of which are as high as they can be */
static void columns(const gemm_args *g, int64_t n, const micro *of_rows, int64_t most) {
    const int64_t strips = fk_ceil_div(g->m, fk_max(1, most)), rows = g->m / strips, longer = g->m % strips;
    const int64_t high = longer * (rows + 1), step = g->a.kmajor ? 1 : g->a.step;
    const float *b = g->b.at + n / NR * g->b.panel;
    if (longer) of_rows[rows + 1](g, g->a.at, b, g->c.at + n, g->c.channel + n, longer);
    of_rows[rows](g, g->a.at + high * step, b, g->c.at + n + high * g->c.step, g->c.channel + n, strips - longer);
}

/* the same of w columns, while those behind them, which come from memory where B is FAR, are fetched */
static void columns_ahead(const gemm_args *g, int64_t n, int64_t w, const micro *of_rows, int64_t most) {
    const float *next = n + w < g->n ? g->b.at + (n + w) / NR * g->b.panel : g->b.after;
    if (g->mode != GEMM_FAR || !next) {
        columns(g, n, of_rows, most);
        return;
    }
    gemm_args t = *g;
    gemm_fetch ahead = fetch_run(next, g->k * w / LINE, g->fetch);
    ahead.per = ahead.lines;
    ahead.turn = ahead.lines * LINE;
    ahead.rate = gemm_rate(ahead.lines, fk_ceil_div(g->m, most) * g->k);
    t.fetch = &ahead;
    columns(&t, n, of_rows, most);
}

void FK(gemm_thin)(const gemm_args *g) {
    if (g->m <= 0) return;
    int64_t n = 0;
    if (FLAT)
        for (; n + 2 * NR <= g->n; n += 2 * NR) columns_ahead(g, n, 2 * NR, flat_kernels[g->a.kmajor], FLAT);
    for (; n + NR <= g->n; n += NR) columns_ahead(g, n, NR, kernels[g->a.kmajor], MR);
    if (n < g->n) {
        gemm_args rest = *g;
        rest.b.at += n / NR * g->b.panel;
        rest.c.at += n;
        rest.c.channel += n;
        rest.n -= n;
        FK(gemm_block)(&rest);
    }
}
