"""Layers of one's own, written in K: attention, capsules, a conditional random field, a spatial transformer."""
import json

import numpy as np
from keras import activations, initializers, regularizers
from keras import backend as K
from keras.layers import LSTM, Conv2D, Dense, Embedding, Flatten, Input, Lambda, Layer, MaxPooling2D, Reshape
from keras.models import Model, Sequential


def values(*shape):
    return np.random.RandomState(sum(shape)).uniform(-.5, .5, shape)


def fill(model):
    model.set_weights([values(*w.shape) for w in model.get_weights()])
    return model


out = {}
r = np.random.RandomState(0)


# ---- attention with a context vector (Yang et al. 2016)
def dot_product(x, kernel):
    return K.squeeze(K.dot(x, K.expand_dims(kernel)), axis=-1)


class AttentionWithContext(Layer):
    def __init__(self, W_regularizer=None, bias=True, **kwargs):
        self.supports_masking = True
        self.init = initializers.get('glorot_uniform')
        self.W_regularizer = regularizers.get(W_regularizer)
        self.bias = bias
        super().__init__(**kwargs)

    def build(self, input_shape):
        assert len(input_shape) == 3
        self.W = self.add_weight((input_shape[-1], input_shape[-1],), initializer=self.init, name=f'{self.name}_W',
                                 regularizer=self.W_regularizer)
        if self.bias:
            self.b = self.add_weight((input_shape[-1],), initializer='zero', name=f'{self.name}_b')
        self.u = self.add_weight((input_shape[-1],), initializer=self.init, name=f'{self.name}_u')
        super().build(input_shape)

    def compute_mask(self, input, input_mask=None):
        return None

    def call(self, x, mask=None):
        uit = dot_product(x, self.W)
        if self.bias:
            uit += self.b
        uit = K.tanh(uit)
        ait = dot_product(uit, self.u)
        a = K.exp(ait)
        if mask is not None:
            a *= K.cast(mask, K.floatx())
        a /= K.cast(K.sum(a, axis=1, keepdims=True) + K.epsilon(), K.floatx())
        a = K.expand_dims(a)
        return K.sum(x * a, axis=1)

    def compute_output_shape(self, input_shape):
        return input_shape[0], input_shape[-1]


words = r.randint(0, 7, (6, 5))
model = fill(Sequential([Embedding(7, 4, mask_zero=True, input_length=5), LSTM(3, return_sequences=True),
                         AttentionWithContext(W_regularizer='l2'), Dense(2, activation='softmax')]))
model.compile('sgd', 'categorical_crossentropy')
labels = np.eye(2)[r.randint(0, 2, 6)]
out['attention'] = [model.train_on_batch(words, labels) for _ in range(4)] + model.predict(words).ravel().tolist()


# ---- self attention by batch_dot
class Attention(Layer):
    def __init__(self, nb_head, size_per_head, **kwargs):
        self.nb_head, self.size_per_head = nb_head, size_per_head
        self.output_dim = nb_head * size_per_head
        super().__init__(**kwargs)

    def build(self, input_shape):
        for name in ('WQ', 'WK', 'WV'):
            setattr(self, name, self.add_weight(name=name, shape=(input_shape[0][-1], self.output_dim),
                                                initializer='glorot_uniform', trainable=True))
        super().build(input_shape)

    def call(self, x):
        heads = []
        for seq, W in zip(x, (self.WQ, self.WK, self.WV)):
            seq = K.dot(seq, W)
            seq = K.reshape(seq, (-1, K.shape(seq)[1], self.nb_head, self.size_per_head))
            heads.append(K.permute_dimensions(seq, (0, 2, 1, 3)))
        A = K.batch_dot(heads[0], heads[1], axes=[3, 3]) / self.size_per_head ** 0.5
        A = K.softmax(A)
        O_seq = K.batch_dot(A, heads[2], axes=[3, 2])
        O_seq = K.permute_dimensions(O_seq, (0, 2, 1, 3))
        return K.reshape(O_seq, (-1, K.shape(O_seq)[1], self.output_dim))

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], input_shape[0][1], self.output_dim)


s = Input((5, 4))
model = fill(Model(s, Dense(1)(Lambda(lambda t: K.mean(t, axis=1))(Attention(2, 3)([s, s, s])))))
model.compile('sgd', 'mse')
sequences = r.rand(6, 5, 4)
out['heads'] = [model.train_on_batch(sequences, np.ones(6)) for _ in range(3)] + model.predict(sequences).ravel().tolist()


# ---- capsules (Sabour et al. 2017)
def squash(vectors, axis=-1):
    s_squared_norm = K.sum(K.square(vectors), axis, keepdims=True)
    return s_squared_norm / (1 + s_squared_norm) / K.sqrt(s_squared_norm + K.epsilon()) * vectors


