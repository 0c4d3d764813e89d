"""Blocks by Keras 3's names, recomputation, KerasTensor, Operation and Function."""

import numpy as np
import pytest

import fastkeras as fk
from fastkeras import ops
from fastkeras.layers import Dense, Dropout, Layer
from fastkeras.runtime import Function, Variable

X = np.random.default_rng(0).standard_normal((8, 3)).astype('float32')


def test_name_scope():
    with fk.name_scope('outer'):
        with fk.name_scope('inner'):
            layer = Dense(2, name='d')
            layer.build((None, 3))
        with fk.name_scope('inner', override_parent='other/place'):
            second = Dense(2, name='d')
        with fk.name_scope('same', caller=layer), fk.name_scope('same', caller=layer):
            third = Dense(2, name='d')
    assert layer.path == 'outer/inner/d' and layer.kernel.path == 'outer/inner/d/kernel'
    assert second.path == 'other/place/inner/d' and third.path == 'outer/same/d' and Dense(2, name='d').path == 'd'
    with pytest.raises(ValueError, match="without '/'"):
        fk.name_scope('a/b')


def test_stateless_scope():
    a, b, c = Variable([1.0, 2.0]), Variable(3.0), Variable(5.0)
    with fk.StatelessScope([(a, np.float32([10, 20]))]) as scope:
        assert a.numpy().tolist() == [10, 20]
        a.assign_add([1.0, 1.0])
        b.assign(4.0)
        with fk.StatelessScope([(b, 7.0)]) as inner:
            assert b.numpy() == 7 and a.numpy().tolist() == [11, 21]
        scope.add_update((c, 6.0))
        assert b.numpy() == 4 and inner.get_current_value(b) == 7 and scope.get_current_value(b) == 4
    assert a.numpy().tolist() == [1, 2] and b.numpy() == 3 and c.numpy() == 5
    assert scope.get_current_value(a).tolist() == [11, 21] and scope.get_current_value(c) == 6

    def traced(x):
        with fk.StatelessScope([(a, x)]) as scope:
            a.assign(a * 2.0)
        return scope.get_current_value(a), a.value
    new, old = Function(traced)(np.float32([5, 6]))
    assert new.tolist() == [10, 12] and old.tolist() == [1, 2] and a.numpy().tolist() == [1, 2]
    for given in ([a], [(a, [1.0])]):
        with pytest.raises(ValueError, match='StatelessScope'):
            fk.StatelessScope(given)


def test_losses_of_a_scope():
    class Costly(Layer):
        def call(self, x):
            self.add_loss(ops.sum(x))
            return x
    with fk.StatelessScope(collect_losses=True) as scope:
        Costly()(np.ones((2, 2), 'float32'))
        scope.add_loss(3.0)
    assert [float(v) for v in scope.losses] == [4, 3]


def test_symbolic_scope_and_device():
    with fk.SymbolicScope(), fk.device('cpu:0'), fk.device('/CPU:0'):
        y = ops.add(Variable([1.0, 2.0]), 1.0)
    assert isinstance(y, fk.KerasTensor) and y.shape == (2,)
    with pytest.raises(ValueError, match="expected 'cpu'"):
        fk.device('gpu:0')


def test_remat_computes_again():
    def f(x):
        for _ in range(4):
            x = ops.sin(ops.matmul(x, W))
        return x
    W = np.eye(64, dtype='float32')
    x = np.random.default_rng(1).standard_normal((128, 64)).astype('float32')

    def of(*parts):
        def loss(x):
            for part in parts:
                x = part(x)
            return ops.sum(x)
        return fk.grad(loss)
    again = fk.remat(f)
    np.testing.assert_array_equal(of(f, f)(x), of(again, again)(x))
    np.testing.assert_array_equal(again(x), f(x))
    with pytest.raises(ValueError, match='function'):
        fk.remat(3)


class Deep(Layer):
    def build(self, shape):
        self.kernels = [self.add_weight(shape=(64, 64), name=f'k{k}') for k in range(6)]

    def call(self, x):
        for w in self.kernels:
            x = ops.sin(ops.matmul(x, w))
        return x


@pytest.mark.parametrize('options', [{}, {'mode': 'larger_than', 'output_size_threshold': 64},
                                     {'mode': 'list_of_layers', 'layer_names': ['deep0', 'deep1', 'deep2']}])
