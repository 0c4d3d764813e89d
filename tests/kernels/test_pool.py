import numpy as np
import pytest
from sweep import double_plus_channel, sweep

RNG = np.random.default_rng(5)
SHAPES = [  # n h w c, kh kw, sh sw, padding
    (1, 1, 1, 1, 1, 1, 1, 1, 'valid'), (2, 4, 6, 3, 2, 2, 2, 2, 'valid'), (2, 5, 7, 10, 2, 2, 2, 2, 'same'),
    (2, 5, 7, 17, 3, 3, 2, 2, 'same'), (1, 9, 8, 64, 3, 3, 2, 2, 'valid'), (1, 6, 6, 33, 3, 2, 1, 1, 'same'),
    (3, 8, 7, 1, 3, 3, 1, 2, 'same'), (1, 7, 7, 100, 7, 7, 1, 1, 'valid'), (0, 4, 4, 3, 2, 2, 2, 2, 'valid'),
    (2, 4, 4, 0, 2, 2, 2, 2, 'valid'), (2, 9, 9, 5, 2, 2, 3, 3, 'valid'), (4, 40, 40, 24, 3, 3, 2, 2, 'same'),
    (4, 40, 40, 16, 2, 2, 2, 2, 'valid'), (2, 3, 50, 7, 1, 5, 1, 3, 'same'), (2, 9, 9, 20, 2, 2, 3, 2, 'valid'),
    (3, 11, 11, 4, 2, 3, 2, 3, 'valid'), (3, 70, 11, 40, 3, 2, 4, 3, 'valid')]


def geometry(n, h, w, c, kh, kw, sh, sw, padding):
    sizes = {}
    for name, size, k, s, pad in (('oh', h, kh, sh, 'pt'), ('ow', w, kw, sw, 'pl')):
        out = -(-size // s) if padding == 'same' else (size - k) // s + 1
        sizes[name], sizes[pad] = out, max(0, (out - 1) * s + k - size) // 2 if padding == 'same' else 0
    return {'n': n, 'h': h, 'w': w, 'c': c, 'kh': kh, 'kw': kw, 'sh': sh, 'sw': sw, **sizes}


def windows(g):
    """(i, j, slice of rows, slice of columns) of every output pixel, clipped to x."""
    for i in range(g['oh']):
        for j in range(g['ow']):
            r, q = i * g['sh'] - g['pt'], j * g['sw'] - g['pl']
            yield i, j, slice(max(r, 0), min(r + g['kh'], g['h'])), slice(max(q, 0), min(q + g['kw'], g['w']))


def forward(x, g, function):
    y = np.zeros((g['n'], g['oh'], g['ow'], g['c']))
    for i, j, rows, columns in windows(g):
        y[:, i, j] = function(x[:, rows, columns].astype(np.float64), axis=(1, 2))
    return y


def max_gradient(x, dy, g):
    dx = np.zeros(x.shape)
    for i, j, rows, columns in windows(g):
        block = x[:, rows, columns]
        flat = block.reshape(g['n'], block.shape[1] * block.shape[2], g['c'])
        first = flat.argmax(axis=1)  # the first of equal ones; a NaN counts as the largest
        spread = np.zeros(flat.shape)
        np.put_along_axis(spread, first[:, None], dy[:, i, j][:, None], axis=1)
        dx[:, rows, columns] += spread.reshape(block.shape)
    return dx


def avg_gradient(dy, g):
    dx = np.zeros((g['n'], g['h'], g['w'], g['c']))
    for i, j, rows, columns in windows(g):
        count = (rows.stop - rows.start) * (columns.stop - columns.start)
        dx[:, rows, columns] += dy[:, i, j][:, None, None] / count
    return dx


def sample(shape, ties=False):
    x = RNG.normal(size=shape)
    return (np.round(x) if ties else x).astype(np.float32)


@pytest.mark.parametrize('shape', SHAPES)
def test_forward(shape):
    g = geometry(*shape)
    x = sample(shape[:4])
    out = [((g['n'], g['oh'], g['ow'], g['c']), np.float32)]
    for _, (y,) in sweep('max_pool', [x], out, **g):
        np.testing.assert_array_equal(y, forward(x, g, np.max))
    for _, (y,) in sweep('avg_pool', [x], out, **g):
        np.testing.assert_allclose(y, forward(x, g, np.mean), rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize('shape', [SHAPES[3], SHAPES[11]])
def test_epilogue(shape):
    g = geometry(*shape)
    x = sample(shape[:4])
    bias, tile = double_plus_channel(g['c'])
    for op, function in (('max_pool', np.max), ('avg_pool', np.mean)):
        for _, (y,) in sweep(op, [x], [((g['n'], g['oh'], g['ow'], g['c']), np.float32)], **tile, **g):
            np.testing.assert_allclose(y, forward(x, g, function) * 2 + bias, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('ties', [False, True])
def test_gradients(shape, ties):
    g = geometry(*shape)
    x = sample(shape[:4], ties)
    y = forward(x, g, np.max).astype(np.float32)
    dy = sample(y.shape)
    for _, (dx,) in sweep('max_pool_dx', [x, y, dy], [(x.shape, np.float32)], **g):
        np.testing.assert_allclose(dx, max_gradient(x, dy, g), rtol=1e-5, atol=2e-6)
    for _, (dx,) in sweep('avg_pool_dx', [dy], [(x.shape, np.float32)], **g):
        np.testing.assert_allclose(dx, avg_gradient(dy, g), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize('shape', [(2, 5, 7, 17, 3, 3, 2, 2, 'same'), (1, 6, 6, 40, 2, 2, 2, 2, 'valid')])
def test_nan_and_inf(shape):
    g = geometry(*shape)
    x = sample(shape[:4])
    x[0, 1, 1], x[0, 4, 3], x[0, 2, 5, ::2] = np.nan, np.inf, -np.inf
    x[0, 1, 2] = np.nan
    out = [((g['n'], g['oh'], g['ow'], g['c']), np.float32)]
    y = forward(x, g, np.max).astype(np.float32)
    for _, (got,) in sweep('max_pool', [x], out, **g):
        np.testing.assert_array_equal(got, y)
    for _, (got,) in sweep('avg_pool', [x], out, **g):
        np.testing.assert_allclose(got, forward(x, g, np.mean), rtol=2e-6, atol=2e-7)
    dy = sample(y.shape)
    for _, (dx,) in sweep('max_pool_dx', [x, y, dy], [(x.shape, np.float32)], **g):
        np.testing.assert_allclose(dx, max_gradient(x, dy, g), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize('op', ['max_pool', 'avg_pool'])
def test_a_row_does_not_depend_on_its_neighbours(op):
    x = sample((33, 9, 9, 20))
    alone = {}
    for n in (1, 33):
        g = geometry(n, 9, 9, 20, 3, 3, 2, 2, 'same')
        for isa, (y,) in sweep(op, [x[:n]], [((n, g['oh'], g['ow'], 20), np.float32)], **g):
            np.testing.assert_array_equal(y[0], alone.setdefault(isa, y[0]))


def test_global_average_of_a_large_image_stays_accurate():
    x = (1000 + sample((1, 300, 300, 3)))
    g = geometry(1, 300, 300, 3, 300, 300, 1, 1, 'valid')
    for _, (y,) in sweep('avg_pool', [x], [((1, 1, 1, 3), np.float32)], **g):
        np.testing.assert_allclose(y[0, 0, 0], x.astype(np.float64).mean(axis=(0, 1, 2)), rtol=3e-6)
