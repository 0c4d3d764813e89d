"""Digits read in pieces of their pixels by a plain recurrent layer that begins as the identity.

    python mnist_irnn.py [seed]
"""
from __future__ import print_function

import json
import sys

import keras
import numpy as np
from keras import initializers
from keras.layers import Activation, Dense, SimpleRNN
from keras.models import Sequential
from keras.optimizers import RMSprop
from small_data import digits

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
batch_size, num_classes, epochs, hidden_units, learning_rate, clip_norm = 32, 10, 6, 64, 1e-3, 1.0

(x_train, y_train), (x_test, y_test) = digits(1000, 300)
x_train = x_train.reshape(x_train.shape[0], 49, 16).astype('float32') / 255
x_test = x_test.reshape(x_test.shape[0], 49, 16).astype('float32') / 255
y_train = keras.utils.to_categorical(y_train, num_classes)
y_test = keras.utils.to_categorical(y_test, num_classes)

model = Sequential()
model.add(SimpleRNN(hidden_units, kernel_initializer=initializers.RandomNormal(stddev=0.03),
                    recurrent_initializer=initializers.Identity(gain=1.0), activation='relu',
                    input_shape=x_train.shape[1:]))
model.add(Dense(num_classes))
model.add(Activation('softmax'))
rmsprop = RMSprop(lr=learning_rate, clipnorm=clip_norm)
model.compile(loss='categorical_crossentropy', optimizer=rmsprop, metrics=['accuracy'])
model.fit(x_train, y_train, batch_size=batch_size, epochs=epochs, verbose=1, validation_data=(x_test, y_test))
scores = model.evaluate(x_test, y_test, verbose=0)
print('IRNN test score:', scores[0])
print(json.dumps({'loss': float(scores[0]), 'accuracy': float(scores[1])}))
