"""Ops between the layers of a model, as Keras 3 writes them: 'Multiply' of 'keras.src.ops.numpy' for ops.multiply."""

import inspect
import re
from types import SimpleNamespace

from fastkeras import ops
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
            and not {'trainable', 'dtype', 'layers'} & config.keys()
            and any(isinstance(node, dict) and 'args' in node for node in entry.get('inbound_nodes') or ()))


class FromFile:
    """An op of a configuration; called on Keras tensors, it keeps what came out as a layer keeps its nodes."""

    def __init__(self, entry):
        config = entry.get('config')
        if not isinstance(config, dict):
            raise ValueError(f'{entry.get("class_name")}: expected the configuration of an op, got {config!r:.80}')
        self.name = config.get('name')
        self._class = str(entry.get('class_name'))
        self._function = _get_item if self._class == 'GetItem' else _function(self._class)
        self._settings = {k: _tuples(v) for k, v in config.items() if k != 'name'}
        self._inbound_nodes = []

    def __call__(self, *args, **kwargs):
        try:
            bound = inspect.signature(self._function).bind(*args, **self._settings, **kwargs)
        except TypeError as error:
            raise ValueError(f'op {self.name!r}: the arguments of {self._class} in the file do not fit: {error}') from error
        outputs = self._function(*bound.args, **bound.kwargs)
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


def _tuples(value):
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
