"""The traced steps: one Function each for training, testing and predicting, which one plan runs."""

import inspect
import math

from fastkeras import generation, ops
from fastkeras.compiler import autodiff
from fastkeras.layers import collect_losses, context
from fastkeras.layers.context import is_trainable, trainable_as, trainable_state
from fastkeras.layers.present import is_open, values_of
from fastkeras.losses import is_sparse
from fastkeras.losses.classes import LossFunctionWrapper
from fastkeras.metrics import name_of
from fastkeras.ops import core
from fastkeras.runtime import Function, active_trace
from fastkeras.training.results import as_result, depends_on, naming, with_step_values
from fastkeras.utils import nest
from fastkeras.utils.part_of import PartOf


class Steps:
    """The Functions of a model, as it was compiled.

    A step takes the arrays of the inputs, then the targets of the trained outputs, then those weights that are given;
    `weighted` says for which trained outputs they are. Train and test steps give the numbers named by objective.names.
    """

    model = PartOf()

    def __init__(self, model, objective=None, optimizer=None):
        self.model = model
        self.objective = objective
        self.optimizer = optimizer
        self.trainable = list(model.trainable_weights) if objective is not None else []
        # a flag that is changed after compile counts from the next compile on
        self.flags = trainable_state(model._flatten_layers()) if objective is not None else None
        self._updating = None       # the flags when training begins
        self._functions = {}
        self._version = None
        if objective is not None:
            objective.track(self._metrics_of_layers())

    def function(self, kind, weighted=()):
        """The Function of kind 'train', 'test' or 'predict'."""
        if kind == 'train' and getattr(self.optimizer, 'version', None) != self._version:
            self._functions = {k: f for k, f in self._functions.items() if k[0] != 'train'}
        if self.objective is not None and self.objective.append(self.model.metrics_tensors):
            self._functions = {}
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
                self._updating = self._updating or trainable_state(self.model._flatten_layers())
                # results are read before the next step, so their memory is used again
                found = Function(lambda *arrays: self._train(arrays, weighted), 'train', reuse_outputs=True)
            self._functions[key] = found
        return found

    def gradients(self, arrays):
        """Gradients of the loss of a batch, of inputs and targets, with respect to `trainable`: arrays, None without one."""
        if ('gradients',) not in self._functions:
            def found(*tensors):
                return autodiff.gradients(self._values(tensors, (), training=False)[0], self.trainable)
            self._functions[('gradients',)] = Function(found, 'gradients')
        return self._functions[('gradients',)](*arrays)

    # ---- traced
    def _call(self, inputs, training):
        model = self.model
        leaves = [_cast(x, spec) for x, spec in zip(inputs, model._fed_tensors())]
        if model._graph is None and context.said() is not None:     # what is described in each step anew
            phase = context.said()
        else:
            phase = training
        with context.updates_as(training):
            return nest.flatten(model(model._pack_inputs(leaves), training=phase))

    def _predict(self, *inputs):
        if not any(layer.stateful and layer._kept_updates for layer in self.model._flatten_layers()):
            return self._call(inputs, training=False)
        with collect_losses() as found:
            outputs = self._call(inputs, training=False)
        self._update(found.values, False)
        return outputs

    def _test(self, arrays, weighted):
        return self._values(arrays, weighted, training=False)[1]

    def _train(self, arrays, weighted):
        with trainable_as(self.flags, self._updating):
            total, values = self._values(arrays, weighted, training=True)
        if self.trainable and not depends_on(total, self.trainable):
            named = ', '.join(repr(name_of(o.loss)) for o in self.objective.trained) or 'of add_loss'
            raise ValueError(f'No gradients provided for any variable, each has `None` for gradient: the loss {named} '
                             f'of model {self.model.name!r} does not depend on any of its trainable '
                             f'weights, so there is nothing to minimise; compute it from y_pred')
        if self.trainable:
            self.optimizer.minimize(total, self.trainable)
        return values

    def _update(self, described, training):
        """Do what layers got by add_update outside of calls: all of it in training, else that of stateful layers."""
        for layer in self.model._flatten_layers():
            if layer._kept_updates and (layer.stateful or training and is_trainable(layer)):
                for update, _ in layer._kept_updates:
                    what = f'an update of layer {layer.name!r}'
                    if isinstance(update, tuple):
                        active_trace().later.append((update[0], with_step_values(core.tensor(update[1]), described, what)))
                    else:
                        with_step_values(update, described, what)

    def _values(self, arrays, weighted, training):
        """(total loss, [the numbers of objective.names])."""
        inputs, targets, weights = self._split(arrays, weighted)
        with collect_losses() as penalties:
            outputs = self._call(inputs, training)
        total, parts, measured = None, [], []
        described = penalties.values
        with values_of(described):
            for output, y, w in zip(self.objective.trained, targets, weights):
                p = outputs[output.index]
                if output.slot is None:
                    y = self._given(output, described, p)
                loss = loss_value(output.loss, *for_loss(output.loss, y, p), w, p._keras_mask, output.name, described)
                parts.append(loss)
                part = loss if output.loss_weight == 1.0 else loss * output.loss_weight
                total = part if total is None else total + part
                for entry in output.entries:
                    measure = self.objective.measure(entry, output, tuple(y.shape))
                    measured.append(metric_value(measure, y, p, w if entry.weighted else None, p._keras_mask, output.name,
                                                 described))
        for penalty in penalties:
            if is_open([penalty]):
                penalty = with_step_values(penalty, described, 'a loss that add_loss got')
            total = penalty if total is None else total + penalty
        measured += self._reported(penalties.metrics, described)
        self._update(described, training)
        if total is None:
            raise ValueError(f'model {self.model.name!r} has no loss: give one to compile, as in compile(loss=…)')
        return total, [total, *(parts if len(self.objective.outputs) > 1 else []), *measured]

    def _reported(self, added, described):
        """The numbers of objective.reported. added: pairs (name, value) of add_metric."""
        objective, found = self.objective, dict(added)
        for name in found:
            objective.add_reported(name)
        for name, tensor in objective.appended:
            what = f'the tensor {name!r} of metrics_tensors'
            value = with_step_values(as_result(tensor, what, core.tensor(0.0)), described, what)
            found[name] = ops.mean(value) if value.shape else value
        objective.track(self._metrics_of_layers())
        for name, measure in objective.tracked:
            found[name] = as_result(measure.result(), f'the metric {name!r}', core.tensor(0.0))
        # what is reported in training alone has no value in a test
        return [found[name] if name in found else core.tensor(math.nan) for name in objective.reported]

    def _metrics_of_layers(self):
        return self.model._held_metrics()

    def _split(self, arrays, weighted):
        n, m = len(self.model._fed_tensors()), len(self.objective.slots)
        rest, targets = iter(arrays[n + m:]), iter(arrays[n:n + m])
        weights = [next(rest) if given else None for given in weighted or [False] * len(self.objective.trained)]
        return arrays[:n], [o.target if o.slot is None else next(targets) for o in self.objective.trained], weights

    def _given(self, output, described, like):
        """The target that compile was given for an output, as a tensor of this step."""
        what = f'target_tensors of output {output.name!r}'
        y = with_step_values(as_result(output.target, what, like), described, what)
        y = fitted_target(y, like, output)
        if y.shape[:1] != like.shape[:1]:
            raise ValueError(f'{what}: expected {like.shape[0]} samples, as the batch has, got shape {tuple(y.shape)}')
        return y


