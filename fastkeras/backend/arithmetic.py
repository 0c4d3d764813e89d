"""Numbers element by element, reductions, products and moving about, by the names of Keras 2's backend."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from fastkeras import activations, config, ops
from fastkeras.ops import core
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import active_trace

from .leaves import entries, sizes_of, static_shape
from .sparse_tensors import dense
from .symbolic import constant_of, deferred, lifted

__all__ = ['abs', 'all', 'any', 'arange', 'argmax', 'argmin', 'batch_dot', 'batch_flatten', 'bias_add', 'cast', 'clip',
           'concatenate', 'cos', 'cumprod', 'cumsum', 'dot', 'elu', 'equal', 'exp', 'expand_dims', 'flatten', 'gather',
           'greater', 'greater_equal', 'hard_sigmoid', 'l2_normalize', 'less', 'less_equal', 'log', 'logsumexp', 'max',
           'maximum', 'mean', 'min', 'minimum', 'not_equal', 'one_hot', 'permute_dimensions', 'pow', 'prod', 'relu', 'repeat',
           'repeat_elements', 'reshape', 'reverse', 'round', 'sigmoid', 'sign', 'sin', 'slice', 'softmax', 'softplus',
           'softsign', 'sqrt', 'square', 'squeeze', 'stack', 'std', 'sum', 'tanh', 'tile', 'transpose', 'var']


def _one(name, op, text):
    def function(x):
        return op(x)
    function.__name__ = function.__qualname__ = name
    function.__doc__ = text
    return lifted(function)


abs = _one('abs', ops.absolute, '|x|, element by element.')
cos = _one('cos', ops.cos, 'Cosine, element by element.')
exp = _one('exp', ops.exp, 'e to the power of x, element by element.')
hard_sigmoid = _one('hard_sigmoid', ops.hard_sigmoid, '0.2 x + 0.5, held between 0 and 1.')
log = _one('log', ops.log, 'Natural logarithm, element by element.')
round = _one('round', ops.round, 'The nearest whole number, the even one of two.')
sigmoid = _one('sigmoid', ops.sigmoid, '1 / (1 + exp(-x)).')
sign = _one('sign', ops.sign, '-1, 0 or 1, element by element.')
sin = _one('sin', ops.sin, 'Sine, element by element.')
softplus = _one('softplus', ops.softplus, 'log(1 + exp(x)).')
softsign = _one('softsign', ops.softsign, 'x / (1 + |x|).')
square = _one('square', ops.square, 'x², element by element.')
tanh = _one('tanh', ops.tanh, 'Hyperbolic tangent, element by element.')


def _two(name, op, text):
    def function(x, y):
        return op(x, y)
    function.__name__ = function.__qualname__ = name
    function.__doc__ = text
    return lifted(function)


equal = _two('equal', ops.equal, 'x = y, element by element, as truth values.')
greater = _two('greater', ops.greater, 'x > y, element by element, as truth values.')
greater_equal = _two('greater_equal', ops.greater_equal, 'x ≥ y, element by element, as truth values.')
less = _two('less', ops.less, 'x < y, element by element, as truth values.')
less_equal = _two('less_equal', ops.less_equal, 'x ≤ y, element by element, as truth values.')
maximum = _two('maximum', ops.maximum, 'The larger of the two, element by element.')
minimum = _two('minimum', ops.minimum, 'The smaller of the two, element by element.')
not_equal = _two('not_equal', ops.not_equal, 'x ≠ y, element by element, as truth values.')


@lifted
def sqrt(x: Any) -> Any:
    """Square root, element by element; of negative numbers 0."""
    return ops.sqrt(ops.maximum(x, 0))


@lifted
def pow(x: Any, a: Any) -> Any:
    """x to the power a, element by element."""
    return ops.power(x, a)


@lifted
def clip(x: Any, min_value: Any, max_value: Any) -> Any:
    """x held between two numbers; where max_value < min_value, it is min_value."""
    if max_value is not None and min_value is not None and not isinstance(max_value, Tensor) and not isinstance(
            min_value, Tensor) and np.ndim(max_value) == np.ndim(min_value) == 0 and max_value < min_value:
        max_value = min_value
    x = x if min_value is None else ops.maximum(x, min_value)
    return x if max_value is None else ops.minimum(x, max_value)


@lifted
def cast(x: Any, dtype: Any) -> Any:
    """x in another type."""
    return ops.cast(x, core.dtype_name(dtype))


@lifted
def relu(x: Any, alpha: Any = 0., max_value: Any = None, threshold: Any = 0.) -> Any:
    """x above the threshold, at most max_value; alpha · (x - threshold) below it."""
    return activations.relu(x, alpha, max_value, threshold)


@lifted
def elu(x: Any, alpha: Any = 1.) -> Any:
    """x, or alpha · (exp(x) - 1) where x < 0."""
    return ops.elu(x, alpha)


@lifted
def softmax(x: Any, axis: int = -1) -> Any:
    """exp(x) over its sum along an axis."""
    return ops.softmax(x, axis)


@lifted
def l2_normalize(x: Any, axis: Any = None) -> Any:
    """x over the root of the sum of its squares along an axis, all of them unless given."""
    return ops.l2_normalize(x, axis)


# ---- reductions
def _reduction(name, op, text, floats=False):
    def function(x, axis=None, keepdims=False):
        if floats and core.dtype_of(x) == 'bool':
            x = ops.cast(x, config.floatx())
        return op(constant_of(x), axis=_axes(axis), keepdims=keepdims)
    function.__name__ = function.__qualname__ = name
    function.__doc__ = text + ' axis: a number or a list, all axes unless given; keepdims: they stay, of size 1.'
    return lifted(function)


def _axes(axis):
    return tuple(axis) if isinstance(axis, list) else axis


all = _reduction('all', ops.all, 'Whether all elements are true.')
any = _reduction('any', ops.any, 'Whether an element is true.')
logsumexp = _reduction('logsumexp', ops.logsumexp, 'The logarithm of the sum of exp(x).')
max = _reduction('max', ops.max, 'The largest element.')
mean = _reduction('mean', ops.mean, 'The mean; of truth values the share of true ones.', floats=True)
min = _reduction('min', ops.min, 'The smallest element.')
prod = _reduction('prod', ops.prod, 'The product.')
std = _reduction('std', ops.std, 'The standard deviation (the root of the mean squared deviation).', floats=True)
sum = _reduction('sum', ops.sum, 'The sum.')
var = _reduction('var', ops.var, 'The variance (the mean squared deviation).', floats=True)


@lifted
def argmax(x: Any, axis: int = -1) -> Any:
    """The place of the largest element along an axis, as int64."""
    return ops.cast(ops.argmax(x, axis), 'int64')


@lifted
def argmin(x: Any, axis: int = -1) -> Any:
    """The place of the smallest element along an axis, as int64."""
    return ops.cast(ops.argmin(x, axis), 'int64')


@lifted
def cumsum(x: Any, axis: int = 0) -> Any:
    """Sums of the elements so far along an axis."""
    return ops.cumsum(x, axis)


@lifted
def cumprod(x: Any, axis: int = 0) -> Any:
    """Products of the elements so far along an axis."""
    return ops.cumprod(x, axis)


# ---- products
@lifted
def dot(x: Any, y: Any) -> Any:
    """The product of matrices; of more axes, sums over the last of x and the last but one of y."""
    return ops.dot(dense(x), dense(y))


@lifted
def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """The product of x and y for each sample: sums over one axis of each.

    x: (batch, …), y: (batch, …); axes: a number, or one for each, by default the last of x and the last but one of y. With two
    axes each, the result is (batch, 1). Further axes in front that both have count as batch. Where one has more axes than the
    other, the other gets some of size 1 behind its own, which the result loses again.
    ValueError for axes that are no numbers.
    """
    if isinstance(axes, int):
        axes = (axes, axes)
    n, m = len(x.shape), len(y.shape)
    if axes is None:
        axes = (n - 1, builtins.max(m - 2, 0))
    if len(axes) != 2 or builtins.any(not hasattr(a, '__index__') for a in axes):
        raise ValueError(f'Multiple target dimensions are not supported. Expected: None, int, (int, int), Provided: {axes}')
    axes = [a + k if a < 0 else a for a, k in zip(axes, (n, m))]
    if n == m == 2:
        return ops.sum(ops.multiply(x, y), axis=1, keepdims=True) if axes[0] == axes[1] else ops.sum(
            ops.multiply(ops.transpose(x), y), axis=axes[1], keepdims=True)
    more = n - m
    if more > 0:
        y = _with_ones(y, more)
    elif more < 0:
        x = _with_ones(x, -more)
    rank = len(x.shape)
    # the contracted axis is one of the last two; behind all others where it was the last of those that were there
    x = x if axes[0] == rank - 1 else ops.swapaxes(x, -1, -2)
    y = ops.swapaxes(y, -1, -2) if axes[1] == rank - 1 else y
    out = ops.matmul(x, y)
    if more:
        first = n + m - 3 if more > 0 else n - 1
        out = ops.squeeze(out, tuple(range(first, first + builtins.abs(more))))
    return ops.expand_dims(out, 1) if len(out.shape) == 1 else out


def _with_ones(x, count):
    for _ in range(count):
        x = ops.expand_dims(x, -1)
    return x


@lifted
def bias_add(x: Any, bias: Any, data_format: Any = None) -> Any:
    """x with a bias for each channel or, of as many axes as a sample, for each element. ValueError for other biases."""
    layout = config.standardize_data_format(data_format)
    rank = len(x.shape)
    sizes = tuple(bias.shape)
    if len(sizes) not in (1, rank - 1):
        raise ValueError(f'Unexpected bias dimensions {len(sizes)}, expect to be 1 or {rank - 1} dimensions')
    if layout == 'channels_first' and rank > 2:
        bias = ops.reshape(bias, (1, sizes[0], *[1] * (rank - 2)) if len(sizes) == 1 else (1, sizes[-1], *sizes[:-1]))
    elif len(sizes) > 1:
        bias = ops.expand_dims(bias, 0)
    return ops.add(x, bias)


# ---- shapes
@lifted
def reshape(x: Any, shape: Any) -> Any:
    """x in another shape; -1 for one size that follows from the others. Sizes of K.shape may stand in it."""
    shape = entries(shape)
    if builtins.any(isinstance(d, Tensor) for d in shape):
        known = [d if not isinstance(d, Tensor) else None for d in shape]
        try:
            shape = sizes_of('reshape', shape)
        except ValueError:
            if known.count(None) != 1 or -1 in known:
                raise
            shape = tuple(-1 if d is None else d for d in known)     # the one that is computed follows from the others
    return ops.reshape(x, tuple(-1 if d is None else int(d) for d in shape))


@lifted
def permute_dimensions(x: Any, pattern: Any) -> Any:
    """The axes in another order."""
    return ops.transpose(x, tuple(pattern))


@lifted
def transpose(x: Any) -> Any:
    """The axes in reverse order."""
    return ops.transpose(x)


@lifted
def expand_dims(x: Any, axis: int = -1) -> Any:
    """A new axis of size 1."""
    return ops.expand_dims(x, axis)


@lifted
def squeeze(x: Any, axis: Any) -> Any:
    """x without an axis of size 1."""
    return ops.squeeze(x, axis)


@lifted
def flatten(x: Any) -> Any:
    """All elements in one axis."""
    return ops.reshape(x, (-1,))


@lifted
def batch_flatten(x: Any) -> Any:
    """Samples of one axis."""
    rest = static_shape(x.shape)[1:]
    if None in rest:
        raise ValueError(f'K.batch_flatten: expected known sizes behind the batch, got shape {tuple(x.shape)}')
    return ops.reshape(x, (-1, int(np.prod(rest))))


@lifted
def concatenate(tensors: Any, axis: int = -1) -> Any:
    """Tensors one after another along an axis."""
    return ops.concatenate([dense(x) for x in tensors], axis)


@lifted
def stack(x: Any, axis: int = 0) -> Any:
    """Tensors beside each other along a new axis."""
    return ops.stack(x, axis)


@lifted
def tile(x: Any, n: Any) -> Any:
    """x so many times along each axis; a number counts for the last. Numbers by K.shape may stand in n."""
    n = entries(n)
    if builtins.any(isinstance(d, Tensor) for d in n) and active_trace() is None:
        spec = (None,) * builtins.max(len(n), len(x.shape)), core.dtype_of(x)
        return deferred('tile', lambda x, *n: tile(x, list(n)), [x, *n], spec)
    n = sizes_of('tile', n)
    return ops.tile(x, tuple(n) if len(n) == len(x.shape) else (*[1] * (len(x.shape) - len(n)), *n))


@lifted
def repeat(x: Any, n: int) -> Any:
    """A vector for each sample, (batch, size), n times: (batch, n, size)."""
    if len(x.shape) != 2:
        raise ValueError(f'K.repeat: expected two axes, (batch, size), got shape {tuple(x.shape)}')
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


@lifted
def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    """Each element along an axis rep times, as np.repeat."""
    return ops.repeat(x, rep, axis=axis)


@lifted
def reverse(x: Any, axes: Any) -> Any:
    """x in the opposite order along an axis or several."""
    return ops.flip(x, axis=_axes(axes))


@lifted
def slice(x: Any, start: Any, size: Any) -> Any:
    """The part of x of the given size, from start on; -1: all that is left."""
    start, size = (tuple(map(int, s)) for s in (start, size))
    if not len(start) == len(size) == len(x.shape):
        raise ValueError(f'K.slice: expected a start and a size for each of {len(x.shape)} axes, got {start} and {size}')
    return x[tuple(builtins.slice(a, None if n == -1 else a + n) for a, n in zip(start, size))]


@lifted
def gather(reference: Any, indices: Any) -> Any:
    """The rows of reference at the indices."""
    return ops.take(reference, indices if core.dtype_of(indices) in core.INTS else ops.cast(indices, 'int32'), axis=0)


@lifted
def one_hot(indices: Any, num_classes: int) -> Any:
    """Vectors with a 1 at the indices, along a new last axis."""
    return ops.one_hot(indices if core.dtype_of(indices) in core.INTS else ops.cast(indices, 'int32'), num_classes,
                       dtype=config.floatx())


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = 'int32') -> Any:
    """Numbers from start (0 where there is one number only) up to stop, which is not among them. They may be by K.shape."""
    if stop is None:
        start, stop = 0, start
    if builtins.any(isinstance(x, Tensor) for x in (start, stop, step)):
        if active_trace() is None:
            return deferred('arange', lambda *x: arange(*x, dtype), [start, stop, step], ((None,), core.dtype_name(dtype)))
        start, stop, step = sizes_of('arange', (start, stop, step))
    return core.tensor(np.arange(start, builtins.max(start, stop) if step > 0 else stop, step, dtype=core.dtype_name(dtype)))
