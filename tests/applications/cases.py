"""The networks that are compared with Keras: what is built, which weights they get, and what is noted of them.

Used by `record.py`, which runs in an interpreter with Keras, and by the tests.
"""

import hashlib
import json

import numpy as np

# name → (smallest image that outputs are recorded for, gain of kernels, factor of the last layer's). Gains are such that
# activations neither die away nor grow: less where each block adds to what comes before.
NETWORKS = {
    'VGG16': (32, 2.0, 1.0), 'VGG19': (32, 2.0, 1.0),
    'ResNet50': (64, 1.0, 1.0), 'ResNet101': (64, 1.0, 0.1), 'ResNet152': (64, 1.0, 0.05),
    'ResNet50V2': (64, 1.0, 1.0), 'ResNet101V2': (64, 1.0, 1.0), 'ResNet152V2': (64, 1.0, 0.5),
    'InceptionV3': (75, 2.0, 1.0), 'InceptionResNetV2': (75, 1.5, 1.0), 'Xception': (71, 0.7, 1.0),
    'MobileNet': (64, 1.5, 1.0), 'MobileNetV2': (64, 1.0, 1.0), 'MobileNetV3Small': (64, 2.0, 1.0),
    'MobileNetV3Large': (64, 1.4, 1.0),
    'DenseNet121': (64, 2.0, 1.0), 'DenseNet169': (64, 2.0, 1.0), 'DenseNet201': (64, 2.0, 1.0),
    'NASNetMobile': (64, 1.0, 1.0), 'NASNetLarge': (64, 1.0, 1.0),
    **{f'EfficientNetB{k}': (64, gain, 1.0) for k, gain in enumerate((2.2, 2.0, 2.0, 1.8, 1.7, 1.74, 1.5, 1.6))},
    **{f'EfficientNetV2{k}': (64, gain, 1.0) for k, gain in zip(('B0', 'B1', 'B2', 'B3', 'S', 'M', 'L'), (
        1.6, 1.5, 1.5, 1.4, 1.3, 1.1, 1.0))},
    **{f'ConvNeXt{k}': (64, 1.0, 1.0) for k in ('Tiny', 'Small', 'Base', 'Large', 'XLarge')},
}
KERAS2 = ('VGG16', 'VGG19', 'ResNet50', 'InceptionV3', 'InceptionResNetV2', 'Xception', 'MobileNet', 'MobileNetV2',
          'DenseNet121', 'DenseNet169', 'DenseNet201', 'NASNetMobile', 'NASNetLarge')
# of each family the one that is built in quick tests
QUICK = ('VGG16', 'ResNet50', 'ResNet50V2', 'InceptionV3', 'InceptionResNetV2', 'Xception', 'MobileNet', 'MobileNetV2',
         'MobileNetV3Small', 'DenseNet121', 'NASNetMobile', 'EfficientNetB0', 'EfficientNetV2B0', 'ConvNeXtTiny')
# those whose outputs are computed in quick tests
QUICK_OUTPUTS = ('ResNet50', 'MobileNetV2', 'MobileNetV3Small', 'EfficientNetB0', 'ConvNeXtTiny')

