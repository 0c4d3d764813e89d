import itertools

import numpy as np
import pytest
import step
from sweep import double_plus_channel, sweep

RNG = np.random.default_rng(5)
SHAPES = [  # n h w c, kh kw, sh sw, padding
    (1, 1, 1, 1, 1, 1, 1, 1, 'valid'), (2, 4, 6, 3, 2, 2, 2, 2, 'valid'), (2, 5, 7, 10, 2, 2, 2, 2, 'same'),
    (2, 5, 7, 17, 3, 3, 2, 2, 'same'), (1, 9, 8, 64, 3, 3, 2, 2, 'valid'), (1, 6, 6, 33, 3, 2, 1, 1, 'same'),
    (3, 8, 7, 1, 3, 3, 1, 2, 'same'), (1, 7, 7, 100, 7, 7, 1, 1, 'valid'), (0, 4, 4, 3, 2, 2, 2, 2, 'valid'),
    (2, 4, 4, 0, 2, 2, 2, 2, 'valid'), (2, 9, 9, 5, 2, 2, 3, 3, 'valid'), (4, 40, 40, 24, 3, 3, 2, 2, 'same'),
    (4, 40, 40, 16, 2, 2, 2, 2, 'valid'), (2, 3, 50, 7, 1, 5, 1, 3, 'same'), (2, 9, 9, 20, 2, 2, 3, 2, 'valid'),
    (3, 11, 11, 4, 2, 3, 2, 3, 'valid'), (3, 70, 11, 40, 3, 2, 4, 3, 'valid')]


VOLUMES = [  # n d h w c, kd kh kw, sd sh sw, padding
    (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 'valid'), (2, 4, 6, 4, 3, 2, 2, 2, 2, 2, 2, 'valid'),
    (1, 5, 7, 6, 17, 3, 2, 3, 2, 1, 2, 'same'), (2, 7, 5, 6, 33, 2, 3, 2, 3, 2, 2, 'valid'),
    (1, 6, 9, 5, 64, 3, 3, 3, 1, 1, 1, 'same'), (3, 5, 4, 4, 5, 1, 2, 2, 1, 2, 2, 'valid'),
    (2, 9, 3, 4, 20, 3, 1, 1, 2, 1, 1, 'same'), (0, 4, 4, 4, 3, 2, 2, 2, 2, 2, 2, 'valid'),
    (1, 2, 5, 5, 8, 2, 2, 2, 1, 2, 2, 'same'), (3, 14, 22, 20, 32, 2, 2, 2, 2, 2, 2, 'valid'),
    (2, 9, 21, 20, 24, 3, 3, 3, 2, 2, 2, 'same'), (2, 3, 3, 40, 7, 2, 2, 5, 3, 2, 3, 'valid')]
EVERY = SHAPES + VOLUMES


