"""The parts of a model that have state, and the paths under which Keras 3 keeps them in files.

A path goes from attribute to attribute: `layers/dense_1`, `layers/bidirectional/forward_layer/cell`. What stands in a list or
dict is called by its class there, with a number from the second of a class on, because names of layers differ from run to run.
"""

import re

from fastkeras.layers.base import Layer
from fastkeras.metrics import Metric
from fastkeras.optimizers import Optimizer
from fastkeras.runtime import Variable

# attributes that every layer has, which name no part of it
_OF_ALL_LAYERS = frozenset(('_inbound_nodes', '_outbound_nodes', '_made_with', '_functions', '_call_ways', '_weights',
                            '_weights_of_call', '_asked_in_call', '_initial_weights', '_callable_losses', '_losses_of_call',
                            '_graph', 'input_spec', 'activity_regularizer', '_built_for'))
_PLAIN = frozenset((type(None), bool, int, float, str, bytes))
# more ways to the same parts than any model has: a file that makes them is not followed
_MOST_STEPS = 200_000


def in_words(name):
    """A class's name as paths have it: 'LSTMCell' is lstm_cell."""
    name = re.sub(r'(.)([A-Z][a-z]+)', r'\1_\2', re.sub(r'\W+', '', name))
    return re.sub(r'([a-z])([A-Z])', r'\1_\2', name).lower()


def class_name(part):
    """The class's name in a path: of a model made of a graph, that of Keras 3; of a layer, that it has in files."""
    known = getattr(part, '_keras3_class', None) if hasattr(part, '_is_stack') else None
    return in_words(known[1] if known else getattr(part, '_keras2_name', type(part).__name__))


def is_part(value):
    """Whether it is of a kind that has state of its own in a file."""
    return isinstance(value, (Layer, Metric, Optimizer))


def children(part):
    """(name, a part or a list, tuple or dict) of all that a part has in its attributes, in the order of Keras 3: the layers of
    a described model, then by name, private attributes last."""
    if isinstance(part, Optimizer):
        inner = getattr(part, 'inner_optimizer', None)
        return [('inner_optimizer', inner)] if isinstance(inner, Optimizer) else []
    if isinstance(part, Metric):
        return [(k, v) for k, v in sorted(vars(part).items()) if isinstance(v, Metric)]
    found = {}
    kept_as = getattr(part, '_kept_as', {})
    untracked = part._untracked
    for name, value in vars(part).items():
        if type(value) in _PLAIN or name in _OF_ALL_LAYERS or (name in untracked and name not in kept_as):
            continue
        if is_part(value) or isinstance(value, (list, tuple, dict)):
            found[name] = found[kept_as.get(name, name)] = value
    for name in _properties(type(part)):
        if name not in found:
            try:
                value = getattr(part, name)
            except Exception:       # whatever a property of the user's says where it has no value
                continue
            if is_part(value) or isinstance(value, (list, tuple, dict)):
                found[name] = value
    if hasattr(part, '_is_stack'):          # a model
        optimizer = getattr(part, 'optimizer', None)
        if isinstance(optimizer, Optimizer):
            found['optimizer'] = optimizer
        found['layers'] = part.layers
    ordered = sorted(found.items(), key=lambda item: f'~{item[0]}' if item[0].startswith('_') else item[0])
    if getattr(part, '_graph', None) is not None or getattr(part, '_is_stack', False):
        ordered.sort(key=lambda item: item[0] != 'layers')
    return ordered


def _properties(cls):
    """Names of the properties that a class of the user's adds to those of this package."""
    names = {}
    for base in cls.__mro__:
        if base.__module__.partition('.')[0] == 'fastkeras':
            break
        names.update((k, None) for k, v in vars(base).items() if isinstance(v, property) and not k.startswith('__'))
    return names


def members(container, twice=False):
    """(name in a path, part or container) of a list, tuple or dict. twice: as Keras 2.13 counts the layers of a model, of which
    those with weights are there twice."""
    numbers = {}
    for value in container.values() if isinstance(container, dict) else container:
        if is_part(value):
            name = class_name(value)
        elif isinstance(value, (list, tuple, dict)):
            name = 'container'
        else:
            continue
        number = numbers.get(name, 0)
        numbers[name] = number + 1 + bool(twice and is_part(value) and value.weights)
        yield f'{name}_{number}' if number else name, value


def parts(model):
    """(path, part) of a model and of all in it, each part once, where Keras 3 writes it."""
    seen, containers = set(), {}

    def visit(path, value):
        if is_part(value):
            if id(value) in seen:
                return
            seen.add(id(value))
            yield path, value
            inside = children(value)
        else:
            if id(value) in containers:
                return
            containers[id(value)] = value       # held: one that a property made anew must not leave its id to another
            inside = members(value)
        for name, child in inside:
            yield from visit(f'{path}/{name}' if path else name, child)

    yield from visit('', model)


class Ways:
    """Finds for each part of a model the path that a file has for it. The versions of Keras 3 go through attributes in somewhat
    different orders, so a part that is not at the first path that leads to it may be at another one."""

    def __init__(self, holds, of_213=False, arranged=lambda path, inside: inside):
        """holds(path, part) → whether the file has at the path what the part needs. of_213: the file is of Keras 2.13.
        arranged(path, members of a container) → these, by the names that they have in the file."""
        self.holds, self.of_213, self.arranged = holds, of_213, arranged
        self.paths = {}         # id → (path, part)
        self.missing = {}       # id → (first path, part)
        self.whole = set()      # ids of parts all of which was found
        self.steps = 0

    def go(self, model):
        """[(path, part)] of what was found; `missing` has what was not."""
        self._visit('', model, ())
        return list(self.paths.values())

    def _visit(self, path, value, above):
        """Whether all below was found."""
        twice = self.of_213 and isinstance(value, list) and (path == 'layers' or path.endswith('/layers'))
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise ValueError('its parts refer to each other in more ways than can be followed')
        if id(value) in above:
            return True
        if is_part(value):
            if id(value) not in self.paths:
                if self.holds(path, value):
                    self.paths[id(value)] = path, value
                    self.missing.pop(id(value), None)
                else:
                    self.missing.setdefault(id(value), (path, value))
            elif id(value) in self.whole:
                return True
            inside = children(value)
        else:
            inside = self.arranged(path, list(members(value, twice)))
        whole = not is_part(value) or id(value) in self.paths
        for name, child in inside:
            whole &= self._visit(f'{path}/{name}' if path else name, child, (*above, id(value)))
        if whole and is_part(value):
            self.whole.add(id(value))
        return whole


def own_variables(part):
    """The Variables that a part keeps by itself, without those of parts in it, in the order of files."""
    if isinstance(part, Layer):
        return part._own_weights()
    return [v for v in part.variables if isinstance(v, Variable)]
