"""IMDB and Reuters, against Keras on small files, and against the documented rules on real reviews."""

import hashlib
import json

import numpy as np
import pytest

from fastkeras.datasets import imdb, reuters, sources
from tests.artifacts import artifact
from tests.parity import load_data_files


def plain(loaded):
    return [[[list(row) for row in x], y.tolist()] for x, y in loaded]


@pytest.mark.parametrize('module, cases', [(imdb, load_data_files.IMDB), (reuters, load_data_files.REUTERS)])
def test_as_keras(module, cases, tmp_path, recorded):
    name = module.__name__.rpartition('.')[2]
    getattr(load_data_files, name)(tmp_path / 'a.npz')
    state = np.random.get_state()[1].tolist()
    for kwargs, keras in zip(cases, recorded[0][name]):
        loaded = module.load_data(tmp_path / 'a.npz', **kwargs)
        assert plain(loaded) == keras, kwargs
        for x, y in loaded:
            assert x.dtype == object and x.ndim == 1 and all(type(row) is list for row in x)
            assert y.dtype == np.int64 and all(type(w) is int for row in x for w in row)
    assert np.random.get_state()[1].tolist() == state       # unlike in Keras 2


def by_the_rules(x, num_words=None, skip_top=0, maxlen=None, start_char=1, oov_char=2, index_from=3):
    """The documentation, one number at a time."""
    x = [([] if start_char is None else [start_char]) + [w + index_from for w in row] for row in x]
    x = [row[:maxlen] for row in x]
    top = num_words or max(w for row in x for w in row)
    fits = lambda w: skip_top <= w < top                    # noqa: E731
    if oov_char is None:
        return [[w for w in row if fits(w)] for row in x]
    return [[w if fits(w) else oov_char for w in row] for row in x]


@pytest.mark.parametrize('kwargs', [
    {'maxlen': 4}, {'maxlen': 1}, {'maxlen': 3, 'num_words': 9}, {'maxlen': 5, 'skip_top': 6, 'oov_char': None},
    {'maxlen': 4, 'start_char': None, 'index_from': 0}, {'maxlen': 100, 'num_words': 12}])
def test_maxlen_shortens_and_keeps_all(tmp_path, kwargs):
    load_data_files.imdb(tmp_path / 'a.npz')
    random = np.random.RandomState(113)
    orders = [np.arange(9), np.arange(7)]
    for o in orders:
        random.shuffle(o)
    texts = [load_data_files.texts(n, seed)[i] for n, seed, o in ((9, 1, orders[0]), (7, 2, orders[1])) for i in o]
    expected = by_the_rules(texts, **kwargs)
    (x_train, _), (x_test, _) = imdb.load_data(tmp_path / 'a.npz', **kwargs)
    assert [*x_train, *x_test] == expected and (len(x_train), len(x_test)) == (9, 7)
    load_data_files.reuters(tmp_path / 'b.npz')
    (x_train, _), (x_test, _) = reuters.load_data(tmp_path / 'b.npz', **kwargs)
    assert len(x_train) + len(x_test) == 11 and max(map(len, [*x_train, *x_test])) <= kwargs['maxlen']


def test_texts_of_one_length_stay_lists(tmp_path):
    np.savez(tmp_path / 'a.npz', x=load_data_files.as_objects([[1, 2], [3, 4]]), y=[0, 1])
    (x, _), _ = reuters.load_data(tmp_path / 'a.npz', test_split=0.0)
    assert x.shape == (2,) and type(x[0]) is list


def test_empty_text(tmp_path):
    np.savez(tmp_path / 'a.npz', x=load_data_files.as_objects([[], [3, 4]]), y=[0, 1])
    (x, _), _ = reuters.load_data(tmp_path / 'a.npz', test_split=0.0, start_char=None, num_words=100)
    assert sorted(x.tolist()) == [[], [6, 7]]


def test_the_old_name(tmp_path):
    load_data_files.imdb(tmp_path / 'a.npz')
    load_data_files.reuters(tmp_path / 'b.npz')
    for module, path in ((imdb, tmp_path / 'a.npz'), (reuters, tmp_path / 'b.npz')):
        with pytest.warns(UserWarning, match='The `nb_words` argument in `load_data` has been renamed `num_words`.'):
            old = module.load_data(path, nb_words=7)
        assert plain(old) == plain(module.load_data(path, num_words=7))
        with pytest.raises(TypeError, match="load_data: unknown argument 'words'; did you mean 'num_words'"):
            module.load_data(path, words=7)


