/* The micro-kernels: R rows × V vectors of C, accumulated in registers, and the loops over one block of k. A whole product,
 * from the outside; the first two loops are gemm_packed's, or gemm_as_stored's where B was not packed before:
 *
 *   chunks         shares of rows and columns of C, which matmul and the convolutions call with (gemm_split)
 *   blocks of k    kc steps at most; of A, mc rows of them are packed where that pays, and stay in L2
 *   strips         MR rows of A (FLAT, where strips are flat): their steps of this block stay in L1   } the other way round
 *   panels         NR columns of B, or several: they come from L2 or L3, from memory for few rows    } where B is FAR
 *   steps          of k: the micro-kernel, whose R × V sums stay in registers (gemm_steps.h)
 *
 * gemm_block() is the last three; few rows take panels side by side, to have enough sums under way. gemm_thin() does the
 * same where k is small. */
#include "gemm_steps.h"

/* steps of k up to which setting up a micro-kernel for each strip costs more than what it fetches ahead gains; those of few rows,
 * whose panels run outermost in either way */
#define THIN 48
#define THIN_FAR 200
#define BLOCK_AHEAD 384 /* multiply-adds of vectors from fetching a row of B to its use, by rows */
/* c[r] + j is where row r of the R × n results goes; n < V vectors only when V is 3 or less */
typedef void (*micro)(const gemm_args *g, const float *a, const float *b, float *const *c, int64_t j, int64_t n);

/* the results, n columns of them: added to what is there, finished, stored */
INLINE void leave(const gemm_args *g, vf (*acc)[MAXV], float *const *c, int64_t j, int64_t n, const int R, const int V) {
    if (g->c.add)
        UNROLL_FOR (int r = 0; r < R; r++)
            UNROLL_FOR (int v = 0; v < V; v++) acc[r][v] += v_load_upto(c[r] + j + v * VL, n - v * VL);
    if (g->c.ending)
        UNROLL_FOR (int v = 0; v < V; v++)
            fk_end(g->c.ending, acc[0] + v, MAXV, R, R, c[0] + j + v * VL, g->c.step, g->c.channel + j + v * VL, n - v * VL);
    UNROLL_FOR (int r = 0; r < R; r++)
        UNROLL_FOR (int v = 0; v < V; v++) v_store_upto(c[r] + j + v * VL, acc[r][v], n - v * VL);
}

/* all steps of a micro-kernel. Beside them come what the list names, and the place of the results of the next one */
INLINE void all_steps(const gemm_args *g, vf (*acc)[MAXV], const float *a, const float *b, float *const *c, int64_t j,
                      const int R, const int V, const int kmajor, const int copy) {
    const int quad = R > FEW ? QUAD : 1; /* few rows wait for B, not for addresses */
    const int64_t bs = g->b.panel, step = g->mode >= GEMM_AS_STORED ? g->b.step : NR;
    rows_of_a at = rows_from(a, g->a.step, R);
    float *copied = g->b.copy;
    gemm_fetch *f = V <= 4 && !copy ? g->fetch : NULL;
    const float *line = f ? f->at : NULL;
    int64_t next = 0, per = 0, left = 0;
    const int many = !f || quad == 1 ? 1 : f->rate ? f->rate : quad; /* lines with each quad */
    if (f) {
        next = f->step;
        left = per = fk_ceil_div(f->per, many);
        left -= f->done / many;
        line += f->done * next;
    } else if (copy) {
        /* rows of B that lie far apart, which no hardware fetches ahead: first of this panel, then of the next */
        const int64_t soon = fk_min(g->k, BLOCK_AHEAD / R);
        line = b + soon * step;
        left = (g->k - soon) / quad;
    }
    /* a row with each of the first steps: the lines of all at once would fill the buffers that loads from L2 need */
    int64_t fresh = V <= 4 ? R : 0;
    const int64_t lead = j + g->c.lead, away = g->c.ending ? g->c.ending->away : 0, gate = g->c.ending ? g->c.ending->gate : 0;
    float *const *place = c;
    for (int64_t q = g->k / quad; q > 0; q--) {
        steps(acc, &at, &b, bs, step, &copied, quad, R, V, kmajor, copy);
        if (fresh-- > 0) {
            const float *to = *place++ + lead;
            UNROLL_FOR (int l = 0; l < V * VL; l += LINE) __builtin_prefetch(to + l, 1);
            if (away)
                UNROLL_FOR (int l = 0; l < V * VL; l += LINE) __builtin_prefetch(fk_beside(to + l, away));
            if (gate)
                UNROLL_FOR (int l = 0; l < V * VL; l += LINE) __builtin_prefetch(fk_beside(to + l, gate));
        }
        if (copy) {
            if (left-- == 0) line = g->b.after;
            UNROLL_FOR (int s = 0; s < quad; s++, line += step) {
                __builtin_prefetch(line, 0, 2);
                __builtin_prefetch(line + LINE, 0, 2);
            }
        } else if (line) {
            __builtin_prefetch(line, 0, 2);
            if (quad > 1 && many > 1) __builtin_prefetch(line += next, 0, 2); /* a loop would take a percent of all */
            if (quad > 1 && many > 2) __builtin_prefetch(line += next, 0, 2);
            if (quad > 1 && many > 3) __builtin_prefetch(line += next, 0, 2);
            line += next;
            if (--left == 0) {
                line = f->at += f->turn;
                left = per;
            }
        }
    }
    for (int64_t q = g->k % quad; q > 0; q--) steps(acc, &at, &b, bs, step, &copied, 1, R, V, kmajor, copy);
    if (f) {
        f->lines -= g->k / quad * many;
        f->done = (per - left) * many;
    }
}

