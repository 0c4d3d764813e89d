"""Hashing, HashedCrossing, StringLookup and IntegerLookup; their numbers are compared with Keras 3.15 in tests/parity."""

import json
import os

import numpy as np
import pytest

from fastkeras import layers
from fastkeras.layers import deserialize, serialize
from fastkeras.models import Model, Sequential
from fastkeras.saving import trust
from fastkeras.utils import Sequence

from ..layer_harness import check_config, run_layer_test

INTS = np.array([[12, 0, 36], [7, 8, 12]], np.int64)
WORDS = np.array([['a', 'b'], ['b', 'zzz'], ['c', '']])


def through_json(layer):
    check_config(layer)
    return deserialize(json.loads(json.dumps(serialize(layer))))


# ---- on numbers they are layers like others
@pytest.mark.parametrize('mode', ['int', 'one_hot', 'multi_hot', 'count'])
@pytest.mark.parametrize('x', [INTS, INTS.astype(np.int32)])
def test_hashing_of_numbers(mode, x):
    y = layers.Hashing(5)(x)
    hot = np.eye(5)[y]
    want = {'int': y, 'one_hot': hot, 'multi_hot': hot.max(1), 'count': hot.sum(1)}[mode]
    run_layer_test(layers.Hashing, {'num_bins': 5, 'output_mode': mode}, input_data=x, trains=False, expected=lambda x: want)


def test_crossing_of_numbers():
    x = [INTS[:, :1], INTS[:, 1:2]]
    run_layer_test(layers.HashedCrossing, {'num_bins': 7}, input_data=x, trains=False)
    run_layer_test(layers.HashedCrossing, {'num_bins': 7, 'output_mode': 'one_hot'}, input_data=x, trains=False,
                   expected_output_shape=(2, 7))


@pytest.mark.parametrize('mode', ['int', 'one_hot', 'multi_hot', 'count', 'tf_idf'])
@pytest.mark.parametrize('mask', [None, 0])
def test_integer_lookup(mode, mask):
    idf = {'idf_weights': [1.0, 2.0]} if mode == 'tf_idf' else {}
    numbers = {12: 1, 36: 2}
    shifted = mask is not None and mode == 'int'
    index = np.vectorize(lambda v: -1 if v == mask else numbers.get(v, 0))(INTS) + shifted
    hot = (index[..., None] == np.arange(3)).astype(float)
    want = {'int': index, 'one_hot': hot, 'multi_hot': hot.max(1), 'count': hot.sum(1),
            'tf_idf': hot.sum(1) * [1.5, 1, 2]}[mode]
    run_layer_test(layers.IntegerLookup, {'vocabulary': [12, 36], 'mask_token': mask, 'output_mode': mode, **idf},
                   input_data=INTS, trains=False, expected=lambda x: want)


def test_inverting_gives_the_tokens_back():
    run_layer_test(layers.IntegerLookup, {'vocabulary': [12, 36], 'invert': True}, input_data=np.array([[0, 1, 2, 9]]),
                   expected=lambda x: np.array([[-1, 12, 36, -1]]), trains=False)
    layer = layers.StringLookup(vocabulary=['ä', 'b'], invert=True, mask_token='')
    assert layer([[0, 1], [2, 3], [4, -1]]).tolist() == [['', '[UNK]'], ['ä', 'b'], ['[UNK]', '[UNK]']]


# ---- texts
def test_texts_of_all_kinds():
    layer = layers.StringLookup(vocabulary=['a', 'b', 'ü'])
    want = [[1, 2], [2, 3], [0, 0]]
    texts = [['a', 'b'], ['b', 'ü'], ['x', '']]
    for x in (texts, np.array(texts), np.array(texts, object), np.char.encode(np.array(texts), 'utf-8')):
        y = layer(x)
        assert y.dtype == np.int64 and y.tolist() == want
    assert layer('b') == 2 and layer('b').shape == ()
    assert layer(np.zeros((0, 2), str)).shape == (0, 2)
    latin = layers.StringLookup(vocabulary=['ü'], encoding='latin-1')
    assert latin(np.array([b'\xfc', b'\xc3'])).tolist() == [1, 0] and latin.get_vocabulary() == ['[UNK]', 'ü']


