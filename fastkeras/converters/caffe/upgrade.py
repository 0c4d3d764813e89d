"""Older generations of Caffe's descriptions as the present one.

The first (`layers { layer { type: "conv" … } }`) had padding as a layer of its own and all parameters in one message, the
second (`layers { type: CONVOLUTION … }`) an enumeration of types; inputs were fields of the network.
"""

from fastkeras.utils.errors import ModelFileError

from . import schema
from .bounds import ENDS, LAYERS

_SECOND = {     # type of the second generation → of the present one, where it is not the same word in capitals
    'ABSVAL': 'AbsVal', 'ACCURACY': 'Accuracy', 'ARGMAX': 'ArgMax', 'BNLL': 'BNLL', 'CONCAT': 'Concat',
    'CONTRASTIVE_LOSS': 'ContrastiveLoss', 'CONVOLUTION': 'Convolution', 'DECONVOLUTION': 'Deconvolution', 'DATA': 'Data',
    'DROPOUT': 'Dropout', 'DUMMY_DATA': 'DummyData', 'EUCLIDEAN_LOSS': 'EuclideanLoss', 'ELTWISE': 'Eltwise', 'EXP': 'Exp',
    'FLATTEN': 'Flatten', 'HDF5_DATA': 'HDF5Data', 'HDF5_OUTPUT': 'HDF5Output', 'HINGE_LOSS': 'HingeLoss', 'IM2COL': 'Im2col',
    'IMAGE_DATA': 'ImageData', 'INFOGAIN_LOSS': 'InfogainLoss', 'INNER_PRODUCT': 'InnerProduct', 'LRN': 'LRN',
    'MEMORY_DATA': 'MemoryData', 'MULTINOMIAL_LOGISTIC_LOSS': 'MultinomialLogisticLoss', 'MVN': 'MVN', 'POOLING': 'Pooling',
    'POWER': 'Power', 'RELU': 'ReLU', 'SIGMOID': 'Sigmoid', 'SIGMOID_CROSS_ENTROPY_LOSS': 'SigmoidCrossEntropyLoss',
    'SILENCE': 'Silence', 'SOFTMAX': 'Softmax', 'SOFTMAX_LOSS': 'SoftmaxWithLoss', 'SPLIT': 'Split', 'SLICE': 'Slice',
    'TANH': 'TanH', 'WINDOW_DATA': 'WindowData', 'THRESHOLD': 'Threshold', 'NONE': 'NONE'}

_FIRST = {      # type of the first generation → of the present one
    'conv': 'Convolution', 'ip': 'InnerProduct', 'innerproduct': 'InnerProduct', 'pool': 'Pooling', 'pooling': 'Pooling',
    'relu': 'ReLU', 'sigmoid': 'Sigmoid', 'tanh': 'TanH', 'dropout': 'Dropout', 'lrn': 'LRN', 'softmax': 'Softmax',
    'softmax_loss': 'SoftmaxWithLoss', 'concat': 'Concat', 'split': 'Split', 'flatten': 'Flatten', 'power': 'Power',
    'bnll': 'BNLL', 'data': 'Data', 'images': 'ImageData', 'hdf5_data': 'HDF5Data', 'window_data': 'WindowData',
    'accuracy': 'Accuracy', 'euclidean_loss': 'EuclideanLoss', 'hinge_loss': 'HingeLoss', 'infogain_loss': 'InfogainLoss',
    'multinomial_logistic_loss': 'MultinomialLogisticLoss', 'sigmoid_cross_entropy_loss': 'SigmoidCrossEntropyLoss',
    'hdf5_output': 'HDF5Output', 'im2col': 'Im2col', 'silence': 'Silence', 'eltwise': 'Eltwise', 'slice': 'Slice',
    'argmax': 'ArgMax', 'padding': 'Padding'}

# field of the first generation → for each type the (message, field) of the present one
_FIELDS = {
    'num_output': {'Convolution': ('convolution_param', 'num_output'), 'InnerProduct': ('inner_product_param', 'num_output')},
    'biasterm': {'Convolution': ('convolution_param', 'bias_term'), 'InnerProduct': ('inner_product_param', 'bias_term')},
    'weight_filler': {'Convolution': ('convolution_param', 'weight_filler'),
                      'InnerProduct': ('inner_product_param', 'weight_filler')},
    'bias_filler': {'Convolution': ('convolution_param', 'bias_filler'),
                    'InnerProduct': ('inner_product_param', 'bias_filler')},
    'pad': {'Convolution': ('convolution_param', 'pad'), 'Pooling': ('pooling_param', 'pad')},
    'kernelsize': {'Convolution': ('convolution_param', 'kernel_size'), 'Pooling': ('pooling_param', 'kernel_size')},
    'stride': {'Convolution': ('convolution_param', 'stride'), 'Pooling': ('pooling_param', 'stride')},
    'group': {'Convolution': ('convolution_param', 'group')},
    'pool': {'Pooling': ('pooling_param', 'pool')},
    'dropout_ratio': {'Dropout': ('dropout_param', 'dropout_ratio')},
    'local_size': {'LRN': ('lrn_param', 'local_size')},
    'alpha': {'LRN': ('lrn_param', 'alpha')},
    'beta': {'LRN': ('lrn_param', 'beta')},
    'k': {'LRN': ('lrn_param', 'k')},
    'concat_dim': {'Concat': ('concat_param', 'concat_dim')},
    'batchsize': {'Data': ('data_param', 'batch_size'), 'ImageData': ('image_data_param', 'batch_size'),
                  'HDF5Data': ('hdf5_data_param', 'batch_size')},
    'cropsize': dict.fromkeys(('Data', 'ImageData', 'WindowData'), ('transform_param', 'crop_size')),
    'new_height': {'ImageData': ('image_data_param', 'new_height')},
    'new_width': {'ImageData': ('image_data_param', 'new_width')},
}


