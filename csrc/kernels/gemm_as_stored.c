/* Products with a B that is used once and lies as it was stored. Few rows read it in long runs, straight into the
 * multiply-adds; for more, blocks of it are packed into scratch, and all rows multiplied with them. */
#include "gemm.h"

_Static_assert(GEMM_SCRATCH + FK_MOST_stored_columns * FK_MOST_kc * 4 <= FK_KERNEL_SCRATCH && 32 % NR == 0,
               "a block of B fits, in whole panels");
_Static_assert((FK_LEAST_mc + 1) / 2 > MR,
               "where blocks of rows follow the first, it has a second strip, for which B is copied");

/* bytes of a B that comes from memory, whatever the caches: blocks of it are fetched before they are packed */
#define STORED_FAR (8 << 20)

/* B at step p and column n */
static const float *at(const gemm_job *j, int64_t p, int64_t n) {
    return j->b + (j->trans_b ? n * j->ldb + p : p * j->ldb + n);
}

/* all rows [r0, r1), at most FEW of them, stored in rows */
static void few(gemm_job *j, int64_t r0, int64_t r1, int64_t n0, int64_t n1) {
    const int64_t kb = gemm_kblock(j->k), whole = (n1 - n0) / NR * NR;
    int64_t p = 0;
    do {
        gemm_args g = {.mode = GEMM_AS_STORED,
                       .a.at = j->a + r0 * j->as + p,
                       .a.step = j->as,
                       .c.add = p > 0,
                       .b.at = at(j, p, n0),
                       .b.panel = NR,
                       .b.step = j->ldb,
                       .c.at = j->c + r0 * j->ldc + n0,
                       .c.step = j->ldc,
                       .c.ending = p + kb >= j->k ? j->ending : NULL,
                       .c.channel = j->channel + n0,
                       .m = r1 - r0,
                       .n = whole,
                       .k = fk_min(kb, j->k - p)};
        FK(gemm_block)(&g);
        if (whole < n1 - n0) { /* columns that do not fill a panel */
            FK(gemm_pack_panels)(at(j, p, n0 + whole), j->ldb, 0, g.k, n1 - n0 - whole, 0, 1, (float *)j->scratch, 0);
            g.mode = GEMM_NEAR;
            g.b.at = (float *)j->scratch;
            g.c.at += whole;
            g.c.channel += whole;
            g.n = n1 - n0 - whole;
            FK(gemm_block)(&g);
        }
    } while ((p += kb) < j->k);
    FK(gemm_finish)(j, r0, r1 - r0, n0, n1);
}

/* 1 where a block of k has steps enough to fetch half of the next one at that rate, m rows of A and n columns of B; else 0 */
static int rate_of(int64_t m, int64_t n) {
    return fk_ceil_div(m, MR) * gemm_panels(n) >= GEMM_QUAD / 2 * (fk_ceil_div(m, LINE) + fk_ceil_div(n, LINE));
}

/* the columns [n0, n1), at most stored_columns of them */
static void group(gemm_job *j, int64_t r0, int64_t r1, int64_t n0, int64_t n1) {
    const int64_t kb = gemm_kblock(j->k), blocks = fk_ceil_div(r1 - r0, BLOCKS.mc);
    float *packed = j->scratch + GEMM_SCRATCH / 4;
    int64_t p = 0;
    do {
        const int64_t k = fk_min(kb, j->k - p);
        /* the first strip of rows copies whole panels, where they do not come from memory: it would wait for each row of them */
        const int64_t whole = j->trans_b || j->kmajor || (r1 - r0 > MR && j->k * j->ldb * 4 > STORED_FAR) ? 0 : (n1 - n0) / NR;
        FK(gemm_pack_panels)(at(j, p, n0), j->ldb, j->trans_b, k, n1 - n0, whole, gemm_panels(n1 - n0), packed, k * NR);
        const int64_t behind = fk_min(kb, j->k - p - kb); /* steps of the next block */
        gemm_fetch more_b = {0}, more = {.next = &more_b};
        if (behind > 0 && whole == 0) /* its rows lie far apart: packing would wait for them */
            more_b = j->trans_b ? fetch_rows(at(j, p + kb, n0), n1 - n0, behind, j->ldb, NULL)
                                : fetch_rows(at(j, p + kb, n0), behind, n1 - n0, j->ldb, NULL);
        if (behind > 0 && j->kmajor && !j->pack) FK(gemm_fetch_rows)(j, r0, r1 - r0, p + kb, behind, &more);
        more.rate = more_b.rate = rate_of(r1 - r0, n1 - n0);
        for (int64_t t = 0; t < blocks; t++) {
            const int64_t r = r0 + (r1 - r0) * t / blocks, m = r0 + (r1 - r0) * (t + 1) / blocks - r;
            gemm_args g = {.a.at = j->a + (j->kmajor ? p * j->as + r : r * j->as + p),
                           .a.step = j->as,
                           .a.kmajor = j->kmajor,
                           .c.add = p > 0,
                           .a.ahead = j->pack == NULL,
                           .b.panel = k * NR,
                           .c.at = j->c + r * j->ldc + n0,
                           .c.step = j->ldc,
                           .c.ending = p + kb >= j->k ? j->ending : NULL,
                           .c.channel = j->channel + n0,
                           .fetch = &more,
                           .m = m,
                           .k = k};
            if (j->pack && k > 0) {
                g.a.at = j->scratch;
                g.a.step = gemm_stride(j->kmajor ? m : k);
                j->pack(j, r, m, p, k, j->scratch, g.a.step);
                const int64_t next = t + 1 < blocks ? r + m : r0, after = t + 1 < blocks ? p : p + kb;
                if (after < j->k) FK(gemm_fetch_rows)(j, next, fk_min(m, r1 - next), after, fk_min(kb, j->k - after), &more);
            }
            int64_t n = 0;
            if (whole && t == 0) {
                g.mode = GEMM_COPIED;
                g.b.at = at(j, p, n0);
                g.b.step = j->ldb;
                g.b.copy = packed;
                g.n = n = whole * NR;
                FK(gemm_block)(&g);
                g.mode = GEMM_NEAR;
            }
            g.b.at = packed + n * k;
            g.c.at += n;
            g.c.channel += n;
            g.n = n1 - n0 - n;
            FK(gemm_block)(&g);
            if (p + kb >= j->k) FK(gemm_finish)(j, r, m, n0, n1);
        }
    } while ((p += kb) < j->k);
}

void FK(gemm_as_stored)(gemm_job *j, int64_t r0, int64_t r1, int64_t n0, int64_t n1) {
    if (r1 <= r0 || n1 <= n0) return;
    if (r1 - r0 <= FEW && !j->trans_b && !j->kmajor) {
        few(j, r0, r1, n0, n1);
        return;
    }
    const int64_t groups = fk_ceil_div(n1 - n0, BLOCKS.stored_columns), panels = gemm_panels(n1 - n0);
    for (int64_t q = 0; q < groups; q++) /* equal groups */
        group(j, r0, r1, n0 + panels * q / groups * NR, fk_min(n1, n0 + panels * (q + 1) / groups * NR));
}
