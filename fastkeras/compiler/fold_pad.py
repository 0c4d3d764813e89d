"""Folding: zeros that are put around an image for windows to read become those windows' own padding.

Simplification applies the rules: they turn op(pad(x), …, padding='valid') into op(x, …, padding=((1, 1), (0, 1))), which
reads no copy of x. A maximum ignores its padding, so there x must be known to have no negative elements.
"""

import numpy as np

from ..graph import Node
from ..ops.windows import extent, pads, to_last


def _zeros_around(node, data_format):
    """((top, bottom), (left, right)) of a pad node that adds zeros to the spatial dimensions alone, else None."""
    if node.op != 'pad' or node.attrs['value'] != 0 or len(node.shape) != 4:
        return None
    n, *spatial, c = to_last(node.attrs['widths'], data_format)
    return tuple(spatial) if not any((*n, *c)) else None


def _never_negative(node):
    if node.op == 'minimum':
        return any(_never_negative(a) and b.op == 'const' and np.all(np.asarray(b.attrs['value']) >= 0)
                   for a, b in (node.inputs, node.inputs[::-1]))
    return node.op == 'relu'


def _rule(window, allowed=lambda x: True):
    """window(node) -> sizes of the window in both dimensions."""
    def rule(node, inputs):
        a, pad = node.attrs, inputs[0]
        around = _zeros_around(pad, a['data_format'])
        if around is None or not allowed(pad.inputs[0]):
            return None
        size, dilation = window(node), a.get('dilation', (1, 1))
        own = pads(a['padding'], to_last(pad.shape, a['data_format'])[1:3], size, a['strides'], dilation)
        both = tuple((b0 + b1, e0 + e1) for (b0, e0), (b1, e1) in zip(around, own))
        if any(p >= extent(k, d) for pair, k, d in zip(both, size, dilation) for p in pair):
            return None
        return Node(node.op, (pad.inputs[0], *inputs[1:]), dict(a, padding=both), node.shape, node.dtype, node.name)
    return rule


def _kernel(node):
    return node.inputs[1].shape[:2]


RULES = {
    'conv2d': _rule(_kernel), 'depthwise_conv2d': _rule(_kernel),
    'conv2d_dw': _rule(lambda node: node.attrs['kernel_size']),
    'depthwise_conv2d_dw': _rule(lambda node: node.attrs['kernel_size']),
    'max_pool2d': _rule(lambda node: node.attrs['pool_size'], _never_negative),
}
