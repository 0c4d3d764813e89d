/* Reading and adding at computed indices: narrow, gather, scatter_add, touched, put_rows, pick, one_hot.
 *
 * Indices are data, so each is checked where it is used: one outside its range sets call->status, and nothing outside
 * the tensors is read or written. */
#include "tile.h"

static inline int inside(int32_t i, int64_t size) { return i >= 0 && i < size; }

/* rows per chunk for rows of so many bytes: about 5 ns to reach one, and 20 bytes per ns */
static inline int64_t row_grain(int64_t bytes) { return 1 + 400000 / (100 + bytes); }

/* ---- narrow */
FK_CHUNKS(narrow) { return fk_split(a->n, 1 << 16); }
FK_ONE_PART(narrow)
FK_KERNEL(narrow) {
    const int64_t *x = call->ptr[0];
    int32_t *y = call->ptr[1];
    int64_t lo, hi;
    fk_range(a->n, 16, ith, nth, &lo, &hi);
    for (int64_t i = lo; i < hi; i++) y[i] = (int32_t)fk_max(INT32_MIN, fk_min(INT32_MAX, x[i]));
}

/* ---- gather */
FK_CHUNKS(gather) { return fk_split(a->outer * a->nidx, row_grain(a->inner * a->itemsize)); }
FK_ONE_PART(gather)

/* rows of a fixed size are moved without a call */
#define GATHER_ROWS(B)                                         \
    for (int64_t j = lo; j < hi; j++, y += (B)) {              \
        if (inside(idx[j], size)) memcpy(y, x + (int64_t)idx[j] * (B), (size_t)(B)); \
        else { memset(y, 0, (size_t)(B)); bad = 1; }           \
    }
static int gather_rows(char *restrict y, const char *restrict x, const int32_t *idx, int64_t lo, int64_t hi, int64_t size,
                       int64_t bytes) {
    int bad = 0;
    switch (bytes) {
    case 1: GATHER_ROWS(1); break;
    case 4: GATHER_ROWS(4); break;
    case 8: GATHER_ROWS(8); break;
    case 16: GATHER_ROWS(16); break;
    case 32: GATHER_ROWS(32); break;
    case 64: GATHER_ROWS(64); break;
    default: GATHER_ROWS(bytes);
    }
    return bad;
}

FK_KERNEL(gather) {
    const char *x = call->ptr[0];
    const int32_t *idx = call->ptr[1];
    char *y = call->ptr[2];
    int64_t lo, hi, bytes = a->inner * a->itemsize, bad = 0;
    fk_range(a->outer * a->nidx, 1, ith, nth, &lo, &hi);
    while (lo < hi) { /* one item of outer at a time */
        int64_t o = lo / a->nidx, j = lo % a->nidx, n = fk_min(hi - lo, a->nidx - j);
        bad |= gather_rows(y + lo * bytes, x + o * a->size * bytes, idx, j, j + n, a->size, bytes);
        lo += n;
    }
    if (bad) *call->status = 1;
}

/* ---- scatter_add: a chunk owns a block of y (an item of outer, a range of rows, a range of columns) and goes through
 * all indices in order, so every sum has one owner and one order */
#define COLUMNS 128 /* a block's least width: shorter pieces of a row cost memory more than they move */
typedef struct {
    int64_t items, columns, rows; /* shares of outer, and blocks per item */
} blocks_t;
static blocks_t scatter_blocks(const fk_attr_scatter_add *a) {
    /* what the whole costs, in floats moved: zeroing, the sums, and each block's pass over the indices */
    int64_t want = fk_split(a->outer * (a->size * a->inner + 3 * a->nidx * a->inner + 4 * a->nidx), 1 << 16);
    blocks_t b;
    b.items = fk_max(1, fk_min(want, a->outer));
    want = fk_ceil_div(want, b.items);
    b.columns = fk_max(1, fk_min(want, a->inner / COLUMNS));
    /* blocks of rows only while one is long beside its pass over the indices; few, since each skips through all of u */
    int64_t pays = (a->size + 3 * a->nidx) * (a->inner / b.columns) / fk_max(1, 4 * a->nidx);
    b.rows = fk_max(1, fk_min(fk_min(fk_min(8, want / b.columns), pays), a->size));
    return b;
}
FK_CHUNKS(scatter_add) {
    blocks_t b = scatter_blocks(a);
    return b.items * b.columns * b.rows;
}
FK_ONE_PART(scatter_add)

