"""Weights as Keras 1, Keras on Theano and cuDNN order them. (A file of theirs is made here by the inverse of what is known of
each; real files are in test_real_h5.py.)"""

import io

import numpy as np
import pytest

from fastkeras import layers
from fastkeras.layers import GRU, LSTM, BatchNormalization, Bidirectional, Conv1D, Conv2D, Dense, Input, TimeDistributed
from fastkeras.models import Model, Sequential
from fastkeras.saving import legacy_h5

h5py = pytest.importorskip('h5py')
RNG = np.random.default_rng(0)


def written(groups, **attributes):
    """An HDF5 file of weights: {layer: arrays}."""
    file = h5py.File(io.BytesIO(), 'w')
    legacy_h5.write_names(file, 'layer_names', list(groups))
    for name, arrays in groups.items():
        group = file.create_group(name)
        names = [f'{name}_{k}' for k in range(len(arrays))]
        legacy_h5.write_names(group, 'weight_names', names)
        for n, a in zip(names, arrays):
            group[n] = a
    for name, value in attributes.items():
        file.attrs[name] = value
    return file


def by_gates(arrays, order):
    """Kernel, recurrent kernel and bias of each gate for itself, in the order of Keras 1."""
    parts = [np.split(a, len(order), -1) for a in arrays]
    return [p[g] for g in order for p in parts]


LSTM_GATES, GRU_GATES = (0, 2, 1, 3), (0, 1, 2)     # i, c, f, o; z, r, h


def filled(model):
    model.set_weights([RNG.standard_normal(w.shape).astype('float32') for w in model.get_weights()])
    return model


def loaded(model, groups, **attributes):
    """The model has the weights it had, from the file."""
    wanted = model.get_weights()
    model.set_weights([np.zeros_like(w) for w in wanted])
    with written(groups, **attributes) as file:
        report = model.load_weights(file)
    for a, b in zip(model.get_weights(), wanted):
        np.testing.assert_array_equal(a, b)
    assert report.complete
    return report


KERAS1 = [
    (lambda: LSTM(3), (5, 4), lambda w: by_gates(w, LSTM_GATES)),
    (lambda: LSTM(3), (5, 4), lambda w: w),                                 # consume_less='gpu'
    (lambda: LSTM(4), (5, 4), lambda w: by_gates(w, LSTM_GATES)),
    (lambda: GRU(3), (5, 4), lambda w: by_gates(w, GRU_GATES)),
    (lambda: layers.SimpleRNN(3), (5, 4), lambda w: w),
    (lambda: Bidirectional(LSTM(3)), (5, 4), lambda w: by_gates(w[:3], LSTM_GATES) + by_gates(w[3:], LSTM_GATES)),
    (lambda: Bidirectional(GRU(3)), (5, 4), lambda w: by_gates(w[:3], GRU_GATES) + by_gates(w[3:], GRU_GATES)),
    (lambda: TimeDistributed(LSTM(3)), (2, 5, 4), lambda w: by_gates(w, LSTM_GATES)),
    (lambda: Conv1D(6, 3), (8, 4), lambda w: [w[0][:, None], w[1]]),
    (lambda: Conv1D(6, 3), (8, 4), lambda w: [w[0][:, None].transpose(3, 2, 0, 1), w[1]]),      # the first releases
    (lambda: layers.AtrousConvolution1D(6, 3), (8, 4), lambda w: [w[0][:, None], w[1]]),
    (lambda: TimeDistributed(Conv1D(6, 3)), (2, 8, 4), lambda w: [w[0][:, None], w[1]]),
    (lambda: Conv2D(3, 3), (8, 8, 3), lambda w: w),
    (lambda: Conv2D(3, 3, data_format='channels_first'), (3, 8, 8), lambda w: [w[0].transpose(3, 2, 0, 1), w[1]]),
    (lambda: Conv2D(5, (2, 3), data_format='channels_first', use_bias=False), (3, 8, 8),
     lambda w: [w[0].transpose(3, 2, 0, 1)]),
    (lambda: TimeDistributed(Conv2D(5, (2, 3), data_format='channels_first')), (2, 3, 8, 8),
     lambda w: [w[0].transpose(3, 2, 0, 1), w[1]]),
    (lambda: layers.AtrousConvolution2D(5, (2, 3), data_format='channels_first'), (3, 8, 8),
     lambda w: [w[0].transpose(3, 2, 0, 1), w[1]]),
    (lambda: layers.Conv2DTranspose(5, (2, 3)), (8, 8, 3), lambda w: [w[0].transpose(0, 1, 3, 2), w[1]]),
    (lambda: layers.Conv2DTranspose(5, (2, 3), data_format='channels_first'), (3, 8, 8),
     lambda w: [w[0].transpose(2, 3, 0, 1), w[1]]),
    (lambda: layers.Conv3D(5, (2, 3, 1), data_format='channels_first'), (3, 4, 4, 4),
     lambda w: [w[0].transpose(4, 3, 0, 1, 2), w[1]]),
    (lambda: layers.SeparableConv2D(5, (2, 3), depth_multiplier=2, data_format='channels_first'), (3, 8, 8),
     lambda w: [w[0].transpose(3, 2, 0, 1), w[1].transpose(3, 2, 0, 1), w[2]]),
    (lambda: layers.ConvLSTM2D(2, 3), (2, 8, 8, 3), lambda w: by_gates(w, LSTM_GATES)),
    (lambda: layers.ConvLSTM2D(2, (2, 3), data_format='channels_first'), (2, 3, 8, 8),
     lambda w: [a.transpose(3, 2, 0, 1) if a.ndim == 4 else a for a in by_gates(w, LSTM_GATES)]),
    (lambda: BatchNormalization(), (4,), lambda w: w),
    (lambda: layers.LocallyConnected2D(2, 3), (5, 5, 2), lambda w: w),
    (lambda: layers.Embedding(7, 3, input_length=4), (4,), lambda w: w),
]


