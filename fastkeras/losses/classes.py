"""Losses as objects: a function with its settings and a reduction of the per-sample numbers to one."""

from fastkeras import config, ops
from fastkeras.losses import functions as F
from fastkeras.saving import objects
from fastkeras.utils.errors import Spelled
from fastkeras.utils.quantities import checked_name

__all__ = ['CTC', 'BinaryCrossentropy', 'BinaryFocalCrossentropy', 'CategoricalCrossentropy', 'CategoricalFocalCrossentropy',
           'CategoricalGeneralizedCrossEntropy', 'CategoricalHinge', 'Circle', 'CosineSimilarity', 'Dice', 'Hinge',
           'Huber', 'KLDivergence', 'LogCosh', 'Loss', 'LossFunctionWrapper', 'MeanAbsoluteError',
           'MeanAbsolutePercentageError', 'MeanSquaredError', 'MeanSquaredLogarithmicError', 'Poisson',
           'SparseCategoricalCrossentropy', 'SquaredHinge', 'Tversky']

_MEAN = 'sum_over_batch_size'
_REDUCTIONS = (_MEAN, 'sum', 'mean', 'mean_with_sample_weight', 'none', None)


def reduce_values(values, sample_weight=None, reduction=_MEAN, mask=None):
    """Weighted per-sample numbers to what `reduction` says; where mask is False they count nowhere.

    'sum_over_batch_size' and 'mean': the sum over the number of values; 'mean_with_sample_weight': over the sum of the
    weights; 'sum'; 'none' or None: no reduction.
    """
    values = ops.convert_to_tensor(values)
    counted = None
    if mask is not None:
        counted = ops.cast(mask, str(values.dtype))
        values = values * counted
    if sample_weight is not None:
        sample_weight = ops.cast(ops.convert_to_tensor(sample_weight), str(values.dtype))
        n = len(values.shape)
        if len(sample_weight.shape) == n + 1 and sample_weight.shape[-1] == 1:
            sample_weight = ops.squeeze(sample_weight, axis=-1)
        while len(sample_weight.shape) < n:
            sample_weight = ops.expand_dims(sample_weight, axis=-1)
        values = values * sample_weight
    if reduction in ('none', None) or not len(values.shape):
        return values
    if reduction == 'sum':
        return ops.sum(values)
    if reduction == 'mean_with_sample_weight' and sample_weight is not None:
        total = ops.sum(sample_weight if counted is None else sample_weight * counted)
    elif counted is not None:
        total = ops.sum(counted)
    else:
        return ops.mean(values)
    return ops.where(total > 0.0, ops.sum(values) / ops.where(total > 0.0, total, 1.0), 0.0)


class Loss(Spelled):
    """Base: define `call(y_true, y_pred)` → one number per sample. Called, it applies weights and the reduction.

    reduction: see reduce_values; ValueError for an unknown one. dtype: type to compute in, that of y_pred unless given.
    """

    def __init__(self, name=None, reduction=_MEAN, dtype=None):
        if reduction not in _REDUCTIONS:
            raise ValueError(f"{type(self).__name__}: expected reduction to be one of "
                             f"{', '.join(str(r) for r in _REDUCTIONS)}, got {reduction!r}")
        self.name = checked_name(type(self).__name__, name or _snake(type(self).__name__))
        self.reduction = reduction
        self._dtype = dtype

    @property
    def dtype(self):
        return self._dtype or config.floatx()

    def call(self, y_true, y_pred):
        raise TypeError(f'{type(self).__name__} must define call(self, y_true, y_pred)')

    def mask(self, y_true, y_pred, values):
        """Which of the values of `call` count in a mean, or None for all."""

    def __call__(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.convert_to_tensor(y_pred)
        if self._dtype is not None:
            y_pred = ops.cast(y_pred, self._dtype)
        values = self.call(y_true, y_pred)
        return reduce_values(values, sample_weight, self.reduction, self.mask(y_true, y_pred, values))

    def get_config(self):
        out = {'name': self.name, 'reduction': self.reduction}
        return out if self._dtype is None else {**out, 'dtype': self._dtype}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def _snake(name):
    return ''.join('_' + c.lower() if c.isupper() and i and not name[i - 1].isupper() else c.lower()
                   for i, c in enumerate(name))


class LossFunctionWrapper(Loss):
    """A Loss from a function (y_true, y_pred, **settings)."""

    def __init__(self, fn, reduction=_MEAN, name=None, dtype=None, **kwargs):
        super().__init__(name=name or getattr(fn, '__name__', None), reduction=reduction, dtype=dtype)
        self.fn = fn
        self._fn_kwargs = kwargs

    def call(self, y_true, y_pred):
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self):
        out = {**super().get_config(), **self._fn_kwargs}
        if type(self) is LossFunctionWrapper:
            out['fn'] = objects.serialize_keras_object(self.fn)
        return out

    @classmethod
    def from_config(cls, config):
        if isinstance(config.get('fn'), (str, dict)):
            functions = {name: getattr(F, name) for name in F.__all__}
            config = {**config, 'fn': objects.deserialize('loss', config['fn'], functions)}
        return cls(**config)


