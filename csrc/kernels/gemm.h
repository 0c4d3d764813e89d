/* The core that matmul and the convolutions share: blocks of C from rows of A and packed panels of B.
 *
 * The arithmetic of one element is fixed by k, the ISA and its kc: k is cut into the blocks of gemm_kblock; inside a block one
 * chain of multiply-adds runs from 0 in the order of k, and the blocks are added up in their order. Every way through
 * gemm_block (any number of rows, any width, either storage of A) follows it, so results do not depend on the batch. */
#ifndef FK_GEMM_H
#define FK_GEMM_H
#include "ending.h"

#if VL == 16 || defined(__aarch64__)
#define MR 12  /* rows of a micro-kernel: MR × 2 vectors of accumulators, where there are 32 registers */
#define FEW 4  /* rows for which there are wider ones, that read several panels at a time */
#define FLAT 6 /* rows of strips four vectors wide, which load less for as many multiply-adds */
#else
#define MR 6 /* where there are 16 */
#define FEW 3
#define FLAT 0
#endif
#define NR (2 * VL)     /* columns of a panel */
#define PAD 16          /* between packed rows, so that they do not fall on the same lines of a cache */
#define LINE 16         /* floats of a cache line */
#define GEMM_GRAIN (1 << 19) /* multiply-adds that are worth a chunk: 4 to 20 µs */
/* `enough`, or as many more chunks as keep each at 30 to 60 ms: a run can be stopped between chunks alone */
static inline int64_t gemm_chunks(double work, int64_t enough) {
    const double longest = (double)(VL * (1ll << 27)), most = 1 << 18;
    return fk_max(enough, (int64_t)fmin(most, work / longest));
}

static inline int64_t gemm_lines(int64_t n) { return (n + LINE - 1) & -LINE; }
/* steps of k in a block: the same number in all but the last, and whole lines, or packing slows by a tenth */
static inline int64_t gemm_kblock(int64_t k) {
    return k <= BLOCKS.kc ? k : gemm_lines(fk_ceil_div(k, fk_ceil_div(k, BLOCKS.kc)));
}
/* from one packed row of n floats to the next */
static inline int64_t gemm_stride(int64_t n) { return gemm_lines(n) + PAD; }
static inline int64_t gemm_panels(int64_t n) { return fk_ceil_div(n, NR); }

/* ---- one block of k */
/* What will be read next, to be fetched a line a step: `per` lines from `at` on, `step` floats apart, then `at` moves
 * by `turn`. The kernels advance it. Made by one of the functions below, for a line with each step. No more should be under way
 * than needed: they fill the buffers that loads from L2 wait for too. */
#define GEMM_QUAD 4
typedef struct gemm_fetch gemm_fetch;
struct gemm_fetch {
    const float *at;
    int64_t step, per, turn, lines;
    gemm_fetch *next; /* to take up when no lines are left */
    int64_t done; /* of `per`, where a kernel stopped */
    int rate; /* lines with GEMM_QUAD steps: 1 to GEMM_QUAD, or 0, which is as many, and in gemm_thin all but 1. What is not a
               * panel of B: 0, 1 or 2 */
};
/* that of so many lines while so many steps are done. Twice as fast gained nothing, where a panel of AVX-512 has more lines than 16
 * rows have steps: hardware fetches the rest */
static inline int gemm_rate(int64_t lines, int64_t steps) {
    return (int)fk_min(GEMM_QUAD, fk_ceil_div(lines * GEMM_QUAD, fk_max(1, steps)));
}
/* the same of what is not a panel of B */
static inline int gemm_even_rate(int64_t lines, int64_t steps) {
    const int rate = gemm_rate(lines, steps);
    return rate > 2 ? 0 : rate;
}
/* lines that follow one another */
static inline gemm_fetch fetch_run(const float *at, int64_t lines, gemm_fetch *next) {
    return (gemm_fetch){.at = at, .step = LINE, .per = 16, .turn = 16 * LINE, .lines = lines, .next = next};
}
/* `rows` rows of n floats, `pitch` apart, one after the other */
static inline gemm_fetch fetch_rows(const float *at, int64_t rows, int64_t n, int64_t pitch, gemm_fetch *next) {
    const int64_t per = fk_ceil_div(n, LINE);
    return (gemm_fetch){.at = at, .step = LINE, .per = per, .turn = pitch, .lines = per * rows, .next = next};
}
/* the lines that `rows` rows, `pitch` apart, have of each 16 of k columns: those of a strip of A in the order of its steps */
static inline gemm_fetch fetch_strip(const float *at, int64_t rows, int64_t k, int64_t pitch, gemm_fetch *next) {
    const int64_t lines = rows * fk_ceil_div(k, LINE);
    return (gemm_fetch){.at = at, .step = pitch, .per = rows, .turn = LINE, .lines = lines, .next = next};
}

