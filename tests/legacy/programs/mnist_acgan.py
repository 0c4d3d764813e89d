"""A generator that draws the digit it is asked for, and a discriminator that says which it is and whether it was drawn.

    python mnist_acgan.py [seed]
"""
from __future__ import print_function

import json
import sys
from collections import defaultdict

import numpy as np
from keras import layers
from keras.layers import (BatchNormalization, Conv2D, Conv2DTranspose, Dense, Dropout, Embedding, Flatten, Input, LeakyReLU,
                          Reshape)
from keras.models import Model, Sequential
from keras.optimizers import Adam
from keras.utils.generic_utils import Progbar
from small_data import digits

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
num_classes, latent_size, batch_size, epochs = 10, 20, 50, 3


def build_generator(latent_size):
    cnn = Sequential()
    cnn.add(Dense(3 * 3 * 32, input_dim=latent_size, activation='relu'))
    cnn.add(Reshape((3, 3, 32)))
    cnn.add(Conv2DTranspose(16, 5, strides=1, padding='valid', activation='relu', kernel_initializer='glorot_normal'))
    cnn.add(BatchNormalization())
    cnn.add(Conv2DTranspose(8, 5, strides=2, padding='same', activation='relu', kernel_initializer='glorot_normal'))
    cnn.add(BatchNormalization())
    cnn.add(Conv2DTranspose(1, 5, strides=2, padding='same', activation='tanh', kernel_initializer='glorot_normal'))
    latent = Input(shape=(latent_size, ))
    image_class = Input(shape=(1,), dtype='int32')
    cls = Embedding(num_classes, latent_size, embeddings_initializer='glorot_normal')(image_class)
    h = layers.multiply([latent, Flatten()(cls)])
    return Model([latent, image_class], cnn(h))


def build_discriminator():
    cnn = Sequential()
    cnn.add(Conv2D(8, 3, padding='same', strides=2, input_shape=(28, 28, 1)))
    cnn.add(LeakyReLU(0.2))
    cnn.add(Dropout(0.3))
    cnn.add(Conv2D(16, 3, padding='same', strides=2))
    cnn.add(LeakyReLU(0.2))
    cnn.add(Dropout(0.3))
    cnn.add(Flatten())
    image = Input(shape=(28, 28, 1))
    features = cnn(image)
    fake = Dense(1, activation='sigmoid', name='generation')(features)
    aux = Dense(num_classes, activation='softmax', name='auxiliary')(features)
    return Model(image, [fake, aux])


adam = dict(lr=0.0005, beta_1=0.5)
discriminator = build_discriminator()
discriminator.compile(optimizer=Adam(**adam), loss=['binary_crossentropy', 'sparse_categorical_crossentropy'])
generator = build_generator(latent_size)
latent = Input(shape=(latent_size, ))
image_class = Input(shape=(1,), dtype='int32')
fake = generator([latent, image_class])
discriminator.trainable = False
fake, aux = discriminator(fake)
combined = Model([latent, image_class], [fake, aux])
combined.compile(optimizer=Adam(**adam), loss=['binary_crossentropy', 'sparse_categorical_crossentropy'])

(x_train, y_train), (x_test, y_test) = digits(1500, 500)
x_train = np.expand_dims((x_train.astype(np.float32) - 127.5) / 127.5, axis=-1)
x_test = np.expand_dims((x_test.astype(np.float32) - 127.5) / 127.5, axis=-1)
history = defaultdict(list)
for epoch in range(1, epochs + 1):
    num_batches = int(np.ceil(len(x_train) / float(batch_size)))
    progress_bar = Progbar(target=num_batches)
    disc_losses, gen_losses = [], []
    for index in range(num_batches):
        image_batch = x_train[index * batch_size:(index + 1) * batch_size]
        label_batch = y_train[index * batch_size:(index + 1) * batch_size]
        n = len(image_batch)
        noise = np.random.uniform(-1, 1, (n, latent_size))
        sampled = np.random.randint(0, num_classes, n)
        generated_images = generator.predict([noise, sampled.reshape((-1, 1))], verbose=0)
        x = np.concatenate((image_batch, generated_images))
        y = np.array([0.95] * n + [0] * n)
        aux_y = np.concatenate((label_batch, sampled), axis=0)
        disc_sample_weight = [np.ones(2 * n), np.concatenate((np.ones(n) * 2, np.zeros(n)))]
        disc_losses.append(discriminator.train_on_batch(x, [y, aux_y], sample_weight=disc_sample_weight))
        noise = np.random.uniform(-1, 1, (2 * n, latent_size))
        sampled = np.random.randint(0, num_classes, 2 * n)
        gen_losses.append(combined.train_on_batch([noise, sampled.reshape((-1, 1))], [np.ones(2 * n) * 0.95, sampled]))
        progress_bar.update(index + 1)
    history['generator'].append(np.mean(np.array(gen_losses), axis=0))
    history['discriminator'].append(np.mean(np.array(disc_losses), axis=0))
    print('\n', discriminator.metrics_names, history['discriminator'][-1], history['generator'][-1])

print('Testing:')
_, classes = discriminator.predict(x_test, verbose=False)
print(json.dumps({'accuracy': float(np.mean(classes.argmax(1) == y_test)),
                  'auxiliary_loss': float(history['discriminator'][-1][2]),
                  'generation_loss': float(history['discriminator'][-1][1]),
                  'weights': len(combined.trainable_weights)}))
