"""Layers for ops that were applied to Keras tensors without one: `y = a + 2 * b` between the layers of a model."""

import numpy as np

from fastkeras.ops import core
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import Variable
from fastkeras.saving import objects
from fastkeras.utils import nest

from . import naming
from .base import Layer
from .history import History, Node

__all__ = ['OpLayer']


class OpLayer(Layer):
    """One op as a layer. Models make it from ops that are applied to Keras tensors.

    op: the op's name; attrs: its attributes; operands: for each input of the op None, where a Keras tensor goes, or the
    array or Variable that is built in.
    """

    supports_masking = True

    def __init__(self, op, attrs=None, operands=(None,), name=None, **kwargs):
        super().__init__(name=name or naming.auto_name(f'op_{op}'), **kwargs)
        core.record(op)
        self.op = op
        self.attrs = dict(attrs or {})
        self.operands = tuple(operands)

    def call(self, inputs):
        tensors = iter(nest.to_list(inputs))
        return core.apply(self.op, [next(tensors) if x is None else x for x in self.operands], **self.attrs)

    def compute_mask(self, inputs, mask=None):
        masks = [m for m in nest.to_list(mask) if m is not None]
        if len(masks) != 1:
            return None
        # an op whose result has the first two axes, batch and steps, keeps the mask
        shape = self.call([Tensor('input', (), {}, t.shape, core.dtype_of(t)) for t in nest.to_list(inputs)]).shape
        return masks[0] if tuple(masks[0].shape) == shape[:len(masks[0].shape)] else None

    def get_config(self):
        operands = []
        for x in self.operands:
            if isinstance(x, Variable):
                operands.append({'class_name': 'variable', 'config': {'shape': list(x.shape), 'dtype': x.dtype,
                                                                      'trainable': x.trainable}})
            else:
                operands.append(None if x is None else objects.serialize_keras_object(np.asarray(x)))
        return {**super().get_config(), 'op': self.op,
                'attrs': {k: objects.serialize_keras_object(v) for k, v in self.attrs.items()}, 'operands': operands}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        operands = []
        for x in config['operands']:
            if isinstance(x, dict) and x['class_name'] == 'variable':
                operands.append(Variable(np.zeros(x['config']['shape'], x['config']['dtype']),
                                         dtype=x['config']['dtype'],
                                         trainable=x['config']['trainable'], name=f'{config["name"]}/variable:0'))
            else:
                operands.append(objects.deserialize_keras_object(x))
        attrs = {k: objects.deserialize_keras_object(v) for k, v in config['attrs'].items()}
        return cls(**{**config, 'attrs': attrs, 'operands': operands})


def wrap(tensor):
    """Give the result of an op on Keras tensors its OpLayer, and so its history. The tensors it reads need theirs
    first, or to be leaves that have none."""
    operands, tensors = [], []
    for x in tensor.inputs:
        if x.op == 'const':
            operands.append(np.asarray(x.attrs['value']))
        elif x.op == 'variable':
            operands.append(x.attrs['var'])
        else:
            operands.append(None)
            tensors.append(x)
    layer = OpLayer(tensor.op, tensor.attrs, operands)
    layer.built = True
    tensor._keras_history = History(layer, 0, 0)
    if tensor._keras_mask is None:
        mask = layer.compute_mask(tensors, [t._keras_mask for t in tensors])
        tensor._keras_mask = mask
    Node(layer, nest.unpack(tensors), {}, tensor)