def test_learning_a_vocabulary():
    layer = layers.StringLookup(mask_token='', num_oov_indices=2)
    layer.adapt(['b', 'a', 'b', '', 'c', 'a', '[UNK]'])
    assert layer.get_vocabulary() == ['', '[UNK]', '[UNK]', 'b', 'a', 'c'] and layer.vocabulary_size() == 6
    assert layer.get_vocabulary(include_special_tokens=False) == ['b', 'a', 'c']
    layer.adapt(['z'])
    assert layer.get_vocabulary(False) == ['z']     # what was learnt before is forgotten
    small = layers.StringLookup(max_tokens=3)
    small.adapt(np.array([['b', 'a', 'b', 'c', 'a']]))
    assert small.get_vocabulary() == ['[UNK]', 'b', 'a']
    ints = layers.IntegerLookup()
    ints.adapt([5, 5, -7, 3])
    assert ints.get_vocabulary() == [-1, 5, 3, -7] and all(type(t) is int for t in ints.get_vocabulary())


class Batches(Sequence):
    def __len__(self):
        return 2

    def __getitem__(self, k):
        return WORDS[k::2], np.zeros(2)


@pytest.mark.parametrize('mode', ['int', 'tf_idf'])
def test_learning_from_batches(mode):
    whole = layers.StringLookup(output_mode=mode)
    whole.adapt(WORDS)
    for data, options in ((Batches(), {}), ((w for w in WORDS[:, None]), {}), (WORDS, {'batch_size': 2})):
        layer = layers.StringLookup(output_mode=mode)
        layer.adapt(data, **options)
        assert layer.get_vocabulary() == whole.get_vocabulary()
        np.testing.assert_array_equal(layer(WORDS), whole(WORDS))
    layer.adapt(iter([['a'], ['b']]), steps=1)
    assert layer.get_vocabulary(False) == ['a']


def test_states_one_by_one():
    layer = layers.StringLookup()
    layer.update_state(['a', 'b'])
    layer.update_state(['b'])
    layer.finalize_state()
    assert layer.get_vocabulary() == ['[UNK]', 'b', 'a']
    layer.update_state(['c'])
    layer.reset_state()
    layer.finalize_state()
    assert layer.get_vocabulary() == ['[UNK]', 'b', 'a']


@pytest.mark.parametrize('make, x', [
    (lambda: layers.StringLookup(vocabulary=['a', 'b'], num_oov_indices=2, salt=5), WORDS),
    (lambda: layers.StringLookup(output_mode='tf_idf'), WORDS),
    (lambda: layers.StringLookup(mask_token='', output_mode='count', pad_to_max_tokens=True, max_tokens=9), WORDS),
    (lambda: layers.IntegerLookup(num_oov_indices=3, oov_method='farmhash', salt=[1, 2]), INTS),
    (lambda: layers.IntegerLookup(mask_token=0), INTS),
])
def test_a_configuration_has_the_vocabulary(make, x):
    layer = make()
    learns = layer._adaptable
    if learns:
        layer.adapt(x)
    again = through_json(layer)
    assert again.get_vocabulary() == layer.get_vocabulary()
    np.testing.assert_array_equal(again(x), layer(x))
    if learns:
        again.adapt(x[:1])
    else:
        with pytest.raises(ValueError, match='which adapt would replace'):
            again.adapt(x)


