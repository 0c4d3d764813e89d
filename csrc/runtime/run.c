/* Running plans: threads of the team that claim the work of one. */
#include "plan.h"

/* One run: what its threads share. One atomic add on `state` claims chunks of the present unit: half of the threads claim
 * them from the front, half from the back, so that each keeps meeting the same part of weights and images, which its own
 * cache still holds. The thread that finishes the last claim of a unit opens the next. Nobody waits for a thread that holds no
 * chunk: one that the system has put to sleep delays nothing, and joins where the others are. It may find the run over, and
 * the plan gone: until a thread holds a chunk, it reads nothing but this. */
typedef struct {
    const fk_plan *plan;
    void *const *bases;
    const int64_t *rounds; /* of the loops around the plan */
    double *seconds;       /* where the time of each step is added up, or NULL */
    fk_wish wish;
    int64_t ask_at; /* when to call it next, in ms; 0 until the first chunk */
    uint64_t total; /* units */
    unsigned number; /* of the plan's runs */
    int slept; /* whether the caller has, for a chunk that a helper held */
    int is_short; /* so that helpers may give their processors up between runs alone */
    int turned; /* the caller claims from the back, and whoever else would from there from the front */
    _Alignas(64) atomic_ullong state;
    atomic_ullong size; /* of the unit that is open: its number, then its claims */
    _Alignas(64) atomic_llong done;
    atomic_llong failed;
} run_t;
_Static_assert(sizeof(run_t) <= FK_SHARED_BYTES, "a run has room in the team");

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

/* where a ref is in round at[level] of each loop */
static inline void *address(const run_t *r, int64_t index, const int64_t *at) {
    const ref_t *ref = &r->plan->refs[index];
    char *p = (char *)r->bases[ref->space] + ref->offset;
    const move_t *m = r->plan->moves + ref->move;
    for (int32_t k = 0; k < ref->nmoves; k++, m++) {
        const int64_t t = at[m->level];
        p += (m->period == 0 ? t : m->period == 2 ? t & 1 : t % m->period) * m->stride;
    }
    return p;
}

/* a thread of a run: the rounds it is in of each loop, its scratch, and whether it is the caller's */
typedef struct {
    int64_t at[FK_MAXLOOP];
    uint64_t times; /* number of the run, and rounds: every other turns the order of chunks, for all who share them */
    char *scratch;
    int asks;
} worker_t;

