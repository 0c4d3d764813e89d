"""Files from the network: resumed where they broke off, checked, and put in place whole.

A download is written to `<target>.part` and renamed when it is complete and its hash is right. `<target>.part.json` says what
the part is of, so that a later call can go on from there: by a range request that the server is asked to honour only if the
file is still the same (RFC 9110, If-Range). A lock on the part keeps processes and threads from writing it together.
"""

import contextlib
import fcntl
import http.client
import json
import os
import re
import urllib.error
import urllib.request
import uuid

from fastkeras.utils.hashing import algorithm_of, hash_file, validate_file
from fastkeras.utils.messages import print_msg
from fastkeras.utils.progbar import Progbar

TIMEOUT = 60.0          # seconds without a byte until a server counts as silent
TRIES = 3               # of one call, each going on where the last broke off
_CHUNK = 1 << 18


class DownloadError(OSError):
    """A file could not be fetched from its address."""


class _Broken(Exception):
    """The connection ended before the file did."""


def fetch(origin, target, file_hash=None, hash_algorithm='auto', timeout=TIMEOUT):
    """Download the file at the address `origin` (http, https, ftp or file) to the path `target`, over what is there.

    Shows a progress bar. Where another process or thread is downloading to the same place, waits for it and takes its file.
    DownloadError, an OSError, when the file cannot be had; what arrived is kept for the next call. ValueError for an address
    that is none, and for a file whose hash is not `file_hash`, which is thrown away.
    """
    before = _stamp(target)
    with _part_of(target) as (file, resumable):
        note = _Note(target + '.part.json' if resumable else None)
        done = False
        try:
            arrived = _stamp(target) not in (before, None)      # put there by another meanwhile
            if not arrived or file_hash is not None and not validate_file(target, file_hash, hash_algorithm):
                _receive_checked(origin, target, file, note, file_hash, hash_algorithm, timeout)
                note.remove()
                os.replace(file.name, target)
                done = True
        finally:
            if not done and not (resumable and note.validator and os.path.getsize(file.name)):
                note.remove()
                os.unlink(file.name)    # nothing to go on from


def _receive_checked(origin, target, file, note, file_hash, hash_algorithm, timeout):
    for again in (True, False):
        try:
            resumed = _receive(origin, file, note, timeout)
        except DownloadError as error:
            wanted = f' ({algorithm_of(file_hash, hash_algorithm)} {file_hash})' if file_hash else ''
            raise DownloadError(f'{error}. Without a network, put the file{wanted} at {target} by hand') from error.__cause__
        os.fsync(file.fileno())
        if file_hash is None or validate_file(file.name, file_hash, hash_algorithm):
            return
        got = hash_file(file.name, algorithm_of(file_hash, hash_algorithm))
        _restart(file, note)
        if not (resumed and again):     # what was there before may have been the wrong part: once more from the start
            break
    raise ValueError(f'{origin}: expected a file with the {algorithm_of(file_hash, hash_algorithm)} hash {file_hash}, got '
                     f'{got}: it is damaged, or another than was asked for, and was not kept')


def _stamp(path):
    try:
        s = os.stat(path)
    except FileNotFoundError:
        return None
    return s.st_ino, s.st_size, s.st_mtime_ns


@contextlib.contextmanager
def _part_of(target):
    """(file, resumable): the file to write to, which nobody else writes to as long as the context lasts. Where files cannot
    be locked it is one of its own, which is not resumable.
    """
    file = _locked(target + '.part', target)
    resumable = file is not None
    if not resumable:
        file = open(f'{target}.{uuid.uuid4().hex}.part', 'xb')  # noqa: SIM115
    with file:
        try:
            yield file, resumable
        finally:
            if resumable:               # said, since a forked process may hold the file as well
                fcntl.flock(file, fcntl.LOCK_UN)


def _locked(path, target):
    waiting = False
    while True:
        file = open(path, 'ab')  # noqa: SIM115
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not waiting:
                    print_msg(f'Waiting for another download of {target}')
                waiting = True
                fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:
            file.close()
            return None
        except BaseException:
            file.close()
            raise
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                return file
        file.close()                    # renamed by the one who had the lock: it is the target now


