"""Callbacks that record and show what happens."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from fastkeras.callbacks.base import Callback
from fastkeras.callbacks.logs import Logs
from fastkeras.utils.messages import print_msg
from fastkeras.utils.paths import check_writable
from fastkeras.utils.progbar import Progbar


class BaseLogger(Callback):
    """Averages the values of the batches over the samples of an epoch, and stores them in the logs of the epoch's end.

    `fit` does this by itself; the class serves loops of one's own. stateful_metrics: names whose last value counts.
    """

    def __init__(self, stateful_metrics: Any = None) -> None:
        super().__init__()
        self.stateful_metrics = set(stateful_metrics or ())
        self.seen = 0
        self.totals = {}

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.seen = 0
        self.totals = {}

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        size = logs.get('size', 0)
        self.seen += size
        for name, value in logs.items():
            if name in self.stateful_metrics:
                self.totals[name] = value
            else:
                self.totals[name] = self.totals.get(name, 0.0) + value * size

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is None:
            return
        for name in self.params['metrics']:
            if name in self.totals:
                total = self.totals[name]
                logs[name] = total if name in self.stateful_metrics else total / self.seen


class History(Callback):
    """Records the logs of every epoch; `fit` returns it.

    history: dict, name → list of Python floats, one per epoch (looked up under the names of either Keras generation).
    epoch: list of the epochs' numbers.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history = Logs()
        self.epoch = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.epoch = []
        self.history = Logs()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class ProgbarLogger(Callback):
    """Prints 'Epoch 1/5' and the progress bar.

    count_mode: 'samples' or 'steps', what the bar counts. stateful_metrics: names that are shown as they are, not
    averaged.
    """

    def __init__(self, count_mode: Any = 'samples', stateful_metrics: Any = None) -> None:
        super().__init__()
        if count_mode not in ('samples', 'steps'):
            raise ValueError(f"ProgbarLogger: count_mode must be 'samples' or 'steps', got {count_mode!r}")
        self.use_steps = count_mode == 'steps'
        self.stateful_metrics = set(stateful_metrics or ())
        self.verbose = 0
        self.epochs = 1
        self.seen = 0
        self.target = None
        self.progbar = None
        self.log_values = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.verbose = self.params['verbose']
        self.epochs = self.params['epochs']

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.seen = 0
        self.log_values = []
        if self.verbose:
            print_msg(f'Epoch {epoch + 1}/{self.epochs}')
            self.target = self.params['steps' if self.use_steps else 'samples']
            self.progbar = Progbar(self.target, verbose=self.verbose, stateful_metrics=self.stateful_metrics)

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        self.seen += 1 if self.use_steps else logs.get('size', 0)
        self.log_values = self._shown(logs)
        # the last drawing waits for the values of the validation data
        if self.verbose and (self.target is None or self.seen < self.target):
            self.progbar.update(self.seen, self.log_values)
            self.log_values = []

    def _shown(self, logs):
        """The values that params names or, where steps of a model's own name them as they come, all."""
        names = self.params['metrics'] or sorted((n for n in logs if n not in ('batch', 'size')),
                                                 key=lambda n: n.startswith('val_'))
        return [(name, logs[name]) for name in names if name in logs]

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        self.log_values += self._shown(logs)
        if self.verbose:
            self.progbar.update(self.seen, self.log_values, finalize=True)


class CSVLogger(Callback):
    """Writes the logs of each epoch as a line of a CSV file: the epoch's number, then the values by name.

    separator: between the columns. append: go on in a file that is there, instead of starting it anew.
    """

    def __init__(self, filename: Any, separator: str = ',', append: bool = False) -> None:
        super().__init__()
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self.append_header = True
        self.writer = None
        self.keys = None
        self.csv_file = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        check_writable('CSVLogger: filename', self.filename)
        if self.append and os.path.exists(self.filename):
            with open(self.filename, newline='') as f:
                self.append_header = not f.readline()
        self.csv_file = open(self.filename, 'a' if self.append else 'w', newline='\n')  # noqa: SIM115

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
        if self.writer is None:
            self.writer = csv.DictWriter(self.csv_file, ['epoch', *self.keys], delimiter=self.sep)
            if self.append_header:
                self.writer.writeheader()
        # a run that was stopped, or an epoch without validation, may lack some values
        self.writer.writerow({'epoch': epoch, **{k: _cell(logs.get(k, 'NA')) for k in self.keys}})
        self.csv_file.flush()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self.csv_file is not None:
            self.csv_file.close()
        self.csv_file = self.writer = None


def _cell(value):
    """A value as it stands in a column; a list as "[1, 2]"."""
    if isinstance(value, Iterable) and not isinstance(value, str) and np.ndim(value):
        return '"[' + ', '.join(map(str, value)) + ']"'
    return value
