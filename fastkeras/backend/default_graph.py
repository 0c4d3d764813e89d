"""TensorFlow 1's graph, devices and initializers, as programs for Keras 2 name them: there is one graph and one device, and a
variable has its value as soon as it is made."""

from __future__ import annotations

from typing import Any

from fastkeras.layers import session
from fastkeras.utils.errors import warn

__all__ = ['Graph', 'Operation', 'device', 'get_default_graph', 'global_variables_initializer', 'initialize_all_variables',
           'local_variables_initializer', 'reset_default_graph', 'variables_initializer']


class Operation:
    """What a session runs for what it does; it has no value. function: without arguments."""

    def __init__(self, name: str, function: Any) -> None:
        self.name, self._function = name, function

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
        """Do it."""
        self._function()


class Graph:
    """The graph: all that is described in this process, whichever is asked for."""

    def as_default(self) -> Any:
        """A block in which it is the graph, as it is in any case and in any thread."""
        return self

    def finalize(self) -> None:
        """For programs that say that they add nothing more."""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None


_graph = Graph()
_told = []


def get_default_graph() -> Graph:
    """The graph."""
    return _graph


def reset_default_graph() -> None:
    """Begin anew, as `K.clear_session`."""
    session.clear_session()


def global_variables_initializer() -> Operation:
    """For a session to run: every variable has its value already, and keeps it."""
    return Operation('init', lambda: None)


initialize_all_variables = local_variables_initializer = global_variables_initializer


def variables_initializer(var_list: Any, name: str = 'init') -> Operation:
    """For a session to run: draws the values of weights of layers anew."""
    made = [v.initializer for v in var_list]
    return Operation(name, lambda: [op.run() for op in made])


class device:
    """A block on a device. Everything is on the CPU: another one is passed over with one warning."""

    def __init__(self, device_name: Any) -> None:
        if device_name is not None and 'cpu' not in str(device_name).lower() and not _told:
            _told.append(device_name)
            warn(f'device: {device_name!r} has no effect: this engine runs on the CPU')

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None
