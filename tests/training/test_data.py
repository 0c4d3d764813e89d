import numpy as np
import pytest

from fastkeras.training import data, feed, weights
from fastkeras.training.data import Slot

PIXELS = Slot('input', 'pixels', (None, 4))
SIDE = Slot('input', 'side', (None, 2, 3))


def test_forms_of_one_input():
    x = np.arange(8.).reshape(2, 4)
    for given in (x, [x], (x,), {'pixels': x, 'more': 1}, x.tolist()):
        (got,) = data.standardize(given, [PIXELS], 'input')
        np.testing.assert_array_equal(got, x)


def test_forms_of_two_inputs():
    a, b = np.ones((5, 4)), np.ones((5, 2, 3))
    for given in ([a, b], (a, b), {'side': b, 'pixels': a}):
        got = data.standardize(given, [PIXELS, SIDE], 'input')
        assert [g.shape for g in got] == [(5, 4), (5, 2, 3)]


def test_one_dimension_becomes_a_column():
    slot = Slot('input', 'x', (None, 1))
    assert data.standardize([1.0, 2.0, 3.0], [slot], 'input')[0].shape == (3, 1)
    assert data.standardize(np.ones(3), [Slot('input', 'x', (None,))], 'input')[0].shape == (3,)
    steps = Slot('target', 'y', (None, 7, 1), labels=3)
    assert data.standardize(np.zeros((2, 7), int), [steps], 'target')[0].shape == (2, 7, 1)


class Table:
    def to_numpy(self):
        return np.ones((3, 4))


def test_a_table_gives_its_array():
    assert data.standardize(Table(), [PIXELS], 'input')[0].shape == (3, 4)


@pytest.mark.parametrize('given, slots, words', [
    (None, [PIXELS], ["'pixels'", 'None']),
    (np.ones((2, 5)), [PIXELS], ["input 'pixels'", '(samples, 4)', '(2, 5)']),
    (np.ones((2, 4, 1)), [PIXELS], ["input 'pixels'", '2 dimensions', '(2, 4, 1)']),
    (np.ones((0, 4)), [PIXELS], ["input 'pixels'", 'at least one sample', '(0, 4)']),
    (np.ones(()), [PIXELS], ["input 'pixels'", 'single number']),
    ([], [PIXELS], ['empty list']),
    ([np.ones((2, 4))] * 3, [PIXELS], ['1 input', 'list of 3', 'np.array']),
    (np.ones((2, 4)), [PIXELS, SIDE], ["'pixels', 'side'", '(2, 4)']),
    ({'pixels': np.ones((2, 4))}, [PIXELS, SIDE], ["no data for input 'side'", "'pixels'"]),
    (np.array(['a', 'b']), [PIXELS], ["input 'pixels'", 'numbers']),
    (np.ones((2, 4), complex), [PIXELS], ["input 'pixels'", 'complex128']),
    ([[1.0, 2.0], [3.0]], [PIXELS], ["input 'pixels'", 'ragged']),
    (np.array([np.ones(2), np.ones(3)], dtype=object), [PIXELS], ["input 'pixels'", 'same shape']),
    (np.ones((2, 4)), [], ['takes no input']),
])
def test_bad_inputs_are_named(given, slots, words):
    with pytest.raises(ValueError) as e:
        data.standardize(given, slots, 'input')
    for word in words:
        assert word in str(e.value)


@pytest.mark.parametrize('labels, words', [
    ([0, 1, 3], ['labels from 0 to 2', '3 at sample 2', '3 classes']),
    ([0, -1, 2], ['-1 at sample 1']),
    ([0.0, 1.5, 2.0], ['whole numbers', '1.5 at sample 1']),
    ([0.0, np.nan, 2.0], ['whole numbers', 'nan at sample 1']),
    (np.array([0, 2**40, 1]), [str(2**40)]),
])
def test_labels_out_of_range(labels, words):
    slot = Slot('target', 'kind', (None, 1), 'int32', labels=3)
    with pytest.raises(ValueError) as e:
        data.standardize(np.array(labels), [slot], 'target')
    for word in ["output 'kind'", *words]:
        assert word in str(e.value)


