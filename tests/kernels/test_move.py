import numpy as np
import pytest
from sweep import sweep

DTYPES = {1: np.uint8, 4: np.int32, 8: np.int64}


def numbered(n, itemsize):
    return np.random.default_rng(n).integers(0, 250, n).astype(DTYPES[itemsize])


@pytest.mark.parametrize('itemsize', [1, 4, 8])
@pytest.mark.parametrize('n', [0, 1, 17, 300_001])
@pytest.mark.parametrize('value', [0, -1, 5])
def test_fill(n, itemsize, value):
    dtype = {1: np.int8, 4: np.int32, 8: np.int64}[itemsize]
    for _, (y,) in sweep('fill', [], [((n,), dtype)], n=n, itemsize=itemsize, bits=value):
        assert (y == value).all()


def test_fill_writes_a_float_by_its_bits():
    bits = int(np.float32(-1.5).view(np.uint32))
    for _, (y,) in sweep('fill', [], [((1000,), np.float32)], n=1000, itemsize=4, bits=bits):
        assert (y == -1.5).all()


def check_copy(x, view, itemsize, out=None):
    """`view` is a strided view of x, copied to a contiguous result, or into the view `out` of a larger one."""
    base = np.full(view.shape if out is None else out[0], 77, DTYPES[itemsize])
    place = base if out is None else base[out[1]]
    expected = base.copy()
    (expected if out is None else expected[out[1]])[...] = view
    start = base.__array_interface__['data'][0]
    x0 = x.__array_interface__['data'][0]
    attrs = {'ndim': view.ndim, 'shape': view.shape, 'itemsize': itemsize,
             'xstride': [s // itemsize for s in view.strides], 'ystride': [s // itemsize for s in place.strides],
             'xoff': (view.__array_interface__['data'][0] - x0) // itemsize if view.size else 0,
             'yoff': (place.__array_interface__['data'][0] - start) // itemsize if view.size else 0}
    for isa, (y,) in sweep('copy', [x], [(base.shape, base.dtype)], **attrs):
        np.testing.assert_array_equal(y, expected, err_msg=isa)


@pytest.mark.parametrize('itemsize', [1, 4, 8])
@pytest.mark.parametrize('shape, axes', [
    ((1, 1), (1, 0)), ((3, 5), (1, 0)), ((16, 16), (1, 0)), ((65, 129), (1, 0)),
    ((700, 500), (1, 0)), ((1024, 256), (1, 0)),
    ((2, 7, 9, 3), (0, 3, 1, 2)), ((2, 3, 7, 9), (0, 2, 3, 1)),
    ((2, 40, 41, 20), (0, 3, 1, 2)), ((2, 20, 40, 41), (0, 2, 3, 1)),
    ((3, 50, 2), (2, 0, 1)), ((4, 200), (1, 0)), ((200, 4), (1, 0)), ((2, 200), (1, 0)), ((200, 2), (1, 0)),
    ((5, 6, 7, 8), (3, 2, 1, 0)), ((5, 6, 7, 8), (2, 3, 0, 1)), ((3, 4, 5, 2, 3), (4, 1, 3, 0, 2)), ((0, 4), (1, 0)),
    ((9, 8, 4, 16), (0, 2, 1, 3)), ((2, 3, 2, 3, 2, 3, 2, 3), (7, 5, 3, 1, 0, 2, 4, 6))])
def test_transpose(shape, axes, itemsize):
    x = numbered(int(np.prod(shape)), itemsize).reshape(shape)
    check_copy(x, x.transpose(axes), itemsize)


@pytest.mark.parametrize('itemsize', [1, 4, 8])
@pytest.mark.parametrize('shape, index', [
    ((10,), np.s_[::-1]), ((1000,), np.s_[3:900:2]), ((1000,), np.s_[::3]), ((1000,), np.s_[::-4]),
    ((1000,), np.s_[::7]),
    ((30, 40), np.s_[::-1, ::-1]), ((30, 40), np.s_[2:20:3, 1:39]), ((6, 30, 40, 3), np.s_[:, ::-1, :, :2]),
    ((6, 30, 40, 3), np.s_[1:4, 3:17, ::-1]), ((600, 700), np.s_[:, 1:]), ((600, 700), np.s_[:, 5:8]),
    ((20, 1, 30), np.s_[:, 0]),
    ((9, 0, 3), np.s_[:]), ((300, 5), np.s_[:, 2]), ((300, 1000), np.s_[:, ::2])])
def test_slice_and_flip(shape, index, itemsize):
    x = numbered(int(np.prod(shape)), itemsize).reshape(shape)
    check_copy(x, x[index], itemsize)


@pytest.mark.parametrize('itemsize', [1, 4, 8])
@pytest.mark.parametrize('shape, to', [
    ((1,), (100,)), ((7, 1), (7, 30)), ((1, 7), (30, 7)), ((5, 1, 4, 1), (5, 6, 4, 3)), ((1, 600), (500, 600)),
    ((), (3, 4)), ((500, 1), (500, 600))])
def test_broadcast(shape, to, itemsize):
    x = numbered(int(np.prod(shape)), itemsize).reshape(shape)
    check_copy(x, np.broadcast_to(x, to), itemsize)


@pytest.mark.parametrize('itemsize', [1, 4, 8])
@pytest.mark.parametrize('shape, whole, place', [
    ((6, 4), (6, 10), np.s_[:, 3:7]), ((6, 4), (12, 4), np.s_[5:11]), ((300, 1), (300, 6), np.s_[:, 5:]),
    ((2, 5, 6, 3), (2, 9, 8, 3), np.s_[:, 2:7, 1:7]), ((40, 50), (80, 100), np.s_[::2, 1::2]),
    ((12,), (12,), np.s_[::-1]),
    ((400, 300), (400, 700), np.s_[:, 350:650]), ((3, 40, 50), (3, 40, 50), np.s_[:, ::-1])])
def test_into_a_part(shape, whole, place, itemsize):
    x = numbered(int(np.prod(shape)), itemsize).reshape(shape)
    check_copy(x, x, itemsize, out=(whole, place))


def test_transpose_into_a_part():
    x = numbered(600 * 500, 4).reshape(600, 500)
    check_copy(x, x.T, 4, out=((502, 700), np.s_[1:501, 50:650]))
