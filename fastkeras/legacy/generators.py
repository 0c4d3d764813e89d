"""fit_generator, evaluate_generator and predict_generator: fit, evaluate and predict under their names for generators."""

from __future__ import annotations

from typing import Any

from fastkeras.legacy.keras1 import accepts


class Generators:
    """Mixin of models. `generator` gives batches (x, y) or (x, y, sample_weight) without end, or is a Sequence, whose
    length says the number of steps; for another one ValueError where that number is not given.

    workers, max_queue_size, use_multiprocessing: how batches are read ahead, as in `fit`: by default by one thread, at
    most 10 of them. The Keras 1 words (samples_per_epoch, nb_epoch, …) are taken with a warning.
    """

    @accepts('fit_generator')
    def fit_generator(self, generator: Any, steps_per_epoch: float | None = None, epochs: int = 1, verbose: Any = 1,
                      callbacks: Any = None, validation_data: Any = None, validation_steps: float | None = None,
                      class_weight: Any = None, max_queue_size: Any = 10, workers: Any = 1,
                      use_multiprocessing: bool = False, shuffle: Any = True, initial_epoch: int = 0,
                      validation_freq: Any = 1) -> Any:
        """`fit` on batches from a generator. shuffle: the order of the batches of a Sequence. Returns a History."""
        return self.fit(generator, steps_per_epoch=steps_per_epoch, epochs=epochs, verbose=verbose,
                        callbacks=callbacks, validation_data=validation_data, validation_steps=validation_steps,
                        class_weight=class_weight, shuffle=shuffle, initial_epoch=initial_epoch,
                        validation_freq=validation_freq, max_queue_size=max_queue_size, workers=workers,
                        use_multiprocessing=use_multiprocessing)

    @accepts('evaluate_generator')
    def evaluate_generator(self, generator: Any, steps: float | None = None, max_queue_size: Any = 10, workers: Any = 1,
                           use_multiprocessing: bool = False, verbose: Any = 0) -> Any:
        """`evaluate` on batches from a generator: the loss, or [loss, metrics…]."""
        return self.evaluate(generator, steps=steps, verbose=verbose, max_queue_size=max_queue_size, workers=workers,
                             use_multiprocessing=use_multiprocessing)

    @accepts('predict_generator')
    def predict_generator(self, generator: Any, steps: float | None = None, max_queue_size: Any = 10, workers: Any = 1,
                          use_multiprocessing: bool = False, verbose: Any = 0) -> Any:
        """`predict` on batches from a generator of x, or of tuples that begin with x."""
        return self.predict(generator, steps=steps, verbose=verbose, max_queue_size=max_queue_size, workers=workers,
                            use_multiprocessing=use_multiprocessing)
