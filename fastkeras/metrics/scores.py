"""F-scores, R² and intersection over union."""

from fastkeras import config, ops, work
from fastkeras.metrics.base import Metric
from fastkeras.ops.index import as_indices


def _check_matrix(owner, y_true, y_pred):
    if len(y_true.shape) != 2 or len(y_pred.shape) != 2:
        raise ValueError(f'{owner}: expected y_true and y_pred of shape (samples, outputs), '
                         f'got {tuple(y_true.shape)} and {tuple(y_pred.shape)}')


class FBetaScore(Metric):
    """(1 + beta²) · precision · recall / (beta² · precision + recall), per class or averaged.

    average: None (one number per class), 'micro' (of all counts together), 'macro' (mean of classes) or 'weighted' (by
    their frequency). threshold: y_pred above it is positive; without it the largest of each sample is.
    """

    def __init__(self, average=None, beta=1.0, threshold=None, name='fbeta_score', dtype=None):
        super().__init__(name=name, dtype=dtype)
        if average not in (None, 'micro', 'macro', 'weighted'):
            raise ValueError(f"{type(self).__name__}: expected average None, 'micro', 'macro' or 'weighted', "
                             f'got {average!r}')
        if not beta > 0:
            raise ValueError(f'{type(self).__name__}: expected beta above 0, got {beta!r}')
        if threshold is not None and not 0 < threshold <= 1:
            raise ValueError(f'{type(self).__name__}: expected a threshold above 0 and up to 1, got {threshold!r}')
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self.axis = None if average == 'micro' else 0
        self._built = False

    def _build(self, classes):
        shape = () if self.average == 'micro' else (classes,)
        for name in ('true_positives', 'false_positives', 'false_negatives', 'intermediate_weights'):
            setattr(self, name, self.add_variable(shape, 'zeros', name=name))
        self._built = True

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = ops.cast(ops.convert_to_tensor(y_true), self.dtype)
        y_pred = ops.cast(ops.convert_to_tensor(y_pred), self.dtype)
        _check_matrix(self.name, y_true, y_pred)
        if not self._built:
            self._build(y_pred.shape[-1])
        if self.threshold is None:
            largest = y_pred >= ops.max(y_pred, axis=-1, keepdims=True)
            chosen = ops.logical_and(largest, ops.absolute(y_pred) > 1e-9)
        else:
            chosen = y_pred > self.threshold
        chosen = ops.cast(chosen, self.dtype)
        weight = None
        if sample_weight is not None:
            weight = ops.reshape(ops.cast(ops.convert_to_tensor(sample_weight), self.dtype), (-1, 1))
        for variable, part in ((self.true_positives, chosen * y_true), (self.false_positives, chosen * (1.0 - y_true)),
                               (self.false_negatives, (1.0 - chosen) * y_true), (self.intermediate_weights, y_true)):
            variable.assign_add(ops.sum(part if weight is None else part * weight, axis=self.axis))

    def result(self):
        if not self._built:
            return ops.convert_to_tensor(0.0)
        e, tp = config.epsilon(), self.true_positives.value
        precision = tp / (tp + self.false_positives.value + e)
        recall = tp / (tp + self.false_negatives.value + e)
        square = float(self.beta) ** 2
        score = (1.0 + square) * precision * recall / (square * precision + recall + e)
        if self.average == 'weighted':
            weights = self.intermediate_weights.value
            return ops.sum(score * weights) / (ops.sum(weights) + e)
        return score if self.average is None else ops.mean(score)

    def get_config(self):
        return {**super().get_config(), 'average': self.average, 'beta': self.beta, 'threshold': self.threshold}


class F1Score(FBetaScore):
    """FBetaScore with beta 1: the harmonic mean of precision and recall."""

    def __init__(self, average=None, threshold=None, name='f1_score', dtype=None):
        super().__init__(average=average, beta=1.0, threshold=threshold, name=name, dtype=dtype)

    def get_config(self):
        out = super().get_config()
        del out['beta']
        return out


