"""fit_generator, evaluate_generator and predict_generator: fit, evaluate and predict under their names for generators."""

from fastkeras.legacy.keras1 import accepts


class Generators:
    """Mixin of models. `generator` gives batches (x, y) or (x, y, sample_weight) without end, or is a Sequence, whose
    length says the number of steps; for another one ValueError where that number is not given.

    workers, max_queue_size, use_multiprocessing: how batches are read ahead, as in `fit`: by default by one thread, at
    most 10 of them. The Keras 1 words (samples_per_epoch, nb_epoch, …) are taken with a warning.
    """

    @accepts('fit_generator')
    def fit_generator(self, generator, steps_per_epoch=None, epochs=1, verbose=1, callbacks=None, validation_data=None,
                      validation_steps=None, class_weight=None, max_queue_size=10, workers=1,
                      use_multiprocessing=False, shuffle=True, initial_epoch=0, validation_freq=1):
        """`fit` on batches from a generator. shuffle: the order of the batches of a Sequence. Returns a History."""
        return self.fit(generator, steps_per_epoch=steps_per_epoch, epochs=epochs, verbose=verbose,
                        callbacks=callbacks, validation_data=validation_data, validation_steps=validation_steps,
                        class_weight=class_weight, shuffle=shuffle, initial_epoch=initial_epoch,
                        validation_freq=validation_freq, max_queue_size=max_queue_size, workers=workers,
                        use_multiprocessing=use_multiprocessing)

    @accepts('evaluate_generator')
    def evaluate_generator(self, generator, steps=None, max_queue_size=10, workers=1, use_multiprocessing=False,
                           verbose=0):
        """`evaluate` on batches from a generator: the loss, or [loss, metrics…]."""
        return self.evaluate(generator, steps=steps, verbose=verbose, max_queue_size=max_queue_size, workers=workers,
                             use_multiprocessing=use_multiprocessing)

    @accepts('predict_generator')
    def predict_generator(self, generator, steps=None, max_queue_size=10, workers=1, use_multiprocessing=False,
                          verbose=0):
        """`predict` on batches from a generator of x, or of tuples that begin with x."""
        return self.predict(generator, steps=steps, verbose=verbose, max_queue_size=max_queue_size, workers=workers,
                            use_multiprocessing=use_multiprocessing)
