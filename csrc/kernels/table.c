/* The kernels of one instruction set, in the order of ops.def. */
#include "kernel.h"

#define OP(name, flags, refs, attrs)                  \
    void FK(name)(const fk_call *, int64_t, int64_t); \
    int64_t FK(name##_chunks)(const void *);          \
    int64_t FK(name##_parts)(const void *);
#include "../ops.def"
#undef OP

extern const fk_entry FK(table)[];
const fk_entry FK(table)[] = {
#define OP(name, flags, refs, attrs) {FK(name), FK(name##_chunks), FK(name##_parts)},
#include "../ops.def"
};
