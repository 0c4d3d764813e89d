"""Saving and loading models and weights: which form a file has."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
from typing import Any

from fastkeras.saving import atomic, legacy_h5, refusals, stored
from fastkeras.utils.errors import ModelFileError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fastkeras.models import Model
    from fastkeras.saving.report import LoadReport

HDF5_BYTES = b'\x89HDF\r\n\x1a\n'
ZIP_BYTES = b'PK'


def save_model(model: Any, filepath: Any, overwrite: bool = True, include_optimizer: bool = True,
               **kwargs: Any) -> None:
    """Save a model to an HDF5 file, in the layout of Keras 2: configuration, weights and, if compiled, how it is
    trained.

    filepath: a path, or an open h5py file or group. overwrite: without asking; else asks on the terminal.
    include_optimizer: also the training configuration and the state of the optimizer. ImportError without h5py.
    ValueError for a name that says another kind of file, and for a model of a class of one's own that the file could
    not make again.
    """
    check_savable(model, filepath)
    with _writing(filepath, overwrite) as file:
        if file is not None:
            legacy_h5.write_model(model, file, include_optimizer)


def load_model(filepath: Any, custom_objects: dict[str, Any] | None = None, compile: bool = True,
               safe_mode: bool = True) -> Model:
    """The model that save_model, Keras 2 or Keras 3 (HDF5) saved.

    custom_objects: dict of classes and functions by name. compile: as it was when it was saved. safe_mode=False: Python
    code of Lambda layers is run; only for files from a source that you trust. Raises ValueError for another kind of
    file.
    """
    with _reading(filepath) as file:
        return legacy_h5.read_model(file, custom_objects, compile, safe_mode)


def model_to_bytes(model: Any) -> Any:
    """The HDF5 file of a model, as bytes."""
    memory = io.BytesIO()
    with legacy_h5.h5py().File(memory, 'w') as file:
        legacy_h5.write_model(model, file)
    return memory.getvalue()


def model_from_bytes(data: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The model that model_to_bytes gave; code in it is run, as pickle runs code."""
    with legacy_h5.h5py().File(io.BytesIO(data), 'r') as file, stored.counted():
        return legacy_h5.read_model(file, custom_objects, 'training_config' in file.attrs, safe_mode=False)


def save_weights(model: Any, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
    """Save the weights of a model to an HDF5 file, see Model.save_weights."""
    check_name(filepath)
    with _writing(filepath, overwrite) as file:
        if file is not None:
            legacy_h5.write_weights(file, model.layers)


def check_name(filepath: Any) -> Any:
    """ValueError for a path whose ending says that it is no HDF5 file."""
    path = '' if hasattr(filepath, 'create_group') else os.fspath(filepath)
    if os.path.splitext(path)[1].lower() == '.keras':
        raise ValueError(f'{path}: .keras archives cannot be written; give an HDF5 file, such as '
                         f'{os.path.splitext(path)[0]}.h5')


def check_savable(model: Any, filepath: Any) -> Any:
    """ValueError where `save` would write what cannot be loaded: a name of another kind of file, or a model of a class of
    one's own whose configuration makes no model with these weights."""
    check_name(filepath)
    if model._graph is not None:
        return
    advice = 'save_weights saves its weights, and load_weights takes them into one that was made and built again'
    if model._is_stack:
        raise ValueError(f'model {model.name!r} does not know its input shape, so no file could make its weights again: '
                         'build it, or call it on data, first')
    try:
        again = type(model).from_config(model.get_config())
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
    if skip_mismatch and not by_name:
        raise ValueError('load_weights: skip_mismatch needs by_name=True: in order, a layer that is left out would '
                         'shift the others')
    if not model.built and not model.weights:
        raise ValueError(f'Model {model.name!r} is not built yet, so it has no weights to load; build it, or call it '
                         f'on data, first')
    with _reading(filepath) as file:
        whole = 'layer_names' not in file.attrs and 'model_weights' in stored.names(file)
        group = stored.group_at(file, 'model_weights') if whole else file
        if not legacy_h5.read_names(group, 'layer_names'):
            other = "; it is of the .weights.h5 kind of Keras 3, which cannot be read" if (
                'layers' in group or '_layer_checkpoint_dependencies' in group) else ''
            raise ValueError(f'{filepath}: an HDF5 file, but without the list of layers that files of weights have{other}')
        if by_name:
            report = legacy_h5.read_weights_by_name(group, model.layers, skip_mismatch, reshape)
        else:
            report = legacy_h5.read_weights(group, model.layers, reshape)
    report.file = '' if hasattr(filepath, 'attrs') else os.fspath(filepath)
    return report


@contextlib.contextmanager
def _writing(filepath, overwrite):
    """An HDF5 file to write to, put in place when all is written; None when the user keeps the old one."""
    if hasattr(filepath, 'create_group'):
        yield filepath
        return
    path = os.fspath(filepath)
    if os.path.exists(path) and not overwrite and not _agreed(path):
        yield None
        return
    h5py = legacy_h5.h5py()
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise ValueError(f'{path}: the folder {folder} does not exist')
    # in memory first: HDF5 itself does not survive every write that fails
    memory = io.BytesIO()
    with h5py.File(memory, 'w') as file:
        yield file
    atomic.write(path, memory.getbuffer())


def _agreed(path):
    """Whether the user lets a file be replaced; ValueError where nobody can be asked."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise ValueError(f'{path} exists; pass overwrite=True to replace it')
    answer = ''
    while answer not in ('y', 'n'):
        answer = input(f'{path} exists. Replace it? [y/n] ').strip().lower()
    return answer == 'y'


@contextlib.contextmanager
def _reading(filepath):
    """An HDF5 file to read from."""
    if hasattr(filepath, 'attrs'):
        with refusals.of_file(getattr(filepath.file, 'filename', 'the HDF5 file')), stored.counted():
            yield filepath
        return
    path = os.fspath(filepath)
    if os.path.isdir(path):
        raise ModelFileError(f'{path}: expected an HDF5 file, got a folder; a SavedModel cannot be read')
    if not os.path.exists(path):
        raise FileNotFoundError(f'no file {path}')
    if not stat.S_ISREG(os.stat(path).st_mode):     # one that is a pipe would wait for ever
        raise ModelFileError(f'{path}: expected an HDF5 file, got a pipe or a device')
    with open(path, 'rb') as file:
        head = file.read(8)
    if head != HDF5_BYTES:
        kind = 'a zip archive, as .keras files are; save it as HDF5 where it was made, as in model.save("m.h5")' if (
            head.startswith(ZIP_BYTES)) else f'a file that begins with {head!r}'
        raise ModelFileError(f'{path}: expected an HDF5 file, got {kind}')
    with refusals.of_file(path), legacy_h5.h5py().File(path, 'r') as file, stored.counted():
        yield file
