"""A learning phase that is set before a model is built holds for fit, evaluate and predict; clear_session opens it."""
import json

import numpy as np
from keras import backend as K
from keras.layers import BatchNormalization, Dense, Dropout, GaussianNoise, Lambda
from keras.models import Sequential


def values(*shape):
    return np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)


def made(noise=()):
    model = Sequential([Dense(5, activation='tanh', input_shape=(4,)), BatchNormalization(),
                        Lambda(lambda x: K.in_train_phase(x * 2., x)), *noise, Dense(2)])
    model.layers[0].set_weights([values(4, 5), values(5)])
    model.layers[1].set_weights([np.ones(5), np.zeros(5), values(5), 1 + values(5) ** 2])
    model.layers[-1].set_weights([values(5, 2), values(2)])
    model.compile('sgd', 'mse')
    return model


def ran(model):
    return [model.predict(x).tolist(), model.evaluate(x, target, verbose=0),
            model.fit(x, target, batch_size=3, epochs=2, shuffle=False, verbose=0).history['loss']]


def moved(model):
    return [bool(np.abs(w - v).max() > 1e-3) for w, v in zip(model.layers[1].get_weights(), start)]


x, target = np.random.RandomState(0).rand(6, 4), np.random.RandomState(1).rand(6, 2)
start = [np.ones(5), np.zeros(5), values(5), 1 + values(5) ** 2]
out = {}
K.set_learning_phase(0)
model = made([Dropout(0.5), GaussianNoise(1.)])
out['0'] = [model.predict(x).tolist(), model.evaluate(x, target, verbose=0)]
model.fit(x, target, batch_size=3, epochs=1, shuffle=False, verbose=0)
out['0_moved'] = moved(model)[2:]
out['0_function'] = [len(model.updates), K.learning_phase()]
K.clear_session()
K.set_learning_phase(1)
model = made()
out['1'] = ran(model)
out['1_moved'] = moved(model)[2:]
before = model.layers[1].get_weights()
model.predict(x)
model.evaluate(x, target, verbose=0)
out['1_predict_moves'] = bool(np.abs(before[2] - model.layers[1].get_weights()[2]).max() > 0)
out['1_drops'] = bool(np.std([made([Dropout(0.5)]).predict(x) for _ in range(3)]) > 0)
K.clear_session()
out['open'] = ran(made())
print(json.dumps(out, default=float))
