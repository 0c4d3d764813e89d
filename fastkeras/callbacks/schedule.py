"""Callbacks that steer a run: stop it, or change its learning rate."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastkeras.callbacks.base import Callback
from fastkeras.callbacks.logs import rate_key
from fastkeras.utils.errors import keywords, unknown_argument, warn
from fastkeras.utils.messages import print_msg

_MODES = ('auto', 'min', 'max')


def checked_mode(owner: Any, mode: str) -> Any:
    """`mode`, or 'auto' with a warning for an unknown one."""
    if mode in _MODES:
        return mode
    warn(f"{owner}: unknown mode {mode!r}, taken as 'auto'; known are 'auto', 'min', 'max'", RuntimeWarning)
    return 'auto'


def larger_is_better(monitor: str, mode: str) -> Any:
    """Whether growth of the quantity `monitor` counts as improvement; told from its name in mode 'auto'."""
    if mode == 'auto':
        return ('acc' in monitor or 'auc' in monitor.lower() or monitor.startswith('fmeasure')
                or monitor.rpartition('val_')[2] in ('precision', 'recall', 'f1_score', 'r2_score'))
    return mode == 'max'


def warn_missing(owner: Any, monitor: str, logs: dict[str, Any] | None) -> Any:
    """Say that the monitored quantity is not among the logs."""
    warn(f"{owner}: the logs have no {monitor!r}, so nothing is done; they have "
         f"{', '.join(map(repr, logs)) or 'nothing'}", RuntimeWarning)


class Plateau(Callback):
    """What callbacks that watch one quantity share: which way is better, and by how much."""

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        super().__init__()
        self.monitor = monitor
        self.mode = checked_mode(type(self).__name__, mode)
        self.min_delta = abs(min_delta)
        self.monitor_op = np.greater if larger_is_better(monitor, self.mode) else np.less
        self.best = self.worst()

    def worst(self) -> Any:
        """The value that any other improves on."""
        return -math.inf if self.monitor_op is np.greater else math.inf

    def improves(self, value: Any, best: Any) -> Any:
        """Whether `value` is better than `best` by more than min_delta."""
        if self.monitor_op is np.greater:
            return bool(value - self.min_delta > best)
        return bool(value + self.min_delta < best)

    def current(self, logs: dict[str, Any] | None) -> Any:
        value = (logs or {}).get(self.monitor)
        if value is None:
            warn_missing(type(self).__name__, self.monitor, logs or {})
        return value


class EarlyStopping(Plateau):
    """Ends training when the quantity `monitor` has not improved for `patience` epochs.

    min_delta: a smaller change is no improvement. mode: 'min', 'max', or 'auto', by the name of the quantity.
    baseline: a value that has to be improved on from the start. restore_best_weights: go back to the weights of the
    best epoch. start_from_epoch: epochs before this one are not watched. verbose: 1 says what was done.
    """

    def __init__(self, monitor: str = 'val_loss', min_delta: float = 0, patience: int = 0, verbose: Any = 0,
                 mode: str = 'auto', baseline: Any = None, restore_best_weights: bool = False,
                 start_from_epoch: int = 0) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.wait = 0
        self.stopped_epoch = 0
        self.best_epoch = 0
        self.best_weights = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best_epoch = 0
        self.best_weights = None
        self.best = self.worst() if self.baseline is None else self.baseline

    def get_monitor_value(self, logs: dict[str, Any] | None) -> Any:
        """The monitored value, or None with a warning."""
        return self.current(logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        value = self.get_monitor_value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            # with a baseline never reached, the first epoch is what there is to go back to
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        if self.improves(value, self.best):
            self.best, self.best_epoch = value, epoch
            self.wait = 0
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            if self.restore_best_weights:
                if self.verbose > 0:
                    print_msg('Restoring model weights from the end of the best epoch')
                self.model.set_weights(self.best_weights)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self.stopped_epoch > 0 and self.verbose > 0:
            print_msg(f'Epoch {self.stopped_epoch + 1:05d}: early stopping')


class ReduceLROnPlateau(Plateau):
    """Multiplies the learning rate by `factor` when the quantity `monitor` has not improved for `patience` epochs.

    min_delta (also called epsilon): a smaller change is no improvement. cooldown: epochs of rest after a reduction.
    min_lr: the rate goes no lower. mode: 'min', 'max' or 'auto'. verbose: 1 says what was done. ValueError for factor
    ≥ 1.
    """

    def __init__(self, monitor: str = 'val_loss', factor: float = 0.1, patience: int = 10, verbose: Any = 0,
                 mode: str = 'auto', min_delta: float = 1e-4, cooldown: int = 0, min_lr: float = 0, **kwargs: Any) -> None:
        if 'epsilon' in kwargs:
            min_delta = kwargs.pop('epsilon')
            warn('ReduceLROnPlateau: the argument epsilon is now called min_delta')
        for name in kwargs:
            raise unknown_argument('ReduceLROnPlateau', name, keywords(ReduceLROnPlateau.__init__)[0])
        if not factor < 1.0:
            raise ValueError(f'ReduceLROnPlateau: factor must be below 1, got {factor!r}')
        super().__init__(monitor, mode, min_delta)
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self.cooldown_counter = 0
        self.wait = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.cooldown_counter = 0
        self.wait = 0
        self.best = self.worst()

    def in_cooldown(self) -> Any:
        """Whether the last reduction was less than `cooldown` epochs ago."""
        return self.cooldown_counter > 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = {} if logs is None else logs
        logs[rate_key()] = get_rate(self.model)
        value = self.current(logs)
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improves(value, self.best):
            self.best = value
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            rate = get_rate(self.model)
            if self.wait >= self.patience and rate > self.min_lr:
                reduced = max(rate * self.factor, self.min_lr)
                set_rate(self.model, reduced)
                if self.verbose > 0:
                    print_msg(f'\nEpoch {epoch + 1:05d}: ReduceLROnPlateau reducing learning rate to {reduced}.')
                self.cooldown_counter = self.cooldown
                self.wait = 0


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch to schedule(epoch, rate).

    A schedule of one argument gets the epoch. The logs of the epoch's end get the rate. verbose: 1 says what was done.
    ValueError unless the schedule gives a float.
    """

    def __init__(self, schedule: Any, verbose: Any = 0) -> None:
        super().__init__()
        if not callable(schedule):
            raise TypeError(f'LearningRateScheduler: expected a function (epoch, rate) → rate, got {schedule!r}')
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        rate = get_rate(self.model)
        try:
            rate = self.schedule(epoch, rate)
        except TypeError:
            rate = self.schedule(epoch)
        if not isinstance(rate, (float, np.floating)) and not (hasattr(rate, 'dtype') and np.ndim(rate) == 0):
            raise ValueError(f'LearningRateScheduler: the schedule must give a float, got {rate!r} for epoch {epoch}')
        set_rate(self.model, float(rate))
        if self.verbose > 0:
            print_msg(f'\nEpoch {epoch + 1:05d}: LearningRateScheduler setting learning rate to {rate}.')

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is not None:
            logs[rate_key()] = get_rate(self.model)