class _Note:
    """What is known of the file that a part is of: `origin`, `size` in bytes (None when unknown), and `validator`, the strong
    ETag or the date that the server gave, None when it gave none."""

    def __init__(self, path):
        self._path = path
        self.set(None, None, None)
        if path is not None:
            with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError), open(path) as f:
                held = json.load(f)
                if isinstance(held['validator'], str) and isinstance(held['size'], (int, type(None))):
                    self.set(held['origin'], held['size'], held['validator'])

    def set(self, origin, size, validator):
        self.origin, self.size, self.validator = origin, size, validator

    def save(self):
        if self._path is not None:
            with open(self._path, 'w') as f:
                json.dump({'origin': self.origin, 'size': self.size, 'validator': self.validator}, f)

    def remove(self):
        self.set(None, None, None)
        if self._path is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)


def _restart(file, note):
    file.truncate(0)
    note.remove()


def _receive(origin, file, note, timeout):
    """Write the file at `origin` to `file`; returns whether a part of it was there before."""
    for tries_left in reversed(range(TRIES)):
        try:
            return _transfer(origin, file, note, timeout) > 0
        except _Broken as error:
            if not tries_left:
                raise _failure(origin, error) from error
        except urllib.error.HTTPError as error:
            error.close()
            raise _failure(origin, f'{error.code} -- {error.reason}') from error
        except urllib.error.URLError as error:
            raise _failure(origin, error.reason) from error
        except http.client.HTTPException as error:
            raise _failure(origin, repr(error)) from error


def _failure(origin, reason):
    return DownloadError(f'URL fetch failure on {origin}: {reason}')


def _transfer(origin, file, note, timeout):
    """One request, and the body of its answer behind what is in `file` already. Returns the byte at which it began."""
    start = _size(file) if note.origin == origin and note.validator else 0
    if start and start == note.size:
        return start
    response = _rest(origin, start, note, timeout) if start else None
    if response is None:
        start = 0
        response = _ask(origin, timeout)
    with response:
        if not start or response.status == 200:     # the whole file: it has changed, or the server knows no ranges
            start = 0
            _restart(file, note)
            length = response.headers.get('Content-Length', '')
            note.set(origin, int(length) if length.isdigit() else None, _validator(response.headers))
            note.save()
        _copy(response, file, start, note.size, origin)
    return start


def _rest(origin, start, note, timeout):
    """The answer to a request for the bytes from `start` on: these, or the whole file; None when it is of no use."""
    try:
        response = _ask(origin, timeout, {'Range': f'bytes={start}-', 'If-Range': note.validator})
    except urllib.error.HTTPError as error:
        if error.code != 416:                       # the file has no byte from there on
            raise
        error.close()
        return None
    if response.status == 206:
        found = re.fullmatch(r'bytes (\d+)-\d+/(\d+|\*)', response.headers.get('Content-Range', ''))
        same = _validator(response.headers) in (None, note.validator)
        if not found or int(found[1]) != start or found[2] not in ('*', str(note.size)) or not same:
            response.close()
            return None
    elif response.status != 200:                    # of an address that is not http: there are no ranges
        response.close()
        return None
    return response


def _validator(headers):
    """What names this version of a file: its ETag unless a weak one, or its date, or None."""
    etag = headers.get('ETag')
    return etag if etag and not etag.startswith('W/') else headers.get('Last-Modified')


def _size(file):
    return os.fstat(file.fileno()).st_size


def _ask(origin, timeout, headers=None):
    headers = {'User-Agent': 'fastkeras', 'Accept-Encoding': 'identity', **(headers or {})}
    try:
        return urllib.request.urlopen(urllib.request.Request(origin, headers=headers), timeout=timeout)
    except (urllib.error.URLError, http.client.HTTPException):
        raise
    except OSError as error:                        # while the head of the answer was awaited
        raise urllib.error.URLError(error) from error
    except ValueError as error:
        raise ValueError(f'origin: expected an address such as https://example.com/data.zip, got {origin!r}: {error}') from None


def _copy(response, file, start, size, origin):
    print_msg(f'Downloading data from {origin}' + (f', from byte {start} on' if start else ''))
    bar = Progbar(None if size is None else size - start, interval=0.1)
    got = start
    try:
        while data := _read(response, got, size):
            file.write(data)
            got += len(data)
            bar.update(got - start, finalize=got == size)
    finally:
        file.flush()                                # what is there is there for the next try, whatever ended this one
    if size is not None and got < size:
        raise _Broken(_broke_off(got, size))
    if size is None:
        bar.update(got - start, finalize=True)


def _read(response, got, size):
    try:
        return response.read(_CHUNK)
    except (http.client.HTTPException, OSError) as error:
        raise _Broken(f'{_broke_off(got, size)}: {error or type(error).__name__}') from error


def _broke_off(got, size):
    return f'the connection broke off after {got} of {"an unknown number of" if size is None else size} bytes'
