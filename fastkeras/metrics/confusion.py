"""Metrics from counts of true and false positives and negatives, at one threshold or many."""

import numpy as np

from fastkeras import ops, work
from fastkeras.metrics.base import Metric, ratio

_COUNTS = ('true_positives', 'false_positives', 'true_negatives', 'false_negatives')


def _flat_pair(owner, y_true, y_pred, dtype):
    y_true, y_pred = ops.cast(ops.convert_to_tensor(y_true), dtype), ops.cast(ops.convert_to_tensor(y_pred), dtype)
    a, b = tuple(y_true.shape), tuple(y_pred.shape)
    if len(a) == len(b) + 1 and a[-1] == 1:
        y_true = ops.squeeze(y_true, axis=-1)
    elif len(b) == len(a) + 1 and b[-1] == 1:
        y_pred = ops.squeeze(y_pred, axis=-1)
    if tuple(y_true.shape) != tuple(y_pred.shape):
        raise ValueError(f'{owner}: expected y_true and y_pred of equal shape, got {a} and {b}')
    return y_true, y_pred


def _expanded(weight, like, dtype):
    """Weights per sample, or per element, with the shape of `like`."""
    weight = ops.cast(ops.convert_to_tensor(weight), dtype)
    while len(weight.shape) > len(like.shape):
        weight = ops.squeeze(weight, axis=-1)
    while len(weight.shape) < len(like.shape):
        weight = ops.expand_dims(weight, axis=-1)
    return ops.broadcast_to(weight, tuple(like.shape))


def _largest(x, k):
    """True at the k largest elements of the last axis; of equal ones the first."""
    classes, found = x.shape[-1], None
    for _ in range(min(k, classes)):
        place = ops.one_hot(ops.argmax(x, axis=-1), classes) > 0.0
        found = place if found is None else ops.logical_or(found, place)
        x = ops.where(place, float('-inf'), x)
    return found


def confusion_counts(owner, y_true, y_pred, thresholds, sample_weight=None, top_k=None, class_id=None, by_label=False,
                     label_weights=None, dtype='float32'):
    """(true positives, false positives, true negatives, false negatives), each of shape (thresholds,).

    An element is positive where y_pred > threshold, true where y_true is not 0. top_k: only the k largest of the last
    axis can be positive. class_id: only that place of the last axis counts. by_label: a last axis of labels is kept:
    (thresholds, labels). ValueError for shapes that differ.
    """
    y_true, y_pred = _flat_pair(owner, y_true, y_pred, dtype)
    if top_k is not None:
        y_pred = ops.where(_largest(y_pred, top_k), y_pred, -1e10)
    if class_id is not None:
        if len(y_pred.shape) < 2:
            raise ValueError(f'{owner}: expected y_pred of shape (samples, classes) with class_id, '
                             f'got {tuple(y_pred.shape)}')
        y_true, y_pred = y_true[..., class_id], y_pred[..., class_id]
    true = ops.cast(ops.not_equal(y_true, 0.0), dtype)
    weight = None if sample_weight is None else _expanded(sample_weight, y_pred, dtype)
    if label_weights is not None and not by_label:
        of_labels = ops.broadcast_to(ops.cast(ops.convert_to_tensor(label_weights), dtype), tuple(y_pred.shape))
        weight = of_labels if weight is None else weight * of_labels
    positive = true if weight is None else true * weight
    negative = (1.0 - true) if weight is None else (1.0 - true) * weight
    if by_label:
        limits = ops.reshape(ops.convert_to_tensor(np.asarray(thresholds, dtype)), (-1, 1, 1))
        above = ops.cast(ops.expand_dims(y_pred, 0) > limits, dtype)
        tp = ops.sum(above * ops.expand_dims(positive, 0), axis=1)
        fp = ops.sum(above * ops.expand_dims(negative, 0), axis=1)
        all_positive, all_negative = ops.sum(positive, axis=0), ops.sum(negative, axis=0)
    else:
        limits = ops.reshape(ops.convert_to_tensor(np.asarray(thresholds, dtype)), (-1, 1))
        above = ops.cast(ops.reshape(y_pred, (1, -1)) > limits, dtype)
        tp = ops.sum(above * ops.reshape(positive, (1, -1)), axis=1)
        fp = ops.sum(above * ops.reshape(negative, (1, -1)), axis=1)
        all_positive, all_negative = ops.sum(positive), ops.sum(negative)
    return tp, fp, all_negative - fp, all_positive - tp


