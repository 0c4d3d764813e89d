"""Operations on parts of tensors: slices and indexing, joins, pads."""

import math

import numpy as np

from . import core, facts
from .core import Sample, apply, register
from .lowering import lower_copy, lower_fill, strides
from .move import expand_dims, normal, ravel, repeat, reshape, squeeze
from .shapes import many_axes, one_axis, shape_of

__all__ = ['get_item', 'flip', 'split', 'unstack', 'concatenate', 'stack', 'roll', 'pad']


# ---- slices
def _range(dim, cut):
    """(first, step, size) of begin:end:step on an axis; (None, step, size or None) where its size is unknown."""
    begin, end, step = cut
    if dim is None:
        if cut == (None, None, 1) or (step == -1 and begin is None and end is None):
            return None, step, None
        one = step == 1 and begin is not None and (end == begin + 1 or (begin == -1 and end is None))
        return None, step, 1 if one else None
    first, stop, step = slice(begin, end, step).indices(dim)
    return first, step, len(range(first, stop, step))


def _ranges(shape, key):
    return [_range(d, cut) for d, cut in zip(shape, key)]


def _slices(key):
    return tuple(slice(*cut) for cut in key)


def _slice_layout(shape, key):
    """(sizes, strides, offset) of the elements that key selects of a contiguous array."""
    ranges, steps = _ranges(shape, key), strides(shape)
    return ([n for _, _, n in ranges], [s * step for s, (_, step, _) in zip(steps, ranges)],
            sum(s * first for s, (first, _, n) in zip(steps, ranges) if n))


def _slice_view(node):
    sizes, steps, offset = _slice_layout(node.inputs[0].shape, node.attrs['key'])
    solid = all(n == 1 or a == b for n, a, b in zip(sizes, steps, strides(node.shape)))
    return offset if solid else None


def _slice_lower(ctx, node, ins, out):
    sizes, steps, offset = _slice_layout(node.inputs[0].shape, node.attrs['key'])
    lower_copy(ctx, ins[0], out, sizes, steps, strides(sizes), xoff=offset)


def _whole_axis(size, cut):
    return _range(size, cut) == (0, 1, size)


def _axes_of_copy(node, order):
    """A slice that is a view, as a step of a sequence whose steps were brought first, is best left where it is."""
    return None if _slice_view(node) is not None else facts.axes_move('key')(node, order)


def _reversed(node):
    """For each axis whether it is reversed, where a slice does nothing else; else None."""
    key = node.attrs['key'] if node.op == 'slice' else None
    return None if key is None or any(cut not in ((None, None, 1), (None, None, -1)) for cut in key) else [
        cut[2] < 0 for cut in key]


def _slice_simpler(node, inputs):
    """An axis that is reversed twice is as it was: a sequence gone through backwards, brought into its order again."""
    outer, inner = _reversed(node), _reversed(inputs[0])
    if outer is None or inner is None:
        return None
    key = tuple((None, None, -1 if a != b else 1) for a, b in zip(outer, inner))
    source = inputs[0].inputs[0]
    return source if outer == inner else facts.made('slice', (source,), node, key=key)


def _slice_samples():
    return [Sample(normal(s), {'key': k}) for s, k in (
        ((6, 5), ((1, 4, 1), (None, None, 1))), ((6, 5), ((None, None, 1), (1, -1, 1))),
        ((7, 9), ((None, None, 2), (None, None, -1))), ((4, 6), ((None, None, -1), (None, None, 1))),
        ((4, 5, 6), ((-1, None, 1), (3, 0, -2), (1, 6, 3))))]


def _slice_strided(node):
    _, steps, offset = _slice_layout(node.inputs[0].shape, node.attrs['key'])
    return steps, offset


@register('slice', vjp=lambda node, ct: [apply('place', (ct,), key=node.attrs['key'], shape=node.inputs[0].shape)],
          ref=lambda x, *, key: x[_slices(key)], lower=_slice_lower, view=_slice_view, samples=_slice_samples,
          strided=_slice_strided, simplify=_slice_simpler,
          rows=lambda node, moving: _whole_axis(node.inputs[0].shape[0], node.attrs['key'][0]), sink=_axes_of_copy,
          supports=lambda node: len(node.shape) <= 8,
          compose=lambda x, *, key: x if all(
              r == (0, 1, d) for r, d in zip(_ranges(x.shape, key), x.shape)) else None)
