"""A list of callbacks, called in turn."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from fastkeras.callbacks.base import HOOKS, Callback
from fastkeras.callbacks.loggers import History, ProgbarLogger
from fastkeras.callbacks.logs import Logs
from fastkeras.utils.errors import warn

# Keras 2 names the hooks of a training batch without the word; the new names call the old ones by default
_OLD_NAMES = {'on_train_batch_begin': 'on_batch_begin', 'on_train_batch_end': 'on_batch_end'}


def defines(callback: Any, hook: Any) -> Any:
    """Whether `callback` does anything at `hook`."""
    method = getattr(callback, hook, None)
    if method is None:
        return False
    plain = getattr(Callback, hook)
    if getattr(method, '__func__', method) is not plain:
        return True
    return hook in _OLD_NAMES and defines(callback, _OLD_NAMES[hook])


class CallbackList:
    """Callbacks called in turn. Only those that define a hook are called at it.

    callbacks: list of Callbacks, or objects with some of their methods. queue_length: number of batches over which
    the time spent in batch hooks is watched: a warning says when they take longer than the batches. add_history,
    add_progbar: append a History, put a ProgbarLogger first. model, params: given to all.
    """

    def __init__(self, callbacks: Any = None, queue_length: Any = 10, add_history: bool = False, add_progbar: bool = False,
                 model: Any = None, **params: Any) -> None:
        if callbacks is None:
            callbacks = []
        elif not isinstance(callbacks, (list, tuple, CallbackList)):
            callbacks = [callbacks]
        self.callbacks = []
        for callback in callbacks:
            _check(callback)
            self.callbacks.append(callback)
        if add_progbar or add_history:
            if add_progbar and not any(isinstance(c, ProgbarLogger) for c in self.callbacks):
                self.callbacks.insert(0, ProgbarLogger('steps'))
            if add_history and not any(isinstance(c, History) for c in self.callbacks):
                self.callbacks.append(History())
        self.queue_length = queue_length
        self.params = params
        self._methods = {}
        self._spent = deque(maxlen=queue_length)
        self._entered = None
        self._warned = False
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(params)

    def __iter__(self):
        return iter(self.callbacks)

    def __len__(self):
        return len(self.callbacks)

    def append(self, callback: Any) -> Any:
        """Add a callback at the end."""
        _check(callback)
        self.callbacks.append(callback)
        self._methods.clear()

    def set_params(self, params: Any) -> None:
        """Give `params` to all."""
        self.params = params
        for callback in self.callbacks:
            if hasattr(callback, 'set_params'):
                callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Give `model` to all."""
        for callback in self.callbacks:
            if hasattr(callback, 'set_model'):
                callback.set_model(model)

    def methods(self, hook: Any) -> Any:
        """The bound methods to call at `hook`, in order; empty when no callback defines it."""
        found = self._methods.get(hook)
        if found is None:
            found = []
            for callback in self.callbacks:
                old = _OLD_NAMES.get(hook)
                if defines(callback, hook):
                    found.append(getattr(callback, hook))
                elif old and not isinstance(callback, Callback) and hasattr(callback, old):
                    found.append(getattr(callback, old))
            self._methods[hook] = found
        return found

    def _call(self, hook, *args):
        for method in self.methods(hook):
            method(*args)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._spent.clear()
        self._call('on_epoch_begin', epoch, _logs(logs))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._call('on_epoch_end', epoch, _logs(logs))

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call('on_train_batch_begin', batch, _logs(logs))
        self._entered = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        methods = self.methods('on_train_batch_end')
        if not methods:
            return
        logs = _logs(logs)
        begin = time.perf_counter()
        for method in methods:
            method(batch, logs)
        if self._entered is not None:
            self._watch(time.perf_counter() - begin, begin - self._entered)

    def _watch(self, spent, batch_time):
        """Warn once when the end-of-batch hooks take longer than the batches, and much."""
        self._spent.append(spent)
        if spent < 0.1 or self._warned:
            return
        median = sorted(self._spent)[len(self._spent) // 2]
        if median > 0.1 and median > 0.95 * batch_time:
            self._warned = True
            warn(f'the callbacks take {median:.3f} s after each batch, longer than the batch itself '
                 f'({batch_time:.3f} s); look at their on_batch_end methods')

    on_batch_begin = on_train_batch_begin
    on_batch_end = on_train_batch_end

    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call('on_test_batch_begin', batch, _logs(logs))

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call('on_test_batch_end', batch, _logs(logs))

    def on_predict_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call('on_predict_batch_begin', batch, _logs(logs))

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call('on_predict_batch_end', batch, _logs(logs))

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._call('on_train_begin', _logs(logs))

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._call('on_train_end', _logs(logs))

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._call('on_test_begin', _logs(logs))

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        self._call('on_test_end', _logs(logs))

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._call('on_predict_begin', _logs(logs))

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        self._call('on_predict_end', _logs(logs))


def _logs(logs):
    return Logs() if logs is None else logs


def _check(callback):
    if isinstance(callback, type):
        raise TypeError(f'callbacks: expected callback objects, got the class {callback.__name__}; '
                        f'call it, as in callbacks=[{callback.__name__}(…)]')
    if not any(hasattr(callback, hook) for hook in HOOKS):
        raise TypeError(f'callbacks: expected objects of type Callback, got {callback!r} of type '
                        f'{type(callback).__name__}')
