/* The loops around gemm_block: blocks of rows and of k, and the division of C into chunks. */
#include "gemm.h"

_Static_assert((FK_MOST_mc + PAD) * (FK_MOST_kc + PAD) * 4 <= GEMM_SCRATCH && GEMM_SCRATCH <= FK_KERNEL_SCRATCH,
               "a block of A fits");
#define AT_ONCE (400 << 10) /* bytes of A, all steps of few rows, that are packed at once */
_Static_assert(AT_ONCE <= GEMM_SCRATCH, "they fit");

void FK(gemm_finish)(const gemm_job *j, int64_t r, int64_t m, int64_t n0, int64_t n1) {
    if (j->call) fk_epilogue_rows(j->call, j->index + r * j->ldc + n0, m, j->ldc, n1 - n0);
}

/* the panel of column n in the block of k that begins at step p */
static const float *panel_at(const gemm_job *j, int64_t p, int64_t n) {
    return j->b + p * gemm_panels(j->n) * NR + n * fk_min(gemm_kblock(j->k), j->k - p);
}

/* One block of rows. When they fit one micro-kernel, A is packed at once: it would be a small part of each block of k,
 * and B, which is then read once, from memory, sets the pace. */
static void run_rows(gemm_job *j, int64_t r, int64_t m, int64_t n0, int64_t n1, gemm_fetch *fetch) {
    const int64_t kb = gemm_kblock(j->k);
    gemm_args g = {.a.kmajor = j->kmajor,
                   .c.at = j->c + n0,
                   .c.step = j->ldc,
                   .c.rows = j->rows,
                   .c.channel = j->channel + n0,
                   .m = m,
                   .tall = j->tall,
                   .n = n1 - n0,
                   .fetch = fetch};
    const float *a = j->a ? j->a + r * (j->kmajor ? 1 : j->as) : NULL;
    int pack = j->pack != NULL && j->k > 0;
    gemm_fetch more = {.next = fetch};
    g.a.step = j->as;
    if (!j->rows) g.c.at += r * j->ldc;
    if (pack && m <= MR && !j->kmajor && m * (gemm_stride(j->k) + PAD) * 4 <= AT_ONCE) {
        g.a.step = gemm_stride(j->k) % 512 ? gemm_stride(j->k) : gemm_stride(j->k) + PAD;
        j->pack(j, r, m, 0, j->k, j->scratch, g.a.step);
        a = j->scratch;
        pack = 0;
    }
    int64_t p = 0;
    do { /* once at least: an empty sum is 0 */
        g.k = fk_min(kb, j->k - p);
        g.b.panel = g.k * NR;
        g.b.at = panel_at(j, p, n0);
        if (pack) {
            g.a.at = j->scratch;
            g.a.step = gemm_stride(j->kmajor ? m : g.k);
            j->pack(j, r, m, p, g.k, j->scratch, g.a.step);
            if (j->pack == FK(gemm_pack_rows) && p + kb < j->k)
                FK(gemm_fetch_rows)(j, r, m, p + kb, fk_min(kb, j->k - p - kb), &more);
            g.fetch = &more;
        } else if (g.k > 0) {
            g.a.at = a + p * (j->kmajor ? g.a.step : 1);
        }
        g.c.add = p > 0;
        g.a.ahead = !pack;
        /* strips against all panels read this block of B once each: from L2, or not so */
        g.mode = !j->rows && g.k * gemm_panels(g.n) * NR > BLOCKS.near_numbers ? GEMM_FAR : j->mode;
        g.b.after = p + kb < j->k ? panel_at(j, p + kb, n0) : n1 < j->n ? panel_at(j, 0, n1) : NULL;
        g.c.ending = p + kb >= j->k ? j->ending : NULL;
        FK(gemm_block)(&g);
    } while ((p += kb) < j->k);
}

void FK(gemm_packed)(gemm_job *j, int64_t r0, int64_t r1, int64_t n0, int64_t n1) {
    if (r1 <= r0 || n1 <= n0) return;
    const int64_t blocks = fk_ceil_div(r1 - r0, BLOCKS.mc);
    for (int64_t t = 0; t < blocks; t++) {
        const int64_t r = r0 + (r1 - r0) * t / blocks, m = r0 + (r1 - r0) * (t + 1) / blocks - r;
        j->rows = NULL;
        if (j->rows_begin) j->rows_begin(j, r, m);
        gemm_fetch next = {.next = j->beside};
        if (j->upcoming && t + 1 < blocks) j->upcoming(j, r + m, m, &next);
        run_rows(j, r, m, n0, n1, next.lines > 0 ? &next : j->beside);
        FK(gemm_finish)(j, r, m, n0, n1);
    }
}

/* Blocks of mc rows, and all columns, pack least. Narrower, then lower chunks only where these would be few, down to
 * what keeps packing cheap; a small m reads B once and can be cut at any panel, but FEW rows need several at a time: where
 * there are a few shares less that are of fours of panels, these, since a panel by itself takes as long as four. */
gemm_grid FK(gemm_split)(int64_t m, int64_t n, int64_t k) {
    enum { ENOUGH = 16, NARROWEST = 128 };
    const int64_t columns = gemm_panels(n) * NR, most = gemm_chunks((double)m * columns * k, 64);
    const int64_t worth = fk_max(m, 8) * columns * fk_max(k, 4) / GEMM_GRAIN;
    if (worth < 2) return (gemm_grid){1, 1};
    if (gemm_by_columns(m, gemm_reach(m))) { /* each share of rows reads all of B again, from L2 at best */
        const int64_t enough = fk_min(worth, ENOUGH);
        gemm_grid far = {1, fk_max(fk_min(enough, fk_ceil_div(columns, NARROWEST)), fk_ceil_div(columns, BLOCKS.nc))};
        far.mb = fk_max(1, fk_max(fk_min(enough / far.nb, m / 48), fk_min(enough / 2 / far.nb, m / 24)));
        return far;
    }
    gemm_grid g = {fk_max(1, fk_min(fk_min(worth, most), fk_ceil_div(m, BLOCKS.mc))), fk_ceil_div(columns, BLOCKS.nc)};
    if (g.mb * g.nb < ENOUGH) {
        const int64_t finest = m <= FEW ? fk_max(fk_min(2, columns / NR), fk_ceil_div(columns, 4 * NR))
                                        : fk_ceil_div(columns, m < MR ? NR : NARROWEST);
        g.nb = fk_max(g.nb, fk_min(fk_min(worth / g.mb, fk_ceil_div(ENOUGH, g.mb)), finest));
        g.mb = fk_max(g.mb, fk_min(fk_min(worth, ENOUGH) / g.nb, m / (2 * MR)));
        const int64_t fours = columns / (4 * NR);
        for (int64_t fewer = g.nb; m <= FEW && columns % (4 * NR) == 0 && 2 * fewer > g.nb; fewer--)
            if (fours % fewer == 0) {
                g.nb = fewer;
                break;
            }
    }
    return gemm_in_fours(g, m / (2 * MR));
}
