/* The gradients of conv. */
#include "im2col.h"

/* ---- with respect to x.
 * Along one axis, pixel q of x gets dy[i] · w[t] for all i · s + t · d = q + pad, so which taps t it meets depends on
 * (q + pad) mod s. The pixels of one such class are a stride-1 convolution of dy with the taps of theirs, taken
 * backwards so that dy is read forwards; nothing is multiplied by the zeros between strides. */
typedef struct {
    int64_t first, step, taps; /* of w: first, first - step, … ; taps may be 0 */
} class;

static int64_t gcd(int64_t a, int64_t b) {
    while (b) {
        const int64_t t = a % b;
        a = b;
        b = t;
    }
    return a;
}

static class class_of(int64_t rest, int64_t k, int64_t s, int64_t d) {
    class c = {0, s / gcd(s, d), 0};
    for (int64_t t = k - 1; t >= 0; t--)
        if (t * d % s == rest && !c.taps++) c.first = t;
    return c;
}

/* For every class of slices, of rows, of columns, every group: a packed B of k = taps · oc / groups, n = c / groups */
FK_PARTS(pack_dx) { return a->groups * a->kd * a->kh * a->kw * (a->oc / a->groups) * gemm_panels(a->c / a->groups) * NR; }
FK_CHUNKS(pack_dx) { return fk_min(a->kd * a->kh * a->kw, fk_split(pack_dx_parts(a), 1 << 16)); }

FK_KERNEL(pack_dx) {
    const int64_t n = a->c / a->groups, depth = a->oc / a->groups, panels = gemm_panels(n);
    const float *src = call->ptr[0];
    float *dst = call->ptr[1];
    int64_t count = 0; /* taps so far; chunks share them out */
    for (int64_t c = 0; c < a->sd * a->sh * a->sw; c++) {
        const class cz = class_of(c / a->sw / a->sh, a->kd, a->sd, a->dd);
        const class cy = class_of(c / a->sw % a->sh, a->kh, a->sh, a->dh), cx = class_of(c % a->sw, a->kw, a->sw, a->dw);
        const int64_t taps = cz.taps * cy.taps * cx.taps, k = taps * depth;
        for (int64_t t = 0; t < taps; t++) {
            if (count++ % nth != ith) continue;
            const int64_t kz = cz.first - t / cx.taps / cy.taps * cz.step;
            const int64_t ky = cy.first - t / cx.taps % cy.taps * cy.step, kx = cx.first - t % cx.taps * cx.step;
            for (int64_t g = 0; g < a->groups; g++)
                FK(gemm_pack)(src + ((kz * a->kh + ky) * a->kw + kx) * n * a->oc + g * depth, a->oc, 1, k, n, t * depth, depth,
                              0, panels, dst + g * panels * k * NR);
        }
        dst += a->groups * panels * k * NR;
    }
}

/* the pixels of one class */
typedef struct {
    windows v;                    /* of dy; od, oh, ow: pixels of the class in an image */
    int64_t z, y, x, sd, sh, sw;  /* the first of them and the distance to the next, in x */
    int64_t d, h, w, c;           /* of x */
    stretch list[FK_MOST_mc];
    int64_t place[FK_MOST_mc];
} phase;

static void phase_begin(gemm_job *j, int64_t r, int64_t m) {
    phase *f = j->source;
    FK(im2col_begin)(&f->v, r, m);
    if (f->sd * f->sh * f->sw == 1) return; /* one phase is all pixels, in their order */
    int64_t col = r % f->v.ow, row = r / f->v.ow % f->v.oh, slice = r / f->v.ow / f->v.oh, image = slice / f->v.od;
    slice -= image * f->v.od;
    for (int64_t q = 0; q < m; q++) {
        const int64_t line = (image * f->d + slice * f->sd + f->z) * f->h + row * f->sh + f->y;
        f->place[q] = (line * f->w + col * f->sw + f->x) * f->c;
        if (++col < f->v.ow) continue;
        col = 0;
        if (++row < f->v.oh) continue;
        row = 0;
        if (++slice == f->v.od) slice = 0, image++;
    }
    j->rows = f->place;
}
static void phase_pack(gemm_job *j, int64_t r, int64_t m, int64_t p, int64_t k, float *d, int64_t stride) {
    (void)r;
    (void)m;
    FK(im2col)(&((phase *)j->source)->v, p, k, d, stride);
}
static void phase_upcoming(gemm_job *j, int64_t r, int64_t m, gemm_fetch *f) {
    FK(im2col_upcoming)(&((phase *)j->source)->v, r, m, f);
}

