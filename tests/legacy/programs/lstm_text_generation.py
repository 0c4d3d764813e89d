"""An LSTM that writes text, letter by letter, with more and less daring.

    python lstm_text_generation.py [seed]
"""
from __future__ import print_function

import json
import random
import sys

import numpy as np
from keras.callbacks import LambdaCallback
from keras.layers import LSTM, Activation, Dense
from keras.models import Sequential
from keras.optimizers import RMSprop
from small_data import prose

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
random.seed(0)

text = prose(4000)
print('corpus length:', len(text))
chars = sorted(set(text))
print('total chars:', len(chars))
char_indices = dict((c, i) for i, c in enumerate(chars))
indices_char = dict((i, c) for i, c in enumerate(chars))

maxlen, step = 20, 2
sentences, next_chars = [], []
for i in range(0, len(text) - maxlen, step):
    sentences.append(text[i: i + maxlen])
    next_chars.append(text[i + maxlen])
print('nb sequences:', len(sentences))
x = np.zeros((len(sentences), maxlen, len(chars)), dtype=bool)
y = np.zeros((len(sentences), len(chars)), dtype=bool)
for i, sentence in enumerate(sentences):
    for t, char in enumerate(sentence):
        x[i, t, char_indices[char]] = 1
    y[i, char_indices[next_chars[i]]] = 1

model = Sequential()
model.add(LSTM(64, input_shape=(maxlen, len(chars))))
model.add(Dense(len(chars)))
model.add(Activation('softmax'))
model.compile(loss='categorical_crossentropy', optimizer=RMSprop(lr=0.01))
written = []


def sample(preds, temperature=1.0):
    preds = np.asarray(preds).astype('float64')
    preds = np.exp(np.log(preds) / temperature)
    return np.argmax(np.random.multinomial(1, preds / np.sum(preds), 1))


def on_epoch_end(epoch, _):
    start_index = random.randint(0, len(text) - maxlen - 1)
    for diversity in [0.5, 1.0]:
        sentence = text[start_index: start_index + maxlen]
        generated = ''
        for _ in range(30):
            x_pred = np.zeros((1, maxlen, len(chars)))
            for t, char in enumerate(sentence):
                x_pred[0, t, char_indices[char]] = 1.
            next_char = indices_char[sample(model.predict(x_pred, verbose=0)[0], diversity)]
            sentence, generated = sentence[1:] + next_char, generated + next_char
        print('epoch %d, diversity %s: %r' % (epoch, diversity, generated))
        written.append(generated)


history = model.fit(x, y, batch_size=64, epochs=6, verbose=2, callbacks=[LambdaCallback(on_epoch_end=on_epoch_end)])
print(json.dumps({'loss': float(history.history['loss'][-1]), 'first_loss': float(history.history['loss'][0]),
                  'written': sum(map(len, written))}))
