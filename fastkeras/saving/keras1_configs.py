"""Configurations of Keras 1, and of 2.0 and 2.1, in the words of what there is today.

What the layers of today take in old words is left to them (`legacy.keras1`). Here is what they cannot say: classes that are no
more, models whose first layer was a Merge of others, penalties and constraints in an older form, an order of images that was
not written down.
"""

from __future__ import annotations

from typing import Any

from fastkeras.legacy import keras1
from fastkeras.saving import objects

# ---- layers
_OF_MERGE = ('mode', 'mode_type', 'concat_axis', 'dot_axes', 'output_shape', 'output_shape_type', 'output_mask',
             'output_mask_type', 'arguments', 'layers')


def _merge(config):
    mode, name = config.get('mode', 'sum'), config.get('name')
    rest = {k: v for k, v in config.items() if k not in _OF_MERGE}
    if config.get('mode_type', 'raw') != 'raw':
        if config.get('output_mask') is not None:
            raise ValueError(f'Merge layer {name!r}: a mask that is computed by a function of its own (output_mask) cannot be '
                             'read; give a layer of your own in custom_objects={"Merge": …}')
        return {'class_name': 'Lambda', 'config': {
            **rest, 'function': mode, 'function_type': config['mode_type'], 'output_shape': config.get('output_shape'),
            'output_shape_type': config.get('output_shape_type', 'raw'), 'arguments': config.get('arguments') or {}}}
    if mode == 'concat':
        return {'class_name': 'Concatenate', 'config': {**rest, 'axis': config.get('concat_axis', -1)}}
    if mode in ('dot', 'cos'):
        return {'class_name': 'Dot' if mode == 'dot' else 'CosineOfProducts',
                'config': {**rest, 'axes': config.get('dot_axes', -1)}}
    if not isinstance(mode, str) or mode not in keras1.MERGED:
        known = ', '.join([*keras1.MERGED, 'concat', 'dot', 'cos'])
        raise ValueError(f'Merge layer {name!r}: expected mode to be one of {known}, got {mode!r:.80}')
    return {'class_name': keras1.MERGED[mode], 'config': rest}


def _batch_normalization(config):
    mode = config.get('mode', 0)
    config = {k: v for k, v in config.items() if k != 'mode'}
    return {'config': config} if mode == 0 else {'class_name': 'BatchNormalizationOfMode', 'config': {**config, 'mode': mode}}


def _deconvolution(config):
    """What was given as the shape of the result is the size of its images; the layer sees whether that is the usual one."""
    shape = config.get('output_shape')
    rest = {k: v for k, v in config.items() if k != 'output_shape'}
    if not isinstance(shape, (list, tuple)) or len(shape) != 4:
        return {'config': rest}
    first = config.get('dim_ordering', config.get('data_format')) in ('th', 'channels_first')
    size = list(shape[2:] if first else shape[1:3])
    return {'class_name': 'Conv2DTransposeOfSize', 'config': {**keras1.renamed('Conv2DTranspose', rest), 'output_size': size}}


def _atrous(rank):
    def change(config):
        rest = {k: v for k, v in config.items() if k not in ('atrous_rate', 'dilation_rate')}
        return {'class_name': f'Conv{rank}D', 'config': {**rest, 'dilation_rate': config.get('atrous_rate', 1)}}
    return change


def _dense_of_steps(config):
    """The same numbers as Dense, which takes an input of any number of axes."""
    rest = {k: v for k, v in config.items() if k not in ('input_dim', 'input_length')}
    if 'batch_input_shape' not in rest and config.get('input_dim') is not None:
        rest['batch_input_shape'] = [None, config.get('input_length'), config['input_dim']]
    return {'class_name': 'Dense', 'config': rest}


def _embedding(config):
    """The type of its input was said; taken for the layer's, it would be that of the weights to readers of what is saved."""
    return {'config': {k: v for k, v in config.items() if k != 'input_dtype'}}


_LAYERS = {
    'Embedding': _embedding, 'Merge': _merge, 'TimeDistributedDense': _dense_of_steps,
    'BatchNormalization': _batch_normalization,
    'Deconvolution2D': _deconvolution, 'AtrousConvolution1D': _atrous(1), 'AtrousConvolution2D': _atrous(2),
    'AtrousConv1D': _atrous(1), 'AtrousConv2D': _atrous(2)}

# by what a configuration of Keras 1 is told: classes, arguments of those that are still there
_GONE = ('Merge', 'TimeDistributedDense', 'AtrousConvolution1D', 'AtrousConvolution2D', 'Graph')
_WRITTEN_THEN = {'W_regularizer', 'dim_ordering', 'mode_type'}

