/* Matrix product and the packing of its right side. */
#include "gemm.h"

int FK(gemm_mr)(void) { return MR; }
int FK(gemm_nr)(void) { return NR; }
fk_blocks FK(blocks);

/* numbers of a B that L2 may not hold beside what else a run reads, and the most rows that do not hide where it comes from */
#define TURNED (1 << 17)
#define TURNED_ROWS 32

#define OUT_STEPS 32 /* steps of k that take as long as what else is done for a result: its place is read and written */

/* one product after another, or as many rows as all items have when they share B and lie in one piece */
typedef struct {
    int64_t items, m, group; /* group: items to a chunk, when each is less work than a chunk should be */
    gemm_grid grid;
} plan;

/* B as stored: every share of rows packs it again, and every share of columns reads A again. Few rows are cut at runs of
 * columns that are worth fetching, others in cells of stored_cell rows and columns, which stay in L2 while all of k is added to
 * them. Smaller ones only where there would be fewer than four. */
static gemm_grid stored_split(int64_t m, int64_t n, int64_t k) {
    const int64_t panels = gemm_panels(n), columns = panels * NR, cell = BLOCKS.stored_cell;
    const int64_t run = m <= FEW ? 16 * VL : m < 64 ? fk_min(128, cell) : cell;
    const int64_t enough = gemm_chunks((double)m * columns * k, 16);
    const int64_t worth = fk_min(enough, fk_max(m, 8) * columns * fk_max(k, OUT_STEPS) / GEMM_GRAIN), least = fk_min(worth, 4);
    gemm_grid g = {1, fk_max(1, fk_min(worth, columns / run))};
    g.mb = fk_max(1, fk_min(worth / g.nb, m / cell));
    g.nb = fk_max(g.nb, fk_min(least / g.mb, fk_min(panels, fk_max(2, columns / 96))));
    g.mb = fk_max(g.mb, fk_min(least / g.nb, m / (4 * MR)));
    return g;
}

/* B packed. Where a block of k of it stays in L2, rows are cut, down to 32: a share then packs its part of A for all
 * columns at once, and epilogues run fastest over whole rows. Few shares where there is little to do, but not so few that one
 * thread waits long for the other's last. */
static gemm_grid packed_split(int64_t m, int64_t n, int64_t k) {
    const int64_t columns = gemm_panels(n) * NR, worth = m * columns * fk_max(k, 4) / GEMM_GRAIN;
    if (columns > BLOCKS.near_columns || m < 64 || worth < 2) return FK(gemm_split)(m, n, k);
    const int64_t enough = fk_max(4, fk_min(16, worth / 8));
    const int64_t most = gemm_chunks((double)m * columns * k, 64);
    gemm_grid g = {fk_min(fk_min(most, worth), fk_max(fk_ceil_div(m, BLOCKS.mc), fk_min(enough, m / 32))), 1};
    g = gemm_in_fours(g, m / 32);
    if (g.mb < enough) g.nb = fk_max(1, fk_min(worth, enough) / g.mb);
    g.nb = fk_min(g.nb, fk_ceil_div(columns, 128));
    return g;
}

static plan plan_of(const fk_attr_matmul *a) {
    plan p = {a->batch, a->m, 1, {1, 1}};
    if (a->batch > 1 && !a->b_batch && !a->trans_a && a->a_batch == a->m * a->lda) {
        p.m *= a->batch;
        p.items = 1;
    }
    p.grid = (a->ldb ? stored_split : packed_split)(p.m, a->n, a->k);
    if (p.items > 1 && p.grid.mb * p.grid.nb == 1) {
        const int64_t work = fk_max(p.m, 4) * fk_max(gemm_panels(a->n), 1) * NR * fk_max(a->k, 4);
        p.group = fk_max(fk_ceil_div(p.items, gemm_chunks((double)p.items * work, 64)),
                         fk_max(1, fk_min(p.items, GEMM_GRAIN / work)));
    }
    return p;
}

