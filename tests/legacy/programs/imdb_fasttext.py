"""Reviews by the mean of what their words and pairs of words mean.

    python imdb_fasttext.py [seed]
"""
from __future__ import print_function

import json
import sys

import numpy as np
from keras.layers import Dense, Embedding, GlobalAveragePooling1D
from keras.models import Sequential
from keras.preprocessing import sequence
from small_data import reviews

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)


def create_ngram_set(input_list, ngram_value=2):
    return set(zip(*[input_list[i:] for i in range(ngram_value)]))


def add_ngram(sequences, token_indice, ngram_range=2):
    new_sequences = []
    for input_list in sequences:
        new_list = input_list[:]
        for ngram_value in range(2, ngram_range + 1):
            for i in range(len(new_list) - ngram_value + 1):
                ngram = tuple(new_list[i:i + ngram_value])
                if ngram in token_indice:
                    new_list.append(token_indice[ngram])
        new_sequences.append(new_list)
    return new_sequences


ngram_range, max_features, maxlen, batch_size, epochs = 2, 200, 80, 32, 6
(x_train, y_train), (x_test, y_test) = reviews(500, 300, max_features)
if ngram_range > 1:
    ngram_set = set()
    for input_list in x_train:
        ngram_set.update(create_ngram_set(input_list, ngram_value=2))
    token_indice = {v: k + max_features + 1 for k, v in enumerate(sorted(ngram_set))}
    max_features = max(token_indice.values()) + 1
    x_train = add_ngram(x_train, token_indice, ngram_range)
    x_test = add_ngram(x_test, token_indice, ngram_range)
print('Average train sequence length: {}'.format(np.mean(list(map(len, x_train)), dtype=int)))
x_train = sequence.pad_sequences(x_train, maxlen=maxlen)
x_test = sequence.pad_sequences(x_test, maxlen=maxlen)

model = Sequential()
model.add(Embedding(max_features, 20, input_length=maxlen))
model.add(GlobalAveragePooling1D())
model.add(Dense(1, activation='sigmoid'))
model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['accuracy'])
model.fit(x_train, y_train, batch_size=batch_size, epochs=epochs, validation_data=(x_test, y_test))
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(json.dumps({'loss': float(loss), 'accuracy': float(accuracy), 'features': max_features}))
