/* A square of VL × VL floats transposed in registers, for move.c. */
#ifndef FK_TRANSPOSE_H
#define FK_TRANSPOSE_H
#include "vec.h"

#if VL == 16
#define TRANSPOSE_LANES(f, s) f(0, s), f(1, s), f(2, s), f(3, s), f(4, s), f(5, s), f(6, s), f(7, s), \
                    f(8, s), f(9, s), f(10, s), f(11, s), f(12, s), f(13, s), f(14, s), f(15, s)
#elif VL == 8
#define TRANSPOSE_LANES(f, s) f(0, s), f(1, s), f(2, s), f(3, s), f(4, s), f(5, s), f(6, s), f(7, s)
#else
#define TRANSPOSE_LANES(f, s) f(0, s), f(1, s), f(2, s), f(3, s)
#endif
/* blocks of s lanes change places between two rows that lie s apart; done for s = 1, 2, 4, … it is the transposition */
#define LOW(lane, s) (((lane) & (s)) ? VL + (lane) - (s) : (lane))
#define TRANSPOSE_HIGH(lane, s) (((lane) & (s)) ? VL + (lane) : (lane) + (s))

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define SHUFFLE(a, b, f, s) __builtin_shufflevector(a, b, TRANSPOSE_LANES(f, s))
#endif
#endif
#ifndef SHUFFLE
#define SHUFFLE(a, b, f, s) __builtin_shuffle(a, b, (vi){TRANSPOSE_LANES(f, s)})
#endif

#define EXCHANGE(t, s)                                        \
    for (int i = 0; i < VL; i++)                              \
        if (!(i & (s))) {                                     \
            vf a = t[i], b = t[i + (s)];                      \
            t[i] = SHUFFLE(a, b, LOW, s);                     \
            t[i + (s)] = SHUFFLE(a, b, TRANSPOSE_HIGH, s);              \
        }

static inline void transpose_rows(vf t[VL]) {
    EXCHANGE(t, 1)
    EXCHANGE(t, 2)
#if VL > 4
    EXCHANGE(t, 4)
#endif
#if VL > 8
    EXCHANGE(t, 8)
#endif
}

/* y[r·ys + c] = x[c·xs + r] for r < VL, c < VL */
static inline void transpose_square(float *y, int64_t ys, const float *x, int64_t xs) {
    vf t[VL];
    for (int c = 0; c < VL; c++) t[c] = v_load(x + c * xs);
    transpose_rows(t);
    for (int r = 0; r < VL; r++) v_store(y + r * ys, t[r]);
}

/* the same for r < nr <= VL, c < nc <= VL; nothing outside is touched */
static inline void transpose_part(float *y, int64_t ys, const float *x, int64_t xs, int64_t nr, int64_t nc) {
    vf t[VL];
    for (int64_t c = 0; c < VL; c++) t[c] = c >= nc ? (vf){0} : nr < VL ? v_load_n(x + c * xs, nr) : v_load(x + c * xs);
    transpose_rows(t);
    for (int64_t r = 0; r < VL; r++)
        if (r < nr) {
            if (nc < VL)
                v_store_n(y + r * ys, t[r], nc);
            else
                v_store(y + r * ys, t[r]);
        }
}
#endif
