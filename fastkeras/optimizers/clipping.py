"""Bounds on gradients."""

from fastkeras import ops


def clip_norm(g, c, n):
    """g scaled to the norm c where its norm n is larger; g itself for c of 0 or less."""
    if c <= 0:
        return g
    return g * _scale(c, n)


def _scale(c, n):
    """c / n where n ≥ c, else 1."""
    return ops.where(n >= c, c / n, 1.0)


def norm(gradients):
    """The norm of all gradients together."""
    total = None
    for g in gradients:
        square = ops.sum(ops.square(g))
        total = square if total is None else total + square
    return ops.sqrt(total)


def clip(gradients, clipnorm=None, clipvalue=None, global_clipnorm=None, norm_over_all=True):
    """Gradients with their norms and values bounded, each bound None or 0 for none.

    norm_over_all: clipnorm bounds the norm of all together, as in Keras 2, not of each, as in Keras 3.
    """
    bound = global_clipnorm or (clipnorm if norm_over_all else None)
    if bound and gradients:
        scale = _scale(bound, norm(gradients))
        gradients = [g * scale for g in gradients]
    elif clipnorm:
        gradients = [clip_norm(g, clipnorm, norm([g])) for g in gradients]
    if clipvalue:
        gradients = [ops.clip(g, -clipvalue, clipvalue) for g in gradients]
    return gradients