@pytest.mark.parametrize('make, shape, old', KERAS1)
def test_layers_of_keras_1(make, shape, old):
    model = filled(Sequential([Input(shape), make()]))
    name = model.layers[-1].name
    loaded(model, {name: old(model.get_weights())})
    loaded(model, {name: old(model.get_weights())}, keras_version='1.2.2')
    loaded(model, {name: model.get_weights()}, keras_version='2.2.4', backend='tensorflow')


def test_models_inside_of_keras_1():
    """Its arrays are those of the layers inside in a row, the trainable ones first."""
    inner = Sequential([Input((8, 4)), Conv1D(6, 3, name='conv'), BatchNormalization(name='bn'),
                        Bidirectional(LSTM(3, return_sequences=True), name='both'), GRU(2, name='gru')], name='inner')
    x = Input((8, 4))
    model = filled(Model(x, Dense(2, name='out')(inner(x))))
    conv, bn, both, gru = (layer.get_weights() for layer in inner.layers if layer.weights)
    old = [conv[0][:, None], conv[1], *bn[:2], *by_gates(both[:3], LSTM_GATES), *by_gates(both[3:], LSTM_GATES),
           *by_gates(gru, GRU_GATES), *bn[2:]]
    report = loaded(model, {'inner': old, 'out': model.layers[-1].get_weights()})
    assert len(report.used) == len(old) + 2 and report.used[0] == 'inner/inner_0'


def turned(kernel, rank):
    return np.flip(kernel, tuple(range(rank)))


@pytest.mark.parametrize('make, shape, old', [
    (lambda: Conv1D(6, 3), (8, 4), lambda w: [turned(w[0], 1), w[1]]),
    (lambda: Conv2D(6, (2, 3)), (8, 8, 4), lambda w: [turned(w[0], 2), w[1]]),
    (lambda: TimeDistributed(Conv2D(6, (2, 3))), (2, 8, 8, 4), lambda w: [turned(w[0], 2), w[1]]),
    (lambda: layers.Conv2DTranspose(6, (2, 3)), (8, 8, 4), lambda w: [turned(w[0], 2), w[1]]),
    (lambda: layers.Conv3D(6, (2, 3, 4)), (8, 8, 8, 4), lambda w: [turned(w[0], 3), w[1]]),
    (lambda: layers.ConvLSTM2D(2, (2, 3)), (2, 8, 8, 3), lambda w: [turned(w[0], 2), turned(w[1], 2), w[2]]),
    (lambda: layers.SeparableConv2D(6, (2, 3)), (8, 8, 4), lambda w: w),
    (lambda: layers.LocallyConnected1D(2, 3), (5, 2), lambda w: w),
    (lambda: Dense(3), (4,), lambda w: w)])
