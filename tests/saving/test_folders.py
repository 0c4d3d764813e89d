"""Models in folders, as Keras 3 saves them with zipped=False."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastkeras import generation
from fastkeras.layers import Dense, Input, StringLookup
from fastkeras.models import Model, Sequential, load_model
from fastkeras.saving import KerasFileEditor, ModelFileError, about_file, folders

pytest.importorskip('h5py')
X = np.random.RandomState(0).standard_normal((8, 3)).astype('float32')


def trained():
    model = Sequential([Dense(4, input_shape=(3,)), Dense(1)])
    model.compile('adam', 'mse')
    model.fit(X, X[:, :1], verbose=0)
    return model


@pytest.mark.parametrize('which', [2, 3])
def test_round_trip(tmp_path, which):
    with generation.scope(which):
        model = trained()
        model.save(tmp_path / 'm', zipped=False)
        assert sorted(os.listdir(tmp_path)) == ['m']
        assert sorted(os.listdir(tmp_path / 'm')) == ['config.json', 'metadata.json', 'model.weights.h5']
        again = load_model(tmp_path / 'm')
        histories = [m.fit(X, X[:, :1], epochs=3, verbose=0).history for m in (model, again)]
    assert histories[0] == histories[1]
    again.load_weights(tmp_path / 'm')
    assert 'Sequential' in about_file.about_file(tmp_path / 'm')
    assert '0' in KerasFileEditor(tmp_path / 'm').weights_dict['layers']['dense']


def test_assets(tmp_path):
    with generation.scope(3):
        i = Input((1,), dtype='string')
        lookup = StringLookup()
        lookup.adapt(['a', 'b', 'b'])
        model = Model(i, lookup(i))
        model.save(tmp_path / 'm', zipped=False)
        assert (tmp_path / 'm' / 'assets').is_dir()
        again = load_model(tmp_path / 'm')
        words = np.array([['b'], ['a'], ['c']])
        np.testing.assert_array_equal(model.predict(words), again.predict(words))


def test_takes_the_place_of_an_older_one_alone(tmp_path):
    model = trained()
    model.save(tmp_path / 'm', zipped=False)
    with pytest.raises(ValueError, match='overwrite=True'):
        model.save(tmp_path / 'm', zipped=False, overwrite=False)
    model.fit(X, X[:, :1], verbose=0)
    model.save(tmp_path / 'm', zipped=False)
    np.testing.assert_array_equal(load_model(tmp_path / 'm').predict(X), model.predict(X))
    (tmp_path / 'm' / 'thesis.txt').write_text('x')
    with pytest.raises(ValueError, match=r"holds 'thesis\.txt' too"):
        model.save(tmp_path / 'm', zipped=False)
    (tmp_path / 'file').write_text('x')
    with pytest.raises(ValueError, match='makes a folder'):
        model.save(tmp_path / 'file', zipped=False)
    assert sorted(os.listdir(tmp_path)) == ['file', 'm'] and (tmp_path / 'file').read_text() == 'x'


def test_without_exchange(tmp_path, monkeypatch):
    """A system that cannot exchange two names in one step."""
    monkeypatch.setattr(folders.ctypes, 'CDLL', lambda *args, **kwargs: object())
    for text in ('1', '2'):
        folders.write(tmp_path / 'm', {'a': text, 'assets/b/c': text}, ('a', 'assets'))
        assert (tmp_path / 'm' / 'assets' / 'b' / 'c').read_text() == text
    assert os.listdir(tmp_path) == ['m']


def test_an_error_leaves_the_old_one(tmp_path, monkeypatch):
    folders.write(tmp_path / 'm', {'a': 'old'}, ('a',))

    def fails(path, data):
        raise OSError(28, 'No space left on device', path)
    monkeypatch.setattr(folders.atomic, 'write', fails)
    with pytest.raises(OSError, match='No space'):
        folders.write(tmp_path / 'm', {'a': 'new'}, ('a',))
    assert (tmp_path / 'm' / 'a').read_text() == 'old' and os.listdir(tmp_path) == ['m']


KILLED = '''
import sys
from fastkeras.saving import folders
k = 0
while True:
    k += 1
    folders.write(sys.argv[1], {name: f'{k}' for name in ('a', 'b', 'assets/c')}, ('a', 'b', 'assets'))
    print(k, flush=True)
'''


def test_kills(tmp_path):
    """At any moment the path holds one folder, whole; what was left behind goes with the next saving."""
    path = tmp_path / 'm'
    for k in range(6):
        child = subprocess.Popen([sys.executable, '-c', KILLED, path], stdout=subprocess.PIPE)
        child.stdout.readline()
        for _ in range(k):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert len({(path / name).read_text() for name in ('a', 'b', 'assets/c')}) == 1
    folders.write(path, {'a': 'x'}, ('a', 'b', 'assets'))
    assert os.listdir(tmp_path) == ['m'] and os.listdir(path) == ['a']


@pytest.mark.parametrize('name', ['config.json', 'model.weights.h5', 'metadata.json'])
def test_links_are_not_followed(tmp_path, name):
    trained().save(tmp_path / 'm', zipped=False)
    shutil.move(tmp_path / 'm' / name, tmp_path / 'elsewhere')
    (tmp_path / 'm' / name).symlink_to(tmp_path / 'elsewhere')
    with pytest.raises(ModelFileError, match=f'{name}.*is not opened'):
        load_model(tmp_path / 'm')
    (tmp_path / 'm' / name).unlink()
    os.mkfifo(tmp_path / 'm' / name)
    with pytest.raises(ModelFileError, match=f'{name}.*is not opened'):
        load_model(tmp_path / 'm')


def test_what_is_no_folder_of_a_model(tmp_path):
    with pytest.raises(ModelFileError, match=r'a folder with config\.json'):
        load_model(tmp_path)
    trained().save(tmp_path / 'm', zipped=False)
    (tmp_path / 'm' / 'model.weights.h5').unlink()
    with pytest.raises(ModelFileError, match=r"lacks 'model\.weights\.h5'"):
        load_model(tmp_path / 'm')


def test_words(tmp_path):
    model = trained()
    for path, more in ((tmp_path / 'm.keras', {}), (tmp_path / 'm', {'save_format': 'h5'})):
        with pytest.raises(ValueError, match='zipped=False makes a folder'):
            model.save(path, zipped=False, **more)
    with open(tmp_path / 'f', 'wb') as file, pytest.raises(ValueError, match='needs a path'):
        model.save(file, zipped=False)
    with pytest.raises(ValueError, match="zipped: expected True or False, got 'no'"):
        model.save(tmp_path / 'm', zipped='no')
    for call in (model.save, model.save_weights, model.load_weights, load_model):
        with pytest.raises(ValueError, match=r'hf://someone/some.*not supported.*snapshot_download'):
            call('hf://someone/some.weights.h5')
        with pytest.raises(ValueError, match='gs://x/y.*copy the file'):
            call('gs://x/y.weights.h5')
    for name in ('w.npz', 'w.npy', 'w.safetensors', 'w.pt', 'w.json'):
        with pytest.raises(ValueError, match=r'no \.\w+ file is written.*w\.weights\.h5'):
            model.save_weights(tmp_path / name)
        with pytest.raises(ValueError, match=r'no \.\w+ file is written.*w\.keras'):
            model.save(tmp_path / name)
    assert sorted(Path(tmp_path).iterdir()) == [tmp_path / 'f']