def _slice_spec(x, *, key):
    if len(key) != len(x.shape):
        raise ValueError(f'expected a slice for each axis of shape {x.shape}, got {len(key)}')
    return tuple(n for _, _, n in _ranges(x.shape, key)), x.dtype


def _place_ref(x, *, key, shape):
    y = np.zeros(shape, x.dtype)
    y[_slices(key)] = x
    return y


def _place_lower(ctx, node, ins, out):
    sizes, steps, offset = _slice_layout(node.shape, node.attrs['key'])
    lower_fill(ctx, out, 0)
    lower_copy(ctx, ins[0], out, sizes, strides(sizes), steps, yoff=offset)


@register('place', vjp=lambda node, ct: [apply('slice', (ct,), key=node.attrs['key'])], ref=_place_ref,
          lower=_place_lower, rows=lambda node, moving: _whole_axis(node.shape[0], node.attrs['key'][0]),
          sink=facts.axes_move('key', 'shape'), sized=('shape',),
          supports=lambda node: len(node.shape) <= 8,
          compose=lambda x, *, key, shape: apply('slice', (x,), key=key) if all(
              cut in ((None, None, 1), (None, None, -1)) for cut in key) else None,
          samples=lambda: [Sample([s.inputs[0][_slices(s.attrs['key'])]],
                                  {'key': s.attrs['key'], 'shape': s.inputs[0].shape}) for s in _slice_samples()])
def _place_spec(x, *, key, shape):
    """x at the slices `key` of an array of zeros."""
    taken = tuple(n for _, _, n in _ranges(shape, key))
    if any(None not in (a, b) and a != b for a, b in zip(taken, x.shape)) or len(taken) != len(x.shape):
        raise ValueError(f'expected values of shape {taken}, got {x.shape}')
    return tuple(shape), x.dtype


def cut(x, key):
    """x at one (begin, end, step) for each axis."""
    return apply('slice', (x,), key=tuple(key))


def along(ndim, axis, begin, end, step=1):
    """The key that cuts one axis."""
    return tuple((begin, end, step) if i == axis else (None, None, 1) for i in range(ndim))


def flip(x, axis=None):
    """x with the order along the axes (None: all) reversed."""
    x = core.as_tensor(x)
    ndim = len(shape_of(x))
    axes = many_axes(axis, ndim)
    return cut(x, [(None, None, -1 if i in axes else 1) for i in range(ndim)])


