/* The kernels against naive loops in double, without Python: on every instruction set of the machine, with one and with two
 * threads, which must agree to the bit. Prints each failure and a line for each instruction set; exits with their number.
 * Built and run by test_native.py, for other processors and under sanitizers too. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../csrc/fk.h"
#include "naive.h"

static int failures, cases, threads;
static uint64_t prints[1000]; /* of every case's result with one thread */

static int opcode(const char *name) {
    for (int i = 0; i < fk_op_count(); i++)
        if (!strcmp(fk_op(i)->name, name)) return i;
    printf("no kernel %s\n", name);
    exit(1);
}

static int micro(const char *name) {
    for (int i = 0; i < fk_micro_count(); i++)
        if (!strncmp(fk_micro(i), name, strlen(name)) && fk_micro(i)[strlen(name)] == '/') return i;
    printf("no micro-operation %s\n", name);
    exit(1);
}

/* a plan of one step, its tensors at ptr; with a program, the tensors from `own` on are the program's */
static int64_t run_with(const char *op, const int64_t *attr, void *const *ptr, int nptr, int own, const int64_t *program) {
    int64_t refs[4 * FK_MAXREF] = {0}, step[FK_STEP_WORDS] = {opcode(op), 0, nptr, own, 0, program ? 0 : -1};
    for (int i = 0; i < nptr; i++) refs[4 * i] = i;
    const fk_plan_words words = {.steps = step,
                                 .nsteps = 1,
                                 .refs = refs,
                                 .nrefs = nptr,
                                 .attrs = attr,
                                 .nattrs = fk_op(opcode(op))->attr_words,
                                 .programs = program};
    fk_plan *plan = fk_plan_new(&words);
    if (!plan) return printf("%s: no plan\n", op), failures++, -1;
    int64_t status = fk_plan_run(plan, ptr, NULL, NULL);
    fk_plan_free(plan);
    return status;
}

#define COUNT(...) ((int)(sizeof((void *[]){__VA_ARGS__}) / sizeof(void *)))
#define ATTR(...) ((const int64_t[]){__VA_ARGS__})
#define RUN(op, attr, ...) run_with(op, attr, (void *[]){__VA_ARGS__}, COUNT(__VA_ARGS__), COUNT(__VA_ARGS__), NULL)
#define PARTS(op, attr) fk_parts(opcode(op), attr)

static void check(const char *what, const float *got, const double *expected, int64_t n, double tolerance) {
    double scale = 1e-30, worst = 0;
    int64_t where = 0;
    uint64_t print = fingerprint(got, n);
    if (threads == 1)
        prints[cases] = print;
    else if (prints[cases] != print)
        failures++, printf("%s: %s is another with %d threads\n", fk_isa_name(fk_isa()), what, threads);
    cases++;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(expected[i])) scale = fmax(scale, fabs(expected[i]));
    for (int64_t i = 0; i < n; i++) {
        int same = isfinite(expected[i]) ? 0 : isnan(expected[i]) ? isnan(got[i]) : got[i] == expected[i];
        double error = same ? 0 : isfinite(expected[i]) ? fabs(got[i] - expected[i]) : INFINITY;
        if (!(error <= worst)) worst = error, where = i;
    }
    if (worst <= tolerance * scale) return;
    failures++;
    printf("%s: %s[%lld] is %.9g, expected %.9g\n", fk_isa_name(fk_isa()), what, (long long)where, got[where], expected[where]);
}

/* ---- products, with relu(c + bias) behind them */
static int64_t *bias_relu(int64_t columns) {
    enum { F32 = 0, FLAT = 0, MOD = 2, REGISTER = 0, INPUT = 64 };
    int64_t *w = take(64 * 8, 0), *p = w;
    for (int i = 0; i < 4; i++) *p++ = ATTR(2, 1, 2, 0)[i]; /* inputs, outputs, instructions, immediates */
    for (int i = 0; i < 2; i++, p += 20) {
        p[0] = F32;
        p[1] = i ? MOD : FLAT;
        p[3] = i ? columns : 0;
    }
    memcpy(p, ATTR(F32, REGISTER), 16);
    memcpy(p + 4, ATTR(micro("add"), REGISTER, INPUT, INPUT + 1, 0), 40);
    memcpy(p + 9, ATTR(micro("relu"), REGISTER, REGISTER, 0, 0), 40);
    return w;
}