class CapsuleLayer(Layer):
    def __init__(self, num_capsule, dim_capsule, routings=3, **kwargs):
        super().__init__(**kwargs)
        self.num_capsule, self.dim_capsule, self.routings = num_capsule, dim_capsule, routings
        self.kernel_initializer = initializers.get('glorot_uniform')

    def build(self, input_shape):
        self.input_num_capsule, self.input_dim_capsule = input_shape[1], input_shape[2]
        self.W = self.add_weight(shape=[self.num_capsule, self.input_num_capsule, self.dim_capsule, self.input_dim_capsule],
                                 initializer=self.kernel_initializer, name='W')
        self.built = True

    def call(self, inputs, training=None):
        inputs_expand = K.expand_dims(inputs, 1)
        inputs_tiled = K.tile(inputs_expand, [1, self.num_capsule, 1, 1])
        inputs_hat = K.map_fn(lambda x: K.batch_dot(x, self.W, [2, 3]), elems=inputs_tiled)
        b = K.zeros(shape=[K.shape(inputs_hat)[0], self.num_capsule, self.input_num_capsule])
        for i in range(self.routings):
            c = K.softmax(b, axis=1)
            outputs = squash(K.batch_dot(c, inputs_hat, [2, 2]))
            if i < self.routings - 1:
                b += K.batch_dot(outputs, inputs_hat, [2, 3])
        return outputs

    def compute_output_shape(self, input_shape):
        return (None, self.num_capsule, self.dim_capsule)


class Length(Layer):
    def call(self, inputs, **kwargs):
        return K.sqrt(K.sum(K.square(inputs), -1) + K.epsilon())

    def compute_output_shape(self, input_shape):
        return input_shape[:-1]


class Mask(Layer):
    def call(self, inputs, **kwargs):
        if type(inputs) is list:
            inputs, mask = inputs
        else:
            x = K.sqrt(K.sum(K.square(inputs), -1))
            mask = K.one_hot(indices=K.argmax(x, 1), num_classes=K.int_shape(x)[1])
        return K.batch_flatten(inputs * K.expand_dims(mask, -1))

    def compute_output_shape(self, input_shape):
        if type(input_shape[0]) is tuple:
            return (None, input_shape[0][1] * input_shape[0][2])
        return (None, input_shape[1] * input_shape[2])


def margin_loss(y_true, y_pred):
    L = y_true * K.square(K.maximum(0., 0.9 - y_pred)) + 0.5 * (1 - y_true) * K.square(K.maximum(0., y_pred - 0.1))
    return K.mean(K.sum(L, 1))


image = Input((6, 6, 1))
primary = Lambda(squash, name='squash')(Reshape((-1, 4))(Conv2D(8, 3, strides=2, activation='relu')(image)))
digits = CapsuleLayer(3, 5)(primary)
y = Input((3,))
train = Model([image, y], [Length(name='capsnet')(digits), Dense(36, activation='sigmoid', name='decoder')(
    Mask()([digits, y]))])
predict = Model(image, [train.outputs[0], train.layers[-1](Mask()(digits))])
fill(train)
train.compile('adam', [margin_loss, 'mse'], loss_weights=[1., .392], metrics={'capsnet': 'accuracy'})
images, classes = r.rand(4, 6, 6, 1), np.eye(3)[[0, 1, 2, 0]]
out['capsules'] = [train.train_on_batch([images, classes], [classes, images.reshape(4, 36)])[:3] for _ in range(3)]
out['capsules_predict'] = [p.sum(axis=1).tolist() for p in predict.predict(images)]


# ---- a conditional random field's partition function by K.rnn
class Chain(Layer):
    def build(self, input_shape):
        self.kernel = self.add_weight(name='kernel', shape=(input_shape[-1], 3), initializer='uniform')
        self.trans = self.add_weight(name='trans', shape=(3, 3), initializer='uniform')
        self.built = True

    def call(self, x):
        return K.dot(x, self.kernel)

    def compute_output_shape(self, input_shape):
        return input_shape[:2] + (3,)

    def log_norm(self, energies, mask=None):
        def step(inputs, states):
            states = K.expand_dims(states[0], 2)
            trans = K.expand_dims(self.trans, 0)
            output = K.logsumexp(states + trans, 1)
            return output + inputs, [output + inputs]
        last, _, _ = K.rnn(step, energies[:, 1:], [energies[:, 0]], mask=None if mask is None else mask[:, 1:])
        return K.logsumexp(last, 1, keepdims=True)

    def path_score(self, energies, labels):
        point = K.sum(K.sum(energies * labels, 2), 1, keepdims=True)
        labels1, labels2 = K.expand_dims(labels[:, :-1], 3), K.expand_dims(labels[:, 1:], 2)
        trans = K.expand_dims(K.expand_dims(self.trans, 0), 0)
        return point + K.sum(K.sum(trans * labels1 * labels2, [2, 3]), 1, keepdims=True)

    def loss(self, y_true, y_pred):
        return self.log_norm(y_pred) - self.path_score(y_pred, y_true)

    def accuracy(self, y_true, y_pred):
        return K.mean(K.cast(K.equal(K.argmax(y_true, -1), K.argmax(y_pred, -1)), K.floatx()))


