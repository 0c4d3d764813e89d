"""The state of an optimizer in an HDF5 file, in the order and under the names of whoever wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastkeras.saving import frozen_slots, old_weights, values

# what the slots are called in tf.keras, where that is not what they are called here and in Keras 3
_NAMES = {'m': 'momentum', 'v': 'velocity', 'rms': 'velocity', 'vhat': 'velocity_hat', 'v_hat': 'velocity_hat', 'u': 'norm',
          'mg': 'average_gradient', 'average_grad': 'average_gradient', 'accum_grad': 'accumulated_grad',
          'accum_var': 'accumulated_delta_var'}
_KEPT = ('momentum',)
_STEPS, _RATE = ('iter', 'iteration', 'iterations'), ('learning_rate', 'lr')


def restore(model: Any, names: Sequence[str], arrays: Sequence[Any], written: old_weights.Origin) -> None:
    """Give the optimizer of a model the state that `arrays` of a file hold, all of it or none. ValueError where it does not
    fit."""
    optimizer = model.optimizer
    optimizer.build(model.trainable_weights)
    try:
        _give(model, optimizer, names, arrays, written)
    except ValueError as error:
        if has_not_begun(arrays):
            return
        other = frozen_slots.with_slots_of_all(model)
        if other is None:
            raise
        try:
            _give(model, other, names, arrays, written)
        except ValueError:
            raise error from None
        frozen_slots.take(optimizer, other)


def has_not_begun(arrays: Sequence[Any]) -> bool:
    """Whether a state is that of an optimizer before its first step: the number of steps, 0, perhaps a rate, and no slots."""
    steps = [a for a in arrays if np.dtype(a.dtype).kind in 'iu']
    return not any(tuple(a.shape) for a in arrays) and len(steps) == 1 and not np.asarray(steps[0]).item()


def _give(model, optimizer, names, arrays, written):
    if written.keras1 or written.theano:
        arrays = _converted(old_weights.units(model, optimizer._trainable_variables), arrays, written)
    pairs = _by_names(optimizer, names, arrays)
    if pairs is None:               # Keras 2 and 1 number them
        optimizer.set_weights(arrays)
        return
    values.assign_all(pairs)
    optimizer.restored([v for v, _ in pairs])


def _by_names(optimizer, names, arrays):
    """Pairs (Variable, array) as the names of a file say; None where that is not clear for all."""
    slots = {name: [v for v in found if v is not None] for name, found in getattr(optimizer, '_slots', {}).items()}
    used, pairs = dict.fromkeys(slots, 0), []
    for name, array in zip(names, arrays):
        target, slot = None, _slot(name, slots)
        last = name.split(':')[0].split('/')[-1]
        if last in _STEPS:
            target = optimizer._iterations
        elif last in _RATE:
            target = optimizer._rate
        elif last == 'momentum_cache':
            target = getattr(optimizer, 'm_schedule', None)
        elif slot is not None and used[slot] < len(slots[slot]):
            target = slots[slot][used[slot]]
            used[slot] += 1
        elif slot is None and not slots and _slot(name, _KEPT) is not None:
            continue                # tf.keras keeps a momentum of nothing, too
        if getattr(target, 'shape', None) != tuple(array.shape):
            return None
        pairs.append((target, array))
    whole = all(used[name] == len(found) for name, found in slots.items())
    return pairs if whole and len({id(v) for v, _ in pairs}) == len(pairs) else None


def _slot(name, slots):
    """Which slot a name is of: Adam/m/dense/kernel:0, Adam/dense/kernel/m:0, adam/dense_kernel_momentum."""
    parts = name.split(':')[0].split('/')
    for part in (*parts[1:2], parts[-1]) if len(parts) > 2 else ():
        if _NAMES.get(part, part) in slots:
            return _NAMES.get(part, part)
    return next((s for s in sorted(slots, key=len, reverse=True) if parts[-1].endswith(f'_{s}')), None)


def _converted(units, arrays, written):
    """The arrays of Keras 1 or of Keras on Theano: a step number, perhaps, and for each slot what belongs to the weights, in
    the order in which it kept these."""
    out, rest = [], list(arrays)
    if rest and not rest[0].shape:
        out.append(np.asarray(rest.pop(0)))
    while rest:
        before = len(rest)
        for unit in units:
            count = old_weights.arrays_of(unit, rest, written)
            part, rest = rest[:count], rest[count:]
            if not old_weights.may_fit(unit, part):
                return arrays
            out += old_weights.values(unit, [np.asarray(a) for a in part], written)
        if len(rest) == before:
            return arrays
    return out
