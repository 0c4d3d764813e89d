/* Attention, softmax(scale · q kᵀ + bias) v for each head, without the array of shares: blocks of steps meet blocks of
 * sources, and the largest score and the sum of a step's exponentials are kept up as blocks go by (Rabe and Staats 2021; Dao
 * et al. 2022). The gradient makes the shares again from these two numbers. The products are gemm_thin's, per block; heads
 * are read and written where they stand, a stride apart.
 *
 * What is computed for a step does not depend on how steps are shared out, and blocks of sources meet in their order. */
#include "gemm.h"
#include "vmath.h"

#define ROWS BLOCKS.attention_steps
#define SOURCES BLOCKS.attention_sources /* of a block, and of one of the gradient: the scores of a block stay in L2 */
#define SOURCES_DX BLOCKS.attention_dx_sources
enum {
    SHARE = 512,     /* steps of a chunk, which packs each block of sources once */
    TOGETHER = 4,    /* steps whose largest scores are looked for together: each is a chain that leaves most of a core idle */
    FEW_ITEMS = 32,  /* heads of all examples, so few that their steps are shared out finer */
    LONGEST = 1 << 30 /* multiply-adds of a gradient's chunk */
};
enum { STEPS = FK_MOST_attention_steps, KEYS = FK_MOST_attention_sources, KEYS_DX = FK_MOST_attention_dx_sources, WIDE = 1024 };
_Static_assert(4 * (STEPS * (KEYS + PAD) + STEPS * (WIDE + PAD) + 2 * KEYS * WIDE) <= FK_KERNEL_SCRATCH, "a block fits");
_Static_assert(4 * (2 * STEPS * (KEYS_DX + PAD) + 2 * STEPS * (WIDE + PAD) + 3 * KEYS_DX * WIDE + 2 * STEPS * WIDE) <=
                   FK_KERNEL_SCRATCH,
               "and one of the gradient");
#define LOWEST (-3.40282347e38f)
#define MASKED (-1e30f)

/* k columns of n rows `ld` apart, as panels of a B that is n wide (trans), or k wide */
static void pack(const float *x, int64_t ld, int trans, int64_t k, int64_t n, float *d) {
    FK(gemm_pack_panels)(x, ld, trans, k, n, 0, gemm_panels(n), d, k * NR);
}
static int64_t packed(int64_t k, int64_t n) { return gemm_panels(n) * NR * k; }

/* c[m, n] (+)= a[m, k] · packed b, and part of `ahead` is fetched; kmajor: a is stored k × m */
static void product(const float *a, int64_t as, int kmajor, const float *b, float *c, int64_t cs, int64_t m, int64_t n,
                    int64_t k, int add, gemm_fetch *ahead) {
    const gemm_args g = {.mode = GEMM_NEAR,
                         .m = m,
                         .n = n,
                         .k = k,
                         .a.at = a,
                         .a.step = as,
                         .a.kmajor = kmajor,
                         .b.at = b,
                         .b.panel = k * NR,
                         .c.at = c,
                         .c.step = cs,
                         .c.add = add,
                         .fetch = ahead};
    FK(gemm_thin)(&g);
}

/* What the next item reads first, fetched slowly while this one's products are made: rows of a head are short and lie apart,
 * which no hardware fetches ahead. Each list goes on with the one before it. */
enum { LISTS = 5 };
typedef struct {
    gemm_fetch list[LISTS];
    int count;
} upcoming;
static void add_rows(upcoming *u, const float *x, int64_t rows, int64_t n, int64_t ld) {
    gemm_fetch *f = u->list + u->count;
    *f = fetch_rows(x, rows, n, ld, u->count ? f - 1 : NULL);
    f->rate = 1;
    u->count++;
}
static gemm_fetch *last_of(upcoming *u) { return u->count ? u->list + u->count - 1 : NULL; }

/* rows that lie close together, and not on the same lines of a cache */
static void gather_rows(const float *x, int64_t ld, int64_t rows, int64_t n, float *d, int64_t step) {
    for (int64_t i = 0; i < rows; i++) gemm_copy(d + i * step, x + i * ld, n);
}

