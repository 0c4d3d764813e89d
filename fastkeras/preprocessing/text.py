"""Texts as lists of words, as numbers of words, and as rows of a matrix."""

import functools
import json
from collections import Counter, OrderedDict, defaultdict
from hashlib import md5
from itertools import chain

import numpy as np

from fastkeras.legacy.keras1 import accepts

__all__ = ['Tokenizer', 'hashing_trick', 'one_hot', 'text_to_word_sequence', 'tokenizer_from_json']

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_MODES = ('binary', 'count', 'tfidf', 'freq')


def text_to_word_sequence(text, filters=FILTERS, lower=True, split=' '):
    """The words of a text, in a list.

    filters: characters, in a str or a list, that part words as `split` does; by default punctuation without ', tabs and
    line ends. lower: in small letters. split: what stands between words. ValueError for anything but a str.
    """
    if not isinstance(text, str):
        raise ValueError(f'text_to_word_sequence: expected a text (str), got {text!r:.60}')
    if not isinstance(split, str) or not split:
        raise ValueError(f'text_to_word_sequence: split: expected a text that parts words, got {split!r}')
    if lower:
        text = text.lower()
    words = text.translate(_table(filters if isinstance(filters, str) else tuple(filters), split)).split(split)
    return list(filter(None, words))


@functools.lru_cache(maxsize=16)
def _table(filters, split):
    try:
        return str.maketrans(dict.fromkeys(filters, split))
    except (TypeError, ValueError):
        raise ValueError(f'filters: expected single characters, in a str or a list, got {filters!r}') from None


def one_hot(text, n, filters=FILTERS, lower=True, split=' '):
    """The words of a text as numbers from 1 to n - 1 by Python's hash; two words may get the same number.

    Python's hash of a text differs from one start of Python to the next (see PYTHONHASHSEED): `hashing_trick` with 'md5'
    does not. The other arguments are those of text_to_word_sequence.
    """
    return hashing_trick(text, n, hash, filters, lower, split)


def hashing_trick(text, n, hash_function=None, filters=FILTERS, lower=True, split=' '):
    """The words of a text as numbers from 1 to n - 1 by a hash; two words may get the same number.

    hash_function: a function str → int; 'md5', the same everywhere; None, Python's own, which differs from one start of
    Python to the next. The other arguments are those of text_to_word_sequence. ValueError for n below 2.
    """
    if isinstance(n, bool) or not hasattr(n, '__index__') or n < 2:
        raise ValueError(f'hashing_trick: n: expected the number of indices, an int from 2 up (0 is reserved), got {n!r}')
    if hash_function is None:
        hash_function = hash
    elif isinstance(hash_function, str) and hash_function == 'md5':
        hash_function = _md5
    elif not callable(hash_function):
        raise ValueError(f"hashing_trick: hash_function: expected None, 'md5' or a function, got {hash_function!r}")
    return [hash_function(word) % (n - 1) + 1 for word in text_to_word_sequence(text, filters, lower, split)]


def _md5(word):
    return int.from_bytes(md5(word.encode(), usedforsecurity=False).digest(), 'big')


