/* The innermost part of all micro-kernels: R rows × V vectors of C, a few steps of k. */
#ifndef FK_GEMM_STEPS_H
#define FK_GEMM_STEPS_H
#include "gemm.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL_FOR _Pragma("GCC unroll 16") for
#define MAXV 16

#if MR == 12 || defined(__FMA__)
#define QUAD GEMM_QUAD /* steps at a time, with addresses made once for all of them */
/* From so many rows on a kernel says itself which register a sum stays in (v_add_product), and each vector of B is loaded
 * once by an instruction of its own; with fewer, the compiler may load it as an operand of the multiply-add. */
#define STEPS_HIGH (FEW + 1)
/* The addresses of A: of every fourth row, or third. Those between are a small multiple of `as` away, which instructions add by
 * themselves: kernels have few registers for addresses. */
#define APART (MR == 12 ? 4 : 3)
#define HERE(p) v_here(p)
#define FAR(n) v_far(n)
#else
#define QUAD 1 /* products need a register before they are added: the compiler does best with one step, and its own choice */
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

#if MR == 6 && defined(__FMA__)
/* One step of 4 to 6 rows × 2 vectors, in assembly: they fill the 16 registers, and GCC, which would rather have more, moves sums
 * about and loads B several times. */
#define IN_ASSEMBLY(R, V) ((R) >= 4 && (V) == 2)
/* row r, whose number of A is where `at` says */
#define TWO_ROW(r, at)                                                                                   \
    "vbroadcastss " at ", %%ymm15\n\tvfmadd231ps %%ymm13, %%ymm15, %[c" #r "0]\n\t"                      \
    "vfmadd231ps %%ymm14, %%ymm15, %[c" #r "1]\n\t"
#define TWO_SUMS(r) [c##r##0] "+x"(acc[r][0]), [c##r##1] "+x"(acc[r][1])
#define FOUR_SUMS TWO_SUMS(0), TWO_SUMS(1), TWO_SUMS(2), TWO_SUMS(3)
#define TWO_STEP(rows, from, ...)                                                                        \
    __asm__("vmovups (%[b]), %%ymm13\n\tvmovups 32(%[b]), %%ymm14\n\t" rows                             \
            : __VA_ARGS__                                                                                \
            : [b] "r"(b), from                                                                           \
            : "xmm13", "xmm14", "xmm15", "memory")
/* A by steps, or by rows: three from a on, three from d */
#define BY_STEPS [a] "r"(at->row[0])
#define BY_STEPS_4 TWO_ROW(0, "(%[a])") TWO_ROW(1, "4(%[a])") TWO_ROW(2, "8(%[a])") TWO_ROW(3, "12(%[a])")
#define BY_STEPS_5 BY_STEPS_4 TWO_ROW(4, "16(%[a])")
#define BY_STEPS_6 BY_STEPS_5 TWO_ROW(5, "20(%[a])")
#define BY_ROWS [a] "r"(at->row[0]), [d] "r"(at->row[1]), [as] "r"(at->as), [s] "i"(4 * s)
#define BY_ROWS_4                                                                                        \
    TWO_ROW(0, "%c[s](%[a])") TWO_ROW(1, "%c[s](%[a],%[as],4)") TWO_ROW(2, "%c[s](%[a],%[as],8)") TWO_ROW(3, "%c[s](%[d])")
