"""An autoencoder whose code is a normal distribution: encoder and decoder apart, the loss added to the model.

    python variational_autoencoder.py [seed]
"""
import json
import sys

import numpy as np
from keras import backend as K
from keras.layers import Dense, Input, Lambda
from keras.losses import binary_crossentropy, mse
from keras.models import Model
from small_data import digits

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)


def sampling(args):
    z_mean, z_log_var = args
    batch = K.shape(z_mean)[0]
    dim = K.int_shape(z_mean)[1]
    epsilon = K.random_normal(shape=(batch, dim))
    return z_mean + K.exp(0.5 * z_log_var) * epsilon


(x_train, y_train), (x_test, y_test) = digits(1500, 500)
original_dim = x_train.shape[1] * x_train.shape[2]
x_train = np.reshape(x_train, [-1, original_dim]).astype('float32') / 255
x_test = np.reshape(x_test, [-1, original_dim]).astype('float32') / 255
intermediate_dim, latent_dim, batch_size, epochs, use_mse = 128, 2, 64, 10, False

inputs = Input(shape=(original_dim,), name='encoder_input')
x = Dense(intermediate_dim, activation='relu')(inputs)
z_mean = Dense(latent_dim, name='z_mean')(x)
z_log_var = Dense(latent_dim, name='z_log_var')(x)
z = Lambda(sampling, output_shape=(latent_dim,), name='z')([z_mean, z_log_var])
encoder = Model(inputs, [z_mean, z_log_var, z], name='encoder')
encoder.summary()

latent_inputs = Input(shape=(latent_dim,), name='z_sampling')
x = Dense(intermediate_dim, activation='relu')(latent_inputs)
outputs = Dense(original_dim, activation='sigmoid')(x)
decoder = Model(latent_inputs, outputs, name='decoder')
decoder.summary()

outputs = decoder(encoder(inputs)[2])
vae = Model(inputs, outputs, name='vae_mlp')
if use_mse:
    reconstruction_loss = mse(inputs, outputs)
else:
    reconstruction_loss = binary_crossentropy(inputs, outputs)
reconstruction_loss *= original_dim
kl_loss = 1 + z_log_var - K.square(z_mean) - K.exp(z_log_var)
kl_loss = K.sum(kl_loss, axis=-1)
kl_loss *= -0.5
vae_loss = K.mean(reconstruction_loss + kl_loss)
vae.add_loss(vae_loss)
vae.compile(optimizer='adam')
vae.summary()
history = vae.fit(x_train, epochs=epochs, batch_size=batch_size, validation_data=(x_test, None))

means, _, _ = encoder.predict(x_test, batch_size=batch_size)
figure = decoder.predict(np.array([[a, b] for a in (-1, 0, 1) for b in (-1, 0, 1)]))
print(json.dumps({'loss': float(history.history['loss'][-1]), 'validation_loss': float(history.history['val_loss'][-1]),
                  'first_loss': float(history.history['loss'][0]), 'codes': list(means.shape), 'figures': list(figure.shape)}))
