/* The gradient of a 3 × 3 convolution of stride 1 with respect to w in the Winograd domain: tiles of x and of dy are
 * transformed, each of the 36 positions is a product of matrices (rows are channels, k runs over tiles, columns are output
 * channels), and the sums over all tiles are transformed back. */
#include "gemm.h"
#include "winograd.h"

#define CHANNELS BLOCKS.wino_dw_channels /* the most of either side in a cell: more would not pay for the room that sums take */
#define TILES BLOCKS.wino_dw_tiles       /* at a time: sums are read and written once for so many */
#define ROWS 24                          /* of sums that are transformed as soon as they are complete, where tiles are few */

typedef struct {
    int64_t down, across, tiles; /* of an image, of all */
    int64_t parts, mb, nb;       /* shares of all tiles, of c, of oc */
} dw_grid;

/* A share of tiles costs as much as 6 tiles more, to transform its sums back and to add them up; a narrower cell transforms
 * the other side again. */
static int64_t channels_of(const fk_attr_winograd_dw *a) { return a->side == 3 ? a->c : a->c * QUARTERS; }

static dw_grid split(const fk_attr_winograd_dw *a) {
    enum { LEAST = 8 };
    dw_grid g = {.down = fk_ceil_div(a->oh, WINO_OUT), .across = fk_ceil_div(a->ow, WINO_OUT)};
    g.tiles = a->n * g.down * g.across;
    const int64_t enough = gemm_chunks((double)g.tiles * WINO_AT * channels_of(a) * a->oc, 16);
    g.mb = fk_max(1, fk_ceil_div(a->c, CHANNELS));
    if (a->side != 3) g.mb *= QUARTERS; /* a cell has channels of one alone */
    g.nb = fk_max(1, fk_ceil_div(a->oc, CHANNELS));
    g.parts = fk_max(1, fk_min(enough / (g.mb * g.nb), g.tiles / 64));
    g.nb = fk_max(g.nb, fk_min(LEAST / (g.parts * g.mb), a->oc / (CHANNELS / 2)));
    if (a->side == 3) g.mb = fk_max(g.mb, fk_min(LEAST / (g.parts * g.nb), a->c / (CHANNELS / 2)));
    return g;
}
FK_CHUNKS(winograd_dw) {
    const dw_grid g = split(a);
    return g.parts * g.mb * g.nb;
}
/* None where tiles are too few for what is done once for all of them, too empty, or have too little depth */
FK_PARTS(winograd_dw) {
    const dw_grid g = split(a);
    return a->c >= 8 && a->oc >= 4 && 9 * a->n * a->oh * a->ow >= 48 * g.tiles + 300 ? g.parts : 0;
}

/* A dy Aᵀ of VL channels, as wino_input_lanes */
WINO_INLINE void output_lanes(const float *dy, int64_t down, int64_t right, float *z, int64_t plane) {
    vf r[WINO_OUT * WINO_IN];
    dy = v_here(dy);
    z = (float *)v_here(z);
    _Pragma("GCC unroll 4") for (int i = 0; i < WINO_OUT; i++, dy = v_here(dy + down)) {
        vf y[WINO_OUT];
        _Pragma("GCC unroll 4") for (int j = 0; j < WINO_OUT; j++) y[j] = v_load(dy + j * right);
        wino_out_back(y, 1, r + i * WINO_IN, 1);
    }
    _Pragma("GCC unroll 6") for (int j = 0; j < WINO_IN; j++, z = (float *)v_here(z + plane)) {
        vf m[WINO_IN];
        wino_out_back(r + j, WINO_IN, m, 1);
        _Pragma("GCC unroll 6") for (int i = 0; i < WINO_IN; i++) v_store(z + i * WINO_IN * plane, m[i]);
    }
}

/* of n channels, to panels `bs` apart */
static void output_tile(const wino_tile *t, int64_t n, float *z, int64_t bs, int64_t plane) {
    int64_t at = 0;
    if (t->i1 >= WINO_OUT && t->j1 >= WINO_OUT)
        for (; at + VL <= n; at += VL) output_lanes(t->x + at, t->down, t->right, z + at / NR * bs + at % NR, plane);
    for (; at < n; at += VL) {
        vf d[WINO_OUT * WINO_OUT];
        wino_pixels(t, at, n - at, WINO_OUT, d);
        output_lanes((const float *)d, WINO_OUT * VL, VL, z + at / NR * bs + at % NR, plane);
    }
}

