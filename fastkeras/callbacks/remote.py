"""Callbacks that speak to others: a server, or a library that is not here."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import numpy as np

from fastkeras.callbacks.base import Callback
from fastkeras.utils.errors import warn

_SECONDS = 10       # that a server may take to answer


class RemoteMonitor(Callback):
    """Sends the logs of each epoch, with its number as 'epoch', to a server by HTTP POST.

    root, path: the address. field: name of the form field that holds them as JSON; with send_as_json they are the body itself,
    of type application/json. headers: dict of further HTTP headers. A server that cannot be reached, or refuses, is warned of.
    """

    def __init__(self, root: str = 'http://localhost:9000', path: str = '/publish/epoch/end/', field: str = 'data',
                 headers: Any = None, send_as_json: bool = False) -> None:
        super().__init__()
        if not str(root).startswith(('http://', 'https://')):
            raise ValueError(f'RemoteMonitor: root: expected an address that begins with http:// or https://, got {root!r}')
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        sent = {'epoch': epoch, **{k: v.tolist() if isinstance(v, (np.ndarray, np.generic)) else v
                                   for k, v in (logs or {}).items()}}
        text = json.dumps(sent)
        kind = 'application/json' if self.send_as_json else 'application/x-www-form-urlencoded'
        body = text if self.send_as_json else urllib.parse.urlencode({self.field: text})
        request = urllib.request.Request(self.root + self.path, body.encode(), {'Content-Type': kind, **(self.headers or {})})
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS):
                pass
        except (OSError, urllib.error.URLError) as error:
            warn(f'RemoteMonitor: the server at {self.root} could not be reached: {error}')


class OrbaxCheckpoint(Callback):
    """Keras 3's checkpoints in the format of the library Orbax, which belongs to JAX. It is not here: ImportError.
    ModelCheckpoint saves models, or weights, to files."""

    def __init__(self, directory: Any, monitor: str = 'val_loss', verbose: Any = 0, save_best_only: bool = False,
                 mode: str = 'auto', save_freq: Any = 'epoch', initial_value_threshold: Any = None, max_to_keep: Any = 1,
                 save_on_background: bool = True, save_weights_only: bool = False) -> None:
        raise ImportError('OrbaxCheckpoint writes the format of the library Orbax, which fastkeras does not use; save with '
                          'ModelCheckpoint(filepath, monitor=…, save_best_only=…), and resume with BackupAndRestore')
