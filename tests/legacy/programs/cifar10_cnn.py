"""A convolutional network for small photos, trained on images that a generator moves and mirrors.

    python cifar10_cnn.py [seed]
"""
import json
import os
import sys
import tempfile

import keras
import numpy as np
from keras.layers import Activation, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from keras.models import Sequential, load_model
from keras.preprocessing.image import ImageDataGenerator
from small_data import photos

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
batch_size, num_classes, epochs, data_augmentation = 32, 10, 5, True

(x_train, y_train), (x_test, y_test) = photos(800, 300)
y_train = keras.utils.to_categorical(y_train, num_classes)
y_test = keras.utils.to_categorical(y_test, num_classes)

model = Sequential()
model.add(Conv2D(16, (3, 3), padding='same', input_shape=x_train.shape[1:]))
model.add(Activation('relu'))
model.add(Conv2D(16, (3, 3)))
model.add(Activation('relu'))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Dropout(0.25))
model.add(Conv2D(32, (3, 3), padding='same'))
model.add(Activation('relu'))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Flatten())
model.add(Dense(64))
model.add(Activation('relu'))
model.add(Dropout(0.5))
model.add(Dense(num_classes))
model.add(Activation('softmax'))
model.compile(loss='categorical_crossentropy', optimizer=keras.optimizers.rmsprop(lr=0.001, decay=1e-6), metrics=['accuracy'])

x_train, x_test = x_train.astype('float32') / 255, x_test.astype('float32') / 255
if not data_augmentation:
    model.fit(x_train, y_train, batch_size=batch_size, epochs=epochs, validation_data=(x_test, y_test), shuffle=True)
else:
    datagen = ImageDataGenerator(
        featurewise_center=False, samplewise_center=False, featurewise_std_normalization=False,
        samplewise_std_normalization=False, zca_whitening=False, zca_epsilon=1e-06, rotation_range=0, width_shift_range=0.1,
        height_shift_range=0.1, shear_range=0., zoom_range=0., channel_shift_range=0., fill_mode='nearest', cval=0.,
        horizontal_flip=True, vertical_flip=False, rescale=None, preprocessing_function=None, data_format=None,
        validation_split=0.0)
    datagen.fit(x_train)
    history = model.fit_generator(datagen.flow(x_train, y_train, batch_size=batch_size),
                                  steps_per_epoch=len(x_train) // batch_size, epochs=epochs, verbose=2,
                                  validation_data=(x_test, y_test), workers=2)

path = os.path.join(tempfile.mkdtemp(), 'keras_cifar10_trained_model.h5')
model.save(path)
print('Saved trained model at %s ' % path)
scores = load_model(path).evaluate(x_test, y_test, verbose=1)
print('Test loss:', scores[0])
print('Test accuracy:', scores[1])
print(json.dumps({'loss': float(scores[0]), 'accuracy': float(scores[1]),
                  'first_loss': float(history.history['loss'][0]), 'epochs': len(history.epoch)}))