static void matmul(int64_t batch, int64_t m, int64_t n, int64_t k, int ta, int tb) {
    float *a = numbers(batch * m * k), *b = numbers(batch * k * n), *bias = numbers(n), *c = outputs(batch * m * n);
    double *expected = zeros(batch * m * n), *zero = zeros(batch * m * n);
    for (int64_t s = 0; s < batch; s++) naive_matmul(a + s * m * k, b + s * k * n, expected + s * m * n, m, n, k, ta, tb);
    const int64_t *pack = ATTR(batch, k, n, tb ? k : n, tb, k * n);
    float *packed = outputs(batch * PARTS("pack_b", pack));
    RUN("pack_b", pack, b, packed);
    RUN("matmul", ATTR(batch, m, n, k, ta ? m : k, ta, tb ? k : n, tb, m * k, 1), a, b, c);
    check("matmul of a stored B", c, expected, batch * m * n, 1e-5);
    const int64_t *attr = ATTR(batch, m, n, k, ta ? m : k, ta, 0, 0, m * k, 1);
    RUN("matmul", attr, a, packed, c);
    check("matmul", c, expected, batch * m * n, 1e-5);
    int64_t *program = bias_relu(n);
    run_with("matmul", attr, (void *[]){a, packed, c, c, bias, c}, 6, 3, program);
    for (int64_t i = 0; i < batch * m * n; i++) zero[i] = fmax(0, expected[i] + bias[i % n]);
    check("matmul and epilogue", c, zero, batch * m * n, 1e-5);
}

/* ---- windows */
static void weights_gradient(const char *op, const int64_t *attr, float *x, float *dy, const double *expected, int64_t n) {
    int64_t parts = PARTS(op, attr);
    float *dw = outputs(parts * n);
    RUN(op, attr, x, dy, dw);
    for (int64_t i = n; i < parts * n; i++) dw[i % n] += dw[i];
    check(op, dw, expected, n, 1e-5);
}

