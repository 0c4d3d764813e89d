"""Steps of the optimizers by get_updates, in functions of one's own, in all the orders of its arguments that there were."""
import json

import numpy as np
from keras import backend as K
from keras import optimizers
from keras.layers import Dense
from keras.models import Sequential


def values(*shape):
    return np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)


x, target = np.random.RandomState(0).rand(6, 4), np.random.RandomState(1).rand(6, 2)
out = {}
for name in ['SGD', 'RMSprop', 'Adagrad', 'Adadelta', 'Adam', 'Adamax', 'Nadam']:
    model = Sequential([Dense(5, activation='tanh', input_shape=(4,)), Dense(2)])
    model.set_weights([values(4, 5), values(5), values(5, 2), values(2)])
    y = K.placeholder((None, 2))
    loss = K.mean(K.square(y - model.output))
    optimizer = optimizers.SGD(lr=.05, momentum=.9, clipnorm=.5) if name == 'SGD' else getattr(optimizers, name)(lr=.05)
    if name == 'Adam':
        updates = optimizer.get_updates(model.trainable_weights, [], loss)
    elif name == 'RMSprop':
        updates = optimizer.get_updates(params=model.trainable_weights, loss=loss)
    else:
        updates = optimizer.get_updates(loss, model.trainable_weights)
    step = K.function([model.input, y], [loss], updates=updates)
    out[name] = [float(step([x, target])[0]) for _ in range(6)]
    gradients = optimizer.get_gradients(loss, model.trainable_weights)
    out[name + '_gradient'] = [float(np.sum(g)) for g in K.function([model.input, y], gradients)([x, target])]
print(json.dumps(out, default=float))
