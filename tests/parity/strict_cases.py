"""Training in which every row of the generation '2.2.4' counts, written for Keras 2.2.4 and fastkeras: 20 steps each.
`record_strict.py` runs CASES with Keras 2.2.4, the tests with fastkeras."""

import numpy as np
from training_cases import data, labels, one_hot
from training_cases import set_weights as any_weights

STEPS = 20


def set_weights(model, seed=11):
    """Weights from a seed, variances above 0."""
    any_weights(model, seed)
    for layer in with_inner(model):
        if hasattr(layer, 'moving_variance'):
            *others, variance = layer.get_weights()
            layer.set_weights([*others, np.abs(variance) + 0.5])
    return model


def with_inner(model):
    return [inner for layer in model.layers for inner in (with_inner(layer) if hasattr(layer, 'layers') else [layer])]


def images(seed, n=16, size=6, channels=3):
    return data(seed, n, size, size, channels)


def trained(m, x, y, xv=None, **weights):
    """Losses and metrics of 20 steps, then of evaluate on other data, then sums of predictions and of all weights."""
    losses = [m.train_on_batch(x(step), y(step), **{k: v(step) for k, v in weights.items()}) for step in range(STEPS)]
    xv, yv = x(100) if xv is None else xv, y(100)
    return {'steps': losses, 'evaluate': m.evaluate(xv, yv, verbose=0, batch_size=8),
            'predict': m.predict(xv, batch_size=8), 'weights': [w.sum() for w in m.get_weights()]}


def convolutional(k, axis=-1, data_format='channels_last', shape=(6, 6, 3)):
    kl = k.layers
    return set_weights(k.models.Sequential([
        kl.Conv2D(4, 3, padding='same', use_bias=False, input_shape=shape, data_format=data_format),
        kl.BatchNormalization(axis=axis, momentum=0.9), kl.Activation('tanh'), kl.MaxPooling2D(2, data_format=data_format),
        kl.Flatten(), kl.Dense(8, use_bias=False), kl.BatchNormalization(momentum=0.8, epsilon=1e-5),
        kl.Activation('relu'), kl.Dense(3, activation='softmax')]))


def classes(seed, n=16):
    return one_hot(labels(seed, n, 3), 3)


def batch_normalization(k):
    m = convolutional(k)
    m.compile(k.optimizers.SGD(0.1, momentum=0.9), 'categorical_crossentropy', metrics=['accuracy'])
    return trained(m, lambda s: images(s), lambda s: classes(500 + s))


def batch_normalization_of_channels_first(k):
    m = convolutional(k, 1, 'channels_first', (3, 6, 6))
    m.compile(k.optimizers.SGD(0.1, momentum=0.9), 'categorical_crossentropy')
    found = [m.train_on_batch(images(s).transpose(0, 3, 1, 2).copy(), classes(500 + s)) for s in range(STEPS)]
    return [found, m.get_weights()[4]]


def batch_normalization_of_sequences(k):
    kl = k.layers
    m = set_weights(k.models.Sequential([
        kl.Conv1D(4, 3, input_shape=(8, 2)), kl.BatchNormalization(scale=False, epsilon=0.01), kl.ELU(),
        kl.BatchNormalization(center=False, axis=1), kl.GlobalAveragePooling1D(), kl.Dense(1)]))
    m.compile(k.optimizers.SGD(0.05), 'mse', metrics=['mae'])
    return trained(m, lambda s: data(s, 12, 8, 2), lambda s: data(500 + s, 12, 1))


def frozen_normalization(k):
    m = convolutional(k)
    m.layers[1].trainable = False
    m.layers[6].trainable = False
    m.compile(k.optimizers.SGD(0.1), 'categorical_crossentropy')
    return trained(m, lambda s: images(s) * 2 + 1, lambda s: classes(500 + s))


def frozen_model_inside(k):
    base = convolutional(k)
    base.trainable = False
    a = k.layers.Input(shape=(6, 6, 3))
    m = k.models.Model(a, k.layers.Dense(3, activation='softmax', name='head')(base(a)))
    set_weights(m)
    m.compile(k.optimizers.SGD(0.5), 'categorical_crossentropy')
    return trained(m, lambda s: images(s) * 2 + 1, lambda s: classes(500 + s))


