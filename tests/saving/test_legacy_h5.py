"""HDF5 files in the layout of Keras 2."""

import copy
import io
import json
import pickle
import time
import warnings
import zipfile

import numpy as np
import pytest

from fastkeras import generation, layers, losses, metrics, optimizers
from fastkeras.layers import BatchNormalization, Concatenate, Dense, Dropout, Input, Lambda, Layer, lambda_
from fastkeras.models import Model, Sequential, load_model, save_model
from fastkeras.runtime import Variable
from fastkeras.saving import ModelFileError, legacy_h5
from fastkeras.utils import nest

h5py = pytest.importorskip('h5py')
RNG = np.random.default_rng(0)
X = RNG.standard_normal((8, 3)).astype('float32')
Y = RNG.standard_normal((8, 2)).astype('float32')


def network():
    a = Input((3,), name='a')
    inner = Sequential([Dense(4, input_shape=(3,), name='first'), BatchNormalization(name='bn'),
                        Dense(4, name='second')],
                       name='inner')
    x = inner(a)
    return Model(a, Dense(2, name='out', kernel_regularizer='l2')(Concatenate(name='both')([x, inner(x[:, :3])])),
                 name='net')


@pytest.mark.parametrize('name', ['sgd', 'adam', 'rmsprop', 'adagrad', 'adadelta', 'adamax', 'nadam'])
def test_training_goes_on(tmp_path, name):
    model = network()
    model.compile(name, 'mse', metrics=['mae'])
    for _ in range(3):
        model.train_on_batch(X, Y)
    model.save(tmp_path / 'm.h5')
    new = load_model(tmp_path / 'm.h5')
    np.testing.assert_array_equal(new.predict(X), model.predict(X))
    assert new.metrics_names == model.metrics_names
    for _ in range(2):
        np.testing.assert_allclose(new.train_on_batch(X, Y), model.train_on_batch(X, Y), rtol=1e-5)


def test_layout(tmp_path):
    model = network()
    model.compile('adam', 'mse')
    model.train_on_batch(X, Y)
    model.save(str(tmp_path / 'm.h5'))
    with h5py.File(tmp_path / 'm.h5') as f:
        assert f.attrs['keras_version'] == b'2.2.4' or f.attrs['keras_version'] == '2.2.4'
        assert json.loads(f.attrs['model_config'])['class_name'] == 'Model'
        assert json.loads(f.attrs['training_config'])['optimizer_config']['class_name'] == 'Adam'
        names = legacy_h5.read_names(f['model_weights'], 'layer_names')
        assert names == [layer.name for layer in model.layers]
        inner = legacy_h5.read_names(f['model_weights/inner'], 'weight_names')
        assert inner == ['first/kernel:0', 'first/bias:0', 'bn/gamma:0', 'bn/beta:0', 'second/kernel:0',
                         'second/bias:0', 'bn/moving_mean:0', 'bn/moving_variance:0']
        assert len(legacy_h5.read_names(f['optimizer_weights'], 'weight_names')) == len(model.optimizer.weights)


def test_without_optimizer(tmp_path):
    model = network()
    model.compile('adam', 'mse')
    save_model(model, tmp_path / 'm.h5', include_optimizer=False)
    with pytest.warns(UserWarning, match='compile'):
        new = load_model(tmp_path / 'm.h5')
    assert new.optimizer is None
    assert load_model(tmp_path / 'm.h5', compile=False).optimizer is None


def test_open_files_and_memory():
    model, memory = network(), io.BytesIO()
    with h5py.File(memory, 'w') as f:
        model.save(f)
    with h5py.File(memory, 'r') as f:
        np.testing.assert_array_equal(load_model(f, compile=False)(X), model(X))


def test_weights(tmp_path):
    model, other = network(), network()
    model.save_weights(tmp_path / 'w.h5')
    other.load_weights(tmp_path / 'w.h5')
    np.testing.assert_array_equal(other(X), model(X))
    model.save(tmp_path / 'm.h5')
    third = network()
    third.load_weights(tmp_path / 'm.h5')
    np.testing.assert_array_equal(third(X), model(X))


def test_partly_frozen_model_inside(tmp_path):
    """Keras 2 files list the weights of a model inside by what was trainable when it was saved."""
    model, other = network(), network()
    model.get_layer('inner').layers[0].trainable = False
    model.save_weights(tmp_path / 'w.h5')
    other.load_weights(tmp_path / 'w.h5')
    np.testing.assert_array_equal(other(X), model(X))