/* where B is and how it is used */
typedef enum {
    GEMM_NEAR,      /* packed, and in a cache: strip after strip of rows runs against all panels */
    GEMM_PANELS, /* the same where A is too large for L1: all strips run against a panel; no c.rows */
    GEMM_FAR, /* packed, comes from memory: all strips run against a panel while the next is fetched; no c.rows */
    GEMM_AS_STORED, /* as it was stored, in rows, for one strip of rows */
    GEMM_COPIED /* the same, and the first strip leaves it packed at b.copy for the others; n is whole panels */
} gemm_mode;

typedef struct {
    gemm_mode mode;
    int64_t m, n, k;
    int tall; /* GEMM_FAR: no strip is flat */
    struct {
        const float *at; /* row r, step p: at[r * step + p], or at[p * step + r] when kmajor */
        int64_t step;
        int kmajor;
        int ahead; /* comes from memory: fetch a strip while the one before it is used; not kmajor */
    } a;
    struct {
        const float *at; /* panel j, step p: at + j * panel + p * (as stored: step, else NR) */
        int64_t panel, step;
        float *copy; /* GEMM_COPIED: k * NR from panel to panel */
        const float *after; /* GEMM_FAR: the panel that is wanted behind the last one, or NULL */
    } b;
    struct {
        float *at; /* row r: at + r * step, or at + rows[r] unless rows is NULL */
        int64_t step;
        const int64_t *rows;
        int add; /* to what is there, instead of overwriting it */
        const fk_ending *ending; /* NULL, or of the results; no rows then */
        int64_t channel; /* its channel of column 0 */
        int64_t lead; /* gemm_block's own: from a micro-kernel's part of C to that of the next one */
    } c;
    gemm_fetch *fetch; /* what else is to be fetched, or NULL */
} gemm_args;
void FK(gemm_block)(const gemm_args *g);
/* the same, and the same bits, for little k: of a packed B alone, without a.ahead and c.rows */
void FK(gemm_thin)(const gemm_args *g);

/* ---- all blocks of k */
typedef struct gemm_job gemm_job;
struct gemm_job {
    const float *a; /* as in gemm_args, from row 0; NULL: `pack` alone knows the rows */
    int64_t as;
    int kmajor;
    const float *b; /* as gemm_pack leaves it, or, with ldb, as it is stored: row stride ldb, n × k when trans_b */
    int64_t ldb;
    int trans_b;
    float *c;
    int64_t ldc, n, k;
    int tall;       /* as in gemm_args */
    gemm_mode mode; /* GEMM_NEAR or GEMM_FAR, where B is packed; NEAR of a block of k that L2 does not hold becomes FAR */
    /* rows [r, r + m) and steps [p, p + k) to d, `stride` from row to row (from step to step when kmajor); NULL: A is
     * read where it is */
    void (*pack)(gemm_job *, int64_t r, int64_t m, int64_t p, int64_t k, float *d, int64_t stride);
    /* called before the blocks of rows [r, r + m), m ≤ mc, or NULL. May point `rows` at m offsets into c */
    void (*rows_begin)(gemm_job *, int64_t r, int64_t m);
    const int64_t *rows;
    /* sets all of f but next to what packing rows [r, r + m) will read, or NULL */
    void (*upcoming)(gemm_job *, int64_t r, int64_t m, gemm_fetch *f);
    gemm_fetch *beside; /* what else is to be fetched meanwhile, or NULL */
    void *source; /* of the functions */
    float *scratch; /* GEMM_SCRATCH bytes */
    const fk_call *call; /* to run the epilogue on finished rows, or NULL */
    int64_t index; /* of c in the first output of the call */
    const fk_ending *ending; /* NULL, or the same done in registers: then `call` is NULL */
    int64_t channel; /* its channel of column 0 */
};
#define GEMM_SCRATCH (656 << 10)
/* rows [r0, r1) and columns [n0, n1) of C; n0 a multiple of NR */
void FK(gemm_packed)(gemm_job *j, int64_t r0, int64_t r1, int64_t n0, int64_t n1);
/* the same, and the same bits, from a B as it is stored; without rows_begin and upcoming */
void FK(gemm_as_stored)(gemm_job *j, int64_t r0, int64_t r1, int64_t n0, int64_t n1);
/* runs the epilogue on finished results */
void FK(gemm_finish)(const gemm_job *j, int64_t r, int64_t m, int64_t n0, int64_t n1);
/* packs a part of the A in memory: the usual `pack` */
void FK(gemm_pack_rows)(gemm_job *j, int64_t r, int64_t m, int64_t p, int64_t k, float *d, int64_t stride);
/* sets all of f but next to what that will read */
void FK(gemm_fetch_rows)(const gemm_job *j, int64_t r, int64_t m, int64_t p, int64_t k, gemm_fetch *f);
/* where a packed B comes from, for the rows of all chunks: so few use it that most of the time it is memory */
static inline gemm_mode gemm_reach(int64_t m) { return m <= BLOCKS.far_rows ? GEMM_FAR : GEMM_NEAR; }
/* whether strips are flat, for so many columns */
static inline int gemm_flat(int kmajor, int64_t n) { return FLAT && !kmajor && n >= 4 * VL; }
/* Whether they are not in spite of that, for m rows of a chunk and a packed B of k × n: where B comes from L3, each strip reads a
 * panel of it from L2 while the next one arrives there, and fewer strips leave L2 more time. */
