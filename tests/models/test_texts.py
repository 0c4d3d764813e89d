"""Models that take texts: what is made of them in front of the plan."""

import json

import numpy as np
import pytest

from fastkeras import layers
from fastkeras.models import Model, Sequential, clone_model, load_model
from fastkeras.saving.json import encode
from fastkeras.utils import Sequence, text_dataset_from_directory

TEXTS = np.array(['good film', 'bad film indeed', 'awful', 'very good', 'nice and good', 'bad bad bad'] * 8)
LABELS = np.array([1, 0, 0, 1, 1, 0] * 8)


def classifier(**kwargs):
    vectorize = layers.TextVectorization(**kwargs)
    vectorize.adapt(TEXTS)
    x = layers.Input((1,), dtype='string')
    h = layers.Embedding(vectorize.vocabulary_size(), 8)(vectorize(x))
    model = Model(x, layers.Dense(1, activation='sigmoid')(layers.GlobalAveragePooling1D()(h)))
    model.compile('adam', 'binary_crossentropy', metrics=['accuracy'])
    return model, vectorize


def by_numbers(model, vectorize):
    """The rest of a classifier, on numbers of tokens."""
    x = layers.Input((None,), dtype='int64')
    h = x
    for layer in model.layers[2:]:
        h = layer(h)
    return Model(x, h)


@pytest.mark.parametrize('length', [5, None])
def test_a_classifier_learns_and_predicts(length):
    model, vectorize = classifier(output_sequence_length=length)
    history = model.fit(TEXTS, LABELS, epochs=40, batch_size=8, verbose=0, validation_split=0.25)
    assert history.history['val_accuracy'][-1] == 1.0
    rest = by_numbers(model, vectorize)
    want = rest.predict(vectorize(TEXTS[:5]))
    for x in (TEXTS[:5], TEXTS[:5, None], TEXTS[:5].tolist(), TEXTS[:5].astype(object), np.char.encode(TEXTS[:5])):
        np.testing.assert_allclose(model.predict(x), want, rtol=1e-6)
        np.testing.assert_allclose(model(x), want, rtol=1e-6)
        np.testing.assert_allclose(model.predict_on_batch(x), want, rtol=1e-6)
    assert model.evaluate(TEXTS, LABELS, verbose=0)[1] == 1.0
    assert model.test_on_batch(TEXTS, LABELS)[1] == 1.0
    before = model.train_on_batch(TEXTS, LABELS)[0]
    assert model.train_on_batch(TEXTS, LABELS)[0] < before


def test_training_is_that_on_numbers():
    model, vectorize = classifier(output_sequence_length=4)
    rest = by_numbers(model, vectorize)
    weights = model.get_weights()
    losses = []
    for m, x in ((model, TEXTS), (rest, vectorize(TEXTS))):
        m.set_weights(weights)
        m.compile('sgd', 'binary_crossentropy')
        np.random.seed(3)
        losses.append(m.fit(x, LABELS, epochs=3, batch_size=7, verbose=0).history['loss'])
    assert losses[0] == losses[1]


def test_batches_of_different_lengths():
    vectorize = layers.TextVectorization(vocabulary=['good', 'bad'])
    model = Sequential([layers.Input((1,), dtype='string'), vectorize, layers.Embedding(4, 3), layers.GlobalMaxPooling1D()])
    model.set_weights([np.arange(-6, 6).reshape(4, 3)])
    y = model.predict(['good', 'bad bad bad', 'x good', 'bad'], batch_size=1)
    np.testing.assert_array_equal(y, np.arange(-6, 6).reshape(4, 3)[[2, 3, 2, 3]])


class Batches(Sequence):
    def __len__(self):
        return 6

    def __getitem__(self, k):
        return TEXTS[8 * k:8 * k + 8], LABELS[8 * k:8 * k + 8]


@pytest.mark.parametrize('workers', [0, 2])
def test_sequences_and_generators(workers):
    model, _ = classifier(output_sequence_length=4)
    model.fit(Batches(), epochs=30, verbose=0, workers=workers)
    assert model.evaluate(Batches(), verbose=0)[1] == 1.0
    model.fit(iter(list(Batches())), steps_per_epoch=3, epochs=2, verbose=0)
    np.testing.assert_array_equal(model.predict(Batches()), model.predict(TEXTS))


def test_texts_of_a_folder(tmp_path):
    for k, (text, label) in enumerate(zip(TEXTS, LABELS)):
        folder = tmp_path / ('bad', 'good')[label]
        folder.mkdir(exist_ok=True)
        (folder / f'{k}.txt').write_text(text)
    data = text_dataset_from_directory(tmp_path, batch_size=8, seed=1, verbose=False)
    vectorize = layers.TextVectorization(output_sequence_length=4)
    vectorize.adapt(data)
    assert sorted(vectorize.get_vocabulary()[2:]) == sorted({w for t in TEXTS for w in t.split()})
    model = Sequential([layers.Input((1,), dtype='string'), vectorize, layers.Embedding(12, 4), layers.Flatten(),
                        layers.Dense(1, activation='sigmoid')])
    model.compile('adam', 'binary_crossentropy')
    losses = model.fit(data, epochs=5, verbose=0).history['loss']
    assert losses[-1] < losses[0]
    pairs = [(vectorize(x), y) for x, y in data]        # or its numbers
    head = Sequential([layers.Input((4,)), *model.layers[1:]])
    head.compile('adam', 'binary_crossentropy')
    assert head.fit(iter(pairs), steps_per_epoch=len(pairs), verbose=0).history['loss'][0] < losses[0]