/* ---- scores of a step: s = scale · s + bias; MASKED of sources behind `end` */
typedef struct {
    const float *at; /* of the step and the first source, or NULL */
    int64_t step;    /* from source to source: 0 or 1, or more */
} bias_row;
static inline __attribute__((always_inline)) vf score(vf s, float scale, const bias_row *b, int64_t k, int64_t n) {
    s = s * scale;
    if (!b->at) return s;
    if (b->step == 1) return s + v_load_upto(b->at + k, n);
    if (b->step == 0) return s + v_set1(b->at[0]);
    vf more = {0};
    for (int64_t i = 0; i < fk_min(n, VL); i++) more[i] = b->at[(k + i) * b->step];
    return s + more;
}
/* s[n] becomes its scores, as far as `end`; the largest of all n */
static float score_row(float *s, int64_t n, int64_t end, float scale, const bias_row *b) {
    const int64_t seen = fk_max(0, fk_min(n, end));
    vf top = v_set1(seen < n ? MASKED : LOWEST);
    int64_t k = 0;
    for (; k + VL <= seen; k += VL) {
        const vf v = score(v_load(s + k), scale, b, k, VL);
        v_store(s + k, v);
        top = v_max(top, v);
    }
    if (k < seen) {
        const vf v = score(v_load_n(s + k, seen - k), scale, b, k, seen - k);
        v_store_n(s + k, v, seen - k);
        top = v_max(top, v_blend(v_first(seen - k), v, v_set1(LOWEST)));
    }
    return v_largest(top);
}
/* s[n] becomes e^(s - top); their sum. Behind `end`, where a score is MASKED, that is 1 or 0 */
static float exp_row(float *s, int64_t n, int64_t end, float top) {
    const int64_t seen = fk_max(0, fk_min(n, end));
    const float rest = top == MASKED ? 1.0f : 0.0f;
    vf sum = {0}, more = {0};
    int64_t k = 0;
    for (; k + 2 * VL <= seen; k += 2 * VL) {
        const vf x = v_exp(v_load(s + k) - top), y = v_exp(v_load(s + k + VL) - top);
        v_store(s + k, x);
        v_store(s + k + VL, y);
        sum += x;
        more += y;
    }
    for (; k < seen; k += VL) {
        const vf x = v_exp(v_load_upto(s + k, seen - k) - top);
        v_store_upto(s + k, x, seen - k);
        sum += seen - k < VL ? v_blend(v_first(seen - k), x, (vf){0}) : x;
    }
    for (k = seen; k < n; k++) s[k] = rest;
    return v_sum(sum + more) + rest * (float)(n - seen);
}
static void times(float *x, int64_t n, float factor) {
    for (int64_t k = 0; k < n; k += VL) v_store_upto(x + k, v_load_upto(x + k, n - k) * factor, n - k);
}

/* ---- forward */
/* items of so little work that a chunk takes several */
static int64_t several(int64_t items, double work) {
    return fk_max(1, fk_min(fk_ceil_div(items, 16), (int64_t)fmin(1 << 20, GEMM_GRAIN / fmax(1, work))));
}
typedef struct {
    int64_t items, shares, rows, group; /* heads of all examples, shares of each, steps of one; shares to a chunk */
} forward_plan;
static forward_plan forward_of(const fk_attr_attention *a) {
    forward_plan p = {.items = a->n * a->heads};
    p.rows = p.items < FEW_ITEMS ? ROWS : SHARE;
    p.shares = fk_max(1, fk_ceil_div(a->steps, p.rows));
    p.group = several(p.items * p.shares, (double)fk_min(p.rows, a->steps) * a->sources * (a->dim + a->width));
    return p;
}
FK_CHUNKS(attention) {
    const forward_plan p = forward_of(a);
    return fk_max(1, fk_ceil_div(p.items * p.shares, p.group));
}
FK_ONE_PART(attention)

static bias_row bias_of(const float *bias, const int64_t *by, int64_t n, int64_t head, int64_t step, int64_t source) {
    if (!by[4]) return (bias_row){NULL, 0};
    return (bias_row){bias + n * by[0] + head * by[1] + step * by[2] + source * by[3], by[3]};
}

