"""Order, random numbers and epochs of iterators, against those of keras-preprocessing."""

import copy
import multiprocessing
import pickle
import threading

import numpy as np
import pytest

from fastkeras.preprocessing.image import iterator, states


class Ours(iterator.Iterator):
    """Gives (indices, numbers drawn)."""

    def _draw(self, index_array, random):
        return random.random_sample(len(index_array))

    def _batch(self, index_array, drawn):
        return index_array.copy(), drawn


class Hooked(iterator.Iterator):
    """As people wrote it for Keras."""

    def _get_batches_of_transformed_samples(self, index_array):
        return index_array.copy(), np.random.random_sample(len(index_array))


@pytest.fixture(scope='module')
def keras():
    """The class of keras-preprocessing with the same batches as Ours."""
    base = pytest.importorskip('keras_preprocessing.image').Iterator

    class Keras(base):
        _get_batches_of_transformed_samples = Hooked._get_batches_of_transformed_samples

    return Keras


def same(batch, other):
    return all(np.array_equal(a, b) for a, b in zip(batch, other, strict=True))


def state():
    return repr(np.random.get_state())


@pytest.mark.parametrize('kind', [Ours, Hooked])
@pytest.mark.parametrize('shuffle', [True, False])
@pytest.mark.parametrize('n,size', [(10, 4), (8, 4), (3, 4), (5, 1)])
def test_seeded_stream_is_that_of_keras(keras, kind, shuffle, n, size):
    theirs, own = keras(n, size, shuffle, 7), kind(n, size, shuffle, 7)
    for k in range(3 * len(own) + 1):
        expected = next(theirs)
        np.random.seed(k)
        before = state()
        assert same(next(own), expected)
        assert state() == before
    theirs.reset()
    own.reset()
    for _ in range(len(own) + 1):
        assert same(next(own), next(theirs))
    assert (own.batch_index, own.total_batches_seen) == (theirs.batch_index, theirs.total_batches_seen)


@pytest.mark.parametrize('kind', [Ours, Hooked])
@pytest.mark.parametrize('shuffle', [True, False])
def test_unseeded_stream_is_that_of_keras(keras, kind, shuffle):
    np.random.seed(3)
    theirs = keras(10, 4, shuffle, None)
    expected = [next(theirs) for _ in range(7)]
    np.random.seed(3)
    own = kind(10, 4, shuffle, None)
    assert all(same(next(own), e) for e in expected)


@pytest.mark.parametrize('kind', [Ours, Hooked])
@pytest.mark.parametrize('seed', [5, None])
def test_by_index_as_keras(keras, kind, seed):
    """Without a seed over epochs; with one, later epochs are those of `next` (Keras draws another order there)."""
    np.random.seed(3)
    theirs = keras(10, 4, True, seed)
    expected = [[theirs[i] for i in range(3)], theirs.on_epoch_end(), [theirs[i] for i in range(3)]]
    np.random.seed(3)
    own = kind(10, 4, True, seed)
    assert all(same(own[i], e) for i, e in enumerate(expected[0]))
    own.on_epoch_end()
    if seed is None:
        assert all(same(own[i], e) for i, e in enumerate(expected[2]))


@pytest.mark.parametrize('kind', [Ours, Hooked])
@pytest.mark.parametrize('shuffle', [True, False])
def test_seeded_batches_depend_on_epoch_and_index_alone(kind, shuffle):
    stream = kind(10, 4, shuffle, 1)
    own = kind(10, 4, shuffle, 1)
    for _ in range(3):
        epoch = [next(stream) for _ in range(3)]
        for i in (2, 0, 1, 0, -1):
            assert same(own[i], epoch[i])
        own.on_epoch_end()


def test_one_place_in_the_stream():
    """`next` and index walk through the same epochs."""
    stream = [b for b, _ in zip(Ours(10, 4, True, 1), range(12))]
    own = Ours(10, 4, True, 1)
    assert same(next(own), stream[0])
    assert same(own[2], stream[2])      # of the same epoch
    own.on_epoch_end()
    assert same(next(own), stream[3])
    assert same(own[0], stream[3])
    for k in (4, 5, 6):
        assert same(next(own), stream[k])
    assert same(own[2], stream[8])
    assert next(own.index_generator).tolist() == stream[7][0].tolist()


def test_threads_share_a_stream():
    expected = [b for b, _ in zip(Ours(64, 4, True, 2), range(48))]
    own, got = Ours(64, 4, True, 2), []

    def work():
        for _ in range(12):
            got.append(next(own))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    got, expected = (sorted(batches, key=lambda b: b[1].tolist()) for batches in (got, expected))
    assert all(same(a, b) for a, b in zip(got, expected, strict=True))


def child(own, queue):
    queue.put([own[i] for i in range(len(own))])


