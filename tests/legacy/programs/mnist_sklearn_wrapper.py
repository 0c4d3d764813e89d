"""Which of several networks is best: a classifier in the manner of scikit-learn, fitted with each choice of its parameters.

    python mnist_sklearn_wrapper.py [seed]
"""
from __future__ import print_function

import itertools
import json
import sys

import numpy as np
from keras import backend as K
from keras.layers import Activation, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from keras.models import Sequential
from keras.wrappers.scikit_learn import KerasClassifier
from small_data import digits

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
num_classes = 10
(x_train, y_train), (x_test, y_test) = digits(800, 300)
input_shape = (1, 28, 28) if K.image_data_format() == 'channels_first' else (28, 28, 1)
x_train = x_train.reshape((-1,) + input_shape).astype('float32') / 255
x_test = x_test.reshape((-1,) + input_shape).astype('float32') / 255


def make_model(dense_layer_sizes, filters, kernel_size, pool_size):
    model = Sequential()
    model.add(Conv2D(filters, kernel_size, padding='valid', input_shape=input_shape))
    model.add(Activation('relu'))
    model.add(MaxPooling2D(pool_size=pool_size))
    model.add(Dropout(0.25))
    model.add(Flatten())
    for layer_size in dense_layer_sizes:
        model.add(Dense(layer_size))
        model.add(Activation('relu'))
    model.add(Dense(num_classes))
    model.add(Activation('softmax'))
    model.compile(loss='categorical_crossentropy', optimizer='adam', metrics=['accuracy'])
    return model


grid = {'dense_layer_sizes': [[32], [32, 32]], 'epochs': [2, 5], 'filters': [8], 'kernel_size': [3], 'pool_size': [2]}
results = []
for values in itertools.product(*(grid[k] for k in sorted(grid))):
    params = dict(zip(sorted(grid), values))
    classifier = KerasClassifier(make_model, batch_size=32, verbose=0)
    classifier.set_params(**params)
    assert classifier.get_params()['epochs'] == params['epochs']
    classifier.fit(x_train[:600], y_train[:600])
    results.append((classifier.score(x_train[600:], y_train[600:]), params, classifier))
score, params, best = max(results, key=lambda r: r[0])
print('The parameters of the best model are:', params)
probabilities = best.predict_proba(x_test)
loss, accuracy = best.model.evaluate(x_test, np.eye(10)[y_test], verbose=0)
print(json.dumps({'loss': float(loss), 'accuracy': float(accuracy), 'first_accuracy': float(results[0][0]),
                  'agreement': float(np.mean(best.predict(x_test) == probabilities.argmax(1))),
                  'classes': [int(c) for c in best.classes_]}))