/* steps [t0, t1) of an item */
static void forward(const fk_call *call, const fk_attr_attention *a, int64_t item, int64_t t0, int64_t t1) {
    const int64_t n = item / a->heads, head = item % a->heads, group = head / (a->heads / a->groups);
    const int64_t dim = a->dim, width = a->width, ldq = a->heads * dim, ldk = a->groups * dim, ldv = a->groups * width,
                  ldy = a->heads * width, qs = gemm_stride(dim), ps = gemm_stride(SOURCES);
    const float *q = (const float *)call->ptr[0] + n * a->steps * ldq + head * dim;
    const float *k = (const float *)call->ptr[1] + n * a->sources * ldk + group * dim;
    const float *v = (const float *)call->ptr[2] + n * a->sources * ldv + group * width;
    const float *bias = call->ptr[3];
    float *y = (float *)call->ptr[4] + n * a->steps * ldy + head * width;
    float *stats = (float *)call->ptr[5] + item * a->steps * 2; /* the largest score, and the sum, then 1 over it */
    float *scores = (float *)call->scratch, *rows = scores + ROWS * ps, *kt = rows + ROWS * qs, *vp = kt + packed(dim, SOURCES);
    const float scale = (float)a->scale;
    upcoming next = {.count = 0};
    if (t1 == a->steps && item + 1 < a->n * a->heads) {
        const int64_t i = (item + 1) / a->heads, h = (item + 1) % a->heads, g = h / (a->heads / a->groups),
                      sources = fk_min(SOURCES, a->sources);
        add_rows(&next, (const float *)call->ptr[0] + i * a->steps * ldq + h * dim, fk_min(ROWS, a->steps), dim, ldq);
        add_rows(&next, (const float *)call->ptr[2] + i * a->sources * ldv + g * width, sources, width, ldv);
        add_rows(&next, (const float *)call->ptr[1] + i * a->sources * ldk + g * dim, sources, dim, ldk);
    }
    if (a->sources == 0) {
        for (int64_t t = t0; t < t1; t++)
            for (int64_t i = 0; i < width; i++) y[t * ldy + i] = 0;
        return;
    }
    for (int64_t s0 = 0; s0 < a->sources; s0 += SOURCES) {
        const int64_t ns = fk_min(SOURCES, a->sources - s0);
        if (a->causal && !a->bias[4] && s0 >= t1) break; /* no step of the chunk attends there */
        pack(k + s0 * ldk, ldk, 1, dim, ns, kt);
        pack(v + s0 * ldv, ldv, 0, ns, width, vp);
        for (int64_t r0 = t0; r0 < t1; r0 += ROWS) {
            const int64_t nr = fk_min(ROWS, t1 - r0);
            if (a->causal && !a->bias[4] && s0 >= r0 + nr) continue;
            gather_rows(q + r0 * ldq, ldq, nr, dim, rows, qs);
            product(rows, qs, 0, kt, scores, ps, nr, ns, dim, 0, last_of(&next));
            for (int64_t r = 0; r < nr; r += TOGETHER) {
                const int64_t some = fk_min(TOGETHER, nr - r);
                float top[TOGETHER];
                for (int64_t i = 0; i < some; i++) {
                    const int64_t t = r0 + r + i, end = a->causal ? t + 1 - s0 : ns;
                    const bias_row b = bias_of(bias, a->bias, n, head, t, s0);
                    const float here = score_row(scores + (r + i) * ps, ns, end, scale, &b),
                                before = s0 ? stats[t * 2] : LOWEST;
                    top[i] = here > before || here != here ? here : before;
                }
                for (int64_t i = 0; i < some; i++) {
                    const int64_t t = r0 + r + i, end = a->causal ? t + 1 - s0 : ns;
                    float *of_step = stats + t * 2;
                    const float sum = exp_row(scores + (r + i) * ps, ns, end, top[i]);
                    if (s0 && top[i] != of_step[0]) {
                        const float factor = v_exp(v_set1(of_step[0] - top[i]))[0];
                        of_step[1] *= factor;
                        times(y + t * ldy, width, factor);
                    }
                    of_step[0] = top[i];
                    of_step[1] = (s0 ? of_step[1] : 0.0f) + sum;
                }
            }
            product(scores, ps, 0, vp, y + r0 * ldy, ldy, nr, width, ns, s0 > 0, last_of(&next));
        }
    }
    for (int64_t t = t0; t < t1; t++) {
        stats[t * 2 + 1] = 1.0f / stats[t * 2 + 1];
        times(y + t * ldy, width, stats[t * 2 + 1]);
    }
}

FK_KERNEL(attention) {
    const forward_plan p = forward_of(a);
    (void)nth;
    for (int64_t i = ith * p.group; i < fk_min(p.items * p.shares, (ith + 1) * p.group); i++) {
        const int64_t t0 = i % p.shares * p.rows;
        forward(call, a, i / p.shares, t0, fk_min(a->steps, t0 + p.rows));
    }
}

/* ---- gradient */
/* Chunks: one for each group of heads, which makes all three gradients of it; or, where these are few or long, one for each
 * block of sources, for dk and dv, and then for each SHARE of steps of a head, for dq: a product more, made twice. */
