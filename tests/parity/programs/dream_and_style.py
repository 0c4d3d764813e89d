"""Deep dream, and the transfer of a style by L-BFGS, on a network of applications that begins with a tensor."""
import json

import numpy as np
from keras import backend as K
from keras.applications import vgg16
from scipy.optimize import fmin_l_bfgs_b

K.set_learning_phase(0)
SIZE = 32
out = {}
random = np.random.RandomState(0)
photo, painting = random.uniform(-100, 100, (2, 1, SIZE, SIZE, 3))


def filled(model):
    numbers = np.random.RandomState(1)
    model.set_weights([numbers.normal(0, np.sqrt(2. / max(1, np.prod(w.shape[:-1]))) if w.ndim > 1 else 0.01, w.shape)
                       for w in model.get_weights()])
    return model


# ---- deep dream
model = filled(vgg16.VGG16(weights=None, include_top=False, input_shape=(SIZE, SIZE, 3)))
layers = {layer.name: layer for layer in model.layers}
loss = K.variable(0.)
for name, coefficient in [('block1_conv2', .05), ('block2_conv1', .1)]:
    activation = layers[name].output
    scaling = K.prod(K.cast(K.shape(activation), 'float32'))
    loss += coefficient * K.sum(K.square(activation[:, 2: -2, 2: -2, :])) / scaling
dream = model.input
grads = K.gradients(loss, dream)[0]
grads /= K.maximum(K.mean(K.abs(grads)), K.epsilon())
fetch = K.function([dream], [loss, grads])
image = photo.copy()
losses = []
for _ in range(3):
    value, direction = fetch([image])
    image += 0.5 * direction
    losses.append(value)
out['dream'] = losses
out['direction'] = direction.mean(axis=(1, 2)).tolist()

# ---- style
base_image, style_image = K.variable(photo), K.variable(painting)
combination_image = K.placeholder((1, SIZE, SIZE, 3))
input_tensor = K.concatenate([base_image, style_image, combination_image], axis=0)
model = filled(vgg16.VGG16(input_tensor=input_tensor, weights=None, include_top=False))
outputs = {layer.name: layer.output for layer in model.layers}


def gram_matrix(x):
    features = K.batch_flatten(K.permute_dimensions(x, (2, 0, 1)))
    return K.dot(features, K.transpose(features))


def style_loss(style, combination):
    return K.sum(K.square(gram_matrix(style) - gram_matrix(combination))) / (4. * (3 ** 2) * (SIZE ** 4))


def total_variation_loss(x):
    a = K.square(x[:, :SIZE - 1, :SIZE - 1, :] - x[:, 1:, :SIZE - 1, :])
    b = K.square(x[:, :SIZE - 1, :SIZE - 1, :] - x[:, :SIZE - 1, 1:, :])
    return K.sum(K.pow(a + b, 1.25))


loss = K.variable(0.)
features = outputs['block2_conv2']
loss += 0.025 * K.sum(K.square(features[2, :, :, :] - features[0, :, :, :]))
for name in ['block1_conv1', 'block2_conv1']:
    features = outputs[name]
    loss += (1. / 2) * style_loss(features[1, :, :, :], features[2, :, :, :])
loss += 1e-4 * total_variation_loss(combination_image)
grads = K.gradients(loss, combination_image)
f_outputs = K.function([combination_image], [loss] + grads)


class Evaluator:
    def __init__(self):
        self.loss_value = None

    def loss(self, x):
        self.loss_value, grads = f_outputs([x.reshape((1, SIZE, SIZE, 3))])
        self.grads = grads.flatten().astype('float64')
        return float(self.loss_value)

    def gradient(self, x):
        return self.grads


evaluator = Evaluator()
x = random.uniform(-100, 100, (1, SIZE, SIZE, 3))
value, grads = f_outputs([x])
out['style'] = [value, np.abs(grads).mean(), grads.mean(axis=(1, 2)).tolist()]
x, least, info = fmin_l_bfgs_b(evaluator.loss, x.flatten(), fprime=evaluator.gradient, maxfun=4)
out['better'] = bool(least < .9 * value)
print(json.dumps(out, default=float))
