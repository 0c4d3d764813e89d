"""Gradients of one's own."""

import numpy as np

from . import core
from .core import Sample, apply, register

__all__ = ['custom_gradient']


def _custom_vjp(node, ct):
    found = node.attrs['gradient'](ct)
    found = list(found) if isinstance(found, (list, tuple)) else [found]
    if len(found) != len(node.inputs) - 1:
        raise ValueError(f'[custom_gradient]: expected a gradient for each of {len(node.inputs) - 1} arguments, got '
                         f'{len(found)}')
    return [None, *(None if g is None else core.tensor(g) for g in found)]


def _nothing(ct):
    return ct


@register('custom_gradient', vjp=_custom_vjp, ref=lambda y, *xs, gradient: y, view=lambda node: 0,
          rows=lambda node, moving: moving[0],
          samples=lambda: [Sample([np.ones((2, 3), np.float32), np.ones((2, 3), np.float32)], {'gradient': _nothing},
                                  grad=False)])
def _custom_spec(y, *xs, gradient):
    return y.shape, y.dtype


def custom_gradient(f):
    """Decorator of f(*args) -> (value, gradient): gradient(ct) gives the gradients of the arguments, one or a list,
    in place of the ones that follow from the ops of f."""
    def wrapped(*args):
        value, gradient = f(*args)
        if not core.is_symbolic(value):
            return value
        return apply('custom_gradient', (apply('stop_gradient', (value,)), *args), gradient=lambda ct: gradient(ct))
    return wrapped
