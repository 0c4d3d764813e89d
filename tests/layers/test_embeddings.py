import numpy as np
import pytest

from fastkeras import generation, optimizers
from fastkeras.layers import Dense, Embedding, Flatten, GlobalAveragePooling1D, Input, Lambda
from fastkeras.models import Model, Sequential
from tests.layer_harness import run_layer_test

IDS = np.random.default_rng(0).integers(0, 7, (3, 5)).astype(np.int32)


def rows(x, table):
    return table[x.astype(int)]


@pytest.mark.parametrize('kwargs, x', [
    ({}, IDS), ({'mask_zero': True}, IDS), ({'input_length': 5}, IDS), ({'input_length': (5,)}, IDS),
    ({'embeddings_initializer': 'normal', 'embeddings_regularizer': 'l2', 'activity_regularizer': 'l1'}, IDS),
    ({'embeddings_constraint': 'non_neg'}, IDS),
    ({}, IDS.astype(np.int64)), ({}, IDS.astype(np.uint8)), ({}, IDS[..., None]), ({}, IDS[:, 0])])
def test_embedding(kwargs, x):
    run_layer_test(Embedding, {'input_dim': 7, 'output_dim': 4, **kwargs}, input_data=x, expected=rows,
                   expected_mask=(x != 0) if kwargs.get('mask_zero') else None)


def test_low_rank():
    kwargs = {'input_dim': 7, 'output_dim': 4, 'lora_rank': 2, 'lora_alpha': 5}
    run_layer_test(Embedding, kwargs, input_data=IDS, trains=False, expected=lambda x, a, b, table: table[x.astype(int)])
    layer = Embedding(**kwargs)
    layer.build()
    a, b, table = (np.random.default_rng(1).random(w.shape, np.float32) for w in layer.weights)
    layer.set_weights([a, b, table])
    np.testing.assert_allclose(layer(IDS), (table + 5 / 2 * a @ b)[IDS], rtol=1e-5)
    layer = Embedding(7, 4)
    with pytest.raises(ValueError, match='not built yet'):
        layer.enable_lora(2)
    before = layer(IDS)
    layer.enable_lora(2, b_initializer='ones')
    assert [w.shape for w in layer.trainable_weights] == [(7, 2), (2, 4)] and np.abs(layer(IDS) - before).min() > 0
    with pytest.raises(ValueError, match='there already'):
        layer.enable_lora(2)
    with pytest.raises(ValueError, match='embeddings_constraint'):
        Embedding(7, 4, embeddings_constraint='non_neg', lora_rank=2)(IDS)


def test_floats_are_cut_off():
    layer = Embedding(7, 4)
    np.testing.assert_array_equal(layer(np.float32([[1.9, -0.5, 6.99]])), layer(np.int32([[1, 0, 6]])))


def test_first_values():
    table = np.random.default_rng(1).random((7, 4), np.float32)
    for given in (table, [table]):
        np.testing.assert_array_equal(Embedding(7, 4, weights=given)(IDS), table[IDS])
        np.testing.assert_allclose(Embedding(7, 4, weights=given, lora_rank=2)(IDS), table[IDS])
    with pytest.raises(ValueError, match=r'array of shape \(7, 4\), .*got \(4, 7\)'):
        Embedding(7, 4, weights=table.T)


def test_it_begins_a_model():
    """Keras 2: of any length, unless input_length says it."""
    assert Sequential([Embedding(7, 4)]).output_shape == (None, None, 4)
    assert Sequential([Embedding(7, 4, input_length=5), Flatten(), Dense(2)]).output_shape == (None, 2)
    assert Embedding(7, 4, input_length=5).compute_output_shape((None, None)) == (None, 5, 4)
    with generation.scope(3):
        assert not Sequential([Embedding(7, 4)]).built
    with pytest.raises(ValueError, match=r"'layer'.*shape \(None, 5\), as input_length says, got shape \(3, 4\)"):
        Embedding(7, 4, input_length=5, name='layer')(IDS[:, :4])


