"""The traced steps: one Function each for training, testing and predicting, which one plan runs."""

import math

from fastkeras import generation, ops
from fastkeras.layers import tracking
from fastkeras.layers.context import collect_losses, trainable_as, trainable_state
from fastkeras.metrics import Metric, name_of
from fastkeras.ops import core
from fastkeras.runtime import Function
from fastkeras.training.results import as_result, depends_on, with_step_values
from fastkeras.utils import nest


class Steps:
    """The Functions of a model, as it was compiled.

    A step takes the arrays of the inputs, then the targets of the trained outputs, then those weights that are given;
    `weighted` says for which trained outputs they are. Train and test steps give the numbers named by objective.names.
    """

    def __init__(self, model, objective=None, optimizer=None):
        self.model = model
        self.objective = objective
        self.optimizer = optimizer
        self.trainable = list(model.trainable_weights) if objective is not None else []
        # a flag that is changed after compile counts from the next compile on
        self.flags = trainable_state(model._flatten_layers()) if objective is not None else None
        self._functions = {}
        self._version = None
        if objective is not None:
            objective.track(self._metrics_of_layers())

    def function(self, kind, weighted=()):
        """The Function of kind 'train', 'test' or 'predict'."""
        if kind == 'train' and getattr(self.optimizer, 'version', None) != self._version:
            self._functions = {k: f for k, f in self._functions.items() if k[0] != 'train'}
        key = (kind, *weighted)
        found = self._functions.get(key)
        if found is None:
            if kind == 'predict':
                found = Function(self._predict, 'predict', by_rows=True)
            elif kind == 'test':
                found = Function(lambda *arrays: self._test(arrays, weighted), 'test')
            else:
                self.optimizer.build(self.trainable)
                self._version = getattr(self.optimizer, 'version', None)
                # results are read before the next step, so their memory is used again
                found = Function(lambda *arrays: self._train(arrays, weighted), 'train', reuse_outputs=True)
            self._functions[key] = found
        return found

    # ---- traced
    def _call(self, inputs, training):
        model = self.model
        leaves = [_cast(x, spec) for x, spec in zip(inputs, model._fed_tensors())]
        return nest.flatten(model(model._pack_inputs(leaves), training=training))

    def _predict(self, *inputs):
        return self._call(inputs, training=False)

    def _test(self, arrays, weighted):
        return self._values(arrays, weighted, training=False)[1]

    def _train(self, arrays, weighted):
        with trainable_as(self.flags):
            total, values = self._values(arrays, weighted, training=True)
        if self.trainable and not depends_on(total, self.trainable):
            named = ', '.join(repr(name_of(o.loss)) for o in self.objective.trained) or 'of add_loss'
            raise ValueError(f'the loss {named} of model {self.model.name!r} does not depend on any of its trainable '
                             f'weights, so there is nothing to minimise; compute it from y_pred')
        if self.trainable:
            self.optimizer.minimize(total, self.trainable)
        return values

    def _values(self, arrays, weighted, training):
        """(total loss, [the numbers of objective.names])."""
        inputs, targets, weights = self._split(arrays, weighted)
        with collect_losses() as penalties:
            outputs = self._call(inputs, training)
        total, parts, measured = None, [], []
        for output, y, w in zip(self.objective.trained, targets, weights):
            p = outputs[output.index]
            loss = loss_value(output.loss, y, p, w, p._keras_mask, output.name, penalties.values)
            parts.append(loss)
            part = loss if output.loss_weight == 1.0 else loss * output.loss_weight
            total = part if total is None else total + part
            for entry in output.entries:
                measure = self.objective.measure(entry, output, tuple(y.shape))
                measured.append(metric_value(measure, y, p, w if entry.weighted else None, p._keras_mask, output.name,
                                             penalties.values))
        for penalty in penalties:
            total = penalty if total is None else total + penalty
        measured += self._reported(penalties.metrics)
        if total is None:
            raise ValueError(f'model {self.model.name!r} has no loss: give one to compile, as in compile(loss=…)')
        return total, [total, *(parts if len(self.objective.outputs) > 1 else []), *measured]

    def _reported(self, added):
        """The numbers of objective.reported. added: pairs (name, value) of add_metric."""
        objective, found = self.objective, dict(added)
        for name in found:
            objective.add_reported(name)
        objective.track(self._metrics_of_layers())
        for name, measure in objective.tracked:
            found[name] = as_result(measure.result(), f'the metric {name!r}', core.tensor(0.0))
        # what is reported in training alone has no value in a test
        return [found[name] if name in found else core.tensor(math.nan) for name in objective.reported]

    def _metrics_of_layers(self):
        return [m for layer in self.model._flatten_layers() for m in tracking.found(layer, Metric)]

    def _split(self, arrays, weighted):
        n, m = len(self.model._fed_tensors()), len(self.objective.trained)
        rest = iter(arrays[n + m:])
        weights = [next(rest) if given else None for given in weighted] if weighted else [None] * m
        return arrays[:n], arrays[n:n + m], weights


