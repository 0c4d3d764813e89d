"""The sums that statistics are made of, in parts, against NumPy in float64."""

import numpy as np
import pytest

from fastkeras.preprocessing.image.statistics import Moments


def taken(x, axis, parts, covariance=False):
    moments = Moments(axis, covariance)
    for part in np.array_split(x, parts):
        moments.add(part)
    return moments


@pytest.mark.parametrize('axis', [1, 3])
@pytest.mark.parametrize('parts', [1, 3, 7])
def test_mean_and_deviation(axis, parts):
    x = np.random.default_rng(0).normal(5, 3, (7, 4, 5, 4))
    others = tuple(a for a in range(4) if a != axis)
    moments = taken(x, axis, parts)
    np.testing.assert_allclose(moments.mean, x.mean(others, keepdims=True)[0], rtol=1e-13)
    np.testing.assert_allclose(moments.std, x.std(others, keepdims=True)[0], rtol=1e-13)
    assert moments.count == 7 and moments.mean.shape == ((4, 1, 1) if axis == 1 else (1, 1, 4))


def test_a_deviation_that_is_small_beside_the_mean():
    """Sums of squares around zero would have lost it."""
    x = np.random.default_rng(1).normal(size=(50, 3, 3, 1)) * 1e-4 + 1e5
    np.testing.assert_allclose(taken(x, 3, 5).std, x.std((0, 1, 2), keepdims=True)[0], rtol=1e-5)
    assert taken(np.full((5, 2, 2, 1), .1), 3, 2).std == pytest.approx(0, abs=1e-15)        # never the root of less than 0


def test_images_are_not_changed():
    x = np.ones((4, 2, 2, 3))
    taken(x, 3, 2, covariance=True)
    assert (x == 1).all()


@pytest.mark.parametrize('centered', [True, False])
@pytest.mark.parametrize('divided', [True, False])
def test_whitening_is_that_of_the_images_as_they_are_then(centered, divided):
    x = np.random.default_rng(2).normal(3, 2, (80, 3, 2, 2))
    moments = taken(x, 3, 4, covariance=True)
    std = moments.std + 1e-6 if divided else None
    y = (x - (moments.mean if centered else 0)) / (std if divided else 1)
    flat = y.reshape(80, -1)
    values, vectors = np.linalg.eigh(flat.T @ flat / 80)
    want = vectors / np.sqrt(values + .1) @ vectors.T
    np.testing.assert_allclose(moments.whitening(.1, centered, std), want, atol=1e-12)