def test_files(tmp_path):
    path = tmp_path / 'words.txt'
    path.write_bytes('a\nß\n'.encode())
    for name in (path, str(path)):
        layer = layers.StringLookup(vocabulary=name)
        assert layer.get_vocabulary() == ['[UNK]', 'a', 'ß']
    path.write_text('5\r\n7')
    assert layers.IntegerLookup(vocabulary=str(path)).get_vocabulary() == [-1, 5, 7]
    os.mkdir(tmp_path / 'assets')
    layer.save_assets(tmp_path / 'assets')
    assert not os.listdir(tmp_path / 'assets')      # the configuration has it
    learned, other = layers.StringLookup(), layers.StringLookup()
    learned.adapt(np.array(['ß', 'a', 'ß']))
    learned.save_assets(tmp_path / 'assets')
    other.load_assets(tmp_path / 'assets')
    assert other.get_vocabulary() == learned.get_vocabulary() == ['[UNK]', 'ß', 'a']


def test_a_configuration_reads_no_files(tmp_path):
    path = tmp_path / 'words.txt'
    path.write_text('a\nb')
    for cls in (layers.StringLookup, layers.IntegerLookup, layers.TextVectorization):
        config = {**cls().get_config(), 'vocabulary': str(path)}
        with pytest.raises(ValueError, match='its configuration asks to read the vocabulary file'):
            cls.from_config(config)
    with trust.unsafe():
        assert layers.StringLookup.from_config({**layers.StringLookup().get_config(), 'vocabulary': str(path)}
                                               ).get_vocabulary() == ['[UNK]', 'a', 'b']


def test_a_plan_follows_the_vocabulary():
    layer = layers.IntegerLookup(vocabulary=[1, 2])
    model = Sequential([layers.Input((2,), dtype='int64'), layer])
    assert model.predict(np.array([[1, 2]])).tolist() == [[1, 2]]
    layer.set_vocabulary([2, 1, 3])
    assert model.predict(np.array([[1, 3]])).tolist() == [[2, 3]]
    with pytest.raises(ValueError, match=r'with num_oov_indices=0 all inputs must be in the vocabulary, got \[9\]'):
        layers.IntegerLookup(vocabulary=[1], num_oov_indices=0)([9])


def test_a_described_depth_stays():
    layer = layers.IntegerLookup(vocabulary=[1, 2], output_mode='multi_hot')
    a = layers.Input((2,), dtype='int64')
    Model(a, layer(a))
    layer.set_vocabulary([3, 4])
    with pytest.raises(RuntimeError, match='a model was made with its 3 tokens, so it cannot have 4 now'):
        layer.set_vocabulary([3, 4, 5])


