"""Layers for ops that were applied to Keras tensors without one: `y = a + 2 * b` between the layers of a model."""

import numpy as np

from fastkeras.graph import Body
from fastkeras.ops import core
from fastkeras.ops.bodies import body_from, config_of
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import Variable
from fastkeras.saving import objects
from fastkeras.utils import nest

from . import naming
from .base import Layer
from .history import History, Node
from .substitute import made_by

__all__ = ['OpLayer']


class OpLayer(Layer):
    """One op as a layer. Models make it from ops that are applied to Keras tensors.

    op: the op's name; attrs: its attributes; operands: for each input of the op None, where a Keras tensor goes, or the
    array or Variable that is built in. result: which one, of an op that has several.
    """

    supports_masking = True

    def __init__(self, op, attrs=None, operands=(None,), result=None, name=None, **kwargs):
        super().__init__(name=name or naming.auto_name(f'op_{op}'), **kwargs)
        core.record(op)
        self.op = op
        self.attrs = dict(attrs or {})
        self.operands, self.result = tuple(operands), result

    def call(self, inputs):
        tensors = iter(nest.to_list(inputs))
        made = core.apply(self.op, [next(tensors) if x is None else x for x in self.operands], **self.attrs)
        return made if self.result is None else made[self.result]

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
        which = {} if self.result is None else {'result': self.result}
        return {**super().get_config(), 'op': self.op, **which,
                'attrs': {k: _config_of(v) for k, v in self.attrs.items()}, 'operands': operands}

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
        attrs = {k: _from_config(v) for k, v in config['attrs'].items()}
        return cls(**{**config, 'attrs': attrs, 'operands': operands})


def _config_of(value):
    """The configuration of an attribute: of the bodies of a loop or choice, too."""
    if isinstance(value, Body):
        return {'class_name': 'Body', 'config': config_of(value, _config_of)}
    if isinstance(value, tuple) and value and all(isinstance(v, Body) for v in value):
        return {'class_name': 'Bodies', 'config': [_config_of(v) for v in value]}
    return objects.serialize_keras_object(value)


def _from_config(config):
    kind = config.get('class_name') if isinstance(config, dict) else None
    if kind == 'Body':
        return body_from(config['config'], _from_config)
    if kind == 'Bodies':
        return tuple(_from_config(c) for c in config['config'])
    return objects.deserialize_keras_object(config)


def wrap(tensor, name=None):
    """Give the result of an op on Keras tensors its OpLayer, and so its history. The tensors it reads need theirs
    first, or to be leaves that have none. name: of the layer, unless it gets one of its own."""
    operands, tensors = [], []
    node, result = made_by(tensor)
    for x in node.inputs:
        if x.op == 'const':
            operands.append(np.asarray(x.attrs['value']))
        elif x.op == 'variable':
            operands.append(x.attrs['var'])
        else:
            operands.append(None)
            tensors.append(x)
    layer = OpLayer(node.op, node.attrs, operands, result, name=name)
    layer.built = True
    tensor._keras_history = History(layer, 0, 0)
    if tensor._keras_mask is None:
        mask = layer.compute_mask(tensors, [t._keras_mask for t in tensors])
        tensor._keras_mask = mask
    Node(layer, nest.unpack(tensors), {}, tensor)
