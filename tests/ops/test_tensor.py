"""The symbolic tensor: operators, indexing, NumPy functions, types, shapes with unknown sizes, errors."""

import numpy as np
import pytest

from fastkeras import config, ops
from fastkeras.ops import core
from fastkeras.ops.evaluate import evaluate
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import Function, Variable

X = np.random.default_rng(1).normal(size=(4, 6))
Y = np.random.default_rng(2).uniform(0.5, 2, size=(4, 6))


def placeholder(shape=(4, 6), dtype='float32'):
    return Tensor('input', (), {'index': 0}, shape, dtype)


def value(function, *arrays):
    """What a function of tensors gives, by the references in float64."""
    inputs = [placeholder(a.shape, a.dtype.name) for a in arrays]
    made = function(*inputs)
    assert isinstance(made, Tensor)
    result = evaluate([made], dict(zip(inputs, arrays)))[0]
    assert result.shape == made.shape and result.dtype.name == made.dtype
    return result


BINARY = {
    '+': lambda a, b: a + b, '-': lambda a, b: a - b, '*': lambda a, b: a * b, '/': lambda a, b: a / b,
    '//': lambda a, b: a // b, '%': lambda a, b: a % b, '<': lambda a, b: a < b, '<=': lambda a, b: a <= b,
    '>': lambda a, b: a > b, '>=': lambda a, b: a >= b, '==': lambda a, b: a == b, '!=': lambda a, b: a != b,
    '@': lambda a, b: a @ b.T if isinstance(b, np.ndarray) else a @ ops.transpose(b),
}


@pytest.mark.parametrize('symbol', BINARY)
def test_operators_between_tensors(symbol):
    f = BINARY[symbol]
    np.testing.assert_allclose(value(f, X, Y), f(X, Y), rtol=1e-12)


@pytest.mark.parametrize('symbol', [s for s in BINARY if s != '@'])
@pytest.mark.parametrize('other', [2, 0.5, np.float64(1.5), Y, Y[0], Y[:, :1]], ids=['int', 'float', 'scalar',
                                                                                     'array', 'row',
                                                                                  'column'])
def test_operators_with_numbers_and_arrays(symbol, other):
    f = BINARY[symbol]
    np.testing.assert_allclose(value(lambda x: f(x, other), X), f(X, other), rtol=1e-12)
    np.testing.assert_allclose(value(lambda x: f(other, x), Y), f(other, Y), rtol=1e-12)


def test_power_and_unary_operators():
    np.testing.assert_allclose(value(lambda x: x ** 2, X), X ** 2)
    np.testing.assert_allclose(value(lambda x: x ** -1.5, Y), Y ** -1.5)
    np.testing.assert_allclose(value(lambda x: 2.0 ** x, X), 2.0 ** X)
    np.testing.assert_allclose(value(lambda x: -x, X), -X)
    np.testing.assert_allclose(value(lambda x: abs(x), X), abs(X))
    np.testing.assert_array_equal(value(lambda x: ~(x > 0), X), ~(X > 0))
    np.testing.assert_array_equal(value(lambda x: (x > 0) & (x < 1) | (x < -1), X), (X > 0) & (X < 1) | (X < -1))


CUBE = np.arange(2 * 3 * 4, dtype=np.float64).reshape(2, 3, 4)
KEYS = [np.s_[0], np.s_[-1], np.s_[1:], np.s_[:, 1], np.s_[..., 0], np.s_[:, None], np.s_[None, ..., None, 1],
        np.s_[1, 2, 3],
        np.s_[:, ::-1], np.s_[:, ::2, 1:3], np.s_[:, -2:, :-1], np.s_[::-1, 2:0:-1], np.s_[:, 5:], np.s_[:, 1:1],
        np.s_[:, [2, 0]], np.s_[np.array([1, 0, 1])], np.s_[:, [2, 0, -1], 1:], np.s_[0, [[1, 2]]],
        np.s_[:, [0, 2], [1, 3]],
        np.s_[..., np.array(2)], np.s_[:, np.int32(1)]]


@pytest.mark.parametrize('key', KEYS, ids=[str(k) for k in range(len(KEYS))])
def test_indexing(key):
    np.testing.assert_array_equal(value(lambda x: x[key], CUBE), CUBE[key])
    np.testing.assert_array_equal(ops.get_item(CUBE, key), CUBE[key])


def test_indexing_by_a_tensor():
    rows = np.array([1, 0, 1], np.int32)
    np.testing.assert_array_equal(value(lambda x, i: x[i], CUBE, rows), CUBE[rows])


def test_wrong_indices():
    x = placeholder((2, 3))
    with pytest.raises(IndexError, match=r'index 2 .* axis 0 of size 2'):
        x[2]
    with pytest.raises(IndexError, match='3 indices'):
        x[0, 0, 0]
    with pytest.raises(ValueError, match='mask'):
        x[x > 0]
    with pytest.raises(ValueError, match='step'):
        x[::0]


