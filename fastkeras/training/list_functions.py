"""What Keras 2's models have inside, by its names: the tensors that a step is fed with, the loss as a symbol, and functions of
lists of arrays."""

from __future__ import annotations

from typing import Any

from fastkeras import late
from fastkeras.layers.context import collect_losses, learning_phase
from fastkeras.layers.history import keras_tensor
from fastkeras.ops import core
from fastkeras.training.step import loss_value
from fastkeras.utils import nest


class ListFunctions:
    """Mixin of models, compiled where the loss is asked for. What is symbolic goes into `K.function` and `K.gradients`."""

    train_function: Any = None
    test_function: Any = None
    predict_function: Any = None
    _symbols = None     # of the present `_steps`: (the steps, targets, weights, total loss)

    # ---- symbols
    @property
    def total_loss(self) -> Any:
        """The loss that training minimises, of `inputs`, `targets` and `sample_weights`."""
        return self._described_step()[3]

    @property
    def targets(self) -> list[Any]:
        """A placeholder for the targets of each trained output."""
        return list(self._described_step()[1])

    @property
    def sample_weights(self) -> list[Any]:
        """A placeholder for the weights of the samples of each trained output."""
        return list(self._described_step()[2])

    @property
    def _feed_inputs(self):
        return list(self._fed_tensors())

    _feed_targets = property(lambda self: self.targets)
    _feed_sample_weights = property(lambda self: self.sample_weights)
    _feed_input_names = property(lambda self: list(self.input_names))
    _feed_outputs = property(lambda self: [self.outputs[o.index] for o in self._compiled_steps(None, 'its loss', 'train')
                                           .objective.trained])
    _feed_input_shapes = property(lambda self: [tuple(t.shape) for t in self.inputs])

    @property
    def _collected_trainable_weights(self):
        """The weights that training changes, as compile found them."""
        return list(self._compiled_steps(None, 'its weights', 'train').trainable)

    @property
    def uses_learning_phase(self) -> bool:
        """Whether layers of the model act in training in another way than in inference."""
        return any(t._uses_learning_phase for t in self.outputs)

    def _described_step(self):
        steps = self._compiled_steps(None, 'its loss', 'train')
        if self._symbols is None or self._symbols[0] is not steps:
            trained = steps.objective.trained
            targets = [_placeholder((None,) * len(o.shape), o.described.dtype, f'{o.name}_target') for o in trained]
            weights = [_placeholder((None, None) if o.temporal else (None,), 'float32', f'{o.name}_sample_weights')
                       for o in trained]
            self._symbols = steps, targets, weights, self._described_loss(trained, targets, weights)
        return self._symbols

    def _described_loss(self, trained, targets, weights):
        deferred = late.part('backend').symbolic.deferred
        total = None
        for output, y, w in zip(trained, targets, weights):
            def value(p, y, w, output=output):
                loss = loss_value(output.loss, y, p, w, getattr(p, '_keras_mask', None), output.name)
                return loss if output.loss_weight == 1.0 else loss * output.loss_weight
            loss = deferred('loss', value, [self.outputs[output.index], y, w], ((), 'float32'))
            total = loss if total is None else total + loss

        def penalties(*inputs):
            with collect_losses() as found:
                self(self._pack_inputs(inputs), training=learning_phase())
            return sum(found, core.tensor(0.0))
        if self.losses:
            added = deferred('penalties', penalties, self._fed_tensors(), ((), 'float32'))
            total = added if total is None else total + added
        return total

    # ---- functions of lists
    def _make_train_function(self) -> None:
        """Make `train_function` of [*inputs, *targets, *sample_weights, 1.0]: one update, [loss, metrics…]."""
        self.train_function = self.train_function or _Listed(self, 'train')

    def _make_test_function(self) -> None:
        """Make `test_function`, the same without an update."""
        self.test_function = self.test_function or _Listed(self, 'test')

    def _make_predict_function(self) -> None:
        """Make `predict_function` of [*inputs, 0.0]: the list of outputs. Nothing has to be made before threads predict."""
        self.predict_function = self.predict_function or _Listed(self, 'predict')

    def _has_list_function_of_ones_own(self, kind):
        """Whether a program has put a function in the place of ours."""
        given = vars(self).get(f'{kind}_function')
        return given is not None and not isinstance(given, _Listed) and not getattr(given, '_of_model', False)


class _Listed:
    """A step as a function of one list of arrays; the learning phase may stand last."""

    def __init__(self, model, kind):
        self.model, self.kind = model, kind

    def __call__(self, inputs):
        model = self.model
        n, m = len(model._fed_tensors()), 0 if self.kind == 'predict' else len(model.targets)
        inputs = list(inputs)
        count = n + 2 * m
        if len(inputs) not in (count, count + 1):
            raise ValueError(f'{self.kind}_function of model {model.name!r}: expected {n} inputs'
                             + (f', {m} targets, {m} sample weights' if m else '')
                             + f' and perhaps the learning phase, got {len(inputs)} arrays')
        if self.kind == 'predict':
            if len(inputs) > count and inputs[-1]:
                backend = late.part('backend')
                return backend.function([*model.inputs, backend.symbolic.phase_leaf()], model.outputs)(inputs)
            return nest.to_list(model.predict_on_batch(nest.unpack(inputs[:n])))
        x, y, w = (nest.unpack(inputs[a:b]) for a, b in ((0, n), (n, n + m), (n + m, count)))
        method = model.train_on_batch if self.kind == 'train' else model.test_on_batch
        return nest.to_list(method(x, y, sample_weight=w))


def _placeholder(shape, dtype, name):
    leaf = keras_tensor(shape, dtype, name)
    leaf.attrs['placeholder'] = True
    return leaf
