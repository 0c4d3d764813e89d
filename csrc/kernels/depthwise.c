/* Depthwise convolution, channels_last, and its gradient for x. Vectors run over the channels; a block of neighbouring
 * pixels shares every weight that is loaded. A tap outside x is left out, so borders cost no copy. */
#include "depthwise.h"
#include "ending.h"
#include "gemm.h"

#define DEPTHWISE_GRAIN (1 << 17) /* multiply-adds per chunk: 2 to 5 µs, so that two threads share the 7 × 7 images of a batch of one */
#define INLINE static inline __attribute__((always_inline))

/* sums over nr × nt taps; all steps in floats */
typedef struct {
    int64_t nr, nt, xr, xt, wr, wt;
    int64_t xp, yp; /* from one pixel of the block to the next */
    const fk_ending *ending; /* of y, or NULL */
    int64_t channel;         /* its channel where y, x and w point to */
} sum_t;

/* np pixels × nv vectors from channel k on, the last (and only) of n <= VL elements */
INLINE void block(const sum_t *s, float *y, const float *x, const float *w, int64_t k0, int64_t nt, int np, int nv, int64_t n) {
    vf acc[8][2];
    y += k0, x += k0, w += k0;
    for (int p = 0; p < np; p++)
        for (int v = 0; v < nv; v++) acc[p][v] = (vf){0};
    for (int64_t r = 0; r < s->nr; r++) {
        const float *xr = x + r * s->xr, *wr = w + r * s->wr;
        for (int64_t t = 0; t < nt; t++, xr += s->xt, wr += s->wt) {
            vf k[2];
            for (int v = 0; v < nv; v++) k[v] = v_load_upto(wr + v * VL, n);
            for (int p = 0; p < np; p++)
                for (int v = 0; v < nv; v++) acc[p][v] += v_load_upto(xr + p * s->xp + v * VL, n) * k[v];
        }
    }
    if (s->ending)
        for (int v = 0; v < nv; v++) fk_end(s->ending, acc[0] + v, 2, np, np, y + v * VL, s->yp, s->channel + k0 + v * VL, n);
    for (int p = 0; p < np; p++)
        for (int v = 0; v < nv; v++) v_store_upto(y + p * s->yp + v * VL, acc[p][v], n);
}

/* The same where pixels are as far apart as taps (way 1 or, taps going back, -1) or twice as far (way 2): what is
 * loaded serves every pixel whose window holds it. Every sum goes through its taps in the same order as above. So many
 * columns on the left and on the right, at most half a window, are outside x, and their taps left out. */
INLINE void slide(const sum_t *s, float *y, const float *x, const float *w, int64_t k0, int nt, int np, int way, int64_t left,
                  int64_t right, int64_t n) {
    vf acc[8];
    y += k0, x += k0, w += k0;
    const int64_t step = way < 0 ? -s->xt : s->xt, xr = s->xr, wr = s->wr, wt = s->wt, yp = s->yp;
    const int count = (np - 1) * (way < 0 ? 1 : way) + nt;
    UNROLL_FOR (int p = 0; p < np; p++) acc[p] = (vf){0};
    if (way < 0) x += (np - 1) * step;
    for (int64_t r = s->nr; r > 0; r--, x += xr, w += wr) {
        vf k[5];
        UNROLL_FOR (int t = 0; t < nt; t++) k[t] = v_load_upto(w + t * wt, n);
        const float *from = x;
        UNROLL_FOR (int q = 0; q < count; q++, from += way < 0 ? -step : step) {
            if ((q < nt / 2 && q < left) || (q >= count - nt / 2 && q >= count - right)) continue;
            const int at = way < 0 ? np - 1 - q : q;
            const vf in = v_keep(v_load_upto(from, n));
            UNROLL_FOR (int t = 0; t < nt; t++) {
                const int p = way < 0 ? at + t : (at - t) / way;
                if ((way < 0 || p * way + t == at) && p >= 0 && p < np) acc[p] += in * k[t];
            }
        }
    }
    if (s->ending) fk_end(s->ending, acc, 1, np, np, y, yp, s->channel + k0, n);
    UNROLL_FOR (int p = 0; p < np; p++, y += yp) v_store_upto(y, acc[p], n);
}

