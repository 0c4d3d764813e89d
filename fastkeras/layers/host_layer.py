"""What layers have in common that turn texts and categories into numbers: they compute in NumPy, and learn from data.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import config as settings
from fastkeras import ops
from fastkeras.ops import core
from fastkeras.ops.on_host import on_host
from fastkeras.utils import nest
from fastkeras.utils.sequence import is_batches
from fastkeras.utils.texts import STRING, is_text, text_array

from .base import Layer
from .input_spec import title


class _HostLayer(Layer):
    """A layer that is computed by `compute(array or list of arrays) -> array`, in NumPy.

    On arrays, texts among them, it computes at once. On tensors of numbers it is a step of the plan in Python. Texts
    never come into a plan: a described model computes what it makes of them in front of it (see text_front).
    """

    _takes_text = True

    def compute(self, inputs: Any) -> np.ndarray:
        """The result for an array, or for a list of arrays in a layer of several inputs."""
        raise TypeError(f'{type(self).__name__} needs a method compute(inputs)')

    def result_dtype(self, dtype: str) -> str:
        """Name of the type of the result for inputs of a type; 'string' for texts."""
        raise TypeError(f'{type(self).__name__} needs a method result_dtype(dtype)')

    def call(self, inputs: Any) -> Any:
        tensors = nest.flatten(inputs)
        shape = self.compute_output_shape(nest.map_structure(lambda x: tuple(x.shape), inputs))
        dtype = self.result_dtype(tensors[0].dtype)
        if STRING in (dtype, *(t.dtype for t in tensors)):      # only its shape is asked for
            return ops.Tensor('input', (), {}, shape, dtype)
        return on_host(tensors, self._packed if isinstance(inputs, (list, tuple)) else self.compute, shape, dtype)

    def compute_output_spec(self, inputs: Any) -> Any:
        """The Keras tensor of the shape and type that the layer gives for such inputs; the call is not recorded."""
        return super().compute_output_spec(inputs)

    def _packed(self, *arrays):
        return self.compute(list(arrays))

    def _compute(self, inputs, kwargs):
        arrays = self._host_arrays(inputs)
        if not self.built:
            self._build_for(arrays, {})
        return self.compute(arrays)

    def _host_arrays(self, inputs):
        return self._host_array(inputs)

    def _host_array(self, x):
        """x as an array of numbers, or one of type object that holds texts."""
        try:
            return text_array(x) if is_text(x) else np.asarray(x if hasattr(x, 'dtype') else core.to_array(x))
        except (ValueError, TypeError) as error:
            raise ValueError(f'{title(self)}: {error}') from None


class Adapting:
    """Mixin of a layer that learns from data before a model is trained: `reset_state`, `update_state(batch)` and
    `finalize_state`, which `adapt` calls."""

    def adapt(self, data: Any, steps: int | None = None, batch_size: int | None = None) -> None:
        """Learn from data, and forget what was learnt before.

        data: an array or list of samples; or a generator, Sequence or something else to iterate over, of batches, of
        which each is x, or (x, y), of which x counts. steps: at most so many batches are read; needed where they have
        no end. batch_size: rows of an array that are looked at together, None for all. Raises ValueError for data
        without samples.
        """
        self.reset_state()
        empty = True
        for batch in self._batches_of(data, steps, batch_size):
            self.update_state(batch)
            empty = False
        if empty:
            raise ValueError(f'{title(self)}: adapt: expected data with at least one sample, got none')
        self.finalize_state()

    def _batches_of(self, data, steps, batch_size):
        if steps is not None and (not hasattr(steps, '__index__') or steps < 1):
            raise ValueError(f'{title(self)}: adapt: expected steps to be a whole number of at least 1, or None, got {steps!r}')
        if is_batches(data) or self._is_list_of_batches(data):
            for k, batch in enumerate(data):
                if steps is not None and k >= steps:
                    break
                yield batch[0] if isinstance(batch, tuple) and len(batch) in (2, 3) else batch
            return
        array = self._adapt_array(data)
        if array.ndim and not len(array):
            return
        size = batch_size or max(1, len(array) if array.ndim else 1)
        for k, start in enumerate(range(0, len(array) if array.ndim else 1, size)):
            if steps is not None and k >= steps:
                break
            yield array[start:start + size] if array.ndim else array

    def _is_list_of_batches(self, data):
        return False

    def _adapt_array(self, data):
        """The samples of an array or list, as `update_state` takes them."""
        return np.asarray(data)


OUTPUT_MODES = ('int', 'one_hot', 'multi_hot', 'count', 'tf_idf')


def output_mode(layer: Any, mode: Any, allowed: tuple) -> str:
    """A checked output_mode; 'binary' and 'tf-idf' are older names."""
    mode = {'binary': 'multi_hot', 'tf-idf': 'tf_idf'}.get(mode, mode) if isinstance(mode, str) else mode
    if mode not in allowed:
        raise ValueError(f'{title(layer)}: expected output_mode to be one of {", ".join(map(repr, allowed))}, got {mode!r}')
    return mode


def no_sparse(layer: Any, sparse: Any) -> None:
    """ValueError for sparse=True."""
    if sparse:
        raise ValueError(f'{title(layer)}: sparse=True asks for sparse tensors, and the engine has dense ones only; leave it '
                         f'out: the numbers are the same')


def salt_of(layer: Any, salt: Any) -> Any:
    """A salt as a list of two whole numbers, or None."""
    if salt is None or isinstance(salt, (tuple, list)) and len(salt) == 2 and all(hasattr(s, '__index__') for s in salt):
        return None if salt is None else [int(s) for s in salt]
    if hasattr(salt, '__index__') and not isinstance(salt, bool):
        return [int(salt)] * 2
    raise ValueError(f'{title(layer)}: expected salt to be a whole number, two of them or None, got {salt!r}')


def encoded_shape(mode: str, shape: Any, depth: Any) -> tuple:
    """The shape of `encode`'s result for indices of a shape."""
    shape = tuple(shape)
    if mode == 'int':
        return shape
    if mode == 'one_hot':
        return (*(shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape), depth)
    return (*shape[:-1], depth)


def encode(indices: np.ndarray, mode: str, depth: int, dtype: Any = None, weights: Any = None) -> np.ndarray:
    """Indices of categories as an array of one output mode.

    'one_hot': an axis of `depth` behind (...), or in place of a last axis of size 1; 'multi_hot' and 'count': in place
    of the last axis, over which is counted. Indices outside 0 … depth - 1 count for nothing. weights: of each index.
    """
    dtype = dtype or settings.floatx()
    if mode == 'one_hot':
        shape = encoded_shape(mode, indices.shape, depth)
        rows = indices.reshape(-1, 1)
    else:
        rows = indices.reshape(-1, indices.shape[-1]) if indices.ndim else indices.reshape(1, 1)
        shape = encoded_shape(mode, indices.shape, depth)
    row, column = np.nonzero((rows >= 0) & (rows < depth))
    index = rows[row, column].astype(np.int64) + row * depth
    if mode in ('one_hot', 'multi_hot'):
        out = np.zeros(len(rows) * depth, dtype)
        out[index] = 1
    else:
        w = None if weights is None else np.asarray(weights, np.float64).reshape(rows.shape)[row, column]
        out = np.bincount(index, w, len(rows) * depth).astype(dtype)
    return out.reshape(shape)