def layers_of(net, unknown, path):
    """[(LayerParameter, what is unknown in it or None)] of a network of any generation, its inputs as Input layers first."""
    if net.layer and net.layers:
        raise ModelFileError(f"{path}: it holds layers of two generations, `layer` and `layers`; expected one of them")
    if len(net.layer) + len(net.layers) > LAYERS or len(net.input) > LAYERS:
        raise ModelFileError(f'{path}: {len(net.layer) + len(net.layers)} layers, more than the {LAYERS} that are taken')
    ends = sum(len(layer.bottom) + len(layer.top) for layer in (*net.layer, *net.layers))
    if ends > ENDS:
        raise ModelFileError(f'{path}: its layers have {ends} bottoms and tops, more than the {ENDS} that are taken')
    made = [(layer, unknown.get(k)) for k, layer in enumerate(net.layer)]
    paddings = {}
    for k, old in enumerate(net.layers):
        layer = _from_first(old, paddings, path) if old.HasField('layer') else _from_second(old)
        if layer is not None:
            made.append((layer, unknown.get(k)))
    return [*_inputs(net, path), *made]


def _inputs(net, path):
    """The fields input, input_shape and input_dim as layers."""
    if not net.input and (net.input_dim or net.input_shape):
        raise ModelFileError(f'{path}: input_dim or input_shape without the field input, the name of the input')
    if net.input_shape and net.input_dim:
        raise ModelFileError(f'{path}: input_shape and input_dim both say the shape of {net.input[0]!r}; leave one out')
    if net.input_dim and len(net.input_dim) != 4 * len(net.input):
        raise ModelFileError(f'{path}: expected four numbers input_dim for each of {len(net.input)} inputs, got '
                             f'{len(net.input_dim)}')
    if net.input_shape and len(net.input_shape) not in (1, len(net.input)):
        raise ModelFileError(f'{path}: expected one input_shape for each of {len(net.input)} inputs, got '
                             f'{len(net.input_shape)}')
    for k, name in enumerate(net.input):
        layer = schema.message('LayerParameter')(name=name, type='Input', top=[name])
        if net.input_dim:
            layer.input_param.shape.add(dim=net.input_dim[4 * k:4 * k + 4])
        elif net.input_shape:
            layer.input_param.shape.add().CopyFrom(net.input_shape[k if len(net.input_shape) > 1 else 0])
        yield layer, None


def _from_second(old):
    layer = schema.message('LayerParameter')(name=old.name, bottom=old.bottom, top=old.top, loss_weight=old.loss_weight)
    word = next(v.name for v in old.DESCRIPTOR.fields_by_name['type'].enum_type.values if v.number == old.type)
    layer.type = _SECOND[word]
    for rule, target in (*((r, layer.include) for r in old.include), *((r, layer.exclude) for r in old.exclude)):
        target.add().CopyFrom(rule)
    for name in old.param:
        layer.param.add(name=name)
    for field, value in old.ListFields():
        if field.name.endswith('_param') or field.name == 'loss_param':
            getattr(layer, field.name).CopyFrom(value)
    return layer


def _from_first(old, paddings, path):
    """The layer, or None for a padding, which the layer that reads it takes over."""
    v0 = old.layer
    kind = _FIRST.get(v0.type)
    if kind is None:
        kind = v0.type          # nobody knows it: the error is that of an unknown layer
    if kind == 'Padding':
        if len(old.bottom) != 1 or len(old.top) != 1:
            raise ModelFileError(f'{path}: layer {v0.name!r} (padding): expected one bottom and one top')
        paddings[old.top[0]] = (old.bottom[0], v0.pad)
        return None
    layer = schema.message('LayerParameter')(name=v0.name, type=kind, bottom=old.bottom, top=old.top)
    for field, value in v0.ListFields():
        target = _FIELDS.get(field.name, {}).get(kind)
        if target is None:
            continue
        message = getattr(layer, target[0])
        if field.name in ('weight_filler', 'bias_filler'):
            getattr(message, target[1]).CopyFrom(value)
        elif field.name == 'pool':
            message.pool = value
        elif hasattr(getattr(message, target[1]), 'append'):
            getattr(message, target[1]).append(value)
        else:
            setattr(message, target[1], value)
    for k, bottom in enumerate(old.bottom):
        if bottom in paddings:
            source, pad = paddings[bottom]
            if kind not in ('Convolution', 'Pooling') or k:
                raise ModelFileError(f'{path}: layer {v0.name!r}: a padding stands in front of a layer of type {kind!r}; only '
                                     f'convolutions and poolings have one')
            layer.bottom[k] = source
            if kind == 'Convolution':
                del layer.convolution_param.pad[:]
                layer.convolution_param.pad.append(pad)
            else:
                layer.pooling_param.pad = pad
    return layer
