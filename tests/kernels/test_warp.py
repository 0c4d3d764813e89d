"""The warp kernel against scipy.ndimage in float64, on every instruction set, with one and two threads."""
import numpy as np
import pytest
from sweep import sweep

from fastkeras.preprocessing.image.warp import MATRIX, MODES, RECORD, TYPES

ndimage = pytest.importorskip('scipy.ndimage', reason='scipy is the reference')
NONE = np.zeros(0, np.float32)


def records(images, matrices, offsets, what=MATRIX):
    """The words of the batch."""
    r = np.zeros(len(images), RECORD)
    for k, x in enumerate(images):
        r[k]['pixels'], r[k]['type'], r[k]['what'] = x.ctypes.data, TYPES[x.dtype], what
        r[k]['matrix'], r[k]['offset'] = np.ravel(matrices[k]), offsets[k]
    return r.view(np.float64).reshape(len(r), -1)


def attributes(images, order, mode, first, cval=7.):
    h, w, c = images[0].shape if not first else (*images[0].shape[1:], images[0].shape[0])
    return dict(n=len(images), h=h, w=w, c=c, first=first, order=order, mode=MODES[mode], cval=cval, rescale=1., center=0,
                scale=0, standard=0, whole=0, wide=images[0].dtype == np.float64)


def warped(images, matrices, offsets, order, mode, first=False):
    """Yields (instruction set, results)."""
    attrs = attributes(images, order, mode, first)
    room = np.zeros(len(images) * 2_000_000 if max(images[0].shape) > 800 else 1)
    words = records(images, matrices, offsets)
    for isa, (_, y) in sweep('warp', [words, NONE, NONE], [(room.shape, 'float64'), (
            (len(images), *images[0].shape), 'float64' if attrs['wide'] else 'float32')], **attrs):
        yield isa, y


def expected(image, matrix, offset, order, mode, first):
    planes = image if first else np.moveaxis(image, 2, 0)
    made = np.stack([ndimage.affine_transform(p.astype(np.float64), matrix, offset, order=order, mode=mode, cval=7.)
                     for p in planes])
    return made if first else np.moveaxis(made, 0, 2)


def transforms(rng, count, halves):
    """Matrices and offsets; in halves of pixels, where order 0 meets ties."""
    if halves:
        return rng.integers(-4, 5, (count, 2, 2)) / 2, rng.integers(-40, 41, (count, 2)) / 2
    return rng.normal(size=(count, 2, 2)) * rng.choice([.1, 1, 4], (count, 1, 1)), rng.normal(size=(count, 2)) * [[9, 9]]


SIZES = [(1, 1, 1), (1, 7, 3), (6, 1, 4), (2, 2, 3), (3, 3, 1), (9, 13, 3), (12, 5, 4), (7, 8, 2), (8, 10, 17), (2, 300, 3),
         (40, 37, 3)]


@pytest.mark.parametrize('mode', MODES)
@pytest.mark.parametrize('order', range(6))
def test_equals_scipy(order, mode):
    rng = np.random.default_rng(order)
    for k, (h, w, c) in enumerate(SIZES):
        for first in (False, True):
            dtype = ('uint8', 'float32', 'float64')[(k + first) % 3]
            images = [(rng.random((c, h, w) if first else (h, w, c)) * 255).astype(dtype) for _ in range(2)]
            matrices, offsets = transforms(rng, 2, k % 2)
            want = [expected(*t, order, mode, first) for t in zip(images, matrices, offsets)]
            for isa, got in warped(images, matrices, offsets, order, mode, first):
                for y, e in zip(got, want):
                    name = f'{isa} {images[0].shape} {dtype}'
                    if order == 0:
                        np.testing.assert_array_equal(y, e.astype(y.dtype), err_msg=name)
                    else:
                        np.testing.assert_allclose(y, e, rtol=0, atol=1e-9 if dtype == 'float64' else 1e-4, err_msg=name)