def test_layers_of_a_remat_scope_take_less_memory(options):
    x = np.random.default_rng(1).standard_normal((256, 64)).astype('float32')

    def trained(scope):
        fk.utils.set_random_seed(0)
        with scope:
            layers = [Deep(name=f'deep{k}') for k in range(4)]
        model = fk.Sequential([fk.Input((64,)), *layers])
        model.compile('sgd', 'mse')
        loss = model.fit(x, x, batch_size=256, epochs=2, verbose=0, shuffle=False).history['loss']
        function, = model._compiled._functions.values() if hasattr(model, '_compiled') else [
            f for s in vars(model).values() if type(s).__name__ == 'Steps' for f in s._functions.values()]
        plan, = function._traced.values()
        return loss, plan.compiled.arena_bytes
    (plain, more), (again, less) = trained(fk.device('cpu')), trained(fk.RematScope(**options))
    np.testing.assert_allclose(again, plain, rtol=1e-6)
    assert less < 0.8 * more


def test_remat_of_random_layers_and_none():
    with fk.RematScope(), fk.RematScope(mode=None):
        plain = Dense(2)
    with fk.RematScope():
        dropout = Dropout(0.5)
    assert not plain._remat.holds(plain) and dropout._remat.holds(dropout)
    model = fk.Sequential([fk.Input((3,)), dropout, Dense(1)])
    model.compile('sgd', 'mse')
    assert np.isfinite(model.fit(X, X[:, :1], epochs=2, verbose=0).history['loss']).all()
    assert Dense(2).rematerialized_call(ops.square, X).tolist() == (X * X).tolist()
    for mode in ('activations', 'all'):
        with pytest.raises(ValueError, match='RematScope'):
            fk.RematScope(mode=mode)


def test_keras_tensors_and_operations():
    x = fk.KerasTensor((None, 3), name='x')
    assert x.shape == (None, 3) and not x.sparse
    assert isinstance(Dense(2)(x), fk.KerasTensor) and not isinstance(X, fk.KerasTensor)
    y = fk.KerasTensor((2, 1, 3))
    assert y.reshape((3, 2)).shape == (3, 2) and y.squeeze(1).shape == y.squeeze().shape == (2, 3)
    with pytest.raises(ValueError, match='dense'):
        fk.KerasTensor((3,), sparse=True)

    class Twice(fk.Operation):
        def call(self, x):
            return x * 2
    assert np.array_equal(Twice()(X), X * 2) and Twice()(x).shape == (None, 3)
    assert isinstance(Dense(2), fk.Operation) and isinstance(Twice(), fk.Operation) and not isinstance(Dense(2), Twice)
    with pytest.raises(TypeError, match='must define call'):
        fk.Operation()(X)


def test_functions_of_keras_tensors():
    x = fk.Input((3,))
    layer = Dense(2, name='shared')
    f = fk.Function(x, {'y': layer(x), 'z': layer(x) * 2.0}, name='both')
    got = f(X)
    np.testing.assert_allclose(got['z'], got['y'] * 2)
    assert layer in f.operations and f.inputs == [x] and len(f.outputs) == 2 and f.compute_output_shape((4, 3))['y'] == (4, 2)
    assert f.compute_output_spec(fk.KerasTensor((5, 3)))['z'].shape == (5, 2) and f.weights == layer.weights
    with pytest.raises(ValueError, match='both'):
        fk.Function(fk.Input((2,)), layer(x), name='both')


def test_variables_take_keras_3s_arguments():
    v = Variable('ones', (2, 3), 'float32', False, True, 'mean', 'on_read', 'v')
    assert v.numpy().tolist() == [[1, 1, 1]] * 2 and v.path == 'v'
    assert v.aggregation == 'mean' and v.synchronization == 'on_read'
    assert Variable(1.0).aggregation == 'none' and v[0].tolist() == [1, 1, 1] and not v.trainable
    for options in ({'aggregation': 'most'}, {'layout': 'rows'}):
        with pytest.raises(ValueError, match=next(iter(options))):
            Variable(1.0, **options)
    kept = Variable([1.0, 2.0], overwrite_with_gradient=True)
    fk.optimizers.SGD(0.1).apply([np.float32([7, 8])], [kept])
    assert kept.numpy().tolist() == [7, 8]