INLINE void one(const sum_t *s, float *y, const float *x, const float *w, int64_t k, int64_t nt, int np, int nv, int way,
                int64_t n) {
    if (way)
        slide(s, y, x, w, k, (int)nt, np, way, 0, 0, n);
    else
        block(s, y, x, w, k, nt, np, nv, n);
}
/* all channels of a block; the last vector overlaps its neighbour where it would stick out */
INLINE void channels(const sum_t *s, float *y, const float *x, const float *w, int64_t nt, int np, int way, int64_t c) {
    int64_t k = 0;
    if (c < VL) {
        one(s, y, x, w, 0, nt, np, 1, way, c);
        return;
    }
    for (; !way && k + 2 * VL <= c; k += 2 * VL) one(s, y, x, w, k, nt, np, 2, way, VL);
    for (; k < c; k += VL) {
        k = fk_min(k, c - VL);
        one(s, y, x, w, k, nt, np, 1, way, VL);
    }
}

INLINE void pixels_of(const sum_t *s, float *y, const float *x, const float *w, int64_t nt, int way, int64_t n, int64_t c) {
    int64_t p = 0;
#define STEP(np)                                                          \
    {                                                                     \
        channels(s, y + p * s->yp, x + p * s->xp, w, nt, np, way, c);     \
        p += np;                                                          \
    }
    while (way && n - p >= 8) STEP(8)
    while (n - p >= 4) STEP(4)
    if (n - p >= 2) STEP(2)
    if (n - p >= 1) STEP(1)
#undef STEP
}
static void pixels(const sum_t *s, float *y, const float *x, const float *w, int64_t n, int64_t c) {
    int way = n < 2 ? 0 : s->xt == s->xp ? 1 : s->xt == -s->xp ? -1 : s->xt * 2 == s->xp ? 2 : 0;
    if (s->nt == 3 && way == 1)
        pixels_of(s, y, x, w, 3, 1, n, c);
    else if (s->nt == 5 && way == 1)
        pixels_of(s, y, x, w, 5, 1, n, c);
    else if (s->nt == 3 && way == -1)
        pixels_of(s, y, x, w, 3, -1, n, c);
    else if (s->nt == 5 && way == -1)
        pixels_of(s, y, x, w, 5, -1, n, c);
    else if (s->nt == 2 && way == -1)
        pixels_of(s, y, x, w, 2, -1, n, c);
    else if (s->nt == 3 && way == 2)
        pixels_of(s, y, x, w, 3, 2, n, c);
    else if (s->nt == 5 && way == 2)
        pixels_of(s, y, x, w, 5, 2, n, c);
    else
        pixels_of(s, y, x, w, s->nt, 0, n, c);
}

/* the elements [p0, p1) of one row of the result, c channels of them. x: column 0 of the first row that is read (the
 * rows are s->nr, s->xr apart), pixels xstep apart; w: the first row's taps, wstep apart */
static void row(const axis_t *a, sum_t s, float *y, int64_t ystep, const float *x, int64_t xstep, const float *w, int64_t wstep,
                int64_t p0, int64_t p1, int64_t c) {
    s.xp = a->advance * xstep;
    s.yp = a->step * ystep;
    for (int64_t phase = 0; phase < a->step && p0 + phase < p1; phase++)
        for (int64_t p = p0 + phase, n; p < p1; p += n * a->step) {
            taps_t t = axis_taps(a, p);
            n = fk_min(t.same, fk_ceil_div(p1 - p, a->step));
            s.nt = t.n;
            s.xt = t.istep * xstep;
            s.wt = t.kstep * wstep;
            pixels(&s, y + p * ystep, x + t.i * xstep, w + t.k * wstep, n, c);
        }
}

/* The usual windows, of 3 or 5 neighbouring taps and stride 1 or 2, that reach over the borders by less than their half:
 * about equal blocks of up to 8 pixels, those at the borders as fast as any. np pixels, all channels: */
