"""Weather from the hours before: a generator of windows, a guess by common sense, and recurrent networks of several kinds."""

import numpy as np
from keras import layers, models
from keras.models import Sequential
from keras.optimizers import RMSprop
from same_start import fill, show

hours = np.arange(900)
random = np.random.RandomState(5)
float_data = np.stack([10 * np.sin(hours / 24 * 2 * np.pi) + random.normal(0, 0.5, 900) + hours / 100,
                       990 + 5 * np.cos(hours / 100) + random.normal(0, 0.5, 900),
                       random.normal(0, 1, 900)], axis=1)
mean = float_data[:600].mean(axis=0)
float_data -= mean
std = float_data[:600].std(axis=0)
float_data /= std


def generator(data, lookback, delay, min_index, max_index, shuffle=False, batch_size=16, step=6):
    if max_index is None:
        max_index = len(data) - delay - 1
    i = min_index + lookback
    while 1:
        if shuffle:
            rows = np.random.randint(min_index + lookback, max_index, size=batch_size)
        else:
            if i + batch_size >= max_index:
                i = min_index + lookback
            rows = np.arange(i, min(i + batch_size, max_index))
            i += len(rows)
        samples = np.zeros((len(rows), lookback // step, data.shape[-1]))
        targets = np.zeros((len(rows),))
        for j, _ in enumerate(rows):
            indices = range(rows[j] - lookback, rows[j], step)
            samples[j] = data[indices]
            targets[j] = data[rows[j] + delay][0]
        yield samples, targets


lookback, step, delay, batch_size = 48, 3, 12, 16
val_steps = (899 - 601 - lookback) // batch_size


def train_gen(shuffle=False):
    return generator(float_data, lookback, delay, 0, 600, shuffle, batch_size, step)


def val_gen():
    return generator(float_data, lookback, delay, 601, None, False, batch_size, step)


def evaluate_naive_method():
    batch_maes, given = [], val_gen()
    for _ in range(val_steps):
        samples, targets = next(given)
        preds = samples[:, -1, 0]
        batch_maes.append(np.mean(np.abs(preds - targets)))
    return np.mean(batch_maes)


def trained(*stack, **arguments):
    model = Sequential(list(stack))
    model.compile(optimizer=RMSprop(lr=0.003), loss='mae')
    fill(model)
    history = model.fit_generator(train_gen(), steps_per_epoch=8, epochs=3, validation_data=val_gen(),
                                  validation_steps=val_steps, verbose=0, shuffle=False, **arguments)
    return history.history['val_loss']


features = float_data.shape[-1]
flat = trained(layers.Flatten(input_shape=(lookback // step, features)), layers.Dense(16, activation='relu'), layers.Dense(1))
gru = trained(layers.GRU(12, input_shape=(None, features)), layers.Dense(1))
stacked = trained(layers.GRU(8, return_sequences=True, input_shape=(None, features)), layers.GRU(12, activation='relu'),
                  layers.Dense(1))
dropped = trained(layers.GRU(12, dropout=0.1, recurrent_dropout=0.1, input_shape=(None, features)), layers.Dense(1))
both = trained(layers.Bidirectional(layers.GRU(8), input_shape=(None, features)), layers.Dense(1))
convolved = trained(layers.Conv1D(8, 5, activation='relu', input_shape=(None, features)), layers.MaxPooling1D(2),
                    layers.Conv1D(8, 3, activation='relu'), layers.GRU(8, dropout=0., recurrent_dropout=0.), layers.Dense(1))

# words by hashing and embedding, in a recurrent network and turned around
x = random.randint(0, 30, (64, 10))
y = (x[:, :5].sum(axis=1) > x[:, 5:].sum(axis=1)).astype('float32')
model = models.Sequential()
model.add(layers.Embedding(30, 8))
model.add(layers.Bidirectional(layers.LSTM(8)))
model.add(layers.Dense(1, activation='sigmoid'))
model.compile(optimizer='rmsprop', loss='binary_crossentropy', metrics=['acc'])
fill(model)
words = model.fit(x, y, epochs=4, batch_size=16, validation_split=0.25, verbose=0, shuffle=False)
show(naive=evaluate_naive_method(), flat=flat, gru=gru, stacked=stacked, about_dropped=dropped[-1], both=both,
     convolved=convolved, words=words.history['loss'], val_words=words.history['val_loss'])
