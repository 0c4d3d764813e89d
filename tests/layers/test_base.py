"""What every layer inherits: calls, weights, names, configurations, losses, masks."""

import gc

import numpy as np
import pytest

from fastkeras import config, ops
from fastkeras.layers import Activation, Dense, Dropout, Input, Lambda, Layer, Masking, naming
from fastkeras.layers.context import collect_losses, trainable_as, trainable_state
from fastkeras.models import Model, Sequential
from fastkeras.runtime import Function, Variable
from fastkeras.utils import clear_session

X = np.random.default_rng(0).standard_normal((4, 3)).astype('float32')


class Scale(Layer):
    """As the Keras 2 documentation writes a layer of one's own."""

    def __init__(self, output_dim, **kwargs):
        self.output_dim = output_dim
        super().__init__(**kwargs)

    def build(self, input_shape):
        self.kernel = self.add_weight(name='kernel', shape=(input_shape[1], self.output_dim), initializer='uniform',
                                      trainable=True)
        super().build(input_shape)

    def call(self, x):
        return ops.dot(x, self.kernel)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.output_dim)


class Block(Layer):
    """Layers in attributes, lists and dicts, and a variable of its own."""

    def __init__(self, units=2, rate=0.5):
        super().__init__()
        self.first = [Dense(units), Dense(units, use_bias=False)]
        self.named = {'last': Dense(1)}
        self.offset = Variable(np.zeros(1, np.float32), name='offset')
        self.drop = Dropout(rate)
        self.first.append(Dense(units))

    def call(self, inputs, training=None):
        for layer in self.first:
            inputs = layer(inputs)
        return self.named['last'](self.drop(inputs)) + self.offset


# ---- layers of one's own

def test_layer_of_ones_own():
    layer = Scale(5, input_shape=(3,))
    model = Sequential([layer, Activation('relu')])
    assert model.output_shape == (None, 5)
    np.testing.assert_allclose(model(X), np.maximum(X @ layer.get_weights()[0], 0), rtol=1e-5)
    copy = Scale.from_config(layer.get_config())
    assert copy.output_dim == 5 and copy.name == layer.name and copy.batch_input_shape == (None, 3)


def test_sublayers_are_found():
    layer = Block()
    layer(X)
    assert len(layer.weights) == 1 + 2 + 1 + 2 + 2
    assert layer.weights[0] is layer.offset
    assert [w.shape for w in layer.trainable_weights] == [(1,), (3, 2), (2,), (2, 2), (2, 2), (2,), (2, 1), (1,)]
    layer.first[1].trainable = False
    assert len(layer.non_trainable_weights) == 1
    copy = Block.from_config(layer.get_config())
    copy(X)
    copy.set_weights(layer.get_weights())
    np.testing.assert_array_equal(copy(X), layer(X))


def test_arguments_are_remembered_without_get_config():
    class Wide(Layer):
        def __init__(self, units, inner=None, **kwargs):
            super().__init__(**kwargs)
            self.units, self.inner = units, inner

    layer = Wide(4, inner=Dense(7, name='seven'), name='wide', trainable=False)
    copy = Wide.from_config(layer.get_config())
    assert (copy.units, copy.inner.units, copy.inner.name, copy.name, copy.trainable) == (4, 7, 'seven', 'wide', False)


def test_forgotten_super():
    class Bad(Layer):
        def __init__(self):
            pass

    with pytest.raises(ValueError, match='super'):
        Bad()(X)


def test_several_arguments():
    class Attend(Layer):
        def build(self, query_shape, value_shape):
            self.kernel = self.add_weight(name='kernel', shape=(query_shape[-1], value_shape[-1]))

        def call(self, query, value, scale=1.0):
            return ops.matmul(query, self.kernel) * value * scale

    value = X[:, :2]
    layer = Attend()
    y = layer(X, value, scale=2.0)
    np.testing.assert_allclose(y, X @ layer.get_weights()[0] * value * 2, rtol=1e-5)
    a, b = Input((3,)), Input((2,))
    model = Model([a, b], layer(a, value=b, scale=2.0))
    np.testing.assert_array_equal(model([X, value]), y)
    again = Model.from_config(model.get_config(), {'Attend': Attend})
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again([X, value]), y)


def test_several_outputs():
    class Split(Layer):
        def call(self, x):
            return {'low': ops.minimum(x, 0), 'rest': [ops.maximum(x, 0), x[:, :1]]}

    y = Split()(X)
    np.testing.assert_array_equal(y['rest'][1], X[:, :1])
    inputs = Input((3,))
    described = Split()(inputs)
    assert described['rest'][1].shape == (None, 1)
    z = Model(inputs, described)(X)
    np.testing.assert_array_equal(z['low'], y['low'])


