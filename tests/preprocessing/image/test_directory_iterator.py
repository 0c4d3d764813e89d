"""Images from folders, against keras-preprocessing; and what it does not do: broken files, links, threads."""

import multiprocessing
import os
import pickle
import threading
import warnings
import zipfile

import numpy as np
import pytest
from PIL import Image

from fastkeras import config
from fastkeras.callbacks import LambdaCallback
from fastkeras.layers import Dense, Flatten
from fastkeras.models import Sequential
from fastkeras.preprocessing.image import DirectoryIterator, ImageFileError, augment, reading
from fastkeras.utils import OrderedEnqueuer
from tests.artifacts import artifact
from tests.preprocessing.image.pictures import folder, save

SIZE = (8, 9)


@pytest.fixture(scope='module')
def pictures(tmp_path_factory):
    return folder(tmp_path_factory.mktemp('pictures'))


@pytest.fixture(scope='module')
def keras():
    return pytest.importorskip('keras_preprocessing.image')


def same(one, other):
    if isinstance(one, (tuple, list)):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    return one.dtype == other.dtype and np.array_equal(one, other)


def iterator(directory, generator=None, **how):
    return DirectoryIterator(directory, generator, **{'target_size': SIZE, **how})


@pytest.mark.parametrize('how', [
    {}, {'shuffle': False}, {'class_mode': 'sparse'}, {'class_mode': 'input'}, {'class_mode': None},
    {'class_mode': 'binary', 'classes': ['dog', 'cat']}, {'color_mode': 'grayscale'}, {'color_mode': 'rgba'},
    {'data_format': 'channels_first'}, {'data_format': 'channels_first', 'color_mode': 'grayscale'},
    {'interpolation': 'bilinear'}, {'interpolation': 'lanczos', 'target_size': (30, 40)}, {'dtype': 'float64'},
    {'dtype': 'uint8', 'batch_size': 1},
], ids=str)
def test_is_that_of_keras(pictures, keras, capsys, how):
    generator = keras.ImageDataGenerator(data_format=how.get('data_format', 'channels_last'))
    how = {'target_size': SIZE, 'batch_size': 4, 'seed': 3, **how}
    theirs = keras.DirectoryIterator(str(pictures), generator, **how)
    said = capsys.readouterr().out
    for directory in (str(pictures), pictures):
        own = DirectoryIterator(directory, None, **how)
        assert capsys.readouterr().out == said
        for name in ('filenames', 'class_indices', 'num_classes', 'samples', 'n', 'image_shape', 'filepaths', 'target_size',
                     'color_mode', 'class_mode', 'batch_size', 'shuffle', 'seed', 'interpolation', 'subset'):
            assert getattr(own, name) == getattr(theirs, name), name
        assert same(own.classes, theirs.classes) and same(own.labels, theirs.labels)
        assert len(own) == len(theirs)
    stream = [next(theirs) for _ in range(len(theirs) + 2)]
    for given in (None, generator):
        own = DirectoryIterator(pictures, given, **how)
        assert all(same(next(own), batch) for batch in stream)
    own = DirectoryIterator(pictures, None, **how)
    assert all(same(own[i], stream[i]) for i in range(len(own)))


def test_transforms_as_keras(pictures, keras):
    """A generator of whatever origin is used by its methods; its random numbers come in Keras's order."""
    generator = keras.ImageDataGenerator(rotation_range=20, shear_range=10, horizontal_flip=True, rescale=1 / 255)
    theirs, own = (cls(str(pictures), generator, target_size=SIZE, batch_size=4, seed=1)
                   for cls in (keras.DirectoryIterator, DirectoryIterator))
    assert all(same(next(own), next(theirs)) for _ in range(6))


