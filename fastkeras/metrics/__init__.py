"""Metrics by name, as functions (Keras 2) and as objects with state (Keras 3)."""

from fastkeras.losses import functions as _losses
from fastkeras.losses.functions import *  # noqa: F403
from fastkeras.metrics import base as _base
from fastkeras.metrics import confusion as _confusion
from fastkeras.metrics import functions as _functions
from fastkeras.metrics import means as _means
from fastkeras.metrics import scores as _scores
from fastkeras.metrics.choose import choose, name_of  # noqa: F401
from fastkeras.metrics.functions import *  # noqa: F403
from fastkeras.saving import objects as _objects

_CLASSES = {name: c for module in (_base, _means, _confusion, _scores) for name, c in vars(module).items()
            if isinstance(c, type) and issubclass(c, _base.Metric) and not name.startswith('_')}
globals().update(_CLASSES)

_TABLE = {name: getattr(module, name) for module in (_losses, _functions) for name in module.__all__}
_TABLE.update(_CLASSES, acc=_functions.accuracy)


def serialize(metric):
    """The name of a metric function, or the configuration of a Metric."""
    return _objects.serialize(metric)


def deserialize(config, custom_objects=None):
    """The metric of a name or a configuration."""
    return _objects.deserialize('metric', config, _TABLE, custom_objects)


def get(identifier):
    """A metric by name, configuration or itself; None stays None. ValueError for an unknown name.

    'accuracy' alone is equality of elements; in compile it depends on loss and shapes: see choose.
    """
    return _objects.resolve('metric', identifier, _TABLE)