typedef struct {
    int64_t groups, blocks, shares, group; /* of all examples; blocks 0: one chunk makes all of `group` of them */
} backward_plan;
static backward_plan backward_of(const fk_attr_attention_dx *a) {
    backward_plan p = {.groups = a->n * a->groups, .group = 1};
    const double work = 2.5 * (double)(a->heads / fk_max(1, a->groups)) * a->steps * a->sources * (a->dim + a->width);
    if (p.groups < FEW_ITEMS / 4 ? work > LONGEST / 64 : work > LONGEST) {
        p.blocks = fk_max(1, fk_ceil_div(a->sources, SOURCES_DX));
        p.shares = fk_max(1, fk_ceil_div(a->steps, SHARE)) * (a->heads / a->groups);
    } else {
        p.group = several(p.groups, work);
    }
    return p;
}
FK_CHUNKS(attention_dx) {
    const backward_plan p = backward_of(a);
    return fk_max(1, p.blocks ? p.groups * (p.blocks + p.shares) : fk_ceil_div(p.groups, p.group));
}
FK_ONE_PART(attention_dx)

typedef struct {
    const fk_attr_attention_dx *a;
    const float *q, *k, *v, *bias, *y, *stats, *dy;
    float *dq, *dk, *dv;
    int64_t n, group;
    upcoming *next;
    char *scratch;
} gradient;

/* y = Σ a · b over n */
static float dot(const float *a, const float *b, int64_t n) {
    vf sum = {0};
    for (int64_t k = 0; k < n; k += VL) sum += v_load_upto(a + k, n - k) * v_load_upto(b + k, n - k);
    return v_sum(sum);
}

/* s[n], products of q and k, become shares; d[n], products of dy and v, the gradient of those products */
static void share_row(float *s, float *d, int64_t n, int64_t end, float scale, const bias_row *b, float top, float over,
                      float mean) {
    const int64_t seen = fk_max(0, fk_min(n, end));
    if (top == MASKED) scale = 0.0f; /* a step that may attend to nothing: its shares do not depend on q and k */
    for (int64_t k = 0; k < seen; k += VL) {
        const int64_t left = seen - k;
        const vf share = v_exp(score(v_load_upto(s + k, left), scale, b, k, left) - top) * over;
        v_store_upto(s + k, share, left);
        v_store_upto(d + k, share * (v_load_upto(d + k, left) - mean) * scale, left);
    }
    for (int64_t k = seen; k < n; k++) {
        s[k] = top == MASKED ? over : 0.0f;
        d[k] = 0.0f;
    }
}

/* heads [h0, h1), steps [t0, t1), sources [s0, s1); wants: 1 for dq, 2 for dk and dv. Those of one kind are written whole
 * when the other range is */
static void sweep(const gradient *g, int64_t h0, int64_t h1, int64_t t0, int64_t t1, int64_t s0, int64_t s1, int wants) {
    const fk_attr_attention_dx *a = g->a;
    const int64_t dim = a->dim, width = a->width, ldq = a->heads * dim, ldk = a->groups * dim, ldv = a->groups * width,
                  ldy = a->heads * width, ps = gemm_stride(SOURCES_DX), qs = gemm_stride(dim), ys = gemm_stride(width);
    float *s = (float *)g->scratch, *d = s + ROWS * ps, *qr = d + ROWS * ps, *yr = qr + ROWS * qs, *kt = yr + ROWS * ys,
          *vt = kt + packed(dim, SOURCES_DX), *kp = vt + packed(width, SOURCES_DX), *qp = kp + packed(SOURCES_DX, dim),
          *yp = qp + packed(ROWS, dim);
    const float *k = g->k + g->n * a->sources * ldk + g->group * dim;
    const float *v = g->v + g->n * a->sources * ldv + g->group * width;
    float *dk = g->dk + g->n * a->sources * ldk + g->group * dim, *dv = g->dv + g->n * a->sources * ldv + g->group * width;
    const int skip = a->causal && !a->bias[4];
    for (int64_t j = s0; j < s1; j += SOURCES_DX) {
        const int64_t ns = fk_min(SOURCES_DX, s1 - j);
        int first = 1;
        pack(k + j * ldk, ldk, 1, dim, ns, kt);
        pack(v + j * ldv, ldv, 1, width, ns, vt);
        if (wants & 1) pack(k + j * ldk, ldk, 0, ns, dim, kp);
        for (int64_t h = h0; h < h1; h++) {
            const int64_t at = g->n * a->steps;
            const float *q = g->q + at * ldq + h * dim, *y = g->y + at * ldy + h * width, *dy = g->dy + at * ldy + h * width;
            const float *stats = g->stats + (g->n * a->heads + h) * a->steps * 2;
            float *dq = g->dq + at * ldq + h * dim;
            for (int64_t r0 = t0; r0 < t1; r0 += ROWS) {
                const int64_t nr = fk_min(ROWS, t1 - r0);
                if (skip && j >= r0 + nr) continue;
                gather_rows(q + r0 * ldq, ldq, nr, dim, qr, qs);
                gather_rows(dy + r0 * ldy, ldy, nr, width, yr, ys);
                product(qr, qs, 0, kt, s, ps, nr, ns, dim, 0, last_of(g->next));
                product(yr, ys, 0, vt, d, ps, nr, ns, width, 0, last_of(g->next));
                for (int64_t r = 0; r < nr; r++) {
                    const int64_t t = r0 + r;
                    const bias_row b = bias_of(g->bias, a->bias, g->n, h, t, j);
                    share_row(s + r * ps, d + r * ps, ns, a->causal ? t + 1 - j : ns, (float)a->scale, &b, stats[t * 2],
                              stats[t * 2 + 1], dot(yr + r * ys, y + t * ldy, width));
                }
                if (wants & 1) product(d, ps, 0, kp, dq + r0 * ldq, ldq, nr, dim, ns, j > 0, last_of(g->next));
                if (wants & 2) {
                    pack(qr, qs, 0, nr, dim, qp);
                    pack(yr, ys, 0, nr, width, yp);
                    product(s, ps, 1, yp, dv + j * ldv, ldv, ns, width, nr, !first, last_of(g->next));
                    product(d, ps, 1, qp, dk + j * ldk, ldk, ns, dim, nr, !first, last_of(g->next));
                }
                first = 0;
            }
        }
        if (first && wants & 2) /* sources that no step attends to */
            for (int64_t i = j; i < j + ns; i++) {
                memset(dk + i * ldk, 0, (size_t)dim * 4);
                memset(dv + i * ldv, 0, (size_t)width * 4);
            }
    }
}