/* Gᵀ u G of a row of n sums to dw, `tap` from tap to tap */
static void filter_row(const float *u, int64_t plane, int64_t n, float *dw, int64_t tap, const wino_quarter *quarter) {
    for (int64_t at = 0; at < n; at += VL) {
        vf r[3 * WINO_IN];
        const float *s = v_here(u + at);
        _Pragma("GCC unroll 6") for (int i = 0; i < WINO_IN; i++, s = v_here(s + WINO_IN * plane)) {
            vf d[WINO_IN];
            _Pragma("GCC unroll 6") for (int j = 0; j < WINO_IN; j++) d[j] = v_load(s + j * plane);
            wino_filter_back(d, 1, r + i * 3, 1);
        }
        _Pragma("GCC unroll 3") for (int j = 0; j < 3; j++) {
            vf g[3];
            wino_filter_back(r + j, 3, g, 1);
            _Pragma("GCC unroll 3") for (int i = 0; i < 3; i++) {
                const int64_t to = quarter ? quarter->tap[i * 3 + j] : i * 3 + j;
                if (to >= 0) v_store_upto(dw + to * tap + at, g[i], n - at);
            }
        }
    }
}

/* channels of x and dy, and a range of tiles */
typedef struct {
    const float *x, *dy;
    int64_t m, n, first, count;
    int64_t quarter; /* of which x is the first channel, or -1 */
} dw_cell;

static void transform(const fk_attr_winograd_dw *a, const dw_grid *grid, const dw_cell *cell, float *v, int64_t v_row,
                      int64_t v_plane, float *z, int64_t z_plane) {
    for (int64_t q = 0; q < cell->count; q++) {
        const int64_t j = (cell->first + q) % grid->across * WINO_OUT, row = (cell->first + q) / grid->across;
        const int64_t image = row / grid->down, i = row % grid->down * WINO_OUT;
        wino_tile t;
        if (cell->quarter >= 0)
            t = wino_quarter_tile(cell->x + image * a->h * a->w * a->c, cell->quarter, a->oh, a->ow, a->c, i - 1, j - 1);
        else
            t = wino_tile_at(cell->x + image * a->h * a->w * a->c, a->h, a->w, a->c, i - a->pt, j - a->pl);
        wino_input(&t, cell->m, v + q * v_row, v_plane);
        t = wino_tile_at(cell->dy + image * a->oh * a->ow * a->oc, a->oh, a->ow, a->oc, i, j);
        output_tile(&t, cell->n, z + q * NR, cell->count * NR, z_plane);
    }
}

/* rows [i, i + rows) of all images of h rows of w pixels, n of c channels from x on */
static gemm_fetch rows_of(const float *x, int64_t w, int64_t c, int64_t n, int64_t i, int64_t rows) {
    if (n == c) return fetch_run(x + i * w * c, rows * (w * c / LINE), NULL);
    return fetch_rows(x + i * w * c, rows * w, n, c, NULL);
}
/* what the cell's tiles will read, roughly: whole rows, those of x without the two that were read with the tiles above */
static void upcoming(const fk_attr_winograd_dw *a, const dw_grid *grid, const dw_cell *cell, gemm_fetch *x, gemm_fetch *dy) {
    /* an image of quarters is as large */
    const int64_t twice = cell->quarter >= 0 ? 2 : 1;
    const int64_t first = cell->first / grid->across, last = (cell->first + cell->count - 1) / grid->across;
    const int64_t image = first / grid->down, i = first % grid->down * WINO_OUT, rows = (last - first + 1) * WINO_OUT;
    const int64_t above = twice > 1 ? 1 : a->pt, yi = image * a->oh + i;
    const int64_t xi = fk_min(a->n * a->h, image * a->h + fk_max(0, i - above + 2) * twice);
    *x = rows_of(cell->x, a->w, a->c, cell->m, xi, fk_min(rows * twice, a->n * a->h - xi));
    *dy = rows_of(cell->dy, a->ow, a->oc, cell->n, yi, fk_min(rows, a->n * a->oh - yi));
    dy->next = x;
}

