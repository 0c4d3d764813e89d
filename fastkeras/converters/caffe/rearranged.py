"""Layers that arrange elements anew: flattened, cut, joined, repeated."""

import math

from fastkeras import layers

from .caffe_places import CaffeArgMax, CaffeCrop, CaffeReduction, CaffeSlice, CaffeTile
from .draft import Blob, shown
from .known import axis_in, finite, layer_type, one, positive


@layer_type('Flatten')
def flatten(draft, layer, bottoms):
    p, x = layer.flatten_param, one(draft, bottoms)
    rank = len(x.shape)
    axis, end = axis_in(draft, 'axis', p.axis, rank, least=1), axis_in(draft, 'end_axis', p.end_axis, rank)
    if end < axis:
        raise draft.error(f'expected end_axis of at least axis, got {p.end_axis} and {p.axis}')
    if axis == end:
        return [x]
    draft.known(*x.shape[1:])
    n = math.prod(x.shape[axis:end + 1])
    draft.axis(x, axis)
    if (axis, end) == (1, rank - 1):
        order = x.shape[1:] if x.layout == 'last' else 'caffe'
        if x.layout == 'last' and (x.shape[1] == 1 or x.shape[2:] == (1, 1)):
            order = 'caffe'             # nothing lies otherwise
        return [draft.add(layers.Flatten, {'data_format': 'channels_last'}, x, (None, n), order)]
    x = draft.behind(x, axis)
    shape = (*x.shape[1:axis], n, *x.shape[end + 1:])
    return [draft.add(layers.Reshape, {'target_shape': shape}, x, (None, *shape))]


