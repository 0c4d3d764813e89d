"""`ops.image` against what Keras 3 gave (see image_cases.py), gradients, and mistakes."""

import json

import numpy as np
import pytest

from fastkeras import ops

from .image_cases import CASES, FILE

RECORDED = json.loads(FILE.read_text())


@pytest.mark.parametrize('name', CASES)
def test_is_that_of_keras(name):
    op, args, attrs = CASES[name]
    made, want = np.asarray(getattr(ops.image, op)(*args, **attrs)), RECORDED[name]
    assert made.shape == tuple(want['shape']) and made.dtype.name == want['dtype']
    off = 1 if made.dtype.kind != 'f' else 0     # a value half way between two integers
    np.testing.assert_allclose(made.astype(float), np.reshape(want['values'], want['shape']), rtol=1e-5, atol=off or 1e-5)


@pytest.mark.parametrize('args,words', [
    (((2, 2), 'cubic'), "interpolation.*'cubic'"), ((2,), 'size'), (((2, 0),), 'size'),
    (((2, 2), 'bilinear', False, True, True), 'one of them at most'),
    (((2, 2), 'nearest', False, False, True, 'wrap'), 'fill_mode')])
def test_wrong_arguments_of_resize(args, words):
    with pytest.raises(ValueError, match=words):
        ops.image.resize(np.zeros((4, 4, 1), 'float32'), *args)


def test_images_have_rank_3_or_4():
    with pytest.raises(ValueError, match='rank 3'):
        ops.image.resize(np.zeros((4, 4), 'float32'), (2, 2))