static void conv(window v) {
    const int64_t *attr = ATTR(v.n, v.d, v.h, v.w, v.c, v.od, v.oh, v.ow, v.oc, v.kd, v.kh, v.kw, v.sd, v.sh, v.sw, v.dd, v.dh,
                               v.dw, v.pf, v.pt, v.pl, v.groups);
    int64_t k = v.kd * v.kh * v.kw * v.c / v.groups, nw = k * v.oc;
    int64_t nx = v.n * v.d * v.h * v.w * v.c, ny = v.n * v.od * v.oh * v.ow * v.oc;
    float *x = numbers(nx), *w = numbers(nw), *dy = numbers(ny), *y = outputs(ny), *dx = outputs(nx);
    double *ey = zeros(ny), *ex = zeros(nx), *ew = zeros(nw);
    naive_conv(&v, x, w, dy, ey, ex, ew);
    const int64_t *pack = ATTR(v.groups, k, v.oc / v.groups, v.oc, 0, v.oc / v.groups);
    float *packed = outputs(v.groups * PARTS("pack_b", pack));
    RUN("pack_b", pack, w, packed);
    RUN("conv", attr, x, packed, y);
    check("conv", y, ey, ny, 1e-5);
    if (PARTS("conv_few", attr)) {
        RUN("conv_few", attr, x, packed, y);
        check("conv_few", y, ey, ny, 1e-5);
    }

    const int64_t *turn = ATTR(v.c, v.oc, v.kd, v.kh, v.kw, v.sd, v.sh, v.sw, v.dd, v.dh, v.dw, v.groups);
    float *turned = outputs(PARTS("pack_dx", turn));
    RUN("pack_dx", turn, w, turned);
    RUN("conv_dx", attr, dy, turned, dx);
    check("conv_dx", dx, ex, nx, 1e-5);
    if (v.groups == 1) {
        const int64_t pixels = v.n * v.od * v.oh * v.ow;
        float *taps = outputs(pixels * k);
        RUN("matmul", ATTR(1, pixels, k, v.oc, v.oc, 0, v.oc, 1, 0, 0), dy, w, taps);
        RUN("col2im", attr, taps, dx);
        check("col2im", dx, ex, nx, 1e-5);
        if (PARTS("conv_few_dx", attr)) {
            const int64_t *whole = ATTR(1, v.oc, k, v.oc, 1, 0);
            float *by_taps = outputs(PARTS("pack_b", whole));
            RUN("pack_b", whole, w, by_taps);
            RUN("conv_few_dx", attr, dy, by_taps, dx);
            check("conv_few_dx", dx, ex, nx, 1e-5);
        }
    }

    weights_gradient("conv_dw", attr, x, dy, ew, nw);
    if (PARTS("conv_few_dw", attr)) weights_gradient("conv_few_dw", attr, x, dy, ew, nw);
    if (!PARTS("conv_sparse_dx", attr)) return;
    float *filters = outputs(nw);
    for (int64_t i = 0; i < nw; i++) filters[i % v.oc * k + i / v.oc] = w[i];
    RUN("conv_sparse_dx", attr, dy, filters, turned, dx);
    check("conv_sparse_dx", dx, ex, nx, 1e-5);
    weights_gradient("conv_sparse_dw", attr, x, dy, ew, nw);
    for (int64_t i = 0; i < ny; i++)
        if (i % 37) dy[i] = 0;
    naive_conv(&v, x, w, dy, zeros(ny), (ex = zeros(nx)), (ew = zeros(nw)));
    RUN("conv_sparse_dx", attr, dy, filters, turned, dx);
    check("conv_sparse_dx of few", dx, ex, nx, 1e-5);
    weights_gradient("conv_sparse_dw", attr, x, dy, ew, nw);
}

/* a depthwise convolution is one of as many groups as channels */
static void depthwise(window v) {
    int64_t mult = v.oc / v.c, nx = v.n * v.h * v.w * v.c, nw = v.kh * v.kw * v.oc, ny = v.n * v.oh * v.ow * v.oc;
    const int64_t *attr = ATTR(v.n, v.h, v.w, v.c, v.oh, v.ow, mult, v.kh, v.kw, v.sh, v.sw, v.dh, v.dw, v.pt, v.pl);
    float *x = numbers(nx), *w = numbers(nw), *dy = numbers(ny), *y = outputs(ny), *dx = outputs(nx);
    double *ey = zeros(ny), *ex = zeros(nx), *ew = zeros(nw);
    naive_conv(&v, x, w, dy, ey, ex, ew);
    RUN("depthwise", attr, x, w, y);
    check("depthwise", y, ey, ny, 1e-5);
    RUN("depthwise_dx", attr, dy, w, dx);
    check("depthwise_dx", dx, ex, nx, 1e-5);
    weights_gradient("depthwise_dw", attr, x, dy, ew, nw);
}

