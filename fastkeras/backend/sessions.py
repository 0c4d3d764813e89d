"""TensorFlow 1's session, as programs for Keras 2 configure it: its threads are the engine's."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import config
from fastkeras.ops.tensor import Tensor
from fastkeras.optimizers.own_updates import Update
from fastkeras.runtime import Variable
from fastkeras.runtime.bounded import Bounded
from fastkeras.utils import nest
from fastkeras.utils.errors import warn

from .default_graph import Graph, Operation, get_default_graph
from .graph_functions import Function

__all__ = ['ConfigProto', 'GPUOptions', 'Session', 'get_session', 'set_session']


class _Message:
    """A record of options: what is not one of `_fields` is an AttributeError or, when given, a ValueError."""

    _fields: dict[str, Any] = {}

    def __init__(self, **options: Any) -> None:
        self.__dict__['_given'] = {}
        for name, value in options.items():
            if name not in self._fields:
                raise ValueError(f'Protocol message {type(self).__name__} has no "{name}" field.')
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._fields:
            raise AttributeError(f'{type(self).__name__} has no field {name!r}; it has {", ".join(self._fields)}')
        self._given[name] = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__') or name not in self._fields:
            raise AttributeError(f'{type(self).__name__} has no field {name!r}')
        default = self._fields[name]
        return self._given.setdefault(name, default() if callable(default) else default)


class GPUOptions(_Message):
    """Options of GPUs. They are kept, and a session that has any warns that there is no GPU."""

    _fields = {'allow_growth': False, 'per_process_gpu_memory_fraction': 0.0, 'visible_device_list': '', 'allocator_type': '',
               'deferred_deletion_bytes': 0, 'polling_active_delay_usecs': 0, 'polling_inactive_delay_msecs': 0,
               'force_gpu_compatible': False}


class ConfigProto(_Message):
    """Configuration of a session. intra_op_parallelism_threads: threads of one run; inter_op_parallelism_threads: runs at a
    time; 0: the machine's. device_count: {'CPU': 1}. The other fields are about devices, and there is one."""

    _fields = {'intra_op_parallelism_threads': 0, 'inter_op_parallelism_threads': 0, 'allow_soft_placement': False,
               'log_device_placement': False, 'device_count': dict, 'gpu_options': GPUOptions, 'use_per_session_threads': False,
               'operation_timeout_in_ms': 0, 'isolate_session_state': False}


class Session:
    """What runs symbols: `run(fetches, feed_dict)`. Its configuration takes effect when `set_session` is called with it.

    target: only ''; graph: the graph, or None; there is one.
    """

    def __init__(self, target: str = '', graph: Any = None, config: Any = None) -> None:
        if target or not isinstance(graph, (Graph, type(None))):
            raise ValueError('Session: expected no target, and no graph but the one there is, as all that is described runs in '
                             f'this process; got {target!r} and {graph!r}')
        self.graph = get_default_graph()
        if config is not None and not isinstance(config, ConfigProto):
            raise TypeError(f'Session: expected a ConfigProto as its config, got {type(config).__name__}')
        self.config = config
        self._functions = Bounded(64)

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """The values of symbols and Variables, in the nesting of `fetches`. feed_dict: placeholder → array."""
        if options is not None or run_metadata is not None:
            raise ValueError('Session.run: expected fetches and feed_dict only; FASTKERAS_DEBUG=profile shows where time goes')
        fed = dict(feed_dict or {})
        for leaf in fed:
            if not isinstance(leaf, Tensor):
                raise TypeError(f'Session.run: expected the keys of feed_dict to be placeholders, got {leaf!r:.80}')
        updates, operations = [], []

        def fetched(x):
            if isinstance(x, Update):
                updates.append(x)
            elif isinstance(x, Operation):
                operations.append(x)
            elif isinstance(x, (list, tuple)):
                return [fetched(y) for y in x] if isinstance(x, list) else tuple(fetched(y) for y in x)
            elif isinstance(x, dict):
                return {k: fetched(y) for k, y in x.items()}
            else:
                return x

        fetches = fetched(fetches)
        flat = [x for x in nest.flatten(fetches) if x is not None]
        for x in flat:
            if not isinstance(x, (Tensor, Variable)):
                raise TypeError(f'Session.run: Fetch argument {x!r:.80} has invalid type {type(x).__name__}; expected symbols, '
                                f'Variables and operations')
        for operation in operations:
            operation.run()
        key = tuple(map(id, flat)), tuple(map(id, fed)), tuple(id(u[1]) for u in updates)
        kept = self._functions.get(key)
        if kept is None:
            made = Function(list(fed), flat, updates, name='session')
            kept = self._functions.put(key, (made, flat, updates))      # ids count as long as their objects live
        values = iter(kept[0](list(fed.values())))
        return nest.map_structure(lambda x: None if x is None else next(values), fetches)

    def close(self) -> None:
        """Let go of what was compiled for `run`."""
        self._functions.clear()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def as_default(self) -> Any:
        """A block in which this is the session, as `set_session`, until its end."""
        return _Default(self)


class _Default:
    def __init__(self, session):
        self.session = session

    def __enter__(self):
        self.before = _current['session']
        set_session(self.session)
        return self.session

    def __exit__(self, *exc):
        _current['session'] = self.before


_current = {'session': None, 'warned': False}


def get_session() -> Session:
    """The session that `set_session` was given, or a new one."""
    if _current['session'] is None:
        _current['session'] = Session()
    return _current['session']


def forget() -> None:
    """Let go of what the present session compiled."""
    if _current['session'] is not None:
        _current['session'].close()


def set_session(session: Any) -> None:
    """Let the configuration of a session count: its threads are those of the engine from now on, for the whole process.

    One with options of GPUs warns, once, that there is none. TypeError for what is no Session.
    """
    if not isinstance(session, Session):
        raise TypeError(f'K.set_session: expected a Session of fastkeras.backend.tensorflow_backend, got '
                        f'{type(session).__name__}')
    _current['session'] = session
    options = session.config
    if options is None:
        return
    intra, inter = options.intra_op_parallelism_threads, options.inter_op_parallelism_threads
    for name, n in (('intra_op_parallelism_threads', intra), ('inter_op_parallelism_threads', inter)):
        if isinstance(n, (bool, np.bool_)) or not hasattr(n, '__index__') or n < 0:
            raise ValueError(f'ConfigProto: expected {name} to be a whole number of 0 or more, got {n!r}')
    if intra:
        config.set_num_threads(int(intra))
    config.set_concurrent_runs(int(inter) or None)
    gpus = options.device_count.get('GPU', 0) or any(options.gpu_options._given.values())
    if gpus and not _current['warned']:
        _current['warned'] = True
        warn('options of GPUs have no effect: this engine runs on the CPU, and there is no GPU to give memory to')
