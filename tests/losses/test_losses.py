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
    with pytest.raises(ValueError, match="Unknown loss function: 'mean_square_error'.*mean_squared_error"):
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


TAILS = np.linspace(-100, 100, 401)


def _binary_by_hand(t, logit, gamma=0.0):
    """(loss, its slope by the logit) in float64."""
    yes, no = 1 / (1 + np.exp(-logit)), 1 / (1 + np.exp(logit))
    missed = t * no + (1 - t) * yes
    loss = t * np.logaddexp(0, -logit) + (1 - t) * np.logaddexp(0, logit)
    slope = (1 - t) * yes - t * no
    return missed ** gamma * loss, (missed ** gamma * slope
                                    + gamma * missed ** (gamma - 1) * (1 - 2 * t) * yes * no * loss)


@pytest.mark.parametrize('t', [0.0, 1.0, 0.1, 0.95])
@pytest.mark.parametrize('name,kwargs,gamma', [
    ('binary_crossentropy', {}, 0.0), ('binary_focal_crossentropy', {}, 2.0),
    ('binary_focal_crossentropy', {'gamma': 0.5}, 0.5), ('binary_focal_crossentropy', {'gamma': 0.0}, 0.0)])
@pytest.mark.parametrize('way', ['logits', 'sigmoid'])
def test_binary_losses_are_exact_in_both_tails(name, kwargs, gamma, t, way):
    def both(y, logits):
        y_pred = logits if way == 'logits' else ops.sigmoid(logits)
        loss = getattr(losses, name)(y, y_pred, from_logits=way == 'logits', **kwargs)
        return loss, gradients(ops.sum(loss), [logits])[0]

    logits = TAILS.astype('float32')[:, None]
    y = np.full_like(logits, t)
    loss, slope = Function(both)(y, logits)
    expected, expected_slope = _binary_by_hand(y[:, 0].astype('float64'), logits[:, 0].astype('float64'), gamma)
    # what is below the smallest normal number, also on the way, is as good as 0
    np.testing.assert_allclose(loss, expected, rtol=3e-6, atol=1e-36)
    np.testing.assert_allclose(slope[:, 0], expected_slope, rtol=3e-6, atol=2e-7 if 0 < t < 1 else 1e-29)


def test_label_smoothing_is_exact_in_both_tails():
    logits = TAILS.astype('float32')[:, None]
    for y in 0.0, 1.0:
        got = losses.binary_crossentropy(np.full_like(logits, y), logits, from_logits=True, label_smoothing=0.1)
        np.testing.assert_allclose(got, _binary_by_hand(y * 0.9 + 0.05, TAILS)[0], rtol=3e-6)


def test_small_probabilities_and_errors_are_not_lost_beside_one():
    p = np.float32([[1e-6], [3e-5], [1e-3]])
    np.testing.assert_allclose(losses.binary_crossentropy(np.zeros_like(p), p), -np.log1p(-p[:, 0].astype('float64')),
                               rtol=1e-6)
    np.testing.assert_allclose(losses.binary_crossentropy(np.ones_like(p), 1 - p),
                               -np.log((1 - p)[:, 0].astype('float64')), rtol=1e-6)
    np.testing.assert_allclose(losses.logcosh(np.zeros_like(p), p), np.log(np.cosh(p[:, 0].astype('float64'))), rtol=1e-3)
    far = np.float32([[-1e30], [-200], [-1.5], [-0.999], [-1e-4], [0], [1e-4], [1.0], [50], [1e30]])
    wide = far[:, 0].astype('float64')
    np.testing.assert_allclose(losses.logcosh(np.zeros_like(far), far),
                               np.logaddexp(wide, -wide) - np.log(2) + (np.abs(wide) < 1e-2) * (
                                   wide ** 2 / 2 - np.logaddexp(wide, -wide) + np.log(2)), rtol=1e-6)
    slope = Function(lambda x: gradients(ops.sum(losses.logcosh(x * 0.0, x)), [x])[0])(far)
    np.testing.assert_allclose(slope, np.tanh(wide)[:, None], rtol=1e-6)
    np.testing.assert_allclose(losses.msle(np.zeros_like(p), p),
                               np.square(np.log1p(p[:, 0].astype('float64')) - np.log1p(1e-7)), rtol=1e-5)


def test_categorical_focal_is_exact_where_the_prediction_is_sure():
    logits = np.float32([[0, z] for z in (-50, -20, -5, 0, 5, 20, 25)])
    y = np.float32([[0, 1]] * len(logits))
    wide = logits[:, 1].astype('float64')
    expected = 0.25 * (1 / (1 + np.exp(wide))) ** 2 * np.logaddexp(0, -wide)
    np.testing.assert_allclose(losses.categorical_focal_crossentropy(y, logits, from_logits=True), expected, rtol=1e-5)


@pytest.mark.parametrize('classes', [3, 40])
def test_crossentropy_of_a_sure_prediction_is_exact(classes):
    gaps = np.arange(0, 80, 0.5)
    x = np.full((len(gaps), classes), -300, 'float32')
    x[:, -1], x[:, 0] = gaps + 1, 1
    np.testing.assert_allclose(losses.sparse_categorical_crossentropy(np.full(len(gaps), classes - 1), x, from_logits=True),
                               np.log1p(np.exp(-gaps)), rtol=1e-6)
    equal = np.full((1, classes), 7, 'float32')
    np.testing.assert_allclose(ops.log_softmax(equal), -np.log(classes), rtol=1e-6)


@pytest.mark.parametrize('dtype', ['float32', 'float64'])
@pytest.mark.parametrize('classes', [3, 40])
def test_crossentropy_of_the_largest_logits_is_finite(classes, dtype):
    top = float(np.finfo(dtype).max)
    x = np.zeros((2, classes), dtype)
    x[:, 0], x[:, 1] = -top, top
    y = np.eye(classes, dtype=dtype)[[0, 1]]
    expected = [top, 0]
    for loss in (lambda x: losses.categorical_crossentropy(y, x, from_logits=True),
                 lambda x: losses.sparse_categorical_crossentropy(np.array([0, 1]), x, from_logits=True)):
        np.testing.assert_array_equal(loss(x), expected)
        slope = Function(lambda x, loss=loss: gradients(ops.sum(loss(x) * 1e-3), [x])[0])(x)
        assert np.isfinite(slope).all()
    x[0, 0], x[1, 1] = -np.inf, np.inf
    np.testing.assert_array_equal(ops.log_softmax(x)[0, :2], [-np.inf, 0])
    assert np.isnan(ops.log_softmax(x)[1]).all()


def test_ctc():
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((3, 6, 4)).astype('float32'), np.array([[1, 2, 0], [3, 3, 1], [0, 0, 0]])
    want = ops.ctc_loss(labels, logits, np.array([2, 3, 0], 'int32'), np.array([6, 6, 6], 'int32'))
    np.testing.assert_allclose(losses.ctc(labels, logits), want, rtol=1e-6)
    np.testing.assert_allclose(losses.CTC()(labels, logits), np.mean(want), rtol=1e-6)
    assert losses.get('CTC').name == 'ctc' and losses.get('ctc') is losses.ctc
    with pytest.raises(ValueError, match='ctc: expected'):
        losses.ctc(labels, logits[0])