/* from v.c / 2 channels to v.c, by the window, and to 3; the two wide images clipped to 0 … 6 */
static void depthwise_between(window v) {
    enum { OC = 3 };
    const int64_t nh = v.n * v.h * v.w, nd = v.n * v.oh * v.ow, c = v.c / 2;
    float *x = numbers(nh * c), *w1 = numbers(c * v.c), *b1 = numbers(v.c), *w = numbers(v.kh * v.kw * v.c), *b = numbers(v.c);
    float *w2 = numbers(v.c * OC), *h = outputs(nh * v.c), *d = outputs(nd * v.c), *y = outputs(nd * OC);
    double *wide = zeros(nh * v.c), *thin = zeros(nd * v.c), *expected = zeros(nd * OC), limits[4] = {0, 6, 0, 6};
    naive_matmul(x, w1, wide, nh, v.c, c, 0, 0);
    for (int64_t i = 0; i < nh * v.c; i++) h[i] = (float)fmin(6, fmax(0, wide[i] + b1[i % v.c]));
    naive_conv(&v, h, w, outputs(nd * v.c), thin, zeros(nh * v.c), zeros(v.kh * v.kw * v.c));
    for (int64_t i = 0; i < nd * v.c; i++) d[i] = (float)fmin(6, fmax(0, thin[i] + b[i % v.c]));
    naive_matmul(d, w2, expected, nd, OC, v.c, 0, 0);
    const int64_t *first = ATTR(1, c, v.c, v.c, 0, 0), *last = ATTR(1, v.c, OC, OC, 0, 0);
    float *packed1 = outputs(PARTS("pack_b", first)), *packed2 = outputs(PARTS("pack_b", last));
    RUN("pack_b", first, w1, packed1);
    RUN("pack_b", last, w2, packed2);
    int64_t attr[21] = {v.n, v.h, v.w, c, v.c, v.oh, v.ow, OC, v.kh, v.kw, v.sh, v.sw, v.dh, v.dw, v.pt, v.pl, 1};
    memcpy(attr + 17, limits, sizeof limits);
    RUN("depthwise_between", attr, x, packed1, b1, w, b, packed2, y);
    check("depthwise_between", y, expected, nd * OC, 1e-5);
}

static void pool(window v) {
    const int64_t *attr = ATTR(v.n, v.d, v.h, v.w, v.c, v.od, v.oh, v.ow, v.kd, v.kh, v.kw, v.sd, v.sh, v.sw, v.pf, v.pt, v.pl);
    int64_t nx = v.n * v.d * v.h * v.w * v.c, ny = v.n * v.od * v.oh * v.ow * v.c;
    float *x = numbers(nx), *dy = numbers(ny), *y = outputs(ny), *dx = outputs(nx);
    double *ey = zeros(ny), *ex = zeros(nx);
    for (int average = 0; average < 2; average++) {
        naive_pool(&v, average, x, dy, ey, ex);
        RUN(average ? "avg_pool" : "max_pool", attr, x, y);
        check(average ? "avg_pool" : "max_pool", y, ey, ny, 1e-6);
        if (average)
            RUN("avg_pool_dx", attr, dy, dx);
        else
            RUN("max_pool_dx", attr, x, y, dy, dx);
        check(average ? "avg_pool_dx" : "max_pool_dx", dx, ex, nx, 1e-6);
    }
}

/* ---- rows and columns */
static void extreme_gradient(int64_t outer, int64_t r, int64_t inner) {
    float *x = numbers(outer * r * inner), *dy = numbers(outer * inner), *y = outputs(outer * inner);
    float *dx = outputs(outer * r * inner);
    double *largest = zeros(outer * inner), *expected = zeros(outer * r * inner);
    naive_reduce(1, outer, r, inner, x, largest);
    for (int64_t i = 0; i < outer * inner; i++) y[i] = (float)largest[i];
    for (int64_t i = 0; i < outer * r * inner; i++) {
        const int64_t j = i / inner / r * inner + i % inner;
        expected[i] = x[i] == y[j] ? dy[j] : 0;
    }
    RUN("extreme_dx", ATTR(outer, r, inner), x, y, dy, dx);
    check("extreme_dx", dx, expected, outer * r * inner, 1e-6);
}

static void reduce(int64_t outer, int64_t r, int64_t inner) {
    for (int64_t kind = 0; kind < 4; kind++) {
        const int64_t *attr = ATTR(kind, outer, r, inner);
        int64_t parts = PARTS("reduce", attr);
        float *x = numbers(outer * r * inner), *y = outputs(outer * parts * inner), *z = outputs(outer * inner);
        double *expected = zeros(outer * inner);
        for (int64_t i = 0; kind == 3 && i < outer * r * inner; i++) x[i] = 1 + x[i] / 64;
        naive_reduce(kind, outer, r, inner, x, expected);
        RUN("reduce", attr, x, y);
        if (parts > 1) RUN("reduce", ATTR(kind, outer, parts, inner), y, z);
        check("reduce", parts > 1 ? z : y, expected, outer * inner, 1e-5);
    }
}