def split(x, indices_or_sections, axis=0):
    """List of parts of x along the axis: so many equal ones, or cut before each of the given indices."""
    x = core.as_tensor(x)
    shape = shape_of(x)
    axis = one_axis(axis, len(shape))
    size = shape[axis]
    if isinstance(indices_or_sections, (tuple, list, np.ndarray)):
        edges = [0, *(int(i) for i in indices_or_sections), None]
    else:
        n = int(indices_or_sections)
        if size is None or n < 1 or size % n:
            raise ValueError(f'[split]: axis {axis} of shape {shape} cannot be divided into {n} equal parts')
        edges = [k * (size // n) for k in range(n)] + [size]
    return [cut(x, along(len(shape), axis, a, b)) for a, b in zip(edges, edges[1:])]


def unstack(x, num=None, axis=0):
    """List of the parts of x at each index of the axis, without that axis. num: the size of the axis where it is
    unknown."""
    x = core.as_tensor(x)
    shape = shape_of(x)
    axis = one_axis(axis, len(shape))
    n = shape[axis] if num is None else num
    if n is None:
        raise ValueError(f'[unstack]: the size of axis {axis} of shape {shape} is not known; give num')
    return [squeeze(cut(x, along(len(shape), axis, i, i + 1)), axis) for i in range(n)]


# ---- indexing
def get_item(x, key):
    """x[key]: integers, slices, None, Ellipsis, and integer arrays or tensors on neighbouring axes.

    IndexError for an integer outside a known axis; ValueError for a mask on a symbolic tensor, whose number of true
    elements only the values tell.
    """
    key = key if isinstance(key, tuple) else (key,)
    if not core.is_symbolic(x) and not any(core.is_symbolic(k) for k in key):
        return np.asarray(core.to_array(x)[tuple(_plain(k) for k in key)])
    x = core.tensor(x)
    cuts, dropped, new, picks = _parsed(x, key)
    y = cut(x, cuts) if any(c != (None, None, 1) for c in cuts) else x
    if picks:
        y = _take_many(y, picks)
    return _with_axes(y, dropped, new, picks)


def _plain(k):
    return np.asarray(k) if hasattr(k, '__fastkeras_tensor__') or isinstance(k, list) else k


def _parsed(x, key):
    """(one cut per axis, axes to drop, places of new axes in the result, [(axis, indices)])."""
    count = sum(k is not None and k is not Ellipsis for k in key)
    if sum(k is Ellipsis for k in key) > 1:
        raise IndexError(f'an index may hold one Ellipsis, got {key}')
    if count > x.ndim:
        raise IndexError(f'{count} indices for a tensor of {x.ndim} axes, shape {x.shape}')
    if not any(k is Ellipsis for k in key):
        key = (*key, Ellipsis)
    cuts, dropped, new, picks, axis, place = [], [], [], [], 0, 0
    for k in key:
        if k is None:
            new.append(place)
            place += 1
            continue
        if k is Ellipsis:
            rest = x.ndim - count
            cuts += [(None, None, 1)] * rest
            axis, place = axis + rest, place + rest
            continue
        if isinstance(k, slice):
            cuts.append(_cut_of(k))
            place += 1
        elif isinstance(k, (bool, np.bool_)):
            raise IndexError('True and False are no indices of a symbolic tensor')
        elif hasattr(k, '__index__') and not core.is_symbolic(k) and not getattr(k, 'ndim', 0):
            cuts.append(_one(x, axis, k.__index__()))
            dropped.append(axis)
        else:
            indices = core.as_tensor(k)
            if core.dtype_of(indices) not in core.INTS + ('uint8',):
                raise ValueError(f'[get_item]: expected integers as indices of a symbolic tensor, got '
                                 f'{core.dtype_of(indices)}; for a mask use ops.where(mask, x, 0)')
            cuts.append((None, None, 1))
            picks.append((axis, indices))
            if len(picks) == 1:
                place += len(shape_of(indices))
        axis += 1
    return cuts, dropped, new, picks


def _cut_of(k):
    step = 1 if k.step is None else int(k.step)
    if step == 0:
        raise ValueError('[get_item]: the step of a slice cannot be 0')
    return (None if k.start in (None, 0) and step > 0 else None if k.start is None else int(k.start),
            None if k.stop is None else int(k.stop), step)


def _one(x, axis, k):
    size = x.shape[axis]
    if size is not None and not -size <= k < size:
        raise IndexError(f'index {k} is outside axis {axis} of size {size} of a tensor of shape {x.shape}')
    return (k, k + 1 if k != -1 else None, 1)


def _take_many(x, picks):
    """x at index arrays on neighbouring axes, as one gather along these axes flattened."""
    from .index import as_indices, gather, outside, take
    axes = [a for a, _ in picks]
    if axes != list(range(axes[0], axes[0] + len(axes))):
        raise ValueError(f'[get_item]: index arrays must stand on neighbouring axes of a symbolic tensor, got axes '
                         f'{axes}')
    first, flat = axes[0], picks[0][1]
    if len(picks) == 1:
        return take(x, flat, first)
    sizes = x.shape[first:first + len(axes)]
    if None in sizes:
        raise ValueError(f'[get_item]: index arrays need axes of known sizes, got shape {x.shape}')
    flat, wrong, whole = 0, False, int(np.prod(sizes))
    for (_, indices), size in zip(picks, sizes):
        indices = as_indices(indices, whole)
        indices = apply('where', (apply('less', (indices, 0)), apply('add', (indices, size)), indices))
        wrong = apply('logical_or', (wrong, outside(indices, size)))     # it must not read another row
        flat = apply('add', (apply('multiply', (flat, size)), indices))
    merged = apply('reshape', (x,), shape=x.shape[:first] + (whole,) + x.shape[first + len(axes):])
    return gather(merged, apply('where', (wrong, -1, flat)), first)


def _with_axes(y, dropped, new, picks):
    """y without the axes that integers selected and with new ones. Index arrays have already replaced their axes."""
    if picks:
        first, shift = picks[0][0], len(shape_of(picks[0][1])) - len(picks)
        if len(picks) > 1:
            shift = max(len(shape_of(i)) for _, i in picks) - len(picks)
        dropped = [d if d < first else d + shift for d in dropped]
    if dropped:
        y = squeeze(y, tuple(dropped))
    return expand_dims(y, tuple(new)) if new else y


# ---- joins
def _concatenate_vjp(node, ct):
    axis, start, parts = node.attrs['axis'], 0, []
    for x in node.inputs:
        parts.append(cut(ct, along(ct.ndim, axis, start, start + x.shape[axis])))
        start += x.shape[axis]
    return parts


def _concatenate_lower(ctx, node, ins, out):
    axis, start, steps = node.attrs['axis'], 0, strides(node.shape)
    for x, buffer in zip(node.inputs, ins):
        if not ctx.made_in_rows(x, buffer, out, start * steps[axis], math.prod(x.shape[axis:]), math.prod(node.shape[axis:])):
            lower_copy(ctx, buffer, out, x.shape, strides(x.shape), steps, yoff=start * steps[axis])
        start += x.shape[axis]


@register('concatenate', vjp=_concatenate_vjp, ref=lambda *xs, axis: np.concatenate(xs, axis), lower=_concatenate_lower,
          promote=0, supports=lambda node: len(node.shape) <= 8,
          compose=lambda *xs, axis: xs[0] if len(xs) == 1 else None, sink=facts.axis_moves,
          rows=lambda node, moving: all(moving) and node.attrs['axis'] != 0,
          samples=lambda: [Sample(normal((5, 3), (5, 37)), {'axis': 1}),
                           Sample(normal((901, 500), (901, 77)), {'axis': 1}),
                           Sample(normal((2, 3), (1, 3), (4, 3)), {'axis': 0}),
                           Sample(normal((2, 3, 4), (2, 1, 4)), {'axis': 1})])
def _concatenate_spec(*xs, axis):
    first = xs[0].shape
    for x in xs[1:]:
        if len(x.shape) != len(first) or any(i != axis and None not in (a, b) and a != b
                                             for i, (a, b) in enumerate(zip(first, x.shape))):
            shapes = ', '.join(str(tuple(x.shape)) for x in xs)
            raise ValueError(f'expected equal shapes but for axis {axis}, got {shapes}')
    joined = [x.shape[axis] for x in xs]
    known = [next((x.shape[i] for x in xs if x.shape[i] is not None), None) for i in range(len(first))]
    known[axis] = None if None in joined else sum(joined)
    return tuple(known), xs[0].dtype


def concatenate(xs, axis=0):
    """The tensors one after the other along an axis; the other sizes must be equal. None: all flattened."""
    xs = [core.as_tensor(x) for x in xs]
    if not xs:
        raise ValueError('[concatenate]: expected at least one tensor, got none')
    if axis is None:
        xs, axis = [ravel(x) for x in xs], 0
    return apply('concatenate', xs, axis=one_axis(axis, len(shape_of(xs[0]))))


def stack(x, axis=0):
    """The tensors, of equal shapes, along a new axis at `axis` of the result."""
    xs = [core.as_tensor(t) for t in x]
    if not xs:
        raise ValueError('[stack]: expected at least one tensor, got none')
    shapes = [shape_of(t) for t in xs]
    if any(len(s) != len(shapes[0]) for s in shapes):
        raise ValueError(f'[stack]: expected tensors of one shape, got {shapes}')
    return concatenate([expand_dims(t, axis) for t in xs], axis)


def roll(x, shift, axis=None):
    """x with elements shifted along the axes (None: of the flattened x); what leaves at the end comes in at the
    start."""
    x = core.as_tensor(x)
    shape = shape_of(x)
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), shape)
    axes = axis if isinstance(axis, (tuple, list)) else [axis]
    shifts = shift if isinstance(shift, (tuple, list)) else [shift] * len(axes)
    for a, s in zip(axes, shifts):
        a = one_axis(a, len(shape))
        s = int(s) if shape[a] is None else int(s) % (shape[a] or 1)
        if s:
            x = concatenate([cut(x, along(len(shape), a, -s, None)), cut(x, along(len(shape), a, None, -s))], a)
    return x


