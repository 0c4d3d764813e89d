/* Which tile programs are endings (kernels/ending.h): found once, when a plan is made. */
#include "runtime.h"

static const fk_tile_in *input(const fk_tile *t, int code, int kind) {
    if (code < FK_INPUT || code >= FK_IMMEDIATE) return NULL;
    const fk_tile_in *in = &t->in[code - FK_INPUT];
    return in->kind == kind && in->dtype == FK_F32 ? in : NULL;
}

/* a bound on what the instructions before have left */
static int clip(fk_simple *s, int lower, float bound) {
    if (bound != bound) return 0;
    s->clips = 1;
    s->low = lower ? fmaxf(s->low, bound) : fminf(s->low, bound);
    s->high = lower ? fmaxf(s->high, bound) : fminf(s->high, bound);
    return 1;
}

/* `other` is added, in the order in which kernels do: the bias, then the residual, then clipping */
static int add(const fk_tile *t, fk_simple *s, int other) {
    const fk_tile_in *bias = input(t, other, FK_MOD);
    if (s->clips || s->residual >= 0) return 0;
    if (bias && s->bias < 0) {
        s->bias = (int32_t)(other - FK_INPUT);
        s->channels = bias->p;
    } else if (input(t, other, FK_FLAT) && other - FK_INPUT != s->raw) {
        s->residual = (int32_t)(other - FK_INPUT);
    } else {
        return 0;
    }
    return 1;
}

static int zero(const fk_tile *t, int code) {
    return code >= FK_IMMEDIATE && t->imm[code - FK_IMMEDIATE] == 0.0f && !signbit(t->imm[code - FK_IMMEDIATE]);
}

/* the tests for a select behind them: registers of whether the gate is above 0, and below a number; -1: there is none */
typedef struct {
    int above, below;
} tests;

/* Whether an instruction is one of these, of the one input that they test, or says that both hold: which stands for `above`
 * then, `below` being done with. */
static int tested(const fk_tile *t, const fk_tile_ins *o, fk_simple *s, tests *found) {
    if (o->op == FK_T_and && found->above >= 0 && found->below >= 0 &&
        ((o->a == found->above && o->b == found->below) || (o->a == found->below && o->b == found->above))) {
        *found = (tests){o->dst, -1};
        return 1;
    }
    if ((o->op != FK_T_gt && o->op != FK_T_lt) || !input(t, o->a, FK_FLAT) || o->b < FK_IMMEDIATE) return 0;
    const int32_t gate = (int32_t)(o->a - FK_INPUT);
    if (s->gate >= 0 && s->gate != gate) return 0;
    if (o->op == FK_T_gt && found->above < 0 && zero(t, o->b)) {
        found->above = o->dst;
    } else if (o->op == FK_T_lt && !s->bounded) {
        found->below = o->dst;
        s->bounded = 1;
        s->below = t->imm[o->b - FK_IMMEDIATE];
    } else {
        return 0;
    }
    s->gate = gate;
    return 1;
}

fk_simple fk_tile_simple(const fk_tile *t) {
    const fk_simple none = {0};
    fk_simple s = {.raw = -1, .bias = -1, .residual = -1, .gate = -1, .low = -INFINITY, .high = INFINITY};
    if (t->nout != 1 || t->out[0].dtype != FK_F32 || t->out[0].run || t->nins == 0) return none;
    int last = 0; /* operand code of what is there so far */
    tests test = {-1, -1};
    for (int k = 0; k < t->nins; k++) {
        const fk_tile_ins *o = &t->ins[k];
        if (tested(t, o, &s, &test)) continue;
        const int first = s.raw < 0, selects = o->op == FK_T_select;
        if (first) {
            last = selects || !input(t, o->a, FK_FLAT) ? o->b : o->a;
            if (!input(t, last, FK_FLAT)) return none;
            s.raw = last - FK_INPUT;
        }
        if (selects) { /* nothing comes behind it */
            if (s.gate < 0 || o->a != test.above || o->b != last || !zero(t, o->c) || k + 1 < t->nins) return none;
            last = o->dst;
            test.above = -1;
            break;
        }
        const int alone = o->op == FK_T_relu || o->op == FK_T_relu6;
        const int known = alone ? o->a == last : (o->a == last) != (o->b == last);
        const int other = o->a == last ? o->b : o->a;
        /* a bound of 0 would lose the sign of a zero that relu keeps */
        const float bound = other >= FK_IMMEDIATE ? t->imm[other - FK_IMMEDIATE] : 0.0f;
        if (!known || o->dst == test.above || o->dst == test.below ||
            !(o->op == FK_T_relu      ? clip(&s, 1, 0.0f)
              : o->op == FK_T_relu6   ? clip(&s, 1, 0.0f) && clip(&s, 0, 6.0f)
              : o->op == FK_T_maximum ? bound != 0.0f && clip(&s, 1, bound)
              : o->op == FK_T_minimum ? bound != 0.0f && clip(&s, 0, bound)
                                      : o->op == FK_T_add && add(t, &s, other)))
            return none;
        s.either |= first && s.residual >= 0;
        last = o->dst;
    }
    s.known = s.raw >= 0 && test.above < 0 && test.below < 0 && t->out[0].arg == last && s.gate != s.raw;
    return s;
}
