/* fastkeras's native engine: the whole C API. Nothing here knows Python.
 *
 * A plan is a flat array of steps; running it is one call. Everything is checked before a plan exists: a plan is made from
 * trusted code (the lowering), so kernels cannot fail, except for data-dependent indices, which set a status. */
#ifndef FK_H
#define FK_H
#include <stddef.h>
#include <stdint.h>

/* ---- sizes and codes that callers know as well */
#define SHARED(group, name, symbol, value) symbol = value,
enum {
#include "shared.def"
};
#undef SHARED
typedef struct {
    const char *group, *name;
    int64_t value;
} fk_shared_info;
int fk_shared_count(void);
const fk_shared_info *fk_shared(int i);

/* one image of the kernel warp: ONE(type, name) or SOME(type, name, count) */
#define FK_WARP_FIELDS(ONE, SOME)                                                                                     \
    ONE(const void *, pixels) /* h × w × c, or c × h × w */                                                           \
    ONE(int32_t, type)        /* of the pixels */                                                                     \
    ONE(int32_t, what)        /* which of the following is done, in the order of the bits */                          \
    SOME(double, matrix, 4)                                                                                           \
    SOME(double, offset, 2)                                                                                           \
    ONE(double, shift)        /* added, within the image's own range */                                               \
    ONE(double, brightness)   /* factor of an image of 0 … 255 */
#define ONE(type, name) type name;
#define SOME(type, name, count) type name[count];
typedef struct {
    FK_WARP_FIELDS(ONE, SOME)
} fk_warp_image;
#undef ONE
#undef SOME
/* its fields: kind is 'u' (an address), 'i' or 'f', size that of one number in bytes */
typedef struct {
    const char *name;
    int kind, size, count;
    int64_t offset;
} fk_field_info;
int fk_warp_field_count(void);
const fk_field_info *fk_warp_field(int i);
int64_t fk_warp_image_size(void);

/* ---- what the engine has: tables made from ops.def */
typedef struct {
    const char *name, *refs, *attrs; /* attrs: "I:m F:rate A:shape …" */
    int epilogue;
    int64_t attr_words;
} fk_op_info;
int fk_op_count(void);
const fk_op_info *fk_op(int op);
/* names of the tile program's micro-operations: "relu/1" is unary, "add/2" binary, "select/3" ternary */
int fk_micro_count(void);
const char *fk_micro(int i);

/* ---- instruction sets. 0 baseline (x86-64-v2), 1 v3 (AVX2, FMA), 2 v4 (AVX-512), 3 neon */
int fk_isa_count(void);
int fk_isa_available(int isa);
const char *fk_isa_name(int isa);
int fk_isa(void);              /* the one in force */
int fk_isa_set(int isa);       /* 0, or -1 where the machine lacks it; plans keep the one they were made with */
int fk_isa_nr(void);           /* columns of a packed panel */
double fk_fma_peak(double seconds); /* GFLOP/s of one core with the set in force, measured */

/* ---- caches, and the block sizes that hang on them (blocks.def) */
int64_t fk_cache_bytes(int level); /* 1: a core's, of data; 2: a core's part; 3: all of it. 0: there is none, or nobody tells */
typedef struct {
    const char *name, *meaning;
    int64_t lowest, highest, multiple;
} fk_block_info;
int fk_block_count(void);
const fk_block_info *fk_block(int i);
int64_t fk_block_size(int i); /* of the set in force */
int fk_block_set(int i, int64_t size); /* of all sets, before anything is packed or planned: 0, or -1 where it may not be */
/* what would be chosen for such caches, 0 for one that is not known; sizes: fk_block_count() of them */
void fk_block_sizes_for(int isa, int64_t l1, int64_t l2, int64_t *sizes);

/* the numbers of chunks and parts of a step (see ops.def), with the set in force */
int64_t fk_chunks(int op, const int64_t *attr);
int64_t fk_parts(int op, const int64_t *attr);
int64_t fk_chunk_row(int op, const int64_t *attr, int64_t chunk); /* the row that a chunk begins with, or -1: see ops.def */

/* channels of the bias where a tile program does clip(x + bias, bounds[0], bounds[1]) and no more, else -1 */
int64_t fk_program_ending(const int64_t *words, double *bounds);

/* ---- threads: a process-wide setting */
void fk_threads_set(int n);
int fk_threads(void);
int fk_init(void); /* once, at load: fork handlers, ISA; -1 where the machine has none of the ISAs */

/* ---- plans */
typedef struct fk_plan fk_plan;
/* As words (int64); a plan copies all it is given.
 * steps: FK_STEP_WORDS each: op, first ref, number of refs, number of them that are the kernel's own, first attr word, first word of the tile
 *        program or -1, whether it follows the step before: its chunks read of what that makes only what the chunk of the same
 *        number has made, so that the two may be done one right behind the other
 * refs:  space, byte offset, first move, number of moves
 * moves: level of a loop, bytes per round, rounds until it is back (0: never)
 * loops: first step, step behind the last, level (0: the outermost), rounds at most, ref of a byte that is not 0 while there
 *        shall be another round or -1, how many loops from here on may run at one time (0: it is one of the loops before; -1:
 *        the team shares each step). An outer loop before those inside it. */
typedef struct {
    const int64_t *steps, *refs, *moves, *loops, *attrs, *programs;
    int64_t nsteps, nrefs, nmoves, nloops, nattrs;
} fk_plan_words;
fk_plan *fk_plan_new(const fk_plan_words *); /* NULL without memory */
void fk_plan_free(fk_plan *);
typedef int (*fk_wish)(void);
#define FK_NO_MEMORY (-1)
#define FK_STOPPED (-2)
/* bases: the address of each space. rounds: of the FK_MAXLOOP loops around the plan, or NULL. Returns 0, 1 + the step whose index was out of range, FK_NO_MEMORY or FK_STOPPED. No lock
 * held by the caller; any number of threads may run the same plan with bases of their own.
 * wish: NULL, or called by the calling thread alone, between chunks, some times a second once a run has lasted; when it returns
 * other than 0, no chunk is begun any more and the run returns FK_STOPPED. What the plan would have written is then written in
 * part: each element has its old value or its new one. */
int64_t fk_plan_run(fk_plan *, void *const *bases, const int64_t *rounds, fk_wish wish);
/* Whether runs of late took so little that it gains nobody to be let in to a processor, or to what the caller holds, meanwhile: a few
 * microseconds, or up to a hundred that all processors of the process work at together. */
int fk_plan_is_brief(const fk_plan *);
/* Turns of threads that have a lock of the caller's in common, which a thread keeps for many brief runs (turns.c). Of one that has
 * it: its turn goes on at `now`. Of one that let go of it at `now`: whoever waits in line longest is called, unless the lock is
 * taken already, by a thread that has a turn; it waits in line itself, until it is called, but no longer than turns of about
 * `length` ns take. It waits not at all where nobody else does. */
void fk_turn_goes_on(int64_t now);
void fk_turn_ends(int64_t now, int64_t length, int is_taken);
/* the same, alone and timed: seconds of each step, added to what is there */
int64_t fk_plan_profile(const fk_plan *, void *const *bases, const int64_t *rounds, double *seconds);
int64_t fk_plan_chunks(const fk_plan *, int64_t step);

/* ---- memory: 64-byte aligned, counted */
void *fk_alloc(size_t bytes);
void fk_free(void *);
int64_t fk_alloc_count(void); /* allocations so far, of arenas and scratch */
int64_t fk_alloc_bytes(void); /* bytes held now */
#endif
