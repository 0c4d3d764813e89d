"""Lambda."""

import json

import numpy as np
import pytest

from fastkeras import layers, ops
from fastkeras.layers import lambda_
from fastkeras.models import Model, Sequential
from fastkeras.saving import trust
from tests.layer_harness import run_layer_test


def test_lambda():
    run_layer_test(layers.Lambda, {'function': lambda x: x * 2 + 1}, (3, 4), expected=lambda x: x * 2 + 1)
    run_layer_test(layers.Lambda, {'function': np.tanh}, (3, 4), expected=lambda x: np.tanh(x))
    run_layer_test(layers.Lambda, {'function': lambda xs: ops.concatenate([xs[0], -xs[1]], axis=1)}, [(3, 4), (3, 2)],
                   expected=lambda xs: np.concatenate([xs[0], -xs[1]], 1))


def test_lambda_arguments():
    def power(x, n):
        return x ** n
    layer = layers.Lambda(power, arguments={'n': 3})
    x = np.float32([[1, 2], [3, 4]])
    np.testing.assert_allclose(layer(x), x ** 3, rtol=1e-6)


def test_random_numbers_without_a_seed_differ_from_run_to_run():
    layer = layers.Lambda(lambda x: x + ops.random_normal(ops.shape(x)))
    model = Sequential([layers.InputLayer((200,)), layer])
    x = np.zeros((2, 200), np.float32)
    a, b = model.predict(x), model.predict(x)
    assert (a != b).all() and (a[0] != a[1]).all() and abs(a.std() - 1) < 0.2
    assert (layer(x) != layer(x)).all()
    np.random.seed(3)
    first = layers.Lambda(layer.function)(x)
    np.random.seed(3)
    np.testing.assert_array_equal(layers.Lambda(layer.function)(x), first)


# ---- what its function is given
def test_training_and_mask_are_handed_to_a_function_that_takes_them():
    seen = []

    def watch(x, mask=None, training=None):
        seen.append((mask is not None, training))
        return x

    layer = layers.Lambda(watch)
    x = np.ones((2, 3, 4), np.float32)
    for training in (True, False):
        layer(x, training=training)
    masked = layers.Masking()(layers.Input((3, 4)))
    layers.Lambda(watch)(masked)
    assert seen[0][1] is True and seen[-2][1] is False and seen[-1][0] and not seen[0][0]


def test_training_changes_the_result_of_fit_and_not_of_predict():
    layer = layers.Lambda(lambda x, training=None: x * 0 + (5. if training else 3.))
    model = Sequential([layers.InputLayer((2,)), layer])
    model.compile('sgd', 'mse')
    x = np.zeros((4, 2), np.float32)
    assert (model.predict(x) == 3).all()
    history = model.fit(x, x, epochs=1, verbose=0)
    assert history.history['loss'][0] == 25 and model.evaluate(x, x, verbose=0) == 9


# ---- masks
def masks_of(**arguments):
    x = layers.Masking()(layers.Input((3, 2)))
    y = layers.Lambda(lambda t: t * 2, **arguments)(x)
    model = Model(x._keras_history[0].input, x if y._keras_mask is None else ops.cast(y._keras_mask, 'float32'))
    data = np.ones((1, 3, 2), np.float32)
    data[0, 1] = 0
    return y._keras_mask is not None, model.predict(data)


def test_a_mask_is_dropped_unless_it_is_said_what_becomes_of_it():
    assert not masks_of()[0]
    known, mask = masks_of(mask=lambda inputs, mask: mask)
    assert known
    np.testing.assert_array_equal(mask, [[1, 0, 1]])
    known, mask = masks_of(mask=lambda inputs, mask: ops.logical_not(mask))
    np.testing.assert_array_equal(mask, [[0, 1, 0]])


# ---- shapes
@pytest.mark.parametrize('given, shape, want', [
    (None, (None, 3), (None, 6)), (6, (None, 3), (None, 6)), ((2, 5), (None, 3), (None, 2, 5)),
    ((2, None), (8, 3), (8, 2, None)),
    (lambda s: (s[0], s[1] + 1), (None, 3), (None, 4)), (6, [(None, 3), (None, 4)], (None, 6))])
def test_compute_output_shape(given, shape, want):
    layer = layers.Lambda(lambda x: ops.concatenate([x, x], -1), output_shape=given)
    assert layer.compute_output_shape(shape) == want


def test_an_output_shape_that_is_none():
    with pytest.raises(ValueError, match="Lambda layer 'two': expected output_shape to be a shape without the batch.*'wide'"):
        layers.Lambda(lambda x: x, output_shape='wide', name='two').compute_output_shape((None, 3))