INLINE void edged(const sum_t *s, float *y, const float *x, const float *w, int nt, int np, int way, int64_t left,
                  int64_t right, int64_t c) {
    if (c < VL) slide(s, y, x, w, 0, nt, np, way, left, right, c);
    for (int64_t k = 0; c >= VL && k < c; k += VL) {
        k = fk_min(k, c - VL);
        slide(s, y, x, w, k, nt, np, way, left, right, VL);
    }
}
typedef void (*edged_fn)(const sum_t *s, float *y, const float *x, const float *w, int64_t left, int64_t right, int64_t c);
#define EDGED(np, nt, way)                                                                                             \
    static void edged_##np##_##nt##_##way(const sum_t *s, float *y, const float *x, const float *w, int64_t left,      \
                                          int64_t right, int64_t c) {                                                  \
        edged(s, y, x, w, nt, np, way, left, right, c);                                                                \
    }
#define EACH(X, nt, way) \
    X(1, nt, way) X(2, nt, way) X(3, nt, way) X(4, nt, way) X(5, nt, way) X(6, nt, way) X(7, nt, way) X(8, nt, way)
#define NAME(np, nt, way) edged_##np##_##nt##_##way,
/* clang-format off */
EACH(EDGED, 3, 1) EACH(EDGED, 3, 2) EACH(EDGED, 5, 1) EACH(EDGED, 5, 2)
static const edged_fn edged_blocks[2][2][8] = {{{EACH(NAME, 3, 1)}, {EACH(NAME, 3, 2)}},
                                               {{EACH(NAME, 5, 1)}, {EACH(NAME, 5, 2)}}};
/* clang-format on */

/* as row, where the windows are such; returns whether they were */
static int row_edged(const axis_t *a, sum_t s, float *y, int64_t ystep, const float *x, int64_t xstep, const float *w,
                     int64_t wstep, int64_t p0, int64_t p1, int64_t c) {
    const int64_t k = a->k, stride = a->stride, half = k / 2;
    if (a->back || a->dilation != 1 || (k != 3 && k != 5) || stride > 2 || p1 <= p0) return 0;
    if (a->pad - p0 * stride > half || (p1 - 1) * stride - a->pad + k - a->size > half) return 0;
    s.nt = k;
    s.xt = xstep;
    s.wt = wstep;
    s.xp = stride * xstep;
    s.yp = ystep;
    const int64_t blocks = fk_ceil_div(p1 - p0, 8);
    for (int64_t b = 0; b < blocks; b++) {
        const int64_t lo = p0 + (p1 - p0) * b / blocks, hi = p0 + (p1 - p0) * (b + 1) / blocks;
        const int64_t first = lo * stride - a->pad, end = (hi - 1) * stride - a->pad + k;
        edged_blocks[k == 5][stride - 1][hi - lo - 1](&s, y + lo * ystep, x + first * xstep, w, fk_max(0, -first),
                                                      fk_max(0, end - a->size), c);
    }
    return 1;
}

/* Two rows of y at once, of a 3 × 3 window of stride 1: a row of x serves both, and their sums depend on each other half as
 * often, so that a processor need not look as far ahead for multiply-adds that are ready. 2 × np sums, the weights of two rows
 * of the window and one vector of x fit the registers. Every sum goes through its taps in the order of the others above. */
