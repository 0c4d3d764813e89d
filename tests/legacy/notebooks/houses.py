"""Prices of houses from a few numbers about each, judged by k folds, since there are few houses."""

import numpy as np
from keras import layers, models
from same_start import fill, show

random = np.random.RandomState(0)
train_data = random.normal(3, 2, (84, 13))
train_targets = 20 + train_data @ random.normal(0, 1, 13) + random.normal(0, 0.5, 84)
test_data = random.normal(3, 2, (21, 13))

mean = train_data.mean(axis=0)
train_data -= mean
std = train_data.std(axis=0)
train_data /= std
test_data -= mean
test_data /= std


def build_model():
    model = models.Sequential()
    model.add(layers.Dense(64, activation='relu', input_shape=(train_data.shape[1],)))
    model.add(layers.Dense(64, activation='relu'))
    model.add(layers.Dense(1))
    model.compile(optimizer='rmsprop', loss='mse', metrics=['mae'])
    return model


k = 4
num_val_samples = len(train_data) // k
num_epochs = 30
all_mae_histories = []
for i in range(k):
    val_data = train_data[i * num_val_samples: (i + 1) * num_val_samples]
    val_targets = train_targets[i * num_val_samples: (i + 1) * num_val_samples]
    partial_train_data = np.concatenate([train_data[:i * num_val_samples], train_data[(i + 1) * num_val_samples:]], axis=0)
    partial_train_targets = np.concatenate([train_targets[:i * num_val_samples],
                                            train_targets[(i + 1) * num_val_samples:]], axis=0)
    model = fill(build_model())
    history = model.fit(partial_train_data, partial_train_targets, validation_data=(val_data, val_targets),
                        epochs=num_epochs, batch_size=9, verbose=0, shuffle=False)
    all_mae_histories.append(history.history['val_mean_absolute_error'])

average_mae_history = [np.mean([x[i] for x in all_mae_histories]) for i in range(num_epochs)]


def smooth_curve(points, factor=0.9):
    smoothed_points = []
    for point in points:
        if smoothed_points:
            previous = smoothed_points[-1]
            smoothed_points.append(previous * factor + point * (1 - factor))
        else:
            smoothed_points.append(point)
    return smoothed_points


model = fill(build_model())
model.fit(train_data, train_targets, epochs=10, batch_size=16, verbose=0, shuffle=False)
mse, mae = model.evaluate(train_data, train_targets, verbose=0)
show(average_mae=average_mae_history[::5], smooth=smooth_curve(average_mae_history)[-1], evaluated=[mse, mae],
     predicted=model.predict(test_data)[:5, 0], names=' '.join(sorted(history.history)))