# these took an order of images, and did not write it down
_ORDER_UNSAID = ('ZeroPadding2D', 'ZeroPadding3D', 'Cropping2D', 'Cropping3D', 'UpSampling2D', 'UpSampling3D',
                 'SpatialDropout2D', 'SpatialDropout3D')

# ---- penalties and constraints
_WORDS_OF_PARTS = {'m': 'max_value', 'low': 'min_value', 'high': 'max_value'}
_NAMES_OF_PARTS = {'WeightRegularizer': 'L1L2', 'ActivityRegularizer': 'L1L2', 'L1L2Regularizer': 'L1L2', 'L1L2': 'L1L2',
                   'MaxNorm': 'MaxNorm', 'NonNeg': 'NonNeg', 'UnitNorm': 'UnitNorm', 'MinMaxNorm': 'MinMaxNorm'}


def _part(key, config):
    """{'name': 'MaxNorm', 'm': 2} as it is written today."""
    name = config['name']
    if not isinstance(name, str) or name not in _NAMES_OF_PARTS:
        raise ValueError(f'{key}: expected one of {", ".join(_NAMES_OF_PARTS)}, got {name!r:.80}; Keras 1 itself '
                         'reads nothing else again')
    return {'class_name': _NAMES_OF_PARTS[name],
            'config': {_WORDS_OF_PARTS.get(k, k): v for k, v in config.items() if k != 'name'}}


# ---- all of a configuration
def written_then(config: Any, keras_version: str) -> bool:
    """Whether a configuration is of a Keras whose words are looked for here: before 2.2, or of one that does not say."""
    numbers = keras_version.split('.')
    return config.get('module') is None and (not keras_version or numbers[0] == '1' or numbers[:2] in (['2', '0'], ['2', '1'])
                                             and '-tf' not in keras_version)


