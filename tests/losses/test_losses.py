"""Losses against numbers recorded from Keras 2.2.4 and Keras 3, and against formulas in float64."""

import numpy as np
import pytest

from fastkeras import generation, losses, ops
from fastkeras.compiler.autodiff import gradients
from fastkeras.runtime import Function

from ..parity import record_parts
from ..parity.recorded import KERAS2, KERAS3, arrays


@pytest.mark.parametrize('name', KERAS2['losses'])
def test_functions_follow_keras2(name):
    expected = np.array(KERAS2['losses'][name])
    given = arrays(record_parts.LOSSES[name])
    got = getattr(losses, name)(*given)
    assert np.shape(got) == expected.shape
    np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-6)
    traced = Function(lambda y, p: losses.get(name)(y, p))(*given)
    np.testing.assert_allclose(traced, expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(
    'name,kwargs,args,plain,weighted', KERAS3['losses'], ids=[f'{c[0]}-{i}' for i, c in enumerate(KERAS3['losses'])]
)
def test_classes_follow_keras3(name, kwargs, args, plain, weighted):
    loss = getattr(losses, name)(**kwargs)
    given = arrays(args)
    np.testing.assert_allclose(loss(*given), plain, rtol=2e-5, atol=2e-6)
    if name not in ('Dice', 'Tversky'):
        np.testing.assert_allclose(loss(*given, sample_weight=arrays('weights')[0]), weighted, rtol=2e-5, atol=2e-6)
    for form in (2, 3):
        with generation.scope(form):
            again = losses.deserialize(losses.serialize(loss))
        assert type(again) is type(loss) and again.get_config() == loss.get_config()
        np.testing.assert_allclose(again(*given), plain, rtol=2e-5, atol=2e-6)


CHECKED = {
    **record_parts.LOSSES,
    'huber': 'y x',
    'binary_focal_crossentropy': 'binary p',
    'categorical_focal_crossentropy': 'one_hot p',
    'dice': 'binary p',
    'tversky': 'binary p',
}


@pytest.mark.parametrize('name', CHECKED)
def test_gradients(name):
    """Against differences of the loss itself in float64."""
    function = getattr(losses, name)
    y, p = (a.astype('float64') for a in arrays(CHECKED[name]))

    def gradient(y, p):
        return gradients(ops.sum(function(y, p)), [p])[0]

    got = Function(gradient)(y, p)
    step = 1e-6
    expected = np.zeros_like(p)
    for i in np.ndindex(p.shape):
        up, down = p.copy(), p.copy()
        up[i] += step
        down[i] -= step
        expected[i] = (np.sum(function(y, up)) - np.sum(function(y, down))) / (2 * step)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)


def test_extremes_stay_finite():
    p = np.array([[0.0, 1.0], [1.0, 0.0]], 'float32')
    wrong = p[:, ::-1].copy()
    for name in (
        'binary_crossentropy',
        'categorical_crossentropy',
        'kullback_leibler_divergence',
        'poisson',
        'mean_absolute_percentage_error',
        'mean_squared_logarithmic_error',
        'cosine_proximity',
    ):
        assert np.isfinite(getattr(losses, name)(wrong, p)).all(), name
    assert np.isfinite(losses.sparse_categorical_crossentropy(np.array([[0], [1]]), p)).all()
    np.testing.assert_allclose(losses.categorical_crossentropy(wrong, p), -np.log(1e-7), rtol=1e-5)
    big = np.array([[90.0, -90.0]], 'float32')
    np.testing.assert_allclose(losses.binary_crossentropy(np.array([[0.0, 1.0]]), big, from_logits=True), [90.0])


def test_hinge_takes_both_kinds_of_labels():
    x = arrays('x')[0]
    signs = np.sign(x)
    np.testing.assert_allclose(losses.hinge((signs + 1) / 2, x), losses.hinge(signs, x))


def test_ranks_and_types():
    y, p = np.array([1, 2, 3]), np.array([[1.5], [2.5], [3.0]], 'float32')
    np.testing.assert_allclose(losses.mse(y, p), [0.25, 0.25, 0.0])
    assert losses.mse(y[:, None], p[:, 0]).shape == ()
    assert losses.sparse_categorical_crossentropy(np.zeros((2, 3)), np.full((2, 3, 4), 0.25, 'float32')).shape == (2, 3)
    assert losses.sparse_categorical_crossentropy(np.zeros((2, 3, 1)), np.full((2, 3, 4), 0.25)).shape == (2, 3)
    channels = np.random.RandomState(0).uniform(0.1, 1, (2, 4, 3))
    np.testing.assert_allclose(
        losses.sparse_categorical_crossentropy(np.array([[0, 1, 3], [2, 2, 1]]), channels, axis=1),
        losses.sparse_categorical_crossentropy(np.array([[0, 1, 3], [2, 2, 1]]), np.moveaxis(channels, 1, -1)),
        rtol=1e-6,
    )