/* whether windows are single pixels, of which the first is the image's */
static int one_tap(const fk_conv *a) { return a->kd * a->kh * a->kw == 1 && !a->pf && !a->pt && !a->pl; }
/* whether pixels between strides get nothing, and those that do are the first of every stride */
static int lone_tap(const fk_conv *a) { return one_tap(a) && a->sd * a->sh * a->sw > 1; }

/* chunks are whole rows of the image, so that what is finished is in one piece, and shares of the channels */
static gemm_grid dx_grid(const fk_conv *a) {
    const int64_t depth = a->oc / a->groups, n = a->c / a->groups;
    /* each chunk reads what it needs of w: those of a lone tap are as large as its product asks for */
    gemm_grid g = lone_tap(a)
                      ? FK(gemm_split)(a->n * a->od * a->oh * a->ow, n, depth)
                      : FK(gemm_split)(a->n * a->d * a->h * a->w, n, a->kd * a->kh * a->kw * depth / (a->sd * a->sh * a->sw));
    g.mb = fk_max(1, fk_min(g.mb, a->n * a->d * fk_ceil_div(a->h, a->sh)));
    return g;
}
FK_CHUNKS(conv_dx) {
    const gemm_grid g = dx_grid(&a->conv);
    return g.mb * g.nb;
}
FK_ONE_PART(conv_dx)

/* places of the class, the first at `first` and s from one to the next, `each` in n, before place q of many times n */
static int64_t before(int64_t q, int64_t n, int64_t s, int64_t first, int64_t each) {
    return q / n * each + fk_min(each, fk_max(0, fk_ceil_div(q % n - first, s)));
}
/* rows of the class before row q of all slices of all images */
static int64_t rows_before(int64_t q, const phase *f) {
    const int64_t slice = q / f->h, here = slice % f->d % f->sd == f->z;
    return before(slice, f->d, f->sd, f->z, f->v.od) * f->v.oh + (here ? before(q % f->h, f->h, f->sh, f->y, f->v.oh) : 0);
}

/* fills the channels [n0, n1) of the pixels [p0, p1) of dx with zeros */
static void no_gradient(float *dx, int64_t c, int64_t p0, int64_t p1, int64_t n0, int64_t n1) {
    if (p1 > p0 && n1 - n0 == c)
        memset(dx + p0 * c, 0, (size_t)((p1 - p0) * c) * sizeof *dx);
    else
        for (int64_t p = p0; p < p1; p++) gemm_zero(dx + p * c + n0, n1 - n0);
}

/* The rows [r0, r1) of the class that has the lone tap, and zeros for the other pixels of [p, end). Lines of these are asked for
 * while a block of rows is multiplied, and written behind it. */
static void among_zeros(gemm_job *j, int64_t r0, int64_t r1, int64_t p, int64_t end, int64_t n0, int64_t n1) {
    const int64_t blocks = fk_ceil_div(r1 - r0, BLOCKS.mc);
    const phase *f = j->source;
    for (int64_t t = 0; t < blocks; t++) {
        const int64_t lo = r0 + (r1 - r0) * t / blocks, m = r0 + (r1 - r0) * (t + 1) / blocks - lo;
        phase_begin(j, lo, m);
        const int64_t last = f->place[m - 1] / f->c;
        gemm_fetch lines = n1 - n0 == f->c ? fetch_run(j->c + p * f->c, (last - p) * f->c / LINE, NULL)
                                           : fetch_rows(j->c + p * f->c + n0, last - p, n1 - n0, f->c, NULL);
        lines.rate = gemm_even_rate(lines.lines, fk_ceil_div(m, MR) * gemm_panels(n1 - n0) * j->k);
        j->beside = &lines;
        FK(gemm_packed)(j, lo, lo + m, n0, n1);
        for (int64_t q = 0; q < m; q++) {
            const int64_t here = f->place[q] / f->c;
            no_gradient(j->c, f->c, p, here, n0, n1);
            p = here + 1;
        }
    }
    no_gradient(j->c, f->c, p, end, n0, n1);
}

