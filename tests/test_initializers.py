"""Initializers: their statistics, fans and seeds."""

import numpy as np
import pytest

from fastkeras import config, generation, initializers
from fastkeras.utils import seed

LARGE = (400, 500)


def deviation(x):
    return float(np.std(np.asarray(x, 'float64')))


# scale / n for a Dense kernel of 400 inputs and 500 outputs
SCALED = {
    'glorot_uniform': 1 / 450,
    'glorot_normal': 1 / 450,
    'he_uniform': 2 / 400,
    'he_normal': 2 / 400,
    'lecun_uniform': 1 / 400,
    'lecun_normal': 1 / 400,
}


@pytest.mark.parametrize('name', SCALED)
def test_scaled(name):
    x = initializers.get(name)(LARGE)
    assert x.dtype == 'float32' and x.shape == LARGE
    assert deviation(x) == pytest.approx(np.sqrt(SCALED[name]), rel=0.01)
    assert abs(x.mean()) < 4 * np.sqrt(SCALED[name] / x.size)
    limit = np.sqrt(SCALED[name]) * (np.sqrt(3) if 'uniform' in name else 2 / 0.87962566103423978)
    assert limit * 0.99 < np.abs(x).max() <= limit * (1 + 1e-6)


@pytest.mark.parametrize(
    'shape,fans',
    [
        ((), (1, 1)),
        ((7,), (7, 7)),
        ((3, 5), (3, 5)),
        ((2, 3, 5), (6, 10)),
        ((3, 3, 4, 8), (36, 72)),
        ((2, 3, 4, 5, 6), (120, 144)),
    ],
)
def test_fans(shape, fans):
    assert initializers.compute_fans(shape) == fans


def test_axes_of_fans():
    assert initializers.compute_fans((2, 3, 5), input_axes=[0], output_axes=(1, 2)) == (2, 15)
    x = initializers.HeNormal(input_axes=1)((500, 400))
    assert deviation(x) == pytest.approx(np.sqrt(2 / 400), rel=0.01)


@pytest.mark.parametrize('mode,n', [('fan_in', 400), ('fan_out', 500), ('fan_avg', 450)])
@pytest.mark.parametrize('distribution', ['normal', 'truncated_normal', 'untruncated_normal', 'uniform'])
def test_variance_scaling(mode, n, distribution):
    x = initializers.VarianceScaling(3.0, mode, distribution)(LARGE)
    assert deviation(x) == pytest.approx(np.sqrt(3 / n), rel=0.01)


def test_plain_distributions():
    x = initializers.RandomNormal(1.0, 0.5)(LARGE)
    assert x.mean() == pytest.approx(1.0, abs=0.01) and deviation(x) == pytest.approx(0.5, rel=0.01)
    x = initializers.TruncatedNormal(1.0, 0.5)(LARGE)
    assert np.abs(x - 1).max() <= 1.0 and deviation(x) == pytest.approx(0.5 * 0.87962566, rel=0.01)
    x = initializers.RandomUniform(-1, 3)(LARGE)
    assert x.min() >= -1 and x.max() <= 3 and deviation(x) == pytest.approx(4 / np.sqrt(12), rel=0.01)


@pytest.mark.parametrize('shape', [(6, 4), (4, 6), (5, 5), (3, 3, 2, 7), (2, 30)])
def test_orthogonal(shape):
    q = initializers.Orthogonal(gain=2.0)(shape, 'float64').reshape(-1, shape[-1])
    small = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-12)


def test_constants():
    np.testing.assert_array_equal(initializers.get('zeros')((2, 2)), np.zeros((2, 2)))
    np.testing.assert_array_equal(initializers.get('one')(3), np.ones(3))
    np.testing.assert_array_equal(initializers.Constant(2.5)((2,)), [2.5, 2.5])
    np.testing.assert_array_equal(initializers.get(np.arange(4.0))((2, 2)), [[0, 1], [2, 3]])
    np.testing.assert_array_equal(initializers.Identity(3.0)((2, 3)), [[3, 0, 0], [0, 3, 0]])
    assert initializers.get('zeros')((2,), 'int32').dtype == 'int32'
    config.set_floatx('float64')
    try:
        assert initializers.get('glorot_uniform')((2, 2)).dtype == 'float64'
    finally:
        config.set_floatx('float32')


RANDOM = [
    'glorot_uniform',
    'he_normal',
    'random_normal',
    'random_uniform',
    'truncated_normal',
    'orthogonal',
    'variance_scaling',
]


@pytest.mark.parametrize('name', RANDOM)
def test_seeds(name):
    make = getattr(initializers, name)
    a, b = make(seed=3), make(seed=3)
    np.testing.assert_array_equal(a((4, 5)), b((4, 5)))
    np.testing.assert_array_equal(a((4, 5)), b((4, 5)))  # the same again, as in Keras
    assert not np.array_equal(a((4, 5)), make(seed=4)((4, 5)))
    free = make()
    assert not np.array_equal(free((4, 5)), free((4, 5)))
    draws = []
    for reset in (lambda: seed.set_random_seed(11), lambda: np.random.seed(11)):
        reset()
        draws.append([free((4, 5)), free((4, 5))])
    np.testing.assert_array_equal(draws[0], draws[1])
    again = initializers.deserialize(initializers.serialize(a))
    np.testing.assert_array_equal(again((4, 5)), a((4, 5)))


