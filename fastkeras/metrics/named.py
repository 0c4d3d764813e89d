"""Metrics by name."""

from fastkeras.metrics import base, confusion, functions, means, scores
from fastkeras.saving import objects

CLASSES = {name: c for module in (base, means, confusion, scores) for name, c in vars(module).items()
           if isinstance(c, type) and issubclass(c, base.Metric) and not name.startswith('_')}
_TABLE = {**functions.TABLE, **CLASSES}
objects.add_family('metrics', _TABLE)
objects.add_slot('metric', base.Metric, functions=True)


def serialize(metric):
    """The name of a metric function, or the configuration of a Metric."""
    return objects.serialize(metric, table=_TABLE)


def deserialize(config, custom_objects=None):
    """The metric of a name or a configuration."""
    return objects.deserialize('metric', config, _TABLE, custom_objects)


def get(identifier):
    """A metric by name, configuration or itself; None stays None. ValueError for an unknown name.

    'accuracy' alone is equality of elements; in compile it depends on loss and shapes: see choose.
    """
    return objects.resolve('metric', identifier, _TABLE)