@pytest.mark.parametrize('make, message', [
    (lambda: layers.Hashing(0), 'expected num_bins to be a whole number of at least 1, got 0'),
    (lambda: layers.Hashing(3, output_mode='x'), "expected output_mode to be one of 'int', 'one_hot', 'multi_hot', 'count'"),
    (lambda: layers.Hashing(3, salt='x'), "expected salt to be a whole number, two of them or None, got 'x'"),
    (lambda: layers.Hashing(3, sparse=True, output_mode='count'), 'sparse=True asks for sparse tensors'),
    (lambda: layers.Hashing(3, dtype='float32'), "expected dtype to be 'int32' or 'int64' for output_mode='int'"),
    (lambda: layers.Hashing(3, mask_value='a')(INTS), 'its inputs are numbers, and its mask_value is the text'),
    (lambda: layers.Hashing(3, mask_value=1)(WORDS), 'its inputs are texts, and its mask_value is 1'),
    (lambda: layers.Hashing(3)([['a'], ['b', 'c']]), 'ragged list'),
    (lambda: layers.Hashing(3)(np.array(['a', None], object)), r'expected texts, got None at \[1\]'),
    (lambda: layers.HashedCrossing(3)(INTS), 'expected a list of at least two inputs'),
    (lambda: layers.HashedCrossing(3)([INTS[:, :1]]), 'expected a list of at least two inputs'),
    (lambda: layers.HashedCrossing(3)([INTS, INTS]), r'expected inputs of shape \(samples,\) or \(samples, 1\)'),
    (lambda: layers.HashedCrossing(3)([INTS[0], INTS[0][:2]]), 'expected inputs of one shape'),
    (lambda: layers.HashedCrossing(3)([np.float32([1]), np.float32([2])]), 'expected inputs of texts or whole numbers'),
    (lambda: layers.StringLookup(vocabulary=['a', 'b', 'a']), r"different tokens, got \['a'\] more than once"),
    (lambda: layers.StringLookup(vocabulary=[]), 'expected a vocabulary with at least one token'),
    (lambda: layers.StringLookup(vocabulary=['a', ''], mask_token=''), "the mask token '' stands at index 1"),
    (lambda: layers.StringLookup(vocabulary=['a', '[UNK]'], invert=True), r"the OOV token '\[UNK\]' stands at index 1"),
    (lambda: layers.StringLookup(vocabulary=['a', 'b'], max_tokens=2), 'at most max_tokens=2, got 3'),
    (lambda: layers.StringLookup(vocabulary='/no/such/file'), "cannot read the vocabulary file '/no/such/file'"),
    (lambda: layers.StringLookup(vocabulary='http://127.0.0.1:1/x'), 'cannot read the vocabulary file'),
    (lambda: layers.StringLookup(vocabulary=[1, 2]), 'expected vocabulary to hold texts, got 1'),
    (lambda: layers.StringLookup(max_tokens=1), 'expected max_tokens to be a whole number of at least 2, got 1'),
    (lambda: layers.StringLookup(num_oov_indices=-1), 'expected num_oov_indices to be a whole number of at least 0'),
    (lambda: layers.StringLookup(output_mode='ragged'), "expected output_mode to be one of 'int', 'one_hot'"),
    (lambda: layers.StringLookup(invert=True, output_mode='count'), "expected output_mode 'int' with invert=True, got 'count'"),
    (lambda: layers.StringLookup(pad_to_max_tokens=True), 'pad_to_max_tokens=True needs max_tokens'),
    (lambda: layers.StringLookup(vocabulary=['a'], output_mode='tf_idf'), 'expected idf_weights with a vocabulary'),
    (lambda: layers.StringLookup(vocabulary=['a'], idf_weights=[1.0]), "idf_weights are for output_mode='tf_idf'"),
    (lambda: layers.StringLookup(vocabulary=['a'], output_mode='tf_idf', idf_weights=[1.0, 2.0]), 'of the vocabulary, 1'),
    (lambda: layers.StringLookup(vocabulary=['a'])([1]), 'expected texts, got an array of int32; IntegerLookup takes numbers'),
    (lambda: layers.StringLookup(vocabulary=['a'], invert=True)(['a']), 'expected numbers, for it has invert=True'),
    (lambda: layers.StringLookup(vocabulary=['a']).adapt(['a']), 'it was made with a vocabulary, which adapt would replace'),
    (lambda: layers.IntegerLookup(vocabulary=[1.5]), 'expected vocabulary to hold whole numbers, got 1.5'),
    (lambda: layers.IntegerLookup(vocabulary_dtype='int32'), "expected vocabulary_dtype to be 'int64', got 'int32'"),
    (lambda: layers.IntegerLookup(salt=3), "salt is for oov_method='farmhash'"),
    (lambda: layers.IntegerLookup(oov_method='x'), "expected oov_method to be 'floormod' or 'farmhash', got 'x'"),
    (lambda: layers.IntegerLookup(vocabulary=[1])(['a']), 'expected whole numbers, got texts; StringLookup takes them'),
])
def test_mistakes(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_vocabulary_is_needed():
    with pytest.raises(RuntimeError, match="output_mode='count' needs a vocabulary before the layer is used"):
        layers.StringLookup(output_mode='count')(['a'])
    assert layers.StringLookup()(['a']).tolist() == [0] and layers.StringLookup().get_vocabulary() == ['[UNK]']
