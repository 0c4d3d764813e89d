"""Checks of the arguments of fit, evaluate, predict and compile, before anything is printed or done."""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from fastkeras.utils import nest
from fastkeras.utils.enqueuer import Queue
from fastkeras.utils.errors import keywords, unknown_argument


def whole(method, name, value, least=1, default=None):
    """value as an int; ValueError unless it is a whole number of at least `least`. default: what None stands for, in
    words; None then stays."""
    if value is None and default is not None:
        return None
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral) or value < least:
        or_none = f', or None for {default}' if default is not None else ''
        raise ValueError(f'{method}: {name}: expected a whole number of at least {least}{or_none}, got {value!r}')
    return int(value)


def number_of_batches(method, name, value):
    """value as an int, None as it is; ValueError unless it is a number above 0. A fraction counts as one more batch, as in
    Keras 2, whose documentation has `steps_per_epoch=len(x_train) / 32`."""
    if isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral) and 0 < value < math.inf:
        value = math.ceil(value)
    return whole(method, name, value, 1, 'one pass over the data')


def check_run(method, batch_size, steps, verbose, steps_name='steps'):
    """What fit, evaluate and predict share. Returns the number of steps."""
    whole(method, 'batch_size', batch_size, 1, '32')
    if verbose is not None and not isinstance(verbose, (numbers.Integral, np.bool_)) and verbose != 'auto':
        raise ValueError(f"{method}: verbose: expected 0, 1, 2 or 'auto', got {verbose!r}")
    return number_of_batches(method, steps_name, steps)


def queue(method, source, given, function):
    """The utils.enqueuer.Queue of what was given of workers, max_queue_size and use_multiprocessing; TypeError for
    anything else, ValueError for what they cannot be. function: the method, for its other arguments."""
    names = ('max_queue_size', 'workers', 'use_multiprocessing')
    for key in given:
        if key not in names:
            raise unknown_argument(method, key, [*keywords(function)[0], *names])
    for key, otherwise in (('workers', 'what the data say'), ('max_queue_size', 'what the data say')):
        whole(method, key, given.get(key), 0, otherwise)
    processes = given.get('use_multiprocessing')
    if processes is not None and processes not in (False, True):
        raise ValueError(f'{method}: use_multiprocessing: expected True or False, got {processes!r}')
    return Queue.of(source, **given)


def check_fit(epochs, initial_epoch, validation_split, validation_batch_size, validation_freq, shuffle):
    """What fit alone takes."""
    whole('fit', 'epochs', epochs, 0)
    whole('fit', 'initial_epoch', initial_epoch, 0)
    whole('fit', 'validation_batch_size', validation_batch_size, 1, 'batch_size')
    if validation_split is not None and not (isinstance(validation_split, numbers.Real) and 0 <= validation_split < 1):
        raise ValueError('fit: validation_split: expected a share from 0 up to, not including, 1, got '
                         f'{validation_split!r}')
    if not isinstance(validation_freq, (list, tuple, set, frozenset, range, np.ndarray)):
        whole('fit', 'validation_freq', validation_freq)
    else:
        for epoch in validation_freq:
            whole('fit', 'validation_freq', epoch)
    if not (shuffle is None or isinstance(shuffle, (bool, np.bool_)) or shuffle in ('batch', 0, 1)):
        raise ValueError(f"fit: shuffle: expected True, False or 'batch', got {shuffle!r}")


F = TypeVar('F', bound=Callable[..., Any])     # what a decorator gives has the signature of what it got


def either_order(compile: F) -> F:
    """Let `compile` take the third and fourth positions of Keras 2 (metrics, loss_weights) or of Keras 3 (loss_weights,
    metrics), where the values can only be meant so. By keyword they are what their names say."""
    @functools.wraps(compile)
    def wrapper(self, *args, **kwargs):
        third, fourth = (*args[2:4], None, None)[:2]
        if _are_numbers(third) or third is None and _are_metrics(fourth):
            named = dict(zip(('loss_weights', 'metrics', 'weighted_metrics'), args[2:]))
            twice = [name for name in named if name in kwargs]
            if twice or len(args) > 5:
                raise TypeError(f'compile: {twice[0]} is given twice, by position and by name' if twice else
                                f'compile: expected at most 5 positional arguments, got {len(args)}')
            args, kwargs = args[:2], {**kwargs, **named}
        return compile(self, *args, **kwargs)
    return wrapper


def _are_numbers(x):
    """Whether x can only be loss weights."""
    values = list(x.values()) if isinstance(x, dict) else nest.to_list(x)
    return bool(values) and all(isinstance(v, (int, float, np.number)) and not isinstance(v, bool) for v in values)


def _are_metrics(x):
    """Whether x can only be metrics."""
    values = nest.flatten(x)
    return x is not None and bool(values) and all(isinstance(v, str) or callable(v) for v in values)
