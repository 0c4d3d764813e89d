"""Losses that are no function of one output and one target: VAE, center loss, triplet loss, CTC."""
import json

import numpy as np
from keras import backend as K
from keras import losses
from keras.layers import GRU, Activation, Dense, Embedding, Input, Lambda, Layer, concatenate
from keras.models import Model
from keras.optimizers import SGD


def values(*shape):
    return np.random.RandomState(sum(shape)).uniform(-.5, .5, shape)


def fill(model):
    model.set_weights([values(*w.shape) for w in model.get_weights()])


out = {}
r = np.random.RandomState(0)
x = r.rand(6, 8)

# ---- variational autoencoders (Kingma and Welling 2013), by add_loss of the model and by a layer
for kind in ('model', 'layer', 'function'):
    inputs = Input((8,))
    h = Dense(5, activation='relu')(inputs)
    z_mean, z_log_var = Dense(2)(h), Dense(2)(h)

    def sampling(args):
        z_mean, z_log_var = args
        epsilon = K.random_normal(shape=(K.shape(z_mean)[0], K.int_shape(z_mean)[1]), mean=0., stddev=0.)
        return z_mean + K.exp(0.5 * z_log_var) * epsilon + 0.1 * K.exp(0.5 * z_log_var)

    z = Lambda(sampling, output_shape=(2,))([z_mean, z_log_var])
    decoded = Dense(8, activation='sigmoid')(Dense(5, activation='relu')(z))

    def vae_loss(x, decoded, z_mean=z_mean, z_log_var=z_log_var):
        xent = 8 * losses.binary_crossentropy(x, decoded)
        kl = -0.5 * K.sum(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), axis=-1)
        return K.mean(xent + kl)

    class Variational(Layer):
        def call(self, inputs):
            self.add_loss(vae_loss(*inputs), inputs=inputs)
            return inputs[1]

    if kind == 'layer':
        model = Model(inputs, Variational()([inputs, decoded, z_mean, z_log_var]))
    else:
        model = Model(inputs, decoded)
    fill(model)
    if kind == 'model':
        model.add_loss(vae_loss(inputs, decoded))
    model.compile(SGD(0.05), loss=vae_loss if kind == 'function' else None)
    out['vae_' + kind] = model.fit(x, x if kind == 'function' else None, batch_size=3, epochs=3, shuffle=False,
                                   verbose=0).history['loss']

# ---- center loss (Wen et al. 2016)


class CenterLoss(Layer):
    def __init__(self, alpha=0.5, **kwargs):
        super().__init__(**kwargs)
        self.alpha = alpha

    def build(self, input_shape):
        self.centers = self.add_weight(name='centers', shape=(3, 2), initializer='zeros', trainable=False)
        super().build(input_shape)

    def call(self, x, mask=None):
        delta = K.dot(K.transpose(x[1]), (K.dot(x[1], self.centers) - x[0]))
        delta /= K.sum(K.transpose(x[1]), axis=1, keepdims=True) + 1
        self.add_update((self.centers, self.centers - self.alpha * delta), x)
        self.result = K.sum((x[0] - K.dot(x[1], self.centers)) ** 2, axis=1, keepdims=True)
        return self.result

    def compute_output_shape(self, input_shape):
        return K.int_shape(self.result)


labels = np.eye(3)[r.randint(0, 3, 6)]
image, label = Input((8,)), Input((3,))
feature = Dense(2, name='feature')(image)
model = Model([image, label], [Dense(3, activation='softmax')(feature), CenterLoss()([feature, label])])
fill(model)
model.compile(SGD(0.1), ['categorical_crossentropy', lambda y_true, y_pred: y_pred], loss_weights=[1, .5])
history = model.fit([x, labels], [labels, np.zeros((6, 1))], batch_size=3, epochs=3, shuffle=False, verbose=0)
out['center'] = [history.history['loss'], model.get_weights()[-1].tolist()]
model.predict([x, labels])
out['centers_stay'] = model.get_weights()[-1].tolist()
centers = model.layers[-1].centers
label_index = Input((1,))
known = Embedding(3, 2)(label_index)
l2 = Lambda(lambda a: K.sum(K.square(a[0] - a[1][:, 0]), 1, keepdims=True), name='l2_loss')([feature, known])
model = Model([image, label_index], l2)
fill(model)
model.compile(SGD(0.1), lambda y_true, y_pred: y_pred)
out['center_embedding'] = [model.train_on_batch([x, labels.argmax(1)[:, None]], np.zeros((6, 1))) for _ in range(3)]