/* chunks [from, to) of one step */
static inline void run_step(run_t *r, int64_t index, int64_t from, int64_t to, const worker_t *w) {
    const step_t *s = &r->plan->steps[index];
    void *ptr[FK_MAXREF];
    int status = 0;
    const int64_t meet = to - from == s->nchunks ? to : s->nchunks / 2; /* where two sides do, if there are two */
    for (int i = 0; i < s->nref; i++) ptr[i] = address(r, s->ref + i, w->at);
    fk_call call = {s->attr, ptr, s->tile, ptr + s->nown, w->scratch, &status, w->times % 2 ? meet : 0};
    for (int64_t c = from; c < to; c++) {
        if (w->asks) ask(r);
        if (w->asks && stopped(r, index)) break;
        s->run(&call, c, s->nchunks);
    }
    if (status) failed(r, index);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void run_timed(run_t *r, int64_t index, int64_t from, int64_t to, const worker_t *w) {
    const double begin = now();
    run_step(r, index, from, to, w);
    r->seconds[index] += now() - begin;
}

/* chunks [from, to) of a step and of those that follow it, up to `end`: of each while what the one before made is in this
 * thread's cache */
static void run_chunks(run_t *r, int64_t index, int64_t end, int64_t from, int64_t to, const worker_t *w) {
    const int64_t each = end - index > 1 ? 1 : to - from;
    for (int64_t c = from; c < to; c += each)
        for (int64_t i = index; i < end; i++)
            if (r->seconds)
                run_timed(r, i, c, c + each, w);
            else
                run_step(r, i, c, c + each, w);
}

static void run_loop(run_t *r, int32_t index, worker_t *w);

/* all of steps [i, end) by this thread, inside the loop `outer` */
static void run_range(run_t *r, int32_t i, int32_t end, int32_t outer, worker_t *w) {
    const fk_plan *p = r->plan;
    while (i < end && !stopped(r, i)) {
        const int32_t l = loop_at(p, i, outer);
        if (l >= 0) {
            run_loop(r, l, w);
            i = p->loops[l].end;
            continue;
        }
        const int32_t next = behind(p, i);
        run_chunks(r, i, next, 0, p->steps[i].nchunks, w);
        i = next;
    }
}

static void run_loop(run_t *r, int32_t index, worker_t *w) {
    const loop_t *l = &r->plan->loops[index];
    int64_t *t = &w->at[l->level];
    for (*t = 0; *t < l->count && !atomic_load_explicit(&r->failed, memory_order_relaxed); ++*t) {
        if (l->go >= 0 && !*(const char *)address(r, l->go, w->at)) break;
        run_range(r, l->first, l->end, index, w);
        w->times++;
    }
}

/* claims [from, to) of a unit's chunks */
static void run_unit(run_t *r, const unit_t *u, int32_t outer, int64_t from, int64_t to, worker_t *w) {
    if (u->loop >= 0)
        for (; from < to; from++) run_loop(r, (int32_t)(u->loop + from), w);
    else if (u->nchunks == 1)
        run_range(r, u->first, u->last + 1, outer, w);
    else if (!stopped(r, u->first))
        run_chunks(r, u->first, u->last + 1, from, to, w);
}

/* unit k of the run, the block it is in, from *b on, and the round of the block */
static const unit_t *unit_at(const fk_plan *p, int64_t k, const block_t **b, int64_t *round) {
    while (k - (*b)->begin >= (*b)->nunits * (*b)->count) ++*b;
    *round = (*b)->count == 1 ? 0 : (k - (*b)->begin) / (*b)->nunits;
    return &p->units[(*b)->unit + (k - (*b)->begin - *round * (*b)->nunits)];
}

static void open_unit(run_t *r, int64_t k, const block_t *b) {
    int64_t round;
    if ((uint64_t)k < r->total) {
        const unit_t *u = unit_at(r->plan, k, &b, &round);
        atomic_store_explicit(&r->size, (uint64_t)k << CLAIM_BITS | (uint64_t)u->nclaims, memory_order_relaxed);
    }
    atomic_store(&r->state, (uint64_t)k << 2 * CLAIM_BITS);
}

/* Whether a processor worked on chunks from the back last, so that its cache holds theirs: a caller that finds itself where the
 * helper was, since the system moved it, or another of the process's threads calls now, changes sides with him. */
enum { MOST_PROCESSORS = 256 };
static atomic_uchar from_back[MOST_PROCESSORS + 1];

static inline atomic_uchar *side_here(void) {
    const int processor = fk_processor();
    return &from_back[processor >= 0 && processor < MOST_PROCESSORS ? processor : MOST_PROCESSORS];
}

static int was_back(void) {
    const atomic_uchar *side = side_here();
    return side != &from_back[MOST_PROCESSORS] && atomic_load_explicit(side, memory_order_relaxed);
}

static fk_breath breaths[FK_MAX_THREADS + 1]; /* of each helper */

static void run_thread(void *shared, int thread, int threads) {
    run_t *r = shared;
    worker_t w = {.scratch = fk_scratch(), .asks = !thread};
    if (!w.scratch) return; /* no memory: the others do its share; the caller's thread has its own */
    const int back = (thread >= (threads + 1) / 2) != r->turned;
    const block_t *b = NULL;
    if (thread) fk_breathe(&breaths[thread]);
    atomic_store_explicit(side_here(), back, memory_order_relaxed);
    for (;;) {
        if (thread && !r->is_short) fk_breathe(&breaths[thread]);
        const uint64_t ticket = atomic_fetch_add_explicit(&r->state, back ? 1u << CLAIM_BITS : 1u, memory_order_acq_rel);
        const uint64_t k = ticket >> 2 * CLAIM_BITS;
        const int64_t front = ticket & CLAIM_MASK, behind = ticket >> CLAIM_BITS & CLAIM_MASK;
        if (k >= r->total) return;
        const uint64_t size = atomic_load_explicit(&r->size, memory_order_acquire);
        if (size >> CLAIM_BITS != k || front + behind >= (int64_t)(size & CLAIM_MASK)) {
            /* all claimed: the next unit opens when the last of them is finished */
            int changed;
            while (!(changed = fk_wait(&r->state, 2 * CLAIM_BITS, k, thread ? 0 : ASK_EVERY))) ask(r);
            if (!thread && changed == FK_SLEPT) r->slept = 1;
            continue;
        }
        /* a claim is held, so the unit stays open, and the plan is there */
        if (!b) {
            b = r->plan->blocks;
            if (r->rounds) memcpy(w.at, r->rounds, sizeof w.at);
        }
        int64_t round;
        const unit_t *u = unit_at(r->plan, (int64_t)k, &b, &round);
        const int64_t c = (back ? u->nclaims - 1 - behind : front) * u->per, nclaims = u->nclaims;
        if (b->shared >= 0) w.at[b->level] = round;
        w.times = r->number + (uint64_t)round;
        run_unit(r, u, b->shared, c, fk_min(u->nchunks, c + u->per), &w);
        if (atomic_fetch_add_explicit(&r->done, 1, memory_order_acq_rel) == nclaims - 1) {
            atomic_store_explicit(&r->done, 0, memory_order_relaxed);
            open_unit(r, (int64_t)k + 1, b);
            fk_wake();
        }
    }
}

/* by one thread, without claims */
static void run_alone(run_t *r) {
    worker_t w = {.scratch = fk_scratch(), .asks = 1, .times = r->number};
    if (r->rounds) memcpy(w.at, r->rounds, sizeof w.at);
    run_range(r, 0, (int32_t)r->plan->nsteps, -1, &w);
}

/* A helper that sleeps is woken for a run that takes longer than he takes to come, and for one of a row of runs, each of which
 * follows the one before while he would still look: he comes for those behind it. One that looks for work joins any. */
enum { WORTH_WAKING_NS = 100000 };
static atomic_llong last_end;

/* A helper that is put to sleep while it holds a chunk of such a short run holds its caller up for milliseconds, in which the
 * caller alone would do a hundred runs. When one lasted that long, and not because the caller himself was put off, the helper has just
 * come back, and will have his processor for a while; but where the same is met again soon, runs are done alone for longer and longer. */
enum { HELD_UP_NS = 1000000, SHORTEST_NS = 2000000, SOON_NS = 10000000, LONGEST_NS = 320000000 };
static atomic_llong alone_until, alone_for;

static void held_up(int64_t now, int64_t took) {
    if (took < HELD_UP_NS) return;
    const int64_t last = atomic_load_explicit(&alone_for, memory_order_relaxed);
    const int again = now - atomic_load_explicit(&alone_until, memory_order_relaxed) < SOON_NS;
    const int64_t next = again ? fk_min(2 * last, LONGEST_NS) : SHORTEST_NS;
    atomic_store_explicit(&alone_for, next, memory_order_relaxed);
    atomic_store_explicit(&alone_until, now + next, memory_order_relaxed);
}

/* what it takes to hand a lock over from a thread to the next */
enum { BRIEF_NS = 5000 };

int fk_plan_is_brief(const fk_plan *p) {
    const int64_t known = atomic_load_explicit(&p->took, memory_order_relaxed);
    if (!known || p->lasts) return 0;
    if (known <= BRIEF_NS) return 1;
    if (!p->parallel || known > WORTH_WAKING_NS) return 0;
    int most;
    const int threads = fk_threads_wanted(&most);
    return threads > 1 && threads >= fk_processors() && p->widest >= threads &&
           fk_nanoseconds() >= atomic_load_explicit(&alone_until, memory_order_relaxed);
}

int64_t fk_plan_run(fk_plan *p, void *const *bases, const int64_t *rounds, fk_wish wish) {
    const unsigned number = atomic_load_explicit(&p->runs, memory_order_relaxed);
    const run_t begin = {
        .plan = p, .bases = bases, .rounds = rounds, .wish = wish, .total = (uint64_t)p->total, .number = number};
    if (!fk_scratch()) return FK_NO_MEMORY;
    atomic_store_explicit(&p->runs, number + 1, memory_order_relaxed); /* two at one time may bear one number */
    const int64_t known = atomic_load_explicit(&p->took, memory_order_relaxed);
    const int timed = p->parallel || !known || known > BRIEF_NS;
    const int64_t since = timed ? fk_nanoseconds() : 0;
    const int is_short = known && known <= WORTH_WAKING_NS;
    const int by_itself = is_short && since < atomic_load_explicit(&alone_until, memory_order_relaxed);
    run_t *r = p->parallel && !by_itself ? fk_team_take() : NULL;
    if (!r) {
        run_t alone = begin;
        run_alone(&alone);
        if (timed && !p->parallel) atomic_store_explicit(&p->took, fk_nanoseconds() - since, memory_order_relaxed);
        return atomic_load(&alone.failed);
    }
    memcpy(r, &begin, sizeof begin);
    r->turned = was_back();
    r->is_short = is_short;
    open_unit(r, 0, p->blocks);
    const int follows = since - atomic_load_explicit(&last_end, memory_order_relaxed) < FK_LOOK_NS;
    fk_team_run(r, run_thread, !is_short || follows);
    const int64_t failed = atomic_load(&r->failed), end = fk_nanoseconds(), took = end - since;
    const int slept = r->slept;
    fk_team_give();
    atomic_store_explicit(&last_end, end, memory_order_relaxed);
    if (is_short && slept) held_up(end, took);
    /* the least of late: other programs only make it longer */
    atomic_store_explicit(&p->took, !known || took < known ? took : known + known / 16 + 1, memory_order_relaxed);
    return failed;
}

int64_t fk_plan_profile(const fk_plan *p, void *const *bases, const int64_t *rounds, double *seconds) {
    run_t r = {.plan = p, .bases = bases, .rounds = rounds, .seconds = seconds};
    if (!fk_scratch()) return FK_NO_MEMORY;
    run_alone(&r);
    return atomic_load(&r.failed);
}
