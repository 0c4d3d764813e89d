"""Deep Q-learning: Huber's loss by K, a dueling head by Lambda, a loss as the output of a model, a target network."""
import json

import numpy as np
from keras import backend as K
from keras.layers import Dense, Input, Lambda
from keras.models import Model, Sequential
from keras.optimizers import RMSprop


def values(*shape):
    return np.random.RandomState(sum(shape)).uniform(-.5, .5, shape)


def huber_loss(y_true, y_pred, clip_delta=1.0):
    error = y_true - y_pred
    cond = K.abs(error) < clip_delta
    squared = 0.5 * K.square(error)
    linear = clip_delta * (K.abs(error) - 0.5 * clip_delta)
    return K.mean(K.switch(cond, squared, linear))


def clipped(y_true, y_pred):
    error = K.abs(y_true - y_pred)
    quadratic = K.clip(error, 0.0, 1.0)
    return K.mean(0.5 * K.square(quadratic) + (error - quadratic))


out = {}
r = np.random.RandomState(0)
state, following, reward = r.rand(8, 4), r.rand(8, 4), 3 * r.rand(8)
action = r.randint(0, 3, 8)

model, target = [Sequential([Dense(6, activation='relu', input_shape=(4,)), Dense(4), Lambda(
    lambda a: K.expand_dims(a[:, 0], -1) + a[:, 1:] - K.mean(a[:, 1:], keepdims=True), output_shape=(3,))])
    for _ in range(2)]
model.set_weights([values(*w.shape) for w in model.get_weights()])
target.set_weights(model.get_weights())
for name, loss in (('huber', huber_loss), ('clipped', clipped)):
    model.set_weights(target.get_weights())
    model.compile(RMSprop(lr=0.01), loss)
    losses = []
    for _ in range(5):
        q = model.predict(state)
        q[np.arange(8), action] = reward + .9 * target.predict(following).max(axis=1)
        losses.append(model.train_on_batch(state, q))
    out[name] = losses

# keras-rl: the loss is an output, with masks as inputs
y_true, mask = Input((3,), name='y_true'), Input((3,), name='mask')


def masked_error(args):
    y_true, y_pred, mask = args
    x = y_true - y_pred
    loss = K.switch(K.abs(x) < .5, .5 * K.square(x), .5 * (K.abs(x) - .25))
    return K.sum(loss * mask, axis=-1)


model.set_weights(target.get_weights())
loss_out = Lambda(masked_error, output_shape=(1,), name='loss')([y_true, model.output, mask])
trainable = Model([model.input, y_true, mask], [loss_out, model.output])


def mean_q(y_true, y_pred):
    return K.mean(K.max(y_pred, axis=-1))


metrics = {trainable.output_names[1]: [mean_q]}
trainable.compile('adam', [lambda y_true, y_pred: y_pred, lambda y_true, y_pred: K.zeros_like(y_pred)], metrics=metrics)
masks = np.eye(3)[action]
out['keras_rl'] = [trainable.train_on_batch([state, masks * reward[:, None], masks], [np.zeros(8), masks])
                   for _ in range(3)]

# soft updates of the target: updates of the model beside those of a function
pairs = [(t, 0.9 * t + 0.1 * w) for t, w in zip(target.trainable_weights, model.trainable_weights)]
K.function([], [], updates=pairs)([])
out['soft'] = [float(np.sum(w)) for w in target.get_weights()]
print(json.dumps(out, default=float))
