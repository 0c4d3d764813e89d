"""Reading several image files at once: Pillow decodes and resizes without the GIL, so threads do it side by side.

The threads live no longer than a call of `each`, so none outlives an iterator, a fit or a fork.
"""

import contextlib
import errno
import os
import threading

import numpy as np

from fastkeras import config
from fastkeras.preprocessing.image.files import decode, name_of, open_regular
from fastkeras.utils.errors import warn

_OUT_OF_HANDLES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)    # says nothing about the file


class _Helpers:
    """The threads of the process that help at the moment, over all calls: fewer than the engine may use.

    Whoever ended is no longer counted, so that nothing has to be given back: Ctrl-C may come between any two steps.
    """

    def __init__(self):
        self.forget()

    def forget(self):
        self._lock = threading.Lock()
        self._threads = []

    def start(self, wanted, work, started):
        """Start up to `wanted` threads that do `work`, and append them to `started`, each before it is started."""
        with self._lock:
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            for _ in range(min(wanted, config.get_num_threads() - 1 - len(self._threads))):
                thread = threading.Thread(target=work, name='fastkeras-images', daemon=True)
                self._threads.append(thread)
                started.append(thread)
                thread.start()


_helpers = _Helpers()
if hasattr(os, 'register_at_fork'):     # a child has none of its parent's threads
    os.register_at_fork(after_in_child=_helpers.forget)


def each(function, items):
    """[function(item) for item in items], done by the calling thread and up to `config.get_num_threads()` - 1 others.

    An error ends the work; the one of the first item that has any is raised, once all threads have ended.
    """
    results, failures, stopped = [None] * len(items), {}, threading.Event()
    numbers = iter(range(len(items)))       # threads may share it: next() is one step

    def work():
        while not stopped.is_set() and (i := next(numbers, None)) is not None:
            try:
                results[i] = function(items[i])
            except Exception as error:
                failures[i] = error
                stopped.set()

    threads = []
    try:
        _helpers.start(len(items) - 1, work, threads)
        work()
        for thread in threads:
            thread.join()
    finally:
        stopped.set()       # where this thread was interrupted
        for thread in threads:
            with contextlib.suppress(RuntimeError):     # it was not started any more
                thread.join()
    if failures:
        try:
            raise failures[min(failures)]
        finally:
            del failures    # error → traceback → this frame → error
    return results


def read_image(path, color_mode, size=None, resample=None, draft=0, first=False, eight_bits=False):
    """The pixels of an image file, an array of rank 3 in the type that they have: uint8 but for gray pictures of 16 or
    32 bits.

    size: (width, height), or None for the file's own. resample: Pillow's filter. draft, eight_bits: see `files.decode`.
    first: whether channels come first. Raises ImageFileError, FileNotFoundError, PermissionError.
    """
    with open_regular(path) as file:
        x = np.asarray(decode(file, name_of(path), color_mode, size, resample, draft=draft, eight_bits=eight_bits))
    if x.ndim == 2:
        return x[None] if first else x[:, :, None]
    return np.ascontiguousarray(x.transpose(2, 0, 1)) if first else x


def read_all(read, paths, on_error, errors):
    """(images, their places in `paths`): `read(path)` of each file, several at once, without those that could not be read.

    on_error: 'raise' lets an error of a file through. 'skip' and 'report' leave the file out and put {path: cause} in
    `errors`; 'report' warns too, once for each file.
    """
    def attempt(path):
        try:
            return read(path)
        except OSError as error:
            if on_error == 'raise' or error.errno in _OUT_OF_HANDLES:
                raise
            return error

    made = each(attempt, paths)
    failures = {i: x for i, x in enumerate(made) if isinstance(x, OSError)}
    for i, error in failures.items():
        if paths[i] not in errors:
            errors[paths[i]] = getattr(error, 'cause', None) or error.strerror or str(error)
            if on_error == 'report':
                warn(f'an image is left out: {error}')
    places = [i for i in range(len(paths)) if i not in failures]
    return [made[i] for i in places], places


def checked_on_error(function, on_error):
    """`on_error`, or ValueError in the name of `function`."""
    if on_error not in ('raise', 'skip', 'report'):
        raise ValueError(f"{function}: on_error must be 'raise', 'skip' or 'report', got {on_error!r}")
    return on_error


def draft_factor(function, draft, interpolation):
    """What `decode` is told: 0 for no draft, else by how much a draft must be larger than the target at least."""
    if draft is None:
        return 0 if interpolation in ('nearest', 'box') else 2
    if not isinstance(draft, bool):
        raise ValueError(f'{function}: draft must be None, True or False, got {draft!r}')
    return int(draft)
