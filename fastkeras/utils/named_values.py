"""Settings of one's own by name."""

from __future__ import annotations

import json
from typing import Any

from fastkeras.utils.errors import nearest


class Config:
    """Named values, as attributes or as a dict: `config = Config(rate=0.1); config.rate; config['rate']`.

    `freeze()` forbids changes until `unfreeze()`: ValueError then. AttributeError, with the nearest names, for a name
    that is not there. Iterating gives the names in order.
    """

    def __init__(self, **kwargs: Any) -> None:
        object.__setattr__(self, '_values', dict(kwargs))
        object.__setattr__(self, '_frozen', False)

    @property
    def frozen(self) -> Any:
        """Whether changes are forbidden."""
        return self._frozen

    def freeze(self) -> Any:
        """Forbid changes."""
        object.__setattr__(self, '_frozen', True)

    def unfreeze(self) -> Any:
        """Allow changes again."""
        object.__setattr__(self, '_frozen', False)

    def _changeable(self):
        if self._frozen:
            raise ValueError('Config: cannot change values, because the config is frozen; call unfreeze() first')
        return self._values

    def __getattr__(self, name):
        if name.startswith('__') or name == '_values':      # asked by copy and pickle, before there are values
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(f'Config: unknown attribute {name!r}; {nearest(name, self._values)}') from None

    def __setattr__(self, name, value):
        if hasattr(type(self), name):
            raise AttributeError(f'Config: {name!r} is a method or property; a value of that name goes in by config[{name!r}]')
        self._changeable()[name] = value

    def __getitem__(self, key):
        return self._values[key]

    def __setitem__(self, key, item):
        self._changeable()[key] = item

    def __delitem__(self, key):
        del self._changeable()[key]

    def __contains__(self, item):
        return item in self._values

    def __iter__(self):
        return iter(sorted(self._values))

    def __len__(self):
        return len(self._values)

    def __repr__(self):
        return f'<Config {self._values}>'

    def __getstate__(self):
        return self._values, self._frozen

    def __setstate__(self, state):
        object.__setattr__(self, '_values', state[0])
        object.__setattr__(self, '_frozen', state[1])

    def keys(self) -> Any:
        """The names."""
        return self._values.keys()

    def values(self) -> Any:
        """The values."""
        return self._values.values()

    def items(self) -> Any:
        """Pairs (name, value)."""
        return self._values.items()

    def get(self, keyname: Any, value: Any = None) -> Any:
        """The value of a name, or `value` if there is none."""
        return self._values.get(keyname, value)

    def pop(self, *args: Any) -> Any:
        """Take a value out, as dict.pop does."""
        return self._changeable().pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> Any:
        """Add values, as dict.update does."""
        self._changeable().update(*args, **kwargs)

    def as_dict(self) -> Any:
        """The values as a dict of its own."""
        return dict(self._values)

    def to_json(self) -> str:
        """The values as JSON text."""
        return json.dumps(self._values)
