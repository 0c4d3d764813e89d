/* The interpreter of tile programs (tile.h): instruction by instruction over tiles that stay in the L1 cache. */
#include "tile.h"

#include "vmath.h"

/* Elements of a tile. 512 rather than 1,024: as fast on cached data within a tenth, and half as long on data from memory
 * (Zen 4, Adam's update: 4.4 against 8 ms), since all the tiles of a program then fit a 32 KB L1 and the processor
 * sees far enough ahead to load while it computes. */
enum { LANES = 512, ROWS = FK_TILE_SCRATCH / (LANES * 4), SPARE = ROWS - 3 };

/* ---- one function per micro-operation and kind of operands. n is a multiple of VL; d may be a, b or c.
 * Scalars are read once from one word. What an element becomes is the same in every variant. */
typedef void (*micro_fn)(float *d, const float *a, const float *b, const float *c, int64_t n, int scalars);

#define TRUTH(mask) ((vf)((mask) & 0x3f800000))
#define MICRO(name) \
    static void name(float *d, const float *pa, const float *pb, const float *pc, int64_t n, int scalars)
#define UN(name, expr)                           \
    MICRO(name##_v) {                            \
        (void)pb, (void)pc, (void)scalars;       \
        for (int64_t i = 0; i < n; i += VL) {    \
            vf a = v_load(pa + i);               \
            v_store(d + i, expr);                \
        }                                        \
    }
#define BI(name, expr)                           \
    MICRO(name##_vv) {                           \
        (void)pc, (void)scalars;                 \
        for (int64_t i = 0; i < n; i += VL) {    \
            vf a = v_load(pa + i), b = v_load(pb + i); \
            v_store(d + i, expr);                \
        }                                        \
    }                                            \
    MICRO(name##_vs) {                           \
        (void)pc, (void)scalars;                 \
        vf b = v_splat(pb);                      \
        for (int64_t i = 0; i < n; i += VL) {    \
            vf a = v_load(pa + i);               \
            v_store(d + i, expr);                \
        }                                        \
    }                                            \
    MICRO(name##_sv) {                           \
        (void)pc, (void)scalars;                 \
        vf a = v_splat(pa);                      \
        for (int64_t i = 0; i < n; i += VL) {    \
            vf b = v_load(pb + i);               \
            v_store(d + i, expr);                \
        }                                        \
    }
/* a scalar becomes a vector read again and again */
#define TER(name, expr)                                                                           \
    MICRO(name##_vvv) {                                                                           \
        float s[3][VL] __attribute__((aligned(4 * VL)));                                          \
        int64_t ia = VL, ib = VL, ic = VL;                                                        \
        if (scalars & 1) v_store(s[0], v_splat(pa)), pa = s[0], ia = 0;                           \
        if (scalars & 2) v_store(s[1], v_splat(pb)), pb = s[1], ib = 0;                           \
        if (scalars & 4) v_store(s[2], v_splat(pc)), pc = s[2], ic = 0;                           \
        for (int64_t i = 0; i < n; i += VL, pa += ia, pb += ib, pc += ic) {                       \
            vf a = v_load(pa), b = v_load(pb), c = v_load(pc);                                    \
            v_store(d + i, expr);                                                                 \
        }                                                                                         \
    }
#include "tile.def"
#undef UN
#undef BI
#undef TER

/* by the mask of scalar operands: 0 none, 1 the first, 2 the second */
#define UN(name, expr) {1, {name##_v, NULL, NULL}},
#define BI(name, expr) {2, {name##_vv, name##_sv, name##_vs}},
#define TER(name, expr) {3, {name##_vvv, name##_vvv, name##_vvv}},
static const struct {
    int arity;
    micro_fn fn[3];
} micros[] = {
#include "tile.def"
};
#undef UN
#undef BI
#undef TER

/* a tile's words, seen as either type */
typedef int32_t word_t __attribute__((may_alias));
typedef float real_t __attribute__((may_alias));

/* ---- reading inputs */

/* the box of a strided input with neighbouring axes merged where one stride walks both */
typedef struct {
    int n;
    int64_t dim[FK_MAXDIM], stride[FK_MAXDIM], at[FK_MAXDIM];
} box_t;
/* at: the coordinates of element i; returns its offset */
static int64_t box_start(box_t *b, const fk_tile_in *in, int64_t i) {
    b->n = 0;
    for (int k = 0; k < in->ndim; k++) {
        if (in->dim[k] == 1) continue;
        if (b->n && b->stride[b->n - 1] == in->stride[k] * in->dim[k]) {
            b->dim[b->n - 1] *= in->dim[k];
            b->stride[b->n - 1] = in->stride[k];
        } else {
            b->dim[b->n] = in->dim[k];
            b->stride[b->n++] = in->stride[k];
        }
    }
    if (!b->n) b->n = 1, b->dim[0] = INT64_MAX, b->stride[0] = 0;
    int64_t offset = 0;
    for (int k = b->n - 1; k >= 0; k--) {
        b->at[k] = i % b->dim[k];
        i /= b->dim[k];
        offset += b->at[k] * b->stride[k];
    }
    return offset;
}