def test_by_name(tmp_path):
    one = Sequential([Dense(4, input_shape=(3,), name='same'), Dense(2, name='other')])
    two = Sequential([Dense(4, input_shape=(3,), name='same'), Dense(5, name='more'), Dense(2, name='other')])
    one.save_weights(tmp_path / 'w.h5')
    with pytest.raises(ValueError, match='2 layers.*3'):
        two.load_weights(tmp_path / 'w.h5')
    with pytest.raises(ValueError, match='other'):
        two.load_weights(tmp_path / 'w.h5', by_name=True)
    before = two.layers[2].get_weights()
    with pytest.warns(UserWarning, match='other'):
        two.load_weights(tmp_path / 'w.h5', by_name=True, skip_mismatch=True)
    np.testing.assert_array_equal(two.layers[0].get_weights()[0], one.layers[0].get_weights()[0])
    np.testing.assert_array_equal(two.layers[2].get_weights()[0], before[0])


def test_reshape(tmp_path):
    one = Sequential([Dense(4, input_shape=(3,))])
    two = Sequential([layers.Conv1D(4, 1, input_shape=(5, 3))])
    one.save_weights(tmp_path / 'w.h5')
    with pytest.raises(ValueError, match=r'\(1, 3, 4\).*\(3, 4\)'):
        two.load_weights(tmp_path / 'w.h5')
    two.load_weights(tmp_path / 'w.h5', reshape=True)
    np.testing.assert_array_equal(two.get_weights()[0][0], one.get_weights()[0])


def test_long_attributes():
    names = [f'a_layer_with_quite_a_long_name_{k:05d}' for k in range(4000)]
    with h5py.File(io.BytesIO(), 'w') as f:
        legacy_h5.write_names(f, 'layer_names', names)
        assert 'layer_names' not in f.attrs and 'layer_names1' in f.attrs
        assert legacy_h5.read_names(f, 'layer_names') == names
        with pytest.raises(ValueError, match='too long'):
            legacy_h5.write_names(f, 'names', ['x' * 70000])


def test_equal_names_of_weights():
    class Twice(Layer):
        def __init__(self):
            super().__init__(name='twice')
            self.a, self.b = Dense(2, name='same'), Dense(2, name='same')

        def call(self, x):
            return self.a(x) + self.b(x)

    layer = Twice()
    layer(X)
    values = layer.get_weights()
    with h5py.File(io.BytesIO(), 'w') as f:
        legacy_h5.write_weights(f, [layer])
        layer.set_weights([w * 0 for w in values])
        legacy_h5.read_weights(f, [layer])
    for a, b in zip(layer.get_weights(), values):
        np.testing.assert_array_equal(a, b)


class Doubled(Layer):
    def call(self, x):
        return x * 2


def test_custom_objects(tmp_path):
    def far(y_true, y_pred):
        return (y_true - y_pred) ** 4
    model = Sequential([Dense(2, input_shape=(3,)), Doubled(name='doubled')])
    model.compile(optimizers.SGD(0.1), far)
    model.save(tmp_path / 'm.h5')
    with pytest.raises(ValueError, match='Doubled'):
        load_model(tmp_path / 'm.h5')
    new = load_model(tmp_path / 'm.h5', custom_objects={'Doubled': Doubled, 'far': far})
    np.testing.assert_allclose(new.evaluate(X, Y, verbose=0), model.evaluate(X, Y, verbose=0), rtol=1e-6)


def test_code_in_files(tmp_path, monkeypatch):
    model = Sequential([Dense(2, input_shape=(3,)), Lambda(lambda x: x * 2, name='twice')])
    from fastkeras.layers import lambda_
    model.save(tmp_path / 'm.h5')
    np.testing.assert_array_equal(load_model(tmp_path / 'm.h5', compile=False)(X), model(X))
    monkeypatch.setattr(lambda_, '_written', {})       # as another process sees it
    with pytest.raises(ValueError, match='safe_mode=False'):
        load_model(tmp_path / 'm.h5', compile=False)
    np.testing.assert_array_equal(load_model(tmp_path / 'm.h5', compile=False, safe_mode=False)(X), model(X))
    given = load_model(tmp_path / 'm.h5', custom_objects={'twice': lambda x: x * 4}, compile=False)
    np.testing.assert_array_equal(given(X), model(X) * 2)   # powers of two: no rounding


