"""Rules of shapes with unknown sizes, shared by the records."""

from functools import lru_cache

from . import core


def broadcast(*shapes):
    """NumPy's broadcast of shapes that may hold None; ValueError with the shapes where they do not fit."""
    if len(shapes) == 2 and shapes[0] == shapes[1]:
        return tuple(shapes[0])
    return _broadcast(*map(tuple, shapes))


@lru_cache(maxsize=4096)
def _broadcast(*shapes):
    out = []
    for k in range(1, max((len(s) for s in shapes), default=0) + 1):
        dims = [s[-k] for s in shapes if len(s) >= k]
        sizes = {d for d in dims if d is not None and d != 1}
        if len(sizes) > 1:
            raise ValueError(f'the shapes {" and ".join(str(tuple(s)) for s in shapes)} cannot be broadcast together')
        out.append(sizes.pop() if sizes else None if None in dims else 1)
    return tuple(reversed(out))


def one_axis(axis, ndim, name='axis'):
    """axis as an index of 0…ndim - 1."""
    try:
        k = axis.__index__()
    except (AttributeError, TypeError):
        raise ValueError(f'{name}: expected an integer, got {axis!r}') from None
    if not -ndim <= k < ndim:
        raise ValueError(f'{name}: expected a value in [-{ndim}, {ndim}) for {ndim} axes, got {axis}')
    return k % ndim


def many_axes(axis, ndim, name='axis'):
    """axis (None for all, an int, or several) as a sorted tuple of different indices."""
    if axis is None:
        return tuple(range(ndim))
    if not isinstance(axis, (tuple, list)):
        return (one_axis(axis, ndim, name),)
    axes = tuple(sorted(one_axis(a, ndim, name) for a in axis))
    if len(set(axes)) != len(axes):
        raise ValueError(f'{name}: an axis is named twice in {tuple(axis)}')
    return axes


def reduced(shape, axes, keepdims):
    """shape without the axes, or with 1 in their place."""
    if keepdims:
        return tuple(1 if i in axes else d for i, d in enumerate(shape))
    return tuple(d for i, d in enumerate(shape) if i not in axes)


def count(shape):
    """Number of elements; None where a size is unknown."""
    n = 1
    for d in shape:
        if d is None:
            return None
        n *= d
    return n


def shape_of(x):
    """Shape of a Tensor, Variable, array or number, None for unknown sizes."""
    return tuple(x.shape) if hasattr(x, 'shape') else core.to_array(x).shape


def sum_to(x, shape):
    """x summed over the axes along which `shape` was broadcast to x's shape: the gradient of a broadcast. A size that
    is unknown on both sides is taken to be equal."""
    if tuple(x.shape) == tuple(shape):
        return x
    lead = len(x.shape) - len(shape)
    axes = tuple(range(lead)) + tuple(
        lead + i for i, d in enumerate(shape) if d == 1 and x.shape[lead + i] != 1)
    if axes:
        x = core.apply('sum', (x,), axis=axes, keepdims=False)
    if tuple(x.shape) != tuple(shape) and len(x.shape) != len(shape):
        x = core.apply('reshape', (x,), shape=tuple(shape))
    return x
