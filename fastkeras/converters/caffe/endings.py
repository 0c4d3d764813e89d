"""Where a network begins and ends: layers that read data, and losses, of which a model keeps what comes before them."""

from .known import CONVERTERS, layer_type

DATA = {'Input', 'Data', 'ImageData', 'HDF5Data', 'MemoryData', 'DummyData', 'WindowData', 'AnnotatedData', 'VideoData'}

# types that give no result → how many of their bottoms are predictions, which become results where nobody else reads them
SINKS = {'Accuracy': 1, 'Silence': 0, 'HDF5Output': 0, 'EuclideanLoss': 1, 'HingeLoss': 1,
         'MultinomialLogisticLoss': 1, 'ContrastiveLoss': 2, 'MultiBoxLoss': 2, 'SmoothL1Loss': 1, 'DetectionEvaluate': 1}

# losses that begin with an activation → the type of layer that they become
ACTIVATED = {'SoftmaxWithLoss': 'Softmax', 'InfogainLoss': 'Softmax', 'SigmoidCrossEntropyLoss': 'Sigmoid'}


def is_sink(layer):
    """Whether a layer gives no result: a loss or measure, also one in Python."""
    return layer.type in SINKS or layer.type == 'Python' and any(layer.loss_weight)


def predictions(layer):
    """How many of a sink's bottoms are predictions."""
    return SINKS.get(layer.type, len(layer.bottom))


def said_shape(layer, k):
    """The shape, with the samples first and None for what it does not say, of top k of a layer that reads data; () where
    nothing is known of it."""
    p = layer.type
    if p == 'Input':
        shapes = layer.input_param.shape
        if not shapes:
            return ()
        return tuple(shapes[k if len(shapes) > 1 and k < len(shapes) else 0].dim)
    if p == 'DummyData':
        d = layer.dummy_data_param
        if d.shape:
            return tuple(d.shape[k if 1 < len(d.shape) > k else 0].dim)
        sizes = [list(getattr(d, name)) for name in ('num', 'channels', 'height', 'width')]
        return tuple(s[k if len(s) > k else 0] for s in sizes) if all(sizes) else ()
    if k:
        return ()
    if p == 'MemoryData':
        d = layer.memory_data_param
        return (d.batch_size, d.channels, d.height, d.width)
    if p == 'HDF5Data':
        return ()
    crop = layer.transform_param.crop_size or layer.data_param.crop_size or layer.image_data_param.crop_size \
        or layer.window_data_param.crop_size
    batch = layer.data_param.batch_size or layer.image_data_param.batch_size or layer.window_data_param.batch_size or 1
    if crop:
        return (batch, None, crop, crop)
    image = layer.image_data_param
    if image.new_height and image.new_width:
        return (batch, None, image.new_height, image.new_width)
    return (batch, None, None, None)


@layer_type(*ACTIVATED)
def activated_loss(draft, layer, bottoms):
    """The activation that a loss begins with, of its first bottom."""
    if not bottoms:
        raise draft.error('expected a bottom')
    made = CONVERTERS[ACTIVATED[layer.type]](draft, layer, bottoms[:1])
    return made * max(len(layer.top), 1)