class R2Score(Metric):
    """1 - squared error / variance of y_true, for outputs of shape (samples, outputs).

    class_aggregation: 'uniform_average', 'variance_weighted_average' or None (one number per output). num_regressors:
    adjusts for that many inputs of a linear model.
    """

    def __init__(self, class_aggregation='uniform_average', num_regressors=0, name='r2_score', dtype=None):
        super().__init__(name=name, dtype=dtype)
        if class_aggregation not in (None, 'uniform_average', 'variance_weighted_average'):
            raise ValueError("R2Score: expected class_aggregation None, 'uniform_average' or "
                             f"'variance_weighted_average', got {class_aggregation!r}")
        if not num_regressors >= 0:
            raise ValueError(f'R2Score: expected num_regressors of 0 or more, got {num_regressors!r}')
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable((), 'zeros', name='num_samples')
        self._built = False

    def _build(self, outputs):
        for name in ('squared_sum', 'sum', 'total_mse', 'count'):
            setattr(self, name, self.add_variable((outputs,), 'zeros', name=name))
        self._built = True

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = ops.cast(ops.convert_to_tensor(y_true), self.dtype)
        y_pred = ops.cast(ops.convert_to_tensor(y_pred), self.dtype)
        if len(y_true.shape) == 1 and len(y_pred.shape) == 2 and y_pred.shape[-1] == 1:
            y_true = ops.expand_dims(y_true, -1)
        _check_matrix(self.name, y_true, y_pred)
        if not self._built:
            self._build(y_pred.shape[-1])
        if sample_weight is None:
            weight = ops.ones_like(y_true)
        else:
            weight = ops.cast(ops.convert_to_tensor(sample_weight), self.dtype)
            weight = ops.reshape(weight, (-1, 1)) if len(weight.shape) == 1 else weight
            weight = ops.broadcast_to(weight, tuple(y_true.shape))
        weighted = y_true * weight
        self.sum.assign_add(ops.sum(weighted, axis=0))
        self.squared_sum.assign_add(ops.sum(y_true * weighted, axis=0))
        self.total_mse.assign_add(ops.sum(ops.square(y_true - y_pred) * weight, axis=0))
        self.count.assign_add(ops.sum(weight, axis=0))
        self.num_samples.assign_add(float(y_true.shape[0] * y_true.shape[1]))

    def result(self):
        if not self._built:
            return ops.convert_to_tensor(0.0)
        total = self.squared_sum.value - ops.square(self.sum.value) / self.count.value
        constant = ops.equal(total, 0.0)                # y_true does not vary: nothing to explain
        raw = ops.where(constant, 0.0, 1.0 - self.total_mse.value / ops.where(constant, 1.0, total))
        if self.class_aggregation == 'uniform_average':
            score = ops.mean(raw)
        elif self.class_aggregation == 'variance_weighted_average':
            score = ops.sum(total * raw) / ops.sum(total)
        else:
            score = raw
        if self.num_regressors:
            n = self.num_samples.value
            left = n - (self.num_regressors + 1.0)
            enough = left > 0.0
            score = ops.where(enough, 1.0 - (1.0 - score) * (n - 1.0) / ops.where(enough, left, 1.0), score)
        return score

    def get_config(self):
        return {**super().get_config(), 'class_aggregation': self.class_aggregation,
                'num_regressors': self.num_regressors}


