"""An optimizer of one's own, with get_updates and slots by K.zeros, in fit and in a function."""
import json

import numpy as np
from keras import backend as K
from keras.layers import Dense
from keras.models import Sequential
from keras.optimizers import Optimizer


class Nesterov(Optimizer):
    def __init__(self, lr=0.01, momentum=0.9, **kwargs):
        super().__init__(**kwargs)
        with K.name_scope(self.__class__.__name__):
            self.iterations = K.variable(0, dtype='int64', name='iterations')
            self.lr = K.variable(lr, name='lr')
            self.momentum = K.variable(momentum, name='momentum')

    def get_updates(self, loss, params):
        grads = self.get_gradients(loss, params)
        self.updates = [K.update_add(self.iterations, 1)]
        lr = self.lr * (1. / (1. + 0.1 * K.cast(self.iterations, K.dtype(self.lr))))
        moments = [K.zeros(K.int_shape(p)) for p in params]
        self.weights = [self.iterations] + moments
        for p, g, m in zip(params, grads, moments):
            v = self.momentum * m - lr * g
            self.updates.append(K.update(m, v))
            new_p = p + self.momentum * v - lr * g
            if getattr(p, 'constraint', None) is not None:
                new_p = p.constraint(new_p)
            self.updates.append(K.update(p, new_p))
        return self.updates

    def get_config(self):
        return {'lr': float(K.get_value(self.lr)), 'momentum': float(K.get_value(self.momentum))}


def values(*shape):
    return np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)


def made():
    model = Sequential([Dense(5, activation='tanh', input_shape=(4,), kernel_constraint='nonneg'), Dense(2)])
    model.set_weights([values(4, 5), values(5), values(5, 2), values(2)])
    return model


x, target = np.random.RandomState(0).rand(6, 4), np.random.RandomState(1).rand(6, 2)
out = {}
model = made()
model.compile(Nesterov(.05), 'mse')
# the last batch is smaller
out['fit'] = model.fit(x, target, batch_size=4, epochs=5, shuffle=False, verbose=0).history['loss']
out['state'] = [float(np.abs(w).sum()) for w in model.optimizer.get_weights()]

model = made()
y = K.placeholder((None, 2))
loss = K.mean(K.square(y - model.output))
step = K.function([model.input, y], [loss], updates=Nesterov(.05).get_updates(loss, model.trainable_weights))
out['function'] = [float(step([x, target])[0]) for _ in range(4)]
print(json.dumps(out, default=float))