def _cast(x, spec):
    """An input in the type that the model declares; bytes are fed as they are and become numbers here."""
    return x if x.dtype == spec.dtype else ops.cast(x, spec.dtype)


def loss_value(loss, y_true, y_pred, weights=None, mask=None, output='', described=None):
    """The scalar of one output: per-sample numbers of the loss, masked, weighted and reduced. output: its name.
    described: id of a Keras tensor of the model → its value in this step."""
    what = f'the loss {name_of(loss)!r} of output {output!r}'
    reduction = getattr(loss, 'reduction', None) if hasattr(loss, 'call') else 'mean'
    values = loss.call(y_true, y_pred) if hasattr(loss, 'call') else loss(y_true, y_pred)
    values = with_step_values(as_result(values, what, y_pred), described or {}, what)
    own = loss.mask(y_true, y_pred, values) if hasattr(loss, 'call') and hasattr(loss, 'mask') else None
    if own is not None:     # ignore_class
        mask = own if mask is None else ops.logical_and(ops.cast(mask, 'bool'), own)
    return weighted_mean(values, weights, mask, reduction)


def metric_value(measure, y_true, y_pred, weights=None, mask=None, output='', described=None):
    """The value of one metric, a function or a Metric (whose state is updated). The rest as in loss_value."""
    what = f'the metric {name_of(measure)!r} of output {output!r}'
    if not hasattr(measure, 'update_state'):
        values = with_step_values(as_result(measure(y_true, y_pred), what, y_pred), described or {}, what)
        return weighted_mean(values, weights, mask)
    if mask is not None:
        mask = ops.cast(mask, y_pred.dtype)
        weights = mask if weights is None else mask * _with_rank(weights, len(mask.shape))
    if weights is None:
        measure.update_state(y_true, y_pred)
    else:
        measure.update_state(y_true, y_pred, sample_weight=weights)
    value = as_result(measure.result(), what, y_pred)
    return ops.cast(value, 'float32') if not value.dtype.startswith('float') else value


def weighted_mean(values, weights=None, mask=None, reduction='mean'):
    """Mean of per-sample values; with a mask over what it leaves; with weights as the generation in force has it.

    In generation 2 the weighted sum is divided by the number of weights that are not zero, in 3 by the number of all.
    Where all are zero the mean is 0. reduction: of a Loss object; 'sum' adds up, 'mean_with_sample_weight' divides by
    the sum of the weights.
    """
    if not values.dtype.startswith('float'):
        values = ops.cast(values, 'float32')
    if mask is not None:
        mask = ops.cast(mask, values.dtype)
        if len(mask.shape) > len(values.shape):
            mask = ops.mean(mask, axis=tuple(range(len(values.shape), len(mask.shape))))
        values = values * _with_rank(mask, len(values.shape))
        if reduction != 'sum':
            values = values / _positive(ops.mean(mask))
    if weights is not None:
        weights = ops.cast(weights, values.dtype)
        if len(values.shape) > len(weights.shape):
            values = ops.mean(values, axis=tuple(range(len(weights.shape), len(values.shape))))
        values = values * weights
        if reduction == 'mean_with_sample_weight':
            values = values / _positive(ops.mean(weights))
        elif reduction != 'sum' and generation.of('sample_weight.divided_by_nonzero_share'):
            values = values / _positive(ops.mean(ops.cast(ops.not_equal(weights, 0.0), values.dtype)))
    if reduction == 'sum':
        return ops.sum(values)
    return ops.mean(values) if len(values.shape) else values


def _with_rank(x, rank):
    """x with axes of size 1 appended up to a rank."""
    while len(x.shape) < rank:
        x = ops.expand_dims(x, -1)
    return x


def _positive(x):
    """A divisor: what a share or a mean of weights is, and 1 where it is 0."""
    return ops.where(ops.equal(x, 0.0), ops.ones_like(x), x)
