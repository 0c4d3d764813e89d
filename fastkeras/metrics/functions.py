"""Metrics that are no losses, as functions (y_true, y_pred) → one number per sample. Averages are taken by others."""

from fastkeras import config, generation, ops
from fastkeras.losses import functions as losses
from fastkeras.losses.functions import _pair, cosine_proximity, indices

__all__ = ['accuracy', 'binary_accuracy', 'categorical_accuracy', 'concordance_correlation', 'pearson_correlation',
           'sparse_categorical_accuracy', 'sparse_top_k_categorical_accuracy', 'top_k_categorical_accuracy']


def _hits(truth):
    return ops.cast(truth, config.floatx())


def accuracy(y_true, y_pred):
    """1 where y_pred equals y_true, elementwise."""
    y_true, y_pred = _pair(y_true, y_pred)
    return _hits(ops.equal(y_true, y_pred))


def binary_accuracy(y_true, y_pred, threshold=0.5):
    """Share of the last axis where y_pred is on y_true's side of `threshold`.

    At 0.5 y_pred is rounded, as in Keras 2, so whole numbers other than 0 and 1 can be hit too (not in generation 3).
    """
    y_true, y_pred = _pair(y_true, y_pred)
    if threshold == 0.5 and generation.of('binary_accuracy.rounds'):
        guess = ops.rint(y_pred)
    else:
        guess = ops.cast(y_pred > threshold, str(y_pred.dtype))
    return ops.mean(_hits(ops.equal(y_true, guess)), axis=-1)


def categorical_accuracy(y_true, y_pred):
    """1 where the largest element of y_pred is at the place of y_true's."""
    return _hits(ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1)))


def sparse_categorical_accuracy(y_true, y_pred):
    """1 where the largest element of y_pred is at the class index y_true, which may have a last axis of length 1."""
    y_pred = ops.convert_to_tensor(y_pred)
    return _hits(ops.equal(indices(y_true, y_pred), ops.cast(ops.argmax(y_pred, axis=-1), 'int32')))


def top_k_categorical_accuracy(y_true, y_pred, k=5):
    """1 where fewer than k elements of y_pred exceed the one at the place of y_true's largest."""
    return _hits(ops.in_top_k(ops.cast(ops.argmax(y_true, axis=-1), 'int32'), ops.convert_to_tensor(y_pred), k))


def sparse_top_k_categorical_accuracy(y_true, y_pred, k=5, from_sorted_ids=False):
    """1 where fewer than k elements of y_pred exceed the one at the class index y_true.

    from_sorted_ids: y_pred holds class indices, the best first; a hit is y_true among the first k.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    if from_sorted_ids:
        best = y_pred[..., :k]
        labels = ops.expand_dims(ops.cast(indices(y_true, y_pred), str(best.dtype)), -1)
        return ops.max(_hits(ops.equal(best, labels)), axis=-1)
    return _hits(ops.in_top_k(indices(y_true, y_pred), y_pred, k))


def cosine(y_true, y_pred, axis=-1):
    """Cosine of the angle between y_true and y_pred; the loss of that name has the other sign."""
    return -cosine_proximity(y_true, y_pred, axis)


def _centred(x, axis):
    return x - ops.mean(x, axis=axis, keepdims=True)


def pearson_correlation(y_true, y_pred, axis=-1):
    """Correlation of y_true and y_pred along `axis`."""
    y_true, y_pred = _pair(y_true, y_pred)
    a, b = _centred(y_true, axis), _centred(y_pred, axis)
    variances = ops.mean(ops.square(a), axis=axis) * ops.mean(ops.square(b), axis=axis)
    return ops.mean(a * b, axis=axis) / ops.sqrt(variances)


def concordance_correlation(y_true, y_pred, axis=-1):
    """2 · covariance / (both variances + squared distance of the means), along `axis` (Lin 1989)."""
    y_true, y_pred = _pair(y_true, y_pred)
    a, b = _centred(y_true, axis), _centred(y_pred, axis)
    apart = ops.square(ops.mean(y_true, axis=axis) - ops.mean(y_pred, axis=axis))
    spread = ops.mean(ops.square(a), axis=axis) + ops.mean(ops.square(b), axis=axis) + apart
    return 2.0 * ops.mean(a * b, axis=axis) / (spread + config.epsilon())


# name → function, the losses among them
TABLE = {**{name: getattr(losses, name) for name in losses.__all__}, **{name: globals()[name] for name in __all__},
         'acc': accuracy}
