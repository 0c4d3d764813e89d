"""Weights in several files, as Keras 3 has them: name_00000.weights.h5, …, and name.weights.json, which says where each is."""

import contextlib
import io
import json
import math
import os
import re

import numpy as np

from fastkeras.saving import atomic, legacy_h5, limits, part_weights, stored
from fastkeras.saving.stores import H5Store
from fastkeras.utils.errors import ModelFileError

_SHARD = re.compile(r'[^/\\\0]+\.weights\.h5')


# ---- writing
def save(model, path, most, skip=()):
    """Save the weights of a model next to `path`, which becomes the index. most: GB of numbers in one file. ValueError for a
    weight that is larger, and for a path that does not end in weights.json or weights.h5."""
    if not path.endswith(('weights.json', 'weights.h5')):
        raise ValueError(f'{path}: with max_shard_size expected a name that ends in .weights.json')
    if isinstance(most, bool) or not isinstance(most, (int, float)) or not most > 0 or not math.isfinite(most):
        raise ValueError(f'max_shard_size: expected GB, a positive number, got {most!r}')
    if path.endswith('.h5'):
        path = path[:-len('.h5')] + '.json'
    writer = _Writer(os.path.basename(path)[:-len('.json')].replace('.weights', ''), float(most) * 1024 ** 3)
    part_weights.save(model, writer, skip=skip)
    for name, data in writer.files():
        atomic.write(os.path.join(os.path.dirname(path), name), data)
    index = {'metadata': {'total_size': writer.total}, 'weight_map': writer.places}
    atomic.write(path, json.dumps(index, indent=4))


class _Writer:
    def __init__(self, base, most):
        self._base, self._most = base, most
        self._memories, self._file, self._size = [], None, 0
        self.total, self.places = 0, {}

    def make(self, path, name=None):
        return _Part(self, f'{path}/vars' if path else 'vars', name)

    def put(self, group, key, value, name):
        """Write an array, into a new file where it does not fit into the present one."""
        value = np.asarray(value)
        if value.nbytes > self._most:
            raise ValueError(f'{group}/{key} has {value.nbytes} bytes, more than max_shard_size of {self._most:.0f}; give a '
                             'larger one')
        if self._file is None or self._size + value.nbytes > self._most:
            self._next()
        self._size += value.nbytes
        self.total += value.nbytes
        found = self._file.require_group(group)
        if name:
            found.attrs['name'] = name
        found[key] = value
        shard, where = self._name(len(self._memories) - 1), f'/{group}'
        known = self.places.setdefault(where, shard)
        if shard not in ([known] if isinstance(known, str) else known):
            self.places[where] = [*([known] if isinstance(known, str) else known), shard]
        return found

    def _name(self, number):
        return f'{self._base}_{number:05}.weights.h5'

    def _next(self):
        if self._file is not None:
            self._file.close()
        self._memories.append(io.BytesIO())
        self._file, self._size = legacy_h5.h5py().File(self._memories[-1], 'w'), 0

    def files(self):
        """(name, bytes) of the files."""
        if self._file is None:
            self._next()
        self._file.close()
        return [(self._name(k), memory.getbuffer()) for k, memory in enumerate(self._memories)]


class _Part:
    """A mapping whose arrays go into the files."""

    def __init__(self, writer, group, name):
        self._writer, self._group, self._name = writer, group, name
        self._kept = {}

    def __setitem__(self, key, value):
        self._kept[key] = np.asarray(value)
        self._writer.put(self._group, key, value, self._name)

    def __getitem__(self, key):
        return self._kept[key]

    def __contains__(self, key):
        return key in self._kept

    def __len__(self):
        return len(self._kept)

    def keys(self):
        return self._kept.keys()


# ---- reading
@contextlib.contextmanager
def opened(path):
    """The store of the weights that an index names. Only files of its own folder are opened. ModelFileError for an index that
    names others, and for files that are missing."""
    size = os.path.getsize(path)
    limits.check('json_bytes', size, f'{path}, bytes of JSON')
    with open(path, 'rb') as file:
        index = limits.read_json(file.read(), os.path.basename(path))
    places = index.get('weight_map')
    if not isinstance(places, dict):
        raise ModelFileError("the index has no dictionary 'weight_map'; expected the .weights.json that save_weights writes")
    names = {}
    for where, found in places.items():
        names[where.strip('/')] = found = [found] if isinstance(found, str) else found
        if not isinstance(found, list) or not all(isinstance(n, str) and _SHARD.fullmatch(n) for n in found):
            raise ModelFileError(f'the index names {found!r:.80} for {where!r:.80}, which is no file of weights of its folder')
    with contextlib.ExitStack() as stack, stored.counted():
        files = {}
        for name in sorted({n for found in names.values() for n in found}):
            full = os.path.join(os.path.dirname(path), name)
            if not os.path.isfile(full):
                raise ModelFileError(f'the index names {name}, which is not there')
            files[name] = H5Store(stack.enter_context(legacy_h5.h5py().File(full, 'r')))
        yield _Shards(names, files)


class _Shards:
    of_213 = False

    def __init__(self, names, files):
        self._names, self._files = names, files

    def check(self):
        """Nothing is known of the files as a whole."""

    def at(self, path):
        found = {}
        for name in self._names.get(f'{path}/vars' if path else 'vars', ()):
            found.update(self._files[name].at(path))
        return found

    def has(self, path):
        return any(where == path or where.startswith(f'{path}/') for where in self._names)

    def inside(self, path):
        start = f'{path}/' if path else ''
        return sorted({where[len(start):].split('/')[0] for where in self._names if where.startswith(start)})

    def label(self, path):
        for name in self._names.get(f'{path}/vars' if path else 'vars', ()):
            return self._files[name].label(path)
        return None

    def paths(self):
        return sorted(where.rpartition('/')[0] for where in self._names)
