"""How a model was compiled, as a configuration, and compiling it so again."""

from __future__ import annotations

from typing import Any

from fastkeras import generation, losses, metrics, optimizers
from fastkeras.optimizers import schedules
from fastkeras.saving import objects

_KEPT = ('run_eagerly', 'steps_per_execution', 'jit_compile')


class CompileConfig:
    """Part of Trainer: `get_compile_config` and `compile_from_config`."""

    def get_compile_config(self: Any) -> dict[str, Any] | None:
        """What `compile` was given, as JSON can hold it, in the form of Keras 3; None for a model that is not compiled."""
        if self._compile_args is None:
            return None
        given = self._compile_args
        with generation.scope(3):
            config = {'optimizer': _optimizer(self.optimizer), 'loss': _plain(given['loss']),
                      'loss_weights': _plain(given['loss_weights']), 'metrics': _plain(given['metrics']),
                      'weighted_metrics': _plain(given['weighted_metrics'])}
        config.update((name, getattr(self, name)) for name in _KEPT)
        if given['sample_weight_mode'] is not None:
            config['sample_weight_mode'] = given['sample_weight_mode']
        return config

    def compile_from_config(self: Any, config: Any) -> None:
        """Compile as a `get_compile_config` says. ValueError for what names no optimizer, loss or metric."""
        if not config or not config.get('optimizer'):
            return
        objects.checked_config(type(self), config)
        arguments = {'optimizer': optimizers.deserialize(config['optimizer']), 'loss': _revived(config.get('loss'), losses.get),
                     'metrics': _revived(config.get('metrics'), metrics.get), 'loss_weights': config.get('loss_weights'),
                     'weighted_metrics': _revived(config.get('weighted_metrics'), metrics.get)}
        for name in (*_KEPT, 'sample_weight_mode'):
            if config.get(name) is not None:
                arguments[name] = config[name]
        self.compile(**arguments)


def _optimizer(optimizer):
    """The configuration of an optimizer in the words of Keras 3."""
    inner = getattr(optimizer, 'inner_optimizer', None)
    if inner is not None:
        written = objects.serialize(optimizer, form=3)
        written['config'] = {'name': optimizer.name, **written['config'], 'inner_optimizer': _optimizer(inner)}
        return written
    if getattr(optimizer, 'generation', 3) == 3 or type(optimizer).get_config is not optimizers.Optimizer.get_config:
        return objects.serialize(optimizer, form=3)
    config = optimizer._config_of(3)
    if config.get('clipnorm') is not None:      # over all gradients, which has a name of its own there
        config['clipnorm'], config['global_clipnorm'] = None, config['clipnorm']
    decay = float(getattr(optimizer, 'decay', 0) or 0)
    if optimizer.decays and decay:
        config['learning_rate'] = objects.serialize(schedules.InverseTimeDecay(config['learning_rate'], 1, decay), form=3)
    cls = type(optimizer)
    return {'module': objects.keras_module(cls), 'class_name': cls.__name__, 'config': config,
            'registered_name': None if objects.keras_module(cls) else objects.get_registered_name(cls)}


def _plain(value):
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    name = getattr(value, '__name__', None)
    if name and not isinstance(value, type) and getattr(value, '__module__', '').startswith('fastkeras.'):
        return name             # a function of ours is known by its name
    return objects.serialize_keras_object(value)


def _revived(value, get):
    if isinstance(value, (list, tuple)):
        return [_revived(v, get) for v in value]
    if isinstance(value, dict):
        return get(value) if 'class_name' in value else {k: _revived(v, get) for k, v in value.items()}
    if isinstance(value, str):
        return objects.visible_custom_objects().get(value, value)
    return value
