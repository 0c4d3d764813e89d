"""Means of functions, each as a class of its own."""

from fastkeras import ops
from fastkeras.losses import functions as L
from fastkeras.metrics import functions as F
from fastkeras.metrics.base import Mean, MeanMetricWrapper, ratio


class Accuracy(MeanMetricWrapper):
    """Share of elements where y_pred equals y_true."""

    def __init__(self, name='accuracy', dtype=None):
        super().__init__(F.accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """Share of elements on the right side of `threshold`."""

    def __init__(self, name='binary_accuracy', dtype=None, threshold=0.5):
        super().__init__(F.binary_accuracy, name, dtype, threshold=threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """Share of samples whose largest output is y_true's; y_true one-hot."""

    def __init__(self, name='categorical_accuracy', dtype=None):
        super().__init__(F.categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """Share of samples whose largest output is at the class index y_true."""

    def __init__(self, name='sparse_categorical_accuracy', dtype=None):
        super().__init__(F.sparse_categorical_accuracy, name, dtype)


class MeanSquaredError(MeanMetricWrapper):
    """Mean of squared errors."""

    def __init__(self, name='mean_squared_error', dtype=None):
        super().__init__(L.mean_squared_error, name, dtype)


class MeanAbsoluteError(MeanMetricWrapper):
    """Mean of absolute errors."""

    def __init__(self, name='mean_absolute_error', dtype=None):
        super().__init__(L.mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """Mean of absolute errors in per cent of y_true."""

    def __init__(self, name='mean_absolute_percentage_error', dtype=None):
        super().__init__(L.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """Mean of squared differences of log(1 + y)."""

    def __init__(self, name='mean_squared_logarithmic_error', dtype=None):
        super().__init__(L.mean_squared_logarithmic_error, name, dtype)


class CosineSimilarity(MeanMetricWrapper):
    """Mean cosine of the angle between y_true and y_pred."""

    def __init__(self, name='cosine_similarity', dtype=None, axis=-1):
        super().__init__(F.cosine, name, dtype, axis=axis)


class LogCoshError(MeanMetricWrapper):
    """Mean of log(cosh(error))."""

    def __init__(self, name='logcosh', dtype=None):
        super().__init__(L.logcosh, name, dtype)


class Hinge(MeanMetricWrapper):
    """Mean of max(1 - y_true · y_pred, 0)."""

    def __init__(self, name='hinge', dtype=None):
        super().__init__(L.hinge, name, dtype)


class SquaredHinge(MeanMetricWrapper):
    """Mean of max(1 - y_true · y_pred, 0)²."""

    def __init__(self, name='squared_hinge', dtype=None):
        super().__init__(L.squared_hinge, name, dtype)


class CategoricalHinge(MeanMetricWrapper):
    """Mean of max(0, best wrong score - right score + 1)."""

    def __init__(self, name='categorical_hinge', dtype=None):
        super().__init__(L.categorical_hinge, name, dtype)


class KLDivergence(MeanMetricWrapper):
    """Mean of the sum of y_true · log(y_true / y_pred)."""

    def __init__(self, name='kl_divergence', dtype=None):
        super().__init__(L.kullback_leibler_divergence, name, dtype)


class Poisson(MeanMetricWrapper):
    """Mean of y_pred - y_true · log(y_pred)."""

    def __init__(self, name='poisson', dtype=None):
        super().__init__(L.poisson, name, dtype)


class BinaryCrossentropy(MeanMetricWrapper):
    """Mean cross-entropy of yes/no outputs."""

    def __init__(self, name='binary_crossentropy', dtype=None, from_logits=False, label_smoothing=0):
        super().__init__(L.binary_crossentropy, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing)


class CategoricalCrossentropy(MeanMetricWrapper):
    """Mean cross-entropy with one-hot y_true."""

    def __init__(self, name='categorical_crossentropy', dtype=None, from_logits=False, label_smoothing=0, axis=-1):
        super().__init__(L.categorical_crossentropy, name, dtype, from_logits=from_logits,
                         label_smoothing=label_smoothing, axis=axis)


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """Mean cross-entropy with class indices."""

    def __init__(self, name='sparse_categorical_crossentropy', dtype=None, from_logits=False, ignore_class=None,
                 axis=-1):
        super().__init__(L.sparse_categorical_crossentropy, name, dtype, from_logits=from_logits,
                         ignore_class=ignore_class, axis=axis)


class PearsonCorrelation(MeanMetricWrapper):
    """Mean correlation of y_true and y_pred along `axis`."""

    def __init__(self, name='pearson_correlation', dtype=None, axis=-1):
        super().__init__(F.pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(MeanMetricWrapper):
    """Mean concordance of y_true and y_pred along `axis`."""

    def __init__(self, name='concordance_correlation', dtype=None, axis=-1):
        super().__init__(F.concordance_correlation, name, dtype, axis=axis)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """Share of samples with y_true (one-hot) among the k largest outputs."""

    def __init__(self, k=5, name='top_k_categorical_accuracy', dtype=None):
        super().__init__(F.top_k_categorical_accuracy, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """Share of samples with the class index y_true among the k largest outputs."""

    def __init__(self, k=5, name='sparse_top_k_categorical_accuracy', dtype=None, from_sorted_ids=False):
        super().__init__(F.sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids)


class RootMeanSquaredError(Mean):
    """Root of the mean of squared errors over all that was added."""

    def __init__(self, name='root_mean_squared_error', dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(L.mean_squared_error(y_true, y_pred), sample_weight)

    def result(self):
        return ops.sqrt(ratio(self.total.value, self.count.value))
