"""Gradients inside of losses and layers: the penalty of WGAN-GP, with a subclass of _Merge, and saliency as part of a loss."""
import json
from functools import partial

import numpy as np
from keras import backend as K
from keras.layers import Activation, Dense, Input, Lambda, LeakyReLU
from keras.layers.merge import _Merge
from keras.models import Model, Sequential
from keras.optimizers import SGD


def values(*shape):
    return np.random.RandomState(sum(shape)).uniform(-.5, .5, shape)


def fill(model):
    model.set_weights([values(*w.shape) for w in model.get_weights()])
    return model


def wasserstein_loss(y_true, y_pred):
    return K.mean(y_true * y_pred)


def gradient_penalty_loss(y_true, y_pred, averaged_samples, gradient_penalty_weight):
    gradients = K.gradients(K.sum(y_pred), averaged_samples)
    gradient_l2_norm = K.sqrt(K.sum(K.square(gradients[0]), axis=[1]))
    return gradient_penalty_weight * K.square(1 - gradient_l2_norm)


class WeightedAverage(_Merge):
    def _merge_function(self, inputs):
        weights = K.constant(np.linspace(0, 1, 4).reshape(4, 1))
        return (weights * inputs[0]) + ((1 - weights) * inputs[1])


out = {}
r = np.random.RandomState(0)
real, noise = r.rand(4, 5), r.rand(4, 3)
generator = fill(Sequential([Dense(6, input_dim=3), LeakyReLU(), Dense(5, activation='tanh')]))
critic = fill(Sequential([Dense(6, input_dim=5), Activation('tanh'), Dense(4), LeakyReLU(), Dense(1)]))

for layer in critic.layers:
    layer.trainable = False
critic.trainable = False
z = Input((3,))
generator_model = Model(z, critic(generator(z)))
generator_model.compile(SGD(0.05), wasserstein_loss)
for layer in critic.layers:
    layer.trainable = True
for layer in generator.layers:
    layer.trainable = False
critic.trainable = True
generator.trainable = False
real_samples, z = Input((5,)), Input((3,))
generated = generator(z)
averaged_samples = WeightedAverage()([real_samples, generated])
averaged_out = critic(averaged_samples)
partial_gp_loss = partial(gradient_penalty_loss, averaged_samples=averaged_samples, gradient_penalty_weight=10)
partial_gp_loss.__name__ = 'gradient_penalty'
critic_model = Model([real_samples, z], [critic(real_samples), critic(generated), averaged_out])
critic_model.compile(SGD(0.05), [wasserstein_loss, wasserstein_loss, partial_gp_loss])
ones = np.ones((4, 1), 'float32')
history = []
for _ in range(3):
    history.append(critic_model.train_on_batch([real, noise], [ones, -ones, 0 * ones]))
    history.append(generator_model.train_on_batch(noise, ones))
out['wgan_gp'] = history

# the norm of a gradient as an output, through a Lambda that has closed over the input
a = Input((5,))
hidden = Dense(4, activation='tanh')(a)
score = Dense(1)(hidden)
norm = Lambda(lambda s: K.sqrt(K.sum(K.square(K.gradients(s, a)[0]), axis=1, keepdims=True)),
              output_shape=(1,))(score)
by_hidden = Lambda(lambda s: K.gradients(s[0], s[1])[0], output_shape=(4,))([score, hidden])
model = fill(Model(a, [score, norm, by_hidden]))
out['norm'] = [p.sum(axis=1).tolist() for p in model.predict(real)]
model.compile(SGD(0.05), 'mse')
targets = [ones, ones, np.zeros((4, 4))]
out['norm_fit'] = [model.train_on_batch(real, targets) for _ in range(3)]

# a penalty on the saliency of a loss, by the tensors that a loss has closed over
a = Input((5,))
model = fill(Model(a, Dense(1)(Dense(4, activation='tanh')(a))))


def explained(y_true, y_pred):
    grad, = K.gradients(K.square(y_true - y_pred), [model.input])
    inner, = K.gradients(y_pred, [model.layers[1].output])
    return K.square(y_true - y_pred) + 0.3 * K.sum(K.abs(grad), axis=-1, keepdims=True) + 0.1 * K.sum(
        K.square(inner), axis=-1, keepdims=True)


model.compile(SGD(0.05), explained)
out['explained'] = model.fit(real, ones, batch_size=3, epochs=3, shuffle=False, verbose=0).history['loss']
print(json.dumps(out, default=float))
