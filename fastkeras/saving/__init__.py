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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fastkeras.saving.editor import KerasFileEditor as KerasFileEditor

__all__ = ['CustomObjectScope', 'KerasFileEditor', 'LoadReport', 'ModelFileError', 'custom_object_scope',
           'deserialize_keras_object', 'get_custom_objects', 'get_registered_name', 'get_registered_object', 'load_model',
           'load_weights', 'register_keras_serializable', 'save_model', 'save_weights', 'serialize_keras_object']


def __getattr__(name):
    # it rests on layers and models, which rest on what is in this package
    if name == 'KerasFileEditor':
        return late.part('models').KerasFileEditor
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')


def load_model(filepath, custom_objects=None, compile=True, safe_mode=True):
    """As `fastkeras.models.load_model`."""
    return late.part('models').load_model(filepath, custom_objects, compile, safe_mode)


def load_weights(model, filepath, skip_mismatch=False, **kwargs):
    """model.load_weights(filepath, …)."""
    return model.load_weights(filepath, skip_mismatch=skip_mismatch, **kwargs)


def save_weights(model, filepath, overwrite=True, max_shard_size=None, **kwargs):
    """model.save_weights(filepath, …)."""
    model.save_weights(filepath, overwrite=overwrite, max_shard_size=max_shard_size, **kwargs)


def save_model(model, filepath, overwrite=True, include_optimizer=True, **kwargs):
    """As `fastkeras.models.save_model`."""
    return late.part('models').save_model(model, filepath, overwrite, include_optimizer, **kwargs)
