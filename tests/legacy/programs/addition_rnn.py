"""A network reads a sum, letter by letter, and writes the result: one recurrent layer encodes, others decode.

    python addition_rnn.py [seed]
"""
from __future__ import print_function

import json
import sys

import numpy as np
from keras import layers
from keras.models import Sequential
from six.moves import range

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)


class CharacterTable(object):
    """Letters to one-hot rows and back."""

    def __init__(self, chars):
        self.chars = sorted(set(chars))
        self.char_indices = dict((c, i) for i, c in enumerate(self.chars))
        self.indices_char = dict((i, c) for i, c in enumerate(self.chars))

    def encode(self, C, num_rows):
        x = np.zeros((num_rows, len(self.chars)))
        for i, c in enumerate(C):
            x[i, self.char_indices[c]] = 1
        return x

    def decode(self, x, calc_argmax=True):
        if calc_argmax:
            x = x.argmax(axis=-1)
        return ''.join(self.indices_char[x] for x in x)


DIGITS, REVERSE, MAXLEN = 2, True, 2 + 1 + 2
ctable = CharacterTable('0123456789+ ')
questions, expected, seen = [], [], set()
while len(questions) < 3000:
    a, b = np.random.randint(0, 100), np.random.randint(0, 100)
    if (a, b) in seen:
        continue
    seen.add((a, b))
    query = '{}+{}'.format(a, b).ljust(MAXLEN)
    questions.append(query[::-1] if REVERSE else query)
    expected.append(str(a + b).ljust(DIGITS + 1))
x = np.zeros((len(questions), MAXLEN, len(ctable.chars)), dtype=bool)
y = np.zeros((len(questions), DIGITS + 1, len(ctable.chars)), dtype=bool)
for i, sentence in enumerate(questions):
    x[i] = ctable.encode(sentence, MAXLEN)
for i, sentence in enumerate(expected):
    y[i] = ctable.encode(sentence, DIGITS + 1)
split_at = len(x) - len(x) // 10
(x_train, x_val), (y_train, y_val) = (x[:split_at], x[split_at:]), (y[:split_at], y[split_at:])

RNN, HIDDEN_SIZE, BATCH_SIZE, LAYERS = layers.LSTM, 64, 32, 1
model = Sequential()
model.add(RNN(HIDDEN_SIZE, input_shape=(MAXLEN, len(ctable.chars))))
model.add(layers.RepeatVector(DIGITS + 1))
for _ in range(LAYERS):
    model.add(RNN(HIDDEN_SIZE, return_sequences=True))
model.add(layers.TimeDistributed(layers.Dense(len(ctable.chars), activation='softmax')))
model.compile(loss='categorical_crossentropy', optimizer='adam', metrics=['accuracy'])
model.summary()
for iteration in range(1, 11):
    history = model.fit(x_train, y_train, batch_size=BATCH_SIZE, epochs=1, validation_data=(x_val, y_val), verbose=2)
    for _ in range(3):
        ind = np.random.randint(0, len(x_val))
        rowx, rowy = x_val[np.array([ind])], y_val[np.array([ind])]
        guess = ctable.decode(model.predict_classes(rowx, verbose=0)[0], calc_argmax=False)
        print('Q', ctable.decode(rowx[0])[::-1], 'T', ctable.decode(rowy[0]), 'guessed', guess)
print(json.dumps({'loss': float(history.history['val_loss'][-1]), 'accuracy': float(history.history['val_acc'][-1])}))
