"""The one test that every layer passes: `run_layer_test`."""

import io
import json

import numpy as np

from fastkeras import config as settings
from fastkeras import ops
from fastkeras.compiler.autodiff import gradients
from fastkeras.layers import Input, deserialize, serialize
from fastkeras.layers.calls import takes
from fastkeras.layers.context import collect_losses
from fastkeras.models import Model, Sequential
from fastkeras.runtime import Function
from fastkeras.saving import legacy_h5
from fastkeras.saving.json import encode
from fastkeras.utils import nest

RTOL, ATOL = 2e-5, 2e-6


def run_layer_test(cls, kwargs=None, input_shape=None, input_data=None, expected_output_shape=None, expected=None,
                   expected_mask=None, training=None, trains=True, stochastic=False, layouts=True, smooth=True, rtol=RTOL,
                   atol=ATOL):
    """All that holds for any layer of class `cls` made with kwargs, on data of input_shape (with the batch; a list of
    shapes for several inputs) or on input_data.

    expected: the result as an array, or a function (inputs, *weights) → array in float64. expected_mask: the mask that
    comes out when every input has one, False at the first step. trains: its weights and inputs get gradients.
    stochastic: results differ from call to call. layouts: channels_first gives the transposed result. smooth: gradients
    are compared with differences in float64. Returns the result.
    """
    kwargs = dict(kwargs or {})
    x = input_data if input_data is not None else data_of(input_shape)
    layer = cls(**kwargs)
    check_config(layer)

    y = layer(x, training=training) if training is not None else layer(x)
    shapes = nest.map_structure(lambda a: a.shape, x)
    unknown = nest.map_shapes(lambda s: (None, *s[1:]), shapes)
    for given, shape in ((shapes, y.shape), (unknown, (None, *y.shape[1:]))):
        inferred = tuple(cls.from_config(layer.get_config()).compute_output_shape(given))
        assert inferred == shape, f'compute_output_shape gives {inferred} for {given}, the result has {shape}'
    if expected_output_shape is not None:
        assert y.shape == tuple(expected_output_shape)
    assert np.isfinite(np.asarray(y, float)).all()

    if not stochastic:
        check_in_models(layer, x, y, training)
        check_instruction_sets(layer, x, y, training)
        if layouts:
            check_layouts(layer, x, y, training)
    if expected is not None:
        flat = [np.asarray(a, np.float64) for a in nest.flatten(x)]
        weights = [w.astype(np.float64) for w in layer.get_weights()]
        want = expected(nest.pack(x, flat), *weights) if callable(expected) else np.asarray(expected)
        assert want.shape == y.shape, f'expected shape {want.shape}, got {y.shape}'
        np.testing.assert_allclose(y, want, rtol=rtol, atol=atol)
    check_weights(layer)
    if trains:
        check_gradients(layer, x)
        if smooth and not stochastic:
            check_differences(layer, x, training)
    if expected_mask is not None:
        check_mask(layer, x, expected_mask)
    return y


def data_of(shapes, seed=7):
    rng = np.random.default_rng(seed)
    return nest.map_shapes(lambda s: rng.standard_normal(s).astype(np.float32), shapes)


def check_config(layer):
    """An equal layer comes out of the configuration, also by way of JSON."""
    config = layer.get_config()
    again = type(layer).from_config(config)
    assert again.get_config() == config
    text = json.dumps(serialize(layer), default=encode)
    revived = deserialize(json.loads(text), {type(layer).__name__: type(layer)})
    assert json.loads(json.dumps(revived.get_config(), default=encode)) == json.loads(text)['config']
    assert revived.name == layer.name


def copy_of(layer, x, **changes):
    new = type(layer).from_config({**layer.get_config(), **changes})
    new(x)
    new.set_weights(layer.get_weights())
    return new


def check_in_models(layer, x, y, training):
    """The same values in a functional model, in a stack, in one cloned from its configuration and row by row."""
    inputs = nest.map_structure(lambda a: Input(shape=a.shape[1:], dtype=a.dtype), x)
    new = type(layer).from_config(layer.get_config())
    outputs = new(inputs) if training is None else new(inputs, training=training)
    assert tuple(outputs.shape) == (None, *y.shape[1:]), f'described as {outputs.shape}, the result has {y.shape}'
    assert outputs.dtype == y.dtype.name
    assert new.output_shape == (None, *y.shape[1:])
    model = Model(inputs, outputs)
    model.set_weights(layer.get_weights())
    np.testing.assert_array_equal(model(x), y)
    again = Model.from_config(json.loads(json.dumps(model.get_config(), default=encode)),
                              custom_objects={type(layer).__name__: type(layer)})
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(x), y)
    if not isinstance(x, (list, tuple, dict)):
        stack = Sequential([type(layer).from_config({**layer.get_config(), 'batch_input_shape': (None, *x.shape[1:]),
                                                     'dtype': x.dtype.name})])
        stack.set_weights(layer.get_weights())
        assert stack.output_shape == (None, *y.shape[1:])
        np.testing.assert_array_equal(stack(x, training=training) if training is not None else stack(x), y)


def check_layouts(layer, x, y, training):
    """The other data format gives the transposed result for the transposed input."""
    if not takes(type(layer).__init__, 'data_format') or isinstance(x, list) or x.ndim < 3:
        return
    first = layer.get_config().get('data_format') == 'channels_first'
    here, there = (1, -1) if first else (-1, 1)
    moved = np.ascontiguousarray(np.moveaxis(x, here, there))
    new = copy_of(layer, moved, data_format='channels_last' if first else 'channels_first')
    z = new(moved) if training is None else new(moved, training=training)
    if z.ndim >= 3:
        z = np.moveaxis(z, there, here)
    np.testing.assert_allclose(z, y, rtol=1e-5, atol=1e-6)


