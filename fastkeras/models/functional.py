"""The configuration of a functional model: its layers, and how their calls are connected."""

import heapq

from fastkeras import generation
from fastkeras.layers import registry
from fastkeras.layers.history import Node
from fastkeras.layers.input import InputLayer
from fastkeras.ops import Tensor
from fastkeras.saving import objects
from fastkeras.utils import nest
from fastkeras.utils.part_of import PartOf

from . import keras_ops, tf_ops

# ---- to a configuration

def to_config(model, serialize=registry.serialize):
    """The configuration of a functional model, in the form of the generation in force."""
    graph = model._graph
    three = generation.of('config.module_and_registered_name')
    index = kept_indices(graph)
    layers = []
    for layer in graph.layers:
        of_op = keras_ops.entry(layer, lambda t: _argument(t, graph, index)) if three else None
        config = of_op[0] if of_op else serialize(layer)
        config['name'] = layer.name
        nodes = [n for n in layer._inbound_nodes if n in graph.members and not isinstance(layer, InputLayer)]
        write = of_op[1] if of_op else None
        config['inbound_nodes'] = [write(n.inputs) if write else (_node_config_3 if three else _node_config_2)(n, graph, index)
                                   for n in nodes]
        layers.append(config)

    def place(tensors):
        return nest.map_structure(lambda t: _end(t, graph, index) if three else _address(t, graph, index), tensors)

    inputs, outputs = place(graph.inputs), place(graph.outputs)
    if not three:       # Keras 2 knows lists of addresses only
        inputs, outputs = (nest_of(x) if not isinstance(s, dict) else x
                           for x, s in ((inputs, graph.inputs), (outputs, graph.outputs)))
    # the form of Keras 2 has no word for a frozen model, and its readers pass over one
    head = {'name': model.name, 'trainable': model.trainable} if three or not model.trainable else {'name': model.name}
    return {**head, 'layers': layers, 'input_layers': inputs, 'output_layers': outputs}


def nest_of(addresses):
    """Addresses as a flat list: an address is a list that begins with a name."""
    if addresses and isinstance(addresses[0], str):
        return [addresses]
    return [a for part in addresses for a in nest_of(part)]


def kept_indices(graph):
    """node → its number among the calls of its layer that belong to the graph. A model has a call 0 of its own in Keras 2."""
    three = generation.of('config.module_and_registered_name')
    index = {}
    for layer in graph.layers:
        kept = int(has_own_node(layer) and not three)
        for node in layer._inbound_nodes:
            if node in graph.members:
                index[node] = kept
                kept += 1
    return index


def has_own_node(layer):
    """Whether the layer is a model whose own inputs and outputs are its first node."""
    return getattr(layer, '_graph', None) is not None


def _address(tensor, graph, index):
    tensor = graph.renamed.get(id(tensor), tensor)
    history = tensor._keras_history
    node = history.layer._inbound_nodes[history.node_index]
    return [history.layer.name, index[node], history.tensor_index]


def _end(tensor, graph, index):
    """The address of an input or output of the model in Keras 3, which counts a call 0 of models there, and there only, though
    not of Sequential ones."""
    name, number, which = _address(tensor, graph, index)
    layer = graph.renamed.get(id(tensor), tensor)._keras_history.layer
    return [name, number + int(has_own_node(layer) and not layer._is_stack), which]


def _node_config_2(node, graph, index):
    """[[layer, node, tensor, arguments], …] for each input, as Keras 2 has it."""
    if isinstance(node.inputs, dict) or any(not isinstance(t, Tensor) for t in nest.flatten(node.inputs)):
        return _node_config_3(node, graph, index)
    arguments = {k: _argument(v, graph, index, three=False) for k, v in node.arguments.items()}
    return [[*_address(t, graph, index), arguments] for t in nest.flatten(node.inputs)]


def _node_config_3(node, graph, index):
    """{'args', 'kwargs'} with the tensors in their places, as Keras 3 has it."""
    return {'args': [_argument(node.inputs, graph, index)],
            'kwargs': {k: _argument(v, graph, index) for k, v in node.arguments.items()}}


