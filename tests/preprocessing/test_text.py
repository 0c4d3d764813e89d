"""Words, hashes and the Tokenizer, against keras-preprocessing 1.1.2 where that is installed."""

import gzip
import hashlib
import itertools
import json

import numpy as np
import pytest

from fastkeras.preprocessing import text
from tests.artifacts import artifact

TEXTS = ['It was the best of times, it was the worst of times;', "It was the age of wisdom -- it's the age\tof foolishness",
         '', 'Ünïcode İstanbul: "STRASSE" straße\n\nthe\xa0end', 'of of of of']
LISTS = [['It', 'was', 'the'], ['the', 'age', ''], []]
SEQUENCES = [[1, 1, 2, 9], [], [4, 3, 0, 200], [2, 2, 2]]


@pytest.fixture(scope='module')
def peer():
    return pytest.importorskip('keras_preprocessing.text')


@pytest.mark.parametrize('kwargs', [{}, {'lower': False}, {'split': 't'}, {'split': ', '}, {'filters': ''},
                                    {'filters': 'it'}, {'filters': ['a', '\n']}])
def test_words_as_keras(peer, kwargs):
    for t in TEXTS:
        assert text.text_to_word_sequence(t, **kwargs) == peer.text_to_word_sequence(t, **kwargs)
        assert text.one_hot(t, 50, **kwargs) == peer.one_hot(t, 50, **kwargs)
        for hashing in (None, 'md5', len, hash):
            assert text.hashing_trick(t, 17, hashing, **kwargs) == peer.hashing_trick(t, 17, hashing, **kwargs)


def test_words():
    assert text.text_to_word_sequence('Hello, world! hello-world  "it\'s"') == ['hello', 'world', 'hello', 'world', "it's"]
    digest = int(hashlib.md5(b'word').hexdigest(), 16)
    assert text.hashing_trick('Word!', 1000, 'md5') == [digest % 999 + 1]


KWARGS = [dict(num_words=n, char_level=c, oov_token=o, lower=low, filters=f)
          for n, c, o, low, f in itertools.product((None, 5), (False, True), (None, '<oov>', 'of'), (True, False),
                                                   (text.FILTERS, 'e'))]


def both(peer, kwargs, texts=TEXTS):
    ours, theirs = text.Tokenizer(**kwargs), peer.Tokenizer(**kwargs)
    for t in (ours, theirs):
        t.fit_on_texts(texts)
    return ours, theirs


@pytest.mark.parametrize('kwargs', KWARGS, ids=lambda k: '-'.join(str(v) for v in k.values())[:30].replace('\n', ''))
def test_tokenizer_as_keras(peer, kwargs):
    for texts in (TEXTS, LISTS, iter(TEXTS)):
        texts = list(texts)
        ours, theirs = both(peer, kwargs, texts)
        for t in (ours, theirs):
            t.fit_on_texts(texts[1:3])
            t.fit_on_sequences(SEQUENCES)
        for name in ('word_counts', 'word_docs', 'word_index', 'index_word', 'index_docs', 'document_count'):
            assert getattr(ours, name) == getattr(theirs, name), name
        assert list(ours.word_counts) == list(theirs.word_counts)
        unseen = [*texts, ['wisdom', 'zebra', 'of'] if texts[0] is LISTS[0] else 'wisdom zebra of zzz']
        sequences = ours.texts_to_sequences(unseen)
        assert sequences == theirs.texts_to_sequences(unseen)
        if 1 in ours.index_word:    # else Keras fails: the word oov_token stands in the texts
            assert ours.sequences_to_texts(sequences + SEQUENCES) == theirs.sequences_to_texts(sequences + SEQUENCES)
        for mode in ('binary', 'count', 'freq', 'tfidf'):
            for given in (sequences, SEQUENCES, []):
                np.testing.assert_allclose(ours.sequences_to_matrix(given, mode), theirs.sequences_to_matrix(given, mode),
                                           rtol=1e-14)
            np.testing.assert_allclose(ours.texts_to_matrix(unseen, mode), theirs.texts_to_matrix(unseen, mode), rtol=1e-14)


def test_numbers_by_hand():
    t = text.Tokenizer(num_words=4)
    t.fit_on_texts(['the cat sat', 'the dog sat on the mat'])
    assert t.word_index == {'the': 1, 'sat': 2, 'cat': 3, 'dog': 4, 'on': 5, 'mat': 6}
    assert t.document_count == 2 and t.word_docs['the'] == 2 and t.index_docs[3] == 1
    assert t.texts_to_sequences(['the mat sat the cat']) == [[1, 2, 1, 3]]
    assert t.texts_to_matrix(['the mat the cat'], 'count').tolist() == [[0, 2, 0, 1]]
    assert t.texts_to_matrix(['the mat the cat'], 'freq').tolist() == [[0, 2 / 3, 0, 1 / 3]]
    tfidf = t.texts_to_matrix(['the mat the cat'], 'tfidf')[0]
    assert tfidf == pytest.approx([0, (1 + np.log(2)) * np.log(1 + 2 / 3), 0, np.log(2)])
    padded = np.array([[0, 1, 1], [0, 0, 9]])
    assert t.sequences_to_matrix(padded, 'count').tolist() == [[1, 2, 0, 0], [2, 0, 0, 0]]
    assert t.sequences_to_texts(padded) == ['the the', '']


