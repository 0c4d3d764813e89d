/* Endings: what most tile programs behind a product or convolution come to, done in registers before results are stored.
 *
 *     y = gate > 0 ? clip(x + bias[channel] + residual, low, high) : 0      each part may be missing; the gate is relu's gradient
 *     y = 0 < gate < below ? …                                              relu6's
 *
 * runtime/ending.c finds out once per plan which programs do no more. A kernel that works so stores the very bits that the
 * program would leave. */
#ifndef FK_ENDING_H
#define FK_ENDING_H
#include "tile.h"
#include "vec.h"

typedef struct {
    const float *bias; /* by channel, or NULL */
    int64_t away, gate; /* bytes from an element of y to that of the residual and of the gate, or 0 */
    int clips, bounded;
    float low, high, below;
} fk_ending;

/* *e where the program of the call is such an ending of y, whose last axis has so many channels; else NULL */
static inline const fk_ending *fk_ending_of(const fk_call *call, const void *y, int64_t channels, fk_ending *e) {
    if (!call->tile || !call->tile->simple.known || call->tile_ptr[call->tile->nin] != y) return NULL;
    const fk_simple *s = &call->tile->simple;
    const int swap = s->either && call->tile_ptr[s->residual] == y;
    const int raw = swap ? s->residual : s->raw, residual = swap ? s->raw : s->residual;
    if (call->tile_ptr[raw] != y || (s->bias >= 0 && s->channels != channels)) return NULL;
    e->bias = s->bias >= 0 ? call->tile_ptr[s->bias] : NULL;
    e->away = residual >= 0 ? (const char *)call->tile_ptr[residual] - (const char *)y : 0;
    e->gate = s->gate >= 0 ? (const char *)call->tile_ptr[s->gate] - (const char *)y : 0;
    e->clips = s->clips;
    e->low = s->low;
    e->high = s->high;
    e->bounded = s->bounded;
    e->below = s->below;
    return (residual >= 0 && !e->away) || (s->gate >= 0 && !e->gate) ? NULL : e;
}

static inline const float *fk_beside(const float *at, int64_t away) { return (const float *)((const char *)at + away); }

/* n of the lanes of the vectors x[i · apart], i < count ≤ most, which go to at + i · step and begin at one channel */
static inline __attribute__((always_inline)) void fk_end(const fk_ending *e, vf *x, int apart, int most, int64_t count,
                                                         const float *at, int64_t step, int64_t channel, int64_t n) {
    if (e->bias) {
        const vf b = v_load_upto(e->bias + channel, n);
        _Pragma("GCC unroll 16") for (int i = 0; i < most; i++) x[i * apart] += b;
    }
    if (e->away) {
        const float *r = fk_beside(at, e->away);
        _Pragma("GCC unroll 16") for (int i = 0; i < most; i++, r += step) if (i < count) x[i * apart] += v_load_upto(r, n);
    }
    if (e->clips)
        _Pragma("GCC unroll 16") for (int i = 0; i < most; i++) x[i * apart] =
            v_at_most(v_at_least(x[i * apart], e->low), e->high);
    if (e->gate) {
        const float *r = fk_beside(at, e->gate);
        _Pragma("GCC unroll 16") for (int i = 0; i < most; i++, r += step) if (i < count) x[i * apart] =
            v_blend(v_load_upto(r, n) > 0.0f, x[i * apart], (vf){0});
    }
    if (e->gate && e->bounded) {
        const float *r = fk_beside(at, e->gate);
        _Pragma("GCC unroll 16") for (int i = 0; i < most; i++, r += step) if (i < count) x[i * apart] =
            v_blend(v_load_upto(r, n) < e->below, x[i * apart], (vf){0});
    }
}
#endif
