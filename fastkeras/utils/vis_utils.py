"""Pictures of models, drawn by Graphviz."""

from __future__ import annotations

import os
from typing import Any

from fastkeras.generation import SHOW_LAYER_NAMES, chosen, shown
from fastkeras.utils.summary import sources

__all__ = ['model_to_dot', 'plot_model']


def _pydot(function):
    try:
        import pydot
    except ImportError as error:
        raise ImportError(f'{function} describes a graph with pydot, which is not installed: pip install pydot') from error
    return pydot


@shown
def model_to_dot(model: Any, show_shapes: bool = False, show_layer_names: bool = SHOW_LAYER_NAMES, rankdir: Any = 'TB',
                 show_dtype: bool = False, expand_nested: bool = False, dpi: Any = 200, subgraph: bool = False,
                 show_layer_activations: bool = False, show_trainable: bool = False, splines: Any = 'ortho',
                 layer_range: Any = None) -> Any:
    """The graph of a model as a `pydot.Dot`: a box for each layer, an arrow for each tensor that one reads from another.

    show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable: what boxes say beside the class.
    rankdir: 'TB' from top to bottom, 'LR' from left to right. expand_nested: draw the layers of models inside. dpi,
    splines: Graphviz's. subgraph: as a `pydot.Cluster`, for another graph. layer_range: first and last layer, by name.
    ImportError without pydot; ValueError for a model that is not built, and for unknown layers.
    """
    pydot = _pydot('model_to_dot')
    if not getattr(model, 'layers', None) or not model.built:
        raise ValueError(f'model_to_dot: model {model.name!r} is not built yet: build it, or call it on an array, first')
    shown = {'shapes': show_shapes, 'dtype': show_dtype, 'names': chosen(show_layer_names),
             'activations': show_layer_activations, 'trainable': show_trainable}
    if subgraph:
        graph = pydot.Cluster(str(id(model)), label=_quoted(model.name), style='dashed')
    else:
        graph = pydot.Dot(graph_type='digraph', rankdir=rankdir, dpi=dpi, splines=splines, concentrate=True)
        graph.set_node_defaults(shape='record')
    _draw(pydot, graph, model, shown, expand_nested, layer_range)
    return graph


def _draw(pydot, graph, model, shown, expand_nested, layer_range=None):
    layers = list(model.layers)
    if layer_range is not None:
        at = [k for k, layer in enumerate(layers) if layer.name in layer_range]
        if len(layer_range) != 2 or len(at) != len(set(layer_range)):
            raise ValueError(f'model_to_dot: layer_range: expected the names of two layers, got {list(layer_range)}')
        layers = layers[min(at):max(at) + 1]
    for layer in layers:
        if expand_nested and _is_nested(layer):
            inner = pydot.Cluster(str(id(layer)), label=_quoted(layer.name), style='dashed')
            _draw(pydot, inner, layer, shown, True)
            graph.add_subgraph(inner)
        else:
            graph.add_node(pydot.Node(str(id(layer)), label=_label(layer, **shown)))
    own = getattr(model, '_graph', None)
    drawn = set()
    for layer in layers if own is not None else ():
        for source in sources(layer, own):
            if source.layer in layers:
                for a in _ends(source.layer, -1) if expand_nested else [source.layer]:
                    for b in _ends(layer, 0) if expand_nested else [layer]:
                        drawn.add((id(a), id(b)))
    for a, b in sorted(drawn):
        graph.add_edge(pydot.Edge(str(a), str(b)))


def _is_nested(layer):
    return getattr(layer, '_graph', None) is not None and bool(layer.layers)


def _ends(layer, side):
    """The layers by which an arrow enters (0) or leaves (-1) a layer whose inside is drawn."""
    if not _is_nested(layer):
        return [layer]
    tensors = layer.inputs if side == 0 else layer.outputs
    at = {t._keras_history.layer for t in tensors if t._keras_history is not None}
    found = [inner for inner in layer.layers if inner in at] or [layer.layers[side]]
    return [end for inner in found for end in _ends(inner, side)]


def _quoted(text):
    return '"' + str(text).replace('"', '\\"') + '"'


def _label(layer, shapes, dtype, names, activations, trainable):
    kind = type(layer).__name__
    if hasattr(layer, 'layer'):     # a wrapper
        kind += f'({type(layer.layer).__name__})'
    lines = [f'{layer.name}: {kind}' if names else kind]
    if activations and getattr(layer, 'activation', None) is not None:
        lines.append(f'activation: {getattr(layer.activation, "__name__", type(layer.activation).__name__)}')
    if dtype:
        lines.append(f'dtype: {layer.dtype}')
    if trainable:
        lines.append('trainable' if layer.trainable else 'not trainable')
    title = r'\n'.join(map(_escaped, lines))
    if shapes:
        sizes = [_escaped(_shape(layer, which)) for which in ('input_shape', 'output_shape')]
        title += f'|{{input:|output:}}|{{{{{sizes[0]}}}|{{{sizes[1]}}}}}'
    return _quoted(title)


def _escaped(text):
    """Text in which nothing means a field of a record."""
    return ''.join('\\' + c if c in '{}|<>' else c for c in text)


def _shape(layer, which):
    try:
        return str(getattr(layer, which))
    except (AttributeError, ValueError):    # called several times
        return 'multiple'


@shown
def plot_model(model: Any, to_file: Any = 'model.png', show_shapes: bool = False, show_layer_names: bool = SHOW_LAYER_NAMES,
               rankdir: Any = 'TB', show_dtype: bool = False, expand_nested: bool = False, dpi: Any = 200,
               show_layer_activations: bool = False, show_trainable: bool = False, splines: Any = 'ortho',
               layer_range: Any = None) -> Any:
    """Draw the graph of a model into a file, whose extension says the format (png, pdf, svg …; dot for the description
    itself). Other arguments as in model_to_dot. ImportError without pydot; OSError without Graphviz, its program `dot`.
    """
    pydot = _pydot('plot_model')
    dot = model_to_dot(model, show_shapes, show_layer_names, rankdir, show_dtype, expand_nested, dpi,
                       show_layer_activations=show_layer_activations, show_trainable=show_trainable, splines=splines,
                       layer_range=layer_range)
    kind = os.path.splitext(os.fspath(to_file))[1][1:] or 'png'
    try:
        dot.write(os.fspath(to_file), format='raw' if kind in ('dot', 'gv') else kind)
    except (FileNotFoundError, pydot.PydotException) as error:
        raise OSError(f'plot_model: {to_file}: Graphviz could not draw it ({error}); is its program `dot` installed '
                      '(https://graphviz.org)? A file model.dot gets the description without it') from error