static void moments(int64_t rows, int64_t c) {
    const int64_t parts = PARTS("moments", ATTR(rows, c, 0)), *attr = ATTR(rows, c, parts);
    float *x = numbers(rows * c), *y = outputs(parts * 3 * c), *z = outputs(2 * c);
    int64_t *bounds = take((parts + 1) * 8, 0);
    for (int64_t i = 0; i <= parts; i++) bounds[i] = i * rows / parts;
    double *expected = zeros(2 * c);
    for (int64_t i = 0; i < rows * c; i++) x[i] += 3;
    naive_moments(rows, c, x, expected);
    RUN("moments", attr, x, bounds, y);
    if (parts > 1) RUN("moments_merge", attr, y, bounds, z);
    check("moments", parts > 1 ? z : y, expected, 2 * c, 1e-5);
}

static void softmax(int64_t rows, int64_t n) {
    float *x = numbers(rows * n), *y = outputs(rows * n);
    double *expected = zeros(rows * n);
    for (int logarithm = 0; logarithm < 2; logarithm++) {
        for (int64_t i = 0; i < rows * n; i++) x[i] *= 20;
        naive_softmax(rows, n, x, logarithm, expected);
        RUN(logarithm ? "log_softmax" : "softmax", ATTR(rows, n), x, y);
        check(logarithm ? "log_softmax" : "softmax", y, expected, rows * n, 2e-6);
    }
}

/* ---- moving and indices */
static void moving(int64_t rows, int64_t columns) {
    float *x = numbers(rows * columns), *y = outputs(rows * columns);
    double *expected = zeros(rows * columns);
    const int64_t attr[] = {2, [1] = columns, rows, [9] = 1, columns, [17] = rows, 1, [25] = 0, 0, 4};
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) expected[j * rows + i] = x[i * columns + j];
    RUN("copy", attr, x, y);
    check("copy as a transpose", y, expected, rows * columns, 0);
}

static void indices(int64_t size, int64_t inner, int64_t n) {
    float *x = numbers(size * inner), *y = outputs(n * inner), *u = numbers(n * inner), *sum = outputs(size * inner);
    double *taken = zeros(n * inner), *added = zeros(size * inner);
    int32_t *index = take(4 * n, 0);
    for (int64_t j = 0; j < n; j++) {
        index[j] = (int32_t)((j * 7 + j / 3) % size);
        for (int64_t i = 0; i < inner; i++) {
            taken[j * inner + i] = x[index[j] * inner + i];
            added[index[j] * inner + i] += u[j * inner + i];
        }
    }
    RUN("gather", ATTR(1, size, inner, n, 4), x, index, y);
    check("gather", y, taken, n * inner, 0);
    RUN("scatter_add", ATTR(1, size, inner, n, 1), index, u, sum);
    check("scatter_add", sum, added, size * inner, 1e-6);
    index[n / 2] = (int32_t)size;
    if (RUN("gather", ATTR(1, size, inner, n, 4), x, index, y) != 1)
        printf("gather: an index out of range was not told\n"), failures++;
}

/* ---- elementwise functions, each over its domain, with NaN and infinities where the library says what comes */
static void elementwise(const char *name, double (*f)(double), float low, float high) {
    enum { N = 3001 };
    float *x = outputs(N), *y = outputs(N);
    double *expected = zeros(N);
    int64_t program[64] = {1, 1, 1, 0, [24] = 0, 0, 0, 0, micro(name), 0, 64, 0, 0};
    for (int i = 0; i < N; i++) x[i] = low + (high - low) * (float)i / (N - 1);
    x[7] = NAN;
    for (int i = 0; i < N; i++) expected[i] = f(x[i]);
    run_with("tile", ATTR(N), (void *[]){x, y}, 2, 0, program);
    check(name, y, expected, N, 5e-7);
}
static double relu(double x) { return x < 0 ? 0 : x; }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* one plan of many steps, in turn of many chunks and of one, each reading what the last wrote. how: 0: all of them written
 * out; else a loop of three steps, which the team shares (-1) or one thread does (1) */
