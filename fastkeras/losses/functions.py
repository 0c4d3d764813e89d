"""Losses as functions (y_true, y_pred) → one number per sample: the last axis (or `axis`) is reduced, no other.

Each takes symbolic tensors or arrays. y_true takes the type of y_pred; where one of the two has a last axis of length 1
more, it is dropped.
"""

import math

from fastkeras import config, generation, ops
from fastkeras.ops.index import as_indices
from fastkeras.ops.logits import log_shares, misses

__all__ = ['KLD', 'MAE', 'MAPE', 'MSE', 'MSLE', 'binary_crossentropy', 'binary_focal_crossentropy',
           'categorical_crossentropy', 'categorical_focal_crossentropy', 'categorical_generalized_cross_entropy',
           'categorical_hinge', 'circle', 'cosine', 'cosine_proximity', 'cosine_similarity', 'ctc', 'dice', 'hinge', 'huber',
           'kl_divergence', 'kld', 'kullback_leibler_divergence', 'log_cosh', 'logcosh', 'mae', 'mape',
           'mean_absolute_error', 'mean_absolute_percentage_error', 'mean_squared_error',
           'mean_squared_logarithmic_error', 'mse', 'msle', 'poisson', 'sparse_categorical_crossentropy',
           'squared_hinge', 'tversky']

_TINY = 1e-30   # a power with an exponent below 1 has no slope at 0


def _float(x):
    x = ops.convert_to_tensor(x)
    return x if str(x.dtype).startswith('float') else ops.cast(x, config.floatx())


def _same_rank(y_true, y_pred):
    a, b = tuple(y_true.shape), tuple(y_pred.shape)
    if len(a) == len(b) + 1 and a[-1] == 1:
        y_true = ops.squeeze(y_true, axis=-1)
    elif len(b) == len(a) + 1 and b[-1] == 1:
        y_true = ops.expand_dims(y_true, axis=-1)
    return y_true, y_pred


def _pair(y_true, y_pred):
    y_pred = _float(y_pred)
    y_true = ops.cast(ops.convert_to_tensor(y_true), str(y_pred.dtype))
    return _same_rank(y_true, y_pred)


def mean_squared_error(y_true, y_pred):
    """Mean of (y_pred - y_true)²."""
    y_true, y_pred = _pair(y_true, y_pred)
    return ops.mean(ops.square(y_pred - y_true), axis=-1)


def mean_absolute_error(y_true, y_pred):
    """Mean of |y_pred - y_true|."""
    y_true, y_pred = _pair(y_true, y_pred)
    return ops.mean(ops.absolute(y_pred - y_true), axis=-1)


def mean_absolute_percentage_error(y_true, y_pred):
    """100 times the mean of |y_true - y_pred| / |y_true|."""
    y_true, y_pred = _pair(y_true, y_pred)
    size = ops.maximum(ops.absolute(y_true), config.epsilon())
    return 100.0 * ops.mean(ops.absolute(y_true - y_pred) / size, axis=-1)


def mean_squared_logarithmic_error(y_true, y_pred):
    """Mean of (log(y_pred + 1) - log(y_true + 1))², negative values counting as 0."""
    y_true, y_pred = _pair(y_true, y_pred)
    a = ops.log1p(ops.maximum(y_pred, config.epsilon()))
    b = ops.log1p(ops.maximum(y_true, config.epsilon()))
    return ops.mean(ops.square(a - b), axis=-1)


def _signs(y_true):
    """Labels of 0 and 1 as -1 and 1; any others as they are, and in the generation '2.2.4' all."""
    if not generation.of('hinge.converts_labels'):
        return y_true
    binary = ops.all(ops.logical_or(ops.equal(y_true, 0.0), ops.equal(y_true, 1.0)))
    return ops.where(binary, 2.0 * y_true - 1.0, y_true)


