"""Pickled data read without running what a pickle may ask for.

Lists, dicts, text and numbers are taken as they are; of NumPy only the description of an array is, as a `PickledArray`, which
NumPy itself never sees. Anything else is an error. Nothing in a file is called: the names it may use are answered by the
stand-ins below.
"""

import pickle

import numpy as np


class PickledArray:
    """What a pickle says of an array, not yet believed."""

    __slots__ = ('_state',)

    def __setstate__(self, state):
        self._state = state

    def _parts(self, kinds):
        """(shape, data) of an array in the order of C, after a check that it is of one of the kinds."""
        try:
            _version, shape, dtype, columns_first, data = self._state
            count = 1
            for size in shape:
                if type(size) is not int or size < 0:
                    raise ValueError
                count *= size
            good = isinstance(dtype, _Kind) and dtype.name in kinds and columns_first in (0, False) and len(data) == count
        except (AttributeError, TypeError, ValueError):
            good = False
        if not good:
            raise ValueError(f'expected an array of {" or ".join(kinds)} in the order of C with all its elements')
        return tuple(shape), data

    def bytes(self):
        """The array, when it is one of uint8."""
        shape, data = self._parts(('u1', '|u1'))
        if not isinstance(data, bytes):
            raise ValueError(f'expected the elements as bytes, got {type(data).__name__}')
        return np.frombuffer(data, np.uint8).reshape(shape)

    def objects(self):
        """The elements of a 1-dimensional array of objects, as a list."""
        shape, data = self._parts(('O', 'O4', 'O8', '|O'))
        if len(shape) != 1 or not isinstance(data, list):
            raise ValueError(f'expected a 1-dimensional array of objects, got shape {shape}')
        return data


class _Kind:
    __slots__ = ('name',)

    def __init__(self, name):
        self.name = name

    def __setstate__(self, state):
        """The rest of a type's description: for bytes and objects it is always the same."""


# stand-ins for what pickles of arrays call. Instances without attributes, since a pickle may try to set some.
class _NewArray:
    __slots__ = ()

    def __call__(self, *_):
        return PickledArray()


class _NewKind:
    __slots__ = ()

    def __call__(self, name, *_):
        return _Kind(name.decode('latin1') if isinstance(name, bytes) else name)


class _Encode:
    """Bytes, as Python 3 writes them for Python 2."""
    __slots__ = ()

    def __call__(self, text, encoding):
        if not isinstance(text, str) or encoding != 'latin1':
            raise pickle.UnpicklingError('expected text in latin1')
        return text.encode('latin1')


_STAND_INS = {('numpy.core.multiarray', '_reconstruct'): _NewArray, ('numpy._core.multiarray', '_reconstruct'): _NewArray,
              ('numpy', 'ndarray'): object, ('numpy', 'dtype'): _NewKind, ('_codecs', 'encode'): _Encode}


class _StandIns:
    def find_class(self, module, name):
        if (module, name) not in _STAND_INS:
            raise pickle.UnpicklingError(f'it asks for {module}.{name}, which data has no use for')
        return _STAND_INS[module, name]()


class _Reader(_StandIns, pickle._Unpickler):
    """In Python. The one in C keeps what is to be used again in an array that is as long as the pickle says: ten bytes can
    make it 32 GB."""


class _QuickReader(_StandIns, pickle.Unpickler):
    pass


def load(file, quick=False):
    """What is pickled in an open file; strings of Python 2 as bytes, arrays as PickledArray. ValueError for a pickle that asks
    for anything else, or is damaged.

    quick: four times as fast, for millions of elements; only for files that are known, since it may take any amount of
    memory.
    """
    try:
        return (_QuickReader if quick else _Reader)(file, encoding='bytes').load()
    except Exception as error:          # a damaged pickle may raise of any kind
        raise ValueError(f'cannot be read as pickled data: {error or type(error).__name__}') from error
