"""Folding: zeros that are put around an image for windows to read become those windows' own padding.

Simplification applies the rule: it turns op(pad(x), …, padding='valid') into op(x, …, padding=((1, 1), (0, 1))), which reads
no copy of x. Where windows know their padding as the least of all numbers, x must be known to have no negative elements.
Backwards, the image cut out of the gradient by pad(x) becomes the gradient by x.
"""

from ..graph import LEAVES, Node
from ..ops import core
from ..ops.windows import padding_over, spatial, to_last, zeros_around


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


def cropped(node, source):
    """A slice of `source`, which nothing else reads, as the operation that makes that part of the image alone; or None."""
    record = core.record(source.op) if source.op not in LEAVES else None
    if record is None or record.cropped is None:
        return None
    form = source.attrs['data_format']
    shape, key = to_last(source.shape, form), to_last(node.attrs['key'], form)
    cuts = [slice(*cut).indices(d) for cut, d in zip(key, shape)]
    around = tuple((begin, d - end) for (begin, end, _), d in zip(cuts, shape))
    if any(step != 1 for *_, step in cuts) or any(around[0] + around[-1]) or node.size == 0:
        return None
    attrs = record.cropped(source, around[1:-1])
    return None if attrs is None else Node(source.op, source.inputs, attrs, node.shape, node.dtype, source.name)


def _never_negative(node):
    known = core.record(node.op).nonnegative
    return known is not None and known(node)
