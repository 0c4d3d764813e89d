/* The interpreter of tile programs (tile.h). The loops, from the outside:
 *
 *   parts         tile_run is given runs of elements: a chunk of the kernel `tile` below, or what a kernel has just made and
 *                 hands over as its epilogue (kernel.h, fk_epilogue_rows), which then is in L1 or L2
 *   tiles         FK_TILE elements at a time: registers and inputs of the program have a tile each, all of them in L1
 *   instructions  each over a whole tile, by a function of its own (MICRO), or several that read each other's results in one
 *                 loop without a tile between them (a chain, tile_chain.c)
 *   vectors       the loop of a MICRO
 *
 * Inputs that are float and read element by element are read where they stand, others are copied to a tile first
 * (tile_read.c). An instruction whose result is an output writes it there, if no input is still to be read there. What of
 * this the program alone decides is worked out when a plan is made (tile_plan.c): a call may be for a few hundred elements. */
#include "tile.h"

#include "tile_read.h"
#include "vmath.h"

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

typedef fk_tile_arg arg_t;

/* ---- writing outputs */
static void write_output(int dtype, void *y, int64_t i, int64_t n, arg_t a) {
    float s[VL] __attribute__((aligned(4 * VL)));
    int64_t step = a.scalar ? 0 : VL;
    if (a.scalar) v_store(s, v_splat(a.p)), a.p = s;
    if (dtype == FK_F32 || dtype == FK_I32) {
        float *d = (float *)y + i;
        int64_t k = 0;
        for (; k + VL <= n; k += VL, a.p += step) v_store(d + k, v_load(a.p));
        if (k < n) v_store_n(d + k, v_load_n(a.p, n - k), n - k);
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
/* one call's state */
typedef struct {
    const fk_tile *t;
    void *const *ptr;
    float (*tile)[FK_TILE]; /* registers, then copies of inputs, then three for inputs without a tile of their own */
    fk_tile_part at;
    arg_t in[FK_MAXREF], reg[FK_TILE_REGS];
    int64_t copied[FK_MAXREF]; /* the i for which a periodic input's tile was filled, or -1 */
    int8_t *direct;            /* for each instruction the output that its result is written straight into, or -1 */
    int nsum;                  /* outputs that are only summed, the first ones */
    int past;                  /* results are too many to be in a cache when they are read */
} run_t;

/* Not into an output whose memory is an input's that a later instruction, or another output, still reads. Inputs are summed
 * before anything is written. */
static void plan_direct(run_t *r) {
    const fk_tile *t = r->t;
    for (int k = 0; k < t->nins; k++) r->direct[k] = -1;
    for (int o = r->nsum; o < t->nout; o++) {
        const void *y = r->ptr[t->nin + o];
        int k = t->plan.made[o], busy = 0;
        if (k < 0 || r->direct[k] >= 0) continue;
        for (int j = 0; j < t->nin; j++) busy |= t->plan.needed[j] > k && r->ptr[j] == y;
        for (int q = r->nsum; q < t->nout; q++) {
            const int arg = t->out[q].arg;
            busy |= arg >= FK_INPUT && arg < FK_IMMEDIATE && r->ptr[arg - FK_INPUT] == y;
        }
        if (!busy) r->direct[k] = (int8_t)o;
    }
}

/* whether the elements of a tile from i on, and of each row behind, lie in one row of those of `run` elements */
static inline int within_rows(const run_t *r, int64_t run, int64_t i) {
    return run && i % run + r->at.n <= run && (r->at.rows == 1 || r->at.stride % run == 0);
}

/* whether every input is read in place or is the same in every row, so that rows differ only by where they stand */
static int is_steady(const run_t *r, int64_t i) {
    int steady = !r->t->plan.crowded;
    for (int j = 0; j < r->t->nin; j++) {
        const fk_tile_in *x = &r->t->in[j];
        steady &= (x->kind == FK_FLAT && x->dtype <= FK_I32) ||
                  (x->kind == FK_SCALAR && (x->dtype <= FK_I32 || r->t->plan.room[j] >= 0)) ||
                  (x->kind == FK_MOD && r->t->plan.room[j] >= 0 && r->at.stride % x->p == 0) ||
                  (x->kind == FK_STRIDED && x->dtype <= FK_I32 && within_rows(r, x->run, i));
    }
    for (int o = r->nsum; o < r->t->nout; o++) steady &= !r->t->out[o].run || within_rows(r, r->t->out[o].run, i);
    return steady;
}

static void read_inputs(run_t *r) {
    for (int j = 0; j < r->t->nin; j++) {
        const fk_tile_in *x = &r->t->in[j];
        float *room = r->t->plan.room[j] >= 0 ? r->tile[r->t->plan.room[j]] : NULL;
        if (r->copied[j] >= 0 && (r->at.i - r->copied[j]) % x->p == 0) continue;
        if (!room && (x->kind != FK_SCALAR || x->dtype > FK_I32)) {
            r->in[j].p = NULL;
            continue;
        }
        r->in[j] = FK(tile_read)(x, r->ptr[j], &r->at, room);
        r->copied[j] = x->kind == FK_MOD && r->in[j].p == room ? r->at.i : -1;
    }
}

/* what a code stands for; an input without a tile of its own is read into `spare` */
static inline arg_t operand(const run_t *r, int code, float *spare) {
    if (code < FK_INPUT) return r->reg[code];
    if (code >= FK_IMMEDIATE) return (arg_t){&r->t->imm[code - FK_IMMEDIATE], 0, 1};
    code -= FK_INPUT;
    return r->in[code].p ? r->in[code] : FK(tile_read)(&r->t->in[code], r->ptr[code], &r->at, spare);
}

/* where element i of an output stands */
static inline int64_t place_of(const fk_tile_out *out, int64_t i) {
    return out->run ? i / out->run * out->pitch + i % out->run : i;
}

/* where the result of instruction k goes */
static inline arg_t target(const run_t *r, int k) {
    if (r->direct[k] >= 0 && r->at.n == r->at.whole) {
        const fk_tile_out *out = &r->t->out[r->direct[k]];
        float *y = r->ptr[r->t->nin + r->direct[k]];
        if (!out->run) return (arg_t){y + r->at.i, r->at.stride, 0};
        if (within_rows(r, out->run, r->at.i)) return (arg_t){y + place_of(out, r->at.i), place_of(out, r->at.stride), 0};
    }
    return (arg_t){r->tile[r->t->ins[k].dst], 0, 0};
}

/* ---- what is done for each row of a tile: chains and single instructions */
typedef struct {
    micro_fn fn; /* NULL: a chain */
    arg_t d, a[3];
    int scalars, first, count; /* of the chain's steps */
} work_t;

/* Works out instruction k, or computes it where all its operands are scalars: then the result is one, in *room. */
static int plan_instruction(run_t *r, int k, work_t *w, float *room) {
    const fk_tile_ins *o = &r->t->ins[k];
    const int16_t code[3] = {o->a, o->b, o->c};
    int arity = micros[o->op].arity;
    w->scalars = 0;
    for (int j = 0; j < arity; j++) {
        w->a[j] = operand(r, code[j], r->tile[FK_TILE_SPARE + j]);
        w->scalars |= w->a[j].scalar << j;
    }
    if (w->scalars == (1 << arity) - 1) {
        float s[3][VL] __attribute__((aligned(4 * VL))), result[VL] __attribute__((aligned(4 * VL)));
        for (int j = 0; j < arity; j++) v_store(s[j], v_splat(w->a[j].p));
        micros[o->op].fn[0](result, s[0], s[1], s[2], VL, 0);
        *room = result[0];
        r->reg[o->dst] = (arg_t){room, 0, 1};
        return 0;
    }
    for (int j = arity; j < 3; j++) w->a[j] = w->a[0];
    w->fn = micros[o->op].fn[arity == 3 ? 0 : w->scalars];
    w->d = r->reg[o->dst] = target(r, k);
    return 1;
}

/* Appends what adds `value`, or, where that is NULL, the chain's, to sum number o. */
static void plan_sum(const run_t *r, int o, const arg_t *value, fk_chain_step *step, int *count) {
    const arg_t none = {NULL, 0, 0};
    if (value) step[(*count)++] = (fk_chain_step){value->scalar ? FK_CHAIN_SPLAT : FK_CHAIN_LOAD, *value, none};
    step[(*count)++] = (fk_chain_step){FK_CHAIN_ADD, {r->ptr[r->t->nin + o], 0, 0}, none};
}
/* the same to all sums of what instruction k makes */
static void plan_sums(const run_t *r, int k, const arg_t *value, fk_chain_step *step, int *count) {
    for (int o = 0; o < r->nsum; o++)
        if (r->t->plan.made[o] == k) plan_sum(r, o, value, step, count);
}

/* whether what instruction k makes goes past the caches: it leaves the program there, for lines that no input has brought */
static int streams(const run_t *r, int k) {
    const fk_tile *t = r->t;
    const arg_t *to = &r->reg[t->ins[k].dst];
    if (!r->past || k + 1 < t->nins || to->p == r->tile[t->ins[k].dst]) return 0;
    int far = (uintptr_t)to->p % sizeof(vf) == 0 && to->skip % VL == 0;
    for (int j = 0; j < t->nin; j++) far &= r->ptr[j] != r->ptr[t->nin + r->direct[k]];
    return far;
}

/* Appends the steps of the chain that instruction k begins; returns the instruction behind it. */
static int plan_chain(run_t *r, int k, fk_chain_step *step, int *count) {
    const fk_tile *t = r->t;
    int n = *count, last = -1; /* the register whose value is at hand */
    do {
        const fk_tile_ins *o = &t->ins[k];
        const int16_t code[3] = {o->a, o->b, o->c};
        const arg_t none = {NULL, 0, 0};
        arg_t a[3] = {none, none, none};
        int arity = micros[o->op].arity, at = last < 0 ? -1 : code[0] != last;
        for (int j = 0; j < arity; j++)
            if (j != at) a[j] = operand(r, code[j], NULL);
        if (at < 0) {
            at = arity == 2 && a[0].scalar;
            step[n++] = (fk_chain_step){a[at].scalar ? FK_CHAIN_SPLAT : FK_CHAIN_LOAD, a[at], none};
        }
        if (arity == 2)
            step[n++] = (fk_chain_step){4 * o->op + a[!at].scalar + 2 * at, a[!at], none};
        else
            step[n++] = (fk_chain_step){4 * o->op + a[1].scalar + 2 * a[2].scalar, a[1], a[2]};
        last = o->dst;
        if (t->plan.flow[k] & FK_KEPT) {
            r->reg[last] = target(r, k);
            step[n++] = (fk_chain_step){streams(r, k) ? FK_CHAIN_STREAM : FK_CHAIN_STORE, r->reg[last], none};
        }
        plan_sums(r, k, NULL, step, &n);
    } while (++k < t->nins && t->plan.flow[k] & FK_JOINED);
    *count = n;
    return k;
}

/* row q */
static void run_work(const run_t *r, const work_t *work, int count, const fk_chain_step *step, int64_t q) {
    for (const work_t *w = work; w < work + count; w++)
        if (w->fn)
            w->fn((float *)w->d.p + q * w->d.skip, w->a[0].p + q * w->a[0].skip, w->a[1].p + q * w->a[1].skip,
                  w->a[2].p + q * w->a[2].skip, r->at.whole, w->scalars);
        else
            FK(chain_run)(step + w->first, w->count, q, q + 1, r->at.whole);
}

/* whether an output is where it belongs as soon as its instruction is done */
static int in_place(const run_t *r, int o) {
    const fk_tile_out *out = &r->t->out[o];
    const float *y = r->ptr[r->t->nin + o];
    return out->dtype <= FK_I32 && out->arg < FK_INPUT && r->reg[out->arg].p == y + place_of(out, r->at.i);
}
static void write_row(const run_t *r, int o, int64_t q) {
    const fk_tile_out *out = &r->t->out[o];
    if (in_place(r, o)) return;
    arg_t a = operand(r, out->arg, r->tile[FK_TILE_SPARE]);
    a.p += q * a.skip;
    const int64_t i = r->at.i + q * r->at.stride, end = i + r->at.n;
    for (int64_t k = i, n; k < end; k += n) {
        n = out->run ? fk_min(end - k, out->run - k % out->run) : end - k;
        write_output(out->dtype, r->ptr[r->t->nin + o], place_of(out, k), n, a);
        if (!a.scalar) a.p += n;
    }
}

/* The steps [first, steps) as work behind `chain`, the last one where that is a chain, else NULL; returns what is the last now.
 * Chains that follow one another are one loop: each begins by reading its operand. */
static work_t *plan_work(work_t *chain, work_t *next, int *count, int first, int steps) {
    if (first == steps) return chain;
    if (!chain) {
        chain = next;
        chain->fn = NULL;
        chain->first = first;
        ++*count;
    }
    chain->count = steps - chain->first;
    return chain;
}

/* fetch: elements from a row to what comes from memory while it is computed, or 0 */
static void run_tile(run_t *r, int64_t fetch) {
    const fk_tile *t = r->t;
    work_t work[2 * t->nins + r->nsum + 1], *chain = NULL;
    fk_chain_step step[3 * t->nins + t->nin + 2 * r->nsum + 1];
    float scalar[t->nins + 1];
    int count = 0, steps = 0;
    read_inputs(r);
    for (int j = 0; fetch && j < t->nin; j++)
        if (t->in[j].kind == FK_FLAT && t->in[j].dtype <= FK_I32)
            step[steps++] =
                (fk_chain_step){FK_CHAIN_FETCH, {(const float *)r->ptr[j] + r->at.i + fetch, r->at.stride, 0}, {NULL, 0, 0}};
    int first = 0;
    for (int o = 0; o < r->nsum; o++) { /* inputs are summed before anything is written where they stand */
        if (t->out[o].arg < FK_INPUT) continue;
        const arg_t value = operand(r, t->out[o].arg, r->tile[FK_TILE_SPARE]);
        plan_sum(r, o, &value, step, &steps);
        chain = plan_work(chain, work + count, &count, first, steps);
        first = steps;
        if (t->plan.crowded) {
            run_work(r, work, count, step, 0);
            count = 0;
            chain = NULL;
        }
    }
    for (int k = 0; k < t->nins; first = steps) {
        if (t->plan.flow[k] & FK_CHAINED) {
            k = plan_chain(r, k, step, &steps);
        } else {
            if (plan_instruction(r, k, &work[count], &scalar[k])) {
                count++;
                chain = NULL;
            }
            first = steps;
            plan_sums(r, k, &r->reg[t->ins[k].dst], step, &steps);
            k++;
        }
        chain = plan_work(chain, work + count, &count, first, steps);
        if (t->plan.crowded) {
            run_work(r, work, count, step, 0);
            count = 0;
            chain = NULL;
        }
    }
    int left = 0; /* outputs that are not written in place */
    for (int o = r->nsum; o < t->nout; o++) left |= !in_place(r, o);
    if (count == 1 && !work[0].fn && !left) {
        FK(chain_run)(step, steps, 0, r->at.rows, r->at.whole);
        return;
    }
    for (int64_t q = 0; q < r->at.rows; q++) {
        run_work(r, work, count, step, q);
        for (int o = r->nsum; left && o < t->nout; o++) write_row(r, o, q);
    }
}

/* `rows` runs of n elements from i on */
static void run_rows(run_t *r, int64_t i, int64_t rows, int64_t n, int64_t fetch) {
    r->at.n = n;
    r->at.whole = fk_ceil_div(n, VL) * VL;
    r->at.rows = rows;
    if (n != r->at.whole || !is_steady(r, i)) r->at.rows = 1;
    for (int64_t q = 0; q < rows; q += r->at.rows) {
        r->at.i = i + q * r->at.stride;
        run_tile(r, fetch);
    }
}

static void begin(run_t *r, const fk_tile *t, void *const *ptr, int nsum, int8_t *direct, char *scratch) {
    r->t = t, r->ptr = ptr, r->tile = (float (*)[FK_TILE])scratch, r->direct = direct, r->nsum = nsum, r->past = 0;
    for (int j = 0; j < t->nin; j++) r->copied[j] = -1;
    plan_direct(r);
}

void FK(tile_sums)(const fk_tile *t, void *const *ptr, int nsum, int64_t i, int64_t rows, int64_t stride, int64_t n,
                   char *scratch) {
    int8_t direct[t->nins + 1];
    run_t r;
    begin(&r, t, ptr, nsum, direct, scratch);
    r.at.stride = stride;
    run_rows(&r, i, rows, n, stride);
}

/* the period of an input that repeats with one too long for a tile, or 0 */
static int64_t long_period(const fk_tile *t) {
    for (int j = 0; j < t->nin; j++)
        if (t->in[j].kind == FK_MOD && t->in[j].p > FK_TILE) return t->in[j].p;
    return 0;
}

/* whether most of what a program reads is not what a kernel has just made */
static int reads_much(const fk_tile *t) {
    int flat = 0;
    for (int j = 0; j < t->nin; j++) flat += t->in[j].kind == FK_FLAT;
    return flat > 2;
}

static void run_all(const fk_tile *t, void *const *ptr, int64_t i, int64_t rows, int64_t stride, int64_t len, int past,
                    char *scratch) {
    int8_t direct[t->nins + 1];
    run_t r;
    begin(&r, t, ptr, 0, direct, scratch);
    r.past = past;
    int64_t step = t->plan.step, n;
    const int64_t row = rows == 1 && len >= 16 * FK_TILE ? long_period(t) : 0;
    if (row && len >= 4 * row) { /* what repeats is read once for all rows */
        const int64_t whole = len / row * row;
        r.at.stride = row;
        for (int64_t j = 0; j < row; j += step) run_rows(&r, i + j, len / row, fk_min(step, row - j), row);
        i += whole;
        len -= whole;
    }
    if (rows == 1 || (stride == len && len <= FK_TILE)) { /* one run: tiles are its rows, and the rest follows */
        len *= rows;
        rows = len / step;
        r.at.stride = step;
        run_rows(&r, i, rows, step, step);
        i += rows * step;
        len -= rows * step;
        rows = 1;
        stride = 0;
        step = len > 8 * VL ? len / VL * VL : len; /* the tail apart, so that all else is read and written in place */
    } else {
        step = FK_TILE;
    }
    r.at.stride = stride;
    /* no hardware fetches the next of rows that lie apart, such as an optimizer's behind a cell of a product */
    const int64_t next = rows > 1 && reads_much(t) ? stride : 0;
    for (int64_t j = 0; j < len; j += n) {
        n = fk_min(step, len - j);
        if (rows > 1 && n > VL) n -= n % VL;
        run_rows(&r, i + j, rows, n, next);
    }
}

void FK(tile_run)(const fk_tile *t, void *const *ptr, int64_t i, int64_t rows, int64_t stride, int64_t len, char *scratch) {
    run_all(t, ptr, i, rows, stride, len, 0, scratch);
}

/* ---- elementwise programs as steps of their own */
FK_CHUNKS(tile) { return fk_split(fk_ceil_div(a->n, 2 * FK_TILE), 16); }
FK_ONE_PART(tile)
FK_KERNEL(tile) {
    const int past = a->n * 4 >= BLOCKS.past_kb << 10;
    int64_t lo, hi;
    fk_range(a->n, 2 * FK_TILE, ith, nth, &lo, &hi);
    if (lo < hi) run_all(call->tile, call->tile_ptr, lo, 1, hi - lo, hi - lo, past, call->scratch + FK_KERNEL_SCRATCH);
    if (past) v_streamed();
}