def adversaries(k, loss='binary_crossentropy', out=1, activation='sigmoid', factor=1000.0):
    """A discriminator with batch normalisation that is sure of itself, frozen where the generator is trained through it."""
    kl = k.layers
    generator = k.models.Sequential([kl.Dense(5, use_bias=False, input_shape=(2,)), kl.BatchNormalization(momentum=0.8),
                                     kl.LeakyReLU(0.2), kl.Dense(4, activation='tanh')])
    critic = k.models.Sequential([kl.Dense(6, use_bias=False, input_shape=(4,)), kl.BatchNormalization(momentum=0.8),
                                  kl.LeakyReLU(0.2), kl.Dense(out, activation=activation)])
    set_weights(generator, 31)
    set_weights(critic, 32)
    w = critic.get_weights()
    critic.set_weights([*w[:-2], w[-2] * factor, w[-1]])
    critic.compile(k.optimizers.Adam(0.002, 0.5), loss, metrics=['accuracy'])
    z = kl.Input(shape=(2,))
    critic.trainable = False
    both = k.models.Model(z, critic(generator(z)))
    both.compile(k.optimizers.Adam(0.002, 0.5), loss)
    real, fake = (np.ones((12, 1)), np.zeros((12, 1))) if out == 1 else (np.eye(2)[[0] * 12], np.eye(2)[[1] * 12])
    found = []
    for step in range(STEPS):
        noise = data(40 + step, 12, 2)
        made = generator.predict(noise)
        found.append([critic.train_on_batch(data(80 + step, 12, 4), real), critic.train_on_batch(made, fake),
                      both.train_on_batch(noise, real)])
    return [found, both.evaluate(noise, real, verbose=0), generator.predict(noise), [w.sum() for w in critic.get_weights()]]


def balanced_adversaries(k):
    return adversaries(k, factor=3.0)


def adversaries_of_two_classes(k):
    return adversaries(k, 'categorical_crossentropy', 2, 'softmax')


def saturated(k, loss, y, activation, units, factor=60):
    m = set_weights(k.models.Sequential([k.layers.Dense(units, activation=activation, input_shape=(4,), name='out')]))
    m.set_weights([w * factor for w in m.get_weights()])
    m.compile(k.optimizers.SGD(2.0), loss, metrics=['accuracy'])
    return trained(m, lambda s: data(s, 12, 4), y)


def saturated_sigmoid(k):
    return saturated(k, 'binary_crossentropy', lambda s: labels(500 + s, 12, 2)[:, None].astype('float32'), 'sigmoid', 1, 3000)


def saturated_softmax(k):
    return saturated(k, 'categorical_crossentropy', lambda s: classes(500 + s, 12), 'softmax', 3)


def saturated_sparse(k):
    return saturated(k, 'sparse_categorical_crossentropy', lambda s: labels(500 + s, 12, 3), 'softmax', 3)


def of_two(s):
    return labels(500 + s, 12, 2)[:, None].astype('float32')


def hinge(k, loss='hinge', y=of_two):
    m = set_weights(k.models.Sequential([k.layers.Dense(5, activation='relu', input_shape=(4,)), k.layers.Dense(1)]))
    m.compile(k.optimizers.SGD(0.05), loss, metrics=['hinge', 'squared_hinge'])
    return trained(m, lambda s: data(s, 12, 4), y)


def squared_hinge(k):
    return hinge(k, 'squared_hinge')


def categorical_hinge(k):
    m = set_weights(k.models.Sequential([k.layers.Dense(3, input_shape=(4,), name='out')]))
    m.compile(k.optimizers.SGD(0.05), 'categorical_hinge')
    return trained(m, lambda s: data(s, 12, 4), lambda s: classes(500 + s, 12))


def bilinear(k):
    kl = k.layers
    m = set_weights(k.models.Sequential([
        kl.Conv2D(3, 3, activation='tanh', input_shape=(5, 5, 2), strides=2), kl.UpSampling2D((2, 3), interpolation='bilinear'),
        kl.Conv2D(2, 3, padding='same', activation='tanh'), kl.UpSampling2D(interpolation='nearest'), kl.Conv2D(1, 1)]))
    m.compile(k.optimizers.SGD(0.1), 'mse')
    return trained(m, lambda s: data(s, 6, 5, 5, 2), lambda s: data(500 + s, 6, 8, 12, 1))


