import zipfile

import h5py
import numpy as np
import pytest

import fastkeras as keras
from fastkeras.__main__ import about_model, main
from fastkeras.layers import Conv2D, Dense, Flatten, Input
from fastkeras.saving.about_file import about_file
from fastkeras.utils.errors import ModelFileError
from tests.artifacts import artifact


def model():
    inside = keras.Sequential([Dense(4, activation='relu', input_shape=(8,), name='deep')], name='inside')
    a = Input((4, 4, 3), name='a')
    y = inside(Dense(8, name='shallow')(Flatten(name='flat')(Conv2D(2, 3, padding='same', name='conv')(a))))
    made = keras.Model(a, y, name='whole')
    made.compile('adam', 'mse', metrics=['mae'])
    made.train_on_batch(np.zeros((2, 4, 4, 3)), np.zeros((2, 4)))
    return made


@pytest.mark.parametrize('suffix', ['h5', 'keras'])
def test_it_tells_layers_numbers_and_training(tmp_path, suffix):
    made = model()
    made.save(tmp_path / f'm.{suffix}')
    text = about_file(tmp_path / f'm.{suffix}')
    assert f'm.{suffix}: {(tmp_path / f"m.{suffix}").stat().st_size:,} bytes' in text
    assert "Model 'whole' of 5 layers" in text.replace('Functional', 'Model') and "Sequential 'inside' of" in text
    assert 'conv (Conv2D): filters=2, kernel_size=(3, 3), strides=(1, 1), padding=same' in text
    assert 'deep (Dense)' in text and 'units=4' in text and 'a (InputLayer): input (None, 4, 4, 3)' in text
    assert f'{len(made.weights)} arrays of {made.count_params():,} numbers' in text
    assert 'compiled with Adam' in text and 'mse' in text or 'mean_squared_error' in text


def test_it_tells_of_weights_alone(tmp_path):
    made = model()
    made.save_weights(tmp_path / 'w.h5')
    text = about_file(tmp_path / 'w.h5')
    assert 'an HDF5 file of weights' in text and f'{made.count_params():,} numbers' in text and '  shallow' in text


def test_a_group_that_holds_itself(tmp_path):
    model().save(tmp_path / 'm.h5')
    before = about_file(tmp_path / 'm.h5').splitlines()[1:]
    with h5py.File(tmp_path / 'm.h5', 'a') as file:
        file['model_weights/conv/again'] = file['model_weights']
        file['model_weights/conv/and'] = file['model_weights']
        file['model_weights/link'] = h5py.ExternalLink('/dev/zero', '/')
    assert about_file(tmp_path / 'm.h5').splitlines()[1:] == before


def test_as_a_command(tmp_path, capsys):
    model().save(tmp_path / 'm.h5')
    assert main(['info', str(tmp_path / 'm.h5')]) == 0
    assert 'shallow (Dense): units=8' in capsys.readouterr().out
    (tmp_path / 'other').write_bytes(b'no model')
    assert main(['info', str(tmp_path / 'other')]) == 2
    assert str(tmp_path / 'other') in capsys.readouterr().err
    assert main(['info', str(tmp_path / 'nothing.h5')]) == 2
    with pytest.raises(ModelFileError):
        about_file(tmp_path / 'other')


def test_a_configuration_in_json(tmp_path):
    (tmp_path / 'm.json').write_text(model().to_json())
    text = about_file(tmp_path / 'm.json')
    assert 'a configuration in JSON, written by Keras' in text and 'shallow (Dense): units=8' in text and 'no weights' in text
    (tmp_path / 'other.json').write_text('{"layers": 3}')
    with pytest.raises(ModelFileError, match='other.json: .*without class_name'):
        about_file(tmp_path / 'other.json')
    (tmp_path / 'broken.json').write_text('{"class_name": ')
    with pytest.raises(ModelFileError, match='broken.json'):
        about_file(tmp_path / 'broken.json')


def test_archives_that_are_no_model(tmp_path):
    np.savez(tmp_path / 'a.npz', x=np.zeros(3), y=np.ones(2))
    assert about_file(tmp_path / 'a.npz').splitlines()[1:] == ['an .npz file of 2 arrays', '  x', '  y']
    with zipfile.ZipFile(tmp_path / 'b.zip', 'w') as file:
        file.writestr('text', 'nothing')
    with pytest.raises(ModelFileError, match='b.zip: .*without config.json'):
        about_file(tmp_path / 'b.zip')


def test_every_file_of_others_is_told_of_or_refused():
    folder, told = artifact('manifest.json').parent, 0
    kinds = '.h5', '.hdf5', '.keras', '.json', '.prototxt', '.caffemodel'
    for path in sorted(p for p in folder.rglob('*') if p.suffix in kinds):
        try:
            assert 'None' not in about_model(str(path)).splitlines()[1:3], path
            told += 1
        except ModelFileError as error:
            assert str(path) in str(error) and path.suffix == '.json'
    assert told > 100