/* d[0, n) += s[0, n) */
static inline void add_row(float *restrict d, const float *restrict s, int64_t n) {
    if (n == 1)
        d[0] += s[0];
    else
        for (int64_t i = 0; i < n; i++) d[i] += s[i];
}
static void zero_rows(float *y, int64_t rows, int64_t inner, int64_t n) {
    if (n == inner)
        memset(y, 0, (size_t)(rows * inner) * 4);
    else
        for (int64_t r = 0; r < rows; r++) memset(y + r * inner, 0, (size_t)n * 4);
}

/* the block [r0, r1) × n columns of one item; u and y begin at its first column */
static void scatter_block(float *restrict y, const float *restrict u, const int32_t *idx, int64_t nidx, int64_t inner,
                          int64_t r0, int64_t r1, int64_t n) {
    zero_rows(y + r0 * inner, r1 - r0, inner, n);
    for (int64_t j = 0; j < nidx; j++)
        if (idx[j] >= r0 && idx[j] < r1) add_row(y + idx[j] * inner, u + j * inner, n);
}

/* The same before a program: a few rows at a time, which the program finds in the L1 cache, and which need not go to memory.
 * What belongs to some rows is a list: first[k], then next[j] after j, in the order of j; -1 ends it. */
enum { SCATTER_BLOCK = 16384 }; /* elements of these rows */
typedef struct {
    int64_t rows;           /* in a block */
    int32_t *first, *next;  /* of a block, of an index */
    float *room;            /* for a block, where y is not written */
} lists_t;
/* 0 where the lists do not fit the scratch */
static int list_blocks(const fk_call *call, const fk_attr_scatter_add *a, const int32_t *idx, int64_t r0, int64_t r1,
                       lists_t *l) {
    l->rows = fk_max(1, SCATTER_BLOCK / fk_max(1, a->inner));
    const int64_t blocks = fk_ceil_div(r1 - r0, l->rows), room = l->rows * a->inner;
    if ((blocks + a->nidx + room) * 4 > FK_KERNEL_SCRATCH) return 0;
    l->room = (float *)call->scratch;
    l->first = (int32_t *)(l->room + room);
    l->next = l->first + blocks;
    memset(l->first, -1, (size_t)blocks * 4);
    for (int64_t j = a->nidx - 1; j >= 0; j--)
        if (idx[j] >= r0 && idx[j] < r1) {
            int32_t *head = l->first + (idx[j] - r0) / l->rows;
            l->next[j] = *head;
            *head = (int32_t)j;
        }
    return 1;
}
/* rows [r0, r1) × n columns from c0 on of item o */
static void scatter_lists(const fk_call *call, const fk_attr_scatter_add *a, const lists_t *l, int64_t o, int64_t r0,
                          int64_t r1, int64_t c0, int64_t n) {
    const int32_t *idx = call->ptr[0];
    const float *u = (const float *)call->ptr[1] + o * a->nidx * a->inner + c0;
    float *y = call->ptr[2];
    void *ptr[FK_MAXREF];
    fk_call near = *call;
    memcpy(ptr, call->tile_ptr, (size_t)(call->tile->nin + call->tile->nout) * sizeof *ptr);
    near.tile_ptr = ptr;
    const int32_t *first = l->first;
    for (int64_t r = r0; r < r1; r += l->rows) {
        const int64_t rows = fk_min(l->rows, r1 - r), at = (o * a->size + r) * a->inner + c0;
        float *d = a->kept ? y + at : l->room;
        zero_rows(d, rows, a->inner, n);
        for (int32_t j = *first++; j >= 0; j = l->next[j]) add_row(d + (idx[j] - r) * a->inner, u + j * a->inner, n);
        if (r + rows < r1) /* what the next block adds lies anywhere */
            for (int32_t j = *first; j >= 0; j = l->next[j])
                for (int64_t i = 0; i < fk_min(n, 256); i += 16) __builtin_prefetch(u + j * a->inner + i, 0, 2);
        if (!a->kept)
            for (int k = 0; k < call->tile->nin; k++)
                if (call->tile_ptr[k] == (void *)y) ptr[k] = (void *)((uintptr_t)d - 4 * (uintptr_t)at);
        if (n == a->inner)
            fk_epilogue(&near, at, rows * n);
        else
            fk_epilogue_rows(&near, at, rows, a->inner, n);
    }
}

