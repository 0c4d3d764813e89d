/* The loops around gemm_tile: blocks of rows and of k, packing, and the division of C into chunks. */
#include "gemm_tile.h"
#include "transpose.h"

_Static_assert((ROWS + PAD) * (KC + PAD) * 4 <= GEMM_SCRATCH && GEMM_SCRATCH <= FK_KERNEL_SCRATCH, "a block of A fits");

void FK(gemm_pack_rows)(gemm_job *j, int64_t r, int64_t m, int64_t p, int64_t k, float *d, int64_t stride) {
    if (j->kmajor)
        for (int64_t i = 0; i < k; i++) gemm_copy(d + i * stride, j->a + (p + i) * j->as + r, m);
    else
        for (int64_t i = 0; i < m; i++) gemm_copy(d + i * stride, j->a + (r + i) * j->as + p, k);
}

void FK(gemm_fetch_rows)(const gemm_job *j, int64_t r, int64_t m, int64_t p, int64_t k, gemm_fetch *f) {
    const int64_t per = fk_ceil_div(j->kmajor ? m : k, 16);
    const float *at = j->a + (j->kmajor ? p * j->as + r : r * j->as + p);
    *f = (gemm_fetch){at, 16, per, j->as, per * (j->kmajor ? k : m), f->next, 0};
}

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
    gemm_args g = {.kmajor = j->kmajor,
                   .c = j->c + n0,
                   .ldc = j->ldc,
                   .rows = j->rows,
                   .channel = j->channel + n0,
                   .m = m,
                   .n = n1 - n0,
                   .fetch = fetch};
    const float *a = j->a ? j->a + r * (j->kmajor ? 1 : j->as) : NULL;
    int pack = j->pack != NULL && j->k > 0;
    gemm_fetch more = {.next = fetch};
    g.as = j->as;
    if (!j->rows) g.c += r * j->ldc;
    if (pack && m <= MR && !j->kmajor && m * (gemm_stride(j->k) + PAD) * 4 <= GEMM_SCRATCH) {
        g.as = gemm_stride(j->k) % 512 ? gemm_stride(j->k) : gemm_stride(j->k) + PAD;
        j->pack(j, r, m, 0, j->k, j->scratch, g.as);
        a = j->scratch;
        pack = 0;
    }
    int64_t p = 0;
    do { /* once at least: an empty sum is 0 */
        g.k = fk_min(kb, j->k - p);
        g.bs = g.k * NR;
        g.b = panel_at(j, p, n0);
        if (pack) {
            g.a = j->scratch;
            g.as = gemm_stride(j->kmajor ? m : g.k);
            j->pack(j, r, m, p, g.k, j->scratch, g.as);
            if (j->pack == FK(gemm_pack_rows) && p + kb < j->k)
                FK(gemm_fetch_rows)(j, r, m, p + kb, fk_min(kb, j->k - p - kb), &more);
            g.fetch = &more;
        } else if (g.k > 0) {
            g.a = a + p * (j->kmajor ? g.as : 1);
        }
        g.add = p > 0;
        g.ahead = !pack;
        g.once = j->once;
        g.after = p + kb < j->k ? panel_at(j, p + kb, n0) : n1 < j->n ? panel_at(j, 0, n1) : NULL;
        g.ending = p + kb >= j->k ? j->ending : NULL;
        FK(gemm_tile)(&g);
    } while ((p += kb) < j->k);
}

void FK(gemm_run)(gemm_job *j, int64_t r0, int64_t r1, int64_t n0, int64_t n1) {
    if (r1 <= r0 || n1 <= n0) return;
    const int64_t blocks = fk_ceil_div(r1 - r0, ROWS);
    for (int64_t t = 0; t < blocks; t++) {
        const int64_t r = r0 + (r1 - r0) * t / blocks, m = r0 + (r1 - r0) * (t + 1) / blocks - r;
        j->rows = NULL;
        if (j->rows_begin) j->rows_begin(j, r, m);
        gemm_fetch next = {0};
        if (j->upcoming && t + 1 < blocks) j->upcoming(j, r + m, m, &next);
        run_rows(j, r, m, n0, n1, next.lines > 0 ? &next : NULL);
        FK(gemm_finish)(j, r, m, n0, n1);
    }
}

