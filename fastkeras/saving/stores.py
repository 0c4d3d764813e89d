"""Where Keras 3 keeps the variables of a model's parts: groups `path/vars` of an HDF5 file, with the datasets '0', '1', ….

A store to read from has `at(path)`: a mapping from names to arrays of which nothing is read yet; a store to write to has
`make(path, name)`: a mapping to put arrays into.
"""

from fastkeras.saving import stored
from fastkeras.utils.errors import ModelFileError

# what Keras 2.13 calls the layers of a model
_LAYERS_213 = '_layer_checkpoint_dependencies'


class H5Store:
    """The variables in an HDF5 file or a group of one."""

    def __init__(self, group, check=None):
        """check: raises where the file as a whole is damaged."""
        self.root, self.check = group, check or (lambda: None)
        self._groups, self._arrays = {'': (group, stored.names(group))}, {}
        self.of_213 = _LAYERS_213 in self._groups[''][1]

    def at(self, path):
        """name → dataset of the variables at a path; empty where there are none."""
        path = self._as_written(path)
        if path not in self._arrays:
            group, names = self._group(f'{path}/vars' if path else 'vars')
            self._arrays[path] = {name: stored.array_at(group, name) for name in names}
        return self._arrays[path]

    def has(self, path):
        """Whether there is anything at or below a path."""
        return self._group(self._as_written(path))[0] is not None

    def _as_written(self, path):
        return '/'.join(_LAYERS_213 if p == 'layers' else p for p in path.split('/')) if self.of_213 else path

    def _group(self, path):
        """(the group at a path, names of what stands in it); None and nothing where there is none. Each is looked at once."""
        if path not in self._groups:
            above, _, name = path.rpartition('/')
            group, names = self._group(above)
            found = stored.group_at(group, name) if name in names else None
            self._groups[path] = found, stored.names(found) if found is not None else frozenset()
        return self._groups[path]

    def paths(self):
        """All paths with variables."""
        seen = set()

        def below(path, depth):
            if depth > 100:
                raise ModelFileError('its groups are nested more deeply than those of any model')
            group, names = self._group(path)
            address = stored.address_of(group)
            if address in seen:         # there would be 2^n paths
                raise ModelFileError(f'its group {path!r} stands in another place too')
            seen.add(address)
            for name in sorted(names):
                inner = f'{path}/{name}' if path else name
                if name == 'vars':
                    if self._group(inner)[1]:
                        yield '/'.join('layers' if p == _LAYERS_213 else p for p in path.split('/'))
                elif self._groups.get(inner, (None,))[0] is not None or _is_group(group, name):
                    yield from below(inner, depth + 1)
        return list(below('', 0))

    def inside(self, path):
        """The names of what stands in the group at a path."""
        return sorted(self._group(path)[1])

    def label(self, path):
        """What the part at a path is called, None where the file does not say it."""
        group = None if self.of_213 else self._group(f'{path}/vars' if path else 'vars')[0]
        return None if group is None else stored.text_of(group, 'name')

    def labels(self):
        """path → {'name': what the part is called} where the file says it."""
        found = {}
        for path in self.paths():
            name = self.label(path)
            if name is not None:
                found[path] = {'name': name}
        return found


def _is_group(group, name):
    hard = type(group.get(name, getlink=True)).__name__ == 'HardLink'      # what another link leads to is not looked at
    return hard and hasattr(group.get(name, getclass=True), 'create_group')


class H5Writer:
    """Variables into an HDF5 file or a group of one."""

    def __init__(self, group):
        self._root = group

    def make(self, path, name=None):
        """A mapping whose arrays become datasets at a path. name: what the part is called, for who looks into the file."""
        group = self._root.require_group(f'{path}/vars' if path else 'vars')
        if name:
            group.attrs['name'] = name
        return _Datasets(group)


class _Datasets:
    def __init__(self, group):
        self._group = group

    def __setitem__(self, name, value):
        self._group[name] = value

    def __getitem__(self, name):
        return self._group[name][()]

    def __contains__(self, name):
        return name in self._group

    def __len__(self):
        return len(self._group)

    def keys(self):
        return self._group.keys()
