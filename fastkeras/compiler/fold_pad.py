"""Folding: zeros that are put around an image for windows to read become those windows' own padding.

Simplification applies the rule: it turns op(pad(x), …, padding='valid') into op(x, …, padding=((1, 1), (0, 1))), which reads
no copy of x. Where windows know their padding as the least of all numbers, x must be known to have no negative elements.
"""

from ..graph import Node
from ..ops import core
from ..ops.windows import padding_over, spatial, zeros_around


def padding_of_window(record, node, inputs):
    """The node, whose first input is a pad and whose record has a window and a border, without that pad; or None."""
    a, pad = node.attrs, inputs[0]
    around = zeros_around(pad, a['data_format'])
    if around is None or record.border == 'least' and not _never_negative(pad.inputs[0]):
        return None
    both = padding_over(around, spatial(pad.shape, a['data_format']), a, record.window(node))
    if both is None:
        return None
    return Node(node.op, (pad.inputs[0], *inputs[1:]), dict(a, padding=both), node.shape, node.dtype, node.name)


def _never_negative(node):
    known = core.record(node.op).nonnegative
    return known is not None and known(node)
