"""Categories numbered by a vocabulary: StringLookup and IntegerLookup."""

from __future__ import annotations

import os
from collections import Counter
from itertools import repeat
from typing import Any

import numpy as np

from fastkeras import config as settings
from fastkeras.saving import objects, trust
from fastkeras.utils.quantities import as_whole
from fastkeras.utils.texts import STRING, as_bytes, as_str, text_array
from fastkeras.utils.texts import objects as object_array

from .checks import count
from .hashed import bins_of, written
from .host_layer import OUTPUT_MODES, Adapting, _HostLayer, encode, encoded_shape, no_sparse, output_mode, salt_of
from .input_spec import title

__all__ = ['IntegerLookup', 'StringLookup']

_VOCABULARY = 'vocabulary.txt'      # the file that Keras 3 keeps it in


class _Lookup(Adapting, _HostLayer):
    """The vocabulary of both: the mask token where 'int' gives it 0, then num_oov_indices for what is unknown, then the
    tokens. `_tokens` holds these, as bytes or ints; `_index` says the number of each."""

    _elsewhere = {**_HostLayer._elsewhere, 'vocabulary_dtype': ...}

    def __init__(self, max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert, mode, sparse,
                 pad_to_max_tokens, oov_method, salt, kwargs):
        adaptable = not kwargs.pop('has_input_vocabulary', vocabulary is not None)
        kwargs.pop('vocabulary_size', None)
        super().__init__(**kwargs)
        self.max_tokens = None if max_tokens is None else count(self, 'max_tokens', max_tokens, 2)
        self.num_oov_indices = count(self, 'num_oov_indices', num_oov_indices, 0)
        self.mask_token, self.oov_token = self._token(mask_token, 'mask_token'), self._token(oov_token, 'oov_token')
        self.invert, self.output_mode = bool(invert), output_mode(self, mode, OUTPUT_MODES)
        if self.invert and self.output_mode != 'int':
            raise ValueError(f"{title(self)}: expected output_mode 'int' with invert=True, got {self.output_mode!r}")
        if pad_to_max_tokens and max_tokens is None:
            raise ValueError(f'{title(self)}: pad_to_max_tokens=True needs max_tokens, got None')
        if oov_method not in ('floormod', 'farmhash'):
            raise ValueError(f"{title(self)}: expected oov_method to be 'floormod' or 'farmhash', got {oov_method!r}")
        if idf_weights is not None and self.output_mode != 'tf_idf':
            raise ValueError(f"{title(self)}: idf_weights are for output_mode='tf_idf', got them with {self.output_mode!r}")
        no_sparse(self, sparse)
        self.sparse, self.pad_to_max_tokens, self.oov_method = False, bool(pad_to_max_tokens), oov_method
        self.salt = salt_of(self, salt)
        self._adaptable = adaptable
        self._given = None          # (whether the vocabulary came with the special tokens, idf_weights), for a configuration
        self._tokens, self._idf = [], None
        self._index = None
        self._counts, self._document_counts, self._documents = Counter(), Counter(), 0
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)
        elif idf_weights is not None:
            raise ValueError(f'{title(self)}: idf_weights belong to a vocabulary, and none is given')

    # ---- what a subclass says of its tokens
    def _token(self, value, name):
        """A token in the form it is kept in; None stays."""
        raise TypeError

    def _keys(self, array):
        """The members of an array as a list of tokens."""
        raise TypeError

    def _public(self, token):
        """A token as the user sees it."""
        return token if token is None else int(token)

    # ---- vocabulary
    @property
    def _oov_start(self):
        return int(self.mask_token is not None and self.output_mode == 'int')

    @property
    def _token_start(self):
        return self._oov_start + self.num_oov_indices

    @property
    def _specials(self):
        return [self.mask_token] * self._oov_start + [self.oov_token] * self.num_oov_indices

    def _specials_in_words(self):
        mask = [repr(self._public(self.mask_token))] * self._oov_start
        return ' and '.join([*mask, *([f'{self.num_oov_indices} times {self._public(self.oov_token)!r}']
                                      if self.num_oov_indices else [])]) or 'nothing'

    def vocabulary_size(self) -> int:
        """How many numbers there are, those of the mask and of what is unknown among them."""
        return self._token_start + len(self._tokens)

    def get_vocabulary(self, include_special_tokens: bool = True) -> list:
        """The tokens, each at the index that is its number; without the special ones only what was learnt or given."""
        tokens = [*self._specials, *self._tokens] if include_special_tokens else self._tokens
        return [self._public(t) for t in tokens]

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Take a vocabulary in place of the present one.

        vocabulary: a list or array of different tokens, with the special ones at its beginning or without them; or the
        path of a text file of UTF-8 with a token in each line. idf_weights: a number for each entry, needed for
        output_mode='tf_idf' and for no other. Raises ValueError for repeated or misplaced tokens, none, or too many.
        """
        tf_idf = self.output_mode == 'tf_idf'
        if tf_idf != (idf_weights is not None):
            raise ValueError(f"{title(self)}: expected idf_weights with a vocabulary {'' if tf_idf else 'only '}for "
                             f"output_mode='tf_idf', got output_mode={self.output_mode!r} and idf_weights={idf_weights!r:.60}")
        given = self._read(vocabulary) if isinstance(vocabulary, (str, bytes, os.PathLike)) else vocabulary
        given = [self._token(t.item() if isinstance(t, np.generic) else t, 'vocabulary') for t in (
            given.ravel().tolist() if isinstance(given, np.ndarray) else list(given))]
        if not given:
            raise ValueError(f'{title(self)}: expected a vocabulary with at least one token, got none')
        has_specials = len(given) >= self._token_start and given[:self._token_start] == self._specials
        tokens = given[self._token_start:] if has_specials else given
        if len(set(tokens)) < len(tokens):
            repeated = [t for t, n in Counter(tokens).items() if n > 1]
            raise ValueError(f'{title(self)}: expected a vocabulary of different tokens, got '
                             f'{[self._public(t) for t in repeated[:5]]} more than once')
        for name, token, counts in (('mask', self.mask_token, True), ('OOV', self.oov_token, self.invert)):
            if token is not None and counts and token in tokens:
                raise ValueError(
                    f'{title(self)}: the {name} token {self._public(token)!r} stands at index {given.index(token)} of the '
                    f'vocabulary; leave the special tokens out, or put {self._specials_in_words()} '
                    f'at its beginning')
        if self.max_tokens is not None and self._token_start + len(tokens) > self.max_tokens:
            raise ValueError(f'{title(self)}: expected a vocabulary of at most max_tokens={self.max_tokens}, got '
                             f'{self._token_start + len(tokens)} with the special tokens')
        idf = self._idf_of(given, idf_weights, has_specials) if tf_idf else None
        self._learn(tokens, idf)
        self._given = has_specials, None if idf_weights is None else np.asarray(idf_weights).tolist()

    def _idf_of(self, given, weights, has_specials):
        weights = np.asarray(weights, np.float64)
        if weights.shape != (len(given),):
            raise ValueError(f'{title(self)}: expected idf_weights of the length of the vocabulary, {len(given)}, got shape '
                             f'{weights.shape}')
        front = np.full(0 if has_specials else self._token_start, weights.mean())
        return np.concatenate([front, weights])

    def _read(self, path):
        if self.output_mode == 'tf_idf':
            raise ValueError(f"{title(self)}: a file has no idf_weights, which output_mode='tf_idf' needs; give a list")
        try:
            with open(path, 'rb') as file:
                lines = file.read().split(b'\n')
        except OSError as error:
            raise ValueError(f'{title(self)}: cannot read the vocabulary file {os.fsdecode(path)!r}: '
                             f'{error.strerror}') from None
        return [line.removesuffix(b'\r') for line in (lines if lines[-1] else lines[:-1])]

    def _learn(self, tokens, idf=None):
        size = self._token_start + len(tokens)
        if (self._inbound_nodes and self.output_mode != 'int' and not self.pad_to_max_tokens
                and size != self.vocabulary_size()):
            raise RuntimeError(f'{title(self)}: a model was made with its {self.vocabulary_size()} tokens, so it cannot have '
                               f'{size} now; adapt it first, or use pad_to_max_tokens')
        self._tokens = list(tokens)
        self._index = None          # made when it is first wanted
        self._idf = idf
        self._forget_functions()

    def _index_now(self):
        if self._index is None:
            self._index = self._new_index()

    def _new_index(self):
        """token → number; -1 for a mask token where it has none."""
        index = {t: k for k, t in enumerate(self._tokens, self._token_start)}
        if self.mask_token is not None:
            index[self.mask_token] = 0 if self.output_mode == 'int' else -1
        return index

    # ---- learning
    def _learnt_from(self, data):
        """Data to learn from as an array of tokens."""
        return self._host_array(data)

    def _adapt_array(self, data):
        array = self._learnt_from(data)
        return array[:, None] if array.ndim == 1 else array

    def update_state(self, data: Any) -> None:
        """Count the tokens of a batch, an array (samples, …); one without an axis of samples is one sample."""
        self._check_adaptable()
        array = self._learnt_from(data)
        if array.ndim < 2:
            array = array.reshape(1, -1)
        self._count([self._keys(row) for row in array] if self.output_mode == 'tf_idf' else [self._keys(array)], len(array))

    def _count(self, documents, samples):
        for tokens in documents:
            self._counts.update(tokens)
            if self.output_mode == 'tf_idf':
                self._document_counts.update(set(tokens))
        self._documents += samples

    def _check_adaptable(self):
        if not self._adaptable:
            raise ValueError(f'{title(self)}: it was made with a vocabulary, which adapt would replace; make it without one')

    def finalize_state(self) -> None:
        """Make the vocabulary of what was counted: the most frequent tokens first, equally frequent ones the last of
        the alphabet first, as many as max_tokens leaves room for."""
        if not self._adaptable or not self._counts:
            return
        for special in (self.mask_token, self.oov_token):
            self._counts.pop(special, None)
        tokens = sorted(self._counts, reverse=True)
        tokens.sort(key=self._counts.__getitem__, reverse=True)
        if self.max_tokens is not None:
            tokens = tokens[:self.max_tokens - self._token_start]
        idf = None
        if self.output_mode == 'tf_idf':
            found = np.array([self._document_counts[t] for t in tokens], np.float64)
            idf = np.log(1 + self._documents / (1 + found))
            idf = np.concatenate([np.full(self._token_start, idf.mean() if len(idf) else 0.0), idf])
        self._learn(tokens, idf)
        self._given = None
        self.reset_state()

    def reset_state(self) -> None:
        """Forget what was counted."""
        if self._adaptable:
            self._counts, self._document_counts, self._documents = Counter(), Counter(), 0

    # ---- computing
    def result_dtype(self, dtype: str) -> str:
        if self.output_mode != 'int':
            return settings.floatx()
        return STRING if self.invert and isinstance(self, StringLookup) else 'int64'

    @property
    def _depth(self):
        if self.pad_to_max_tokens:
            return self.max_tokens
        if not self._tokens:
            raise RuntimeError(f'{title(self)}: output_mode={self.output_mode!r} needs a vocabulary before the layer is used; '
                               f'give one, or call adapt')
        return self.vocabulary_size()

    def compute_output_shape(self, input_shape: Any) -> Any:
        return encoded_shape(self.output_mode, input_shape, None if self.output_mode == 'int' else self._depth)

    def compute(self, inputs: Any) -> np.ndarray:
        if self.invert:
            return self._tokens_of(inputs)
        return self._encoded(self._indices(inputs))

    def _encoded(self, indices):
        """Indices as the output mode has them; a masked token has -1 where 'int' has 0."""
        if self.output_mode == 'int':
            return indices
        out = encode(indices, 'count' if self.output_mode == 'tf_idf' else self.output_mode, self._depth)
        if self.output_mode == 'tf_idf':
            if self._idf is None:
                raise RuntimeError(f'{title(self)}: it has no idf_weights yet; give them with a vocabulary, or call adapt')
            out[..., :len(self._idf)] *= self._idf.astype(out.dtype)
        return out

    def _indices(self, array):
        return self._numbered(self._keys(array)).reshape(array.shape)

    def _numbered(self, keys):
        """The numbers of a list of tokens, int64; -1 for a mask token where it has none."""
        self._index_now()
        found = np.fromiter(map(self._index.get, keys, repeat(self._number_of_unknown)), np.int64, len(keys))
        return self._with_unknown(found, keys)

    @property
    def _number_of_unknown(self):
        """The one number of what is unknown; -2 where there is none, or a choice."""
        return self._oov_start if self.num_oov_indices == 1 else -2

    def _with_unknown(self, found, keys):
        unknown = np.flatnonzero(found == -2)
        if not len(unknown):
            return found
        keys = [keys[i] for i in unknown.tolist()]
        if not self.num_oov_indices:
            raise ValueError(f'{title(self)}: with num_oov_indices=0 all inputs must be in the vocabulary, got '
                             f'{[self._public(k) for k in keys[:5]]}; give it num_oov_indices=1')
        found[unknown] = self._oov_start + self._oov_bins(keys)
        return found

    def _oov_bins(self, keys):
        return bins_of(keys, self.num_oov_indices, self.salt)

    def _tokens_of(self, indices):
        known = dict(enumerate(self._tokens, self._token_start))
        if self.mask_token is not None:
            known[0] = self.mask_token
        tokens = [self._public(known.get(i, self.oov_token)) for i in np.asarray(indices).ravel().astype(np.int64).tolist()]
        return self._token_array(tokens, np.shape(indices))

    # ---- configuration
    def get_config(self) -> dict[str, Any]:
        names = ('invert', 'max_tokens', 'num_oov_indices', 'output_mode', 'sparse', 'pad_to_max_tokens', 'oov_method', 'salt')
        config = {**self._config_with(*names), 'oov_token': self._public(self.oov_token),
                  'mask_token': self._public(self.mask_token), 'vocabulary': None, 'idf_weights': None,
                  'vocabulary_size': self.vocabulary_size() if self._tokens else None}
        if self._given is not None:
            config['vocabulary'], config['idf_weights'] = self.get_vocabulary(self._given[0]), self._given[1]
        elif self._tokens:      # what was learnt may be learnt anew
            config['vocabulary'] = self.get_vocabulary()
            config['idf_weights'] = None if self._idf is None else self._idf.tolist()
        if self._tokens and self._adaptable:
            config['has_input_vocabulary'] = False
        return config

    @classmethod
    def from_config(cls, config: Any) -> Any:
        """The layer of a configuration, its vocabulary among it. Raises ValueError for one that names a file to be
        read, unless configurations are trusted."""
        check_no_file(cls, config)
        return super().from_config(config)

    # ---- files of Keras 3
    def save_assets(self, dir_path: Any) -> None:
        """Write the vocabulary to vocabulary.txt in a folder."""
        for name, data in self._assets().items():
            with open(os.path.join(dir_path, name), 'wb') as file:
                file.write(data)

    def load_assets(self, dir_path: Any) -> None:
        """Take the vocabulary of vocabulary.txt in a folder, unless the configuration had one."""
        path = os.path.join(dir_path, _VOCABULARY)
        if self._given is None and os.path.exists(path):
            with open(path, 'rb') as file:
                self._set_assets({_VOCABULARY: file.read()})

    def _assets(self):
        """name → bytes of the files that save_assets writes."""
        if self._given is not None:         # the configuration has it
            return {}
        return {_VOCABULARY: '\n'.join(str(t) for t in self.get_vocabulary()).encode('utf8', 'surrogateescape')}

    def _set_assets(self, files):
        """Take the vocabulary of files that are in memory."""
        if self._given is not None or _VOCABULARY not in files:
            return
        lines = files[_VOCABULARY].splitlines()
        while lines and not lines[-1]:
            lines.pop()
        idf, adaptable = self._idf, self._adaptable
        self.set_vocabulary(lines, idf if self.output_mode == 'tf_idf' else None)
        self._given, self._adaptable = None, adaptable


def check_no_file(cls: Any, config: Any) -> None:
    """ValueError where a configuration names a vocabulary file: it may be any file of the machine that loads it."""
    config = objects.checked_config(cls, config)
    path = config.get('vocabulary')
    if isinstance(path, str) and not trust.code_may_run():
        raise ValueError(f'{cls.__name__} {config.get("name")!r}: its configuration asks to read the vocabulary file {path!r}; '
                         f'pass safe_mode=False if you trust the source')


class StringLookup(_Lookup):
    """Numbers of texts: mask_token has 0, texts that are not in the vocabulary the num_oov_indices numbers behind it,
    the vocabulary those that follow.

    max_tokens: the most numbers, for `adapt`; None for all. num_oov_indices: with more than one, an unknown text gets
    one of them by its hash (salt: of another hash); with 0 it is an error. mask_token: None for none. oov_token: what
    `invert` gives for an unknown number. vocabulary: list, array, or path of a file with a text in each line; without
    it, call `adapt`. idf_weights: of the vocabulary, for 'tf_idf'. invert: the text of each number instead, an array of
    objects.

    output_mode: 'int': numbers, int64, of the input's shape. 'one_hot': an axis of vocabulary_size() numbers for each
    text (in place of a last axis of size 1). 'multi_hot', 'count', 'tf_idf': one such row for the texts along the last
    axis: which are met, how often, and how often times log(1 + samples / (1 + samples with the text)). These have no
    number for mask_token. pad_to_max_tokens: rows of max_tokens numbers. sparse: only False. encoding: of texts that
    are given as bytes.

    Called on an array or list of texts, or on the Keras tensor of an Input with dtype='string'. Raises ValueError for
    other arguments. Numbers are those of Keras 3.15.
    """

    def __init__(self, max_tokens: int | None = None, num_oov_indices: int = 1, mask_token: Any = None,
                 oov_token: Any = '[UNK]', vocabulary: Any = None, idf_weights: Any = None, invert: bool = False,
                 output_mode: str = 'int', pad_to_max_tokens: bool = False, sparse: bool = False, encoding: str = 'utf-8',
                 name: str | None = None, salt: Any = None, oov_method: str = 'floormod', **kwargs: Any) -> None:
        self.encoding = encoding
        super().__init__(max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert, output_mode,
                         sparse, pad_to_max_tokens, oov_method, salt, {'name': name, **kwargs})

    @property
    def _input_dtype(self):
        return 'int64' if self.invert else STRING

    def _token(self, value, name):
        if value is None or isinstance(value, bytes):
            return value
        if not isinstance(value, str):
            raise ValueError(f'{title(self)}: expected {name} to hold texts, got {value!r:.60}')
        return value.encode(self.encoding, 'surrogateescape')

    def _keys(self, array):
        return as_bytes(array, self.encoding)

    def _public(self, token):
        return None if token is None else as_str([token], self.encoding)[0]

    def _token_array(self, tokens, shape):
        return object_array(tokens, shape)

    def _host_array(self, x):
        array = super()._host_array(x)
        if self.invert:
            if array.dtype.kind not in 'iuf':
                raise ValueError(f'{title(self)}: expected numbers, for it has invert=True, got {array.dtype}')
        elif array.dtype != object and array.size:
            raise ValueError(f'{title(self)}: expected texts, got an array of {array.dtype}; IntegerLookup takes numbers')
        return array

    def _learnt_from(self, data):
        return text_array(data)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), 'encoding': self.encoding}


class IntegerLookup(_Lookup):
    """Numbers of whole numbers, as StringLookup has them of texts.

    Arguments and results are those of StringLookup, but: tokens are whole numbers, oov_token is -1 unless given, and
    oov_method says which of several num_oov_indices an unknown number gets: 'floormod', the rest of its division by
    them, or 'farmhash', the hash of its decimal digits (salt: of another hash). vocabulary_dtype: only 'int64'.
    """

    def __init__(self, max_tokens: int | None = None, num_oov_indices: int = 1, mask_token: Any = None, oov_token: Any = -1,
                 vocabulary: Any = None, vocabulary_dtype: str = 'int64', idf_weights: Any = None, invert: bool = False,
                 output_mode: str = 'int', sparse: bool = False, pad_to_max_tokens: bool = False,
                 oov_method: str = 'floormod', salt: Any = None, name: str | None = None, **kwargs: Any) -> None:
        if vocabulary_dtype != 'int64':
            raise ValueError(f"IntegerLookup: expected vocabulary_dtype to be 'int64', got {vocabulary_dtype!r}")
        if salt is not None and oov_method != 'farmhash':
            raise ValueError(f"IntegerLookup: salt is for oov_method='farmhash', got it with {oov_method!r}")
        self.vocabulary_dtype = vocabulary_dtype
        super().__init__(max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert, output_mode,
                         sparse, pad_to_max_tokens, oov_method, salt, {'name': name, **kwargs})

    _input_dtype = 'int64'

    def _token(self, value, name):
        if value is None:
            return None
        try:
            number = int(value) if isinstance(value, bytes) else as_whole(value)    # bytes: a line of a file
        except ValueError:
            number = None
        if number is None:
            raise ValueError(f'{title(self)}: expected {name} to hold whole numbers, got {value!r:.60}')
        return number

    def _host_array(self, x):
        array = super()._host_array(x)
        if array.dtype.kind not in 'iuf' and array.size:
            raise ValueError(f'{title(self)}: expected whole numbers, got '
                             f'{"texts; StringLookup takes them" if array.dtype == object else array.dtype}')
        return array.astype(np.int64)

    def _keys(self, array):
        return array.ravel().astype(np.int64).tolist()

    def _new_index(self):
        known = super()._new_index()
        tokens, numbers = (np.fromiter(part, np.int64, len(known)) for part in (known.keys(), known.values()))
        order = np.argsort(tokens, kind='stable')
        self._sorted, self._numbers_of_sorted = tokens[order], numbers[order]
        return known

    def _indices(self, array):
        self._index_now()
        keys = np.asarray(array).ravel().astype(np.int64)
        found = np.full(len(keys), self._number_of_unknown, np.int64)
        if len(self._sorted):
            at = np.minimum(np.searchsorted(self._sorted, keys), len(self._sorted) - 1)
            found = np.where(self._sorted[at] == keys, self._numbers_of_sorted[at], found)
        return self._with_unknown(found, keys).reshape(array.shape)

    def _oov_bins(self, keys):
        if self.oov_method == 'floormod':
            return np.mod(np.array(keys, np.int64), self.num_oov_indices)
        return bins_of(written(np.array(keys, np.int64)), self.num_oov_indices, self.salt)

    def _token_array(self, tokens, shape):
        return np.array(tokens, np.int64).reshape(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), 'vocabulary_dtype': self.vocabulary_dtype}
