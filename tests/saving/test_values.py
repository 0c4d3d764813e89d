"""Values of a file for variables: all or none, and no others made in vain."""

import h5py
import numpy as np
import pytest

from fastkeras import initializers, optimizers
from fastkeras.layers import Dense, Dropout
from fastkeras.models import Sequential, load_model, model_from_json
from fastkeras.runtime import Variable
from fastkeras.saving import ModelFileError, custom_object_scope, register_keras_serializable, values


def network(layers=8):
    first = Dense(3, input_shape=(3,), name='d0')
    model = Sequential([first, *(Dense(3, name=f'd{k}') for k in range(1, layers)), Dropout(0.5)])
    model.compile('adam', 'mse')
    return model


def test_an_error_changes_no_variable():
    a, b = Variable([1., 2.]), Variable([3.])
    for wrong in (np.ones(2), np.ones((), 'c8'), np.array([None]), np.array(['x']), lambda shape, dtype: np.ones(5)):
        with pytest.raises(ModelFileError, match='variable'):
            values.assign_all([(a, np.zeros(2)), (b, wrong)])
        assert a.numpy().tolist() == [1, 2] and b.numpy().tolist() == [3]
    values.assign_all([(a, np.zeros(2)), (b, lambda shape, dtype: np.full(shape, 7))])
    assert a.numpy().tolist() == [0, 0] and b.numpy().tolist() == [7]


@pytest.mark.parametrize('wrong', [None, 'x', 1j, object()])
def test_weights_that_are_no_numbers(wrong):
    model = network(2)
    before = model.get_weights()
    with pytest.raises(ValueError, match='expected numbers|cannot take an array of shape'):
        model.set_weights([*(np.zeros_like(w) for w in before[:-1]), np.full(3, wrong)])
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)
    scale = Variable(1.)
    with pytest.raises(ValueError, match='expected numbers'):
        scale.assign(wrong)
    assert float(scale) == 1


def test_state_of_an_optimizer_is_set_whole_or_not():
    optimizer, v = optimizers.Adam(), Variable([1., 2.])
    optimizer.build([v])
    before = optimizer.get_weights()
    wrong = [np.ones_like(w) for w in before]
    wrong[-1] = np.full(before[-1].shape, None)
    with pytest.raises(ValueError, match='expected numbers'):
        optimizer.set_weights(wrong)
    for a, b in zip(before, optimizer.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_a_file_that_is_wrong_at_the_last_layer(tmp_path):
    network().save(tmp_path / 'm.h5')
    model = network()
    before = model.get_weights()
    with h5py.File(tmp_path / 'm.h5', 'r+') as file:
        del file['model_weights/d7/d7/kernel:0']
        file['model_weights/d7/d7/kernel:0'] = np.ones((3, 2), 'float32')
    with pytest.raises(ModelFileError, match=r'd7.*shape'):
        model.load_weights(tmp_path / 'm.h5')
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)


# ---- nothing is made in vain
def test_loading_calls_no_initializer_and_draws_nothing(tmp_path, monkeypatch):
    network().save(tmp_path / 'm.h5')
    network().save(tmp_path / 'm.keras')
    monkeypatch.setattr(initializers.GlorotUniform, 'fill', lambda *args: pytest.fail('drawn'))
    monkeypatch.setattr(initializers.Zeros, '__call__', lambda *args, **kwargs: pytest.fail('made'))
    for name in ('m.h5', 'm.keras'):
        np.random.seed(5)
        before = np.random.get_state()[1].copy()
        model = load_model(tmp_path / name, compile=False)
        assert not any(v.waits for v in model.weights)
        np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_the_weights_of_a_configuration_are_those_that_would_have_been_drawn_at_once():
    text, config = network().to_json(), network().get_config()
    np.random.seed(3)
    now = Sequential.from_config(config).get_weights()
    np.random.seed(3)
    model = model_from_json(text)
    after = np.random.rand()
    assert all(v.waits for v in model.weights)
    for a, b in zip(now, reversed([v.numpy() for v in reversed(model.weights)])):
        np.testing.assert_array_equal(a, b)
    np.random.seed(3)
    Sequential.from_config(config)
    assert np.random.rand() == after


def test_a_weight_that_waits_may_be_used_in_any_way():
    model = model_from_json(Sequential([Dense(2, input_shape=(3,))]).to_json())
    kernel, bias = model.weights
    assert (kernel.shape, kernel.ndim, kernel.dtype, kernel.size) == ((3, 2), 2, 'float32', 6) and kernel.waits
    bias.assign([1, 2])
    assert not bias.waits and kernel.waits and bias.numpy().tolist() == [1, 2]
    np.testing.assert_allclose(model.predict(np.eye(3, dtype='float32')), kernel.numpy() + [1, 2], rtol=1e-6)
    with pytest.raises(AttributeError, match='nothing'):
        kernel.nothing()


# ---- names of built-ins
def test_a_registered_class_does_not_take_the_place_of_a_built_in():
    @register_keras_serializable('mine', 'Dense')
    class Other(Dense):
        pass

    config = {'module': 'keras.layers', 'class_name': 'Dense', 'config': {'units': 2}, 'registered_name': 'mine>Dense'}
    from fastkeras import layers
    assert type(layers.deserialize(config)) is Dense
    assert type(layers.deserialize({**config, 'module': None})) is Other
    assert type(layers.deserialize({'class_name': 'mine>Dense', 'config': {'units': 2}})) is Other
    with custom_object_scope({'Dense': Other}):         # said by the user, for these files
        assert type(layers.deserialize({'class_name': 'Dense', 'config': {'units': 2}})) is Other
