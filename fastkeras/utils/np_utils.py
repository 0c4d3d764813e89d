"""The array helpers under the module name of Keras 2, and those that Keras 1 had here."""

import numpy as np

from .numpy_utils import normalize, to_categorical

__all__ = ['categorical_probas_to_classes', 'normalize', 'probas_to_classes', 'to_categorical']


def probas_to_classes(y_pred):
    """Classes (samples,) of what `predict` gave: the largest of several probabilities, or whether the only one is above
    0.5.
    """
    y_pred = np.asarray(y_pred)
    if y_pred.ndim > 1 and y_pred.shape[1] > 1:
        return categorical_probas_to_classes(y_pred)
    return (y_pred.reshape(len(y_pred)) > 0.5).astype(int)


def categorical_probas_to_classes(p):
    """The class with the largest probability of each row of p (samples, classes)."""
    return np.argmax(p, axis=1)
