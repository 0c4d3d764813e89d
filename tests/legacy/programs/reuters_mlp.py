"""Topics of newswires, told from which words are in them.

    python reuters_mlp.py [seed]
"""
from __future__ import print_function

import json
import sys

import keras
import numpy as np
from keras.layers import Activation, Dense, Dropout
from keras.models import Sequential
from keras.preprocessing.text import Tokenizer
from small_data import newswires

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
max_words, batch_size, epochs = 500, 32, 5

(x_train, y_train), (x_test, y_test) = newswires(600, 300, max_words)
num_classes = np.max(y_train) + 1
print(num_classes, 'classes')
tokenizer = Tokenizer(num_words=max_words)
x_train = tokenizer.sequences_to_matrix(x_train, mode='binary')
x_test = tokenizer.sequences_to_matrix(x_test, mode='binary')
y_train = keras.utils.to_categorical(y_train, num_classes)
y_test = keras.utils.to_categorical(y_test, num_classes)

model = Sequential()
model.add(Dense(64, input_shape=(max_words,)))
model.add(Activation('relu'))
model.add(Dropout(0.5))
model.add(Dense(num_classes))
model.add(Activation('softmax'))
model.compile(loss='categorical_crossentropy', optimizer='adam', metrics=['accuracy'])
history = model.fit(x_train, y_train, batch_size=batch_size, epochs=epochs, verbose=1, validation_split=0.1)
score = model.evaluate(x_test, y_test, batch_size=batch_size, verbose=1)
print(json.dumps({'loss': float(score[0]), 'accuracy': float(score[1]),
                  'validation_loss': float(history.history['val_loss'][-1])}))
