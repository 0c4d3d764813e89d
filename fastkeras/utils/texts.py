"""Texts in arrays: what counts as text, and texts as bytes and back."""

import numpy as np

STRING = 'string'       # the type of a Keras tensor of texts; no plan holds one


def is_text(x):
    """Whether x is a text, or an array or nested list whose first member is one."""
    dtype = getattr(x, 'dtype', None)
    if isinstance(dtype, np.dtype):
        if dtype.kind != 'O':
            return dtype.kind in 'US'
        return x.size > 0 and isinstance(x.flat[0], (str, bytes))
    while isinstance(x, (list, tuple)) and len(x):
        x = x[0]
        if hasattr(x, 'dtype'):
            return is_text(x)
    return isinstance(x, (str, bytes))


def text_array(x):
    """x as an array of type object whose members are str or bytes. ValueError for ragged lists, and for what is no
    text."""
    if hasattr(x, 'to_numpy'):
        x = x.to_numpy()
    try:
        array = np.asarray(x)
    except ValueError as e:
        raise ValueError(f'expected texts in a regular array, got a ragged {type(x).__name__}: {e}') from None
    if array.dtype.kind in 'US':
        return array.astype(object)
    if array.dtype.kind != 'O':
        raise ValueError(f'expected texts, got an array of {array.dtype}')
    for at, value in zip(np.ndindex(array.shape), array.flat):
        if not isinstance(value, (str, bytes)):
            raise ValueError(f'expected texts, got {value!r:.60} at {list(at)}')
    return array


def as_bytes(array, encoding='utf-8'):
    """The members of an array of texts as a list of bytes, in the order of memory."""
    texts = array.ravel().tolist()
    if set(map(type, texts)) <= {str}:
        return [x.encode(encoding, 'surrogateescape') for x in texts]
    return [x if isinstance(x, bytes) else x.encode(encoding, 'surrogateescape') for x in texts]


def as_str(texts, encoding='utf-8'):
    """A list of bytes or str as a list of str; bytes that are no text of the encoding are kept as lone surrogates."""
    return [x.decode(encoding, 'surrogateescape') if isinstance(x, bytes) else x for x in texts]


def objects(values, shape=None):
    """A list as an array of type object."""
    array = np.empty(len(values), object)
    array[:] = values
    return array if shape is None else array.reshape(shape)