@pytest.mark.parametrize('subset', ['training', 'validation'])
def test_subsets(pictures, keras, capsys, subset):
    generator = keras.ImageDataGenerator(validation_split=0.3)
    theirs, own = (cls(str(pictures), generator, target_size=SIZE, subset=subset)
                   for cls in (keras.DirectoryIterator, DirectoryIterator))
    assert own.filenames == theirs.filenames and same(own.classes, theirs.classes)
    count = {'training': 12, 'validation': 3}[subset]
    assert capsys.readouterr().out == f'Found {count} images belonging to 3 classes.\n' * 2


def test_order_of_the_documentation(tmp_path, capsys):
    for name in ('dogs/dog002.jpg', 'cats/cat002.jpg', 'dogs/dog001.jpg', 'cats/cat001.jpg', 'Zebra/z.png', 'cats/a/b.png'):
        save(tmp_path / name)
    own = iterator(tmp_path, shuffle=False)
    assert capsys.readouterr().out == 'Found 6 images belonging to 3 classes.\n'
    assert own.class_indices == {'Zebra': 0, 'cats': 1, 'dogs': 2}
    assert own.filenames == ['Zebra/z.png', 'cats/cat001.jpg', 'cats/cat002.jpg', 'cats/a/b.png', 'dogs/dog001.jpg',
                             'dogs/dog002.jpg']
    assert own[0][1].argmax(1).tolist() == [0, 1, 1, 1, 2, 2]


def test_hidden_folders_links_and_pipes(tmp_path):
    for name in ('real/a/1.png', 'real/a/deep/2.png', '.git/x.png', 'real/.hidden/x.png', 'elsewhere/3.png', 'real/a/.h/x.png'):
        save(tmp_path / name)
    (tmp_path / 'real/a/loop').symlink_to(tmp_path / 'real/a')
    (tmp_path / 'real/b').symlink_to(tmp_path / 'elsewhere')
    (tmp_path / 'real/up').symlink_to(tmp_path / 'real')
    (tmp_path / 'real/a/link').symlink_to(tmp_path / 'elsewhere')
    (tmp_path / 'real/a/gone.png').symlink_to(tmp_path / 'nowhere')
    (tmp_path / 'real/a/notes.txt').write_text('no image')
    os.mkfifo(tmp_path / 'real/a/pipe.png')
    assert iterator(tmp_path / 'real').filenames == ['a/1.png', 'a/deep/2.png', 'b/3.png']
    own = iterator(tmp_path / 'real', follow_links=True, shuffle=False)
    assert own.filenames == ['a/1.png', 'a/deep/2.png', 'a/link/3.png', 'b/3.png']
    assert own[0][0].shape == (4, *SIZE, 3)


def test_gray_of_sixteen_bits(tmp_path, keras):
    (tmp_path / 'a').mkdir()
    x = np.random.RandomState(0).randint(0, 65536, (8, 9)).astype(np.uint16)
    Image.fromarray(x).save(tmp_path / 'a/1.png')
    how = {'target_size': SIZE, 'color_mode': 'grayscale', 'class_mode': None}
    theirs = next(keras.DirectoryIterator(str(tmp_path), None, **how))
    assert same(next(iterator(tmp_path, **how)), theirs) and theirs.max() > 255


def test_saves_images_as_keras(pictures, keras, tmp_path):
    generator, saved = keras.ImageDataGenerator(horizontal_flip=True), {}
    for cls in (keras.DirectoryIterator, DirectoryIterator):
        to = tmp_path / cls.__module__
        to.mkdir()
        next(cls(str(pictures), generator, target_size=SIZE, batch_size=4, seed=5, save_to_dir=str(to), save_prefix='p'))
        saved[cls] = {p.name: np.asarray(Image.open(p)).tolist() for p in to.iterdir()}
    assert len(saved[DirectoryIterator]) == 4
    assert saved[DirectoryIterator] == saved[keras.DirectoryIterator]


