"""Saving and loading models and weights: which form a file has."""

from __future__ import annotations

import contextlib
import io
import os
import re
import stat
import sys
from typing import Any

from fastkeras import generation
from fastkeras.saving import (
    archive,
    atomic,
    folders,
    foreign,
    h5_texts,
    legacy_h5,
    npz_weights,
    part_weights,
    refusals,
    shards,
    stored,
)
from fastkeras.saving.stores import H5Store, H5Writer
from fastkeras.saving.zips import Members
from fastkeras.utils.errors import ModelFileError, unknown_argument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fastkeras.models import Model
    from fastkeras.saving.report import LoadReport

HDF5_BYTES = b'\x89HDF\r\n\x1a\n'
ZIP_BYTES = b'PK'
# arguments of tf.keras that say how a SavedModel is written
_WEIGHTS_SUFFIX = '.weights.h5'
# endings of what others write; with any other than these, .keras and .weights.h5 a file is in the layout of Keras 2
_NOT_WRITTEN = ('.npz', '.npy', '.json', '.safetensors', '.pt', '.pth', '.onnx', '.zip')
_OF_SAVED_MODELS = ('signatures', 'options', 'save_traces')


def save_model(model: Any, filepath: Any, overwrite: bool = True, include_optimizer: bool = True, save_format: Any = None,
               zipped: bool | None = None, **kwargs: Any) -> None:
    """Save a model: configuration, weights and, if compiled, how it is trained and the optimizer's state.

    filepath: a path. One that ends in .keras becomes an archive as Keras 3 has it, any other an HDF5 file in the layout of
    Keras 2. Or an open h5py file or group, or a file open for writing bytes, which an archive is written to. overwrite: without
    asking; else asks on the terminal. include_optimizer: also the training configuration and the state of the optimizer.
    save_format: 'keras' or 'h5', whatever the name ends in. zipped=False: a folder of the archive's members, as Keras 3 has
    it; it takes the place of an older one that holds nothing else. ImportError without h5py. ValueError for a model of a class
    of one's own that the file could not make again.
    """
    _check_form(filepath, save_format, zipped, kwargs)
    check_savable(model, filepath, zipped is False)
    if zipped is False:
        if _may_write(filepath, overwrite):
            folders.write(path_of(filepath), archive.members_of(model, include_optimizer), archive.TOP)
        return
    if _as_archive(filepath, save_format):
        if _may_write(filepath, overwrite):
            members = archive.members_of(model, include_optimizer)
            with _put_in_place(filepath) as file:
                archive.write(file, members)
        return
    with _writing(filepath, overwrite) as file:
        if file is not None:
            legacy_h5.write_model(model, file, include_optimizer)


def _check_form(filepath, save_format, zipped, others):
    if save_format not in (None, 'keras', 'h5', 'hdf5'):
        raise ValueError(f"save_format: expected 'keras' or 'h5', got {save_format!r}; a SavedModel cannot be written")
    if zipped not in (None, True, False):
        raise ValueError(f'zipped: expected True or False, got {zipped!r}')
    if hasattr(filepath, 'write') or hasattr(filepath, 'create_group'):
        if zipped is False:
            raise ValueError('save_model: zipped=False makes a folder, so it needs a path')
    else:
        path = path_of(filepath)
        if zipped is False and (save_format in ('h5', 'hdf5') or path.lower().endswith('.keras')):
            raise ValueError(f"{path}: zipped=False makes a folder, whose name does not end in .keras, and which has no other "
                             "save_format than 'keras'")
        _check_ending(path, 'save writes a .keras archive or an HDF5 file', '.keras')
    for name, value in others.items():
        if name not in _OF_SAVED_MODELS:
            raise unknown_argument('save_model', name, ('overwrite', 'include_optimizer', 'save_format', 'zipped'))
        if value is not None:
            raise ValueError(f'save_model: {name} is for a SavedModel, which cannot be written')


def _as_archive(filepath, save_format=None):
    if hasattr(filepath, 'create_group'):
        if save_format == 'keras':
            raise ValueError("save_model: save_format='keras' makes an archive, and it cannot be written into an HDF5 file")
        return False
    if hasattr(filepath, 'write'):
        return save_format in (None, 'keras')
    named = path_of(filepath).lower().endswith('.keras') and not generation.of('files.always_hdf5')
    return save_format == 'keras' or save_format is None and named


