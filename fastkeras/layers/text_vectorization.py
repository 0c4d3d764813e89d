"""Texts to numbers: TextVectorization."""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from fastkeras import config as settings
from fastkeras.saving import objects
from fastkeras.utils.texts import STRING, as_bytes, as_str, is_text, text_array
from fastkeras.utils.texts import objects as object_array

from .checks import count
from .host_layer import OUTPUT_MODES, Adapting, _HostLayer, no_sparse, output_mode
from .input_spec import title
from .lookup import StringLookup, check_no_file

__all__ = ['TextVectorization']

_LOWER = bytes(range(256)).lower()      # of ASCII, as TensorFlow has it
_PUNCTUATION = string.punctuation.encode()
_STANDARDIZE = ('lower_and_strip_punctuation', 'lower', 'strip_punctuation')
_SPLIT = ('whitespace', 'character')


class TextVectorization(Adapting, _HostLayer):
    """The tokens of texts, numbered by a vocabulary: 0 is padding, 1 a token that is not in it, then the vocabulary.

    max_tokens: the most numbers, for `adapt`; None for all. standardize: 'lower_and_strip_punctuation', 'lower' and
    'strip_punctuation' change letters and signs of ASCII alone; a function takes an array of texts (dtype str) and
    gives an array of texts; None. split: 'whitespace', 'character', None (each element is a token), or a function that
    takes an array of texts and gives a list of tokens for each. ngrams: a number n for all runs of up to n tokens, a
    tuple of lengths, or None. vocabulary: list, array or path of a file with a token in each line; without it, call
    `adapt`. idf_weights: of the vocabulary, for 'tf_idf'.

    output_mode: 'int' gives (samples, output_sequence_length) int64, cut or filled up with 0; without
    output_sequence_length as long as the longest text of the batch. 'multi_hot', 'count', 'tf_idf' give (samples,
    vocabulary_size()), as in StringLookup, and have no number for padding; pad_to_max_tokens: max_tokens numbers
    instead. sparse, ragged: only False. encoding: of texts that are given as bytes.

    Called on an array or list of texts, (samples,) or (samples, 1), on one text, or on the Keras tensor of an Input
    with dtype='string'. Raises ValueError for other arguments. Numbers are those of Keras 3.15.
    """

    def __init__(self, max_tokens: int | None = None, standardize: Any = 'lower_and_strip_punctuation',
                 split: Any = 'whitespace', ngrams: Any = None, output_mode: str = 'int',
                 output_sequence_length: int | None = None, pad_to_max_tokens: bool = False, vocabulary: Any = None,
                 idf_weights: Any = None, sparse: bool = False, ragged: bool = False, encoding: str = 'utf-8',
                 name: str | None = None, **kwargs: Any) -> None:
        known = {k: kwargs.pop(k) for k in ('has_input_vocabulary', 'vocabulary_size') if k in kwargs}
        super().__init__(name=name, **kwargs)
        self.standardize = self._choice('standardize', standardize, _STANDARDIZE)
        self.split = self._choice('split', split, _SPLIT)
        self.ngrams = ngrams
        if isinstance(ngrams, (tuple, list)):
            self._widths = tuple(count(self, 'ngrams', n) for n in ngrams)
        else:
            self._widths = None if ngrams is None else range(1, count(self, 'ngrams', ngrams) + 1)
        self.output_mode = _mode(self, output_mode)
        self.output_sequence_length = (None if output_sequence_length is None
                                       else count(self, 'output_sequence_length', output_sequence_length))
        if self.output_mode != 'int' and output_sequence_length is not None:
            raise ValueError(f"{title(self)}: output_sequence_length is for output_mode='int', got it with "
                             f'{self.output_mode!r}')
        no_sparse(self, sparse)
        if ragged:
            raise ValueError(f'{title(self)}: ragged=True asks for rows of different lengths, and the engine has arrays only; '
                             f'leave it out: shorter rows are filled up with 0')
        self.sparse = self.ragged = False
        self.encoding = encoding
        self._lookup = StringLookup(max_tokens=max_tokens, vocabulary=vocabulary, idf_weights=idf_weights,
                                    pad_to_max_tokens=pad_to_max_tokens, mask_token='', output_mode=self.output_mode,
                                    encoding=encoding, name=f'{self.name}_lookup', **known)
        self.max_tokens, self.pad_to_max_tokens = self._lookup.max_tokens, self._lookup.pad_to_max_tokens

    _input_dtype = STRING
    _untracked = frozenset(('_lookup',))
    _kept_as = {'_lookup': '_lookup_layer'}

    def _choice(self, name, value, allowed):
        if value is None or callable(value) or value in allowed:
            return value
        raise ValueError(f'{title(self)}: expected {name} to be one of {", ".join(map(repr, allowed))}, None or a function, '
                         f'got {value!r}')

    def build(self, input_shape: Any = None) -> None:
        """There is nothing to build."""
        self.built = True

    # ---- the vocabulary
    def get_vocabulary(self, include_special_tokens: bool = True) -> list:
        """The tokens, each at the index that is its number; without those of padding and of what is unknown on request.
        """
        return self._lookup.get_vocabulary(include_special_tokens)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Take a vocabulary in place of the present one, as StringLookup does."""
        self._lookup.set_vocabulary(vocabulary, idf_weights)

    def vocabulary_size(self) -> int:
        """How many numbers there are, those of padding and of what is unknown among them."""
        return self._lookup.vocabulary_size()

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Make the vocabulary of the tokens of data: the most frequent first, equally frequent ones the last of the
        alphabet first, as many as max_tokens leaves room for. data, steps, batch_size: see the other layers that adapt.
        ValueError for a layer that was made with a vocabulary."""
        super().adapt(data, steps, batch_size)

    def _adapt_array(self, data):
        return self._host_array(data)

    def update_state(self, data: Any) -> None:
        """Count the tokens of a batch of texts."""
        self._lookup._check_adaptable()
        documents = self._documents(self._host_array(data))
        self._lookup._count(documents, len(documents))

    def finalize_state(self) -> None:
        """Make the vocabulary of what was counted."""
        self._lookup.finalize_state()

    def reset_state(self) -> None:
        """Forget what was counted."""
        self._lookup.reset_state()

    # ---- tokens
    def _host_array(self, x):
        if not is_text(x) and getattr(x, 'size', 1):
            raise ValueError(f'{title(self)}: expected texts, got {x!r:.60}')
        try:
            return text_array(x)
        except ValueError as error:
            raise ValueError(f'{title(self)}: {error}') from None

    def _documents(self, array):
        """A list of tokens, of bytes, for each text of an array."""
        if self.split is not None and array.ndim > 1:
            if array.shape[-1] != 1:
                raise ValueError(f'{title(self)}: expected texts of shape (samples,) or (samples, 1) to split, got '
                                 f'{array.shape}; join the texts of a sample, or use split=None')
            array = array[..., 0]
        texts = self._standardized(array)
        if self.split == 'whitespace':
            documents = [t.split() for t in texts]
        elif self.split == 'character':
            documents = [[c.encode() for c in t.decode('utf-8', 'replace')] for t in texts]
        elif self.split is None:
            width = array.shape[-1] if array.ndim > 1 else 1
            documents = [texts[i:i + width] for i in range(0, len(texts), width)] if width else [[]] * len(array)
        else:
            documents = self._by_function(texts)
        if self._widths is None:
            return documents
        # of widths up to a number, those that the document has
        widths = [self._widths[:len(tokens)] if isinstance(self._widths, range) else self._widths for tokens in documents]
        return [[b' '.join(tokens[i:i + n]) for n in wanted for i in range(len(tokens) - n + 1)]
                for tokens, wanted in zip(documents, widths)]

    def _standardized(self, array):
        """The texts of an array as a list of bytes, standardized."""
        if callable(self.standardize):
            given = np.array(as_str(array.ravel().tolist(), self.encoding), str).reshape(array.shape)
            array = text_array(self.standardize(given))
            if array.shape != given.shape:
                raise ValueError(f'{title(self)}: expected its standardize function to give an array of shape {given.shape}, '
                                 f'got {array.shape}')
        texts = as_bytes(array, self.encoding)
        if self.standardize not in _STANDARDIZE:
            return texts
        table = None if self.standardize == 'strip_punctuation' else _LOWER
        delete = b'' if self.standardize == 'lower' else _PUNCTUATION
        return [t.translate(table, delete) for t in texts]

    def _by_function(self, texts):
        documents = list(self.split(np.array(as_str(texts, self.encoding), str)))
        if len(documents) != len(texts) or any(isinstance(d, (str, bytes)) for d in documents):
            raise ValueError(f'{title(self)}: expected its split function to give a list of tokens for each of {len(texts)} '
                             f'texts, got {documents!r:.80}')
        return [as_bytes(object_array(list(d)), self.encoding) for d in documents]

    # ---- computing
    def result_dtype(self, dtype: str) -> str:
        return 'int64' if self.output_mode == 'int' else settings.floatx()

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = tuple(input_shape)
        if self.output_mode == 'int':
            tokens = self.output_sequence_length
            if tokens is None and self.split is None and self._widths is None:
                return shape
            return (*shape[:1], tokens)
        return (*shape[:1], *((None,) if self.output_mode == 'one_hot' else ()), self._lookup._depth)

    def compute(self, inputs: Any) -> np.ndarray:
        documents = self._documents(inputs if inputs.ndim else inputs[None])
        lengths = np.fromiter(map(len, documents), np.int64, len(documents))
        numbers = self._lookup._numbered([t for tokens in documents for t in tokens])
        if self.output_mode != 'int':
            rows = _rows(numbers, lengths, int(lengths.max(initial=0)), -1)
            out = self._lookup._encoded(rows) if rows.size else np.zeros((len(rows), self._lookup._depth), settings.floatx())
        else:
            wanted = self.output_sequence_length
            out = _rows(numbers, lengths, int(lengths.max(initial=0)) if wanted is None else wanted, 0)
            if inputs.ndim == 1 and self.split is None and self._widths is None and wanted is None:
                out = out[:, 0]
        return out if inputs.ndim else out[0]

    # ---- configuration
    def get_config(self) -> dict[str, Any]:
        looked = self._lookup.get_config()
        config = self._config_with('max_tokens', 'ngrams', 'output_mode', 'output_sequence_length', 'pad_to_max_tokens',
                                   'sparse', 'ragged', 'encoding')
        config.update({k: objects.serialize_keras_object(f) if callable(f) else f
                       for k, f in (('standardize', self.standardize), ('split', self.split))})
        config.update({k: looked[k] for k in ('vocabulary', 'idf_weights', 'vocabulary_size', 'has_input_vocabulary')
                       if k in looked})
        return config

    @classmethod
    def from_config(cls, config: Any) -> Any:
        """The layer of a configuration, its vocabulary among it. Raises ValueError for one that names a file to be
        read, unless configurations are trusted."""
        check_no_file(cls, config)
        config = dict(config)
        for key, names in (('standardize', _STANDARDIZE), ('split', _SPLIT)):
            if config.get(key) is not None and config[key] not in names:
                config[key] = objects.deserialize_keras_object(config[key])
        if isinstance(config.get('ngrams'), list):
            config['ngrams'] = tuple(config['ngrams'])
        return super().from_config(config)

    # ---- files of Keras 3
    def save_assets(self, dir_path: Any) -> None:
        """Write the vocabulary to vocabulary.txt in a folder."""
        self._lookup.save_assets(dir_path)

    def load_assets(self, dir_path: Any) -> None:
        """Take the vocabulary of vocabulary.txt in a folder, unless the configuration had one."""
        self._lookup.load_assets(dir_path)

    def _assets(self):
        return self._lookup._assets()

    def _set_assets(self, files):
        self._lookup._set_assets(files)


def _mode(layer, mode):
    return output_mode(layer, mode, OUTPUT_MODES)


def _rows(numbers, lengths, width, fill):
    """The numbers of all texts, one after another, as rows of a width, cut or filled up."""
    out = np.full((len(lengths), width), fill, np.int64)
    inside = np.arange(width) < lengths[:, None]
    starts = np.cumsum(lengths) - lengths
    place = starts[:, None] + np.arange(width)
    out[inside] = numbers[place[inside]]
    return out
