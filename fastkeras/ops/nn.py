"""Activations and other functions of neural networks, written in other ops: gradients and fusion come by themselves.

Arguments may be arrays (computed at once) or symbolic tensors. Cross-entropies are in logits.py.
"""

import math

from ..utils.errors import unknown_argument
from .core import as_tensor, dtype_of, error, is_symbolic, tensor
from .elementwise import (
    absolute,
    add,
    cast,
    clip,
    divide,
    erf,
    expm1,
    greater,
    greater_equal,
    isfinite,
    less,
    less_equal,
    log,
    logical_and,
    maximum,
    minimum,
    multiply,
    negative,
    sigmoid,
    softplus,
    sqrt,
    square,
    stop_gradient,
    subtract,
    tanh,
    where,
)
from .elementwise import relu as plain_relu
from .elementwise import relu6 as plain_relu6
from .index import one_hot, pick, take
from .move import expand_dims, moveaxis
from .random import as_seed, dropout_mask
from .reduce import max, mean, sum
from .slices import split

__all__ = ['celu', 'dropout', 'elu', 'embedding', 'gelu', 'glu', 'hard_shrink',
           'hard_sigmoid', 'hard_sigmoid3', 'hard_silu', 'hard_swish', 'hard_tanh', 'in_top_k', 'l2_normalize',
           'leaky_relu', 'log_sigmoid', 'multi_hot', 'psnr', 'relu', 'relu6', 'selu', 'silu', 'soft_shrink',
           'softsign', 'sparse_plus', 'sparse_sigmoid', 'sparsemax', 'squareplus', 'swish', 'tanh_shrink', 'threshold']

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


# ---- rectifiers

def relu(x, negative_slope=0.0, max_value=None, threshold=0.0):
    """x above `threshold`, negative_slope · (x - threshold) elsewhere, and at most `max_value` (None: no bound)."""
    if negative_slope == 0 and threshold == 0:
        if max_value == 6:
            return plain_relu6(x)
        y = plain_relu(x)
    elif negative_slope == 0:
        y = where(less_equal(x, threshold), 0.0, x)
    else:
        y = where(greater(x, threshold), x, multiply(subtract(x, threshold) if threshold else x, negative_slope))
    return y if max_value is None else minimum(y, max_value)


def relu6(x):
    """min(max(x, 0), 6)"""
    return plain_relu6(x)


def leaky_relu(x, negative_slope=0.2):
    """x where positive, negative_slope · x elsewhere (Maas et al. 2013)."""
    return relu(x, negative_slope)


def elu(x, alpha=1.0):
    """x where positive, alpha · (exp(x) - 1) elsewhere (Clevert et al. 2015)."""
    # expm1 of the negative part alone: the branch not taken must not overflow in the gradient
    tail = expm1(minimum(x, 0.0))
    return where(greater(x, 0.0), x, tail if alpha == 1 else multiply(tail, alpha))


def selu(x):
    """The self-normalising elu (Klambauer et al. 2017)."""
    return multiply(elu(x, SELU_ALPHA), SELU_SCALE)


def celu(x, alpha=1.0):
    """max(x, 0) + min(0, alpha · (exp(x / alpha) - 1)) (Barron 2017)."""
    return add(plain_relu(x), multiply(expm1(divide(minimum(x, 0.0), alpha)), alpha))


def threshold(x, threshold, default_value):
    """x where x > threshold, default_value elsewhere."""
    return where(greater(x, threshold), x, default_value)


# ---- sigmoids

def hard_sigmoid(x):
    """clip(0.2 · x + 0.5, 0, 1), the form of Keras 2; Keras 3's is hard_sigmoid3."""
    return clip(add(multiply(x, 0.2), 0.5), 0.0, 1.0)


def hard_sigmoid3(x):
    """clip(x / 6 + 0.5, 0, 1), which Keras 3 calls hard_sigmoid."""
    return clip(add(multiply(x, 1 / 6), 0.5), 0.0, 1.0)


def log_sigmoid(x):
    """log(1 / (1 + exp(-x)))"""
    return negative(softplus(negative(x)))


def sparse_sigmoid(x):
    """clip((x + 1) / 2, 0, 1)"""
    return clip(multiply(add(x, 1.0), 0.5), 0.0, 1.0)


def silu(x):
    """x · sigmoid(x), also called swish (Elfwing et al. 2017)."""
    return multiply(x, sigmoid(x))


def hard_silu(x):
    """x · clip(x / 6 + 0.5, 0, 1) (Howard et al. 2019)."""
    return multiply(x, hard_sigmoid3(x))


swish = silu
hard_swish = hard_silu


def gelu(x, approximate=True):
    """x · Φ(x), Φ the normal distribution function (Hendrycks and Gimpel 2016); approximate: by their tanh formula."""
    if approximate:
        inner = multiply(add(x, multiply(multiply(square(x), x), 0.044715)), math.sqrt(2 / math.pi))
        gate = tanh(inner)
    else:
        gate = erf(multiply(x, math.sqrt(0.5)))
    return multiply(multiply(x, 0.5), add(gate, 1.0))


def glu(x, axis=-1):
    """The first half of x along `axis` times the sigmoid of the second (Dauphin et al. 2016)."""
    a, gate = split(x, 2, axis=axis)
    return multiply(a, sigmoid(gate))