def test_iteration_and_length():
    x = placeholder((3, 2))
    assert len(x) == 3 and [t.shape for t in x] == [(2,)] * 3
    with pytest.raises(TypeError, match='not known'):
        len(placeholder((None, 2)))


@pytest.mark.parametrize('use', [bool, float, int, np.asarray, lambda x: 1 in x, lambda x: [0][x], lambda x: range(x)])
def test_a_value_cannot_be_had(use):
    with pytest.raises(TypeError, match='symbolic'):
        use(placeholder(()))


def test_equality_with_other_things_is_identity():
    x = placeholder()
    assert (x == None) is False and (x != 'text') is True  # noqa: E711
    assert x in {x: 1} and hash(x) == hash(x)


NUMPY = {
    'maximum': lambda x: np.maximum(x, 0), 'add': lambda x: np.add(1.5, x), 'exp': np.exp,
    'sqrt': lambda x: np.sqrt(np.abs(x)), 'mean': lambda x: np.mean(x, axis=1),
    'mean keepdims': lambda x: np.mean(x, axis=0, keepdims=True), 'sum': np.sum,
    'sum axis': lambda x: np.sum(x, axis=(0, 1)), 'std': lambda x: np.std(x, axis=1),
    'var': lambda x: np.var(x, axis=1), 'max': lambda x: np.max(x, axis=1), 'amin': lambda x: np.amin(x, 0),
    'prod': np.prod, 'concatenate': lambda x: np.concatenate([x, X], axis=1),
    'stack': lambda x: np.stack([x, x], axis=1), 'where': lambda x: np.where(x > 0, x, 0.1 * x),
    'clip': lambda x: np.clip(x, -0.5, 0.5), 'clip keywords': lambda x: np.clip(x, a_min=-0.5, a_max=0.5),
    'reshape': lambda x: np.reshape(x, (6, 4)), 'transpose': np.transpose,
    'swapaxes': lambda x: np.swapaxes(x, 0, 1), 'dot': lambda x: np.dot(x, Y.T), 'matmul': lambda x: np.matmul(x, Y.T),
    'array @ tensor': lambda x: Y.T @ x, 'tensordot': lambda x: np.tensordot(x, Y, axes=([1], [1])),
    'expand_dims': lambda x: np.expand_dims(x, 1), 'squeeze': lambda x: np.squeeze(np.expand_dims(x, 1), axis=1),
    'square': np.square, 'power': lambda x: np.power(x, 2), 'tanh': np.tanh, 'sign': np.sign,
    'negative': np.negative, 'abs': np.abs, 'log': lambda x: np.log(np.square(x) + 1),
    'arctan2': lambda x: np.arctan2(x, Y), 'split': lambda x: np.split(x, 2, axis=1)[1],
    'flip': lambda x: np.flip(x, 1), 'roll': lambda x: np.roll(x, 1, axis=0),
    'repeat': lambda x: np.repeat(x, 2, axis=1), 'tile': lambda x: np.tile(x, (1, 2)),
    'pad': lambda x: np.pad(x, ((1, 1), (0, 0))), 'cumsum': lambda x: np.cumsum(x, axis=1),
    'argmax': lambda x: np.argmax(x, axis=1), 'sort': lambda x: np.sort(x, axis=1),
    'take': lambda x: np.take(x, [2, 0], axis=1), 'round': np.round, 'isnan': np.isnan,
    'logical_and': lambda x: np.logical_and(x > 0, x < 1), 'add.reduce': lambda x: np.add.reduce(x, axis=1),
    'maximum.reduce': np.maximum.reduce, 'zeros_like': np.zeros_like, 'ones_like': np.ones_like,
    'full_like': lambda x: np.full_like(x, 2.0), 'einsum': lambda x: np.einsum('ij,kj->ik', x, Y),
    'moveaxis': lambda x: np.moveaxis(x, 0, 1), 'floor': np.floor, 'trace': np.trace,
    'outer': lambda x: np.outer(x, Y[0]), 'array + tensor': lambda x: Y + x, 'scalar': lambda x: np.float32(2) * x,
    'median': lambda x: np.median(x, axis=1), 'diff': np.diff, 'mod': lambda x: np.mod(x, 0.7),
    'hypot': lambda x: np.hypot(x, Y), 'vstack': lambda x: np.vstack([x, x]),
    'broadcast_to': lambda x: np.broadcast_to(x, (2, 4, 6)), 'any': lambda x: np.any(x > 1, axis=0),
    'count_nonzero': lambda x: np.count_nonzero(x > 0, axis=1), 'norm': lambda x: np.linalg.norm(x, axis=1),
}


