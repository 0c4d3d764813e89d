/* 3 × 3 convolution of stride 1 in the Winograd domain: tiles of x and the filters are transformed, each of the 36
 * positions is a product of matrices (rows are tiles, k runs over channels, columns are output channels), and what they
 * make is transformed back.
 *
 * The loops, from the outside; the scratch of a thread holds what a block needs:
 *
 *   chunks    runs of blocks × shares of the output channels (grid_of)
 *   blocks    up to wino_tiles tiles of 4 × 4 outputs, transformed to 36 planes that stay in L2          inputs()
 *   panels    NR output channels
 *   channels  wino_channels at a time: their filters, transformed to 36 planes, stay in L2 or L1          filters()
 *   planes    the product of the block's tiles and the panel, added up in L1                            gemm_thin.c
 *
 * and for each panel the sums of all channels are transformed back                                      outputs()
 *
 * The filters are transformed where they are used, a block at a time: that takes an eighth of the products' time for 50
 * tiles, no memory, and from the main memory a quarter of what reading 36 numbers in place of nine would take. */
#include "ending.h"
#include "gemm.h"
#include "transpose.h"
#include "winograd.h"

#define SHARE_TILES 192 /* that are worth transforming all filters again: a thirtieth of their products' time */
#define FEWEST_TILES 12
#define ONCE_TILES 20 /* up to so many in all, each filter is transformed once, and for two threads tiles are twice */
#define COLUMNS 64  /* fewest output channels in a chunk that repay transforming the tiles again */
/* channels whose filters are fetched while others are transformed: of many more the taps, which often lie a power of two
 * apart, would displace each other */
#define WINO_AHEAD 8

/* an odd number of lines: the 36 planes at one offset are on different lines of a cache */
static inline int64_t odd_lines(int64_t n) { return (gemm_lines(n) / LINE | 1) * LINE; }
/* from tile to tile: where they are long, rows side by side are too; short ones take no more of L2 than they must */
static inline int64_t row_of_channels(int64_t c) { return c <= BLOCKS.wino_channels ? gemm_lines(c) : odd_lines(c); }

/* A block is a run of whole rows of tiles, counted over all images, or a part of one row; a chunk is a run of blocks and a
 * share of the output channels */
typedef struct {
    int64_t down, across; /* tiles of an image */
    int64_t rows, parts;  /* rows of tiles of a block, parts that a row is cut into; one of the two is 1 */
    int64_t blocks, mb, nb;
} wino_grid;

/* whether all filters of n output channels fit where otherwise those of a panel and a block of k are */
static int filters_stay(const fk_attr_winograd *a, int64_t n) { return a->c * gemm_panels(n) * NR <= BLOCKS.wino_filters; }

static wino_grid grid_of(const fk_attr_winograd *a) {
    enum { ENOUGH = 4 };
    wino_grid g = {.down = fk_ceil_div(a->oh, WINO_OUT), .across = fk_ceil_div(a->ow, WINO_OUT)};
    const int64_t all = a->n * g.down;
    if (all * g.across <= 0) return g;
    const int64_t row = row_of_channels(a->c), columns = gemm_panels(a->oc) * NR;
    const int stay = filters_stay(a, a->oc);
    /* of a tile; where many blocks follow each other, the next one's pixels and outputs are on their way too */
    const int64_t pixels = WINO_OUT * WINO_OUT * 4 * (a->c + columns);
    const int64_t tile = WINO_AT * 4 * (row + NR) + (all * g.across > BLOCKS.wino_tiles ? 2 : 1) * pixels;
    const int64_t room = stay ? ((BLOCKS.wino_stay_kb << 10) - WINO_AT * 4 * a->c * columns) / tile
                              : (BLOCKS.wino_tiles_kb << 10) / (WINO_AT * 4 * row);
    const int64_t most = fk_max(FEWEST_TILES, fk_min(BLOCKS.wino_tiles, room));
    const int64_t want = fk_min(ENOUGH, 1 + all * g.across * WINO_AT * a->c * a->oc / (2 * GEMM_GRAIN));
    g.parts = fk_ceil_div(g.across, most);
    g.rows = fk_ceil_div(all, fk_ceil_div(all, fk_max(1, most / g.across)));
    const int once = all * g.across <= ONCE_TILES && columns >= 2 * NR;
    if (columns < 2 * COLUMNS && !once && all * g.across * WINO_AT * a->c * a->oc >= GEMM_GRAIN)
        g.rows = fk_min(g.rows, fk_ceil_div(all, 2)); /* two threads, though each transforms the filters */
    g.blocks = fk_ceil_div(all, g.rows) * g.parts;
    const int64_t shares = gemm_chunks((double)all * g.across * WINO_AT * a->c * a->oc, 32);
    g.mb = fk_min(shares, stay ? fk_min(g.blocks, fk_max(want, all * g.across / SHARE_TILES)) : g.blocks);
    g.nb = fk_max(1, fk_min(fk_ceil_div(want, g.mb), fk_max(1 + once, columns / COLUMNS)));
    return g;
}
/* the step as one of 3 × 3 windows over an image of quarters, whose channels are those of all four (winograd.h) */
static fk_attr_winograd in_quarters(const fk_attr_winograd *a) {
    fk_attr_winograd s = *a;
    if (a->side == 3) return s;
    s.pt = s.pl = 1;
    if (a->turned) {
        s.oh = a->h;
        s.ow = a->w;
        s.oc *= QUARTERS;
    } else {
        s.h = a->oh;
        s.w = a->ow;
        s.c *= QUARTERS;
    }
    return s;
}

