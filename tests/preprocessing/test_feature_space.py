"""FeatureSpace, beside what Keras 3.15 gave (tests/parity/feature_space.py)."""

import json

import numpy as np
import pytest

import fastkeras
from fastkeras import layers
from fastkeras.models import Model
from fastkeras.utils import FeatureSpace, Sequence
from tests.parity import feature_space as recorded

DATA = recorded.DATA
COLUMNS = {k: np.array(v) for k, v in DATA.items()}


def same(a, b):
    if isinstance(b, dict):
        assert sorted(a) == sorted(b)
        for k in b:
            same(a[k], b[k])
    else:
        np.testing.assert_allclose(a, b, atol=3e-5)


def test_is_that_of_keras():
    same(recorded.results(fastkeras), json.loads(recorded.RECORDED.read_text()))


class Batches(Sequence):
    def __len__(self):
        return 3

    def __getitem__(self, k):
        return {name: v[16 * k:16 * k + 16] for name, v in COLUMNS.items()}, np.zeros(16)


def test_lists_batches_and_shapes():
    want = recorded.space(fastkeras, 'concat')
    want.adapt(COLUMNS)
    for data in (DATA, {k: v[:, None] for k, v in COLUMNS.items()}):
        space = recorded.space(fastkeras, 'concat')
        space.adapt(data)
        np.testing.assert_array_equal(space(data), want(COLUMNS))
    space = recorded.space(fastkeras, 'concat')
    space.adapt(Batches())
    assert space.preprocessors['s'].get_vocabulary() == want.preprocessors['s'].get_vocabulary()
    assert space(COLUMNS).shape == want(COLUMNS).shape == (48, 40)


def test_in_a_model():
    space = recorded.space(fastkeras, 'concat')
    space.adapt(COLUMNS)
    inputs = space.get_inputs()
    assert inputs['s'].dtype == 'string' and inputs['i'].dtype == 'int32' and inputs['f'].shape == (None, 1)
    assert space.get_preprocessed_features()['s'].dtype == 'int64'
    encoded = space.get_encoded_features()
    assert encoded.shape == (None, 40)
    np.testing.assert_allclose(Model(inputs, encoded).predict(DATA), space(DATA), rtol=1e-5, atol=1e-6)
    model = Model(inputs, layers.Dense(1)(encoded))
    model.compile('adam', 'mse')
    model.fit(COLUMNS, COLUMNS['f'], epochs=2, verbose=0)
    head = Model(encoded, model.output)         # trained on vectors, served on columns
    np.testing.assert_allclose(head.predict(space(DATA)), model.predict(DATA), rtol=1e-4, atol=1e-5)


def test_a_dict_of_features_in_a_model():
    space = recorded.space(fastkeras, 'dict', 'int')
    space.adapt(COLUMNS)
    model = Model(space.get_inputs(), space.get_encoded_features())
    same(model.predict(COLUMNS), space(COLUMNS))


def test_a_layer_of_ones_own():
    texts = {'text': ['1st string', '2nd string', '3rd string']}
    layer = layers.TextVectorization(output_mode='tf_idf')
    space = FeatureSpace({'text': FeatureSpace.feature('string', layer, 'float')})
    space.adapt(texts)
    np.testing.assert_array_equal(space(texts), layer(texts['text']))
    ready = FeatureSpace({'x': FeatureSpace.float_discretized(None, [0.0, 1.0]), 'y': FeatureSpace.string_hashed(3)})
    np.testing.assert_array_equal(ready({'x': [-1.0, 0.5], 'y': ['a', 'b']})[:, :3], [[1, 0, 0], [0, 1, 0]])


def test_files(tmp_path):
    space = recorded.space(fastkeras, 'concat')
    with pytest.raises(ValueError, match='call adapt before it is used'):
        space.save(tmp_path / 'space.json')
    space.adapt(COLUMNS)
    space.save(tmp_path / 'space.json')
    again = FeatureSpace.load(tmp_path / 'space.json')
    np.testing.assert_array_equal(again(DATA), space(DATA))
    assert again.get_config() == space.get_config()
    with pytest.raises(ValueError, match='save writes JSON, got the name'):
        space.save(tmp_path / 'space.keras')
    (tmp_path / 'other').write_text('{}')
    with pytest.raises(ValueError, match='is no file of FeatureSpace.save'):
        FeatureSpace.load(tmp_path / 'other')


FLOAT = {'a': 'float', 'b': 'float'}


@pytest.mark.parametrize('make, message', [
    (lambda: FeatureSpace({}), 'expected features to be a dict of at least one name'),
    (lambda: FeatureSpace({'a': 'text'}), "the type of the feature 'a' is not known: 'text'"),
    (lambda: FeatureSpace(FLOAT, output_mode='list'), "expected output_mode to be 'concat' or 'dict', got 'list'"),
    (lambda: FeatureSpace(FLOAT, crosses=[('a', 'c')]), r"at least two of the features \['a', 'b'\], got \['a', 'c'\]"),
    (lambda: FeatureSpace.feature('float32', layers.Activation('linear'), 'two_hot'), "got 'two_hot'"),
    (lambda: FeatureSpace.cross(('a', 'b'), 3, 'float'), "expected the output_mode of a cross to be 'int' or 'one_hot'"),
    (lambda: FeatureSpace({'a': 'float_normalized'})({'a': [1.0]}), r"the features \['a'\] learn from data: call adapt"),
    (lambda: FeatureSpace({'a': 'float_normalized'}).adapt([1.0]), 'adapt: expected a dict of columns'),
    (lambda: FeatureSpace({'a': 'float_normalized'}).adapt({'b': [1.0]}), "no data for the feature 'a'"),
    (lambda: FeatureSpace(FLOAT)({'a': [1.0]}), "no data for the feature 'b'"),
    (lambda: FeatureSpace(FLOAT)({'a': [1.0], 'b': [2.0], 'c': [3.0]}), "'c' is no feature"),
    (lambda: FeatureSpace(FLOAT)({'a': ['x'], 'b': [2.0]}), "expected numbers for the feature 'a', got texts"),
    (lambda: FeatureSpace({'a': FeatureSpace.string_hashed(3, 'int')})({'a': ['x']}), 'which cannot be joined to a vector'),
    (lambda: FeatureSpace({'a': FeatureSpace.feature('float32', layers.Activation('linear'), 'one_hot')})({'a': [1.0]}),
     'must give whole numbers below a known one, got float32'),
])
def test_mistakes(make, message):
    with pytest.raises(ValueError, match=message):
        make()
