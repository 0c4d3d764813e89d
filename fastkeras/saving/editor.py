"""Looking into a file of weights of Keras 3, changing it, and writing it again."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from fastkeras.saving import archive, atomic, legacy_h5, limits, saver, stored, walk
from fastkeras.saving.stores import H5Store
from fastkeras.saving.zips import Members
from fastkeras.utils.errors import ModelFileError, nearest
from fastkeras.utils.messages import print_msg


class KerasFileEditor:
    """The weights of a .keras archive or .weights.h5 file of Keras 3, in memory: `summary()` shows them, `compare(model)` holds
    them against a model, other methods change them, `save(path)` writes them to a new .weights.h5 file.

    weights_dict: the groups of the file, dicts in dicts, with arrays in the innermost ('layers' → 'dense' → '0').
    object_metadata: path → {'name': …}, as layers were called. config, metadata: of an archive, else None. A group is named by
    its path ('layers/dense_2') or, where no other has it, by its name alone. Raises ModelFileError for other files.
    """

    def __init__(self, filepath: Any) -> None:
        self.filepath = saver.path_of(filepath) if not hasattr(filepath, 'read') else filepath
        self.metadata = self.config = self.model = None
        with saver.reading(filepath) as file:
            if isinstance(file, Members):
                self.config = limits.read_json(file.read(archive.CONFIG), archive.CONFIG)
                if archive.METADATA in file.names:
                    self.metadata = limits.read_json(file.read(archive.METADATA), archive.METADATA)
                with archive.open_weights(file) as store:
                    self._take(store)
            else:
                if stored.read_names(file, 'layer_names') or 'model_weights' in stored.names(file):
                    raise ModelFileError('an HDF5 file in the layout of Keras 2; expected a .keras archive or a .weights.h5 '
                                         'file of Keras 3')
                self._take(H5Store(file))
        self.console = _Console()
        self.console.print(f'Keras model file {str(self.filepath)!r}')
        if self.metadata is not None:
            self.console.print(f'Saved with Keras {self.metadata.get("keras_version")} - date: '
                               f'{self.metadata.get("date_saved")}')

    def _take(self, store):
        self.weights_dict, self.object_metadata = {}, {}
        for path in store.paths():
            group = self.weights_dict
            for name in path.split('/') if path else ():
                group = group.setdefault(name, {})
            group.update((k, np.array(v)) for k, v in sorted(store.at(path).items(), key=_number))
        self.object_metadata.update(store.labels())

    # ---- looking
    def summary(self) -> None:
        """Print the groups and arrays."""
        self.console.print('Weights structure')
        for line in self._lines(self.weights_dict, '  ', ''):
            self.console.print(line)

    def _lines(self, group, indent, path):
        for k, (name, value) in enumerate(group.items()):
            last = k == len(group) - 1
            start = f'{indent}{"└─" if last else "├─"} {name}'
            if isinstance(value, dict):
                inner = f'{path}/{name}' if path else name
                label = self.object_metadata.get(inner, {}).get('name')
                yield start + (f' ({label!r})' if label else '')
                yield from self._lines(value, indent + ('   ' if last else '│  '), inner)
            else:
                yield f'{start}: shape={np.shape(value)}, dtype={np.asarray(value).dtype}'

    def compare(self, reference_model: Any) -> dict[str, Any]:
        """Print what differs between the file and a model. Returns {'status': 'success' or 'error', 'error_count',
        'match_count'}."""
        wanted = {}
        for path, part in walk.parts(reference_model):
            kept = {}
            if hasattr(part, 'save_own_variables'):
                part.save_own_variables(kept)
            wanted.update((f'{path}/{k}' if path else k, tuple(np.shape(v))) for k, v in kept.items())
        found = {path: np.shape(value) for path, value in _flat(self.weights_dict)}
        errors = [f'Weight {p} is in the model, but not in the file' for p in wanted if p not in found]
        errors += [f'Weight {p} is in the file, but not in the model' for p in found if p not in wanted]
        errors += [f'Weight {p} has shape {wanted[p]} in the model, {found[p]} in the file'
                   for p in wanted if p in found and wanted[p] != found[p]]
        matches = sum(wanted[p] == found.get(p) for p in wanted)
        for line in errors:
            self.console.print(line)
        self.console.print(f'{len(errors)} differences, {matches} matching weights')
        return {'status': 'error' if errors else 'success', 'error_count': len(errors), 'match_count': matches}

    # ---- changing
    def rename_object(self, object_name: str, new_name: str) -> None:
        """Give a group another name, without a path. ValueError for one that is not there, and for a name that is taken."""
        self._check_name(new_name)
        group, name = self._place(object_name)
        if new_name in group and new_name != name:
            raise ValueError(f'rename_object: {new_name!r} is taken by another object beside {name!r}')
        renamed = [(new_name if k == name else k, v) for k, v in group.items()]
        group.clear()
        group.update(renamed)

    def delete_object(self, object_name: str) -> None:
        """Remove a group. ValueError where it is not there."""
        group, name = self._place(object_name)
        del group[name]

    def add_object(self, object_path: str, weights: Any) -> None:
        """Add a group. weights: {'0': array, …}. ValueError where the group it goes into is not there, or it is there."""
        self._check_weights('add_object', weights)
        above, _, name = object_path.rpartition('/')
        self._check_name(name)
        group = self._inside(above) if above else self.weights_dict
        if name in group:
            raise ValueError(f'add_object: {object_path!r} is there already; delete_object removes it')
        group[name] = dict(weights)

    def delete_weight(self, object_name: str, weight_name: str) -> None:
        """Remove an array from a group. ValueError where it is not there."""
        group, name = self._place(object_name)
        if weight_name not in group[name]:
            raise ValueError(f'delete_weight: {object_name!r} has no weight {weight_name!r}; it has '
                             f'{", ".join(map(repr, group[name]))}')
        del group[name][weight_name]

    def add_weights(self, object_name: str, weights: Any) -> None:
        """Add arrays to a group, in place of those of the same names. weights: {'0': array, …}."""
        self._check_weights('add_weights', weights)
        group, name = self._place(object_name)
        group[name].update(weights)

    def _check_weights(self, method, weights):
        if not isinstance(weights, dict) or not all(isinstance(k, str) for k in weights):
            raise ValueError(f"{method}: expected weights to be a dict such as {{'0': kernel, '1': bias}}, got {weights!r:.80}")
        for k, v in weights.items():
            self._check_name(k)
            if np.asarray(v).dtype.kind not in 'fiub':
                raise ValueError(f'{method}: expected an array of numbers for weight {k!r}, got {v!r:.60}')

    def _check_name(self, name):
        if not isinstance(name, str) or not name or '/' in name or name in ('.', '..', 'vars'):
            raise ValueError(f'expected a name without a path, got {name!r}')

    def _inside(self, path):
        group = self.weights_dict
        for name in path.split('/'):
            if not isinstance(group, dict) or name not in group:
                raise ValueError(f'{path!r} is not in the file; {nearest(path, self._groups())}')
            group = group[name]
        return group

    def _groups(self):
        return [p for p, _ in _flat(self.weights_dict, groups=True)]

    def _place(self, name):
        """(the group it is in, its name there) of a path or of a name that only one group has."""
        if '/' in name:
            above, _, last = name.rpartition('/')
            group = self._inside(above)
            if not isinstance(group.get(last), dict):
                raise ValueError(f'{name!r} is not in the file; {nearest(name, self._groups())}')
            return group, last
        places = [p for p in self._groups() if p.rpartition('/')[2] == name]
        if not places:
            raise ValueError(f'{name!r} is not in the file; {nearest(name, self._groups())}')
        if len(places) > 1:
            raise ValueError(f'{name!r} is in the file more than once, as {", ".join(places)}; give the path')
        above = places[0].rpartition('/')[0]
        return (self._inside(above) if above else self.weights_dict), name

    # ---- writing
    def save(self, filepath: Any) -> None:
        """Write the weights as they are now to a file whose name ends in .weights.h5."""
        path = saver.path_of(filepath)
        if not path.endswith('.weights.h5'):
            raise ValueError(f'{path}: expected a name that ends in .weights.h5')
        memory = io.BytesIO()
        with legacy_h5.h5py().File(memory, 'w') as file:
            self._write(self.weights_dict, file, '')
        atomic.write(path, memory.getbuffer())

    def resave_weights(self, filepath: Any) -> None:
        """As `save`."""
        self.save(filepath)

    def _write(self, group, file, path):
        arrays = {k: v for k, v in group.items() if not isinstance(v, dict)}
        if arrays:
            kept = file.require_group(f'{path}/vars' if path else 'vars')
            for k, v in arrays.items():
                kept[k] = v
            for k, v in self.object_metadata.get(path, {}).items():
                kept.attrs[k] = v
        for name, value in group.items():
            if isinstance(value, dict):
                self._write(value, file, f'{path}/{name}' if path else name)


class _Console:
    """What an editor prints to."""

    def print(self, text: str) -> None:
        """Print a line."""
        print_msg(text)


def _number(item):
    name = item[0]
    return (0, int(name), '') if name.isdecimal() else (1, 0, name)


def _flat(group, path='', groups=False):
    """(path, array) of all arrays, or (path, dict) of all groups."""
    for name, value in group.items():
        inner = f'{path}/{name}' if path else name
        if isinstance(value, dict):
            if groups:
                yield inner, value
            yield from _flat(value, inner, groups)
        elif not groups:
            yield inner, value