FK_CHUNKS(winograd) {
    const fk_attr_winograd s = in_quarters(a);
    const wino_grid g = grid_of(&s);
    return g.mb * g.nb;
}
FK_ONE_PART(winograd)

typedef struct {
    int64_t down, parts;    /* as in the grid */
    int64_t r0, r1, j0, j1; /* rows of tiles over all images, and tiles in them */
} block;

static block block_at(const fk_attr_winograd *a, const wino_grid *g, int64_t index) {
    block b = {.down = g->down, .parts = g->parts, .r0 = index / g->parts * g->rows};
    b.r1 = fk_min(a->n * g->down, b.r0 + g->rows);
    fk_range(g->across, 1, index % g->parts, g->parts, &b.j0, &b.j1);
    return b;
}

/* ---- filters as they are stored */
typedef struct {
    const float *w;    /* of tap 0 */
    int64_t tap, step; /* from tap to tap, from channel to channel */
} filter_taps;

/* from channel k and output channel `at`, a multiple of NR, on: up to NR of these, and channels to the end of a block of
 * wino_channels. Packed ones come from memory in long runs, where as they are each page of w would be read for every panel. */
static filter_taps taps_at(const fk_attr_winograd *a, const float *w, int64_t k, int64_t at) {
    if (!a->depth) return (filter_taps){w + k * a->oc + at, a->c * a->oc, a->oc};
    const int64_t columns = gemm_panels(a->oc) * NR, item = k / a->depth * a->depth;
    return (filter_taps){w + item * columns + at * a->depth + (k - item) * NR, a->c * columns, NR};
}

/* ---- `count` channels and n ≤ NR output channels of them as panels of the 36 positions */
WINO_INLINE void one_filter(const vf *g, float *u, int64_t plane) {
    vf r[3 * WINO_IN];
    _Pragma("GCC unroll 3") for (int j = 0; j < 3; j++) wino_filter(g + j, 3, r + j, 3);
    u = (float *)v_here(u);
    _Pragma("GCC unroll 6") for (int i = 0; i < WINO_IN; i++, u = (float *)v_here(u + WINO_IN * plane)) {
        vf o[WINO_IN];
        wino_filter(r + 3 * i, 1, o, 1);
        _Pragma("GCC unroll 6") for (int j = 0; j < WINO_IN; j++) v_store(u + j * plane, o[j]);
    }
}

static void filters(filter_taps s, int64_t count, int64_t n, float *u, int64_t plane) {
    for (int64_t i = 0; i < count; i++, s.w += s.step, u += NR)
        for (int64_t half = 0; half < n; half += VL) {
            vf g[9];
            _Pragma("GCC unroll 9") for (int t = 0; t < 9; t++) {
                g[t] = v_load_upto(s.w + t * s.tap + half, n - half);
                __builtin_prefetch(s.w + WINO_AHEAD * s.step + t * s.tap + half, 0, 2);
            }
            one_filter(g, u + half, plane);
        }
}