INLINE void run(const gemm_args *g, const float *a, const float *b, float *const *c, int64_t j, int64_t n, const int R,
                const int V, const int kmajor, const int copy) {
    vf acc[MR][MAXV];
    UNROLL_FOR (int r = 0; r < R; r++)
        UNROLL_FOR (int v = 0; v < V; v++) acc[r][v] = (vf){0};
    all_steps(g, acc, a, b, c, j, R, V, kmajor, copy);
    if (V <= 3 && n < V * VL)
        leave(g, acc, c, j, n, R, V);
    else
        leave(g, acc, c, j, V * VL, R, V);
}

#define EACH_ROW(X, V) X(1, V) X(2, V) X(3, V) X(4, V) X(5, V) X(6, V)
#if MR == 12
#define EACH(X, V) EACH_ROW(X, V) X(7, V) X(8, V) X(9, V) X(10, V) X(11, V) X(12, V)
#define WIDE(X) X(1, 4) X(2, 4) X(3, 4) X(4, 4) X(5, 4) X(6, 4) X(1, 8) X(2, 8) X(3, 8) X(1, 16)
#else
#define EACH(X, V) EACH_ROW(X, V)
#define WIDE(X) X(1, 4) X(2, 4) X(3, 4) X(1, 8)
#endif
#define THREE(X) X(1, 3) X(2, 3) X(3, 3) X(4, 3)
#define THREE_ROWS 4

#define DEFINE(R, V, K, COPY)                                                                                     \
    static void micro_##R##x##V##_##K##COPY(const gemm_args *g, const float *a, const float *b, float *const *c, int64_t j, \
                                      int64_t n) {                                                                \
        run(g, a, b, c, j, n, R, V, K, COPY);                                                                     \
    }
#define ROWMAJOR(R, V) DEFINE(R, V, 0, 0)
#define KMAJOR(R, V) DEFINE(R, V, 1, 0)
#define COPYING(R, V) DEFINE(R, V, 0, 1)
/* clang-format off */
EACH(ROWMAJOR, 1) EACH(ROWMAJOR, 2) EACH(KMAJOR, 1) EACH(KMAJOR, 2) WIDE(ROWMAJOR) EACH(COPYING, 2) THREE(ROWMAJOR)
#define NAME0(R, V) [R] = micro_##R##x##V##_00,
#define NAME1(R, V) [R] = micro_##R##x##V##_10,
#define NAMEC(R, V) [R] = micro_##R##x##V##_01,
/* by storage of A, one vector or two, rows */
static const micro narrow_kernel[2][2][MR + 1] = {{{EACH(NAME0, 1)}, {EACH(NAME0, 2)}},
                                                  {{EACH(NAME1, 1)}, {EACH(NAME1, 2)}}};