def test_seed_none_is_decided_by_the_global_one(tmp_path):
    load_data_files.imdb(tmp_path / 'a.npz')
    loaded = []
    for _ in range(2):
        np.random.seed(3)
        loaded.append(plain(imdb.load_data(tmp_path / 'a.npz', seed=None)))
    assert loaded[0] == loaded[1] != plain(imdb.load_data(tmp_path / 'a.npz', seed=None))


@pytest.mark.parametrize('kwargs, message', [
    ({'num_words': -1}, 'num_words: expected an int from 0 up or None, got -1'),
    ({'maxlen': 2.5}, 'maxlen: expected an int from 0 up or None, got 2.5'),
    ({'skip_top': None}, 'skip_top: expected an int from 0 up, got None'),
    ({'oov_char': 'x'}, "oov_char: expected an int or None, got 'x'"),
    ({'start_char': True}, 'start_char: expected an int or None, got True')])
def test_wrong_arguments(tmp_path, kwargs, message):
    load_data_files.imdb(tmp_path / 'a.npz')
    with pytest.raises(ValueError, match=f'imdb.load_data: {message}'):
        imdb.load_data(tmp_path / 'a.npz', **kwargs)


@pytest.mark.parametrize('share', [1, -0.1, None, True, 'x'])
def test_wrong_test_split(share):
    with pytest.raises(ValueError, match='reuters.load_data: test_split: expected a share'):
        reuters.load_data(test_split=share)


def test_labels_for_all(tmp_path):
    np.savez(tmp_path / 'a.npz', x=load_data_files.as_objects([[1], [2, 3]]), y=[1, 2, 3])
    with pytest.raises(ValueError, match=r'a.npz: expected 2 ints as labels, got int64 of shape \(3,\)'):
        reuters.load_data(tmp_path / 'a.npz')


@pytest.mark.parametrize('module', [imdb, reuters])
def test_word_index(module, cache, monkeypatch):
    name = module.__name__.rpartition('.')[2] + '_word_index.json'
    data = json.dumps({'the': 1, 'café': 2}).encode()
    monkeypatch.setitem(sources.SOURCES, name, sources.SOURCES[name]._replace(hashes=(hashlib.md5(data).hexdigest(),)))
    (cache / name).write_bytes(data)
    assert module.get_word_index() == {'the': 1, 'café': 2}
    for content, message in (('{', 'cannot be read as JSON'), ('[1]', 'expected a dict'), ('{"a": "b"}', 'expected a dict')):
        (cache / 'own.json').write_text(content)
        with pytest.raises(ValueError, match=f'own.json: {message}'):
            module.get_word_index('own.json')


def test_label_names():
    names = reuters.get_label_names()
    assert len(names) == len(set(names)) == 46
    assert names[:5] == ('cocoa', 'grain', 'veg-oil', 'earn', 'acq') and names[-1] == 'lead'


def test_real_reviews(tmp_path):
    """2000 + 2000 of the IMDB reviews, in the format of Keras's file."""
    with np.load(artifact('data/imdb_2000_2000_flat.npz')) as f:
        texts = {part: [t.tolist() for t in np.split(f[f'x_{part}'], np.cumsum(f[f'len_{part}'])[:-1])]
                 for part in ('train', 'test')}
        labels = {part: f[f'y_{part}'].astype(int) for part in ('train', 'test')}
    np.savez(tmp_path / 'imdb_part.npz', x_train=load_data_files.as_objects(texts['train']), y_train=labels['train'],
             x_test=load_data_files.as_objects(texts['test']), y_test=labels['test'])
    kwargs = {'num_words': 5000, 'skip_top': 20, 'maxlen': 80}
    loaded = imdb.load_data(tmp_path / 'imdb_part.npz', **kwargs)
    random = np.random.RandomState(113)
    for part, (x, y) in zip(('train', 'test'), loaded):
        order = np.arange(2000)
        random.shuffle(order)
        assert x.tolist() == by_the_rules([texts[part][i] for i in order], **kwargs)
        assert np.array_equal(y, labels[part][order])
