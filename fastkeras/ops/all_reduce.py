"""The seam of distribution: between the gradients of a step and its update the processes that train together add theirs up.

One process is alone, and there the operation is nothing at all. A group that is set stands for several; the gradients of a
step then lie in one flat buffer, which the group's `all_reduce` gets once a step.
"""

import numpy as np

from .. import _core
from . import core
from .core import Sample, apply, register

__all__ = ['all_reduce']

current = None      # the group that is set


def set_group(group):
    """Train with the processes of a group from now on; None: alone.

    group: has a method all_reduce(array) that puts, in place, the sum or mean over all processes into an array of one axis.
    Plans are made anew.
    """
    global current
    if group is not None and not callable(getattr(group, 'all_reduce', None)):
        raise ValueError(f'set_group: expected an object with a method all_reduce(array), got {group!r:.80}')
    current = group
    _core.changed()


def all_reduce(values):
    """The tensors, each summed or averaged over the processes of the group that is set (see set_group); the tensors
    themselves where there is none. values: list, None among them stays."""
    found = [core.tensor(v) for v in values if v is not None]
    if current is None or not found:
        return list(values)
    made = {}
    for dtype in sorted({v.dtype for v in found}):     # a flat buffer has one type
        mine = [k for k, v in enumerate(found) if v.dtype == dtype]
        made.update(zip(mine, apply('all_reduce', [found[k] for k in mine], group=current)))
    rest = iter([made[k] for k in range(len(found))])
    return [None if v is None else next(rest) for v in values]


class _Alone:
    """The group of the tests' case: one process."""

    def all_reduce(self, array):
        pass


def _reduced(flat, group):
    group.all_reduce(flat)
    return flat


def _ref(*arrays, group):
    flat = _reduced(np.concatenate([a.reshape(-1) for a in arrays]), group)
    ends = np.cumsum([a.size for a in arrays])[:-1]
    return tuple(part.reshape(a.shape) for part, a in zip(np.split(flat, ends), arrays))


def _lower(ctx, node, ins):
    """The inputs in one buffer: made there where nothing else reads them, else copied; one step of the host works on it."""
    total = sum(x.size for x in ins)
    flat = ctx.temp((total,), ins[0].dtype)
    parts, offset = [], 0
    for x, source in zip(ins, node.inputs):
        part = flat.view(x.shape, offset)
        ctx.move(source, x, part)
        parts.append(part)
        offset += x.size
    group = node.attrs['group']
    ctx.host_step(lambda array: _reduced(array, group), [flat], [flat])
    return parts


@register('all_reduce', vjp=None, ref=_ref, lower=_lower, several=True, supports=lambda node: True, random=True,
          samples=lambda: [Sample([np.ones((3, 2), np.float32), np.arange(5, dtype=np.float32)], {'group': _Alone()},
                                  grad=False)])
def _spec(*inputs, group):
    return [(tuple(x.shape), x.dtype) for x in inputs]
