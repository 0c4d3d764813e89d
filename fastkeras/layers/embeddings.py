"""Rows of a table in the place of whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import constraints, generation, initializers, ops, regularizers
from fastkeras.ops import core
from fastkeras.utils.quantities import as_whole

from .base import Layer
from .checks import count
from .input_spec import title
from .low_rank import LowRank

__all__ = ['Embedding']


class Embedding(LowRank, Layer):
    """Each whole number i of the input becomes row i of the weight `embeddings`, of shape (input_dim, output_dim).

    input_dim: how many different numbers there are; those that come must lie in [0, input_dim). output_dim: length of a
    row. embeddings_initializer, embeddings_regularizer, embeddings_constraint: of the table. activity_regularizer:
    penalty on the result. mask_zero: the number 0 stands for a step that is not there, and is masked for the layers
    behind. input_length: how many numbers a sample has, where that does not change (a tuple, where samples have more
    than one axis); a Flatten and Dense behind need it. weights: the first values of the table, an array or a list of
    one. lora_rank, lora_alpha: see `enable_lora`. quantization_config: only None.

    Inputs (batch, …), numbers with a fraction are cut off towards 0; the result is (batch, …, output_dim). Raises
    ValueError for a number outside the table. Where the layer reads an input of a model, it names the row and the
    number before anything is computed; of numbers that the model computes itself it names the layer, once they are
    used. A training step touches only the rows it read, where the optimizer leaves a row without gradient as it is: SGD
    without momentum and weight decay, Adagrad; no regularizer and no constraint.
    """

    _low_rank_of = 'embeddings'

    def __init__(self, input_dim: int, output_dim: int, embeddings_initializer: Any = 'uniform',
                 embeddings_regularizer: Any = None, activity_regularizer: Any = None, embeddings_constraint: Any = None,
                 mask_zero: bool = False, input_length: Any = None, weights: Any = None, lora_rank: int | None = None,
                 lora_alpha: float | None = None, quantization_config: Any = None, **kwargs: Any) -> None:
        lengths = _lengths(input_length)
        if kwargs.get('input_shape') is None and kwargs.get('batch_input_shape') is None:
            if lengths is not None:
                kwargs['input_shape'] = lengths
            elif generation.of('embedding.begins_with_any_length'):
                kwargs['input_shape'] = (None,)
                self._takes_any_length = True
        if weights is not None and not isinstance(weights, (list, tuple)):
            weights = [weights]
        super().__init__(activity_regularizer=activity_regularizer, weights=weights, **kwargs)
        self.input_dim = count(self, 'input_dim', input_dim)
        self.output_dim = count(self, 'output_dim', output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = bool(mask_zero)
        self.supports_masking = self.mask_zero
        self.input_length = input_length if lengths is None or isinstance(input_length, int) else lengths
        self._set_low_rank(lora_rank, lora_alpha, quantization_config)
        if weights is not None and [np.shape(w) for w in weights] != [(self.input_dim, self.output_dim)]:
            raise ValueError(f'{title(self)}: expected weights to be one array of shape '
                             f'{(self.input_dim, self.output_dim)}, (input_dim, output_dim), got '
                             f'{", ".join(str(np.shape(w)) for w in weights) or "none"}')

    def build(self, input_shape: Any = None) -> None:
        self.embeddings = self._weight('embeddings', (self.input_dim, self.output_dim))
        self._build_low_rank()
        self.built = True

    def _after_build(self, input_shape):
        weights, self._initial_weights = self._initial_weights, None
        super()._after_build(input_shape)
        if weights is not None:
            self.embeddings.assign(np.asarray(weights[0]))

    def call(self, inputs: Any) -> Any:
        self._fit(inputs.shape)
        indices = inputs if core.dtype_of(inputs) in core.INTS else ops.cast(inputs, 'int32')
        rows = ops.gather(self.embeddings, indices)
        if not self.lora_enabled:
            return rows
        low = ops.matmul(ops.gather(self.lora_embeddings_a, indices), self.lora_embeddings_b)
        return rows + low * (self.lora_alpha / self.lora_rank)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*self._fit(input_shape), self.output_dim)

    def _fit(self, shape):
        """The shape of the input, with the sizes that input_length says; ValueError where they differ."""
        lengths = _lengths(self.input_length)
        if lengths is None:
            return tuple(shape)
        if len(shape) != len(lengths) + 1 or any(None not in (a, b) and a != b for a, b in zip(shape[1:], lengths)):
            raise ValueError(f'{title(self)}: expected an input of shape {(None, *lengths)}, as input_length says, got '
                             f'shape {tuple(shape)}; give it the length of the data, or leave it out')
        return (shape[0], *(b if a is None else a for a, b in zip(shape[1:], lengths)))

    def _limited_inputs(self, inputs):
        return [(inputs, self.input_dim, f'{title(self)} has input_dim={self.input_dim}')]

    def get_config(self) -> dict[str, Any]:
        names = ['input_dim', 'output_dim', 'embeddings_initializer', 'embeddings_regularizer', 'activity_regularizer',
                 'embeddings_constraint', 'mask_zero', 'input_length']
        return {**self._config_with(*names), **self._low_rank_config()}


def _lengths(value):
    """input_length as a tuple of sizes; None where it says nothing."""
    if value is None or value == 0:
        return None
    items = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    sizes = tuple(None if d is None else as_whole(d) for d in items)
    if any(size is None and d is not None or size is not None and size < 0 for size, d in zip(sizes, items)):
        raise ValueError(f'Embedding: expected input_length to be a whole number, a tuple of them, or None, got {value!r}')
    return sizes
