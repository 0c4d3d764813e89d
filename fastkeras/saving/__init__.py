"""Objects to configurations and files, and back."""

from fastkeras import late
from fastkeras.saving.objects import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)
from fastkeras.saving.report import LoadReport
from fastkeras.utils.errors import ModelFileError

__all__ = ['CustomObjectScope', 'LoadReport', 'ModelFileError', 'custom_object_scope', 'deserialize_keras_object',
           'get_custom_objects', 'get_registered_name', 'get_registered_object', 'load_model', 'register_keras_serializable',
           'save_model', 'serialize_keras_object']


def load_model(filepath, custom_objects=None, compile=True, safe_mode=True):
    """As `fastkeras.models.load_model`."""
    return late.part('models').load_model(filepath, custom_objects, compile, safe_mode)


def save_model(model, filepath, overwrite=True, include_optimizer=True, **kwargs):
    """As `fastkeras.models.save_model`."""
    return late.part('models').save_model(model, filepath, overwrite, include_optimizer, **kwargs)
