"""Files of others: what they are, and what to do with them, stands in the error."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from fastkeras.layers import Dense, Input
from fastkeras.models import Sequential, load_model
from fastkeras.saving import foreign
from fastkeras.utils.errors import ModelFileError


def _zip(*names):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, 'w') as archive:
        for name in names:
            archive.writestr(name, b'x')
    return memory.getvalue()


class Marked:
    """An object whose unpickling would be seen."""

    def __reduce__(self):
        return os.mkdir, ('unpickled',)


FILES = {
    'Git LFS': b'version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 3\n',
    'web page': b'<!DOCTYPE html><html>',
    'model_from_json': b'{"class_name": "Sequential"}',
    'model_from_yaml': b'backend: tensorflow\nclass_name: Sequential\n',
    'gzip': b'\x1f\x8b\x08\0\0\0\0',
    'pickle': pickle.dumps(Marked()),
    'PyTorch': _zip('archive/data.pkl', 'archive/data/0'),
    'safetensors': (12).to_bytes(8, 'little') + b'{"a": [1]}  ',
    'empty file': b'',
    "begins with b'abc'": b'abc',
}


@pytest.mark.parametrize('said', FILES)
def test_what_a_file_is(said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'model.h5'
    path.write_bytes(FILES[said])
    model = Sequential([Input((2,)), Dense(1)])
    for read in load_model, model.load_weights:
        with pytest.raises(ModelFileError, match=f'model.h5.*{said}'):
            read(path)
    assert os.listdir(tmp_path) == ['model.h5']


def test_arrays(tmp_path):
    np.save(tmp_path / 'one.npy', np.zeros(3))
    np.savez(tmp_path / 'some.npz', a=np.zeros(3))
    for name in 'one.npy', 'some.npz':
        with pytest.raises(ModelFileError, match='numpy.load, and give the arrays to set_weights'):
            load_model(tmp_path / name)


def test_what_tensorflow_writes(tmp_path):
    (tmp_path / 'saved').mkdir()
    (tmp_path / 'saved' / 'saved_model.pb').write_bytes(b'x')
    (tmp_path / 'checkpoint').write_text('x')
    (tmp_path / 'best.ckpt.index').write_bytes(b'x')
    model = Sequential([Input((2,)), Dense(1)])
    for path, said in ('saved', 'a SavedModel of TensorFlow'), ('.', 'a folder of checkpoints'):
        with pytest.raises(ModelFileError, match=said):
            load_model(tmp_path / path)
    with pytest.raises(FileNotFoundError, match='a checkpoint of TensorFlow'):
        model.load_weights(tmp_path / 'best.ckpt')


def test_what_is_not_known_has_no_word():
    assert not foreign.of_bytes(b'') and not foreign.of_bytes(bytes(64)) and not foreign.of_archive(['a', 'b.npy'])


@pytest.mark.parametrize('given', [None, 3])
def test_what_is_no_path(given):
    model = Sequential([Input((2,)), Dense(1)])
    for use in load_model, model.load_weights, model.save, model.save_weights:
        with pytest.raises(TypeError, match=f'filepath: expected a path or an open file, got {given}'):
            use(given)
