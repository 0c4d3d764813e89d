"""Pictures from a few numbers each: a variational autoencoder whose loss a layer of its own adds."""

import keras
import numpy as np
from keras import backend as K
from keras import layers
from keras.models import Model
from same_start import fill, show

img_shape, latent_dim, batch_size = (12, 12, 1), 2, 16
rows, columns = np.mgrid[0:12, 0:12]
random = np.random.RandomState(8)
places = random.uniform(3, 9, (96, 2))
x_train = np.exp(-((rows - places[:, 0, None, None]) ** 2 + (columns - places[:, 1, None, None]) ** 2) / 6)[..., None]

input_img = keras.Input(shape=img_shape)
x = layers.Conv2D(8, 3, padding='same', activation='relu')(input_img)
x = layers.Conv2D(8, 3, padding='same', activation='relu', strides=(2, 2))(x)
shape_before_flattening = K.int_shape(x)
x = layers.Flatten()(x)
x = layers.Dense(16, activation='relu')(x)
z_mean = layers.Dense(latent_dim)(x)
z_log_var = layers.Dense(latent_dim)(x)


def sampling(args):
    z_mean, z_log_var = args
    epsilon = K.random_normal(shape=(K.shape(z_mean)[0], latent_dim), mean=0., stddev=1.)
    return z_mean + K.exp(z_log_var) * epsilon


z = layers.Lambda(sampling)([z_mean, z_log_var])
decoder_input = layers.Input(K.int_shape(z)[1:])
x = layers.Dense(int(np.prod(shape_before_flattening[1:])), activation='relu')(decoder_input)
x = layers.Reshape(shape_before_flattening[1:])(x)
x = layers.Conv2DTranspose(8, 3, padding='same', activation='relu', strides=(2, 2))(x)
x = layers.Conv2D(1, 3, padding='same', activation='sigmoid')(x)
decoder = Model(decoder_input, x)
z_decoded = decoder(z)


class CustomVariationalLayer(keras.layers.Layer):

    def vae_loss(self, x, z_decoded):
        x = K.flatten(x)
        z_decoded = K.flatten(z_decoded)
        xent_loss = keras.metrics.binary_crossentropy(x, z_decoded)
        kl_loss = -5e-4 * K.mean(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), axis=-1)
        return K.mean(xent_loss + kl_loss)

    def call(self, inputs):
        x = inputs[0]
        z_decoded = inputs[1]
        loss = self.vae_loss(x, z_decoded)
        self.add_loss(loss, inputs=inputs)
        return x


y = CustomVariationalLayer()([input_img, z_decoded])
vae = Model(input_img, y)
vae.compile(optimizer=keras.optimizers.RMSprop(lr=0.005), loss=None)
fill(vae, scale=0.7)
history = vae.fit(x=x_train[:80], y=None, shuffle=False, epochs=25, batch_size=batch_size, verbose=0,
                  validation_data=(x_train[80:], None))
decoded = decoder.predict(np.array([[-1., 0.], [1., 0.]]), batch_size=2)
show(layers=len(vae.layers), about_loss=history.history['loss'][-1], about_val_loss=history.history['val_loss'][-1],
     falling=bool(history.history['loss'][-1] < 0.8 * history.history['loss'][0]), shape=decoded.shape,
     same=bool(np.allclose(vae.predict(x_train[:2]), x_train[:2], atol=1e-6)))