def _argument(value, graph, index, three=True):
    if isinstance(value, Tensor) and not three:     # as tf.keras has it; Keras 2 knows no tensors there
        return _address(value, graph, index)
    if isinstance(value, Tensor):
        return {'class_name': '__keras_tensor__', 'config': {'shape': list(value.shape), 'dtype': value.dtype,
                                                             'keras_history': _address(value, graph, index)}}
    if isinstance(value, dict):
        return {k: _argument(v, graph, index, three) for k, v in value.items()}
    if isinstance(value, list):
        return [_argument(v, graph, index, three) for v in value]
    if isinstance(value, tuple) and any(isinstance(v, Tensor) for v in nest.flatten(value)):
        return {'class_name': '__tuple__', 'config': [_argument(v, graph, index, three) for v in value]}
    return objects.serialize_keras_object(value)


# ---- from a configuration

def from_config(config, custom_objects=None, deserialize=registry.deserialize):
    """(inputs, outputs, name → layer) of the model that a configuration of either generation describes."""
    objects.checked_config('Model', config, 'layers')
    layers, waiting = {}, []
    for entry in config['layers']:
        layer = _layer_or_op(entry, custom_objects, deserialize)
        name = entry.get('name', layer.name)
        if not isinstance(name, str) or name in layers:
            raise ValueError(f'the configuration of model {config.get("name")!r} has two layers of the name {name!r}'
                             if isinstance(name, str) else f'expected the name of a layer to be text, got {name!r:.80}')
        layers[name] = layer
        offset = len(layer._inbound_nodes)
        for k, node in enumerate(entry.get('inbound_nodes') or ()):
            waiting.append((name, k, offset, node))
    made = {}                   # (layer, number of the call in the file) → Node
    for name, layer in layers.items():
        if isinstance(layer, InputLayer):
            made[name, 0] = layer._inbound_nodes[0]
    numbers, three = _first_numbers(layers, config), _is_of_keras3(config)
    sources = [_sources(node) for _, _, _, node in waiting]
    missing = [{source for source in of_node if source not in made} for of_node in sources]
    readers = {}                # (layer, number of the call) → the calls that wait for it
    for i, wanted in enumerate(missing):
        for source in wanted:
            readers.setdefault(source, []).append(i)
    # as if the file's calls were gone through in their order, again and again
    ready = [(0, i) for i, wanted in enumerate(missing) if not wanted]
    left = len(waiting)
    while ready:
        turn, i = heapq.heappop(ready)
        name, k, offset, node = waiting[i]
        _call(layers[name], node, made)
        done = name, k + numbers[name]
        made[done] = layers[name]._inbound_nodes[-1]
        left -= 1
        for reader in readers.pop(done, ()):
            missing[reader].discard(done)
            if not missing[reader]:
                heapq.heappush(ready, (turn + (reader < i), reader))
    if left:
        made |= {(name, k + numbers[name]): None for name, k, _, _ in waiting}
        wanted = {source for of_node in missing for source in of_node}
        nobody = sorted(map(str, wanted - made.keys() or wanted))       # where all would be made, they are a circle
        raise ValueError(f'the configuration of model {config.get("name")!r} does not connect: nothing makes '
                         f'{", ".join(nobody[:6])}{", …" if len(nobody) > 6 else ""}')

    def tensor(address):
        if three and _is_address(address) and has_own_node(layers.get(address[0])) and not layers[address[0]]._is_stack:
            # here a call 0 of its own counts in any case
            address = [address[0], address[1] + numbers[address[0]] - 1, *address[2:]]
        return _result(address, made, f'the configuration of model {config.get("name")!r}')

    return _placed(config['input_layers'], tensor), _placed(config['output_layers'], tensor), layers


def _layer_or_op(entry, custom_objects, deserialize):
    if tf_ops.is_op(entry) and entry['class_name'] not in objects.visible_custom_objects(custom_objects):
        return tf_ops.FromTensorFlow(entry)
    if keras_ops.is_op(entry):
        return keras_ops.FromFile(entry)
    return registry.checked(deserialize(entry, custom_objects), entry)


def _result(address, made, owner):
    """The tensor of an address [layer, number of its call, number of the result]; tf.keras also has constants in its place."""
    if _is_constant(address):
        return address[2]
    if not _is_address(address):
        raise ValueError(f'{owner}: expected [layer, call, result], got {address!r:.80}')
    name, number, which = address[:3]
    if (name, number) not in made:
        raise ValueError(f'{owner} names call {number} of layer {name!r}, which it does not have')
    results = made[name, number].output_tensors
    if not 0 <= which < len(results):
        raise ValueError(f'{owner} names result {which} of layer {name!r}, which has {len(results)}')
    return results[which]


