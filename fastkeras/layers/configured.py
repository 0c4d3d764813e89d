"""The configuration of a layer: what it takes to make an equal one, without the weights."""

from __future__ import annotations

from typing import Any

from fastkeras import activations, constraints, generation, initializers, regularizers
from fastkeras.saving import objects

from . import construction

# arguments of the base, which a subclass's __init__ need not take
_BASE = ('name', 'trainable', 'dtype', 'batch_input_shape')
_BY_SUFFIX = {'initializer': initializers.serialize, 'regularizer': regularizers.serialize,
              'constraint': constraints.serialize, 'activation': activations.serialize}


class Configured:
    """Mixin of Layer: get_config and from_config."""

    # Keys of Keras 3's configurations that are no arguments here, with the one value that from_config lets pass, since it
    # asks for nothing; `...` lets any value pass. Anything else would be lost, so it is an error.
    _elsewhere = {'quantization_config': None, 'lora_rank': None, 'lora_alpha': ...}

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, as values that JSON can hold.

        A class with arguments of its own adds them. One that does not define get_config gets the arguments it was made
        with; those are found again by their names.
        """
        config = {'name': self.name, 'trainable': self.trainable}
        three = generation.of('config.module_and_registered_name')
        if getattr(self, 'batch_input_shape', None) is not None and not three:      # there an InputLayer says it
            config['batch_input_shape'] = self.batch_input_shape
        if three:
            config['dtype'] = {'module': 'keras', 'class_name': 'DTypePolicy', 'config': {'name': self._kept_dtype()},
                               'registered_name': None}
        elif self._given_dtype is not None or self._kept_dtype() != 'float32':
            config['dtype'] = self._kept_dtype()
        if type(self)._config_is_recorded():
            config.update(self._recorded_config())
        return config

    @classmethod
    def _config_is_recorded(cls):
        """Whether the class leaves it to the arguments it was made with to say its configuration."""
        return cls.get_config is Configured.get_config

    def _recorded_config(self):
        arguments = construction.arguments_of(self)
        if arguments is None:
            raise ValueError(f'{type(self).__name__} takes *args, so what it was made with has no names; define '
                             f'get_config')
        for known in ('weights', 'input_shape', 'input_dim', 'input_length', 'input_dtype', 'batch_size', *_BASE):
            arguments.pop(known, None)
        return {k: objects.serialize_keras_object(v) for k, v in arguments.items()}

    def _config_with(self, *names):
        """The base's configuration and these attributes, serialized by what their names end in."""
        config = Configured.get_config(self)
        for name in names:
            value = getattr(self, name)
            serialize = _BY_SUFFIX.get(name.rsplit('_', 1)[-1])
            config[name] = serialize(value) if serialize is not None else value
        return config

    @staticmethod
    def _with_newer(config, newer):
        """The configuration with settings that only Keras 3 knows, given as (value, default): in the form of Keras 2, whose
        readers refuse what they do not know, those alone that are not at their defaults."""
        three = generation.of('config.module_and_registered_name')
        return {**config, **{k: value for k, (value, default) in newer.items() if three or value != default}}

    @classmethod
    def from_config(cls, config: Any) -> Any:
        """The layer that a configuration describes."""
        config = dict(objects.checked_config(cls, config))
        names, anything = construction.parameters_of(cls.__init__)
        for key, nothing in cls._elsewhere.items():
            if key in config and key not in names:
                value = config.pop(key)
                if nothing is not ... and value != nothing:
                    raise ValueError(f'{cls.__name__} {config.get("name")!r}: {key}={value!r} is not part of this '
                                     f'engine; only {nothing!r} can be loaded')
        if cls._config_is_recorded():
            config = {k: objects.deserialize_keras_object(v) if k not in _BASE and _is_object(v) else v
                      for k, v in config.items()}
        rest = {} if anything else {k: config.pop(k) for k in _BASE if k in config and k not in names}
        layer = cls(**config)
        if 'name' in rest:
            layer.name = rest['name']
        layer.trainable = rest.get('trainable', layer.trainable)
        if rest.get('dtype') is not None:
            layer.dtype = rest['dtype']
        if rest.get('batch_input_shape') is not None:
            layer.batch_input_shape = tuple(rest['batch_input_shape'])
        return layer


def _is_object(value):
    if isinstance(value, (list, tuple)):
        return any(_is_object(v) for v in value)
    return isinstance(value, dict) and 'class_name' in value
