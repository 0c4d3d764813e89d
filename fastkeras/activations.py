"""Activation functions of Keras 2 and 3: functions of one tensor (symbolic, or an array), by ops."""

from fastkeras import generation, ops
from fastkeras.saving import objects


def linear(x):
    """x as it is."""
    return x


def relu(x, alpha=0.0, max_value=None, threshold=0.0, negative_slope=None):
    """max(x, 0) in general form: x from `threshold` up to `max_value`, alpha · (x - threshold) below it.

    `negative_slope` is Keras 3's name of `alpha`.
    """
    return ops.relu(x, alpha if negative_slope is None else negative_slope, max_value, threshold)


def leaky_relu(x, negative_slope=0.2):
    """x above 0, negative_slope · x below (Maas et al. 2013)."""
    return ops.leaky_relu(x, negative_slope)


def relu6(x):
    """min(max(x, 0), 6)."""
    return ops.relu6(x)


def softmax(x, axis=-1):
    """exp(x) over its sum along `axis`. In the generation '2.2.4' ValueError for a vector."""
    if len(getattr(x, 'shape', (0, 0))) < 2 and not generation.of('softmax.takes_vectors'):
        raise ValueError(f'softmax: cannot apply softmax to a tensor that is 1D, got shape {tuple(x.shape)}')
    return ops.softmax(x, axis=axis)


def log_softmax(x, axis=-1):
    """Logarithm of the softmax along `axis`."""
    return ops.log_softmax(x, axis=axis)


def elu(x, alpha=1.0):
    """x above 0, alpha · (exp(x) - 1) below (Clevert et al. 2015)."""
    return ops.elu(x, alpha)


def celu(x, alpha=1.0):
    """max(x, 0) + min(0, alpha · (exp(x / alpha) - 1)) (Barron 2017)."""
    return ops.celu(x, alpha)


def selu(x):
    """Scaled elu that keeps mean 0 and variance 1 (Klambauer et al. 2017); for weights by lecun_normal."""
    return ops.selu(x)


def softplus(x):
    """log(exp(x) + 1)."""
    return ops.softplus(x)


def softsign(x):
    """x / (|x| + 1)."""
    return ops.softsign(x)


def tanh(x):
    """Hyperbolic tangent."""
    return ops.tanh(x)


def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return ops.sigmoid(x)


def log_sigmoid(x):
    """log(1 / (1 + exp(-x)))."""
    return ops.log_sigmoid(x)


def exponential(x):
    """exp(x)."""
    return ops.exp(x)


def hard_sigmoid(x):
    """Sigmoid of straight lines: clip(0.2 x + 0.5, 0, 1), as Keras 2; in generation 3, clip(x / 6 + 0.5, 0, 1)."""
    return _HARD_SIGMOIDS[generation.of('hard_sigmoid')](x)


def _bound(function, which):
    """The hard_sigmoid of one generation, which keeps its meaning and is still written by that name."""
    def hard_sigmoid(x):
        return function(x)
    hard_sigmoid.__doc__ = f'The hard_sigmoid of Keras {which}, whatever the generation in force.'
    return hard_sigmoid


# what `get` gives: a model keeps the function of the generation it was made, or saved, in
_HARD_SIGMOIDS = {2: _bound(ops.hard_sigmoid, 2), 3: _bound(ops.hard_sigmoid3, 3)}


def silu(x):
    """x · sigmoid(x), also called swish (Elfwing et al. 2017)."""
    return ops.silu(x)


def hard_silu(x):
    """x · clip(x / 6 + 0.5, 0, 1), also called hard_swish (Howard et al. 2019)."""
    return ops.hard_silu(x)


def gelu(x, approximate=False):
    """x times the normal distribution's share below x (Hendrycks and Gimpel 2016); by tanh if `approximate`."""
    return ops.gelu(x, approximate)


def mish(x):
    """x · tanh(softplus(x)) (Misra 2019)."""
    return ops.multiply(x, ops.tanh(ops.softplus(x)))


def glu(x, axis=-1):
    """First half along `axis` times the sigmoid of the second (Dauphin et al. 2016)."""
    return ops.glu(x, axis)


def hard_tanh(x):
    """x between -1 and 1, those outside."""
    return ops.hard_tanh(x)


