/* 3 × 3 convolution of stride 1 in the Winograd domain: tiles of x and the filters are transformed, each of the 36
 * positions is a product of matrices (rows are tiles, k runs over channels, columns are output channels), and what they
 * make is transformed back.
 *
 * The filters are transformed where they are used, a block at a time: that takes a fifteenth of the products' time for 64
 * tiles, no memory, and from the main memory a quarter of what reading 36 numbers in place of nine would take. */
#include "gemm_tile.h"
#include "transpose.h"
#include "winograd.h"

#define KBLOCK 64           /* channels whose filters are transformed at a time: 36 panels of them are 300 KB */
#define MOST_TILES 64       /* of a block */
#define TILES_BYTES (2 << 20) /* that the transformed tiles of a block may take */
#define FEWEST_TILES 12
#define COLUMNS 128         /* output channels that are worth transforming a block of tiles again */

/* an odd number of lines: the 36 planes at one offset, and rows side by side, are on different lines of a cache */
static inline int64_t odd_lines(int64_t n) { return (gemm_lines(n) / LINE | 1) * LINE; }

/* A block is a run of whole rows of tiles, counted over all images, or a part of one row; a chunk is a block and a share
 * of the output channels */
typedef struct {
    int64_t down, across; /* tiles of an image */
    int64_t rows, parts;  /* rows of tiles of a block, parts that a row is cut into; one of the two is 1 */
    int64_t blocks, nb;
} wino_grid;

static wino_grid grid_of(const fk_attr_winograd *a) {
    enum { ENOUGH = 8 };
    wino_grid g = {.down = fk_ceil_div(a->oh, WINO_OUT), .across = fk_ceil_div(a->ow, WINO_OUT)};
    const int64_t all = a->n * g.down, fit = TILES_BYTES / (WINO_AT * 4 * odd_lines(a->c));
    if (all * g.across <= 0) return g;
    const int64_t most = fk_max(FEWEST_TILES, fk_min(MOST_TILES, fit));
    g.parts = fk_ceil_div(g.across, most);
    g.rows = fk_ceil_div(all, fk_ceil_div(all, fk_max(1, most / g.across)));
    g.blocks = fk_ceil_div(all, g.rows) * g.parts;
    g.nb = fk_max(1, fk_min(fk_ceil_div(ENOUGH, g.blocks), gemm_panels(a->oc) * NR / COLUMNS));
    return g;
}
FK_CHUNKS(winograd) {
    const wino_grid g = grid_of(a);
    return g.blocks * g.nb;
}
FK_ONE_PART(winograd)

/* ---- filters: channels [k, k + count) and n ≤ NR output channels from `at` on as panels of the 36 positions */
WINO_INLINE void one_filter(const vf *g, float *u, int64_t plane) {
    vf r[3 * WINO_IN];
    _Pragma("GCC unroll 3") for (int j = 0; j < 3; j++) wino_filter(g + j, 3, r + j, 3);
    _Pragma("GCC unroll 6") for (int i = 0; i < WINO_IN; i++) {
        vf o[WINO_IN];
        wino_filter(r + 3 * i, 1, o, 1);
        _Pragma("GCC unroll 6") for (int j = 0; j < WINO_IN; j++) v_store(u + (i * WINO_IN + j) * plane, o[j]);
    }
}

static void filters(const fk_attr_winograd *a, const float *w, int64_t k, int64_t count, int64_t at, int64_t n,
                    float *u, int64_t plane) {
    const int64_t tap = a->c * a->oc;
    w += k * a->oc + at;
    for (int64_t i = 0; i < count; i++, w += a->oc, u += NR)
        for (int64_t half = 0; half < n; half += VL) {
            vf g[9];
            _Pragma("GCC unroll 9") for (int t = 0; t < 9; t++) g[t] = v_load_upto(w + t * tap + half, n - half);
            one_filter(g, u + half, plane);
        }
}

/* the same of w[3,3,oc,c], its taps backwards */
static void filters_turned(const fk_attr_winograd *a, const float *w, int64_t k, int64_t count, int64_t at, int64_t n,
                           float *u, int64_t plane) {
    const int64_t tap = a->c * a->oc;
    vf t[9][VL];
    for (int64_t half = 0; half < n; half += VL)
        for (int64_t i = 0; i < count; i += VL) {
            const float *s = w + (at + half) * a->c + k + i;
            const int64_t steps = fk_min(VL, count - i);
            for (int p = 0; p < 9; p++) {
                for (int64_t q = 0; q < VL; q++)
                    t[p][q] = q < n - half ? v_load_upto(s + (8 - p) * tap + q * a->c, steps) : (vf){0};
                transpose_rows(t[p]);
            }
            for (int64_t q = 0; q < steps; q++) {
                vf g[9];
                _Pragma("GCC unroll 9") for (int p = 0; p < 9; p++) g[p] = t[p][q];
                one_filter(g, u + (i + q) * NR + half, plane);
            }
        }
}