def _cast(x, spec):
    """An input in the type that the model declares; bytes are fed as they are and become numbers here."""
    return x if x.dtype == spec.dtype else ops.cast(x, spec.dtype)


def takes_training(function):
    """Whether a compute_loss takes the argument `training`, as it does since Keras 3.6."""
    parameters = inspect.signature(function).parameters
    return 'training' in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def fitted_target(y, p, output):
    """A target that came as it was given, as a loss of ours wants it for the prediction p: (n,) as (n, 1), in its type."""
    y = ops.convert_to_tensor(y)
    if len(y.shape) == len(p.shape) - 1 and (len(y.shape) == 1 or p.shape[-1] == 1 or output.described.labels is not None):
        y = ops.expand_dims(y, -1)
    return ops.cast(y, output.described.dtype) if output.described.loss is not None else y


def for_loss(loss, y, p):
    """Target and prediction as a loss gets them. In generation 3 a target stands as it was given until then: of another type
    and, for a function, of another rank by an axis of size 1."""
    if not generation.of('targets.as_given') or is_sparse(loss):
        return y, p
    y = ops.cast(y, p.dtype)
    if hasattr(loss, 'call') and not isinstance(loss, LossFunctionWrapper):
        return y, p
    a, b = tuple(y.shape), tuple(p.shape)
    if len(a) == len(b) + 1 and a[-1] == 1:
        return (y, ops.expand_dims(p, -1)) if len(b) == 1 else (ops.squeeze(y, -1), p)
    if len(b) == len(a) + 1 and b[-1] == 1:
        return (ops.expand_dims(y, -1), p) if len(a) == 1 else (y, ops.squeeze(p, -1))
    return y, p


def loss_value(loss, y_true, y_pred, weights=None, mask=None, output='', described=None):
    """The scalar of one output: per-sample numbers of the loss, masked, weighted and reduced. output: its name.
    described: id of a Keras tensor of the model → its value in this step."""
    what = f'the loss {name_of(loss)!r} of output {output!r}'
    reduction = getattr(loss, 'reduction', None) if hasattr(loss, 'call') else 'mean'
    with naming(what):
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
        with naming(what):
            values = measure(y_true, y_pred)
        values = with_step_values(as_result(values, what, y_pred), described or {}, what)
        return weighted_mean(values, weights, mask)
    with naming(what):
        update_metric(measure, y_true, y_pred, weights, mask)
        value = measure.result()
    value = as_result(value, what, y_pred)
    return ops.cast(value, 'float32') if not value.dtype.startswith('float') else value


def update_metric(measure, y_true, y_pred, weights=None, mask=None):
    """Add a batch to a Metric, what is masked without weight."""
    if mask is not None:
        mask = ops.cast(mask, y_pred.dtype)
        weights = mask if weights is None else mask * _with_rank(weights, len(mask.shape))
    if weights is None:
        measure.update_state(y_true, y_pred)
    else:
        measure.update_state(y_true, y_pred, sample_weight=weights)


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
