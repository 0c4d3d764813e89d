"""Statistics, functions of functions, axes by names, views: against NumPy."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.layers import Input
from fastkeras.ops import linalg, nn
from fastkeras.ops import numpy as by_topic
from fastkeras.runtime import Function

from .test_nn import check_gradients

RNG = np.random.default_rng(0)


def random(*shape):
    return RNG.standard_normal(shape).astype('float32')


@pytest.mark.parametrize('n, m', [(7, 3), (3, 7), (6, 4), (4, 6), (5, 5)])
@pytest.mark.parametrize('mode', ['valid', 'same', 'full'])
def test_correlate(n, m, mode):
    a, b = random(n), random(m)
    np.testing.assert_allclose(ops.correlate(a, b, mode), np.correlate(a, b, mode), atol=1e-5)


def test_corrcoef_and_distances():
    x, y = random(3, 8), random(2, 8)
    np.testing.assert_allclose(ops.corrcoef(x), np.corrcoef(x), atol=1e-6)
    assert abs(ops.corrcoef(x[0]) - 1) < 1e-6
    np.testing.assert_allclose(ops.cdist(x, y), np.linalg.norm(x[:, None] - y, axis=-1), rtol=1e-5)
    check_gradients(ops.cdist, [x.astype(float), y.astype(float)])
    check_gradients(ops.corrcoef, [x.astype(float)])


def test_histogram():
    x = random(200)
    for options in ({}, {'bins': 7}, {'range': (-1, 0.5)}):
        counts, edges = ops.histogram(x, **options)
        want, at = np.histogram(x, **options)
        assert counts.tolist() == want.tolist()
        np.testing.assert_allclose(edges, at, atol=1e-6)
    assert ops.histogram(np.full(3, 2.0), 2)[0].tolist() == [0, 3]
    counts = Function(lambda v: ops.histogram(v, 4)[0])(x)
    assert counts.tolist() == np.histogram(x, 4)[0].tolist()


@pytest.mark.parametrize('axis', [None, 1, (0, 2)])
@pytest.mark.parametrize('method', ['linear', 'lower', 'higher', 'nearest', 'midpoint'])
@pytest.mark.filterwarnings('ignore:All-NaN')
def test_nanquantile(axis, method):
    x = random(4, 5, 6)
    x[x > 1] = np.nan
    x[0, :, 0] = np.nan
    q = [0.1, 0.5, 0.77]
    want = np.nanquantile(x, q, axis, method=method, keepdims=True)
    np.testing.assert_allclose(ops.nanquantile(x, q, axis, method, True), want, atol=1e-6)
    np.testing.assert_allclose(ops.nanmedian(x, axis), np.nanmedian(x, axis), atol=1e-6)
    np.testing.assert_allclose(ops.nanpercentile(x, 30, axis), np.nanpercentile(x, 30, axis), atol=1e-6)


def test_indices():
    x = random(3, 6)
    found = np.take_along_axis(x, ops.argpartition(x, 2), -1)
    assert (found[:, :2] <= found[:, 2:3]).all() and (found[:, 3:] >= found[:, 2:3]).all()
    got = ops.unravel_index(np.array([0, 7, 23, -1], 'int32'), (2, 3, 4))
    assert [g.tolist() for g in got] == [i.tolist() for i in np.unravel_index([0, 7, 23, 23], (2, 3, 4))]
    assert ops.gcd([12, 0, -4], [18, 5, 6]).tolist() == [6, 5, 2] and ops.lcm([4, 0], [6, 5]).tolist() == [12, 0]


def test_jvp():
    a, b, da, db = random(2, 3), random(3, 2), random(2, 3), random(3, 2)
    value, tangent = ops.jvp(lambda a, b: {'y': ops.matmul(a, b), 'z': ops.sum(a * a)}, (a, b), (da, db))
    np.testing.assert_allclose(tangent['y'], da @ b + a @ db, atol=1e-5)
    np.testing.assert_allclose([value['z'], tangent['z']], [np.sum(a * a), 2 * np.sum(a * da)], rtol=1e-5)
    y, t, aux = ops.jvp(lambda x: (ops.sin(x), 'more'), (np.float32(0.1),), (np.float32(0.2),), has_aux=True)
    np.testing.assert_allclose([y, t], [np.sin(0.1), 0.2 * np.cos(0.1)], rtol=1e-5)
    assert aux == 'more'
    traced = Function(lambda x, t: ops.jvp(ops.exp, (x,), (t,))[1])(a, da)
    np.testing.assert_allclose(traced, np.exp(a) * da, rtol=1e-5)
    with pytest.raises(ValueError, match='tangents of the shapes'):
        ops.jvp(ops.sin, (a,), (b,))


def test_vectorize():
    assert ops.vectorize(lambda a, b: a + b)([1, 2, 3, 4], 2).tolist() == [3, 4, 5, 6]
    inner = ops.vectorize(lambda a, b: ops.sum(a * b), signature='(n),(n)->()')
    x, y = random(3, 1, 4), random(2, 4)
    np.testing.assert_allclose(inner(x, y), np.sum(x * y, -1), rtol=1e-5)
    assert inner(x[0, 0], y[0]).shape == ()
    assert ops.vectorize(lambda a, k: a * len(k), excluded={1})([1.0, 2.0], 'abc').tolist() == [3, 6]
    assert ops.vectorize(lambda a, k=2: a ** k, excluded={'k'})([1.0, 2.0], k=3).tolist() == [1, 8]
    for call, said in [(lambda: ops.vectorize(3), 'function'), (lambda: ops.vectorize(abs, signature='n->n'), 'the form'),
                       (lambda: inner(x), 'expected 2 arguments')]:
        with pytest.raises(ValueError, match=said):
            call()


def test_rearrange():
    x = random(2, 6, 4)
    y = ops.rearrange(x, 'b (h p) c -> b h (c p)', p=2)
    np.testing.assert_array_equal(y, x.reshape(2, 3, 2, 4).transpose(0, 1, 3, 2).reshape(2, 3, 8))
    assert ops.rearrange(x, 'a b c -> (a b c)').shape == (48,) and ops.rearrange(x, 'a b c -> c a b').shape == (4, 2, 6)
    assert ops.rearrange(Input((6, 4)), 'b (h p) c -> b h (c p)', p=3).shape == (None, 2, 12)
    for pattern, sizes, said in [('a b c', {}, "one '->'"), ('a b -> b a', {}, '2 axes'), ('a b c -> a b', {}, 'same names'),
                                 ('a (b d) c -> a b d c', {}, 'not known'), ('a (b d) c -> a b d c', {'b': 4}, 'not made of'),
                                 ('a b c -> a c b', {'z': 1}, 'not an axis'), ('a b ... -> a b ...', {}, 'names and paren')]:
        with pytest.raises(ValueError, match=said):
            ops.rearrange(x, pattern, **sizes)


def test_views():
    x = np.array([[1.0, -2.0]], 'float32')
    assert ops.view(x, 'int32').tolist() == x.view('int32').tolist() and ops.view(x, 'uint8').shape == (1, 8)
    assert ops.view(ops.view(x, 'uint8'), 'float32').tolist() == x.tolist() and ops.view(x).tolist() == x.tolist()
    assert ops.nextafter(np.float32(1), np.float32(2)) == np.nextafter(np.float32(1), np.float32(2))
    z = ops.view_as_complex(x)
    assert z.dtype == np.complex64 and z.tolist() == [1 - 2j] and ops.view_as_real(z).tolist() == x.tolist()
    np.testing.assert_allclose(ops.polar(np.float32(2), np.float32(0.3)), 2 * np.exp(0.3j), rtol=1e-6)
    for call, said in [(lambda: ops.view(np.ones(3, 'float32'), 'int64'), 'bytes'),
                       (lambda: ops.polar(Input((2,)), 1.0), 'pairs'),
                       (lambda: ops.view_as_complex(np.ones(3)), 'size 2')]:
        with pytest.raises(ValueError, match=said):
            call()


def test_functions_by_topic():
    assert nn.ctc_loss is ops.ctc_loss and nn.conv is ops.conv and linalg.svd is ops.svd and linalg.norm is ops.norm
    assert by_topic.matmul is ops.matmul and by_topic.histogram is ops.histogram
