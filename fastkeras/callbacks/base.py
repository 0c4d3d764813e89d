"""The base class with the hooks of both Keras generations, and callbacks made of functions."""

from __future__ import annotations

from typing import Any

from fastkeras.utils.errors import Spelled, keywords, shown, unknown_argument

HOOKS = tuple(f'on_{what}_{when}' for when in ('begin', 'end') for what in (
    'epoch', 'train', 'test', 'predict', 'batch', 'train_batch', 'test_batch', 'predict_batch'))


class Callback(Spelled):
    """Base of callbacks: define the hooks you need.

    Attributes set by `fit`: `model`; `params`, a dict with batch_size, epochs, steps, samples, verbose, do_validation
    and metrics (names of all logged values); `validation_data`, the list of validation arrays, or None.

    `logs` is a dict. At the end of a batch it holds batch, size, loss and the metrics of that batch; at the end of an
    epoch their averages over the samples, and those of the validation data under val_….
    """

    def __init__(self) -> None:
        self.validation_data: Any = None
        self.model: Any = None
        self.params: Any = None

    def __repr__(self) -> str:
        return shown(self, {name: getattr(self, name, None) for name in keywords(type(self).__init__)[0]})

    def set_params(self, params: Any) -> None:
        """Take the parameters of the run (see the class)."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Take the model that is run."""
        self.model = model

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """epoch: counted from 0."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """logs: averages of the epoch; what is stored in it is seen by the callbacks after this one."""

    def on_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Before each training batch. batch: counted from 0 in the epoch."""

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """After each training batch."""

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """The same under Keras 3's name."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """The same under Keras 3's name."""
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Before each batch of an evaluation, that of validation data included."""

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """After each batch of an evaluation."""

    def on_predict_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Before each batch of predictions."""

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """After each batch of predictions; logs holds `outputs`, the list of arrays."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """After the last epoch."""

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Before an evaluation."""

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """After an evaluation."""

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Before predictions."""

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        """After predictions."""


class LambdaCallback(Callback):
    """A callback made of functions, each given under the name of a hook.

    Functions of epochs take (epoch, logs), of batches (batch, logs), of a whole run (logs): on_epoch_begin,
    on_epoch_end, on_batch_begin, on_batch_end, on_train_begin, on_train_end and, by keyword, Keras 3's hooks. Other
    keywords become attributes. TypeError for an unknown name that begins with on_ and for what cannot be called.
    """

    def __init__(self, on_epoch_begin: Any = None, on_epoch_end: Any = None, on_batch_begin: Any = None,
                 on_batch_end: Any = None, on_train_begin: Any = None, on_train_end: Any = None, **kwargs: Any) -> None:
        super().__init__()
        given = {'on_epoch_begin': on_epoch_begin, 'on_epoch_end': on_epoch_end, 'on_batch_begin': on_batch_begin,
                 'on_batch_end': on_batch_end, 'on_train_begin': on_train_begin, 'on_train_end': on_train_end, **kwargs}
        for name, value in given.items():
            if name.startswith('on_'):
                if name not in HOOKS:
                    raise unknown_argument('LambdaCallback', name, HOOKS)
                if value is None:
                    continue
                if not callable(value):
                    raise TypeError(f'LambdaCallback: {name} must be a function, got {value!r}')
            setattr(self, name, value)
