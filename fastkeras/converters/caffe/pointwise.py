"""Layers that treat each element on its own: activations, powers, sums of blobs."""

from fastkeras import layers

from .caffe_elementwise import CaffeAbs, CaffeClip, CaffeExp, CaffeLog, CaffePower, CaffeSwish, CaffeThreshold, CaffeWeightedSum
from .draft import shown
from .known import finite, layer_type, one


@layer_type('ReLU')
def relu(draft, layer, bottoms):
    slope = finite(draft, 'negative_slope', layer.relu_param.negative_slope)
    x = one(draft, bottoms)
    return [draft.add(layers.LeakyReLU, {'alpha': slope}, x, x.shape) if slope else draft.add(layers.ReLU, {}, x, x.shape)]


@layer_type('ReLU6')
def relu6(draft, layer, bottoms):
    x = one(draft, bottoms)
    return [draft.add(layers.ReLU, {'max_value': 6.0}, x, x.shape)]


@layer_type('PReLU')
def prelu(draft, layer, bottoms):
    x = one(draft, bottoms)
    shared = layer.prelu_param.channel_shared
    if len(x.shape) < 2:
        raise draft.error(f'expected a blob of two axes or more, got {shown(x.shape)}')
    if isinstance(x.layout, tuple):
        x = draft.as_caffe(x)
    rank = len(x.shape)
    channel = draft.axis(x, 1)
    axes = [a for a in range(1, rank) if shared or a != channel]
    full = [1] * (rank - 1)
    if not shared:
        full[channel - 1] = x.shape[1]
    shape = (1,) if shared else (x.shape[1],)
    weights = draft.weights((shape, lambda a: a.reshape(full)))
    return [draft.add(layers.PReLU, {'shared_axes': axes or None}, x, x.shape, weights=weights)]


@layer_type('ELU')
def elu(draft, layer, bottoms):
    x = one(draft, bottoms)
    return [draft.add(layers.ELU, {'alpha': finite(draft, 'alpha', layer.elu_param.alpha)}, x, x.shape)]


def _activation(name, function):
    @layer_type(name)
    def convert(draft, layer, bottoms):
        x = one(draft, bottoms)
        return [draft.add(layers.Activation, {'activation': function}, x, x.shape)]
    return convert


_activation('Sigmoid', 'sigmoid')
_activation('TanH', 'tanh')
_activation('BNLL', 'softplus')


@layer_type('Swish')
def swish(draft, layer, bottoms):
    x = one(draft, bottoms)
    return [draft.add(CaffeSwish, {'beta': finite(draft, 'beta', layer.swish_param.beta)}, x, x.shape)]


@layer_type('AbsVal')
def absolute(draft, layer, bottoms):
    x = one(draft, bottoms)
    return [draft.add(CaffeAbs, {}, x, x.shape)]


@layer_type('Threshold')
def threshold(draft, layer, bottoms):
    x = one(draft, bottoms)
    return [draft.add(CaffeThreshold, {'threshold': finite(draft, 'threshold', layer.threshold_param.threshold)}, x, x.shape)]


@layer_type('Clip')
def clip(draft, layer, bottoms):
    x, p = one(draft, bottoms), layer.clip_param
    low, high = finite(draft, 'min', p.min), finite(draft, 'max', p.max)
    if low > high:
        raise draft.error(f'expected min of at most max, got {low} and {high}')
    return [draft.add(CaffeClip, {'least': low, 'most': high}, x, x.shape)]


@layer_type('Power')
def power(draft, layer, bottoms):
    x, p = one(draft, bottoms), layer.power_param
    exponent, scale, shift = (finite(draft, name, getattr(p, name)) for name in ('power', 'scale', 'shift'))
    if exponent == 1:
        return [draft.add(layers.Rescaling, {'scale': scale, 'offset': shift}, x, x.shape)]
    return [draft.add(CaffePower, {'power': exponent, 'scale': scale, 'shift': shift}, x, x.shape)]


@layer_type('Exp')
def exp(draft, layer, bottoms):
    return _with_base(draft, CaffeExp, layer.exp_param, bottoms)


@layer_type('Log')
def log(draft, layer, bottoms):
    return _with_base(draft, CaffeLog, layer.log_param, bottoms)


def _with_base(draft, cls, p, bottoms):
    x = one(draft, bottoms)
    base, scale, shift = (finite(draft, name, getattr(p, name)) for name in ('base', 'scale', 'shift'))
    if base != -1 and (base <= 0 or cls is CaffeLog and base == 1):
        raise draft.error(f'expected base to be positive{" and not 1" if cls is CaffeLog else ""}, or -1 for e, got {base}')
    return [draft.add(cls, {'base': base if base != -1 else None, 'scale': scale, 'shift': shift}, x, x.shape)]


@layer_type('Dropout')
def dropout(draft, layer, bottoms):
    x = one(draft, bottoms)
    rate = finite(draft, 'dropout_ratio', layer.dropout_param.dropout_ratio)
    if not 0 <= rate < 1:
        raise draft.error(f'expected dropout_ratio from 0 to below 1, got {rate}')
    return [draft.add(layers.Dropout, {'rate': rate}, x, x.shape)]


@layer_type('Eltwise')
def eltwise(draft, layer, bottoms):
    p = layer.eltwise_param
    if len(bottoms) < 2:
        raise draft.error(f'expected two bottoms or more, got {len(bottoms)}')
    shape = bottoms[0].shape
    for x in bottoms[1:]:
        if len(x.shape) != len(shape) or any(None not in (a, b) and a != b for a, b in zip(x.shape, shape)):
            raise draft.error(f'expected bottoms of one shape, got {" and ".join(shown(b.shape) for b in bottoms)}')
    shape = tuple(next((b.shape[k] for b in bottoms if b.shape[k] is not None), None) for k in range(len(shape)))
    coefficients = [finite(draft, 'coeff', c) for c in p.coeff]
    if coefficients and (len(coefficients) != len(bottoms) or p.operation != 1):
        raise draft.error(f'expected one coeff for each of {len(bottoms)} bottoms of a sum, got {len(coefficients)}')
    bottoms = draft.alike(bottoms)
    if p.operation == 0:
        return [draft.add(layers.Multiply, {}, bottoms, shape)]
    if p.operation == 2:
        return [draft.add(layers.Maximum, {}, bottoms, shape)]
    if all(c == 1 for c in coefficients):
        return [draft.add(layers.Add, {}, bottoms, shape)]
    if coefficients == [1, -1]:
        return [draft.add(layers.Subtract, {}, bottoms, shape)]
    return [draft.add(CaffeWeightedSum, {'coefficients': coefficients}, bottoms, shape)]


@layer_type('Softmax')
def softmax(draft, layer, bottoms):
    x = one(draft, bottoms)
    axis = (layer.infogain_loss_param if layer.type == 'InfogainLoss' else layer.softmax_param).axis
    if not -len(x.shape) <= axis < len(x.shape) or axis % len(x.shape) == 0:
        raise draft.error(f'expected an axis from 1 to {len(x.shape) - 1}, got {axis}')
    axis = draft.axis(x, axis % len(x.shape))
    return [draft.add(layers.Softmax, {'axis': -1 if axis == len(x.shape) - 1 else axis}, x, x.shape)]