# ---- broken files
@pytest.fixture
def broken(tmp_path):
    """Six files of two classes; b/1 is truncated, b/2 is text, a/2 empty."""
    for name in ('a/1.png', 'a/3.png', 'b/0.png', 'b/3.jpg'):
        save(tmp_path / name, sum(map(ord, name)))
    (tmp_path / 'a/2.png').write_bytes(b'')
    whole = save(tmp_path / 'b/1.jpg', height=200, width=200).read_bytes()
    (tmp_path / 'b/1.jpg').write_bytes(whole[:len(whole) // 2])
    (tmp_path / 'b/2.jpg').write_text('<html>not found</html>')
    return tmp_path


def test_a_broken_file_is_an_error_that_names_it(broken):
    own = iterator(broken, shuffle=False, batch_size=2)
    for index, name, cause in [(0, 'a/2.png', 'empty'), (2, 'b/1.jpg', 'truncated'), (2, 'b/1.jpg', 'truncated')]:
        with pytest.raises(ImageFileError, match=f'{name}.*{cause}') as info:
            own[index]
        assert info.value.path == str(broken / name)
    (broken / 'a/1.png').unlink()
    with pytest.raises(FileNotFoundError, match='a/1.png'):
        own[0]


@pytest.mark.parametrize('mode', ['skip', 'report'])
def test_labels_stay_with_their_images(broken, mode):
    """What is left has the pixels and labels that it would have had."""
    good = ['a/1.png', 'a/3.png', 'b/0.png', 'b/3.jpg']
    own = iterator(broken, shuffle=False, batch_size=4, class_mode='sparse', on_error=mode)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter('always')
        batches = [own[0], own[1], own[0]]
    assert [len(x) for x, _ in batches] == [3, 1, 3]
    assert [y.tolist() for _, y in batches] == [[0, 0, 1], [1], [0, 0, 1]]
    for name, x in zip(good, np.concatenate([batches[0][0], batches[1][0]]), strict=True):
        with Image.open(broken / name) as image:
            assert np.array_equal(x, np.asarray(image.resize(SIZE[::-1], Image.Resampling.NEAREST)))
    assert {os.path.relpath(p, broken) for p in own.errors} == {'a/2.png', 'b/1.jpg', 'b/2.jpg'}
    assert 'empty' in own.errors[str(broken / 'a/2.png')]
    assert len(seen) == (3 if mode == 'report' else 0)
    assert all(w.category is UserWarning for w in seen)


def test_transforms_of_those_that_stay():
    """They were drawn for the whole batch, before any image was read."""
    drawn = augment.Drawn(np.random.RandomState(0), 10)
    drawn.params = [{'flip_horizontal': i} for i in range(4)]
    drawn.finish(4)
    numbers = list(drawn.numbers)
    drawn.keep([0, 3])
    assert drawn.params == [{'flip_horizontal': 0}, {'flip_horizontal': 3}]
    assert drawn.numbers == [numbers[0], numbers[3]]


@pytest.mark.parametrize('mode', ['categorical', 'binary', 'input', None])
def test_a_batch_of_broken_files_alone_is_empty(broken, mode):
    own = iterator(broken, shuffle=False, batch_size=1, class_mode=mode, on_error='skip')
    x, y = own[1] if mode else (own[1], None)
    assert x.shape == (0, *own.image_shape)
    assert y is None or y.shape == {'categorical': (0, 2), 'binary': (0,), 'input': x.shape}[mode]


@pytest.mark.parametrize('how', [{'workers': 0}, {'workers': 2}, {'workers': 2, 'use_multiprocessing': True}])
def test_training_passes_over_empty_batches(broken, how):
    model = Sequential([Flatten(input_shape=iterator(broken).image_shape), Dense(1)])
    model.compile('sgd', 'mse')
    own = iterator(broken, shuffle=False, batch_size=1, class_mode='binary', on_error='skip')
    x, y = (np.concatenate(parts) for parts in zip(*(own[i] for i in range(len(own)))))
    assert len(x) == 4 < len(own)
    assert np.array_equal(model.predict_generator(own, **how), model.predict(x, batch_size=1))
    assert np.allclose(model.evaluate_generator(own, **how), model.evaluate(x, y, verbose=0))
    sizes = []
    model.fit_generator(own, epochs=2, verbose=0, callbacks=[LambdaCallback(
        on_batch_end=lambda batch, logs: sizes.append(logs['size']))], **how)
    assert sizes == [1] * 8
    for name in ('a/1.png', 'a/3.png', 'b/0.png', 'b/3.jpg'):
        (broken / name).write_text('gone')
    with pytest.raises(ValueError, match='none of the 7 batches'):
        model.fit_generator(own, verbose=0, **how)


# ---- draft
def test_draft(tmp_path):
    save(tmp_path / 'a/1.jpg', height=240, width=320, smooth=True)
    shapes, made = [], {}
    for interpolation in ('nearest', 'bilinear'):
        for draft in (None, True, False):
            made[interpolation, draft] = next(iterator(tmp_path, target_size=(60, 80), interpolation=interpolation, draft=draft,
                                                       class_mode=None))
            shapes.append(made[interpolation, draft].shape)
    assert set(shapes) == {(1, 60, 80, 3)}
    assert same(made['nearest', None], made['nearest', False])
    assert not same(made['nearest', True], made['nearest', False])
    assert not same(made['bilinear', None], made['bilinear', False])
    for key in made:
        assert np.abs(made[key] - made[key[0], False]).mean() < 1, key


# ---- threads and processes
def test_threads_end_and_are_bounded(pictures):
    before, most = threading.active_count(), []
    own = iterator(pictures, batch_size=15)
    saved = config.get_num_threads()

    def watched(path):
        most.append(sum(t.name == 'fastkeras-images' for t in threading.enumerate()))
        return path
    try:
        for count in (1, 2, 4):
            config.set_num_threads(count)
            most.clear()
            assert reading.each(watched, list(range(200))) == list(range(200))
            assert max(most) <= count - 1
            next(own)
            assert threading.active_count() == before
        callers = [threading.Thread(target=reading.each, args=(watched, list(range(200)))) for _ in range(3)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert max(most) <= 3
        assert threading.active_count() == before
    finally:
        config.set_num_threads(saved)


def test_threads_end_when_their_start_is_interrupted(monkeypatch):
    """Ctrl-C may arrive while `start` waits for the new thread."""
    start, begun = threading.Thread.start, threading.Event()

    def interrupted(thread):
        start(thread)
        begun.wait(10)
        raise KeyboardInterrupt
    monkeypatch.setattr(threading.Thread, 'start', interrupted)
    monkeypatch.setattr(config, 'get_num_threads', lambda: 2)
    ended = []
    with pytest.raises(KeyboardInterrupt):
        reading.each(lambda x: (begun.set(), threading.Event().wait(0.05), ended.append(x)), [1, 2, 3])
    assert ended == [1]
    assert not [t for t in threading.enumerate() if t.name == 'fastkeras-images']


def test_first_error_ends_the_work():
    done = []

    def function(i):
        done.append(i)
        if i in (7, 9):
            raise ValueError(str(i))
        return i

    before = threading.active_count()
    with pytest.raises(ValueError, match='7'):
        reading.each(function, list(range(1000)))
    assert len(done) < 1000 and threading.active_count() == before


@pytest.mark.parametrize('threads', [1, 3])
def test_same_batches_whatever_the_threads(pictures, threads):
    expected = [batch for batch, _ in zip(iterator(pictures, seed=2, batch_size=4), range(6))]
    saved = config.get_num_threads()
    try:
        config.set_num_threads(threads)
        assert all(same(a, b) for a, b in zip(iterator(pictures, seed=2, batch_size=4), expected))
    finally:
        config.set_num_threads(saved)


def _in_child(own, pipe):
    pipe.send(own[1])
    pipe.close()


def test_in_a_forked_process(pictures):
    own = iterator(pictures, seed=2, batch_size=4)
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context('fork').Process(target=_in_child, args=(own, theirs))
    process.start()
    assert ours.poll(20)
    assert same(ours.recv(), own[1])
    process.join()
    assert process.exitcode == 0


@pytest.mark.parametrize('processes', [True, False])
def test_read_ahead(pictures, processes):
    own = iterator(pictures, seed=2, batch_size=4)
    expected = [own[i] for i in range(len(own))]
    before = threading.active_count()
    enqueuer = OrderedEnqueuer(iterator(pictures, seed=2, batch_size=4), use_multiprocessing=processes)
    enqueuer.start(workers=2, max_queue_size=3)
    batches = enqueuer.get()
    assert all(same(next(batches), batch) for batch in expected)
    enqueuer.stop()
    assert threading.active_count() == before


def test_can_be_pickled(pictures):
    own = iterator(pictures, seed=2, batch_size=4)
    copy = pickle.loads(pickle.dumps(own))
    assert all(same(copy[i], own[i]) for i in range(len(own)))


# ---- arguments
@pytest.mark.parametrize('how,message', [
    ({'class_mode': 'raw'}, 'class_mode'), ({'color_mode': 'cmyk'}, 'color_mode'), ({'target_size': (0, 5)}, 'target_size'),
    ({'interpolation': 'cubic'}, 'interpolation'), ({'on_error': 'ignore'}, 'on_error'), ({'draft': 2}, 'draft'),
    ({'classes': ['cat', 'cat']}, 'classes'), ({'subset': 'test'}, 'subset'), ({'seed': -1}, 'seed'),
    ({'batch_size': 0}, 'batch_size'), ({'data_format': 'last'}, 'data_format'),
])
def test_wrong_arguments(pictures, how, message):
    with pytest.raises(ValueError, match=message):
        iterator(pictures, **how)


def test_no_such_folder(pictures, tmp_path):
    with pytest.raises(FileNotFoundError, match='DirectoryIterator.*nowhere.*does not exist'):
        iterator(tmp_path / 'nowhere')
    with pytest.raises(NotADirectoryError, match='is none'):
        iterator(pictures / 'cat' / '9.png')
    with pytest.raises(TypeError, match='DirectoryIterator: directory must be a path, got None'):
        iterator(None)
    with pytest.warns(UserWarning, match='fish'):
        assert iterator(pictures, classes=['cat', 'fish']).samples == 5


def test_no_images(tmp_path, capsys):
    own = iterator(tmp_path)
    assert capsys.readouterr().out == 'Found 0 images belonging to 0 classes.\n'
    assert len(own) == 0 and own.classes.dtype == np.int32


def test_more_than_two_classes_are_not_binary(pictures):
    with pytest.warns(UserWarning, match='binary'):
        assert next(iterator(pictures, class_mode='binary'))[1].max() == 2


@pytest.fixture
def cats_and_dogs(tmp_path):
    with zipfile.ZipFile(artifact('data/cats_dogs_200_80.zip')) as archive:
        archive.extractall(tmp_path)
    return tmp_path / 'data/train'


def test_the_cats_and_dogs(cats_and_dogs, keras, capsys):
    how = {'target_size': (150, 150), 'class_mode': 'binary', 'seed': 1}
    theirs, own = keras.DirectoryIterator(str(cats_and_dogs), None, **how), DirectoryIterator(cats_and_dogs, None, **how)
    assert capsys.readouterr().out == 'Found 200 images belonging to 2 classes.\n' * 2
    assert own.filenames == theirs.filenames
    assert all(same(own[i], next(theirs)) for i in range(len(own)))


def test_draft_changes_pixels_little(cats_and_dogs):
    made = {draft: iterator(cats_and_dogs, target_size=(64, 64), interpolation='bilinear', draft=draft, shuffle=False,
                            class_mode=None, batch_size=200)[0] for draft in (None, True, False)}
    for draft, mean in ((None, 1), (True, 2.2)):
        difference = np.abs(made[draft] - made[False]).reshape(200, -1)
        changed = difference[difference.any(1)]
        assert len(changed) > 100 and changed.mean() < mean
