"""A function of arrays as a step of a plan: what looks up words, hashes, or asks Python for something else."""

import numpy as np

from . import core
from .core import Sample, apply, register

__all__ = []


def on_host(inputs, function, shape, dtype):
    """function(*arrays) → array, called each time the plan runs. inputs: list of tensors; shape, dtype: of its result. No
    gradient goes through it. function: hashable; two that are equal give equal results at any one time."""
    return apply('on_host', tuple(map(core.tensor, inputs)), function=function, shape=tuple(shape), dtype=dtype)


def _ref(*arrays, function, shape, dtype):
    return np.ascontiguousarray(function(*arrays), dtype)


def _lengths(x):
    return np.array([x.size, x.ndim])


@register('on_host', vjp=lambda node, ct: [None] * len(node.inputs), ref=_ref, random=True,
          samples=lambda: [Sample([np.array([[3, -1], [7, 0]], np.int32)],
                                  {'function': _lengths, 'shape': (2,), 'dtype': 'int32'}, grad=False)])
def _spec(*inputs, function, shape, dtype):
    return shape, dtype
