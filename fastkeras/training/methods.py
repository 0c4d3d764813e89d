"""The methods of a model that Keras 3 lets a class override: steps, losses and metrics."""

from __future__ import annotations

from typing import Any

from fastkeras import generation, metrics
from fastkeras.layers import tracking
from fastkeras.layers.keeping import offered
from fastkeras.metrics import Metric
from fastkeras.ops import core
from fastkeras.runtime import GradientTape, outside_trace, stateless
from fastkeras.training import step as steps
from fastkeras.training.objective import Objective
from fastkeras.utils import nest
from fastkeras.utils.batch_tuples import unpack_x_y_sample_weight
from fastkeras.utils.part_of import PartOf


class StepMethods:
    """Mixin of models. As they stand here, the steps are those of `compile`; fit, evaluate and predict then take a shorter
    way. A class that defines one of them is trained by what it says: see `train_step`."""

    _own_objective = None       # the Objective of own steps, once the outputs are known
    _loss_tracker = None
    _compile_metrics = None
    _output_trackers = ()

    # ---- steps
    def train_step(self, data: Any) -> Any:
        """One step of training on a batch; override it to train in another way.

        data: tensors of the batch as fit got it, nested: x, (x, y) or (x, y, sample_weight). Returns a dict of names and
        numbers, which are shown and logged; those of Metrics are results so far, and the last value of an epoch counts. It is
        traced once for each shapes, and then runs as one plan; with compile(run_eagerly=True) it runs as Python on arrays for
        each batch. A step of two arguments (state, data) takes and gives back the values of all variables, as in Keras on
        JAX: (trainable, non-trainable, of the optimizer, of metrics).
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self._total(x, y, y_pred, sample_weight, True)
        trained = self.trainable_weights
        if trained:
            self.optimizer.minimize(loss, trained, tape=tape)
        self._track(loss, x)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data: Any) -> Any:
        """One step of evaluation on a batch, as `train_step`. State (state, data): without the optimizer's."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        self._track(self._total(x, y, y_pred, sample_weight, False), x)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The outputs for a batch, nested; override it to predict in another way. State (state, data): trainable and others."""
        return self(unpack_x_y_sample_weight(data)[0], training=False)

    def _total(self, x, y, y_pred, sample_weight, training):
        arguments = dict(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)
        if steps.takes_training(self.compute_loss):
            arguments['training'] = training
        return self.compute_loss(**arguments)

    def _track(self, loss, x):
        if self._loss_tracker is not None:
            size = next((float(t.shape[0]) for t in nest.flatten(x) if t is not None and len(t.shape)), 1.0)
            self._loss_tracker.update_state(loss, sample_weight=size)

    def make_train_function(self, force: bool = False) -> Any:
        """The function that fit calls with an iterator of batches, one batch a call; kept as `train_function`. Override it to
        replace all that is done with a batch. force: anew."""
        return self._step_function('train', force)

    def make_test_function(self, force: bool = False) -> Any:
        """The same for evaluate: `test_function`."""
        return self._step_function('test', force)

    def make_predict_function(self, force: bool = False) -> Any:
        """The same for predict: `predict_function`."""
        return self._step_function('predict', force)

    def _step_function(self, kind, force):
        known = vars(self).get(f'{kind}_function')
        if known is None or force:
            def known(iterator):
                batch = next(iterator)
                if kind == 'predict':
                    return self.predict_on_batch(unpack_x_y_sample_weight(batch)[0])
                method = self.train_on_batch if kind == 'train' else self.test_on_batch
                return method(*unpack_x_y_sample_weight(batch), return_dict=True)
            known._of_model = True
            setattr(self, f'{kind}_function', known)
        return known

    # ---- losses
    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None,
                     training: bool = True) -> Any:
        """The total loss of a batch, a scalar: the losses that compile was given, times loss_weights, and `losses`, what layers
        add. Override it for another one; it is then called by fit and evaluate. ValueError where there is no loss."""
        total = self._compiled_loss(y, y_pred, sample_weight)
        for penalty in self.losses:
            total = penalty if total is None else total + penalty
        if total is None:
            raise ValueError(f'model {self.name!r} has no loss: give one to compile, as in compile(loss=…), or define '
                             'compute_loss')
        return total

    def _compiled_loss(self, y, y_pred, sample_weight=None):
        objective, total = self._objective_of(y_pred), None
        if objective is None or not objective.trained:
            return None
        predicted = nest.flatten(y_pred)
        targets, weights = (objective.listed(v, what) for v, what in ((y, 'y'), (sample_weight, 'sample_weight')))
        for k, output in enumerate(objective.trained):
            p = predicted[output.index]
            if targets[k] is None:
                raise ValueError(f'the target of output {output.name!r} is missing: compute_loss got y={y!r:.80}')
            loss = steps.loss_value(output.loss, steps.fitted_target(targets[k], p, output), p, weights[k],
                                    getattr(p, '_keras_mask', None), output.name)
            if self._output_trackers:
                self._output_trackers[k].update_state(loss, sample_weight=float(p.shape[0]))
            loss = loss if output.loss_weight == 1.0 else loss * output.loss_weight
            total = loss if total is None else total + loss
        return total

    def compiled_loss(self, y: Any, y_pred: Any, sample_weight: Any = None, regularization_losses: Any = None) -> Any:
        """The loss that compile was given, plus `regularization_losses`, as steps written for tf.keras ask for it."""
        total = self._compiled_loss(y, y_pred, sample_weight)
        for penalty in regularization_losses or ():
            total = penalty if total is None else total + penalty
        return total

    def stateless_compute_loss(self, trainable_variables: Any, non_trainable_variables: Any, metrics_variables: Any,
                               x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None,
                               training: bool = True) -> Any:
        """`compute_loss` with other values of the variables: (loss, (trainable, non-trainable, of metrics)) with the values
        behind it."""
        return stateless.compiled(self, ('loss', training), StepMethods._loss_with, list(trainable_variables),
                                  list(non_trainable_variables), list(metrics_variables), x, y, y_pred, sample_weight, training)

    def _loss_with(self, trainable, rest, measured, x, y, y_pred, sample_weight, training):
        return self._with_state(trainable, rest, measured, lambda: self._total(x, y, y_pred, sample_weight, training))

    def compute_loss_and_updates(self, trainable_variables: Any, non_trainable_variables: Any, metrics_variables: Any, x: Any,
                                 y: Any, sample_weight: Any, training: bool = False, optimizer_variables: Any = None) -> Any:
        """A forward pass with other values of the variables, for `value_and_grad(…, has_aux=True)`: (loss, (loss, y_pred,
        non-trainable variables, metrics variables)), in training the loss scaled as the optimizer wants it. optimizer_variables
        are not used."""
        return stateless.compiled(self, ('updates', training), StepMethods._updates_with, list(trainable_variables),
                                  list(non_trainable_variables), list(metrics_variables), x, y, sample_weight, training)

    def _updates_with(self, trainable, rest, measured, x, y, sample_weight, training):
        def run():
            y_pred = self(x, training=training)
            return self._total(x, y, y_pred, sample_weight, training), y_pred

        (loss, y_pred), new = self._with_state(trainable, rest, measured, run)
        scaled = self.optimizer.scale_loss(loss) if training and self.optimizer is not None else loss
        return scaled, (loss, y_pred, *new[1:])

    def _with_state(self, trainable, rest, measured, function):
        groups = [self.trainable_variables, self.non_trainable_variables, self.metrics_variables]
        result, held = stateless.with_values([v for g in groups for v in g], [*trainable, *rest, *measured], function)
        held = iter(held)
        return result, tuple([next(held) for _ in g] for g in groups)

    # ---- metrics
    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Add a batch to the metrics that compile was given, and return `get_metrics_result()`. Override it to measure in
        another way."""
        if self._compile_metrics is not None:
            self._compile_metrics.update_state(y, y_pred, sample_weight=sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """Results so far of all `metrics`, by name; a metric whose result is a dict stands for its members."""
        found = {}
        for metric in self.metrics:
            if hasattr(metric, 'result'):
                result = metric.result()
                found.update(result if isinstance(result, dict) else {metric.name: result})
        return found

    @offered
    def metrics(self: Any) -> Any:
        """In generation 3, and where the class defines steps of its own: the Metrics of the loss and of compile, then those
        that the model and its layers hold. Else what compile was given as metrics, then those that are held."""
        held = self._held_metrics()
        if self._has_own_steps() or generation.of('metrics.of_models_are_objects'):
            own = [self._loss_tracker, self._compile_metrics, *self._output_trackers]
            return [m for m in own if m is not None] + held
        given = (self._compile_args or {}).get('metrics') or []
        return given if not held else [*(given.values() if isinstance(given, dict) else nest.to_list(given)), *held]

    def _held_metrics(self):
        return tracking.unique(m for layer in self._flatten_layers() for m in tracking.found(layer, Metric))

    @property
    def compiled_metrics(self) -> Any:
        """The Metric that stands for all that compile was given, as steps written for tf.keras ask for it; None without."""
        return self._compile_metrics

    def _make_trackers(self):
        """What own steps measure: made by compile."""
        self._own_objective, self._output_trackers = None, ()
        self._loss_tracker = metrics.Mean(name='loss')
        wanted = self._compile_args['metrics'] or self._compile_args['weighted_metrics']
        self._compile_metrics = CompileMetrics(self) if wanted else None

    def _objective_of(self, y_pred=None):
        """What compile was told, for these outputs; None where it was told nothing."""
        if self._own_objective is None and self._compile_args is not None:
            predicted, names = nest.flatten(y_pred), self.output_names
            if y_pred is None:
                if not self._outputs_known():
                    return None
                predicted = self.outputs
            if isinstance(y_pred, dict):
                names = list(y_pred)
            elif names is None or len(names) != len(predicted):
                names = [f'output_{k + 1}' for k in range(len(predicted))]
            with outside_trace():
                self._own_objective = Objective(names, [(None, *p.shape[1:]) for p in predicted],
                                                [core.dtype_name(p.dtype) for p in predicted], **self._compile_args,
                                                named=self._graph is not None or (
                                                    self._outputs_by_name() if y_pred is None else isinstance(y_pred, dict)))
                if len(predicted) > 1 and self._own_objective.trained:
                    self._output_trackers = [metrics.Mean(name=name) for name in self._own_objective.loss_names]
        return self._own_objective


class CompileMetrics(Metric):
    """The metrics that compile was given, as one: `update_state(y, y_pred, sample_weight)`; the result is a dict."""

    _model = PartOf()

    def __init__(self, model):
        super().__init__(name='compile_metrics')
        self._model = model
        self._measures = {}     # name → Metric
        self._rows = []         # (output, entry, Metric)
        if model._outputs_known():
            self._resolve(None)

    def _resolve(self, y_pred):
        objective = self._model._objective_of(y_pred)
        if not self._measures:
            with outside_trace():
                for output in objective.trained:
                    for entry in output.entries:
                        measure = entry.measure
                        if not hasattr(measure, 'update_state'):
                            measure = metrics.MeanMetricWrapper(measure, name=entry.name)
                        self._measures[entry.name] = measure
                        self._rows.append((output, entry, measure))
        return objective

    @property
    def metrics(self):
        """The Metrics themselves."""
        return list(self._measures.values())

    @property
    def variables(self):
        return [v for m in self._measures.values() for v in m.variables]

    def update_state(self, y_true, y_pred, sample_weight=None):
        objective = self._resolve(y_pred)
        if not self._rows:
            return
        predicted = nest.flatten(y_pred)
        targets, weights = (objective.listed(v, what) for v, what in ((y_true, 'y'), (sample_weight, 'sample_weight')))
        places = {output.index: k for k, output in enumerate(objective.trained)}
        for output, entry, measure in self._rows:
            k, p = places[output.index], predicted[output.index]
            if targets[k] is None:
                continue
            y = steps.fitted_target(targets[k], p, output)
            if measure is not entry.measure:
                measure._fn = objective.measure(entry, output, tuple(y.shape))
            steps.update_metric(measure, y, p, weights[k] if entry.weighted else None, getattr(p, '_keras_mask', None))

    def result(self):
        return {name: m.result() for name, m in self._measures.items()}

    def reset_state(self):
        for measure in self._measures.values():
            measure.reset_state()
