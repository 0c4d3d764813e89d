/* Convolution as an implicit GEMM: rows are output pixels, k runs over the window, columns are output channels. */
#include "im2col.h"

static void begin(gemm_job *j, int64_t r, int64_t m) { FK(im2col_begin)(j->source, r, m); }
static void pack(gemm_job *j, int64_t r, int64_t m, int64_t p, int64_t k, float *d, int64_t stride) {
    (void)r;
    (void)m;
    FK(im2col)(j->source, p, k, d, stride);
}
static void upcoming(gemm_job *j, int64_t r, int64_t m, gemm_fetch *f) { FK(im2col_upcoming)(j->source, r, m, f); }

/* rows of a strip: shares are cut between strips */
static int64_t strip(int64_t n) { return gemm_flat(0, n) ? FLAT : MR; }

FK_CHUNKS(conv) {
    const int64_t k = a->kd * a->kh * a->kw * a->c / a->groups;
    const gemm_grid g = FK(gemm_split)(a->n * a->od * a->oh * a->ow, a->oc / a->groups, k);
    return a->groups * g.mb * g.nb;
}
FK_ONE_PART(conv)
FK_ROWS(conv) {
    const int64_t m = a->n * a->od * a->oh * a->ow;
    const gemm_grid g = FK(gemm_split)(m, a->oc / a->groups, a->kd * a->kh * a->kw * a->c / a->groups);
    int64_t lo, hi;
    fk_range(m, strip(a->oc / a->groups), chunk, g.mb, &lo, &hi);
    return a->groups * g.nb > 1 ? -1 : lo;
}

FK_KERNEL(conv) {
    const int64_t m = a->n * a->od * a->oh * a->ow, run = a->c / a->groups, n = a->oc / a->groups;
    const int64_t k = a->kd * a->kh * a->kw * run;
    const gemm_grid grid = FK(gemm_split)(m, n, k);
    const int64_t cells = grid.mb * grid.nb;
    const int pixelwise = PIXELWISE(a);
    stretch list[FK_MOST_mc];
    windows v = WINDOWS(a, list);
    fk_ending e;
    gemm_job j = {.as = a->c, .ldc = a->oc, .n = n, .k = k, .mode = gemm_reach(m), .scratch = (float *)call->scratch};
    j.ending = fk_ending_of(call, call->ptr[2], a->oc, &e);
    j.call = j.ending ? NULL : call;
    if (!pixelwise) {
        j.source = &v;
        j.rows_begin = begin;
        j.pack = pack;
        j.upcoming = upcoming;
    }
    for (int64_t t = ith; t < a->groups * cells; t += nth) {
        const int64_t g = t / cells, cell = t % cells;
        int64_t r0, r1, n0, n1;
        const gemm_grid share = gemm_share(grid, cell, m, j.mode);
        fk_range(m, strip(n), share.mb, grid.mb, &r0, &r1);
        fk_range(n, NR, share.nb, grid.nb, &n0, &n1);
        v.x = j.a = (const float *)call->ptr[0] + g * run;
        j.tall = gemm_tall(j.mode, r1 - r0, n, k);
        if (pixelwise) j.pack = gemm_must_pack(a->c, 0, r1 - r0, n1 - n0, j.tall) ? FK(gemm_pack_rows) : NULL;
        j.b = (const float *)call->ptr[1] + g * gemm_panels(n) * NR * k;
        j.index = j.channel = g * n;
        j.c = (float *)call->ptr[2] + j.index;
        FK(gemm_packed)(&j, r0, r1, n0, n1);
    }
}