def path_of(filepath: Any) -> str:
    """The path that a user gave as text, bytes or path-like, with ~ for the home folder. ValueError for an address, TypeError
    for what is no path."""
    try:
        path = os.path.expanduser(os.fsdecode(filepath))
    except TypeError as error:
        raise TypeError(f'filepath: expected a path or an open file, got {filepath!r:.80} ({error})') from None
    scheme = re.match(r'([a-z][a-z0-9+.-]+)://', path)
    if scheme:
        how = 'copy the file, and give its path'
        if scheme[1] == 'hf':
            how = ('huggingface_hub.snapshot_download(name, local_dir=folder) fetches a model, and upload_folder sends one; '
                   'load_model and save(folder, zipped=False) take the folder')
        raise ValueError(f'{path}: addresses that begin with {scheme[0]} are not supported, as files are read and written on '
                         f'this machine alone; {how}')
    return path


def _check_ending(path, what, ending_to_take):
    """ValueError for a path whose ending is that of a form that is not written."""
    base, ending = os.path.splitext(path)
    if ending.lower() in _NOT_WRITTEN and not generation.of('files.always_hdf5'):
        raise ValueError(f'{path}: no {ending} file is written; {what}, such as {base}{ending_to_take}')


def load_model(filepath: Any, custom_objects: dict[str, Any] | None = None, compile: bool = True,
               safe_mode: bool = True) -> Model:
    """The model that save_model, Keras 2 or Keras 3 saved, as HDF5 file or .keras archive: the content decides, not the name.

    filepath: a path, an open h5py file or group, a file open for reading bytes, or the bytes of a file. custom_objects: dict of
    classes and functions by name. compile: as it was when it was saved. safe_mode=False: Python code of Lambda layers is run;
    only for files from a source that you trust. Raises ModelFileError for another kind of file and for one that is damaged.
    """
    with reading(filepath) as file:
        if isinstance(file, Members):
            return archive.read_model(file, custom_objects, compile, safe_mode)
        return legacy_h5.read_model(file, custom_objects, compile, safe_mode)


def model_to_bytes(model: Any) -> Any:
    """The HDF5 file of a model, as bytes."""
    memory = io.BytesIO()
    with legacy_h5.h5py().File(memory, 'w') as file:
        legacy_h5.write_model(model, file)
    return memory.getvalue()


def model_from_bytes(data: Any, custom_objects: dict[str, Any] | None = None, code: bool = False) -> Any:
    """The model that model_to_bytes gave. code: Python code in it is run."""
    with refusals.of_file('the model'), legacy_h5.h5py().File(io.BytesIO(data), 'r') as file, stored.counted(), \
            h5_texts.bytes_from(file, data):
        return legacy_h5.read_model(file, custom_objects, 'training_config' in file.attrs, safe_mode=not code)


def save_weights(model: Any, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None,
                 **kwargs: Any) -> None:
    """Save the weights of a model, see Model.save_weights."""
    skip = kwargs.pop('objects_to_skip', None) or ()
    if kwargs.pop('save_format', None) not in (None, 'h5', 'hdf5'):
        raise ValueError("save_weights: expected save_format to be 'h5' or None; checkpoints of TensorFlow cannot be written")
    for name in kwargs:
        raise unknown_argument('save_weights', name, ('overwrite', 'max_shard_size', 'objects_to_skip', 'save_format'))
    check_name(filepath, max_shard_size is not None)
    if max_shard_size is not None:
        if hasattr(filepath, 'write') or hasattr(filepath, 'create_group'):
            raise ValueError('save_weights: max_shard_size makes several files, so it needs a path')
        if _may_write(filepath, overwrite):
            shards.save(model, path_of(filepath), max_shard_size, skip)
        return
    in_parts = not (hasattr(filepath, 'create_group') or hasattr(filepath, 'write') or generation.of('files.always_hdf5')) and (
        path_of(filepath).endswith(_WEIGHTS_SUFFIX))
    if skip and not in_parts:
        raise ValueError(f'save_weights: objects_to_skip is for files whose names end in {_WEIGHTS_SUFFIX}')
    with _writing(filepath, overwrite) as file:
        if file is not None and in_parts:
            part_weights.save(model, H5Writer(file), skip=skip)
        elif file is not None:
            legacy_h5.write_weights(file, model._stored_layers)


def check_name(filepath: Any, sharded: bool = False) -> Any:
    """ValueError for a path whose ending says that it is no file of weights alone. sharded: it is the index of several."""
    path = '' if hasattr(filepath, 'create_group') or hasattr(filepath, 'write') else path_of(filepath)
    if os.path.splitext(path)[1].lower() == '.keras' and not generation.of('files.always_hdf5'):
        raise ValueError(f'{path}: a .keras archive holds a model, which save writes; for weights alone give an HDF5 file, '
                         f'such as {os.path.splitext(path)[0]}{_WEIGHTS_SUFFIX}')
    if not sharded:
        _check_ending(path, 'save_weights writes an HDF5 file', _WEIGHTS_SUFFIX)


