"""Functions written in other ops, and NumPy's names, against NumPy in float64; on arrays and traced."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.ops.evaluate import evaluate
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import Function

pytestmark = pytest.mark.filterwarnings('ignore:Arrays of 2-dimensional vectors')
rng = np.random.default_rng(0)
X = rng.normal(size=(4, 6))
Y = rng.normal(size=(4, 6))
P = np.abs(X) + 0.1
U = np.tanh(X)
CUBE = rng.normal(size=(2, 3, 4))
V = rng.normal(size=5)
Z = np.where(np.abs(X) < 0.4, 0.0, X)
N = np.where(np.abs(X) < 0.5, np.nan, X)
I = np.array([3, 1, 2, 2, 0], np.int32)

CASES = [
    *[(name, (X,), {}) for name in ('abs', 'exp', 'exp2', 'expm1', 'sin', 'cos', 'tan', 'sinh', 'cosh', 'tanh',
                                    'arcsinh',
                                    'arctan', 'sinc', 'cbrt', 'square', 'sign', 'floor', 'ceil', 'trunc', 'negative',
                                    'deg2rad', 'rad2deg', 'signbit', 'reciprocal', 'conj', 'real', 'imag', 'isreal',
                                    'fabs',
                                    'ravel', 'transpose', 'fliplr', 'flipud', 'diag', 'trace', 'diagonal', 'ptp',
                                    'median',
                                    'mean', 'sum', 'max', 'min', 'prod', 'var', 'std', 'argmax', 'argmin', 'diff',
                                    'rot90',
                                    'tril', 'triu', 'copy', 'sort', 'argsort', 'cumsum', 'cumprod', 'count_nonzero',
                                    'any',
                                    'all', 'logical_not', 'isinf', 'isnan', 'isfinite', 'flip', 'angle', 'nanmean',
                                    'amax', 'amin')],
    *[(name, (P,), {}) for name in ('log', 'log2', 'log10', 'log1p', 'sqrt')],
    *[(name, (U,), {}) for name in ('arcsin', 'arccos', 'arctanh')],
    ('arccosh', (P + 1,), {}),
    *[(name, (N,), {}) for name in ('nansum', 'nanmax', 'nanmin', 'nanmean', 'nanvar', 'nanstd', 'nan_to_num',
                                    'isnan')],
    *[(name, (X, Y), {}) for name in ('add', 'subtract', 'multiply', 'divide', 'true_divide', 'maximum', 'minimum',
                                      'fmax',
                                      'fmin', 'hypot', 'logaddexp', 'logaddexp2', 'arctan2', 'mod', 'fmod',
                                      'floor_divide',
                                      'equal', 'less', 'greater', 'less_equal', 'greater_equal', 'not_equal',
                                      'logical_and',
                                      'logical_or', 'logical_xor', 'isclose', 'allclose', 'append')],
    ('power', (P, Y), {}), ('heaviside', (Z, 0.5), {}), ('ldexp', (X, I[1]), {}), ('kron', (X[:2], Y[:, :3]), {}),
    ('where', (X > 0, X, Y), {}), ('clip', (X, -0.5, 0.7), {}), ('round', (X * 10,), {}), ('round', (X, 2), {}),
    ('sum', (CUBE,), {'axis': (0, 2)}), ('mean', (CUBE,), {'axis': -1, 'keepdims': True}),
    ('max', (CUBE,), {'axis': 1}), ('prod', (CUBE,), {'axis': (1, 2)}), ('std', (CUBE,), {'axis': (0, 1)}),
    ('argmax', (CUBE,), {'axis': 1}), ('argmin', (CUBE,), {'axis': 2, 'keepdims': True}),
    ('median', (CUBE,), {'axis': 1}), ('median', (CUBE,), {'axis': (0, 2), 'keepdims': True}),
    ('quantile', (CUBE, [0.1, 0.5, 0.99]), {'axis': 1}), ('percentile', (X, 37.0), {'axis': 0}),
    ('quantile', (X, 0.3), {'method': 'nearest'}), ('quantile', (X, 0.3), {'axis': 1, 'method': 'midpoint'}),
    ('sort', (CUBE,), {'axis': 1}), ('argsort', (CUBE,), {'axis': 0}), ('cumsum', (CUBE,), {'axis': 1}),
    ('cumprod', (CUBE,), {'axis': 2}), ('average', (X,), {'axis': 1, 'weights': P[0]}),
    ('average', (X,), {'weights': P}),
    ('trapezoid', (X,), {}), ('trapezoid', (X,), {'axis': 0, 'dx': 0.5}), ('diff', (X,), {'n': 2, 'axis': 0}),
    ('cross', (X[:, :3], Y[:, :3]), {}), ('cross', (X[:, :2], Y[:, :3]), {}), ('cross', (X[:, :2], Y[:, :2]), {}),
    ('select', ([X > 1, X < -0.5], [X, Y], 7.0), {}), ('ptp', (CUBE,), {'axis': 1}),
    ('reshape', (CUBE, (6, -1)), {}), ('transpose', (CUBE, (1, 0, 2)), {}), ('swapaxes', (CUBE, 0, -1), {}),
    ('moveaxis', (CUBE, (0, 1), (-1, 0)), {}), ('expand_dims', (X, (0, 2)), {}), ('expand_dims', (X, -1), {}),
    ('squeeze', (CUBE[:1],), {}), ('squeeze', (CUBE[:1], 0), {}), ('broadcast_to', (V, (3, 5)), {}),
    ('concatenate', ([X, Y],), {'axis': 1}), ('concatenate', ([X, V],), {'axis': None}),
    ('stack', ([X, Y],), {'axis': 2}),
    ('hstack', ([X, Y],), {}), ('vstack', ([X, Y],), {}), ('dstack', ([X, Y],), {}), ('hstack', ([V, V],), {}),
    ('vstack', ([V, V],), {}), ('split', (X, 3, 1), {}), ('split', (X, [1, 4], 1), {}), ('array_split', (X, 4, 1), {}),
    ('hsplit', (X, 2), {}), ('vsplit', (X, 2), {}), ('dsplit', (CUBE, 2), {}), ('flip', (CUBE, (0, 2)), {}),
    ('roll', (X, 2), {}), ('roll', (X, -1, 0), {}), ('roll', (X, (1, 2), (0, 1)), {}), ('repeat', (X, 3), {}),
    ('repeat', (X, 2, 1), {}), ('repeat', (X, [1, 0, 3, 2], 0), {}), ('tile', (X, 2), {}), ('tile', (X, (2, 1, 3)), {}),
    ('pad', (X, 1), {}), ('pad', (X, ((1, 2), (0, 3))), {'mode': 'constant', 'constant_values': 2.5}),
    ('pad', (X, ((1, 2), (0, 3))), {'mode': 'edge'}), ('pad', (X, ((1, 2), (0, 3))), {'mode': 'reflect'}),
    ('pad', (X, ((3, 2), (1, 3))), {'mode': 'symmetric'}), ('rot90', (X, 3), {}), ('rot90', (CUBE, 1, (1, 2)), {}),
    ('take', (V, I), {}), ('take', (CUBE, [[0, -1]], 1), {}), ('take_along_axis', (X, np.argsort(X, 1), 1), {}),
    ('take_along_axis', (CUBE, np.array([[[1], [-1]]]), 1), {}), ('diagonal', (CUBE, 1, 1, 2), {}),
    ('diagonal', (X, -2), {}), ('trace', (CUBE, 0, 0, 2), {}), ('diag', (V, -1), {}), ('diagflat', (X, 2), {}),
    ('tril', (CUBE, 1), {}), ('triu', (CUBE, -1), {}), ('vander', (V,), {}), ('vander', (V, 3, True), {}),
    ('searchsorted', (np.sort(V), X), {}), ('digitize', (X, np.sort(V)), {}), ('isin', (I, [2, 3]), {}),
    ('meshgrid', (V, X[0]), {}), ('meshgrid', (V, X[0]), {'indexing': 'ij'}), ('full_like', (X, 3), {}),
    ('zeros_like', (X,), {}), ('ones_like', (X,), {}),
]


def flat(value):
    return [np.asarray(v) for v in value] if isinstance(value, (list, tuple)) else [np.asarray(value)]


def same(got, want):
    assert len(got) == len(want)
    for g, w in zip(got, want):
        assert g.shape == w.shape
        kind = 'i' if w.dtype.kind in 'iu' else w.dtype.kind
        assert g.dtype.kind == kind or (g.dtype.kind, kind) == ('b', 'i')
        np.testing.assert_allclose(g, w, rtol=1e-9, atol=1e-12)


def cross(a, b):
    """np.cross; from NumPy 2.5 on it takes no vectors of 2."""
    whole = np.cross(*(np.pad(v, ((0, 0), (0, 3 - v.shape[-1]))) for v in (a, b)))
    return whole[..., 2] if a.shape[-1] == b.shape[-1] == 2 else whole


def numpy_function(name):
    """NumPy's function of that name, whatever the version."""
    if name == 'cross':
        return cross
    return getattr(np, name) if hasattr(np, name) else getattr(np, {'trapezoid': 'trapz'}[name])