#define TALLEST 36
static inline int gemm_tall(gemm_mode reach, int64_t m, int64_t n, int64_t k) {
    return FLAT && reach == GEMM_FAR && m > MR && m <= TALLEST && gemm_panels(n) * NR * k > BLOCKS.near_numbers;
}
/* Whether reading A in place would be slower than packing it: when kmajor, since each of its steps lies on a page of its own;
 * else where rows are a multiple of 2 KB apart, so that a strip's rows compete for the same few lines of the L1 cache, unless
 * the strips are flat, which have fewer rows. */
static inline int gemm_must_pack(int64_t as, int kmajor, int64_t m, int64_t n, int tall) {
    return m > 2 && n > NR && (kmajor ? as > 256 : as % 512 == 0 && (tall || !gemm_flat(kmajor, n)));
}

/* ---- shares of C, by shape alone */
typedef struct {
    int64_t mb, nb; /* C is cut in mb × nb */
} gemm_grid;
gemm_grid FK(gemm_split)(int64_t m, int64_t n, int64_t k);
/* the grid with a few more shares of rows, up to `most`, if 2 or 4 threads then end together */
static inline gemm_grid gemm_in_fours(gemm_grid g, int64_t most) {
    for (int64_t mb = g.mb; g.mb * g.nb > 4 && mb <= most && 2 * mb < 3 * g.mb + 3; mb++)
        if (mb * g.nb % 4 == 0) return (gemm_grid){mb, g.nb};
    return g;
}
/* Up to so many rows, more than a strip, cut a packed B that is FAR in columns first. With more there would be half as many chunks,
 * and two threads of unlike speed take longer (128 × 784 · 784 × 512). */
#define COLUMNS_FIRST 64
static inline int gemm_by_columns(int64_t m, gemm_mode reach) { return reach == GEMM_FAR && m > MR && m <= COLUMNS_FIRST; }
/* The share of chunk t: row shares of the same columns follow one another where these come first, so that B comes from there
 * once, and each thread of a team keeps meeting a part of it that its L2 may hold. */
static inline gemm_grid gemm_share(gemm_grid g, int64_t t, int64_t m, gemm_mode reach) {
    return gemm_by_columns(m, reach) ? (gemm_grid){t % g.mb, t / g.mb} : (gemm_grid){t / g.nb, t % g.nb};
}

/* ---- packing B, `k` × n, stored with row stride ld; trans: stored n × k.
 * A packed B is, for each block of k, for each panel, for each step, NR columns (zeros where n ends): what a block of k
 * needs is in one piece, and its panels never compete for the same lines of a cache, as they would if all of k kept
 * them a power of two apart. */
/* steps [first, first + steps) of the panels [j0, j1); b begins at step `first`; d: the whole packed B */
void FK(gemm_pack)(const float *b, int64_t ld, int trans, int64_t k, int64_t n, int64_t first, int64_t steps, int64_t j0,
                   int64_t j1, float *d);
/* one block of k. d: step 0 of panel 0; bs: from panel to panel */
void FK(gemm_pack_panels)(const float *b, int64_t ld, int trans, int64_t k, int64_t n, int64_t j0, int64_t j1, float *d,
                          int64_t bs);

/* n floats between places that do not overlap. The runs are often too short for memcpy; two vectors at a time also keep
 * the compiler from calling it */
static inline void gemm_copy(float *restrict d, const float *restrict s, int64_t n) {
    typedef float v4 __attribute__((vector_size(16), aligned(4), may_alias));
    typedef float v8 __attribute__((vector_size(32), aligned(4), may_alias));
    if (n >= VL) {
        int64_t i = 0;
        for (; i + 2 * VL <= n; i += 2 * VL) {
            const vf x = v_load(s + i), y = v_load(s + i + VL);
            v_store(d + i, x);
            v_store(d + i + VL, y);
        }
        if (i + VL <= n) v_store(d + i, v_load(s + i));
        v_store(d + n - VL, v_load(s + n - VL));
    } else if (VL > 8 && n >= 8) {
        const v8 x = *(const v8 *)s, y = *(const v8 *)(s + n - 8);
        *(v8 *)d = x;
        *(v8 *)(d + n - 8) = y;
    } else if (VL > 4 && n >= 4) {
        const v4 x = *(const v4 *)s, y = *(const v4 *)(s + n - 4);
        *(v4 *)d = x;
        *(v4 *)(d + n - 4) = y;
    } else {
        if (n > 0) d[0] = s[0];
        if (n > 1) d[1] = s[1];
        if (n > 2) d[2] = s[2];
    }
}
static inline void gemm_zero(float *d, int64_t n) {
    for (int64_t i = 0; i < n; i++) d[i] = 0.0f;
}
#endif