def _thresholds(owner, thresholds, default=0.5):
    out = [default] if thresholds is None else (
        list(thresholds) if isinstance(thresholds, (list, tuple, np.ndarray)) else [thresholds])
    for t in out:
        if t is None or not 0 <= t <= 1:
            raise ValueError(f'{owner}: expected thresholds from 0 to 1, got {thresholds!r}')
    return [float(t) for t in out]


class _Count(Metric):
    _of = None

    def __init__(self, thresholds=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.thresholds = _thresholds(type(self).__name__, thresholds)
        self.accumulator = self.add_variable((len(self.thresholds),), 'zeros', name='accumulator')

    def update_state(self, y_true, y_pred, sample_weight=None):
        counts = confusion_counts(self.name, y_true, y_pred, self.thresholds, sample_weight, dtype=self.dtype)
        self.accumulator.assign_add(counts[self._of])

    def result(self):
        value = ops.convert_to_tensor(self.accumulator.value)
        return value[0] if len(self.thresholds) == 1 else value

    def get_config(self):
        return {**super().get_config(), 'thresholds': self.init_thresholds}


class TruePositives(_Count):
    """Weight of positive elements that y_pred > threshold finds; one number for each of `thresholds` (0.5)."""

    _of = 0


class FalsePositives(_Count):
    """Weight of other elements with y_pred > threshold; one number for each of `thresholds` (0.5)."""

    _of = 1


class TrueNegatives(_Count):
    """Weight of other elements with y_pred ≤ threshold; one number for each of `thresholds` (0.5)."""

    _of = 2


class FalseNegatives(_Count):
    """Weight of positive elements with y_pred ≤ threshold; one number for each of `thresholds` (0.5)."""

    _of = 3


class _Share(Metric):
    """True positives over true positives and one kind of error."""

    _error, _error_name = None, None

    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        self.thresholds = ([-1e9] if top_k is not None and thresholds is None else
                           _thresholds(type(self).__name__, thresholds))
        n = len(self.thresholds)
        self.true_positives = self.add_variable((n,), 'zeros', name='true_positives')
        self._errors = self.add_variable((n,), 'zeros', name=self._error_name)
        setattr(self, self._error_name, self._errors)

    def update_state(self, y_true, y_pred, sample_weight=None):
        counts = confusion_counts(self.name, y_true, y_pred, self.thresholds, sample_weight, self.top_k, self.class_id,
                                  dtype=self.dtype)
        self.true_positives.assign_add(counts[0])
        self._errors.assign_add(counts[self._error])

    def result(self):
        tp = self.true_positives.value
        value = ratio(tp, tp + self._errors.value)
        return value[0] if len(self.thresholds) == 1 else value

    def get_config(self):
        return {**super().get_config(), 'thresholds': self.init_thresholds, 'top_k': self.top_k,
                'class_id': self.class_id}


class Precision(_Share):
    """Share of right ones among the elements with y_pred > threshold.

    thresholds: number or list, 0.5 unless given; top_k: the k largest of the last axis are the positive ones; class_id:
    only that class counts.
    """

    _error, _error_name = 1, 'false_positives'


class Recall(_Share):
    """Share of the positive elements that y_pred > threshold finds; arguments as Precision's."""

    _error, _error_name = 3, 'false_negatives'


def _even_thresholds(n):
    """n thresholds from below 0 to above 1, evenly between."""
    work.done(n)
    inner = [(i + 1) / (n - 1) for i in range(n - 2)]
    return [-1e-7, *inner, 1.0 + 1e-7]


class _FourCounts(Metric):
    def _add_counts(self, shape):
        for count in _COUNTS:
            setattr(self, count, self.add_variable(shape, 'zeros', name=count))

    def _add(self, counts):
        for name, value in zip(_COUNTS, counts):
            getattr(self, name).assign_add(value)

    def _values(self):
        return [getattr(self, name).value for name in _COUNTS]


class _BestUnder(_FourCounts):
    """The best of one statistic over all thresholds at which another is at least a given value; 0 if at none."""

    _argument = None

    def _setup(self, value, num_thresholds, class_id):
        if not 0 <= value <= 1:
            raise ValueError(f'{type(self).__name__}: expected {self._argument} from 0 to 1, got {value!r}')
        if not num_thresholds > 0:
            raise ValueError(f'{type(self).__name__}: expected num_thresholds above 0, got {num_thresholds!r}')
        setattr(self, self._argument, value)
        self.value = value
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        self.thresholds = [0.5] if num_thresholds == 1 else _even_thresholds(num_thresholds)
        self._add_counts((len(self.thresholds),))

    def update_state(self, y_true, y_pred, sample_weight=None):
        self._add(confusion_counts(self.name, y_true, y_pred, self.thresholds, sample_weight, class_id=self.class_id,
                                   dtype=self.dtype))

    def _best(self, wanted, bound):
        return ops.max(ops.where(bound >= self.value, wanted, 0.0))

    def get_config(self):
        return {**super().get_config(), self._argument: self.value, 'num_thresholds': self.num_thresholds,
                'class_id': self.class_id}


class SensitivityAtSpecificity(_BestUnder):
    """Largest share of positives found with at least `specificity` of the negatives left out."""

    _argument = 'specificity'

    def __init__(self, specificity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self._setup(specificity, num_thresholds, class_id)

    def result(self):
        tp, fp, tn, fn = self._values()
        return self._best(ratio(tp, tp + fn), ratio(tn, tn + fp))


class SpecificityAtSensitivity(_BestUnder):
    """Largest share of negatives left out with at least `sensitivity` of the positives found."""

    _argument = 'sensitivity'

    def __init__(self, sensitivity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self._setup(sensitivity, num_thresholds, class_id)

    def result(self):
        tp, fp, tn, fn = self._values()
        return self._best(ratio(tn, tn + fp), ratio(tp, tp + fn))


class PrecisionAtRecall(_BestUnder):
    """Largest precision with a recall of at least `recall`."""

    _argument = 'recall'

    def __init__(self, recall, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self._setup(recall, num_thresholds, class_id)

    def result(self):
        tp, fp, _, fn = self._values()
        return self._best(ratio(tp, tp + fp), ratio(tp, tp + fn))


class RecallAtPrecision(_BestUnder):
    """Largest recall with a precision of at least `precision`."""

    _argument = 'precision'

    def __init__(self, precision, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self._setup(precision, num_thresholds, class_id)

    def result(self):
        tp, fp, _, fn = self._values()
        return self._best(ratio(tp, tp + fn), ratio(tp, tp + fp))


class AUC(_FourCounts):
    """Area under the ROC curve, or with curve='PR' or 'PRGAIN' under precision (gain) over recall (gain).

    num_thresholds: points of the curve, spread evenly over [0, 1] unless `thresholds` gives those between 0 and 1;
    summation_method: 'interpolation', 'minoring' or 'majoring'; multi_label: the mean, weighted by label_weights, of
    the areas of num_labels labels; from_logits: y_pred is before the sigmoid. Raises ValueError for other words.
    """

    def __init__(self, num_thresholds=200, curve='ROC', summation_method='interpolation', name=None, dtype=None,
                 thresholds=None, multi_label=False, num_labels=None, label_weights=None, from_logits=False):
        super().__init__(name=name, dtype=dtype)
        if str(curve).upper() not in ('ROC', 'PR', 'PRGAIN'):
            raise ValueError(f"AUC: expected curve 'ROC', 'PR' or 'PRGAIN', got {curve!r}")
        if str(summation_method).lower() not in ('interpolation', 'minoring', 'majoring'):
            raise ValueError("AUC: expected summation_method 'interpolation', 'minoring' or 'majoring', "
                             f'got {summation_method!r}')
        self.curve = str(curve).upper()
        self.summation_method = str(summation_method).lower()
        self._init_thresholds = thresholds
        if thresholds is not None:
            inner = sorted(_thresholds('AUC', list(thresholds)))
            self.thresholds = [-1e-7, *inner, 1.0 + 1e-7]
        elif num_thresholds > 1:
            self.thresholds = _even_thresholds(num_thresholds)
        else:
            raise ValueError(f'AUC: expected num_thresholds of 2 or more, got {num_thresholds!r}')
        self.num_thresholds = len(self.thresholds)
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = label_weights
        self._from_logits = from_logits
        self._built = False
        if not multi_label or num_labels:
            self._build(num_labels)

    def _build(self, labels):
        self._add_counts((self.num_thresholds, labels) if self.multi_label else (self.num_thresholds,))
        self._built = True

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.convert_to_tensor(y_pred)
        if not self._built:
            self._build(y_pred.shape[-1])
        if self._from_logits:
            y_pred = ops.sigmoid(y_pred)
        self._add(confusion_counts(self.name, y_true, y_pred, self.thresholds, sample_weight, by_label=self.multi_label,
                                   label_weights=self.label_weights, dtype=self.dtype))

    def _over_labels(self, terms):
        area = ops.sum(terms, axis=0)
        if not self.multi_label:
            return area
        if self.label_weights is None:
            return ops.mean(area)
        weights = np.asarray(self.label_weights, self.dtype)
        return ops.sum(area * weights) * float(1.0 / weights.sum())

    def interpolate_pr_auc(self):
        """Area under the precision-recall curve with true positives, not precision, linear in between (Davis 2006)."""
        tp, fp, _, fn = self._values()
        total = tp + fp
        d_tp, d_total = tp[:-1] - tp[1:], total[:-1] - total[1:]
        slope = ratio(d_tp, ops.maximum(d_total, 0.0))
        intercept = tp[1:] - slope * total[1:]
        both = ops.logical_and(total[:-1] > 0.0, total[1:] > 0.0)
        growth = ops.where(both, ratio(total[:-1], ops.maximum(total[1:], 0.0)), 1.0)
        terms = ratio(slope * (d_tp + intercept * ops.log(growth)), ops.maximum(tp[1:] + fn[1:], 0.0))
        return self._over_labels(terms)

    def result(self):
        if self.curve == 'PR' and self.summation_method == 'interpolation':
            return self.interpolate_pr_auc()
        tp, fp, tn, fn = self._values()
        if self.curve == 'ROC':
            x, y = ratio(fp, fp + tn), ratio(tp, tp + fn)
        elif self.curve == 'PR':
            x, y = ratio(tp, tp + fn), ratio(tp, tp + fp)
        else:
            scale, none = ratio(tp + fn, tn + fp), ops.equal(tp, 0.0)
            x = ops.maximum(ops.where(none, 0.0, 1.0 - scale * ratio(fn, tp)), 0.0)
            y = ops.where(none, 1.0, 1.0 - scale * ratio(fp, tp))
        a, b = y[:-1], y[1:]
        heights = {'interpolation': lambda: (a + b) * 0.5, 'minoring': lambda: ops.minimum(a, b),
                   'majoring': lambda: ops.maximum(a, b)}[self.summation_method]()
        return self._over_labels((x[:-1] - x[1:]) * heights)

    def get_config(self):
        out = {**super().get_config(), 'num_thresholds': self.num_thresholds, 'curve': self.curve,
               'summation_method': self.summation_method, 'multi_label': self.multi_label,
               'num_labels': self.num_labels, 'label_weights': self.label_weights, 'from_logits': self._from_logits}
        if self._init_thresholds is not None:
            out['thresholds'] = self.thresholds[1:-1]
        return out