@pytest.mark.parametrize('name, args, kwargs', CASES, ids=[f'{k}-{c[0]}' for k, c in enumerate(CASES)])
def test_function_matches_numpy(name, args, kwargs):
    with np.errstate(all='ignore'):
        want = flat(numpy_function(name)(*args, **kwargs))
        same(flat(getattr(ops, name)(*args, **kwargs)), want)


def symbolic(value, feed):
    if isinstance(value, list) and any(isinstance(v, np.ndarray) and v.dtype == np.float64 for v in value):
        return [symbolic(v, feed) for v in value]
    if isinstance(value, np.ndarray) and value.dtype == np.float64:
        t = Tensor('input', (), {'index': len(feed)}, value.shape, 'float64')
        feed[t] = value
        return t
    return value


def traced_args(name, args, feed):
    """The arguments with Tensors in place of float arrays, which go into `feed`."""
    if name in ('isin', 'searchsorted'):
        return args[0], symbolic(args[1], feed)
    if name == 'digitize':
        return symbolic(args[0], feed), args[1]
    args = tuple(symbolic(a, feed) for a in args)
    return args[:2] if name in ('quantile', 'percentile') else args


def takes_floats(case):
    feed = {}
    traced_args(case[0], case[1], feed)
    return len(feed) > 0


