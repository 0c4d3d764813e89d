"""Files that are kept in Keras's cache folder: found there, or fetched, checked and unpacked."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from typing import Any
from urllib.parse import urlsplit

from fastkeras import generation
from fastkeras.config import keras_home
from fastkeras.utils.errors import warn
from fastkeras.utils.hashing import algorithm_of, validate_file
from fastkeras.utils.messages import print_msg


def get_file(fname: Any = None, origin: Any = None, untar: bool = False, md5_hash: Any = None, file_hash: Any = None,
             cache_subdir: Any = 'datasets', hash_algorithm: Any = 'auto', extract: bool = False,
             archive_format: Any = 'auto', cache_dir: Any = None, force_download: bool = False) -> Any:
    """The path of a file in the cache folder, to which it is downloaded unless it is there.

    fname: name of the file, or an absolute path; None for the last part of the address. origin: its address (http, https,
    ftp or file). file_hash: its md5 or sha256, in hexadecimal digits: a cached file with another hash is downloaded again,
    a download with another one is thrown away. hash_algorithm: 'md5', 'sha256', or 'auto' to tell by the length. md5_hash:
    the old way to give an md5. cache_dir: default KERAS_HOME or `~/.keras`; where it cannot be written to, a folder of the
    user's own below the one for temporary files is used instead, with a warning. cache_subdir: folder in it, or an absolute
    path. extract: unpack the file as `archive_format` says, 'tar', 'zip', a list of these, 'auto' for both or None. untar:
    the older way: the archive is `fname` + '.tar.gz', and holds a file or folder `fname`. force_download: download even if
    the file is there.

    What is returned, and where archives go, is as in the Keras generation in force (`config.set_generation`):
    2: the path of the file; its contents are unpacked beside it, by extract at each call. With untar, the path of `fname`.
    3: the path of the folder that the contents are unpacked to: `<name>_extracted` beside `<name>.<end>`, or `fname` beside
    `<fname>_archive` for a name without an end. `fname` must not be a path. A call without `fname` is always of this kind.

    A download that broke off goes on where it ended, and is put in place when it is complete; several processes may ask for
    the same file. An archive that would write outside its folder is refused (`utils.archives`).

    Raises `DownloadError`, an OSError, when the file can neither be found nor fetched; it names the address, the hash and the
    path at which the file may be put by hand. ValueError for a wrong hash and for arguments that cannot be.

    As in Keras 2.2.4 and 3.15.1; https://keras.io/api/utils/python_utils/#get_file-function
    """
    if not isinstance(origin, str) or not origin:
        raise ValueError(f'get_file: origin: expected the address of the file, got {origin!r}')
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, 'md5'
    if file_hash is not None:
        algorithm_of(file_hash, hash_algorithm)
    as_keras_3 = not fname or generation.of('get_file.unpacks_to_own_folder')
    fname = os.fspath(fname) if fname else None
    if as_keras_3 and fname and os.sep in fname:
        raise ValueError(f'get_file: fname: expected a name without folders, got {fname!r}; give the folder by cache_dir and '
                         'cache_subdir')
    unpack = bool(extract or untar)
    if as_keras_3:
        file, unpacked = _names_of_keras_3(fname, origin, unpack)
    else:
        file, unpacked = (f'{fname}.tar.gz', fname) if untar else (fname, None)
    datadir = _folder_for(file, cache_dir, cache_subdir)
    path = os.path.join(datadir, file)
    fresh = force_download or not _is_there(path, file_hash, hash_algorithm)
    if fresh:
        from fastkeras.utils.download import fetch
        fetch(origin, path, file_hash, hash_algorithm)
    if not unpack:
        return path
    into = os.path.join(datadir, unpacked) if as_keras_3 else datadir
    result = os.path.join(datadir, unpacked) if unpacked else path
    if fresh or result == path or not os.path.exists(result):
        from fastkeras.utils.archives import extract_archive
        if not extract_archive(path, into, 'tar' if untar else archive_format):
            warn(f'get_file: {path} is no archive of the format {"tar" if untar else archive_format!r}: nothing was '
                 'unpacked')
    return result


def _names_of_keras_3(fname, origin, unpack):
    """(file, folder that its contents go to)."""
    name = fname or urlsplit(origin).path.rpartition('/')[2]
    if name in ('', '.', '..') or '\0' in name:
        raise ValueError(f'get_file: origin: expected an address that ends with the name of a file, got {origin!r}; give the '
                         'name as fname')
    if not unpack:
        return name, None
    if fname and '.' in fname:
        return fname, fname.partition('.')[0] + '_extracted'
    return f'{name}_archive', name


def _is_there(path, file_hash, hash_algorithm):
    if not os.path.exists(path):
        return False
    if file_hash is None or validate_file(path, file_hash, hash_algorithm):
        return True
    print_msg(f'{path} is incomplete or out of date: its {algorithm_of(file_hash, hash_algorithm)} hash is not {file_hash}. '
              'It is downloaded again.')
    return False


def _folder_for(file, cache_dir, cache_subdir):
    """The folder to keep `file` in, made if need be: below the cache folder; or, where nothing can be written to it and
    `file` is not there, below a folder of the user's own for temporary files.
    """
    base = os.path.expanduser(os.fspath(cache_dir)) if cache_dir is not None else keras_home()
    folder = os.path.join(base, os.fspath(cache_subdir))
    path = os.path.join(folder, file)
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.access(os.path.dirname(path), os.W_OK) or os.path.exists(path):
        return folder
    other = os.path.join(_private_temporary(), os.fspath(cache_subdir))
    if os.path.join(other, file) == path:           # given as an absolute path
        raise PermissionError(f'get_file: nothing can be written to {os.path.dirname(path)}')
    warn(f'get_file: nothing can be written to {folder}, so {file} is kept in {other}')
    os.makedirs(os.path.dirname(os.path.join(other, file)), exist_ok=True)
    return other


def _private_temporary():
    """A folder that nobody but the user can have put files in."""
    folder = os.path.join(tempfile.gettempdir(), f'.keras-{os.getuid()}')
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    held = os.lstat(folder)
    if not stat.S_ISDIR(held.st_mode) or held.st_uid != os.getuid() or held.st_mode & 0o022:
        raise PermissionError(f'get_file: {folder} is not a folder that only you can write to; set KERAS_HOME to one that '
                              'can be written to')
    return folder
