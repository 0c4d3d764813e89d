"""An autoencoder with residual blocks whose pooling remembers where the maxima lay: the gradient of pooling says where.

    python mnist_swwae.py [seed]
"""
import json
import sys

import numpy as np
from keras import backend as K
from keras import layers
from keras.layers import Activation, BatchNormalization, Conv2D, Input, MaxPooling2D, UpSampling2D
from keras.models import Model
from small_data import digits

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)


def convresblock(x, nfeats=8, ksize=3, nskipped=2, elu=True):
    """Convolutions that are skipped together."""
    y0 = Conv2D(nfeats, ksize, padding='same')(x)
    y = y0
    for i in range(nskipped):
        y = BatchNormalization(axis=-1)(y)
        y = Activation('elu' if elu else 'relu')(y)
        y = Conv2D(nfeats, 1 if i else ksize, padding='same')(y)
    return layers.add([y0, y])


def getwhere(x):
    """1 where the input of the pooling is its maximum."""
    y_prepool, y_postpool = x
    return K.gradients(K.sum(y_postpool), y_prepool)


pool_size, nfeats, ksize, nlayers, batch_size = 2, [1, 4, 8], 3, 2, 32
(x_train, _), (x_test, _) = digits(400, 128)
x_train = np.expand_dims(x_train, -1).astype('float32') / 255
x_test = np.expand_dims(x_test, -1).astype('float32') / 255

img_input = Input(shape=x_train.shape[1:])
y, wheres = img_input, [None] * nlayers
for i in range(nlayers):
    y_prepool = convresblock(y, nfeats=nfeats[i + 1], ksize=ksize)
    y = MaxPooling2D(pool_size=(pool_size, pool_size))(y_prepool)
    wheres[i] = layers.Lambda(getwhere, output_shape=lambda x: x[0])([y_prepool, y])

for i in range(nlayers):
    ind = nlayers - 1 - i
    y = UpSampling2D(size=(pool_size, pool_size))(y)
    y = layers.multiply([y, wheres[ind]])
    y = convresblock(y, nfeats=nfeats[ind], ksize=ksize)
y = Activation('sigmoid')(y)

model = Model(img_input, y)
model.compile('adam', 'mse')
history = model.fit(x_train, x_train, validation_data=(x_test, x_test), batch_size=batch_size, epochs=4)
x_recon = model.predict(x_test[:25])
where = Model(img_input, wheres[0]).predict(x_test[:5])
print(json.dumps({'loss': float(history.history['loss'][-1]), 'first_loss': float(history.history['loss'][0]),
                  'maxima_of_a_window': float(where.sum()) / (5 * 14 * 14 * nfeats[1]),
                  'shape': list(x_recon.shape)}))
