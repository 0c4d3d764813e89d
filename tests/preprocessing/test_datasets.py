"""Data sets of folders and series against what Keras 3 gave for the same files (tests/parity/record_datasets.py)."""

import json
import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from fastkeras import preprocessing, utils
from fastkeras.preprocessing.image import ImageFileError
from fastkeras.preprocessing.order import shuffled
from fastkeras.utils.sequence import Sequence
from tests.parity import dataset_cases as cases
from tests.preprocessing.image.pictures import save

RECORDED = json.loads((Path(cases.__file__).parent / 'datasets_keras3.json').read_text())
NAMES = [(function, name) for function, results in RECORDED['results'].items() for name in results]


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp('files')
    cases.make_files(folder)
    save(folder / 'images/.hidden/1.png')
    return folder


@pytest.fixture(scope='module')
def ours(files):
    return cases.run(utils, files)


def close(own, theirs, by=0.02):
    """Equal but for the rounding of what was recorded and TensorFlow's float32."""
    if isinstance(theirs, (list, dict)):
        pairs = zip(own.values(), theirs.values(), strict=True) if isinstance(theirs, dict) else zip(own, theirs, strict=True)
        return all(close(a, b, by) for a, b in pairs)
    if isinstance(theirs, (int, float)) and not isinstance(own, str):
        return abs(own - theirs) <= by
    return own == theirs


@pytest.mark.parametrize('function,name', NAMES, ids=lambda x: x)
def test_is_that_of_keras(ours, function, name):
    own, theirs = ours[0][function][name], RECORDED['results'][function][name]
    assert own['said'] == theirs['said']
    own, theirs = ([x['data']] if isinstance(x['data'], dict) else x['data'] for x in (own, theirs))
    for a, b in zip(own, theirs, strict=True):
        assert a['length'] == b['length'] and a['class_names'] == b['class_names']
        if function.startswith('image'):        # Keras tells the others nothing
            assert a['file_names'] == b['file_names']
        if function.startswith('image'):        # as documented, where Keras leaves 'nearest' in uint8
            assert a['types'] == [t.replace('uint8', 'float32') for t in b['types']]
        elif function.startswith('time'):
            assert a['types'] == b['types']
        # TensorFlow cuts the fractions of grey values off, Pillow rounds them
        assert close(a['epochs'], b['epochs'], 1.01 if name == 'gray' else 0.02)


def test_errors_are_those_of_keras(ours):
    assert ours[1] == RECORDED['errors']


def test_order_is_that_of_tensorflow():
    """Recorded: three passes over tf.data.Dataset.range(20).shuffle(5, seed=7), TensorFlow 2.21."""
    recorded = [[2, 4, 0, 3, 8, 1, 9, 10, 5, 13, 12, 14, 15, 7, 6, 19, 16, 17, 11, 18],
                [4, 0, 3, 7, 2, 6, 8, 9, 5, 1, 12, 15, 14, 10, 11, 17, 13, 18, 16, 19],
                [1, 0, 6, 7, 4, 8, 5, 11, 3, 12, 9, 15, 2, 17, 10, 16, 18, 14, 13, 19]]
    assert [shuffled(20, 5, 7, epoch).tolist() for epoch in range(3)] == recorded
    assert shuffled(10, 100, 7, 0).tolist() == [2, 8, 6, 5, 9, 1, 0, 3, 7, 4]
    for n in (0, 1, 7, 1000):
        assert sorted(shuffled(n, 10, 2 ** 40 + 1, 3).tolist()) == list(range(n))


def test_by_index_as_by_passes(files):
    one, other = (utils.image_dataset_from_directory(files / 'images', seed=3, batch_size=4, image_size=(5, 6), verbose=False)
                  for _ in range(2))
    assert isinstance(one, Sequence) and len(one) == 3
    for _ in range(2):
        for i, (x, y) in enumerate(other):
            assert np.array_equal(one[i][0], x) and np.array_equal(one[i - 3][1], y)
        one.on_epoch_end()
    with pytest.raises(IndexError, match='3 batches'):
        one[3]


def _in_child(data, pipe):
    pipe.send(data[1][1].tolist())


def test_copies_in_other_processes_share_the_order(files):
    data = utils.image_dataset_from_directory(files / 'images', batch_size=2, image_size=(5, 6), verbose=False)
    for method in ('fork', 'spawn'):
        context = multiprocessing.get_context(method)
        ours, theirs = context.Pipe()
        process = context.Process(target=_in_child, args=(data, theirs))
        process.start()
        assert ours.poll(60) and ours.recv() == data[1][1].tolist()
        process.join()


