"""A damped wave in pieces: a recurrent layer that keeps its state from batch to batch knows where it is, another does not.

    python stateful_lstm.py [seed]
"""
from __future__ import print_function

import json
import sys

import numpy as np
from keras.layers import LSTM, Dense
from keras.models import Sequential

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
batch_size, input_len, epochs, lahead = 1, 201, 5, 1


def gen_uniform_amp(amp=1, xn=10000):
    return np.random.RandomState(11).uniform(-1 * amp, +1 * amp, xn)


def create_model(stateful):
    model = Sequential()
    model.add(LSTM(16, input_shape=(lahead, 1), batch_size=batch_size, stateful=stateful))
    model.add(Dense(1))
    model.compile(loss='mse', optimizer='adam')
    return model


# what is to be found is the mean of the present number and the one before
numbers = gen_uniform_amp(0.5, input_len)
expected = np.convolve(numbers, [0.5, 0.5])[1:input_len]
x, y = numbers[1:].reshape(-1, 1, 1), expected.reshape(-1, 1)
x_train, y_train, x_test, y_test = x[:150], y[:150], x[150:], y[150:]

model_stateful = create_model(stateful=True)
for i in range(epochs):
    model_stateful.fit(x_train, y_train, batch_size=batch_size, epochs=1, verbose=0, validation_data=(x_test, y_test),
                       shuffle=False)
    model_stateful.reset_states()
model_stateful.predict(x_train, batch_size=batch_size)
predicted_stateful = model_stateful.predict(x_test, batch_size=batch_size)

model_stateless = create_model(stateful=False)
model_stateless.fit(x_train, y_train, batch_size=batch_size, epochs=epochs, verbose=0, validation_data=(x_test, y_test),
                    shuffle=False)
predicted_stateless = model_stateless.predict(x_test, batch_size=batch_size)

first = model_stateful.predict_on_batch(x_test[:1])
again = model_stateful.predict_on_batch(x_test[:1])
model_stateful.reset_states()
model_stateful.predict_on_batch(x_test[:1])
model_stateful.layers[0].reset_states(states=[np.ones((1, 16)), np.zeros((1, 16))])
print(json.dumps({'stateful_error': float(np.mean((predicted_stateful - y_test) ** 2)),
                  'stateless_error': float(np.mean((predicted_stateless - y_test) ** 2)),
                  'state_counts': bool(abs(first - again).max() > 0)}))
