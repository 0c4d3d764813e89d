"""Where the files of the data sets are: their names in the cache, addresses and hashes, as Keras 2.2.4 and 3.15.1 have them.

The environment variable FASTKERAS_DATA_URL names another place for all of them: the address of a mirror, at which they have
the last part of their original address as name, or a folder, in which they may also have their name in the cache.
"""

import os
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from fastkeras.config import keras_home
from fastkeras.utils.cached_files import get_file
from fastkeras.utils.hashing import validate_file

_KERAS = 'https://storage.googleapis.com/tensorflow/tf-keras-datasets/'
_TORONTO = 'https://www.cs.toronto.edu/~kriz/'


class Source(NamedTuple):
    """name: below the cache's folder `datasets`. hashes: of the file at `address`, then of others that hold the same."""
    name: str
    address: str
    hashes: tuple


SOURCES = {source.name: source for source in (
    Source('mnist.npz', _KERAS + 'mnist.npz', ('731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1',)),
    Source('boston_housing.npz', _KERAS + 'boston_housing.npz',
           ('f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5',)),
    Source('california_housing.npz', _KERAS + 'california_housing.npz',
           ('1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f',)),
    # the second hashes: the files that Keras 2.2.4 downloaded
    Source('imdb.npz', _KERAS + 'imdb.npz',
           ('69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f', '599dadb1135973df5b59232a0e9a887c')),
    Source('reuters.npz', _KERAS + 'reuters.npz',
           ('d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916', '87aedbeb0cb229e378797a632c1997b6')),
    Source('imdb_word_index.json', _KERAS + 'imdb_word_index.json', ('bfafd718b763782e994055a2d397834f',)),
    Source('reuters_word_index.json', _KERAS + 'reuters_word_index.json', ('4d44cc38712099c9e383dc6e5f11a921',)),
    Source('cifar-10-batches-py.tar.gz', _TORONTO + 'cifar-10-python.tar.gz',
           ('6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce',)),
    Source('cifar-100-python.tar.gz', _TORONTO + 'cifar-100-python.tar.gz',
           ('85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7',)),
    # the second hashes: Debian's package dataset-fashion-mnist, the same data compressed without the names of the files
    Source('fashion-mnist/train-images-idx3-ubyte.gz', _KERAS + 'train-images-idx3-ubyte.gz',
           ('8d4fb7e6c68d591d4c3dfef9ec88bf0d', 'cf8536b0aa1a6ac5fa3f23001093305c')),
    Source('fashion-mnist/train-labels-idx1-ubyte.gz', _KERAS + 'train-labels-idx1-ubyte.gz',
           ('25c81989df183df01b3e8a0aad5dffbe', '10bea18fdb374794d4bb42e356e600c9')),
    Source('fashion-mnist/t10k-images-idx3-ubyte.gz', _KERAS + 't10k-images-idx3-ubyte.gz',
           ('bef4ecab320f06d8554ea6380940ec79', 'f78720b4224f21cce2f2ccf2d7a94c9a')),
    Source('fashion-mnist/t10k-labels-idx1-ubyte.gz', _KERAS + 't10k-labels-idx1-ubyte.gz',
           ('bb300cfdad3c16e7a12a480ee83cd310', '0d30e22e447f3c33dab9ed536400ac01')),
)}


def cached(name):
    """The path of a file or folder below the cache's folder for data sets; it need not be there."""
    return os.path.join(keras_home(), 'datasets', name)


def find(name, path=None):
    """The path of the file of SOURCES called `name`: found in the cache with the right hash, or downloaded.

    path: where it is to be instead, relative to the cache's folder or absolute. A file found under another name than its own
    is the user's, and taken whatever its hash.
    """
    source = SOURCES[name]
    place = name if path is None else os.path.normpath(os.path.expanduser(os.fspath(path)))
    there = cached(place)
    if os.path.exists(there) and (place != name or any(validate_file(there, h) for h in source.hashes)):
        return there
    folder, file = os.path.split(place)
    address, expected = _origin(source)
    try:
        return get_file(file, address, file_hash=expected, cache_subdir=os.path.join('datasets', folder))
    except OSError as error:
        from fastkeras.utils.download import DownloadError
        if not isinstance(error, DownloadError):
            raise
        raise DownloadError(f'{error}; or set FASTKERAS_DATA_URL to a mirror or a folder that has it') from error.__cause__


def is_checked(place, name):
    """Whether a path that `find` gave is that of the file itself, whose hash was compared."""
    return place == cached(name)


def _origin(source):
    """(address to download from, hash to expect there)."""
    base = os.environ.get('FASTKERAS_DATA_URL')
    if not base:
        return source.address, source.hashes[0]
    last = source.address.rpartition('/')[2]
    if '://' in base and not base.startswith('file:'):
        return f'{base.rstrip("/")}/{last}', source.hashes[0]
    folder = Path(unquote(urlsplit(base).path) if base.startswith('file:') else base).expanduser().absolute()
    file = next((folder / n for n in (last, source.name) if (folder / n).exists()), folder / last)
    found = (h for h in source.hashes if file.is_file() and validate_file(file, h))
    return file.as_uri(), next(found, source.hashes[0])
