"""The layer Merge of Keras 1 over models, and Sequential models that begin with one."""

import h5py
import numpy as np
import pytest

from fastkeras import layers
from fastkeras.layers import Dense, Dropout, Input, Merge
from fastkeras.models import Model, Sequential, clone_model, load_model, model_from_json

A, B = np.random.RandomState(0).normal(size=(2, 8, 3)).astype('float32')
Y = A.sum(1, keepdims=True)

pytestmark = pytest.mark.filterwarnings('ignore:Update your')


def _branches():
    left = Sequential([Dense(4, input_shape=(3,), activation='tanh')])
    right = Sequential()
    right.add(Dense(5, input_dim=3))
    right.add(Dropout(0.1))
    right.add(Dense(4))
    return left, right


def _joined(mode='concat', **arguments):
    left, right = _branches()
    model = Sequential()
    model.add(Merge([left, right], mode=mode, **arguments))
    model.add(Dense(1))
    return model, left, right


def test_it_computes_what_its_models_give():
    model, left, right = _joined()
    kernel, bias = model.layers[-1].get_weights()
    expected = np.concatenate([left.predict(A), right.predict(B)], -1) @ kernel + bias
    np.testing.assert_allclose(model.predict([A, B]), expected, rtol=1e-5, atol=1e-6)
    assert model.input_shape == [(None, 3), (None, 3)] and model.output_shape == (None, 1)
    assert model.predict_classes([A, B]).shape == (8, 1)


def test_training_changes_the_models():
    model, left, right = _joined()
    model.compile('sgd', 'mse')
    before = left.get_weights() + right.get_weights()
    first = model.evaluate([A, B], Y, verbose=0)
    model.fit([A, B], Y, epochs=20, verbose=0)
    assert model.evaluate([A, B], Y, verbose=0) < first
    assert all((b != a).any() for b, a in zip(before, left.get_weights() + right.get_weights()))


@pytest.mark.parametrize('mode, shape', [('sum', (None, 4)), ('mul', (None, 4)), ('ave', (None, 4)), ('max', (None, 4)),
                                         ('concat', (None, 8)), ('dot', (None, 1)), ('cos', (None, 1, 1))])
def test_modes(mode, shape):
    model = Sequential([Merge(_branches(), mode=mode, dot_axes=1)])
    assert model.output_shape == shape and model.predict([A, B]).shape == (8, *shape[1:])


def test_a_function_as_mode():
    left, right = _branches()
    model = Sequential([Merge([left, right], mode=lambda xs: xs[0] - xs[1], output_shape=lambda shapes: shapes[0])])
    np.testing.assert_allclose(model.predict([A, B]), left.predict(A) - right.predict(B), rtol=1e-5, atol=1e-6)


def test_models_of_merges_in_a_merge():
    inner, left, right = _joined()
    other = Sequential([Dense(1, input_shape=(3,))])
    model = Sequential([Merge([inner, other], mode='sum')])
    np.testing.assert_allclose(model.predict([A, B, A]), inner.predict([A, B]) + other.predict(A), rtol=1e-5, atol=1e-6)


def test_one_model_twice_has_one_input():
    left, _ = _branches()
    model = Sequential([Merge([left, left], mode='sum')])
    np.testing.assert_allclose(model.predict(A), 2 * left.predict(A), rtol=1e-5)
    assert len(model.weights) == 2


def test_layers_that_say_their_input_and_functional_models():
    x = Input((2,))
    given = Merge([Dense(3, input_dim=4), Model(x, Dense(3)(x))], mode='mul')
    assert given.input_shape == [(None, 4), (None, 2)] and given.output_shape == (None, 3)


def test_without_layers_it_is_the_layer_of_today():
    with pytest.warns(UserWarning, match=r'Update your `Merge` call to the Keras 2 API: `Concatenate\(axis=1\)`'):
        layer = Merge(mode='concat', concat_axis=1)
    assert type(layer) is layers.Concatenate and layer([Input((2,)), Input((3,))]).shape == (None, 5)


@pytest.mark.parametrize('ending', ['.h5', '.keras'])
def test_files(tmp_path, ending):
    model, _, _ = _joined()
    model.compile('adam', 'mse')
    model.train_on_batch([A, B], Y)
    model.save(tmp_path / f'model{ending}')
    again = load_model(tmp_path / f'model{ending}')
    np.testing.assert_allclose(again.predict([A, B]), model.predict([A, B]), rtol=1e-6)
    assert again.evaluate([A, B], Y, verbose=0) == pytest.approx(model.evaluate([A, B], Y, verbose=0))


@pytest.mark.parametrize('copied', [lambda m: model_from_json(m.to_json()), clone_model,
                                    lambda m: Sequential.from_config(m.get_config())])
def test_copies(copied):
    model, _, _ = _joined()
    again = copied(model)
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again.predict([A, B]), model.predict([A, B]), rtol=1e-6)


def test_files_of_weights_have_one_model_after_the_other(tmp_path):
    """As Keras 1 wrote them, whose programs build the model and then load its weights."""
    model, left, right = _joined()
    model.save_weights(tmp_path / 'weights.h5')
    with h5py.File(tmp_path / 'weights.h5') as file:
        names = [n if isinstance(n, str) else n.decode() for n in file.attrs['layer_names']]
    wanted = [layer.name for layer in [*left.layers, *right.layers, *model.layers[-2:]]]
    assert [n for n in names if n in wanted] == wanted
    again, _, _ = _joined()
    again.load_weights(tmp_path / 'weights.h5')
    np.testing.assert_allclose(again.predict([A, B]), model.predict([A, B]), rtol=1e-6)


def test_pop_and_add():
    model, _, _ = _joined()
    model.pop()
    assert model.output_shape == (None, 8)
    model.add(Dense(2))
    assert model.predict([A, B]).shape == (8, 2)


def test_summary_shows_the_connections(capsys):
    _joined()[0].summary()
    assert 'Connected to' in capsys.readouterr().out


@pytest.mark.parametrize('layers, words', [
    ([Input((3,)), Dense(2, input_dim=3)], 'expected layers or models, got Tensor'),
    ([Dense(2, input_dim=3)], 'at least two layers or models'),
    ([Dense(3), Dense(3, input_dim=2)], 'its first layer an input_shape'),
    ([Sequential([Dense(2)]), Dense(2, input_dim=3)], 'its first layer an input_shape')])
def test_mistakes(layers, words):
    with pytest.raises(ValueError, match=words):
        Merge(layers)
