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

    def __init__(self, group):
        self.root = group
        self.of_213 = _LAYERS_213 in stored.names(group)

    def at(self, path):
        """name → dataset of the variables at a path; empty where there are none."""
        group = self._group(self._as_written(path))
        if group is None or 'vars' not in stored.names(group):
            return {}
        group = stored.group_at(group, 'vars')
        return {name: stored.array_at(group, name) for name in stored.names(group)}

    def has(self, path):
        """Whether there is anything at or below a path."""
        return self._group(self._as_written(path)) is not None

    def _as_written(self, path):
        return '/'.join(_LAYERS_213 if p == 'layers' else p for p in path.split('/')) if self.of_213 else path

    def _group(self, path):
        group = self.root
        for name in path.split('/') if path else ():
            if name not in stored.names(group):
                return None
            group = stored.group_at(group, name)
        return group

    def paths(self):
        """All paths with variables."""
        def below(group, path, depth):
            if depth > 100:
                raise ModelFileError('its groups are nested more deeply than those of any model')
            for name in sorted(stored.names(group)):
                if name == 'vars':
                    if stored.names(stored.group_at(group, 'vars')):
                        yield '/'.join(path)
                elif _is_group(group, name):
                    shown = 'layers' if name == _LAYERS_213 else name
                    yield from below(stored.group_at(group, name), (*path, shown), depth + 1)
        return list(below(self.root, (), 0))

    def inside(self, path):
        """The names of what stands in the group at a path."""
        group = self._group(path)
        return sorted(stored.names(group)) if group is not None else []

    def label(self, path):
        """What the part at a path is called, None where the file does not say it."""
        group = None if self.of_213 else self._group(path)
        if group is None or 'vars' not in stored.names(group):
            return None
        return stored.text_of(stored.group_at(group, 'vars'), 'name')

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
