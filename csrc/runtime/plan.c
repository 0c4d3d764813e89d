/* Plans: parsing what Python hands over, and running it. */
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "runtime.h"

typedef struct {
    fk_kernel run;
    const int64_t *attr;
    const fk_tile *tile;
    int64_t nchunks;
    int32_t ref, nref, nown;
} step_t;

/* a stretch of the plan between two barriers: one step of many chunks, or a row of one-chunk steps that one thread does */
typedef struct {
    int32_t first, last;
    int64_t nchunks;
    int64_t nclaims, per; /* a claim is `per` chunks, the last one perhaps fewer: one, but where they are millions */
} unit_t;

/* one run's state: the unit in the high bits, then the claims taken from the back, then those from the front */
#define CLAIM_BITS 22
#define CLAIM_MASK ((1u << CLAIM_BITS) - 1)
#define MOST_CLAIMS (1 << 20) /* leaves room for a claim in vain by each thread */
#define MOST_UNITS (1 << 19)

struct fk_plan {
    int64_t nsteps, nunits;
    step_t *steps;
    unit_t *units;
    int64_t *refs, *attrs;
    fk_tile **tiles;
    int64_t ntiles;
    int parallel;
};

static fk_tile *parse_tile(const int64_t *w) {
    size_t nin = (size_t)w[0], nout = (size_t)w[1], nins = (size_t)w[2], nimm = (size_t)w[3];
    w += 4;
    char *p = calloc(1, sizeof(fk_tile) + nin * sizeof(fk_tile_in) + nout * sizeof(fk_tile_out) +
                            nins * sizeof(fk_tile_ins) + nimm * sizeof(float) + 64);
    if (!p) return NULL;
    fk_tile *t = (fk_tile *)p;
    fk_tile_in *in = (fk_tile_in *)(t + 1);
    float *imm = (float *)(in + nin);
    fk_tile_out *out = (fk_tile_out *)(imm + nimm);
    fk_tile_ins *ins = (fk_tile_ins *)(out + nout);
    *t = (fk_tile){(int32_t)nin, (int32_t)nout, (int32_t)nins, (int32_t)nimm, in, out, ins, imm, {0}};
    for (size_t i = 0; i < nin; i++) {
        in[i].dtype = (int32_t)*w++;
        in[i].kind = (int32_t)*w++;
        in[i].ndim = (int32_t)*w++;
        in[i].p = *w++;
        memcpy(in[i].dim, w, FK_MAXDIM * 8);
        memcpy(in[i].stride, w + FK_MAXDIM, FK_MAXDIM * 8);
        w += 2 * FK_MAXDIM;
    }
    for (size_t i = 0; i < nout; i++, w += 2) out[i] = (fk_tile_out){(int32_t)w[0], (int32_t)w[1]};
    for (size_t i = 0; i < nins; i++, w += FK_INSTRUCTION_WORDS)
        ins[i] = (fk_tile_ins){(int16_t)w[0], (int16_t)w[1], (int16_t)w[2], (int16_t)w[3], (int16_t)w[4]};
    for (size_t i = 0; i < nimm; i++, w++) memcpy(&imm[i], w, 4);
    t->simple = fk_tile_simple(t);
    return t;
}

static int64_t *copy_words(const int64_t *w, int64_t n) {
    int64_t *c = malloc((size_t)(n > 0 ? n : 1) * 8);
    if (c && n > 0) memcpy(c, w, (size_t)n * 8);
    return c;
}

