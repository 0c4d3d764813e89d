/* The plainest loops that say what each kernel computes, in double; and memory and numbers for the self-test. */
#ifndef NAIVE_H
#define NAIVE_H
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* memory with nothing behind it, so that a sanitizer sees what is read or written past its end; all is freed when the next
 * round begins */
static void *taken[100000];
static int ntaken;
static uint64_t state;
static inline void restart(void) {
    while (ntaken) free(taken[--ntaken]);
    state = 1;
}
static inline void *take(int64_t bytes, int filling) {
    void *p = NULL;
    if (ntaken == 100000 || posix_memalign(&p, 64, bytes ? (size_t)bytes : 1)) exit(100);
    memset(p, filling, (size_t)bytes);
    return taken[ntaken++] = p;
}
static inline double *zeros(int64_t n) { return take(8 * n, 0); }
/* all NaN, so that what a kernel leaves out shows */
static inline float *outputs(int64_t n) { return take(4 * n, 0xff); }
static inline uint64_t fingerprint(const float *x, int64_t n) {
    uint64_t hash = 14695981039346656037u;
    const unsigned char *bytes = (const unsigned char *)x;
    for (int64_t i = 0; i < 4 * n; i++) hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash;
}
/* between -1 and 1 */
static inline float *numbers(int64_t n) {
    float *x = outputs(n);
    for (int64_t i = 0; i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        x[i] = (float)(int32_t)(state >> 32) / 2147483648.0f;
    }
    return x;
}

static inline void naive_matmul(const float *a, const float *b, double *c, int64_t m, int64_t n, int64_t k, int ta, int tb) {
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++)
            for (int64_t p = 0; p < k; p++)
                c[i * n + j] += (double)(ta ? a[p * m + i] : a[i * k + p]) * (tb ? b[j * k + p] : b[p * n + j]);
}

/* the attributes of windows over volumes */
typedef struct {
    int64_t n, h, w, c, oh, ow, oc, kh, kw, sh, sw, dh, dw, pt, pl, groups;
    int64_t d, od, kd, sd, dd, pf; /* their depth */
} window;

#define IMAGE(...) ((window){__VA_ARGS__, 1, 1, 1, 1, 1, 0}) /* a volume of one slice */

/* y of x and w; the gradients of x and w of dy */
static inline void naive_conv(const window *v, const float *x, const float *w, const float *dy, double *y, double *dx,
                              double *dw) {
    int64_t cg = v->c / v->groups, og = v->oc / v->groups;
    for (int64_t r = 0; r < v->n * v->od * v->oh * v->ow; r++)
        for (int64_t t = 0; t < v->kd * v->kh * v->kw; t++) {
            int64_t ox = r % v->ow, oy = r / v->ow % v->oh, oz = r / v->ow / v->oh % v->od, n = r / v->ow / v->oh / v->od;
            int64_t ix = ox * v->sw - v->pl + t % v->kw * v->dw, iy = oy * v->sh - v->pt + t / v->kw % v->kh * v->dh;
            int64_t iz = oz * v->sd - v->pf + t / v->kw / v->kh * v->dd;
            if (iz < 0 || iz >= v->d || iy < 0 || iy >= v->h || ix < 0 || ix >= v->w) continue;
            for (int64_t o = 0; o < v->oc; o++)
                for (int64_t c = 0; c < cg; c++) {
                    int64_t i = (((n * v->d + iz) * v->h + iy) * v->w + ix) * v->c + o / og * cg + c;
                    int64_t k = (t * cg + c) * v->oc + o, j = r * v->oc + o;
                    y[j] += (double)x[i] * w[k];
                    dx[i] += (double)dy[j] * w[k];
                    dw[k] += (double)x[i] * dy[j];
                }
        }
}

static inline void naive_pool(const window *v, int average, const float *x, const float *dy, double *y, double *dx) {
    for (int64_t i = 0; i < v->n * v->d * v->h * v->w * v->c; i++) dx[i] = 0;
    for (int64_t r = 0; r < v->n * v->od * v->oh * v->ow; r++)
        for (int64_t c = 0; c < v->c; c++) {
            int64_t j = r * v->c + c, inside[64], count = 0, best = 0;
            int64_t ox = r % v->ow, oy = r / v->ow % v->oh, oz = r / v->ow / v->oh % v->od, n = r / v->ow / v->oh / v->od;
            double sum = 0;
            for (int64_t t = 0; t < v->kd * v->kh * v->kw; t++) {
                int64_t ix = ox * v->sw - v->pl + t % v->kw, iy = oy * v->sh - v->pt + t / v->kw % v->kh;
                int64_t iz = oz * v->sd - v->pf + t / v->kw / v->kh;
                if (iz >= 0 && iz < v->d && iy >= 0 && iy < v->h && ix >= 0 && ix < v->w)
                    inside[count++] = (((n * v->d + iz) * v->h + iy) * v->w + ix) * v->c + c;
            }
            for (int64_t k = 0; k < count; k++) {
                sum += x[inside[k]];
                if (x[inside[k]] > x[inside[best]]) best = k;
            }
            y[j] = average ? sum / (double)count : x[inside[best]];
            for (int64_t k = 0; k < count; k++) dx[inside[k]] += average ? dy[j] / (double)count : k == best ? dy[j] : 0;
        }
}

static inline void naive_reduce(int64_t kind, int64_t outer, int64_t r, int64_t inner, const float *x, double *y) {
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
            double a = kind == 0 ? 0 : kind == 3 ? 1 : x[o * r * inner + i];
            for (int64_t j = 0; j < r; j++) {
                double b = x[(o * r + j) * inner + i];
                a = kind == 0 ? a + b : kind == 1 ? fmax(a, b) : kind == 2 ? fmin(a, b) : a * b;
            }
            y[o * inner + i] = a;
        }
}

static inline void naive_moments(int64_t rows, int64_t c, const float *x, double *y) {
    for (int64_t j = 0; j < c; j++) {
        double mean = 0, variance = 0;
        for (int64_t i = 0; i < rows; i++) mean += x[i * c + j] / (double)rows;
        for (int64_t i = 0; i < rows; i++) variance += (x[i * c + j] - mean) * (x[i * c + j] - mean) / (double)rows;
        y[j] = mean;
        y[c + j] = variance;
    }
}

static inline void naive_softmax(int64_t rows, int64_t n, const float *x, int logarithm, double *y) {
    for (int64_t i = 0; i < rows; i++, x += n, y += n) {
        double largest = x[0], sum = 0;
        for (int64_t j = 0; j < n; j++) largest = fmax(largest, x[j]);
        for (int64_t j = 0; j < n; j++) sum += exp(x[j] - largest);
        for (int64_t j = 0; j < n; j++) y[j] = logarithm ? x[j] - largest - log(sum) : exp(x[j] - largest) / sum;
    }
}
#endif
