"""A stack of layers."""

from __future__ import annotations

import copy
import threading
from typing import Any

import numpy as np

from fastkeras import generation
from fastkeras.layers import naming, registry
from fastkeras.layers.base import Layer
from fastkeras.layers.described import LayerGraph
from fastkeras.layers.input import Input, InputLayer
from fastkeras.layers.input_spec import UnknownSize, title
from fastkeras.ops import Tensor
from fastkeras.saving import objects
from fastkeras.utils import nest
from fastkeras.utils.texts import STRING, is_text

from . import functional
from .layer_list import LayerList
from .model import Model

__all__ = ['Sequential']

_PENDING = object()     # in place of a graph that is made when it is asked for
_making = threading.RLock()


class Sequential(Model):
    """Layers one after another.

    layers: list of layers; the first may say its input by input_shape, or be an Input. When none says it, the model is
    built by its first data. A `Merge` of models may be the first: the stack then has the inputs of them all, and is written to
    files as the graph that it is. name: by default sequential_1, …; as the second positional argument a bool is `trainable`.
    """

    def __init__(self, layers: Any = None, name: str | None = None, trainable: bool = True) -> None:
        if isinstance(name, bool):
            name, trainable = None, name
        super().__init__(name=name or naming.auto_name(naming.to_snake_case(type(self).__name__)), trainable=trainable)
        self._stack = []
        self._names = {}            # name → a layer of the stack
        self._begin = None          # the InputLayer that the user gave, or that the first layer asked for; a list of a Merge's
        self._tensors = []          # what each layer of the stack gives
        self._build_input_shape = None
        for layer in layers if layers is not None else ():
            self.add(layer)

    # ---- the stack
    def add(self, layer: Any) -> None:
        """Put a layer on top. TypeError for what is no layer; ValueError for one with several outputs, or a second
        input.
        """
        if isinstance(layer, Tensor) and layer._keras_history is not None and generation.of('sequential.takes_inputs'):
            layer = layer._keras_history.layer
        if not isinstance(layer, Layer):
            raise TypeError(f'{title(self)}: the added layer must be an instance of class Layer, got {type(layer).__name__}: '
                            f'{layer!r:.80}' + (
                '; a class must be called to make a layer' if isinstance(layer, type) else ''))
        if isinstance(layer, InputLayer):
            if self._stack or self._begin is not None:
                raise ValueError(f'{title(self)}: expected an input only at the beginning, got {layer.name!r} after '
                                 f'{len(self._stack)} layers')
            self._begin = layer
            return
        known = self._names.get(layer.name, layer)
        if known is not layer and known.name == layer.name:
            raise ValueError(f'{title(self)}: the name {layer.name!r} is taken by another of its layers; give the new '
                             f'one another')
        if not self._stack and self._begin is None:
            self._begin = _input_of(layer)
        self._stack.append(layer)
        try:
            self._extend()
        except Exception as error:
            if isinstance(error, UnknownSize) and self._stack[0]._takes_any_length and not self._begin_was_given:
                self._put_off()
            else:
                self._stack.pop()
                if not self._stack:
                    self._begin = None
                raise
        self._names[layer.name] = layer

    def _put_off(self):
        """Be built by the first data after all, which say the length that the first layer left open."""
        self._begin, self._tensors = None, []
        self._graph, self.built = None, False
        self._forget_traces()
        del self._inbound_nodes[:1]
        self._stack[0]._takes_any_length = False

    def _extend(self):
        """Call the layers that were not yet, and make the graph anew."""
        if self._begin is None:
            return
        if self._tensors:
            tensor = self._tensors[-1]
        elif self._joins:           # what its models gave when it was made: their layers are those of this model
            tensor = self._stack[0].outputs[0]
            self._tensors.append(tensor)
        else:
            tensor = self._begin._inbound_nodes[0].outputs
        for layer in self._stack[len(self._tensors):]:
            tensor = layer(tensor)
            if isinstance(tensor, (list, tuple, dict)):
                if len(nest.flatten(tensor)) != 1:
                    raise ValueError(f'{title(self)}: expected layers with one output, got {len(nest.flatten(tensor))} '
                                     f'from {layer.name!r}; use Model(inputs, outputs)')
                tensor = nest.flatten(tensor)[0]
            self._tensors.append(tensor)
        self._change_graph()

    # A graph of n layers takes time in proportion to n, so it is not made for each layer that is added, but when it is asked
    # for.
    def _change_graph(self):
        self.__dict__['_graph'] = _PENDING
        self._forget_traces()
        self.built = True

    def _made_graph(self):
        """The graph of the stack as it is now; None where the input is not known."""
        graph = self.__dict__.get('_graph')
        if graph is _PENDING:
            with _making:
                graph = self.__dict__['_graph']
                if graph is _PENDING:
                    begin = (list(self._stack[0].inputs) if self._joins else self._begin._inbound_nodes[0].outputs)
                    graph = LayerGraph(begin, self._tensors[-1], self.name)
                    self._connect(graph, self.__dict__['_inbound_nodes'])
        return graph

    _graph = property(_made_graph, lambda self, graph: self.__dict__.__setitem__('_graph', graph))

    @property
    def _inbound_nodes(self):
        self._made_graph()      # whose first node goes before all others
        return self.__dict__['_inbound_nodes']

    @_inbound_nodes.setter
    def _inbound_nodes(self, nodes):
        self.__dict__['_inbound_nodes'] = nodes

    def _cure(self):
        return '. This model has not yet been built: its first layer must get an `input_shape`, or build(input_shape) be called'

    def pop(self) -> None:
        """Take the last layer off, and return it. TypeError when there is none."""
        if not self._stack:
            raise TypeError(f'{title(self)}: there are no layers in the model to take off')
        layer = self._stack.pop()
        if layer not in self._stack:
            self._names = {name: kept for name, kept in self._names.items() if kept is not layer}
        if self._tensors:
            self._tensors.pop()
        if self._stack and self._tensors:
            self._change_graph()
        else:
            self._graph = None
            self.built = False
            self._forget_traces()
            del self._inbound_nodes[:1]
            if not self._stack and self._begin is not None and not self._begin_was_given:
                self._begin = None
        return layer

    @property
    def _begin_was_given(self):
        return not self._joins and getattr(self._begin, 'made_for', None) is None

    # ---- a Merge of models at the beginning
    @property
    def _joins(self):
        return isinstance(self.__dict__.get('_begin'), list)

    @property
    def _is_stack(self):
        return not self._joins

    @property
    def _stored_layers(self):
        """The layers of one joined model after the other, as Keras 1 has them in its files of weights."""
        if not self._joins:
            return self._stack
        place = {name: k for k, name in enumerate(self._stack[0]._order_of_merged)}
        return sorted(self.layers, key=lambda layer: place.get(layer.name, len(place)))

    @property
    def _keras2_name(self):
        return 'Model' if self._joins else type(self).__name__

    @property
    def _keras3_class(self):
        return ('keras.src.models.functional', 'Functional') if self._joins else None

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the input. A list to be read only: TypeError for changes, which the model would not
        follow. After a `Merge` of models they are those of the graph, as of a Model."""
        return super().layers if self._joins else LayerList(self._stack, title(self), True)

    def _sublayers(self):
        return list(self._graph.layers if self._joins else self._stack)

    @property
    def model(self) -> Any:
        """The model itself, as older Keras called it."""
        return self

    # ---- building
    def build(self, input_shape: Any = None) -> None:
        """Build for inputs of this shape (with the batch)."""
        if self._graph is None and input_shape is not None:
            self._begin_with(tuple(input_shape))
        self.built = self._graph is not None

    def _after_build(self, input_shape):
        self.built = self._graph is not None

    def _begin_with(self, shape, dtype=None):
        if not self._stack:
            raise ValueError(f'{title(self)} cannot be built because it has no layers; call model.add(layer) first')
        self._build_input_shape = shape
        first = self._stack[0]
        dtype = dtype or first._input_dtype or (first.dtype if first._given_dtype else None)
        self._begin = Input(batch_shape=shape, dtype=dtype,
                            name=f'{first.name}_input')._keras_history.layer
        self._begin.made_for = first.name
        try:
            self._extend()
        except Exception:
            self._begin, self._tensors = None, []
            raise

    def _build_for(self, inputs, kwargs):
        tensors = nest.flatten(inputs)
        if len(tensors) != 1:
            raise ValueError(f'{title(self)}: expected one input, got {len(tensors)}')
        self.build((None, *tensors[0].shape[1:]))

    def _build_from_data(self, x):
        if self._graph is None:
            arrays = nest.flatten(x)
            if len(arrays) != 1:
                raise ValueError(f'{title(self)}: expected one input, got {len(arrays)}')
            self._begin_with((None, *(arrays[0].shape[1:] or (1,))), STRING if is_text(arrays[0]) else None)
            self.built = self._graph is not None

    def _prepare(self, inputs, kwargs):
        if not self._stack:
            raise ValueError(f'{title(self)} cannot be built because it has no layers; call model.add(layer) first')
        super()._prepare(inputs, kwargs)

    # ---- predictions of classifiers
    def predict_proba(self, x: Any, batch_size: int | None = 32, verbose: Any = 0) -> Any:
        """`predict`, for a model whose outputs are probabilities."""
        return self.predict(x, batch_size=batch_size, verbose=verbose)

    def predict_classes(self, x: Any, batch_size: int | None = 32, verbose: Any = 0) -> Any:
        """The most likely class of each sample; with one output, 1 where it is above 0.5."""
        y = self.predict(x, batch_size=batch_size, verbose=verbose)
        if y.shape[-1] > 1:
            return y.argmax(axis=-1)
        return (y > 0.5).astype(np.int32)

    # ---- configuration
    def get_config(self) -> dict[str, Any]:
        """{'name', 'layers'}: the configurations of the layers; the first says the input's shape."""
        if self._joins:
            return functional.to_config(self)
        entries = [copy.deepcopy(registry.serialize(layer)) for layer in self._stack]
        begin = self._begin
        if generation.of('config.module_and_registered_name'):
            if begin is not None:
                entries.insert(0, registry.serialize(begin))
            return {'name': self.name, 'trainable': self.trainable, 'layers': entries}
        config = {'name': self.name, 'layers': entries}
        if not self.trainable:      # its readers in Keras 2 pass over it
            config['trainable'] = False
        if begin is not None and entries and getattr(self._stack[0], 'batch_input_shape', None) is None:
            if self._begin_was_given and 'batch_input_shape' not in entries[0]['config']:
                entries.insert(0, registry.serialize(begin))
            elif self._build_input_shape is not None:
                config['build_input_shape'] = self._build_input_shape
        return config

    @classmethod
    def from_config(cls, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """The stack that a configuration describes, with new weights."""
        name, config = registry.of_model('Sequential', config, custom_objects)
        if name != 'Sequential':            # of Keras 1, which began with a Merge of models
            return registry.deserialize({'class_name': name, 'config': config}, custom_objects)
        if isinstance(config, list):        # before Keras 2.2.3
            config = {'layers': config}
        objects.checked_config(cls, config, 'layers')
        if 'input_layers' in config:        # it began with a Merge of models
            return Model.from_config(config, custom_objects)
        objects.check_model_keys(cls, config)
        model = cls(name=config.get('name'))
        for entry in config['layers']:
            model.add(registry.checked(registry.deserialize(entry, custom_objects), entry))
        shape = config.get('build_input_shape')
        if model._graph is None and shape and model._stack:
            model.build(tuple(shape))
        model.trainable = config.get('trainable', True)
        return model


def _input_of(layer):
    """The InputLayer that a first layer asks for, a list for a Merge of models; None when it does not say its input."""
    if hasattr(layer, '_order_of_merged'):
        return [t._keras_history.layer for t in layer.inputs]
    shape, dtype = getattr(layer, 'batch_input_shape', None), layer._given_dtype
    if shape is None and isinstance(layer, Model) and layer._graph is not None:
        begins = layer._graph.begins
        if len(begins) != 1:
            raise ValueError(f'{title(layer)} has {len(begins)} inputs; it cannot begin a Sequential model')
        shape, dtype = begins[0].shape, begins[0].dtype
    if shape is None:
        return None
    made = Input(batch_shape=shape, dtype=dtype, name=f'{layer.name}_input')._keras_history.layer
    made.made_for = layer.name
    return made
