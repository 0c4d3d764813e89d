"""Word pairs and time series, against keras-preprocessing 1.1.2 where that is installed."""

import itertools
import json
import random

import numpy as np
import pytest

import fastkeras as fk
from fastkeras.preprocessing import sequence
from tests.artifacts import artifact


@pytest.fixture
def peer(monkeypatch):
    monkeypatch.setattr(np, 'unicode_', np.str_, raising=False)     # it asks for NumPy 1's name
    return pytest.importorskip('keras_preprocessing.sequence')


def test_sampling_table(peer):
    for size, factor in ((1, 1e-5), (2, 1e-5), (5000, 1e-5), (300, 1e-3)):
        np.testing.assert_allclose(sequence.make_sampling_table(size, factor), peer.make_sampling_table(size, factor),
                                   rtol=1e-14)


def test_sampling_table_is_that_of_word2vec():
    table = sequence.make_sampling_table(1000)
    harmonic = np.cumsum(1 / np.arange(1, 1000))[-1]
    share = 1 / (999 * harmonic)        # of the last rank by Zipf's law; the formula leaves out a small term
    assert table[999] == pytest.approx(np.sqrt(1e-5 / share), rel=1e-2)
    assert (np.diff(table[1:]) > 0).all()
    for bad in (0, 2.5, None, True):
        with pytest.raises(ValueError, match='make_sampling_table: size: expected'):
            sequence.make_sampling_table(bad)


@pytest.mark.parametrize('kwargs', [
    {}, {'window_size': 1}, {'window_size': 0}, {'negative_samples': 0}, {'negative_samples': 2.5}, {'shuffle': False},
    {'categorical': True}, {'categorical': True, 'shuffle': False}, {'seed': 7}, {'table': True},
    {'table': True, 'categorical': True, 'negative_samples': 0.3, 'window_size': 2, 'seed': 1}])
def test_skipgrams_draw_as_keras(peer, kwargs):
    kwargs = dict(kwargs)
    if kwargs.pop('table', False):
        kwargs['sampling_table'] = sequence.make_sampling_table(50, 1e-2)
    kwargs.setdefault('seed', 99)       # without one Keras fails on Python 3.12
    for seed in range(5):
        words = np.random.RandomState(seed).randint(0, 50, 60).tolist()
        random.seed(seed)
        ours = sequence.skipgrams(words, 50, **kwargs)
        after = random.random()
        random.seed(seed)
        assert (ours, after) == (peer.skipgrams(words, 50, **kwargs), random.random())
        random.seed(seed)
        assert ours == sequence.skipgrams(np.array(words), 50, **kwargs)


def test_skipgrams_without_a_seed():
    random.seed(5)
    drawn = random.Random(5)
    couples, labels = sequence.skipgrams([1, 2, 3], 4, negative_samples=0)
    mixed = [[1, 2], [1, 3], [2, 1], [2, 3], [3, 1], [3, 2]]
    seed = drawn.randint(0, 10_000_000)
    random.Random(seed).shuffle(mixed)
    assert couples == mixed and labels == [1] * 6
    assert sequence.skipgrams([0, 0], 4) == ([], [])


def test_skipgrams_mistakes():
    with pytest.raises(ValueError, match='vocabulary_size: expected at least 2'):
        sequence.skipgrams([1, 2], 1)
    with pytest.raises(ValueError, match='sampling_table: expected a probability for every word, got 2'):
        sequence.skipgrams([1, 2], 3, sampling_table=[0.5, 0.5])


def test_remove_long_seq(peer):
    rows, labels = [[1], [1, 2], [1, 2, 3]], [0, 1, 2]
    assert sequence._remove_long_seq(3, rows, labels) == ([[1], [1, 2]], [0, 1]) == peer._remove_long_seq(3, rows, labels)


SERIES = list(itertools.product((1, 5, 7), (1, 2, 3), (1, 2, 4), (0, 9), (None, 40), (False, True), (1, 3, 128)))