# ---- weights

def test_positions_of_add_weight():
    layer = Layer()
    two = layer.add_weight('kernel', (2, 3), None, 'ones')
    three = layer.add_weight((2, 3), 'ones', name='again')
    assert two.shape == three.shape == (2, 3) and (two.numpy() == 1).all() and (three.numpy() == 1).all()
    assert layer.add_weight(shape=(2,), dtype='int32').dtype == 'int32'
    assert layer.add_weight(name='scalar', shape=(), initializer='zeros').shape == ()
    with pytest.raises(ValueError, match='known sizes'):
        layer.add_weight('bad', (None, 2))


def test_names_of_weights():
    dense = Dense(2, name='dense')
    dense(X)
    assert [v.name for v in dense.weights] == ['dense/kernel:0', 'dense/bias:0']
    twice = Layer(name='twice')
    assert [twice.add_weight('w', (1,)).name for _ in range(2)] == ['twice/w:0', 'twice/w_1:0']


def test_first_values():
    weights = [np.ones((3, 2)), np.zeros(2)]
    layer = Dense(2, weights=weights, input_shape=(3,))
    Sequential([layer])
    np.testing.assert_array_equal(layer.get_weights()[0], weights[0])
    with pytest.raises(ValueError, match=r'\(3, 2\).*\(2, 2\)'):
        Dense(2, weights=[np.ones((2, 2)), np.zeros(2)])(X)


def test_count_before_build():
    with pytest.raises(ValueError, match="isn't built"):
        Dense(2).count_params()
    with pytest.raises(ValueError, match='not built'):
        Dense(2).set_weights([np.ones((3, 2)), np.ones(2)])


def test_trainable_weights_can_be_set():
    layer = Layer()
    a, b = Variable(np.ones(2, np.float32)), Variable(np.ones(3, np.float32))
    layer.trainable_weights, layer.non_trainable_weights = [a], [b]
    assert layer.trainable_weights == [a] and layer.non_trainable_weights == [b] and layer.weights == [a, b]
    layer.trainable = False
    assert layer.trainable_weights == [] and layer.non_trainable_weights == [a, b]


# ---- names

def test_automatic_names():
    clear_session()
    assert [Dense(1).name, Dense(1).name, Block().name] == ['dense_1', 'dense_2', 'block_1']
    assert Input((1,)).name == 'input_1' and Sequential().name == 'sequential_1'
    names = {'MaxPooling2D': 'max_pooling2d', 'LeakyReLU': 'leaky_re_lu', 'Conv2DTranspose': 'conv2d_transpose',
             'GlobalAveragePooling1D': 'global_average_pooling1d', '_Own': 'private__own', 'PReLU': 'p_re_lu'}
    assert {k: naming.to_snake_case(k) for k in names} == names


def test_automatic_names_of_generation_3():
    clear_session()
    config.set_generation(3)
    try:
        assert [Dense(1).name, Dense(1).name] == ['dense', 'dense_1']
        assert Input((1,)).name == 'input_layer' and Model(*[Input((1,))] * 2).name == 'functional'
    finally:
        config.set_generation(2)


# ---- calls

def test_arrays_give_arrays():
    layer = Dense(2)
    y = layer(X)
    assert type(y) is np.ndarray and y.dtype == np.float32
    np.testing.assert_array_equal(layer(X.astype(np.float64)), y)
    np.testing.assert_array_equal(layer(X.tolist()), y)
    np.testing.assert_array_equal(layer(inputs=X), y)
    assert len(layer._functions) == 1


def test_cached_calls_hold_no_data():
    layer = Dense(2)
    big = np.ones((1000, 3), np.float32)
    layer(big)
    assert not [r for r in gc.get_referrers(big) if isinstance(r, (list, tuple, dict)) and r is not globals()
                and r is not locals()]


def test_training_comes_from_the_outside():
    seen = []

    class Watch(Layer):
        def call(self, x, training=None):
            seen.append(training)
            return x

    class Around(Layer):
        def __init__(self):
            super().__init__()
            self.inner = Watch()

        def call(self, x):
            return self.inner(x)

    around = Around()
    around(X)
    around(X, training=True)
    around(X, training=False)
    Model(*(lambda i: (i, Watch()(i, training=True)))(Input((3,))))(X)
    assert seen[0] is False and seen[1] is True and seen[-1] is True
    model = Model(*(lambda i: (i, Dropout(0.5)(i, training=True)))(Input((3,))))
    assert (model(np.ones((50, 3))) == 0).any()