# ---- pad
def _pad_lower(ctx, node, ins, out):
    shape, steps = node.inputs[0].shape, strides(node.shape)
    lower_fill(ctx, out, node.attrs['value'])
    first = sum(a * s for (a, _), s in zip(node.attrs['widths'], steps))
    lower_copy(ctx, ins[0], out, shape, strides(shape), steps, yoff=first)


def _pad_vjp(node, ct):
    return [cut(ct, [(a, a + d, 1) for (a, _), d in zip(node.attrs['widths'], node.inputs[0].shape)])]


@register('pad', vjp=_pad_vjp, ref=lambda x, *, widths, value: np.pad(x, widths, constant_values=value),
          lower=_pad_lower, sink=facts.axes_move('widths'),
          rows=lambda node, moving: not any(node.attrs['widths'][0]),
          supports=lambda node: len(node.shape) <= 8,
          compose=lambda x, *, widths, value: None if any(a or b for a, b in widths) else x,
          samples=lambda: [Sample(normal((4, 6)), {'widths': ((1, 0), (2, 3)), 'value': 0.0}),
                           Sample(normal((2, 3, 4)), {'widths': ((0, 0), (1, 1), (0, 0)), 'value': -1.5})])
def _pad_spec(x, *, widths, value):
    return tuple(None if d is None else d + a + b for d, (a, b) in zip(x.shape, widths)), x.dtype