static void one_phase(const fk_call *call, const fk_conv *a, int64_t z, int64_t y, int64_t x, int64_t q0, int64_t q1,
                      int64_t n0, int64_t n1) {
    const int64_t n = a->c / a->groups, depth = a->oc / a->groups, panels = gemm_panels(n);
    const int64_t own = ((z + a->pf) % a->sd * a->sh + (y + a->pt) % a->sh) * a->sw + (x + a->pl) % a->sw;
    const float *w = call->ptr[1];
    class cz = {0}, cy = {0}, cx = {0};
    for (int64_t c = 0; c <= own; c++) { /* in the order of pack_dx */
        w += a->groups * panels * cz.taps * cy.taps * cx.taps * depth * NR;
        cz = class_of(c / a->sw / a->sh, a->kd, a->sd, a->dd);
        cy = class_of(c / a->sw % a->sh, a->kh, a->sh, a->dh);
        cx = class_of(c % a->sw, a->kw, a->sw, a->dw);
    }
    phase f; /* not initialised as a whole: its arrays are large */
    f.v = (windows){.list = f.list,
                    .d = a->od,
                    .h = a->oh,
                    .w = a->ow,
                    .c = a->oc,
                    .run = depth,
                    .kd = cz.taps,
                    .kh = cy.taps,
                    .kw = cx.taps,
                    .dd = a->dd / gcd(a->sd, a->dd),
                    .dh = a->dh / gcd(a->sh, a->dh),
                    .dw = a->dw / gcd(a->sw, a->dw),
                    .sd = 1,
                    .sh = 1,
                    .sw = 1,
                    .od = fk_ceil_div(a->d - z, a->sd),
                    .oh = fk_ceil_div(a->h - y, a->sh),
                    .ow = fk_ceil_div(a->w - x, a->sw),
                    .pf = (cz.first * a->dd - z - a->pf) / a->sd,
                    .pt = (cy.first * a->dh - y - a->pt) / a->sh,
                    .pl = (cx.first * a->dw - x - a->pl) / a->sw};
    f.z = z, f.y = y, f.x = x, f.sd = a->sd, f.sh = a->sh, f.sw = a->sw;
    f.d = a->d, f.h = a->h, f.w = a->w, f.c = a->c;
    gemm_job j = {.ldc = a->c,
                  .n = n,
                  .k = cz.taps * cy.taps * cx.taps * depth,
                  .pack = phase_pack,
                  .rows_begin = phase_begin,
                  .upcoming = phase_upcoming,
                  .source = &f,
                  .scratch = (float *)call->scratch};
    const int64_t r0 = rows_before(q0, &f) * f.v.ow, r1 = rows_before(q1, &f) * f.v.ow;
    if (cz.taps * cy.taps * cx.taps == 1 && !f.v.pf && !f.v.pt && !f.v.pl && f.v.od == a->od && f.v.oh == a->oh &&
        f.v.ow == a->ow) {
        if (PIXELWISE(a)) j.rows_begin = NULL; /* a product of matrices */
        j.upcoming = NULL;
        j.pack = gemm_must_pack(a->oc, 0, r1 - r0, n1 - n0, 0) ? FK(gemm_pack_rows) : NULL;
        j.as = a->oc;
    }
    for (int64_t g = 0; g < a->groups; g++) {
        f.v.x = j.a = (const float *)call->ptr[0] + g * depth;
        j.b = w + g * panels * j.k * NR;
        j.c = (float *)call->ptr[2] + g * n;
        if (lone_tap(a))
            among_zeros(&j, r0, r1, q0 * a->w, q1 * a->w, n0, n1);
        else
            FK(gemm_packed)(&j, r0, r1, n0, n1);
    }
}

FK_KERNEL(conv_dx) {
    const gemm_grid grid = dx_grid(&a->conv);
    const int64_t n = a->c / a->groups;
    for (int64_t t = ith; t < grid.mb * grid.nb; t += nth) {
        int64_t q0, q1, n0, n1;
        fk_range(a->n * a->d * a->h, a->h % a->sh ? 1 : a->sh, t / grid.nb, grid.mb, &q0, &q1);
        fk_range(n, NR, t % grid.nb, grid.nb, &n0, &n1);
        const int lone = lone_tap(&a->conv); /* then the first class writes the others' zeros */
        for (int64_t z = 0; z < (lone ? 1 : fk_min(a->sd, a->d)); z++)
            for (int64_t y = 0; y < (lone ? 1 : fk_min(a->sh, a->h)); y++)
                for (int64_t x = 0; x < (lone ? 1 : fk_min(a->sw, a->w)); x++)
                    one_phase(call, &a->conv, z, y, x, q0, q1, n0, n1);
        for (int64_t g = 0; g < a->groups; g++)
            fk_epilogue_rows(call, q0 * a->w * a->c + g * n + n0, (q1 - q0) * a->w, a->c, n1 - n0);
    }
}