def test_a_length_that_only_the_data_know():
    """As code for Keras 3 has it; the model is built by its first data."""
    model = Sequential([Embedding(7, 4), Flatten(), Dense(2)])
    assert model.predict(IDS).shape == (3, 2) and model.input_shape == (None, 5)


@pytest.mark.parametrize('kwargs, match', [
    ({'input_dim': 0}, 'input_dim to be a whole number of at least 1, got 0'), ({'output_dim': 1.5}, 'output_dim'),
    ({'input_length': -1}, 'input_length'), ({'input_length': 'long'}, 'input_length'),
    ({'quantization_config': 'int8'}, 'quantization_config'), ({'lora_rank': 0}, 'lora_rank')])
def test_bad_arguments(kwargs, match):
    with pytest.raises(ValueError, match=match):
        Embedding(**{'input_dim': 7, 'output_dim': 4, **kwargs})


@pytest.mark.parametrize('dtype', ['int32', 'int64', 'float32', 'float64'])
@pytest.mark.parametrize('wrong', [7, -1])
def test_numbers_outside_the_table(dtype, wrong):
    """The error comes before anything is computed, on every way that a batch can take."""
    said = rf"from 0 to 6 \(Embedding layer 'words' has input_dim=7\), got {wrong}(\.0)? at row 1, column 3"
    x, bad = IDS.astype(dtype), IDS.astype(dtype)
    bad[1, 3] = wrong
    layer = Embedding(7, 4, name='words')
    model = Sequential([layer, GlobalAveragePooling1D(), Dense(1)])
    model.compile('sgd', 'mse')
    y = np.zeros((3, 1), np.float32)
    outer_input = Input((5,), dtype='int32')
    outer = Model(outer_input, model(outer_input))
    for _ in range(2):      # the second time by the short ways
        model.predict(x)
        model.train_on_batch(x, y)
        before = model.get_weights()
        for run in (lambda: model.predict(bad), lambda: model.fit(bad, y, verbose=0), lambda: model.train_on_batch(bad, y),
                    lambda: model.test_on_batch(bad, y), lambda: model.evaluate(bad, y, verbose=0),
                    lambda: model.fit_generator(iter([(bad, y)]), 1, verbose=0), lambda: layer(bad), lambda: model(bad),
                    lambda: outer.predict(bad.astype('int32')), lambda: outer(bad.astype('int32'))):
            with pytest.raises(ValueError, match=said):
                run()
        for a, b in zip(before, model.get_weights()):
            np.testing.assert_array_equal(a, b)


def test_nan_is_no_index():
    with pytest.raises(ValueError, match='got nan at row 0, column 1'):
        Embedding(7, 4)(np.float32([[1, np.nan]]))


def test_an_index_that_the_model_computed():
    model = Sequential([Lambda(lambda x: x + 3, input_shape=(5,)), Embedding(7, 4, name='words')])
    with pytest.raises(ValueError, match="'words'"):
        model.predict(IDS.astype('float32'))


@pytest.mark.parametrize('optimizer, few', [(optimizers.SGD(0.1), True), (optimizers.Adagrad(0.1), True),
                                            (optimizers.Adam(0.1), False)])
@pytest.mark.parametrize('rank', [None, 2])
def test_training_touches_the_rows_that_were_read(optimizer, few, rank):
    optimizer = type(optimizer).from_config(optimizer.get_config())
    model = Sequential([Embedding(500, 4, lora_rank=rank), GlobalAveragePooling1D(), Dense(1)])
    model.compile(optimizer, 'mse')
    model.train_on_batch(IDS.astype('float32'), np.ones((3, 1), np.float32))
    traced, = model._steps.function('train')._traced.values()
    assert ('put_rows' in [step.kernel for step in traced.compiled.steps]) == few