class Tokenizer:
    """Numbers the words of texts, the most frequent first, from 1; 0 stands for no word.

    num_words: only words with a number below it are used (None: all). filters, lower, split: as in
    text_to_word_sequence. char_level: every character is a word. oov_token: a word that stands for all that are unknown
    or beyond num_words; it gets number 1. Without it they are left out. document_count: texts seen so far. `nb_words` is
    Keras 1's word for num_words.

    A text is a str, or a list of words. After `fit_on_texts`: word_counts (word → how often, in the order met), word_docs
    (word → in how many texts), word_index, index_word, index_docs (number → in how many texts), document_count.
    """

    @accepts('Tokenizer')
    def __init__(self, num_words=None, filters=FILTERS, lower=True, split=' ', char_level=False, oov_token=None,
                 document_count=0):
        self.word_counts = OrderedDict()
        self.word_docs = defaultdict(int)
        self.filters = filters
        self.split = split
        self.lower = lower
        self.num_words = num_words
        self.document_count = document_count
        self.char_level = char_level
        self.oov_token = oov_token
        self.index_docs = defaultdict(int)
        self.word_index = {}
        self.index_word = {}

    def _words(self, text):
        if self.char_level or isinstance(text, (list, tuple)):
            if not isinstance(text, (str, list, tuple)):
                raise ValueError(f'Tokenizer: expected a text (str) or a list of words, got {text!r:.60}')
            if not self.lower:
                return text
            try:
                return text.lower() if isinstance(text, str) else [word.lower() for word in text]
            except AttributeError:
                raise ValueError(f'Tokenizer: expected a list of words (str), got {text!r:.60}; lower=False takes words '
                                 'of any kind') from None
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    @staticmethod
    def _texts(texts, method):
        if isinstance(texts, str):      # its characters would be taken for the texts
            raise ValueError(f'Tokenizer.{method}: expected a list of texts, got the text {texts!r:.60}; put it into a list')
        return texts

    def fit_on_texts(self, texts):
        """Count the words of texts (a list or generator) and number them. May be called again with more texts."""
        counts, docs, n = Counter(), Counter(), 0
        for text in self._texts(texts, 'fit_on_texts'):
            words = self._words(text)
            counts.update(words)
            docs.update(list(dict.fromkeys(words)))
            n += 1
        self.document_count += n
        for held, new in ((self.word_counts, counts), (self.word_docs, docs)):
            for word, count in new.items():
                held[word] = held.get(word, 0) + count
        vocabulary = sorted(self.word_counts, key=self.word_counts.get, reverse=True)
        if self.oov_token is not None:
            vocabulary.insert(0, self.oov_token)
        self.word_index = {word: i for i, word in enumerate(vocabulary, 1)}
        self.index_word = {i: word for word, i in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences):
        """Count in how many sequences (lists of numbers of words) each number is, for the mode 'tfidf'."""
        docs = Counter()
        for sequence in sequences:
            docs.update(set(_plain(sequence)))
            self.document_count += 1
        for i, count in docs.items():
            self.index_docs[i] = self.index_docs.get(i, 0) + count

    def texts_to_sequences(self, texts):
        """The numbers of the words of each text: a list of lists."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts):
        """As `texts_to_sequences`, one by one."""
        number, limit, oov = self.word_index.get, self.num_words, self.word_index.get(self.oov_token)
        for text in self._texts(texts, 'texts_to_sequences'):
            numbers = map(number, self._words(text))
            if oov is not None:
                if limit:
                    yield [oov if i is None or i >= limit else i for i in numbers]
                else:
                    yield [oov if i is None else i for i in numbers]
            elif limit:
                yield [i for i in numbers if i is not None and i < limit]
            else:
                yield [i for i in numbers if i is not None]

    def sequences_to_texts(self, sequences):
        """The words of each sequence of numbers, joined by blanks: a list of texts."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences):
        """As `sequences_to_texts`, one by one."""
        word, limit = self.index_word.get, self.num_words
        oov = self.word_index.get(self.oov_token)
        unknown = None if oov is None else word(oov)
        for sequence in sequences:
            words = [unknown if limit and i >= limit else word(i, unknown) for i in _plain(sequence)]
            yield ' '.join(w for w in words if w is not None)

    def texts_to_matrix(self, texts, mode='binary'):
        """`sequences_to_matrix` of the texts' sequences."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences, mode='binary'):
        """One row per sequence, one column per number: an array (sequences, num_words) of float64.

        mode: 'binary' (1 where the number occurs), 'count', 'freq' (count / length of the sequence), 'tfidf' ((1 + log
        count) · log(1 + texts / (1 + texts with the word))). Without num_words, as many columns as words are known, and
        one for 0. Numbers beyond are left out. ValueError for another mode, and where nothing has been fitted.
        """
        if mode not in _MODES:
            raise ValueError(f'Tokenizer.sequences_to_matrix: mode: expected one of {", ".join(_MODES)}, got {mode!r}')
        if not self.num_words and not self.word_index:
            raise ValueError('Tokenizer.sequences_to_matrix: specify a dimension (the `num_words` argument), or fit on '
                             'some text data first')
        if mode == 'tfidf' and not self.document_count:
            raise ValueError("Tokenizer.sequences_to_matrix: fit the Tokenizer on some data before using mode 'tfidf'")
        columns = self.num_words or len(self.word_index) + 1
        sequences = [_plain(s) for s in sequences]
        lengths = np.fromiter(map(len, sequences), np.intp, len(sequences))
        numbers = np.array(list(chain.from_iterable(sequences)))
        if numbers.size and (numbers.ndim != 1 or numbers.dtype.kind not in 'iu' or numbers.min() < 0):
            wrong = next((i for s in sequences for i in s if not hasattr(i, '__index__') or i < 0), numbers.dtype)
            raise ValueError('Tokenizer.sequences_to_matrix: expected sequences of numbers of words, ints from 0 up, got '
                             f'{wrong!r:.60}')
        used = numbers < columns
        places = np.repeat(np.arange(len(sequences)) * columns, lengths)[used] + numbers[used].astype(np.intp)
        x = np.zeros((len(sequences), columns))
        if mode == 'binary':
            x.ravel()[places] = 1
            return x
        places, counts = np.unique(places, return_counts=True)
        if mode == 'freq':
            counts = counts / lengths[places // columns]
        elif mode == 'tfidf':
            docs = np.zeros(columns)
            for i, count in self.index_docs.items():
                if i < columns:
                    docs[i] = count
            counts = (1 + np.log(counts)) * np.log(1 + self.document_count / (1 + docs))[places % columns]
        x.ravel()[places] = counts
        return x

    def get_config(self):
        """The arguments and all that was counted, as a dict; the dictionaries as JSON text."""
        plain = ('num_words', 'filters', 'lower', 'split', 'char_level', 'oov_token', 'document_count')
        counted = ('word_counts', 'word_docs', 'index_docs', 'index_word', 'word_index')
        return {**{name: getattr(self, name) for name in plain},
                **{name: json.dumps(getattr(self, name)) for name in counted}}

    def to_json(self, **kwargs):
        """The configuration as JSON text, for `tokenizer_from_json`. kwargs: for json.dumps."""
        return json.dumps({'class_name': type(self).__name__, 'config': self.get_config()}, **kwargs)


def _plain(sequence):
    """A sequence of numbers as a list of Python ints, which JSON can write."""
    return sequence.tolist() if hasattr(sequence, 'tolist') else sequence


def tokenizer_from_json(json_string):
    """The Tokenizer of a JSON text that `to_json` wrote, here or in keras-preprocessing. ValueError for another text."""
    try:
        config = dict(json.loads(json_string)['config'])
        held = {name: json.loads(config.pop(name)) for name in ('word_counts', 'word_docs', 'word_index', 'index_docs',
                                                                'index_word')}
        tokenizer = Tokenizer(**config)
        tokenizer.word_counts = OrderedDict(held['word_counts'])
        tokenizer.word_docs = defaultdict(int, held['word_docs'])
        tokenizer.word_index = held['word_index']
        tokenizer.index_docs = defaultdict(int, {int(i): n for i, n in held['index_docs'].items()})
        tokenizer.index_word = {int(i): word for i, word in held['index_word'].items()}
        return tokenizer
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError('tokenizer_from_json: expected the text that Tokenizer.to_json wrote, got '
                         f'{json_string!r:.80} ({type(error).__name__}: {error})') from None
