"""Images that excite a filter most: gradient ascent on the input of a network.

    python conv_filter_visualization.py [seed]
"""
from __future__ import print_function

import json
import sys

import keras
import numpy as np
from keras import backend as K
from keras.layers import Conv2D, Dense, GlobalAveragePooling2D, MaxPooling2D
from keras.models import Sequential
from small_data import photos

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
img_width = img_height = 32

(x_train, y_train), _ = photos(600, 1)
model = Sequential([Conv2D(8, 3, activation='relu', name='block1_conv1', input_shape=(None, None, 3)),
                    MaxPooling2D(name='block1_pool'), Conv2D(16, 3, activation='relu', name='block2_conv1'),
                    GlobalAveragePooling2D(), Dense(10, activation='softmax', name='predictions')])
model.compile('adam', 'sparse_categorical_crossentropy')
history = model.fit(x_train / 255., y_train, epochs=3, verbose=0)
model.summary()


def deprocess_image(x):
    x -= x.mean()
    x /= (x.std() + K.epsilon())
    x *= 0.1
    x += 0.5
    x = np.clip(x, 0, 1)
    return np.clip(x * 255, 0, 255).astype('uint8')


def normalize(x):
    return x / (K.sqrt(K.mean(K.square(x))) + K.epsilon())


layer_dict = dict([(layer.name, layer) for layer in model.layers])
input_img = model.input
kept_filters, first = [], []
for filter_index in range(16):
    layer_output = layer_dict['block2_conv1'].output
    if K.image_data_format() == 'channels_first':
        loss = K.mean(layer_output[:, filter_index, :, :])
    else:
        loss = K.mean(layer_output[:, :, :, filter_index])
    grads = K.gradients(loss, input_img)[0]
    grads = normalize(grads)
    iterate = K.function([input_img], [loss, grads])
    step = .1
    input_img_data = np.random.random((1, img_width, img_height, 3)) * 0.2 + 0.4
    for i in range(20):
        loss_value, grads_value = iterate([input_img_data])
        if i == 0:
            first.append(float(loss_value))
        input_img_data += grads_value * step
        if loss_value <= 0.:        # some filters are dead
            break
    if loss_value > 0:
        kept_filters.append((deprocess_image(input_img_data[0]), float(loss_value)))

kept_filters.sort(key=lambda x: x[1], reverse=True)
image = keras.preprocessing.image.array_to_img(kept_filters[0][0])
best = [value for _, value in kept_filters]
print(json.dumps({'rise_accuracy': float(best[0] > 5 * np.mean(first)), 'image': list(image.size),
                  'alive_accuracy': len(best) / 16., 'training_loss': float(history.history['loss'][-1])}))
