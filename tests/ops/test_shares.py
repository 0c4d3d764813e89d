"""Gradients of maxima behind activations and before convolutions: what becomes of them, and that it is what it was."""
import numpy as np
import pytest

from fastkeras import _core, ops
from fastkeras.compiler.autodiff import gradients
from fastkeras.runtime import Function, Variable

RNG = np.random.default_rng(6)
LAST = {'data_format': 'channels_last'}


def array(*shape):
    return RNG.standard_normal(shape).astype('float32')


def network(pool, x, w):
    """Gradients by x, a kernel and a bias of the weighted sum of what `pool` makes of a convolution with relu."""
    b = array(w.shape[-1])
    kernel, bias = Variable(w, name='kernel'), Variable(b, name='bias')

    def fn(x, *weight):
        y = pool(ops.relu(ops.conv(x, kernel, padding='same', **LAST) + bias))
        return [y, *gradients(ops.sum(y * ops.sin(y)), [x, kernel, bias])]
    return fn


POOLS = {
    'sequences': (lambda y: ops.max_pool(y, 2, **LAST), (2, 90, 20), (3, 20, 24)),
    'images': (lambda y: ops.max_pool(y, 3, 2, 'same', **LAST), (2, 9, 17, 5), (3, 3, 5, 24)),
    'images among zeros': (lambda y: ops.max_pool(ops.pad(y, ((0, 0), (1, 2), (1, 1), (0, 0))), 3, 2, **LAST),
                           (2, 8, 17, 5), (3, 3, 5, 24)),
    'volumes': (lambda y: ops.max_pool(y, 2, **LAST), (2, 6, 8, 9, 3), (3, 3, 3, 3, 20)),
    'whole sequences': (lambda y: ops.global_max_pool(y, **LAST), (3, 200, 12), (3, 12, 40)),
    'whole images': (lambda y: ops.global_max_pool(y, **LAST), (3, 14, 15, 12), (3, 3, 12, 40)),
    'whole volumes': (lambda y: ops.global_max_pool(y, **LAST), (2, 6, 8, 9, 3), (2, 3, 3, 3, 20))}


@pytest.mark.parametrize('name', POOLS)
def test_equal_with_and_without_simplification(name, monkeypatch):
    pool, shape, kernel = POOLS[name]
    fn, x = network(pool, array(*shape), array(*kernel) / 4), array(*shape)
    x[-1] = x[-1, :1]  # windows alike: ties
    f, before = Function(fn), _core.threads()
    steps, found = f.traced_for([x]).compiled.steps, f(x)
    spread = next(s for s in steps if s.kernel in ('max_pool_dx', 'extreme_dx'))
    assert not any(s.kernel == 'sums' for s in steps[steps.index(spread):])
    if name == 'images among zeros':
        assert spread.written()[0].shape == (2, 8, 17, 24) and not any(s.kernel == 'fill' for s in steps)
    if not name.startswith('images'):  # whose windows overlap
        assert spread.refs[0].root()[0].offset == spread.refs[3].root()[0].offset
    if name.startswith('whole'):
        assert {'conv_sparse_dx', 'conv_sparse_dw'} <= {s.kernel for s in steps}
    try:
        for threads in (1, 2):
            _core.set_threads(threads)
            for a, b in zip(f(x), found):
                np.testing.assert_array_equal(a, b)
    finally:
        _core.set_threads(before)
    monkeypatch.setenv('FASTKERAS_DISABLE', 'simplify')
    for a, b in zip(found, Function(fn)(x)):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-4 * np.abs(b).max())
