"""Lambda: any function as a layer."""

from __future__ import annotations

import base64
import importlib.util
import inspect
import marshal
import secrets
import types
from typing import Any

import numpy as np

from fastkeras import late, ops
from fastkeras.saving import bytecode, objects, trust
from fastkeras.utils import nest

from .base import Layer
from .calls import takes
from .input_spec import title

__all__ = ['Lambda']

# whose functions are meant by the names of operations, where a configuration says the module
_WITH_OPERATIONS = ('fastkeras', 'keras', 'tf_keras', 'tensorflow', 'tensorflow_core', 'theano', 'numpy', 'jax', 'builtins')
# functions that this process has written to configurations, so that a clone needs no code to be run
_written = {}       # token, or (module, name) → function
_tokens = {}        # id of a function in _written → token


class Lambda(Layer):
    """function(inputs, **arguments). function: written in ops, the functions of `backend`, or NumPy functions; it may
    take `mask` and `training`.

    output_shape: the shape of the result without the batch, or a function of the input's shape; needed only where the
    trace of the function leaves sizes open. mask: the mask of the result, or a function (inputs, mask) of it; None
    drops the mask. arguments: dict of further arguments.
    """

    supports_masking = True

    def __init__(self, function: Any, output_shape: Any = None, mask: Any = None, arguments: Any = None,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise ValueError(f'{title(self)}: expected a function, got {function!r}')
        self.function = function
        self.arguments = dict(arguments or {})
        self.mask = mask
        self._output_shape = output_shape

    uses_learning_phase = property(lambda self: takes(self.function, 'training'))

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        arguments = dict(self.arguments)
        if takes(self.function, 'mask'):
            arguments['mask'] = mask
        if takes(self.function, 'training'):
            arguments['training'] = training
        return self.function(inputs, **arguments)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, input_shape: Any) -> Any:
        given = self._output_shape
        if given is None:
            return self._inferred_shape(input_shape)
        if callable(given):
            return given(input_shape)
        first = input_shape if nest.is_shape(input_shape) else nest.flatten_shapes(input_shape)[0]
        if hasattr(given, '__index__'):
            return (first[0], int(given))
        if not nest.is_shape(given):
            raise ValueError(f'{title(self)}: expected output_shape to be a shape without the batch, or a function, '
                             f'got {given!r}')
        return (first[0], *given)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config['function'], config['function_type'], config['module'] = _described(self.function)
        shape = self._output_shape
        if callable(shape):
            config['output_shape'], config['output_shape_type'], config['output_shape_module'] = _described(shape)
        else:
            config.update(output_shape=shape, output_shape_type='raw', output_shape_module=None)
        if self.mask is not None:
            described = _described(self.mask) if callable(self.mask) else (
                objects.serialize_keras_object(self.mask), 'raw', None)
            config['mask'], config['mask_type'], config['mask_module'] = described
        config['arguments'] = {k: objects.serialize_keras_object(v) for k, v in self.arguments.items()}
        return config

    @classmethod
    def from_config(cls, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """The layer of a configuration. Python code in it is run only when it was written by this very process, or
        inside `saving.trust.unsafe()` by the same version of Python; else ValueError: give the function in
        custom_objects, under its own name or the layer's."""
        config = dict(config)
        owner = config.get('name', 'lambda')
        for key in ('function', 'output_shape', 'mask'):
            kind, module = config.pop(f'{key}_type', None), config.pop(f'{key}_module', None)
            if key == 'function':
                module = config.pop('module', None)
            if key in config:
                config[key] = _revived(owner, key, config[key], kind, module, custom_objects)
        config['arguments'] = {k: objects.deserialize_keras_object(v) for k,
                               v in (config.get('arguments') or {}).items()}
        return cls(**config)


def _described(function):
    """(configuration, kind, module) of a function: its name or, for one made inside another, its code."""
    module = getattr(function, '__module__', None)
    if isinstance(function, types.FunctionType) and '<' in function.__qualname__:
        return {'class_name': '__lambda__', 'config': _code_of(function)}, 'lambda', module
    if not hasattr(function, '__name__'):
        return objects.serialize_keras_object(function), 'function', module
    name = objects.get_registered_name(function)
    _written[module, name] = function
    return name, 'function', module


def _code_of(function):
    if id(function) not in _tokens:
        _tokens[id(function)] = secrets.token_hex(16)       # nobody else can name it
        _written[_tokens[id(function)]] = function
    closure = [c.cell_contents for c in function.__closure__ or ()]
    return {'code': base64.b64encode(marshal.dumps(function.__code__)).decode('ascii'),
            'defaults': objects.serialize_keras_object(list(function.__defaults__)) if function.__defaults__ else None,
            'closure': closure if all(map(_plain, closure)) else None,
            'python': importlib.util.MAGIC_NUMBER.hex(), 'token': _tokens[id(function)]}


def _backend():
    """The functions of old scripts' `K`, where this package has them."""
    return late.part('backend') or ops


def _plain(value):
    return value is None or isinstance(value, (bool, int, float, str))


def _revived(owner, key, value, kind, module, custom_objects):
    custom = objects.visible_custom_objects(custom_objects)
    if kind == 'raw':
        value = objects.deserialize_keras_object(value)
        return tuple(value) if isinstance(value, list) else value
    if key == 'function' and owner in custom:
        return _function(owner, custom[owner])
    if isinstance(value, dict) and value.get('class_name') == '__lambda__':
        return _from_code(owner, value.get('config'))
    if kind == 'lambda' or isinstance(value, (list, tuple)) and key == 'function':      # of Keras 2
        code, defaults, closure = [*value, None, None, None][:3] if isinstance(value, (list, tuple)) else (value, None, None)
        return _from_code(owner, {'code': code, 'defaults': defaults, 'closure': closure or ()},
                          'configuration holds byte code of Keras 2, which')
    if isinstance(value, str):
        found = objects.get_registered_object(value, custom_objects) or _written.get((module, value)) or _public(value, module)
        if found is None:
            raise ValueError(f'Lambda layer {owner!r}: the function {value!r} is not known; give it in custom_objects='
                             f'{{{value!r}: …}}')
        return _function(owner, found)
    made = objects.deserialize_keras_object(value)
    return _function(owner, made) if key == 'function' or isinstance(value, dict) and 'class_name' in value else made


def _public(name, module):
    """The operation of a name, or NumPy's where an operation has the same; None for any other name, and for a function of the
    user's that happens to have one."""
    of_theirs = isinstance(module, str) and module.partition('.')[0] not in _WITH_OPERATIONS
    if name not in ops.__all__ or of_theirs:
        return None
    found = getattr(np, name, None) if module == 'numpy' else None
    if found is None or isinstance(found, type) or not callable(found):
        found = getattr(ops, name)
    return found if callable(found) and not isinstance(found, type) else None


def _function(owner, found):
    if inspect.isclass(found) or not callable(found) or isinstance(found, Layer):
        raise ValueError(f'Lambda layer {owner!r}: expected a function, got {found!r:.80}')
    return found


def _from_code(owner, config, what='byte code'):
    if not isinstance(config, dict):
        raise ValueError(f'Lambda layer {owner!r}: its byte code is damaged: expected a dictionary, got {config!r:.40}')
    token = config.get('token')
    function = _written.get(token) if isinstance(token, str) else None
    if function is not None:
        return function
    advice = f'give its function in custom_objects={{{owner!r}: …}}'
    if not trust.code_may_run():
        raise ValueError(f'Lambda layer {owner!r}: its configuration holds Python code (byte code), which runs whatever its '
                         f'author wrote; pass safe_mode=False if you trust the source, or {advice}')
    if config.get('closure', ()) is None and config.get('token') is not None:
        raise ValueError(f'Lambda layer {owner!r}: its byte code needs values that were not saved; {advice}')
    names = {'K': _backend(), 'ops': ops, 'np': np, 'numpy': np}
    try:
        defaults = objects.deserialize_keras_object(config.get('defaults') or [])
        return bytecode.function_of(config.get('code'), names, defaults, config.get('closure'), config.get('python'))
    except bytecode.NotRunnable as error:
        raise ValueError(f'Lambda layer {owner!r}: its {what} {error}; {advice}') from None
