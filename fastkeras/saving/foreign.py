"""What a file is that is neither HDF5 nor an archive of Keras, and what can be done with it: for the words of errors.

Only its first bytes and the names of its members are looked at.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

HEAD = 64       # bytes that are looked at

_ARRAYS = 'and give the arrays to set_weights'
_BEGINNINGS = (
    (b'version https://git-lfs', 'a pointer that Git LFS leaves in place of a file; `git lfs pull` fetches the file itself'),
    (b'\x93NUMPY', f'an array of NumPy; load it with numpy.load, {_ARRAYS}'),
    (b'\x1f\x8b', 'a file packed by gzip; unpack it first'),
    (b'BZh', 'a file packed by bzip2; unpack it first'),
    (b'\xfd7zXZ', 'a file packed by xz; unpack it first'),
    (b'keras_version:', 'a configuration in YAML; model_from_yaml takes its text'),
    (b'backend:', 'a configuration in YAML; model_from_yaml takes its text'),
    (b'class_name:', 'a configuration in YAML; model_from_yaml takes its text'),
    (b'<', 'a web page, which came in place of the file; look at the address that it was fetched from'),
)


def of_bytes(head: bytes) -> str:
    """What begins so, in words; '' where it is not known. head: the first HEAD bytes, or all of a shorter file."""
    for beginning, said in _BEGINNINGS:
        if head.startswith(beginning):
            return said
    if head[:1] == b'\x80' and head[1:2] in (b'\x02', b'\x03', b'\x04', b'\x05'):
        return f'a pickle, as PyTorch and others write them, which would run as code; load it with what wrote it, {_ARRAYS}'
    if head[4:8] == b'TFL3':
        return 'a model of TensorFlow Lite, which cannot be read'
    if head[8:10] == b'{"' and head[6:8] == b'\0\0':
        return f'a file of safetensors; load it with safetensors.numpy.load_file, {_ARRAYS}'
    if head.lstrip()[:1] in (b'{', b'['):
        return 'a text in JSON; model_from_json takes that of a configuration, and load_weights then a file of weights'
    return ''


def of_archive(names: Sequence[str]) -> str:
    """What a zip archive with members of these names is; '' where it is not known."""
    if any(name.rpartition('/')[2] == 'data.pkl' for name in names):
        return ('a file of PyTorch, with a pickle in it, which would run as code; load it with torch.load(path, '
                f'weights_only=True), {_ARRAYS}')
    if names and all(name.endswith('.npy') for name in names):
        return ('a file of arrays; load_weights takes those that Keras 3 wrote; for others load it with numpy.load, '
                f'{_ARRAYS}')
    return ''


def of_folder(path: str) -> str:
    """What a folder is, by what stands in it."""
    if os.path.lexists(os.path.join(path, 'saved_model.pb')):
        return ('a SavedModel of TensorFlow, which cannot be read; there, tf.keras.models.load_model(folder).save("model.h5") '
                'writes what can')
    if os.path.lexists(os.path.join(path, 'checkpoint')):
        return f'a folder of checkpoints of TensorFlow, which cannot be read; {_CHECKPOINT}'
    return ''


def of_prefix(path: str) -> str:
    """What a path is that leads to no file: perhaps what the names of files of a checkpoint begin with."""
    if os.path.lexists(f'{path}.index'):
        return f'it is that of a checkpoint of TensorFlow, which cannot be read; {_CHECKPOINT}'
    return ''


_CHECKPOINT = 'there, load it into its model with load_weights, and save_weights("weights.h5") writes what can'
