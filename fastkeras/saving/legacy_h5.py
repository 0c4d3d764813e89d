"""HDF5 files as Keras 2 lays them out: one group per layer, names in attributes.

h5py is imported only when a file is opened.
"""

import inspect
import json

import numpy as np

from fastkeras import losses, metrics, optimizers
from fastkeras.layers import input_spec
from fastkeras.runtime.variable import weights_later
from fastkeras.saving import json as configs
from fastkeras.saving import limits, objects, old_weights, optimizer_state, stored, values
from fastkeras.saving.report import LoadReport
from fastkeras.saving.stored import read_names
from fastkeras.utils import seed
from fastkeras.utils.errors import ModelFileError, warn
from fastkeras.utils.quantities import checked_name

# group of what only this package keeps of a training; readers of Keras do not look at it
STATE = 'fastkeras_training_state'
# an attribute must fit into the header of its object, of 64 KB
ATTRIBUTE_LIMIT = 64512


def h5py():
    """The h5py module; ImportError that says what it is needed for."""
    try:
        import h5py as module
    except ImportError as error:
        raise ImportError('HDF5 files need the package h5py: pip install h5py') from error
    return module


# ---- attributes

def write_names(group, attribute, names):
    """A list of names as an attribute, in several numbered ones when it is too long for one."""
    encoded = [checked_name('an HDF5 file', n).encode('utf8') for n in names]
    too_long = [n for n in encoded if len(n) > ATTRIBUTE_LIMIT]
    if too_long:
        raise ValueError(f'a name of {len(too_long[0])} bytes is too long for an HDF5 attribute: {too_long[0][:60]}…')
    width = max((len(n) for n in encoded), default=1) or 1
    per_part = max(1, ATTRIBUTE_LIMIT // width)
    if len(encoded) <= per_part:
        group.attrs[attribute] = np.array(encoded, f'S{width}')
        return
    for part, start in enumerate(range(0, len(encoded), per_part)):
        group.attrs[f'{attribute}{part}'] = np.array(encoded[start:start + per_part], f'S{width}')


# ---- weights

def stored_order(layer):
    """The weights of a layer in the order of such files: the trainable ones first, also in a model inside."""
    trained = layer.trainable_weights
    known = {id(v) for v in trained}
    return [*trained, *(v for v in layer.weights if id(v) not in known)]


def write_weights(group, layers):
    """The weights of layers: a group for each, with the names of its datasets."""
    write_names(group, 'layer_names', [layer.name for layer in layers])
    group.attrs['backend'] = configs.BACKEND.encode('utf8')
    group.attrs['keras_version'] = configs.version().encode('utf8')
    for layer in layers:
        write_variables(group.create_group(layer.name), stored_order(layer))


def write_variables(group, variables):
    """Datasets named by the variables, and the list of the names."""
    names, counted = {}, {}         # names in order; how often each was met, from where the search for a free one goes on
    for v in variables:
        name, k = v.name, counted.get(v.name, 0)
        while name in names:
            k += 1
            name = f'{v.name.split(":")[0]}_{k}:0'
        names[name], counted[v.name] = None, k
    write_names(group, 'weight_names', names)
    for name, v in zip(names, variables):
        value = v.array       # HDF5 copies it
        dataset = group.create_dataset(name, value.shape, dtype=value.dtype)
        if value.shape:
            dataset[:] = value
        else:
            dataset[()] = value


def layer_names(group):
    """The names of the groups of layers in a group of weights; [] where it has no list of them. The first releases numbered
    them, and the arrays inside."""
    if stored.has(group, 'nb_layers') and not stored.has(group, 'layer_names'):
        return [f'layer_{k}' for k in range(stored.count_of(group, 'nb_layers'))]
    return read_names(group, 'layer_names')


def _weight_names(group):
    if stored.has(group, 'nb_params') and not stored.has(group, 'weight_names'):
        return [f'param_{k}' for k in range(stored.count_of(group, 'nb_params'))]
    return read_names(group, 'weight_names')


def read_variables(group, names=None):
    """(names, arrays) of a group that write_variables wrote; their numbers are not read yet. names: where they are known."""
    names = read_names(group, 'weight_names') if names is None else names
    return names, [stored.array_at(group, n) for n in names]


class _Mismatch(ModelFileError):
    """The weights of a layer that do not fit, though the file is in order."""


class _Loading:
    """Values that were found for weights, to be assigned when all are there and fit, and the report of them."""

    def __init__(self, group):
        self.group = group
        self.written = old_weights.origin(group)
        self.report = LoadReport()
        self.names = layer_names(group)
        self.groups = {name: stored.group_at(group, name) for name in self.names}
        self.inside = {name: _weight_names(self.groups[name]) for name in self.names}
        self.values = []        # (layer, Variable, array)

    def take(self, name, layer, reshape):
        """The weights of a layer from the group `name`. _Mismatch where they do not fit."""
        found = _fitted(layer, name, *read_variables(self.groups[name], self.inside[name]), reshape, self.written)
        self.values += [(layer, v, value) for v, value in found]

    def assign(self, layers, names):
        """Give the weights their values, all or none. layers: those of the model; names: the groups that were taken."""
        owners = {id(v): layer for layer, v, _ in self.values}
        values.assign_all([(v, value) for _, v, value in self.values], lambda v: input_spec.title(owners[id(v)]))
        for name in self.names:
            place = self.report.used if name in names else self.report.unused
            place += [f'{name}/{inner}' for inner in self.inside[name]]
        self.report.missing = [v.name for layer in layers for v in layer.weights if id(v) not in owners]
        return self.report


def read_weights(group, layers, reshape=False):
    """Set the weights of layers, in order, from the groups of a file; by their names, where the file has exactly those in
    another order. ValueError, and no weight is changed, where numbers or shapes do not fit. Returns a LoadReport."""
    loading, layers = _Loading(group), [layer for layer in layers if layer.weights]
    named = [name for name in loading.names if loading.inside[name]]
    if len(named) != len(layers):
        raise _Mismatch(f'You are trying to load a weight file containing {len(named)} layers into a model with {len(layers)} '
                        f'layers: the file has {_some(named)}, the model {_some([layer.name for layer in layers])}')
    own = [layer.name for layer in layers]
    if own != named and sorted(own) == sorted(named) and len(set(own)) == len(own):
        named = own
    for name, layer in zip(named, layers):
        loading.take(name, layer, reshape)
    return loading.assign(layers, named)


def read_weights_by_name(group, layers, skip_mismatch=False, reshape=False):
    """Set the weights of those layers whose names are in the file. skip_mismatch: warn of weights that do not fit, and
    leave those layers as they are. Else ValueError, and no weight is changed. Returns a LoadReport."""
    by_name = {}
    for layer in layers:
        by_name.setdefault(layer.name, []).append(layer)
    loading, taken = _Loading(group), set()
    if not any(name in by_name for name in loading.names):
        warn(f'load_weights: no layer of the file ({_some(loading.names)}) has the name of a layer of the model '
             f'({_some(list(by_name))}), so nothing is loaded')
    for name in loading.names:
        for layer in by_name.get(name, ()):
            try:
                loading.take(name, layer, reshape)
                taken.add(name)
            except _Mismatch as error:
                if not skip_mismatch:
                    raise
                warn(f'weights are left out: {error}')
    return loading.assign(layers, taken)


def _some(names):
    return ', '.join(names[:6]) + (', …' if len(names) > 6 else '') if names else 'none'


def _fitted(layer, stored_name, names, arrays, reshape, written):
    """Pairs (Variable, array) for a layer; by name where a model inside has exactly the names of the file."""
    variables = stored_order(layer)
    own = [v.name for v in variables]
    if own != names and sorted(own) == sorted(names) and len(set(own)) == len(own):
        found = dict(zip(names, arrays))
        arrays = [found[n] for n in own]
    parts, rest = [], arrays
    for unit in old_weights.units(layer, variables):
        count = old_weights.arrays_of(unit, rest, written)
        parts.append((unit, rest[:count]))
        rest = rest[count:]
    expected = sum(old_weights.arrays_of(unit, part, written) for unit, part in parts)
    if rest or len(arrays) != expected:
        raise _Mismatch(f'{input_spec.title(layer)}: expected {expected} weights, the file has {len(arrays)} for '
                        f'{stored_name!r}')
    return [pair for unit, part in parts for pair in _values_of(unit, part, layer, stored_name, reshape, written)]


def _values_of(unit, part, layer, stored_name, reshape, written):
    """Pairs (Variable, value) for a unit; values that are in order as they are stay in the file for now."""
    found = part
    if not old_weights.as_they_are(unit, part, written) and old_weights.may_fit(unit, part):
        found = old_weights.values(unit, [np.asarray(a) for a in part], written)
    if len(found) != len(unit.variables):
        raise _Mismatch(f'{input_spec.title(layer)}: expected arrays of the shapes '
                        f'{[tuple(v.shape) for v in unit.variables]}, the file has {[a.shape for a in part]} for '
                        f'{stored_name!r}')
    pairs = []
    for v, value in zip(unit.variables, found):
        if tuple(v.shape) != value.shape:
            if not reshape or v.size != value.size:
                raise _Mismatch(f'{input_spec.title(layer)}: its weight {v.name!r} has shape {tuple(v.shape)}, the file has '
                                f'{value.shape} for {stored_name!r}{old_weights.advice(unit, part)}')
            value = np.asarray(value).reshape(v.shape)
        pairs.append((v, value))
    return pairs


# ---- whole models

def write_model(model, file, include_optimizer=True):
    """Configuration, weights and, for a compiled model, how it is trained and the optimizer's state."""
    config = configs.model_config(model)
    file.attrs['keras_version'] = config.pop('keras_version').encode('utf8')
    file.attrs['backend'] = config.pop('backend').encode('utf8')
    file.attrs['model_config'] = json.dumps(config, default=configs.encode).encode('utf8')
    write_weights(file.create_group('model_weights'), model.layers)
    optimizer = getattr(model, 'optimizer', None)
    if not include_optimizer or optimizer is None:
        return
    if not hasattr(optimizer, 'get_config'):
        warn('the optimizer has no get_config, so how the model was compiled is not saved')
        return
    file.attrs['training_config'] = json.dumps(training_config(model), default=configs.encode).encode('utf8')
    variables = optimizer.weights
    if variables:
        write_variables(file.create_group('optimizer_weights'), variables)
    if {id(v) for v in getattr(optimizer, 'variables', ())} - {id(v) for v in variables}:
        # state that Keras 2 does not list, such as the momentum schedule of Nadam
        write_variables(file.create_group('optimizer_variables'), optimizer.variables)
    write_state(model, file)


def training_config(model):
    """How a model was compiled, in the form of Keras 2."""
    given = model._compile_args['metrics'] if model._compile_args else None
    return {'optimizer_config': _for_all_readers(optimizers.serialize(model.optimizer)), 'loss': _in_full(model.loss),
            'metrics': given if isinstance(given, dict) else list(given or ()), 'weighted_metrics': model.weighted_metrics,
            'sample_weight_mode': model.sample_weight_mode, 'loss_weights': model.loss_weights}


# optimizers that learn at the same rate in Keras 2 and 3 unless told otherwise
_USUAL_RATES = {'SGD': 0.01, 'RMSprop': 0.001, 'Adam': 0.001}


def _for_all_readers(said):
    """The configuration of an optimizer without what is usual in every Keras: Keras 2 calls the rate `lr` and refuses
    `learning_rate`, Keras 3 the other way round, and it warns of any `decay`."""
    config = dict(said['config'])
    if config.get('decay') == 0:
        del config['decay']
    usual = _USUAL_RATES.get(said['class_name'])
    if usual is not None and config.get('lr') == float(np.float32(usual)):
        del config['lr']
    return {**said, 'config': config}


def _in_full(loss):
    """Losses with their full names: Keras 3 saves 'mse' as it is, and cannot open such a file."""
    if isinstance(loss, dict):
        return {k: _in_full(v) for k, v in loss.items()}
    if isinstance(loss, (list, tuple)):
        return [_in_full(v) for v in loss]
    if not isinstance(loss, str) or loss in objects.visible_custom_objects():
        return loss
    found = losses.get(loss)
    return objects.serialize(found) if inspect.isfunction(found) else loss


def write_state(model, file):
    """Write what a training needs beside weights and optimizer to go on as if it had not stopped."""
    state = model._training_state()
    if state:
        group = file.create_group(STATE)
        for name, value in state.items():
            group[name] = value


def read_model(file, custom_objects=None, compile=True, safe_mode=True):
    """The model of a file, compiled as it was when `compile` and the file says how."""
    said = stored.configuration(file, 'model_config')
    if said is None:
        raise ValueError('No model config found in the file: it holds weights only; make the model and call '
                         'load_weights on it')
    keras_version = stored.text_of(file, 'keras_version')
    group = stored.group_at(file, 'model_weights')
    with seed.apart(), weights_later(drawn=False):
        model = configs.model_from_config(said, custom_objects, keras_version, safe_mode)
    if not model.built and not model.weights:
        raise ValueError(f'the file does not say the input shape of model {model.name!r}, so its weights cannot be '
                         f'made; build the model and call load_weights on it')
    read_weights(group, model.layers)
    trained = stored.configuration(file, 'training_config')
    if compile and trained is None:
        warn('the file does not say how the model was compiled; compile it before training')
    elif compile:
        with limits.describing('how the model was compiled'):
            compile_as_saved(model, trained, custom_objects)
        state = [name for name in ('optimizer_variables', 'optimizer_weights') if name in stored.names(file)]
        if 'optimizer_weights' in state:
            _read_optimizer(model, file, stored.group_at(file, state[0]))
    return model


def compile_as_saved(model, trained, custom_objects=None):
    """Compile a model by the training configuration of a file."""
    optimizer = optimizers.deserialize(trained['optimizer_config'], custom_objects)
    known = objects.visible_custom_objects(custom_objects)

    def revived(value, get):
        if isinstance(value, list):
            return [revived(v, get) for v in value]
        if isinstance(value, dict):
            return get(value) if 'class_name' in value else {k: revived(v, get) for k, v in value.items()}
        return known.get(value, value) if isinstance(value, str) else value

    with objects.CustomObjectScope(custom_objects or {}):
        model.compile(optimizer=optimizer, loss=revived(trained.get('loss'), losses.get),
                      metrics=revived(trained.get('metrics'), metrics.get), loss_weights=trained.get('loss_weights'),
                      sample_weight_mode=trained.get('sample_weight_mode'),
                      weighted_metrics=revived(trained.get('weighted_metrics'), metrics.get))


def read_state(model, file):
    """Read what write_state wrote, if it is there."""
    if STATE not in stored.names(file):
        return
    group = stored.group_at(file, STATE)
    found = {f'{kind}/{name}': stored.read(stored.array_at(stored.group_at(group, kind), name))
             for kind in stored.names(group) for name in stored.names(stored.group_at(group, kind))}
    try:
        model._set_training_state(found)
    except (ValueError, KeyError) as error:
        warn(f'the random state of the training could not be restored, it begins anew: {error}')


def _read_optimizer(model, file, group):
    try:
        optimizer_state.restore(model, *read_variables(group), old_weights.origin(stored.group_at(file, 'model_weights')))
    except ValueError as error:
        warn(f'the state of the optimizer could not be restored, it begins anew: {error}')
    read_state(model, file)
