"""Folding: zeros that are put around an image for windows to read become those windows' own padding.

Simplification applies the rule: it turns op(pad(x), …, padding='valid') into op(x, …, padding=((1, 1), (0, 1))), which reads
no copy of x. Where windows know their padding as the least of all numbers, x must be known to have no negative elements.
"""

from ..graph import Node
from ..ops import core
from ..ops.windows import extent, pads, spatial, to_last


def padding_of_window(record, node, inputs):
    """The node, whose first input is a pad and whose record has a window and a border, without that pad; or None."""
    a, pad = node.attrs, inputs[0]
    around = _zeros_around(pad, a['data_format'])
    if around is None or record.border == 'least' and not _never_negative(pad.inputs[0]):
        return None
    size = record.window(node)
    dilation = a.get('dilation') or (1,) * len(size)  # pooling has none
    own = pads(a['padding'], spatial(pad.shape, a['data_format']), size, a['strides'], dilation)
    both = tuple((b0 + b1, e0 + e1) for (b0, e0), (b1, e1) in zip(around, own))
    if any(p >= extent(k, d) for pair, k, d in zip(both, size, dilation) for p in pair):
        return None
    return Node(node.op, (pad.inputs[0], *inputs[1:]), dict(a, padding=both), node.shape, node.dtype, node.name)


def _zeros_around(pad, data_format):
    """A pair for each spatial axis, of a pad node that adds zeros to these alone; else None."""
    if pad.attrs['value'] != 0:
        return None
    n, *around, c = to_last(pad.attrs['widths'], data_format)
    return tuple(around) if not any((*n, *c)) else None


def _never_negative(node):
    known = core.record(node.op).nonnegative
    return known is not None and known(node)