def test_symbolic_training_is_refused():
    with pytest.raises(ValueError, match='training'):
        Dropout(0.5)(Input((3,)), training=Input(()))


def test_input_and_output():
    layer = Dense(2)
    with pytest.raises(AttributeError, match='never been called'):
        _ = layer.output
    a = Input((3,))
    y = layer(a)
    assert layer.input is a and layer.output is y and layer.output_shape == (None, 2)
    z = layer(Input((3,)))
    assert layer.output_shape == (None, 2) and layer.get_output_at(1) is z
    with pytest.raises(AttributeError, match='get_output_at'):
        _ = layer.output
    with pytest.raises(ValueError, match='node index'):
        layer.get_input_at(2)


def test_sizes_from_compute_output_shape():
    class Gather(Layer):
        def call(self, x):
            return ops.reshape(x, (-1, x.shape[0] or 3))[:, :2] if x.shape[0] is None else x[:, :2]

        def compute_output_shape(self, input_shape):
            return (input_shape[0], 2)

    assert Gather()(Input((None,)))._keras_history.layer.output_shape[1] == 2


def test_call_that_needs_the_batch():
    class Ones(Layer):
        def call(self, x):
            return ops.concatenate([x, ops.ones((x.shape[0], 2))], axis=1)

    a = Input((3,))
    y = Ones()(a)
    assert y.shape == (None, 5)
    assert Model(a, y).predict(X).shape == (4, 5)
    with pytest.raises(ValueError, match=r'\(None, 3\)|sizes'):
        Lambda(lambda x: ops.reshape(x, (5, 2)) + ops.ones((x.shape[0], 7)))(Input((3,)))


# ---- losses

def losses_of(layer, x, **kwargs):
    def run(*tensors):
        with collect_losses() as losses:
            layer(tensors[0] if len(tensors) == 1 else list(tensors), **kwargs)
        return list(losses)
    return Function(run)(*(x if isinstance(x, list) else [x]))


def test_penalties():
    layer = Dense(2, kernel_regularizer='l2', activity_regularizer='l1', bias_regularizer='l1', bias_initializer='ones')
    y = layer(X)
    kernel = layer.get_weights()[0]
    np.testing.assert_allclose(sorted(losses_of(layer, X)),
                               sorted([0.01 * np.abs(y).sum(), 0.01 * (kernel ** 2).sum(), 0.02]), rtol=1e-5)
    np.testing.assert_allclose(sorted(layer.losses), sorted([0.01 * np.abs(y).sum(), 0.01 * (kernel ** 2).sum(), 0.02]),
                               rtol=1e-5)
    np.testing.assert_allclose(sorted(layer.get_losses_for(None)), sorted([0.01 * (kernel ** 2).sum(), 0.02]), rtol=1e-5)


def test_penalties_of_shared_weights_count_once():
    a = Input((3,))
    layer = Dense(3, kernel_regularizer='l2', activity_regularizer='l2')
    model = Model(a, layer(layer(a)))
    assert len(losses_of(model, X)) == 3


def test_activity_is_divided_by_the_batch_in_generation_3():
    layer = Dense(2, activity_regularizer='l1')
    two = losses_of(layer, X)[0]
    config.set_generation(3)
    try:
        np.testing.assert_allclose(losses_of(layer, X)[0], two / 4, rtol=1e-6)
    finally:
        config.set_generation(2)


def test_add_loss_in_call():
    class Penalty(Layer):
        def call(self, x):
            self.add_loss(ops.sum(x))
            self.add_loss([ops.mean(x), ops.square(x)])
            return x

    layer = Penalty()
    np.testing.assert_allclose(losses_of(layer, X), [X.sum(), X.mean(), (X ** 2).sum()], rtol=1e-4)
    layer.add_loss(lambda: 3.0)
    assert len(losses_of(layer, X)) == 4


def test_add_loss_to_a_model():
    a = Input((3,))
    y = Dense(2)(a)
    model = Model(a, y)
    model.add_loss(ops.mean(ops.square(y - 1.0)))
    np.testing.assert_allclose(losses_of(model, X), [((model(X) - 1) ** 2).mean()], rtol=1e-5)
    model.compile('sgd')
    before = model.train_on_batch(X)
    assert model.train_on_batch(X) < before


def test_trainable_as_it_was():
    model = Sequential([Dense(2, input_shape=(3,))])
    state = trainable_state(model._flatten_layers())
    model.trainable = False
    assert model.trainable_weights == []
    with trainable_as(state):
        assert len(model.trainable_weights) == 2


# ---- masks

