"""Ops between the layers of a model, as Keras 3 writes them: 'Multiply' of 'keras.src.ops.numpy' for ops.multiply."""

import inspect
import re
from types import SimpleNamespace

import numpy as np

from fastkeras import ops
from fastkeras.graph import LEAVES
from fastkeras.layers import registry
from fastkeras.layers.described import wrap_ops
from fastkeras.layers.implicit import OpLayer
from fastkeras.ops.tensor import Tensor
from fastkeras.utils import nest
from fastkeras.utils.errors import nearest

_MODULES = ('keras.src.ops', 'keras.ops')
# what asks for functions, or does nothing that a model could be made of
_NOT_OF_FILES = frozenset(('map', 'scan', 'while_loop', 'fori_loop', 'cond', 'switch', 'custom_gradient', 'vectorized_map',
                           'associative_scan', 'vectorize', 'apply_along_axis', 'convert_to_numpy', 'on_host'))


def is_op(entry):
    """Whether an entry of a configuration is an op and no layer."""
    if not isinstance(entry, dict):
        return False
    module, config = entry.get('module'), entry.get('config')
    if isinstance(module, str):
        return any(module == m or module.startswith(f'{m}.') for m in _MODULES)
    # HDF5 files say no module: `x + y` and Add() are both 'Add', but a layer always says these
    return ('module' not in entry and isinstance(config, dict) and entry.get('class_name') != 'InputLayer'
            and not {'trainable', 'layers'} & config.keys()
            and ('dtype' not in config or entry.get('class_name') not in registry.classes)
            and any(isinstance(node, dict) and 'args' in node for node in entry.get('inbound_nodes') or ()))


class FromFile:
    """An op of a configuration; called on Keras tensors, it keeps what came out as a layer keeps its nodes."""

    def __init__(self, entry):
        config = entry.get('config')
        if not isinstance(config, dict):
            raise ValueError(f'{entry.get("class_name")}: expected the configuration of an op, got {config!r:.80}')
        self.name = config.get('name')
        self._class = str(entry.get('class_name'))
        self._function = _FUNCTIONS.get(self._class) or _function(self._class)
        self._settings = {k: _tuples(v) for k, v in config.items() if k != 'name'}
        self._inbound_nodes = []

    def __call__(self, *args, **kwargs):
        try:
            bound = inspect.signature(self._function).bind(*args, **self._settings, **kwargs)
        except TypeError as error:
            raise ValueError(f'op {self.name!r}: the arguments of {self._class} in the file do not fit: {error}') from error
        outputs = self._function(*bound.args, **bound.kwargs)
        if isinstance(outputs, Tensor) and outputs.op not in LEAVES and outputs._keras_history is None:
            given = [t for t in nest.flatten([list(args), kwargs]) if isinstance(t, Tensor)]
            wrap_ops([outputs], given, self.name)     # so that the layer of the op has the name that the file has
        self._inbound_nodes.append(SimpleNamespace(outputs=outputs, output_tensors=nest.flatten(outputs)))
        return outputs


def _function(name):
    words = re.sub(r'(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])', '_', name).lower()
    known = {k for k in dir(ops) if not k.startswith('_') and inspect.isfunction(getattr(ops, k))} - _NOT_OF_FILES
    found = words if words in known else words.replace('_', '')
    if found not in known:
        raise ValueError(f'op {name!r} of the file is not known; {nearest(words, known)}')
    return getattr(ops, found)


def _get_item(x, key):
    return x[tuple(key) if isinstance(key, list) else key]


def _einsum(*operands, subscripts):
    return ops.einsum(subscripts, *operands)


# operations of Keras 3 that `ops` has elsewhere, or in another way
_FUNCTIONS = {'GetItem': _get_item, 'Einsum': _einsum, 'HardSigmoid': ops.hard_sigmoid3, 'Resize': ops.image.resize}


def _tuples(value):
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


# ---- to a configuration
# ops whose operands are the arguments, by where Keras 3 has them
_PLAIN = {
    'numpy': ('absolute', 'add', 'arccos', 'arccosh', 'arcsin', 'arcsinh', 'arctan', 'arctan2', 'arctanh', 'ceil', 'cos',
              'cosh', 'divide', 'equal', 'exp', 'expm1', 'floor', 'floor_divide', 'greater', 'greater_equal', 'isfinite',
              'isinf', 'isnan', 'less', 'less_equal', 'log', 'log10', 'log1p', 'log2', 'logical_and', 'logical_not',
              'logical_or', 'maximum', 'minimum', 'mod', 'multiply', 'negative', 'not_equal', 'power', 'reciprocal',
              'sign', 'sin', 'sinh', 'sqrt', 'square', 'subtract', 'tan', 'tanh', 'where'),
    'nn': ('relu', 'relu6', 'sigmoid', 'softmax', 'softplus', 'softsign'),
    'math': ('erf', 'rsqrt')}
_PLACE = {name: module for module, names in _PLAIN.items() for name in names}
# ops with settings: name → (module, the names that Keras has for the attributes)
_WITH_SETTINGS = {
    **dict.fromkeys(('sum', 'mean', 'max', 'min', 'prod', 'any', 'all'), ('numpy', {'axis': 'axis', 'keepdims': 'keepdims'})),
    'transpose': ('numpy', {'axes': 'axes'}), 'reshape': ('numpy', {'shape': 'newshape'}),
    'expand_dims': ('numpy', {'axis': 'axis'}), 'squeeze': ('numpy', {'axis': 'axis'}),
    'cast': ('core', {'dtype': 'dtype'}),
    'concatenate': ('numpy', {'axis': 'axis'}), 'matmul': ('numpy', {})}


def entry(layer, argument):
    """The entry of a configuration by which Keras 3 knows an op, with its nodes; None where Keras has no such op. argument:
    function of (node, what it is called on) → the configuration of an argument."""
    if not isinstance(layer, OpLayer) or layer.result is not None or not all(
            x is None or isinstance(x, np.ndarray) and x.dtype.kind in 'fiub' for x in layer.operands):
        return None
    attrs, arguments = dict(layer.attrs), None
    if layer.op in _PLACE and not attrs:
        module, config = _PLACE[layer.op], {}
    elif layer.op == 'slice' and list(attrs) == ['key']:
        module, config = 'numpy', {}
        arguments = [[{'class_name': '__slice__', 'config': dict(zip(('start', 'stop', 'step'), part))}
                      for part in attrs['key']]]
    elif layer.op in _WITH_SETTINGS:
        module, names = _WITH_SETTINGS[layer.op]
        if layer.op == 'matmul' and not any(attrs.values()):
            attrs = {}
        if attrs.keys() != names.keys():
            return None
        config = {names[k]: list(v) if isinstance(v, tuple) else v for k, v in attrs.items()}
        if layer.op == 'squeeze' and isinstance(config['axis'], list) and len(config['axis']) == 1:
            config['axis'] = config['axis'][0]
    else:
        return None
    kind = 'GetItem' if layer.op == 'slice' else ''.join(part.capitalize() for part in layer.op.split('_'))

    def node(inputs):
        tensors = iter(nest.to_list(inputs))
        given = [argument(next(tensors)) if x is None else _number(x) for x in layer.operands]
        return {'args': [given] if layer.op == 'concatenate' else given + (arguments or []), 'kwargs': {}}

    made = {'module': f'keras.src.ops.{module}', 'class_name': kind, 'config': {'name': layer.name, **config},
            'registered_name': kind}
    return made, node


def _number(x):
    return x.item() if x.ndim == 0 else {'class_name': '__numpy__', 'config': {'value': x.tolist(), 'dtype': x.dtype.name}}
