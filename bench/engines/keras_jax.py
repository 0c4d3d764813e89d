"""Keras 3 on JAX. XLA takes all processors that the process may use."""
import os

os.environ['KERAS_BACKEND'] = 'jax'
os.environ.setdefault('JAX_PLATFORMS', 'cpu')

import jax  # noqa: E402

from . import keras3  # noqa: E402


class Engine(keras3.Engine):
    variants = {'predict_on_batch': ['predict_on_batch xla'], 'train_on_batch': ['train_on_batch xla']}

    def versions(self):
        return {'jax': jax.__version__, **super().versions()}
