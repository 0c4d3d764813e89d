"""What a user passes as inputs and targets → lists of arrays in the model's order, checked."""

import decimal
import numbers

import numpy as np

from fastkeras import config, generation
from fastkeras.utils.errors import place
from fastkeras.utils.indices import check_indices
from fastkeras.utils.texts import STRING, is_text, text_array

_KINDS = 'biuf'
_REAL = (numbers.Real, decimal.Decimal, np.bool_)
_WHOLE = ('uint8', 'int32', 'int64')     # types of a plan


class Slot:
    """One place that takes an array: an input of the model, or the target of one of its outputs.

    role: 'input' or 'target'. name: of the input or output. shape: as expected, batch first, None where any size
    goes; None when nothing is known. dtype: what the plan is fed. labels: number of classes where whole numbers below
    it are expected. loss: name of the loss that asks for this shape, for messages. indices: (limit, what sets it) where the
    numbers point into a table.
    """

    __slots__ = ('role', 'name', 'shape', 'dtype', 'labels', 'ignored', 'loss', 'check', 'indices')

    def __init__(self, role, name, shape=None, dtype='float32', labels=None, loss=None, check=None, ignored=None,
                 indices=None):
        self.role = role
        self.name = name
        self.shape = shape
        self.dtype = dtype
        self.labels = labels
        self.ignored = ignored  # a label that stands for no class
        self.loss = loss
        self.check = check      # array → raises what the loss has to say about it
        self.indices = indices

    def __str__(self):
        return f'input {self.name!r}' if self.role == 'input' else f'the target of output {self.name!r}'

    def error(self, expected, got, advice='', but=''):
        because = f' (for the loss {self.loss})' if self.loss else ''
        return ValueError(f'Error when checking {str(self).removeprefix("the ")}: expected {expected}{because}, {but}got {got}'
                          f'{"; " + advice if advice else ""}')


def is_lazy(data):
    """Whether `data` is an array that is read piece by piece: of HDF5, or a sparse matrix."""
    return not isinstance(data, np.ndarray) and (
        (hasattr(data, 'shape') and hasattr(data, 'dtype') and hasattr(data, '__getitem__') and hasattr(data, 'chunks'))
        or hasattr(data, 'tocsr'))


def listed(data, slots, role):
    """The user's data as a list with one member per slot: from an array, a list, or a dict by name."""
    names = [s.name for s in slots]
    many = f'{len(names)} {role}{"s" if len(names) != 1 else ""} ({", ".join(map(repr, names))})'
    if not slots:
        if data is None or (hasattr(data, '__len__') and not len(data)):
            return []
        why = (", for compile got no loss to compare it with: give one, as in compile('adam', 'mse'), or pass no "
               'target' if role == 'target' else '')
        raise ValueError(f'the model takes no {role}{why}; got {describe(data)}')
    if data is None:
        raise ValueError(f'None values not supported: the model takes {many}, got None; pass a NumPy array'
                         f'{"" if len(names) == 1 else " for each, in a list or a dict by name"}')
    if isinstance(data, dict):
        missing = [n for n in names if n not in data]
        if missing:
            raise ValueError(f'no data for {role} {missing[0]!r}; the model takes {many}, got data for '
                             f"{', '.join(map(repr, data)) or 'nothing'}")
        return [data[n] for n in names]
    if isinstance(data, (list, tuple)):
        if not len(data):
            raise ValueError(f'the model takes {many}, got an empty {type(data).__name__}')
        if len(names) == 1 and not any(_is_array(d) for d in data):
            return [data]           # numbers in nested lists
        if len(data) != len(names):
            advice = '; for one array of samples, stack them: np.array(data)' if len(names) == 1 else ''
            raise ValueError(f'Error when checking model {role}: what was passed is not the size the model expected. It takes '
                             f'{many}, got a {type(data).__name__} of {len(data)} arrays: '
                             f'{", ".join(describe(d) for d in data[:4])}{", …" if len(data) > 4 else ""}{advice}')
        return list(data)
    if len(names) != 1:
        raise ValueError(f'the model takes {many}, got {describe(data)}; pass a list or a dict by name')
    return [data]


def _is_array(data):
    return data is None or hasattr(data, 'shape') or hasattr(data, '__array__')


def describe(data):
    """What something is, in a few words, for messages."""
    if hasattr(data, 'shape'):
        return f'an array of shape {tuple(data.shape)}'
    if isinstance(data, (list, tuple)):
        return f'a {type(data).__name__} of {len(data)}'
    text = repr(data)
    return text if len(text) <= 60 else f'{text[:57]}…'


