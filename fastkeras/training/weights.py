"""Sample weights and class weights → one array of weights per output, or None where all weigh the same."""


import numpy as np

from fastkeras.training.data import describe, from_objects
from fastkeras.utils.errors import warn

_LISTED = 8     # how many classes a message lists


def per_output(weights, names, argument):
    """A list with one member (or None) per output, from what the user passed as sample_weight or class_weight."""
    if weights is None or (hasattr(weights, '__len__') and not len(weights)):
        return [None] * len(names)
    if isinstance(weights, dict) and any(n in weights for n in names):
        unknown = [n for n in weights if n not in names]
        if unknown:
            raise ValueError(f'Unknown entry in {argument} dictionary: unknown output {unknown[0]!r}; the outputs are '
                             f'{", ".join(map(repr, names))}')
        return [weights.get(n) for n in names]
    if isinstance(weights, (list, tuple)):
        arrays = [w is None or isinstance(w, dict) or hasattr(w, 'shape') for w in weights]
        if all(arrays) and len(weights) == len(names):
            return list(weights)
        if any(arrays) or len(names) > 1:
            raise ValueError(f'{argument}: expected one member for each of the {len(names)} outputs '
                             f"({', '.join(map(repr, names))}), got a list of {len(weights)}")
    if len(names) == 1:
        return [weights]
    raise ValueError(f'{argument}: the model has {len(names)} outputs ({", ".join(map(repr, names))}); pass a list or '
                     f'a dict with weights for each, not {type(weights).__name__}')


def sample_weights(y, weights, temporal, name):
    """float32 array of shape (samples,), or (samples, time) when temporal, for the target array y."""
    where = f'sample_weight of output {name!r}'
    try:
        array = weights.to_numpy() if hasattr(weights, 'to_numpy') else np.asarray(weights)
    except ValueError as e:
        raise ValueError(f'{where}: expected an array of numbers, got a ragged {type(weights).__name__} ({e})') from None
    if array.dtype == object and array.size:
        array, other = from_objects(array)
        if other is not None:
            raise ValueError(f'{where}: expected numbers, got objects, such as {other}')
    if array.dtype.kind not in 'biuf':
        raise ValueError(f'{where}: expected numbers, got the type {array.dtype}')
    if temporal:
        if len(y.shape) < 3:
            raise ValueError(f"{where}: sample_weight_mode='temporal' needs an output with a time axis (at least 3 "
                             f'dimensions), got targets of shape {tuple(y.shape)}')
        expected = tuple(y.shape[:2])
        if array.ndim != 2:
            raise ValueError(f"{where}: sample_weight_mode='temporal' needs an array of shape {expected} (samples, "
                             f'time), got shape {array.shape}')
    else:
        expected = (y.shape[0],)
        if array.shape == (y.shape[0], 1):
            array = array[:, 0]
        if array.ndim != 1:
            raise ValueError(f'{where}: found a sample_weight array with shape {array.shape}, expected shape {expected}; for a '
                             "weight per time step, compile with sample_weight_mode='temporal'")
    if array.shape != expected:
        raise ValueError(f'{where}: expected an array of shape {expected}, got shape {array.shape}')
    return np.ascontiguousarray(array, np.float32)


def class_weights(y, weights, name):
    """float32 array of shape (samples,): the weight of the class of each sample. weights: dict class → weight, or a
    list.
    """
    where = f'class_weight of output {name!r}'
    if not isinstance(weights, dict):
        if isinstance(weights, str) or np.ndim(weights) != 1:
            raise ValueError(f'{where}: expected a dict class → weight, got {weights!r}')
        weights = dict(enumerate(weights))
    for key, weight in weights.items():
        if isinstance(weight, (str, bytes)) or not hasattr(weight, '__float__') or np.ndim(weight):
            raise ValueError(f'{where}: expected a number as the weight of class {key!r}, got {describe(weight)}')
    y = np.asarray(y)
    if y.ndim > 2:
        raise ValueError(f'{where}: there is no one class per sample in targets of shape {y.shape} (at most 2 '
                         'dimensions); use sample_weight')
    classes = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
    if classes.dtype.kind == 'f' and not (whole := classes == np.floor(classes)).all():
        at = int(np.argmin(whole))
        raise ValueError(f'{where}: the targets are no classes: expected whole numbers or one row with a 1 per sample, '
                         f'got {classes[at]} at sample {at}; use sample_weight')
    present, place = np.unique(classes, return_inverse=True)
    missing = [c.item() for c in present if c.item() not in weights]
    if missing:
        raise ValueError(f'{where}: it must contain all classes in the data; no weight for the classes '
                         f'{_some(missing)}, it has {_some(list(weights))}')
    return np.array([weights[c.item()] for c in present], np.float32)[place.reshape(-1)]


def _some(classes):
    text = ', '.join(map(str, classes[:_LISTED])) or 'none'
    return text if len(classes) <= _LISTED else f'{text} and {len(classes) - _LISTED} more'


def standardize(targets, slots, temporal, sample_weight=None, class_weight=None):
    """List with a float32 array or None for each target. temporal: list of bools, whether weights are per time step."""
    names = [s.name for s in slots]
    samples = per_output(sample_weight, names, 'sample_weight')
    classes = per_output(class_weight, names, 'class_weight')
    result = []
    for y, slot, over_time, sw, cw in zip(targets, slots, temporal, samples, classes):
        if sw is not None and cw is not None:
            warn('sample_weight and class_weight are both given: class_weight is ignored')
        if sw is not None:
            result.append(sample_weights(y, sw, over_time, slot.name))
        elif cw is not None:
            result.append(class_weights(y, cw, slot.name))
        else:
            result.append(None)
    return result