/* d[0..n) = elements i.. of the input, as floats, or int32 by their bits */
#define GATHER(name, type, word, convert)                                                                  \
    static void name(const fk_tile_in *in, const type *x, int64_t i, int64_t n, word *restrict d) {        \
        if (in->kind == FK_FLAT) {                                                                         \
            for (int64_t k = 0; k < n; k++) d[k] = convert(x[i + k]);                                      \
        } else if (in->kind == FK_MOD) {                                                                   \
            int64_t p = in->p, at = i % p, have = fk_min(n, p), first = fk_min(have, p - at);              \
            for (int64_t k = 0; k < first; k++) d[k] = convert(x[at + k]);                                 \
            for (int64_t k = first; k < have; k++) d[k] = convert(x[k - first]);                           \
            for (; have < n; have *= 2) /* whole periods so far: repeat them */                            \
                memcpy(d + have, d, (size_t)fk_min(have, n - have) * sizeof(word));                        \
        } else if (in->kind == FK_DIV) {                                                                   \
            int64_t p = in->p, q = i / p, left = p - i % p;                                                \
            for (int64_t k = 0; k < n; left = p, q++) {                                                    \
                word v = convert(x[q]);                                                                    \
                vf all = v_splat((const float *)&v);                                                       \
                int64_t end = fk_min(n, k + left);                                                         \
                for (; k < end && k + VL <= n; k += VL) v_store((float *)d + k, all); /* too far: the next run mends it */\
                for (; k < end; k++) d[k] = v;                                                             \
                k = end;                                                                                   \
            }                                                                                              \
        } else {                                                                                           \
            box_t b;                                                                                       \
            int64_t o = box_start(&b, in, i), last = b.n - 1, s = b.stride[last];                          \
            for (int64_t k = 0; k < n;) {                                                                  \
                int64_t run = fk_min(n - k, b.dim[last] - b.at[last]);                                     \
                if (s == 1)                                                                                \
                    for (int64_t j = 0; j < run; j++) d[k + j] = convert(x[o + j]);                        \
                else                                                                                       \
                    for (int64_t j = 0; j < run; j++) d[k + j] = convert(x[o + j * s]);                    \
                k += run;                                                                                  \
                o -= b.at[last] * s;                                                                       \
                b.at[last] = 0;                                                                            \
                for (int64_t a = last - 1; a >= 0; a--) {                                                  \
                    o += b.stride[a];                                                                      \
                    if (++b.at[a] < b.dim[a]) break;                                                       \
                    o -= b.at[a] * b.stride[a];                                                            \
                    b.at[a] = 0;                                                                           \
                }                                                                                          \
            }                                                                                              \
        }                                                                                                  \
    }
#define SAME(v) (v)
#define TO_FLOAT(v) ((float)(v))
#define TO_INT(v) ((int32_t)(v))
GATHER(gather_word, word_t, word_t, SAME)
GATHER(gather_byte, uint8_t, real_t, TO_FLOAT)
GATHER(gather_long, int64_t, word_t, TO_INT)

static void gather(const fk_tile_in *in, const void *x, int64_t i, int64_t n, float *d) {
    if (in->dtype == FK_I64)
        gather_long(in, x, i, n, (word_t *)d);
    else if (in->dtype == FK_U8 || in->dtype == FK_BOOL)
        gather_byte(in, x, i, n, (real_t *)d);
    else
        gather_word(in, x, i, n, (word_t *)d);
}

/* an operand: a tile, or one word for all of it. p NULL: an input without a tile of its own, read at each use */
typedef struct {
    const float *p;
    int scalar;
} arg_t;

/* elements [i, i + n) of an input: in place where whole vectors of 32-bit words stand there, else in `room` */
static arg_t read_input(const fk_tile_in *in, const void *x, int64_t i, int64_t n, float *room) {
    int word = in->dtype == FK_F32 || in->dtype == FK_I32;
    const float *f = x;
    if (in->kind == FK_FLAT) {
        if (word && n % VL == 0) return (arg_t){f + i, 0};
    } else if (in->kind == FK_SCALAR || (in->kind == FK_DIV && i / in->p == (i + n - 1) / in->p)) {
        int64_t at = in->kind == FK_DIV ? i / in->p : 0;
        if (word) return (arg_t){f + at, 1};
        fk_tile_in flat = {in->dtype, FK_FLAT, 0, 0, {0}, {0}};
        gather(&flat, x, at, 1, room);
        return (arg_t){room, 1};
    } else if (in->kind == FK_MOD) {
        int64_t at = i % in->p;
        if (word && n % VL == 0 && at + n <= in->p) return (arg_t){f + at, 0};
    }
    gather(in, x, i, n, room);
    return (arg_t){room, 0};
}