# other ways to build them: network, arguments; 'format': channels_first. Of these only layers are compared.
VARIANTS = [
    *((name, {'include_top': False, 'input_shape': (None, None, 3)}) for name in QUICK if name not in ('NASNetMobile',)),
    ('NASNetMobile', {'include_top': False, 'pooling': 'avg'}),
    *((name, {'include_top': False, 'pooling': 'max', 'input_shape': (96, 107, 3)}) for name in QUICK),
    *((name, {'include_top': False, 'pooling': 'avg', 'input_shape': (101, 96, 1)}) for name in QUICK),
    ('MobileNet', {'alpha': 0.25, 'depth_multiplier': 2, 'input_shape': (128, 128, 3), 'classes': 3, 'dropout': 0.5}),
    ('MobileNetV2', {'alpha': 1.3, 'input_shape': (97, 96, 3), 'classes': 3}),
    ('MobileNetV2', {'alpha': 0.35, 'include_top': False}),
    ('MobileNetV3Small', {'minimalistic': True, 'alpha': 0.75, 'dropout_rate': 0, 'include_preprocessing': False}),
    ('MobileNetV3Large', {'alpha': 1.5, 'input_shape': (65, 64, 3), 'classes': 3}),
    ('EfficientNetV2S', {'include_preprocessing': False, 'include_top': False}),
    ('ConvNeXtTiny', {'include_preprocessing': False, 'include_top': False, 'name': 'mine'}),
    *((name, {'format': 'channels_first', 'include_top': False, 'input_shape': (3, 96, 97)}) for name in (
        'VGG16', 'ResNet50', 'ResNet50V2', 'InceptionV3', 'InceptionResNetV2', 'MobileNet', 'MobileNetV3Small',
        'EfficientNetB0', 'EfficientNetV2B0')),
]


def variants(generation):
    """(key, network, arguments) of those that Keras of a generation has."""
    for name, kwargs in VARIANTS:
        # Keras 2.2.4 goes back to channels_last for MobileNet, which no image for channels_first fits
        # and NASNet has no sizes there without the top, for which it cannot work; the largest take it minutes to build
        if generation == 3 or name in KERAS2 and kwargs.get('pooling') != 'max' and not (
                name == 'MobileNet' and 'format' in kwargs) and name not in (
                    'NASNetMobile', 'InceptionResNetV2', 'DenseNet121'):
            yield f'{name} {json.dumps(kwargs)}', name, kwargs


def files(generation):
    """(key, network, arguments) for which it is noted what file of ImageNet is asked for."""
    names = KERAS2 if generation == 2 else tuple(NETWORKS)
    found = [(name, {'include_top': top}) for name in names for top in (True, False)]
    for name, alphas, sizes in (('MobileNet', (0.25, 0.5, 0.75, 1.0), (128, 192)),
                                ('MobileNetV2', (0.35, 0.5, 0.75, 1.0, 1.3, 1.4), (96, 224))):
        found += [(name, {'alpha': a, 'input_shape': (s, s, 3)}) for a in alphas for s in sizes]
    if generation == 3:
        found += [(f'MobileNetV3{k}', {'alpha': a, 'minimalistic': m, 'include_top': top}) for k in ('Small', 'Large')
                  for a, m in ((0.75, False), (1.0, True)) for top in (True, False)]
    for name, kwargs in found:
        yield f'{name} {json.dumps(kwargs)}', name, kwargs


def rows(model, weight_name, skip=()):
    """What is noted of each layer: name, class, shape of its result, names and shapes of its weights.

    weight_name: fn(variable) → name. skip: names of classes that are no layers elsewhere.
    """
    found = []
    for layer in model.layers:
        if type(layer).__name__ not in skip:
            output = layer.output[0] if isinstance(layer.output, list) else layer.output
            # Keras 2 knows more of a shape than TensorFlow does
            shape = [None if d is None else int(d) for d in getattr(output, '_keras_shape', output.shape)]
            # the Lambda of InceptionResNetV2 in Keras 2 is a class of its own in Keras 3, and here
            found.append([layer.name, type(layer).__name__.replace('Lambda', 'CustomScaleLayer'), shape,
                          [[own_name(layer, weight_name(v)), [int(d) for d in v.shape]] for v in layer.weights]])
    return found


def own_name(layer, path):
    """A weight's name with the layer that has it, without the scopes around both."""
    last = path.rpartition('/')[2]
    return '/'.join(path.split('/')[-2:]) if hasattr(layer, 'layers') else f'{layer.name}/{last}'


def path_of(variable):
    """The path of a weight in Keras 3. Its DepthwiseConv2D calls a weight 'kernel', LayerScale numbers one without a name:
    here they are called as everywhere else."""
    place, _, name = variable.path.rpartition('/')
    if name.startswith('variable'):
        name = 'gamma'
    return f'{place}/{name.replace("depthwise_kernel", "kernel")}'


