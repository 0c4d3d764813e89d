"""What a value is: a Keras tensor; the name of a type."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import config
from fastkeras.ops import Tensor

_PYTHON = {bool: 'bool', int: 'int32', 'int': 'int32', float: 'float32', str: 'string', complex: 'complex64'}
_NAMES = ('float16', 'float32', 'float64', 'uint8', 'uint16', 'uint32', 'uint64', 'int8', 'int16', 'int32', 'int64', 'bfloat16',
          'bool', 'string', 'float8_e4m3fn', 'float8_e5m2', 'complex64', 'complex128')


def is_keras_tensor(x: Any) -> Any:
    """Whether x is symbolic: what Input gives, and what layers and ops make of that."""
    return isinstance(x, Tensor)


def standardize_dtype(dtype: Any) -> Any:
    """The name of a type that Keras 3 knows, given as a name, a NumPy or Python type, or the type of an array of another
    library; floatx for None. The engine computes in fewer: see `fastkeras.ops.cast`. ValueError for an unknown one.
    """
    if dtype is None:
        return config.floatx()
    try:
        name = _PYTHON.get(dtype, dtype)
    except TypeError:
        name = dtype
    if isinstance(name, type) and issubclass(name, np.generic):
        name = np.dtype(name).name
    name = getattr(name, 'name', getattr(name, '__name__', name))
    if not isinstance(name, str):           # torch.float32
        name = str(name).split('.')[-1]
    if name not in _NAMES:
        raise ValueError(f'standardize_dtype: expected one of {", ".join(_NAMES)}, got {dtype!r}')
    return name
