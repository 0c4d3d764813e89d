"""Optimizers by name and as objects, with the names of Keras 2 and 3."""

from fastkeras.optimizers import schedules  # noqa: F401
from fastkeras.optimizers.base import Optimizer
from fastkeras.optimizers.classic import SGD, Adadelta, Adagrad, Adam, Adamax, Nadam, RMSprop
from fastkeras.optimizers.clipping import clip_norm  # noqa: F401
from fastkeras.optimizers.latest import Muon, ScheduleFreeAdamW
from fastkeras.optimizers.modern import Adafactor, AdamW, Ftrl, Lamb, Lion
from fastkeras.optimizers.tf_optimizer import TFOptimizer
from fastkeras.optimizers.wrapped import LossScaleOptimizer, MultiOptimizer, OptimizerMap
from fastkeras.saving import objects as _objects

sgd, rmsprop, adagrad, adadelta = SGD, RMSprop, Adagrad, Adadelta
adam, adamax, nadam = Adam, Adamax, Nadam

_CLASSES = (SGD, RMSprop, Adagrad, Adadelta, Adam, Adamax, Nadam, AdamW, Adafactor, Ftrl, Lamb, Lion, Muon, ScheduleFreeAdamW,
            LossScaleOptimizer, MultiOptimizer, OptimizerMap, Optimizer)
_TABLE = {c.__name__: c for c in _CLASSES}
_TABLE.update({c.__name__.lower(): c for c in _CLASSES})
_objects.add_family('optimizers', _TABLE)
_objects.add_slot('optimizer', Optimizer, OptimizerMap)


def serialize(optimizer):
    """The configuration of an optimizer, in the words of its own generation."""
    return _objects.serialize(optimizer, form=getattr(optimizer, 'generation', None))


def deserialize(config, custom_objects=None):
    """The optimizer of a configuration of either generation; names of classes count whatever their case."""
    if isinstance(config, dict) and str(config.get('class_name')).lower() in _TABLE:
        known = {**config, 'class_name': config['class_name'].lower()}
        if config['class_name'] not in _objects.visible_custom_objects(custom_objects):
            config = known
    return _objects.deserialize('optimizer', config, _TABLE, custom_objects)


def get(identifier):
    """An optimizer by name ('adam'), configuration or itself. ValueError for an unknown name or None."""
    if identifier is None:
        raise ValueError('optimizer: expected a name, a configuration or an Optimizer, got None')
    if isinstance(identifier, str):
        identifier = identifier if identifier in _objects.visible_custom_objects() else identifier.lower()
    elif isinstance(identifier, dict):
        return deserialize(identifier)
    elif not isinstance(identifier, Optimizer) and hasattr(identifier, 'compute_gradients'):
        return TFOptimizer(identifier)
    elif not isinstance(identifier, (type, Optimizer)) and not hasattr(identifier, 'get_updates'):
        raise ValueError(f'optimizer: expected a name, a configuration or an Optimizer, got {identifier!r}')
    return _objects.resolve('optimizer', identifier, _TABLE)
