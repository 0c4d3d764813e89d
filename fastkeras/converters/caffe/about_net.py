"""What a prototxt or a caffemodel holds, told without making a model of it."""

from __future__ import annotations

import math
import os
from typing import Any

from .blobs import open_weights
from .net import Net
from .opened import plain_path


def about_prototxt(path: Any) -> str:
    """The layers of a description that count when it predicts, as lines of text."""
    path = plain_path(path)
    net = Net(path, ('TEST', None, None), {})
    lines = [f'{path}: {os.path.getsize(path):,} bytes',
             f'a description of Caffe, of the network {net.name!r} of {len(net.nodes)} layers']
    return '\n'.join(lines + [f'  {node.layer.name} ({node.layer.type})' for node in net.nodes])


def about_caffemodel(path: Any) -> str:
    """The layers with weights, and the shapes of these, as lines of text."""
    path = plain_path(path)
    with open_weights(path) as source:
        shapes = {name: [tuple(s) for s in source.shapes(name)] for name in sorted(source.names)}
    arrays = [s for of_layer in shapes.values() for s in of_layer]
    lines = [f'{path}: {os.path.getsize(path):,} bytes',
             f'weights of Caffe: {len(arrays)} arrays of {sum(map(math.prod, arrays)):,} numbers in all']
    return '\n'.join(lines + [f'  {name}: {", ".join(map(str, of_layer))}' for name, of_layer in shapes.items() if of_layer])