#if VL == 16 || defined(__aarch64__)
#define TWO_MOST 8
#else
#define TWO_MOST 4
#endif
typedef struct {
    int left, right, above, below; /* whether the first and the last column, and row, of four rows of x are outside it */
} outside_t;
INLINE void slide_two(const sum_t *s, float *y, const float *x, const float *w, int64_t k0, int np, outside_t out, int64_t yr,
                      int64_t n) {
    vf acc[2][TWO_MOST], k[2][3];
    y += k0, x += k0, w += k0;
    const int64_t step = s->xt, xr = s->xr, wr = s->wr, wt = s->wt, yp = s->yp;
    UNROLL_FOR (int p = 0; p < np; p++) acc[0][p] = acc[1][p] = (vf){0};
    UNROLL_FOR (int i = 0; i < 4; i++, x += xr) {
        if (i < 3) {
            UNROLL_FOR (int t = 0; t < 3; t++) k[i % 2][t] = v_keep(v_load_upto(w + t * wt, n));
            w += wr;
        }
        if ((i == 0 && out.above) || (i == 3 && out.below)) continue;
        const float *from = x;
        UNROLL_FOR (int q = 0; q < np + 2; q++, from += step) {
            if ((q == 0 && out.left) || (q == np + 1 && out.right)) continue;
            const vf in = v_keep(v_load_upto(from, n));
            UNROLL_FOR (int t = 0; t < 3; t++) {
                const int p = q - t;
                if (p < 0 || p >= np) continue;
                if (i < 3) acc[0][p] += in * k[i % 2][t];
                if (i > 0) acc[1][p] += in * k[1 - i % 2][t];
            }
        }
    }
    UNROLL_FOR (int j = 0; j < 2; j++, y += yr) {
        if (s->ending) fk_end(s->ending, acc[j], 1, np, np, y, yp, s->channel + k0, n);
        UNROLL_FOR (int p = 0; p < np; p++) v_store_upto(y + p * yp, acc[j][p], n);
    }
}
typedef void (*two_fn)(const sum_t *s, float *y, const float *x, const float *w, outside_t out, int64_t yr, int64_t c);
#define TWO(np)                                                                                                        \
    static void two_##np(const sum_t *s, float *y, const float *x, const float *w, outside_t out, int64_t yr, int64_t c) { \
        if (c < VL) slide_two(s, y, x, w, 0, np, out, yr, c);                                                          \
        for (int64_t k = 0; c >= VL && k < c; k += VL) {                                                               \
            k = fk_min(k, c - VL);                                                                                     \
            slide_two(s, y, x, w, k, np, out, yr, VL);                                                                 \
        }                                                                                                              \
    }
/* clang-format off */
TWO(1) TWO(2) TWO(3) TWO(4)
#if TWO_MOST == 8
TWO(5) TWO(6) TWO(7) TWO(8)
static const two_fn two_blocks[] = {two_1, two_2, two_3, two_4, two_5, two_6, two_7, two_8};
#else
static const two_fn two_blocks[] = {two_1, two_2, two_3, two_4};
#endif
/* clang-format on */

static int has_twos(const fk_attr_depthwise *a) {
    return a->mult == 1 && a->kh == 3 && a->kw == 3 && a->sh == 1 && a->sw == 1 && a->dh == 1 && a->dw == 1;
}

/* Rows r and r + 1 of the oh of y, whole, of windows that have twos, where there are two rows and none of these windows lies further
 * out than by one; returns whether they were. x: of the first row of the image, w: of the first tap. */
static int rows_two(const axis_t *v, const axis_t *a, const sum_t *s, float *y, int64_t yr, const float *x, const float *w,
                    int64_t r, int64_t oh, int64_t ow, int64_t c) {
    const int64_t first = r - v->pad, above = -first, below = first + 4 - v->size, right = ow - a->pad + 2 - a->size;
    if (r + 1 >= oh || above > 1 || below > 1 || a->pad > 1 || right > 1) return 0;
    const int64_t blocks = fk_ceil_div(ow, TWO_MOST);
    for (int64_t b = 0; b < blocks; b++) {
        const int64_t lo = ow * b / blocks, hi = ow * (b + 1) / blocks;
        const outside_t out = {b == 0 && a->pad == 1, b + 1 == blocks && right == 1, above == 1, below == 1};
        two_blocks[hi - lo - 1](s, y + lo * s->yp, x + first * s->xr + (lo - a->pad) * s->xt, w, out, yr, c);
    }
    return 1;
}

/* ---- forward */
void FK(depthwise_repeat)(float *y, const float *x, int64_t n, int64_t xstep, int64_t c, int64_t mult) {
    for (; n > 0; n--, x += xstep, y += c * mult) {
        float *restrict to = y;
        const float *restrict from = x;
        if (mult == 2)
            for (int64_t i = 0; i < c; i++) to[2 * i] = to[2 * i + 1] = from[i];
        else if (mult == 4)
            for (int64_t i = 0; i < c; i++) to[4 * i] = to[4 * i + 1] = to[4 * i + 2] = to[4 * i + 3] = from[i];
        else
            for (int64_t i = 0; i < c; i++)
                for (int64_t m = 0; m < mult; m++) to[i * mult + m] = from[i];
    }
}