/* the same of w[3,3,oc,c], its taps backwards */
static void filters_turned(const fk_attr_winograd *a, const float *w, int64_t k, int64_t count, int64_t at, int64_t n, float *u,
                           int64_t plane) {
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

/* the same of one quarter: w[side,side,c/4,oc], or, turned, w[side,side,oc/4,c], from the first channel of both on */
static void filters_of_quarter(const fk_attr_winograd *a, const wino_quarter *quarter, const float *w, int64_t count, float *u,
                               int64_t plane) {
    const int64_t tap = a->c * a->oc / QUARTERS;
    if (!a->turned) {
        for (int64_t i = 0; i < count; i++, w += a->oc, u += NR)
            for (int64_t half = 0; half < NR; half += VL) {
                vf g[9];
                for (int t = 0; t < 9; t++) {
                    const float *s = w + quarter->tap[t] * tap + half;
                    g[t] = quarter->tap[t] < 0 ? (vf){0} : v_load(s);
                    if (quarter->tap[t] >= 0) __builtin_prefetch(s + WINO_AHEAD * a->oc, 0, 2);
                }
                one_filter(g, u + half, plane);
            }
        return;
    }
    vf t[9][VL];
    for (int64_t half = 0; half < NR; half += VL, w += VL * a->c)
        for (int64_t i = 0; i < count; i += VL) {
            for (int p = 0; p < 9; p++) {
                const int64_t from = quarter->tap[8 - p];
                for (int64_t q = 0; q < VL; q++) t[p][q] = from < 0 ? (vf){0} : v_load(w + from * tap + q * a->c + i);
                if (from >= 0) transpose_rows(t[p]);
            }
            for (int64_t q = 0; q < VL; q++) {
                vf g[9];
                _Pragma("GCC unroll 9") for (int p = 0; p < 9; p++) g[p] = t[p][q];
                one_filter(g, u + (i + q) * NR + half, plane);
            }
        }
}

/* ---- few tiles: filters of a few channels are used as soon as they are transformed. They never leave L1, where otherwise
 * writing them to L2 takes longer than anything that few tiles do with them. The products are those of gemm_thin. */
#define FEW_TILES 4
#define WINO_GROUP (MR / 3) /* channels, whose filters of six positions fit the registers */

/* what gemm_thin would do for each of the positions, where A is v_plane and C m_plane from the one before; n ≤ NR */
WINO_INLINE void products(const gemm_args *g, int64_t v_plane, int64_t m_plane, filter_taps f, const int tiles) {
    vf sums[2][WINO_AT][FEW_TILES];
    memset(sums, 0, sizeof sums);
    for (int64_t i = 0; i < g->k; i += WINO_GROUP, f.w += WINO_GROUP * f.step)
        for (int64_t h = 0; h * VL < g->n; h++) {
            vf r[WINO_GROUP][3 * WINO_IN];
            for (int q = 0; q < WINO_GROUP; q++) {
                vf w[9];
                const float *s = f.w + q * f.step + h * VL;
                _Pragma("GCC unroll 9") for (int t = 0; t < 9; t++) {
                    w[t] = i + q < g->k ? v_load_upto(s + t * f.tap, g->n - h * VL) : (vf){0};
                    __builtin_prefetch(s + WINO_AHEAD * f.step + t * f.tap, 0, 2);
                }
                _Pragma("GCC unroll 3") for (int j = 0; j < 3; j++) wino_filter(w + j, 3, r[q] + j, 3);
            }
            const float *a = g->a.at + i;
            for (int y = 0; y < WINO_IN; y++) {
                vf u[WINO_GROUP][WINO_IN];
                _Pragma("GCC unroll 4") for (int q = 0; q < WINO_GROUP; q++) wino_filter(r[q] + 3 * y, 1, u[q], 1);
                _Pragma("GCC unroll 6") for (int x = 0; x < WINO_IN; x++, a += v_plane)
                    _Pragma("GCC unroll 4") for (int t = 0; t < tiles; t++) {
                    vf *sum = &sums[h][y * WINO_IN + x][t], c = *sum;
                    _Pragma("GCC unroll 4") for (int q = 0; q < WINO_GROUP; q++) c =
                        v_fma(v_set1(a[t * g->a.step + q]), u[q][x], c);
                    *sum = c;
                }
            }
        }
    for (int p = 0; p < WINO_AT; p++)
        for (int t = 0; t < tiles; t++)
            for (int64_t h = 0; h * VL < g->n; h++) {
                float *c = g->c.at + p * m_plane + t * g->c.step + h * VL;
                v_store(c, g->c.add ? sums[h][p][t] + v_load(c) : sums[h][p][t]);
            }
}

static void few_products(const gemm_args *g, int64_t v_plane, int64_t m_plane, filter_taps f) {
    switch (g->m) {
    case 1: products(g, v_plane, m_plane, f, 1); break;
    case 2: products(g, v_plane, m_plane, f, 2); break;
    case 3: products(g, v_plane, m_plane, f, 3); break;
    case 4: products(g, v_plane, m_plane, f, 4); break;
    }
}

/* ---- outputs: rows × columns ≤ 4 × 4 pixels of n channels of one tile, VL of which are at m, a plane apart, to y; e: their
 * ending, or NULL, and y's channel */
WINO_INLINE void one_output(const float *m, int64_t plane, float *y, int64_t down, int64_t right, int64_t rows, int64_t columns,
                            const fk_ending *e, int64_t channel, int64_t n) {
    vf r[WINO_OUT * WINO_IN];
    m = v_here(m);
    y = (float *)v_here(y);
    _Pragma("GCC unroll 6") for (int j = 0; j < WINO_IN; j++, m = v_here(m + plane)) {
        vf d[WINO_IN];
        _Pragma("GCC unroll 6") for (int i = 0; i < WINO_IN; i++) d[i] = v_load(m + i * WINO_IN * plane);
        wino_out(d, 1, r + j, WINO_IN);
    }
    _Pragma("GCC unroll 4") for (int i = 0; i < WINO_OUT; i++, y = (float *)v_here(y + down)) {
        vf o[WINO_OUT];
        wino_out(r + i * WINO_IN, 1, o, 1);
        if (e && i < rows) fk_end(e, o, 1, WINO_OUT, columns, y, right, channel, n);
        if (i < rows)
            _Pragma("GCC unroll 4") for (int j = 0; j < WINO_OUT; j++) if (j < columns) v_store_upto(y + j * right, o[j], n);
    }
}

/* ---- a block */
static void inputs(const fk_attr_winograd *a, int quarters, const block *b, const float *x, float *v, int64_t as,
                   int64_t plane) {
    const int64_t c = a->c / QUARTERS;
    for (int64_t r = b->r0; r < b->r1; r++)
        for (int64_t j = b->j0; j < b->j1; j++, v += as) {
            for (int64_t k = 0; quarters && k < QUARTERS; k++) {
                const wino_tile t = wino_quarter_tile(x + r / b->down * a->h * a->w * a->c, k, a->h, a->w, c,
                                                      r % b->down * WINO_OUT - a->pt, j * WINO_OUT - a->pl);
                wino_input(&t, c, v + k * c, plane);
            }
            if (quarters) continue;
            const wino_tile t = wino_tile_at(x + r / b->down * a->h * a->w * a->c, a->h, a->w, a->c,
                                             r % b->down * WINO_OUT - a->pt, j * WINO_OUT - a->pl);
            wino_input(&t, a->c, v, plane);
        }
}

/* first row of the output, over all images, that row r of tiles makes */
static int64_t row_of(const fk_attr_winograd *a, const block *b, int64_t r) {
    return r / b->down * a->oh + fk_min(a->oh, r % b->down * WINO_OUT);
}
FK_ROWS(winograd) {
    const wino_grid g = grid_of(a);
    int64_t b0, b1;
    if (a->side != 3 || g.nb * g.parts != 1) return -1;
    fk_range(g.blocks, 1, chunk, g.mb, &b0, &b1);
    const block b = block_at(a, &g, b0);
    return row_of(a, &b, fk_min(b.r0, a->n * g.down)) * a->ow;
}

static void outputs(const fk_attr_winograd *a, int quarters, const block *b, const float *m, int64_t plane, float *y,
                    const fk_ending *e, int64_t at, int64_t n) {
    int64_t right = a->oc, from = at; /* of an image of quarters, a row is two and a pixel four */
    if (quarters) {
        const int64_t c = a->oc / QUARTERS;
        from = wino_quarter_at(at / c, 2 * a->ow, c) + at % c;
        at %= c;
        right = 2 * c;
    }
    for (int64_t r = b->r0; r < b->r1; r++)
        for (int64_t j = b->j0; j < b->j1; j++, m += NR) {
            const int64_t rows = a->oh - r % b->down * WINO_OUT, columns = a->ow - j * WINO_OUT, down = a->ow * a->oc;
            float *to = y + row_of(a, b, r) * down + j * WINO_OUT * right + from;
            for (int64_t half = 0; half < n; half += VL)
                if (rows >= WINO_OUT && columns >= WINO_OUT && n - half >= VL)
                    one_output(m + half, plane, to + half, down, right, WINO_OUT, WINO_OUT, e, at + half, VL);
                else
                    one_output(m + half, plane, to + half, down, right, rows, columns, e, at + half, n - half);
        }
}

/* the epilogue, on what is finished */
static void finish(const fk_call *call, const fk_attr_winograd *a, int quarters, const block *b, int64_t n0, int64_t n1) {
    const int64_t y0 = row_of(a, b, b->r0), y1 = row_of(a, b, b->r1);
    const int64_t x0 = b->j0 * WINO_OUT, x1 = fk_min(a->ow, b->j1 * WINO_OUT), row = a->ow * a->oc;
    const int64_t c = a->oc / QUARTERS;
    if (quarters && (n1 - n0 < a->oc || x1 - x0 < a->ow))
        for (int64_t n = n0, end; n < n1; n = end) {
            end = fk_min(n1, n / c * c + c);
            for (int64_t i = y0; i < y1; i++)
                fk_epilogue_rows(call, i * row + x0 * 2 * c + wino_quarter_at(n / c, 2 * a->ow, c) + n % c, x1 - x0, 2 * c,
                                 end - n);
        }
    else if (n1 - n0 == a->oc)
        fk_epilogue_rows(call, y0 * row + x0 * a->oc, y1 - y0, row, (x1 - x0) * a->oc);
    else
        for (int64_t i = y0; i < y1; i++) fk_epilogue_rows(call, i * row + x0 * a->oc + n0, x1 - x0, a->oc, n1 - n0);
}

/* ---- what the products fetch meanwhile, since the transforms would wait for it: lists that end at f. Only where it is
 * little; where there are many channels, the transforms matter less, and L2 is full. */
#define MOST_LISTS (WINO_OUT + WINO_IN)

/* rows [i, i + rows) and columns [x0, x1) of images of w columns and c channels */
static gemm_fetch *list(gemm_fetch *f, const float *at, int64_t w, int64_t c, int64_t i, int64_t rows, int64_t x0, int64_t x1) {
    const int64_t pieces = x1 - x0 == w ? 1 : rows;
    if (rows * (x1 - x0) * c * 4 > BLOCKS.wino_fetch_kb << 10 || pieces > WINO_IN) return f;
    const int64_t lines = rows * (x1 - x0) * c / LINE / fk_max(1, pieces);
    at += (i * w + x0) * c;
    for (int64_t q = 0; q < pieces; q++, at += w * c, f++) *f = fetch_run(at, lines, f - 1);
    return f;
}

static gemm_fetch *next_outputs(const fk_attr_winograd *a, const block *b, const float *y, gemm_fetch *f) {
    const int64_t i = row_of(a, b, b->r0), rows = row_of(a, b, b->r1) - i;
    return list(f, y, a->ow, a->oc, i, rows, b->j0 * WINO_OUT, fk_min(a->ow, b->j1 * WINO_OUT));
}

static gemm_fetch *next_inputs(const fk_attr_winograd *a, const block *b, const float *x, gemm_fetch *f) {
    const int64_t first = b->r0 % b->down * WINO_OUT - a->pt, last = (b->r1 - 1) % b->down * WINO_OUT - a->pt + WINO_IN;
    const int64_t i = b->r0 / b->down * a->h + fk_max(0, fk_min(a->h, first));
    const int64_t rows = (b->r1 - 1) / b->down * a->h + fk_max(0, fk_min(a->h, last)) - i;
    const int64_t x0 = fk_max(0, b->j0 * WINO_OUT - a->pl), x1 = b->j1 * WINO_OUT - a->pl + WINO_IN - WINO_OUT;
    return list(f, x, a->w, a->c, i, rows, x0, fk_max(x0, fk_min(a->w, x1)));
}

/* ---- a chunk: blocks [b0, b1) and output channels [n0, n1) */
static void run(const fk_call *call, const fk_attr_winograd *a, const wino_quarter *quarters, const wino_grid *g, int64_t b0,
                int64_t b1, int64_t n0, int64_t n1) {
    const float *x = call->ptr[0], *w = call->ptr[1];
    float *y = call->ptr[2];
    fk_ending e;
    const fk_ending *ending = fk_ending_of(call, y, quarters && a->turned ? a->oc / QUARTERS : a->oc, &e);
    const int64_t as = row_of_channels(a->c), u_plane = odd_lines(fk_max(BLOCKS.wino_filters, BLOCKS.wino_channels * NR));
    const int stay = filters_stay(a, n1 - n0);
    float *u = (float *)call->scratch, *v = u + WINO_AT * u_plane;
    gemm_fetch lists[MOST_LISTS + 1] = {{0}};
    for (int64_t t = b0; t < b1; t++) {
        const block b = block_at(a, g, t), after = block_at(a, g, t + 1);
        const int64_t tiles = (b.r1 - b.r0) * (b.j1 - b.j0);
        const int64_t v_plane = odd_lines(tiles * as), m_plane = odd_lines(tiles * NR);
        float *m = v + WINO_AT * v_plane;
        inputs(a, quarters && !a->turned, &b, x, v, as, v_plane);
        const int few = !a->turned && !quarters && b1 - b0 == 1 && tiles <= FEW_TILES;
        gemm_fetch *f = lists + 1;
        if (t + 1 < b1) f = next_inputs(a, &after, x, f);
        if (n1 - n0 == a->oc) f = next_outputs(a, &b, y, f);
        for (int64_t n = n0; n < n1; n += NR) {
            const int64_t width = fk_min(NR, n1 - n);
            int64_t k = 0, depth = quarters && !a->turned ? a->c / QUARTERS : a->c, step;
            char begun[WINO_AT] = {0};
            do {
                step = fk_min(BLOCKS.wino_channels, depth - k % depth);
                gemm_args g = {.a.at = v + k,
                               .a.step = as,
                               .c.add = k > 0,
                               .fetch = f - 1,
                               .c.at = m,
                               .c.step = NR,
                               .m = tiles,
                               .n = width <= VL ? VL : NR,
                               .k = step};
                if (few) {
                    g.n = width;
                    few_products(&g, v_plane, m_plane, taps_at(a, w, k, n));
                    continue;
                }
                float *panel = stay ? u + (n - n0) * a->c + k * NR : u;
                const char *live = NULL;
                if (quarters) { /* the filters of a block are one quarter's, of its output channels or of its channels */
                    const int64_t of = a->turned ? a->oc / QUARTERS : depth, at = a->turned ? n : k;
                    const wino_quarter *quarter = quarters + at / of;
                    live = a->turned ? quarter->back : quarter->live;
                    const float *from = a->turned ? w + n % of * a->c + k : w + k % of * a->oc + n;
                    if (!stay || t == b0) filters_of_quarter(a, quarter, from, g.k, panel, u_plane);
                } else if (!stay || t == b0) {
                    if (a->turned)
                        filters_turned(a, w, k, g.k, n, width, panel, u_plane);
                    else
                        filters(taps_at(a, w, k, n), g.k, width, panel, u_plane);
                }
                g.b.at = panel;
                for (int64_t p = 0; p < WINO_AT; p++, g.a.at += v_plane, g.b.at += u_plane, g.c.at += m_plane) {
                    if (live && !live[p]) continue;
                    if (live) g.c.add = begun[p];
                    begun[p] = 1;
                    FK(gemm_thin)(&g);
                }
            } while ((k += step) < a->c);
            for (int64_t p = 0; quarters && p < WINO_AT; p++)
                if (!begun[p]) memset(m + p * m_plane, 0, (size_t)(tiles * NR) * sizeof *m);
            outputs(a, quarters && a->turned, &b, m, m_plane, y, ending, n, width);
        }
        if (!ending) finish(call, a, quarters && a->turned, &b, n0, n1);
    }
}

FK_KERNEL(winograd) {
    const fk_attr_winograd s = in_quarters(a);
    const wino_grid g = grid_of(&s);
    wino_quarter quarters[QUARTERS];
    if (a->side != 3) wino_quarters(a->side, a->pt, a->pl, quarters);
    for (int64_t t = ith; t < g.mb * g.nb; t += nth) {
        int64_t b0, b1, n0, n1;
        fk_range(g.blocks, 1, t / g.nb, g.mb, &b0, &b1);
        fk_range(s.oc, NR, t % g.nb, g.nb, &n0, &n1);
        run(call, &s, a->side != 3 ? quarters : NULL, &g, b0, b1, n0, n1);
    }
}

#define MOST_BYTES (FK_MOST_wino_tiles_kb << 10) /* of the transformed tiles of a block */
_Static_assert(FK_MOST_wino_channels *NR <= FK_MOST_wino_filters, "a panel fits");
_Static_assert(FK_MOST_wino_stay_kb <= FK_MOST_wino_tiles_kb && FEWEST_TILES * WINO_AT * 4 * (1024 + LINE) <= MOST_BYTES,
               "blocks of any kind are no larger");
_Static_assert(MOST_BYTES + WINO_AT * 4 * (FK_MOST_wino_filters + FK_MOST_wino_tiles * NR + 3 * LINE) <= FK_KERNEL_SCRATCH,
               "a block fits");
