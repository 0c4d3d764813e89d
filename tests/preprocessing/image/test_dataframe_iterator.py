"""Images that a table names, against keras-preprocessing, and tables that are no pandas."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

from fastkeras.preprocessing.image import DataFrameIterator, ImageFileError
from tests.preprocessing.image.pictures import folder
from tests.preprocessing.image.test_directory_iterator import same

pd = pytest.importorskip('pandas')
SIZE = (8, 9)


@pytest.fixture(scope='module')
def keras():
    return pytest.importorskip('keras_preprocessing.image')


@pytest.fixture(scope='module')
def pictures(tmp_path_factory):
    return folder(tmp_path_factory.mktemp('pictures'))


def columns(pictures):
    """15 rows, and one each of a missing file, another kind of file and a folder."""
    (pictures / 'cat/text.txt').write_text('x')
    names = sorted(str(p.relative_to(pictures)) for p in pictures.rglob('*.*') if p.suffix != '.txt')[::-1]
    names = [*names[:5], 'cat/none.png', *names[5:], 'cat/text.txt', 'dog']
    n = len(names)
    kinds = ['dog', 'cat', 'bird']
    return {'filename': names, 'class': [kinds[i % 3] for i in range(n)], 'pair': [kinds[i % 2] for i in range(n)],
            'several': [[kinds[i % 3], kinds[i % 2]] if i % 4 else kinds[i % 3] for i in range(n)],
            'a': list(range(n)), 'b': [i / 7 for i in range(n)], 'weight': [1.0 + i for i in range(n)],
            'vector': [[i, i + 1] for i in range(n)]}


@pytest.mark.parametrize('how', [
    {}, {'class_mode': 'sparse'}, {'class_mode': 'binary', 'y_col': 'pair'}, {'class_mode': 'input'}, {'class_mode': None},
    {'y_col': 'several'}, {'y_col': 'several', 'classes': ['dog', 'bird']}, {'classes': ['dog', 'cat'], 'class_mode': 'binary'},
    {'class_mode': 'sparse', 'classes': ['cat']}, {'class_mode': 'raw', 'y_col': 'a'}, {'class_mode': 'raw', 'y_col': 'b'},
    {'class_mode': 'raw', 'y_col': ['a', 'b']}, {'class_mode': 'multi_output', 'y_col': ['a', 'b', 'vector']},
    {'class_mode': 'sparse', 'weight_col': 'weight'}, {'class_mode': 'raw', 'y_col': 'a', 'weight_col': 'weight'},
    {'shuffle': False}, {'subset': 'training'}, {'subset': 'validation', 'class_mode': 'raw', 'y_col': 'b'},
    {'color_mode': 'grayscale', 'interpolation': 'bilinear'}, {'data_format': 'channels_first'}, {'dtype': 'float64'},
], ids=str)
@pytest.mark.filterwarnings('ignore:Found 3 invalid:UserWarning')
def test_is_that_of_keras(pictures, keras, capsys, how):
    table = columns(pictures)
    frame = pd.DataFrame(table)
    generator = keras.ImageDataGenerator(data_format=how.get('data_format', 'channels_last'), validation_split=0.3)
    how = {'target_size': SIZE, 'batch_size': 4, 'seed': 3, **how}
    theirs = keras.DataFrameIterator(frame, str(pictures), generator, **how)
    said, stream = capsys.readouterr().out, [next(theirs) for _ in range(len(theirs) + 2)]
    for source in (frame, table):
        with pytest.warns(UserWarning, match='3 rows are left out.*cat/none.png'):
            own = DataFrameIterator(source, pictures, generator, **how)
        assert capsys.readouterr().out == said
        assert all(same(next(own), batch) for batch in stream)
        for name in ('filenames', 'filepaths', 'samples', 'n', 'image_shape', 'class_mode'):
            assert getattr(own, name) == getattr(theirs, name), name
        if theirs.class_mode in ('categorical', 'binary', 'sparse'):
            assert own.class_indices == theirs.class_indices and own.classes == theirs.classes == own.labels
        if theirs.class_mode == 'raw':
            assert same(own.labels, theirs.labels)
        assert (own.sample_weight is None) == (theirs.sample_weight is None)
    assert frame.equals(pd.DataFrame(table))


def test_whole_paths_and_no_validation(pictures, keras, capsys):
    table = pd.DataFrame({'f': [str(p) for p in sorted(pictures.rglob('*.png'))], 'y': 1.5})
    for cls in (keras.DataFrameIterator, DataFrameIterator):
        own = cls(table, x_col='f', y_col='y', class_mode='raw', target_size=SIZE, shuffle=False, validate_filenames=False)
        assert own[0][0].shape == (len(table), *SIZE, 3) and own[0][1].tolist() == [1.5] * len(table)
    out = capsys.readouterr().out.splitlines()
    assert out[0] == out[1] and 'non-validated' in out[0]


def test_files_that_are_not_there(pictures):
    table = {'filename': ['cat/9.png', 'cat/none.png'], 'class': ['x', 'y']}
    own = DataFrameIterator(table, pictures, target_size=SIZE, shuffle=False, validate_filenames=False)
    with pytest.raises(FileNotFoundError, match='cat/none.png'):
        own[0]
    own = DataFrameIterator(table, pictures, target_size=SIZE, shuffle=False, validate_filenames=False, on_error='skip')
    assert own[0][1].tolist() == [[1, 0]] and list(own.errors) == [str(pictures / 'cat/none.png')]


def test_weights_stay_with_their_images(pictures, tmp_path):
    (tmp_path / 'bad.png').write_text('no image')
    table = {'filename': [str(tmp_path / 'bad.png'), str(pictures / 'cat/9.png')], 'y': [3, 4], 'w': [5., 6.]}
    how = {'y_col': 'y', 'weight_col': 'w', 'class_mode': 'raw', 'target_size': SIZE, 'shuffle': False}
    x, y, w = DataFrameIterator(table, on_error='skip', **how)[0]
    assert len(x) == 1 and y.tolist() == [4] and w.tolist() == [6]
    with pytest.raises(ImageFileError, match='bad.png'):
        DataFrameIterator(table, **how)[0]


def test_structured_arrays(pictures):
    table = np.array([('cat/9.png', 'a', 1.), ('dog/9.png', 'b', 2.)], [('filename', 'U20'), ('class', 'U5'), ('w', 'f4')])
    own = DataFrameIterator(table, pictures, weight_col='w', class_mode='sparse', target_size=SIZE, shuffle=False)
    _, y, w = own[0]
    assert y.tolist() == [0, 1] and w.tolist() == [1, 2]


def test_vectors_as_labels(pictures):
    """Arrays in the cells make an array of numbers that a model can be trained on."""
    table = pd.DataFrame({'filename': ['cat/9.png', 'dog/9.png'], 'y': [np.array([1., 2.]), np.array([3., 4.])]})
    own = DataFrameIterator(table, pictures, y_col='y', class_mode='raw', target_size=SIZE, shuffle=False)
    assert own[0][1].dtype == np.float64 and own[0][1].tolist() == [[1, 2], [3, 4]]
    table = {'filename': ['cat/9.png', 'dog/9.png'], 'y': [[1], [2, 3]]}
    own = DataFrameIterator(table, pictures, y_col='y', class_mode='raw', target_size=SIZE, shuffle=False)
    assert own[0][1].tolist() == [[1], [2, 3]]


def test_words_of_keras_224(pictures):
    table = {'filename': ['dog/9', 'cat/9', 'dog/9', 'cat/8'], 'class': ['d', 'c', 'D', 'c']}
    with pytest.warns(DeprecationWarning, match='has_ext'):
        own = DataFrameIterator(table, pictures, target_size=SIZE, has_ext=False, shuffle=False)
    assert own.filenames == ['dog/9.png', 'cat/9.png', 'dog/9.png', 'cat/8.jpg']
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter('always')
        own = DataFrameIterator(table, pictures, target_size=SIZE, has_ext=False, drop_duplicates=True, sort=True,
                                class_mode='sparse', shuffle=False)
    assert len(seen) == 3 and {w.category for w in seen} == {DeprecationWarning}
    assert own.filenames == ['cat/8.jpg', 'cat/9.png', 'dog/9.png'] and own.labels == [0, 0, 1]
    with pytest.warns(DeprecationWarning, match='raw'):
        own = DataFrameIterator(table, pictures, class_mode='other', validate_filenames=False, shuffle=False)
    assert own.class_mode == 'raw' and own.labels.tolist() == ['d', 'c', 'D', 'c']


@pytest.mark.parametrize('change,how,error,message', [
    ({}, {'x_col': 'no'}, KeyError, "no column 'no'"), ({}, {'y_col': 'no'}, KeyError, 'no'),
    ({'filename': [1, 2]}, {}, TypeError, 'x_col'), ({'class': [1, 2]}, {}, TypeError, 'raw'),
    ({'class': [['a'], 'b']}, {'class_mode': 'sparse'}, TypeError, 'y_col'),
    ({}, {'class_mode': 'x'}, ValueError, 'class_mode'),
    ({}, {'class_mode': 'multi_output'}, TypeError, 'list of columns'), ({}, {'weight_col': 'class'}, TypeError, 'weight_col'),
    ({}, {'class_mode': 'binary', 'classes': ['a']}, ValueError, 'two classes'),
    ({'class': ['a', 'a']}, {'class_mode': 'binary'}, ValueError, 'two classes'),
    ({'class': ['a']}, {}, ValueError, 'one length'),
])
def test_wrong_arguments(pictures, change, how, error, message):
    table = {'filename': ['cat/9.png', 'dog/9.png'], 'class': ['a', 'b'], **change}
    sources = [table] if len(set(map(len, table.values()))) > 1 else [table, pd.DataFrame(table)]
    for source in sources:
        with pytest.raises(error, match=message):
            DataFrameIterator(source, pictures, target_size=SIZE, **how)


def test_classes_of_no_use(pictures):
    with pytest.warns(UserWarning, match='classes is of no use'):
        DataFrameIterator({'filename': ['cat/9.png']}, pictures, classes=['a'], class_mode='input')


def test_pandas_is_not_imported():
    code = ("import sys; from fastkeras.preprocessing.image import DataFrameIterator; "
            "DataFrameIterator({'filename': ['x']}, class_mode=None, validate_filenames=False); print('pandas' in sys.modules)")
    out = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout
    assert out.split()[-1] == 'False'
