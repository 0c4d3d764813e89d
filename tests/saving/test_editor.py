"""KerasFileEditor."""

import numpy as np
import pytest

from fastkeras.layers import Dense
from fastkeras.models import Sequential
from fastkeras.saving import KerasFileEditor, ModelFileError

pytest.importorskip('h5py')


@pytest.fixture
def model():
    return Sequential([Dense(3, input_shape=(4,), name='one'), Dense(2, name='two')])


@pytest.fixture
def editor(model, tmp_path):
    model.save_weights(tmp_path / 'm.weights.h5')
    return KerasFileEditor(str(tmp_path / 'm.weights.h5'))


def test_looking(model, editor, tmp_path, capsys):
    editor.summary()
    text = capsys.readouterr().out
    assert "dense_1 ('two')" in text and '0: shape=(4, 3), dtype=float32' in text
    assert editor.compare(model) == {'status': 'success', 'error_count': 0, 'match_count': 4}
    other = Sequential([Dense(3, input_shape=(5,))])
    assert editor.compare(other) == {'status': 'error', 'error_count': 3, 'match_count': 1}
    assert editor.object_metadata['layers/dense'] == {'name': 'one'}
    model.save(tmp_path / 'm.keras')
    of_archive = KerasFileEditor(tmp_path / 'm.keras')
    assert of_archive.config['class_name'] == 'Sequential' and of_archive.metadata['keras_version']


def test_changing(model, editor, tmp_path):
    """A layer between the two others: theirs is renamed."""
    editor.rename_object('dense_1', 'dense_2')
    editor.add_object('layers/dense_1', {'0': np.eye(3), '1': np.zeros(3)})
    editor.delete_weight('layers/dense_1', '1')
    editor.add_weights('layers/dense_1', {'1': np.ones(3)})
    editor.save(tmp_path / 'new.weights.h5')
    wider = Sequential([Dense(3, input_shape=(4,)), Dense(3), Dense(2)])
    assert wider.load_weights(tmp_path / 'new.weights.h5').complete
    np.testing.assert_array_equal(wider.get_weights()[3], np.ones(3))
    np.testing.assert_array_equal(wider.get_weights()[4], model.get_weights()[2])
    editor.delete_object('layers/dense_1')
    editor.rename_object('layers/dense_2', 'dense_1')
    editor.resave_weights(tmp_path / 'old.weights.h5')
    assert model.load_weights(tmp_path / 'old.weights.h5').complete


def test_mistakes(editor, tmp_path):
    for call, match in ((lambda: editor.rename_object('dens', 'x'), 'known are layers, layers/dense'),
                        (lambda: editor.rename_object('dense', 'a/b'), 'without a path'),
                        (lambda: editor.rename_object('dense', 'dense_1'), 'is taken'),
                        (lambda: editor.delete_object('layers/x'), 'is not in the file'),
                        (lambda: editor.add_object('layers/dense', {}), 'is there already'),
                        (lambda: editor.add_object('x/y', {}), 'is not in the file'),
                        (lambda: editor.add_object('x', [1]), 'expected weights to be a dict'),
                        (lambda: editor.add_weights('dense', {'0': 'a'}), 'array of numbers'),
                        (lambda: editor.delete_weight('dense', '7'), "no weight '7'"),
                        (lambda: editor.save(tmp_path / 'm.h5'), r'\.weights\.h5')):
        with pytest.raises(ValueError, match=match):
            call()
    editor.add_object('dense', {'0': np.ones(2)})
    with pytest.raises(ValueError, match='more than once'):
        editor.delete_object('dense')


def test_other_files(model, tmp_path):
    model.save(tmp_path / 'm.h5')
    with pytest.raises(ModelFileError, match='layout of Keras 2'):
        KerasFileEditor(tmp_path / 'm.h5')
