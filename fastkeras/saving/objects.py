"""Objects from names and configurations, and configurations from objects.

Two written forms, both always read: Keras 2's {'class_name', 'config'} and Keras 3's {'module', 'class_name', 'config',
'registered_name'}. Nothing here imports a module by a name it found in a file: a class is one of ours, registered, or
given in custom_objects.
"""

from __future__ import annotations

import functools
import inspect
import operator
import threading
from typing import Any

import numpy as np

from fastkeras import generation, late, ops
from fastkeras.saving import bytecode, trust
from fastkeras.utils.errors import nearest, warn

_custom_objects = {}        # what get_custom_objects() returns and user code adds to
_by_registered_name = {}    # 'package>name' → object
_registered_names = {}      # object → 'package>name'
_scopes = threading.local()

# the modules of Keras whose classes and functions a configuration may name, and what each has: name → class or function
_FAMILIES = ('activations', 'constraints', 'dtype_policies', 'initializers', 'layers', 'losses', 'metrics', 'models',
             'optimizers', 'optimizers.schedules', 'regularizers', 'distillation')
_families = {}
_SELDOM = ('distillation',)     # not loaded for a name that nobody knows
# the modules, beside Keras's own, that Kerases name for what is theirs
_KERASES = ('builtins', 'tensorflow', 'keras_core', 'keras_preprocessing')


def add_family(name: str | None, table: Any) -> Any:
    """Say what configurations may name in a module of this package. Each module says it for itself when it is imported;
    the table may grow later."""
    _families[name] = table


# word of messages ('initializer') → (classes whose subclasses may be made there, whether functions may stand there)
_slots = {}


def add_slot(kind: str, *bases: Any, functions: bool = False) -> None:
    """Say what may stand where a configuration is to make a thing of this kind. Each family says it for itself. The first base
    is the family's own: what derives from another family's is refused, whoever wrote its class."""
    _slots[kind] = bases, functions


def _check_slot(kind, name, found, called=False):
    """ValueError where what a name stands for does not belong in the place that names it. called: an instance is to be made."""
    if kind not in _slots:
        if called and not inspect.isclass(found):
            raise ValueError(f'{kind} {name!r}: a function stands where a class is expected')
        return
    bases, functions = _slots[kind]
    if inspect.isclass(found):
        others = tuple(other for k, (first, _) in _slots.items() for other in first[:1] if k != kind)
        if not issubclass(found, bases) and (not functions or issubclass(found, others)):
            raise ValueError(f'{kind} {name!r}: {found.__name__} is no {kind}')
    elif called:
        raise ValueError(f'{kind} {name!r}: a function stands where a class is expected')
    elif not (isinstance(found, bases) or functions and callable(found)):
        raise ValueError(f'{kind} {name!r}: expected a {kind}, got {found!r:.80}')


def get_custom_objects() -> Any:
    """The dictionary of custom objects by name, for all threads; add to it to make a name known everywhere."""
    return _custom_objects


class CustomObjectScope:
    """Names known inside a `with` block only, in this thread: `with CustomObjectScope({'MyLayer': MyLayer}): ...`.

    Takes dictionaries; any number of them, or None. Keras 3 calls its only one custom_objects.
    """

    def __init__(self, *args: Any, custom_objects: dict[str, Any] | None = None) -> None:
        self.custom_objects = {}
        for objects in (*args, custom_objects):
            self.custom_objects.update(objects or {})

    def __enter__(self):
        stack = _stack()
        stack.append(self.custom_objects)
        return self

    def __exit__(self, *args, **kwargs):
        _stack().pop()


custom_object_scope = CustomObjectScope


def _stack():
    try:
        return _scopes.stack
    except AttributeError:
        _scopes.stack = []
        return _scopes.stack


def visible_custom_objects(custom_objects: dict[str, Any] | None = None) -> Any:
    """All custom objects that count now, the innermost last: global ones, scopes, then `custom_objects`."""
    seen = dict(_custom_objects)
    for objects in _stack():
        seen.update(objects)
    seen.update(custom_objects or {})
    return seen


