"""conv2d, its gradients and their packing: against float64, on every instruction set, and bitwise where promised."""
import numpy as np
import pytest
import step
from sweep import check_endings, double_plus_channel, sweep
from windows import taps

RNG = np.random.default_rng(4)
NAMES = ['n', 'h', 'w', 'c', 'oh', 'ow', 'oc', 'kh', 'kw', 'sh', 'sw', 'dh', 'dw', 'pt', 'pl', 'groups']
SHAPES = [
    (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1),
    (2, 6, 7, 3, 6, 7, 10, 3, 3, 1, 1, 1, 1, 1, 1, 1),
    (1, 12, 11, 3, 6, 6, 35, 7, 7, 2, 2, 1, 1, 3, 3, 1),
    (2, 5, 5, 20, 5, 5, 40, 1, 1, 1, 1, 1, 1, 0, 0, 1),  # a product of matrices
    (2, 7, 8, 6, 4, 4, 9, 1, 1, 2, 2, 1, 1, 0, 0, 1),  # pixels that no output reads
    (1, 9, 10, 4, 5, 3, 5, 3, 2, 2, 3, 1, 1, 1, 0, 1),
    (1, 10, 9, 5, 6, 7, 4, 3, 2, 1, 1, 2, 2, 0, 0, 1),
    (1, 13, 13, 2, 5, 5, 3, 3, 3, 2, 2, 2, 2, 0, 0, 1),  # stride and dilation share a factor
    (1, 12, 12, 2, 4, 5, 3, 3, 3, 3, 2, 2, 3, 2, 1, 1),
    (2, 6, 6, 8, 6, 6, 12, 3, 3, 1, 1, 1, 1, 1, 1, 4),
    (1, 6, 5, 6, 3, 3, 6, 3, 3, 2, 2, 1, 1, 1, 1, 6),  # groups = channels
    (1, 4, 4, 3, 8, 8, 2, 3, 3, 1, 1, 1, 1, 3, 3, 1),  # windows wholly in the padding
    (1, 2, 2, 3, 2, 2, 2, 1, 1, 4, 4, 1, 1, 2, 2, 1),  # strides beyond the image
    (1, 9, 9, 50, 9, 9, 70, 3, 3, 1, 1, 1, 1, 1, 1, 1),  # two blocks of k
    (1, 5, 5, 3, 5, 5, 515, 3, 3, 1, 1, 1, 1, 1, 1, 1),
    (3, 28, 28, 4, 28, 28, 36, 3, 3, 1, 1, 1, 1, 1, 1, 1),  # parts of the weight gradient
    (0, 5, 5, 3, 5, 5, 2, 3, 3, 1, 1, 1, 1, 1, 1, 1),
    (1, 2, 5, 3, 0, 3, 2, 3, 3, 1, 1, 1, 1, 0, 0, 1),
]


def geometry(shape):
    return dict(zip(NAMES, shape))