def as_array(data, slot):
    """One array of numbers, at least one dimension, not yet of the slot's type."""
    if data is None:
        raise slot.error('a NumPy array', 'None')
    if hasattr(data, '_keras_history'):
        raise slot.error('a NumPy array', f'the symbolic tensor {data!r}')
    if slot.dtype == STRING:
        return _texts(data, slot)
    if is_lazy(data):
        if np.dtype(data.dtype).kind not in _KINDS:
            raise slot.error('an array of numbers', f'the type {data.dtype}')
        return data
    columns = getattr(data, 'columns', ())
    if hasattr(data, 'to_numpy'):   # a table or a column of pandas
        data = data.to_numpy()
    try:
        array = np.asarray(data)
    except ValueError as e:
        raise slot.error('an array of numbers', f'a ragged {type(data).__name__} ({e})',
                         'all samples must have the same shape: pad them') from None
    if array.dtype == object and array.size:
        array, other = from_objects(array, columns)
        if other is not None:
            raise slot.error('an array of numbers', f'objects, such as {other}',
                             'all samples must have the same shape and hold numbers')
    if array.dtype.kind in 'US' and array.size:
        at = first_of_text(array)
        raise slot.error('an array of numbers', f'text, such as {describe(array[at].item())} {place(at, columns)}',
                         'give its categories numbers, as by utils.to_categorical or StringLookup, or leave it out; a model '
                         "takes texts by an Input with dtype='string'")
    if array.dtype.kind not in _KINDS:
        raise slot.error('an array of numbers', f'the type {array.dtype}')
    if array.ndim == 0:
        raise slot.error('an array with samples along its first axis', f'the single number {array}')
    return array


def _texts(data, slot):
    if not is_text(data) and getattr(data, 'size', 1):
        raise slot.error('an array of texts', describe(data))
    try:
        array = text_array(data)
    except ValueError as error:
        raise slot.error('an array of texts', f'other data ({error})') from None
    if array.ndim == 0:
        raise slot.error('an array with samples along its first axis', f'the single text {array[()]!r:.60}')
    return array


def from_objects(array, columns=()):
    """(an array of objects as float64, None); or (None, what is in it that is no number, with its place)."""
    for at, value in zip(np.ndindex(array.shape), array.flat):
        if not isinstance(value, _REAL):    # NumPy would make NaN of None, and numbers of text
            return None, f'{describe(value)} {place(at, columns)}'
    try:
        return array.astype(np.float64), None
    except OverflowError:
        return None, 'a whole number too large for float64'


def first_of_text(array):
    """Index of the first element that cannot be read as a number; of the first, where all can."""
    for at, value in zip(np.ndindex(array.shape), array.flat):
        try:
            float(value)
        except ValueError:
            return at
    return (0,) * array.ndim


def fit_rank(array, slot):
    """The array with an axis of size 1 appended where Keras does so: (n,) for (n, 1), labels (n, t) for (n, t, 1)."""
    shape = slot.shape
    if is_lazy(array):
        if len(array.shape) != 1 or (shape is not None and len(shape) == 1):
            return array
        array = array[:]    # one number per sample is little to hold
    if array.ndim == 1 and (shape is None or len(shape) != 1):
        return array[:, None]
    if (slot.labels is not None and shape is not None and array.ndim == len(shape) - 1):
        return array[..., None]
    return array


def check_shape(array, slot, given):
    """ValueError unless the array has the slot's rank and sizes (the batch axis apart) and at least one sample. given: the
    shape as it was passed."""
    if slot.check is not None:
        slot.check(array)
    if slot.shape is not None:
        text = str(('samples', *slot.shape[1:])).replace("'", '')
        if not _same(array.shape[1:], slot.shape[1:]):
            one = _same(given, slot.shape[1:])
            wants = f'shape {text}' if not one and len(array.shape) == len(slot.shape) else (
                f'{len(slot.shape)} dimensions, {text}')
            raise slot.error(f'to have {wants}', f'array with shape {tuple(given)}',
                             'for one sample give it an axis of samples: x[None], or np.expand_dims(x, 0)' if one else '',
                             'but ')
    if not array.shape[0]:
        raise slot.error('at least one sample', f'an empty array of shape {tuple(array.shape)}')


def _same(got, want):
    return len(got) == len(want) and all(w is None or g == w for g, w in zip(got, want))


def feed_dtype(array, slot):
    """The type that an array is fed in. Bytes stay bytes, and are cast within the plan: a quarter of the memory."""
    if array.dtype == np.uint8 and slot.role == 'input':
        return np.dtype(np.uint8)
    if slot.dtype == STRING:
        return np.dtype(object)
    if slot.role == 'target' and generation.of('targets.as_given'):
        kind, size = array.dtype.kind, array.dtype.itemsize
        return np.dtype(config.floatx() if kind == 'f' else array.dtype if array.dtype in _WHOLE or kind == 'b' else
                        'int32' if size < 4 else 'int64')
    return np.dtype(slot.dtype)