def geometry(*shape):
    """The attributes of a case of SHAPES or VOLUMES; an image has one slice."""
    if len(shape) == 9:
        n, h, w, c, kh, kw, sh, sw, padding = shape
        shape = n, 1, h, w, c, 1, kh, kw, 1, sh, sw, padding
    n, *size, c = shape[:5]
    sizes = {'n': n, 'c': c}
    for axis, pad, length, k, s in zip('dhw', ('pf', 'pt', 'pl'), size, shape[5:8], shape[8:11]):
        out = -(-length // s) if shape[-1] == 'same' else (length - k) // s + 1
        sizes.update({axis: length, 'o' + axis: out, 'k' + axis: k, 's' + axis: s,
                      pad: max(0, (out - 1) * s + k - length) // 2 if shape[-1] == 'same' else 0})
    return sizes


def image(g):
    return g['n'], g['d'], g['h'], g['w'], g['c']


def result(g):
    return g['n'], g['od'], g['oh'], g['ow'], g['c']


def windows(g):
    """(index of the window, slices of the axes) of every output pixel, clipped to x."""
    for index in itertools.product(*(range(g['o' + a]) for a in 'dhw')):
        first = [i * g['s' + a] - g[p] for i, a, p in zip(index, 'dhw', ('pf', 'pt', 'pl'))]
        yield index, tuple(slice(max(f, 0), min(f + g['k' + a], g[a])) for f, a in zip(first, 'dhw'))


def forward(x, g, function):
    y = np.zeros(result(g))
    for index, cut in windows(g):
        y[(slice(None), *index)] = function(x[(slice(None), *cut)].astype(np.float64), axis=(1, 2, 3))
    return y


def max_gradient(x, dy, g):
    dx = np.zeros(x.shape)
    for index, cut in windows(g):
        block = x[(slice(None), *cut)]
        flat = block.reshape(g['n'], int(np.prod(block.shape[1:4])), g['c'])
        first = flat.argmax(axis=1)  # the first of equal ones; a NaN counts as the largest
        spread = np.zeros(flat.shape)
        np.put_along_axis(spread, first[:, None], dy[(slice(None), *index)][:, None], axis=1)
        dx[(slice(None), *cut)] += spread.reshape(block.shape)
    return dx


def avg_gradient(dy, g):
    dx = np.zeros(image(g))
    for index, cut in windows(g):
        count = np.prod([c.stop - c.start for c in cut])
        dx[(slice(None), *cut)] += dy[(slice(None), *index)][:, None, None, None] / count
    return dx


def sample(shape, ties=False):
    x = RNG.normal(size=shape)
    return (np.round(x) if ties else x).astype(np.float32)


@pytest.mark.parametrize('shape', EVERY)
def test_forward(shape):
    g = geometry(*shape)
    x = sample(image(g))
    out = [(result(g), np.float32)]
    for _, (y,) in sweep('max_pool', [x], out, **g):
        np.testing.assert_array_equal(y, forward(x, g, np.max))
    for _, (y,) in sweep('avg_pool', [x], out, **g):
        np.testing.assert_allclose(y, forward(x, g, np.mean), rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize('shape', [SHAPES[3], SHAPES[11], VOLUMES[2]])
def test_epilogue(shape):
    g = geometry(*shape)
    x = sample(image(g))
    bias, tile = double_plus_channel(g['c'])
    for op, function in (('max_pool', np.max), ('avg_pool', np.mean)):
        for _, (y,) in sweep(op, [x], [(result(g), np.float32)], **tile, **g):
            np.testing.assert_allclose(y, forward(x, g, function) * 2 + bias, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize('shape', EVERY)
@pytest.mark.parametrize('ties', [False, True])
def test_gradients(shape, ties):
    g = geometry(*shape)
    x = sample(image(g), ties)
    y = forward(x, g, np.max).astype(np.float32)
    dy = sample(y.shape)
    for _, (dx,) in sweep('max_pool_dx', [x, y, dy], [(x.shape, np.float32)], **g):
        np.testing.assert_allclose(dx, max_gradient(x, dy, g), rtol=1e-5, atol=2e-6)
    for _, (dx,) in sweep('avg_pool_dx', [dy], [(x.shape, np.float32)], **g):
        np.testing.assert_allclose(dx, avg_gradient(dy, g), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize('threads', [1, 2])
def test_the_gradient_of_a_maximum_in_the_place_of_x(threads):
    found = 0
    for isa in step.ISAS:
        for g in (geometry(*shape) for shape in EVERY):
            if not step.parts('max_pool_dx', isa, **g):
                continue
            x = sample(image(g))
            y = forward(x, g, np.max).astype(np.float32)
            dy, dx = sample(y.shape), x.copy()
            step.run('max_pool_dx', [dx, y, dy, dx], isa=isa, threads=threads, **g)
            np.testing.assert_array_equal(dx, max_gradient(x, dy, g).astype(np.float32))
            found += 1
    assert found >= 5 * len(step.ISAS)


@pytest.mark.parametrize('shape', [(2, 5, 7, 17, 3, 3, 2, 2, 'same'), (1, 6, 6, 40, 2, 2, 2, 2, 'valid'),
                                   (1, 4, 6, 6, 40, 2, 2, 2, 2, 2, 2, 'valid')])
def test_nan_and_inf(shape):
    g = geometry(*shape)
    x = sample(image(g))
    x[0, -1, 1, 1], x[0, -1, 4, 3], x[0, -1, 2, 5, ::2] = np.nan, np.inf, -np.inf
    x[0, 0, 1, 2] = np.nan
    out = [(result(g), np.float32)]
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
    x = sample((33, 1, 9, 9, 20))
    alone = {}
    for n in (1, 33):
        g = geometry(n, 9, 9, 20, 3, 3, 2, 2, 'same')
        for isa, (y,) in sweep(op, [x[:n]], [(result(g), np.float32)], **g):
            np.testing.assert_array_equal(y[0], alone.setdefault(isa, y[0]))


def test_global_average_of_a_large_image_stays_accurate():
    x = (1000 + sample((1, 1, 300, 300, 3)))
    g = geometry(1, 300, 300, 3, 300, 300, 1, 1, 'valid')
    for _, (y,) in sweep('avg_pool', [x], [((1, 1, 1, 1, 3), np.float32)], **g):
        np.testing.assert_allclose(y[0, 0, 0, 0], x.astype(np.float64).mean(axis=(0, 1, 2, 3)), rtol=3e-6)
