/* The machine that runs chains (tile_chain.h): a switch per step and block of vectors. A processor foretells the way
 * through the switch, which repeats with every block. */
#include "tile_chain.h"

#include "vmath.h"

#define INLINE static inline __attribute__((always_inline))
#define VECTORS _Pragma("GCC unroll 8") for (int k = 0; k < nv; k++)
#define TRUTH(mask) ((vf)((mask) & 0x3f800000))

/* whether a micro-operation is cheap enough to be bound by memory when it stands alone */
#define UN(name, expr) 0,
#define BI(name, expr) 0,
#define TER(name, expr) 0,
#define LIGHT_UN(name, expr) 1,
#define LIGHT_BI(name, expr) 1,
#define LIGHT_TER(name, expr) 1,
static const uint8_t light[] = {
#include "tile.def"
};
#undef UN
#undef BI
#undef TER
int FK(chain_knows)(int op) { return light[op]; }

/* nv vectors at element i of row r */
INLINE void block(const fk_chain_step *s, const fk_chain_step *end, int64_t r, int64_t i, const int nv) {
    vf v[8];
    for (int k = 0; k < nv; k++) v[k] = (vf){0};
    for (; s < end; s++) {
        const float *p = s->p.p + r * s->p.skip, *q = s->q.p + r * s->q.skip;
        switch (s->code) {
        case FK_CHAIN_LOAD: VECTORS v[k] = v_load(p + i + k * VL); break;
        case FK_CHAIN_SPLAT: VECTORS v[k] = v_splat(p); break;
        case FK_CHAIN_STORE: VECTORS v_store((float *)p + i + k * VL, v[k]); break;
        case FK_CHAIN_STREAM: VECTORS v_stream((float *)p + i + k * VL, v[k]); break;
        case FK_CHAIN_ADD: VECTORS v_store((float *)p + i + k * VL, v_load(p + i + k * VL) + v[k]); break;
        case FK_CHAIN_FETCH:
            _Pragma("GCC unroll 8") for (int k = 0; k < fk_max(1, nv * VL / 16); k++) __builtin_prefetch(p + i + k * 16);
            break;
#define UN(name, expr)
#define BI(name, expr)
#define TER(name, expr)
/* what varies from vector to vector is declared in `each` */
#define APPLY(each, expr) \
    VECTORS {             \
        each;             \
        v[k] = expr;      \
    }                     \
    break;
#define AT(p) v_load(p + i + k * VL)
#define LIGHT_UN(name, expr) \
    case 4 * FK_T_##name: APPLY(const vf a = v[k], expr)
#define LIGHT_BI(name, expr)                                                    \
    case 4 * FK_T_##name: APPLY(const vf a = v[k]; const vf b = AT(p), expr)    \
    case 4 * FK_T_##name + 1: {                                                 \
        const vf b = v_splat(p);                                                \
        APPLY(const vf a = v[k], expr)                                          \
    }                                                                           \
    case 4 * FK_T_##name + 2: APPLY(const vf a = AT(p); const vf b = v[k], expr) \
    case 4 * FK_T_##name + 3: {                                                 \
        const vf a = v_splat(p);                                                \
        APPLY(const vf b = v[k], expr)                                          \
    }
#define LIGHT_TER(name, expr)                                                                       \
    case 4 * FK_T_##name: APPLY(const vf a = v[k]; const vf b = AT(p); const vf c = AT(q), expr)    \
    case 4 * FK_T_##name + 1: {                                                                     \
        const vf b = v_splat(p);                                                                    \
        APPLY(const vf a = v[k]; const vf c = AT(q), expr)                                          \
    }                                                                                               \
    case 4 * FK_T_##name + 2: {                                                                     \
        const vf c = v_splat(q);                                                                    \
        APPLY(const vf a = v[k]; const vf b = AT(p), expr)                                          \
    }                                                                                               \
    case 4 * FK_T_##name + 3: {                                                                     \
        const vf b = v_splat(p), c = v_splat(q);                                                    \
        APPLY(const vf a = v[k], expr)                                                              \
    }
#include "tile.def"
        default: __builtin_unreachable();
        }
    }
}

void FK(chain_run)(const fk_chain_step *steps, int count, int64_t r0, int64_t r1, int64_t n) {
    const fk_chain_step *end = steps + count;
    for (int64_t r = r0; r < r1; r++) {
        int64_t i = 0;
        for (; i + 8 * VL <= n; i += 8 * VL) block(steps, end, r, i, 8);
        for (; i + 2 * VL <= n; i += 2 * VL) block(steps, end, r, i, 2);
        if (i < n) block(steps, end, r, i, 1);
    }
}