static const micro copying_kernel[MR + 1] = {EACH(NAMEC, 2)};
/* by vectors (4, 8, 16) and rows; NULL where the registers do not suffice */
#define NAMEW(R, V) [V / 8][R] = micro_##R##x##V##_00,
static const micro wide_kernel[3][MR + 1] = {WIDE(NAMEW)};
static const micro three_kernel[THREE_ROWS + 1] = {THREE(NAME0)};
/* clang-format on */

/* One strip of rows against all panels. Few rows read B once and no more: several panels at a time, to have enough
 * chains of multiply-adds under way. */
static void strip(const gemm_args *g, const float *a, int64_t r0, int64_t rows) {
    float *c[MR];
    for (int64_t r = 0; r < rows; r++) c[r] = g->c.at + (g->c.rows ? g->c.rows[r0 + r] : (r0 + r) * g->c.step);
    int64_t j = 0;
    const float *b = g->b.at;
    gemm_args t = *g;
    const int64_t more = g->a.ahead && !g->a.kmajor && r0 + rows < g->m ? g->k : 0;
    gemm_fetch strip_after = fetch_strip(a + rows * g->a.step, rows, more, g->a.step, g->fetch);
    strip_after.rate = g->n * LINE >= GEMM_QUAD * rows * (gemm_flat(g->a.kmajor, g->n) ? 4 * VL : NR);
    t.fetch = &strip_after;
    for (int level = rows <= fk_max(FEW, FLAT) && !g->a.kmajor ? 2 : -1; level >= 0; level--) {
        const int64_t w = VL * (4 << level);
        const micro kernel = wide_kernel[level][rows];
        for (; kernel && j + w <= g->n; j += w, b += w / NR * g->b.panel) {
            while (t.fetch && t.fetch->lines <= 0) t.fetch = t.fetch->next;
            t.c.lead = j + 2 * w <= g->n ? w : g->c.rows ? 0 : rows * g->c.step - j;
            kernel(&t, a, b, c, j, w);
        }
    }
    for (; j < g->n; j += NR, b += g->b.panel) {
        const int64_t n = fk_min(NR, g->n - j);
        while (t.fetch && t.fetch->lines <= 0) t.fetch = t.fetch->next;
        t.c.lead = j + NR < g->n ? NR : g->c.rows ? 0 : rows * g->c.step - j;
        narrow_kernel[g->a.kmajor][n > VL][rows](&t, a, b, c, j, n);
    }
}

/* All strips against one panel after the other, or two where strips are flat; if FAR it comes from memory while the one before
 * it is used. */
static void by_panels(const gemm_args *g) {
    const int64_t across = g->a.kmajor ? 1 : g->a.step;
    gemm_args t = *g;
    const float *b = g->b.at;
    for (int64_t j = 0, w; j < g->n; j += w, b += w / NR * g->b.panel) {
        const int flat = !g->tall && gemm_flat(g->a.kmajor, g->n - j);
        w = flat ? 4 * VL : NR;
        const int64_t n = fk_min(w, g->n - j), strips = fk_ceil_div(g->m, flat ? FLAT : MR);
        const float *next = g->mode != GEMM_FAR ? NULL : j + w < g->n ? b + w / NR * g->b.panel : g->b.after;
        gemm_fetch panel = fetch_run(next, next ? g->k * w / LINE : 0, g->fetch);
        /* evenly while all strips run: at once they would keep loads from L2 waiting */
        panel.per = panel.lines;
        panel.turn = panel.lines * LINE;
        panel.rate = gemm_rate(panel.lines, strips * g->k);
        t.fetch = &panel;
        for (int64_t s = 0; s < strips; s++) {
            const int64_t lo = g->m * s / strips, rows = g->m * (s + 1) / strips - lo;
            const float *a = g->a.at + lo * across;
            float *c[MR];
            for (int64_t r = 0; r < rows; r++) c[r] = g->c.at + (lo + r) * g->c.step;
            const int64_t more = j == 0 && g->a.ahead && !g->a.kmajor && s + 1 < strips ? g->k : 0;
            gemm_fetch strip_after = fetch_strip(a + rows * g->a.step, rows, more, g->a.step, &panel);
            t.fetch = &strip_after;
            while (t.fetch && t.fetch->lines <= 0) t.fetch = t.fetch->next;
            t.c.lead = s + 1 < strips ? rows * g->c.step : 0;
            (flat ? wide_kernel[0][rows] : narrow_kernel[g->a.kmajor][n > VL][rows])(&t, a, b, c, j, n);
        }
    }
}

