/* The gradient of conv with respect to x where x has few channels, for which panels of their own would be nearly empty: one
 * product makes what every tap of a few rows of windows gives, and the sums are gathered while that is in L2. */
#include "gemm.h"

#define MOST_SHARES 4 /* of an image, each of which makes some rows of windows again; fewer of batches that have ENOUGH images */
#define ENOUGH 8
#define SOURCES 16 /* rows of windows that a row of x meets, at most */
#define SIDE 4     /* groups of pixels that are summed side by side */
#define FLUSH 4096 /* elements that wait for the epilogue */

/* rows of windows that a row of x meets */
static int64_t met(const fk_attr_conv_few_dx *a) { return fk_ceil_div(a->kh, a->sh); }
/* numbers from a window to the next */
static int64_t pitch_of(const fk_attr_conv_few_dx *a) { return gemm_panels(a->kh * a->kw * a->c) * NR; }
/* Rows of windows that are made at a time. There is room for two such bands, so that what a row of x meets is there. */
static int64_t band_of(const fk_attr_conv_few_dx *a) {
    const int64_t fits = BLOCKS.between_numbers / 2 / fk_max(1, a->ow * pitch_of(a));
    return fk_max(fk_max(1, met(a) - 1), fk_min(a->oh, fits));
}
static int64_t shares_of(const fk_attr_conv_few_dx *a) {
    const double work = (double)a->oh * a->ow * pitch_of(a) * a->oc;
    const int64_t few = fk_min(MOST_SHARES, fk_ceil_div(ENOUGH, fk_max(1, a->n)));
    const int64_t worth = fk_min(few, fk_min(a->oh / (8 * met(a)), (int64_t)(work / GEMM_GRAIN)));
    return fk_max(1, fk_min(a->h, gemm_chunks(work, worth)));
}
FK_CHUNKS(conv_few_dx) { return a->n * shares_of(a); }
FK_PARTS(conv_few_dx) {
    if (a->d * a->od * a->kd * a->dh * a->dw * a->groups != 1 || a->pf || met(a) > SOURCES) return 0;
    const int64_t over = VL + fk_max(0, a->sw - a->kw) * a->c; /* of the last window, that is read and not used */
    return GEMM_SCRATCH + 4 * (2 * band_of(a) * a->ow * pitch_of(a) + over) <= FK_KERNEL_SCRATCH;
}

/* rows of windows [first, behind) meet row q of x */
static int64_t first_of(const fk_attr_conv_few_dx *a, int64_t q) {
    return fk_max(0, fk_ceil_div(q + a->pt - a->kh + 1, a->sh));
}
static int64_t behind_of(const fk_attr_conv_few_dx *a, int64_t q) { return fk_min(a->oh, (q + a->pt) / a->sh + 1); }

/* one row of dx: row `from[s]` of windows has given, from there on, what its taps of that row do */
typedef struct {
    const float *from[SOURCES];
    int64_t sources, pitch;
    float *y;
} row_t;

/* Group g is the pixels at which window g begins: sw of them, which the windows before it meet with later taps. At the borders: */
static void edge(const fk_attr_conv_few_dx *a, const row_t *r, int64_t g) {
    for (int64_t b = 0; b < a->sw; b++) {
        const int64_t x = g * a->sw - a->pl + b;
        for (int64_t c = 0; c < a->c && x >= 0 && x < a->w; c++) {
            float sum = 0;
            for (int64_t s = 0; s < r->sources; s++)
                for (int64_t j = g, t = b; j >= 0 && t < a->kw; j--, t += a->sw)
                    if (j < a->ow) sum += r->from[s][j * r->pitch + t * a->c + c];
            r->y[x * a->c + c] = sum;
        }
    }
}

/* `count` groups from g on, numbers [e, e + n) of them, n ≤ VL: the sums of `whole` windows, and of the first `rest` numbers of one
 * more */
