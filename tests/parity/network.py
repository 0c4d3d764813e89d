"""The network, weights and batches on which optimizers are compared; written for any Keras."""
import numpy as np

OPTIMIZERS = {
    'sgd': ('SGD', dict(lr=0.05)),
    'sgd_momentum': ('SGD', dict(lr=0.02, momentum=0.9)),
    'sgd_nesterov_decay': ('SGD', dict(lr=0.02, momentum=0.8, nesterov=True, decay=0.05)),
    'rmsprop': ('RMSprop', dict(lr=0.002)),
    'adagrad': ('Adagrad', dict(lr=0.02)),
    'adadelta': ('Adadelta', dict(lr=1.0)),
    'adam': ('Adam', dict(lr=0.002)),
    'adam_amsgrad_decay': ('Adam', dict(lr=0.004, amsgrad=True, decay=0.1)),
    'adamax': ('Adamax', dict(lr=0.004)),
    'nadam': ('Nadam', dict(lr=0.002)),
    'adam_clipnorm': ('Adam', dict(lr=0.002, clipnorm=0.5)),
    'sgd_clipvalue': ('SGD', dict(lr=0.1, clipvalue=0.05)),
}
STEPS, BATCH = 20, 16


def build(keras):
    """conv + batch normalisation + dense, with regularizers, and set weights."""
    L, reg = keras.layers, keras.regularizers
    model = keras.models.Sequential([
        L.Conv2D(8, (3, 3), padding='same', activation='relu', input_shape=(9, 9, 2), kernel_regularizer=reg.l2(1e-3)),
        L.BatchNormalization(),
        L.MaxPooling2D((2, 2)),
        L.Conv2D(6, (3, 3), strides=(2, 2), use_bias=False),
        L.BatchNormalization(),
        L.Activation('relu'),
        L.Flatten(),
        L.Dense(16, activation='tanh', bias_regularizer=reg.l1(1e-3)),
        L.Dense(3, activation='softmax'),
    ])
    rng = np.random.RandomState(3)
    weights = []
    for w in model.get_weights():
        w = np.asarray(w)
        weights.append((rng.standard_normal(w.shape) * 0.3 if w.ndim > 1 else w).astype('float32'))
    model.set_weights(weights)
    return model


def batches():
    rng = np.random.RandomState(5)
    for _ in range(STEPS):
        x = rng.standard_normal((BATCH, 9, 9, 2)).astype('float32')
        label = (x.mean(axis=(1, 2, 3)) > 0).astype(int) + (x[:, 4, 4, 0] > 0.5)
        yield x, np.eye(3, dtype='float32')[label]


def losses(keras, name):
    """Loss of each of the steps, before its update."""
    cls, arguments = OPTIMIZERS[name]
    model = build(keras)
    model.compile(getattr(keras.optimizers, cls)(**arguments), 'categorical_crossentropy')
    return [float(model.train_on_batch(x, y)) for x, y in batches()]