fk_plan *fk_plan_new(const int64_t *steps, int64_t nsteps, const int64_t *refs, int64_t nrefs, const int64_t *attrs,
                     int64_t nattrs, const int64_t *programs) {
    const fk_entry *table = fk_isa_current()->table;
    fk_plan *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->nsteps = nsteps;
    p->refs = copy_words(refs, 2 * nrefs);
    p->attrs = copy_words(attrs, nattrs);
    p->steps = calloc((size_t)nsteps + 1, sizeof *p->steps);
    p->units = calloc((size_t)nsteps + 1, sizeof *p->units);
    p->tiles = calloc((size_t)nsteps + 1, sizeof *p->tiles);
    if (!p->refs || !p->attrs || !p->steps || !p->units || !p->tiles) goto fail;
    for (int64_t i = 0; i < nsteps; i++, steps += FK_STEP_WORDS) {
        step_t *s = &p->steps[i];
        const fk_entry *e = &table[steps[0]];
        if (!e->run || !e->chunks || steps[2] > FK_MAXREF) goto fail;
        s->run = e->run;
        s->ref = (int32_t)steps[1];
        s->nref = (int32_t)steps[2];
        s->nown = (int32_t)steps[3];
        s->attr = p->attrs + steps[4];
        if (steps[5] >= 0) {
            if (!(s->tile = p->tiles[p->ntiles] = parse_tile(programs + steps[5]))) goto fail;
            p->ntiles++;
        }
        s->nchunks = fk_max(1, e->chunks(s->attr));
        unit_t *u = p->nunits ? &p->units[p->nunits - 1] : NULL;
        if (u && u->nchunks == 1 && s->nchunks == 1)
            u->last = (int32_t)i;
        else
            p->units[p->nunits++] = (unit_t){(int32_t)i, (int32_t)i, s->nchunks, 0, 0};
        u = &p->units[p->nunits - 1];
        u->per = fk_ceil_div(u->nchunks, MOST_CLAIMS);
        u->nclaims = fk_ceil_div(u->nchunks, u->per);
        p->parallel |= s->nchunks > 1;
    }
    p->parallel &= p->nunits < MOST_UNITS;
    return p;
fail:
    fk_plan_free(p);
    return NULL;
}

void fk_plan_free(fk_plan *p) {
    if (!p) return;
    for (int64_t i = 0; i < p->ntiles; i++) free(p->tiles[i]);
    free(p->tiles);
    free(p->steps);
    free(p->units);
    free(p->refs);
    free(p->attrs);
    free(p);
}

int64_t fk_plan_chunks(const fk_plan *p, int64_t step) { return p->steps[step].nchunks; }

/* One run: what its threads share. One atomic add on `state` claims chunks of the present unit: half of the threads claim
 * them from the front, half from the back, so that each keeps meeting the same part of weights and images, which its own
 * cache still holds. The thread that finishes the last claim of a unit opens the next. Nobody waits for a thread that holds no
 * chunk: one that the system has put to sleep delays nothing, and joins where the others are. */
typedef struct {
    const fk_plan *plan;
    void *const *bases;
    fk_wish wish;
    int64_t ask_at; /* when to call it next, in ms; 0 until the first chunk */
    _Alignas(64) atomic_ullong state;
    _Alignas(64) atomic_llong done;
    atomic_llong failed;
} run_t;

/* 0 when it has been waiting long */
static inline int spin(int *spins) {
    if (++*spins > 4096) {
        sched_yield(); /* more threads than processors: let the others go on */
        return 0;
    }
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
    return 1;
}

static inline void failed(run_t *r, int64_t step) {
    long long none = 0;
    atomic_compare_exchange_strong(&r->failed, &none, step + 1);
}

/* behind a step with an index out of range nothing is computed: what it would have updated keeps its value. A run that was
 * stopped, or has no memory, begins no step at all */
static inline int stopped(run_t *r, int64_t step) {
    int64_t failed = atomic_load_explicit(&r->failed, memory_order_relaxed);
    return failed && failed <= step;
}

/* Whether the caller wishes the run to end, asked by its own thread. Seldom: to answer, the caller may have to wait for a lock
 * that another of its threads holds for milliseconds. A coarse clock costs a few nanoseconds, and runs shorter than ASK_EVERY
 * never ask. */
enum { ASK_EVERY = 100 };
static inline void ask(run_t *r) {
    if (!r->wish) return;
#ifdef CLOCK_MONOTONIC_COARSE
    enum { CLOCK = CLOCK_MONOTONIC_COARSE };
#else
    enum { CLOCK = CLOCK_MONOTONIC };
#endif
    struct timespec t;
    clock_gettime(CLOCK, &t);
    const int64_t now = t.tv_sec * 1000 + t.tv_nsec / 1000000;
    if (now < r->ask_at) return;
    if (r->ask_at && r->wish()) {
        atomic_store(&r->failed, FK_STOPPED);
        r->wish = NULL; /* answered once: what it did to the caller's state stands */
    }
    r->ask_at = now + ASK_EVERY;
}

