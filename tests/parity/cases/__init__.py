"""What is recorded of the layers of real Kerases: a file for each family, with

    KERAS2 = [(class, arguments, shape or shapes of the input, with the batch), …]      # Keras 2.2.4, in a described model
    KERAS3 = [(class, arguments, shape or shapes, options), …]                          # Keras 3.15, called on arrays

Options (a fourth member of either):
    integers=n      inputs are whole numbers below n
    mask=[n, …]     row k keeps its first n[k] steps, the others are masked (the first axis after the batch)
    call={…}        further arguments of the call
    spread=True     several inputs are arguments of the call, one each (Keras 3)
    train=True      called with training=True (Keras 3)
    times=n         the last of n predictions, for layers that keep their state (Keras 2)
    inner=…         a function (layers) → arguments that are layers: {'layer': layers.Dense(2)}
    data=function   () → inputs, where numbers on a grid of 1/8 will not do
    adapt=function  () → what the layer learns from before it is called; it keeps the weights that come of it (Keras 3)
    keep=True       the layer keeps its first weights (Keras 3)
    generation=3    ours has the defaults of Keras 3
    rtol=x          where single precision differs by more than 2e-5

Recorder and test make the same inputs and weights from them.
"""

from typing import NamedTuple

import numpy as np

MASKED = -5.0


class Case(NamedTuple):
    name: str
    kwargs: dict
    shapes: object
    options: dict


def of(module, generation):
    """{key: Case} of a family for a generation, '2' or '3'."""
    found = {}
    for name, kwargs, shapes, *options in getattr(module, f'KERAS{generation}', ()):
        k = sum(key.rsplit('-', 1)[0] == name for key in found)
        found[f'{name}-{k}'] = Case(name, kwargs, shapes, options[0] if options else {})
    return found


def array(shape, seed):
    """Numbers on a grid of 1/8, exact in float32."""
    n = int(np.prod(shape))
    return ((np.arange(n) * (2 * seed + 7) % 37 - 18) / 8).astype('float32').reshape(shape)


def inputs(case):
    if 'data' in case.options:
        return case.options['data']()
    many = isinstance(case.shapes, list)

    def one(shape, seed):
        x = array(shape, seed)
        if 'integers' in case.options:
            return (np.arange(x.size) * (2 * seed + 7) % case.options['integers']).reshape(shape).astype('int32')
        for row, kept in enumerate(case.options.get('mask', ())):
            x[row, kept:] = MASKED
        return x

    return [one(s, k) for k, s in enumerate(case.shapes)] if many else one(case.shapes, 0)


def rows(x):
    return len(x[0]) if isinstance(x, list) else len(x)


def weights(shapes):
    """Values for weights of these shapes; the moving variance and all that stands last is positive."""
    values = [array(s, k + 3) / 4 for k, s in enumerate(shapes)]
    return [*values[:-1], np.abs(values[-1]) + 0.25] if values else []


def made(keras, case):
    kwargs = dict(case.kwargs)
    if 'inner' in case.options:
        kwargs.update(case.options['inner'](keras.layers))
    layer = getattr(keras.layers, case.name)(**{'name': 'layer', **kwargs})
    if 'adapt' in case.options:
        layer.adapt(case.options['adapt']())
    return layer


def in_a_model(keras, case):
    """(model, layer, inputs): the layer alone in a described model, behind a Masking layer where the case has a mask."""
    x = inputs(case)
    layer = made(keras, case)
    fixed = {'batch_shape': rows(x)} if case.kwargs.get('stateful') else {}
    given = []
    for a in x if isinstance(x, list) else [x]:
        shape = {'batch_shape': a.shape} if fixed else {'shape': a.shape[1:]}
        given.append(keras.layers.Input(**shape, dtype=a.dtype.name))
    taken = [keras.layers.Masking(MASKED)(t) for t in given] if 'mask' in case.options else given
    call = case.options.get('call', {})
    outputs = layer(taken if isinstance(x, list) else taken[0], **call)
    return keras.models.Model(given if isinstance(x, list) else given[0], outputs), layer, x


def called(layer, x, case):
    """The layer's result for arrays."""
    call = dict(case.options.get('call', {}))
    if 'mask' in case.options:
        first = x[0] if isinstance(x, list) else x
        call['mask'] = (first != MASKED).reshape(*first.shape[:2], -1).any(-1)
    if case.options.get('train'):
        call['training'] = True
    return layer(*x, **call) if case.options.get('spread') else layer(x, **call)
