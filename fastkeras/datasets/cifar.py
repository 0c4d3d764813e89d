"""What CIFAR-10 and CIFAR-100 share: batches of pickled images, and where they are unpacked."""

import os

import numpy as np

from fastkeras import config
from fastkeras.datasets import pickles, sources


def load_batch(fpath, label_key='labels'):
    """`(data, labels)` of one file of images: uint8 (n, 3, 32, 32) and a list of n ints.

    label_key: 'labels' in CIFAR-10, 'fine_labels' or 'coarse_labels' in CIFAR-100. ValueError for a file of other contents;
    nothing that a file may ask for is run.
    """
    with open(fpath, 'rb') as file:
        try:
            return _batch(pickles.load(file), label_key)
        except ValueError as error:
            raise ValueError(f'{os.fspath(fpath)}: cannot be read as a batch of CIFAR images: {error}') from error


def _batch(content, label_key):
    if not isinstance(content, dict):
        raise ValueError(f'expected a dict, got {type(content).__name__}')
    content = {k.decode('latin1') if isinstance(k, bytes) else k: v for k, v in content.items()}
    missing = [k for k in ('data', label_key) if k not in content]
    if missing:
        raise ValueError(f'it has no {missing[0]!r}, only {", ".join(map(repr, content))}')
    if not isinstance(content['data'], pickles.PickledArray):
        raise ValueError('expected an array as data')
    data, labels = content['data'].bytes(), content[label_key]
    if data.ndim != 2 or data.shape[1] != 3 * 32 * 32:
        raise ValueError(f'expected data of shape (n, 3072), got {data.shape}')
    if not isinstance(labels, list) or set(map(type, labels)) - {int} or len(labels) != len(data):
        raise ValueError(f'expected {len(data)} ints as {label_key!r}')
    if labels and not 0 <= min(labels) <= max(labels) <= 255:
        raise ValueError(f'{label_key!r}: expected ints from 0 to 255')
    return data.reshape(-1, 3, 32, 32), labels


def folder(archive, name, files):
    """The folder that holds `files`: as Keras 2 or Keras 3 unpacked it, or else unpacked now, beside its archive.

    archive: name of the archive in `sources.SOURCES`. name: of the folder in it.
    """
    for place in (sources.cached(name), os.path.join(sources.cached(f'{name}-target'), name)):
        if not _missing(place, files):
            return place
    path = sources.find(archive)
    into = os.path.dirname(path)        # not always the cache: it may be one that cannot be written to
    place = os.path.join(into, name)
    if _missing(place, files):
        from fastkeras.utils.archives import extract_archive
        if not extract_archive(path, into, 'tar') or _missing(place, files):
            raise ValueError(f'{path}: expected a tar archive with the files {", ".join(_missing(place, files))} in {name}')
    return place


def _missing(place, files):
    return [f for f in files if not os.path.exists(os.path.join(place, f))]


def images_and_labels(paths, label_key):
    """The batches of several files as one: images in the layout of `config.image_data_format()`, labels (n,), both uint8."""
    batches = [load_batch(path, label_key) for path in paths]
    count = sum(len(labels) for _, labels in batches)
    first = config.image_data_format() == 'channels_first'
    x = np.empty((count, 3, 32, 32) if first else (count, 32, 32, 3), np.uint8)
    at = 0
    for data, labels in batches:
        x[at:at + len(labels)] = data if first else data.transpose(0, 2, 3, 1)
        at += len(labels)
    return x, np.concatenate([np.array(labels, np.uint8) for _, labels in batches])