def test_texts_and_numbers_together():
    words, number = layers.Input((1,), dtype='string', name='words'), layers.Input((2,), name='number')
    lookup = layers.StringLookup(vocabulary=['a', 'b'], output_mode='one_hot')
    hashed = layers.Hashing(4)(words)
    crossed = layers.HashedCrossing(5, output_mode='one_hot')([words, hashed])
    joined = layers.Concatenate()([lookup(words), layers.Rescaling(2.0)(number), crossed])
    model = Model([words, number], layers.Dense(1)(joined))
    w, n = np.array([['a'], ['b'], ['z']]), np.arange(6.0).reshape(3, 2)
    want = np.concatenate([lookup(w), 2 * n, layers.HashedCrossing(5, output_mode='one_hot')([w, layers.Hashing(4)(w)])], 1)
    inside = Model([words, number], joined)
    for x in ([w, n], {'words': w, 'number': n}, {'number': n, 'words': w.ravel().tolist()}):
        np.testing.assert_allclose(inside.predict(x), want, rtol=1e-6)
    model.compile('sgd', 'mse')
    first = model.fit([w, n], np.ones(3), verbose=0).history['loss'][0]
    assert model.fit({'words': w, 'number': n}, np.ones(3), epochs=20, verbose=0).history['loss'][-1] < first


def test_a_model_that_only_reads_texts():
    x = layers.Input((1,), dtype='string')
    vectorize = layers.TextVectorization(vocabulary=['a', 'b'], output_mode='count')
    model = Model(x, vectorize(x))
    np.testing.assert_array_equal(model.predict(['a a', 'b x']), [[0, 2, 0], [1, 0, 1]])
    assert model.compute_output_shape((None, 1)) == (None, 3)


def test_a_stack_that_is_built_by_texts():
    model = Sequential([layers.TextVectorization(vocabulary=['good', 'bad']), layers.Embedding(4, 3),
                        layers.GlobalMaxPooling1D(), layers.Dense(1)])
    assert model(['good bad']).shape == (1, 1) and model.predict(['good', 'x']).shape == (2, 1)
    again = Sequential.from_config(json.loads(json.dumps(model.get_config(), default=encode)))
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(['good', 'bad x']), model.predict(['good', 'bad x']))
    large = np.array([[2 ** 40 + 1], [7]])
    assert Sequential([layers.IntegerLookup(vocabulary=[2 ** 40 + 1])]).predict(large).tolist() == [[1], [0]]


def test_copies_and_files(tmp_path):
    model, _ = classifier(output_sequence_length=4)
    want = model.predict(TEXTS)
    path = str(tmp_path / 'model.h5')
    model.save(path)
    config = json.loads(json.dumps(model.get_config(), default=encode))
    for other in (load_model(path, compile=False), Model.from_config(config), clone_model(model)):
        other.set_weights(model.get_weights())
        np.testing.assert_array_equal(other.predict(TEXTS), want)


def test_a_model_inside_another():
    inner, _ = classifier(output_sequence_length=4)
    x = layers.Input((1,), dtype='string')
    outer = Model(x, layers.Rescaling(2.0)(inner(x)))
    np.testing.assert_allclose(outer.predict(TEXTS), 2 * inner.predict(TEXTS), rtol=1e-6)
    again = Model.from_config(json.loads(json.dumps(outer.get_config(), default=encode)))
    again.set_weights(outer.get_weights())
    np.testing.assert_array_equal(again.predict(TEXTS), outer.predict(TEXTS))
    served = Sequential([layers.Input((1,), dtype='string'), inner.layers[1], by_numbers(inner, None)])
    np.testing.assert_allclose(served.predict(TEXTS), inner.predict(TEXTS), rtol=1e-6)


def test_pipeline_of_texts():
    pipeline = layers.Pipeline([layers.StringLookup(vocabulary=['a', 'b']), layers.CategoryEncoding(3, 'one_hot')])
    x = layers.Input((1,), dtype='string')
    model = Model(x, layers.Dense(2)(pipeline(x)))
    np.testing.assert_array_equal(pipeline(['a', 'z']), [[0, 1, 0], [1, 0, 0]])
    assert model.predict(['a', 'z']).shape == (2, 2)


class Own(Model):
    def __init__(self):
        super().__init__()
        self.lookup = layers.StringLookup(vocabulary=['a'])

    def call(self, x):
        return self.lookup(x)


X = layers.Input((1,), dtype='string')
N = layers.Input((1,), dtype='int32')


@pytest.mark.parametrize('make, message', [
    (lambda: layers.Dense(2)(X), 'it takes numbers, and got texts; put a layer in between that makes numbers of them'),
    (lambda: Own()(['a']), "a model with texts is described from an Input with dtype='string'"),
    (lambda: Own().predict(['a']), "a model with texts is described from an Input with dtype='string'"),
    (lambda: layers.Dense(2)(np.array([['a']])), 'expected an array of numbers'),
    (lambda: Model(N, layers.StringLookup(vocabulary=['a'], invert=True)(N)), 'is texts, and a model gives numbers'),
    (lambda: Model([X, N], layers.HashedCrossing(3)([X, layers.IntegerLookup(vocabulary=[1])(N)])),
     'takes texts together with what the layer .* computes'),
    (lambda: Model(X, layers.Hashing(3)(X)).predict(np.zeros((2, 1))), r'expected an array of texts, got an array of shape'),
    (lambda: Model(X, layers.Hashing(3)(X)).predict([['a', 'b']]), 'to have shape'),
    (lambda: Model(X, layers.Hashing(3)(X)).predict([['a'], ['b', 'c']]), 'ragged list'),
    (lambda: Model(N, layers.Hashing(3)(N)).predict(['a']), "a model takes texts by an Input with dtype='string'"),
])
def test_mistakes(make, message):
    with pytest.raises(ValueError, match=message):
        make()