@pytest.mark.parametrize('kwargs', KWARGS[::5])
def test_json_as_keras(peer, kwargs):
    ours, theirs = both(peer, kwargs)
    written, other = json.loads(ours.to_json()), json.loads(theirs.to_json(indent=2))
    for config in (written['config'], other['config']):
        for name in ('word_counts', 'word_docs', 'index_docs', 'index_word', 'word_index'):
            config[name] = json.loads(config[name])
    assert written == other
    for t in (text.tokenizer_from_json(theirs.to_json()), text.tokenizer_from_json(ours.to_json()),
              peer.tokenizer_from_json(ours.to_json())):
        assert t.texts_to_sequences(TEXTS) == theirs.texts_to_sequences(TEXTS)
        np.testing.assert_allclose(t.texts_to_matrix(TEXTS, 'tfidf'), theirs.texts_to_matrix(TEXTS, 'tfidf'), rtol=1e-14)


def test_json_goes_on():
    t = text.Tokenizer(oov_token='?')
    t.fit_on_texts(TEXTS)
    again = text.tokenizer_from_json(t.to_json())
    assert again.get_config() == t.get_config()
    for each in (t, again):
        each.fit_on_texts(['wholly new words', 'of words'])
        each.fit_on_sequences(np.array([[1, 40]]))
    assert again.get_config() == t.get_config() and again.index_docs[40] == 1
    for bad in ('{}', 'no', '[1]', '{"config": {}}', None):
        with pytest.raises(ValueError, match='tokenizer_from_json: expected the text'):
            text.tokenizer_from_json(bad)


def test_keras_1_word():
    with pytest.warns(UserWarning, match='The `nb_words` argument in `Tokenizer` has been renamed `num_words`.'):
        assert text.Tokenizer(nb_words=7).num_words == 7
    with pytest.raises(TypeError):
        text.Tokenizer(words=7)


def test_mistakes():
    fitted = text.Tokenizer()
    fitted.fit_on_texts(['a b'])
    for call, message in (
            (lambda: text.text_to_word_sequence(3), 'text_to_word_sequence: expected a text .*, got 3'),
            (lambda: text.text_to_word_sequence('a', split=''), "split: expected .*, got ''"),
            (lambda: text.text_to_word_sequence('a', filters=['ab']), 'filters: expected single characters'),
            (lambda: text.one_hot('a', 1), 'n: expected .* from 2 up'),
            (lambda: text.hashing_trick('a', 9, 'sha'), "hash_function: expected None, 'md5' or a function, got 'sha'"),
            (lambda: text.Tokenizer().fit_on_texts('a text'), 'fit_on_texts: expected a list of texts'),
            (lambda: text.Tokenizer().fit_on_texts([None]), 'expected a text .*, got None'),
            (lambda: text.Tokenizer(char_level=True).fit_on_texts([1]), 'expected a text .*, got 1'),
            (lambda: text.Tokenizer().fit_on_texts([[1]]), 'lower=False'),
            (lambda: text.Tokenizer().sequences_to_matrix([[1]]), 'specify a dimension'),
            (lambda: text.Tokenizer(3).sequences_to_matrix([[1]], 'tfidf'), "before using mode 'tfidf'"),
            (lambda: fitted.texts_to_matrix(['a'], 'counts'), "mode: expected one of .*, got 'counts'"),
            (lambda: fitted.sequences_to_matrix([[1, -2]]), 'ints from 0 up, got -2'),
            (lambda: fitted.sequences_to_matrix([[1.5]]), 'ints from 0 up, got 1.5'),
            (lambda: fitted.sequences_to_matrix([[[1]]]), r'ints from 0 up, got \[1\]')):
        with pytest.raises(ValueError, match=message):
            call()
    assert text.Tokenizer(oov_token='?').texts_to_sequences(['not fitted']) == [[]]
    before = fitted.get_config()
    with pytest.raises(ValueError):
        fitted.fit_on_texts(['good', 5])
    assert fitted.get_config() == before


def test_real_text(peer):
    with gzip.open(artifact('data/nietzsche.txt.gz'), 'rt', encoding='utf-8') as f:
        lines = f.read().split('\n')
    for kwargs in ({'num_words': 1000}, {'oov_token': '?', 'num_words': 50}, {'char_level': True}):
        ours, theirs = both(peer, kwargs, lines)
        assert (ours.word_index, ours.index_docs) == (theirs.word_index, theirs.index_docs)
        assert ours.texts_to_sequences(lines) == theirs.texts_to_sequences(lines)
        for mode in ('count', 'tfidf'):
            np.testing.assert_allclose(ours.texts_to_matrix(lines[:500], mode), theirs.texts_to_matrix(lines[:500], mode),
                                       rtol=1e-14)
