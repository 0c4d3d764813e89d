"""Trainings that are saved and gone on with: the model, its data, and the optimizers."""

import numpy as np

OPTIMIZERS = {
    'sgd': ('SGD', {'lr': 0.05}), 'momentum': ('SGD', {'lr': 0.05, 'momentum': 0.9, 'decay': 0.1}),
    'nesterov': ('SGD', {'lr': 0.05, 'momentum': 0.9, 'nesterov': True}), 'rmsprop': ('RMSprop', {'lr': 0.01}),
    'adagrad': ('Adagrad', {'lr': 0.05}), 'adadelta': ('Adadelta', {'lr': 1.0}),
    'adam': ('Adam', {'lr': 0.01, 'decay': 0.1}), 'amsgrad': ('Adam', {'lr': 0.01, 'amsgrad': True}),
    'clipped': ('Adam', {'lr': 0.01, 'clipnorm': 0.1}), 'adamax': ('Adamax', {'lr': 0.01}), 'nadam': ('Nadam', {'lr': 0.01})}


def data():
    rng = np.random.RandomState(0)
    return rng.standard_normal((8, 3)).astype('float32'), rng.standard_normal((8, 3)).astype('float32')


def network(keras):
    """Two layers whose weights have the same shapes, so that nothing but the order tells their state apart."""
    model = keras.models.Sequential([keras.layers.Dense(3, input_shape=(3,), activation='tanh', name='a'),
                                     keras.layers.Dense(3, name='b')])
    rng = np.random.RandomState(1)
    model.set_weights([rng.standard_normal(w.shape).astype('float32') * 0.3 for w in model.get_weights()])
    return model
