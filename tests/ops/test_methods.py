"""The methods of arrays on symbolic tensors give what NumPy's give."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.layers import Input, Lambda
from fastkeras.models import Model
from fastkeras.runtime import Function

X = np.random.default_rng(0).standard_normal((3, 4, 5)).astype('float32')

CASES = [
    *(lambda x, n=n: getattr(x, n)() for n in ('sum', 'mean', 'max', 'min', 'std', 'var', 'prod', 'argmax', 'argmin',
                                              'ravel', 'flatten', 'transpose', 'round', 'copy', 'squeeze', 'cumsum')),
    *(lambda x, n=n: getattr(x, n)(axis=1) for n in ('sum', 'mean', 'max', 'min', 'std', 'var', 'argmax', 'argsort')),
    lambda x: x.sum(-1, keepdims=True), lambda x: x.mean((0, 2)), lambda x: x.reshape(4, -1),
    lambda x: x.reshape((5, 12)), lambda x: x.reshape([-1]), lambda x: x.reshape(60), lambda x: x.T,
    lambda x: x.transpose(0, 2, 1), lambda x: x.transpose((2, 0, 1)), lambda x: x.transpose([1, 0, 2]),
    lambda x: x.astype('int32'), lambda x: x.astype(np.float64), lambda x: x.astype(bool),
    lambda x: x.dot(np.ones((5, 2), 'float32')), lambda x: x.clip(-0.5, 0.5), lambda x: x.clip(min=0),
    lambda x: x.clip(max=0.25), lambda x: x.round(2), lambda x: x.repeat(2, axis=1), lambda x: x[:, :1].squeeze(1),
    lambda x: x.swapaxes(0, 1), lambda x: (x > 0).any(axis=0), lambda x: (x > 0).all(axis=-1), lambda x: x.T.T.ravel(),
]


@pytest.mark.parametrize('case', range(len(CASES)))
def test_methods(case):
    want = np.asarray(CASES[case](X))
    got = Function(lambda x: ops.convert_to_tensor(CASES[case](x)))(X)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_they_describe_models():
    x = Input((4, 5))
    y = Lambda(lambda t: t.reshape(-1, 20).T.T.mean(axis=1))(x) + x.sum(axis=(1, 2))
    np.testing.assert_allclose(Model(x, y).predict(X), X.mean((1, 2)) + X.sum((1, 2)), rtol=1e-4)


def test_another_order_is_an_error():
    with pytest.raises(ValueError, match="order 'C'"):
        Input((4,)).reshape(-1, order='F')