def check_savable(model: Any, filepath: Any, folder: bool = False) -> Any:
    """ValueError where `save` would write what cannot be loaded: a model of a class of one's own whose configuration makes no
    model with these weights."""
    if model._graph is not None:
        return
    advice = 'save_weights saves its weights, and load_weights takes them into one that was made and built again'
    if model._is_stack:
        raise ValueError(f'model {model.name!r} does not know its input shape, so no file could make its weights again: '
                         'build it, or call it on data, first')
    try:
        again = type(model).from_config(model.get_config())
        if folder or _as_archive(filepath):
            again.build_from_config(model.get_build_config())
        shapes = [v.shape for v in again.weights]
    except Exception as error:      # whatever a class of the user's says to its own configuration
        raise ValueError(f'model {model.name!r}: its class {type(model).__name__} cannot be made from its configuration '
                         f'({type(error).__name__}: {error}), so a file could not be loaded; {advice}') from error
    if shapes != [v.shape for v in model.weights]:
        raise ValueError(f'model {model.name!r} has a call of its own, and no configuration tells the shapes of its weights, '
                         f'so a file could not be loaded; {advice}')


def load_weights(model: Any, filepath: Any, by_name: bool = False, skip_mismatch: bool = False,
                 reshape: bool = False, **kwargs: Any) -> LoadReport:
    """Load weights into a model, see Model.load_weights."""
    skip = kwargs.pop('objects_to_skip', None) or ()
    for name in kwargs:
        raise unknown_argument('load_weights', name, ('by_name', 'skip_mismatch', 'reshape', 'objects_to_skip'))
    if not model.built and not model.weights:
        raise ValueError(f'Model {model.name!r} is not built yet, so it has no weights to load; build it, or call it '
                         f'on data, first')
    if _is_index(filepath):
        _check_keras3(by_name, reshape)
        with refusals.of_file(path_of(filepath)), shards.opened(path_of(filepath)) as store:
            return _named(part_weights.load(model, store, skip_mismatch=skip_mismatch, skip=skip), filepath)
    with reading(filepath) as file:
        if isinstance(file, Members):
            _check_keras3(by_name, reshape)
            of_arrays = npz_weights.is_npz(file)
            with contextlib.nullcontext(npz_weights.NpzStore(file)) if of_arrays else archive.open_weights(file) as store:
                return _named(part_weights.load(model, store, skip_mismatch=skip_mismatch, skip=skip), filepath)
        whole = 'layer_names' not in file.attrs and 'model_weights' in stored.names(file)
        group = stored.group_at(file, 'model_weights') if whole else file
        if not legacy_h5.layer_names(group):
            if not stored.names(group) & {'layers', '_layer_checkpoint_dependencies', 'vars'}:
                raise ModelFileError('an HDF5 file, but without the list of layers, or the groups of variables, that files of '
                                     'weights have')
            _check_keras3(by_name, reshape)
            return _named(part_weights.load(model, H5Store(group), skip_mismatch=skip_mismatch, skip=skip), filepath)
        if skip_mismatch and not by_name:
            raise ValueError('load_weights: skip_mismatch needs by_name=True: in order, a layer that is left out would '
                             'shift the others')
        if skip:
            raise ValueError('load_weights: objects_to_skip is for files of the .weights.h5 kind of Keras 3')
        if by_name:
            report = legacy_h5.read_weights_by_name(group, model._stored_layers, skip_mismatch, reshape)
        else:
            report = legacy_h5.read_weights(group, model._stored_layers, reshape)
    return _named(report, filepath)


def _named(report, filepath):
    report.file = path_of(filepath) if isinstance(filepath, (str, os.PathLike)) else ''
    return report


def _is_index(filepath):
    """Whether a path is that of the index of weights in several files."""
    if not isinstance(filepath, (str, bytes, os.PathLike)) or isinstance(filepath, bytes) and _is_content(filepath):
        return False
    path = path_of(filepath)
    return path.endswith('.json') and os.path.isfile(path)


def _check_keras3(by_name, reshape):
    if by_name or reshape:
        raise ValueError(f'load_weights: {"by_name" if by_name else "reshape"} is for HDF5 files of the layout of Keras 2; '
                         'this file has its weights by the place of the layer in the model; skip_mismatch=True leaves out what '
                         'does not fit')


@contextlib.contextmanager
def _writing(filepath, overwrite):
    """An HDF5 file to write to, put in place when all is written; None when the user keeps the old one."""
    if hasattr(filepath, 'create_group'):
        yield filepath
        return
    if not _may_write(filepath, overwrite):
        yield None
        return
    # in memory first: HDF5 itself does not survive every write that fails
    memory = io.BytesIO()
    with legacy_h5.h5py().File(memory, 'w') as file:
        yield file
    with _put_in_place(filepath) as target:
        target.write(memory.getbuffer())