@layer_type('Reshape')
def reshape(draft, layer, bottoms):
    p, x = layer.reshape_param, draft.as_caffe(one(draft, bottoms))
    rank, wanted = len(x.shape), list(p.shape.dim)
    start = p.axis if p.axis >= 0 else rank + p.axis + 1
    if not 0 <= start <= rank or p.num_axes < -1 or start + max(p.num_axes, 0) > rank:
        raise draft.error(f'expected axis and num_axes that fit a blob of shape {shown(x.shape)}, got {p.axis} and '
                          f'{p.num_axes}')
    end = rank if p.num_axes == -1 else start + p.num_axes
    if wanted.count(-1) > 1 or any(d < -1 for d in wanted):
        raise draft.error(f'expected sizes and at most one -1, got {wanted[:40]}')
    draft.known(*x.shape[1:])
    inner = x.shape[start:end]
    made = []
    for k, d in enumerate(wanted):
        if d == 0 and k >= len(inner):
            raise draft.error(f'the size {k} of its shape is 0, as the input has it, which has no such axis')
        made.append(inner[k] if d == 0 else d)
    made = [*x.shape[:start], *made, *x.shape[end:]]
    if not made or made[0] is not None:
        # the samples are said in numbers, or are what is left where the others are what a sample has
        left = made[:1] == [-1] and -1 not in made[1:] and math.prod(made[1:]) == math.prod(x.shape[1:])
        if not made or not left and made[0] != draft.batch:
            raise draft.error(f'expected the first axis, of the samples, to stay as it is; got the shape {wanted[:40]} for an '
                              f'input of shape {shown(x.shape)}')
    target, total = made[1:], math.prod(x.shape[1:])
    known = math.prod(d for d in target if d != -1)
    if -1 in target and (not known or total % known) or -1 not in target and known != total:
        raise draft.error(f'{total} elements of a sample of shape {shown(x.shape)} cannot be arranged as {wanted[:40]}')
    target = tuple(total // known if d == -1 else d for d in target)
    return [draft.add(layers.Reshape, {'target_shape': target}, x, (None, *target))]


@layer_type('Permute')
def permute(draft, layer, bottoms):
    x, order = one(draft, bottoms), list(layer.permute_param.order)
    rank = len(x.shape)
    order += [a for a in range(rank) if a not in order]
    if sorted(order) != list(range(rank)):
        raise draft.error(f'expected order to hold each of the {rank} axes of its input at most once, got {order[:40]}')
    if order[0] != 0:
        raise draft.error('expected the first axis, of the samples, to stay the first')
    if isinstance(x.layout, tuple):
        x = draft.as_caffe(x)
    dims = tuple(draft.axis(x, a) for a in order[1:])
    shape = tuple(x.shape[a] for a in order)
    if dims == tuple(range(1, rank)):       # an image with channels last may already lie as it shall
        return [Blob(x.number, shape)]
    return [draft.add(layers.Permute, {'dims': dims}, x, shape, 'caffe')]


@layer_type('Concat')
def concat(draft, layer, bottoms):
    p = layer.concat_param
    if not bottoms:
        raise draft.error('expected a bottom')
    if p.HasField('axis') and p.HasField('concat_dim'):
        raise draft.error('axis and concat_dim are both given; expected one of them')
    rank = len(bottoms[0].shape)
    axis = axis_in(draft, 'axis', p.concat_dim if p.HasField('concat_dim') else p.axis, rank, least=1)
    for x in bottoms:
        if len(x.shape) != rank or any(k != axis and None not in (a, b) and a != b
                                       for k, (a, b) in enumerate(zip(x.shape, bottoms[0].shape))):
            raise draft.error(f'expected bottoms that differ in axis {axis} at most, got '
                              f'{" and ".join(shown(b.shape) for b in bottoms[:20])}')
    if len(bottoms) == 1:
        return [bottoms[0]]
    if any(isinstance(b.layout, tuple) for b in bottoms):
        bottoms = [draft.as_caffe(b) for b in bottoms]
    bottoms = draft.alike(bottoms)
    sizes = [b.shape[axis] for b in bottoms]
    shape = list(bottoms[0].shape)
    shape[axis] = None if None in sizes else sum(sizes)
    place = draft.axis(bottoms[0], axis)
    return [draft.add(layers.Concatenate, {'axis': -1 if place == rank - 1 else place}, bottoms, shape)]


@layer_type('Slice')
def slice_(draft, layer, bottoms):
    p, x = layer.slice_param, one(draft, bottoms)
    if p.HasField('axis') and p.HasField('slice_dim'):
        raise draft.error('axis and slice_dim are both given; expected one of them')
    axis = axis_in(draft, 'axis', p.slice_dim if p.HasField('slice_dim') else p.axis, len(x.shape), least=1)
    if isinstance(x.layout, tuple):
        x = draft.as_caffe(x)
    size, n, points = x.shape[axis], len(layer.top), list(p.slice_point)
    draft.known(size)
    if points and len(points) != n - 1:
        raise draft.error(f'expected {n - 1} slice_points for {n} tops, got {len(points)}')
    if not points:
        if not n or size % n:
            raise draft.error(f'{size} elements on axis {axis} cannot be cut into {n} equal parts')
        points = [size // n * k for k in range(1, n)]
    bounds = [0, *points, size]
    if any(a >= b for a, b in zip(bounds, bounds[1:])):
        raise draft.error(f'expected rising slice_points between 0 and {size}, got {points[:40]}')
    if n == 1:
        return [x]
    made = []
    for k, (a, b) in enumerate(zip(bounds, bounds[1:])):
        shape = (*x.shape[:axis], b - a, *x.shape[axis + 1:])
        made.append(draft.add(CaffeSlice, {'axis': draft.axis(x, axis), 'begin': a, 'end': b}, x, shape, suffix=f'_{k}'))
    return made


@layer_type('Split')
def split(draft, layer, bottoms):
    return [one(draft, bottoms)] * len(layer.top)


@layer_type('Crop')
def crop(draft, layer, bottoms):
    p = layer.crop_param
    x, like = one(draft, bottoms, 2)
    rank = len(x.shape)
    axis = axis_in(draft, 'axis', p.axis, rank, least=1)
    if len(like.shape) != rank:
        raise draft.error(f'expected bottoms of equally many axes, got {shown(x.shape)} and {shown(like.shape)}')
    offsets = list(p.offset) or [0]
    if len(offsets) not in (1, rank - axis):
        raise draft.error(f'expected one offset, or {rank - axis} of them, got {len(offsets)}')
    offsets = (offsets * (rank - axis))[:rank - axis]
    for a, o in zip(range(axis, rank), offsets):
        if None not in (x.shape[a], like.shape[a]) and o + like.shape[a] > x.shape[a]:
            raise draft.error(f'offset {o} and size {like.shape[a]} on axis {a} lie outside of an input of shape '
                              f'{shown(x.shape)}')
    shape = (*x.shape[:axis], *like.shape[axis:])
    if isinstance(x.layout, tuple) or isinstance(like.layout, tuple):
        x, like = draft.as_caffe(x), draft.as_caffe(like)
    if rank == 4 and axis == 2 and None not in x.shape[2:] + like.shape[2:]:
        x = draft.as_image(x)
        cut = tuple((o, x.shape[a] - o - like.shape[a]) for a, o in zip((2, 3), offsets))
        return [draft.add(layers.Cropping2D, {'cropping': cut, 'data_format': draft.data_format}, x, shape)]
    x, like = draft.alike([x, like])
    config = {'axes': tuple(draft.axis(x, a) for a in range(axis, rank)), 'offsets': tuple(offsets)}
    return [draft.add(CaffeCrop, config, [x, like], shape)]


@layer_type('Tile')
def tile(draft, layer, bottoms):
    p, x = layer.tile_param, one(draft, bottoms)
    axis, n = axis_in(draft, 'axis', p.axis, len(x.shape), least=1), positive(draft, 'tiles', p.tiles)
    if isinstance(x.layout, tuple):
        x = draft.as_caffe(x)
    size = x.shape[axis]
    shape = (*x.shape[:axis], None if size is None else size * n, *x.shape[axis + 1:])
    return [draft.add(CaffeTile, {'axis': draft.axis(x, axis), 'tiles': n}, x, shape)]


@layer_type('ArgMax')
def argmax(draft, layer, bottoms):
    p, x = layer.argmax_param, one(draft, bottoms)
    top, values = positive(draft, 'top_k', p.top_k), p.out_max_val
    if p.HasField('axis'):
        axis = axis_in(draft, 'axis', p.axis, len(x.shape), least=1)
        if isinstance(x.layout, tuple):
            x = draft.as_caffe(x)
        draft.known(x.shape[axis])
        size, shape, place = x.shape[axis], (*x.shape[:axis], top, *x.shape[axis + 1:]), draft.axis(x, axis)
    else:
        x = draft.as_caffe(x)
        draft.known(*x.shape[1:])
        size, place = math.prod(x.shape[1:]), None
        shape = (None, 2 if values else 1, top)
        if len(x.shape) > 3:
            shape += (1,) * (len(x.shape) - 3)
    if top > size:
        raise draft.error(f'expected top_k of at most {size}, the elements there are, got {top}')
    config = {'top_k': top, 'axis': place, 'out_max_val': values}
    return [draft.add(CaffeArgMax, config, x, shape, 'caffe' if place is None else None)]


@layer_type('Reduction')
def reduction(draft, layer, bottoms):
    p, x = layer.reduction_param, draft.as_caffe(one(draft, bottoms))
    axis = axis_in(draft, 'axis', p.axis, len(x.shape), least=1)
    word = {1: 'sum', 2: 'asum', 3: 'sumsq', 4: 'mean'}[p.operation]
    config = {'operation': word, 'axis': axis, 'coefficient': finite(draft, 'coeff', p.coeff)}
    return [draft.add(CaffeReduction, config, x, x.shape[:axis])]
