/* The yardstick of the compute-bound kernels: multiply-adds that never leave the registers. */
#include <time.h>

#include "vec.h"

/* chains enough to cover the latency of a multiplication and an addition, and to leave registers for the factors */
#define CHAINS 12
#define ROUNDS 4096

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float chains(vf scale, vf shift) {
    vf acc[CHAINS];
    _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; i++) acc[i] = v_set1((float)i);
    for (int n = 0; n < ROUNDS; n++)
        _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; i++) acc[i] = v_fma(acc[i], scale, shift);
    vf sum = acc[0];
    _Pragma("GCC unroll 16") for (int i = 1; i < CHAINS; i++) sum += acc[i];
    return v_sum(sum);
}

/* GFLOP/s of this core: the fastest of the short runs that fit in `seconds`, at least three */
double FK(fma_peak)(double seconds) {
    volatile float scale = 0.5f, shift = 1.0f, sink;
    double best = 0, start = now();
    for (int tries = 0; tries < 3 || now() - start < seconds; tries++) {
        double t = now();
        sink = chains(v_set1(scale), v_set1(shift));
        best = fmax(best, 2e-9 * VL * CHAINS * ROUNDS / (now() - t));
    }
    (void)sink;
    return best;
}
