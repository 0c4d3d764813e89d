"""Images that stay in memory from one epoch to the next."""

import multiprocessing
import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fastkeras.preprocessing.image import ImageDataGenerator, save_img
from fastkeras.preprocessing.image.kept import Kept


@pytest.fixture
def folder(tmp_path):
    random = np.random.RandomState(0)
    for i in range(6):
        path = tmp_path / 'ab'[i % 2] / f'{i}.png'
        path.parent.mkdir(exist_ok=True)
        save_img(path, random.randint(0, 256, (9, 8, 3)))
    return tmp_path


def flow(folder, **kwargs):
    return ImageDataGenerator(horizontal_flip=True, rescale=0.5).flow_from_directory(
        folder, target_size=(8, 8), batch_size=4, seed=3, **kwargs)


class Reader:
    def __init__(self):
        self.paths = []

    def __call__(self, path):
        self.paths.append(path)
        return np.full((2, 3, 1), len(self.paths), np.uint8)


def test_what_is_read_a_second_time_is_kept(tmp_path):
    files = [str(tmp_path / name) for name in 'ab']
    for file in files:
        open(file, 'w').close()
    reader, kept = Reader(), Kept(100)
    read = kept.reader(reader)
    assert [read(files[0])[0, 0, 0] for _ in range(4)] == [1, 2, 2, 2]
    assert len(kept) == 1 and kept.size == 6 and reader.paths == [files[0]] * 2
    assert not read(files[0]).flags.writeable
    read(files[1])
    assert len(kept) == 1
    os.utime(files[0], ns=(1, 1))       # changed, so read anew
    assert [read(files[0])[0, 0, 0] for _ in range(2)] == [4, 4]
    assert kept.size == 6
    os.remove(files[0])
    assert read(files[0])[0, 0, 0] == 5 and len(kept) == 0 and kept.size == 0
    assert Kept(0).reader(reader) is reader
    assert len(pickle.loads(pickle.dumps(kept))) == 0 and pickle.loads(pickle.dumps(kept)).limit == 100


def test_the_limit(tmp_path):
    files = [str(tmp_path / f'{i}') for i in range(5)]
    for file in files:
        open(file, 'w').close()
    reader, kept = Reader(), Kept(2 * 6 + 5)
    read = kept.reader(reader)
    for _ in range(4):
        for file in files:
            read(file)
    assert len(kept) == 2 and kept.size == 12 and len(reader.paths) == 2 * 2 + 4 * 3    # the first two stay


def test_threads(tmp_path):
    files = [str(tmp_path / f'{i}') for i in range(30)]
    for file in files:
        open(file, 'w').close()
    kept = Kept(20 * 6)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(kept.reader(Reader()), files * 20))
    assert len(kept) == 20 and kept.size == 120


def test_epochs_are_the_same_with_and_without(folder):
    it, plain = flow(folder), flow(folder)
    plain.kept.limit = 0
    for _ in range(10):
        for a, b in zip(next(it), next(plain)):
            np.testing.assert_array_equal(a, b)
    assert len(it.kept) == 6 and it.kept.size == 6 * 8 * 8 * 3 and len(plain.kept) == 0
    it.color_mode = plain.color_mode = 'grayscale'      # the files have to be read anew
    np.testing.assert_array_equal(it[0][0], plain[0][0])
    it.kept.limit = 0
    next(it)
    assert len(it.kept) == it.kept.size == 0


def test_a_copy_and_changed_files(folder):
    it, late = flow(folder, shuffle=False), flow(folder, shuffle=False)
    for _ in range(4):
        next(it)
    again = pickle.loads(pickle.dumps(it))
    assert len(again.kept) == 0
    save_img(folder / 'a' / '0.png', np.zeros((9, 8, 3)), scale=False)
    for _ in range(4):
        next(late)
    for other in (again, late):
        np.testing.assert_array_equal(it[0][0], other[0][0])
    assert (it[0][0][0] == 0).all()


def in_another_process(it):
    return it[0][0].sum()


@pytest.mark.parametrize('method', ['fork', 'spawn'])
def test_other_processes(folder, method):
    it = flow(folder)
    for _ in range(4):
        next(it)
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.apply(in_another_process, (it,)) == it[0][0].sum()
