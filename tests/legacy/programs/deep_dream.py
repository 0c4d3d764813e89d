"""A network sees in an image what it knows: gradient ascent on several of its layers, at several sizes of the image.

    python deep_dream.py [seed]
"""
from __future__ import print_function

import json
import sys

import numpy as np
from keras import backend as K
from keras.layers import Conv2D, Input, MaxPooling2D
from keras.models import Model
from scipy import ndimage
from small_data import photos

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
settings = {'features': {'mixed1': 0.2, 'mixed2': 0.5}}
K.set_learning_phase(0)

(images, _), _ = photos(3, 1)
image_input = h = Input((None, None, 3))
for k, width in enumerate((8, 16, 16)):
    h = Conv2D(width, 3, activation='relu', padding='same' if k else 'valid', name='mixed%d' % k)(h)
    h = MaxPooling2D(2)(h) if k < 2 else h
model = Model(image_input, h)
rng = np.random.RandomState(4)
model.set_weights([rng.randn(*w.shape) * (0.1 if w.ndim == 1 else (2. / np.prod(w.shape[:-1])) ** 0.5)
                   for w in model.get_weights()])
dream = model.input
layer_dict = dict([(layer.name, layer) for layer in model.layers])

loss = K.variable(0.)
for layer_name in settings['features']:
    if layer_name not in layer_dict:
        raise ValueError('Layer ' + layer_name + ' not found in model.')
    coeff = settings['features'][layer_name]
    x = layer_dict[layer_name].output
    # the border is left out, for no artifacts of it
    scaling = K.prod(K.cast(K.shape(x), 'float32'))
    if K.image_data_format() == 'channels_first':
        loss = loss + coeff * K.sum(K.square(x[:, :, 2: -2, 2: -2])) / scaling
    else:
        loss = loss + coeff * K.sum(K.square(x[:, 2: -2, 2: -2, :])) / scaling
grads = K.gradients(loss, dream)[0]
grads /= K.maximum(K.mean(K.abs(grads)), K.epsilon())
fetch_loss_and_grads = K.function([dream], [loss, grads])


def resize_img(img, size):
    img = np.copy(img)
    factors = (1, float(size[0]) / img.shape[1], float(size[1]) / img.shape[2], 1)
    return ndimage.zoom(img, factors, order=1)


def gradient_ascent(x, iterations, step, max_loss=None):
    for i in range(iterations):
        loss_value, grad_values = fetch_loss_and_grads([x])
        if max_loss is not None and loss_value > max_loss:
            break
        losses.append(float(loss_value))
        print('..Loss value at', i, ':', loss_value)
        x = x + step * grad_values
    return x


losses, step, num_octave, octave_scale, iterations = [], 0.02, 3, 1.4, 8
img = images[:1].astype('float32') / 127.5 - 1
original_shape = img.shape[1:3]
successive_shapes = [original_shape]
for i in range(1, num_octave):
    successive_shapes.append(tuple(int(dim / (octave_scale ** i)) for dim in original_shape))
successive_shapes = successive_shapes[::-1]
original_img = np.copy(img)
shrunk_original_img = resize_img(img, successive_shapes[0])
for shape in successive_shapes:
    print('Processing image shape', shape)
    img = resize_img(img, shape)
    img = gradient_ascent(img, iterations=iterations, step=step, max_loss=10.)
    upscaled_shrunk_original_img = resize_img(shrunk_original_img, shape)
    same_size_original = resize_img(original_img, shape)
    img += same_size_original - upscaled_shrunk_original_img
    shrunk_original_img = resize_img(original_img, shape)
print(json.dumps({'last': round(losses[-1], 3), 'first': round(losses[0], 3), 'steps': len(losses),
                  'mean': round(float(img.mean()), 3)}))
