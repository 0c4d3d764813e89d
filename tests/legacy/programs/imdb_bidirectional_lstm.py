"""Reviews read from both ends; the numbers of words go in as they are, labels as a list of arrays.

    python imdb_bidirectional_lstm.py [seed]
"""
from __future__ import print_function

import json
import sys

import numpy as np
from keras.layers import LSTM, Bidirectional, Dense, Dropout, Embedding
from keras.models import Sequential
from keras.preprocessing import sequence
from small_data import reviews

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
max_features, maxlen, batch_size = 1000, 40, 32
(x_train, y_train), (x_test, y_test) = reviews(800, 300, max_features)
x_train = sequence.pad_sequences(x_train, maxlen=maxlen)
x_test = sequence.pad_sequences(x_test, maxlen=maxlen)
y_train = np.array(y_train)
y_test = np.array(y_test)

model = Sequential()
model.add(Embedding(max_features, 32, input_length=maxlen))
model.add(Bidirectional(LSTM(16)))
model.add(Dropout(0.5))
model.add(Dense(1, activation='sigmoid'))
model.compile('adam', 'binary_crossentropy', metrics=['accuracy'])
history = model.fit(x_train, y_train, batch_size=batch_size, epochs=4, validation_data=[x_test, y_test])
print(json.dumps({'loss': float(history.history['val_loss'][-1]), 'accuracy': float(history.history['val_acc'][-1])}))
