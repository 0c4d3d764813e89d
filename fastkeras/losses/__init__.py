"""Losses by name, as functions and as objects, with the names of Keras 2 and 3."""

from fastkeras.losses import classes as _classes
from fastkeras.losses import functions as _functions
from fastkeras.losses.classes import *  # noqa: F403
from fastkeras.losses.functions import *  # noqa: F403
from fastkeras.losses.targets import check_labels, check_target, is_sparse, loss_function  # noqa: F401
from fastkeras.saving import objects as _objects

_TABLE = {name: getattr(module, name) for module in (_functions, _classes) for name in module.__all__}
_objects.add_family('losses', _TABLE)
_objects.add_slot('loss', _classes.Loss, functions=True)


def serialize(loss):
    """The name of a loss function, or the configuration of a loss object."""
    return _objects.serialize(loss, table=_TABLE)


def deserialize(name, custom_objects=None, config=None):
    """The loss of a name or a configuration."""
    return _objects.deserialize('loss', name if config is None else config, _TABLE, custom_objects)


def get(identifier):
    """A loss by name, configuration or itself; None stays None. ValueError for an unknown name."""
    return _objects.resolve('loss', identifier, _TABLE)
