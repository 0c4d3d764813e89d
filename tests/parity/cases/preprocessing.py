"""Texts and categories as numbers, and numbers brought to scale."""

import numpy as np


def given(*values):
    """A function that gives these values as arrays: the only one, or a list."""
    def data():
        arrays = [np.array(v) for v in values]
        return arrays[0] if len(arrays) == 1 else arrays
    return data


TEXTS = ['The cat sat on the mat.', "the DOG, sat! on 'the' cat?", '', 'Ünïcode — dashes\tand\nlines; snake_case', 'a b a b a']
WORDS = [['cat'], ['dog'], ['mouse'], [''], ['[UNK]']]
PAIRS = [['cat', 'dog'], ['dog', 'mouse'], ['', 'cat'], ['cat', 'cat']]
INTS = [[12, 0, 36], [7, 8, 12], [-5, 36, 2 ** 40]]
LONG = [['', 'a', 'abc', 'abcd'], ['1234567', '12345678', 'x' * 16, 'x' * 17], ['y' * 32, 'y' * 33, 'z' * 64, 'z' * 65],
        ['w' * 127, 'w' * 128, 'w' * 129, 'ü' * 100]]
VOCABULARY = ['the', 'cat', 'sat', 'dog', 'on', 'a']


def lookup(name, vocabulary, x, mask):
    modes = ('int', 'one_hot', 'multi_hot', 'count')
    cases = [(name, {'vocabulary': vocabulary, 'output_mode': m, 'num_oov_indices': oov, 'mask_token': mask}, None,
              {'data': given(x)}) for m in modes for oov in (1, 3)]
    return [*cases,
            (name, {'vocabulary': vocabulary, 'output_mode': 'tf_idf', 'idf_weights': [0.5, 0.25, 2.0]}, None,
             {'data': given(x)}),
            (name, {'vocabulary': vocabulary, 'output_mode': 'count', 'pad_to_max_tokens': True, 'max_tokens': 9}, None,
             {'data': given(x)}),
            *[(name, {'output_mode': m, 'max_tokens': n, 'mask_token': mask}, None, {'data': given(x), 'adapt': given(x)})
              for m in ('int', 'multi_hot', 'tf_idf') for n in (None, 4)]]


def vectorization(**kwargs):
    return ('TextVectorization', {'vocabulary': VOCABULARY, **kwargs}, None, {'data': given(TEXTS)})


