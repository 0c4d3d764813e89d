"""Gradients of recurrent layers in float64 against central differences, with masks, states, directions and dropout."""

import numpy as np
import pytest

from fastkeras import layers, ops
from fastkeras.compiler.autodiff import gradients
from fastkeras.runtime import Function

UNITS, X = 3, (3, 5, 2)
MASK = np.array([[1, 0, 1, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool)
KINDS = [('SimpleRNN', {}), ('GRU', {'recurrent_activation': 'sigmoid'}),
         ('GRU', {'recurrent_activation': 'sigmoid', 'reset_after': True}), ('LSTM', {'recurrent_activation': 'sigmoid'}),
         ('CuDNNGRU', {}), ('CuDNNLSTM', {})]
WAYS = [{}, {'go_backwards': True}, {'zero_output_for_mask': True}, {'time_major': True}]


@pytest.mark.parametrize('kind, more', KINDS, ids=[f'{k}-{len(m)}' for k, m in KINDS])
@pytest.mark.parametrize('way', WAYS, ids=['plain', 'backwards', 'zero_output', 'time_major'])
def test_gradients(kind, more, way):
    rng = np.random.default_rng(4)
    layer = getattr(layers, kind)(UNITS, return_sequences=True, return_state=True, dtype='float64', **more, **way)
    major = 'time_major' in way
    x = rng.standard_normal(X)
    states = [rng.standard_normal((3, UNITS)) for _ in range(2 if 'LSTM' in kind else 1)]
    mask = None if 'CuDNN' in kind else MASK
    if major:
        x, mask = x.swapaxes(0, 1).copy(), None if mask is None else mask.T.copy()
    layer(x)
    layer.set_weights([rng.standard_normal(w.shape) / 2 for w in layer.get_weights()])
    pulls = [rng.standard_normal(s) for s in (x.shape[:2] + (UNITS,), *[(3, UNITS)] * len(states))]

    def run(x, *states):
        outputs = layer(x, initial_state=list(states), mask=mask)
        loss = sum(ops.sum(y * p) for y, p in zip(outputs, pulls))
        return loss, gradients(loss, [x, *states, *layer.trainable_weights])

    function = Function(run)
    _, found = function(x, *states)
    start, values = layer.get_weights(), [x, *states]
    directions = [rng.standard_normal(a.shape) for a in [*values, *start]]
    ends = []
    for step in (1e-6, -1e-6):
        layer.set_weights([w + step * d for w, d in zip(start, directions[len(values):])])
        ends.append(float(function(*[v + step * d for v, d in zip(values, directions)])[0]))
    numeric = (ends[0] - ends[1]) / 2e-6
    assert sum((g * d).sum() for g, d in zip(found, directions)) == pytest.approx(numeric, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize('kind', ['SimpleRNN', 'GRU', 'LSTM'])
@pytest.mark.parametrize('implementation', [1, 2])
def test_single_precision_follows_double(kind, implementation):
    """The kernels' gradients beside those of the reference, with a mask and both kinds of dropout."""
    x = np.random.default_rng(4).standard_normal((6, 5, 2))
    mask = np.random.default_rng(5).random((6, 5)) < 0.7
    found = []
    for dtype in 'float32', 'float64':
        layer = getattr(layers, kind)(UNITS, dropout=0.3, recurrent_dropout=0.4, seed=3, implementation=implementation,
                                      dtype=dtype)
        layer(x.astype(dtype))
        rng = np.random.default_rng(6)
        layer.set_weights([rng.standard_normal(w.shape) / 2 for w in layer.get_weights()])

        def run(x, layer=layer):
            y = layer(x, mask=mask, training=True)
            return y, gradients(ops.sum(y * y), [x, *layer.trainable_weights])

        y, grads = Function(run)(x.astype(dtype))
        found.append([y, *grads])
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