def test_types_that_are_fed():
    def fed(dtype, slot):
        return data.converted([np.ones((2, 4), dtype)], [slot])[0].dtype
    assert [fed(t, PIXELS) for t in ('f8', 'f2', 'i8', 'u1', '>f4', '?')] == ['f4', 'f4', 'f4', 'u1', 'f4', 'f4']
    labels = Slot('target', 'y', (None, 1), 'int32', labels=3)
    assert [fed(t, labels) for t in ('f8', 'i8', 'u1')] == ['i4', 'i4', 'i4']


def test_converted_arrays_are_contiguous_and_aligned():
    raw = np.zeros(4 * 8 + 1, np.uint8)[1:].view(np.float32).reshape(2, 4)
    for array in (raw, np.ones((4, 2), np.float32).T, np.ones((4, 4), np.float32)[::2]):
        (got,) = data.converted([array], [PIXELS])
        assert got.flags.c_contiguous and got.flags.aligned
        np.testing.assert_array_equal(got, array)


def test_unequal_lengths():
    with pytest.raises(ValueError, match=r'input \(3, 4\); target \(2, 1\)'):
        data.check_lengths([np.ones((3, 4))], [np.ones((2, 1))])
    assert data.check_lengths([np.ones((3, 4))], [np.ones((3, 1))], [None]) == 3


def test_validation_takes_the_last_share():
    assert data.split_point(50, 0.2) == 40 and data.split_point(45, 0.3) == 31
    for share in (1.0, -0.1, 1.5, float('nan')):
        with pytest.raises(ValueError, match='validation_split'):
            data.split_point(10, share)
    with pytest.raises(ValueError, match='none is left'):
        data.split_point(1, 0.5)


# ---- weights
Y = np.eye(3)[[0, 1, 2, 1]]
ONE = [Slot('target', 'kind', (None, 3))]


def given(targets=Y, slots=ONE, temporal=(False,), **kwargs):
    return weights.standardize([targets], slots, temporal, **kwargs)


def test_no_weights():
    assert given() == [None]


def test_sample_weights():
    w = np.arange(1, 5)
    for form in ([1, 2, 3, 4], w, w.astype(float), {'kind': w}, [w], w[:, None]):
        (got,) = given(sample_weight=form)
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, [1, 2, 3, 4])


@pytest.mark.parametrize('y', [Y, np.array([[0], [1], [2], [1]]), np.array([[0.], [1.], [2.], [1.]])])
@pytest.mark.parametrize('w', [{0: 1, 1: 0.5, 2: 4}, {0: 1, 1: 0.5, 2: 4, 3: 9}, [1, 0.5, 4],
                               {'kind': {0: 1, 1: 0.5, 2: 4}}])
def test_class_weights(y, w):
    np.testing.assert_array_equal(given(y, class_weight=w)[0], np.float32([1, 0.5, 4, 0.5]))


def test_sample_weights_go_before_class_weights():
    with pytest.warns(UserWarning, match='class_weight is ignored'):
        (got,) = given(sample_weight=np.ones(4), class_weight={0: 5, 1: 5, 2: 5})
    np.testing.assert_array_equal(got, np.ones(4))


@pytest.mark.parametrize('kwargs, words', [
    ({'sample_weight': np.ones(3)}, ['(4,)', '(3,)']),
    ({'sample_weight': np.ones((4, 3))}, ['(4, 3)', "sample_weight_mode='temporal'"]),
    ({'sample_weight': np.array(['a'] * 4)}, ['numbers']),
    ({'class_weight': {0: 1, 1: 2}}, ['classes 2']),
    ({'class_weight': 'balanced'}, ["'balanced'"]),
    ({'sample_weight': {'kind': np.ones(4), 'size': np.ones(4)}}, ["unknown output 'size'"]),
    ({'sample_weight': np.ones((4, 3)), 'temporal': (True,)}, ['time axis']),
    ({'class_weight': {0: 1, 1: 1, 2: 1}, 'targets': np.ones((4, 5, 3))}, ['at most 2 dimensions']),
])
def test_bad_weights(kwargs, words):
    with pytest.raises(ValueError) as e:
        given(**kwargs)
    for word in words:
        assert word in str(e.value)


def test_weights_over_time():
    y, w = np.ones((4, 5, 2)), np.arange(20).reshape(4, 5)
    assert given(y, temporal=(True,), sample_weight=w)[0].shape == (4, 5)
    with pytest.raises(ValueError, match=r'\(4, 5\).*\(4,\)'):
        given(y, temporal=(True,), sample_weight=np.ones(4))


