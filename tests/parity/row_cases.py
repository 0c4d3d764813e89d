"""What a row of docs/generations.md says, asked of any Keras: `record_rows.py` runs CASES with Keras 2.2.4 and with Keras 3,
the tests with fastkeras in these generations. By the item of the row."""

import numpy as np
from training_cases import data, set_weights

X, Y = data(91, 8, 3), data(92, 8, 1)


def of_two(k):
    """Whether it is Keras 2, or acts so."""
    return k.config.generation() != 3 if hasattr(getattr(k, 'config', None), 'generation') else k.__version__[0] == '2'


def stack(k, shape, *layers):
    """A model of layers on an input, in the way of both generations."""
    a = k.layers.Input(shape=shape)
    x = a
    for layer in layers:
        x = layer(x)
    return k.models.Model(a, x)


def out(k, x, *layers):
    x = np.asarray(x, 'float32')
    return stack(k, x.shape[1:], *layers).predict(x, verbose=0)


def tried(function):
    """'computes', or the name of the error."""
    try:
        function()
    except Exception as error:
        return type(error).__name__
    return 'computes'


def steps(k, make, scale=1.0, n=3):
    """Weights after steps of an optimizer on gradients of about this size."""
    m = set_weights(stack(k, (3,), k.layers.Dense(2), k.layers.Dense(1)))
    m.compile(make(k.optimizers), 'mse')
    for _ in range(n):
        m.train_on_batch(X * scale, Y * scale)
    return [w * 1.0 for w in m.get_weights()]


def statistics(k, x, momentum, frozen=False, training=1, **arguments):
    layer = k.layers.BatchNormalization(momentum=momentum, **arguments)
    flat = [k.layers.Flatten()] if x.ndim > 2 else []
    m = stack(k, x.shape[1:], layer, *flat, k.layers.Dense(1, use_bias=False))
    set_weights(m)
    layer.set_weights([np.ones_like(w) * v for w, v in zip(layer.get_weights(), (1, 0, 0, 1))])
    layer.trainable = not frozen
    m.compile(k.optimizers.SGD(0.0), 'mse')
    losses = [m.train_on_batch(x * (1 + step) + step, np.zeros((len(x), 1), 'float32')) for step in range(training)]
    return [losses, layer.get_weights()[-2:]]


def batch_norm_variance(k):
    return [statistics(k, data(93, 4, 3), 0.0), statistics(k, data(94, 2, 3, 3, 2), 0.0), statistics(k, data(95, 3, 4, 2), 0.0)]


def names(k):
    k.backend.clear_session()
    found = [k.layers.Dense(1).name, k.layers.Dense(1).name, k.layers.Conv2D(1, 1).name]
    a = k.layers.Input(shape=(2,))
    return [*found, k.models.Model(a, k.layers.Dense(1)(a)).name, k.models.Sequential().name]


def nested(k):
    inside = k.models.Sequential([k.layers.Dense(2), k.layers.BatchNormalization(), k.layers.Dense(3)])
    if of_two(k):
        inside = k.models.Sequential([k.layers.Dense(2, input_shape=(4,)), k.layers.BatchNormalization(), k.layers.Dense(3)])
    return stack(k, (4,), inside, k.layers.BatchNormalization(), k.layers.Dense(5))


def shapes(weights):
    return [[int(d) for d in w.shape] for w in weights]


def fitted(k, **compile_args):
    m = set_weights(stack(k, (3,), k.layers.Dense(1, activation='sigmoid')))
    m.compile(k.optimizers.SGD(0.1), 'mse', **compile_args)
    return m.fit(X, (Y > 0).astype('float32'), verbose=0, epochs=1, callbacks=[k.callbacks.ReduceLROnPlateau(monitor='loss')])


def weighted(k):
    m = set_weights(stack(k, (3,), k.layers.Dense(1)))
    m.compile('sgd', 'mse')
    return m.evaluate(X, Y, sample_weight=np.float32([0, 0, 1, 3, 0, 1, 2, 0]), verbose=0)


def penalised(k):
    m = set_weights(stack(k, (3,), k.layers.Dense(2, activity_regularizer=k.regularizers.l2(0.1)), k.layers.Dense(1)))
    m.compile('sgd', 'mse')
    return m.evaluate(X, Y, verbose=0)


def loss(k, name, y, p, activation=None, units=None):
    """The loss of given logits, by a model that multiplies by one."""
    p, y = np.asarray(p, 'float32'), np.asarray(y, 'float32')
    m = stack(k, (p.shape[1],), k.layers.Dense(p.shape[1], use_bias=False, activation=activation))
    m.set_weights([np.eye(p.shape[1], dtype='float32')])
    m.compile(k.optimizers.SGD(1.0), name)
    return [m.train_on_batch(p, y), m.get_weights()[0]]


def masked(k, *layers):
    x = data(96, 2, 5, 2)
    x[0, :2] = x[0, 4:] = x[1, 3:] = 0
    m = set_weights(stack(k, (5, 2), k.layers.Masking(), *layers))
    return m.predict(x, verbose=0)


def serialized(k):
    return sorted(key for key in k.layers.serialize(k.layers.Dense(1)) if key != 'build_config')


def layout(k):
    k.backend.set_image_data_format('channels_first')
    try:
        return [layer.data_format for layer in (k.layers.Conv1D(1, 1), k.layers.MaxPooling1D(), k.layers.SeparableConv1D(1, 1))]
    finally:
        k.backend.set_image_data_format('channels_last')


