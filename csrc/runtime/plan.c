/* Making plans of what Python hands over. */
#include <stdlib.h>

#include "plan.h"

/* rows of an input that is read by strides: its last axes are one piece of memory, and one stride walks the others */
static void find_rows(fk_tile_in *in) {
    int k = in->ndim - 1;
    int64_t run = 1, pitch = 0, outer = 0;
    if (in->kind != FK_STRIDED) return;
    for (; k >= 0 && (in->dim[k] == 1 || in->stride[k] == run); k--) run *= in->dim[k];
    for (int first = 1; k >= 0; k--) {
        if (in->dim[k] == 1) continue;
        if (!first && in->stride[k] != outer) return;
        if (first) pitch = in->stride[k];
        outer = in->stride[k] * in->dim[k];
        first = 0;
    }
    in->run = run;
    in->pitch = pitch;
}

static fk_tile *parse_tile(const fk_isa_table *isa, const int64_t *w) {
    size_t nin = (size_t)w[0], nout = (size_t)w[1], nins = (size_t)w[2], nimm = (size_t)w[3];
    w += 4;
    char *p = calloc(1, sizeof(fk_tile) + nin * sizeof(fk_tile_in) + nout * sizeof(fk_tile_out) +
                            nins * (sizeof(fk_tile_ins) + 1) + nimm * sizeof(float) + 64);
    if (!p) return NULL;
    fk_tile *t = (fk_tile *)p;
    fk_tile_in *in = (fk_tile_in *)(t + 1);
    float *imm = (float *)(in + nin);
    fk_tile_out *out = (fk_tile_out *)(imm + nimm);
    fk_tile_ins *ins = (fk_tile_ins *)(out + nout);
    *t = (fk_tile){(int32_t)nin, (int32_t)nout, (int32_t)nins, (int32_t)nimm, in, out, ins, imm, {0}, {0}, {0}};
    for (size_t i = 0; i < nin; i++) {
        in[i].dtype = (int32_t)*w++;
        in[i].kind = (int32_t)*w++;
        in[i].ndim = (int32_t)*w++;
        in[i].p = *w++;
        memcpy(in[i].dim, w, FK_MAXDIM * 8);
        memcpy(in[i].stride, w + FK_MAXDIM, FK_MAXDIM * 8);
        w += 2 * FK_MAXDIM;
        find_rows(&in[i]);
    }
    for (size_t i = 0; i < nout; i++, w += 4) out[i] = (fk_tile_out){(int32_t)w[0], (int32_t)w[1], w[2], w[3]};
    for (size_t i = 0; i < nins; i++, w += FK_INSTRUCTION_WORDS)
        ins[i] = (fk_tile_ins){(int16_t)w[0], (int16_t)w[1], (int16_t)w[2], (int16_t)w[3], (int16_t)w[4]};
    for (size_t i = 0; i < nimm; i++, w++) memcpy(&imm[i], w, 4);
    t->simple = fk_tile_simple(t);
    t->products = fk_tile_products(t);
    t->plan.flow = (uint8_t *)(ins + nins);
    isa->plan_tile(t);
    return t;
}

int64_t fk_program_ending(const int64_t *words, double *bounds) {
    fk_tile *t = parse_tile(fk_isa_current(), words);
    if (!t) return -1;
    const fk_simple *s = &t->simple;
    const int suits = s->known && s->bias >= 0 && s->residual < 0 && s->gate < 0;
    const int64_t channels = suits ? s->channels : -1;
    bounds[0] = s->low;
    bounds[1] = s->high;
    free(t);
    return channels;
}

static int64_t *copy_words(const int64_t *w, int64_t n) {
    int64_t *c = malloc((size_t)(n > 0 ? n : 1) * 8);
    if (c && n > 0) memcpy(c, w, (size_t)n * 8);
    return c;
}

static void parse_refs(struct fk_plan *p, const int64_t *w, int64_t n) {
    for (int64_t i = 0; i < n; i++, w += FK_REF_WORDS) p->refs[i] = (ref_t){w[0], w[1], (int32_t)w[2], (int32_t)w[3]};
}

/* outer loops come before those inside them */
static void parse_loops(struct fk_plan *p, const int64_t *w) {
    for (int32_t l = 0; l < p->nloops; l++, w += FK_LOOP_WORDS) {
        p->loops[l] = (loop_t){w[3], (int32_t)w[0], (int32_t)w[1], (int32_t)w[2], -1, (int32_t)w[4], (int32_t)w[5]};
        p->lasts |= w[4] >= 0;
        int32_t *last = &p->steps[w[0]].loop;
        while (*last >= 0) last = &p->loops[*last].inner;
        *last = l;
    }
}

