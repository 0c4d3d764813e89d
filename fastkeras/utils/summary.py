"""The table of a model's layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import generation
from fastkeras.utils import nest
from fastkeras.utils.messages import print_msg


def count_params(weights: Any) -> int:
    """The number of numbers in weights, each counted once."""
    return sum(int(np.prod(v.shape, dtype=np.int64)) for v in {id(v): v for v in weights}.values())


def print_summary(model: Any, line_length: Any = None, positions: Any = None, print_fn: Any = None,
                  expand_nested: bool = False, show_trainable: bool = False, layer_range: Any = None) -> Any:
    """Print a table of a model's layers, with shapes, numbers of weights and, for a graph that is no chain,
    connections.

    line_length: characters in a line, by default 65, or 98 with connections. positions: ends of the columns, as shares
    of it (or absolute). print_fn: called with each line, in place of writing it. expand_nested: also list the layers of
    models inside. show_trainable: a column that says Y or N. layer_range: first and last layer, by name. Of a model
    that is not built yet, shapes that are not known are shown as ?.
    """
    if not (model.built or model.weights or generation.of('summary.of_unbuilt_models')):
        raise ValueError(f"summary: the model {model.name!r} has not yet been built: build the model first by calling build() "
                         f"or fit() with some data, or give its first layer input_shape (the generation '2.2.4' asks for that)")
    print_fn = print_fn or print_msg
    table = _Table(model, line_length, positions, print_fn, show_trainable)
    table.header()
    layers = _between(model.layers, layer_range)
    for k, layer in enumerate(layers):
        table.layer(layer, 0)
        if expand_nested and hasattr(layer, 'layers'):
            for inner in layer.layers:
                table.layer(inner, 1)
        table.rule('=' if k == len(layers) - 1 else '_')
    trainable, total = count_params(model.trainable_weights), count_params(model.weights)
    print_fn(f'Total params: {total:,}')
    print_fn(f'Trainable params: {trainable:,}')
    print_fn(f'Non-trainable params: {total - trainable:,}')
    table.rule('_')


def _between(layers, names):
    if names is None:
        return layers
    found = [k for k, layer in enumerate(layers) if layer.name in names]
    if not found:
        raise ValueError(f'layer_range: expected names of layers, got {list(names)}')
    return layers[min(found):max(found) + 1]


class _Table:
    def __init__(self, model, line_length, positions, print_fn, show_trainable):
        self.graph = getattr(model, '_graph', None)
        self.connected = self.graph is not None and not _is_chain(model, self.graph)
        self.show_trainable = show_trainable
        self.known = model.built or bool(model.weights)
        self.width = line_length or (98 if self.connected else 65)
        columns = 4 if self.connected else 3
        if positions is not None and len(positions) != columns:
            raise ValueError(f'summary: expected {columns} positions, got {positions}')
        positions = list(positions or ([.33, .55, .67, 1.] if self.connected else [.45, .85 if self.known else .8, 1.]))
        if positions[-1] <= 1:
            positions = [int(self.width * p) for p in positions]
        self.fields = ['Layer (type)', 'Output Shape', 'Param #', *(['Connected to'] if self.connected else [])]
        if show_trainable:
            positions = [int(p * 0.9) for p in positions] + [self.width]
            self.fields.append('Trainable')
        self.ends = positions
        self.print = print_fn

    def rule(self, sign):
        self.print(sign * self.width)

    def header(self):
        self.rule('_')
        self.row(self.fields)
        self.rule('=')

    def row(self, cells):
        line = ''
        for k, cell in enumerate(cells):
            line = (line[:-1] + ' ' if k else '') + str(cell)
            line = line[:self.ends[k]].ljust(self.ends[k])
        self.print(line)

    def layer(self, layer, depth):
        cells = ['    ' * depth + f'{layer.name} ({type(layer).__name__})',
                 *((_shape_text(layer), _param_text(layer)) if self.known or layer.built else ('?', '0 (unbuilt)'))]
        read = []
        if self.connected:
            read = [f'{s.layer.name}[{s.node_index}][{s.tensor_index}]' for s in sources(layer, self.graph) if not depth]
            cells.append(read[0] if read else '')
        if self.show_trainable:
            cells.append('Y' if layer.trainable else 'N')
        self.row(cells)
        for source in read[1:]:
            self.row(['', '', '', source])


def _is_chain(model, graph):
    """Whether each layer has one call, which reads the one before."""
    if type(model).__name__ == 'Sequential' and model._is_stack or len(model.layers) < len(graph.layers):
        return True
    by_depth = {}
    for node in graph.nodes:
        by_depth.setdefault(graph.depth[node], []).append(node)
    for nodes in by_depth.values():
        if len(nodes) > 1 or len({id(t._keras_history.layer) for t in nodes[0].input_tensors}) > 1:
            return False
    return all(sum(n in graph.members for n in layer._inbound_nodes) <= 1 for layer in graph.layers)


def _shape_text(layer):
    try:
        shape = layer.output_shape
    except (AttributeError, ValueError):
        shape = None
    if shape is None or (not nest.is_shape(shape) and not shape):
        return 'multiple'
    return str(shape)


def _param_text(layer):
    return layer.count_params() if layer.built or layer.weights else '0 (unused)'


def sources(layer: Any, graph: Any) -> Any:
    """(layer, node_index, tensor_index) of all that a layer reads in its calls in a graph."""
    for node in layer._inbound_nodes:
        if node in graph.members:
            for t in node.input_tensors:
                source = graph.renamed.get(id(t), t)._keras_history
                if source is not None:
                    yield source