/* Whether chunks may come in the order of fk_turned: a chunk then makes other rows than those of its number. */
static int may_turn(const plan *p, const fk_attr_matmul *a) { return p->m <= TURNED_ROWS && a->n * a->k >= TURNED; }

FK_CHUNKS(matmul) {
    const plan p = plan_of(a);
    return fk_max(1, fk_ceil_div(p.items, p.group) * p.grid.mb * p.grid.nb);
}
FK_ONE_PART(matmul)
FK_ROWS(matmul) {
    const plan p = plan_of(a);
    int64_t lo, hi;
    fk_range(p.m, 1, chunk, p.grid.mb, &lo, &hi);
    return p.items > 1 || p.grid.nb > 1 || may_turn(&p, a) ? -1 : lo;
}

FK_KERNEL(matmul) {
    const plan p = plan_of(a);
    const int64_t cells = p.grid.mb * p.grid.nb;
    const gemm_mode reach = a->ldb ? GEMM_NEAR : gemm_reach(p.m); /* where B is packed */
    const int64_t item = a->ldb ? a->ldb * (a->trans_b ? a->n : a->k) : gemm_panels(a->n) * NR * a->k;
    gemm_job j = {.as = a->lda,
                  .kmajor = (int)a->trans_a,
                  .ldb = a->ldb,
                  .trans_b = (int)a->trans_b,
                  .ldc = a->n,
                  .n = a->n,
                  .k = a->k,
                  .mode = reach,
                  .scratch = (float *)call->scratch};
    const int turns = may_turn(&p, a);
    fk_ending e;
    j.ending = fk_ending_of(call, call->ptr[2], a->n, &e);
    j.call = j.ending ? NULL : call;
    for (int64_t t = ith; t < fk_ceil_div(p.items, p.group) * cells; t += nth) {
        const int64_t at = turns ? fk_turned(call, t, nth) : t;
        const int64_t cell = at % cells, i0 = at / cells * p.group;
        int64_t r0, r1, n0, n1;
        const gemm_grid share = gemm_share(p.grid, cell, p.m, reach);
        fk_range(p.m, 1, share.mb, p.grid.mb, &r0, &r1); /* evenly: gemm_block cuts strips to suit */
        fk_range(a->n, NR, share.nb, p.grid.nb, &n0, &n1);
        j.tall = gemm_tall(reach, r1 - r0, a->n, a->k);
        j.pack = gemm_must_pack(a->lda, j.kmajor, r1 - r0, n1 - n0, j.tall) ? FK(gemm_pack_rows) : NULL;
        for (int64_t i = i0; i < fk_min(p.items, i0 + p.group); i++) {
            j.a = (const float *)call->ptr[0] + i * a->a_batch;
            j.b = (const float *)call->ptr[1] + (a->b_batch ? i * item : 0);
            j.index = i * p.m * a->n;
            j.c = (float *)call->ptr[2] + j.index;
            (a->ldb ? FK(gemm_as_stored) : FK(gemm_packed))(&j, r0, r1, n0, n1);
        }
    }
}

FK_PARTS(pack_b) { return gemm_panels(a->n) * NR * a->k; }
FK_CHUNKS(pack_b) { return fk_min(a->batch * gemm_panels(a->n), fk_split(a->batch * pack_b_parts(a), 1 << 16)); }

FK_KERNEL(pack_b) {
    const int64_t panels = gemm_panels(a->n), item = pack_b_parts(a);
    int64_t lo, hi;
    fk_range(a->batch * panels, 1, ith, nth, &lo, &hi);
    while (lo < hi) {
        const int64_t i = lo / panels, j0 = lo % panels, j1 = fk_min(panels, j0 + hi - lo);
        FK(gemm_pack)((const float *)call->ptr[0] + i * a->src_batch, a->ld, (int)a->trans, a->k, a->n, 0, a->k, j0, j1,
                      (float *)call->ptr[1] + i * item);
        lo += j1 - j0;
    }
}