/* chunks [from, to) of one step. asks: this is the caller's thread */
static inline void run_step(run_t *r, int64_t index, int64_t from, int64_t to, char *scratch, int asks) {
    const step_t *s = &r->plan->steps[index];
    const int64_t *ref = r->plan->refs + 2 * (int64_t)s->ref;
    void *ptr[FK_MAXREF];
    int status = 0;
    for (int i = 0; i < s->nref; i++) ptr[i] = (char *)r->bases[ref[2 * i]] + ref[2 * i + 1];
    fk_call call = {s->attr, ptr, s->tile, ptr + s->nown, scratch, &status};
    for (int64_t c = from; c < to; c++) {
        if (asks) ask(r);
        if (asks && stopped(r, index)) break;
        s->run(&call, c, s->nchunks);
    }
    if (status) failed(r, index);
}

static void run_alone(run_t *r, char *scratch) {
    for (int64_t i = 0; i < r->plan->nsteps && !stopped(r, i); i++)
        run_step(r, i, 0, r->plan->steps[i].nchunks, scratch, 1);
}

static void run_thread(void *arg, int thread, int threads) {
    run_t *r = arg;
    const fk_plan *p = r->plan;
    char *scratch = fk_scratch();
    if (!scratch) return; /* no memory: the others do its share; the caller's thread has its own */
    if (threads == 1) {
        run_alone(r, scratch);
        return;
    }
    const int back = thread >= (threads + 1) / 2;
    for (;;) {
        const uint64_t ticket =
            atomic_fetch_add_explicit(&r->state, back ? 1u << CLAIM_BITS : 1u, memory_order_acq_rel);
        const int64_t k = (int64_t)(ticket >> 2 * CLAIM_BITS);
        const int64_t front = ticket & CLAIM_MASK, behind = ticket >> CLAIM_BITS & CLAIM_MASK;
        if (k >= p->nunits) return;
        const unit_t *u = &p->units[k];
        if (front + behind >= u->nclaims) { /* all claimed: the next unit opens when the last of them is finished */
            int spins = 0;
            while ((int64_t)(atomic_load_explicit(&r->state, memory_order_acquire) >> 2 * CLAIM_BITS) == k)
                if (!spin(&spins) && !thread) ask(r);
            continue;
        }
        const int64_t c = (back ? u->nclaims - 1 - behind : front) * u->per;
        if (u->nchunks == 1)
            for (int64_t i = u->first; i <= u->last && !stopped(r, i); i++) run_step(r, i, 0, 1, scratch, !thread);
        else if (!stopped(r, u->first))
            run_step(r, u->first, c, fk_min(u->nchunks, c + u->per), scratch, !thread);
        if (atomic_fetch_add_explicit(&r->done, 1, memory_order_acq_rel) == u->nclaims - 1) {
            atomic_store_explicit(&r->done, 0, memory_order_relaxed);
            atomic_store_explicit(&r->state, (uint64_t)(k + 1) << 2 * CLAIM_BITS, memory_order_release);
        }
    }
}

int64_t fk_plan_run(const fk_plan *p, void *const *bases, fk_wish wish) {
    run_t r = {.plan = p, .bases = bases, .wish = wish};
    if (!fk_scratch()) return FK_NO_MEMORY;
    fk_team_run(run_thread, &r, p->parallel);
    return atomic_load(&r.failed);
}

int64_t fk_plan_profile(const fk_plan *p, void *const *bases, double *seconds) {
    run_t r = {.plan = p, .bases = bases};
    char *scratch = fk_scratch();
    if (!scratch) return FK_NO_MEMORY;
    for (int64_t i = 0; i < p->nsteps && !stopped(&r, i); i++) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        run_step(&r, i, 0, p->steps[i].nchunks, scratch, 0);
        clock_gettime(CLOCK_MONOTONIC, &b);
        seconds[i] = (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
    }
    return atomic_load(&r.failed);
}