class MeanSquaredError(LossFunctionWrapper):
    """Mean of squared errors."""

    def __init__(self, reduction=_MEAN, name='mean_squared_error', dtype=None):
        super().__init__(F.mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(LossFunctionWrapper):
    """Mean of absolute errors."""

    def __init__(self, reduction=_MEAN, name='mean_absolute_error', dtype=None):
        super().__init__(F.mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """Mean of absolute errors in per cent of y_true."""

    def __init__(self, reduction=_MEAN, name='mean_absolute_percentage_error', dtype=None):
        super().__init__(F.mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """Mean of squared differences of log(1 + y)."""

    def __init__(self, reduction=_MEAN, name='mean_squared_logarithmic_error', dtype=None):
        super().__init__(F.mean_squared_logarithmic_error, reduction, name, dtype)


class CosineSimilarity(LossFunctionWrapper):
    """Minus the cosine between y_true and y_pred along `axis`."""

    def __init__(self, axis=-1, reduction=_MEAN, name='cosine_similarity', dtype=None):
        super().__init__(F.cosine_proximity, reduction, name, dtype, axis=axis)


class Huber(LossFunctionWrapper):
    """Squared error up to `delta`, linear beyond."""

    def __init__(self, delta=1.0, reduction=_MEAN, name='huber_loss', dtype=None):
        super().__init__(F.huber, reduction, name, dtype, delta=delta)


class LogCosh(LossFunctionWrapper):
    """log(cosh(error))."""

    def __init__(self, reduction=_MEAN, name='log_cosh', dtype=None):
        super().__init__(F.logcosh, reduction, name, dtype)


class Hinge(LossFunctionWrapper):
    """max(1 - y_true · y_pred, 0)."""

    def __init__(self, reduction=_MEAN, name='hinge', dtype=None):
        super().__init__(F.hinge, reduction, name, dtype)


class SquaredHinge(LossFunctionWrapper):
    """max(1 - y_true · y_pred, 0)²."""

    def __init__(self, reduction=_MEAN, name='squared_hinge', dtype=None):
        super().__init__(F.squared_hinge, reduction, name, dtype)


class CategoricalHinge(LossFunctionWrapper):
    """max(0, best wrong score - right score + 1)."""

    def __init__(self, reduction=_MEAN, name='categorical_hinge', dtype=None):
        super().__init__(F.categorical_hinge, reduction, name, dtype)


class KLDivergence(LossFunctionWrapper):
    """Sum of y_true · log(y_true / y_pred)."""

    def __init__(self, reduction=_MEAN, name='kl_divergence', dtype=None):
        super().__init__(F.kullback_leibler_divergence, reduction, name, dtype)


class Poisson(LossFunctionWrapper):
    """Mean of y_pred - y_true · log(y_pred)."""

    def __init__(self, reduction=_MEAN, name='poisson', dtype=None):
        super().__init__(F.poisson, reduction, name, dtype)


class BinaryCrossentropy(LossFunctionWrapper):
    """Cross-entropy of independent yes/no outputs; see losses.binary_crossentropy."""

    def __init__(self, from_logits=False, label_smoothing=0.0, axis=-1, reduction=_MEAN, name='binary_crossentropy',
                 dtype=None):
        super().__init__(F.binary_crossentropy, reduction, name, dtype, from_logits=from_logits,
                         label_smoothing=label_smoothing, axis=axis)


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """See losses.binary_focal_crossentropy."""

    def __init__(self, apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False,
                 label_smoothing=0.0, axis=-1, reduction=_MEAN, name='binary_focal_crossentropy', dtype=None):
        super().__init__(F.binary_focal_crossentropy, reduction, name, dtype,
                         apply_class_balancing=apply_class_balancing, alpha=alpha, gamma=gamma,
                         from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class CategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy with one-hot y_true; see losses.categorical_crossentropy."""

    def __init__(self, from_logits=False, label_smoothing=0.0, axis=-1, reduction=_MEAN,
                 name='categorical_crossentropy', dtype=None):
        super().__init__(F.categorical_crossentropy, reduction, name, dtype, from_logits=from_logits,
                         label_smoothing=label_smoothing, axis=axis)


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """See losses.categorical_focal_crossentropy."""

    def __init__(self, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1, reduction=_MEAN,
                 name='categorical_focal_crossentropy', dtype=None):
        super().__init__(F.categorical_focal_crossentropy, reduction, name, dtype, alpha=alpha, gamma=gamma,
                         from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """(1 - p^q) / q; see losses.categorical_generalized_cross_entropy. ValueError unless 0 < q < 1."""

    def __init__(self, q=0.5, reduction=_MEAN, name='categorical_generalized_cross_entropy', dtype=None):
        if not 0 < q < 1:
            raise ValueError(f'CategoricalGeneralizedCrossEntropy: expected q between 0 and 1, got {q!r}')
        super().__init__(F.categorical_generalized_cross_entropy, reduction, name, dtype, q=q)


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy with class indices; see losses.sparse_categorical_crossentropy."""

    def __init__(self, from_logits=False, ignore_class=None, reduction=_MEAN, axis=-1,
                 name='sparse_categorical_crossentropy', dtype=None):
        super().__init__(F.sparse_categorical_crossentropy, reduction, name, dtype, from_logits=from_logits,
                         ignore_class=ignore_class, axis=axis)

    def mask(self, y_true, y_pred, values):
        ignored = self._fn_kwargs['ignore_class']
        if ignored is not None:
            return ops.not_equal(F.indices(y_true, y_pred, self._fn_kwargs['axis']), ignored)


class Dice(LossFunctionWrapper):
    """See losses.dice."""

    def __init__(self, reduction=_MEAN, name='dice', axis=None, dtype=None):
        super().__init__(F.dice, reduction, name, dtype, axis=axis)


class Tversky(LossFunctionWrapper):
    """See losses.tversky."""

    def __init__(self, alpha=0.5, beta=0.5, reduction=_MEAN, name='tversky', axis=None, dtype=None):
        super().__init__(F.tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)


class Circle(LossFunctionWrapper):
    """See losses.circle."""

    def __init__(self, gamma=80.0, margin=0.4, remove_diagonal=True, reduction=_MEAN, name='circle', dtype=None):
        super().__init__(F.circle, reduction, name, dtype, gamma=gamma, margin=margin, remove_diagonal=remove_diagonal)

    def mask(self, y_true, y_pred, values):
        return values > 0.0


class CTC(LossFunctionWrapper):
    """See losses.ctc."""

    def __init__(self, reduction=_MEAN, name='ctc', dtype=None):
        super().__init__(F.ctc, reduction, name, dtype)
