"""Activation functions of Keras 2 and 3: functions of one tensor (symbolic, or an array), written in ops."""

from fastkeras import generation, ops
from fastkeras.saving import objects


def linear(x):
    """x as it is."""
    return x


def relu(x, alpha=0.0, max_value=None, threshold=0.0, negative_slope=None):
    """max(x, 0) in general form: x from `threshold` up to `max_value`, alpha · (x - threshold) below it.

    `negative_slope` is Keras 3's name of `alpha`.
    """
    slope = alpha if negative_slope is None else negative_slope
    x = ops.convert_to_tensor(x)
    if threshold == 0:
        y = ops.relu(x) if slope == 0 else ops.where(x > 0, x, x * slope)
    else:
        below = slope * (x - threshold) if slope else ops.zeros_like(x)
        y = ops.where(x > threshold if slope else x >= threshold, x, below)
    return y if max_value is None else ops.minimum(y, max_value)


def leaky_relu(x, negative_slope=0.2):
    """x above 0, negative_slope · x below."""
    return relu(x, negative_slope)


def relu6(x):
    """min(max(x, 0), 6)."""
    return relu(x, max_value=6.0)


def softmax(x, axis=-1):
    """exp(x) over its sum along `axis` (an int, or a tuple of them)."""
    return ops.softmax(x, axis=axis)


def log_softmax(x, axis=-1):
    """Logarithm of the softmax along `axis`."""
    return ops.log_softmax(x, axis=axis)


def elu(x, alpha=1.0):
    """x above 0, alpha · (exp(x) - 1) below (Clevert et al. 2015)."""
    x = ops.convert_to_tensor(x)
    return ops.where(x > 0, x, alpha * ops.expm1(ops.minimum(x, 0.0)))


def celu(x, alpha=1.0):
    """max(x, 0) + min(0, alpha · (exp(x / alpha) - 1)) (Barron 2017)."""
    x = ops.convert_to_tensor(x)
    return ops.where(x > 0, x, alpha * ops.expm1(ops.minimum(x, 0.0) * (1.0 / alpha)))


# the fixed point of zero mean and unit variance, Klambauer et al. 2017
_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


def selu(x):
    """Scaled elu that keeps mean 0 and variance 1 (Klambauer et al. 2017); for weights by lecun_normal."""
    return _SELU_SCALE * elu(x, _SELU_ALPHA)


def softplus(x):
    """log(exp(x) + 1)."""
    return ops.softplus(x)


def softsign(x):
    """x / (|x| + 1)."""
    x = ops.convert_to_tensor(x)
    return x / (ops.abs(x) + 1.0)


def tanh(x):
    """Hyperbolic tangent."""
    return ops.tanh(x)


def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return ops.sigmoid(x)


def log_sigmoid(x):
    """log(1 / (1 + exp(-x)))."""
    return -ops.softplus(-ops.convert_to_tensor(x))


def exponential(x):
    """exp(x)."""
    return ops.exp(x)


def _hard_sigmoid(x, slope):
    return ops.clip(ops.convert_to_tensor(x) * slope + 0.5, 0.0, 1.0)


def hard_sigmoid(x):
    """Sigmoid of straight lines: clip(0.2 x + 0.5, 0, 1), as Keras 2; in generation 3, relu6(x + 3) / 6."""
    return _hard_sigmoid(x, generation.of('hard_sigmoid.slope'))


def _bound_hard_sigmoid(which):
    def hard_sigmoid(x):
        return _hard_sigmoid(x, generation.of('hard_sigmoid.slope', which))
    hard_sigmoid.__module__ = __name__
    hard_sigmoid.__qualname__ = 'hard_sigmoid'
    hard_sigmoid.__doc__ = f"The hard_sigmoid of Keras {which}, whatever the generation in force."
    return hard_sigmoid


# what `get` gives: a model keeps the function of the generation it was made, or saved, in
_HARD_SIGMOIDS = {2: _bound_hard_sigmoid(2), 3: _bound_hard_sigmoid(3)}


def silu(x):
    """x · sigmoid(x), also called swish."""
    x = ops.convert_to_tensor(x)
    return x * ops.sigmoid(x)


swish = silu


def hard_silu(x):
    """x · relu6(x + 3) / 6, also called hard_swish (Howard et al. 2019)."""
    x = ops.convert_to_tensor(x)
    return x * _hard_sigmoid(x, 1.0 / 6.0)


hard_swish = hard_silu


