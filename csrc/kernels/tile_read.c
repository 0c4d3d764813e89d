/* Reading inputs of tile programs: every kind of access, as floats or words. */
#include "tile_read.h"

#include "vec.h"

/* the box of a strided input with neighbouring axes merged where one stride walks both */
typedef struct {
    int n;
    int64_t dim[FK_MAXDIM], stride[FK_MAXDIM], at[FK_MAXDIM];
} box_t;
/* at: the coordinates of element i; returns its offset */
static int64_t box_start(box_t *b, const fk_tile_in *in, int64_t i) {
    b->n = 0;
    for (int k = 0; k < in->ndim; k++) {
        if (in->dim[k] == 1) continue;
        if (b->n && b->stride[b->n - 1] == in->stride[k] * in->dim[k]) {
            b->dim[b->n - 1] *= in->dim[k];
            b->stride[b->n - 1] = in->stride[k];
        } else {
            b->dim[b->n] = in->dim[k];
            b->stride[b->n++] = in->stride[k];
        }
    }
    if (!b->n) b->n = 1, b->dim[0] = INT64_MAX, b->stride[0] = 0;
    int64_t offset = 0;
    for (int k = b->n - 1; k >= 0; k--) {
        b->at[k] = i % b->dim[k];
        i /= b->dim[k];
        offset += b->at[k] * b->stride[k];
    }
    return offset;
}

/* d[0..n) = elements i.. of the input, as floats, or int32 by their bits */
#define GATHER(name, type, word, convert)                                                                  \
    static void name(const fk_tile_in *in, const type *x, int64_t i, int64_t n, word *restrict d) {        \
        if (in->kind == FK_FLAT) {                                                                         \
            for (int64_t k = 0; k < n; k++) d[k] = convert(x[i + k]);                                      \
        } else if (in->kind == FK_MOD) {                                                                   \
            int64_t p = in->p, at = i % p, have = fk_min(n, p), first = fk_min(have, p - at);              \
            for (int64_t k = 0; k < first; k++) d[k] = convert(x[at + k]);                                 \
            for (int64_t k = first; k < have; k++) d[k] = convert(x[k - first]);                           \
            for (; have < n; have *= 2) /* whole periods so far: repeat them */                            \
                memcpy(d + have, d, (size_t)fk_min(have, n - have) * sizeof(word));                        \
        } else if (in->kind == FK_DIV) {                                                                   \
            int64_t p = in->p, q = i / p, left = p - i % p;                                                \
            for (int64_t k = 0; k < n; left = p, q++) {                                                    \
                word v = convert(x[q]);                                                                    \
                vf all = v_splat((const float *)&v);                                                       \
                int64_t end = fk_min(n, k + left);                                                         \
                for (; k < end && k + VL <= n; k += VL) v_store((float *)d + k, all); /* too far: the next run mends it */\
                for (; k < end; k++) d[k] = v;                                                             \
                k = end;                                                                                   \
            }                                                                                              \
        } else {                                                                                           \
            box_t b;                                                                                       \
            int64_t o = box_start(&b, in, i), last = b.n - 1, s = b.stride[last];                          \
            for (int64_t k = 0; k < n;) {                                                                  \
                int64_t run = fk_min(n - k, b.dim[last] - b.at[last]);                                     \
                if (s == 1)                                                                                \
                    for (int64_t j = 0; j < run; j++) d[k + j] = convert(x[o + j]);                        \
                else                                                                                       \
                    for (int64_t j = 0; j < run; j++) d[k + j] = convert(x[o + j * s]);                    \
                k += run;                                                                                  \
                o -= b.at[last] * s;                                                                       \
                b.at[last] = 0;                                                                            \
                for (int64_t a = last - 1; a >= 0; a--) {                                                  \
                    o += b.stride[a];                                                                      \
                    if (++b.at[a] < b.dim[a]) break;                                                       \
                    o -= b.at[a] * b.stride[a];                                                            \
                    b.at[a] = 0;                                                                           \
                }                                                                                          \
            }                                                                                              \
        }                                                                                                  \
    }
#define SAME(v) (v)
#define TO_FLOAT(v) ((float)(v))
#define TO_INT(v) ((int32_t)(v))
GATHER(gather_word, word_t, word_t, SAME)
GATHER(gather_byte, uint8_t, real_t, TO_FLOAT)
GATHER(gather_long, int64_t, word_t, TO_INT)

static void gather(const fk_tile_in *in, const void *x, int64_t i, int64_t n, float *d) {
    if (in->dtype == FK_I64)
        gather_long(in, x, i, n, (word_t *)d);
    else if (in->dtype == FK_U8 || in->dtype == FK_BOOL)
        gather_byte(in, x, i, n, (real_t *)d);
    else
        gather_word(in, x, i, n, (word_t *)d);
}

fk_tile_arg FK(tile_read)(const fk_tile_in *in, const void *x, const fk_tile_part *t, float *room) {
    int word = in->dtype == FK_F32 || in->dtype == FK_I32, whole = word && t->n == t->whole;
    int64_t i = t->i, n = t->n;
    const float *f = x;
    if (in->kind == FK_FLAT) {
        if (whole) return (fk_tile_arg){f + i, t->stride, 0};
    } else if (in->kind == FK_SCALAR || (in->kind == FK_DIV && i / in->p == (i + n - 1) / in->p)) {
        int64_t at = in->kind == FK_DIV ? i / in->p : 0;
        if (word) return (fk_tile_arg){f + at, 0, 1};
        const fk_tile_in flat = {.dtype = in->dtype, .kind = FK_FLAT};
        gather(&flat, x, at, 1, room);
        return (fk_tile_arg){room, 0, 1};
    } else if (in->kind == FK_MOD) {
        int64_t at = i % in->p;
        if (whole && at + n <= in->p) return (fk_tile_arg){f + at, 0, 0};
    } else if (whole && in->run && i % in->run + n <= in->run) {
        return (fk_tile_arg){f + i / in->run * in->pitch + i % in->run, t->stride / in->run * in->pitch, 0};
    }
    gather(in, x, i, n, room);
    return (fk_tile_arg){room, 0, 0};
}
