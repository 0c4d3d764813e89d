"""A network grows without forgetting: a wider and a deeper student begin with the weights of their teacher.

    python mnist_net2net.py [seed]
"""
from __future__ import print_function

import json
import sys

import keras
import numpy as np
from keras.layers import Conv2D, Dense, Flatten, MaxPooling2D
from keras.models import Sequential
from keras.optimizers import SGD
from small_data import digits

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
input_shape, num_classes = (28, 28, 1), 10


def preprocess(x, y):
    return np.reshape(x, (-1,) + input_shape).astype('float32') / 255, keras.utils.to_categorical(y, num_classes)


def wider2net_conv2d(teacher_w1, teacher_b1, teacher_w2, new_width):
    """Filters are doubled at random, and what reads them divided by how often they are there."""
    n = new_width - teacher_w1.shape[3]
    index = np.random.randint(teacher_w1.shape[3], size=n)
    factors = np.bincount(index, minlength=teacher_w1.shape[3])[index] + 1.
    tmp_w1, tmp_b1 = teacher_w1[:, :, :, index], teacher_b1[index]
    tmp_w2 = teacher_w2[:, :, index, :] / factors.reshape((1, 1, -1, 1))
    student_w1 = np.concatenate((teacher_w1, tmp_w1), axis=3)
    noise = np.random.normal(0, 5e-2 * tmp_w2.std(), size=tmp_w2.shape)
    student_w2 = np.concatenate((teacher_w2, tmp_w2 + noise), axis=2)
    student_w2[:, :, index, :] = tmp_w2
    return student_w1, np.concatenate((teacher_b1, tmp_b1)), student_w2


def deeper2net_conv2d(teacher_w):
    """A convolution that does nothing yet."""
    kh, kw, num_channel, filters = teacher_w.shape
    student_w = np.zeros((kh, kw, filters, filters))
    for i in range(filters):
        student_w[(kh - 1) // 2, (kw - 1) // 2, i, i] = 1.
    return student_w, np.zeros(filters)


def copy_weights(teacher_model, student_model, layer_names):
    for name in layer_names:
        student_model.get_layer(name=name).set_weights(teacher_model.get_layer(name=name).get_weights())


def make(width, deeper=False):
    model = Sequential()
    model.add(Conv2D(width, 3, input_shape=input_shape, padding='same', name='conv1'))
    model.add(MaxPooling2D(2, name='pool1'))
    model.add(Conv2D(16, 3, padding='same', name='conv2', activation='relu'))
    if deeper:
        model.add(Conv2D(16, 3, padding='same', name='conv2-deeper', activation='relu'))
    model.add(MaxPooling2D(2, name='pool2'))
    model.add(Flatten(name='flatten'))
    model.add(Dense(32, activation='relu', name='fc1'))
    model.add(Dense(num_classes, activation='softmax', name='fc2'))
    return model


def train(model, lr, epochs):
    model.compile(loss='categorical_crossentropy', optimizer=SGD(lr=lr, momentum=0.9), metrics=['accuracy'])
    if epochs:
        model.fit(*train_data, batch_size=32, epochs=epochs, validation_data=validation_data, verbose=2)
    return model.evaluate(*validation_data, verbose=0)


train_data, validation_data = (preprocess(*part) for part in digits(1000, 300))
teacher = make(8)
taught = train(teacher, 0.01, 4)
wider = make(12)
w_conv1, b_conv1 = teacher.get_layer('conv1').get_weights()
w_conv2, b_conv2 = teacher.get_layer('conv2').get_weights()
new_w_conv1, new_b_conv1, new_w_conv2 = wider2net_conv2d(w_conv1, b_conv1, w_conv2, 12)
wider.get_layer('conv1').set_weights([new_w_conv1, new_b_conv1])
wider.get_layer('conv2').set_weights([new_w_conv2, b_conv2])
copy_weights(teacher, wider, ['fc1', 'fc2'])
widened = train(wider, 0.001, 1)
deeper = make(8, deeper=True)
deeper.get_layer('conv2-deeper').set_weights(deeper2net_conv2d(w_conv2))
copy_weights(teacher, deeper, ['conv1', 'conv2', 'fc1', 'fc2'])
unchanged = train(deeper, 0.001, 0)
deepened = train(deeper, 0.001, 1)
print(json.dumps({'teacher_loss': float(taught[0]), 'teacher_accuracy': float(taught[1]), 'wider_accuracy': float(widened[1]),
                  'deeper_accuracy': float(deepened[1]), 'deeper_begins': round(float(unchanged[0] / taught[0]), 4)}))
