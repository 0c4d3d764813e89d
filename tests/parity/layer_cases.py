"""What is recorded of the layers of Keras 2.2.4: (class, arguments, shape or shapes of the input). Recorder and test
make the same inputs and weights from it."""

import numpy as np

CASES = [
    ('Dense', {'units': 4, 'activation': 'relu'}, (3, 5)),
    ('Dense', {'units': 4, 'use_bias': False, 'activation': 'softmax'}, (2, 3, 5)),
    ('Activation', {'activation': 'hard_sigmoid'}, (3, 5)),
    ('Activation', {'activation': 'selu'}, (3, 5)),
    ('Activation', {'activation': 'softplus'}, (3, 5)),
    ('Flatten', {}, (2, 3, 4, 2)),
    ('Flatten', {'data_format': 'channels_first'}, (2, 3, 4, 2)),
    ('Reshape', {'target_shape': (-1, 2)}, (2, 3, 4)),
    ('Permute', {'dims': (2, 1)}, (2, 3, 4)),
    ('RepeatVector', {'n': 3}, (2, 3)),
    ('Masking', {'mask_value': 0.5}, (2, 3, 4)),
    ('Conv1D', {'filters': 3, 'kernel_size': 3, 'padding': 'causal', 'dilation_rate': 2}, (2, 6, 2)),
    ('Conv1D', {'filters': 3, 'kernel_size': 3, 'padding': 'same', 'strides': 2}, (2, 6, 2)),
    ('Conv2D', {'filters': 3, 'kernel_size': (3, 2), 'strides': 2, 'padding': 'same'}, (2, 6, 7, 2)),
    ('Conv2D', {'filters': 3, 'kernel_size': 3, 'dilation_rate': 2, 'activation': 'tanh'}, (2, 6, 7, 2)),
    ('Conv2DTranspose', {'filters': 3, 'kernel_size': 3, 'strides': 2, 'padding': 'same'}, (2, 3, 4, 2)),
    ('Conv2DTranspose', {'filters': 3, 'kernel_size': (3, 2), 'strides': (1, 3)}, (2, 3, 4, 2)),
    ('Conv2DTranspose', {'filters': 2, 'kernel_size': 3, 'strides': 2, 'output_padding': 1}, (1, 3, 4, 2)),
    ('Conv2DTranspose', {'filters': 2, 'kernel_size': 3, 'strides': 2, 'padding': 'same', 'output_padding': 0},
     (1, 3, 4, 2)),
    ('DepthwiseConv2D', {'kernel_size': 3, 'depth_multiplier': 2, 'padding': 'same'}, (2, 5, 4, 3)),
    ('SeparableConv2D', {'filters': 3, 'kernel_size': 3, 'depth_multiplier': 2}, (2, 5, 4, 2)),
    ('SeparableConv1D', {'filters': 3, 'kernel_size': 3, 'padding': 'same'}, (2, 5, 2)),
    ('MaxPooling1D', {'pool_size': 3, 'strides': 2, 'padding': 'same'}, (2, 6, 2)),
    ('MaxPooling2D', {'pool_size': (3, 2), 'strides': 2, 'padding': 'same'}, (2, 6, 5, 2)),
    ('AveragePooling1D', {'pool_size': 3}, (2, 7, 2)),
    ('AveragePooling2D', {'pool_size': 3, 'strides': 2, 'padding': 'same'}, (2, 6, 5, 2)),
    ('GlobalMaxPooling2D', {}, (2, 3, 4, 2)),
    ('GlobalAveragePooling1D', {}, (2, 3, 4)),
    ('BatchNormalization', {}, (4, 3)),
    ('BatchNormalization', {'axis': 1, 'epsilon': 0.01, 'scale': False}, (4, 3, 2, 2)),
    ('ReLU', {'max_value': 1.0, 'negative_slope': 0.1, 'threshold': 0.2}, (3, 5)),
    ('LeakyReLU', {'alpha': 0.2}, (3, 5)),
    ('PReLU', {'shared_axes': [1]}, (2, 3, 4)),
    ('ELU', {'alpha': 0.7}, (3, 5)),
    ('ThresholdedReLU', {'theta': 0.3}, (3, 5)),
    ('Softmax', {'axis': 1}, (2, 3, 4)),
    ('ZeroPadding1D', {'padding': (1, 2)}, (2, 3, 2)),
    ('ZeroPadding2D', {'padding': ((1, 0), (2, 1))}, (1, 3, 2, 2)),
    ('Cropping2D', {'cropping': ((1, 0), (1, 1))}, (1, 4, 5, 2)),
    ('UpSampling1D', {'size': 2}, (1, 3, 2)),
    ('UpSampling2D', {'size': (2, 3)}, (1, 3, 2, 2)),
    ('Add', {}, [(2, 4), (2, 3, 4)]),
    ('Subtract', {}, [(2, 3), (2, 3)]),
    ('Multiply', {}, [(2, 3), (2, 3), (2, 3)]),
    ('Average', {}, [(2, 3), (2, 3), (2, 3)]),
    ('Maximum', {}, [(2, 3), (2, 3)]),
    ('Minimum', {}, [(2, 3), (2, 3)]),
    ('Concatenate', {'axis': 1}, [(2, 3, 2), (2, 1, 2)]),
    ('Dot', {'axes': 1, 'normalize': True}, [(2, 3), (2, 3)]),
    ('Dot', {'axes': (2, 1)}, [(2, 3, 4), (2, 4, 5)]),
    ('Dot', {'axes': 2}, [(2, 3, 4), (2, 5, 4)]),
]


