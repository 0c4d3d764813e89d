"""Variables that hold other values while a function runs: state that is passed in and given back."""

import weakref

from ..ops import core
from .nested import Nested
from .trace import active_trace, inner_trace

_compiled = weakref.WeakKeyDictionary()     # owner → key → Nested


def with_values(variables, values, function):
    """(what function() gives, what `variables` hold behind it), as tensors of a trace: meanwhile they hold `values`, and their
    own values stay. Other state that the function changes, as that of random draws, is changed. ValueError where numbers or
    shapes differ."""
    variables, values = list(variables), list(values)
    if len(variables) != len(values):
        raise ValueError(f'expected a value for each of {len(variables)} variables '
                         f'({", ".join(repr(v.name) for v in variables[:4])}{", …" if len(variables) > 4 else ""}), '
                         f'got {len(values)}')
    own = {id(v) for v in variables} | {id(v.rest) for v in variables if hasattr(v, 'rest')}
    outer = active_trace()
    with inner_trace({}) as trace:
        trace.losses = []
        for v, value in zip(variables, values):
            v.assign(core.tensor(value, v.dtype))
            v.hold(core.tensor(value, v.dtype))     # with gradients
        result = function()
        held = [core.tensor(v) for v in variables]
    for k, v in trace.assigned.items():
        if k not in own:
            outer.current[k], outer.assigned[k] = trace.current[k], v
    return result, held


def compiled(owner, key, method, *args, **kwargs):
    """method(owner, *args, **kwargs), compiled once for each key, structure and shapes; inside a trace as it is. What is kept
    goes with the owner. Variables among the arguments count as what they hold."""
    known = _compiled.setdefault(owner, {})
    nested = known.get(key)
    if nested is None:
        ref = weakref.ref(owner)
        nested = known[key] = Nested(lambda *a, **k: method(ref(), *a, **k), getattr(owner, 'name', None),
                                     getattr(owner, 'dtype', None) == 'float64')
    return nested(*args, **kwargs)