static void chain(int64_t n, int how) {
    enum { ROUNDS = 20, SMALL = 7 };
    float *x = numbers(n), *y = outputs(n), *z = outputs(ROUNDS * SMALL);
    double *expected = zeros(ROUNDS * SMALL), *value = zeros(n);
    void *bases[] = {x, y, z};
    int64_t steps[3 * ROUNDS][FK_STEP_WORDS] = {{0}}, refs[3 + 2 * ROUNDS][4] = {{0}, {1}, {0}}, programs[128] = {0};
    int64_t attr[1 + 28 * ROUNDS] = {n};
    for (int k = 0; k < 2; k++) {
        memcpy(programs + 64 * k, ATTR(1, 1, 1, 0), 32);
        memcpy(programs + 64 * k + 28, ATTR(micro(k ? "sin" : "sigmoid"), 0, 64, 0, 0), 40);
    }
    for (int64_t i = 0; i < n; i++) value[i] = x[i];
    for (int64_t r = 0; r < ROUNDS; r++) {
        memcpy(steps[3 * r], ATTR(opcode("tile"), 0, 2, 0, 0, 0), 48); /* y = sigmoid(x) */
        memcpy(steps[3 * r + 1], ATTR(opcode("tile"), 1, 2, 0, 0, 64), 48); /* x = sin(y) */
        memcpy(steps[3 * r + 2], ATTR(opcode("copy"), 3 + 2 * r, 2, 2, 1 + 28 * r, -1), 48); /* a few of x to z */
        memcpy(refs[3 + 2 * r], ATTR(0, 0, 0, 0, 2, 4 * SMALL * r, 0, 0), 64);
        int64_t *copy = attr + 1 + 28 * r;
        copy[0] = 1, copy[1] = SMALL, copy[9] = n / SMALL, copy[17] = 1, copy[27] = 4;
        for (int64_t i = 0; i < n; i++) value[i] = sin(sigmoid(value[i]));
        for (int64_t i = 0; i < SMALL; i++) expected[r * SMALL + i] = value[i * (n / SMALL)];
    }
    const int64_t move[] = {0, 4 * SMALL, 0}, loop[] = {0, 3, 0, ROUNDS, -1, how};
    fk_plan_words words = {.steps = steps[0],
                           .nsteps = 3 * ROUNDS,
                           .refs = refs[0],
                           .nrefs = 3 + 2 * ROUNDS,
                           .attrs = attr,
                           .nattrs = 1 + 28 * ROUNDS,
                           .programs = programs};
    if (how) {
        words.nsteps = 3, words.moves = move, words.nmoves = 1, words.loops = loop, words.nloops = 1;
        refs[4][3] = 1; /* where a round's few of x go */
    }
    fk_plan *plan = fk_plan_new(&words);
    if (!plan || fk_plan_run(plan, bases, NULL, NULL)) printf("chain: no run\n"), failures++;
    fk_plan_free(plan);
    check("chain", z, expected, ROUNDS * SMALL, 1e-5);
    check("chain's end", x, value, n, 1e-5);
}

static void randoms(void) {
    enum { N = 40000 };
    float *y = outputs(N);
    int32_t seed[4] = {12345, 67, 0, 0};
    double low = -1, high = 3, sum = 0;
    int64_t attr[3] = {N};
    memcpy(attr + 1, &low, 8);
    memcpy(attr + 2, &high, 8);
    RUN("random_uniform", attr, seed, y);
    for (int i = 0; i < N; i++) {
        sum += y[i];
        if (!(y[i] >= -1 && y[i] < 3)) failures++, printf("random_uniform: %g\n", y[i]);
    }
    if (fabs(sum / N - 1) > 0.03) failures++, printf("random_uniform: the mean is %g\n", sum / N);
}

