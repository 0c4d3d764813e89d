/* Which instruction sets this machine has, and the kernel table of each. Compiled without any -m flag. */
#include <stdlib.h>

#include "runtime.h"

#if defined(__x86_64__)
#define SETS(X) X(FK_BASE, v2, "v2") X(FK_V3, v3, "v3") X(FK_V4, v4, "v4")
#elif defined(__aarch64__)
#define SETS(X) X(FK_NEON, neon, "neon")
#else
#error "fastkeras has kernels for x86-64 and aarch64"
#endif

#define DECLARE(id, suffix, name)              \
    extern const fk_entry fk_table_##suffix[]; \
    int fk_gemm_mr_##suffix(void);             \
    int fk_gemm_nr_##suffix(void);             \
    extern fk_blocks fk_blocks_##suffix;       \
    double fk_fma_peak_##suffix(double);       \
    void fk_plan_tile_##suffix(fk_tile *);
SETS(DECLARE)

#define ROW(id, suffix, label) \
    [id] = {label, fk_table_##suffix, fk_gemm_mr_##suffix, fk_gemm_nr_##suffix, fk_fma_peak_##suffix, \
            fk_plan_tile_##suffix, &fk_blocks_##suffix},
static const fk_isa_table isas[FK_NISA] = {SETS(ROW)};
static const fk_isa_table *current;

int fk_isa_available(int isa) {
    if (isa < 0 || isa >= FK_NISA || !isas[isa].table) return 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    int v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    int v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    int v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return isa == FK_BASE ? v2 : isa == FK_V3 ? v3 : v4;
#else
    return 1;
#endif
}

int fk_isa_count(void) { return FK_NISA; }
const char *fk_isa_name(int isa) { return isa >= 0 && isa < FK_NISA ? isas[isa].name : NULL; }
const fk_isa_table *fk_isa_current(void) { return current; }
const fk_isa_table *fk_isa_table_of(int isa) { return isas[isa].table ? &isas[isa] : NULL; }
int fk_isa(void) { return (int)(current - isas); }

int fk_isa_set(int isa) {
    if (!fk_isa_available(isa)) return -1;
    current = &isas[isa];
    return 0;
}

int fk_isa_nr(void) { return current->gemm_nr(); }
double fk_fma_peak(double seconds) { return current->fma_peak(seconds); }

void fk_block_sizes_for(int isa, int64_t l1, int64_t l2, int64_t *to) {
    fk_blocks b;
    fk_blocks_choose(&b, isas[isa].gemm_mr(), isas[isa].gemm_nr(), l1, l2);
    memcpy(to, &b, sizeof b);
}

/* the widest the machine has, unless FASTKERAS_ISA names another; 0, or -1 where the machine has none */
int fk_isa_init(void) {
    const char *forced = getenv("FASTKERAS_ISA");
    const int64_t l1 = fk_cache_bytes(1), l2 = fk_cache_bytes(2);
    for (int i = 0; i < FK_NISA; i++)
        if (isas[i].table && fk_isa_available(i))
            fk_blocks_choose(isas[i].blocks, isas[i].gemm_mr(), isas[i].gemm_nr(), l1, l2);
    for (int i = FK_NISA - 1; i >= 0; i--)
        if (forced && isas[i].name && !strcmp(forced, isas[i].name) && fk_isa_set(i) == 0) return 0;
    for (int i = FK_NISA - 1; i >= 0; i--)
        if (fk_isa_set(i) == 0) return 0;
    return -1;
}

/* ---- tables from ops.def and tile.def */
#define EPI 1
#define ROWS 3 /* and EPI */
#define I(x) "I:" #x " "
#define F(x) "F:" #x " "
#define A(x) "A:" #x " "
#define OP(name, flags, refs, attrs) {#name, refs, "" attrs, flags, sizeof(fk_attr_##name) / 8},
static const fk_op_info ops[] = {
#include "../ops.def"
};
#undef OP
#undef I
#undef F
#undef A
int fk_op_count(void) { return (int)(sizeof ops / sizeof *ops); }
const fk_op_info *fk_op(int op) { return &ops[op]; }

#define UN(name, expr) #name "/1",
#define BI(name, expr) #name "/2",
#define TER(name, expr) #name "/3",
static const char *const micros[] = {
#include "../kernels/tile.def"
};
int fk_micro_count(void) { return (int)(sizeof micros / sizeof *micros); }
const char *fk_micro(int i) { return micros[i]; }

#define SHARED(group, name, symbol, value) {#group, #name, symbol},
static const fk_shared_info shared[] = {
#include "../shared.def"
};
int fk_shared_count(void) { return (int)(sizeof shared / sizeof *shared); }
const fk_shared_info *fk_shared(int i) { return &shared[i]; }

#define KIND(type) _Generic((type){0}, const void *: 'u', int32_t: 'i', double: 'f')
#define ONE(type, name) {#name, KIND(type), sizeof(type), 1, offsetof(fk_warp_image, name)},
#define SOME(type, name, count) {#name, KIND(type), sizeof(type), count, offsetof(fk_warp_image, name)},
static const fk_field_info warp_fields[] = {FK_WARP_FIELDS(ONE, SOME)};
int fk_warp_field_count(void) { return (int)(sizeof warp_fields / sizeof *warp_fields); }
const fk_field_info *fk_warp_field(int i) { return &warp_fields[i]; }
int64_t fk_warp_image_size(void) { return sizeof(fk_warp_image); }

int64_t fk_chunks(int op, const int64_t *attr) { return current->table[op].chunks(attr); }
int64_t fk_parts(int op, const int64_t *attr) { return current->table[op].parts(attr); }
int64_t fk_chunk_row(int op, const int64_t *attr, int64_t chunk) {
    const fk_entry *e = &current->table[op];
    return e->rows ? e->rows(attr, chunk) : -1;
}
