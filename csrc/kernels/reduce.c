/* Reductions along the middle axis of x[outer, r, inner]: sums and extremes, their indices and gradients, running sums. The order of a
 * reduction follows from r and inner alone. */
#include "reduce.h"

/* ---- how a shape is worked */

/* Parts of r, each of `share` rows, so that few long columns keep all threads busy. r >= 256 so that a second
 * reduction, over the parts, has one part. */
static int64_t share_of(int64_t r, int64_t inner) {
    int64_t parts = r < 256 || inner >= 2048 ? 1 : fk_max(1, fk_min(64, r * inner / 65536));
    return fk_max(1, fk_ceil_div(r, parts));
}
/* columns of a unit of work */
static int64_t panel_of(int64_t inner) {
    int64_t quarter = fk_ceil_div(fk_ceil_div(inner, 4), 64) * 64;
    return inner < 256 ? fk_max(1, inner) : fk_min(PANEL, quarter);
}
/* units [lo, hi) of outer × parts × panels; they lie in y one after the other */
INLINE void units(int kind, const fk_call *call, const fk_attr_reduce *a, int64_t lo, int64_t hi) {
    const float *x = call->ptr[0];
    float *y = call->ptr[1], *stack = (float *)call->scratch;
    int64_t r = a->r, inner = a->inner, share = share_of(r, inner), parts = fk_max(1, fk_ceil_div(r, share)), lcm;
    int64_t panel = panel_of(inner), panels = fk_ceil_div(inner, panel), done = -1, end = 0;
    if (inner == 1 && r > 0 && r <= SHORT) { /* many short rows: one part, one panel */
        for (int64_t o = lo; o < hi; o++) y[o] = short_row(kind, x + o * r, r);
        fk_epilogue(call, lo, hi - lo);
        return;
    }
    for (int64_t u = lo; u < hi; u++) {
        int64_t o = u / panels, c = u % panels * panel, part = o % parts, w = fk_min(panel, inner - c);
        int64_t first = part * share, rows = fk_min(share, r - first), at = o * inner + c;
        const float *from = x + (o / parts * r + first) * inner + c;
        int64_t period = period_of(rows, inner, &lcm);
        if (rows <= 0)
            for (int64_t k = 0; k < w; k++) y[at + k] = identity(kind);
        else if (period)
            flat_into(kind, from, rows, inner, period, lcm, y + at, stack);
        else
            rows_into(kind, from, inner, rows, w, y + at, stack);
        if (done < 0) done = at;
        end = at + w;
        if (parts == 1 && end - done >= 8 * FK_TILE) {
            fk_epilogue(call, done, end - done);
            done = end;
        }
    }
    if (parts == 1 && end > done && done >= 0) fk_epilogue(call, done, end - done);
}

FK_PARTS(reduce) { return fk_max(1, fk_ceil_div(a->r, share_of(a->r, a->inner))); }
static int64_t reduce_units(const fk_attr_reduce *a) {
    return a->outer * reduce_parts(a) * fk_ceil_div(a->inner, panel_of(a->inner));
}
FK_CHUNKS(reduce) { return fk_max(1, fk_min(fk_split(a->outer * fk_max(1, a->r) * a->inner, 16384), reduce_units(a))); }
FK_KERNEL(reduce) {
    int64_t lo, hi;
    fk_range(reduce_units(a), 1, ith, nth, &lo, &hi);
    switch (a->kind) {
    case FK_SUM: units(FK_SUM, call, a, lo, hi); break;
    case FK_MAX: units(FK_MAX, call, a, lo, hi); break;
    case FK_MIN: units(FK_MIN, call, a, lo, hi); break;
    default: units(FK_PROD, call, a, lo, hi);
    }
}

/* ---- indices of extremes */

/* whether the value v displaces the best so far: the first NaN does, then nothing */
INLINE vi beats(int kind, vf v, vf best) { return (kind == FK_MAX ? v > best : v < best) | ((v != v) & (best == best)); }