@pytest.mark.parametrize('method', ['fork', 'spawn'])
@pytest.mark.parametrize('seed', [4, None])
def test_other_processes(method, seed):
    """With a seed they give the same batches. Without one they share the order, and no two batches of an epoch have the
    same numbers."""
    context = multiprocessing.get_context(method)
    own = Ours(12, 4, True, seed)
    own.on_epoch_begin()
    queue = context.SimpleQueue()
    process = context.Process(target=child, args=(own, queue))
    process.start()
    got = queue.get()
    process.join()
    for i in range(3):
        assert same(own[i][:1], got[i][:1])
        assert seed is None or same(own[i], got[i])
    assert len({tuple(b[1]) for b in got}) == 3


def test_copies():
    for own in (Ours(12, 4, True, 3), Ours(12, 4, False, None)):
        next(own)
        for other in (pickle.loads(pickle.dumps(own)), copy.deepcopy(own), copy.copy(own)):
            assert other.lock is not own.lock and other.index_generator._iterator is other
            assert same(other[1][:1], own[1][:1])
            assert own.seed is None or same(other[1], own[1])
        assert next(other)[0].tolist() == next(own)[0].tolist()


def test_copy_in_another_process_is_derived(monkeypatch):
    """What a process does to which an iterator came without a seed: numbers from the global state of the first one."""
    np.random.seed(1)
    own = Ours(12, 4, True, None)
    data = pickle.dumps(own)
    monkeypatch.setattr(iterator.os, 'getpid', lambda: -1)
    before = state()
    first, second = pickle.loads(data), pickle.loads(data)
    assert all(same(first[i], second[2 - j]) for j, i in enumerate((2, 1, 0)))
    first.on_epoch_end()
    assert not same(first[0], second[0])
    assert state() == before
    inherited = Ours(12, 4, True, None)
    assert sorted(np.concatenate([inherited[i][0] for i in range(3)])) == list(range(12))


def test_own_order():
    """Keras's hook for another order, which draws from the global state."""
    class Sampler(Ours):
        def _set_index_array(self):
            self.index_array = np.random.randint(0, self.n, self.n)

    batches = [b for b, _ in zip(Sampler(8, 4, True, 6), range(4))]
    np.random.seed(6)
    order = np.random.randint(0, 8, 8)
    assert batches[0][0].tolist() == order[:4].tolist() and batches[1][0].tolist() == order[4:].tolist()
    assert batches[0][1].tolist() == np.random.random_sample(4).tolist()
    own = Sampler(8, 4, True, 6)
    assert same(own[0], batches[0])


def test_empty():
    own = Ours(0, 4, True, 1)
    assert len(own) == 0 and len(next(own)[0]) == 0 and len(next(own)[0]) == 0


@pytest.mark.parametrize('arguments,message', [
    ((5, 0, True, None), 'batch_size must be a whole number of at least 1, got 0'),
    ((5, 2.5, True, None), 'batch_size'),
    ((-1, 2, True, None), 'n must be'),
    ((5, 2, True, -1), r'seed must be None or a whole number from 0 to 2\*\*32 - 1, got -1'),
    ((5, 2, True, 1.5), 'seed'),
    ((5, 2, True, 2 ** 32), 'seed'),
])
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Ours(*arguments)


def test_wrong_index():
    own = Ours(5, 2, True, None)
    for index in (3, -4):
        with pytest.raises(ValueError, match=f'asked for batch {index}, but there are only 3'):
            own[index]
    with pytest.raises(TypeError, match='_get_batches_of_transformed_samples'):
        iterator.Iterator(5, 2, True, None)[0]


def test_largest_seed():
    own = Ours(4, 2, False, 2 ** 32 - 1)
    assert same(own[1][1:], [np.random.RandomState(0).random_sample(2)])


@pytest.mark.parametrize('data_format,color_mode,shape', [
    ('channels_last', 'rgb', (5, 7, 3)), ('channels_first', 'rgba', (4, 5, 7)), (None, 'grayscale', (5, 7, 1))])
def test_common_init(data_format, color_mode, shape):
    own = Ours(5, 2, True, None)
    own.common_init(None, [5, 7], color_mode, data_format, None, '', 'png', None, 'nearest')
    assert own.image_shape == shape and own.split is None and own.target_size == (5, 7)

    class Generator:
        _validation_split = 0.25

    for subset, split in (('training', (0.25, 1)), ('validation', (0, 0.25))):
        own.common_init(Generator(), (5, 7), color_mode, data_format, None, '', 'png', subset, 'nearest')
        assert own.split == split
    with pytest.raises(ValueError, match="subset must be 'training' or 'validation', got 'test'"):
        own.common_init(Generator(), (5, 7), color_mode, data_format, None, '', 'png', 'test', 'nearest')
    with pytest.raises(ValueError, match="expected color_mode 'grayscale', 'rgb' or 'rgba', got 'bgr'"):
        own.common_init(None, (5, 7), 'bgr', data_format, None, '', 'png', None, 'nearest')


def test_global_state_of_another():
    random = np.random.RandomState(8)
    before = state()
    with states.as_global(random):
        drawn = np.random.random_sample(3)
    assert state() == before
    expected = np.random.RandomState(8)
    assert drawn.tolist() == expected.random_sample(3).tolist()
    assert random.random_sample() == expected.random_sample()
    with states.as_global(np.random):
        pass
    assert state() == before