static inline __attribute__((always_inline)) void groups(const row_t *r, int64_t run, int64_t g, int64_t e, int64_t n,
                                                         int64_t whole, vi rest, float *y, const int count) {
    vf sum[SIDE];
    for (int i = 0; i < count; i++) sum[i] = (vf){0};
    for (int64_t s = 0; s < r->sources; s++) {
        const float *p = r->from[s] + g * r->pitch + e;
        for (int64_t o = 0; o < whole; o++, p += run - r->pitch)
            for (int i = 0; i < count; i++) sum[i] += v_load(p + i * r->pitch);
        for (int i = 0; i < count; i++) sum[i] += (vf)((vi)v_load(p + i * r->pitch) & rest);
    }
    for (int i = 0; i < count; i++) v_store_upto(y + i * run, sum[i], n);
}

static void one_row(const fk_attr_conv_few_dx *a, const row_t *r) {
    const int64_t run = a->sw * a->c, windows = fk_ceil_div(a->kw, a->sw), first = a->pl / a->sw,
                  end = (a->w - 1 + a->pl) / a->sw + 1;
    /* groups that have all of their pixels and windows */
    const int64_t lo = fk_min(end, fk_max(windows - 1, fk_ceil_div(a->pl, a->sw)));
    const int64_t hi = fk_max(lo, fk_min(fk_min(end, a->ow), (a->w + a->pl) / a->sw));
    for (int64_t g = first; g < lo; g++) edge(a, r, g);
    for (int64_t e = 0; e < run; e += VL) {
        const int64_t n = fk_min(VL, run - e), last = fk_max(0, a->kw * a->c - (windows - 1) * run - e);
        const vi rest = v_first(fk_min(last, n));
        float *y = r->y + lo * run - a->pl * a->c + e;
        int64_t g = lo;
        for (; g + SIDE <= hi; g += SIDE, y += SIDE * run) groups(r, run, g, e, n, windows - 1, rest, y, SIDE);
        for (; g < hi; g++, y += run) groups(r, run, g, e, n, windows - 1, rest, y, 1);
    }
    for (int64_t g = hi; g < end; g++) edge(a, r, g);
}

FK_KERNEL(conv_few_dx) {
    const int64_t per = shares_of(a), band = band_of(a), pitch = pitch_of(a), line = a->w * a->c;
    float *scratch = (float *)call->scratch, *each = scratch + GEMM_SCRATCH / 4;
    gemm_job j = {.as = a->oc,
                  .ldc = pitch,
                  .n = a->kh * a->kw * a->c,
                  .k = a->oc,
                  .mode = GEMM_NEAR,
                  .b = call->ptr[1],
                  .scratch = scratch};
    for (int64_t t = ith; t < a->n * per; t += nth) {
        const float *dy = (const float *)call->ptr[0] + t / per * a->oh * a->ow * a->oc;
        float *dx = (float *)call->ptr[2] + t / per * a->h * line;
        int64_t q0, q1;
        fk_range(a->h, 1, t % per, per, &q0, &q1);
        int64_t waiting = q0, made = first_of(a, q0);
        const int64_t base = made, end = q1 > q0 ? behind_of(a, q1 - 1) : 0;
        for (int64_t q = q0; q < q1; q++) {
            const int64_t behind = behind_of(a, q);
            for (; made < behind; made += band) {
                const int64_t rows = fk_min(band, end - made) * a->ow;
                j.a = dy + made * a->ow * a->oc;
                j.c = each + (made - base) / band % 2 * band * a->ow * pitch;
                j.pack = gemm_must_pack(a->oc, 0, rows, j.n, 0) ? FK(gemm_pack_rows) : NULL;
                const int64_t next = fk_max(0, fk_min(band, end - made - band)) * a->ow; /* pixels of the next band */
                gemm_fetch more = fetch_run(j.a + rows * a->oc, next * a->oc / LINE, NULL);
                more.rate = 1;
                j.beside = &more;
                FK(gemm_packed)(&j, 0, rows, 0, j.n);
            }
            row_t r = {.pitch = pitch, .y = dx + q * line};
            for (int64_t i = behind - 1; i >= first_of(a, q); i--) {
                const int64_t at = (i - base) / band % 2 * band + (i - base) % band;
                r.from[r.sources++] = each + at * a->ow * pitch + (q + a->pt - i * a->sh) * a->kw * a->c;
            }
            one_row(a, &r);
            if ((q + 1 - waiting) * line >= FLUSH || q + 1 == q1) {
                fk_epilogue(call, (t / per * a->h + waiting) * line, (q + 1 - waiting) * line);
                waiting = q + 1;
            }
        }
    }
}