# ---- configurations
def double(x):
    return x * 2


def through_json(layer, **custom):
    config = json.loads(json.dumps(layers.serialize(layer)))
    return layers.deserialize(config, custom)


def forget():
    """As in another process, which wrote none of the functions."""
    lambda_._written.clear()
    lambda_._tokens.clear()


def test_functions_by_their_names():
    x = np.float32([[1, 2]])
    for function, want in ((double, 2 * x), (np.tanh, np.tanh(x)), (ops.relu, x)):
        layer = layers.Lambda(function)
        config = layer.get_config()
        assert (config['function'], config['function_type']) == (function.__name__, 'function')
        np.testing.assert_allclose(through_json(layer)(x), want, rtol=1e-6)
    config = layers.serialize(layers.Lambda(double, name='l'))
    forget()
    with pytest.raises(ValueError, match="Lambda layer 'l': the function 'double' is not known; give it in custom_objects"):
        layers.deserialize(config)
    assert layers.deserialize(config, {'double': double}).function is double
    assert layers.deserialize(config, {'l': np.sign}).function is np.sign


def test_arguments_output_shape_and_mask_come_back():
    layer = layers.Lambda(double, output_shape=(2, 3), arguments={'k': [1, 2]}, mask=double)
    again = through_json(layer)
    assert again.arguments == {'k': [1, 2]} and again.mask is double
    assert again.compute_output_shape((None, 9)) == (None, 2, 3)
    assert through_json(layers.Lambda(double, output_shape=double)).compute_output_shape((1, 2)) == (1, 2, 1, 2)


def test_a_lambda_of_this_process_comes_back_itself():
    factor = object()                               # nothing that a file could hold
    layer = layers.Lambda(lambda x: (x, factor)[0])
    assert through_json(layer).function is layer.function


def test_code_of_another_process_runs_only_where_it_is_trusted():
    shift = 3
    layer = layers.Lambda(lambda x, k=2: ops.relu(x) * k + shift, name='l')
    config = layers.serialize(layer)
    forget()
    with pytest.raises(ValueError, match="Lambda layer 'l': its configuration holds Python code.*safe_mode=False.*'l'"):
        layers.deserialize(config)
    with trust.unsafe():
        again = layers.deserialize(config)
        np.testing.assert_array_equal(again(np.float32([[-1, 2]])), [[3, 7]])
        other = json.loads(json.dumps(config))
        other['config']['function']['config']['python'] = '00'
        with pytest.raises(ValueError, match="Lambda layer 'l': its byte code is of another Python"):
            layers.deserialize(other)
        with trust.unsafe(False), pytest.raises(ValueError, match='holds Python code'):
            layers.deserialize(config)


def test_code_that_needs_what_no_file_holds_is_not_run():
    thing = np.ones(2)
    config = layers.serialize(layers.Lambda(lambda x: x * thing, name='l'))
    forget()
    with trust.unsafe(), pytest.raises(ValueError, match='needs values that were not saved'):
        layers.deserialize(config)


def test_byte_code_of_keras_2_is_never_run():
    config = {'class_name': 'Lambda', 'config': {
        'name': 'old', 'function': ['4wEAAAABAAAA\n', None, None], 'function_type': 'lambda', 'output_shape': None,
        'output_shape_type': 'raw', 'arguments': {}}}
    with trust.unsafe(), pytest.raises(ValueError, match="Lambda layer 'old': its configuration holds byte code"):
        layers.deserialize(config)
    assert layers.deserialize(config, {'old': double}).function is double


def test_an_attribute_of_a_module_is_not_reached_by_its_name():
    for name in ('__import__', '_core', 'no_such_function'):
        config = {'name': 'l', 'function': name, 'function_type': 'function', 'module': 'numpy'}
        with pytest.raises(ValueError, match=f"'{name}' is not known"):
            layers.Lambda.from_config(config)


def test_a_function_of_the_users_is_no_operation_of_its_name():
    """Where it is not given, a model would compute other numbers, and nobody would see it."""
    config = {'name': 'l', 'function': 'relu', 'function_type': 'function', 'module': '__main__'}
    with pytest.raises(ValueError, match=r"'relu' is not known; give it in custom_objects=\{'relu'"):
        layers.Lambda.from_config(config)
    assert layers.deserialize({'class_name': 'Lambda', 'config': config}, {'relu': double}).function is double
    for module in 'tensorflow.python.ops.gen_nn_ops', 'keras.backend.tensorflow_backend', None:
        assert layers.Lambda.from_config({**config, 'module': module}).function is ops.relu
