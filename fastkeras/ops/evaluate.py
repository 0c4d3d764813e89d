"""A graph computed by the NumPy references alone: the oracle of the tests, in whatever float type it is fed."""

import numpy as np

from ..graph import toposort
from . import core


def evaluate(outputs, feed):
    """Values of the output Nodes. feed: Node → array, for each 'input' leaf used; a variable that is not fed gives
    its value.

    float64 fed in place of float32 makes the whole graph compute in float64: constants and casts to float32 follow.
    """
    wide = any(np.asarray(a).dtype == np.float64 for a in feed.values())
    values = {id(n): np.asarray(a) for n, a in feed.items()}
    for node in toposort(outputs):
        if id(node) not in values:
            values[id(node)] = _value(node, [values[id(i)] for i in node.inputs] if node.inputs else [], wide)
    return [values[id(n)] for n in outputs]


def _value(node, arrays, wide):
    if node.op == 'input':
        raise ValueError(f'evaluate: {node!r} is not fed')
    if node.op == 'const':
        value = np.asarray(node.attrs['value'])
    elif node.op == 'variable':
        value = np.asarray(node.attrs['var'])
    else:
        attrs = node.attrs
        if wide and attrs.get('dtype') == 'float32':
            attrs = {**attrs, 'dtype': 'float64'}
        value = core.record(node.op).ref(*arrays, **attrs)
        return value if isinstance(value, tuple) else np.asarray(value)
    return value.astype(np.float64) if wide and value.dtype == np.float32 else value


