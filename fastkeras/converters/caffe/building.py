"""A draft as a Keras model."""

from fastkeras import _core
from fastkeras.layers import Input
from fastkeras.models import Model
from fastkeras.runtime.variable import weights_later
from fastkeras.saving import limits, refusals, values
from fastkeras.utils import seed


def keras_shape(blob):
    """The shape of a blob's tensor without the samples."""
    shape = blob.shape[1:]
    return (*shape[1:], shape[0]) if blob.layout == 'last' else shape


def build(draft):
    """The model of a draft, with the weights of the file."""
    with refusals.of_file(draft.path):
        with seed.apart(), weights_later(drawn=draft.source is None), limits.describing('the description'):
            model, made = _described(draft)
        for step in draft.steps:
            if step.weights and step.shared is None:
                _give(made[step.name], step.weights)
    return model


def _described(draft):
    """(the model, its layers by name)."""
    tensors, made = {}, {}
    for name, blob in draft.inputs:
        tensors[blob.number] = Input(keras_shape(blob), name=name)
    for step in draft.steps:
        inputs = [tensors[n] for n in step.inputs]
        if step.name not in made:
            made[step.name] = step.cls(**step.config, name=step.name)
        tensors[step.output] = made[step.name](inputs if len(inputs) > 1 else inputs[0])
    inputs = [tensors[blob.number] for _, blob in draft.inputs]
    outputs = [tensors[blob.number] for blob in draft.outputs]
    name = {'name': draft.free_name(draft.name)} if draft.name else {}
    return Model(inputs if len(inputs) > 1 else inputs[0], outputs if len(outputs) > 1 else outputs[0], **name), made


def _give(layer, weights):
    """Read the values of a layer's weights from the file, one after the other."""
    given = [(v, weight) for v, weight in zip(layer.weights, weights, strict=True) if weight is not None]
    values.assign_all([(v, lambda shape, dtype, weight=weight: _read(weight, shape, dtype)) for v, weight in given],
                      lambda v: f'layer {layer.name!r}')


def _read(weight, shape, dtype):
    array = _core.empty(shape, dtype)
    array[...] = weight.load().reshape(shape)
    return array
