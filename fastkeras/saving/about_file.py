"""What a file of a model or of weights holds, told without making anything of it."""

from __future__ import annotations

import math
import os
from typing import Any

from fastkeras.saving import archive, legacy_h5, limits, refusals, saver, stored
from fastkeras.saving.folders import Folder
from fastkeras.saving.stores import H5Store
from fastkeras.saving.zips import Members
from fastkeras.utils.errors import ModelFileError

# arguments that say most about a layer, as far as it has them
_TELLING = ('units', 'filters', 'kernel_size', 'pool_size', 'strides', 'padding', 'rate', 'activation', 'input_dim',
            'output_dim', 'target_shape', 'num_heads', 'key_dim', 'axis', 'return_sequences')


def about_file(filepath: Any) -> str:
    """A summary of a model file, or of a file of weights, as lines of text: which Keras wrote it, its layers, the numbers in it
    and how the model was compiled. Nothing of it is built or run.

    filepath: as `load_model` takes it, or of a configuration in JSON or an .npz file of arrays. Raises ModelFileError for a
    file that is no such thing, OSError for none.
    """
    text = _json_of(filepath)
    if text is not None:
        with refusals.of_file(saver.path_of(filepath)):
            lines = _of_json(text)
    else:
        with saver.reading(filepath) as file:
            lines = _of_archive(file) if isinstance(file, Members) else _of_hdf5(file)
    if not hasattr(filepath, 'read') and not hasattr(filepath, 'attrs') and not isinstance(filepath, (bytearray, memoryview)):
        path = saver.path_of(filepath)
        size = sum(file.size(name)[0] for name in file.names) if os.path.isdir(path) else os.path.getsize(path)
        lines.insert(0, f'{path}: {size:,} bytes')
    return '\n'.join(lines)


def _json_of(filepath):
    """The text of a file that begins as JSON of a configuration does; None for any other."""
    if not isinstance(filepath, (str, os.PathLike)) or not os.path.isfile(filepath):
        return None
    with open(filepath, 'rb') as file:
        return file.read(limits.of('json_bytes') + 1) if file.read(1) == b'{' and not file.seek(0) else None


def _of_json(text):
    config = limits.read_json(text, 'the file')
    if not isinstance(config.get('class_name'), str) or 'config' not in config:
        raise ModelFileError('expected the configuration of a model, as to_json gives it, got JSON without class_name and '
                             'config')
    return [f'a configuration in JSON, written by {_writer(config.get("keras_version"))}', *_layers(config),
            'no weights: model_from_json makes new ones']


def _of_archive(members):
    if archive.CONFIG not in members.names:
        if not members.names or not all(name.endswith('.npy') for name in members.names):
            raise ModelFileError(f'expected a .keras archive, got a zip archive without {archive.CONFIG}')
        return [f'an .npz file of {len(members.names)} arrays', *(f'  {name[:-4]}' for name in sorted(members.names))]
    metadata = _json(members, archive.METADATA)
    config = _json(members, archive.CONFIG)
    form = 'folder' if isinstance(members, Folder) else '.keras archive'
    lines = [f'a {form}, written by {_writer(metadata.get("keras_version"))}', *_layers(config)]
    if archive.WEIGHTS in members.names:
        with archive.open_weights(members) as store:
            lines.append(_numbers(store.root) if isinstance(store, H5Store) else 'weights in several files')
    return lines + _compiled(config.get('compile_config') or {})


def _json(members, name):
    return limits.read_json(members.read(name), name) if name in members.names else {}


def _of_hdf5(file):
    config = stored.configuration(file, 'model_config')
    version, backend = stored.text_of(file, 'keras_version'), stored.text_of(file, 'backend')
    lines = [f'an HDF5 file{"" if config else " of weights"}, written by {_writer(version)}'
             + (f' on {backend}' if backend else '')]
    if config:
        lines += _layers(config)
    named = file if stored.has(file, 'layer_names') else None
    if named is None and 'model_weights' in stored.names(file):
        named = stored.group_at(file, 'model_weights')
    lines.append(_numbers(file if named is None else named))
    if not config and named is not None:
        lines += [f'  {name}' for name in legacy_h5.read_names(named, 'layer_names')]
    return lines + _compiled(stored.configuration(file, 'training_config') or {})


def _writer(version):
    return f'Keras {version}' if version else 'a Keras that did not say its version'


def _layers(config, indent='  '):
    inner = config.get('config')
    layers = inner.get('layers') if isinstance(inner, dict) else inner
    name = inner.get('name') if isinstance(inner, dict) else None
    lines = [f'{indent[2:]}{config.get("class_name")}{f" {name!r}" if name else ""}'
             + (f' of {len(layers)} layers' if isinstance(layers, list) else '')]
    for layer in layers if isinstance(layers, list) else ():
        if not isinstance(layer, dict):
            continue
        said = layer.get('config') if isinstance(layer.get('config'), dict) else {}
        if isinstance(said.get('layers'), list):
            lines += _layers(layer, indent + '  ')
            continue
        shape = said.get('batch_input_shape') or said.get('batch_shape')
        told = ([f'input {tuple(shape)}'] if isinstance(shape, list) else []) + [
            f'{key}={_shown(said[key])}' for key in _TELLING if said.get(key) is not None]
        lines.append(f'{indent}{said.get("name") or layer.get("name") or "?"} ({layer.get("class_name")})'
                     + (f': {", ".join(told)}' if told else ''))
    return lines


def _shown(value):
    if isinstance(value, dict):
        inner = value.get('config')
        named = inner.get('name') if isinstance(inner, dict) else inner
        value = named if isinstance(named, str) else value.get('class_name')
    if isinstance(value, list):
        value = tuple(_shown(v) if isinstance(v, dict) else v for v in value)
    text = str(value)
    return text if len(text) <= 40 else text[:39] + '…'


def _numbers(group):
    """What the arrays below a group are, those of an optimizer apart; nothing is read of them."""
    arrays = [d for path, d in stored.arrays_below(group) if not path.startswith('optimizer')]
    count = sum(math.prod(d.shape) for d in arrays)
    size = sum(math.prod(d.shape) * d.get_type().get_size() for d in arrays)
    return f'{len(arrays)} arrays of {count:,} numbers in all, {size:,} bytes'


def _compiled(config):
    optimizer = config.get('optimizer_config') or config.get('optimizer')
    if not optimizer and not config.get('loss'):
        return []
    kind = optimizer.get('class_name') if isinstance(optimizer, dict) else optimizer
    return [f'compiled with {kind}, loss {_shown(config.get("loss"))}, metrics {_shown(config.get("metrics") or "none")}']
