"""Caffe's types of layers, each with the function that says it in Keras's layers."""

import numpy as np

CONVERTERS = {}


def layer_type(*names):
    """Decorator of the function for layers of these types: `function(draft, layer, bottoms) -> list of Blobs`, one for each
    top.

    draft: a draft.Draft, which makes Keras layers by `add`, gives weights by `weights` and says mistakes by `error`; layer: the
    LayerParameter; bottoms: the Blobs that the layer reads.
    """
    def decorate(function):
        CONVERTERS.update(dict.fromkeys(names, function))
        return function
    return decorate


def one(draft, blobs, n=1):
    """The blobs, of which there must be n."""
    if len(blobs) != n:
        raise draft.error(f'expected {n} bottom{"s" if n > 1 else ""}, got {len(blobs)}')
    return blobs[0] if n == 1 else blobs


def positive(draft, name, value, least=1):
    """value, which must be at least `least`."""
    if value < least:
        raise draft.error(f'expected {name} of at least {least}, got {value}')
    return int(value)


def finite(draft, name, value):
    """A number of the description, with the digits that were written there (protobuf keeps it as float32)."""
    number = float(str(np.float32(value)))
    if number - number != 0:
        raise draft.error(f'expected {name} to be a number, got {value}')
    return number


def axis_in(draft, name, axis, rank, least=0):
    """An axis, also a negative one, of a blob of a rank."""
    if not -rank <= axis < rank or axis % rank < least:
        raise draft.error(f'expected {name} to be an axis from {least} to {rank - 1} of its input, got {axis}')
    return axis % rank