#define BY_ROWS_5 BY_ROWS_4 TWO_ROW(4, "%c[s](%[d],%[as],4)")
#define BY_ROWS_6 BY_ROWS_5 TWO_ROW(5, "%c[s](%[d],%[as],8)")
#define EITHER(n, ...)                                 \
    if (kmajor)                                        \
        TWO_STEP(BY_STEPS_##n, BY_STEPS, __VA_ARGS__); \
    else                                               \
        TWO_STEP(BY_ROWS_##n, BY_ROWS, __VA_ARGS__)
/* 4 rows × 3 vectors, the third of the next panel: as an operand of its multiply-adds it takes no register */
#define THREE_IN_ASSEMBLY(R, V) ((R) == 4 && (V) == 3)
#define THREE_ROW(r, at) TWO_ROW(r, at) "vfmadd231ps %[next], %%ymm15, %[c" #r "2]\n\t"
#define THREE_SUMS(r) TWO_SUMS(r), [c##r##2] "+x"(acc[r][2])
INLINE void three_in_assembly(vf (*acc)[MAXV], const rows_of_a *at, const float *b, const float *next, const int s) {
    __asm__("vmovups (%[b]), %%ymm13\n\tvmovups 32(%[b]), %%ymm14\n\t" THREE_ROW(0, "%c[s](%[a])")
                THREE_ROW(1, "%c[s](%[a],%[as],4)") THREE_ROW(2, "%c[s](%[a],%[as],8)") THREE_ROW(3, "%c[s](%[d])")
            : THREE_SUMS(0), THREE_SUMS(1), THREE_SUMS(2), THREE_SUMS(3)
            : [b] "r"(b), [next] "m"(*(const vf_u *)next), BY_ROWS
            : "xmm13", "xmm14", "xmm15", "memory");
}
INLINE void step_in_assembly(vf (*acc)[MAXV], const rows_of_a *at, const float *b, const int s, const int R, const int kmajor) {
    if (R == 4) {
        EITHER(4, FOUR_SUMS);
    } else if (R == 5) {
        EITHER(5, FOUR_SUMS, TWO_SUMS(4));
    } else {
        EITHER(6, FOUR_SUMS, TWO_SUMS(4), TWO_SUMS(5));
    }
}
#else
#define IN_ASSEMBLY(R, V) 0
#define THREE_IN_ASSEMBLY(R, V) 0
#define step_in_assembly(...)
#define three_in_assembly(...)
#endif

#if defined(__aarch64__)
/* A row's number of A, times two vectors of B. With a load of its own GCC schedules those of all rows first, which take more
 * registers than there are, so that a step of 24 multiply-adds had 25 accesses to the stack. */
INLINE void add_products(vf *c, const float *a, const vf *x) {
    vf e;
    __asm__("ldr %s2, %3\n\tfmla %0.4s, %4.4s, %2.s[0]\n\tfmla %1.4s, %5.4s, %2.s[0]"
            : "+&w"(c[0]), "+w"(c[1]), "=&w"(e)
            : "m"(*a), "w"(x[0]), "w"(x[1]));
}
#else
INLINE void add_products(vf *c, const float *a, const vf *x) {
    const vf e = v_set1(*a);
    v_add_product(c, e, x[0]);
    v_add_product(c + 1, e, x[1]);
}
#endif

/* one step of all chains, the s-th of several */
INLINE void one_step(vf (*acc)[MAXV], const rows_of_a *at, const float *b, int64_t bs, const int s, const int R, const int V,
                     const int kmajor) {
    vf x[MAXV];
    UNROLL_FOR (int v = 0; v < V; v++) x[v] = v_load(b + v / 2 * bs + v % 2 * VL);
    UNROLL_FOR (int r = 0; r < R; r++) {
        const float *a = kmajor ? at->row[0] + r : at->row[r / APART] + r % APART * at->as + s;
        if (R >= STEPS_HIGH && V % 2 == 0)
            UNROLL_FOR (int v = 0; v < V; v += 2) add_products(acc[r] + v, a, x + v);
        else
            UNROLL_FOR (int v = 0; v < V; v++) acc[r][v] = v_fma(v_set1(*a), x[v], acc[r][v]);
    }
}

/* `count` ≤ QUAD of them */
INLINE void steps(vf (*acc)[MAXV], rows_of_a *at, const float **b, int64_t bs, int64_t step, float **copied, const int count,
                  const int R, const int V, const int kmajor, const int copy) {
    UNROLL_FOR (int s = 0; s < count; s++) {
        at->as = FAR(at->as);
        if (IN_ASSEMBLY(R, V) && __builtin_constant_p(s)) { /* an address in it: without optimisation no loop is unrolled */
            step_in_assembly(acc, at, *b, s, R, kmajor);
        } else if (THREE_IN_ASSEMBLY(R, V) && !kmajor && __builtin_constant_p(s)) {
            three_in_assembly(acc, at, *b, *b + bs, s);
        } else {
            one_step(acc, at, *b, bs, s, R, V, kmajor);
        }
        if (kmajor) at->row[0] += at->as;
        if (copy) {
            v_store(*copied, v_load(*b));
            v_store(*copied + VL, v_load(*b + VL));
            *copied += NR;
        }
        *b = HERE(*b + step);
    }
    if (!kmajor)
        UNROLL_FOR (int i = 0; i * APART < R; i++) at->row[i] = HERE(at->row[i] + count);
}
#endif