def test_byte_code_of_keras_2_is_never_run():
    config = {'name': 'l', 'trainable': True, 'function': ['4wEAAAA=\n', None, None], 'function_type': 'lambda',
              'output_shape': None, 'output_shape_type': 'raw', 'arguments': {}}
    with pytest.raises(ValueError, match='custom_objects'):
        Lambda.from_config(config)
    assert Lambda.from_config(config, {'l': abs}).function is abs


def test_pickle_and_copy():
    model = Sequential([Dense(2, input_shape=(3,)), Doubled()])
    for new in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(new(X), model(X))
        assert new.weights[0] is not model.weights[0] and new.optimizer is None
    model = network()
    model.compile('adam', 'mse')
    model.train_on_batch(X, Y)
    new = pickle.loads(pickle.dumps(model))
    assert new.train_on_batch(X, Y) == pytest.approx(model.train_on_batch(X, Y))


def doubled(x):
    return 2 * x


def test_a_pickled_model_runs_only_the_code_that_it_held(tmp_path):
    """The bytes of a model without code cannot bring any, whoever changed them; those of one with code are run."""
    named, nameless = Sequential([Lambda(doubled, input_shape=(3,))]), Sequential([Lambda(lambda x: 3 * x, input_shape=(3,))])
    for model, factor in ((named, 2), (nameless, 3)):
        function, arguments = model.__reduce__()
        assert function.__name__ == ('_unpickled' if model is named else '_unpickled_with_code')
        lambda_._written.clear()
        lambda_._tokens.clear()
        np.testing.assert_array_equal(function(*arguments)(X), factor * X)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(model))(X), factor * X)
    plain, _ = named.__reduce__()
    lambda_._written.clear()
    with pytest.raises(ModelFileError, match='holds Python code'):
        plain(arguments[0], {})
    token = nameless.get_config()['layers'][0]['config']['function']['config']['token']
    assert len(token) == 32 and token != Sequential([Lambda(lambda x: x)]).get_config()['layers'][0]['config'][
        'function']['config']['token']


# ---- files that are not what they should be

def test_bad_files(tmp_path):
    model = network()
    text = tmp_path / 'text.h5'
    text.write_text('not HDF5')
    with pytest.raises(ValueError, match='expected an HDF5 file'):
        load_model(text)
    cut = tmp_path / 'cut.h5'
    model.save(tmp_path / 'm.h5')
    cut.write_bytes((tmp_path / 'm.h5').read_bytes()[:3000])
    with pytest.raises(ValueError, match='cannot be read'):
        load_model(cut)
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / 'none.h5')
    model.save_weights(tmp_path / 'w.h5')
    with pytest.raises(ValueError, match='weights only'):
        load_model(tmp_path / 'w.h5')
    with h5py.File(tmp_path / 'empty.h5', 'w'):
        pass
    with pytest.raises(ValueError, match='list of layers'):
        model.load_weights(tmp_path / 'empty.h5')
    with pytest.raises(ValueError, match='folder'):
        model.save(tmp_path / 'no' / 'm.h5')


def test_overwrite(tmp_path):
    model = network()
    model.save(tmp_path / 'm.h5')
    with pytest.raises(ValueError, match='overwrite=True'):
        model.save(tmp_path / 'm.h5', overwrite=False)
    model.save(tmp_path / 'm.h5')
    assert [p.name for p in tmp_path.iterdir()] == ['m.h5']


def test_failed_save_leaves_the_old_file(tmp_path):
    class Broken(Layer):
        def get_config(self):
            raise RuntimeError('no')

    model = Sequential([Dropout(0.1, input_shape=(3,))])
    model.save(tmp_path / 'm.h5')
    bad = Sequential([Broken(input_shape=(3,))])
    with pytest.raises(RuntimeError):
        bad.save(tmp_path / 'm.h5')
    assert load_model(tmp_path / 'm.h5', compile=False).output_shape == (None, 3)
    assert len(list(tmp_path.iterdir())) == 1


def two_outputs():
    a = Input((3,), name='a')
    return Model(a, [Dense(2, name='one')(a), Dense(2, name='two')(a)])


