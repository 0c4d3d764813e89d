"""Layers one after another as one layer: Pipeline."""

from __future__ import annotations

from typing import Any

from fastkeras.utils import nest
from fastkeras.utils.texts import is_text

from . import registry
from .base import Layer
from .calls import takes
from .input_spec import title

__all__ = ['Pipeline']


class Pipeline(Layer):
    """The layers applied one after another: a plain layer, no model, such as a row of preprocessing layers.

    layers: list of layers. Called on arrays, `training` is True unless given, as such layers augment; in a model it is
    what the model's is. Texts may come in where the first layers take them. Raises ValueError for what is no layer.
    """

    _takes_text = True
    _not_in_keras3 = ('trainable', 'dtype')

    def __init__(self, layers: Any, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        if not isinstance(layers, (list, tuple)) or not layers:
            raise ValueError(f'{title(self)}: expected layers to be a list of at least one layer, got {layers!r:.80}')
        for layer in layers:
            if not isinstance(layer, Layer):
                raise ValueError(f'{title(self)}: expected layers to hold layers, got {layer!r:.80}')
        self._pipeline_layers = list(layers)

    @property
    def layers(self) -> list[Layer]:
        """The layers, in order."""
        return self._pipeline_layers

    def call(self, inputs: Any, training: Any = True, mask: Any = None) -> Any:
        for layer in self._pipeline_layers:
            inputs = layer(inputs, **({'training': training} if takes(layer.call, 'training') else {}))
        return inputs

    def _compute(self, inputs, kwargs):
        kwargs = {'training': True, **kwargs}
        if any(map(is_text, [inputs, *nest.flatten(inputs)][:2])):
            return self.call(inputs, kwargs['training'])
        return super()._compute(inputs, kwargs)

    def _with_masks(self, inputs, outputs, mask):
        return outputs      # the last layer has seen to it

    def get_config(self) -> dict[str, Any]:
        return {**self._config_with(), 'layers': [registry.serialize(layer) for layer in self._pipeline_layers]}

    @classmethod
    def from_config(cls, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """The pipeline of a configuration, with new weights."""
        config = dict(config)
        config['layers'] = [registry.deserialize(entry, custom_objects) for entry in config.get('layers') or ()]
        return super().from_config(config)