def hinge(y_true, y_pred):
    """Mean of max(1 - y_true · y_pred, 0); y_true of -1 and 1, or of 0 and 1."""
    y_true, y_pred = _pair(y_true, y_pred)
    return ops.mean(ops.maximum(1.0 - _signs(y_true) * y_pred, 0.0), axis=-1)


def squared_hinge(y_true, y_pred):
    """Mean of max(1 - y_true · y_pred, 0)²; y_true of -1 and 1, or of 0 and 1."""
    y_true, y_pred = _pair(y_true, y_pred)
    return ops.mean(ops.square(ops.maximum(1.0 - _signs(y_true) * y_pred, 0.0)), axis=-1)


def categorical_hinge(y_true, y_pred):
    """max(0, best wrong score - right score + 1); y_true one-hot."""
    y_true, y_pred = _pair(y_true, y_pred)
    right = ops.sum(y_true * y_pred, axis=-1)
    wrong = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(wrong - right + 1.0, 0.0)


def huber(y_true, y_pred, delta=1.0):
    """Mean of e² / 2 for errors e up to `delta`, of delta · (|e| - delta / 2) beyond (Huber 1964)."""
    y_true, y_pred = _pair(y_true, y_pred)
    error = ops.absolute(y_pred - y_true)
    return ops.mean(ops.where(error <= delta, 0.5 * ops.square(error), delta * error - 0.5 * delta * delta), axis=-1)


def logcosh(y_true, y_pred):
    """Mean of log(cosh(y_pred - y_true))."""
    y_true, y_pred = _pair(y_true, y_pred)
    x = y_pred - y_true
    far = ops.absolute(x)
    near = ops.tanh(ops.clip(x, -1.0, 1.0))     # cosh² is 1 / (1 - tanh²); log 2 would leave nothing of a small error
    return ops.mean(ops.where(far < 1.0, -0.5 * ops.log1p(-near * near),
                              far + ops.softplus(-2.0 * far) - math.log(2.0)), axis=-1)


def kullback_leibler_divergence(y_true, y_pred):
    """Sum of y_true · log(y_true / y_pred)."""
    y_true, y_pred = _pair(y_true, y_pred)
    y_true = ops.clip(y_true, config.epsilon(), 1.0)
    y_pred = ops.clip(y_pred, config.epsilon(), 1.0)
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


def poisson(y_true, y_pred):
    """Mean of y_pred - y_true · log(y_pred)."""
    y_true, y_pred = _pair(y_true, y_pred)
    return ops.mean(y_pred - y_true * ops.log(y_pred + config.epsilon()), axis=-1)


def cosine_proximity(y_true, y_pred, axis=-1):
    """Minus the cosine of the angle between y_true and y_pred: -1 is the same direction."""
    y_true, y_pred = _pair(y_true, y_pred)
    return -ops.sum(ops.l2_normalize(y_true, axis) * ops.l2_normalize(y_pred, axis), axis=axis)


def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """Mean of -y log(p) - (1 - y) log(1 - p), y in [0, 1].

    from_logits: y_pred is before the sigmoid. label_smoothing: moves y by that share of the way to 1/2.
    """
    y_true, y_pred = _pair(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    return ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits), axis=axis)