/* ---- writing outputs */
static void write_output(int dtype, void *y, int64_t i, int64_t n, arg_t a) {
    float s[VL] __attribute__((aligned(4 * VL)));
    int64_t step = a.scalar ? 0 : VL;
    if (a.scalar) v_store(s, v_splat(a.p)), a.p = s;
    if (dtype == FK_F32 || dtype == FK_I32) {
        float *d = (float *)y + i;
        int64_t k = 0;
        for (; k + VL <= n; k += VL, a.p += step) v_store(d + k, v_load(a.p));
        if (k < n) v_store_n(d + k, v_load(a.p), n - k);
        return;
    }
    const word_t *word = (const word_t *)a.p;
    const real_t *value = a.p;
    int64_t one = !a.scalar;
    if (dtype == FK_I64) {
        int64_t *d = (int64_t *)y + i;
        for (int64_t k = 0; k < n; k++) d[k] = word[k * one];
    } else if (dtype == FK_U8) {
        uint8_t *d = (uint8_t *)y + i;
        for (int64_t k = 0; k < n; k++) d[k] = (uint8_t)(int32_t)value[k * one];
    } else {
        uint8_t *d = (uint8_t *)y + i;
        for (int64_t k = 0; k < n; k++) d[k] = value[k * one] != 0.0f;
    }
}

/* ---- the program */
enum { INPUT = 64, IMMEDIATE = 128 };

/* one call's state: the tile at elements [i, i + n) of those up to `end` */
typedef struct {
    const fk_tile *t;
    void *const *ptr;
    float (*tile)[LANES]; /* registers, then copies of inputs, then three for inputs without a tile of their own */
    int64_t i, n, end;
    arg_t in[FK_MAXREF], reg[FK_TILE_REGS];
    int64_t copied[FK_MAXREF]; /* the i for which a periodic input's tile was filled, or -1 */
    int8_t room[FK_MAXREF];    /* an input's tile, or -1 */
    int8_t *direct;            /* for each instruction the output that its result is written straight into, or -1 */
} run_t;

static inline int is_input(int code) { return code >= INPUT && code < IMMEDIATE; }

/* Not into an output whose memory is an input's that a later instruction, or another output, still reads. */
static void plan_direct(run_t *r) {
    const fk_tile *t = r->t;
    for (int k = 0; k < t->nins; k++) r->direct[k] = -1;
    for (int o = 0; o < t->nout; o++) {
        if (t->out[o].dtype > FK_I32 || t->out[o].arg >= INPUT) continue;
        const void *y = r->ptr[t->nin + o];
        int k = t->nins - 1, busy = 0;
        for (int other = 0; other < t->nout; other++)
            busy |= is_input(t->out[other].arg) && r->ptr[t->out[other].arg - INPUT] == y;
        for (; k >= 0 && t->ins[k].dst != t->out[o].arg; k--) {
            const int16_t code[3] = {t->ins[k].a, t->ins[k].b, t->ins[k].c};
            for (int j = 0; j < micros[t->ins[k].op].arity; j++)
                busy |= is_input(code[j]) && r->ptr[code[j] - INPUT] == y;
        }
        if (!busy && k >= 0 && r->direct[k] < 0) r->direct[k] = (int8_t)o;
    }
}

static int64_t common_multiple(int64_t a, int64_t b) {
    int64_t x = a, y = b;
    while (y) {
        int64_t r = x % y;
        x = y;
        y = r;
    }
    return a / x * b;
}

/* tiles for the inputs that may need one; returns the elements of a tile: whole periods of the first periodic input with
 * a short period, which is then copied once for all tiles */
static int64_t plan_inputs(run_t *r) {
    const fk_tile *t = r->t;
    int64_t step = LANES;
    int used = 0;
    for (int k = 0; k < t->nins; k++)
        if (t->ins[k].dst >= used) used = t->ins[k].dst + 1;
    for (int j = 0; j < t->nin; j++) {
        const fk_tile_in *x = &t->in[j];
        r->room[j] = r->copied[j] = -1;
        if (x->kind == FK_SCALAR && x->dtype <= FK_I32) continue;
        if (used < SPARE) r->room[j] = (int8_t)used++;
        if (x->kind == FK_MOD && step == LANES && x->p <= LANES) {
            int64_t whole = common_multiple(x->p, VL);
            if (whole <= LANES) step = LANES / whole * whole;
        }
    }
    return step;
}

