"""Adaptive pooling against loops in float64."""

import itertools

import numpy as np
import pytest

from fastkeras import layers
from tests.layer_harness import run_layer_test


def adaptive(x, size, reduce):
    rank = x.ndim - 2
    y = np.zeros((x.shape[0], *size, x.shape[-1]))
    for place in itertools.product(*map(range, size)):
        cut = tuple(slice(p * n // m, -(-(p + 1) * n // m)) for p, n, m in zip(place, x.shape[1:-1], size))
        y[(slice(None), *place)] = reduce(x[(slice(None), *cut)], tuple(range(1, rank + 1)))
    return y


@pytest.mark.parametrize('rank, shape, sizes', [
    (1, (2, 7, 3), [3, (7,), 1]), (2, (2, 6, 7, 3), [(3, 4), 2, (6, 5)]), (3, (1, 4, 5, 6, 2), [(2, 3, 6), 2])])
def test_adaptive(rank, shape, sizes):
    for name, reduce in (('Average', np.mean), ('Max', np.max)):
        cls = getattr(layers, f'Adaptive{name}Pooling{rank}D')
        for size in sizes:
            full = (size,) * rank if isinstance(size, int) else size
            run_layer_test(cls, {'output_size': size}, shape, expected=lambda x, f=full, r=reduce: adaptive(x, f, r))


@pytest.mark.parametrize('make, words', [
    (lambda: layers.AdaptiveMaxPooling2D(0), ['output_size', '0']),
    (lambda: layers.AdaptiveMaxPooling2D((1, 2, 3)), ['output_size', '(1, 2, 3)']),
    (lambda: layers.AdaptiveAveragePooling1D(2)(np.ones((2, 3))), ['ndim=3', '(2, 3)'])])
def test_errors(make, words):
    with pytest.raises(ValueError) as error:
        make()
    for word in words:
        assert word in str(error.value), str(error.value)