static void add_unit(struct fk_plan *p, int32_t first, int32_t last, int32_t loop, int64_t nchunks, int begins) {
    unit_t *u = p->nunits && !begins ? &p->units[p->nunits - 1] : NULL;
    if (u && u->nchunks == 1 && nchunks == 1)
        u->last = last;
    else
        p->units[p->nunits++] = (unit_t){first, last, loop, nchunks, 0, 0};
    u = &p->units[p->nunits - 1];
    u->per = fk_ceil_div(u->nchunks, MOST_CLAIMS);
    u->nclaims = fk_ceil_div(u->nchunks, u->per);
    p->widest = fk_max(p->widest, u->nclaims);
    p->parallel |= nchunks > 1;
}

static void end_block(struct fk_plan *p, int32_t unit, int32_t loop) {
    const int32_t n = (int32_t)p->nunits - unit;
    const int64_t count = loop < 0 ? 1 : p->loops[loop].count;
    if (!n) return;
    p->blocks[p->nblocks++] = (block_t){p->total, count, unit, n, loop < 0 ? 0 : p->loops[loop].level, loop};
    p->total += n * count;
}

/* The units of steps [i, end), which are inside the loop `outer`. A loop that the team shares is a block of its own, and so are
 * the stretches before and behind it. */
static void make_units(struct fk_plan *p, int32_t i, int32_t end, int32_t outer) {
    int32_t begin = (int32_t)p->nunits;
    while (i < end) {
        const int32_t l = loop_at(p, i, outer), begins = p->nunits == begin;
        if (l < 0) {
            const int32_t next = behind(p, i);
            add_unit(p, i, next - 1, -1, p->steps[i].nchunks, begins);
            i = next;
        } else if (p->loops[l].shares < 0 && outer < 0) {
            end_block(p, begin, -1);
            begin = (int32_t)p->nunits;
            make_units(p, i, p->loops[l].end, l);
            end_block(p, begin, l);
            begin = (int32_t)p->nunits;
            i = p->loops[l].end;
        } else {
            const int32_t shares = p->loops[l].shares > 1 ? p->loops[l].shares : 1;
            const int32_t next = p->loops[l + shares - 1].end;
            add_unit(p, i, next - 1, shares > 1 ? l : -1, shares, begins);
            i = next;
        }
    }
    if (outer < 0) end_block(p, begin, -1);
}

fk_plan *fk_plan_new(const fk_plan_words *w) {
    const fk_isa_table *isa = fk_isa_current();
    fk_plan *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->nsteps = w->nsteps;
    p->nloops = w->nloops;
    p->attrs = copy_words(w->attrs, w->nattrs);
    p->moves = (move_t *)copy_words(w->moves, FK_MOVE_WORDS * w->nmoves);
    p->refs = calloc((size_t)w->nrefs + 1, sizeof *p->refs);
    p->steps = calloc((size_t)w->nsteps + 1, sizeof *p->steps);
    p->loops = calloc((size_t)w->nloops + 1, sizeof *p->loops);
    p->units = calloc((size_t)w->nsteps + 1, sizeof *p->units);
    p->blocks = calloc((size_t)(2 * w->nloops) + 1, sizeof *p->blocks);
    p->tiles = calloc((size_t)w->nsteps + 1, sizeof *p->tiles);
    if (!p->refs || !p->moves || !p->attrs || !p->steps || !p->loops || !p->units || !p->blocks || !p->tiles) goto fail;
    parse_refs(p, w->refs, w->nrefs);
    const int64_t *steps = w->steps;
    for (int64_t i = 0; i < p->nsteps; i++, steps += FK_STEP_WORDS) {
        step_t *s = &p->steps[i];
        const fk_entry *e = &isa->table[steps[0]];
        if (!e->run || !e->chunks || steps[2] > FK_MAXREF) goto fail;
        s->run = e->run;
        s->ref = (int32_t)steps[1];
        s->nref = (int32_t)steps[2];
        s->nown = (int32_t)steps[3];
        s->attr = p->attrs + steps[4];
        s->loop = -1;
        if (steps[5] >= 0) {
            if (!(s->tile = p->tiles[p->ntiles] = parse_tile(isa, w->programs + steps[5]))) goto fail;
            p->ntiles++;
        }
        s->nchunks = fk_max(1, e->chunks(s->attr));
        s->follows = steps[6] && i > 0 && s->nchunks > 1 && s->nchunks == s[-1].nchunks;
    }
    parse_loops(p, w->loops);
    make_units(p, 0, (int32_t)p->nsteps, -1);
    p->parallel &= p->total < MOST_UNITS;
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
    free(p->loops);
    free(p->units);
    free(p->blocks);
    free(p->refs);
    free(p->moves);
    free(p->attrs);
    free(p);
}

int64_t fk_plan_chunks(const fk_plan *p, int64_t step) { return p->steps[step].nchunks; }
