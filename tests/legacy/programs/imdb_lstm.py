"""An LSTM that tells good reviews from bad ones.

    python imdb_lstm.py [seed]
"""
from __future__ import print_function

import json
import sys

import numpy as np
from keras.layers import LSTM, Dense, Embedding
from keras.models import Sequential
from keras.preprocessing import sequence
from small_data import reviews

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
max_features, maxlen, batch_size = 1000, 40, 32

print('Loading data...')
(x_train, y_train), (x_test, y_test) = reviews(800, 400, max_features)
print(len(x_train), 'train sequences')
print('Pad sequences (samples x time)')
x_train = sequence.pad_sequences(x_train, maxlen=maxlen)
x_test = sequence.pad_sequences(x_test, maxlen=maxlen)
print('x_train shape:', x_train.shape)

model = Sequential()
model.add(Embedding(max_features, 32))
model.add(LSTM(32, dropout=0.2, recurrent_dropout=0.2))
model.add(Dense(1, activation='sigmoid'))
model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['accuracy'])
model.fit(x_train, y_train, batch_size=batch_size, epochs=6, validation_data=(x_test, y_test))
score, acc = model.evaluate(x_test, y_test, batch_size=batch_size)
print('Test score:', score)
print('Test accuracy:', acc)
print(json.dumps({'loss': float(score), 'accuracy': float(acc)}))