def _may_write(filepath, overwrite):
    """Whether the user lets the file be written. ValueError where there is no folder for it."""
    if hasattr(filepath, 'write'):
        return True
    path = path_of(filepath)
    if os.path.exists(path) and not overwrite and not _agreed(path):
        return False
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise ValueError(f'{path}: the folder {folder} does not exist')
    return True


def _put_in_place(filepath):
    """A file to write bytes to, which is put in place when all is written."""
    return contextlib.nullcontext(filepath) if hasattr(filepath, 'write') else atomic.replacing(path_of(filepath))


def _agreed(path):
    """Whether the user lets a file be replaced; ValueError where nobody can be asked."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise ValueError(f'{path} exists; pass overwrite=True to replace it')
    answer = ''
    while answer not in ('y', 'n'):
        answer = input(f'{path} exists. Replace it? [y/n] ').strip().lower()
    return answer == 'y'


@contextlib.contextmanager
def reading(filepath):
    """What is in a file, by its first bytes: an open HDF5 file, or the Members of an archive or folder."""
    if hasattr(filepath, 'attrs'):
        with refusals.of_file(getattr(getattr(filepath, 'file', None), 'filename', 'the HDF5 file')), stored.counted():
            yield filepath
        return
    if isinstance(filepath, (bytes, bytearray, memoryview)) and _is_content(filepath):
        filepath = io.BytesIO(filepath)
    if hasattr(filepath, 'read') and hasattr(filepath, 'seek'):
        name = getattr(filepath, 'name', None)
        with refusals.of_file(name if isinstance(name, str) else 'the file'), stored.counted(), _contents(filepath) as found:
            yield found
        return
    path = path_of(filepath)
    kind = _kind_of(path)
    if stat.S_ISDIR(kind):
        if not os.path.lexists(os.path.join(path, archive.CONFIG)):
            raise ModelFileError(f'{path}: expected an HDF5 file, a .keras archive or a folder with {archive.CONFIG}, got '
                                 + (foreign.of_folder(path) or 'a folder without; a SavedModel cannot be read'))
        with refusals.of_file(path), stored.counted():
            yield folders.Folder(path)
        return
    if not stat.S_ISREG(kind):      # one that is a pipe would wait for ever
        raise ModelFileError(f'{path}: expected an HDF5 file or a .keras archive, got a pipe or a device')
    with refusals.of_file(path), open(path, 'rb') as file, stored.counted(), _contents(file) as found:
        yield found


def _kind_of(path):
    """What the system says a path leads to (st_mode). OSError that names it, and where a link leads, if it leads nowhere."""
    try:
        return os.stat(path).st_mode
    except ValueError as error:
        raise ModelFileError(f'{path!r} is no path: {error}') from None
    except OSError as error:
        leads = ''
        with contextlib.suppress(OSError):
            leads = f', a link to {os.readlink(path)!r}'
        leads = leads or (foreign.of_prefix(path) and f': {foreign.of_prefix(path)}')
        raise type(error)(error.errno, f'{error.strerror}{leads}', path) from None


def _is_content(data):
    """Whether bytes are those of a file, and no path."""
    start = bytes(data[:8])
    return start == HDF5_BYTES or start[:4] == ZIP_BYTES + b'\x03\x04' or len(data) > 4096


@contextlib.contextmanager
def _contents(file):
    """An HDF5 file or the Members of an archive, of an open file."""
    file.seek(0)
    begins = file.read(foreign.HEAD)
    head = begins[:8]
    if not isinstance(head, bytes):
        raise ModelFileError('expected a file that was opened for reading bytes, got one of text')
    if head == HDF5_BYTES or _has_user_block(file):
        file.seek(0)
        with legacy_h5.h5py().File(file.name if _is_plain(file) else file, 'r') as found, h5_texts.bytes_from(found, file):
            yield found
    elif head.startswith(ZIP_BYTES):
        yield Members(file)
    else:
        got = foreign.of_bytes(begins) or (f'a file that begins with {head!r}' if head else 'an empty file')
        raise ModelFileError(f'expected an HDF5 file or a .keras archive, got {got}')


def _has_user_block(file):
    """Whether an HDF5 file begins behind a block of the user's, at 512 bytes or a power of two of them."""
    at = 512
    while at <= 1 << 20:
        file.seek(at)
        head = file.read(8)
        if head == HDF5_BYTES:
            return True
        if len(head) < 8:
            return False
        at *= 2
    return False


def _is_plain(file):
    """Whether a file is one of the system's that HDF5 can read by itself, which is faster."""
    return isinstance(file, io.BufferedReader) and isinstance(file.name, str) and os.path.isfile(file.name)
