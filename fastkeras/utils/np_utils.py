"""The array helpers, under the module name of Keras 2."""

from .numpy_utils import normalize, to_categorical

__all__ = ['normalize', 'to_categorical']