/* ---- outputs: rows × columns ≤ 4 × 4 pixels of n channels of one tile, VL of which are at m, a plane apart, to y */
WINO_INLINE void one_output(const float *m, int64_t plane, float *y, int64_t down, int64_t right, int64_t rows,
                            int64_t columns, int64_t n) {
    vf r[WINO_OUT * WINO_IN];
    _Pragma("GCC unroll 6") for (int j = 0; j < WINO_IN; j++) {
        vf d[WINO_IN];
        _Pragma("GCC unroll 6") for (int i = 0; i < WINO_IN; i++) d[i] = v_load(m + (i * WINO_IN + j) * plane);
        wino_out(d, 1, r + j, WINO_IN);
    }
    _Pragma("GCC unroll 4") for (int i = 0; i < WINO_OUT; i++) {
        vf o[WINO_OUT];
        wino_out(r + i * WINO_IN, 1, o, 1);
        if (i < rows)
            _Pragma("GCC unroll 4") for (int j = 0; j < WINO_OUT; j++) if (j < columns)
                v_store_upto(y + i * down + j * right, o[j], n);
    }
}

/* ---- a chunk */
typedef struct {
    const fk_attr_winograd *a;
    int64_t down;           /* rows of tiles of an image */
    int64_t r0, r1, j0, j1; /* rows of tiles over all images, and tiles in them */
    int64_t n0, n1;         /* output channels */
} chunk;

static void inputs(const chunk *c, const float *x, float *v, int64_t as, int64_t plane) {
    const fk_attr_winograd *a = c->a;
    for (int64_t r = c->r0; r < c->r1; r++)
        for (int64_t j = c->j0; j < c->j1; j++, v += as) {
            const wino_tile t = wino_tile_at(x + r / c->down * a->h * a->w * a->c, a->h, a->w, a->c,
                                             r % c->down * WINO_OUT - a->pt, j * WINO_OUT - a->pl);
            wino_input(&t, a->c, v, plane);
        }
}

/* first row of the output, over all images, that row r of tiles makes */
static int64_t row_of(const chunk *c, int64_t r) {
    return r / c->down * c->a->oh + fk_min(c->a->oh, r % c->down * WINO_OUT);
}

static void outputs(const chunk *c, const float *m, int64_t plane, float *y, int64_t at, int64_t n) {
    const fk_attr_winograd *a = c->a;
    for (int64_t r = c->r0; r < c->r1; r++)
        for (int64_t j = c->j0; j < c->j1; j++, m += NR)
            for (int64_t half = 0; half < n; half += VL)
                one_output(m + half, plane, y + (row_of(c, r) * a->ow + j * WINO_OUT) * a->oc + at + half,
                           a->ow * a->oc, a->oc, a->oh - r % c->down * WINO_OUT, a->ow - j * WINO_OUT, n - half);
}

static void finish(const fk_call *call, const chunk *c) {
    const fk_attr_winograd *a = c->a;
    const int64_t y0 = row_of(c, c->r0), y1 = row_of(c, c->r1);
    const int64_t x0 = c->j0 * WINO_OUT, x1 = fk_min(a->ow, c->j1 * WINO_OUT), row = a->ow * a->oc;
    if (c->n1 - c->n0 == a->oc)
        fk_epilogue_rows(call, y0 * row + x0 * a->oc, y1 - y0, row, (x1 - x0) * a->oc);
    else
        for (int64_t i = y0; i < y1; i++)
            fk_epilogue_rows(call, i * row + x0 * a->oc + c->n0, x1 - x0, a->oc, c->n1 - c->n0);
}

static void run(const fk_call *call, const chunk *c) {
    const fk_attr_winograd *a = c->a;
    const float *x = call->ptr[0], *w = call->ptr[1];
    const int64_t tiles = (c->r1 - c->r0) * (c->j1 - c->j0), as = odd_lines(a->c);
    const int64_t v_plane = odd_lines(tiles * as), u_plane = odd_lines(KBLOCK * NR), m_plane = odd_lines(tiles * NR);
    float *v = (float *)call->scratch, *u = v + WINO_AT * v_plane, *m = u + WINO_AT * u_plane;
    inputs(c, x, v, as, v_plane);
    for (int64_t n = c->n0; n < c->n1; n += NR) {
        const int64_t width = fk_min(NR, c->n1 - n);
        int64_t k = 0;
        do {
            const int64_t count = fk_min(KBLOCK, a->c - k);
            (a->turned ? filters_turned : filters)(a, w, k, count, n, width, u, u_plane);
            for (int64_t p = 0; p < WINO_AT; p++)
                FK(gemm_tile)(&(gemm_args){.a = v + p * v_plane + k,
                                           .as = as,
                                           .add = k > 0,
                                           .b = u + p * u_plane,
                                           .c = m + p * m_plane,
                                           .ldc = NR,
                                           .m = tiles,
                                           .n = width <= VL ? VL : NR,
                                           .k = count});
        } while ((k += KBLOCK) < a->c);
        outputs(c, m, m_plane, call->ptr[2], n, width);
    }
    finish(call, c);
}

FK_KERNEL(winograd) {
    const wino_grid g = grid_of(a);
    for (int64_t t = ith; t < g.blocks * g.nb; t += nth) {
        const int64_t block = t / g.nb;
        chunk c = {.a = a, .down = g.down, .r0 = block / g.parts * g.rows};
        c.r1 = fk_min(a->n * g.down, c.r0 + g.rows);
        fk_range(g.across, 1, block % g.parts, g.parts, &c.j0, &c.j1);
        fk_range(a->oc, NR, t % g.nb, g.nb, &c.n0, &c.n1);
        run(call, &c);
    }
}

_Static_assert(TILES_BYTES + WINO_AT * 4 * (MOST_TILES + KBLOCK + 2) * (NR + LINE) <= FK_KERNEL_SCRATCH,
               "a block fits");
