/* The innermost part of all micro-kernels: R rows × V vectors of C, a few steps of k. */
#ifndef FK_GEMM_STEPS_H
#define FK_GEMM_STEPS_H
#include "gemm.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL_FOR _Pragma("GCC unroll 16") for
#define MAXV 16

#if MR == 12
#define QUAD GEMM_SLOW /* steps at a time, with addresses made once for all of them */
/* From so many rows on a kernel says itself which register a sum stays in (v_add_product), and each vector of B is loaded
 * once by an instruction of its own; with fewer, the compiler may load it as an operand of the multiply-add. */
#define STEPS_HIGH (FEW + 1)
/* The addresses of A: of every fourth row. Those between are one to three times `as` away, which instructions add by
 * themselves: kernels have few registers for addresses. */
#define APART 4
#define HERE(p) v_here(p)
#define FAR(n) v_far(n)
#else
#define QUAD 1 /* 16 registers: the compiler does best with one step, and its own choice of them and of addresses */
#define STEPS_HIGH (MR + 1)
#define APART MR
#define HERE(p) (p)
#define FAR(n) (n)
#endif

typedef struct {
    const float *row[(MR + APART - 1) / APART];
    int64_t as;
} rows_of_a;
INLINE rows_of_a rows_from(const float *a, int64_t as, const int R) {
    rows_of_a at = {.as = as};
    UNROLL_FOR (int i = 0; i * APART < R; i++) at.row[i] = HERE(a + APART * i * as);
    return at;
}

/* `count` ≤ QUAD steps of all chains */
INLINE void steps(vf (*acc)[MAXV], rows_of_a *at, const float **b, int64_t bs, int64_t step, float **copied,
                  const int count, const int R, const int V, const int kmajor, const int copy) {
    UNROLL_FOR (int s = 0; s < count; s++) {
        vf x[MAXV];
        UNROLL_FOR (int v = 0; v < V; v++) x[v] = v_load(*b + v / 2 * bs + v % 2 * VL);
        at->as = FAR(at->as);
        UNROLL_FOR (int r = 0; r < R; r++) {
            const vf e = v_set1(kmajor ? at->row[0][r] : at->row[r / APART][r % APART * at->as + s]);
            UNROLL_FOR (int v = 0; v < V; v++)
                if (R >= STEPS_HIGH)
                    v_add_product(&acc[r][v], e, x[v]);
                else
                    acc[r][v] = v_fma(e, x[v], acc[r][v]);
        }
        if (kmajor) at->row[0] += at->as;
        if (copy) {
            v_store(*copied, x[0]);
            v_store(*copied + VL, x[1]);
            *copied += NR;
        }
        *b = HERE(*b + step);
    }
    if (!kmajor)
        UNROLL_FOR (int i = 0; i * APART < R; i++) at->row[i] = HERE(at->row[i] + count);
}
#endif
