"""What was learned of the digits 0 to 4 serves for 5 to 9: the convolutions are frozen, the rest is trained again.

    python mnist_transfer_cnn.py [seed]
"""
from __future__ import print_function

import datetime
import json
import sys

import keras
import numpy as np
from keras import backend as K
from keras.layers import Activation, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from keras.models import Sequential
from small_data import digits

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
now = datetime.datetime.now
batch_size, num_classes, epochs, filters, pool_size, kernel_size = 32, 5, 4, 8, 2, 3
input_shape = (1, 28, 28) if K.image_data_format() == 'channels_first' else (28, 28, 1)


def train_model(model, train, test, num_classes):
    x_train = train[0].reshape((train[0].shape[0],) + input_shape).astype('float32') / 255
    x_test = test[0].reshape((test[0].shape[0],) + input_shape).astype('float32') / 255
    y_train = keras.utils.to_categorical(train[1], num_classes)
    y_test = keras.utils.to_categorical(test[1], num_classes)
    model.compile(loss='categorical_crossentropy', optimizer='adadelta', metrics=['accuracy'])
    t = now()
    model.fit(x_train, y_train, batch_size=batch_size, epochs=epochs, verbose=1, validation_data=(x_test, y_test))
    print('Training time: %s' % (now() - t))
    score = model.evaluate(x_test, y_test, verbose=0)
    print('Test score:', score[0])
    return score


(x_train, y_train), (x_test, y_test) = digits(1200, 400)
x_train_lt5, y_train_lt5 = x_train[y_train < 5], y_train[y_train < 5]
x_test_lt5, y_test_lt5 = x_test[y_test < 5], y_test[y_test < 5]
x_train_gte5, y_train_gte5 = x_train[y_train >= 5], y_train[y_train >= 5] - 5
x_test_gte5, y_test_gte5 = x_test[y_test >= 5], y_test[y_test >= 5] - 5

feature_layers = [Conv2D(filters, kernel_size, padding='valid', input_shape=input_shape), Activation('relu'),
                  Conv2D(filters, kernel_size), Activation('relu'), MaxPooling2D(pool_size=pool_size), Dropout(0.25), Flatten()]
classification_layers = [Dense(32), Activation('relu'), Dropout(0.5), Dense(num_classes), Activation('softmax')]
model = Sequential(feature_layers + classification_layers)
first = train_model(model, (x_train_lt5, y_train_lt5), (x_test_lt5, y_test_lt5), num_classes)
before = feature_layers[2].get_weights()[0]
for layer in feature_layers:
    layer.trainable = False
second = train_model(model, (x_train_gte5, y_train_gte5), (x_test_gte5, y_test_gte5), num_classes)
print(json.dumps({'loss': float(second[0]), 'accuracy': float(second[1]), 'first_accuracy': float(first[1]),
                  'moved': float(abs(feature_layers[2].get_weights()[0] - before).max()),
                  'trainable': len(model.trainable_weights)}))