def _widths(pad_width, ndim):
    try:
        pairs = np.broadcast_to(np.asarray(pad_width), (ndim, 2))
    except ValueError:
        raise ValueError(f'[pad] pad_width: expected (before, after) for each of {ndim} axes, got '
                         f'{pad_width}') from None
    if pairs.dtype.kind not in 'iu' or (pairs < 0).any():
        raise ValueError(f'[pad] pad_width: expected whole numbers of 0 or more, got {pad_width}')
    return tuple((int(a), int(b)) for a, b in pairs)


def pad(x, pad_width, mode='constant', constant_values=None):
    """x with more elements before and after along each axis.

    pad_width: (before, after) for each axis, one pair for all, or one number. mode: 'constant' (constant_values,
    default 0), 'edge' (the outermost element), 'reflect' (mirrored about it), 'symmetric' (mirrored with it).
    """
    x = core.as_tensor(x)
    shape = shape_of(x)
    widths = _widths(pad_width, len(shape))
    if mode == 'constant':
        value = 0 if constant_values is None else core.to_array(constant_values).reshape(()).item()
        return apply('pad', (x,), widths=widths, value=value)
    if constant_values is not None:
        raise ValueError(f"[pad] constant_values: goes with mode 'constant', got mode {mode!r}")
    if mode not in ('edge', 'reflect', 'symmetric'):
        raise ValueError(f"[pad] mode: expected 'constant', 'edge', 'reflect' or 'symmetric', got {mode!r}")
    for axis, (before, after) in enumerate(widths):
        x = _mirrored(x, axis, before, after, mode)
    return x


def _mirrored(x, axis, before, after, mode):
    shape = shape_of(x)
    skip = 1 if mode == 'reflect' else 0
    size = shape[axis]
    if mode != 'edge' and size is not None and max(before, after) > size - skip:
        raise ValueError(f'[pad] pad_width: {max(before, after)} elements cannot be mirrored from axis {axis} of '
                         f'shape {shape}')
    parts = [x]
    if mode == 'edge':
        for n, at, place in ((before, (0, 1), 0), (after, (-1, None), len(parts))):
            if n:
                parts.insert(place if place == 0 else len(parts),
                             repeat(cut(x, along(len(shape), axis, *at)), n, axis))
    else:
        if before:
            parts.insert(0, flip(cut(x, along(len(shape), axis, skip, before + skip)), axis))
        if after:
            parts.append(flip(cut(x, along(len(shape), axis, -after - skip, -skip or None)), axis))
    return concatenate(parts, axis) if len(parts) > 1 else x