class TerminateOnNaN(Callback):
    """Ends training at the first batch whose loss is NaN or infinite. raise_error: raise RuntimeError instead."""

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        loss = (logs or {}).get('loss')
        if loss is not None and not math.isfinite(loss):
            text = f'Batch {batch}: Invalid loss, terminating training'
            if self.raise_error:
                raise RuntimeError(text)
            print_msg(text)
            self.model.stop_training = True


def _rate_of(model):
    optimizer = getattr(model, 'optimizer', None)
    for name in ('learning_rate', 'lr'):
        if getattr(optimizer, name, None) is not None:
            return optimizer, name, getattr(optimizer, name)
    raise ValueError(f'the optimizer {optimizer!r} has no learning rate (attribute lr or learning_rate)')


def get_rate(model: Any) -> Any:
    """The learning rate of the model's optimizer, a float."""
    _, _, rate = _rate_of(model)
    # as the shortest decimal of the float32 it is held in: 0.1, not 0.10000000149
    return float(str(np.float32(rate.numpy()))) if hasattr(rate, 'numpy') else float(rate)


def set_rate(model: Any, value: Any) -> Any:
    """Set the learning rate of the model's optimizer; no plan is made anew for it."""
    optimizer, name, rate = _rate_of(model)
    if hasattr(rate, 'assign'):
        rate.assign(value)
    else:
        setattr(optimizer, name, value)
