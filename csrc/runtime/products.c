/* Which programs before sums over rows come to no more than sums of y and of y · (x - mean), as in the gradient of a batch norm:
 * csrc/kernels/sums.c adds these up in registers. */
#include "runtime.h"

static int input(const fk_tile *t, int code, int kind) {
    return code >= FK_INPUT && code < FK_IMMEDIATE && t->in[code - FK_INPUT].dtype == FK_F32 &&
           t->in[code - FK_INPUT].kind == kind;
}

fk_products fk_tile_products(const fk_tile *t) {
    const fk_products none = {0};
    fk_products p = {.y = -1};
    struct {
        int kind; /* 0: nothing; 1: x - mean; 2: that by y */
        int32_t x, mean;
    } reg[FK_TILE_REGS] = {0};
    for (int k = 0; k < t->nins; k++) {
        const fk_tile_ins *o = &t->ins[k];
        if (o->op == FK_T_sub && input(t, o->a, FK_FLAT) && input(t, o->b, FK_MOD)) {
            reg[o->dst].kind = 1;
            reg[o->dst].x = o->a - FK_INPUT;
            reg[o->dst].mean = o->b - FK_INPUT;
            continue;
        }
        const int swap = o->a < FK_TILE_REGS, y = swap ? o->b : o->a, d = swap ? o->a : o->b;
        if (o->op != FK_T_mul || !input(t, y, FK_FLAT) || d >= FK_TILE_REGS || reg[d].kind != 1) return none;
        if (p.y >= 0 && p.y != y - FK_INPUT) return none;
        p.y = y - FK_INPUT;
        reg[o->dst] = reg[d];
        reg[o->dst].kind = 2;
    }
    for (int o = 0; o < t->nout; o++) {
        const int arg = t->out[o].arg;
        if (t->out[o].dtype != FK_F32 || t->out[o].run || o == FK_SUMS) return none;
        if (arg < FK_TILE_REGS && reg[arg].kind == 2 && p.count < FK_PRODUCTS) {
            p.of[p.count] = o;
            p.x[p.count] = reg[arg].x;
            p.mean[p.count++] = reg[arg].mean;
        } else if (input(t, arg, FK_FLAT) && arg - FK_INPUT == p.y && !p.plain) {
            p.plain = o + 1;
        } else {
            return none;
        }
    }
    p.known = p.count > 0;
    return p;
}
