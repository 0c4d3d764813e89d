"""Optimizers of other packages, made for TensorFlow 1's two methods."""

from __future__ import annotations

from typing import Any

from fastkeras.optimizers.base import Optimizer


class TFOptimizer(Optimizer):
    """An object with `compute_gradients(loss, var_list)`, which gives pairs (gradient, variable), and
    `apply_gradients(pairs, global_step)`, as an optimizer here: what they do must be written in `backend` or ops.

    apply_gradients assigns, or returns pairs (variable, new value). Optimizers of TensorFlow itself, which make operations of
    its graph, are a TypeError: take the one of the same name in `keras.optimizers`. No file can hold one.
    """

    def __init__(self, optimizer: Any) -> None:
        super().__init__()
        theirs = type(optimizer).__module__.split('.')[0]
        if theirs in ('tensorflow', 'tf_keras') or not all(
                callable(getattr(optimizer, name, None)) for name in ('compute_gradients', 'apply_gradients')):
            raise TypeError(f'TFOptimizer: expected an object with compute_gradients and apply_gradients that are written in '
                            f'keras.backend, got {type(optimizer).__module__}.{type(optimizer).__name__}; optimizers of '
                            f'TensorFlow need its graph: take the one of the same name in keras.optimizers')
        self.optimizer = optimizer

    def get_updates(self, loss: Any, params: Any) -> Any:
        """What apply_gradients returned, and one more iteration."""
        pairs = self.optimizer.compute_gradients(loss, var_list=list(params))
        done = self.optimizer.apply_gradients(pairs, global_step=self._iterations)
        step = (self._iterations, self._iterations.__fastkeras_tensor__() + 1)
        made = list(done) if isinstance(done, (list, tuple)) and not (done and hasattr(done[0], 'assign')) else [done]
        self.updates = [step, *(u for u in made if u is not None)]
        return self.updates

    def get_config(self) -> dict[str, Any]:
        """ValueError: there is no configuration."""
        raise ValueError('TFOptimizer: it wraps an object of another package, which no configuration can hold; compile '
                         'the model again after loading it')
