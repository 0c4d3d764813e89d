"""A network description as a draft: which layers count, what they read and give, and each of them converted."""

from dataclasses import dataclass, field
from typing import Any

from fastkeras.utils.errors import ModelFileError, nearest

from . import detection, learned, pointwise, rearranged, recurrent_nets, windowed  # noqa: F401 (they make their types known)
from .draft import Draft, NeedsSize, shown
from .endings import ACTIVATED, DATA, is_sink, predictions, said_shape
from .known import CONVERTERS
from .phases import selected
from .prototxt import read_net
from .recurrent_nets import RECURRENT
from .upgrade import layers_of

# what hands its input's channels on, so that the weights behind say how many there are
_KEEP = {'ReLU', 'Power', 'Exp', 'Log', 'Dropout', 'Split', 'LRN', 'Pooling', 'AbsVal', 'Sigmoid', 'TanH', 'BNLL', 'MVN'}


@dataclass
class Node:
    """A layer with the numbers of the values that it reads and gives. A name may stand for several values in turn, since a
    layer may have its bottom as top."""

    layer: Any
    unknown: Any
    bottoms: list
    tops: list
    readers: list = field(default_factory=list)


class Net:
    """The layers of a description that count in a state, and which values are results."""

    def __init__(self, path, state, input_shapes):
        self.path, self.input_shapes = path, input_shapes
        net, unknown = read_net(path)
        self.name = net.name
        phase, level, stages = state
        level = net.state.level if level is None else level
        stages = tuple(net.state.stage) if stages is None else stages
        kept, left = selected(layers_of(net, unknown, path), (phase, level, stages), path)
        self.nodes, self.made_by, self.names = [], {}, {}
        self._connect(kept, left)
        self._choose()

    def error(self, node, text):
        return ModelFileError(f'{self.path}: layer {node.layer.name!r:.200} ({node.layer.type:.100}): {text}')

    def _connect(self, kept, left):
        now, order = {}, []
        made_later = {top for layer, _ in kept for top in layer.top}
        for layer, unknown in kept:
            node = Node(layer, unknown, [], [])
            if layer.type not in DATA:
                for name in layer.bottom:
                    if name not in now:
                        source = next((e for e, _ in left if e.type in DATA and name in e.top), None)
                        if source is None:
                            after = ' before' if name in made_later else ''
                            raise self.error(node, f'its bottom {name!r:.200} is no top of any layer{after}')
                        # data of another phase or stage: where it comes from does not matter to a model
                        self._give(Node(source, None, [], []), source.top, now, order)
                    node.bottoms.append(now[name])
            self._give(node, layer.top, now, order)
        self.nodes = order

    def _give(self, node, names, now, order):
        for name in names:
            number = len(self.names)
            self.names[number], self.made_by[number] = name, node
            now[name] = number
            node.tops.append(number)
        order.append(node)

    def _choose(self):
        """Which values are results, and which nodes it takes to make them."""
        readers = {}
        for node in self.nodes:
            first = predictions(node.layer) if is_sink(node.layer) else int(self._is_of_probabilities(node))
            for k, number in enumerate(node.bottoms):
                readers.setdefault(number, [])
                if k >= first:
                    readers[number].append(node)
        self.readers = readers
        skipped = set()
        for node in self.nodes:     # a loss whose activation stands in the network as well
            become = ACTIVATED.get(node.layer.type)
            elsewhere = become and node.bottoms and any(
                n is not node and n.layer.type == become for n in readers[node.bottoms[0]])
            if elsewhere or self._is_of_probabilities(node):
                skipped.add(id(node))
        made = [n for n in self.nodes if n.layer.type not in DATA and not is_sink(n.layer) and id(n) not in skipped]
        for node in made:
            node.readers = [readers.get(t, []) for t in node.tops]
        self.outputs = []
        for node in made:
            if node.layer.type in ACTIVATED:
                self.outputs += node.tops[:1]
                continue
            self.outputs += [t for t, r in zip(node.tops, node.readers) if not r]
        if not self.outputs:
            raise ModelFileError(f'{self.path}: no layer gives a result')
        needed, todo = set(), list(self.outputs)
        while todo:
            node = self.made_by[todo.pop()]
            if id(node) not in needed:
                needed.add(id(node))
                bottoms = node.bottoms[:1] if node.layer.type in ACTIVATED else node.bottoms
                todo += bottoms
        self.needed = [n for n in self.nodes if id(n) in needed]
        used = {b for n in self.needed for b in (n.bottoms[:1] if n.layer.type in ACTIVATED else n.bottoms)}
        self.data = [(n, k, t) for n in self.needed if n.layer.type in DATA for k, t in enumerate(n.tops) if t in used]

    def _is_of_probabilities(self, node):
        """Whether it is an InfogainLoss behind a Softmax. It took probabilities before it had a softmax of its own."""
        return node.layer.type == 'InfogainLoss' and bool(node.bottoms) and (
            self.made_by[node.bottoms[0]].layer.type == 'Softmax')

    # ---- conversion
    def draft(self, source, data_format):
        """The network in Keras's layers, with images of any size if no layer needs a size, else with those it says."""
        wrong = set(self.input_shapes) - {self.names[t] for _, _, t in self.data} if isinstance(self.input_shapes, dict) else ()
        if wrong:
            names = {self.names[t] for _, _, t in self.data}
            raise ValueError(f'load_caffe: input_shapes names {sorted(wrong)[0]!r}, which is no input; '
                             f'{nearest(min(wrong), names)}')
        for node in self.needed:
            self._check_known(node)
        try:
            return self._converted(source, data_format, any_size=True)
        except NeedsSize:
            pass
        try:
            return self._converted(source, data_format, any_size=False)
        except NeedsSize as need:
            inputs = ', '.join(repr(self.names[t]) for _, _, t in self.data)
            raise ModelFileError(f'{self.path}: {need.text}, and the description does not say it; pass input_shapes, the shape '
                                 f'of a sample of {inputs}') from None

    def _check_known(self, node):
        kind = node.layer.type
        if node.unknown:
            raise self.error(node, f'{node.unknown} It might change what the layer computes, so it is not passed over')
        if kind in DATA or kind in CONVERTERS:
            return
        if kind == 'Python':
            p = node.layer.python_param
            raise self.error(node,
                             f'it runs {p.layer!r:.200} of the Python module {p.module!r:.200}, which is not in the file; '
                                   f'take it out, or replace it by layers')
        raise self.error(node,
                         f'unknown type of layer {kind!r:.200}; {nearest(kind[:100], CONVERTERS)} Say what it is in Keras '
                               f'layers by a function with the decorator fastkeras.converters.caffe.layer_type({kind!r:.200}), '
                               f'as those in fastkeras/converters/caffe/pointwise.py')

    def _converted(self, source, data_format, any_size):
        draft = Draft(self.path, source, data_format)
        draft.any_size = any_size
        values, timed = {}, self._sequences()
        for node, k, top in self.data:
            draft.layer = node.layer
            shape = self._input_shape(draft, node, k, top, any_size, top in timed)
            values[top] = draft.add_input(self.names[top], shape, top in timed)
        self._find_scales(draft)
        for index, node in enumerate(self.needed):
            if node.layer.type in DATA:
                continue
            draft.layer, draft.index = node.layer, index
            made = CONVERTERS[node.layer.type](draft, node.layer, [values[b] for b in node.bottoms if b in values])
            if len(made) < len(node.tops):
                raise draft.error(f'expected {len(made)} top{"s" if len(made) != 1 else ""}, got {len(node.tops)}')
            values.update(zip(node.tops, made))
        draft.layer = None
        draft.outputs = []
        for number in self.outputs:
            draft.layer = self.made_by[number].layer
            blob = values[number]
            draft.outputs.append(draft.as_caffe(blob) if isinstance(blob.layout, tuple) else blob)
        draft.layer = None
        draft.name = self.name
        return draft

    def _find_scales(self, draft):
        """BatchNorms whose only reader is a Scale of the channels: Keras has both as one layer."""
        index = {id(n): k for k, n in enumerate(self.needed)}
        for k, node in enumerate(self.needed):
            if node.layer.type != 'BatchNorm' or len(node.tops) != 1 or node.tops[0] in self.outputs:
                continue
            after = self.readers.get(node.tops[0], [])
            if len(after) == 1 and after[0].layer.type == 'Scale' and len(after[0].bottoms) == 1 and id(after[0]) in index:
                p = after[0].layer.scale_param
                if p.axis == 1 and p.num_axes == 1:
                    draft.scales[k] = after[0].layer
                    draft.absorbed.add(index[id(after[0])])

    def _sequences(self):
        """The values that a recurrent layer takes as sequences or marks, and those that they are made of."""
        found, todo = set(), [b for n in self.needed if n.layer.type in RECURRENT for b in n.bottoms[:2]]
        while todo:
            number = todo.pop()
            if number not in found:
                found.add(number)
                node = self.made_by[number]
                todo += node.bottoms[:2] if node.layer.type in RECURRENT else node.bottoms
        return found

    def _input_shape(self, draft, node, k, top, any_size, timed):
        """Caffe's shape of an input, the samples None."""
        name, said = self.names[top], said_shape(node.layer, k)
        if draft.batch is None and said and not timed:
            draft.batch = said[0]
        given = self.input_shapes.get(name) if isinstance(self.input_shapes, dict) else self.input_shapes
        if given is not None:
            given = tuple(given)
            if draft.data_format == 'channels_last' and len(given) == 3 and not timed:
                given = (given[2], *given[:2])
            return (None, *given)
        shape = (None, *said[1:]) if said else ()
        if timed and len(said) > 1:
            return (None, said[0], *said[2:])
        if None in shape[1:2] or not shape:
            shape = self._from_weights(draft, top, shape)
        if any_size and len(shape) == 4:
            return (*shape[:2], None, None)
        return shape

    def _from_weights(self, draft, top, shape):
        """A shape whose channels, or which itself, the weights of the layers that read it say."""
        todo, seen = [top], set()
        while todo and draft.source is not None:
            number = todo.pop()
            for node in self.readers.get(number, []):
                layer = node.layer
                held = draft.source.shapes(layer.name)
                first = held[0] if held else ()
                if layer.type in ('Convolution', 'ConvolutionDepthwise', 'DepthwiseConvolution') and len(first) == 4:
                    group = layer.convolution_param.group if layer.type == 'Convolution' else first[0]
                    return (None, first[1] * group, *(shape[2:] or (None, None)))
                if layer.type == 'BatchNorm' and first and shape:
                    return (None, first[-1], *shape[2:])
                if layer.type == 'InnerProduct' and len(first) >= 2 and number == top:
                    return (None, first[-2] if layer.inner_product_param.transpose else first[-1])
                if layer.type in _KEEP and id(node) not in seen:
                    seen.add(id(node))
                    todo += node.tops
        if len(shape) == 4 and shape[2]:
            draft.warn(f'nothing says how many channels {self.names[top]!r} has; 3 are taken, pass input_shapes where it has '
                       f'others')
            return (None, 3, *shape[2:])
        raise ModelFileError(f'{self.path}: {draft.where()}the description does not say the shape of {self.names[top]!r}'
                             f'{f", only {shown(shape)}" if shape else ""}; pass input_shapes={{{self.names[top]!r}: …}}, the '
                             f'shape of a sample')
