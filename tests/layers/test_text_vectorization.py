"""TextVectorization; its numbers are compared with Keras 3.15 in tests/parity."""

import json

import numpy as np
import pytest

from fastkeras import layers
from fastkeras.layers import deserialize, serialize
from fastkeras.utils import register_keras_serializable

from ..layer_harness import check_config

TEXTS = ['The cat sat.', 'the dog, sat! on', '']


def adapted(texts=TEXTS, **kwargs):
    layer = layers.TextVectorization(**kwargs)
    layer.adapt(texts)
    return layer


def test_numbers_of_tokens():
    layer = adapted()
    assert layer.get_vocabulary() == ['', '[UNK]', 'the', 'sat', 'on', 'dog', 'cat'] and layer.vocabulary_size() == 7
    want = [[2, 6, 3, 0], [2, 5, 3, 4], [0, 0, 0, 0]]
    for x in (TEXTS, np.array(TEXTS), np.array(TEXTS)[:, None], np.array(TEXTS, object), [t.encode() for t in TEXTS]):
        y = layer(x)
        assert y.dtype == np.int64 and y.tolist() == want
    assert layer('a cat').tolist() == [1, 6]
    assert layer(['']).shape == (1, 0) and layer(np.zeros((0,), str)).shape == (0, 0)
    assert adapted(output_sequence_length=2)(TEXTS).tolist() == [[2, 6], [2, 5], [0, 0]]
    assert adapted(output_sequence_length=6)(['cat']).tolist() == [[6, 0, 0, 0, 0, 0]]


def test_learning_from_batches():
    want = adapted().get_vocabulary()
    assert adapted(iter([TEXTS[:1], TEXTS[1:]])).get_vocabulary() == want
    assert adapted(np.array(TEXTS)[:, None]).get_vocabulary() == want
    layer = layers.TextVectorization()
    layer.adapt(TEXTS, batch_size=1, steps=1)
    assert layer.get_vocabulary(include_special_tokens=False) == ['the', 'sat', 'cat']
    layer.reset_state()
    for text in TEXTS:
        layer.update_state([text])
    layer.finalize_state()
    assert layer.get_vocabulary() == want


def test_functions():
    def tags_out(texts):
        assert texts.dtype.kind == 'U'
        return np.char.replace(np.char.lower(texts), '<br>', ' ')

    def at_commas(texts):
        return [t.split(',') for t in texts]

    layer = layers.TextVectorization(standardize=tags_out, split=at_commas, vocabulary=['ä', 'b c'])
    assert layer(['Ä,b<br>c', 'x']).tolist() == [[2, 3], [1, 0]]


@register_keras_serializable('words')
def shout(texts):
    return np.char.upper(texts)


@pytest.mark.parametrize('kwargs', [
    {}, {'output_mode': 'tf_idf'}, {'ngrams': (1, 3), 'split': 'character'}, {'standardize': shout},
    {'output_mode': 'count', 'max_tokens': 30, 'pad_to_max_tokens': True}, {'standardize': None, 'split': None},
])
def test_a_configuration_has_the_vocabulary(kwargs):
    layer = adapted(**kwargs)
    check_config(layer)
    again = deserialize(json.loads(json.dumps(serialize(layer))))
    np.testing.assert_array_equal(again(TEXTS), layer(TEXTS))
    again.adapt(['other'])
    static = layers.TextVectorization(vocabulary=['a'])
    check_config(static)
    with pytest.raises(ValueError, match='which adapt would replace'):
        layers.TextVectorization.from_config(static.get_config()).adapt(['a'])


def test_vocabulary_files(tmp_path):
    (tmp_path / 'v.txt').write_text('cat\ndog\n')
    assert layers.TextVectorization(vocabulary=tmp_path / 'v.txt')(['dog cat']).tolist() == [[3, 2]]
    layer = adapted()
    layer.save_assets(tmp_path)
    other = layers.TextVectorization()
    other.load_assets(tmp_path)
    assert other.get_vocabulary() == layer.get_vocabulary()


@pytest.mark.parametrize('make, message', [
    (lambda: layers.TextVectorization(standardize='upper'), "expected standardize to be one of 'lower_and_strip_punctuation'"),
    (lambda: layers.TextVectorization(split=3), "expected split to be one of 'whitespace', 'character', None or a function"),
    (lambda: layers.TextVectorization(ngrams=0), 'expected ngrams to be a whole number of at least 1, got 0'),
    (lambda: layers.TextVectorization(ngrams=(1, 'a')), 'expected ngrams to be a whole number'),
    (lambda: layers.TextVectorization(output_mode='x'), 'expected output_mode to be one of'),
    (lambda: layers.TextVectorization(output_sequence_length='x'), 'expected output_sequence_length to be a whole number'),
    (lambda: layers.TextVectorization(output_mode='count', output_sequence_length=3), "is for output_mode='int', got it with"),
    (lambda: layers.TextVectorization(ragged=True), 'ragged=True asks for rows of different lengths'),
    (lambda: layers.TextVectorization(sparse=True, output_mode='count'), 'sparse=True asks for sparse tensors'),
    (lambda: layers.TextVectorization(vocabulary=['a'])([1, 2]), r'expected texts, got \[1, 2\]'),
    (lambda: layers.TextVectorization(vocabulary=['a'])([['a', 'b']]), r'expected texts of shape \(samples,\) or'),
    (lambda: layers.TextVectorization(vocabulary=['a']).adapt(['a']), 'made with a vocabulary'),
    (lambda: layers.TextVectorization().adapt([]), 'expected texts|expected data with at least one sample'),
    (lambda: layers.TextVectorization(vocabulary=['a'], split=lambda t: t)(['a b']), 'expected its split function'),
    (lambda: layers.TextVectorization(vocabulary=['a'], standardize=lambda t: t[:1])(['a', 'b']), 'expected its standardize'),
])
def test_mistakes(make, message):
    with pytest.raises(ValueError, match=message):
        make()
