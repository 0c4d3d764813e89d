"""The streams: known answers of the generator, the mapping of elements, distributions, bad arguments."""

import numpy as np
import pytest
from scipy import stats

from fastkeras import ops
from fastkeras.ops.random import as_seed, philox

N = 100_000


def words(*values):
    return [np.array([v], np.uint64) for v in values]


@pytest.mark.parametrize('counter, key, result', [
    ((0, 0, 0, 0), (0, 0), (0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8)),
    ((0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344), (0xa4093822, 0x299f31d0),
     (0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1)),
])
def test_known_answers_of_philox(counter, key, result):
    """Those that the authors of the generator publish."""
    assert tuple(int(w[0]) for w in philox(words(*counter), words(*key))) == result


def test_an_element_is_the_word_of_its_counter():
    seed = np.array([7, 3], np.int32)
    u = ops.random_uniform((10,), seed=seed)
    for e in range(10):
        word = philox(words(e // 4, 0, 3, 0), words(7, 0))[e % 4][0]
        assert u[e] == np.float32((int(word) >> 8) * 2.0 ** -24)


def test_equal_seeds_equal_numbers():
    a, b, c = (ops.random_normal((50,), seed=s) for s in (5, 5, 6))
    np.testing.assert_array_equal(a, b)
    assert (a != c).all()
    assert (ops.random_uniform((50,), seed=(5, 0)) != ops.random_uniform((50,), seed=(5, 1))).all()


def test_a_longer_result_begins_with_the_shorter():
    np.testing.assert_array_equal(ops.random_uniform((1000,), seed=1)[:33], ops.random_uniform((33,), seed=1))


def test_no_seed_takes_one_from_numpy():
    np.random.seed(3)
    a = ops.random_uniform((5,))
    np.random.seed(3)
    np.testing.assert_array_equal(a, ops.random_uniform((5,)))


def test_distributions():
    assert stats.kstest(ops.random_uniform((N,), -1, 3, seed=1), stats.uniform(-1, 4).cdf).pvalue > 1e-3
    assert stats.kstest(ops.random_normal((N,), 2, 3, seed=2), stats.norm(2, 3).cdf).pvalue > 1e-3
    z = ops.truncated_normal((N,), 1, 0.5, seed=3)
    assert stats.kstest(z, stats.truncnorm(-2, 2, 1, 0.5).cdf).pvalue > 1e-3
    assert z.min() >= 0 and z.max() <= 2


def test_dropout():
    mask = ops.dropout_mask((N,), 0.3, seed=4)
    assert set(np.unique(mask)) == {np.float32(0), np.float32(1 / 0.7)}
    assert abs((mask == 0).mean() - 0.3) < 0.01
    x = np.ones((4, 5, 6), 'float32')
    y = ops.dropout(x, 0.5, noise_shape=(None, 1, None), seed=1)
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1], y.shape))
    np.testing.assert_array_equal(ops.dropout(x, 0.0), x)


def test_integers_and_classes():
    k = ops.random_integers((N,), -2, 5, seed=1)
    assert k.dtype == np.int32 and set(np.unique(k)) == set(range(-2, 5))
    p = np.array([[0.1, 0.2, 0.7]], 'float32')
    drawn = ops.random_categorical(np.log(p), N, seed=2)
    np.testing.assert_allclose(np.bincount(drawn[0]) / N, p[0], atol=0.01)
    assert abs(ops.random_bernoulli((N,), 0.2, seed=3).mean() - 0.2) < 0.01


def test_seeds():
    np.testing.assert_array_equal(as_seed(-1), [-1, -1])
    np.testing.assert_array_equal(as_seed(2 ** 32 + 5), [5, 1])


@pytest.mark.parametrize('call, word', [
    (lambda: ops.random_uniform((2,), seed=np.zeros(3, np.int32)), 'seed'),
    (lambda: ops.random_uniform((-1,), seed=1), 'shape'),
    (lambda: ops.random_uniform((2.5,), seed=1), 'shape'),
    (lambda: ops.dropout(np.ones(3, 'float32'), 1.0), 'rate'),
    (lambda: ops.dropout_mask((3,), -0.1, seed=1), 'rate'),
    (lambda: ops.dropout(np.ones((3, 2), 'float32'), 0.5, noise_shape=(3,)), 'noise_shape'),
])
def test_bad_arguments(call, word):
    with pytest.raises(ValueError, match=word):
        call()