INLINE int32_t arg_row(int kind, const float *x, int64_t n) {
    vf fill = v_set1(identity(kind)), best = n < VL ? v_load_fill(x, n, fill) : v_load(x);
    vi index = vi_lanes(), at = index;
    for (int64_t k = VL; k < n; k += VL) {
        vf v = k + VL <= n ? v_load(x + k) : v_load_fill(x + k, n - k, fill);
        index += VL;
        vi m = beats(kind, v, best);
        best = v_blend(m, v, best);
        at = (at & ~m) | (index & m);
    }
    int64_t win = 0;
    for (int64_t l = 1; l < fk_min(n, VL); l++) {
        float v = best[l], w = best[win];
        int better = v != v ? w == w : w != w ? 0 : kind == FK_MAX ? v > w : v < w;
        int equal = v == w || (v != v && w != w);
        if (better || (equal && at[l] < at[win])) win = l;
    }
    return at[win];
}
/* lanes columns of x[r, inner] */
INLINE vi arg_columns(int kind, const float *x, int64_t r, int64_t inner, int64_t lanes) {
    vf best = lanes == VL ? v_load(x) : v_load_n(x, lanes);
    vi at = {0};
    for (int64_t k = 1; k < r; k++) {
        x += inner;
        vf v = lanes == VL ? v_load(x) : v_load_n(x, lanes);
        vi m = beats(kind, v, best);
        best = v_blend(m, v, best);
        at = (at & ~m) | (vi_set1((int32_t)k) & m);
    }
    return at;
}
INLINE void arg_units(int kind, const fk_attr_arg_reduce *a, const float *x, int32_t *y, int64_t lo, int64_t hi) {
    int64_t panel = panel_of(a->inner), panels = fk_ceil_div(a->inner, panel);
    for (int64_t u = lo; u < hi; u++) {
        int64_t o = u / panels, c = u % panels * panel, end = fk_min(a->inner, c + panel);
        const float *row = x + o * a->r * a->inner;
        int32_t *to = y + o * a->inner;
        if (a->r == 0)
            for (; c < end; c++) to[c] = 0;
        else if (a->inner == 1)
            *to = arg_row(kind, row, a->r);
        else
            for (; c < end; c += VL) {
                int64_t lanes = fk_min(VL, end - c);
                vi at = arg_columns(kind, row + c, a->r, a->inner, lanes);
                if (lanes == VL)
                    vi_store(to + c, at);
                else
                    v_store_n((float *)(to + c), (vf)at, lanes);
            }
    }
}

/* units of work of the kernels without parts, and chunks of them */
static int64_t panels_of(int64_t outer, int64_t inner) { return outer * fk_ceil_div(inner, panel_of(inner)); }
static int64_t split_panels(int64_t outer, int64_t r, int64_t inner) {
    return fk_max(1, fk_min(fk_split(outer * r * inner, 8192), panels_of(outer, inner)));
}

FK_ONE_PART(arg_reduce)
FK_CHUNKS(arg_reduce) { return split_panels(a->outer, a->r, a->inner); }
FK_KERNEL(arg_reduce) {
    int64_t lo, hi;
    fk_range(panels_of(a->outer, a->inner), 1, ith, nth, &lo, &hi);
    if (a->kind == FK_MAX)
        arg_units(FK_MAX, a, call->ptr[0], call->ptr[1], lo, hi);
    else
        arg_units(FK_MIN, a, call->ptr[0], call->ptr[1], lo, hi);
}