FK_KERNEL(scatter_add) {
    const int32_t *idx = call->ptr[0];
    int64_t inner = a->inner, o0, o1, c0, c1, r0, r1;
    blocks_t b = scatter_blocks(a);
    lists_t lists;
    (void)nth;
    fk_range(a->outer, 1, ith / (b.columns * b.rows), b.items, &o0, &o1);
    fk_range(inner, 16, ith / b.rows % b.columns, b.columns, &c0, &c1);
    fk_range(a->size, 1, ith % b.rows, b.rows, &r0, &r1);
    int bad = 0;
    for (int64_t j = 0; j < a->nidx; j++) bad |= !inside(idx[j], a->size);
    if (bad) {
        *call->status = 1;
        if (call->tile) return; /* what the program would update keeps its values */
    }
    const int listed = call->tile && list_blocks(call, a, idx, r0, r1, &lists);
    for (int64_t o = o0; o < o1; o++) {
        if (listed) {
            scatter_lists(call, a, &lists, o, r0, r1, c0, c1 - c0);
            continue;
        }
        scatter_block((float *)call->ptr[2] + o * a->size * inner + c0, (const float *)call->ptr[1] + o * a->nidx * inner + c0,
                      idx, a->nidx, inner, r0, r1, c1 - c0);
        fk_epilogue_rows(call, (o * a->size + r0) * inner + c0, r1 - r0, inner, c1 - c0);
    }
}

/* ---- touched: only the words of the table that an index points at are cleared and read */
FK_CHUNKS(touched) { return a->nidx >= 0; }
FK_ONE_PART(touched)
FK_KERNEL(touched) {
    const int32_t *idx = call->ptr[0];
    int32_t *table = call->ptr[1], *rows = call->ptr[2], *place = rows + a->nidx, count = 0;
    int bad = 0;
    (void)ith, (void)nth;
    for (int64_t j = 0; j < a->nidx; j++)
        if (inside(idx[j], a->size)) table[idx[j]] = -1;
    for (int64_t j = 0; j < a->nidx; j++) {
        int ok = inside(idx[j], a->size);
        if (ok && table[idx[j]] < 0) {
            table[idx[j]] = count;
            rows[count++] = idx[j];
        }
        place[j] = ok ? table[idx[j]] : 0;
        bad |= !ok;
    }
    for (int64_t k = count; k < a->nidx; k++) rows[k] = -1;
    if (bad) *call->status = 1;
}

/* ---- put_rows */
FK_CHUNKS(put_rows) { return fk_split(a->nidx, row_grain(4 * a->inner)); }
FK_ONE_PART(put_rows)
FK_KERNEL(put_rows) {
    const int32_t *rows = call->ptr[0];
    const float *u = call->ptr[1];
    float *y = call->ptr[2];
    int64_t lo, hi, inner = a->inner, bad = 0;
    fk_range(a->nidx, 1, ith, nth, &lo, &hi);
    for (int64_t j = lo; j < hi; j++) {
        if (inside(rows[j], a->size))
            memcpy(y + rows[j] * inner, u + j * inner, (size_t)inner * 4);
        else
            bad |= rows[j] >= 0;
    }
    if (bad) *call->status = 1;
}

/* ---- pick */
FK_CHUNKS(pick) { return fk_split(a->rows, row_grain(4)); }
FK_ONE_PART(pick)
FK_KERNEL(pick) {
    const float *x = call->ptr[0];
    const int32_t *idx = call->ptr[1];
    float *y = call->ptr[2];
    int64_t lo, hi;
    int bad = 0;
    fk_range(a->rows, 16, ith, nth, &lo, &hi);
    for (int64_t r = lo; r < hi; r++) {
        int ok = inside(idx[r], a->size);
        y[r] = ok ? x[r * a->size + idx[r]] : 0.0f;
        bad |= !ok;
    }
    if (bad) *call->status = 1;
}

/* ---- one_hot */
FK_CHUNKS(one_hot) { return fk_split(a->nidx * a->depth, 1 << 16); }
FK_ONE_PART(one_hot)
FK_KERNEL(one_hot) {
    const int32_t *idx = call->ptr[0];
    float *y = call->ptr[1], on = (float)a->on, off = (float)a->off;
    int64_t lo, hi;
    fk_range(a->nidx, 1, ith, nth, &lo, &hi);
    for (int64_t i = lo * a->depth; i < hi * a->depth; i++) y[i] = off;
    for (int64_t j = lo; j < hi; j++)
        if (inside(idx[j], a->depth)) y[j * a->depth + idx[j]] = on;
}
