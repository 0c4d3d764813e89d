"""pad_sequences, against keras-preprocessing 1.1.2 where that is installed."""

import itertools

import numpy as np
import pytest

from fastkeras.utils import pad_sequences


@pytest.fixture
def peer(monkeypatch):
    monkeypatch.setattr(np, 'unicode_', np.str_, raising=False)     # it asks for NumPy 1's name
    return pytest.importorskip('keras_preprocessing.sequence').pad_sequences


def ragged(kind, steps=()):
    rng = np.random.RandomState(3)
    rows = [rng.randint(0, 1000, (rng.randint(0, 9), *steps)) for _ in range(40)]
    return {'lists': [r.tolist() for r in rows], 'tuples': [tuple(r.tolist()) for r in rows], 'arrays': rows,
            'mixed': [r.tolist() if i % 2 else r for i, r in enumerate(rows)],
            'floats': [(r + 0.75).tolist() for r in rows],
            'object array': np.array([r.tolist() for r in rows] + [None], dtype=object)[:-1]}[kind]


SWEEP = list(itertools.product((None, 1, 4, 12), ('pre', 'post'), ('pre', 'post'), (0.0, -1, 2.5)))


@pytest.mark.parametrize('kind', ['lists', 'tuples', 'arrays', 'mixed', 'floats', 'object array'])
@pytest.mark.parametrize('steps', [(), (2,), (2, 3)])
def test_as_keras(peer, kind, steps):
    data = ragged(kind, steps)
    for maxlen, padding, truncating, value in SWEEP:
        for dtype in ('int32', 'float32', 'float64', np.uint16):
            if value == -1 and dtype is np.uint16:
                continue
            kwargs = dict(maxlen=maxlen, dtype=dtype, padding=padding, truncating=truncating, value=value)
            ours, theirs = pad_sequences(data, **kwargs), peer(data, **kwargs)
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs, err_msg=str(kwargs))


def test_text_as_keras(peer):
    words = [['a'], [], ['bc', 'def', 'g'], ['hi', 'jk']]
    for dtype, padding, maxlen in itertools.product((object, 'U5'), ('pre', 'post'), (None, 2)):
        kwargs = dict(dtype=dtype, value='pad', padding=padding, maxlen=maxlen)
        ours, theirs = pad_sequences(words, **kwargs), peer(words, **kwargs)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def test_numbers():
    assert pad_sequences([[1], [2, 3], [4, 5, 6]]).tolist() == [[0, 0, 1], [0, 2, 3], [4, 5, 6]]
    assert pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2, padding='post', value=-1).tolist() == [[1, -1], [2, 3], [5, 6]]
    assert pad_sequences([[1], [2, 3], [4, 5, 6]], 2, truncating='post').tolist() == [[0, 1], [2, 3], [4, 5]]
    assert pad_sequences(np.arange(6).reshape(2, 3), 4).tolist() == [[0, 0, 1, 2], [0, 3, 4, 5]]
    assert pad_sequences([]).shape == (0, 0)
    assert pad_sequences([[], []], 3).tolist() == [[0, 0, 0]] * 2
    assert pad_sequences([[1, 2]], 0).shape == (1, 0)


def test_words_of_any_width():
    assert pad_sequences([['word'], ['a', 'longest']], dtype=str, value='-').tolist() == [['-', 'word'], ['a', 'longest']]


@pytest.mark.parametrize('kwargs, message', [
    (dict(padding='left'), "padding: expected 'pre' or 'post', got 'left'"),
    (dict(truncating=1), 'truncating: expected .*, got 1'),
    (dict(maxlen=-1), 'maxlen: expected an int from 0 up or None, got -1'),
    (dict(maxlen=2.5), 'maxlen: expected .*, got 2.5'),
    (dict(value='pad'), "value: expected a number .*int32, got 'pad'.*dtype=object"),
    (dict(value=None), 'value: expected what fits the dtype int32, got None'),
    (dict(sequences=(x for x in [])), 'must be a list of sequences, got generator'),
    (dict(sequences='abc'), 'must be a list of sequences, got str'),
    (dict(sequences=[[1], 2]), 'non-iterable 2 at position 1'),
    (dict(sequences=[[1], '23']), "the text '23' at position 1"),
    (dict(sequences=[[1], [2, 'b']]), r"dtype int32 in the sequence at position 1, got \[2, 'b'\]"),
    (dict(sequences=[[1], [2, None]]), 'position 1'),
    (dict(sequences=[[1], [2**40]]), 'position 1'),
    (dict(sequences=[[1], [[2]]]), r'shape of sample \(1,\) of sequence at position 1 .* expected shape \(\)'),
    (dict(sequences=[[[1, 2]], [[2]]]), r'shape of sample \(1,\) of sequence at position 1 .* expected shape \(2,\)'),
    (dict(sequences=[np.ones((1, 2)), np.ones((1, 3))]), r'sample \(3,\) of sequence at position 1'),
])
def test_mistakes(kwargs, message):
    with pytest.raises(ValueError, match=message):
        pad_sequences(**{'sequences': [[1], [2, 3]], **kwargs})