@pytest.mark.parametrize('form', [2, 3])
@pytest.mark.parametrize('make', [
    lambda: dict(loss=losses.Huber(0.5), metrics=[metrics.MeanSquaredError(name='q'), 'mae']),
    lambda: dict(loss=[losses.Huber(0.5), 'mse'], metrics=[['mae'], [metrics.BinaryAccuracy(threshold=0.3)]]),
    lambda: dict(loss={'one': losses.LogCosh(), 'two': losses.mse}, loss_weights={'one': 0.5},
                 metrics={'one': metrics.RootMeanSquaredError(), 'two': ['mae', losses.mse]},
                 weighted_metrics=[metrics.MeanSquaredError(name='w')]),
    lambda: dict(loss={'two': losses.BinaryFocalCrossentropy(gamma=1.5)})])
def test_compiled_with_objects(tmp_path, form, make):
    """Losses and metrics come back as objects, nothing is warned of, and the numbers are the same."""
    with generation.scope(form):
        model = two_outputs()
        rate = optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            model.compile(optimizers.Adam(rate), **make())
        one_target = len(model.metrics_names) == 2 or isinstance(model.loss, dict) and 'one' not in model.loss
        targets = [Y] if one_target else [Y, Y]
        model.fit(X, targets, verbose=0)
        model.save(tmp_path / 'm.h5')
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            if one_target:
                warnings.filterwarnings('ignore', "output 'one' has no loss")
            new = load_model(tmp_path / 'm.h5')
        given = [v for v in nest.flatten([new.loss, new.metrics, new.weighted_metrics]) if v is not None]
        assert all(isinstance(v, (str, losses.Loss, metrics.Metric)) for v in given)
        assert 'ExponentialDecay' in str(new.optimizer.get_config()['learning_rate' if form == 3 else 'lr'])
        for _ in range(2):
            assert new.evaluate(X, targets, verbose=0) == model.evaluate(X, targets, verbose=0)
            assert new.metrics_names == model.metrics_names
            np.testing.assert_array_equal(new.train_on_batch(X, targets), model.train_on_batch(X, targets))


class Subclassed(Model):
    def __init__(self, units=2, **kwargs):
        super().__init__(**kwargs)
        self.dense = Dense(units)

    def call(self, x):
        return self.dense(x)


class SubclassedAndBuilt(Subclassed):
    def __init__(self, units=2, **kwargs):
        super().__init__(units, **kwargs)
        self(np.zeros((1, 3), 'float32'))


def test_what_could_not_be_loaded_is_not_saved(tmp_path):
    model = Subclassed()
    model(X)
    with pytest.raises(ValueError, match='a file could not be loaded; save_weights saves its weights'):
        model.save(tmp_path / 'm.h5')
    with pytest.raises(ValueError, match='does not know its input shape'):
        Sequential([Dense(2)]).save(tmp_path / 'm.h5')
    assert not (tmp_path / 'm.h5').exists()
    model.save_weights(tmp_path / 'w.h5')
    other = Subclassed()
    other(X)
    other.load_weights(tmp_path / 'w.h5')
    np.testing.assert_array_equal(other(X), model(X))
    built = SubclassedAndBuilt()
    built.save(tmp_path / 'm.h5')
    again = load_model(tmp_path / 'm.h5', {'SubclassedAndBuilt': SubclassedAndBuilt})
    np.testing.assert_array_equal(again(X), built(X))


def test_names_of_other_kinds_of_files(tmp_path):
    model = network()
    for name in 'm.keras', 'm.KERAS':
        with pytest.raises(ValueError, match=r'archive holds a model, which save writes.*m\.weights\.h5'):
            model.save_weights(tmp_path / name)
    assert not list(tmp_path.iterdir())
    model.save_weights(tmp_path / 'm.weights.h5')
    model.load_weights(tmp_path / 'm.weights.h5')
    with zipfile.ZipFile(tmp_path / 'a.keras', 'w') as archive:
        archive.writestr('config.json', '{}')
    with pytest.raises(ValueError, match=r'a\.keras: .*class_name'):
        load_model(tmp_path / 'a.keras')
    with pytest.raises(ValueError, match='got a folder without; a SavedModel cannot be read'):
        load_model(tmp_path)
    with h5py.File(tmp_path / 'three.weights.h5', 'w') as file:
        file.create_group('layers/dense/vars')
    with pytest.raises(ValueError, match='needs 2 variables at layers/'):
        model.load_weights(tmp_path / 'three.weights.h5')


