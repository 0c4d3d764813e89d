/* Packing: rows of A as a block of them is used, and panels of B (gemm.h says how they lie). */
#include "gemm.h"
#include "transpose.h"

/* ---- rows of A */
void FK(gemm_pack_rows)(gemm_job *j, int64_t r, int64_t m, int64_t p, int64_t k, float *d, int64_t stride) {
    if (j->kmajor)
        for (int64_t i = 0; i < k; i++) gemm_copy(d + i * stride, j->a + (p + i) * j->as + r, m);
    else
        for (int64_t i = 0; i < m; i++) gemm_copy(d + i * stride, j->a + (r + i) * j->as + p, k);
}

void FK(gemm_fetch_rows)(const gemm_job *j, int64_t r, int64_t m, int64_t p, int64_t k, gemm_fetch *f) {
    const float *at = j->a + (j->kmajor ? p * j->as + r : r * j->as + p);
    *f = fetch_rows(at, j->kmajor ? k : m, j->kmajor ? m : k, j->as, f->next);
}

/* ---- panels of B */
static void pack_transposed(const float *b, int64_t ld, int64_t k, int64_t n, int64_t j, float *d) {
    for (int64_t half = 0; half < 2; half++) {
        const int64_t c0 = j * NR + half * VL, rows = fk_max(0, fk_min(VL, n - c0));
        const float *s = b + c0 * ld;
        float *e = d + half * VL;
        int64_t p = 0;
        for (; rows && p + VL <= k; p += VL) {
            vf t[VL];
            for (int i = 0; i < VL; i++) t[i] = i < rows ? v_load(s + i * ld + p) : (vf){0};
            transpose_rows(t);
            for (int i = 0; i < VL; i++) v_store(e + (p + i) * NR, t[i]);
        }
        for (; p < k; p++)
            for (int64_t i = 0; i < VL; i++) e[p * NR + i] = i < rows ? s[i * ld + p] : 0.0f;
    }
}

void FK(gemm_pack)(const float *b, int64_t ld, int trans, int64_t k, int64_t n, int64_t first, int64_t steps, int64_t j0,
                   int64_t j1, float *d) {
    const int64_t kb = gemm_kblock(k), columns = gemm_panels(n) * NR;
    for (int64_t p = first; p < first + steps;) {
        const int64_t start = p / kb * kb, size = fk_min(kb, k - start), take = fk_min(start + size, first + steps) - p;
        FK(gemm_pack_panels)(b + (p - first) * (trans ? 1 : ld), ld, trans, take, n, j0, j1,
                             d + start * columns + (p - start) * NR, size * NR);
        p += take;
    }
}

void FK(gemm_pack_panels)(const float *b, int64_t ld, int trans, int64_t k, int64_t n, int64_t j0, int64_t j1, float *d,
                          int64_t bs) {
    if (trans) {
        for (int64_t j = j0; j < j1; j++) pack_transposed(b, ld, k, n, j, d + j * bs);
        return;
    }
    const int64_t whole = fk_min(j1, n / NR);
    for (int64_t p0 = 0; p0 < k; p0 += 16) { /* a few steps at a time, to read rows in long runs */
        const int64_t p1 = fk_min(k, p0 + 16);
        for (int64_t j = j0; j < whole; j++)
            for (int64_t p = p0; p < p1; p++) {
                const float *s = b + p * ld + j * NR;
                float *e = d + j * bs + p * NR;
                const vf x = v_load(s), y = v_load(s + VL);
                v_store(e, x);
                v_store(e + VL, y);
            }
        for (int64_t p = p0; p < p1 && whole < j1; p++) {
            float *e = d + whole * bs + p * NR;
            gemm_copy(e, b + p * ld + whole * NR, n - whole * NR);
            gemm_zero(e + n - whole * NR, NR - (n - whole * NR));
        }
    }
}