/* ---- gradients of extremes. A panel of columns is read twice, the second time from L2, and written once */
static int64_t columns_of(const fk_attr_extreme_dx *a) {
    const int64_t most = (1 << 17) / fk_max(1, a->r) / 64 * 64;
    return fk_max(1, fk_min(a->inner, fk_max(64, most)));
}
static int64_t extreme_units(const fk_attr_extreme_dx *a) { return a->outer * fk_ceil_div(a->inner, columns_of(a)); }
FK_ONE_PART(extreme_dx)
FK_CHUNKS(extreme_dx) { return fk_max(1, fk_min(fk_split(a->outer * a->r * a->inner, 16384), extreme_units(a))); }
FK_KERNEL(extreme_dx) {
    const int64_t width = columns_of(a), panels = fk_ceil_div(a->inner, width);
    float *share = (float *)call->scratch; /* how many elements are the extreme, then what each of them gets */
    const vf one = v_set1(1.0f);
    int64_t lo, hi;
    fk_range(extreme_units(a), 1, ith, nth, &lo, &hi);
    for (int64_t u = lo; u < hi; u++) {
        const int64_t o = u / panels, c = u % panels * width, w = fk_min(width, a->inner - c);
        const float *x = (const float *)call->ptr[0] + o * a->r * a->inner + c;
        const float *y = (const float *)call->ptr[1] + o * a->inner + c, *dy = (const float *)call->ptr[2] + o * a->inner + c;
        float *dx = (float *)call->ptr[3] + o * a->r * a->inner + c;
        memset(share, 0, (size_t)w * 4);
#define IS_EXTREME(k) (vf)((vi)one & (v_load_upto(x + r * a->inner + k, w - k) == v_load_upto(y + k, w - k)))
        for (int64_t r = 0; r < a->r; r++)
            for (int64_t k = 0; k < w; k += VL) v_store_upto(share + k, v_load_upto(share + k, w - k) + IS_EXTREME(k), w - k);
        for (int64_t k = 0; k < w; k += VL)
            v_store_upto(share + k, v_load_upto(dy + k, w - k) / v_load_upto(share + k, w - k), w - k);
        for (int64_t r = 0; r < a->r; r++)
            for (int64_t k = 0; k < w; k += VL)
                v_store_upto(dx + r * a->inner + k, IS_EXTREME(k) * v_load_upto(share + k, w - k), w - k);
    }
}

/* ---- running sums: one addition after the other, along r */
static void scan_rows(const fk_attr_cumsum *a, const float *x, float *y) {
    float acc = a->exclusive ? 0.0f : -0.0f; /* -0 + x is x, even for -0 */
    for (int64_t k = 0; k < a->r; k++) {
        int64_t j = a->reverse ? a->r - 1 - k : k;
        float v = x[j];
        if (a->exclusive) y[j] = acc;
        acc += v;
        if (!a->exclusive) y[j] = acc;
    }
}
INLINE void scan_columns(const fk_attr_cumsum *a, const float *x, float *y, int64_t lanes) {
    vf acc = v_set1(a->exclusive ? 0.0f : -0.0f);
    for (int64_t k = 0; k < a->r; k++) {
        int64_t j = (a->reverse ? a->r - 1 - k : k) * a->inner;
        vf v = lanes == VL ? v_load(x + j) : v_load_n(x + j, lanes), out = a->exclusive ? acc : acc + v;
        acc += v;
        if (lanes == VL)
            v_store(y + j, out);
        else
            v_store_n(y + j, out, lanes);
    }
}
FK_ONE_PART(cumsum)
FK_CHUNKS(cumsum) { return split_panels(a->outer, a->r, a->inner); }
FK_KERNEL(cumsum) {
    int64_t panel = panel_of(a->inner), panels = fk_ceil_div(a->inner, panel), lo, hi;
    fk_range(a->outer * panels, 1, ith, nth, &lo, &hi);
    for (int64_t u = lo; u < hi; u++) {
        int64_t at = u / panels * a->r * a->inner, c = u % panels * panel, end = fk_min(a->inner, c + panel);
        const float *x = (const float *)call->ptr[0] + at;
        float *y = (float *)call->ptr[1] + at;
        if (a->inner == 1)
            scan_rows(a, x, y);
        else
            for (; c < end; c += VL) scan_columns(a, x + c, y + c, fk_min(VL, end - c));
    }
}
