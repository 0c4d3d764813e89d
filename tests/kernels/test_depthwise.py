import numpy as np
import pytest
import step
from sweep import check_endings, double_plus_channel, sweep
from windows import taps

RNG = np.random.default_rng(11)
SHAPES = [  # n h w c mult, kh kw, sh sw, dh dw, pt pl, oh ow
    (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1),
    (2, 6, 7, 3, 1, 3, 3, 1, 1, 1, 1, 1, 1, 6, 7),
    (2, 7, 8, 17, 1, 3, 3, 2, 2, 1, 1, 0, 1, 4, 4),
    (1, 9, 9, 33, 1, 5, 5, 1, 1, 1, 1, 2, 2, 9, 9),
    (1, 9, 11, 64, 1, 5, 5, 2, 2, 1, 1, 2, 1, 5, 6),
    (1, 8, 8, 16, 1, 3, 3, 1, 1, 2, 2, 2, 2, 8, 8),
    (1, 8, 8, 20, 1, 3, 3, 1, 1, 1, 1, 0, 0, 6, 6),
    (1, 11, 12, 8, 1, 3, 2, 2, 3, 2, 2, 1, 0, 4, 4),
    (2, 6, 5, 3, 2, 3, 3, 1, 1, 1, 1, 1, 1, 6, 5),
    (1, 9, 40, 5, 4, 3, 3, 2, 2, 1, 1, 1, 1, 5, 20),
    (1, 7, 7, 17, 3, 2, 4, 1, 2, 1, 1, 0, 1, 6, 3),
    (1, 4, 4, 2, 8, 7, 7, 1, 1, 1, 1, 3, 3, 4, 4),
    (1, 3, 3, 40, 1, 3, 3, 1, 1, 4, 4, 4, 4, 3, 3),
    (1, 5, 5, 2, 1, 2, 2, 3, 3, 1, 1, 0, 0, 2, 2),
    (0, 5, 5, 2, 1, 2, 2, 1, 1, 1, 1, 0, 0, 4, 4),
    (1, 5, 5, 0, 1, 2, 2, 1, 1, 1, 1, 0, 0, 4, 4),
    (3, 28, 28, 40, 1, 3, 3, 1, 1, 1, 1, 1, 1, 28, 28),
    (2, 5, 30, 4, 1, 1, 7, 1, 1, 1, 3, 0, 9, 5, 30),
    *((1, 3, w, 18, 1, 3, k, 1, 1, 1, 1, 1, k // 2, 3, w) for w in (1, 2, 3, 4, 12, 17) for k in (3, 5)),
    *((1, 4, w, 18, 1, 3, k, 2, 2, 1, 1, 1, pl, 2, (w + 1) // 2) for w in (1, 4, 9, 22) for k, pl in ((3, 0), (3, 1), (5, 2))),
    *((2, h, w, 18, 1, 3, 3, 1, 1, 1, 1, 1, 1, h, w) for h, w in ((1, 1), (2, 1), (1, 2), (2, 9), (5, 3))),  # rows in pairs
    (1, 6, 10, 18, 1, 3, 3, 1, 1, 1, 1, 0, 1, 4, 10),
    (1, 6, 10, 18, 1, 3, 3, 1, 1, 1, 1, 1, 0, 6, 8),
    (2, 5, 10, 18, 1, 3, 3, 1, 1, 1, 1, 0, 0, 4, 9),
    (1, 15, 14, 200, 1, 3, 3, 1, 1, 1, 1, 1, 1, 15, 14),  # halves of the channels
    (1, 60, 60, 1, 80, 60, 60, 1, 1, 1, 1, 30, 30, 3, 3),  # too large for scratch
    (1, 2, 3000, 1, 100, 1, 2500, 1, 1, 1, 1, 0, 0, 2, 3),  # too wide for it
]
NAMES = ['n', 'h', 'w', 'c', 'mult', 'kh', 'kw', 'sh', 'sw', 'dh', 'dw', 'pt', 'pl', 'oh', 'ow']


def tensors(shape):
    g = dict(zip(NAMES, shape))
    x = RNG.normal(size=(g['n'], g['h'], g['w'], g['c'])).astype(np.float32)
    w = RNG.normal(size=(g['kh'], g['kw'], g['c'], g['mult'])).astype(np.float32)
    dy = RNG.normal(size=(g['n'], g['oh'], g['ow'], g['c'] * g['mult'])).astype(np.float32)
    return g, x, w, dy


def forward(g, x, w):
    y = np.zeros((g['n'], g['oh'], g['ow'], g['c'], g['mult']))
    for i, j, out, inside in taps(g):
        y[out] += x[inside].astype(np.float64)[..., None] * w[i, j]
    return y.reshape(*y.shape[:3], g['c'] * g['mult'])


def gradients(g, x, w, dy):
    dy = dy.reshape(*dy.shape[:3], g['c'], g['mult']).astype(np.float64)
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for i, j, out, inside in taps(g):
        dx[inside] += (dy[out] * w[i, j]).sum(-1)
        dw[i, j] = (x[inside][..., None] * dy[out]).sum((0, 1, 2))
    return dx, dw


def close(got, expected, terms):
    scale = max(1.0, np.sqrt(terms))
    np.testing.assert_allclose(got, expected, rtol=2e-6 * scale, atol=3e-6 * scale)


@pytest.mark.parametrize('shape', SHAPES)
def test_against_float64(shape):
    g, x, w, dy = tensors(shape)
    y = forward(g, x, w)
    dx, dw = gradients(g, x, w, dy)
    for _, (got,) in sweep('depthwise', [x, w], [(y.shape, np.float32)], **g):
        close(got, y, g['kh'] * g['kw'])
    for _, (got,) in sweep('depthwise_dx', [dy, w], [(x.shape, np.float32)], **g):
        close(got, dx, g['kh'] * g['kw'] * g['mult'])
    parts = step.parts('depthwise_dw', **g)
    for _, (got,) in sweep('depthwise_dw', [x, dy], [((parts, *w.shape), np.float32)], **g):
        close(got.sum(axis=0, dtype=np.float64), dw, g['n'] * g['oh'] * g['ow'])


@pytest.mark.parametrize('shape', [SHAPES[2], SHAPES[16], (1, 15, 14, 200, 1, 3, 3, 1, 1, 1, 1, 1, 1, 15, 14)])
def test_epilogue(shape):
    g, x, w, dy = tensors(shape)
    bias, tile = double_plus_channel(g['c'] * g['mult'])
    y = forward(g, x, w)
    for _, (got,) in sweep('depthwise', [x, w], [(y.shape, np.float32)], **tile, **g):
        np.testing.assert_allclose(got, y * 2 + bias, rtol=1e-5, atol=1e-5)
    bias, tile = double_plus_channel(g['c'])
    dx, _ = gradients(g, x, w, dy)
    for _, (got,) in sweep('depthwise_dx', [dy, w], [(x.shape, np.float32)], **tile, **g):
        np.testing.assert_allclose(got, dx * 2 + bias, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('shape', [
    (2, 7, 8, 17, 1, 3, 3, 2, 2, 1, 1, 0, 1, 4, 4), (1, 5, 11, 40, 1, 5, 5, 1, 1, 1, 1, 2, 2, 5, 11),
    (1, 3, 3, 40, 1, 3, 3, 1, 1, 4, 4, 4, 4, 3, 3), (1, 6, 7, 3, 1, 3, 3, 1, 1, 2, 2, 2, 2, 6, 7),
    (1, 14, 14, 200, 1, 3, 3, 1, 1, 1, 1, 1, 1, 14, 14),
    (2, 6, 5, 3, 2, 3, 3, 1, 1, 1, 1, 1, 1, 6, 5), (1, 5, 6, 900, 1, 3, 3, 1, 1, 1, 1, 1, 1, 5, 6)], ids=str)
def test_endings(shape):
    g, x, w, dy = tensors(shape)
    check_endings('depthwise', [x, w], forward(g, x, w), 1e-5, RNG, **g)
    check_endings('depthwise_dx', [dy, w], gradients(g, x, w, dy)[0], 1e-5, RNG, **g)


@pytest.mark.parametrize('mult', [1, 2])
def test_a_row_does_not_depend_on_its_neighbours(mult):
    x = RNG.normal(size=(33, 9, 9, 19)).astype(np.float32)
    w = RNG.normal(size=(3, 3, 19, mult)).astype(np.float32)
    alone = {}
    for n in (1, 2, 33):
        g = dict(zip(NAMES, (n, 9, 9, 19, mult, 3, 3, 1, 1, 1, 1, 1, 1, 9, 9)))
        for isa, (y,) in sweep('depthwise', [x[:n], w], [((n, 9, 9, 19 * mult), np.float32)], **g):
            np.testing.assert_array_equal(y[0], alone.setdefault(isa, y[0]))
        for isa, (dx,) in sweep('depthwise_dx', [x[:n].repeat(mult, axis=-1), w], [((n, 9, 9, 19), np.float32)], **g):
            np.testing.assert_array_equal(dx[0], alone.setdefault((isa, 'dx'), dx[0]))


def test_nan_reaches_the_outputs_that_read_it_and_no_other():
    g, x, w, _ = tensors(SHAPES[2])
    x[1, 3, 4, 5], x[0, 2, 2, 16] = np.nan, np.inf
    y = forward(g, x, w)
    for _, (got,) in sweep('depthwise', [x, w], [(y.shape, np.float32)], **g):
        np.testing.assert_array_equal(np.isnan(got), np.isnan(y))
        np.testing.assert_array_equal(np.isinf(got), np.isinf(y))