class IoU(Metric):
    """Mean over the classes target_class_ids of |both| / |either| of elements labelled and predicted so.

    num_classes: size of the confusion matrix; labels outside it are left out, ignore_class too. sparse_y_true,
    sparse_y_pred: whether those hold class indices; if not, the largest along `axis` counts. Classes that never occur
    do not count.
    """

    def __init__(self, num_classes, target_class_ids, name=None, dtype=None, ignore_class=None, sparse_y_true=True,
                 sparse_y_pred=True, axis=-1):
        super().__init__(name=name, dtype=dtype)
        if max(target_class_ids) >= num_classes or min(target_class_ids) < 0:
            raise ValueError(f'{type(self).__name__}: expected target_class_ids from 0 to {num_classes - 1}, '
                             f'got {target_class_ids!r}')
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.total_cm = self.add_variable((num_classes, num_classes), 'zeros', dtype='float32',
                                          name='total_confusion_matrix')

    def update_state(self, y_true, y_pred, sample_weight=None):
        if not self.sparse_y_true:
            y_true = ops.argmax(y_true, axis=self.axis)
        if not self.sparse_y_pred:
            y_pred = ops.argmax(y_pred, axis=self.axis)
        y_true = ops.reshape(as_indices(y_true), (-1,))
        y_pred = ops.reshape(as_indices(y_pred), (-1,))
        n = self.num_classes
        # an index outside gives a row of zeros, so it adds to no cell
        rows, columns = ops.one_hot(y_true, n), ops.one_hot(y_pred, n)
        if sample_weight is not None:
            weight = ops.cast(ops.convert_to_tensor(sample_weight), 'float32')
            rows = rows * ops.reshape(ops.broadcast_to(weight, tuple(weight.shape)), (-1, 1))
        if self.ignore_class is not None:
            rows = rows * ops.expand_dims(ops.cast(ops.not_equal(y_true, self.ignore_class), 'float32'), -1)
        self.total_cm.assign_add(ops.matmul(ops.transpose(rows), columns))

    def result(self):
        matrix = ops.convert_to_tensor(self.total_cm.value)
        both = ops.sum(matrix * ops.eye(self.num_classes), axis=0)
        either = ops.sum(matrix, axis=0) + ops.sum(matrix, axis=1) - both
        valid = either > 1e-9
        iou = ops.where(valid, both / (either + config.epsilon()), 0.0)
        targets = [float(i in self.target_class_ids) for i in range(self.num_classes)]
        wanted = ops.convert_to_tensor(targets, dtype='float32')
        return ops.sum(iou * wanted) / (ops.sum(ops.cast(valid, 'float32') * wanted) + config.epsilon())

    def get_config(self):
        return {**super().get_config(), 'num_classes': self.num_classes, 'target_class_ids': self.target_class_ids,
                'ignore_class': self.ignore_class, 'sparse_y_true': self.sparse_y_true,
                'sparse_y_pred': self.sparse_y_pred, 'axis': self.axis}


class BinaryIoU(IoU):
    """IoU of two classes, y_pred ≥ threshold being class 1."""

    def __init__(self, target_class_ids=(0, 1), threshold=0.5, name=None, dtype=None):
        super().__init__(2, target_class_ids, name=name, dtype=dtype)
        self.threshold = threshold

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.cast(ops.convert_to_tensor(y_pred) >= self.threshold, 'int32')
        super().update_state(y_true, y_pred, sample_weight)

    def get_config(self):
        return {'target_class_ids': self.target_class_ids, 'threshold': self.threshold, 'name': self.name,
                'dtype': self.dtype}


class MeanIoU(IoU):
    """IoU over all classes."""

    def __init__(self, num_classes, name=None, dtype=None, ignore_class=None, sparse_y_true=True, sparse_y_pred=True,
                 axis=-1):
        work.done(max(num_classes, 0) if isinstance(num_classes, int) else 0)
        super().__init__(num_classes, list(range(num_classes)), name, dtype, ignore_class, sparse_y_true, sparse_y_pred,
                         axis)

    def get_config(self):
        out = super().get_config()
        del out['target_class_ids']
        return out


class OneHotIoU(IoU):
    """IoU with one-hot y_true, and class scores for y_pred unless sparse_y_pred."""

    def __init__(self, num_classes, target_class_ids, name=None, dtype=None, ignore_class=None, sparse_y_pred=False,
                 axis=-1):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self):
        out = super().get_config()
        del out['sparse_y_true']
        return out


class OneHotMeanIoU(MeanIoU):
    """MeanIoU with one-hot y_true, and class scores for y_pred unless sparse_y_pred."""

    def __init__(self, num_classes, name=None, dtype=None, ignore_class=None, sparse_y_pred=False, axis=-1):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self):
        out = super().get_config()
        del out['sparse_y_true']
        return out