/* one row of y when every channel of x has several */
static void row_mult(const fk_attr_depthwise *a, const axis_t *ax, sum_t s, float *y, const float *x, const float *w,
                     float *scratch) {
    int64_t cm = a->c * a->mult;
    piece_t piece = depthwise_piece(a->c, a->mult, a->ow, a->kh, a->kw, a->sw, a->dw);
    for (int64_t c = 0; piece.channels && c < a->c; c += piece.channels)
        for (int64_t p = 0; p < a->ow; p += piece.columns) {
            int64_t nc = fk_min(piece.channels, a->c - c), p1 = fk_min(a->ow, p + piece.columns), nl = nc * a->mult;
            int64_t i0 = fk_max(0, p * a->sw - a->pl);
            int64_t n = fk_max(0, fk_min(a->w, (p1 - 1) * a->sw - a->pl + (a->kw - 1) * a->dw + 1) - i0);
            for (int64_t r = 0; r < s.nr; r++)
                FK(depthwise_repeat)(scratch + r * n * nl, x + r * s.xr + i0 * a->c + c, n, a->c, nc, a->mult);
            sum_t q = s;
            q.xr = n * nl;
            row(ax, q, y + c * a->mult, cm, scratch - i0 * nl, nl, w + c * a->mult, cm, p, p1, nl);
        }
    if (piece.channels) return;
    for (int64_t p = 0; p < a->ow; p++) { /* a kernel too large for scratch */
        taps_t t = axis_taps(ax, p);
        for (int64_t l = 0; l < cm; l++) {
            float sum = 0;
            for (int64_t r = 0; r < s.nr; r++)
                for (int64_t k = 0; k < t.n; k++)
                    sum += x[r * s.xr + (t.i + k * t.istep) * a->c + l / a->mult] * w[r * s.wr + (t.k + k) * cm + l];
            y[p * cm + l] = sum;
        }
    }
}

/* pixels of x that a row of y reads, some of which the next one reads again; two rows at once gain nothing by it */
static int64_t near_pixels(const fk_attr_depthwise *a) { return has_twos(a) ? 0 : a->kh * a->w; }

/* Shares of y: rows, in pairs where two are made at once. Where these are few, and an odd number (an image of 14 rows has seven
 * pairs) or of a small image, they are of halves of the channels too, so that two threads have as much to do. Which vary
 * faster is as with the products around (gemm_share): a thread takes neighbouring chunks, and L2 then has what it made of the
 * step before. */
typedef struct {
    int64_t unit, rows, sides;
    int by_rows;
} shares_t;
static shares_t shares_of(const fk_attr_depthwise *a) {
    const int twos = has_twos(a);
    const int64_t pixels = a->n * a->oh * a->ow;
    shares_t s = {1 + twos, 1, 1, !gemm_by_columns(pixels, gemm_reach(pixels))};
    const int64_t work = s.unit * a->ow * a->c * a->mult * a->kh * a->kw;
    s.rows = fk_split(fk_ceil_div(a->n * a->oh, s.unit), DEPTHWISE_GRAIN / fk_max(1, work));
    if (twos && s.rows > 1 && s.rows < 16 && a->c >= 128 && (s.rows % 2 || !s.by_rows)) {
        if (!s.by_rows) s.rows = fk_ceil_div(s.rows, 2);
        s.sides = 2;
    }
    return s;
}

FK_CHUNKS(depthwise) {
    const shares_t s = shares_of(a);
    return s.rows * s.sides;
}
FK_ONE_PART(depthwise)
FK_ROWS(depthwise) {
    const shares_t s = shares_of(a);
    int64_t lo, hi;
    fk_range(a->n * a->oh, s.unit, chunk, s.rows, &lo, &hi);
    return s.sides > 1 ? -1 : lo * a->ow;
}

/* where a convolution's images come from and go to, and its first tap */
typedef struct {
    const float *x, *w;
    float *y;
} places_t;
/* the rows [r0, r1) of all images, channels [k, k + c) of them, or all where mult > 1; turned: by the taps from the last to the
 * first */
