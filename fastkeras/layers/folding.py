"""Steps and samples as one axis, and as two again."""

import math

from fastkeras import ops
from fastkeras.ops.tensor import Tensor


def folded(x):
    """x with its first two axes as one."""
    return shaped(x, (None if None in x.shape[:2] else math.prod(x.shape[:2]), *x.shape[2:]))


def shaped(x, shape):
    """x under another shape. Where more than one of its sizes is unknown, a model is being described, and what has the
    shape will do."""
    if shape.count(None) > 1:
        return Tensor('input', (), {}, shape, x.dtype)
    return ops.reshape(x, tuple(-1 if d is None else d for d in shape))