TRACED = [(k, *case) for k, case in enumerate(CASES) if takes_floats(case)]


@pytest.mark.parametrize('name, args, kwargs', [c[1:] for c in TRACED], ids=[f'{c[0]}-{c[1]}' for c in TRACED])
def test_traced_function_matches_numpy(name, args, kwargs):
    feed = {}
    args = traced_args(name, args, feed)
    made = getattr(ops, name)(*args, **kwargs)
    made = list(made) if isinstance(made, (list, tuple)) else [made]
    with np.errstate(all='ignore'):
        got = evaluate(made, feed)
        plain = [feed.get(a, a) if isinstance(a, Tensor) else [feed[v] if isinstance(v, Tensor) else v for v in a]
                 if isinstance(a, list) else a for a in args]
        want = flat(numpy_function(name)(*plain, **kwargs))
    assert [m.shape for m in made] == [w.shape for w in want]
    same([np.asarray(g) for g in got], want)


def test_arrays_take_tensors_in_place():
    """As in Keras's guide to GANs, where `labels` is an array, for its size is known, and noise is added to it."""
    def noisy(x):
        labels = np.zeros((2, 1), 'float32')
        kept = labels
        labels += 0.5 * x
        labels *= x
        assert not kept.any()
        return labels
    np.testing.assert_array_equal(Function(noisy)(np.array([[2.0], [4.0]], 'float32')), [[2], [8]])
    with pytest.raises(TypeError, match='cannot write to out'):
        Function(lambda x: np.add(x, 1.0, out=np.zeros((2, 1), 'float32')))(np.ones((2, 1), 'float32'))