KERAS3 = [
    *[('Hashing', kwargs, None, {'data': given(LONG)}) for kwargs in (
        {'num_bins': 1000003}, {'num_bins': 1000003, 'salt': 1337}, {'num_bins': 97, 'salt': [133, 137]},
        {'num_bins': 7, 'mask_value': ''}, {'num_bins': 5, 'output_mode': 'multi_hot'}, {'num_bins': 5, 'output_mode': 'count'},
        {'num_bins': 1, 'mask_value': 'a'})],
    *[('Hashing', kwargs, None, {'data': given(INTS)}) for kwargs in (
        {'num_bins': 1000003}, {'num_bins': 11, 'mask_value': 0}, {'num_bins': 11, 'salt': 5, 'output_mode': 'one_hot'})],
    ('Hashing', {'num_bins': 5, 'output_mode': 'one_hot'}, None, {'data': given(WORDS)}),
    ('HashedCrossing', {'num_bins': 1000003}, None, {'data': given(['a', 'b', 'cd'], [1, 2, 2])}),
    ('HashedCrossing', {'num_bins': 7}, None, {'data': given([['a'], ['b'], ['']], [['x'], ['y'], ['z']], [[1], [-2], [3]])}),
    ('HashedCrossing', {'num_bins': 4, 'output_mode': 'one_hot'}, None, {'data': given([[5], [6]], [[1], [2]])}),
    ('HashedCrossing', {'num_bins': 4, 'output_mode': 'one_hot'}, None, {'data': given([5, 6], [1, 2])}),
    *lookup('StringLookup', ['dog', 'cat', 'bird'], WORDS, None),
    *lookup('StringLookup', ['dog', 'cat', 'bird'], PAIRS, ''),
    ('StringLookup', {'vocabulary': ['dog'], 'num_oov_indices': 5, 'salt': 7}, None, {'data': given(PAIRS)}),
    ('StringLookup', {'vocabulary': ['', '[UNK]', 'dog'], 'mask_token': ''}, None, {'data': given(PAIRS)}),
    *lookup('IntegerLookup', [12, 36, 99], INTS, None),
    *lookup('IntegerLookup', [12, 36, 99], INTS, 0),
    ('IntegerLookup', {'vocabulary': [12], 'num_oov_indices': 5, 'oov_method': 'farmhash'}, None, {'data': given(INTS)}),
    ('IntegerLookup', {'vocabulary': [12], 'num_oov_indices': 5, 'oov_method': 'farmhash', 'salt': 3}, None,
     {'data': given(INTS)}),
    ('IntegerLookup', {'vocabulary': [12, 36], 'invert': True, 'mask_token': 5}, None, {'data': given([[0, 1, 2, 3, 9]])}),
    vectorization(),
    vectorization(standardize=None), vectorization(standardize='lower'), vectorization(standardize='strip_punctuation'),
    vectorization(split='character', vocabulary=list('abcdt'), output_sequence_length=6),
    ('TextVectorization', {'vocabulary': ['the cat', 'a'], 'split': None, 'output_sequence_length': 3}, None,
     {'data': given([['The cat.', 'a'], ['b', '']])}),
    vectorization(ngrams=2, vocabulary=['the cat', 'cat', 'a b', 'b a']),
    vectorization(ngrams=(2, 3), vocabulary=['a b a', 'a b']),
    vectorization(output_sequence_length=4), vectorization(output_mode='multi_hot'), vectorization(output_mode='count'),
    vectorization(output_mode='tf_idf', idf_weights=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
    vectorization(output_mode='count', pad_to_max_tokens=True, max_tokens=12),
    *[('TextVectorization', kwargs, None, {'data': given(TEXTS), 'adapt': given(TEXTS)}) for kwargs in (
        {}, {'max_tokens': 5}, {'output_mode': 'tf_idf'}, {'output_mode': 'multi_hot', 'max_tokens': 6, 'ngrams': 2},
        {'output_mode': 'tf_idf', 'pad_to_max_tokens': True, 'max_tokens': 40})],
    *[('CategoryEncoding', {'num_tokens': 4, 'output_mode': m}, None, {'data': given(x)})
      for m in ('multi_hot', 'one_hot', 'count') for x in ([[0, 1], [3, 3]], [[0], [2]], [3, 2, 0, 1])],
    ('CategoryEncoding', {'num_tokens': 4, 'output_mode': 'count'}, None,
     {'data': given([[0, 1], [3, 3]]), 'call': {'count_weights': np.float32([[0.5, 2.0], [1.0, 0.25]])}}),
    *[('Discretization', {'bin_boundaries': [-1.0, 0.0, 1.5], 'output_mode': m}, (4, 3)) for m in (
        'int', 'one_hot', 'multi_hot', 'count')],
    *[('Discretization', {'num_bins': n}, (5, 8),
       {'adapt': lambda: np.float32(np.arange(57) ** 2 % 83) / 16 - 2}) for n in (3, 4)],
    *[('Normalization', {'axis': axis}, (4, 3, 2), {'adapt': lambda: np.float32(np.arange(48) ** 2 % 17).reshape(8, 3, 2)})
      for axis in (-1, None, 1, (1, 2))],
    ('Normalization', {'mean': [1.0, 2.0], 'variance': [4.0, 0.0]}, (4, 3, 2)),
    ('Normalization', {'mean': 1.0, 'variance': 4.0, 'invert': True, 'axis': None}, (4, 3, 2)),
    ('Rescaling', {'scale': 0.25, 'offset': -1}, (4, 3, 2)), ('Rescaling', {'scale': [0.25, 2.0]}, (4, 3, 2)),
    ('Rescaling', {'scale': 1 / 255}, (2, 3, 1), {'integers': 256}),
]
