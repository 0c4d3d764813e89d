/* The innermost part of all micro-kernels: R rows × V vectors of C, a few steps of k. */
#ifndef FK_GEMM_STEPS_H
#define FK_GEMM_STEPS_H
#include "gemm_tile.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL_FOR _Pragma("GCC unroll 16") for
#define MAXV 16
#if MR == 12 || VL == 8
#define QUAD 4 /* steps at a time, with addresses made once for all of them */
#else
#define QUAD 1 /* without multiply-adds the products take the registers that more would need */
#endif

/* The addresses of A: of every fourth row. Those between are one to three times `as` away, which instructions add by
 * themselves: kernels have few registers for addresses. */
typedef struct {
    const float *row[(MR + 3) / 4];
    int64_t as;
} rows_of_a;
INLINE rows_of_a rows_from(const float *a, int64_t as, const int R) {
    rows_of_a at = {.as = as};
    UNROLL_FOR (int i = 0; i < (R + 3) / 4; i++) at.row[i] = v_here(a + 4 * i * as);
    return at;
}

/* `count` ≤ QUAD steps of all chains */
INLINE void steps(vf (*acc)[MAXV], rows_of_a *at, const float **b, int64_t bs, int64_t step, float **copied,
                  const int count, const int R, const int V, const int kmajor, const int copy) {
    UNROLL_FOR (int s = 0; s < count; s++) {
        vf x[MAXV];
        UNROLL_FOR (int v = 0; v < V; v++) x[v] = v_load(*b + v / 2 * bs + v % 2 * VL);
        at->as = v_far(at->as);
        UNROLL_FOR (int r = 0; r < R; r++) {
            const vf e = v_set1(kmajor ? at->row[0][r] : at->row[r / 4][r % 4 * at->as + s]);
            UNROLL_FOR (int v = 0; v < V; v++) v_add_product(&acc[r][v], e, x[v]);
        }
        if (kmajor) at->row[0] += at->as;
        if (copy) {
            v_store(*copied, x[0]);
            v_store(*copied + VL, x[1]);
            *copied += NR;
        }
        *b = v_here(*b + step);
    }
    if (!kmajor)
        UNROLL_FOR (int i = 0; i < (R + 3) / 4; i++) at->row[i] = v_here(at->row[i] + count);
}
#endif
