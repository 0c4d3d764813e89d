"""Copies of models, with new weights."""

from __future__ import annotations

from typing import Any

from fastkeras.layers.input import InputLayer
from fastkeras.layers.substitute import substitute
from fastkeras.ops.tensor import Tensor
from fastkeras.utils import nest

from .model import Model
from .sequential import Sequential

__all__ = ['clone_model']


def clone_model(model: Any, input_tensors: Any = None, clone_function: Any = None) -> Model:
    """A model of the same layers and connections, with new layers and so new weights.

    input_tensors: Keras tensors for the copy to begin with, in place of new inputs. clone_function: layer → its copy,
    by default from its configuration. Raises ValueError for a model whose class has its own `call`: make it by its
    constructor or from_config.
    """
    if not isinstance(model, Model):
        raise ValueError(f'clone_model: expected a model, got {type(model).__name__}')
    copied = clone_function or (lambda layer: type(layer).from_config(layer.get_config()))
    if isinstance(model, Sequential) and model._is_stack:
        new = type(model)(name=model.name)
        if input_tensors is not None:
            (begin,) = nest.flatten(input_tensors)
            new.add(begin if _is_begin(begin) else InputLayer(input_tensor=begin))
        elif model._begin is not None and model._begin_was_given:
            new.add(type(model._begin).from_config(model._begin.get_config()))
        for layer in model.layers:
            new.add(copied(layer))
        if model._graph is not None and new._graph is None:
            new.build(model._begin.batch_input_shape)
        new.trainable = model.trainable
        return new
    if model._graph is None:
        raise ValueError(f'clone_model: {type(model).__name__} {model.name!r} is connected by its own call, which '
                         f'cannot be copied; make another by its constructor, or from_config(model.get_config())')
    graph = model._graph
    values, layers = {}, {}
    if input_tensors is None:
        old = [t._keras_history.layer for t in graph.begins]
        begins = [InputLayer.from_config(layer.get_config())._inbound_nodes[0].outputs for layer in old]
    else:
        begins = [t if _is_begin(t) else InputLayer(input_tensor=t)._inbound_nodes[0].outputs
                  for t in nest.flatten(input_tensors)]
        if len(begins) != len(graph.begins):
            raise ValueError(f'clone_model: expected {len(graph.begins)} input tensors, got {len(begins)}')
    for given, begin, new in zip(graph.input_tensors, graph.begins, begins):
        values[id(given)] = values[id(begin)] = new

    def again(layer, inputs, arguments):
        if layer not in layers:
            layers[layer] = copied(layer)
        return layers[layer](inputs, **arguments)

    value = substitute(graph.nodes, values, again)
    cls = Model if isinstance(model, Sequential) else type(model)
    new = cls(inputs=nest.pack(graph.inputs, begins), outputs=nest.map_structure(value, graph.outputs),
                      name=model.name)
    new.trainable = model.trainable
    return new


def _is_begin(tensor):
    return isinstance(tensor, Tensor) and tensor._keras_history is not None and isinstance(tensor._keras_history.layer,
                                                                                          InputLayer)