# ---- triplet loss (Schroff et al. 2015), as the output of a Lambda and with the distance as loss
anchor, positive, negative = Input((8,)), Input((8,)), Input((8,))
base_in = Input((8,))
base = Model(base_in, Lambda(lambda v: K.l2_normalize(v, axis=-1))(Dense(4)(base_in)))
fill(base)
encoded = [base(t) for t in (anchor, positive, negative)]


def triplet_loss(y_true, y_pred, alpha=0.2):
    a, p, n = y_pred[:, 0:4], y_pred[:, 4:8], y_pred[:, 8:12]
    return K.maximum(K.sum(K.square(a - p), axis=1) - K.sum(K.square(a - n), axis=1) + alpha, 0.0)


model = Model([anchor, positive, negative], concatenate(encoded, axis=-1))
model.compile('adam', triplet_loss)
data = [x, r.rand(6, 8), r.rand(6, 8)]
out['triplet'] = [model.train_on_batch(data, np.zeros((6, 12))) for _ in range(4)]


def bpr(v):
    a, p, n = v
    return 1.0 - K.sigmoid(K.sum(a * p, axis=-1, keepdims=True) - K.sum(a * n, axis=-1, keepdims=True))


model = Model([anchor, positive, negative], Lambda(bpr, output_shape=(1,))(encoded))
model.compile('adam', lambda y_true, y_pred: K.mean(y_pred - 0 * y_true))
out['bpr'] = [model.train_on_batch(data, np.ones(6)) for _ in range(3)]

# ---- siamese (Hadsell et al. 2006)


def distance(v):
    return K.sqrt(K.maximum(K.sum(K.square(v[0] - v[1]), axis=1, keepdims=True), K.epsilon()))


def contrastive(y_true, y_pred):
    return K.mean(y_true * K.square(y_pred) + (1 - y_true) * K.square(K.maximum(1 - y_pred, 0)))


model = Model([anchor, positive], Lambda(distance, output_shape=lambda s: (s[0][0], 1))(encoded[:2]))
model.compile('rmsprop', contrastive, metrics=['mae'])
out['siamese'] = [model.train_on_batch(data[:2], np.array([1, 0, 1, 0, 1, 1.])) for _ in range(3)]

# ---- CTC (Graves et al. 2006)


def ctc(args):
    y_pred, labels, input_length, label_length = args
    return K.ctc_batch_cost(labels, y_pred[:, 2:, :], input_length, label_length)


sequence = Input((10, 3), name='the_input')
y_pred = Activation('softmax', name='softmax')(Dense(5)(GRU(6, return_sequences=True)(sequence)))
labels_in, input_length, label_length = (Input((4,), name='the_labels'), Input((1,), dtype='int64', name='input_length'),
                                         Input((1,), dtype='int64', name='label_length'))
loss_out = Lambda(ctc, output_shape=(1,), name='ctc')([y_pred, labels_in, input_length, label_length])
model = Model([sequence, labels_in, input_length, label_length], loss_out)
fill(model)
model.compile(SGD(lr=0.02, momentum=0.9, nesterov=True, clipnorm=5), {'ctc': lambda y_true, y_pred: y_pred})
frames, words = r.rand(4, 10, 3), r.randint(0, 4, (4, 4)).astype(float)
batch = {'the_input': frames, 'the_labels': words, 'input_length': np.full((4, 1), 8), 'label_length': np.full((4, 1), 3)}
out['ctc'] = [model.train_on_batch(batch, {'ctc': np.zeros(4)}) for _ in range(4)]
test_func = K.function([sequence], [y_pred])
probabilities = test_func([frames])[0]
decoded = K.get_value(K.ctc_decode(probabilities[:, 2:, :], np.full(4, 8), greedy=True)[0][0])
out['decoded'] = [list(map(int, row[row >= 0])) for row in decoded]
print(json.dumps(out, default=float))