def binary_focal_crossentropy(y_true, y_pred, apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False,
                              label_smoothing=0.0, axis=-1):
    """Binary cross-entropy times (1 - probability of the right class)^gamma (Lin et al. 2018).

    apply_class_balancing: weigh class 1 by alpha and class 0 by 1 - alpha.
    """
    y_true, y_pred = _pair(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    missed = ops.maximum(misses(y_true, y_pred, from_logits), _TINY)
    loss = ops.power(missed, gamma) * ops.binary_crossentropy(y_true, y_pred, from_logits)
    if apply_class_balancing:
        loss = loss * (y_true * alpha + (1.0 - y_true) * (1.0 - alpha))
    return ops.mean(loss, axis=axis)


def _smoothed(y_true, label_smoothing, axis):
    if not label_smoothing:
        return y_true
    return y_true * (1.0 - label_smoothing) + label_smoothing / y_true.shape[axis]


def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """-sum of y_true · log(y_pred), y_true one-hot or shares; y_pred is first scaled to a sum of 1.

    from_logits: y_pred is before the softmax. label_smoothing: spreads that share of y_true over all classes.
    """
    y_true, y_pred = _pair(y_true, y_pred)
    y_true = _smoothed(y_true, label_smoothing, axis)
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


def categorical_focal_crossentropy(y_true, y_pred, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0,
                                   axis=-1):
    """Categorical cross-entropy times alpha · (1 - p)^gamma for each class (Lin et al. 2018)."""
    y_true, y_pred = _pair(y_true, y_pred)
    y_true = _smoothed(y_true, label_smoothing, axis)
    logp = log_shares('categorical_focal_crossentropy', y_pred, from_logits, axis)
    missed = ops.maximum(-ops.expm1(logp), _TINY)       # 1 - p, exact where p is nearly 1
    return -ops.sum(alpha * ops.power(missed, gamma) * y_true * logp, axis=axis)


def categorical_generalized_cross_entropy(y_true, y_pred, q):
    """(1 - p^q) / q for the probability p of the right class, between cross-entropy (q → 0) and MAE (q = 1).

    y_true: class indices or one-hot. Zhang and Sabuncu 2018.
    """
    y_pred = _float(y_pred)
    y_true = ops.convert_to_tensor(y_true)
    p = (ops.pick(y_pred, indices(y_true, y_pred)) if _are_indices(y_true, y_pred, -1)
         else ops.sum(ops.cast(y_true, str(y_pred.dtype)) * y_pred, axis=-1))
    return (1.0 - ops.power(ops.clip(p, config.epsilon(), 1.0), q)) * (1.0 / q)


def _are_indices(y_true, y_pred, axis):
    """Whether y_true holds class indices: of a rank less than y_pred's, or with 1 where that has its classes."""
    a, b = tuple(y_true.shape), tuple(y_pred.shape)
    return len(a) == len(b) - 1 or (len(a) == len(b) and a[axis] == 1 and b[axis] != 1)


def indices(y_true, y_pred, axis=-1):
    """Class indices as int32 without an axis of length 1 in the classes' place."""
    y_true = ops.convert_to_tensor(y_true)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[axis] == 1:
        y_true = ops.squeeze(y_true, axis=axis)
    return as_indices(y_true)


def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, ignore_class=None, axis=-1):
    """-log of the probability of the right class; y_true holds class indices, (…) or (…, 1).

    y_pred is scaled to a sum of 1 along `axis` unless from_logits. ignore_class: samples of that class cost nothing.
    """
    y_pred = _float(y_pred)
    labels = indices(y_true, y_pred, axis)
    if ignore_class is not None:
        counts = ops.not_equal(labels, ignore_class)
        labels = ops.where(counts, labels, ops.zeros_like(labels))
    loss = ops.sparse_categorical_crossentropy(labels, y_pred, from_logits=from_logits, axis=axis)
    return loss if ignore_class is None else ops.where(counts, loss, ops.zeros_like(loss))


def dice(y_true, y_pred, axis=None):
    """1 - 2 · sum(y_true · y_pred) / (sum(y_true) + sum(y_pred)), over all elements or those along `axis`."""
    y_true, y_pred = _pair(y_true, y_pred)
    both = ops.sum(y_true * y_pred, axis=axis)
    return 1.0 - 2.0 * both / (ops.sum(y_true, axis=axis) + ops.sum(y_pred, axis=axis) + config.epsilon())