@pytest.mark.parametrize('shuffle', [False, True])
@pytest.mark.parametrize('kind', ['arrays', 'lists', 'images'])
def test_series_as_keras(peer, kind, shuffle):
    data = np.random.RandomState(1).normal(size=(50, 2, 3) if kind == 'images' else (50, 2)).astype('float32')
    targets = np.arange(50)
    if kind == 'lists':
        data, targets = data.tolist(), targets.tolist()
    for length, rate, stride, start, end, reverse, size in SERIES[::3 if kind == 'arrays' else 11]:
        arguments = (data, targets, length, rate, stride, start, end, shuffle, reverse, size)
        ours, theirs = sequence.TimeseriesGenerator(*arguments), peer.TimeseriesGenerator(*arguments)
        assert len(ours) == len(theirs)
        for i in {0, len(ours) // 2, len(ours) - 1}:
            np.random.seed(i)
            x, y = ours[i]
            np.random.seed(i)
            for a, b in zip((x, y), theirs[i]):
                assert a.dtype == b.dtype
                np.testing.assert_array_equal(a, b)
    assert ours.to_json() == theirs.to_json()


def test_series_documented_example():
    data = np.array([[i] for i in range(50)])
    series = sequence.TimeseriesGenerator(data, data, length=10, sampling_rate=2, batch_size=2)
    assert len(series) == 20
    x, y = series[0]
    assert x.tolist() == [[[0], [2], [4], [6], [8]], [[1], [3], [5], [7], [9]]] and y.tolist() == [[10], [11]]
    assert sum(len(y) for _, y in series) == 40
    with pytest.raises(IndexError, match='from 0 to 19, got 20'):
        series[20]


@pytest.mark.parametrize('data', [np.arange(60.0).reshape(30, 2), np.arange(60.0).reshape(30, 2).tolist()])
def test_series_round_trip(data):
    series = sequence.TimeseriesGenerator(data, list(range(30)), 4, 2, 3, 5, 25, True, True, 7)
    again = sequence.timeseries_generator_from_json(series.to_json(indent=1))
    assert again.get_config() == series.get_config()
    series.shuffle = again.shuffle = False
    for (x, y), (u, v) in zip(series, again):
        np.testing.assert_array_equal(x, u)
        np.testing.assert_array_equal(y, v)


def test_series_mistakes():
    data = np.zeros((20, 1))
    for kwargs, message in (({'targets': data[1:]}, 'same length, got 20 and 19'), ({'length': 0}, 'length: expected'),
                            ({'length': 20}, r'`start_index\+length=20 > end_index=19`'), ({'stride': 0}, 'stride'),
                            ({'end_index': 20}, 'end_index: .* at most 19, got 20'), ({'batch_size': 2.5}, 'batch_size'),
                            ({'start_index': -1}, 'start_index: expected an int from 0 up, got -1')):
        with pytest.raises(ValueError, match=message):
            sequence.TimeseriesGenerator(**{'data': data, 'targets': data, 'length': 3, **kwargs})
    with pytest.raises(TypeError, match='data: .* which JSON can hold'):
        sequence.TimeseriesGenerator([object()] * 9, list(range(9)), 3).to_json()
    for text in ('{}', '[]', 'no', json.dumps({'config': {'data': '[]', 'targets': '[]'}})):
        with pytest.raises(ValueError, match='timeseries_generator_from_json: expected the text'):
            sequence.timeseries_generator_from_json(text)


def test_series_train():
    x = np.sin(np.arange(300) / 8)[:, None].astype('float32')
    model = fk.Sequential([fk.layers.Flatten(input_shape=(16, 1)), fk.layers.Dense(1, kernel_initializer='zeros')])
    model.compile(fk.optimizers.SGD(0.05), 'mse')
    series = sequence.TimeseriesGenerator(x, x, 16, batch_size=32)
    history = model.fit_generator(series, epochs=15, verbose=0)
    assert history.history['loss'][-1] < 0.1 * history.history['loss'][0]
    assert model.predict_generator(series).shape == (284, 1)


def test_real_reviews(peer):
    with np.load(artifact('data/imdb_2000_2000_flat.npz')) as f:
        rows = [r.tolist() for r in np.split(f['x_train'], np.cumsum(f['len_train'])[:-1])]
    for kwargs in ({'maxlen': 80}, {'maxlen': 80, 'padding': 'post', 'truncating': 'post'}, {}):
        np.testing.assert_array_equal(sequence.pad_sequences(rows, **kwargs), peer.pad_sequences(rows, **kwargs))