/* Blocks of ROWS rows, and all columns, pack least. Narrower, then lower chunks only where these would be few, down to
 * what keeps packing cheap; a small m reads B once and can be cut at any panel, but FEW rows need several at a time. */
gemm_grid FK(gemm_split)(int64_t m, int64_t n, int64_t k) {
    enum { ENOUGH = 16, WIDEST = 1024, NARROWEST = 128 };
    const int64_t columns = gemm_panels(n) * NR, most = gemm_chunks((double)m * columns * k, 64);
    const int64_t worth = fk_max(m, 8) * columns * fk_max(k, 4) / GRAIN;
    if (worth < 2) return (gemm_grid){1, 1};
    gemm_grid g = {fk_max(1, fk_min(fk_min(worth, most), fk_ceil_div(m, ROWS))), fk_ceil_div(columns, WIDEST)};
    if (g.mb * g.nb < ENOUGH) {
        const int64_t finest = m <= FEW ? fk_max(fk_min(2, columns / NR), fk_ceil_div(columns, 4 * NR))
                                        : fk_ceil_div(columns, m < MR ? NR : NARROWEST);
        g.nb = fk_max(g.nb, fk_min(fk_min(worth / g.mb, fk_ceil_div(ENOUGH, g.mb)), finest));
        g.mb = fk_max(g.mb, fk_min(fk_min(worth, ENOUGH) / g.nb, m / (2 * MR)));
    }
    return g;
}

/* ---- panels of B */
static void pack_transposed(const float *b, int64_t ld, int64_t k, int64_t n, int64_t j, float *d) {
    for (int64_t half = 0; half < 2; half++) {
        const int64_t c0 = j * NR + half * VL, rows = fk_max(0, fk_min(VL, n - c0));
        const float *s = b + c0 * ld;
        float *e = d + half * VL;
        int64_t p = 0;
        for (; rows && p + VL <= k; p += VL) {
            vf t[VL];
            for (int i = 0; i < VL; i++) t[i] = i < rows ? v_load(s + i * ld + p) : (vf){0};
            transpose_rows(t);
            for (int i = 0; i < VL; i++) v_store(e + (p + i) * NR, t[i]);
        }
        for (; p < k; p++)
            for (int64_t i = 0; i < VL; i++) e[p * NR + i] = i < rows ? s[i * ld + p] : 0.0f;
    }
}

void FK(gemm_pack)(const float *b, int64_t ld, int trans, int64_t k, int64_t n, int64_t first, int64_t steps,
                   int64_t j0, int64_t j1, float *d) {
    const int64_t kb = gemm_kblock(k), columns = gemm_panels(n) * NR;
    for (int64_t p = first; p < first + steps;) {
        const int64_t start = p / kb * kb, size = fk_min(kb, k - start), take = fk_min(start + size, first + steps) - p;
        FK(gemm_pack_panels)(b + (p - first) * (trans ? 1 : ld), ld, trans, take, n, j0, j1,
                             d + start * columns + (p - start) * NR, size * NR);
        p += take;
    }
}

void FK(gemm_pack_panels)(const float *b, int64_t ld, int trans, int64_t k, int64_t n, int64_t j0, int64_t j1, float *d,
                          int64_t bs) {
    if (trans) {
        for (int64_t j = j0; j < j1; j++) pack_transposed(b, ld, k, n, j, d + j * bs);
        return;
    }
    const int64_t whole = fk_min(j1, n / NR);
    for (int64_t p0 = 0; p0 < k; p0 += 16) { /* a few steps at a time, to read rows in long runs */
        const int64_t p1 = fk_min(k, p0 + 16);
        for (int64_t j = j0; j < whole; j++)
            for (int64_t p = p0; p < p1; p++) {
                const float *s = b + p * ld + j * NR;
                float *e = d + j * bs + p * NR;
                const vf x = v_load(s), y = v_load(s + VL);
                v_store(e, x);
                v_store(e + VL, y);
            }
        for (int64_t p = p0; p < p1 && whole < j1; p++) {
            float *e = d + whole * bs + p * NR;
            gemm_copy(e, b + p * ld + whole * NR, n - whole * NR);
            gemm_zero(e + n - whole * NR, NR - (n - whole * NR));
        }
    }
}