def check_weights(layer):
    """Weights go through get_weights, set_weights and a file; other shapes are refused."""
    weights = layer.get_weights()
    assert layer.count_params() == sum(w.size for w in weights)
    order = sorted if layer._sublayers() else list      # of several layers: layer by layer
    assert order(map(id, layer.weights)) == order(map(id, layer.trainable_weights + layer.non_trainable_weights))
    if not weights:
        return
    changed = [w + 1 for w in weights]
    layer.set_weights(changed)
    for a, b in zip(layer.get_weights(), changed):
        np.testing.assert_array_equal(a, b)
    h5py = legacy_h5.h5py()
    with h5py.File(io.BytesIO(), 'w') as file:
        legacy_h5.write_weights(file, [layer])
        layer.set_weights(weights)
        legacy_h5.read_weights(file, [layer])
    for a, b in zip(layer.get_weights(), changed):
        np.testing.assert_array_equal(a, b)
    layer.set_weights(weights)
    for bad in (weights[:-1], [w[None] for w in weights]):
        try:
            layer.set_weights(bad)
        except ValueError as error:
            assert layer.name in str(error)
        else:
            raise AssertionError('set_weights took weights of another number or shape')


def check_gradients(layer, x):
    """One training step: every trainable weight and every float input gets a gradient, and the weights move."""
    before = layer.get_weights()
    trained = layer.trainable_weights
    rng = np.random.default_rng(3)
    found = {}

    def step(*tensors):
        with collect_losses() as losses:
            y = layer(nest.pack(x, tensors), training=True)
            pull = rng.standard_normal(tuple(y.shape)).astype(np.float32)
            loss = ops.sum(y * pull) + ops.sum(ops.square(y))
            for extra in losses:
                loss = loss + extra
        wanted = [*trained, *(t for t in tensors if t.dtype == 'float32')]
        grads = gradients(loss, wanted)
        found['missing'] = [w.name for w, g in zip(wanted, grads) if g is None]
        for v, g in zip(trained, grads):
            v.assign(v - 0.1 * g)
        return grads

    grads = Function(step)(*nest.flatten(x))
    assert not found['missing'], f'no gradient for {found["missing"]}'
    assert all(np.isfinite(g).all() for g in grads)
    moved = [v for v, old in zip(layer.weights, before) if not np.array_equal(v.numpy(), old)]
    stuck = [v.name for v in trained if all(v is not m for m in moved)]
    assert not stuck, f'training does not move {stuck}'
    layer.set_weights(before)


def check_instruction_sets(layer, x, y, training):
    """The same numbers from the kernels of every instruction set that the machine has."""
    before = settings.isa()
    try:
        for name in settings.isas():
            settings.set_isa(name)
            z = layer(x) if training is None else layer(x, training=training)
            np.testing.assert_allclose(z, y, rtol=1e-5, atol=1e-5 * max(1, np.abs(y).max(initial=0)), err_msg=name)
    finally:
        settings.set_isa(before)


def check_differences(layer, x, training, step=1e-6):
    """The gradient in float64, along a random direction of all trainable weights and float inputs, against central
    differences."""
    wide = type(layer).from_config({**layer.get_config(), 'dtype': 'float64'})
    flat = [a.astype(np.float64) if a.dtype == np.float32 else a for a in nest.flatten(x)]
    wide(nest.pack(x, flat))
    wide.set_weights(layer.get_weights())
    trained = wide.trainable_weights
    floats = [k for k, a in enumerate(flat) if a.dtype == np.float64]
    rng = np.random.default_rng(5)

    def run(*tensors):
        with collect_losses() as losses:
            y = wide(nest.pack(x, tensors), training=bool(training))
            loss = ops.sum(y * rng.standard_normal(tuple(y.shape)))
            for extra in losses:
                loss = loss + extra
        return loss, gradients(loss, [*trained, *(tensors[k] for k in floats)])

    function = Function(run)
    _, found = function(*flat)
    start = [v.numpy() for v in wide.weights]
    own = [v.numpy() for v in trained]
    directions = [rng.standard_normal(a.shape) for a in [*own, *(flat[k] for k in floats)]]
    ends = []
    for sign in (step, -step):
        for v, value, d in zip(trained, own, directions):
            v.assign(value + sign * d)
        moved = list(flat)
        for k, d in zip(floats, directions[len(own):]):
            moved[k] = flat[k] + sign * d
        ends.append(float(function(*moved)[0]))
        wide.set_weights(start)
    value = sum(float((g * d).sum()) for g, d in zip(found, directions) if g is not None)
    numeric = (ends[0] - ends[1]) / (2 * step)
    assert abs(value - numeric) <= 1e-5 * max(abs(value), abs(numeric), 1), (
        f'{type(layer).__name__}: the gradient along a direction is {value}, differences give {numeric}')


def check_mask(layer, x, expected_mask):
    """The mask that comes out when every input has one that leaves out the first step."""
    def masked(a):
        mask = np.ones(a.shape[:2], bool)
        mask[:, 0] = False
        return mask

    def run(*tensors):
        for t, a in zip(tensors, nest.flatten(x)):
            t._keras_mask = ops.convert_to_tensor(masked(a))
        y = layer(nest.pack(x, tensors))
        return y if y._keras_mask is None else y._keras_mask

    got = Function(run)(*nest.flatten(x))
    if expected_mask is False:
        assert got.dtype != np.bool_
    else:
        np.testing.assert_array_equal(got, masked(x) if expected_mask is True else expected_mask)