def of_today(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """A configuration of which no version is known, as a dictionary may come to `from_config`: `converted` where it has words
    that only Keras 1 wrote, else as it is."""
    below, seen = [config], set()
    while below:
        value = below.pop()
        if id(value) in seen:           # a dictionary of the user's may hold itself
            continue
        if isinstance(value, (dict, list, tuple)):
            seen.add(id(value))
        if isinstance(value, dict):
            name, inner = value.get('class_name'), value.get('config')
            if name in _GONE or isinstance(inner, dict) and (
                    not _WRITTEN_THEN.isdisjoint(inner) or name == 'BatchNormalization' and 'mode' in inner):
                return converted(config, custom_objects)
            below += value.values()
        elif isinstance(value, (list, tuple)):
            below += value
    return config


def converted(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """A configuration with all that is above in the words of today. A class of the user's own stays what it is.

    Raises ValueError for what nothing here has the numbers of: a Graph, an unknown mode of a Merge.
    """
    orders = _orders(config)
    return _Walk(objects.visible_custom_objects(custom_objects), orders.pop() if len(orders) == 1 else None).value(config)


def _orders(config):
    """The orders of images that a configuration says."""
    found, below = set(), [config]
    while below:
        value = below.pop()
        if isinstance(value, dict):
            if value.get('dim_ordering') in ('th', 'tf'):
                found.add(value['dim_ordering'])
            below += value.values()
        elif isinstance(value, (list, tuple)):
            below += value
    return found


class _Walk:
    """own: names that the user gave classes to. order: of images, where it is left out."""

    def __init__(self, own, order):
        self.own, self.order = own, order

    def value(self, value):
        if isinstance(value, list):
            return [self.value(v) for v in value]
        if not isinstance(value, dict):
            return value
        name, inner = value.get('class_name'), value.get('config')
        if isinstance(name, str) and name not in self.own:
            if name == 'Graph':
                raise ValueError('a Graph, which Keras had up to 1.0, cannot be made; Keras 1.0 itself reads it, and its '
                                 'layers can be given to a Model there')
            if name == 'Sequential' and 'Merge' not in self.own and _branches(inner) is not None:
                return {**value, 'class_name': 'Model', 'config': self.value(_joined(inner))}
            if isinstance(inner, dict) and (name in _LAYERS or name in _ORDER_UNSAID):
                return {**self._inside(value), **self._layer(name, self._inside(inner))}
        return self._inside(value)

    def _inside(self, config):
        return {k: _part(k, v) if _is_part(k, v) else v if k == 'arguments' else self.value(v) for k, v in config.items()}

    def _layer(self, name, config):
        if name in _ORDER_UNSAID:
            said = 'dim_ordering' in config or 'data_format' in config or self.order is None
            return {'config': config if said else {**config, 'dim_ordering': self.order}}
        return _LAYERS[name](config)


def _is_part(key, value):
    return (isinstance(value, dict) and 'name' in value and 'class_name' not in value and isinstance(key, str)
            and key.endswith(('_regularizer', '_constraint')))


# ---- Sequential models that begin with a Merge
def _layers_of(config):
    return config.get('layers') if isinstance(config, dict) else config


def _branches(config):
    """The models that the Merge at the beginning of a Sequential joins; None where it begins otherwise."""
    layers = _layers_of(config)
    first = layers[0] if isinstance(layers, list) and layers else None
    inside = first.get('config') if isinstance(first, dict) and first.get('class_name') == 'Merge' else None
    branches = inside.get('layers') if isinstance(inside, dict) else None
    return branches if isinstance(branches, list) and branches else None


def _joined(config):
    """A Sequential that begins with a Merge as a graph. The layers of the branches stand in it one by one, as the file has
    their weights."""
    graph = _Graph()
    end = graph.chain(_layers_of(config))
    name = config.get('name') if isinstance(config, dict) else None
    return {**({} if name is None else {'name': name}), 'layers': list(graph.entries.values()), 'input_layers': graph.inputs,
            'output_layers': [end]}


class _Graph:
    """The layers and connections of a graph while it is put together, with addresses [layer, call, result]."""

    def __init__(self):
        self.entries, self.inputs = {}, []
        self._calls, self._seen = {}, set()     # (layer, what it is called on) → which call that is; addresses of inputs

    def chain(self, layers):
        """The address of what a Sequential gives."""
        first = layers[0]
        branches = _branches(layers)
        if branches is not None:
            sources = [self.branch(branch) for branch in branches]
            end = self.call({**first, 'config': {k: v for k, v in first['config'].items() if k != 'layers'}}, sources)
        else:
            end = self.call(first, [self.input_of(first)])
        for layer in layers[1:]:
            end = self.call(layer, [end])
        return end

    def branch(self, branch):
        """The address of what one of the models before a Merge gives."""
        config = branch['config']
        if branch['class_name'] == 'Sequential':
            return self.chain(_layers_of(config))
        if 'input_layers' not in config:
            return self.call(branch, [self.input_of(branch)])
        for entry in config['layers']:
            self.entries.setdefault(entry['name'], {**entry, 'inbound_nodes': list(entry.get('inbound_nodes', ()))})
        for address in config['input_layers']:
            self._add_input(address)
        if len(config['output_layers']) != 1:
            raise ValueError(f'a Merge of models: expected one output of model {config.get("name")!r}, got '
                             f'{len(config["output_layers"])}')
        return config['output_layers'][0]

    def input_of(self, layer):
        """The address of the input that the first layer of a chain brings along."""
        config = layer['config']
        while 'batch_input_shape' not in config and isinstance(config.get('layer'), dict):     # of a wrapper
            config = config['layer']['config']
        if 'batch_input_shape' not in config:
            raise ValueError(f'a Merge of models: the first layer {config.get("name")!r} of one of them does not say its input '
                             'shape')
        name = f'{layer["config"]["name"]}_input'
        if name not in self.entries:
            self.entries[name] = {'class_name': 'InputLayer', 'name': name, 'inbound_nodes': [], 'config': {
                'name': name, 'batch_input_shape': config['batch_input_shape'],
                **({'input_dtype': config['input_dtype']} if config.get('input_dtype') else {})}}
            self._add_input([name, 0, 0])
        return [name, 0, 0]

    def _add_input(self, address):
        if tuple(address) not in self._seen:
            self._seen.add(tuple(address))
            self.inputs.append(address)

    def call(self, layer, sources):
        """The address of what a layer makes of what is at the addresses; one that stands in two branches is called twice."""
        name = layer['config']['name'] if isinstance(layer['config'], dict) else layer.get('name')
        if not isinstance(name, str):
            raise ValueError(f'a Merge of models: expected each layer to have a name, got {name!r:.80}')
        if name not in self.entries:
            self.entries[name] = {**layer, 'name': name, 'inbound_nodes': []}
        nodes, key = self.entries[name]['inbound_nodes'], (name, *map(tuple, sources))
        if key not in self._calls:
            self._calls[key] = len(nodes)
            nodes.append([[*source, {}] for source in sources])
        return [name, self._calls[key], 0]
