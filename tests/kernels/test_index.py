import numpy as np
import pytest
import step
from sweep import sweep

RNG = np.random.default_rng(3)


@pytest.mark.parametrize('dtype', [np.uint8, np.float32, np.int64])
@pytest.mark.parametrize('outer, size, inner, nidx', [
    (1, 5, 1, 7), (1, 50, 3, 0), (3, 10, 4, 9), (2, 7, 16, 5), (1, 300, 128, 4000),
    (40, 9, 33, 50), (0, 4, 4, 3), (2, 5, 0, 3), (1, 90, 64, 100)])
def test_gather(outer, size, inner, nidx, dtype):
    x = RNG.integers(0, 200, (outer, size, inner)).astype(dtype)
    idx = RNG.integers(0, size, nidx).astype(np.int32)
    attrs = {'outer': outer, 'size': size, 'inner': inner, 'nidx': nidx, 'itemsize': x.itemsize}
    for _, (y,) in sweep('gather', [x, idx], [((outer, nidx, inner), dtype)], **attrs):
        np.testing.assert_array_equal(y, x[:, idx])


@pytest.mark.parametrize('outer, size, inner, nidx', [
    (1, 5, 1, 7), (1, 6, 3, 0), (3, 10, 4, 9), (2, 7, 17, 50), (1, 3000, 128, 700), (90, 9, 33, 50), (1, 4, 1, 60000),
    (0, 3, 3, 2),
    (2, 3, 0, 4), (1, 40000, 1, 3000), (1, 5000, 20, 800), (3, 64, 300, 900)])
def test_scatter_add(outer, size, inner, nidx):
    idx = RNG.integers(0, size, nidx).astype(np.int32)
    u = RNG.normal(size=(outer, nidx, inner)).astype(np.float32)
    expected = np.zeros((outer, size, inner), np.float32)
    for j in range(nidx):  # float32, in the order of j: equal to the last bit
        expected[:, idx[j]] += u[:, j]
    attrs = {'outer': outer, 'size': size, 'inner': inner, 'nidx': nidx, 'kept': 1}
    for _, (y,) in sweep('scatter_add', [idx, u], [(expected.shape, np.float32)], **attrs):
        np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize('rows, size', [(0, 4), (1, 1), (37, 10), (20000, 12)])
def test_pick(rows, size):
    x = RNG.normal(size=(rows, size)).astype(np.float32)
    idx = RNG.integers(0, size, rows).astype(np.int32)
    for _, (y,) in sweep('pick', [x, idx], [((rows,), np.float32)], rows=rows, size=size):
        np.testing.assert_array_equal(y, x[np.arange(rows), idx])


@pytest.mark.parametrize('nidx, depth', [(0, 3), (1, 1), (40, 10), (3, 0), (9000, 30)])
def test_one_hot_leaves_out_what_is_outside(nidx, depth):
    idx = RNG.integers(-2, depth + 2, nidx).astype(np.int32)
    expected = np.full((nidx, depth), -0.5, np.float32)
    ok = (idx >= 0) & (idx < depth)
    expected[ok, idx[ok]] = 2
    for _, (y,) in sweep('one_hot', [idx], [((nidx, depth), np.float32)], nidx=nidx, depth=depth, on=2.0, off=-0.5):
        np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize('isa', step.ISAS)
@pytest.mark.parametrize('bad', [-1, 6, np.iinfo(np.int32).min, np.iinfo(np.int32).max])
@pytest.mark.parametrize('threads', [1, 2])
@pytest.mark.parametrize('n, inner', [(5, 3), (5000, 64)])
def test_an_index_outside_is_reported_and_gives_zeros(bad, isa, threads, n, inner):
    how = {'isa': isa, 'threads': threads}
    x = RNG.normal(size=(2, 6, inner)).astype(np.float32)
    idx = RNG.integers(0, 6, n).astype(np.int32)
    good = np.arange(n) != n // 2
    idx[n // 2] = bad

    y = np.full((2, n, inner), 7, np.float32)
    with pytest.raises(IndexError):
        step.run('gather', [x, idx, y], outer=2, size=6, inner=inner, nidx=n, itemsize=4, **how)
    assert (y[:, n // 2] == 0).all()
    np.testing.assert_array_equal(y[:, good], x[:, idx[good]])

    u = np.ones((1, n, inner), np.float32)
    s = np.full((1, 6, inner), 7, np.float32)
    with pytest.raises(IndexError):
        step.run('scatter_add', [idx, u, s], outer=1, size=6, inner=inner, nidx=n, kept=1, **how)
    np.testing.assert_array_equal(s[0, :, 0], np.bincount(idx[good], minlength=6))

    rows = RNG.normal(size=(n, 6)).astype(np.float32)
    p = np.full(n, 7, np.float32)
    with pytest.raises(IndexError):
        step.run('pick', [rows, idx, p], rows=n, size=6, **how)
    assert p[n // 2] == 0
    np.testing.assert_array_equal(p[good], rows[np.arange(n)[good], idx[good]])
