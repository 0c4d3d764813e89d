"""Cross-entropies, one value per sample (binary: per element), stable where the logits are known.

A prediction that is the direct result of a softmax or sigmoid in the same trace is taken by its logits: the loss of a
saturated prediction then stays finite, exact and with a gradient, and one pass computes it. Other probabilities are
normalised and clipped to [epsilon, 1 - epsilon], as Keras 2 does.
"""

from .. import config
from .core import as_tensor
from .elementwise import cast, clip, divide, log, multiply, negative, softplus, subtract
from .index import pick
from .move import moveaxis, reshape
from .reduce import sum
from .softmax import log_softmax

__all__ = ['binary_crossentropy', 'categorical_crossentropy', 'sparse_categorical_crossentropy']


def _logits(output, activation):
    """The argument of the activation that made `output`, or None."""
    return output.inputs[0] if getattr(output, 'op', None) == activation else None


def _same_shape(op, target, output):
    a, b = target.shape, output.shape
    if len(a) != len(b) or any(None not in (p, q) and p != q for p, q in zip(a, b)):
        raise ValueError(f'[{op}] target: expected the shape of the output, {tuple(b)}, got {tuple(a)}')


def _clipped(p):
    epsilon = config.epsilon()
    return clip(p, epsilon, 1 - epsilon)


def binary_crossentropy(target, output, from_logits=False):
    """-t · log p - (1 - t) · log(1 - p), elementwise; t and p of one shape. from_logits: p is sigmoid(output)."""
    output = as_tensor(output)
    target = cast(target, output.dtype)
    _same_shape('binary_crossentropy', target, output)
    logits = output if from_logits else _logits(output, 'sigmoid')
    if logits is not None:
        return subtract(softplus(logits), multiply(target, logits))
    p = _clipped(output)
    return negative(multiply(target, log(p)) + multiply(1.0 - target, log(1.0 - p)))


def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-Σ t · log p along `axis`; t and p of one shape, p scaled to sum 1 first. from_logits: p is softmax(output)."""
    output = as_tensor(output)
    target = cast(target, output.dtype)
    _same_shape('categorical_crossentropy', target, output)
    if not output.shape:
        raise ValueError('[categorical_crossentropy] expected an output of 1 dimension or more, got a scalar')
    last = axis in (-1, len(output.shape) - 1)
    logits = output if from_logits else _logits(output, 'softmax') if last else None
    if logits is not None:
        logp = log_softmax(logits, axis=axis)
    else:
        logp = log(_clipped(divide(output, sum(output, axis=axis, keepdims=True))))
    return negative(sum(multiply(target, logp), axis=axis))


def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-log p of the target class; target: integers of the shape of output without `axis`, or with size 1 there.

    from_logits: p is softmax(output). A class outside [0, classes) is an error when it runs.
    """
    output, target = as_tensor(output), as_tensor(target)
    if not output.shape:
        raise ValueError('[sparse_categorical_crossentropy] expected an output of 1 dimension or more, got a scalar')
    logits = output if from_logits else _logits(output, 'softmax') if axis in (-1, len(output.shape) - 1) else None
    # clipped probabilities are normalised again, as Keras 2 does by taking their logarithms for logits
    logp = log_softmax(moveaxis(log(_clipped(output)) if logits is None else logits, axis, -1))
    expected = tuple(logp.shape[:-1])
    if len(target.shape) == len(expected) + 1:
        target = moveaxis(target, axis, -1)
        if target.shape[-1] == 1:
            target = reshape(target, tuple(target.shape[:-1]))
    if len(target.shape) != len(expected) or any(None not in (p, q) and p != q for p, q in zip(target.shape, expected)):
        raise ValueError(f'[sparse_categorical_crossentropy] target: expected integers of shape {expected}, got shape '
                         f'{tuple(target.shape)}')
    return negative(pick(logp, cast(target, 'int32')))
