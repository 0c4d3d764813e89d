"""Whole numbers encoded, and numbers put into bins: CategoryEncoding and Discretization."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastkeras import ops
from fastkeras.ops import core
from fastkeras.runtime import Variable

from .base import Layer
from .checks import as_float, count, number
from .host_layer import Adapting, encoded_shape, no_sparse
from .host_layer import output_mode as output_mode_of
from .input_spec import title

__all__ = ['CategoryEncoding', 'Discretization']


def encoded(indices: Any, mode: str, depth: int, dtype: str, weights: Any = None) -> Any:
    """A tensor of indices in one output mode; `host_layer.encode` does it for arrays."""
    if mode == 'int':
        return ops.cast(indices, dtype)
    if mode == 'one_hot':
        if len(indices.shape) > 1 and indices.shape[-1] == 1:
            indices = ops.squeeze(indices, -1)
        return ops.one_hot(indices, depth, dtype=dtype)
    if not indices.shape:
        indices = ops.expand_dims(indices, 0)
    shape = tuple(indices.shape)
    rows = None if None in shape else math.prod(shape[:-1])
    if rows is None or rows * (depth + 1) >= 2 ** 31:       # while a model is described, its shape is all that counts
        hot = ops.one_hot(indices, depth, dtype=dtype)
        if mode == 'multi_hot':
            return ops.max(hot, axis=-2)
        return ops.sum(hot if weights is None else hot * ops.expand_dims(weights, -1), axis=-2)
    # what is no category goes into a column of its own, behind the others
    index = ops.cast(ops.reshape(indices, (rows, shape[-1])), 'int32')
    index = ops.where(ops.logical_or(ops.less(index, 0), ops.greater_equal(index, depth)), depth, index)
    index = index + np.arange(rows, dtype=np.int32)[:, None] * (depth + 1)
    ones = np.ones(index.shape, np.float32) if weights is None else ops.reshape(weights, index.shape)
    counts = ops.reshape(ops.scatter_add(ops.reshape(index, (-1,)), ops.reshape(ones, (-1,)), rows * (depth + 1)),
                         (*shape[:-1], depth + 1))[..., :depth]
    return ops.cast(ops.minimum(counts, 1.0) if mode == 'multi_hot' else counts, dtype)


class CategoryEncoding(Layer):
    """Whole numbers from 0 to num_tokens - 1 as rows of num_tokens numbers.

    output_mode: 'multi_hot': a row for the numbers along the last axis, 1 for those that are met; 'count': how often
    each is met, or the sum of its count_weights; 'one_hot': a row for each number, in place of a last axis of size 1.
    sparse: only False. Called with (inputs, count_weights=None). Other numbers count for nothing in a model, and are a
    ValueError where the layer is called on an array.
    """

    def __init__(self, num_tokens: int | None = None, output_mode: str = 'multi_hot', sparse: bool = False,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if num_tokens is None:
            raise ValueError(f'{title(self)}: expected num_tokens, got None; where it is not known, use IntegerLookup')
        self.num_tokens = count(self, 'num_tokens', num_tokens)
        self.output_mode = output_mode_of(self, output_mode, ('multi_hot', 'one_hot', 'count'))
        no_sparse(self, sparse)
        self.sparse = False

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        if count_weights is not None:
            if self.output_mode != 'count':
                raise ValueError(f"{title(self)}: count_weights are for output_mode='count', got them with "
                                 f'{self.output_mode!r}')
            count_weights = as_float(self, core.tensor(count_weights))
        if core.dtype_of(inputs) not in core.INTS:
            inputs = ops.cast(inputs, 'int32')
        return encoded(inputs, self.output_mode, self.num_tokens, self.dtype if count_weights is None else
                       count_weights.dtype, count_weights)

    def compute_output_spec(self, inputs: Any, count_weights: Any = None) -> Any:
        """The Keras tensor of the shape and type that the layer gives for such inputs; the call is not recorded."""
        return super().compute_output_spec(inputs, **({} if count_weights is None else {'count_weights': count_weights}))

    def _compute(self, inputs, kwargs):
        inputs = self._numbers(inputs)
        if inputs.size:
            low, high = inputs.min(), inputs.max()
            if low < 0 or high >= self.num_tokens:
                raise ValueError(f'{title(self)}: expected whole numbers from 0 to {self.num_tokens - 1}, got '
                                 f'{low if low < 0 else high}')
        weights = kwargs.get('count_weights')
        if weights is not None:
            kwargs = {**kwargs, 'count_weights': self._numbers(weights)}
        return super()._compute(inputs, kwargs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return encoded_shape(self.output_mode, input_shape, self.num_tokens)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('num_tokens', 'output_mode', 'sparse')


class Discretization(Adapting, Layer):
    """The bin of each number: 0 below the first boundary, k from boundary k - 1 on and below boundary k.

    bin_boundaries: rising numbers; or num_bins: `adapt` finds boundaries between which the data have about equally many
    numbers each. epsilon: of the ranks by which these may be wrong, as a share of the data. output_mode: 'int' gives
    int32 of the shape of the inputs; the others encode as in CategoryEncoding. sparse: only False. Raises ValueError
    unless exactly one of bin_boundaries and num_bins is given, and where the layer is used before it has boundaries.
    """

    _untracked = frozenset(('_edges',))
    _not_in_keras3 = ('trainable',)

    def __init__(self, bin_boundaries: Any = None, num_bins: int | None = None, epsilon: float = 0.01,
                 output_mode: str = 'int', sparse: bool = False, dtype: Any = None, name: str | None = None,
                 **kwargs: Any) -> None:
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.epsilon = number(self, 'epsilon', epsilon, 0, 1)
        if (num_bins is None) == (bin_boundaries is None):
            raise ValueError(f'{title(self)}: expected either bin_boundaries or num_bins, got '
                             f'{"neither" if num_bins is None else "both"}')
        self.num_bins = None if num_bins is None else count(self, 'num_bins', num_bins)
        self.output_mode = output_mode_of(self, output_mode, ('int', 'one_hot', 'multi_hot', 'count'))
        no_sparse(self, sparse)
        self.sparse = False
        self.summary = None         # (2, n): numbers in rising order, and how many each stands for
        self._edges = self._boundaries = None
        self.bin_boundaries = bin_boundaries

    @property
    def bin_boundaries(self) -> Any:
        """The boundaries, a list; None before `adapt`."""
        return self._boundaries

    @bin_boundaries.setter
    def bin_boundaries(self, boundaries: Any) -> None:
        if boundaries is None:
            self._boundaries = None
            return
        values = np.asarray(boundaries, np.float64)
        if values.ndim != 1 or not (np.diff(values) >= 0).all():
            raise ValueError(f'{title(self)}: expected bin_boundaries to be a list of rising numbers, got {boundaries!r:.80}')
        self._boundaries = values.tolist()
        # plans read a variable, so they follow another adapt; what is not a boundary is above every number
        edges = np.full(max(len(values), self.num_bins or 0), np.nan, self.compute_dtype)
        edges[:len(values)] = values
        if self._edges is None or self._edges.shape != edges.shape:
            self._edges = Variable(edges, trainable=False, name=f'{self.name}/bin_boundaries')
            self._forget_functions()
        else:
            self._edges.assign(edges)
            if self.output_mode != 'int':
                self._forget_functions()

    # ---- learning
    def reset_state(self) -> None:
        """Forget what was learnt from batches. ValueError where bin_boundaries were given."""
        if self.num_bins is None:
            raise ValueError(f'{title(self)}: it was made with bin_boundaries, which adapt would replace; give num_bins')
        self.summary = None

    def _is_list_of_batches(self, data):
        return isinstance(data, (list, tuple)) and any(hasattr(d, 'shape') for d in data)

    def update_state(self, data: Any) -> None:
        """Take a batch into account."""
        values = np.sort(np.asarray(data, np.float32), axis=None)
        if not values.size:
            return
        # every so many of the sorted numbers stands for those before it; the way of Keras, so that boundaries are the same
        step = max(len(values) * self.epsilon, 1)
        points = values[int(step - 1)::int(step)]
        new = np.stack([points, np.full_like(points, step)])
        if self.summary is not None:
            new = np.concatenate((new, self.summary), axis=1)
            new = new[:, np.argsort(new[0])]
        self.summary = _compressed(new, self.epsilon)

    def finalize_state(self) -> None:
        """Make the boundaries of the batches seen since reset_state."""
        if self.num_bins is not None and self.summary is not None:
            self.bin_boundaries = _compressed(self.summary, 1.0 / self.num_bins)[0, :-1]

    # ---- computing
    def call(self, inputs: Any) -> Any:
        if self._boundaries is None:
            raise ValueError(f'{title(self)}: it has no boundaries yet; give bin_boundaries, or call adapt before it is used')
        inputs = as_float(self, inputs)
        bins = ops.digitize(inputs, self._edges) if self._boundaries else ops.cast(ops.zeros_like(inputs), 'int32')
        return encoded(bins, self.output_mode, len(self._boundaries) + 1, self.output_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        depth = self.num_bins if self._boundaries is None else len(self._boundaries) + 1
        return encoded_shape(self.output_mode, input_shape, depth)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('bin_boundaries', 'num_bins', 'epsilon', 'output_mode', 'sparse')

    def compute_output_spec(self, inputs: Any) -> Any:
        """The Keras tensor of the shape and type that the layer gives for such inputs; the call is not recorded."""
        return super().compute_output_spec(inputs)

    @property
    def input_dtype(self) -> str:
        """Name of the type that numbers are compared in."""
        return self.compute_dtype

    @property
    def output_dtype(self) -> str:
        """Name of the type of the result: int32 for bins, else the layer's float type."""
        return 'int32' if self.output_mode == 'int' else self.compute_dtype

    @classmethod
    def from_config(cls, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """The layer of a configuration; with both bin_boundaries and num_bins it has learnt the boundaries."""
        config = dict(config)
        learnt = config.pop('bin_boundaries') if config.get('num_bins') is not None and 'bin_boundaries' in config else None
        layer = super().from_config(config)
        if learnt is not None:
            layer.bin_boundaries = learnt
        return layer



def _compressed(summary, epsilon):
    """A summary of about 1 / epsilon numbers, between which lie equal shares of the weight."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    weights = summary[1].cumsum()
    of_all = weights / weights[-1]
    points = np.interp(shares, of_all, summary[0])
    weights = np.diff(np.interp(shares, of_all, weights), prepend=0)
    return np.stack((points, weights)).astype(np.float32)
