"""take, map, batch and the other methods of data sets against what TensorFlow gave (tests/parity/record_pipelines.py)."""

import json
from pathlib import Path

import numpy as np
import pytest

import fastkeras
from fastkeras import layers, models, utils
from tests.parity import pipeline_cases as cases
from tests.preprocessing.image.pictures import save

RECORDED = json.loads((Path(cases.__file__).parent / 'pipelines_keras3.json').read_text())['cases']


def same(own, theirs):
    """Equal, but where TensorFlow does not know a size."""
    if isinstance(theirs, dict):
        return list(own) == list(theirs) and all(same(own[k], theirs[k]) for k in theirs)
    if isinstance(theirs, list):
        return len(own) == len(theirs) and all(map(same, own, theirs))
    return theirs is None or own == theirs


@pytest.mark.parametrize('name', cases.CASES)
def test_is_that_of_tensorflow(name):
    own, theirs = json.loads(json.dumps(cases.CASES[name](fastkeras))), RECORDED[name]
    assert same(own, theirs), (own, theirs)


@pytest.fixture
def pictures(tmp_path):
    for i in range(5):
        save(tmp_path / f'a/{i}.png', i)
        save(tmp_path / f'b/{i}.png', i)
    return utils.image_dataset_from_directory(tmp_path, image_size=(4, 5), batch_size=4, seed=1, verbose=False)


def test_images(pictures):
    spec = pictures.element_spec
    assert spec == (((None, 4, 5, 3), 'float32', None), ((None,), 'int32', None))
    assert pictures.cardinality().numpy() == len(pictures) == 3 and pictures.class_names == ['a', 'b']
    for x, y in pictures.take(1):
        assert x.shape == (4, 4, 5, 3) and y.shape == (4,)
    rescale = layers.Rescaling(1 / 255)
    prepared = pictures.map(lambda x, y: (rescale(x), y)).cache().shuffle(10).prefetch(buffer_size=-1)
    assert all(x.max() <= 1 for x, _ in prepared)
    first, _ = next(pictures.unbatch().as_numpy_iterator())
    assert first.shape == (4, 5, 3)
    assert len(list(pictures.rebatch(3))) == 4


def test_is_lazy():
    """Nothing is made before it is asked for, and no more than that."""
    made = []

    def note(x):
        made.append(float(x[0]))
        return x
    data = utils.timeseries_dataset_from_array(np.arange(100.0), None, 1, batch_size=None).map(note)
    chain = data.filter(lambda x: x[0] >= 1).batch(2).prefetch(1)
    assert made == []
    assert next(iter(chain)).tolist() == [[1], [2]] and made == [0, 1, 2]


def test_trains_and_predicts(pictures):
    model = models.Sequential([layers.Input((4, 5, 3)), layers.Flatten(), layers.Dense(2, activation='softmax')])
    model.compile('sgd', 'sparse_categorical_crossentropy', metrics=['acc'])
    prepared = pictures.map(lambda x, y: (x / 255, y)).cache()
    history = model.fit(prepared.shuffle(3).prefetch(2), validation_data=prepared.take(2), epochs=3, verbose=0)
    assert len(history.history['val_loss']) == 3
    assert model.predict(prepared.map(lambda x, y: x)).shape == (10, 2)
    x, y = (np.concatenate(column) for column in zip(*prepared))
    np.testing.assert_allclose(model.evaluate(prepared, verbose=0), model.evaluate(x, y, verbose=0), rtol=1e-5)
    assert len(model.fit(prepared.repeat(), steps_per_epoch=2, epochs=2, verbose=0).history['loss']) == 2
    for run in (lambda: model.fit(prepared.repeat(), verbose=0), lambda: model.predict(prepared.repeat())):
        with pytest.raises(ValueError, match='has no end'):
            run()


def test_texts(tmp_path):
    for name in 'ab':
        (tmp_path / name).mkdir()
        (tmp_path / name / '1.txt').write_text(f'text of {name}')
    data = utils.text_dataset_from_directory(tmp_path, shuffle=False, verbose=False)
    assert data.element_spec == (((None,), 'string', None), ((None,), 'int32', None))
    texts = data.map(lambda x, y: x)
    assert [t.tolist() for t in texts] == [['text of a', 'text of b']]
    assert next(texts.as_numpy_iterator()).tolist() == [b'text of a', b'text of b']
    lookup = layers.TextVectorization()
    lookup.adapt(texts)
    assert set(lookup.get_vocabulary()) >= {'text', 'of', 'a', 'b'}


def test_many_passes_at_a_time():
    data = utils.timeseries_dataset_from_array(np.arange(6.0), None, 1, batch_size=None).shuffle(3, seed=1)
    one, other = iter(data), iter(data)
    assert sorted(float(x[0]) for x in one) == sorted(float(x[0]) for x in other) == list(range(6))


def test_a_cache_is_of_whole_passes():
    calls = []
    data = utils.timeseries_dataset_from_array(np.arange(4.0), None, 1, batch_size=None)
    data = data.map(lambda x: calls.append(1) or x).cache()
    next(iter(data))
    assert [len(list(data)) for _ in range(3)] == [4] * 3 and len(calls) == 5


@pytest.mark.parametrize('call, error, words', [
    (lambda d: d.take(1.5), ValueError, 'take: count'), (lambda d: d.skip(-2), ValueError, 'skip: count'),
    (lambda d: d.batch(0), ValueError, 'batch_size'), (lambda d: d.shuffle(0), ValueError, 'buffer_size'),
    (lambda d: d.rebatch('a'), ValueError, 'batch_size'), (lambda d: d.repeat(-3), ValueError, 'repeat: count'),
    (lambda d: d.cache('file'), ValueError, 'memory'), (lambda d: d.prefetch(-2), ValueError, 'buffer_size'),
    (lambda d: d.concatenate([1]), TypeError, 'data set'), (lambda d: d.zip(d, 3), TypeError, 'zip'),
    (lambda d: d.apply(lambda x: 3), TypeError, 'apply'), (lambda d: len(d.repeat()), TypeError, 'no end'),
    (lambda d: len(d.filter(lambda x, y: True)), TypeError, 'not known'),
    (lambda d: list(d.unbatch().unbatch().unbatch()), ValueError, 'unbatch'),
    (lambda d: list(d.unbatch().map(lambda x, y: np.zeros(int(y) % 3)).batch(2)), ValueError, 'different shapes')])
def test_refuses(call, error, words):
    data = utils.timeseries_dataset_from_array(np.arange(6.0), np.arange(6.0), 2, batch_size=2)
    with pytest.raises(error, match=words):
        call(data)


def test_split():
    data = utils.timeseries_dataset_from_array(np.arange(10.0), np.arange(10.0), 1, batch_size=4).map(lambda x, y: (x + 1, y))
    left, right = utils.split_dataset(data, left_size=0.5)
    assert [y.tolist() for _, y in left] == [[0, 1, 2, 3], [4]] and [x.shape for x, _ in right] == [(4, 1), (1, 1)]
