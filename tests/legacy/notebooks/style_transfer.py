"""The contents of one picture in the style of another: L-BFGS on the losses that a network sees."""

import numpy as np
from keras import backend as K
from keras import layers, models
from same_start import fill, show
from scipy.optimize import fmin_l_bfgs_b

img_height, img_width = 16, 18
random = np.random.RandomState(7)
target_image = K.constant(random.uniform(-1, 1, (1, img_height, img_width, 3)))
style_reference_image = K.constant(np.tile(random.uniform(-1, 1, (1, 4, 6, 3)), (1, 4, 3, 1)))
combination_image = K.placeholder((1, img_height, img_width, 3))
input_tensor = K.concatenate([target_image, style_reference_image, combination_image], axis=0)

inputs = layers.Input(tensor=input_tensor)
x = layers.Conv2D(6, (3, 3), activation='relu', padding='same', name='block1_conv1')(inputs)
x = layers.AveragePooling2D((2, 2))(x)
x = layers.Conv2D(8, (3, 3), activation='relu', padding='same', name='block2_conv1')(x)
x = layers.Conv2D(8, (3, 3), activation='relu', padding='same', name='block5_conv2')(x)
model = fill(models.Model(inputs, x), scale=1.5)


def content_loss(base, combination):
    return K.sum(K.square(combination - base))


def gram_matrix(x):
    features = K.batch_flatten(K.permute_dimensions(x, (2, 0, 1)))
    gram = K.dot(features, K.transpose(features))
    return gram


def style_loss(style, combination):
    S = gram_matrix(style)
    C = gram_matrix(combination)
    channels = 3
    size = img_height * img_width
    return K.sum(K.square(S - C)) / (4. * (channels ** 2) * (size ** 2))


def total_variation_loss(x):
    a = K.square(x[:, :img_height - 1, :img_width - 1, :] - x[:, 1:, :img_width - 1, :])
    b = K.square(x[:, :img_height - 1, :img_width - 1, :] - x[:, :img_height - 1, 1:, :])
    return K.sum(K.pow(a + b, 1.25))


outputs_dict = dict([(layer.name, layer.output) for layer in model.layers])  # noqa: C404
loss = K.variable(0.)
layer_features = outputs_dict['block5_conv2']
loss = loss + 0.025 * content_loss(layer_features[0, :, :, :], layer_features[2, :, :, :])
for layer_name in ['block1_conv1', 'block2_conv1']:
    layer_features = outputs_dict[layer_name]
    loss = loss + (1. / 2) * style_loss(layer_features[1, :, :, :], layer_features[2, :, :, :])
loss = loss + 1e-3 * total_variation_loss(combination_image)

grads = K.gradients(loss, combination_image)[0]
fetch_loss_and_grads = K.function([combination_image], [loss, grads])


class Evaluator(object):  # noqa: UP004

    def __init__(self):
        self.loss_value = None
        self.grads_values = None

    def loss(self, x):
        assert self.loss_value is None
        x = x.reshape((1, img_height, img_width, 3))
        outs = fetch_loss_and_grads([x])
        self.loss_value = outs[0]
        self.grad_values = outs[1].flatten().astype('float64')
        return self.loss_value

    def grads(self, x):
        assert self.loss_value is not None
        grad_values = np.copy(self.grad_values)
        self.loss_value = None
        self.grad_values = None
        return grad_values


evaluator = Evaluator()
x = random.uniform(-1, 1, (1, img_height, img_width, 3)).flatten()
first = [float(evaluator.loss(x)), *evaluator.grads(x)[:5]]
values = []
for _ in range(3):
    x, min_val, info = fmin_l_bfgs_b(evaluator.loss, x, fprime=evaluator.grads, maxfun=20)
    values.append(float(min_val))
show(first=first, about_values=values[-1], falling=bool(values[2] < values[1] < values[0] < first[0]))