# ---- the rest of the elementwise family

def softsign(x):
    """x / (1 + |x|)"""
    return divide(x, add(absolute(x), 1.0))


def hard_tanh(x):
    """clip(x, -1, 1)"""
    return clip(x, -1.0, 1.0)


def tanh_shrink(x):
    """x - tanh(x)"""
    return subtract(x, tanh(x))


def soft_shrink(x, threshold=0.5):
    """x moved toward 0 by `threshold`, 0 where it would cross it."""
    return subtract(x, clip(x, -threshold, threshold))


def hard_shrink(x, threshold=0.5):
    """x where |x| > threshold, 0 elsewhere."""
    return where(less_equal(absolute(x), threshold), 0.0, x)


def squareplus(x, b=4):
    """(x + sqrt(x² + b)) / 2 (Barron 2021)."""
    return multiply(add(x, sqrt(add(square(x), float(b)))), 0.5)


def sparse_plus(x):
    """0 below -1, (x + 1)² / 4 up to 1, x above."""
    return where(less(x, 1.0), multiply(square(plain_relu(add(x, 1.0))), 0.25), x)


# ---- the rest

def l2_normalize(x, axis=-1, epsilon=1e-12):
    """x / sqrt(max(sum of squares along `axis`, epsilon))"""
    return divide(x, sqrt(maximum(sum(square(x), axis=axis, keepdims=True), epsilon)))


def dropout(x, rate, noise_shape=None, seed=None):
    """x with elements set to 0 with probability `rate` and the others divided by 1 - rate (Srivastava et al. 2014).

    noise_shape: shape of the mask, 1 or None where it is broadcast or as x's. seed: int, int32[2] tensor or None (a
    new one); see random.py. Raises ValueError for a rate outside [0, 1).
    """
    x = as_tensor(x)
    if not 0 <= rate < 1:
        raise error('dropout', f'rate: expected a number in [0, 1), got {rate!r}')
    if rate == 0:
        return x
    shape = tuple(x.shape)
    if noise_shape is not None:
        if len(noise_shape) != len(shape):
            raise error('dropout', f'noise_shape: expected {len(shape)} sizes for an input of shape {shape}, got '
                                   f'{tuple(noise_shape)}')
        shape = tuple(d if want is None else want for d, want in zip(shape, noise_shape))
    seed = as_seed(seed)
    if is_symbolic(x):
        seed = tensor(seed)  # a mask is drawn where x is computed, even for a fixed seed
    return multiply(x, dropout_mask(shape, rate, seed=seed, dtype=x.dtype))


def sparsemax(x, axis=-1):
    """Projection on the probability simplex along `axis`, with exact zeros (Martins and Astudillo 2016)."""
    x = as_tensor(x)

    def total(values):
        return sum(values, axis=axis, keepdims=True)
    # what is subtracted from all scores lies within 1 of the largest; halving finds which scores stay above it, and they
    # give it exactly
    fixed = stop_gradient(x)
    low = subtract(max(fixed, axis=axis, keepdims=True), 1.0)
    for i in range(1, 26):
        middle = add(low, 0.5 ** i)
        low = where(greater_equal(total(maximum(subtract(fixed, middle), 0.0)), 1.0), middle, low)
    stays = cast(greater(fixed, low), dtype_of(x))
    return maximum(subtract(x, divide(subtract(total(multiply(x, stays)), 1.0), total(stays))), 0.0)


def embedding(indices, table):
    """Rows of table[size, dim] by integer indices: shape (*indices.shape, dim)."""
    return take(table, indices, axis=0)


def multi_hot(inputs, num_classes=None, axis=-1, dtype=None, sparse=False, **kwargs):
    """1 at every class that occurs in the last axis of the integers `inputs`, 0 elsewhere; the classes, num_classes (or, as in
    older versions, num_tokens) of them, lie along `axis`. sparse=True is a ValueError: tensors are dense."""
    num_classes = kwargs.pop('num_tokens', num_classes)
    if kwargs:
        raise unknown_argument('multi_hot', next(iter(kwargs)), ['num_classes', 'num_tokens'])
    if num_classes is None or sparse:
        raise error('multi_hot', 'expected num_classes, the number of classes' if num_classes is None else
                    'sparse: the engine has dense tensors only, pass False')
    x = as_tensor(inputs)
    hot = one_hot(x, num_classes, dtype=dtype)
    return moveaxis(max(hot, axis=-2), -1, axis) if x.shape else hot


def psnr(x1, x2, max_val):
    """Peak signal-to-noise ratio in decibels: 20 · log10(max_val) - 10 · log10(mean((x1 - x2)²))."""
    error_size = mean(square(subtract(x1, x2)))
    return multiply(subtract(2 * math.log(max_val), log(error_size)), 10 / math.log(10))


def in_top_k(targets, predictions, k):
    """True where fewer than k predictions exceed the one of the target class.

    targets: integers of shape (...,); predictions: (..., classes). A tie counts for the target; a target whose own
    prediction is not finite is never in.
    """
    own = pick(predictions, targets)
    larger = sum(cast(greater(predictions, expand_dims(own, -1)), 'int32'), axis=-1)
    return logical_and(less(larger, k), isfinite(own))
