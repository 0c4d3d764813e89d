"""The convolution in the Winograd domain: against float64, on every instruction set, and bitwise where promised."""
import numpy as np
import pytest
import step
from sweep import check_endings, double_plus_channel
from test_conv import both_thread_counts
from windows import taps

RNG = np.random.default_rng(7)
NAMES = ['n', 'h', 'w', 'c', 'oh', 'ow', 'oc', 'pt', 'pl']
SHAPES = [
    (1, 4, 4, 1, 4, 4, 1, 1, 1),
    (2, 7, 7, 17, 7, 7, 33, 1, 1),
    (2, 7, 9, 33, 5, 7, 17, 0, 0),
    (1, 5, 6, 20, 7, 8, 130, 2, 2),  # the gradient of 'valid'
    (1, 8, 8, 5, 7, 9, 40, 0, 2),
    (1, 6, 6, 3, 12, 11, 8, 4, 3),  # windows wholly in the padding
    (1, 10, 9, 4, 5, 6, 8, -2, -1),  # parts of the image that no output reads
    (3, 13, 14, 65, 13, 14, 64, 1, 1),  # two blocks of k
    (1, 6, 270, 4, 6, 270, 5, 1, 1),  # rows of tiles in parts
    (40, 4, 4, 3, 4, 4, 6, 1, 1),  # blocks over several images
    (1, 36, 132, 16, 36, 132, 16, 1, 1),  # filters that stay for several blocks
    (1, 36, 132, 300, 36, 132, 8, 1, 1),  # in blocks of k where vectors are short
    (1, 4, 5, 1024, 4, 5, 4, 1, 1),
    (1, 16, 16, 4, 16, 16, 1000, 1, 1),
    (32, 14, 18, 16, 12, 12, 16, 0, 0),  # many blocks of many rows that leave columns of the image out
    (200, 18, 18, 16, 14, 14, 16, -1, -1),
    (0, 5, 5, 16, 5, 5, 16, 1, 1),
    (1, 2, 5, 3, 0, 3, 2, 0, 0),
]


def geometry(shape):
    return {**dict(zip(NAMES, shape)), 'side': 3}


def arrays(g):
    x, w = (g['n'], g['h'], g['w'], g['c']), (3, 3, g['c'], g['oc'])
    return [RNG.normal(size=s).astype(np.float32) for s in (x, w)]


def exact(g, x, w):
    y = np.zeros((g['n'], g['oh'], g['ow'], g['oc']))
    for i, j, out, inside in taps({**g, 'kh': 3, 'kw': 3, 'sh': 1, 'sw': 1, 'dh': 1, 'dw': 1}):
        y[out] += x[inside].astype(np.float64) @ w[i, j].astype(np.float64)
    return y


@pytest.mark.parametrize('turned', [0, 1])
@pytest.mark.parametrize('shape', SHAPES, ids=str)
def test_against_float64(shape, turned):
    g = geometry(shape)
    x, w = arrays(g)
    y = exact(g, x, w)
    stored = np.ascontiguousarray(w[::-1, ::-1].transpose(0, 1, 3, 2)) if turned else w
    for isa in step.ISAS:
        for bias, extra in ((0, {}), double_plus_channel(g['oc'])):
            wanted = 2 * y + bias if extra else y
            found = both_thread_counts('winograd', [x, stored], y.shape, isa, {**g, 'turned': turned, 'depth': 0}, extra)
            assert np.abs(found - wanted).max(initial=0) <= 3e-6 * np.abs(wanted).max(initial=0)


@pytest.mark.parametrize('isa', step.ISAS)
@pytest.mark.parametrize('shape, depth', [((1, 7, 7, 200, 7, 7, 33, 1, 1), 200), ((2, 9, 6, 384, 9, 6, 70, 1, 1), 384),
                                          ((1, 8, 7, 512, 8, 7, 40, 1, 1), 256), ((1, 9, 9, 640, 9, 9, 20, 1, 1), 128)])