def test_ties_go_where_scipy_sends_them():
    rng = np.random.default_rng(0)
    x = rng.random((5, 6, 1)).astype(np.float32)
    offsets = [(a / 2, b / 2) for a in range(-24, 25, 3) for b in range(-27, 28)]
    offsets += [(a + s, a / 2 - s) for a in range(-12, 13) for s in (-1e-16, 1e-14, .5 - 1e-12)]
    for mode in MODES:
        want = [expected(x, np.eye(2), o, 0, mode, False) for o in offsets]
        for isa, got in warped([x] * len(offsets), [np.eye(2)] * len(offsets), offsets, 0, mode):
            np.testing.assert_array_equal(got, np.array(want), err_msg=f'{isa} {mode}')


@pytest.mark.parametrize('order', [0, 1, 2, 3])
def test_edges_are_where_scipy_has_them(order):
    """A shear about the middle leads some pixels to the very edge of the image: the last bit decides what is outside."""
    rng = np.random.default_rng(4)
    x = rng.random((14, 27, 1)).astype(np.float64) + 1
    matrices, offsets = [], []
    for slant in np.deg2rad(rng.uniform(-60, 60, 60)):
        there, back = np.eye(3), np.eye(3)
        there[:2, 2], back[:2, 2] = (7.5, 14), (-7.5, -14)
        matrix = there @ [[1, -np.sin(slant), 0], [0, np.cos(slant), 0], [0, 0, 1]] @ back
        matrices.append(matrix[:2, :2])
        offsets.append(matrix[:2, 2])
    want = [expected(x, *t, order, 'constant', False) for t in zip(matrices, offsets)]
    for isa, got in warped([x] * len(matrices), matrices, offsets, order, 'constant'):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-9, err_msg=isa)


@pytest.mark.parametrize('order', [0, 1, 3])
def test_matrices_beyond_reason(order):
    """Whatever the numbers, nothing outside of the image is read: the result is made of its values and cval."""
    wild = [0., 1e-300, 1e10, 1e30, 1e300, -1e30, np.inf, -np.inf, np.nan, 2. ** 31, 2. ** 63]
    matrices = [np.full((2, 2), v) for v in wild] + [np.array([[1, v], [0, 1]]) for v in wild]
    matrices += [np.eye(2)] * len(wild)
    offsets = [(0, 0)] * (2 * len(wild)) + [(v, -v) for v in wild]
    for dtype in ('uint8', 'float32', 'float64'):
        for shape in ((1, 1, 3), (5, 7, 3), (4, 4, 4)):
            x = np.full(shape, 7, dtype)
            for mode in MODES:
                for isa, got in warped([x] * len(matrices), matrices, offsets, order, mode):
                    np.testing.assert_allclose(got[np.isfinite(got)], 7, rtol=1e-3, err_msg=f'{isa} {mode}')


def test_nan_in_an_image():
    rng = np.random.default_rng(1)
    x = rng.random((9, 9, 3)).astype(np.float32)
    x[4, 4, 1] = np.nan
    for order in (0, 1):
        want = expected(x, np.eye(2), (.25, .5), order, 'nearest', False)[:8, :8]
        assert not np.isfinite(want).all()
        for _, got in warped([x], [np.eye(2)], [(.25, .5)], order, 'nearest'):
            np.testing.assert_allclose(got[0, :8, :8], want, atol=1e-5)
    for _, got in warped([x], [np.eye(2)], [(.25, .5)], 3, 'nearest'):
        assert np.isnan(got[0, 4, 4, 1]) and np.isfinite(got[0, ..., 2]).all()


def test_large_images_are_cut_into_rows_and_need_room():
    rng = np.random.default_rng(2)
    x = rng.integers(0, 256, (900, 1000, 1)).astype(np.uint8)
    matrix, offset = np.array([[.9, .3], [-.4, 1.1]]), (30., 200.)
    for order in (1, 3):
        want = expected(x, matrix, offset, order, 'nearest', False)
        for isa, got in warped([x], [matrix], [offset], order, 'nearest'):
            np.testing.assert_allclose(got[0], want, rtol=0, atol=2e-4, err_msg=isa)