def test_names():
    assert losses.get('mse') is losses.mean_squared_error
    assert losses.get('KLD') is losses.get('kl_divergence') is losses.kullback_leibler_divergence
    assert losses.get('log_cosh') is losses.logcosh and losses.get('cosine') is losses.cosine_similarity
    assert isinstance(losses.get('Huber'), losses.Huber) and losses.get(None) is None

    def mine(y, p):
        return p

    assert losses.get(mine) is mine
    assert losses.serialize(losses.kl_divergence) == 'kullback_leibler_divergence'
    with generation.scope(3):
        assert losses.serialize(losses.kl_divergence) == 'kl_divergence'
        assert losses.serialize(losses.Huber())['module'] == 'keras.losses'
    with pytest.raises(ValueError, match="Unknown loss: 'mean_square_error'.*mean_squared_error"):
        losses.get('mean_square_error')
    with pytest.raises(ValueError, match='reduction'):
        losses.MeanSquaredError(reduction='average')


def test_custom_loss_class():
    class Quartic(losses.Loss):
        def call(self, y_true, y_pred):
            return ops.mean(ops.power(y_pred - y_true, 4.0), axis=-1)

    assert float(Quartic()(np.zeros((2, 2), 'float32'), np.full((2, 2), 2.0, 'float32'))) == 16.0
    assert Quartic().name == 'quartic'


def test_integer_targets_for_one_hot_loss():
    with pytest.raises(ValueError) as error:
        losses.check_target((1536, 1), (None, 3), losses.categorical_crossentropy, 'dense_1')
    text = str(error.value)
    assert text.startswith(
        'You are passing a target array of shape (1536, 1) while using as loss '
        '`categorical_crossentropy`. `categorical_crossentropy` expects targets to be binary matrices '
        '(1s and 0s) of shape (samples, classes). If your targets are integer classes, you can '
        'convert them to the expected format via:\nfrom keras.utils.np_utils import to_categorical\n'
        'y_binary = to_categorical(y_int)\n'
    )
    with pytest.raises(ValueError, match='binary matrices'):
        losses.check_target((5, 1), (None, 3), losses.CategoricalCrossentropy())


@pytest.mark.parametrize(
    'y,out,loss,fits',
    [
        ((5, 3), (None, 3), 'categorical_crossentropy', True),
        ((5, 4), (None, 3), 'categorical_crossentropy', False),
        ((5, 4), (None, 3), 'mse', False),
        ((5, 3), (None, None), 'mse', True),
        ((5,), (None, 1), 'mse', True),
        ((5, 3, 1), (None, 3), 'mse', True),
        ((5, 2, 1), (None, 3), 'mse', False),
        ((5, 3, 2), (None, 3), 'mse', False),
        ((5, 1), (None, 3), 'sparse_categorical_crossentropy', True),
        ((5,), (None, 3), 'sparse_categorical_crossentropy', True),
        ((5, 3), (None, 3), 'sparse_categorical_crossentropy', False),
        ((5, 7), (None, 3), 'mae', True),
        ((5, 9, 1), (None, 9, 3), 'sparse_categorical_crossentropy', True),
        ((5, 9), (None, 9, 3), 'sparse_categorical_crossentropy', True),
    ],
)
def test_shapes_of_targets(y, out, loss, fits):
    if fits:
        losses.check_target(y, out, losses.get(loss), 'out')
    else:
        with pytest.raises(ValueError, match="output 'out': expected"):
            losses.check_target(y, out, losses.get(loss), 'out')


def test_labels_out_of_range():
    sparse = losses.sparse_categorical_crossentropy
    losses.check_labels(np.array([0, 2, 1]), 3, sparse)
    losses.check_labels(np.array([0.0, 2.0]), 3, sparse)
    losses.check_labels(np.array([]), 3, sparse)
    losses.check_labels(np.array([9]), 3, losses.mse)
    losses.check_labels(np.array([0, -1]), 3, losses.SparseCategoricalCrossentropy(ignore_class=-1))
    for bad in ([0, 3], [-1, 0], [float('nan')], [0.5]):
        with pytest.raises(ValueError, match="output 'out': expected"):
            losses.check_labels(np.array(bad), 3, sparse, 'out')