/* m rows of the products at all positions that are not 0 */
static void products(gemm_args *g, int64_t m, const wino_quarter *quarter, const float *v, int64_t v_plane, const float *z,
                     int64_t z_plane, float *u, int64_t u_plane) {
    g->m = m;
    for (int f = 0; f < WINO_AT; f++) {
        g->a.at = v + f * v_plane;
        g->b.at = z + f * z_plane;
        g->c.at = u + f * u_plane;
        if (!quarter || quarter->live[f])
            FK(gemm_thin)(g);
        else
            memset(g->c.at, 0, (size_t)(m * g->c.step) * sizeof *u);
    }
}

FK_KERNEL(winograd_dw) {
    const dw_grid grid = split(a);
    const int64_t side = a->side;
    const int apart = side != 3;
    wino_quarter quarters[QUARTERS];
    if (apart) wino_quarters(side, a->pt, a->pl, quarters);
    for (int64_t t = ith; t < grid.parts * grid.mb * grid.nb; t += nth) {
        const int64_t part = t % grid.parts, at = t / grid.parts;
        int64_t t0, t1, c0, c1, n0, n1;
        fk_range(grid.tiles, 1, part, grid.parts, &t0, &t1);
        fk_range(channels_of(a), VL, at / grid.nb, grid.mb, &c0, &c1);
        fk_range(a->oc, NR, at % grid.nb, grid.nb, &n0, &n1);
        const int64_t which = apart ? c0 / a->c : -1;
        const wino_quarter *quarter = apart ? quarters + which : NULL;
        if (apart) c1 -= which * a->c, c0 -= which * a->c;
        dw_cell cell = {(const float *)call->ptr[0] + c0, (const float *)call->ptr[1] + n0, c1 - c0, n1 - n0, t0, 0, which};
        gemm_args g = {.a.step = gemm_stride(cell.m), .a.kmajor = 1, .n = cell.n};
        g.c.step = gemm_panels(g.n) * NR;
        /* Sums of all positions take more than L2: where no tiles are to come that add to them, a few rows at a time are made */
        const int64_t high = t1 - t0 > TILES ? cell.m : fk_min(ROWS, cell.m);
        /* planes are an odd number of lines apart, so as not to meet in the caches */
        const int64_t v_plane = TILES * g.a.step + LINE, z_plane = TILES * g.c.step + LINE, u_plane = high * g.c.step + LINE;
        float *u = (float *)call->scratch, *v = u + WINO_AT * u_plane, *z = v + WINO_AT * v_plane;
        for (cell.first = t0; cell.first < t1; cell.first += TILES) {
            cell.count = g.k = fk_min(TILES, t1 - cell.first);
            transform(a, &grid, &cell, v, g.a.step, v_plane, z, z_plane);
            g.b.panel = g.k * NR;
            g.c.add = cell.first > t0;
            gemm_fetch x, dy;
            g.fetch = NULL;
            if (cell.first + TILES < t1) {
                dw_cell next = cell;
                next.first += TILES;
                next.count = fk_min(TILES, t1 - next.first);
                upcoming(a, &grid, &next, &x, &dy);
                g.fetch = &dy;
            }
            if (g.fetch) products(&g, cell.m, quarter, v, v_plane, z, z_plane, u, u_plane);
        }
        float *dw = (float *)call->ptr[2] + (part * side * side * a->c + c0) * a->oc + n0;
        for (int64_t c = 0; c < cell.m; c += high) {
            const int64_t rows = fk_min(high, cell.m - c);
            products(&g, rows, quarter, v + c, v_plane, z, z_plane, u, u_plane); /* of the last tiles */
            for (int64_t r = 0; r < rows; r++)
                filter_row(u + r * g.c.step, u_plane, g.n, dw + (c + r) * a->oc, a->c * a->oc, quarter);
        }
    }
}

enum { MOST = FK_MOST_wino_dw_channels };
_Static_assert(WINO_AT * 4 * (MOST * MOST + FK_MOST_wino_dw_tiles * (2 * MOST + PAD) + 3 * LINE) <= FK_KERNEL_SCRATCH,
               "sums and transforms of the widest cell fit the scratch");
