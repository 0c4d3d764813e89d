"""An image with the content of one and the style of another, found by L-BFGS on the gradient of a loss of a network's layers.

    python neural_style_transfer.py [seed]
"""
from __future__ import print_function

import json
import sys

import numpy as np
from keras import backend as K
from keras.layers import Conv2D, Input, MaxPooling2D
from keras.models import Model
from scipy.optimize import fmin_l_bfgs_b
from small_data import photos

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
total_variation_weight, style_weight, content_weight, iterations = 0.01, 1.0, 0.1, 3
img_nrows = img_ncols = 32

(x, y), _ = photos(200, 1)
base_image = K.variable(x[:1].astype('float32') / 128 - 1)
style_reference_image = K.variable(x[np.where(y != y[0])[0][:1]].astype('float32') / 128 - 1)
combination_image = K.placeholder((1, img_nrows, img_ncols, 3))
input_tensor = K.concatenate([base_image, style_reference_image, combination_image], axis=0)

# a network whose filters are drawn, the same everywhere
rng = np.random.RandomState(9)
inputs = h = Input(tensor=input_tensor, shape=(img_nrows, img_ncols, 3))
for block, width in enumerate((8, 16), 1):
    h = Conv2D(width, 3, activation='relu', padding='same', name='block%d_conv1' % block)(h)
    h = MaxPooling2D(name='block%d_pool' % block)(h)
model = Model(inputs, h)
model.set_weights([rng.randn(*w.shape) * (0.5 if w.ndim == 1 else (2. / np.prod(w.shape[:-1])) ** 0.5)
                   for w in model.get_weights()])
outputs_dict = dict([(layer.name, layer.output) for layer in model.layers])


def gram_matrix(x):
    assert K.ndim(x) == 3
    features = K.batch_flatten(K.permute_dimensions(x, (2, 0, 1)))
    return K.dot(features, K.transpose(features))


def style_loss(style, combination):
    S, C = gram_matrix(style), gram_matrix(combination)
    return K.sum(K.square(S - C)) / (4. * (3 ** 2) * ((img_nrows * img_ncols) ** 2))


def total_variation_loss(x):
    assert K.ndim(x) == 4
    a = K.square(x[:, :img_nrows - 1, :img_ncols - 1, :] - x[:, 1:, :img_ncols - 1, :])
    b = K.square(x[:, :img_nrows - 1, :img_ncols - 1, :] - x[:, :img_nrows - 1, 1:, :])
    return K.sum(K.pow(a + b, 1.25))


loss = K.variable(0.0)
layer_features = outputs_dict['block2_conv1']
loss = loss + content_weight * K.sum(K.square(layer_features[2, :, :, :] - layer_features[0, :, :, :]))
for layer_name in ['block1_conv1', 'block2_conv1']:
    layer_features = outputs_dict[layer_name]
    loss = loss + (style_weight / 2) * style_loss(layer_features[1, :, :, :], layer_features[2, :, :, :])
loss = loss + total_variation_weight * total_variation_loss(combination_image)
grads = K.gradients(loss, combination_image)
outputs = [loss]
if isinstance(grads, (list, tuple)):
    outputs += grads
else:
    outputs.append(grads)
f_outputs = K.function([combination_image], outputs)


class Evaluator(object):
    """The loss, and the gradient that was computed with it."""

    def loss(self, x):
        outs = f_outputs([x.reshape((1, img_nrows, img_ncols, 3))])
        self.grad_values = outs[1].flatten().astype('float64')
        return outs[0].astype('float64')

    def grads(self, x):
        return np.copy(self.grad_values)


evaluator = Evaluator()
x = np.random.uniform(-0.5, 0.5, (1, img_nrows, img_ncols, 3))
first = float(evaluator.loss(x))
for i in range(iterations):
    x, min_val, info = fmin_l_bfgs_b(evaluator.loss, x.flatten(), fprime=evaluator.grads, maxfun=20)
    print('Current loss value:', min_val)
print(json.dumps({'loss': float(min_val), 'first_loss': first}))
