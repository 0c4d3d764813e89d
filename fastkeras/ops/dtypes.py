"""The types a node may have, and in which of them values meet."""

import re

import numpy as np

from .. import config

# the types a node may have, each promoted to the later one where two meet
DTYPES = ('bool', 'uint8', 'int32', 'int64', 'float32', 'float64')
_RANK = {name: i for i, name in enumerate(DTYPES)}
_NEAREST = {'float16': 'float32', 'int8': 'int32', 'int16': 'int32', 'uint16': 'int32',
            'uint32': 'int64', 'uint64': 'int64'}
INTS = ('int32', 'int64')
FLOATS = ('float32', 'float64')
_NAMES = {np.dtype(name): name for name in DTYPES}
_A_NAME = re.compile(r'[<>=|]?[A-Za-z?][A-Za-z_]{0,12}[0-9]{0,3}_?')


def name_of(dtype):
    """`name` of an np.dtype, which NumPy makes anew each time it is asked: a trace asks thousands of times."""
    return _NAMES.get(dtype) or dtype.name


def dtype_name(dtype):
    """Name of a type given as a name, np.dtype or scalar type, among DTYPES; ValueError for one the engine has not."""
    try:
        # NumPy reads more out of a text than the name of a type: records, for one, of millions of fields
        name = np.dtype(dtype).name if not isinstance(dtype, str) or _A_NAME.fullmatch(dtype) else f'{dtype:.40}'
    except TypeError:
        name = str(dtype)
    name = _NEAREST.get(name, name)
    if name not in _RANK:
        raise ValueError(f'dtype: expected one of {", ".join(DTYPES)}, got {dtype!r:.60}')
    return name


def to_array(x, dtype=None):
    """An ndarray of one of our types. Python floats become floatx and integers int32 where they fit; arrays keep their
    type (float16 becomes float32), and are copied where they are not aligned or of the other byte order. ValueError for
    text, objects, ragged lists; TypeError for a symbolic Tensor."""
    if type(x) is np.ndarray and dtype is None and name_of(x.dtype) in _RANK:
        return x if x.dtype.isnative and x.flags.aligned else _plain(x)
    given = isinstance(x, (np.ndarray, np.generic)) or hasattr(x, '__fastkeras_tensor__')
    try:
        array = np.asarray(x)
    except ValueError as e:
        raise ValueError(f'expected numbers in a regular array, got a ragged {type(x).__name__}: {e}') from None
    if dtype is not None:
        want = dtype_name(dtype)
    elif given or array.dtype.kind not in 'fi':
        want = _NEAREST.get(array.dtype.name, array.dtype.name)
    elif array.dtype.kind == 'f':
        want = config.floatx()
    else:
        want = 'int32' if array.size == 0 or abs(array).max() < 2 ** 31 else 'int64'
    if array.dtype.kind not in 'biuf' or want not in _RANK:
        raise ValueError(f'expected numbers ({", ".join(DTYPES)}), got {array.dtype} from a {type(x).__name__}')
    if name_of(array.dtype) != want:
        return array.astype(want)
    return array if array.dtype.isnative and array.flags.aligned else _plain(array)


def _plain(array):
    """A copy whose numbers stand as the processor reads them: in its order of bytes, each at a multiple of its size."""
    return array.astype(array.dtype.newbyteorder('='))


def promoted(*dtypes):
    """The type in which values of these types meet."""
    return max(dtypes, key=_RANK.__getitem__)


def met(a, b):
    """The type in which arrays of two types meet."""
    if a is None or a == b:
        return b
    return config.floatx() if {a, b} == set(FLOATS) else promoted(a, b)
