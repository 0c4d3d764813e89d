"""The base class with the hooks of both Keras generations, a list of callbacks, and callbacks made of functions."""

import time
import warnings
from collections import deque

from fastkeras.training.logs import Logs

# Keras 2 names the hooks of a training batch without the word; the new names call the old ones by default
_OLD_NAMES = {'on_train_batch_begin': 'on_batch_begin', 'on_train_batch_end': 'on_batch_end'}
HOOKS = tuple(f'on_{what}_{when}' for when in ('begin', 'end') for what in (
    'epoch', 'train', 'test', 'predict', 'batch', 'train_batch', 'test_batch', 'predict_batch'))


class Callback:
    """Base of callbacks: define the hooks you need.

    Attributes set by `fit`: `model`; `params`, a dict with batch_size, epochs, steps, samples, verbose, do_validation
    and metrics (names of all logged values); `validation_data`, the list of validation arrays, or None.

    `logs` is a dict. At the end of a batch it holds batch, size, loss and the metrics of that batch; at the end of an
    epoch their averages over the samples, and those of the validation data under val_….
    """

    def __init__(self):
        self.validation_data = None
        self.model = None
        self.params = None

    def set_params(self, params):
        """Take the parameters of the run (see the class)."""
        self.params = params

    def set_model(self, model):
        """Take the model that is run."""
        self.model = model

    def on_epoch_begin(self, epoch, logs=None):
        """epoch: counted from 0."""

    def on_epoch_end(self, epoch, logs=None):
        """logs: averages of the epoch; what is stored in it is seen by the callbacks after this one."""

    def on_batch_begin(self, batch, logs=None):
        """Before each training batch. batch: counted from 0 in the epoch."""

    def on_batch_end(self, batch, logs=None):
        """After each training batch."""

    def on_train_batch_begin(self, batch, logs=None):
        """The same under Keras 3's name."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        """The same under Keras 3's name."""
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch, logs=None):
        """Before each batch of an evaluation, that of validation data included."""

    def on_test_batch_end(self, batch, logs=None):
        """After each batch of an evaluation."""

    def on_predict_batch_begin(self, batch, logs=None):
        """Before each batch of predictions."""

    def on_predict_batch_end(self, batch, logs=None):
        """After each batch of predictions; logs holds `outputs`, the list of arrays."""

    def on_train_begin(self, logs=None):
        """Before the first epoch."""

    def on_train_end(self, logs=None):
        """After the last epoch."""

    def on_test_begin(self, logs=None):
        """Before an evaluation."""

    def on_test_end(self, logs=None):
        """After an evaluation."""

    def on_predict_begin(self, logs=None):
        """Before predictions."""

    def on_predict_end(self, logs=None):
        """After predictions."""


def defines(callback, hook):
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

    def __init__(self, callbacks=None, queue_length=10, add_history=False, add_progbar=False, model=None, **params):
        if callbacks is None:
            callbacks = []
        elif not isinstance(callbacks, (list, tuple, CallbackList)):
            callbacks = [callbacks]
        self.callbacks = []
        for callback in callbacks:
            _check(callback)
            self.callbacks.append(callback)
        if add_progbar or add_history:
            from fastkeras.callbacks.loggers import History, ProgbarLogger
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

    def append(self, callback):
        """Add a callback at the end."""
        _check(callback)
        self.callbacks.append(callback)
        self._methods.clear()

    def set_params(self, params):
        """Give `params` to all."""
        self.params = params
        for callback in self.callbacks:
            if hasattr(callback, 'set_params'):
                callback.set_params(params)

    def set_model(self, model):
        """Give `model` to all."""
        for callback in self.callbacks:
            if hasattr(callback, 'set_model'):
                callback.set_model(model)

    def methods(self, hook):
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

    def on_epoch_begin(self, epoch, logs=None):
        self._spent.clear()
        self._call('on_epoch_begin', epoch, _logs(logs))

    def on_epoch_end(self, epoch, logs=None):
        self._call('on_epoch_end', epoch, _logs(logs))

    def on_train_batch_begin(self, batch, logs=None):
        self._call('on_train_batch_begin', batch, _logs(logs))
        self._entered = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
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
            warnings.warn(f'the callbacks take {median:.3f} s after each batch, longer than the batch itself '
                          f'({batch_time:.3f} s); look at their on_batch_end methods')

    on_batch_begin = on_train_batch_begin
    on_batch_end = on_train_batch_end

    def on_test_batch_begin(self, batch, logs=None):
        self._call('on_test_batch_begin', batch, _logs(logs))

    def on_test_batch_end(self, batch, logs=None):
        self._call('on_test_batch_end', batch, _logs(logs))

    def on_predict_batch_begin(self, batch, logs=None):
        self._call('on_predict_batch_begin', batch, _logs(logs))

    def on_predict_batch_end(self, batch, logs=None):
        self._call('on_predict_batch_end', batch, _logs(logs))

    def on_train_begin(self, logs=None):
        self._call('on_train_begin', _logs(logs))

    def on_train_end(self, logs=None):
        self._call('on_train_end', _logs(logs))

    def on_test_begin(self, logs=None):
        self._call('on_test_begin', _logs(logs))

    def on_test_end(self, logs=None):
        self._call('on_test_end', _logs(logs))

    def on_predict_begin(self, logs=None):
        self._call('on_predict_begin', _logs(logs))

    def on_predict_end(self, logs=None):
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


class LambdaCallback(Callback):
    """A callback made of functions, each given under the name of a hook.

    Functions of epochs take (epoch, logs), of batches (batch, logs), of a whole run (logs): on_epoch_begin,
    on_epoch_end, on_batch_begin, on_batch_end, on_train_begin, on_train_end and, by keyword, Keras 3's hooks. Other
    keywords become attributes. TypeError for an unknown name that begins with on_ and for what cannot be called.
    """

    def __init__(self, on_epoch_begin=None, on_epoch_end=None, on_batch_begin=None, on_batch_end=None,
                 on_train_begin=None, on_train_end=None, **kwargs):
        super().__init__()
        given = {'on_epoch_begin': on_epoch_begin, 'on_epoch_end': on_epoch_end, 'on_batch_begin': on_batch_begin,
                 'on_batch_end': on_batch_end, 'on_train_begin': on_train_begin, 'on_train_end': on_train_end, **kwargs}
        for name, value in given.items():
            if name.startswith('on_'):
                if name not in HOOKS:
                    raise TypeError(f"LambdaCallback: unknown hook {name!r}; known are {', '.join(HOOKS)}")
                if value is None:
                    continue
                if not callable(value):
                    raise TypeError(f'LambdaCallback: {name} must be a function, got {value!r}')
            setattr(self, name, value)
