"""A layer of one's own, whose result has other sizes than its input: both signs of normed values, each rectified.

    python antirectifier.py [seed]
"""
import json
import sys

import keras
import numpy as np
from keras import backend as K
from keras import layers
from keras.models import Sequential
from small_data import digits

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)


class Antirectifier(layers.Layer):

    def compute_output_shape(self, input_shape):
        shape = list(input_shape)
        assert len(shape) == 2
        shape[-1] *= 2
        return tuple(shape)

    def call(self, inputs):
        inputs -= K.mean(inputs, axis=1, keepdims=True)
        inputs = K.l2_normalize(inputs, axis=1)
        return K.concatenate([K.relu(inputs), K.relu(-inputs)], axis=1)


batch_size, num_classes, epochs = 64, 10, 8
(x_train, y_train), (x_test, y_test) = digits(1500, 500)
x_train = x_train.reshape(len(x_train), 784).astype('float32') / 255
x_test = x_test.reshape(len(x_test), 784).astype('float32') / 255
y_train = keras.utils.to_categorical(y_train, num_classes)
y_test = keras.utils.to_categorical(y_test, num_classes)

model = Sequential()
model.add(layers.Dense(64, input_shape=(784,)))
model.add(Antirectifier())
model.add(layers.Dropout(0.1))
model.add(layers.Dense(64))
model.add(Antirectifier())
model.add(layers.Dropout(0.1))
model.add(layers.Dense(num_classes))
model.add(layers.Activation('softmax'))
model.compile(loss='categorical_crossentropy', optimizer='rmsprop', metrics=['accuracy'])
history = model.fit(x_train, y_train, batch_size=batch_size, epochs=epochs, verbose=1, validation_data=(x_test, y_test))
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(json.dumps({'loss': float(loss), 'accuracy': float(accuracy), 'validation_loss': float(history.history['val_loss'][-1]),
                  'width': model.layers[1].output_shape[1]}))
