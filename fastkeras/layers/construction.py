"""What happens around the making and building of every layer, whoever wrote its class."""

import functools
import inspect

from fastkeras.generation import DefaultWhole, DefaultWord, chosen
from fastkeras.legacy.keras1 import convert
from fastkeras.utils.errors import located

from . import context
from .keeping import given_to_build


def wrap(cls):
    """Wrap the `__init__` and `build` that the class defines itself. Called for every subclass of Layer."""
    if '__init__' in cls.__dict__:
        cls.__init__ = _recorded(cls, cls.__dict__['__init__'])
    if 'build' in cls.__dict__:
        cls.build = _in_scope(cls.__dict__['build'])


def _recorded(cls, init):
    """An __init__ that takes Keras 1 words too, and remembers the arguments of the outermost call, so that a class
    without get_config can be made again."""
    @functools.wraps(init)
    def wrapper(self, *args, **kwargs):
        outermost = '_made_with' not in self.__dict__
        named = type(self) if outermost else cls        # the class whose words the arguments are in
        if (args or kwargs) and named.__module__.startswith('fastkeras.'):
            args, kwargs = convert(named.__name__, args, kwargs)
        if outermost:
            self._made_with = (cls, args, kwargs)
        try:
            init(self, *args, **kwargs)
        except (TypeError, ValueError) as error:
            if cls.__module__.startswith('fastkeras.') and cls.__name__ not in str(error):
                located(error, f'{type(self).__name__} layer {self.name!r}' if 'name' in self.__dict__ else type(self).__name__)
            raise
        except AttributeError as error:
            if getattr(error, 'obj', None) is self and not _is_made(self):
                raise _unmade(self) from error
            raise
        if outermost and not _is_made(self):
            raise _unmade(self)
    if any(isinstance(d, (DefaultWord, DefaultWhole)) for d in init.__defaults__ or ()):
        wrapper.__signature__ = _of_keras2(inspect.signature(init))
    return wrapper


def _of_keras2(signature):
    """A signature that shows the Keras 2 values of defaults that hang on the generation, as plain words and numbers."""
    shown = [p.replace(default=chosen(p.default, 2)) for p in signature.parameters.values()]
    return signature.replace(parameters=shown)


def _is_made(layer):
    """Whether the __init__ of the base was run."""
    return '_functions' in layer.__dict__


def _unmade(layer):
    return ValueError(f'{type(layer).__name__}: its __init__ must call super().__init__() before anything else of the '
                      f'layer is used')


def _in_scope(build):
    """A build that makes weights outside of any trace, under the layer's name, and marks the layer as built."""
    @functools.wraps(build)
    def wrapper(self, *args, **kwargs):
        if context.is_building(self):
            return build(self, *args, **kwargs)     # called by a subclass's own build
        context.changing(self)
        before = list(self._weights), self._initial_weights
        try:
            with context.building(self, named=self._names_its_weights):
                build(self, *args, **kwargs)
            self._built_for = given_to_build(args, kwargs)
            self._after_build(args[0] if args else next(iter(kwargs.values()), None))
        except Exception:
            self.built = False
            self._weights[:], self._initial_weights = before
            raise
    return wrapper


def arguments_of(layer):
    """name → value of the arguments a layer was made with, defaults left out; None when they have no names (*args)."""
    cls, args, kwargs = layer._made_with
    signature = inspect.signature(cls.__init__)
    bound = signature.bind(layer, *args, **kwargs)
    arguments = {}
    for k, (name, value) in enumerate(bound.arguments.items()):
        kind = signature.parameters[name].kind
        if k == 0:
            continue
        if kind is inspect.Parameter.VAR_POSITIONAL:
            return None
        if kind is inspect.Parameter.VAR_KEYWORD:
            arguments.update(value)
        else:
            arguments[name] = value
    return arguments


@functools.lru_cache(maxsize=4096)
def parameters_of(function):
    """(names of the parameters that may be given by name, whether it takes any other name)."""
    names, anything = [], False
    for p in inspect.signature(function).parameters.values():
        if p.kind is inspect.Parameter.VAR_KEYWORD:
            anything = True
        elif p.kind is not inspect.Parameter.VAR_POSITIONAL:
            names.append(p.name)
    return tuple(names), anything


def names_handed_on(cls):
    """The names of what `call` takes, where one of (*args, **kwargs) hands on what it gets: those of the class above."""
    names = ()
    for call in (vars(base)['call'] for base in cls.__mro__ if 'call' in vars(base)):
        own, anything = parameters_of(call)
        names += own[len(names):]
        if not anything or inspect.getfullargspec(call).varargs is None:
            break
    return names


@functools.lru_cache(maxsize=4096)
def required_of(function):
    """The names of the parameters that have no default."""
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(p.name for p in inspect.signature(function).parameters.values()
                 if p.default is inspect.Parameter.empty and p.kind in named)