def test_mask_that_nothing_supports():
    class Plain(Layer):
        def call(self, x):
            return x

    masked = Masking()(Input((3, 2)))
    with pytest.raises(TypeError, match='mask'):
        Plain()(masked)
    config.set_generation(3)
    try:
        assert Plain()(masked)._keras_mask is None
    finally:
        config.set_generation(2)


def test_mask_is_passed_on_and_handed_to_call():
    class Count(Layer):
        supports_masking = True

        def call(self, x, mask=None):
            return x + ops.cast(ops.expand_dims(mask, -1), 'float32')

        def compute_mask(self, inputs, mask=None):
            return None

    a = Input((3, 2))
    y = Count()(Activation('linear')(Masking()(a)))
    assert y._keras_mask is None
    x = np.ones((2, 3, 2), np.float32)
    x[0, 1] = 0
    np.testing.assert_array_equal(Model(a, y)(x), x + x.any(-1, keepdims=True))


def test_mask_of_a_tensor_can_be_used():
    a = Input((3, 2))
    masked = Masking()(a)
    y = Lambda(lambda t: t[0] * ops.cast(ops.expand_dims(t[1], -1), 'float32') + 1)([a, masked._keras_mask])
    x = np.ones((1, 3, 2), np.float32)
    x[0, 2] = 0
    np.testing.assert_array_equal(Model(a, y)(x), [[[2, 2], [2, 2], [1, 1]]])


@pytest.mark.parametrize('name', ['loss', 'optimizer', 'metrics', 'history', 'callbacks', 'loss_weights'])
def test_names_of_compile_are_free_in_layers(name):
    class Own(Layer):
        def __init__(self):
            super().__init__()
            setattr(self, name, Dense(2))

        def call(self, x):
            return getattr(self, name)(x)

    layer = Own()
    layer(np.ones((1, 3), 'float32'))
    assert len(layer.weights) == len(layer.trainable_weights) == 2


def test_a_model_cannot_keep_a_layer_where_compile_writes():
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.loss = Dense(2)

        def call(self, x):
            return self.loss(x)

    with pytest.raises(ValueError, match="compile: model .* in its attribute 'loss'"):
        Own().compile('sgd', 'mse')


def forms():
    """X as arrays of every make."""
    odd = np.ndarray(X.shape, 'float32', np.zeros(X.nbytes + 1, 'uint8'), 1)
    odd[...] = X
    fixed = X.copy()
    fixed.flags.writeable = False
    packed = np.zeros(len(X), [('tag', 'u1'), ('x', 'f4', X.shape[1:])])
    packed['x'] = X
    return {'unaligned': odd, 'swapped': X.astype('>f4'), 'fortran': np.asfortranarray(X), 'read-only': fixed,
            'strided': np.repeat(X, 2, axis=0)[::2], 'backwards': X[::-1].copy()[::-1], 'packed': packed['x'],
            'float64': X.astype('float64'), 'swapped float64': X.astype('>f8')}


@pytest.mark.parametrize('form', forms())
def test_arrays_of_every_make(form):
    x = forms()[form]
    model = Sequential([Dense(2, input_shape=(3,))])
    model.compile('sgd', 'mse')
    twice = Function(lambda x: x * 2.0)
    for call in model, model.layers[0], model.predict, model.predict_on_batch, ops.exp, twice, lambda x: model.evaluate(
            x, x[:, :2], verbose=0):
        for _ in range(2):      # also the short way of a batch seen before
            np.testing.assert_allclose(call(x), call(X), rtol=1e-6)
    model.train_on_batch(x, x[:, :2])
    model.fit(x, x[:, :2], verbose=0)
    whole = (x * 10).astype(x.dtype.str.replace('f', 'i'))
    np.testing.assert_array_equal(ops.abs(whole), abs(whole))
    np.testing.assert_allclose(model(whole), model(whole.astype('float32')), rtol=1e-5)


def test_whole_numbers_of_the_other_byte_order():
    model = Sequential([Dense(2, input_shape=(3,))])
    for kind in '>i4', '>i8', '>u2':
        whole = np.arange(12).reshape(4, 3).astype(kind)
        np.testing.assert_allclose(model(whole), model(whole.astype('float32')), rtol=1e-6)


def test_a_list_of_one_output_is_that_output_in_generation_2():
    class Listed(Layer):
        def call(self, x):
            return [x * 2]

    x = Input((3,))
    assert not isinstance(Listed()(x), list) and Listed()(X).shape == (4, 3)
    inner = Model([x], [Dense(2)(x)])
    assert inner([Input((3,))]).shape == (None, 2)
    config.set_generation(3)
    try:
        assert isinstance(Listed()(x), list) and isinstance(Listed()(X), list)
    finally:
        config.set_generation(2)