static void some_rows(const fk_attr_depthwise *a, places_t at, float *scratch, int turned, const fk_ending *ending, int64_t r0,
                      int64_t r1, int64_t k, int64_t c) {
    const int64_t cm = a->c * a->mult, xrow = a->w * a->c, yrow = a->ow * cm, wstep = turned ? -cm : cm;
    const float *taps = at.w + (turned ? (a->kh * a->kw - 1) * cm : 0) + k;
    const axis_t av = axis_forward(a->h, a->kh, a->sh, a->dh, a->pt), ah = axis_forward(a->w, a->kw, a->sw, a->dw, a->pl);
    const int twos = has_twos(a);
    for (int64_t r = r0; r < r1; r++) {
        const float *image = at.x + r / a->oh * a->h * xrow + k;
        float *y = at.y + r * yrow + k;
        sum_t s = {.xr = xrow, .xt = a->c, .wr = a->kw * wstep, .wt = wstep, .yp = cm, .ending = ending, .channel = k};
        if (twos && r + 1 < r1 && rows_two(&av, &ah, &s, y, yrow, image, taps, r % a->oh, a->oh, a->ow, c)) {
            r++;
            continue;
        }
        const taps_t t = axis_taps(&av, r % a->oh);
        const float *x = image + t.i * xrow, *w = taps + t.k * a->kw * wstep;
        s.nr = t.n;
        s.xr *= t.istep;
        s.wr *= t.kstep;
        if (a->mult > 1)
            row_mult(a, &ah, s, y, x, w, scratch);
        else if (!row_edged(&ah, s, y, cm, x, a->c, w, wstep, 0, a->ow, c))
            row(&ah, s, y, cm, x, a->c, w, wstep, 0, a->ow, c);
    }
}

void FK(depthwise_rows)(const fk_attr_depthwise *a, const fk_ending *ending, const float *x, const float *w, float *y,
                        int64_t r0, int64_t r1) {
    const int64_t width = depthwise_channels(a->c, a->kh * a->kw, near_pixels(a));
    for (int64_t k = 0; k < a->c; k += width)
        some_rows(a, (places_t){x, w, y}, NULL, 0, ending, r0, r1, k, fk_min(width, a->c - k));
}
int64_t FK(depthwise_unit)(const fk_attr_depthwise *a) { return 1 + has_twos(a); }

static void forward(const fk_call *call, const fk_attr_depthwise *a, int turned, int64_t ith, int64_t nth) {
    const shares_t shares = shares_of(a);
    const int64_t c = a->c, yrow = a->ow * c * a->mult, half = shares.sides == 1 ? c : (c / 2 + 15) / 16 * 16;
    const int64_t group = fk_max(1, BLOCKS.depthwise_numbers / fk_max(1, yrow) / shares.unit) * shares.unit;
    fk_ending e;
    const fk_ending *ending = a->mult == 1 ? fk_ending_of(call, call->ptr[2], c, &e) : NULL;
    const places_t at = {call->ptr[0], call->ptr[1], call->ptr[2]};
    for (int64_t t = ith; t < shares.rows * shares.sides; t += nth) {
        const int64_t side = shares.by_rows ? t % shares.sides : t / shares.rows;
        const int64_t part = shares.by_rows ? t / shares.sides : t % shares.rows;
        const int64_t k0 = side * half, k1 = fk_min(c, k0 + half);
        const int64_t width = a->mult == 1 ? depthwise_channels(k1 - k0, a->kh * a->kw, near_pixels(a)) : c;
        int64_t lo, hi;
        fk_range(a->n * a->oh, shares.unit, part, shares.rows, &lo, &hi);
        for (int64_t r0 = lo; r0 < hi; r0 += group) {
            const int64_t r1 = fk_min(hi, r0 + group);
            for (int64_t k = k0; k < k1; k += width)
                some_rows(a, at, (float *)call->scratch, turned, ending, r0, r1, k, fk_min(width, k1 - k));
            if (ending) continue;
            if (shares.sides == 1)
                fk_epilogue(call, r0 * yrow, (r1 - r0) * yrow);
            else
                fk_epilogue_rows(call, r0 * yrow + k0, (r1 - r0) * a->ow, c, k1 - k0);
        }
    }
}
FK_KERNEL(depthwise) { forward(call, a, 0, ith, nth); }

