"""A convolutional network for handwritten digits.

    python mnist_cnn.py [seed]
"""
import json
import sys

import keras
import numpy as np
from keras import backend as K
from keras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from keras.models import Sequential
from small_data import digits

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
batch_size, num_classes, epochs, rows, columns = 64, 10, 5, 28, 28

(x_train, y_train), (x_test, y_test) = digits(1500, 500)
if K.image_data_format() == 'channels_first':
    input_shape = (1, rows, columns)
else:
    input_shape = (rows, columns, 1)
x_train = x_train.reshape((-1,) + input_shape).astype('float32') / 255
x_test = x_test.reshape((-1,) + input_shape).astype('float32') / 255
y_train = keras.utils.to_categorical(y_train, num_classes)
y_test = keras.utils.to_categorical(y_test, num_classes)

model = Sequential()
model.add(Conv2D(16, kernel_size=(3, 3), activation='relu', input_shape=input_shape))
model.add(Conv2D(16, (3, 3), activation='relu'))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Dropout(0.25))
model.add(Flatten())
model.add(Dense(64, activation='relu'))
model.add(Dropout(0.5))
model.add(Dense(num_classes, activation='softmax'))
model.compile(loss=keras.losses.categorical_crossentropy, optimizer=keras.optimizers.Adadelta(), metrics=['accuracy'])
model.summary()
history = model.fit(x_train, y_train, batch_size=batch_size, epochs=epochs, verbose=1, validation_data=(x_test, y_test))
score = model.evaluate(x_test, y_test, verbose=0)
print('Test loss:', score[0])
print('Test accuracy:', score[1])
print(json.dumps({'loss': float(score[0]), 'accuracy': float(score[1]),
                  'training_loss': float(history.history['loss'][-1]),
                  'training_accuracy': float(history.history['acc'][-1]), 'parameters': model.count_params()}))
