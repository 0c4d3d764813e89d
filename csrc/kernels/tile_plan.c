/* What a tile program decides before any tensor is known: done once, when its plan is made, since in a loop of small rounds
 * a call of tile_run is short. */
#include "tile_chain.h"
#include "vec.h"

/* operands of a micro-operation */
#define UN(name, expr) 1,
#define BI(name, expr) 2,
#define TER(name, expr) 3,
static const uint8_t arity[] = {
#include "tile.def"
};
#undef UN
#undef BI
#undef TER

static inline int is_input(int code) { return code >= FK_INPUT && code < FK_IMMEDIATE; }

/* which instruction makes an output, and until when inputs are read */
static void plan_outputs(fk_tile *t) {
    for (int j = 0; j < t->nin; j++) t->plan.needed[j] = -1;
    for (int k = 0; k < t->nins; k++) {
        const int16_t code[3] = {t->ins[k].a, t->ins[k].b, t->ins[k].c};
        for (int j = 0; j < arity[t->ins[k].op]; j++)
            if (is_input(code[j])) t->plan.needed[code[j] - FK_INPUT] = k;
    }
    for (int o = 0; o < t->nout; o++) {
        const fk_tile_out *out = &t->out[o];
        int k = -1;
        if (out->dtype <= FK_I32 && out->arg < FK_INPUT)
            for (k = t->nins - 1; k >= 0 && t->ins[k].dst != out->arg;) k--;
        t->plan.made[o] = k;
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

/* FK_TILE, or the length of the rows of what does not stand in one piece: such a tile is read and written in its place. Not
 * where another input would have to be read anew for each row, nor where rows are so short that finding the way through the
 * program for each of them would take longer than copying. */
static int64_t row_step(const fk_tile *t) {
    int64_t run = 0;
    for (int j = 0; j < t->nin && !run; j++)
        if (t->in[j].kind == FK_STRIDED) run = t->in[j].run;
    for (int o = 0; o < t->nout && !run; o++) run = t->out[o].run;
    if (run < 8 * VL || run > FK_TILE || run % VL) return FK_TILE;
    for (int j = 0; j < t->nin; j++) {
        const fk_tile_in *x = &t->in[j];
        if (x->dtype > FK_I32 || x->kind == FK_DIV || (x->kind == FK_MOD && (x->p <= 0 || run % x->p)) ||
            (x->kind == FK_STRIDED && x->run != run))
            return FK_TILE;
    }
    for (int o = 0; o < t->nout; o++)
        if (t->out[o].dtype > FK_I32 || (t->out[o].run && t->out[o].run != run)) return FK_TILE;
    return run;
}

/* tiles for the inputs that may need one, and the elements of a tile: whole periods of the first periodic input with
 * a short period, which is then copied once for all tiles. Programs over nothing come here too: their period may be 0. */
static void plan_inputs(fk_tile *t) {
    int64_t step = FK_TILE;
    int used = t->plan.crowded = 0;
    for (int k = 0; k < t->nins; k++)
        if (t->ins[k].dst >= used) used = t->ins[k].dst + 1;
    for (int j = 0; j < t->nin; j++) {
        const fk_tile_in *x = &t->in[j];
        t->plan.room[j] = -1;
        if (x->kind == FK_SCALAR && x->dtype <= FK_I32) continue;
        if (used < FK_TILE_SPARE)
            t->plan.room[j] = (int8_t)used++;
        else
            t->plan.crowded = 1;
        if (x->kind == FK_MOD && step == FK_TILE && x->p > 0 && x->p <= FK_TILE) {
            int64_t whole = common_multiple(x->p, VL);
            if (whole <= FK_TILE) step = FK_TILE / whole * whole;
        }
    }
    t->plan.step = step == FK_TILE ? row_step(t) : step;
}

/* Which instructions make a chain: one that reads what the one before it leaves joins it. Kept is a result that others
 * read, besides the next in its chain. */
static void plan_chains(fk_tile *t) {
    int scalar = 0, readers[FK_TILE_REGS] = {0};
    for (int k = 0; k < t->nins; k++) {
        const fk_tile_ins *o = &t->ins[k];
        const int16_t code[3] = {o->a, o->b, o->c};
        int scalars = 1, placed = 1;
        for (int j = 0; j < arity[o->op]; j++) {
            int input = is_input(code[j]), all = input && t->in[code[j] - FK_INPUT].kind == FK_SCALAR;
            scalars &= input ? all : code[j] >= FK_IMMEDIATE || scalar >> code[j] & 1;
            placed &= !input || all || t->plan.room[code[j] - FK_INPUT] >= 0;
        }
        scalar = (scalar & ~(1 << o->dst)) | scalars << o->dst;
        t->plan.flow[k] = !scalars && placed && FK(chain_knows)(o->op) ? FK_CHAINED : 0;
    }
    for (int o = 0; o < t->nout; o++)
        if (t->out[o].arg < FK_INPUT) readers[t->out[o].arg] = 2;
    for (int k = t->nins - 1; k >= 0; k--) {
        const fk_tile_ins *o = &t->ins[k], *next = o + 1;
        int joins = k + 1 < t->nins && t->plan.flow[k] & t->plan.flow[k + 1] & FK_CHAINED &&
                    (next->a == o->dst || (arity[next->op] == 2 && next->b == o->dst));
        if (joins) t->plan.flow[k + 1] |= FK_JOINED;
        if (!joins || readers[o->dst] > 1) t->plan.flow[k] |= FK_KEPT;
        readers[o->dst] = 0;
        const int16_t code[3] = {o->a, o->b, o->c};
        for (int j = 0; j < arity[o->op]; j++)
            if (code[j] < FK_INPUT) readers[code[j]]++;
    }
}

void FK(plan_tile)(fk_tile *t) {
    plan_inputs(t);
    plan_outputs(t);
    plan_chains(t);
}