/* ---- with respect to w: rows are the elements of a window, k runs over the pixels of dy, columns are output channels.
 * Both sides are packed as they are used; the windows of a pixel are already a step of a kmajor A, and where they are the
 * pixels themselves they can be read in place. */
_Static_assert(48 % MR == 0 && 48 % LINE == 0 && 32 % NR == 0,
               "cells of dw_rows and dw_columns are whole strips, lines and panels");
#define DW_LEFT(rows, steps) (((rows) + PAD) * (steps)) /* numbers of its packed left side */

typedef struct {
    int64_t parts, mb, nb;
} dw_grid;

/* Shares of k cost memory and another sum, narrow cells read and pack x and dy more often, which from L3 takes longer than it
 * gains: on one thread 4 cells take 0.91 to 1 of the time of 8, but from five threads on some would have nothing to do. */
enum { SHARES = 8, CELLS = 8 };
static dw_grid dw_split(const fk_conv *a) {
    const int64_t n = a->oc / a->groups, m = a->kd * a->kh * a->kw * (a->c / a->groups);
    const int64_t k = a->n * a->od * a->oh * a->ow;
    dw_grid g = {1, fk_max(1, fk_ceil_div(m, BLOCKS.dw_rows)), fk_max(1, fk_ceil_div(n, BLOCKS.dw_columns))};
    const int64_t work = a->groups * m * gemm_panels(n) * NR * k;
    const int64_t want = fk_min(gemm_chunks((double)work, SHARES), work / GEMM_GRAIN);
    const int64_t cells = fk_min(gemm_chunks((double)work, CELLS), work / GEMM_GRAIN);
    const int64_t share = m * n <= 1 << 16 ? BLOCKS.kc : 4 * BLOCKS.kc;
    g.parts = fk_max(1, fk_min(want / (a->groups * g.mb * g.nb), k / share));
    g.nb = fk_max(g.nb, fk_min(cells / (a->groups * g.parts * g.mb), n / 128));
    g.mb = fk_max(g.mb, fk_min(cells / (a->groups * g.parts * g.nb), m / (4 * MR)));
    return g;
}
FK_CHUNKS(conv_dw) {
    const dw_grid g = dw_split(&a->conv);
    return g.parts * g.mb * g.nb * a->groups;
}
FK_PARTS(conv_dw) { return dw_split(&a->conv).parts; }

/* rows [r0, r1) and columns [n0, n1) of a group's dw, c, from the pixels [p0, p1) of dy */
typedef struct {
    const float *x, *dy;
    float *c;
    int64_t p0, p1, r0, r1, n0, n1, add; /* add: to what c holds */
} dw_cell;
/* What the cell will read of the pixels [p, p + k), evenly while so many steps of micro-kernels are done. All at once it would fill
 * the buffers in which loads from L2 wait too. */
typedef struct {
    gemm_fetch dy, x[FK_MOST_dw_steps];
} dw_fetch;
static gemm_fetch *upcoming(const fk_conv *a, windows *v, const dw_cell *q, int64_t p, int64_t k, int64_t steps, dw_fetch *f) {
    const int64_t n = q->n1 - q->n0, m = q->r1 - q->r0;
    const float *dy = q->dy + q->n0 + p * a->oc;
    int64_t count = 0;
    if (PIXELWISE(a))
        f->x[count++] = fetch_rows(q->x + p * a->c + q->r0, k, m, a->c, NULL);
    else if (one_tap(a))
        for (FK(im2col_begin)(v, p, k); count < v->stretches; count++)
            f->x[count] = fetch_rows(q->x + v->list[count].at + q->r0, v->list[count].count, m, a->sw * a->c, NULL);
    else
        FK(im2col_upcoming)(v, p, k, &f->x[count++]);
    f->dy = n == a->oc ? fetch_run(dy, k * n / LINE, f->x) : fetch_rows(dy, k, n, a->oc, f->x);
    int64_t lines = f->dy.lines;
    for (int64_t i = 0; i < count; i++) lines += f->x[i].lines;
    f->dy.rate = gemm_even_rate(lines, steps);
    for (int64_t i = 0; i < count; i++) f->x[i].rate = f->dy.rate, f->x[i].next = i + 1 < count ? &f->x[i + 1] : NULL;
    return &f->dy;
}