def test_weights_by_name_that_match_nothing_are_warned_of(tmp_path):
    Sequential([Dense(2, input_shape=(3,), name='theirs')]).save_weights(tmp_path / 'w.h5')
    with pytest.warns(UserWarning, match=r'no layer of the file \(theirs\).*of the model \(ours\), so nothing is loaded'):
        Sequential([Dense(2, input_shape=(3,), name='ours')]).load_weights(tmp_path / 'w.h5', by_name=True)


def test_nan_in_a_file_is_warned_of(tmp_path):
    model = Sequential([Dense(2, input_shape=(3,), name='one'), Dense(2, name='two')])
    model.layers[1].set_weights([np.array([[1, np.nan], [1, 1]]), np.zeros(2)])
    model.save(tmp_path / 'm.h5')
    for load in (lambda: model.load_weights(tmp_path / 'm.h5'), lambda: load_model(tmp_path / 'm.h5', compile=False),
                 lambda: model.load_weights(tmp_path / 'm.h5', by_name=True)):
        with pytest.warns(UserWarning, match=r"'two'.*has 1 NaN among the 4 numbers of its weight 'two/kernel:0'"):
            load()


def test_names_with_a_nul_are_refused(tmp_path):
    for make in (lambda name: Dense(1, name=name), lambda name: Sequential(name=name), lambda name: Input((1,), name=name),
                 lambda name: metrics.Mean(name=name), lambda name: losses.Huber(name=name),
                 lambda name: optimizers.SGD(name=name), lambda name: Variable(1.0, name=name),
                 lambda name: Layer().add_weight(name, (1,)), lambda name: metrics.Mean().add_weight(name)):
        with pytest.raises(ValueError, match=r'expected a name without NUL characters'):
            make('a\0b')
    model = Sequential([Dense(1, input_shape=(1,))])
    model.layers[0].name = 'a\0b'
    with pytest.raises(ValueError, match='NUL'):
        model.save_weights(tmp_path / 'w.h5')


def test_numbered_layers_of_the_first_releases(tmp_path):
    """Keras 0.3 and 1.0 numbered the layers, those without weights too, and the arrays of each."""
    model = Sequential([Dense(3, input_shape=(2,)), layers.Activation('relu'), Dense(1)])
    arrays = [np.random.RandomState(k).randn(*w.shape).astype('float32') for k, w in enumerate(model.get_weights())]
    with h5py.File(tmp_path / 'old.h5', 'w') as file:
        file.attrs['nb_layers'] = 3
        for k, inside in enumerate((arrays[:2], [], arrays[2:])):
            group = file.create_group(f'layer_{k}')
            group.attrs['nb_params'] = len(inside)
            for p, array in enumerate(inside):
                group[f'param_{p}'] = array
    report = model.load_weights(tmp_path / 'old.h5')
    assert report.used == ['layer_0/param_0', 'layer_0/param_1', 'layer_2/param_0', 'layer_2/param_1']
    assert all((a == b).all() for a, b in zip(model.get_weights(), arrays))
    with h5py.File(tmp_path / 'old.h5', 'a') as file:
        for wrong in (-1, 2.5, 'three'):
            file.attrs['nb_layers'] = wrong
            with pytest.raises(ModelFileError, match="nb_layers' is no whole number"):
                model.load_weights(file)


def test_many_weights_of_one_name():
    """Each finds a free name without trying all that are taken: 2,400 of them took half a minute."""
    said = ['w:0', 'w_2:0', 'v:0'] + ['w:0'] * 2400
    variables = [Variable(np.full(1, k, 'float32'), name=name) for k, name in enumerate(said)]
    started = time.process_time()
    with h5py.File(io.BytesIO(), 'w') as file:
        legacy_h5.write_variables(file, variables)
        names = [n.decode() for n in file.attrs['weight_names']]
        assert names[:6] == ['w:0', 'w_2:0', 'v:0', 'w_1:0', 'w_3:0', 'w_4:0'] and len(set(names)) == len(names) == 2403
        assert file['w_4:0'][0] == 5
    assert time.process_time() - started < 10