def noted(table, whole=False):
    """A table, compactly: counts, what tells of a difference and about where, and all layers where `whole`."""
    text = [json.dumps(row, separators=(',', ':')) for row in table]
    parts = ''.join(hashlib.sha256('\n'.join(text[k:k + 16]).encode()).hexdigest()[:4] for k in range(0, len(text), 16))
    note = {'layers': len(table), 'weights': sum(len(row[3]) for row in table),
            'numbers': int(sum(np.prod(shape) for row in table for _, shape in row[3])), 'every 16 layers': parts,
            'sha256': hashlib.sha256('\n'.join(text).encode()).hexdigest()}
    if whole:
        note['table'] = table
    return note


def weights(model, gain, last, backend=None):
    """Set the weights of all layers, in order: numbers of the k-th array come from RandomState(k). backend: K of Keras 2, which
    takes long to set those of a single layer.

    Kernels are uniform with variance gain / fan-in, the last one times `last`; those of single channels from 0 to 3 / fan-in,
    since a sum of one channel's numbers that is negative would leave nothing of it; biases and betas within 0.1, gammas from
    0.8 to 1.2, moving means within 0.1, moving variances from 0.5 to 1.5, LayerScale from 0.5 to 1; Normalization stays.
    """
    holders = [layer for layer in model.layers if layer.weights]
    variables = [v for layer in holders for v in layer.weights]
    before = iter(backend.batch_get_value(variables) if backend else [a for layer in holders for a in layer.get_weights()])
    found = []
    for layer in holders:
        values = []
        for variable in layer.weights:
            old, rng = next(before), np.random.RandomState(len(found) + len(values))
            kind = variable.name.split(':')[0].split('/')[-1]
            if kind == 'kernel' and ('Depthwise' in type(layer).__name__ or old.shape[2:-1] == (1,)):
                kind = 'depthwise_kernel'
            values.append(number_array(rng, kind, old, gain * (last ** 2 if layer is holders[-1] else 1)))
        found += values
        if not backend:
            layer.set_weights(values)
    if backend:
        backend.batch_set_value(list(zip(variables, found)))


def number_array(rng, kind, old, gain):
    shape = old.shape
    if kind.endswith('kernel'):
        if 'depthwise' in kind:
            low, high = 0, 3 / (shape[0] * shape[1])
        else:
            limit = np.sqrt(3 * gain / np.prod(shape[:-1]))
            low, high = -limit, limit
    elif kind in ('bias', 'beta', 'moving_mean'):
        low, high = -0.1, 0.1
    elif kind == 'gamma' and np.all(old == 1):
        low, high = 0.8, 1.2
    elif kind == 'moving_variance':
        low, high = 0.5, 1.5
    elif kind.startswith('variable') or kind == 'gamma':    # LayerScale
        low, high = 0.5, 1.0
    else:
        return old
    return rng.uniform(low, high, shape).astype(old.dtype)


def images(size, scaled):
    """Two images in coarse squares of colours; from 0 to 255 where the network scales them itself, else around 0."""
    rng = np.random.RandomState(size)
    squares = rng.uniform(0, 255, (2, 4, 4, 3)).repeat(-(-size // 4), 1).repeat(-(-size // 4), 2)[:, :size, :size]
    x = (0.8 * squares + 0.2 * rng.uniform(0, 255, squares.shape)).astype(np.float32)
    return x if scaled else (x - 127.5) / 64


def scales_itself(name):
    return name.startswith(('EfficientNet', 'MobileNetV3', 'ConvNeXt'))


def outcome(features, predictions):
    """What is noted of results: the first numbers, sums, sums of absolute values."""
    def some(y):
        y = np.asarray(y, np.float64)
        return [[float(f'{v:.7g}') for v in (*row[:5], row.sum(), np.abs(row).sum())] for row in y]
    return {'features': some(features), 'predictions': some(predictions)}
