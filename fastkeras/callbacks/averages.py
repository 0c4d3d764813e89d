"""Moving averages of weights in place of the weights, while a model is evaluated."""

from __future__ import annotations

from typing import Any

from fastkeras.callbacks.base import Callback


class SwapEMAWeights(Callback):
    """Evaluates and predicts with the moving averages of the weights that an optimizer with use_ema=True keeps; training goes
    on with the weights themselves.

    swap_on_epoch: the averages also stand in the model from the end of an epoch to the beginning of the next, so that a
    callback behind this one, such as ModelCheckpoint, saves them. ValueError where the optimizer keeps no averages.
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._swapped = False

    def _pairs(self):
        """(weight, its average), of the model's optimizer and those inside it."""
        optimizer = getattr(self.model, 'optimizer', None)
        optimizer = getattr(optimizer, 'inner_optimizer', optimizer)
        averaging = [o for o in getattr(optimizer, 'optimizers', [optimizer]) if getattr(o, 'use_ema', False)]
        if not averaging:
            raise ValueError('SwapEMAWeights: expected an optimizer that keeps averages, as Adam(use_ema=True), got '
                             f'{type(optimizer).__name__} with use_ema={getattr(optimizer, "use_ema", None)!r}')
        return [(v, o.slot('average', v)) for o in averaging if o.built for v in o._trainable_variables]

    def _swap(self, wanted):
        if self._swapped == wanted:
            return
        for v, average in self._pairs():
            value = v.numpy()
            v.assign(average.numpy())
            average.assign(value)
        self._swapped = wanted

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.swap_on_epoch:
            self._swap(False)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.swap_on_epoch:
            self._swap(True)
            if self.model.stop_training or epoch == self.params['epochs'] - 1:
                # at the end of fit the optimizer puts the averages into the model: they must not be the weights by then
                for v, average in self._pairs():
                    average.assign(v.numpy())
                self._swapped = False

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._swap(True)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        self._swap(False)

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._swap(True)

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        self._swap(False)