def rate_of(k, name):
    optimizer = getattr(k.optimizers, name)()
    config = optimizer.get_config()
    return float(config.get('learning_rate', config.get('lr')))


CASES = {
    '`hard_sigmoid`': lambda k: out(k, [[-4.0, -2.6, -1, 0, 0.5, 2.6, 4]], k.layers.Activation('hard_sigmoid')),
    '`recurrent_activation` of LSTM, GRU, ConvLSTM': lambda k: [
        layer.get_config()['recurrent_activation'] for layer in (k.layers.LSTM(1), k.layers.GRU(1), k.layers.ConvLSTM2D(1, 1))],
    '`reset_after` of GRU': lambda k: k.layers.GRU(1).get_config()['reset_after'],
    '`unit_forget_bias` of LSTM': lambda k: k.layers.LSTM(1).get_config()['unit_forget_bias'],
    'BatchNormalization, defaults': lambda k: [k.layers.BatchNormalization().get_config()[n] for n in (
        'axis', 'momentum', 'epsilon', 'center', 'scale')],
    'BatchNormalization, variance that the moving one follows': batch_norm_variance,
    'BatchNormalization, moving averages at the start': lambda k: statistics(k, data(97, 6, 2), 0.9, training=3),
    'BatchNormalization with `trainable=False` in training': lambda k: statistics(k, data(98, 6, 2) * 3 + 1, 0.9, True, 2),
    'a layer without masks gets a mask': lambda k: tried(lambda: masked(k, k.layers.Conv1D(1, 2))),
    'Dense on inputs of more axes': lambda k: list(out(k, np.ones((2, 3, 4)), k.layers.Dense(5)).shape),
    '`data_format` of 1-D layers': layout,
    'UpSampling2D(interpolation=\'bilinear\')': lambda k: out(
        k, np.arange(4).reshape(1, 2, 2, 1), k.layers.UpSampling2D(2, interpolation='bilinear')),
    '`activity_regularizer`': penalised,
    '`summary` of a model that is not built': lambda k: tried(
        lambda: k.models.Sequential([k.layers.Dense(1)]).summary(print_fn=lambda *a, **kw: None)),
    '`layer(array)`, `model(array)`': lambda k: [tried(lambda: k.layers.Dense(1)(X)),
                                                 tried(lambda: stack(k, (3,), k.layers.Dense(1))(X))],
    'automatic names': names,
    'outputs of Bidirectional where both directions are masked': lambda k: masked(
        k, k.layers.Bidirectional(k.layers.SimpleRNN(2, return_sequences=True))),
    'output of a recurrent layer at a masked first step': lambda k: masked(k, k.layers.SimpleRNN(2, return_sequences=True)),
    'order of `model.weights`': lambda k: shapes(nested(k).weights),
    '`get_weights`, `set_weights`': lambda k: shapes(nested(k).get_weights()),
    '`Sequential.add(Input(…))`': lambda k: tried(lambda: k.models.Sequential().add(k.layers.Input(shape=(2,)))),
    "log keys of 'accuracy'": lambda k: sorted(fitted(k, metrics=['accuracy']).history),
    "log keys of 'mse', 'mae'": lambda k: sorted(fitted(k, metrics=['mse', 'mae']).history),
    'log key of the rate': lambda k: sorted(fitted(k).history),
    'values in logs and History': lambda k: type(fitted(k).history['loss'][0]).__name__,
    'sample weights in the loss': weighted,
    '`decay`': lambda k: steps(k, lambda o: o.SGD(0.1, decay=0.5)) if of_two(k) else [],
    'default rates': lambda k: [rate_of(k, n) for n in ('SGD', 'RMSprop', 'Adam', 'Adagrad', 'Adadelta', 'Adamax', 'Nadam')],
    'first accumulator of Adagrad': lambda k: steps(k, lambda o: o.Adagrad(), 1.0),
    'epsilon of RMSprop, Adagrad': lambda k: [
        steps(k, lambda o: o.RMSprop(), 1e-3), steps(k, lambda o: o.Adagrad(), 1e-3)],
    'schedule of Nadam': lambda k: steps(k, lambda o: o.Nadam()),
    '`clipnorm`': lambda k: steps(k, lambda o: o.SGD(0.1, clipnorm=0.3)),
    'hinge losses of labels 0 and 1': lambda k: [
        loss(k, name, [[0, 1, 1]], [[0.5, 0.3, -0.2]]) for name in ('hinge', 'squared_hinge')],
    'cross-entropies of a saturated softmax or sigmoid': lambda k: [
        loss(k, 'binary_crossentropy', [[0, 1]], [[40.0, -40]], 'sigmoid'),
        loss(k, 'categorical_crossentropy', [[0, 1]], [[40.0, -40]], 'softmax'),
        loss(k, 'sparse_categorical_crossentropy', [[1]], [[40.0, -40]], 'softmax')],
    '`binary_accuracy`': lambda k: counted(k),
    '`l1`, `l2`, `l1_l2`': lambda k: [float(v) for _, v in sorted(k.regularizers.l1_l2().get_config().items())],
    'configurations': lambda k: k.initializers.serialize(k.layers.Dense(1).kernel_initializer)['class_name'],
    'form of configurations': serialized,
}


def counted(k):
    m = stack(k, (1,), k.layers.Dense(1, use_bias=False))
    m.set_weights([np.float32([[1]])])
    m.compile('sgd', 'mse', metrics=['binary_accuracy'])
    return m.evaluate(np.float32([[0.2], [0.5], [1.7], [2.2]]), np.float32([[0], [0], [2], [2]]), verbose=0)[1]
