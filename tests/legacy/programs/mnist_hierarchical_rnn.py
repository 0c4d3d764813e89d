"""Digits as rows of pixels: one LSTM reads each row, another the rows.

    python mnist_hierarchical_rnn.py [seed]
"""
from __future__ import print_function

import json
import sys

import keras
import numpy as np
from keras.layers import LSTM, Dense, Input, TimeDistributed
from keras.models import Model
from small_data import digits

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
batch_size, num_classes, epochs, row_hidden, col_hidden = 32, 10, 5, 32, 32

(x_train, y_train), (x_test, y_test) = digits(600, 200)
x_train = x_train[:, ::2].reshape(-1, 14, 28, 1).astype('float32') / 255
x_test = x_test[:, ::2].reshape(-1, 14, 28, 1).astype('float32') / 255
y_train = keras.utils.to_categorical(y_train, num_classes)
y_test = keras.utils.to_categorical(y_test, num_classes)
row, col, pixel = x_train.shape[1:]

x = Input(shape=(row, col, pixel))
encoded_rows = TimeDistributed(LSTM(row_hidden))(x)
encoded_columns = LSTM(col_hidden)(encoded_rows)
prediction = Dense(num_classes, activation='softmax')(encoded_columns)
model = Model(x, prediction)
model.compile(loss='categorical_crossentropy', optimizer='rmsprop', metrics=['accuracy'])
model.fit(x_train, y_train, batch_size=batch_size, epochs=epochs, verbose=1, validation_data=(x_test, y_test))
scores = model.evaluate(x_test, y_test, verbose=0)
print(json.dumps({'loss': float(scores[0]), 'accuracy': float(scores[1]), 'parameters': model.count_params()}))
