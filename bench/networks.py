"""The networks that are measured: each described once, for any namespace that has the layers of Keras.

`build(layers)` returns (inputs, outputs). `layers` is `fastkeras.layers`, `keras.layers`, or `engines.torch_layers`.
All layers with weights are named, and a layer's weights follow from its name, so that all engines compute the same.
"""
import zlib
from collections import namedtuple

import numpy as np

# classes: their number, or the shape of a result that is no distribution; words: inputs are whole numbers below it
Network = namedtuple('Network', 'build input_shape classes loss words', defaults=[None])


def dense(layers):
    x = inputs = layers.Input((10,))
    x = layers.Dense(32, activation='relu', name='hidden')(x)
    return inputs, layers.Dense(1, name='out')(x)


def mnist_mlp(layers):
    x = inputs = layers.Input((784,))
    for i in (1, 2):
        x = layers.Dense(512, activation='relu', name=f'dense_{i}')(x)
        x = layers.Dropout(0.2)(x)
    return inputs, layers.Dense(10, activation='softmax', name='out')(x)


def mnist_cnn(layers):
    x = inputs = layers.Input((28, 28, 1))
    x = layers.Conv2D(32, 3, activation='relu', name='conv_1')(x)
    x = layers.Conv2D(64, 3, activation='relu', name='conv_2')(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Dropout(0.25)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(128, activation='relu', name='dense')(x)
    x = layers.Dropout(0.5)(x)
    return inputs, layers.Dense(10, activation='softmax', name='out')(x)


def five_layers(layers):
    """What a first attempt looks like: for what small models cost beside their numbers."""
    x = inputs = layers.Input((28, 28, 1))
    x = layers.Conv2D(32, 3, activation='relu', name='conv')(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(128, activation='relu', name='dense')(x)
    return inputs, layers.Dense(10, activation='softmax', name='out')(x)


def cifar10_cnn(layers):
    x = inputs = layers.Input((32, 32, 3))
    for filters in (32, 64):
        x = layers.Conv2D(filters, 3, padding='same', activation='relu', name=f'conv{filters}_1')(x)
        x = layers.Conv2D(filters, 3, activation='relu', name=f'conv{filters}_2')(x)
        x = layers.MaxPooling2D(2)(x)
        x = layers.Dropout(0.25)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(512, activation='relu', name='dense')(x)
    x = layers.Dropout(0.5)(x)
    return inputs, layers.Dense(10, activation='softmax', name='out')(x)


def vgg16(layers):
    """Simonyan and Zisserman 2015."""
    x = inputs = layers.Input((224, 224, 3))
    for block, (filters, times) in enumerate([(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)], 1):
        for i in range(times):
            x = layers.Conv2D(filters, 3, padding='same', activation='relu', name=f'block{block}_conv{i + 1}')(x)
        x = layers.MaxPooling2D(2, strides=2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(4096, activation='relu', name='fc1')(x)
    x = layers.Dense(4096, activation='relu', name='fc2')(x)
    return inputs, layers.Dense(1000, activation='softmax', name='out')(x)


def resnet(layers, depths):
    """He et al. 2015, as in Keras: stride in the first 1 x 1 convolution of a stage, convolutions with biases. depths: blocks
    of each stage."""
    def norm(x, name):
        return layers.BatchNormalization(epsilon=1.001e-5, name=f'{name}_bn')(x)

    x = inputs = layers.Input((224, 224, 3))
    x = layers.ZeroPadding2D(3)(x)
    x = layers.Conv2D(64, 7, strides=2, name='conv1')(x)
    x = layers.ReLU()(norm(x, 'conv1'))
    x = layers.ZeroPadding2D(1)(x)
    x = layers.MaxPooling2D(3, strides=2)(x)
    for stage, (filters, times) in enumerate(zip((64, 128, 256, 512), depths), 2):
        for i in range(times):
            name, stride = f'conv{stage}_{i + 1}', 2 if i == 0 and stage > 2 else 1
            shortcut = x
            if i == 0:
                shortcut = norm(layers.Conv2D(4 * filters, 1, strides=stride, name=f'{name}_p')(x), f'{name}_p')
            y = layers.Conv2D(filters, 1, strides=stride, name=f'{name}_a')(x)
            y = layers.ReLU()(norm(y, f'{name}_a'))
            y = layers.Conv2D(filters, 3, padding='same', name=f'{name}_b')(y)
            y = layers.ReLU()(norm(y, f'{name}_b'))
            y = norm(layers.Conv2D(4 * filters, 1, name=f'{name}_c')(y), f'{name}_residual')
            x = layers.ReLU()(layers.Add()([shortcut, y]))
    x = layers.GlobalAveragePooling2D()(x)
    return inputs, layers.Dense(1000, activation='softmax', name='out')(x)


def resnet50(layers):
    return resnet(layers, (3, 4, 6, 3))


def resnet152(layers):
    return resnet(layers, (3, 8, 36, 3))


def mobilenetv2(layers):
    """Sandler et al. 2018, width 1."""
    def norm(x, name, relu=True):
        x = layers.BatchNormalization(epsilon=1e-3, momentum=0.999, name=f'{name}_bn')(x)
        return layers.ReLU(6.0)(x) if relu else x

    x = inputs = layers.Input((224, 224, 3))
    x = norm(layers.Conv2D(32, 3, strides=2, padding='same', use_bias=False, name='conv1')(x), 'conv1')
    channels, block = 32, 0
    for expand, filters, times, stride in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                           (6, 160, 3, 2), (6, 320, 1, 1)]:
        for i in range(times):
            name, y = f'block{block}', x
            if expand > 1:
                y = norm(layers.Conv2D(expand * channels, 1, use_bias=False, name=f'{name}_expand')(y), f'{name}_expand')
            y = layers.DepthwiseConv2D(3, strides=1 if i else stride, padding='same', use_bias=False,
                                       name=f'{name}_depthwise')(y)
            y = layers.Conv2D(filters, 1, use_bias=False, name=f'{name}_project')(norm(y, f'{name}_depthwise'))
            y = norm(y, f'{name}_residual' if i else f'{name}_project', relu=False)
            x = layers.Add()([x, y]) if i else y
            channels, block = filters, block + 1
    x = norm(layers.Conv2D(1280, 1, use_bias=False, name='last')(x), 'last')
    x = layers.GlobalAveragePooling2D()(x)
    return inputs, layers.Dense(1000, activation='softmax', name='out')(x)


# ---- sequences
def recurrent(layers, layer):
    """Words to a yes or no, as in Keras's imdb_lstm. layer: a function layers → the recurrent layer."""
    x = inputs = layers.Input((80,), dtype='int32')
    x = layers.Embedding(20000, 128, name='embedding')(x)
    x = layer(layers)(x)
    return inputs, layers.Dense(1, activation='sigmoid', name='out')(x)


def lstm(layers):
    return recurrent(layers, lambda layers: layers.LSTM(128, recurrent_activation='sigmoid', name='lstm'))


def gru(layers):
    return recurrent(layers, lambda layers: layers.GRU(128, recurrent_activation='sigmoid', reset_after=True, name='gru'))


def bidirectional_lstm(layers):
    return recurrent(layers, lambda layers: layers.Bidirectional(
        layers.LSTM(128, recurrent_activation='sigmoid'), name='both'))


def imdb_cnn(layers):
    x = inputs = layers.Input((400,), dtype='int32')
    x = layers.Embedding(5000, 50, name='embedding')(x)
    x = layers.Dropout(0.2)(x)
    x = layers.Conv1D(250, 3, activation='relu', name='conv')(x)
    x = layers.GlobalMaxPooling1D()(x)
    x = layers.Dense(250, activation='relu', name='hidden')(x)
    x = layers.Dropout(0.2)(x)
    return inputs, layers.Dense(1, activation='sigmoid', name='out')(x)


def transformer(layers):
    """The encoder of Vaswani et al. 2017: four blocks of width 256 with four heads."""
    x = inputs = layers.Input((128, 256))
    for k in range(4):
        y = layers.MultiHeadAttention(4, 64, name=f'attention_{k}')(x, x)
        x = layers.LayerNormalization(epsilon=1e-5, name=f'norm_{k}a')(layers.Add()([x, y]))
        y = layers.Dense(1024, activation='relu', name=f'wide_{k}')(x)
        y = layers.Dense(256, name=f'narrow_{k}')(y)
        x = layers.LayerNormalization(epsilon=1e-5, name=f'norm_{k}b')(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling1D()(x)
    return inputs, layers.Dense(10, activation='softmax', name='out')(x)


# ---- volumes, and images made
def conv3d(layers):
    x = inputs = layers.Input((16, 64, 64, 3))
    x = layers.Conv3D(32, 3, activation='relu', name='conv')(x)
    x = layers.MaxPooling3D(2)(x)
    x = layers.GlobalAveragePooling3D()(x)
    return inputs, layers.Dense(10, activation='softmax', name='out')(x)


def dcgan_generator(layers):
    """Radford et al. 2016: noise to images of 64 x 64, with filters of 4 x 4, so that all engines pad alike."""
    x = inputs = layers.Input((100,))
    x = layers.Dense(4 * 4 * 512, name='noise')(x)
    x = layers.Reshape((4, 4, 512))(x)
    x = layers.ReLU()(layers.BatchNormalization(name='noise_bn')(x))
    for filters in (256, 128, 64):
        x = layers.Conv2DTranspose(filters, 4, strides=2, padding='same', name=f'up{filters}')(x)
        x = layers.ReLU()(layers.BatchNormalization(name=f'up{filters}_bn')(x))
    return inputs, layers.Conv2DTranspose(3, 4, strides=2, padding='same', activation='tanh', name='image')(x)


def unet(layers):
    """Ronneberger et al. 2015, with padding and half of the filters."""
    def convolved(x, filters, name):
        for i in (1, 2):
            x = layers.Conv2D(filters, 3, padding='same', activation='relu', name=f'{name}_{i}')(x)
        return x

    x = inputs = layers.Input((128, 128, 3))
    kept = []
    for filters in (32, 64, 128):
        x = convolved(x, filters, f'down{filters}')
        kept.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = convolved(x, 256, 'middle')
    for filters, beside in zip((128, 64, 32), reversed(kept)):
        x = layers.Conv2DTranspose(filters, 2, strides=2, padding='same', name=f'up{filters}')(x)
        x = convolved(layers.Concatenate()([x, beside]), filters, f'back{filters}')
    return inputs, layers.Conv2D(1, 1, activation='sigmoid', name='mask_small')(x)


NETWORKS = {
    'VGG16': Network(vgg16, (224, 224, 3), 1000, 'categorical_crossentropy'),
    'ResNet50': Network(resnet50, (224, 224, 3), 1000, 'categorical_crossentropy'),
    'ResNet152': Network(resnet152, (224, 224, 3), 1000, 'categorical_crossentropy'),
    'MobileNetV2': Network(mobilenetv2, (224, 224, 3), 1000, 'categorical_crossentropy'),
    'cifar10_cnn': Network(cifar10_cnn, (32, 32, 3), 10, 'categorical_crossentropy'),
    'mnist_cnn': Network(mnist_cnn, (28, 28, 1), 10, 'categorical_crossentropy'),
    'mnist_mlp': Network(mnist_mlp, (784,), 10, 'categorical_crossentropy'),
    'five_layers': Network(five_layers, (28, 28, 1), 10, 'categorical_crossentropy'),
    'dense': Network(dense, (10,), 1, 'mse'),
    'lstm': Network(lstm, (80,), (1,), 'binary_crossentropy', 20000),
    'gru': Network(gru, (80,), (1,), 'binary_crossentropy', 20000),
    'bidirectional_lstm': Network(bidirectional_lstm, (80,), (1,), 'binary_crossentropy', 20000),
    'imdb_cnn': Network(imdb_cnn, (400,), (1,), 'binary_crossentropy', 5000),
    'transformer': Network(transformer, (128, 256), 10, 'categorical_crossentropy'),
    'conv3d': Network(conv3d, (16, 64, 64, 3), 10, 'categorical_crossentropy'),
    'dcgan_generator': Network(dcgan_generator, (100,), (64, 64, 3), 'mse'),
    'unet': Network(unet, (128, 128, 3), (128, 128, 1), 'binary_crossentropy'),
}


def weights(name, shapes):
    """The arrays of the layer of that name, in Keras's order and layout: He-scaled kernels, statistics that are not 0 and 1."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if len(shapes) == 4 or all(len(s) == 1 for s in shapes):  # gamma, beta, moving mean, moving variance
        gamma = 0.3 if name.endswith('residual_bn') else 1.0  # else a sum of many branches grows and grows
        low, high = [gamma * 0.8, -0.1, -0.1, 0.5], [gamma * 1.2, 0.1, 0.1, 1.5]
        return [rng.uniform(a, b, s).astype('float32') for a, b, s in zip(low, high, shapes)]

    def scale(k, shape):
        """A layer's first array is a kernel, and so are large ones."""
        if name == 'embedding':
            return np.float32(0.5)
        if k and np.prod(shape) <= 4096 or name.endswith('_small'):
            return np.float32(0.1)
        fan_in = np.prod(shape[:2] if shape[-1] == 1 and len(shape) == 4 else shape[:-1])
        return np.float32(np.sqrt(2 / fan_in))
    return [scale(k, s) * rng.standard_normal(s, np.float32) for k, s in enumerate(shapes)]


def dtype(name):
    """Of the inputs."""
    return 'int32' if NETWORKS[name].words else 'float32'


def inputs(name, batch):
    """Random numbers; images have coarse squares, each of its own colour, since fine noise is all alike to a deep network."""
    network, rng = NETWORKS[name], np.random.default_rng(1)
    shape = (batch, *network.input_shape)
    if network.words:
        return rng.integers(0, network.words, shape, dtype=np.int32)
    x = rng.standard_normal(shape, np.float32)
    if len(shape) == 4:
        _, h, w, c = shape
        side = h // 4
        x *= 0.2
        x += rng.standard_normal((batch, 4, 4, c), np.float32).repeat(side, 1).repeat(side, 2)
    return x


def targets(name, batch):
    """One-hot rows, numbers for a loss of numbers, zeros and ones."""
    network, rng = NETWORKS[name], np.random.default_rng(2)
    shape = (batch, *(network.classes if isinstance(network.classes, tuple) else (network.classes,)))
    if network.loss == 'mse':
        return rng.standard_normal(shape, np.float32)
    if network.loss == 'binary_crossentropy':
        return rng.integers(0, 2, shape).astype(np.float32)
    return np.eye(network.classes, dtype=np.float32)[rng.integers(0, network.classes, batch)]


class WithoutDropout:
    """A namespace of layers whose Dropout does nothing: for comparing training steps number by number."""

    def __init__(self, layers):
        self._layers = layers

    def __getattr__(self, name):
        return getattr(self._layers, name)

    def Dropout(self, rate):
        return lambda x: x
