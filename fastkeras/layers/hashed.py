"""Categories put into a fixed number of bins by a hash: Hashing and HashedCrossing."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import config as settings
from fastkeras.ops import core
from fastkeras.utils import nest
from fastkeras.utils.fingerprints import CROSS_KEY, crossed, fingerprints, keyed
from fastkeras.utils.texts import STRING, as_bytes

from .checks import count
from .host_layer import _HostLayer, encode, encoded_shape, no_sparse, output_mode, salt_of
from .input_spec import title

__all__ = ['HashedCrossing', 'Hashing']


def bins_of(texts: list, n: int, salt: Any = None) -> np.ndarray:
    """The bin, from 0 to n - 1, of each text of a list of bytes: FarmHash64, or SipHash64 under a salt; int64."""
    hashed = fingerprints(texts) if salt is None else keyed(texts, salt)
    return (hashed % np.uint64(n)).astype(np.int64)


def written(array: np.ndarray) -> list:
    """The members of an array of texts or whole numbers as a list of bytes, numbers in decimal digits; floats are cut.
    """
    if array.dtype == object:
        return as_bytes(array)
    return array.ravel().astype(np.int64).astype('S21').tolist()


class _Hashed(_HostLayer):
    """What both have: bins that are given as numbers or encoded."""

    def __init__(self, num_bins, mode, modes, sparse, dtype, kwargs):
        super().__init__(dtype=dtype or ('int64' if mode == 'int' else settings.floatx()), **kwargs)
        self.num_bins = count(self, 'num_bins', num_bins)
        self.output_mode = output_mode(self, mode, modes)
        no_sparse(self, sparse)
        if self.output_mode == 'int' and self.dtype not in core.INTS:
            raise ValueError(f"{title(self)}: expected dtype to be 'int32' or 'int64' for output_mode='int', got "
                             f'{self.dtype!r}')
        self.sparse = False

    def result_dtype(self, dtype: str) -> str:
        return self.dtype

    def _encoded(self, bins):
        if self.output_mode == 'int':
            return bins.astype(self.dtype)
        return encode(bins, self.output_mode, self.num_bins, self.dtype)


class Hashing(_Hashed):
    """The bin of each text or whole number by a hash: equal values get equal bins, others may share one by chance.

    num_bins: number of bins. mask_value: this value, and it alone, gets bin 0. salt: a whole number, or two, of another
    hash, SipHash64; None for FarmHash64. Whole numbers are hashed as their decimal digits, floats are cut to whole
    numbers. output_mode: 'int' gives bins, int64; 'one_hot' an axis of num_bins numbers for each value (in place of a
    last axis of size 1); 'multi_hot' and 'count' one row of num_bins for the values along the last axis: whether, and
    how often, each bin is met. sparse: only False. Bins are those of Keras 3 on TensorFlow. Raises ValueError for other
    arguments.
    """

    def __init__(self, num_bins: int, mask_value: Any = None, salt: Any = None, output_mode: str = 'int',
                 sparse: bool = False, **kwargs: Any) -> None:
        super().__init__(num_bins, output_mode, ('int', 'one_hot', 'multi_hot', 'count'), sparse, kwargs.pop('dtype', None),
                         kwargs)
        self.mask_value = mask_value
        self.salt = salt_of(self, salt)

    def compute(self, inputs: Any) -> np.ndarray:
        reserved = self.mask_value is not None and self.num_bins > 1
        bins = bins_of(written(inputs), self.num_bins - reserved, self.salt).reshape(inputs.shape)
        if reserved:
            bins = np.where(self._masked(inputs), 0, bins + 1)
        return self._encoded(bins)

    def _masked(self, inputs):
        if inputs.dtype != object:
            if isinstance(self.mask_value, (str, bytes)):
                raise ValueError(f'{title(self)}: its inputs are numbers, and its mask_value is the text {self.mask_value!r}; '
                                 f'give both of one kind')
            return inputs == self.mask_value
        if not isinstance(self.mask_value, (str, bytes)):
            raise ValueError(f'{title(self)}: its inputs are texts, and its mask_value is {self.mask_value!r}; give a text')
        mask = self.mask_value if isinstance(self.mask_value, bytes) else self.mask_value.encode()
        return np.array([t == mask for t in as_bytes(inputs)], bool).reshape(inputs.shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return encoded_shape(self.output_mode, input_shape, self.num_bins)

    def get_config(self) -> dict[str, Any]:
        return {**self._config_with('num_bins', 'salt', 'mask_value', 'output_mode', 'sparse'), 'dtype': self.dtype}


class HashedCrossing(_Hashed):
    """The bin of each combination of values: a list of two inputs or more, texts or whole numbers, of one shape,
    (samples,) or (samples, 1).

    num_bins: number of bins. output_mode: 'int' gives bins of that shape, int64; 'one_hot' (samples, num_bins). sparse:
    only False. Bins are those of Keras 3 on TensorFlow. Raises ValueError for a single input, floats, and shapes that
    differ.
    """

    def __init__(self, num_bins: int, output_mode: str = 'int', sparse: bool = False, name: str | None = None,
                 dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(num_bins, output_mode, ('int', 'one_hot'), sparse, dtype, {'name': name, **kwargs})

    def _host_arrays(self, inputs):
        if not isinstance(inputs, (list, tuple)):
            raise self._too_few(inputs)
        arrays = [self._host_array(x) for x in inputs]
        self._checked([a.shape for a in arrays], [STRING if a.dtype == object else a.dtype.name for a in arrays])
        return arrays

    def call(self, inputs: Any) -> Any:
        tensors = nest.to_list(inputs)
        self._checked([tuple(x.shape) for x in tensors], [x.dtype for x in tensors])
        return super().call(tensors)

    def _too_few(self, got):
        return ValueError(f'{title(self)}: expected a list of at least two inputs, got {got!r:.80}')

    def _checked(self, shapes, dtypes):
        if len(shapes) < 2:
            raise self._too_few(f'{len(shapes)} of shape {shapes}')
        if len({len(s) for s in shapes}) > 1 or any(len({d for d in sizes if d is not None}) > 1 for sizes in zip(*shapes)):
            raise ValueError(f'{title(self)}: expected inputs of one shape, got {shapes}')
        if len(shapes[0]) > 2 or len(shapes[0]) == 2 and shapes[0][-1] != 1:
            raise ValueError(f'{title(self)}: expected inputs of shape (samples,) or (samples, 1), got {shapes[0]}')
        wrong = [d for d in dtypes if d.startswith(('float', 'bool'))]
        if wrong:
            raise ValueError(f'{title(self)}: expected inputs of texts or whole numbers, got {wrong[0]}; put floats into bins '
                             f'first, as by Discretization')

    def compute(self, inputs: Any) -> np.ndarray:
        shape = inputs[0].shape
        hashed = np.full(inputs[0].size, np.uint64(CROSS_KEY))
        for x in inputs:
            own = fingerprints(as_bytes(x)) if x.dtype == object else x.ravel().astype(np.int64).view(np.uint64)
            hashed = crossed(hashed, own)
        return self._encoded((hashed % np.uint64(self.num_bins)).astype(np.int64).reshape(shape))

    def compute_output_shape(self, input_shape: Any) -> Any:
        shapes = nest.flatten_shapes(input_shape)
        self._checked(shapes, [])
        return encoded_shape(self.output_mode, shapes[0], self.num_bins)

    def get_config(self) -> dict[str, Any]:
        return {**self._config_with('num_bins', 'output_mode', 'sparse'), 'dtype': self.dtype}
