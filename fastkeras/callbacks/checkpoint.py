"""Saving a model while it is trained."""

from __future__ import annotations

import math
import os
import string
from typing import Any

import numpy as np

from fastkeras.callbacks.base import Callback
from fastkeras.callbacks.logs import Logs
from fastkeras.callbacks.schedule import checked_mode, larger_is_better
from fastkeras.utils.errors import warn
from fastkeras.utils.messages import print_msg
from fastkeras.utils.paths import check_writable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike


class ModelCheckpoint(Callback):
    """Saves the model, or its weights, at the end of epochs or every few batches.

    filepath: where; may hold fields filled in from the logs, as 'w.{epoch:02d}-{val_loss:.2f}.hdf5' (the epoch
    counted from 1). monitor: the quantity that tells the best model. save_best_only: keep a file of a better model.
    save_weights_only: model.save_weights instead of model.save. mode: 'min', 'max', or 'auto', by the name of the
    quantity. period: epochs from one saving to the next. save_freq: 'epoch', or a number of batches.
    initial_value_threshold: what the first saved value has to improve on. verbose: 1 says what was done. FileNotFoundError
    or another OSError, before the first epoch, where no file can be written.
    """

    def __init__(self, filepath: str | PathLike[str], monitor: str = 'val_loss', verbose: Any = 0,
                 save_best_only: bool = False, save_weights_only: bool = False, mode: str = 'auto', period: Any = 1,
                 save_freq: Any = 'epoch', initial_value_threshold: Any = None) -> None:
        super().__init__()
        if period == 'epoch':   # Keras 3 has save_freq in this place
            period, save_freq = 1, 'epoch'
        if save_freq != 'epoch' and (isinstance(save_freq, bool) or not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(f"ModelCheckpoint: save_freq must be 'epoch' or a number of batches, got {save_freq!r}")
        self.filepath = os.fspath(filepath)
        try:
            list(string.Formatter().parse(self.filepath))
        except ValueError as e:
            raise ValueError(f'ModelCheckpoint: filepath: expected fields such as {{epoch:02d}}, got {self.filepath!r}: '
                             f'{e}') from None
        self.monitor = monitor
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.mode = checked_mode('ModelCheckpoint', mode)
        self.period = period
        self.save_freq = save_freq
        self.epochs_since_last_save = 0
        self._batches = 0
        self._epoch = 0
        self.monitor_op = np.greater if larger_is_better(monitor, self.mode) else np.less
        self.best = initial_value_threshold
        if self.best is None:
            self.best = -math.inf if self.monitor_op is np.greater else math.inf

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        check_writable('ModelCheckpoint: filepath', self.filepath)
        if hasattr(self.model, '_check_file'):      # not a stand-in for a model
            self.model._check_file(self.filepath, self.save_weights_only)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.save_freq != 'epoch':
            self._batches += 1
            if self._batches >= self.save_freq:
                self._batches = 0
                self._save(self._epoch, logs or {}, batch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.save_freq != 'epoch':
            return
        self.epochs_since_last_save += 1
        if self.epochs_since_last_save >= self.period:
            self.epochs_since_last_save = 0
            self._save(epoch, logs or {})

    def path(self, epoch: int, logs: dict[str, Any] | None, batch: int | None = None) -> Any:
        """The file name for an epoch (counted from 0) and its logs."""
        fields = Logs(logs)
        fields['epoch'] = epoch + 1
        if batch is not None:
            fields['batch'] = batch + 1
        try:
            return string.Formatter().vformat(self.filepath, (), fields)
        except KeyError as e:
            raise ValueError(f'ModelCheckpoint: filepath {self.filepath!r} asks for {e.args[0]!r}, which is not among '
                             f"the logs: {', '.join(map(repr, fields))}") from None

    def _save(self, epoch, logs, batch=None):
        if not self.save_best_only:
            path = self.path(epoch, logs, batch)
            if self.verbose > 0:
                print_msg(f'\nEpoch {epoch + 1:05d}: saving model to {path}')
            self._write(path)
            return
        value = logs.get(self.monitor)
        if value is None:
            warn(f"ModelCheckpoint: the logs have no {self.monitor!r}, so nothing is saved; they have "
                 f"{', '.join(map(repr, logs)) or 'nothing'}", RuntimeWarning)
        elif self.monitor_op(value, self.best):
            path = self.path(epoch, logs, batch)
            if self.verbose > 0:
                print_msg(f'\nEpoch {epoch + 1:05d}: {self.monitor} improved from {self.best:0.5f} to {value:0.5f}, '
                      f'saving model to {path}')
            self.best = value
            self._write(path)
        elif self.verbose > 0:
            print_msg(f'\nEpoch {epoch + 1:05d}: {self.monitor} did not improve from {self.best:0.5f}')

    def _write(self, path):
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)
