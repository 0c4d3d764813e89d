/* Rows of an image at order 0 and 1. The file that includes this defines SOURCE (the pixels' type), REAL (in which is
 * computed), RESULT (the type of y) and NAME. */
#include "warp.h"

typedef REAL four __attribute__((vector_size(4 * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));
typedef RESULT four_out __attribute__((vector_size(4 * sizeof(RESULT)), aligned(sizeof(RESULT)), may_alias));
typedef SOURCE four_in __attribute__((vector_size(4 * sizeof(SOURCE)), aligned(sizeof(SOURCE)), may_alias));
typedef int32_t words __attribute__((vector_size(16)));
typedef uint8_t bytes __attribute__((vector_size(16)));

/* the pixels between which n pixels of a row lie: the upper left one, and the distances from it */
typedef struct {
    int32_t y[WARP_BLOCK], x[WARP_BLOCK];
    REAL fy[WARP_BLOCK], fx[WARP_BLOCK];
} places;

/* where the pixels read from are, and elements from one row and pixel to the next: 0 where there is only one */
typedef struct {
    const SOURCE *x, *end;
    int64_t row, pixel;
} source;

/* ---- coordinates */
/* order 1: every coordinate comes to lie between two pixels of the image. Beyond the edge pixels' centres lies the edge
 * pixel in every mode that leaves a coordinate there. */
static void between(const warp_line *l, int mode, int32_t *start, REAL *part) {
    const double last = (double)(l->size - 1);
    const int32_t most = (int32_t)fk_max(l->size - 2, 0);
    double at[WARP_BLOCK];
    /* a coordinate grows or falls along the row: it is inside everywhere when it is at both ends */
    if (warp_inside(warp_at(l, 0), l->size) && warp_inside(warp_at(l, l->n - 1), l->size)) {
        for (int64_t j = 0; j < l->n; j++) {
            double x = warp_at(l, j);
            int32_t s = (int32_t)x;
            s = s < most ? s : most;
            start[j] = s;
            part[j] = (REAL)(x - s);
        }
        return;
    }
    for (int64_t j = 0; j < l->n; j++) at[j] = warp_at(l, j);
    if (mode != WARP_NEAREST)
        for (int64_t j = 0; j < l->n; j++)
            if (!warp_inside(at[j], l->size)) {
                at[j] = FK(warp_fold)(at[j], l->size, mode);
                if (mode == WARP_MIRROR && at[j] > last) at[j] = 2 * last - at[j];
            }
    for (int64_t j = 0; j < l->n; j++) {
        double x = at[j];
        x = x > 0 ? x : 0; /* and NaN */
        x = x < last ? x : last;
        int32_t s = (int32_t)x;
        s = s < most ? s : most;
        start[j] = s;
        part[j] = (REAL)(x - s);
    }
}

/* order 0 */
static void closest(const warp_line *l, int mode, int32_t *start) {
    for (int64_t j = 0; j < l->n; j++) {
        double x = warp_at(l, j);
        if (!warp_inside(x, l->size)) x = FK(warp_fold)(x, l->size, mode);
        x = floor(x + 0.5);
        if (!warp_inside(x, l->size))
            x = x >= -1 && x <= (double)l->size ? (double)FK(warp_fold_index)((int64_t)x, l->size, mode) : 0;
        start[j] = (int32_t)x;
    }
}

/* ---- pixels */
static inline four load4(const SOURCE *p) {
    if (sizeof *p > 1) return __builtin_convertvector(*(const four_in *)p, four);
    /* GCC 12 converts a vector of four bytes one by one: make them whole numbers by a permutation */
    int32_t bits;
    memcpy(&bits, p, sizeof bits);
    const bytes b = (bytes)(words){bits}, zero = {0};
    return __builtin_convertvector(
        (words)__builtin_shufflevector(b, zero, 0, 16, 16, 16, 1, 16, 16, 16, 2, 16, 16, 16, 3, 16, 16, 16), four);
}

static inline four blend(const SOURCE *p, const source *s, REAL fy, REAL fx) {
    four a = load4(p), b = load4(p + s->pixel), c = load4(p + s->row), d = load4(p + s->row + s->pixel);
    four upper = a + (b - a) * fx, lower = c + (d - c) * fx;
    return upper + (lower - upper) * fy;
}

/* n pixels of c channels side by side, c = 3 or 4, four values at a time */
static inline void blend_pixels(const source *s, const places *at, int64_t n, int64_t c, RESULT *y) {
    for (int64_t j = 0; j < n; j++, y += c) {
        const SOURCE *p = s->x + at->y[j] * s->row + at->x[j] * s->pixel;
        source corner = *s;
        SOURCE near[16];
        if (__builtin_expect(p + s->row + s->pixel + 4 > s->end, 0)) { /* the image ends behind the third channel */
            for (int64_t k = 0; k < c; k++) {
                near[k] = p[k];
                near[4 + k] = p[s->pixel + k];
                near[8 + k] = p[s->row + k];
                near[12 + k] = p[s->row + s->pixel + k];
            }
            for (int64_t k = c; k < 4; k++) near[k] = near[4 + k] = near[8 + k] = near[12 + k] = 0;
            p = near;
            corner.row = 8;
            corner.pixel = 4;
        }
        four_out v = __builtin_convertvector(blend(p, &corner, at->fy[j], at->fx[j]), four_out);
        if (c == 4 || j + 1 < n)
            *(four_out *)y = v; /* of three channels, the fourth value is written over by the next pixel */
        else
            memcpy(y, &v, 3 * sizeof *y);
    }
}

/* any number of channels */
static inline void blend_channels(const source *s, const places *at, int64_t n, int64_t c, RESULT *y) {
    for (int64_t j = 0; j < n; j++, y += c) {
        const SOURCE *p = s->x + at->y[j] * s->row + at->x[j] * s->pixel, *q = p + s->row;
        const REAL fy = at->fy[j], fx = at->fx[j];
        for (int64_t k = 0; k < c; k++) {
            REAL a = p[k], b = p[s->pixel + k], e = q[k], d = q[s->pixel + k];
            REAL upper = a + (b - a) * fx, lower = e + (d - e) * fx;
            y[k] = (RESULT)(upper + (lower - upper) * fy);
        }
    }
}

static inline void take_channels(const source *s, const places *at, int64_t n, int64_t c, RESULT *y) {
    for (int64_t j = 0; j < n; j++, y += c) {
        const SOURCE *p = s->x + at->y[j] * s->row + at->x[j] * s->pixel;
        for (int64_t k = 0; k < c; k++) y[k] = (RESULT)p[k];
    }
}

static void pixels(const source *s, const places *at, int64_t n, int64_t c, int64_t order, RESULT *y) {
    if (order == 0 && c == 3)
        take_channels(s, at, n, 3, y);
    else if (order == 0)
        c == 1 ? take_channels(s, at, n, 1, y) : take_channels(s, at, n, c, y);
    else if (c == 3)
        blend_pixels(s, at, n, 3, y);
    else if (c == 4)
        blend_pixels(s, at, n, 4, y);
    else
        c == 1 ? blend_channels(s, at, n, 1, y) : blend_channels(s, at, n, c, y);
}

/* n pixels in a row, the last first where `backwards` */
static inline void copy_pixels(const SOURCE *x, int64_t n, int64_t c, int backwards, RESULT *y) {
    if (!backwards) {
        for (int64_t e = 0; e < n * c; e++) y[e] = (RESULT)x[e];
        return;
    }
    for (int64_t j = 0; j < n; j++)
        for (int64_t k = 0; k < c; k++) y[j * c + k] = (RESULT)x[(n - 1 - j) * c + k];
}

/* ---- rows */
static void finish(const warp_job *job, RESULT *y, int64_t i, int64_t j, int64_t k, int64_t n) {
    if (!job->a->whole && !job->a->wide) FK(warp_standardize)(job, (float *)y, i, j, k, n);
}

/* rows without a matrix */
static void copy_rows(const warp_job *job, int64_t lo, int64_t hi) {
    const fk_attr_warp *a = job->a;
    const int what = job->image->what, backwards = what & WARP_FLIP_COLUMNS;
    const int64_t planes = a->first ? a->c : 1, c = a->first ? 1 : a->c;
    for (int64_t k = 0; k < planes; k++)
        for (int64_t i = lo; i < hi; i++) {
            const int64_t from = k * a->h + (what & WARP_FLIP_ROWS ? a->h - 1 - i : i);
            const SOURCE *x = (const SOURCE *)job->image->pixels + from * a->w * c;
            RESULT *y = (RESULT *)job->y + (k * a->h + i) * a->w * c;
            c == 1   ? copy_pixels(x, a->w, 1, backwards, y)
            : c == 3 ? copy_pixels(x, a->w, 3, backwards, y)
                     : copy_pixels(x, a->w, c, backwards, y);
            finish(job, y, i, 0, k, a->w * c);
        }
}

void NAME(const warp_job *job, int64_t lo, int64_t hi) {
    const fk_attr_warp *a = job->a;
    const fk_warp_image *image = job->image;
    if (!(image->what & WARP_MATRIX)) {
        copy_rows(job, lo, hi);
        return;
    }
    const int mode = (int)a->mode;
    const int64_t planes = a->first ? a->c : 1, c = a->first ? 1 : a->c;
    const double *m = image->matrix;
    double steps[2][WARP_BLOCK];
    places at;
    for (int64_t j = 0; j < a->w; j += WARP_BLOCK) {
        const int64_t n = fk_min(WARP_BLOCK, a->w - j);
        for (int64_t b = 0; b < n; b++) {
            const double column = (double)(image->what & WARP_FLIP_COLUMNS ? a->w - 1 - j - b : j + b);
            steps[0][b] = warp_rounded(column * m[1]);
            steps[1][b] = warp_rounded(column * m[3]);
        }
        for (int64_t i = lo; i < hi; i++) {
            const double row = (double)(image->what & WARP_FLIP_ROWS ? a->h - 1 - i : i);
            warp_line ly = {steps[0], image->offset[0] + warp_rounded(row * m[0]), n, a->h};
            warp_line lx = {steps[1], image->offset[1] + warp_rounded(row * m[2]), n, a->w};
            int64_t from = 0, to = n;
            if (mode == WARP_CONSTANT) { /* the pixels inside follow one another */
#define OUTSIDE(b) (!warp_inside(warp_at(&ly, b), a->h) || !warp_inside(warp_at(&lx, b), a->w))
                while (from < n && OUTSIDE(from)) from++;
                while (to > from && OUTSIDE(to - 1)) to--;
#undef OUTSIDE
                ly.step += from;
                lx.step += from;
                ly.n = lx.n = to - from;
            }
            if (to > from && a->order == 0) {
                closest(&ly, mode, at.y);
                closest(&lx, mode, at.x);
            } else if (to > from) {
                between(&ly, mode, at.y, at.fy);
                between(&lx, mode, at.x, at.fx);
            }
            for (int64_t k = 0; k < planes; k++) {
                const SOURCE *x = (const SOURCE *)image->pixels + k * a->h * a->w;
                const source s = {x, x + a->h * a->w * c, a->h > 1 || a->order == 0 ? a->w * c : 0,
                                  a->w > 1 || a->order == 0 ? c : 0};
                RESULT *y = (RESULT *)job->y + ((k * a->h + i) * a->w + j) * c;
                for (int64_t e = 0; e < from * c; e++) y[e] = (RESULT)a->cval;
                pixels(&s, &at, to - from, c, a->order, y + from * c);
                for (int64_t e = to * c; e < n * c; e++) y[e] = (RESULT)a->cval;
                finish(job, y, i, j, k, n * c);
            }
        }
    }
}
