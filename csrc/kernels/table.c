/* The kernels of one instruction set, in the order of ops.def. */
#include "kernel.h"

#define OP(name, flags, refs, attrs)                  \
    void FK(name)(const fk_call *, int64_t, int64_t); \
    int64_t FK(name##_chunks)(const void *);          \
    int64_t FK(name##_parts)(const void *);       \
    DECLARE_##flags(name)
#define DECLARE_0(name)
#define DECLARE_EPI(name)
#define DECLARE_ROWS(name) int64_t FK(name##_first_row)(const void *, int64_t);
#define ROWS_0(name) NULL
#define ROWS_EPI(name) NULL
#define ROWS_ROWS(name) FK(name##_first_row)
#include "../ops.def"
#undef OP

extern const fk_entry FK(table)[];
const fk_entry FK(table)[] = {
#define OP(name, flags, refs, attrs) {FK(name), FK(name##_chunks), FK(name##_parts), ROWS_##flags(name)},
#include "../ops.def"
};