@pytest.mark.parametrize('name', NUMPY)
def test_numpy_functions_on_a_tensor(name):
    got, want = value(NUMPY[name], X), NUMPY[name](X)
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)


def test_numpy_questions_about_a_tensor():
    x = placeholder((None, 3))
    assert np.shape(x) == (None, 3) and np.ndim(x) == 2


def test_numpy_functions_that_have_no_meaning():
    x = placeholder()
    with pytest.raises(TypeError, match=r'np\.add .*out'):
        np.add(x, 1, out=np.zeros((4, 6)))
    with pytest.raises(TypeError, match=r'np\.interp'):
        np.interp(x, [0, 1], [0, 1])
    with pytest.raises(TypeError, match=r'np\.add\.accumulate'):
        np.add.accumulate(x)


# ---- types
@pytest.mark.parametrize('dtype, other, expected', [
    ('float32', 1, 'float32'), ('float32', 1.5, 'float32'), ('int32', 1, 'int32'), ('int32', 1.5, 'float32'),
    ('int32', True, 'int32'), ('uint8', 3, 'uint8'), ('uint8', 300, 'int32'), ('uint8', 0.5, 'float32'),
    ('bool', 2, 'int32'),
    ('float32', np.ones(3), 'float32'), ('float64', np.ones(3, np.float32), 'float64'),
    ('int32', np.ones(3), 'float32'),
    ('int32', np.arange(3), 'int32'), ('int64', np.arange(3, dtype=np.int32), 'int64'),
    ('float32', np.arange(3), 'float32'),
    ('bool', np.ones(3), 'float32'), ('uint8', np.arange(3), 'int32'), ('float32', np.float64(2), 'float32'),
    ('float32', np.ones(3, np.float16), 'float32'), ('float32', [1, 2, 3], 'float32'),
])
def test_types_of_tensors_with_numbers_and_arrays(dtype, other, expected):
    x = placeholder((3,), dtype)
    assert (x + other).dtype == expected and (other + x).dtype == expected


def test_types_of_two_tensors():
    assert (placeholder(dtype='float32') + placeholder(dtype='float64')).dtype == 'float64'
    assert (placeholder(dtype='int32') * placeholder(dtype='float32')).dtype == 'float32'
    assert (placeholder(dtype='bool') + placeholder(dtype='bool')).dtype == 'int32'
    assert (placeholder(dtype='int32') / placeholder(dtype='int32')).dtype == 'float32'
    assert ops.exp(placeholder(dtype='int32')).dtype == 'float32'
    assert ops.mean(placeholder(dtype='uint8')).dtype == 'float32'
    assert ops.sum(placeholder(dtype='bool')).dtype == 'int32'


def test_types_at_once():
    assert ops.add(np.ones(3, np.float32), np.ones(3)).dtype == np.float32
    assert ops.add(np.ones(3), 1).dtype == np.float64
    assert ops.add(1, 2).dtype == np.int32 and ops.add(1, 2.5).dtype == np.float32
    assert ops.divide(np.arange(3), 2).dtype == np.float32
    assert ops.sqrt(np.float64(2)).dtype == np.float64
    config.set_floatx('float64')
    try:
        assert ops.add(np.ones(3, np.float32), np.ones(3)).dtype == np.float64
        assert ops.convert_to_tensor([0.1]).dtype == np.float64 and ops.zeros(2).dtype == np.float64
    finally:
        config.set_floatx('float32')


def test_python_numbers_keep_their_precision():
    np.testing.assert_array_equal(value(lambda x: x * 0.1, X), X * 0.1)


@pytest.mark.parametrize('bad', ['text', object(), [[1, 2], [3]], np.ones(2, complex), [None]])
def test_what_is_no_number(bad):
    with pytest.raises(ValueError, match='expected numbers|dtype'):
        ops.exp(bad)


def test_unknown_types():
    with pytest.raises(ValueError, match='expected one of bool'):
        ops.cast(X, 'complex64')


# ---- arrays and Variables
def test_arrays_are_computed_at_once():
    y = ops.multiply(X.astype(np.float32), 2)
    assert type(y) is np.ndarray and y.dtype == np.float32
    np.testing.assert_allclose(y, X * 2, rtol=1e-6)


def test_a_variable_is_an_array_outside_and_a_tensor_inside():
    v = Variable(np.arange(6, dtype=np.float32), name='v')
    assert type(ops.add(v, 1)) is np.ndarray and not core.is_symbolic(v)
    mixed = placeholder((4, 6)) * v
    assert mixed.inputs[1].op == 'variable'
    x = X.astype(np.float32)
    np.testing.assert_allclose(Function(lambda t: ops.add(t, v))(x), x + np.arange(6), rtol=1e-6)


def test_leaves_cannot_be_applied():
    with pytest.raises(ValueError, match='leaf'):
        core.apply('variable', ())