def test_broken_images(files, tmp_path):
    for i in range(3):
        save(tmp_path / f'a/{i}.png', i)
        save(tmp_path / f'b/{i}.png', i)
    (tmp_path / 'a/1.png').write_text('x')
    how = {'shuffle': False, 'batch_size': 4, 'image_size': (5, 6)}
    with pytest.raises(ImageFileError, match='a/1.png'):
        utils.image_dataset_from_directory(tmp_path, **how)[0]
    data = utils.image_dataset_from_directory(tmp_path, on_error='skip', **how)
    assert data[0][0].shape == (3, 5, 6, 3) and data[0][1].tolist() == [0, 0, 1]
    data = utils.image_dataset_from_directory(tmp_path, on_error='report', **how)
    with pytest.warns(UserWarning, match='a/1.png'):
        assert len(data[0][0]) == 3
    assert list(data.errors) == [str(tmp_path / 'a/1.png')]
    x, y = utils.image_dataset_from_directory(tmp_path, on_error='skip', **{**how, 'batch_size': 1})[1]
    assert x.shape == (0, 5, 6, 3) and y.shape == (0,)
    with pytest.raises(ImageFileError, match='a/1.png.*batch_size=None'):
        utils.image_dataset_from_directory(tmp_path, on_error='skip', **{**how, 'batch_size': None})[1]


def test_jpegs_are_read_by_their_pixels(tmp_path):
    """Enlarged by two with bilinear weights, against weights worked out by hand: 1/4 and 3/4 of the neighbours."""
    from PIL import Image
    save(tmp_path / 'a/1.jpg', height=6, width=8, smooth=True)
    with Image.open(tmp_path / 'a/1.jpg') as image:
        x = np.pad(np.asarray(image, np.float64), ((1, 1), (1, 1), (0, 0)), 'edge')
    rows = np.stack([0.25 * x[:-2] + 0.75 * x[1:-1], 0.75 * x[1:-1] + 0.25 * x[2:]], axis=1).reshape(12, 10, 3)
    both = np.stack([0.25 * rows[:, :-2] + 0.75 * rows[:, 1:-1], 0.75 * rows[:, 1:-1] + 0.25 * rows[:, 2:]], axis=2)
    own = utils.image_dataset_from_directory(tmp_path, image_size=(12, 16), labels=None)[0]
    assert np.allclose(own[0], both.reshape(12, 16, 3), atol=1e-3)


@pytest.mark.parametrize('color_mode', ['grayscale', 'rgb', 'rgba'])
def test_gray_of_sixteen_bits(tmp_path, color_mode):
    """The upper eight bits, as TensorFlow's decoder has it; Pillow makes white of most others."""
    from PIL import Image
    x = np.random.RandomState(0).randint(0, 65536, (5, 6)).astype(np.uint16)
    (tmp_path / 'a').mkdir()
    Image.fromarray(x).save(tmp_path / 'a/1.png')
    own = utils.image_dataset_from_directory(tmp_path, image_size=(5, 6), labels=None, color_mode=color_mode)[0]
    for channel in range(min(own.shape[3], 3)):
        assert np.array_equal(own[0, :, :, channel], x >> 8)
    assert own.shape[3] < 4 or (own[..., 3] == 255).all()


def test_texts(tmp_path):
    (tmp_path / 'a').mkdir()
    (tmp_path / 'a/1.txt').write_text('äöü€', encoding='utf-8')
    assert utils.text_dataset_from_directory(tmp_path, labels=None, max_length=2)[0].tolist() == ['äö']
    (tmp_path / 'a/1.txt').write_bytes(b'\xff\xfe')
    with pytest.raises(ValueError, match='1.txt.*UTF-8'):
        utils.text_dataset_from_directory(tmp_path)[0]


@pytest.mark.parametrize('make', [utils.image_dataset_from_directory, utils.text_dataset_from_directory])
def test_wrong_arguments(make, files, tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere'):
        make(tmp_path / 'nowhere')
    with pytest.raises(ValueError, match='there are no .* files'):
        make(tmp_path)
    for size in (0, 1.5, True):
        with pytest.raises(ValueError, match='batch_size'):
            make(files / ('images' if 'image' in make.__name__ else 'texts'), batch_size=size)
    with pytest.raises(ValueError, match='whole numbers'):
        make(files / ('images' if 'image' in make.__name__ else 'texts'), labels=['x'] * (9 if 'image' in make.__name__ else 7))


def test_series_leave_their_data_alone():
    data = np.arange(10.)
    own = utils.timeseries_dataset_from_array(data, None, 3)
    own[0][:] = 0
    assert data.tolist() == list(range(10))
    x, y = utils.timeseries_dataset_from_array(data, data[3:], 3, start_index=2)[0]
    assert x[:, 0].tolist() == [2, 3, 4, 5, 6] and y.tolist() == [5, 6, 7, 8, 9]
    with pytest.raises(ValueError, match='sequence_length'):
        utils.timeseries_dataset_from_array(data, None, 0)


def test_names():
    for name in ('image_dataset_from_directory', 'text_dataset_from_directory', 'timeseries_dataset_from_array'):
        assert getattr(preprocessing, name) is getattr(utils, name)
        assert name in dir(preprocessing)
