"""What compile settles, and what a compiled model knows of its steps."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from fastkeras import losses, optimizers
from fastkeras.layers import input as layers_input
from fastkeras.runtime import Variable
from fastkeras.training import arguments, data
from fastkeras.training.batches import Standard
from fastkeras.training.list_functions import ListFunctions
from fastkeras.training.objective import Objective
from fastkeras.training.own_steps import FreeStandard, OwnSteps, defines, overridden
from fastkeras.training.step import Steps
from fastkeras.utils import nest
from fastkeras.utils.errors import keywords, unknown_argument, warn
from fastkeras.utils.sequence import is_batches, peeked

_IGNORED = ('steps_per_execution', 'jit_compile', 'auto_scale_loss')
_LISTS = ('_make_train_function', '_make_test_function', '_make_predict_function')
# steps of other Kerases that are not called here
_NOT_CALLED = ('compute_and_apply_gradients', *_LISTS)


class NotCompiledError(RuntimeError, ValueError):
    """A model is asked for what `compile` has to settle first. RuntimeError in Keras 2, ValueError in Keras 3."""


class Compiled:
    """Mixin of models. It uses `self(inputs, training=…)`, `inputs`, `outputs`, their names, and the weights;
    `_pack_inputs`, `_shapes_are_fixed` and `_build_from_data` are the model's answers about its structure."""

    optimizer: Any = None
    loss: Any = None
    loss_weights: Any = None
    sample_weight_mode: Any = None
    weighted_metrics: Any = None
    metrics_tensors: Any = ()
    run_eagerly: Any = False
    jit_compile: Any = False
    steps_per_execution: Any = 1
    _compile_args = None    # what compile was given; resolved once the outputs are known
    _steps = None           # of the compiled model
    _own_steps = None       # kind → OwnSteps
    _predict_steps = None
    _warned_of_loss = False     # that it is not finite; once is enough outside of fit
    _quick = None           # signature of a batch → how it is run without being looked at again
    _ways = None            # of predictions, where not even that has to be looked up: _core.Ways
    # what compile and fit set, beside what they keep for themselves
    _set_by_compile = ('optimizer', 'loss', 'loss_weights', 'weighted_metrics', 'history')
    _untracked = frozenset((*_set_by_compile, '_compile_args', '_steps', '_own_steps', '_predict_steps', '_quick', '_ways',
                            '_shuffling', '_own_objective', '_loss_tracker', '_compile_metrics', '_output_trackers',
                            'metrics_tensors', '_symbols', 'train_function', 'test_function', 'predict_function'))

    # ---- compile
    @arguments.either_order
    def compile(self, optimizer: Any = 'rmsprop', loss: Any = None, metrics: Any = None, loss_weights: Any = None,
                sample_weight_mode: Any = None, weighted_metrics: Any = None, target_tensors: Any = None,
                **kwargs: Any) -> None:
        """Settle how the model is trained.

        optimizer: a name or an Optimizer. loss: a name, a function (y_true, y_pred) → one number per sample, or a Loss;
        a list or a dict by output name where there are several outputs. metrics: list of names, functions or Metrics,
        for all outputs; a list of lists or a dict for each. loss_weights: factors of the outputs' losses, a list or a
        dict. sample_weight_mode: 'temporal' for weights per time step, None or 'samplewise' for weights per sample; a list
        or a dict for each output. weighted_metrics: as metrics, with the sample weights. target_tensors: in place of targets
        that are fed, a Variable, an array or a Keras tensor that the model computes; a list or a dict for each output, None
        for one that is fed. A third positional argument of numbers is taken as loss_weights, as in Keras 3.

        run_eagerly: call steps of the model's own (train_step and its kin) on the arrays of each batch, as plain Python;
        without them it changes nothing, as steps_per_execution, jit_compile and auto_scale_loss never do. Weights whose
        `trainable` flag is set now are trained. ValueError for unknown names and lists of wrong length.
        """
        for key in kwargs:
            if key != 'run_eagerly' and key not in _IGNORED:
                raise unknown_argument('compile', key, [*keywords(type(self).compile)[0], 'run_eagerly', *_IGNORED])
        self._check_steps()
        self._check_attributes()
        self.optimizer = optimizers.get(optimizer)
        self.loss = loss
        self.run_eagerly = bool(kwargs.get('run_eagerly', False))
        self.metrics_tensors = []
        self.loss_weights = loss_weights
        self.sample_weight_mode = sample_weight_mode
        self.weighted_metrics = weighted_metrics
        for one in loss.values() if isinstance(loss, dict) and 'class_name' not in loss else nest.to_list(loss):
            losses.get(one)     # an unknown name is an error now, even when the outputs are not known yet
        self._compile_args = {'loss': loss, 'metrics': metrics, 'loss_weights': loss_weights,
                              'sample_weight_mode': sample_weight_mode, 'weighted_metrics': weighted_metrics,
                              'target_tensors': target_tensors}
        self._forget_steps()
        self._warned_of_loss = False
        self._shuffling = None
        self._make_trackers()
        if self._outputs_known():
            self._resolve()

    def _check_steps(self):
        """ValueError where the user's class defines a step that nothing here calls."""
        for name in _NOT_CALLED:
            if getattr(type(self), name, None) is not getattr(ListFunctions, name, None):
                raise ValueError(f'model {self.name!r}: {type(self).__name__}.{name} is not called here; define train_step, '
                                 'test_step, predict_step, compute_loss or compute_metrics instead')
        if defines(self, 'compute_loss_and_updates') and not defines(self, 'train_step'):
            raise ValueError(f'model {self.name!r}: {type(self).__name__}.compute_loss_and_updates is called by a '
                             'train_step of your own only: define train_step too, or override compute_loss')

    def _has_own_steps(self):
        return overridden(self, 'train') or overridden(self, 'test')

    def _check_attributes(self):
        """ValueError where the user's class keeps a layer or a weight under a name that compile is about to set."""
        for name in self._set_by_compile:
            kept = [v for v in nest.flatten(self.__dict__.get(name))
                    if hasattr(v, '_flatten_layers') or isinstance(v, Variable)]
            if kept:
                raise ValueError(f'compile: model {self.name!r} keeps {kept[0]!r} in its attribute {name!r}, which compile '
                                 'and fit set; give the attribute another name')

    def _outputs_known(self):
        return bool(getattr(self, 'inputs', None)) and bool(getattr(self, 'outputs', None))

    def _resolve(self):
        """Resolve what compile was given, for the outputs of the model."""
        outputs = self.outputs
        objective = Objective(self.output_names, [o.shape for o in outputs], [o.dtype for o in outputs],
                              **self._compile_args, inputs=self.inputs,
                              named=self._graph is not None or self._outputs_by_name())
        self._steps = Steps(self, objective, self.optimizer)

    def _forget_steps(self):
        """Drop all traced steps: after compile, or when the structure of the model has changed."""
        self._steps = self._predict_steps = None
        self._own_steps = {}
        self._quick = {}
        self._ways = None

    def _compiled_steps(self, x, doing, kind):
        """The steps of a kind, 'train' or 'test', of the model, which is built from the data x where that was put off. doing:
        the method, for messages."""
        if self._compile_args is None:
            raise NotCompiledError('You must compile your model before training/testing: model '
                                   f'{self.name!r} must be compiled before {doing}. Use `model.compile(optimizer, '
                                   'loss)`, as in '
                                   "model.compile('adam', 'mse')")
        self._check_steps()
        if overridden(self, kind):
            if kind not in self._own_steps:
                self._own_steps[kind] = OwnSteps(self, kind)
            return self._own_steps[kind]
        if doing in ('fit', 'evaluate') and self._has_list_function_of_ones_own(kind):
            warn(f'{doing} of model {self.name!r} does not call the {kind}_function that was set; define {kind}_step in a '
                 'class of your own, or call the function in a loop of your own')
        if self._steps is None:
            self._ensure_built(x)
            self._resolve()
        elif doing != 'evaluate' and len(self.trainable_weights) != len(self._steps.trainable):
            warn('the trainable weights are not those that were found by compile; a changed `trainable` flag '
                 'takes effect when compile is called again')
        return self._steps

    def _ensure_built(self, x):
        if not self._outputs_known():
            if x is None:
                raise ValueError(f'model {self.name!r} does not know its input shape yet: build it, or call it on an '
                                 'array, first')
            self._build_from_data(_as_arrays(x))

    def _built_from(self, x):
        """x, where it gives batches with the first of them, by which a model is built that does not know its inputs."""
        if not is_batches(x) or self._outputs_known():
            return x
        item, x = peeked(x)
        self._ensure_built(item[0] if isinstance(item, (tuple, list)) and len(item) in (1, 2, 3) else item)
        return x

    def _batches_of_nothing(self, x, y=None, predict=False):
        """x or, for a model that is given no arrays at all, batches without any, as many as there are steps."""
        if x is not None or y is not None or not self._outputs_known() or self._fed_tensors():
            return x
        return itertools.repeat(([],)) if predict or not (self._steps and self._steps.objective.slots) else x

    def _input_slots(self):
        limits = self._index_limits()
        return [data.Slot('input', name, tensor.shape if self._shapes_are_fixed else None, tensor.dtype,
                          indices=limits.get(k)) for k, (name, tensor) in enumerate(zip(self.input_names, self.inputs))
                if layers_input.is_fed(tensor)]

    def _standard(self, steps=None):
        if isinstance(steps, OwnSteps):
            return FreeStandard()
        return Standard(self._input_slots(), steps.objective if steps is not None else None, self._front())

    @property
    def compiled(self) -> Any:
        """Whether compile was called."""
        return self._compile_args is not None

    @property
    def metrics_names(self) -> Any:
        """Names of the numbers that train_on_batch, test_on_batch and evaluate give. What is appended to it names what is
        appended to `metrics_tensors`, Keras tensors of the model to be reported too."""
        for kind in ('train', 'test'):
            if self._own_steps and kind in self._own_steps:
                return list(self._own_steps[kind].objective.names_listed())
        return self._steps.objective.names_listed() if self._steps is not None else ['loss']

    def reset_metrics(self) -> None:
        """Set the states of all Metric objects back."""
        if self._steps is not None:
            self._steps.objective.reset()
        if self._has_own_steps():
            for metric in self.metrics:
                if hasattr(metric, 'update_state'):
                    (getattr(metric, 'reset_state', None) or metric.reset_states)()


def _as_arrays(x):
    """Data with an array for each of their leaves; numbers in nested lists are one array."""
    if isinstance(x, dict):
        return {k: v if hasattr(v, 'shape') else np.asarray(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)) and any(hasattr(v, 'shape') for v in x):
        return nest.unpack([v if hasattr(v, 'shape') else np.asarray(v) for v in x])
    return x if hasattr(x, 'shape') else np.asarray(x)