def recurrent(k, layer, **arguments):
    kl = k.layers
    m = set_weights(k.models.Sequential([
        kl.Embedding(10, 4, mask_zero=True, input_length=7), getattr(kl, layer)(5, return_sequences=True, **arguments),
        getattr(kl, layer)(4, **arguments), kl.Dense(1, activation='sigmoid')]))
    m.compile(k.optimizers.RMSprop(0.01), 'binary_crossentropy', metrics=['accuracy'])
    return trained(m, words, lambda s: labels(500 + s, 12, 2)[:, None].astype('float32'))


def words(s):
    """Words of which the last ones of each row are 0."""
    return labels(s, 84, 9).reshape(12, 7) * (np.arange(7) < 3 + np.arange(12)[:, None] % 5) + 0


def masked_lstm(k):
    return recurrent(k, 'LSTM')


def masked_gru(k):
    return recurrent(k, 'GRU')


def masked_rnn_backwards(k):
    return recurrent(k, 'SimpleRNN', go_backwards=True)


def stateful(k, layer='LSTM'):
    kl = k.layers
    m = set_weights(k.models.Sequential([
        getattr(kl, layer)(4, stateful=True, batch_input_shape=(6, 5, 2), return_sequences=True),
        getattr(kl, layer)(3, stateful=True), kl.Dense(1)]))
    m.compile(k.optimizers.Adam(0.01), 'mse')
    found = []
    for step in range(STEPS):
        if step == 12:
            m.reset_states()
        found.append(m.train_on_batch(data(step, 6, 5, 2), data(500 + step, 6, 1)))
    return [found, m.evaluate(data(100, 12, 5, 2), data(101, 12, 1), batch_size=6, verbose=0),
            m.predict(data(102, 12, 5, 2), batch_size=6)]


def stateful_gru(k):
    return stateful(k, 'GRU')


def weighted(k):
    m = convolutional(k)
    m.compile(k.optimizers.SGD(0.1), 'categorical_crossentropy', metrics=['accuracy'], weighted_metrics=['accuracy'])
    return trained(m, lambda s: images(s), lambda s: classes(500 + s),
                   sample_weight=lambda s: np.abs(data(700 + s, 16)) * (np.arange(16) % 4 > 0))


def class_weights(k):
    m = convolutional(k)
    m.compile(k.optimizers.SGD(0.1), 'categorical_crossentropy')
    return trained(m, lambda s: images(s), lambda s: classes(500 + s), class_weight=lambda s: {0: 0.5, 1: 2.0, 2: 0.0})


def regularized(k):
    kl, r = k.layers, k.regularizers
    m = set_weights(k.models.Sequential([
        kl.Conv2D(4, 3, input_shape=(6, 6, 3), activity_regularizer=r.l2(1e-3), kernel_regularizer=r.l1_l2(1e-3, 1e-3)),
        kl.BatchNormalization(gamma_regularizer=r.l2(0.1), beta_regularizer=r.l1(0.1)), kl.Activation('relu'), kl.Flatten(),
        kl.Dense(5, activation='relu', activity_regularizer=r.l1(1e-3), kernel_constraint=k.constraints.max_norm(0.8)),
        kl.ActivityRegularization(l1=1e-3, l2=1e-3), kl.Dense(3, activation='softmax', bias_regularizer=r.l2(0.1))]))
    m.compile(k.optimizers.SGD(0.1), 'categorical_crossentropy')
    return trained(m, lambda s: images(s), lambda s: classes(500 + s))


def optimizer(k, make):
    m = convolutional(k)
    m.compile(make(k.optimizers), 'categorical_crossentropy', metrics=['accuracy'])
    return trained(m, lambda s: images(s), lambda s: classes(500 + s))


def sgd(k):
    return optimizer(k, lambda o: o.SGD(0.1, momentum=0.9, decay=0.05, nesterov=True, clipvalue=0.1))


def rmsprop(k):
    return optimizer(k, lambda o: o.RMSprop(0.01, decay=0.05, clipnorm=0.5))


def adagrad(k):
    return optimizer(k, lambda o: o.Adagrad(0.05, decay=0.05, clipnorm=0.5))


