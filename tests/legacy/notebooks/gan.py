"""Two networks against each other: a generator of pictures, and a discriminator that is frozen where it teaches the other."""

import keras
import numpy as np
from keras import layers
from same_start import fill, show

latent_dim, height, width, channels = 6, 8, 8, 1
random = np.random.RandomState(9)

generator_input = keras.Input(shape=(latent_dim,))
x = layers.Dense(16 * 4 * 4)(generator_input)
x = layers.LeakyReLU()(x)
x = layers.Reshape((4, 4, 16))(x)
x = layers.Conv2D(16, 3, padding='same')(x)
x = layers.LeakyReLU()(x)
x = layers.Conv2DTranspose(16, 4, strides=2, padding='same')(x)
x = layers.LeakyReLU()(x)
x = layers.Conv2D(channels, 5, activation='tanh', padding='same')(x)
generator = fill(keras.models.Model(generator_input, x))

discriminator_input = layers.Input(shape=(height, width, channels))
x = layers.Conv2D(16, 3)(discriminator_input)
x = layers.LeakyReLU()(x)
x = layers.Conv2D(16, 4, strides=2)(x)
x = layers.LeakyReLU()(x)
x = layers.Flatten()(x)
x = layers.Dropout(0.)(x)
x = layers.Dense(1, activation='sigmoid')(x)
discriminator = fill(keras.models.Model(discriminator_input, x), seed=1)
discriminator.compile(optimizer=keras.optimizers.RMSprop(lr=0.0008, clipvalue=1.0, decay=1e-8), loss='binary_crossentropy')

discriminator.trainable = False
gan_input = keras.Input(shape=(latent_dim,))
gan_output = discriminator(generator(gan_input))
gan = keras.models.Model(gan_input, gan_output)
gan.compile(optimizer=keras.optimizers.RMSprop(lr=0.0004, clipvalue=1.0, decay=1e-8), loss='binary_crossentropy')

x_train = np.tanh(random.normal(0, 1, (60, height, 1, channels)) + np.linspace(-1, 1, width)[:, None])
batch_size, start = 10, 0
d_losses, a_losses = [], []
for _ in range(12):
    random_latent_vectors = random.normal(size=(batch_size, latent_dim))
    generated_images = generator.predict(random_latent_vectors)
    stop = start + batch_size
    real_images = x_train[start: stop]
    combined_images = np.concatenate([generated_images, real_images])
    labels = np.concatenate([np.ones((batch_size, 1)), np.zeros((batch_size, 1))])
    labels += 0.05 * random.random_sample(labels.shape)
    d_losses.append(float(discriminator.train_on_batch(combined_images, labels)))

    random_latent_vectors = random.normal(size=(batch_size, latent_dim))
    misleading_targets = np.zeros((batch_size, 1))
    before = discriminator.get_weights()
    a_losses.append(float(gan.train_on_batch(random_latent_vectors, misleading_targets)))
    untouched = all((a == b).all() for a, b in zip(before, discriminator.get_weights()))
    start += batch_size
    if start > len(x_train) - batch_size:
        start = 0
show(d_losses=d_losses, a_losses=a_losses, untouched=untouched, weights=[len(gan.trainable_weights), len(gan.weights)],
     image=generator.predict(np.ones((1, latent_dim)))[0, 2, :, 0])