def arrays(g):
    x, y = (g['n'], g['h'], g['w'], g['c']), (g['n'], g['oh'], g['ow'], g['oc'])
    w = (g['kh'], g['kw'], g['c'] // g['groups'], g['oc'])
    return [RNG.normal(size=s).astype(np.float32) for s in (x, w, y)]


def exact(g, x, w, dy):
    """y, dx, dw in float64."""
    x, w, dy = (a.astype(np.float64) for a in (x, w, dy))
    y, dx, dw = np.zeros(dy.shape), np.zeros(x.shape), np.zeros(w.shape)
    m, n = g['c'] // g['groups'], g['oc'] // g['groups']
    for i, j, out, inside in taps(g):
        for k in range(g['groups']):
            a, b = np.s_[..., k * m:(k + 1) * m], np.s_[..., k * n:(k + 1) * n]
            y[out][b] += x[inside][a] @ w[i, j][b]
            dx[inside][a] += dy[out][b] @ w[i, j][b].T
            dw[i, j][b] += np.tensordot(x[inside][a], dy[out][b], ((0, 1, 2), (0, 1, 2)))
    return y, dx, dw


def packed(w, g, isa):
    """w for conv2d, and for its gradient."""
    k, n = g['kh'] * g['kw'] * g['c'] // g['groups'], g['oc'] // g['groups']
    results = []
    for op, attrs in (
            ('pack_b', {'batch': g['groups'], 'k': k, 'n': n, 'ld': g['oc'], 'trans': 0, 'src_batch': n}),
            ('pack_dx', {name: g[name] for name in ('c', 'oc', 'kh', 'kw', 'sh', 'sw', 'dh', 'dw', 'groups')})):
        size = step.parts(op, isa, **attrs) * attrs.get('batch', 1)
        results.append(np.full(size, np.nan, np.float32))
        step.run(op, [w, results[-1]], isa=isa, **attrs)
    return results


def both_thread_counts(op, inputs, shape, isa, g, extra):
    results = []
    for threads in (1, 2):
        out = np.full(shape, 7, np.float32)
        tile = [out if t is sweep.first else t for t in extra.get('tile', ())]
        step.run(op, [*inputs, out], tile=tile, words=extra.get('words'), isa=isa, threads=threads, **g)
        results.append(out)
    np.testing.assert_array_equal(*(r.view(np.int32) for r in results))
    return results[0]


def close(found, wanted, room):
    assert (np.abs(found - wanted) <= 2e-6 * room + 2e-6).all()


@pytest.mark.parametrize('shape', SHAPES, ids=str)
def test_conv2d_and_its_gradients(shape):
    g = geometry(shape)
    x, w, dy = arrays(g)
    y, dx, dw = exact(g, x, w, dy)
    y_room, dx_room, dw_room = exact(g, *map(np.abs, (x, w, dy)))
    for isa in step.ISAS:
        forward, backward = packed(w, g, isa)
        for bias, extra in ((0, {}), double_plus_channel(g['oc'])):
            wanted = 2 * y + bias if extra else y
            close(both_thread_counts('conv2d', [x, forward], y.shape, isa, g, extra), wanted, 2 * y_room + np.abs(bias))
        for bias, extra in ((0, {}), double_plus_channel(g['c'])):
            wanted = 2 * dx + bias if extra else dx
            close(both_thread_counts('conv2d_dx', [dy, backward], dx.shape, isa, g, extra), wanted,
                  2 * dx_room + np.abs(bias))
        parts = step.parts('conv2d_dw', isa, **g)
        found = both_thread_counts('conv2d_dw', [x, dy], (parts, *dw.shape), isa, g, {})
        close(found.sum(0), dw, dw_room)


@pytest.mark.parametrize('shape', [
    (1, 9, 13, 3, 5, 7, 24, 3, 3, 2, 2, 1, 1, 1, 1, 1),  # few channels
    (2, 5, 5, 20, 5, 5, 40, 1, 1, 1, 1, 1, 1, 0, 0, 1),
    (2, 6, 6, 8, 6, 6, 12, 3, 3, 1, 1, 1, 1, 1, 1, 4),  # groups
    (1, 9, 12, 50, 9, 12, 70, 3, 3, 1, 1, 1, 1, 1, 1, 1)], ids=str)  # two blocks of k
def test_endings(shape):
    g = geometry(shape)
    x, w, dy = arrays(g)
    y, room = exact(g, x, w, dy)[0], exact(g, np.abs(x), np.abs(w), dy)[0]
    for isa in step.ISAS:
        check_endings('conv2d', [x, packed(w, g, isa)[0]], y, 1e-6 * room + 2e-6, RNG, isas=[isa], **g)


@pytest.mark.parametrize('isa', step.ISAS)
@pytest.mark.parametrize('shape', [(33, 5, 6, 3, 5, 6, 40, 3, 3, 1, 1, 1, 1, 1, 1, 1),
                                   (33, 5, 4, 64, 5, 4, 10, 1, 1, 1, 1, 1, 1, 0, 0, 1),
                                   (33, 6, 5, 48, 3, 3, 33, 3, 3, 2, 2, 1, 1, 1, 1, 1)], ids=str)
def test_an_image_does_not_depend_on_the_others(isa, shape):
    g = geometry(shape)
    x, w, dy = arrays(g)
    forward, backward = packed(w, g, isa)
    y, dx = np.empty_like(dy), np.empty_like(x)
    step.run('conv2d', [x, forward, y], isa=isa, **g)
    step.run('conv2d_dx', [dy, backward, dx], isa=isa, **g)
    for n in range(1, 34):
        first = (7 * n) % (34 - n)
        some = slice(first, first + n)
        y_some, dx_some = np.empty_like(dy[some]), np.empty_like(x[some])
        step.run('conv2d', [x[some].copy(), forward, y_some], isa=isa, **{**g, 'n': n})
        step.run('conv2d_dx', [dy[some].copy(), backward, dx_some], isa=isa, **{**g, 'n': n})
        np.testing.assert_array_equal(y_some, y[some])
        np.testing.assert_array_equal(dx_some, dx[some])


@pytest.mark.parametrize('isa', step.ISAS)
def test_nan_stays_where_windows_reach(isa):
    g = geometry((1, 8, 8, 3, 8, 8, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1))
    x, w, _ = arrays(g)
    x[0, 3, 4, 1] = np.nan
    y = np.empty((1, 8, 8, 5), np.float32)
    step.run('conv2d', [x, packed(w, g, isa)[0], y], isa=isa, **g)
    reached = np.zeros((8, 8), bool)
    reached[2:5, 3:6] = True
    assert (np.isnan(y[0]).all(-1) == reached).all() and (np.isnan(y[0]).any(-1) == reached).all()