def register_keras_serializable(package: Any = 'Custom', name: str | None = None) -> Any:
    """Decorator that makes a class or function known to loading, as 'package>name' (name: its own unless given).

    Raises ValueError for a class without `get_config`.
    """
    def decorate(target):
        registered = f'{package}>{name or target.__name__}'
        if inspect.isclass(target) and not hasattr(target, 'get_config'):
            raise ValueError(f'register_keras_serializable: {target.__name__} has no method get_config, so it cannot '
                             'be saved; add one that returns its constructor arguments')
        _by_registered_name[registered] = target
        _registered_names[target] = registered
        return target
    return decorate


def get_registered_name(obj: Any) -> Any:
    """'package>name' of a registered class or function, else its own name."""
    try:
        return _registered_names[obj]
    except (KeyError, TypeError):
        return obj.__name__


def get_registered_object(name: str | None, custom_objects: dict[str, Any] | None = None, module_objects: Any = None) -> Any:
    """The class or function called `name` in the custom objects, the registry or `module_objects`; None if in none."""
    custom = visible_custom_objects(custom_objects)
    if name in custom:
        return custom[name]
    if name in _by_registered_name:
        return _by_registered_name[name]
    return (module_objects or {}).get(name)


def unknown(kind: Any, name: str | None, table: Any) -> Any:
    """The ValueError for a name that nobody knows."""
    said = f'{kind} function' if kind in ('loss', 'metric') else kind        # the words of Keras 2, then those of Keras 3
    return ValueError(f'Unknown {said}: {name!r} (could not interpret {kind} identifier); {nearest(name, table)} '
                      'One of your own goes into custom_objects, or is registered with register_keras_serializable.')