crf = Chain()
tags = np.eye(3)[r.randint(0, 3, (6, 5))]
model = Sequential([Dense(4, activation='tanh', input_shape=(5, 4)), crf])
fill(model)
model.compile('sgd', crf.loss, metrics=[crf.accuracy])
history = model.fit(sequences, tags, batch_size=4, epochs=3, shuffle=False, verbose=0).history
out['crf'] = [history['loss'], history['accuracy']]


# ---- a spatial transformer (Jaderberg et al. 2015)
class BilinearInterpolation(Layer):
    def __init__(self, output_size, **kwargs):
        self.output_size = output_size
        super().__init__(**kwargs)

    def compute_output_shape(self, input_shapes):
        return (None, self.output_size[0], self.output_size[1], input_shapes[0][-1])

    def call(self, tensors, mask=None):
        X, transformation = tensors
        return self._transform(X, transformation, self.output_size)

    def _interpolate(self, image, sampled_grids, output_size):
        batch_size, height, width = K.shape(image)[0], K.shape(image)[1], K.shape(image)[2]
        num_channels = K.shape(image)[3]
        x = K.cast(K.flatten(sampled_grids[:, 0:1, :]), dtype='float32')
        y = K.cast(K.flatten(sampled_grids[:, 1:2, :]), dtype='float32')
        x = .5 * (x + 1.0) * K.cast(width, dtype='float32')
        y = .5 * (y + 1.0) * K.cast(height, dtype='float32')
        x0 = K.cast(x, 'int32')
        x1 = x0 + 1
        y0 = K.cast(y, 'int32')
        y1 = y0 + 1
        max_x, max_y = int(K.int_shape(image)[2] - 1), int(K.int_shape(image)[1] - 1)
        x0, x1, y0, y1 = K.clip(x0, 0, max_x), K.clip(x1, 0, max_x), K.clip(y0, 0, max_y), K.clip(y1, 0, max_y)
        pixels_batch = K.arange(0, batch_size) * (height * width)
        pixels_batch = K.expand_dims(pixels_batch, axis=-1)
        flat_output_size = output_size[0] * output_size[1]
        base = K.repeat_elements(pixels_batch, flat_output_size, axis=1)
        base = K.flatten(base)
        base_y0 = base + y0 * width
        base_y1 = base + y1 * width
        flat_image = K.cast(K.reshape(image, shape=(-1, num_channels)), dtype='float32')
        pixels = [K.gather(flat_image, k) for k in (base_y0 + x0, base_y1 + x0, base_y0 + x1, base_y1 + x1)]
        x0, x1, y0, y1 = (K.cast(k, 'float32') for k in (x0, x1, y0, y1))
        areas = [(x1 - x) * (y1 - y), (x1 - x) * (y - y0), (x - x0) * (y1 - y), (x - x0) * (y - y0)]
        return sum(K.expand_dims(a, 1) * p for a, p in zip(areas, pixels))

    def _make_regular_grids(self, batch_size, height, width):
        x_coordinates, y_coordinates = np.meshgrid(np.linspace(-1.0, 1.0, width), np.linspace(-1.0, 1.0, height))
        grid = K.concatenate([K.flatten(K.constant(x_coordinates)), K.flatten(K.constant(y_coordinates)),
                              K.ones_like(K.constant(x_coordinates.flatten()))], 0)
        grid = K.flatten(grid)
        grids = K.tile(grid, K.stack([batch_size]))
        return K.reshape(grids, (batch_size, 3, height * width))

    def _transform(self, X, affine_transformation, output_size):
        batch_size, num_channels = K.shape(X)[0], K.shape(X)[3]
        transformations = K.reshape(affine_transformation, shape=(batch_size, 2, 3))
        regular_grids = self._make_regular_grids(batch_size, *output_size)
        sampled_grids = K.batch_dot(transformations, regular_grids)
        interpolated_image = self._interpolate(X, sampled_grids, output_size)
        return K.reshape(interpolated_image, (batch_size, output_size[0], output_size[1], num_channels))


image = Input((8, 8, 1))
locnet = Dense(6, weights=[values(4, 6) * .1, np.array([1, 0, 0, 0, 1, 0.])])(
    Dense(4, activation='tanh')(Flatten()(MaxPooling2D()(image))))
x = BilinearInterpolation((5, 6))([image, locnet])
model = Model(image, Dense(2, activation='softmax')(Flatten()(x)))
model.layers[3].set_weights([values(16, 4), values(4)])
model.layers[-1].set_weights([values(30, 2), values(2)])
model.compile('sgd', 'categorical_crossentropy')
images = r.rand(4, 8, 8, 1)
warped = K.function([model.input], [x])([images])[0]
out['transformer'] = warped.sum(axis=(1, 2, 3)).tolist()
out['transformer_fit'] = [model.train_on_batch(images, np.eye(2)[[0, 1, 0, 1]]) for _ in range(3)]
assert activations.get('softmax') is not None
print(json.dumps(out, default=float))