def test_packed_filters_give_the_same_bits(isa, shape, depth):
    g = {**geometry(shape), 'turned': 0}
    x, w = arrays(g)
    c, oc = g['c'], g['oc']
    how = {'batch': 9 * c // depth, 'k': depth, 'n': oc, 'ld': oc, 'trans': 0, 'src_batch': depth * oc}
    packed = np.empty((how['batch'], step.parts('pack_b', isa, **how)), np.float32)
    step.run('pack_b', [w, packed], isa=isa, **how)
    y = np.empty((2, g['n'], g['oh'], g['ow'], oc), np.float32)
    step.run('winograd', [x, w, y[0]], isa=isa, depth=0, **g)
    step.run('winograd', [x, packed, y[1]], isa=isa, depth=depth, **g)
    np.testing.assert_array_equal(*y)


@pytest.mark.parametrize('shape', [
    (2, 7, 9, 33, 5, 7, 17, 0, 0), (1, 5, 6, 20, 7, 8, 130, 2, 2), (1, 16, 12, 16, 16, 12, 64, 1, 1)], ids=str)
def test_endings(shape):
    g = geometry(shape)
    x, w = arrays(g)
    y = exact(g, x, w)
    check_endings('winograd', [x, w], y, 3e-6 * np.abs(y).max() + 2e-6, RNG, turned=0, depth=0, **g)


@pytest.mark.parametrize('isa', step.ISAS)
@pytest.mark.parametrize('shape', [(33, 7, 6, 17, 7, 6, 40, 1, 1), (33, 2, 3, 70, 4, 5, 20, 2, 2),
                                   (33, 5, 30, 4, 3, 28, 33, 0, 0)], ids=str)
def test_an_image_does_not_depend_on_the_others(isa, shape):
    g = {**geometry(shape), 'turned': 0, 'depth': 0}
    x, w = arrays(g)
    y = np.empty((g['n'], g['oh'], g['ow'], g['oc']), np.float32)
    step.run('winograd', [x, w, y], isa=isa, **g)
    for n in range(1, 34):
        first = (7 * n) % (34 - n)
        some = slice(first, first + n)
        y_some = np.empty_like(y[some])
        step.run('winograd', [x[some].copy(), w, y_some], isa=isa, **{**g, 'n': n})
        np.testing.assert_array_equal(y_some, y[some])


@pytest.mark.parametrize('isa', step.ISAS)
def test_nan_stays_in_the_tiles_that_windows_reach(isa):
    g = {**geometry((2, 12, 12, 16, 12, 12, 5, 1, 1)), 'turned': 0, 'depth': 0}
    x, w = arrays(g)
    x[0, 4, 6, 1] = np.nan
    y = np.empty((2, 12, 12, 5), np.float32)
    step.run('winograd', [x, w, y], isa=isa, **g)
    reached = np.zeros(y.shape, bool)
    # the pixel is in two tiles, one above the other; in the upper it is the last row, which the last outputs alone read
    reached[0, 3:8, 4:8] = True
    np.testing.assert_array_equal(np.isnan(y), reached)


def exact_sums(g, x, dy):
    dw = np.zeros((3, 3, g['c'], g['oc']))
    for i, j, out, inside in taps({**g, 'kh': 3, 'kw': 3, 'sh': 1, 'sw': 1, 'dh': 1, 'dw': 1}):
        dw[i, j] += np.tensordot(x[inside].astype(np.float64), dy[out].astype(np.float64), ((0, 1, 2), (0, 1, 2)))
    return dw


@pytest.mark.parametrize('shape', [
    (2, 12, 12, 8, 12, 12, 4, 1, 1),
    (1, 11, 14, 17, 9, 12, 33, 0, 0),
    (2, 9, 8, 20, 10, 11, 7, 1, 3),
    (1, 15, 13, 9, 10, 9, 70, -2, -1),  # parts of the image that no output reads
    (9, 17, 19, 40, 17, 19, 21, 1, 1),  # shares of tiles, rows of which are cut
    (30, 5, 4, 9, 5, 4, 8, 1, 1),  # blocks over several images
    (2, 11, 10, 131, 11, 10, 150, 1, 1),  # shares of both sides' channels
    (1, 12, 300, 8, 12, 300, 36, 1, 1),
], ids=str)
def test_weight_gradient_against_float64(shape):
    g = geometry(shape)
    x, _ = arrays(g)
    dy = RNG.normal(size=(g['n'], g['oh'], g['ow'], g['oc'])).astype(np.float32)
    wanted = exact_sums(g, x, dy)
    for isa in step.ISAS:
        parts = step.parts('winograd_dw', isa, **g)
        assert parts > 0
        found = both_thread_counts('winograd_dw', [x, dy], (parts, *wanted.shape), isa, g, {}).sum(0)
        assert np.abs(found - wanted).max() <= 3e-6 * np.abs(wanted).max()


@pytest.mark.parametrize('shape, expected', [
    ((0, 8, 8, 16, 8, 8, 16, 1, 1), False), ((1, 7, 7, 64, 7, 7, 64, 1, 1), False), ((8, 7, 7, 64, 7, 7, 64, 1, 1), True),
    ((32, 28, 28, 3, 28, 28, 64, 1, 1), False), ((99, 4, 4, 64, 2, 2, 64, 0, 0), False)])
def test_the_weight_gradient_wants_enough_full_tiles(shape, expected):
    assert (step.parts('winograd_dw', **geometry(shape)) > 0) == expected
