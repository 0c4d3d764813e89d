"""Which variables of a layer of one's own are trained: those it lists, however it does."""
import json

import numpy as np
from keras import backend as K
from keras import regularizers
from keras.layers import Layer
from keras.models import Sequential


def values(*shape):
    return np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)


class Listed(Layer):
    def build(self, input_shape):
        self.kernel = K.variable(values(input_shape[-1], 2), name='kernel')
        self.bias = K.variable(np.zeros(2), name='bias')
        self.factor = K.variable(np.ones(2))
        self.offset = K.zeros((2,))
        self.trainable_weights = [self.kernel]
        self._trainable_weights.append(self.bias)
        self._non_trainable_weights.append(self.factor)
        self.add_loss(regularizers.l2(0.01)(self.kernel))
        self.built = True

    def call(self, x):
        return K.dot(x, self.kernel) * self.factor + self.bias + self.offset

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2)


class Appended(Listed):
    def build(self, input_shape):
        self.kernel = K.variable(values(input_shape[-1], 2))
        self.bias, self.factor, self.offset = K.zeros((2,)), K.ones((2,)), K.zeros((2,))
        self.trainable_weights.append(self.kernel)
        self.trainable_weights += [self.bias]
        self.built = True


x, target = np.random.RandomState(0).rand(6, 4), np.random.RandomState(1).rand(6, 2)
out = {}
for kind in (Listed, Appended):
    model = Sequential([kind(input_shape=(4,))])
    model.compile('sgd', 'mse')
    layer = model.layers[0]
    out[kind.__name__] = [
        model.fit(x, target, batch_size=3, shuffle=False, epochs=3, verbose=0).history['loss'],
        [float(np.sum(w)) for w in model.get_weights()], len(model.weights), len(model.trainable_weights),
        K.get_value(layer.factor).tolist(), K.get_value(layer.offset).tolist()]
print(json.dumps(out, default=float))