def check_labels(array, slot):
    """ValueError unless all labels are whole numbers in [0, classes)."""
    if slot.labels is None or not array.size:
        return
    if slot.ignored is not None:
        array = np.where(array == slot.ignored, 0, array)
    if array.dtype.kind == 'f':
        whole = np.isfinite(array) & (array == np.floor(array))
        if not whole.all():
            at = int(np.argmin(whole.reshape(len(array), -1).all(axis=1)))
            raise slot.error('labels that are whole numbers', f'{array[at].ravel()[0]} at sample {at}')
    if array.dtype.kind == 'b':
        return
    low, high = array.min(), array.max()
    if low < 0 or high >= slot.labels:
        wrong = (array < 0) | (array >= slot.labels)
        at = int(np.argmax(wrong.reshape(len(array), -1).any(axis=1)))
        raise slot.error(f'labels from 0 to {slot.labels - 1}', f'a label value of {array[wrong][0]} at sample {at}, '
                         'which is outside the valid range',
                         f'the output has {slot.labels} classes')


def check_whole(array, slot):
    """ValueError where the slot's type is of whole numbers and the array holds some that it cannot."""
    want = np.dtype(slot.dtype)
    if not array.size or not may_not_fit(array.dtype, slot):
        return
    least, most = np.iinfo(want).min, np.iinfo(want).max
    if array.dtype.kind == 'f':
        values = array.astype(np.float32) if array.dtype.itemsize < 4 else array
        good = (values == np.floor(values)) & (values >= float(least)) & (values < float(most + 1))
        if good.all():
            return
    else:
        low, high = int(array.min()), int(array.max())
        if least <= low and high <= most:
            return
        good = array != (low if low < least else high)
    at = int(np.argmin(good.reshape(len(array), -1).all(axis=1)))
    raise slot.error(f'whole numbers from {least} to {most}, of its type {want}',
                     f'{array[at][~good[at]].ravel()[0]} at sample {at}')


def may_not_fit(dtype, slot):
    """Whether values of a type have to be looked at before they become the whole numbers of the slot's type."""
    want = np.dtype(slot.dtype)
    return want.kind in 'iu' and slot.labels is None and not np.can_cast(dtype, want)


def standardize(data, slots, role):
    """List of arrays for the slots: checked, of the slots' ranks (in generation 3 targets of those they came in), in the types
    they came in."""
    as_given = role == 'target' and generation.of('targets.as_given')
    arrays = []
    for value, slot in zip(listed(data, slots, role), slots):
        given = as_array(value, slot)
        array = fit_rank(given, slot)
        check_shape(array, slot, given.shape)
        if not is_lazy(array):
            check_values(array, slot)
        arrays.append(given if as_given else array)
    return arrays


def check_values(array, slot):
    """ValueError where the numbers themselves are not what the slot takes: labels, whole numbers of a type, indices."""
    if slot.dtype == STRING:
        return
    check_labels(array, slot)
    check_whole(array, slot)
    if slot.indices is not None:
        check_indices(array, *slot.indices, slot)


def converted(arrays, slots, own=False):
    """The arrays in the types that the plan is fed, contiguous and aligned; lazy ones as they are. own: in memory of
    their own."""
    result = []
    for array, slot in zip(arrays, slots):
        if not is_lazy(array):
            given, array = array, contiguous(array, feed_dtype(array, slot))
            if own and np.may_share_memory(given, array):
                array = array.copy()
        result.append(array)
    return result


def contiguous(array, dtype):
    """The array itself where it is of this type, C-contiguous and aligned, else a copy."""
    array = np.ascontiguousarray(array, dtype)
    return array if array.flags.aligned else array.copy()


def check_lengths(inputs, targets=(), weights=()):
    """The common number of samples; ValueError, with the shapes, unless it is one."""
    groups = [('input', inputs), ('target', targets), ('sample_weight', [w for w in weights if w is not None])]
    counts = {a.shape[0] for _, arrays in groups for a in arrays}
    if len(counts) > 1:
        shapes = '; '.join(f"{role}{'s' if len(arrays) > 1 else ''} {', '.join(str(tuple(a.shape)) for a in arrays)}"
                           for role, arrays in groups if len(arrays))
        raise ValueError('Data cardinality is ambiguous: input arrays should have the same number of samples as target arrays '
                         f'(the first axis), got {shapes}')
    return counts.pop() if counts else 0


def split_point(samples, validation_split):
    """Index at which the validation share, the last samples, begins. ValueError for a share that leaves nothing to
    train on.
    """
    if not 0.0 <= validation_split < 1.0:
        raise ValueError('fit: validation_split: expected a share from 0 up to, not including, 1, got '
                         f'{validation_split!r}')
    at = int(samples * (1.0 - validation_split))
    if at == 0:
        raise ValueError(f'validation_split={validation_split}: of {samples} samples none is left to train on')
    return at