def hard_shrink(x, threshold=0.5):
    """x where |x| > threshold, else 0."""
    return ops.hard_shrink(x, threshold)


def soft_shrink(x, threshold=0.5):
    """x moved towards 0 by `threshold`, 0 where it would cross."""
    return ops.soft_shrink(x, threshold)


def tanh_shrink(x):
    """x - tanh(x)."""
    return ops.tanh_shrink(x)


def threshold(x, threshold, default_value):
    """x where it is above `threshold`, else `default_value`."""
    return ops.threshold(x, threshold, default_value)


def squareplus(x, b=4):
    """(x + sqrt(x² + b)) / 2 (Barron 2021)."""
    return ops.squareplus(x, b)


def sparse_plus(x):
    """0 up to -1, (x + 1)² / 4 between, x from 1 on."""
    return ops.sparse_plus(x)


def sparse_sigmoid(x):
    """0 up to -1, (x + 1) / 2 between, 1 from 1 on."""
    return ops.sparse_sigmoid(x)


def sparsemax(x, axis=-1):
    """Projection on the probability simplex, with exact zeros (Martins and Astudillo 2016)."""
    return ops.sparsemax(x, axis)


swish = silu
hard_swish = hard_silu

_FUNCTIONS = (linear, relu, leaky_relu, relu6, softmax, log_softmax, elu, celu, selu, softplus, softsign, tanh, sigmoid,
              log_sigmoid, exponential, hard_sigmoid, silu, hard_silu, gelu, mish, glu, hard_tanh, hard_shrink,
              soft_shrink, tanh_shrink, threshold, squareplus, sparse_plus, sparse_sigmoid, sparsemax)
_TABLE = {f.__name__: f for f in _FUNCTIONS}
_TABLE.update(swish=silu, hard_swish=hard_silu)


def _by_generation(function):
    return _HARD_SIGMOIDS[generation.of('hard_sigmoid')] if function is hard_sigmoid else function
objects.add_family('activations', _TABLE)
objects.add_slot('activation function', functions=True)


# Keras 3 has no function of this form, but it takes a model for an activation: clip(0.2 x + 0.5, 0, 1) in its layers
_AS_MODEL = 'keras2_hard_sigmoid'


def _keras2_hard_sigmoid():
    layers = [{'module': 'keras.layers', 'class_name': name, 'config': {'name': f'{_AS_MODEL}_{name.lower()}', **config},
               'registered_name': None} for name, config in (('Rescaling', {'scale': 0.2, 'offset': 0.5}),
                                                             ('ReLU', {'max_value': 1.0}))]
    return {'module': 'keras', 'class_name': 'Sequential', 'config': {'name': _AS_MODEL, 'layers': layers},
            'registered_name': None}


def _is_of_keras2(config):
    """Whether a configuration is of that model; Keras 3 adds to it what it writes of every layer."""
    if not isinstance(config, dict) or config.get('class_name') != 'Sequential':
        return False
    inner = config.get('config')
    if not isinstance(inner, dict) or inner.get('name') != _AS_MODEL or not isinstance(inner.get('layers'), list):
        return False
    found = [layer for layer in inner['layers'] if isinstance(layer, dict) and layer.get('class_name') != 'InputLayer']
    wanted = _keras2_hard_sigmoid()['config']['layers']
    return len(found) == len(wanted) and all(
        f.get('class_name') == w['class_name'] and isinstance(f.get('config'), dict)
        and w['config'].items() <= f['config'].items() for f, w in zip(found, wanted))


def serialize(activation):
    """The name of an activation, or the configuration of an object used as one."""
    if activation is _HARD_SIGMOIDS[2] and generation.of('config.module_and_registered_name'):
        return _keras2_hard_sigmoid()
    return objects.serialize(activation, table=_TABLE)


def deserialize(name, custom_objects=None):
    """The activation of a name or a configuration."""
    if _is_of_keras2(name):
        return _HARD_SIGMOIDS[2]
    return _by_generation(objects.deserialize('activation function', name, _TABLE, custom_objects))


def get(identifier):
    """An activation by name, configuration or itself; None gives `linear`. ValueError for an unknown name."""
    if identifier is None:
        return linear
    if _is_of_keras2(identifier):
        return _HARD_SIGMOIDS[2]
    return _by_generation(objects.resolve('activation function', identifier, _TABLE))