/* the first strip, which leaves a packed B for the others */
static void copying_strip(const gemm_args *g, int64_t rows) {
    const int64_t leave = rows < g->m ? g->k * NR : 0; /* a copy that nobody reads stays in L1 */
    float *c[MR];
    for (int64_t r = 0; r < rows; r++) c[r] = g->c.at + r * g->c.step;
    gemm_args t = *g;
    for (int64_t j = 0; j < g->n; j += NR, t.b.copy += leave) {
        t.c.lead = 0;
        t.b.after = g->b.at + (j + NR < g->n ? j + NR : 0);
        copying_kernel[rows](&t, g->a.at, g->b.at + j, c, j, NR);
    }
}

/* Three vectors of columns where there are 16 registers: strips of 6 × 2, then 6 × 1, would load nearly a number for each
 * multiply-add of the last one, and add to a sum as soon as the product before is there. */
static int is_three(const gemm_args *g) {
    return THREE_IN_ASSEMBLY(THREE_ROWS, 3) && g->n > 2 * VL && g->n <= 3 * VL && g->mode <= GEMM_FAR && !g->a.kmajor &&
           !g->c.rows && g->m >= THREE_ROWS;
}
static void by_three(const gemm_args *g) {
    gemm_args t = *g;
    const int64_t strips = fk_ceil_div(g->m, THREE_ROWS);
    for (int64_t s = 0; s < strips; s++) {
        const int64_t lo = g->m * s / strips, rows = g->m * (s + 1) / strips - lo;
        const float *a = g->a.at + lo * g->a.step;
        float *c[THREE_ROWS];
        for (int64_t r = 0; r < rows; r++) c[r] = g->c.at + (lo + r) * g->c.step;
        const int64_t ahead = g->a.ahead && s + 1 < strips ? g->k : 0;
        gemm_fetch strip_after = fetch_strip(a + rows * g->a.step, rows, ahead, g->a.step, g->fetch);
        strip_after.rate = 1;
        t.fetch = &strip_after;
        while (t.fetch && t.fetch->lines <= 0) t.fetch = t.fetch->next;
        t.c.lead = s + 1 < strips ? rows * g->c.step : 0;
        three_kernel[rows](&t, a, g->b.at, c, 0, g->n);
    }
}

void FK(gemm_block)(const gemm_args *g) {
    gemm_args rest;
    if (g->mode == GEMM_COPIED && g->m > 0) {
        const int64_t rows = g->m / fk_ceil_div(g->m, MR);
        copying_strip(g, rows);
        rest = *g;
        rest.a.at += rows * g->a.step;
        rest.c.at += rows * g->c.step;
        rest.m -= rows;
        rest.b.at = g->b.copy;
        rest.b.panel = g->k * NR;
        rest.mode = GEMM_NEAR;
        g = &rest;
    }
    if (g->mode <= GEMM_FAR && g->k <= (g->mode == GEMM_NEAR ? THIN : THIN_FAR) && g->n >= NR && g->m > MR && !g->c.rows) {
        FK(gemm_thin)(g);
        return;
    }
    if (is_three(g)) {
        by_three(g);
        return;
    }
    if ((g->mode == GEMM_FAR || g->mode == GEMM_PANELS) && g->m > (gemm_flat(g->a.kmajor, g->n) ? FLAT : MR)) {
        by_panels(g);
        return;
    }
    const int64_t strips = fk_ceil_div(g->m, gemm_flat(g->a.kmajor, g->n) ? FLAT : MR);
    for (int64_t s = 0; s < strips; s++) { /* equal strips: a short last one would run at a fraction of the speed */
        const int64_t lo = g->m * s / strips, hi = g->m * (s + 1) / strips;
        strip(g, g->a.at + lo * (g->a.kmajor ? 1 : g->a.step), lo, hi - lo);
    }
}