def tversky(y_true, y_pred, alpha=0.5, beta=0.5, axis=None):
    """1 - both / (both + alpha · missed + beta · invented), over all elements or those along `axis`.

    both: sum of y_true · y_pred; missed: of y_true · (1 - y_pred); invented: of (1 - y_true) · y_pred. After Salehi
    et al. 2017, whose alpha and beta are the other way round; this is how Keras has them.
    """
    y_true, y_pred = _pair(y_true, y_pred)
    both = ops.sum(y_true * y_pred, axis=axis)
    missed = ops.sum(y_true * (1.0 - y_pred), axis=axis)
    invented = ops.sum((1.0 - y_true) * y_pred, axis=axis)
    return 1.0 - both / (both + alpha * missed + beta * invented + config.epsilon())


def circle(y_true, y_pred, ref_labels=None, ref_embeddings=None, remove_diagonal=True, gamma=80, margin=0.4):
    """Circle loss of embeddings of unit length (Sun et al. 2020): one number per row of y_pred.

    y_true: class indices (n,) or (n, 1); y_pred: (n, d). ref_labels, ref_embeddings: compare with these instead of
    with the batch itself. remove_diagonal: no row is compared with itself.
    """
    y_pred = _float(y_pred)
    others = y_pred if ref_embeddings is None else ops.convert_to_tensor(ref_embeddings)
    labels = ops.reshape(as_indices(y_true), (-1, 1))
    other_labels = (ops.reshape(labels, (1, -1)) if ref_labels is None
                    else ops.reshape(as_indices(ref_labels), (1, -1)))
    distance = ops.maximum(1.0 - ops.matmul(y_pred, ops.transpose(others)), 0.0)
    dtype = str(y_pred.dtype)
    same = ops.cast(ops.equal(labels, other_labels), dtype)
    different = 1.0 - same
    if remove_diagonal and ref_embeddings is None and ref_labels is None:
        same = same * (1.0 - ops.eye(int(y_pred.shape[0]), dtype=dtype))
    like = gamma * ops.maximum(margin + distance, 0.0) * (distance - margin)
    unlike = gamma * ops.maximum(1.0 + margin - distance, 0.0) * (1.0 - margin - distance)
    return ops.softplus(_masked_logsumexp(like, same) + _masked_logsumexp(unlike, different))


def _masked_logsumexp(x, mask):
    """log of the sum along axis 1 of exp(x) where mask is 1; very small, not -inf, where there is none."""
    x = ops.where(mask > 0, x, ops.zeros_like(x) - 1e30)
    top = ops.stop_gradient(ops.max(x, axis=1, keepdims=True))
    return ops.squeeze(top, axis=1) + ops.log(ops.sum(ops.exp(x - top), axis=1))


def ctc(y_true, y_pred):
    """Connectionist temporal classification, see `ops.ctc_loss`: of each sample, from labels y_true (batch, labels), filled
    up with 0, and logits y_pred (batch, steps, classes), class 0 being the blank."""
    y_true, y_pred = ops.convert_to_tensor(y_true), _float(y_pred)
    if len(y_true.shape) != 2 or len(y_pred.shape) != 3:
        raise ValueError(f'ctc: expected y_true (batch, labels) and y_pred (batch, steps, classes), got shapes '
                         f'{tuple(y_true.shape)} and {tuple(y_pred.shape)}')
    labels = ops.cast(y_true, 'int32')
    lengths = ops.sum(ops.cast(ops.not_equal(labels, 0), 'int32'), axis=1)
    steps = ops.sum(ops.cast(ops.equal(y_pred[:, :, 0], y_pred[:, :, 0]), 'int32') * 0 + 1, axis=1)
    return ops.ctc_loss(labels, y_pred, lengths, steps)


# the names of Keras 3, which writes the same functions so
logcosh._keras3_name = 'log_cosh'
kullback_leibler_divergence._keras3_name = 'kl_divergence'
cosine_proximity._keras3_name = 'cosine_similarity'
log_cosh = logcosh
kl_divergence = kld = KLD = kullback_leibler_divergence
cosine_similarity = cosine = cosine_proximity
mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
