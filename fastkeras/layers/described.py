"""The graph of layer calls between the inputs and the outputs of a functional model."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from fastkeras import ops
from fastkeras.ops.tensor import Tensor
from fastkeras.utils import nest
from fastkeras.utils.texts import STRING

from . import context, implicit
from .array_masks import masked
from .history import Node
from .input import InputLayer
from .present import values_of
from .substitute import step_of, steps_to, substitute, with_mask_of
from .text_front import TextFront

# where Keras tensors come from, for messages
_FROM = {'inputs': 'Input tensors to a Model must come from `keras.layers.Input`',
         'outputs': 'Output tensors to a Model must be the output of a Keras `Layer`'}


class LayerGraph:
    """inputs, outputs: nestings of Keras tensors. nodes: the calls on the way, each after those it needs; layers: all
    layers called, the ones far from the outputs first. ValueError when the outputs need something that is no input."""

    def __init__(self, inputs: Any, outputs: Any, owner: Any = 'model') -> None:
        self.inputs, self.outputs = inputs, outputs
        self.owner = owner
        self.input_tensors, self.output_tensors = nest.flatten(inputs), nest.flatten(outputs)
        self._check()
        wrap_ops(self.output_tensors, self.input_tensors)
        # an input from inside another graph gets an InputLayer of its own
        self.begins = [t if _is_input(t) else _new_input(t) for t in self.input_tensors]
        self.renamed = {id(t): b for t, b in zip(self.input_tensors, self.begins)}
        self._begun = {id(b) for b in self.begins}
        self.losses, self.metrics = [], []
        self._arrange(self.output_tensors)
        # what turns texts into numbers, in front of plans; None for a graph without texts
        texts = any(t.dtype == STRING for t in [*self.begins, *self.output_tensors])
        self.front = TextFront(self) if texts else None

    def _check(self):
        for what, tensors in (('inputs', self.input_tensors), ('outputs', self.output_tensors)):
            for t in tensors:
                if not isinstance(t, Tensor):
                    raise ValueError(f'Model {self.owner!r}: {_FROM[what]}; expected {what} to be Keras tensors, made by '
                                     f'Input or by layers called on them; got {type(t).__name__}: {t!r:.80}')
        if not self.output_tensors:
            raise ValueError(f'Model {self.owner!r}: expected at least one output')
        if len({id(t) for t in self.input_tensors}) != len(self.input_tensors):
            raise ValueError(f'Model {self.owner!r}: an input is given twice among {self.input_tensors}')

    def _arrange(self, ends):
        """nodes, depths and layers, in the order that Keras 2 gives them."""
        nodes, met = steps_to(ends, self._source)
        first_seen = {}
        for node in met:
            first_seen.setdefault(node.layer, len(first_seen))
        depth, layer_depth = {}, {}
        for node in reversed(nodes):
            d = max(depth.get(node, 0), layer_depth.get(node.layer, 0))
            depth[node] = layer_depth[node.layer] = d
            for t in node.input_tensors:
                source = self._source(t)
                if source is not None:
                    depth[source] = max(depth.get(source, 0), d + 1)
        for t in self.begins:
            layer = t._keras_history.layer
            if layer not in layer_depth:        # an input that nothing reads
                layer_depth[layer] = depth[layer._inbound_nodes[0]] = 0
                first_seen[layer] = -1
                nodes = [layer._inbound_nodes[0], *nodes]
        self.nodes, self.depth = nodes, depth
        self.members = set(nodes)
        self.__dict__.pop('index_limits', None)
        self.layers = sorted(layer_depth, key=lambda layer: (-layer_depth[layer], first_seen[layer]))
        _check_names(self.layers, self.owner)

    def _source(self, tensor):
        """The node that makes a tensor, that of its InputLayer for an input of the graph."""
        tensor = with_mask_of(tensor)
        tensor = self.renamed.get(id(tensor), tensor)
        history = tensor._keras_history
        if history is None:
            raise ValueError(f'Model {self.owner!r}: Graph disconnected: cannot obtain value for tensor {tensor!r}, '
                             f'which is neither an input of the model nor the result of a layer')
        node = history.layer._inbound_nodes[history.node_index]
        if isinstance(history.layer, InputLayer) and id(tensor) not in self._begun:
            raise ValueError(f'Model {self.owner!r}: Graph disconnected: cannot obtain value for tensor {tensor!r} at layer '
                             f'{history.layer.name!r}: its outputs need this input, which is not among the inputs '
                             f'{[t._keras_history.layer.name for t in self.begins]}')
        return node

    def add_end(self, tensor: Any, kind: Any) -> Any:
        """Also compute this Keras tensor whenever the graph runs; it is a loss, or (name, tensor) a metric."""
        value = tensor[1] if kind == 'metric' else tensor
        wrap_ops([value], self.input_tensors)
        (self.metrics if kind == 'metric' else self.losses).append(tensor)
        listed = self.layers
        self._arrange([*self.output_tensors, *self.losses, *(t for _, t in self.metrics)])
        self.front = TextFront(self) if self.front is not None else None
        kept = set(listed)
        self.layers = listed + [layer for layer in self.layers if layer not in kept]

    # ---- running
    def run(self, inputs: Any, mask: Any, owner: Any) -> Any:
        """The outputs for the tensors of a trace: each layer is called again on them. In a graph with texts, for those that
        its front gives."""
        front = self.front
        tensors = self.arranged(inputs) if front is None else nest.flatten(inputs)
        leaves = self.input_tensors if front is None else front.tensors
        masks = nest.flatten(mask) if mask is not None else [None] * len(tensors)
        values = {}
        for given, leaf, m in zip(tensors, leaves, masks):
            x = fitted(given, leaf, owner, leaf._keras_history.layer.name if _is_input(leaf) else '')
            values[id(leaf)] = masked(x, m) if m is not None else x

        for leaf, begin in zip(self.input_tensors, self.begins):
            if front is None or begin.dtype != STRING:
                values[id(leaf)] = values[id(begin)] = values[id(leaf if front is None else begin)]
        with values_of(values):
            value = substitute(self.nodes if front is None else front.rest, values)
        collected = context.collection()
        if collected is not None:
            for key, y in values.items():
                collected.values.setdefault(key, y)
        for t in self.losses:
            owner._collect_loss(value(t))
        for name, t in self.metrics:
            owner._report_metric(value(t), name)
        return nest.map_structure(value, self.outputs)

    def arranged(self, inputs: Any) -> Any:
        """What was given, as a flat list in the order of the inputs: a list, a dict by the names of the inputs or by
        the keys the model was made with, or the only input itself."""
        names = self.input_names
        if isinstance(inputs, dict):
            keys = list(self.inputs) if isinstance(self.inputs, dict) else names
            if any(k not in inputs for k in keys):
                keys = names
            missing = [k for k in keys if k not in inputs]
            if missing:
                raise ValueError(f'Model {self.owner!r}: no input {missing[0]!r}; it takes {keys}, got {list(inputs)}')
            return [inputs[k] for k in keys]
        flat = nest.flatten(inputs)
        if len(flat) != len(names):
            raise ValueError(f'Model {self.owner!r}: expected {len(names)} input{"s" * (len(names) != 1)} '
                             f'({", ".join(names)}), got {len(flat)}')
        return flat

    @cached_property
    def index_limits(self) -> Any:
        """Which input → (limit, what sets it), where a layer that reads it takes numbers in [0, limit) only."""
        place = {id(t): k for tensors in (self.input_tensors, self.begins) for k, t in enumerate(tensors)}
        found = {}
        for node in self.nodes:
            for t, *limit in node.layer._limited_inputs(node.inputs):
                if id(t) in place:
                    found[place[id(t)]] = min(found.get(place[id(t)], tuple(limit)), tuple(limit))
        return found

    @property
    def input_names(self) -> Any:
        """Names of the InputLayers, in order."""
        return [t._keras_history.layer.name for t in self.begins]


def wrap_ops(ends: Any, inputs: Any, name: str | None = None) -> Any:
    """Give every op on Keras tensors, from the inputs to those in `ends`, a layer. name: of the last."""
    known = {id(t) for t in inputs}
    for end in ends:
        if id(end) not in known and step_of(end) is None:
            raise ValueError(f'{end!r} is no result of a layer: a model cannot compute it')
    # one walk for all: with one for each, a model that gives the results of n layers in a row would take n² steps
    for step in steps_to(ends, lambda t: None if id(with_mask_of(t)) in known else step_of(t))[0]:
        if isinstance(step, Tensor):
            implicit.wrap(step, name if step is ends[-1] else None)


def fitted(x: Any, leaf: Any, owner: Any, name: str | None) -> Any:
    """A tensor brought to the type of an input; ValueError where the shapes do not fit."""
    want, got = tuple(leaf.shape), tuple(x.shape)
    if len(got) == len(want) - 1 and want[-1] == 1:
        x = ops.expand_dims(x, -1)
    elif len(got) == len(want) + 1 and got[-1] == 1:
        x = ops.squeeze(x, -1)
    now = tuple(x.shape)
    if len(now) != len(want) or any(None not in (a, b) and a != b for a, b in zip(now, want)):
        raise ValueError(f'{type(owner).__name__} {owner.name!r}: expected its input {name!r} to have shape {want}, '
                         f'got {got}')
    return x if x.dtype == leaf.dtype else ops.cast(x, leaf.dtype)


def _is_input(tensor):
    return tensor._keras_history is not None and isinstance(tensor._keras_history.layer, InputLayer)


def _new_input(tensor):
    return InputLayer(batch_input_shape=tensor.shape, dtype=tensor.dtype)._inbound_nodes[0].outputs


def _check_names(layers, owner):
    seen = {}
    for layer in layers:
        if seen.setdefault(layer.name, layer) is not layer:
            count = sum(other.name == layer.name for other in layers)
            raise ValueError(f'Model {owner!r}: the name {layer.name!r} is used {count} times in the model. All layer '
                             f'names should be unique: give one of them another name')


def get_source_inputs(tensor: Any, layer: Any = None, node_index: Any = None) -> Any:
    """The Keras tensors of the InputLayers that a Keras tensor depends on, each once."""
    ends = [tensor]
    if layer is not None and node_index is not None and layer._inbound_nodes:
        ends = layer._inbound_nodes[node_index].input_tensors or ends
    return [t for step in steps_to(ends)[0] if isinstance(step, Node) and not step.input_tensors
            for t in step.output_tensors]