def _is_address(value):
    return (isinstance(value, (list, tuple)) and len(value) in (3, 4) and isinstance(value[0], str)
            and all(type(n) is int for n in value[1:3]))


def _is_constant(value):
    return isinstance(value, (list, tuple)) and len(value) in (3, 4) and value[0] == tf_ops.CONSTANT


def _first_numbers(layers, config):
    """name → the number that nodes of the file give the first call of a layer. Models have a call 0 of their own in Keras 2,
    and not in Keras 3."""
    found = {}
    for entry in config['layers']:
        for node in entry.get('inbound_nodes') or ():
            for source, number in _sources(node):
                found.setdefault(source, []).append(number)
    calls = {entry.get('name', name): len(entry.get('inbound_nodes') or ()) for name, entry in zip(layers, config['layers'])}
    if not _is_of_keras3(config):
        for address in nest_of(_as_list(config['output_layers'])):
            found.setdefault(address[0], []).append(address[1])
        return {name: int(has_own_node(layer) and 0 not in found.get(name, ())) for name, layer in layers.items()}
    return {name: int(has_own_node(layer) and max(found.get(name, (0,))) >= calls.get(name, 0) > 0)
            for name, layer in layers.items()}


def _is_of_keras3(config):
    """Whether the nodes are written as Keras 3 writes them."""
    return any(isinstance(node, dict) for entry in config['layers'] for node in entry.get('inbound_nodes') or ())


def _as_list(addresses):
    return list(addresses.values()) if isinstance(addresses, dict) else list(addresses)


def _sources(node):
    """(layer, number of its call) of every tensor that a node of a configuration reads."""
    if isinstance(node, dict):
        if node.get('class_name') == '__keras_tensor__':
            history = node['config']['keras_history']
            if not _is_address(history):
                raise ValueError(f'a call of a layer: expected [layer, call, result], got {history!r:.80}')
            return [(history[0], history[1])]
        return [s for v in node.values() for s in _sources(v)]
    if isinstance(node, (list, tuple)):
        if _is_constant(node):
            return _sources(node[3]) if len(node) == 4 else []
        if _is_address(node):
            return [(node[0], node[1])] + (_sources(node[3]) if len(node) == 4 else [])
        return [s for v in node for s in _sources(v)]
    return []


def _call(layer, node, made):
    """Call the layer as a node of a configuration says."""
    def revived(value):
        if isinstance(value, dict):
            if value.get('class_name') == '__keras_tensor__':
                return _result(value['config']['keras_history'], made, f'the call of layer {layer.name!r}')
            if value.get('class_name') == '__tuple__':
                return tuple(revived(v) for v in value['config'])
            if 'class_name' in value:
                return objects.deserialize_keras_object(value)
            return {k: revived(v) for k, v in value.items()}
        if isinstance(value, list) and not isinstance(node, dict) and len(value) == 3 and isinstance(value[0], str):
            return made[value[0], value[1]].output_tensors[value[2]]        # tf.keras: a tensor in an argument by keyword
        return [revived(v) for v in value] if isinstance(value, list) else value

    if isinstance(node, dict):
        args = [revived(v) for v in node.get('args', [])]
        arguments = {k: revived(v) for k, v in node.get('kwargs', {}).items()}
        layer(*args, **arguments)
        return
    if node and isinstance(node[0], str):       # a single input written without its list
        node = [node]
    inputs = [_result(entry, made, f'the call of layer {layer.name!r}') for entry in node]
    arguments = {k: revived(v) for entry in node if len(entry) == 4 for k, v in entry[3].items()}
    layer(nest.unpack(inputs), **arguments)


def _placed(addresses, tensor):
    """The nesting of tensors for a nesting of addresses; a list of one is that one."""
    if isinstance(addresses, dict):
        return {k: _placed(v, tensor) for k, v in addresses.items()}
    if addresses and isinstance(addresses[0], str):
        return tensor(addresses)
    found = [_placed(a, tensor) for a in addresses]
    return found[0] if len(found) == 1 else found


class OwnNode(Node):
    """The first node of a model: from its own inputs to its own outputs."""

    outbound_layer = PartOf()

    def __init__(self, model, graph):
        self.outbound_layer, self.index = model, 0
        self.inputs, self.arguments = graph.inputs, {}
        self.outputs, self.output_tensors = graph.outputs, graph.output_tensors