static void one_cell(const fk_conv *a, windows *v, const dw_cell *q, float *left) {
    float *right = left + DW_LEFT(BLOCKS.dw_rows, BLOCKS.dw_steps);
    const float *dy = q->dy + q->n0;
    const int in_place = PIXELWISE(a) && !gemm_must_pack(a->c, 1, q->r1 - q->r0, q->n1 - q->n0, 0);
    gemm_args m = {.a.at = left,
                   .a.step = in_place ? a->c : gemm_stride(q->r1 - q->r0),
                   .a.kmajor = 1,
                   .mode = GEMM_PANELS,
                   .b.at = right,
                   .m = q->r1 - q->r0,
                   .n = q->n1 - q->n0,
                   .c.step = a->oc,
                   .c.at = q->c + q->r0 * a->oc + q->n0};
    const int64_t kb = fk_min(BLOCKS.dw_steps, gemm_kblock(q->p1 - q->p0));
    const int64_t strips = fk_ceil_div(m.m, MR) * gemm_panels(m.n);
    dw_fetch ahead;
    int64_t p = q->p0;
    v->x = q->x;
    do {
        m.k = fk_min(kb, q->p1 - p);
        m.b.panel = m.k * NR;
        if (in_place) {
            m.a.at = v->x + p * a->c + q->r0;
        } else {
            FK(im2col_begin)(v, p, m.k);
            FK(im2col)(v, q->r0, m.m, left, m.a.step);
        }
        FK(gemm_pack_panels)(dy + p * a->oc, a->oc, 0, m.k, m.n, 0, gemm_panels(m.n), right, m.b.panel);
        m.c.add = q->add || p > q->p0;
        const int64_t after = fk_min(kb, q->p1 - p - kb);
        m.fetch = after > 0 ? upcoming(a, v, q, p + kb, after, strips * m.k, &ahead) : NULL;
        FK(gemm_block)(&m);
    } while ((p += kb) < q->p1);
}

void FK(conv_dw_pixels)(const fk_conv *a, const float *x, const float *dy, float *dw, int64_t p0, int64_t p1, int add,
                        float *scratch) {
    const int64_t rows = a->kd * a->kh * a->kw * a->c;
    stretch list[FK_MOST_dw_steps];
    windows v = WINDOWS(a, list);
    const int64_t high = BLOCKS.dw_rows, wide = BLOCKS.dw_columns;
    for (int64_t r = 0; r < rows; r += high)
        for (int64_t n = 0; n < a->oc; n += wide) {
            const dw_cell q = {x, dy, dw, p0, p1, r, fk_min(rows, r + high), n, fk_min(a->oc, n + wide), add};
            one_cell(a, &v, &q, scratch);
        }
}

FK_KERNEL(conv_dw) {
    const dw_grid grid = dw_split(&a->conv);
    const int64_t run = a->c / a->groups, n = a->oc / a->groups, rows = a->kd * a->kh * a->kw * run;
    stretch list[FK_MOST_dw_steps];
    windows v = WINDOWS(a, list);
    for (int64_t t = ith; t < grid.parts * grid.mb * grid.nb * a->groups; t += nth) {
        const int64_t part = t % grid.parts, g = t / grid.parts % a->groups, cell = t / grid.parts / a->groups;
        dw_cell q = {.x = (const float *)call->ptr[0] + g * run, .dy = (const float *)call->ptr[1] + g * n};
        q.c = (float *)call->ptr[2] + part * rows * a->oc + g * n;
        fk_range(a->n * a->od * a->oh * a->ow, 1, part, grid.parts, &q.p0, &q.p1);
        fk_range(rows, MR, cell / grid.nb, grid.mb, &q.r0, &q.r1);
        fk_range(n, NR, cell % grid.nb, grid.nb, &q.n0, &q.n1);
        one_cell(&a->conv, &v, &q, (float *)call->scratch);
    }
}

_Static_assert(4 * (DW_LEFT(FK_MOST_dw_rows, FK_MOST_dw_steps) + FK_MOST_dw_columns * FK_MOST_dw_steps) <= FK_DW_SCRATCH,
               "both packed sides fit");
_Static_assert(FK_DW_SCRATCH <= FK_KERNEL_SCRATCH, "as does that the scratch");