# ---- batches
@pytest.mark.parametrize('dtype', ['f4', 'f8', 'u1'])
@pytest.mark.parametrize('shuffle', [True, False, 'batch'])
def test_every_sample_once_and_together(dtype, shuffle):
    np.random.seed(1)
    x = np.arange(22).reshape(11, 2).astype(dtype)
    source = feed.Feed([x, x[:, :1] * 2], ['f4', 'f4'], 4)
    order = feed.Order(11, 4, shuffle)
    for _ in range(3):
        order.next_epoch()
        sizes, seen = [], []
        for k in range(len(order)):
            (a, b), size = order.batch(source, k)
            assert a.dtype == b.dtype == np.float32 and a.flags.c_contiguous and len(a) == size
            np.testing.assert_array_equal(a[:, :1] * 2, b)
            sizes.append(size)
            seen += list(a[:, 0])
        assert sizes == [4, 4, 3] and sorted(seen) == list(x[:, 0])
        assert shuffle or seen == sorted(seen)
        if shuffle == 'batch':
            assert seen[8:] == [16, 18, 20] and seen[1] - seen[0] == 2


def test_shuffled_batches_reuse_their_memory():
    source = feed.Feed([np.ones((8, 3), np.float32)], ['f4'], 4)
    first = source.gather(np.array([0, 1, 2, 3]))[0]
    assert source.gather(np.array([4, 5, 6, 7]))[0] is first
    x = np.ones((8, 3), np.float32)
    assert np.shares_memory(feed.Feed([x], ['f4'], 4).slice(2, 6)[0], x)


def test_shuffle_draws_as_keras_2_does():
    """Keras 2 shuffles the array of indices in place, rows of it for 'batch', with NumPy's global state."""
    np.random.seed(3)
    order, rows = feed.Order(10, 3, 'batch'), np.arange(9).reshape(3, 3)
    x = np.arange(10.)[:, None]
    source = feed.Feed([x], ['f8'], 3)
    state = np.random.get_state()
    for _ in range(3):
        order.next_epoch()
        got = [order.batch(source, k)[0][0][0, 0] for k in range(3)]
        after = np.random.get_state()
        np.random.set_state(state)
        np.random.shuffle(rows)
        state = np.random.get_state()
        np.testing.assert_array_equal(got, rows[:, 0])
        assert (after[1] == state[1]).all() and after[2] == state[2]


def test_unknown_shuffle():
    with pytest.raises(ValueError, match='batches'):
        feed.Order(4, 2, 'batches')


def test_data_of_hdf5(tmp_path):
    h5py = pytest.importorskip('h5py')
    x = np.arange(30.).reshape(10, 3)
    with h5py.File(tmp_path / 'x.h5', 'w') as f:
        (lazy,) = data.standardize(f.create_dataset('x', data=x), [Slot('input', 'x', (None, 3))], 'input')
        source = feed.Feed([lazy], ['f4'], 4)
        np.testing.assert_array_equal(source.slice(2, 6)[0], x[2:6])
        np.testing.assert_array_equal(source.gather(np.array([7, 1, 9]))[0], x[[7, 1, 9]])


def test_sparse_matrices():
    sparse = pytest.importorskip('scipy.sparse')
    x = np.eye(6)
    (lazy,) = data.standardize(sparse.csr_matrix(x), [Slot('input', 'x', (None, 6))], 'input')
    source = feed.Feed([lazy], ['f4'], 4)
    np.testing.assert_array_equal(source.slice(1, 4)[0], x[1:4])
    np.testing.assert_array_equal(source.gather(np.array([5, 0]))[0], x[[5, 0]])


def test_lazy_values_are_checked_when_they_are_read(tmp_path):
    h5py = pytest.importorskip('h5py')
    with h5py.File(tmp_path / 'data.h5', 'w') as f:
        labels = f.create_dataset('labels', data=np.array([0, 1, 5, 1]))
        slot = Slot('target', 'kind', (None,), 'int32', 3)
        source = feed.Feed([labels], ['int32'], 2, [slot])
        assert source.slice(0, 2)[0].tolist() == [0, 1]
        with pytest.raises(ValueError, match='labels from 0 to 2.*5'):
            source.gather(np.array([3, 2]))
        text = f.create_dataset('text', data=[b'a', b'b'])
        with pytest.raises(ValueError, match="input 'x': expected an array of numbers"):
            data.as_array(text, Slot('input', 'x'))