def test_keras_2_on_theano(make, shape, old):
    """Its convolutions turn the kernel around, but for those that are separable: these it turned back itself."""
    model = filled(Sequential([Input(shape), make()]))
    name = model.layers[-1].name
    loaded(model, {name: old(model.get_weights())}, keras_version='2.0.8', backend='theano')
    for backend in 'tensorflow', 'cntk':
        loaded(model, {name: model.get_weights()}, keras_version='2.0.8', backend=backend)


def recurrent(kind, wrapped, **kwargs):
    layer = kind(3, return_sequences=True, **kwargs)
    layer = Bidirectional(layer, name='rnn') if wrapped else layer
    return filled(Sequential([Input((5, 4)), layer]))


@pytest.mark.parametrize('wrapped', [False, True])
@pytest.mark.parametrize('plain, cudnn, kwargs', [
    (LSTM, layers.CuDNNLSTM, {}), (GRU, layers.CuDNNGRU, {'reset_after': True})])
def test_cudnn(plain, cudnn, kwargs, wrapped):
    """Weights of cuDNN's layers and of the others go into each other, and compute the same."""
    x = RNG.standard_normal((2, 5, 4)).astype('float32')
    ours = recurrent(plain, wrapped, recurrent_activation='sigmoid', **kwargs)
    theirs = recurrent(cudnn, wrapped)
    for source, target in (ours, theirs), (theirs, ours):
        filled(source)
        with written({'x': source.layers[-1].get_weights()}, keras_version='2.2.4') as file:
            target.load_weights(file)
        np.testing.assert_allclose(target.predict(x), source.predict(x), atol=1e-6)


def test_weights_of_another_gru():
    for reset in True, False:
        source, target = recurrent(GRU, False, reset_after=reset), recurrent(GRU, False, reset_after=not reset)
        with written({'x': source.get_weights()}, keras_version='2.3.1') as file, pytest.raises(
                ValueError, match=f'the file is of a GRU with reset_after={reset}'):
            target.load_weights(file)
    with written({'x': recurrent(layers.CuDNNGRU, False).get_weights()}, keras_version='2.3.1') as file, pytest.raises(
            ValueError, match='the file is of a GRU with reset_after=True'):
        recurrent(GRU, False, reset_after=False).load_weights(file)


@pytest.mark.parametrize('arrays', [
    [], [np.zeros(3)], [np.zeros((4, 3)), np.zeros((3, 3)), np.zeros(3)], [np.zeros(())] * 12, [np.zeros((2, 2))] * 12,
    [np.zeros((4, 12)), np.zeros((3, 12)), np.zeros((2, 3, 2))], [np.zeros((4, 12)), np.zeros((3, 12)), np.zeros(24), 1.0],
    [np.zeros((12, 4)), np.zeros((12, 3)), np.zeros(24)], [np.zeros(48), np.zeros(36), np.zeros(24)], [np.zeros((0, 3))] * 12])
@pytest.mark.parametrize('kind', [LSTM, GRU, layers.CuDNNLSTM, layers.CuDNNGRU])
@pytest.mark.parametrize('version', ['1.0.0', '2.0.0'])
def test_what_fits_no_rule_is_refused(kind, arrays, version):
    model = recurrent(kind, False)
    before = model.get_weights()
    with written({'x': arrays}, keras_version=version) as file, pytest.raises(ValueError):
        model.load_weights(file)
    for a, b in zip(model.get_weights(), before):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize('kernel', [np.zeros(()), np.zeros(3), np.zeros((3, 4)), np.zeros((1, 1, 1)), np.zeros((2, 2, 3, 9)),
                                    np.zeros((0, 0, 3, 4)), np.zeros((1, 2, 3, 4, 5))])
@pytest.mark.parametrize('backend', ['tensorflow', 'theano'])
def test_kernels_that_fit_no_rule(kernel, backend):
    for layer, shape in (Conv1D(6, 3), (8, 4)), (Conv2D(6, 3, data_format='channels_first'), (3, 8, 8)), (
            layers.Conv2DTranspose(6, 3), (8, 8, 3)), (layers.ConvLSTM2D(6, 3), (2, 8, 8, 3)):
        model = Sequential([Input(shape), layer])
        rest = [np.zeros(w.shape) for w in model.get_weights()[1:]]
        with written({'x': [kernel, *rest]}, backend=backend) as file, pytest.raises(ValueError):
            model.load_weights(file)