/* ---- gradient for x: the same sums over the taps that read an element, then over the outputs of its channel */
#define DEPTHWISE_LANES 4096 /* of scratch, per pixel */
static void row_fold(const fk_attr_depthwise_dx *a, const axis_t *ax, sum_t s, float *dx, const float *dy, const float *w,
                     float *scratch) {
    int64_t cm = a->c * a->mult;
    memset(dx, 0, (size_t)(a->w * a->c) * 4);
    for (int64_t p0 = 0; p0 < a->w; p0 += 16)
        for (int64_t l0 = 0; l0 < cm; l0 += DEPTHWISE_LANES) {
            int64_t p1 = fk_min(a->w, p0 + 16), nl = fk_min(DEPTHWISE_LANES, cm - l0);
            row(ax, s, scratch - p0 * nl, nl, dy + l0, cm, w + l0, cm, p0, p1, nl);
            for (int64_t p = p0; p < p1; p++) {
                const float *from = scratch + (p - p0) * nl;
                float *to = dx + p * a->c + l0 / a->mult;
                for (int64_t l = 0, m = l0 % a->mult; l < nl; l++) {
                    *to += from[l];
                    if (++m == a->mult) {
                        m = 0;
                        to++;
                    }
                }
            }
        }
}

/* Whether it is the convolution of dy by the taps turned, of stride 1; then *f is what it has for attributes. */
static int is_forward(const fk_attr_depthwise_dx *a, fk_attr_depthwise *f) {
    *f = (fk_attr_depthwise){
        a->n, a->oh, a->ow, a->c, a->h, a->w, 1, a->kh, a->kw, 1, 1, 1, 1, a->kh - 1 - a->pt, a->kw - 1 - a->pl};
    return a->mult == 1 && a->sh == 1 && a->sw == 1 && a->dh == 1 && a->dw == 1;
}

FK_CHUNKS(depthwise_dx) {
    fk_attr_depthwise f;
    if (is_forward(a, &f)) return depthwise_chunks(&f);
    int64_t macs = a->w * a->c * a->mult * fk_ceil_div(a->kh, fk_max(1, a->sh)) * fk_ceil_div(a->kw, fk_max(1, a->sw));
    return fk_split(a->n * a->h, DEPTHWISE_GRAIN / fk_max(1, macs));
}
FK_ONE_PART(depthwise_dx)
FK_ROWS(depthwise_dx) {
    fk_attr_depthwise f;
    int64_t lo, hi;
    if (is_forward(a, &f)) return depthwise_first_row(&f, chunk);
    fk_range(a->n * a->h, 1, chunk, depthwise_dx_chunks(a), &lo, &hi);
    return lo * a->w;
}
FK_KERNEL(depthwise_dx) {
    fk_attr_depthwise f;
    if (is_forward(a, &f)) {
        forward(call, &f, 1, ith, nth);
        return;
    }
    int64_t c = a->c, cm = c * a->mult, xrow = a->w * c, yrow = a->ow * cm, lo, hi;
    int64_t group = fk_max(1, BLOCKS.depthwise_numbers / fk_max(1, xrow));
    int64_t width = a->mult == 1 ? depthwise_channels(c, a->kh * a->kw, 0) : c;
    axis_t av = axis_backward(a->oh, a->kh, a->sh, a->dh, a->pt), ah = axis_backward(a->ow, a->kw, a->sw, a->dw, a->pl);
    fk_range(a->n * a->h, 1, ith, nth, &lo, &hi);
    for (int64_t r0 = lo; r0 < hi; r0 += group) {
        int64_t r1 = fk_min(hi, r0 + group);
        for (int64_t k = 0; k < c; k += width)
            for (int64_t r = r0; r < r1; r++) {
                taps_t t = axis_taps(&av, r % a->h);
                sum_t s = {.nr = t.n, .xr = t.istep * yrow, .wr = t.kstep * a->kw * cm};
                const float *dy = (const float *)call->ptr[0] + (r / a->h * a->oh + t.i) * yrow + k;
                const float *w = (const float *)call->ptr[1] + t.k * a->kw * cm + k;
                float *dx = (float *)call->ptr[2] + r * xrow + k;
                if (a->mult == 1)
                    row(&ah, s, dx, c, dy, c, w, c, 0, a->w, fk_min(width, c - k));
                else
                    row_fold(a, &ah, s, dx, dy, w, (float *)call->scratch);
            }
        fk_epilogue(call, r0 * xrow, (r1 - r0) * xrow);
    }
}