def adadelta(k):
    return optimizer(k, lambda o: o.Adadelta(decay=0.05, clipnorm=0.5))


def adam(k):
    return optimizer(k, lambda o: o.Adam(0.01, decay=0.05, clipnorm=0.5))


def amsgrad(k):
    return optimizer(k, lambda o: o.Adam(0.01, amsgrad=True))


def adamax(k):
    return optimizer(k, lambda o: o.Adamax(decay=0.05, clipnorm=0.5))


def nadam(k):
    return optimizer(k, lambda o: o.Nadam(0.01, clipnorm=0.5))


def fitted(k):
    """fit over uneven batches with validation, then what its History holds."""
    m = convolutional(k)
    m.compile(k.optimizers.SGD(0.05), 'categorical_crossentropy', metrics=['accuracy', 'mse'])
    h = m.fit(images(1, 20), classes(2, 20), batch_size=8, epochs=4, shuffle=False, verbose=0,
              validation_data=(images(3, 12), classes(4, 12)))
    kinds = sorted({type(v).__name__ for values in h.history.values() for v in values})
    return [dict(h.history.items()), list(h.history), kinds,
            type(m.train_on_batch(images(1, 8), classes(2, 8))[0]).__name__]


def averages_of_the_backend(k):
    """K.moving_average_update in a function, and in the call of a layer of one's own."""
    b = k.backend
    v, x = b.variable([10.0, 2.0]), b.placeholder((2,))
    f = b.function([x], [b.sum(x)], updates=[b.moving_average_update(v, x, 0.75)])
    found = []
    for step in range(4):
        f([data(step, 2)])
        found.append(b.get_value(v))

    class Centred(k.layers.Layer):
        def build(self, input_shape):
            self.mean = self.add_weight(name='mean', shape=(input_shape[-1],), initializer='ones', trainable=False)
            super().build(input_shape)

        def call(self, inputs):
            mean = b.mean(inputs, 0)
            self.add_update([b.moving_average_update(self.mean, mean, 0.9)], inputs)
            return b.in_train_phase(inputs - mean, inputs - self.mean)
    m = set_weights(k.models.Sequential([k.layers.Dense(3, input_shape=(4,)), Centred(), k.layers.Dense(1)]))
    m.compile(k.optimizers.SGD(0.1), 'mse')
    return [found, trained(m, lambda s: data(s, 8, 4), lambda s: data(500 + s, 8, 1))]


def order_of_weights(k):
    """Shapes of weights as model.weights and get_weights list them, with a model inside, and frozen parts."""
    kl = k.layers
    inside = k.models.Sequential([kl.Dense(2, input_shape=(3,)), kl.BatchNormalization(), kl.Dense(4)], name='inside')
    a = kl.Input(shape=(3,))
    m = k.models.Model(a, kl.Dense(7)(kl.BatchNormalization()(kl.Dense(5)(inside(a)))))
    found = []
    for freeze in ([], [inside.layers[0]], [inside], [m.layers[-1], inside.layers[1]]):
        for layer in freeze:
            layer.trainable = False
        found.append([[[int(d) for d in v.shape] for v in m.weights], [list(w.shape) for w in m.get_weights()],
                      [list(w.shape) for w in inside.get_weights()], [[int(d) for d in v.shape] for v in m.trainable_weights],
                      [[int(d) for d in v.shape] for v in m.non_trainable_weights]])
    given = [np.full(w.shape, n, 'float32') for n, w in enumerate(m.get_weights())]
    m.set_weights(given)
    return [found, [[float(w.max()) for w in layer.get_weights()] for layer in inside.layers]]


CASES = [batch_normalization, batch_normalization_of_channels_first, batch_normalization_of_sequences,
         frozen_normalization, frozen_model_inside, adversaries, balanced_adversaries, adversaries_of_two_classes,
         saturated_sigmoid, saturated_softmax, saturated_sparse, hinge, squared_hinge, categorical_hinge, bilinear,
         masked_lstm, masked_gru, masked_rnn_backwards, stateful, stateful_gru, weighted, class_weights, regularized,
         sgd, rmsprop, adagrad, adadelta, adam, amsgrad, adamax, nadam, fitted, averages_of_the_backend,
         order_of_weights]