def test_written_form_goes_by_generation():
    glorot = initializers.get('glorot_uniform')
    two = {
        'class_name': 'VarianceScaling',
        'config': {'scale': 1.0, 'mode': 'fan_avg', 'distribution': 'uniform', 'seed': None},
    }
    assert initializers.serialize(glorot) == two
    assert initializers.get(two).mode == 'fan_avg'
    with generation.scope(3):
        three = {
            'module': 'keras.initializers',
            'class_name': 'GlorotUniform',
            'registered_name': None,
            'config': {'seed': None, 'input_axes': None, 'output_axes': None},
        }
        assert initializers.serialize(glorot) == three
        assert initializers.serialize(initializers.he_normal())['config'] == three['config']
        truncated = initializers.serialize(initializers.VarianceScaling())['config']['distribution']
        assert truncated == 'truncated_normal'
    assert type(initializers.get(three)) is initializers.GlorotUniform
    assert type(glorot.clone()) is initializers.GlorotUniform


def test_names():
    for name, cls in (
        ('normal', 'RandomNormal'),
        ('uniform', 'RandomUniform'),
        ('identity', 'Identity'),
        ('Zeros', 'Zeros'),
        ('OrthogonalInitializer', 'Orthogonal'),
        ('lecun_normal', 'LecunNormal'),
    ):
        assert type(initializers.get(name)).__name__ == cls

    def mine(shape, dtype=None):
        return np.ones(shape)

    assert initializers.get(mine) is mine
    with pytest.raises(ValueError, match="Unknown initializer: 'glorot_unifrom'.*'glorot_uniform'"):
        initializers.get('glorot_unifrom')


@pytest.mark.parametrize(
    'call',
    [
        lambda: initializers.VarianceScaling(0.0),
        lambda: initializers.VarianceScaling('1'),
        lambda: initializers.VarianceScaling(float('inf')),
        lambda: initializers.Constant('a'),
        lambda: initializers.Constant([1, None]),
        lambda: initializers.RandomNormal(mean='0'),
        lambda: initializers.RandomNormal(stddev=float('nan')),
        lambda: initializers.TruncatedNormal(stddev=-1.0),
        lambda: initializers.RandomUniform('0', 1),
        lambda: initializers.RandomUniform(0, float('inf')),
        lambda: initializers.Orthogonal('1'),
        lambda: initializers.Identity(gain=None),
        lambda: initializers.VarianceScaling(mode='fan'),
        lambda: initializers.VarianceScaling(distribution='flat'),
        lambda: initializers.Identity()((2, 2, 2)),
        lambda: initializers.Orthogonal()((3,)),
        lambda: initializers.Constant([1, 2])((3,)),
        lambda: initializers.Ones()((2, -1)),
        lambda: initializers.Ones()('ab'),
        lambda: initializers.RandomNormal(seed=1.5),
        lambda: seed.set_random_seed(-1),
    ],
)
def test_refuses(call):
    with pytest.raises(ValueError, match='expected'):
        call()


@pytest.mark.parametrize('side', ['real', 'imag'])
@pytest.mark.parametrize('window, scaling, periodic', [
    ('hann', 'density', False), ('hamming', 'spectrum', True), (None, None, False), ('blackman', None, True)])
def test_stft_kernels_transform(side, window, scaling, periodic):
    made = initializers.STFT(side, window, scaling, periodic)
    kernel = made((8, 1, 5))
    assert kernel.shape == (8, 1, 5) and kernel.dtype == np.float32
    n = 8 if periodic else 7
    t = 2 * np.pi * np.arange(8) / n
    w = {'hann': 0.5 - 0.5 * np.cos(t), 'hamming': 0.54 - 0.46 * np.cos(t), None: np.ones(8),
         'blackman': 0.42 - 0.5 * np.cos(t) + 0.08 * np.cos(2 * t)}[window]
    scale = {'density': np.sqrt(np.sum(w * w)), 'spectrum': w.sum(), None: 1}[scaling]
    want = np.fft.rfft(np.eye(8) * w[:, None] / scale)
    np.testing.assert_allclose(kernel[:, 0], want.real if side == 'real' else want.imag, atol=1e-6)
    assert initializers.deserialize(initializers.serialize(made)).get_config() == made.get_config()


def test_stft_mistakes():
    for call in (lambda: initializers.STFT('left'), lambda: initializers.STFT(window='flat'),
                 lambda: initializers.STFT(scaling='x'), lambda: initializers.STFT()((4, 2, 3)),
                 lambda: initializers.STFT(window=np.ones(3))((4, 1, 3))):
        with pytest.raises(ValueError, match='STFT'):
            call()