static void read_inputs(run_t *r) {
    for (int j = 0; j < r->t->nin; j++) {
        const fk_tile_in *x = &r->t->in[j];
        float *room = r->room[j] >= 0 ? r->tile[r->room[j]] : NULL;
        if (r->copied[j] >= 0 && (r->i - r->copied[j]) % x->p == 0) continue;
        if (!room && (x->kind != FK_SCALAR || x->dtype > FK_I32)) {
            r->in[j].p = NULL;
            continue;
        }
        r->in[j] = read_input(x, r->ptr[j], r->i, r->n, room);
        r->copied[j] = x->kind == FK_MOD && r->in[j].p == room ? r->i : -1;
    }
}

/* what a code stands for; an input without a tile of its own is read into `spare` */
static inline arg_t operand(const run_t *r, int code, float *spare) {
    if (code < INPUT) return r->reg[code];
    if (code >= IMMEDIATE) return (arg_t){&r->t->imm[code - IMMEDIATE], 1};
    code -= INPUT;
    return r->in[code].p ? r->in[code] : read_input(&r->t->in[code], r->ptr[code], r->i, r->n, spare);
}

static void run_instruction(run_t *r, int k) {
    const fk_tile_ins *o = &r->t->ins[k];
    const int16_t code[3] = {o->a, o->b, o->c};
    const float *p[3] = {NULL, NULL, NULL};
    int arity = micros[o->op].arity, scalars = 0;
    float *d = r->tile[o->dst];
    for (int j = 0; j < arity; j++) {
        arg_t a = operand(r, code[j], r->tile[SPARE + j]);
        p[j] = a.p;
        scalars |= a.scalar << j;
    }
    int scalar = scalars == (1 << arity) - 1; /* of scalars only: one vector, and the result is a scalar */
    if (scalar) {
        float s[3][VL] __attribute__((aligned(4 * VL)));
        for (int j = 0; j < arity; j++) v_store(s[j], v_splat(p[j]));
        micros[o->op].fn[0](d, s[0], s[1], s[2], VL, 0);
    } else {
        if (r->direct[k] >= 0 && r->n % VL == 0) d = (float *)r->ptr[r->t->nin + r->direct[k]] + r->i;
        int64_t whole = fk_ceil_div(r->n, VL) * VL;
        micros[o->op].fn[arity == 3 ? 0 : scalars](d, p[0], p[1], p[2], whole, scalars);
    }
    r->reg[o->dst] = (arg_t){d, scalar};
}

/* while instruction k runs, its share of the next tile's inputs comes from memory */
static void fetch_ahead(const run_t *r, int k) {
    const fk_tile *t = r->t;
    int64_t next = r->i + r->n, lo = next + r->n * k / t->nins, hi = next + r->n * (k + 1) / t->nins;
    if (next + r->n > r->end) return;
    for (int j = 0; j < t->nin; j++)
        if (t->in[j].kind == FK_FLAT && t->in[j].dtype <= FK_I32)
            for (int64_t e = lo; e < hi; e += 16) __builtin_prefetch((const float *)r->ptr[j] + e);
}

void FK(tile_run)(const fk_tile *t, void *const *ptr, int64_t i, int64_t len, char *scratch) {
    int8_t direct[t->nins + 1];
    run_t r;
    r.t = t, r.ptr = ptr, r.tile = (float (*)[LANES])scratch, r.direct = direct, r.end = i + len;
    plan_direct(&r);
    int64_t step = plan_inputs(&r);
    for (r.i = i; r.i < r.end; r.i += r.n) {
        r.n = fk_min(step, r.end - r.i);
        if (r.n > 8 * VL) r.n -= r.n % VL; /* the tail apart, so that the rest is read and written in place */
        read_inputs(&r);
        for (int k = 0; k < t->nins; k++) {
            fetch_ahead(&r, k);
            run_instruction(&r, k);
        }
        for (int o = 0; o < t->nout; o++) {
            arg_t a = operand(&r, t->out[o].arg, r.tile[SPARE]);
            void *y = ptr[t->nin + o];
            if (a.p != (float *)y + r.i || t->out[o].dtype > FK_I32) write_output(t->out[o].dtype, y, r.i, r.n, a);
        }
    }
}

/* ---- elementwise programs as steps of their own */
FK_CHUNKS(tile) { return fk_split(fk_ceil_div(a->n, FK_TILE), 16); }
FK_ONE_PART(tile)
FK_KERNEL(tile) {
    int64_t lo, hi;
    fk_range(a->n, FK_TILE, ith, nth, &lo, &hi);
    if (lo < hi) fk_epilogue(call, lo, hi - lo);
}
