"""A dream: a picture is changed, on several scales, towards what the layers of a network respond to."""

import numpy as np
import scipy.ndimage
from keras import backend as K
from keras import layers, models
from same_start import fill, show

K.set_learning_phase(0)
inputs = layers.Input((None, None, 3))
x = layers.Conv2D(8, (3, 3), activation='relu', padding='same')(inputs)
a = layers.Conv2D(6, (1, 1), activation='relu')(x)
b = layers.Conv2D(6, (3, 3), activation='relu', padding='same')(x)
mixed0 = layers.concatenate([a, b], name='mixed0')
x = layers.MaxPooling2D((2, 2))(mixed0)
x = layers.BatchNormalization()(x)
mixed1 = layers.Conv2D(12, (3, 3), activation='relu', name='mixed1')(x)
model = fill(models.Model(inputs, mixed1), scale=1.5)

layer_contributions = {'mixed0': 0.5, 'mixed1': 2.}
layer_dict = dict([(layer.name, layer) for layer in model.layers])  # noqa: C404
loss = K.variable(0.)
for layer_name in layer_contributions:
    coeff = layer_contributions[layer_name]
    activation = layer_dict[layer_name].output
    scaling = K.prod(K.cast(K.shape(activation), 'float32'))
    loss = loss + coeff * K.sum(K.square(activation[:, 2: -2, 2: -2, :])) / scaling

dream = model.input
grads = K.gradients(loss, dream)[0]
grads /= K.maximum(K.mean(K.abs(grads)), 1e-7)
fetch_loss_and_grads = K.function([dream], [loss, grads])


def eval_loss_and_grads(x):
    outs = fetch_loss_and_grads([x])
    return outs[0], outs[1]


losses = []


def gradient_ascent(x, iterations, step, max_loss=None):
    for _ in range(iterations):
        loss_value, grad_values = eval_loss_and_grads(x)
        losses.append(float(loss_value))
        if max_loss is not None and loss_value > max_loss:
            break
        x += step * grad_values
    return x


def resize_img(img, size):
    img = np.copy(img)
    factors = (1, float(size[0]) / img.shape[1], float(size[1]) / img.shape[2], 1)
    return scipy.ndimage.zoom(img, factors, order=1)


step, num_octave, octave_scale, iterations = 0.02, 3, 1.4, 5
img = np.random.RandomState(6).uniform(-1, 1, (1, 40, 36, 3))
original_shape = img.shape[1:3]
successive_shapes = [original_shape]
for i in range(1, num_octave):
    successive_shapes.append(tuple([int(dim / (octave_scale ** i)) for dim in original_shape]))
successive_shapes = successive_shapes[::-1]
original_img = np.copy(img)
shrunk_original_img = resize_img(img, successive_shapes[0])
for shape in successive_shapes:
    img = resize_img(img, shape)
    img = gradient_ascent(img, iterations=iterations, step=step, max_loss=100.)
    upscaled_shrunk_original_img = resize_img(shrunk_original_img, shape)
    same_size_original = resize_img(original_img, shape)
    lost_detail = same_size_original - upscaled_shrunk_original_img
    img += lost_detail
    shrunk_original_img = resize_img(original_img, shape)
show(losses=losses, shape=img.shape, mean=np.abs(img - original_img).mean(), corner=img[0, 10, 10:13].ravel())