/* chunk `part` of an item; part -1: all of it */
static void backward(const fk_call *call, const fk_attr_attention_dx *a, const backward_plan *p, int64_t item, int64_t part) {
    const int64_t each = a->heads / a->groups, nq = a->n * a->steps * a->heads * a->dim,
                  nk = a->n * a->sources * a->groups * a->dim;
    float *out = call->ptr[7];
    upcoming next = {.count = 0};
    gradient g = {
        a,   call->ptr[0], call->ptr[1],  call->ptr[2],     call->ptr[3],     call->ptr[4], call->ptr[5], call->ptr[6],
        out, out + nq,     out + nq + nk, item / a->groups, item % a->groups, &next,        call->scratch};
    const int64_t h0 = g.group * each;
    if (part < 0 && item + 1 < p->groups) {
        const int64_t i = (item + 1) / a->groups, of = (item + 1) % a->groups, ldq = a->heads * a->dim,
                      ldk = a->groups * a->dim, ldv = a->groups * a->width, ldy = a->heads * a->width;
        const int64_t rows = fk_min(ROWS, a->steps), sources = fk_min(SOURCES_DX, a->sources), at = i * a->steps;
        add_rows(&next, g.y + at * ldy + of * each * a->width, rows, a->width, ldy);
        add_rows(&next, g.dy + at * ldy + of * each * a->width, rows, a->width, ldy);
        add_rows(&next, g.q + at * ldq + of * each * a->dim, rows, a->dim, ldq);
        add_rows(&next, g.v + i * a->sources * ldv + of * a->width, sources, a->width, ldv);
        add_rows(&next, g.k + i * a->sources * ldk + of * a->dim, sources, a->dim, ldk);
    }
    if (a->sources == 0) {
        for (int64_t t = 0; t < a->steps && part <= 0; t++)
            memset(g.dq + ((g.n * a->steps + t) * a->heads + h0) * a->dim, 0, (size_t)(each * a->dim) * 4);
    } else if (part < 0) {
        sweep(&g, h0, h0 + each, 0, a->steps, 0, a->sources, 3);
    } else if (part < p->blocks) {
        sweep(&g, h0, h0 + each, 0, a->steps, part * SOURCES_DX, fk_min(a->sources, (part + 1) * SOURCES_DX), 2);
    } else {
        const int64_t shares = p->shares / each, h = h0 + (part - p->blocks) / shares, t0 = (part - p->blocks) % shares * SHARE;
        sweep(&g, h, h + 1, t0, fk_min(a->steps, t0 + SHARE), 0, a->sources, 1);
    }
}

FK_KERNEL(attention_dx) {
    const backward_plan p = backward_of(a);
    const int64_t chunks = p.blocks + p.shares;
    (void)nth;
    if (p.blocks && p.groups)
        backward(call, a, &p, ith / chunks, ith % chunks);
    else
        for (int64_t i = ith * p.group; i < fk_min(p.groups, (ith + 1) * p.group); i++) backward(call, a, &p, i, -1);
}