def array(shape, seed):
    """Numbers on a grid of 1/8, exact in float32."""
    n = int(np.prod(shape))
    return ((np.arange(n) * (2 * seed + 7) % 37 - 18) / 8).astype('float32').reshape(shape)


def inputs(shapes):
    many = isinstance(shapes, list)
    return [array(s, k) for k, s in enumerate(shapes)] if many else array(shapes, 0)


def weights(shapes):
    """Values for weights of these shapes; the moving variance and all that stands last is positive."""
    values = [array(s, k + 3) / 4 for k, s in enumerate(shapes)]
    return [*values[:-1], np.abs(values[-1]) + 0.25] if values else []


def network(keras, rate=0.25):
    """A model of several layers whose table and configuration are recorded."""
    layers, models = keras.layers, keras.models
    a = layers.Input((8, 8, 1), name='image')
    b = layers.Input((3,), name='numbers')
    x = layers.Conv2D(4, 3, padding='same', activation='relu', kernel_regularizer=keras.regularizers.L1L2(0.0, 0.5),
                      name='conv')(a)
    x = layers.BatchNormalization(name='bn')(x)
    y = layers.Conv2D(4, 3, padding='same', name='conv_again')(x)
    x = layers.Add(name='sum')([x, y])
    x = layers.MaxPooling2D(name='pool')(x)
    x = layers.Flatten(name='flat')(x)
    shared = layers.Dense(3, name='shared')
    x = layers.Concatenate(name='both')([shared(x), b])
    inner = models.Sequential([layers.Dense(5, activation='tanh', input_shape=(6,), name='inner_dense'),
                               layers.Dropout(rate, name='inner_drop')], name='inner')
    x = inner(x)
    out = layers.Dense(2, activation='softmax', name='classes')(x)
    side = layers.Dense(1, name='side')(x)
    return models.Model([a, b], [out, side], name='network')


def chain(keras):
    layers = keras.layers
    return keras.models.Sequential([
        layers.Conv2D(4, (3, 3), activation='relu', input_shape=(8, 8, 1), name='conv'),
        layers.BatchNormalization(name='a_name_that_is_rather_long_for_its_column'),
        layers.MaxPooling2D((2, 2), name='pool'), layers.Flatten(name='flat'), layers.Dropout(0.5, name='drop'),
        layers.Dense(1200, name='many'), layers.Dense(10, activation='softmax', name='classes')], name='chain')
