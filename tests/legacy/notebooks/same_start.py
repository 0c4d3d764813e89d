"""What the notebooks share: weights that are the same on every Keras, and the line in which they say what came out."""

import json

import numpy as np


def fill(model, seed=0, scale=1.0):
    """Weights that a seed gives, in place of those that Keras drew: matrices of the size that Glorot asks for."""
    random = np.random.RandomState(seed)
    model.set_weights([random.normal(0, scale * np.sqrt(2 / (np.prod(w.shape[:-1]) + w.shape[-1])), w.shape)
                       if w.ndim > 1 else w for w in model.get_weights()])
    return model


def show(**results):
    """One line of JSON: numbers, lists of them, texts."""
    print(json.dumps({k: v if isinstance(v, (str, bool)) else np.round(np.asarray(v, 'float64'), 6).tolist()
                      for k, v in results.items()}))
