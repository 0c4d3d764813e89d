"""What makes a model trainable: compile, fit, evaluate, predict and their one-batch forms."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import callbacks as callback_classes
from fastkeras import config, generation
from fastkeras.layers import input as layers_input
from fastkeras.legacy.generators import Generators
from fastkeras.legacy.keras1 import accepts
from fastkeras.runtime import Ways
from fastkeras.training import arguments, data, finite, loops
from fastkeras.training.batches import ArrayBatches, GivenBatches
from fastkeras.training.compile_config import CompileConfig
from fastkeras.training.compiled import Compiled, NotCompiledError
from fastkeras.training.last_history import LastHistory
from fastkeras.training.list_functions import ListFunctions
from fastkeras.training.methods import StepMethods
from fastkeras.training.own_steps import FreeStandard, OwnSteps, overridden
from fastkeras.training.quick import LIMIT, QuickPredict, QuickStep, remember, signature
from fastkeras.training.resume import Resumable, Shuffling
from fastkeras.training.step import Steps
from fastkeras.utils import nest
from fastkeras.utils.messages import print_msg
from fastkeras.utils.progbar import Progbar
from fastkeras.utils.sequence import is_batches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fastkeras.callbacks import History

__all__ = ['NotCompiledError', 'Trainer', 'batch_size_for']


class Trainer(StepMethods, Compiled, CompileConfig, Generators, Resumable, ListFunctions):
    """Mixin of models. It uses `self(inputs, training=…)`, `inputs`, `outputs`, their names, and the weights;
    `_pack_inputs`, `_shapes_are_fixed` and `_build_from_data` are the model's answers about its structure."""

    history: Any = LastHistory()
    stop_training = False
    _initial_epoch = None       # set by a callback, when training begins

    # ---- one batch
    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None,
                       return_dict: bool = False) -> Any:
        """One update by one batch. Returns the loss, or [loss, metrics…] (by name with return_dict) before the update.

        sample_weight: array of weights; class_weight: dict class → weight. ValueError for data that do not fit.
        """
        if self._quick and sample_weight is None and class_weight is None and not return_dict:
            quick = self._quick.get(('train', config.generation(), signature(x), signature(y)))
            if quick is not None:
                return quick(x, y)
        return self._on_batch('train', x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """The loss, or [loss, metrics…], of one batch, without an update. Arguments as in train_on_batch."""
        if self._quick and sample_weight is None and not return_dict:
            quick = self._quick.get(('test', config.generation(), signature(x), signature(y)))
            if quick is not None:
                return quick(x, y)
        return self._on_batch('test', x, y, sample_weight, None, return_dict)

    def _on_batch(self, kind, x, y, sample_weight, class_weight, return_dict):
        steps = self._compiled_steps(x, f'{kind}_on_batch', kind)
        standard = self._standard(steps)
        arrays, weighted, _ = standard.batch(x, y, sample_weight, class_weight)
        function = steps.function(kind, weighted)
        afresh = generation.of('metrics.begin_with_each_batch')
        if afresh:
            self.reset_metrics()
        values = loops.numbers(function(*arrays))
        if values:
            finite.check(self, values[0], f'in {kind}_on_batch', standard.slots, arrays, range(len(arrays[0]) if arrays else 0))
        plain = not weighted and not afresh and not generation.of('logs.values_are_float32')
        if plain and QuickStep.serves(x, y, standard):
            remember(self._quick, (kind, config.generation(), signature(x), signature(y)),
                     QuickStep(steps, kind, x, y, arrays, standard))
        return steps.objective.answer(values, return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """Array, or list or dict of arrays, of the outputs for all of x at once."""
        if self._ways is not None:
            found = self._ways.run(x)
            if found is not None:
                return found
        return Trainer.predict(self, x, max(1, _samples(x)))

    # ---- predict
    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = 0, steps: float | None = None,
                callbacks: Any = None, **queue: Any) -> Any:
        """Array of the output for every sample of x, a list of arrays where there are several outputs, a dict where the
        model gives one.

        x: array, list, dict, generator, Sequence or anything that gives batches when it is iterated over. batch_size: 32
        unless given. steps: number of batches, needed for a generator. verbose: 1 shows a bar. workers, max_queue_size,
        use_multiprocessing: as in `fit`. A row of the result does not depend on the other rows.
        """
        verbose = generation.of('predict.verbose') if verbose == 'auto' else verbose
        if self._quick and steps is None and callbacks is None and not verbose and not queue and (
                batch_size is None or type(batch_size) is int):
            if self._ways is not None:
                found = self._ways.run(x, 32 if batch_size is None else batch_size)
                if found is not None:
                    return found
            quick = self._quick.get(('predict', signature(x), batch_size))
            if quick is not None:
                return quick(x)
        queue = arguments.queue('predict', x, queue, type(self).predict)
        steps = arguments.check_run('predict', batch_size, steps, verbose)
        own = overridden(self, 'predict')
        x = self._batches_of_nothing(x, predict=True)
        if not own:
            x = self._built_from(x)
            self._ensure_built(x)
        if self._predict_steps is None:
            self._predict_steps = OwnSteps(self, 'predict') if own else Steps(self)
            self._quick = self._quick or {}
        standard = FreeStandard() if own else self._standard()
        function = None if own else self._predict_steps.function('predict')
        if is_batches(x):
            batches = GivenBatches(x, standard, steps, queue=queue)
        else:
            inputs, _, _ = standard(x)
            size = batch_size_for(batch_size, self._fed_tensors())
            batches = ArrayBatches(standard, inputs, [], [], size, steps=steps)
            self._check_fixed_batch(batches)
            if steps is None and not own and QuickPredict.serves(x, standard, batches):
                arranged = self._arranged if self._outputs_by_name() else None
                self._ways = self._ways or Ways(LIMIT)
                remember(self._quick, ('predict', signature(x), batch_size),
                         QuickPredict(function, x, batches, standard, arranged, self._ways))
        calls = self._callback_list(callbacks) if callbacks is not None else None
        bar = self._bar(batches) if verbose == 1 else None
        if own:
            made = self._predict_steps
            return made.arranged(loops.predict(batches, lambda key: made.function('predict', key), calls, bar))
        return self._arranged(loops.predict(batches, lambda key: function, calls, bar))

    def _arranged(self, arrays):
        """Arrays of the outputs as a prediction gives them: the only one, a list or, where the model gives a dict, in
        its nesting."""
        return self._pack_outputs(arrays) if self._outputs_by_name() else nest.unpack(arrays)

    # ---- evaluate
    def evaluate(self, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: Any = 1,
                 sample_weight: Any = None, steps: float | None = None, callbacks: Any = None, return_dict: bool = False,
                 **queue: Any) -> Any:
        """The loss, or [loss, metrics…] (see metrics_names; a dict with return_dict), over all samples.

        x, y: arrays, lists, dicts; or x a generator or Sequence of (x, y) or (x, y, sample_weight). batch_size: 32
        unless given. steps: number of batches. verbose: 1 shows a bar. workers, max_queue_size, use_multiprocessing: as
        in `fit`.
        """
        queue = arguments.queue('evaluate', x, queue, type(self).evaluate)
        steps = arguments.check_run('evaluate', batch_size, steps, verbose)
        x = self._built_from(self._batches_of_nothing(x, y)) if self.compiled and not overridden(self, 'test') else x
        compiled = self._compiled_steps(x, 'evaluate', 'test')
        batches = self._test_batches(compiled, x, y, sample_weight, batch_size, steps, 'steps', queue=queue)
        calls = self._callback_list(callbacks) if callbacks is not None else None
        bar = self._bar(batches) if verbose in (1, 'auto') else None
        values = self._evaluate(compiled, batches, calls, bar)
        if not values and not batches.given:
            raise ValueError('evaluate: the generator ended before its first batch')
        return compiled.objective.answer(values, return_dict)

    def _evaluate(self, steps, batches, callbacks=None, progbar=None):
        self.reset_metrics()
        o = steps.objective
        return loops.evaluate(self, batches, lambda weighted: steps.function('test', weighted), o.names, o.stateful,
                                callbacks, progbar)

    def _test_batches(self, compiled, x, y, sample_weight, batch_size, steps, argument, repeated=False, queue=None):
        standard = self._standard(compiled)
        if is_batches(x):
            if y is not None:
                raise ValueError('targets come from the generator itself, so y must not be given')
            return GivenBatches(x, standard, steps, argument=argument, queue=queue)
        size = batch_size_for(batch_size, self._fed_tensors())
        batches = ArrayBatches(standard, *standard(x, y, sample_weight), size, False, steps, repeated)
        self._check_fixed_batch(batches)
        return batches

    def _check_fixed_batch(self, batches):
        """ValueError where a batch has not the size that an input fixes (batch_shape, for layers with state)."""
        for name, tensor in zip(self.input_names or (), self.inputs or ()):
            fixed = tensor.shape[0] if tensor.shape else None
            if fixed is not None and layers_input.is_fed(tensor) and (batches.batch_size != fixed or batches.samples % fixed):
                raise ValueError(f'input {name!r} has a fixed batch size of {fixed}, as in a stateful network: pass a '
                                 f'number of samples that can be divided by the batch size, and batch_size={fixed}; got '
                                 f'{batches.samples} samples in batches of {batches.batch_size}')

    # ---- fit
    @accepts('fit')
    def fit(self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1, verbose: Any = 1,
            callbacks: Any = None, validation_split: float = 0.0, validation_data: Any = None, shuffle: Any = True,
            class_weight: Any = None, sample_weight: Any = None, initial_epoch: int = 0,
            steps_per_epoch: float | None = None, validation_steps: float | None = None,
            validation_batch_size: int | None = None, validation_freq: Any = 1, **kwargs: Any) -> History:
        """Train for `epochs` passes over the data. Returns a History: history.history holds the values by name.

        x, y: arrays, lists of arrays or dicts by name; or x a generator, a Sequence or something else to iterate over,
        of batches (x, y) or (x, y, weights). batch_size: 32 unless given. verbose: 0 silent, 1 a bar, 2 a line per
        epoch. callbacks: list of Callbacks. validation_split: this share, the last samples before any shuffling, is not
        trained on but evaluated after each epoch. validation_data: (x, y) or (x, y, weights) to evaluate instead, or
        what gives batches. shuffle: True, False, or 'batch' for whole batches. class_weight: dict class → weight;
        sample_weight: weight of each sample. initial_epoch: epochs are counted from here, and the order of
        samples, and the weights of before an averaging (use_ema), from those of the fit before. steps_per_epoch: batches
        that make an epoch, a fraction counting as one more; the next goes on where one ended. validation_steps: batches of
        validation data looked at. validation_batch_size: batch_size unless given. validation_freq: evaluate every so many
        epochs, or after the epochs of a list.

        workers, max_queue_size, use_multiprocessing: how batches are read ahead of the training step. workers: number of
        threads, or of processes with use_multiprocessing; 0: when they are needed, in the calling thread; unless given,
        what the Sequence says, else one thread once batches take more than 15 % of the time to read. max_queue_size: the most
        batches that wait or are being read, 10 unless given. Their order is that of the Sequence whatever the workers; a
        generator is read by one thread. Nothing is read ahead of the end of an epoch, and all workers have ended when
        `fit` has, also by an error.

        ValueError for data that do not fit the model; NotCompiledError without compile. A loss that is not finite is
        warned of, with its epoch and batch.
        """
        queue = arguments.queue('fit', x, kwargs, type(self).fit)
        steps_per_epoch = arguments.check_run('fit', batch_size, steps_per_epoch, verbose, 'steps_per_epoch')
        validation_steps = arguments.number_of_batches('fit', 'validation_steps', validation_steps)
        arguments.check_fit(epochs, initial_epoch, validation_split, validation_batch_size, validation_freq, shuffle)
        x = self._built_from(self._batches_of_nothing(x, y)) if self.compiled and not overridden(self, 'train') else x
        compiled = self._compiled_steps(x, 'fit', 'train')
        standard = self._standard(compiled)
        size = validation = test = None
        shuffling = self._shuffling = self._shuffling or Shuffling()
        if initial_epoch and getattr(self.optimizer, 'replaced', None):
            self.optimizer.put_back(compiled.trainable)
        if is_batches(x):
            given = {'y': y, 'sample_weight': sample_weight, 'validation_split': validation_split or None}
            given = [k for k, v in given.items() if v is not None]
            if given:
                raise ValueError('fit: `y`, `sample_weight` and `validation_split` are only supported for arrays, and must '
                                 f'not be given with a generator or Sequence as x; got {", ".join(given)}')
            batches = GivenBatches(x, standard, steps_per_epoch, class_weight, 'steps_per_epoch',
                                   bool(shuffle) and (shuffling.random or True), queue)
        else:
            size = batch_size_for(batch_size, self._fed_tensors())
            inputs, targets, weights = standard(x, y, sample_weight, class_weight)
            if validation_split and not validation_data:
                at = data.split_point(inputs[0].shape[0], validation_split)
                held = [[a if a is None else a[at:] for a in part] for part in (inputs, targets, weights)]
                test = self._compiled_steps(x, 'evaluate', 'test')
                other = standard if type(test) is type(compiled) else self._standard(test)
                if other is not standard:
                    held = other(*[nest.map_structure(lambda a: None if a is None else a[at:], part)  # noqa: B023
                                   for part in (x, y, sample_weight)])
                inputs, targets, weights = ([a if a is None else a[:at] for a in part]
                                            for part in (inputs, targets, weights))
                validation = ArrayBatches(other, *held, validation_batch_size or size, False, validation_steps,
                                          epochs - initial_epoch > 1)
            batches = ArrayBatches(standard, inputs, targets, weights, size, shuffle, steps_per_epoch, True,
                                   shuffling.random)
            shuffling.begin(batches.order, initial_epoch > 0)
            self._check_fixed_batch(batches)
        if validation_data is not None and (not isinstance(validation_data, (tuple, list)) or len(validation_data)):
            held = validation_data if is_batches(validation_data) else None
            test = self._compiled_steps(x if held is None else self._built_from(held), 'evaluate', 'test')
            validation = self._validation_batches(test, validation_data, validation_batch_size or size,
                                                  validation_steps,
                                                  arguments.queue('fit', validation_data, kwargs, type(self).fit))
        elif validation_steps is not None and validation is None:
            raise ValueError('fit: validation_steps is given, but neither validation_data nor validation_split')
        return self._fit(compiled, batches, validation, test, size, epochs, initial_epoch, verbose, callbacks,
                         steps_per_epoch, validation_freq)

    def _validation_batches(self, compiled, given, batch_size, steps, queue):
        if is_batches(given):
            return self._test_batches(compiled, given, None, None, None, steps, 'validation_steps', queue=queue)
        if isinstance(compiled, OwnSteps) and not (isinstance(given, tuple) and len(given) in (2, 3)):
            given = given, None
        if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
            got = f'{len(given)} members' if isinstance(given, (tuple, list)) else data.describe(given)
            raise ValueError('When passing validation_data, it must contain 2 items (x, y) or 3 items (x, y, sample_weight), '
                             f'got {got}')
        x, y, *weight = given
        return self._test_batches(compiled, x, y, weight[0] if weight else None, batch_size, steps,
                                  'validation_steps', repeated=True)

    def _fit(self, compiled, batches, validation, test, batch_size, epochs, initial_epoch, verbose, callbacks,
             steps_per_epoch, validation_freq):
        o = compiled.objective
        verbose = 1 if verbose == 'auto' else verbose
        if verbose and validation is not None and None not in (batches.samples, validation.samples):
            print_msg(f'Train on {batches.samples} samples, validate on {validation.samples} samples')
        self.history = history = callback_classes.History()
        by_steps = steps_per_epoch is not None or batches.samples is None
        if isinstance(callbacks, callback_classes.CallbackList):
            calls = callbacks
            calls.append(history)
        else:
            bar = callback_classes.ProgbarLogger('steps' if by_steps else 'samples', o.stateful_names)
            calls = callback_classes.CallbackList([*([bar] if verbose else []), *_callbacks(callbacks), history])
        calls.set_model(self)
        calls.set_params({
            'batch_size': None if by_steps else batch_size, 'epochs': epochs,
            'steps': batches.steps if by_steps else None, 'samples': batches.samples, 'verbose': verbose,
            'do_validation': validation is not None,
            'metrics': list(o.names) if validation is None or not o.names else [
                *o.names, *(f'val_{n}' for n in test.objective.names)]})
        def validate():
            return list(zip(test.objective.names, self._evaluate(test, validation, calls)))

        self.stop_training = False
        held = validation.arrays() if validation is not None else None
        try:
            for callback in calls:
                callback.validation_data = held
            self._initial_epoch = None
            calls.on_train_begin()
            if self._initial_epoch is not None:     # BackupAndRestore goes on from there
                initial_epoch = max(initial_epoch, self._initial_epoch)
                if hasattr(batches, 'order'):
                    batches.order.random = self._shuffling.random or np.random
                    self._shuffling.begin(batches.order, initial_epoch > 0)
            loops.fit(self, batches, lambda weighted: compiled.function('train', weighted), calls, o.names, o.stateful,
                      epochs, initial_epoch, validate if validation is not None else None, validation_freq)
            if getattr(self.optimizer, 'use_ema', False):
                self.optimizer.finalize_variable_values(compiled.trainable)
            calls.on_train_end()
        finally:
            for callback in calls:      # the history lives as long as the model: it would keep all the data
                callback.validation_data = None
            self.history = history      # as it is at the end
        return history

    def _callback_list(self, callbacks):
        calls = (callbacks if isinstance(callbacks, callback_classes.CallbackList)
                 else callback_classes.CallbackList(_callbacks(callbacks)))
        calls.set_model(self)
        return calls

    def _bar(self, batches):
        return Progbar(batches.samples if batches.steps is None else batches.steps)


def batch_size_for(batch_size: int | None, inputs: Any) -> Any:
    """A batch size: as given, else what an input fixes, else 32."""
    if batch_size is None:
        fixed = [t.shape[0] for t in inputs or () if t.shape and t.shape[0] is not None]
        return fixed[0] if fixed else 32
    return int(batch_size)


def _callbacks(given):
    return given if isinstance(given, (list, tuple)) else [] if given is None else [given]


def _samples(x):
    """Number of rows of the first array in x; 0 where there is none."""
    if type(x) is np.ndarray and x.ndim:
        return len(x)
    for leaf in nest.flatten(x):
        return len(leaf) if getattr(leaf, 'shape', ()) else len(x) if hasattr(x, '__len__') else 0
    return 0