def find(kind: Any, name: str | None, table: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The class or function that `name` stands for; ValueError with the nearest known names if there is none."""
    if not isinstance(name, str):
        raise ValueError(f'{kind}: expected a name, got {name!r:.80}')
    found = get_registered_object(name, custom_objects, table)
    if found is None and '>' in name:
        found = get_registered_object(name.split('>')[-1], custom_objects, table)
    if found is None:
        raise unknown(kind, name, {**table, **visible_custom_objects(custom_objects)})
    _check_slot(kind, name, found)
    return found


def resolve(kind: Any, identifier: Any, table: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """What every `get` does: an object from None, a name, a configuration, a class or the object itself.

    kind: word for messages ('initializer'); table: name → class or function. None stays None; the name of a class, and
    a class, give an instance made without arguments; the name of a function gives the function; a dict is deserialized;
    any other callable or an object with get_config is returned as it is. Raises ValueError for an unknown name and
    for anything else.
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        found = find(kind, identifier, table, custom_objects)
        return _instance(kind, identifier, found) if inspect.isclass(found) else found
    if isinstance(identifier, dict):
        return deserialize(kind, identifier, table, custom_objects)
    if inspect.isclass(identifier):
        return _instance(kind, identifier.__name__, identifier)
    if callable(identifier) or hasattr(identifier, 'get_config'):
        return identifier
    raise ValueError(f'{kind}: expected a name, a configuration or a callable, got {identifier!r}')


def _instance(kind, name, cls):
    try:
        inspect.signature(cls).bind()
    except TypeError as error:
        raise ValueError(f'{kind} {name!r} cannot be made without arguments ({error}); '
                         f'give an instance: {cls.__name__}(…)') from None
    except ValueError:
        pass
    return cls()


def deserialize(kind: Any, config: Any, table: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """An object from its configuration, in the form of either generation, or from a name.

    Raises ValueError for a configuration without class_name, an unknown class or arguments that do not fit it.
    """
    if isinstance(config, str):
        return find(kind, config, table, custom_objects)
    if not isinstance(config, dict) or 'class_name' not in config:
        raise ValueError(f"{kind}: expected a configuration {{'class_name': …, 'config': …}}, got {config!r}")
    name, inner = config['class_name'], config.get('config')
    if name == '__lambda__':
        return _code(inner)
    if name == 'function':                  # how Keras 3 writes a function
        found = find(kind, inner, table, custom_objects)
        _check_module(kind, inner, found, config.get('module'), table)
        return found
    registered = config.get('registered_name')
    # what a file says to be of Keras is never one of a user's that has a name in the registry
    ours = _is_ours(config.get('module')) and name in table
    cls = get_registered_object(registered, custom_objects) if isinstance(registered, str) and not ours else None
    if cls is None:
        cls = find(kind, name, table, custom_objects)
    _check_slot(kind, name, cls, called=True)
    _check_module(kind, name, cls, config.get('module'), table)
    return _from_config(kind, name, cls, inner, custom_objects)


def _is_ours(module):
    return isinstance(module, str) and module.partition('.')[0] in ('keras', 'tf_keras', 'fastkeras')


def _check_module(kind, name, found, module, table):
    """ValueError where a configuration means another's class or function, and only one of ours has its name."""
    if found is not table.get(name) or module is None or _is_ours(module):
        return
    if not isinstance(module, str) or module.partition('.')[0] not in _KERASES:
        raise ValueError(f'{kind} {name!r}: the configuration says that it is from the module {module!r:.80}, which is not '
                         f'imported; give your own in custom_objects={{{name!r}: …}}')


def _code(config, safe_mode=True):
    """The function of a `__lambda__`, where its code may be run; ValueError else."""
    if safe_mode and not trust.code_may_run():
        raise ValueError('the configuration holds Python code of a lambda, which runs whatever its author wrote; '
                         'pass safe_mode=False if you trust the source, or give the function in custom_objects')
    if not isinstance(config, dict):
        raise ValueError(f'the byte code of a lambda is damaged: expected a dictionary, got {config!r:.40}')
    try:
        return bytecode.function_of(config.get('code'), {'np': np, 'numpy': np, 'K': late.part('backend'), 'ops': ops},
                                    config.get('defaults'), config.get('closure'), config.get('python'))
    except bytecode.NotRunnable as error:
        raise ValueError(f'a lambda: its byte code {error}; give the function in custom_objects') from None


def _from_config(kind, name, cls, config, custom_objects):
    custom_objects = custom_objects or {}
    with CustomObjectScope(custom_objects):
        maker = getattr(cls, 'from_config', None)
        try:
            if maker is None:
                return cls(**(config or {}))
            if _takes_custom_objects(getattr(maker, '__func__', maker)):
                return maker(dict(config or {}), custom_objects=visible_custom_objects())
            return maker(dict(config) if isinstance(config, dict) else config)
        except (TypeError, KeyError, IndexError, AttributeError, ArithmeticError) as error:
            said = f'{error}' if isinstance(error, TypeError) else f'{type(error).__name__}: {error}'
            raise ValueError(f'{kind} {name!r} cannot be made from the configuration {config!r:.300}: {said}') from error


@functools.lru_cache(maxsize=1024)
def _takes_custom_objects(maker):
    return 'custom_objects' in inspect.signature(maker).parameters


def serialize(obj: Any, form: Any = None, table: Any = None) -> Any:
    """The configuration of an object, or the name of a function; None stays None.

    form: 2 or 3, the written form; by default that of the generation in force. table: what the names of its kind mean; where
    that is something else, a UserWarning says so. Raises ValueError for an object that has neither get_config nor a name.
    """
    if obj is None:
        return None
    if not hasattr(obj, 'get_config'):
        if hasattr(obj, '__name__'):
            name = _function_name(obj)
            _warn_of_namesake(obj, name, table)
            return name
        raise ValueError(f'cannot serialize {obj!r}: it has neither get_config nor __name__')
    form = form or (3 if generation.of('config.module_and_registered_name') else 2)
    cls = type(obj)
    _warn_of_namesake(cls, _registered_names.get(cls, cls.__name__), table)
    if form == 2:
        return {'class_name': _registered_names.get(cls, getattr(obj, '_keras2_name', cls.__name__)),
                'config': obj.get_config()}
    module, registered = keras_module(cls), _registered_names.get(cls)
    if module is None:
        registered = registered or cls.__name__
    config = {k: v for k, v in obj.get_config().items() if k not in getattr(obj, '_not_in_keras3', ())}
    return {'module': module, 'class_name': cls.__name__, 'config': config, 'registered_name': registered}


def _warn_of_namesake(own, name, table):
    """A configuration has the name alone, and who reads it takes Keras's own."""
    known = table.get(name) if table and isinstance(name, str) else None
    if known is not None and known is not own and not _is_ours(getattr(own, '__module__', None)):
        warn(f'{own.__module__}.{name} has the name of {name!r} of Keras, which saved and copied models will have in its '
             f'place: give it another name, or load with custom_objects={{{name!r}: …}}')


def _function_name(function):
    try:
        if function in _registered_names:
            return _registered_names[function]
    except TypeError:                       # not hashable
        pass
    if generation.of('config.module_and_registered_name'):
        return getattr(function, '_keras3_name', function.__name__)
    return function.__name__


def keras_module(cls) -> Any:
    """'keras.layers' and so on for a class of ours, as Keras 3 writes it; None for anybody else's."""
    path = cls.__module__.split('.')
    if path[0] != 'fastkeras' or cls in _registered_names:
        return None
    if path[1:3] == ['optimizers', 'schedules']:
        return 'keras.optimizers.schedules'
    return '.'.join(['keras', *path[1:2]])


def serialize_keras_object(instance: Any = None, obj: Any = None) -> Any:
    """The configuration of an object (`instance` in Keras 2, `obj` in 3), in the form of the generation in force.

    Besides objects and functions it takes numbers, text, None, lists, tuples, dicts, arrays and types, as Keras 3 does.
    """
    obj = instance if obj is None else obj
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return obj
    if isinstance(obj, bytes):
        return {'class_name': '__bytes__', 'config': {'value': obj.decode('latin-1')}}
    if isinstance(obj, list):
        return [serialize_keras_object(x) for x in obj]
    if isinstance(obj, tuple):
        return {'class_name': '__tuple__', 'config': [serialize_keras_object(x) for x in obj]}
    if isinstance(obj, dict):
        return {k: serialize_keras_object(v) for k, v in obj.items()}
    if isinstance(obj, slice):
        return {'class_name': '__slice__', 'config': {'start': obj.start, 'stop': obj.stop, 'step': obj.step}}
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, np.ndarray):
        return {'class_name': '__numpy__', 'config': {'value': obj.tolist(), 'dtype': obj.dtype.name}}
    if inspect.isfunction(obj) and generation.of('config.module_and_registered_name'):
        module = 'builtins' if obj.__module__.startswith('fastkeras') else None
        return {'module': module, 'class_name': 'function', 'config': obj.__name__,
                'registered_name': _registered_names.get(obj, 'function' if module else obj.__name__)}
    return serialize(obj)


_PLAIN = {
    '__tuple__': lambda c: tuple(deserialize_keras_object(x) for x in c),
    '__numpy__': lambda c: _array(c['value'], c['dtype']),
    '__tensor__': lambda c: _array(c['value'], c['dtype']),
    '__bytes__': lambda c: c['value'].encode('latin-1'),
    '__slice__': lambda c: slice(*(c[k] if c[k] is None else operator.index(c[k]) for k in ('start', 'stop', 'step'))),
    '__ellipsis__': lambda c: Ellipsis,
}


_ARRAY_TYPES = ('bool', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'float16', 'float32',
                'float64')


def _array(value, dtype):
    """The array of a list of numbers, or of texts, which take as much memory as their list."""
    if dtype in _ARRAY_TYPES:
        if not isinstance(value, (list, int, float)):
            raise ValueError(f'expected numbers, got {type(value).__name__}')
        return np.array(value, dtype)
    if isinstance(dtype, str) and dtype.startswith('str'):
        found = np.array(value, object)
        if not all(isinstance(text, str) for text in found.flat) or found.size * max(map(len, found.flat), default=0) > 1 << 24:
            raise ValueError('expected texts, none of them much longer than the others')
        return found.astype(str)
    raise ValueError(f'expected a type of numbers ({", ".join(_ARRAY_TYPES)}), got {dtype!r:.40}')


def deserialize_keras_object(identifier: Any = None, module_objects: Any = None,
                             custom_objects: dict[str, Any] | None = None, printable_module_name: Any = 'object',
                             config: Any = None, safe_mode: bool = True) -> Any:
    """The object that a name or a configuration of either form describes.

    module_objects: name → class or function, where names are looked for after custom objects and the registry; without
    it, the modules of ours, the one that a Keras 3 configuration names first. printable_module_name: word for messages.
    safe_mode: refuse Python code in the configuration. Raises ValueError for what is unknown.
    """
    given = identifier if config is None else config
    if given is None or isinstance(given, (bool, int, float)):
        return given
    if isinstance(given, (list, tuple)):
        return [deserialize_keras_object(x, module_objects, custom_objects, printable_module_name, safe_mode=safe_mode)
                for x in given]
    if isinstance(given, str):
        if module_objects is None and get_registered_object(given, custom_objects) is None:
            return given
        return find(printable_module_name, given, module_objects or {}, custom_objects)
    if not isinstance(given, dict):
        raise ValueError(f'{printable_module_name}: expected a name or a configuration, got {given!r}')
    name = given.get('class_name')
    if name is None:
        return {k: deserialize_keras_object(v, None, custom_objects, safe_mode=safe_mode) for k, v in given.items()}
    if name == '__lambda__':
        return _code(given.get('config'), safe_mode)
    if not isinstance(name, str):
        raise ValueError(f'{printable_module_name}: expected class_name to be a name, got {name!r:.80}')
    if name in _PLAIN:
        try:
            return _PLAIN[name](given.get('config'))
        except (TypeError, KeyError, IndexError, AttributeError, ValueError, OverflowError) as error:
            raise ValueError(f'{name}: no value can be made of {given.get("config")!r:.80}: {error}') from error
    table = dict(module_objects or {})
    if not table:
        wanted = given.get('config') if name == 'function' else name
        for known in _tables_for(given.get('module')):
            table = {**known, **table}
            if wanted in known:
                break
    return deserialize(printable_module_name, given, table, custom_objects)


def _tables_for(path):
    """What configurations may name, family by family: first where a file says it is ('keras.layers')."""
    parts = (path if isinstance(path, str) else '').split('.')
    names = [n for n in _FAMILIES if n in _families or n not in _SELDOM or n in parts]
    if parts[0] in ('keras', 'tf_keras', 'fastkeras'):
        inner = '.'.join(p for p in parts[1:] if p != 'src')
        names.sort(key=lambda n: not (inner == n or inner.startswith(n + '.')))
    for name in names:
        if name not in _families:
            late.part(name.partition('.')[0])
        yield _families[name]


_OF_MODELS = ('name', 'trainable', 'dtype', 'layers', 'input_layers', 'output_layers', 'build_input_shape', 'batch_input_shape',
              'autocast', 'quantization_config')


def check_model_keys(cls: Any, config: Any) -> None:
    """ValueError for a key that configurations of models do not have: it would be passed over. A class of a user's may have its
    own."""
    for key in config:
        if key not in _OF_MODELS and cls.__module__.startswith('fastkeras.'):
            raise ValueError(f'{cls.__name__} {config.get("name")!r}: unknown key {key!r} in its configuration; '
                             f'{nearest(key, _OF_MODELS)}')


def checked_config(cls, config: Any, *needed: Any) -> Any:
    """The configuration of a class, given to its from_config; ValueError unless it is a dict with the keys needed,
    which hold lists."""
    name = getattr(cls, '__name__', cls)
    if not isinstance(config, dict):
        raise ValueError(f'{name}.from_config: expected a dict, as get_config gives it, got {config!r:.80}')
    for key in needed:
        if not isinstance(config.get(key), (list, tuple)):
            raise ValueError(f'{name}.from_config: expected {key!r} to hold a list in the configuration, as get_config '
                             f'gives it, got {config!r:.80}')
    return config