static void everything(void) {
    for (int t = 0; t < 4; t++) matmul(2, 37, 45, 129, t & 1, t >> 1);
    matmul(1, 1, 1, 1, 0, 0);
    matmul(1, 130, 200, 300, 0, 0);
    matmul(3, 5, 0, 4, 0, 0);
    conv(IMAGE(2, 9, 8, 5, 9, 8, 7, 3, 3, 1, 1, 1, 1, 1, 1, 1));
    conv(IMAGE(3, 11, 10, 8, 5, 4, 12, 3, 4, 2, 2, 1, 1, 0, 0, 2));
    conv(IMAGE(1, 12, 9, 3, 8, 5, 20, 3, 3, 1, 1, 2, 2, 0, 0, 1));
    conv(IMAGE(2, 7, 7, 33, 7, 7, 17, 1, 1, 1, 1, 1, 1, 0, 0, 1));
    conv(IMAGE(8, 14, 14, 16, 14, 14, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1));
    depthwise(IMAGE(2, 9, 8, 5, 9, 8, 5, 3, 3, 1, 1, 1, 1, 1, 1, 5));
    depthwise(IMAGE(2, 11, 12, 20, 5, 6, 20, 3, 3, 2, 2, 1, 1, 0, 0, 20));
    depthwise_between(IMAGE(2, 9, 8, 6, 9, 8, 6, 3, 3, 1, 1, 1, 1, 1, 1, 6));
    depthwise_between(IMAGE(1, 61, 50, 96, 31, 25, 96, 3, 3, 2, 2, 1, 1, 1, 1, 96));
    depthwise(IMAGE(1, 9, 9, 6, 5, 5, 12, 3, 3, 1, 1, 2, 2, 0, 0, 6));
    pool(IMAGE(2, 9, 8, 5, 5, 4, 5, 2, 3, 2, 2, 1, 1, 1, 1, 5));
    pool(IMAGE(4, 16, 16, 19, 8, 8, 19, 2, 2, 2, 2, 1, 1, 0, 0, 19));
    pool((window){2, 7, 8, 21, 4, 4, 21, 2, 3, 2, 2, 1, 1, 1, 1, 21, 6, 3, 2, 2, 1, 0});
    extreme_gradient(3, 40, 37);
    extreme_gradient(2, 700, 300);
    for (int i = 1; i < 40; i += 6) reduce(i, 41 - i, i / 2 + 1), softmax(i, 41 - i), moments(17 * i, i);
    reduce(1, 100000, 1);
    reduce(1, 3000, 40);
    moments(5000, 35);
    softmax(300, 100);
    moving(37, 53);
    indices(23, 5, 61);
    indices(100, 64, 500);
    elementwise("exp", exp, -3, 3);
    elementwise("log", log, -1, 50);
    elementwise("tanh", tanh, -10, 10);
    elementwise("sigmoid", sigmoid, -30, 30);
    elementwise("erf", erf, -4, 4);
    elementwise("sqrt", sqrt, -1, 100);
    elementwise("sin", sin, -30, 30);
    elementwise("atan", atan, -30, 30);
    elementwise("floor", floor, -30, 30);
    elementwise("relu", relu, -3, 3);
    for (int how = -1; how <= 1; how++) chain(100000, how);
    randoms();
    conv((window){2, 6, 7, 5, 6, 7, 18, 3, 3, 1, 1, 1, 1, 1, 1, 1, 5, 5, 3, 1, 1, 1});
    conv((window){1, 9, 10, 8, 4, 4, 12, 3, 4, 2, 2, 1, 1, 0, 0, 2, 9, 3, 2, 3, 2, 1});
}

/* with the block sizes that suit the caches, then with the smallest of all, then with the largest */
static void set_blocks(int how) {
    for (int i = 0; i < fk_block_count() && how; i++)
        if (fk_block_set(i, how == 1 ? fk_block(i)->lowest : fk_block(i)->highest)) failures++;
}

int main(void) {
    fk_init();
    for (int n = 0; n < 3 * fk_isa_count(); n++) {
        const int isa = n % fk_isa_count();
        if (!isa) set_blocks(n / fk_isa_count());
        if (fk_isa_set(isa)) continue;
        for (threads = 1; threads <= 2; threads++) {
            fk_threads_set(threads);
            restart();
            cases = 0;
            everything();
        }
        printf("%s: %d comparisons with 1 and 2 threads, %d failures so far\n", fk_isa_name(isa), cases, failures);
    }
    return failures > 100 ? 100 : failures;
}
