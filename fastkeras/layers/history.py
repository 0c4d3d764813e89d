"""One call of a layer on Keras tensors: an edge of the graph that functional models are made of."""

from collections import namedtuple

from fastkeras.ops.tensor import Tensor
from fastkeras.utils import nest

from . import context

# which call of which layer gave a tensor, and which of its results it is
History = namedtuple('History', 'layer node_index tensor_index')


class Node:
    """A call that was described. inputs: the nesting given to the layer as its first argument; arguments: the other
    arguments of `call` by name, in which Keras tensors may stand too; outputs: the nesting of Keras tensors it
    returned."""

    def __init__(self, layer, inputs, arguments, outputs):
        self.outbound_layer = layer
        self.inputs = inputs
        self.arguments = arguments
        self.outputs = outputs
        self.output_tensors = nest.flatten(outputs)
        self.phase = context.said()     # a learning phase that is said holds for what is described under it
        index = len(layer._inbound_nodes)
        self.index = index
        layer._inbound_nodes.append(self)
        for k, tensor in enumerate(self.output_tensors):
            if tensor is not None and tensor._keras_history is None:
                tensor._keras_history = History(layer, index, k)
        for tensor in self.input_tensors:
            source = tensor._keras_history
            if source is not None:
                source.layer._outbound_nodes.append(self)

    @property
    def layer(self):
        """The layer that was called."""
        return self.outbound_layer

    @property
    def input_tensors(self):
        """The Keras tensors among the arguments, those of the first argument first."""
        return [t for t in nest.flatten([self.inputs, self.arguments]) if isinstance(t, Tensor)]

    @property
    def inbound_layers(self):
        """The layers that made the inputs."""
        return [t._keras_history.layer for t in self.input_tensors if t._keras_history is not None]

    @property
    def node_indices(self):
        """For each input, which call of its layer made it."""
        return [t._keras_history.node_index for t in self.input_tensors if t._keras_history is not None]

    @property
    def tensor_indices(self):
        """For each input, which result of that call it is."""
        return [t._keras_history.tensor_index for t in self.input_tensors if t._keras_history is not None]

    input_shapes = property(lambda self: [t.shape for t in self.input_tensors])
    output_shapes = property(lambda self: [t.shape for t in self.output_tensors])
    input_masks = property(lambda self: [t._keras_mask for t in self.input_tensors])
    output_masks = property(lambda self: [t._keras_mask for t in self.output_tensors])

    def filled(self, values):
        """(inputs, arguments) with values[id(tensor)] in place of every Keras tensor."""
        def value(x):
            return values(x) if isinstance(x, Tensor) else x
        return nest.map_structure(value, self.inputs), nest.map_structure(value, self.arguments)

    def __repr__(self):
        return f'<Node {self.layer.name}[{self.index}]>'


def keras_tensor(shape, dtype, name=None, mask_of=None):
    """A leaf that stands for a value in the description of a model. mask_of: the Keras tensor whose mask it is."""
    attrs = {'mask_of': mask_of} if mask_of is not None else {}
    return Tensor('input', (), attrs, shape, dtype, name)


def is_keras_tensor(x):
    """Whether x is a symbolic tensor: made by Input, by a layer, or by ops on such."""
    return isinstance(x, Tensor)
