"""Parts of one's own around training: metrics with state, optimizers with other gradients or updates, weights of a loss."""
import json

import numpy as np
from keras import backend as K
from keras.callbacks import Callback
from keras.constraints import Constraint
from keras.engine.topology import Layer
from keras.initializers import Initializer
from keras.layers import Dense
from keras.models import Sequential
from keras.optimizers import SGD, Adam
from keras.regularizers import Regularizer


def values(*shape):
    return np.random.RandomState(sum(shape)).uniform(-.5, .5, shape)


def compiled(optimizer, loss='mse', **options):
    model = Sequential([Dense(3, activation='tanh', input_shape=(4,)), Dense(1, activation='sigmoid')])
    model.set_weights([values(*w.shape) for w in model.get_weights()])
    model.compile(optimizer, loss, **options)
    return model


x, y = np.random.RandomState(0).rand(8, 4), (np.random.RandomState(1).rand(8, 1) > .5).astype(float)
out = {}


class TruePositives(Layer):
    def __init__(self, name='true_positives', **kwargs):
        super().__init__(name=name, **kwargs)
        self.stateful = True
        self.true_positives = K.variable(0, dtype='int32')

    def reset_states(self):
        K.set_value(self.true_positives, 0)

    def __call__(self, y_true, y_pred):
        y_true = K.cast(y_true, 'int32')
        y_pred = K.cast(K.round(y_pred), 'int32')
        correct = K.cast(K.equal(y_pred, y_true), 'int32')
        found = K.cast(K.sum(correct * y_true), 'int32')
        before = self.true_positives * 1
        self.add_update(K.update_add(self.true_positives, found), inputs=[y_true, y_pred])
        return before + found


model = compiled('sgd', 'binary_crossentropy', metrics=['acc', TruePositives()])
history = model.fit(x, y, batch_size=3, epochs=2, shuffle=False, verbose=0).history
out['stateful'] = [history['loss'], [int(v) for v in history['true_positives']],
                   [float(v) for v in model.evaluate(x, y, batch_size=3, verbose=0)]]

# gradients of an optimizer replaced, in the object and in a class
model = compiled(SGD(.5, clipnorm=.1))
known = model.optimizer.get_gradients
model.optimizer.get_gradients = lambda loss, params: [g * .5 for g in known(loss, params)]
out['halved'] = [model.train_on_batch(x, y) for _ in range(3)]


class UnitSGD(SGD):
    def get_gradients(self, loss, params):
        grads = K.gradients(loss, params)
        norm = K.sqrt(sum([K.sum(K.square(g)) for g in grads]))
        return [g / (norm + 1e-7) for g in grads]


model = compiled(UnitSGD(.1))
out['unit'] = [model.train_on_batch(x, y) for _ in range(3)]
update = UnitSGD(.1).get_updates(model.total_loss, model.trainable_weights)
step = K.function(model.inputs + model.targets + model.sample_weights, [model.total_loss], updates=update)
out['unit_function'] = [float(step([x, y, np.ones(8)])[0]) for _ in range(2)]


class SlowKernels(Adam):
    def get_updates(self, loss, params):
        grads = self.get_gradients(loss, params)
        self.updates = [K.update_add(self.iterations, 1)]
        t = K.cast(self.iterations, K.floatx()) + 1
        lr_t = self.lr * (K.sqrt(1. - K.pow(self.beta_2, t)) / (1. - K.pow(self.beta_1, t)))
        ms = [K.zeros(K.int_shape(p), dtype=K.dtype(p)) for p in params]
        vs = [K.zeros(K.int_shape(p), dtype=K.dtype(p)) for p in params]
        self.weights = [self.iterations] + ms + vs
        for p, g, m, v in zip(params, grads, ms, vs):
            m_t = (self.beta_1 * m) + (1. - self.beta_1) * g
            v_t = (self.beta_2 * v) + (1. - self.beta_2) * K.square(g)
            factor = .1 if 'kernel' in p.name else 1.
            self.updates.append(K.update(m, m_t))
            self.updates.append(K.update(v, v_t))
            self.updates.append(K.update(p, p - factor * lr_t * m_t / (K.sqrt(v_t) + self.epsilon)))
        return self.updates


model = compiled(SlowKernels(.05))
out['slow_kernels'] = [model.train_on_batch(x, y) for _ in range(4)]
out['slots'] = [len(model.optimizer.get_weights()), int(K.get_value(model.optimizer.iterations))]

# a loss whose weight a callback changes
alpha = K.variable(.3)


class Changes(Callback):
    def on_epoch_end(self, epoch, logs=None):
        K.set_value(alpha, K.get_value(alpha) + .2)
        K.set_value(self.model.optimizer.lr, K.get_value(self.model.optimizer.lr) * .5)


def mixed(y_true, y_pred):
    return alpha * K.mean(K.square(y_true - y_pred), -1) + (1 - alpha) * K.mean(K.abs(y_true - y_pred), -1)


out['mixed'] = compiled(SGD(.2), mixed).fit(x, y, batch_size=4, epochs=4, shuffle=False, verbose=0,
                                            callbacks=[Changes()]).history['loss']


class Sums(Regularizer):
    def __call__(self, w):
        return .1 * K.sum(K.abs(w))


class Short(Constraint):
    def __call__(self, w):
        return w / K.maximum(1., K.sqrt(K.sum(K.square(w), axis=0, keepdims=True)))


class Fixed(Initializer):
    def __call__(self, shape, dtype=None):
        return K.constant(values(*shape), dtype=dtype)


model = Sequential([Dense(3, kernel_initializer=Fixed(), kernel_regularizer=Sums(), kernel_constraint=Short(),
                          activity_regularizer=Sums(), input_shape=(4,)), Dense(1, kernel_initializer=Fixed())])
model.compile(SGD(.2), 'mse')
out['own'] = model.fit(x, y, batch_size=4, epochs=3, shuffle=False, verbose=0).history['loss']


class Annealed(Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.share = K.variable(1.)

    def call(self, z):
        return K.in_train_phase(z * self.share, z)


layer = Annealed()
model = Sequential([Dense(2, kernel_initializer=Fixed(), input_shape=(4,)), layer, Dense(1, kernel_initializer=Fixed())])
model.compile('sgd', 'mse')
out['annealed'] = [model.train_on_batch(x, y)]
K.set_value(layer.share, 0.)
out['annealed'] += [model.train_on_batch(x, y)] + model.predict(x).ravel().tolist()
print(json.dumps(out, default=float))