def gelu(x, approximate=False):
    """x times the normal distribution's share below x (Hendrycks and Gimpel 2016); by tanh if `approximate`."""
    x = ops.convert_to_tensor(x)
    if approximate:
        return 0.5 * x * (1.0 + ops.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))
    return 0.5 * x * (1.0 + ops.erf(x * 0.7071067811865476))


def mish(x):
    """x · tanh(softplus(x)) (Misra 2019)."""
    x = ops.convert_to_tensor(x)
    return x * ops.tanh(ops.softplus(x))


def glu(x, axis=-1):
    """First half along `axis` times the sigmoid of the second (Dauphin et al. 2016); ValueError for an odd length."""
    x = ops.convert_to_tensor(x)
    n = x.shape[axis]
    if n is None or n % 2:
        raise ValueError(f'glu: expected an even length along axis {axis}, got the shape {tuple(x.shape)}')
    a, b = ops.split(x, 2, axis=axis)
    return a * ops.sigmoid(b)


def hard_tanh(x):
    """x between -1 and 1, those outside."""
    return ops.clip(x, -1.0, 1.0)


def hard_shrink(x, threshold=0.5):
    """x where |x| > threshold, else 0."""
    x = ops.convert_to_tensor(x)
    return ops.where(ops.abs(x) > threshold, x, ops.zeros_like(x))


def soft_shrink(x, threshold=0.5):
    """x moved towards 0 by `threshold`, 0 where it would cross."""
    x = ops.convert_to_tensor(x)
    return x - ops.clip(x, -threshold, threshold)


def tanh_shrink(x):
    """x - tanh(x)."""
    x = ops.convert_to_tensor(x)
    return x - ops.tanh(x)


def threshold(x, threshold, default_value):
    """x where it is above `threshold`, else `default_value`."""
    x = ops.convert_to_tensor(x)
    return ops.where(x > threshold, x, ops.zeros_like(x) + default_value)


def squareplus(x, b=4):
    """(x + sqrt(x² + b)) / 2 (Barron 2021)."""
    x = ops.convert_to_tensor(x)
    return 0.5 * (x + ops.sqrt(x * x + b))


def sparse_plus(x):
    """0 up to -1, (x + 1)² / 4 between, x from 1 on."""
    x = ops.convert_to_tensor(x)
    inside = ops.clip(x, -1.0, 1.0) + 1.0
    return ops.where(x >= 1.0, x, 0.25 * inside * inside)


def sparse_sigmoid(x):
    """0 up to -1, (x + 1) / 2 between, 1 from 1 on."""
    return 0.5 * (ops.clip(x, -1.0, 1.0) + 1.0)


def sparsemax(x, axis=-1):
    """Projection on the probability simplex, with exact zeros (Martins and Astudillo 2016)."""
    x = ops.convert_to_tensor(x)
    ndim = len(x.shape)
    axis = axis % ndim
    last = ops.moveaxis(x, axis, -1) if axis != ndim - 1 else x
    n = last.shape[-1]
    # the threshold tau is the largest (sum of the k largest - 1) / k over k: no sort is needed to subtract it, but one
    # is to find it
    top, _ = ops.top_k(last, n)
    k = ops.arange(1, n + 1, dtype=x.dtype)
    tau = ops.max((ops.cumsum(top, axis=-1) - 1.0) / k, axis=-1, keepdims=True)
    y = ops.maximum(last - tau, 0.0)
    return ops.moveaxis(y, -1, axis) if axis != ndim - 1 else y


_FUNCTIONS = (linear, relu, leaky_relu, relu6, softmax, log_softmax, elu, celu, selu, softplus, softsign, tanh, sigmoid,
              log_sigmoid, exponential, hard_sigmoid, silu, hard_silu, gelu, mish, glu, hard_tanh, hard_shrink,
              soft_shrink, tanh_shrink, threshold, squareplus, sparse_plus, sparse_sigmoid, sparsemax)
_TABLE = {f.__name__: f for f in _FUNCTIONS}
_TABLE.update(swish=silu, hard_swish=hard_silu)


def _by_generation(function):
    if function is hard_sigmoid:
        from fastkeras import config
        return _HARD_SIGMOIDS[config.generation()]
    return function


def serialize(activation):
    """The name of an activation, or the configuration of an object used as one."""
    return objects.serialize(activation)


def deserialize(name, custom_objects=None, config=None):
    """The activation of a name or a configuration (Keras 3 calls it `config`)."""
    return _by_generation(objects.deserialize('activation function', name if config is None else config, _TABLE,
                                              custom_objects))


def get(identifier):
    """An activation by name, configuration or itself; None gives `linear`. ValueError for an unknown name."""
    if identifier is None:
        return linear
    return _by_generation(objects.resolve('activation function', identifier, _TABLE))
