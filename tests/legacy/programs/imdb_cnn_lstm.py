"""Reviews by windows of words, and a recurrent layer over what they say.

    python imdb_cnn_lstm.py [seed]
"""
from __future__ import print_function

import json
import sys

import numpy as np
from keras.layers import LSTM, Activation, Conv1D, Dense, Dropout, Embedding, MaxPooling1D
from keras.models import Sequential
from keras.preprocessing import sequence
from small_data import reviews

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
max_features, maxlen, embedding_size = 1000, 48, 32
kernel_size, filters, pool_size, lstm_output_size, batch_size, epochs = 5, 32, 4, 24, 30, 5

(x_train, y_train), (x_test, y_test) = reviews(800, 300, max_features)
x_train = sequence.pad_sequences(x_train, maxlen=maxlen)
x_test = sequence.pad_sequences(x_test, maxlen=maxlen)

model = Sequential()
model.add(Embedding(max_features, embedding_size, input_length=maxlen))
model.add(Dropout(0.25))
model.add(Conv1D(filters, kernel_size, padding='valid', activation='relu', strides=1))
model.add(MaxPooling1D(pool_size=pool_size))
model.add(LSTM(lstm_output_size))
model.add(Dense(1))
model.add(Activation('sigmoid'))
model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['accuracy'])
model.fit(x_train, y_train, batch_size=batch_size, epochs=epochs, validation_data=(x_test, y_test))
score, acc = model.evaluate(x_test, y_test, batch_size=batch_size)
print('Test score:', score)
print(json.dumps({'loss': float(score), 'accuracy': float(acc)}))
