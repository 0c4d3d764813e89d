"""ReversibleEmbedding: a table that is read by numbers, and back."""

from __future__ import annotations

from typing import Any

from fastkeras import ops
from fastkeras.ops import core

from .checks import as_float, number
from .embeddings import Embedding
from .input_spec import title

__all__ = ['ReversibleEmbedding']


class ReversibleEmbedding(Embedding):
    """An Embedding that, called with reverse=True, projects rows (…, output_dim) to a number for each word (…,
    input_dim).

    tie_weights: the projection is the transposed table (Press and Wolf 2016); False: a weight `reverse_embeddings` of its
    own. reverse_dtype: type of the projection, that of the layer unless given. logit_soft_cap: c, where the result is to
    be c · tanh(result / c). All else as Embedding; there is no bias. A mask of zeros comes of the numbers alone, not of
    the way back.
    """

    _reverse = False

    def __init__(self, input_dim: int, output_dim: int, tie_weights: bool = True, embeddings_initializer: Any = 'uniform',
                 embeddings_regularizer: Any = None, embeddings_constraint: Any = None, mask_zero: bool = False,
                 reverse_dtype: Any = None, logit_soft_cap: float | None = None, **kwargs: Any) -> None:
        super().__init__(input_dim, output_dim, embeddings_initializer, embeddings_regularizer,
                         embeddings_constraint=embeddings_constraint, mask_zero=mask_zero, **kwargs)
        self.tie_weights = bool(tie_weights)
        self.reverse_dtype = None if reverse_dtype is None else core.dtype_name(reverse_dtype)
        if self.reverse_dtype is not None and self.reverse_dtype not in core.FLOATS:
            raise ValueError(f'{title(self)}: expected reverse_dtype to be one of {", ".join(core.FLOATS)}, got '
                             f'{reverse_dtype!r}')
        self.logit_soft_cap = None if logit_soft_cap is None else number(self, 'logit_soft_cap', logit_soft_cap)
        if self.logit_soft_cap is not None and self.logit_soft_cap <= 0:
            raise ValueError(f'{title(self)}: expected logit_soft_cap above 0, got {logit_soft_cap!r}')

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        if not self.tie_weights:
            self.reverse_embeddings = self.add_weight('reverse_embeddings', (self.output_dim, self.input_dim),
                                                      initializer=self.embeddings_initializer)

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        self._reverse = bool(reverse)
        if not reverse:
            return super().call(inputs)
        if inputs.shape[-1] != self.output_dim:
            raise ValueError(f'{title(self)}: expected an input of last size {self.output_dim} for reverse=True, got shape '
                             f'{tuple(inputs.shape)}')
        table = self._adapted(self.embeddings) if self.tie_weights else self.reverse_embeddings
        x = as_float(self, inputs)
        if self.reverse_dtype is not None:
            x, table = ops.cast(x, self.reverse_dtype), ops.cast(table, self.reverse_dtype)
        y = ops.matmul(x, table, transpose_b=self.tie_weights)
        cap = self.logit_soft_cap
        return y if cap is None else ops.tanh(y / cap) * cap

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None if self._reverse else super().compute_mask(inputs, mask)

    def compute_output_shape(self, input_shape: Any, reverse: bool = False) -> Any:
        return (*input_shape[:-1], self.input_dim) if reverse else super().compute_output_shape(input_shape)

    def _limited_inputs(self, inputs):
        # what goes back is a float
        return super()._limited_inputs(inputs) if core.dtype_of(inputs) in core.INTS else []

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), 'tie_weights': self.tie_weights, 'reverse_dtype': self.reverse_dtype,
                'logit_soft_cap': self.logit_soft_cap}
