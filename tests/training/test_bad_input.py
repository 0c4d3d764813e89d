"""Whatever is wrong is a ValueError, at once, that names what is wrong, what was expected and what came."""

import warnings

import numpy as np
import pytest

from fastkeras.layers import Dense, Flatten, Input
from fastkeras.models import Model, Sequential
from fastkeras.optimizers import SGD
from tests.training.models_for_tests import LABELS, ONE_HOT, X, Y, classifier, regressor, two_by_two

R = X[:, :2]
SPARSE = {'loss': 'sparse_categorical_crossentropy'}


def bytes_in(dtype='uint8'):
    x = Input((4,), dtype=dtype, name='counts')
    model = Model(x, Dense(1)(x))
    model.compile('sgd', 'mse')
    return model


def fit(model, *args, **kwargs):
    return model.fit(*args, **{'verbose': 0, **kwargs})


@pytest.mark.parametrize('make, args, kwargs, words', [
    # inputs
    (regressor, (X[:, :3], Y), {}, ['input', '(samples, 4)', '(40, 3)']),
    (regressor, (X[:, :, None], Y), {}, ['input', '2 dimensions', '(40, 4, 1)']),
    (regressor, (X.astype(str), Y), {}, ['input', 'numbers']),
    (regressor, (X[:0], Y[:0]), {}, ['input', 'at least one sample', '(0, 4)']),
    (regressor, (X, Y[:30]), {}, ['same number of samples', '(40, 4)', '(30, 1)']),
    (regressor, (None, Y), {}, ['None']),
    (regressor, (X, None), {}, ['target', "'size'", 'None']),
    (regressor, ([X, X], Y), {}, ['1 input', 'list of 2']),
    (regressor, ({'wrong': X}, Y), {}, ['no data for input', "'wrong'"]),
    (two_by_two, (X, [ONE_HOT, Y]), {}, ["'left', 'right'", '(40, 4)']),
    (two_by_two, ([X, R[:20]], [ONE_HOT, Y]), {}, ['(20, 2)', '(40, 4)']),
    (two_by_two, ({'left': X}, [ONE_HOT, Y]), {}, ["no data for input 'right'"]),
    (two_by_two, ([X, R], ONE_HOT), {}, ["'kind', 'size'", '(40, 3)']),
    (regressor, ([[1, 2, 3, None]] * 40, Y), {}, ['input', 'numbers', 'None at row 0, column 3']),
    (regressor, (X.astype(str).astype(object), Y), {}, ['input', 'numbers', 'at row 0, column 0']),
    (regressor, (np.full((40, 4), 10 ** 400), Y), {}, ['input', 'too large']),
    (bytes_in, (np.full((40, 4), 300), Y), {}, ["input 'counts'", '0 to 255', 'uint8', '300 at sample 0']),
    (bytes_in, (np.full((40, 4), -1), Y), {}, ["input 'counts'", '0 to 255', '-1']),
    # targets
    (regressor, (X, [[None]] * 40), {}, ["output 'size'", 'None at row 0, column 0']),
    (regressor, (X, np.ones((40, 2))), {}, ["output 'size'", '(40, 2)', 'mean_squared_error']),
    (classifier, (X, LABELS), {}, ['(40, 1)', 'binary matrices', '(samples, classes)', 'to_categorical(y_int)']),
    (classifier, (X, LABELS[:, None]), {}, ['(40, 1)', 'categorical_crossentropy', 'to_categorical']),
    (classifier, (X, np.ones((40, 4))), {}, ["output 'kind'", '(40, 4)', '3']),
    (lambda: classifier(**SPARSE), (X, LABELS + 1), {}, ["output 'kind'", '0 to 2', '3']),
    (lambda: classifier(**SPARSE), (X, LABELS - 1), {}, ["output 'kind'", '0 to 2', '-1']),
    (lambda: classifier(**SPARSE), (X, LABELS + 0.5), {}, ["output 'kind'", 'whole numbers']),
    (lambda: classifier(**SPARSE), (X, ONE_HOT), {}, ["output 'kind'", '(40, 3)', 'categorical_crossentropy']),
    (two_by_two, ([X, R], {'kind': ONE_HOT}), {}, ["no data for target 'size'"]),
    # weights
    (regressor, (X, Y), {'sample_weight': np.ones(39)}, ['sample_weight', "'size'", '(40,)', '(39,)']),
    (regressor, (X, Y), {'sample_weight': np.ones((40, 4))}, ["sample_weight_mode='temporal'"]),
    (classifier, (X, ONE_HOT), {'class_weight': {0: 1.0, 1: 2.0}}, ['class_weight', "'kind'", 'classes 2']),
    (two_by_two, ([X, R], [ONE_HOT, Y]), {'sample_weight': np.ones(40)}, ['2 outputs', "'kind', 'size'"]),
    (two_by_two, ([X, R], [ONE_HOT, Y]), {'sample_weight': {'kind': np.ones(40), 'no': 1}}, ["unknown output 'no'"]),
    (regressor, (X, Y), {'sample_weight': np.array([None] * 40)}, ['sample_weight', 'None at row 0']),
    (classifier, (X, ONE_HOT), {'class_weight': {0: None, 1: 1, 2: 1}}, ['class_weight', "'kind'", 'class 0', 'None']),
    (classifier, (X, ONE_HOT), {'class_weight': {0: 1, 1: 'a', 2: 1}}, ['class_weight', "'kind'", 'class 1', "'a'"]),
    (regressor, (X, Y), {'class_weight': {0: 1.0}}, ['class_weight', "'size'", 'no classes', 'sample_weight']),
    (regressor, (X, np.arange(40)), {'class_weight': {0: 1.0}}, ['class_weight', '1, 2, 3, 4, 5, 6, 7, 8 and 31 more']),
    # the rest
    (regressor, (X, Y), {'batch_size': 0}, ['batch_size', 'at least 1', '0']),
    (regressor, (X, Y), {'batch_size': 2.5}, ['batch_size', '2.5']),
    (regressor, (X, Y), {'validation_split': 1.0}, ['validation_split', '1.0']),
    (regressor, (X, Y), {'validation_data': (X,)}, ['validation_data', '(x, y)', '1 members']),
    (regressor, (X, Y), {'validation_data': (X, Y[:5])}, ['same number of samples', '(5, 1)']),
    (regressor, (X, Y), {'validation_data': X}, ['validation_data', 'array of shape (40, 4)']),
    (regressor, (X, Y), {'validation_steps': 3}, ['validation_steps']),
    (regressor, (X, Y), {'steps_per_epoch': 0}, ['steps_per_epoch', 'at least 1', '0']),
    (regressor, (X, Y), {'validation_split': 0.5, 'validation_steps': -1.5}, ['validation_steps', '-1.5']),
    (regressor, (X, Y), {'steps_per_epoch': float('nan')}, ['steps_per_epoch', 'nan']),
    (regressor, (X, Y), {'shuffle': 'batches'}, ['shuffle', "'batches'"]),
    (regressor, (iter([(X, Y)]),), {}, ['steps_per_epoch']),
    (regressor, (iter([(X, Y)]), Y), {'steps_per_epoch': 1}, ['generator', 'y']),
    (regressor, (iter(()),), {'steps_per_epoch': 2}, ['ended before its first batch']),
    (regressor, (iter([X]),), {'steps_per_epoch': 1}, ['(x, y)', '(40, 4)']),
])
def test_fit_of_bad_data(make, args, kwargs, words):
    model = make()
    before = model.get_weights()
    with pytest.raises(ValueError) as e:
        fit(model, *args, **kwargs)
    for word in words:
        assert word in str(e.value), str(e.value)
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize('args, words', [
    ((X[:, :3], Y), ['(samples, 4)', '(40, 3)']), ((X, Y[:3]), ['same number']),
    ((X[:0], Y[:0]), ['at least one sample'])])
def test_the_other_methods_check_too(args, words):
    model = regressor()
    for method in (model.train_on_batch, model.test_on_batch, lambda *a: model.evaluate(*a, verbose=0)):
        method(X, Y)    # a good call first: the short way of a known signature must not skip the checks
        with pytest.raises(ValueError) as e:
            method(*args)
        for word in words:
            assert word in str(e.value)
    if 'same number' not in words:
        for method in (model.predict, model.predict_on_batch):
            with pytest.raises(ValueError, match='input'):
                method(args[0])


@pytest.mark.parametrize('dtype', ['int32', 'int64', 'uint8', 'float32', 'float64', '>i4'])
def test_labels_of_every_batch_are_checked(dtype):
    model = classifier(**SPARSE)
    y = LABELS.astype(dtype)
    model.train_on_batch(X, y)
    model.train_on_batch(X, y)
    wrong = y.copy()
    wrong[7] = 3
    with pytest.raises(ValueError, match="output 'kind'.*labels from 0 to 2.*at sample 7"):
        model.train_on_batch(X, wrong)
    if np.dtype(dtype).kind != 'u':
        wrong[7] = -1
        with pytest.raises(ValueError, match='labels from 0 to 2'):
            model.train_on_batch(X, wrong)


@pytest.mark.parametrize('value, dtype', [(2 ** 40 + 7, 'int64'), (1.9, 'float64'), (np.nan, 'float32'),
                                          (2.0 ** 31, 'float32'), (np.inf, 'float16'), (2 ** 31, 'uint32')])
def test_whole_numbers_that_an_input_cannot_hold(value, dtype):
    model = bytes_in('int32')
    x = np.ones((8, 4), dtype)
    y = Y[:8]
    wrong = x.copy()
    wrong[5, 2] = value
    methods = [lambda x: fit(model, x, y), lambda x: model.evaluate(x, y, verbose=0), lambda x: model.predict(x),
               lambda x: model.train_on_batch(x, y), lambda x: model.test_on_batch(x, y)]
    for method in methods:
        for _ in range(2):      # the way of a signature that is known checks the values too
            method(x)
        with pytest.raises(ValueError, match=r"input 'counts': expected whole numbers from -2147483648 to 2147483647, "
                                             r'of its type int32, got .* at sample 5'):
            method(wrong)


def test_numbers_that_are_objects_are_taken():
    model = regressor()
    np.testing.assert_array_equal(model.predict(X.astype(object)), model.predict(X))
    np.testing.assert_array_equal(bytes_in('int32').predict(np.full((2, 4), 3.0)).shape, (2, 1))


@pytest.mark.parametrize('kwargs, words', [
    ({'loss': 'mean_square_error'}, ['mean_square_error', 'mean_squared_error']),
    ({'optimizer': 'adamm'}, ['adamm', 'adam']),
    ({'metrics': ['acuracy']}, ['acuracy', 'accuracy']),
    ({'loss': {'sise': 'mse'}}, ["unknown output 'sise'", "'size'"]),
    ({'loss': ['mse', 'mse']}, ['loss', '1 outputs', 'got 2']),
    ({'loss_weights': {'sise': 1.0}}, ['loss_weights', "'sise'"]),
    ({'loss_weights': [1.0, 2.0]}, ['loss_weights', 'got 2']),
    ({'loss_weights': {'size': [1]}}, ['loss_weights', '[1]']),
    ({'metrics': {'sise': 'mae'}}, ['metrics', "'sise'"]),
    ({'sample_weight_mode': 'weekly'}, ['sample_weight_mode', "'weekly'"]),
    ({'target_tensors': [1]}, ['target_tensors']),
    ({'metrics': [3]}, ['metric', '3']),
    ({'metrics': {'size': 0.5}}, ['metric', '0.5']),
    ({'loss_weights': 'a'}, ['loss_weights', "'size'", "'a'"]),
    ({'loss_weights': ['mae']}, ['loss_weights', "'size'", "'mae'"]),
])
def test_compile_of_unknown_things(kwargs, words):
    with pytest.raises(ValueError) as e:
        regressor(**kwargs)
    for word in words:
        assert word in str(e.value), str(e.value)


def test_several_outputs_need_a_list_of_loss_weights():
    with pytest.raises(ValueError, match="'kind', 'size'"):
        two_by_two(loss_weights=2.0)


def test_a_name_is_wrong_even_before_the_model_is_built():
    model = Sequential([Dense(1)])
    with pytest.raises(ValueError, match='mean_square_error'):
        model.compile('sgd', 'mean_square_error')


def test_unknown_arguments():
    with pytest.raises(TypeError, match="'metric'"):
        regressor(metric=['mae'])
    for method in (regressor().fit, regressor().evaluate):
        with pytest.raises(TypeError, match="'epoch'"):
            method(X, Y, epoch=3)


@pytest.mark.parametrize('kind', [RuntimeError, ValueError])
def test_a_model_that_is_not_compiled(kind):
    model = Sequential([Dense(1, input_shape=(4,), name='size')])
    for method in (model.fit, model.evaluate, model.train_on_batch, model.test_on_batch):
        with pytest.raises(kind, match=r'must be compiled before .*model\.compile'):
            method(X, Y)
    assert model.predict(X).shape == (40, 1)


def test_a_model_without_a_loss():
    model = regressor(loss=None)
    with pytest.raises(ValueError, match='no loss'):
        fit(model, X)
    for method in (model.fit, model.evaluate, model.train_on_batch):
        with pytest.raises(ValueError, match=r'compile got no loss.*give one.*array of shape \(40, 1\)'):
            method(X, Y)


@pytest.mark.parametrize('kwargs, words', [
    ({'epochs': '1'}, ['epochs', 'at least 0', "'1'"]), ({'epochs': 1.5}, ['1.5']), ({'epochs': None}, ['None']),
    ({'epochs': -1}, ['-1']), ({'epochs': True}, ['True']), ({'initial_epoch': '3'}, ['initial_epoch', "'3'"]),
    ({'initial_epoch': -2}, ['initial_epoch', 'at least 0', '-2']),
    ({'validation_split': '0.1'}, ['validation_split', 'a share', "'0.1'"]), ({'validation_split': -0.1}, ['-0.1']),
    ({'validation_freq': 0}, ['validation_freq', 'at least 1', 'got 0']), ({'validation_freq': 'a'}, ["'a'"]),
    ({'validation_freq': [1, 'a']}, ['validation_freq', "'a'"]), ({'batch_size': -1}, ['batch_size', '32', '-1']),
    ({'batch_size': 'a'}, ["'a'"]), ({'batch_size': [1]}, ['[1]']), ({'steps_per_epoch': -1}, ['steps_per_epoch']),
    ({'steps_per_epoch': 'a'}, ['steps_per_epoch', 'at least 1', "'a'"]), ({'verbose': 'x'}, ['verbose', "'x'"]),
    ({'shuffle': 'x'}, ['shuffle', "'x'"]), ({'validation_batch_size': 0}, ['validation_batch_size', 'got 0']),
])
def test_arguments_of_fit(capsys, kwargs, words):
    model = regressor()
    with pytest.raises(ValueError) as e:
        model.fit(X, Y, validation_data=(X, Y), **kwargs)
    assert str(e.value).startswith(f'fit: {next(iter(kwargs))}: expected')
    for word in words:
        assert word in str(e.value), str(e.value)
    assert capsys.readouterr() == ('', '')


@pytest.mark.parametrize('kwargs', [{'batch_size': 0}, {'batch_size': 1.5}, {'batch_size': []}, {'steps': 0},
                                    {'steps': 'a'}, {'verbose': 'x'}])
def test_arguments_of_evaluate_and_predict(capsys, kwargs):
    model = regressor()
    model.predict(X[:8])
    for name, args in (('evaluate', (X, Y)), ('predict', (X[:8],))):
        with pytest.raises(ValueError, match=f'{name}: {next(iter(kwargs))}: expected'):
            getattr(model, name)(*args, **kwargs)
    assert capsys.readouterr() == ('', '')


def test_positions_of_keras_3_are_taken_by_position_only():
    model = regressor()
    for args, kwargs in ((('sgd', 'mse', [0.5], ['mae']), {}), (('sgd', 'mse', None, ['mae']), {}),
                         (('sgd', 'mse', [0.5]), {'metrics': ['mae']}), (('sgd', 'mse', ['mae'], [0.5]), {})):
        model.compile(*args, **kwargs)
        assert model.metrics == ['mae'] and model.loss_weights == (None if None in args else [0.5])
    with pytest.raises(TypeError, match='loss_weights is given twice'):
        model.compile('sgd', 'mse', [0.5], loss_weights=[1.0])


def test_a_loss_that_is_not_finite_is_warned_of():
    model = regressor()
    y = Y.copy()
    y[25] = np.inf
    with pytest.warns(RuntimeWarning, match='inf at batch 2 of epoch 1'):
        fit(model, X, y, batch_size=10, shuffle=False, epochs=2)


@pytest.mark.parametrize('method', ['train_on_batch', 'test_on_batch', 'evaluate'])
def test_a_loss_that_is_not_finite_is_warned_of_once_elsewhere(method, recwarn):
    for good_first in (False, True):
        model = regressor()
        call = getattr(model, method)
        if good_first:
            call(X, Y)
            call(X, Y)
        assert not recwarn.list
        y = Y.copy()
        y[25] = np.nan
        with pytest.warns(RuntimeWarning, match=f'nan in {method}'):
            call(X, y)
        call(X, y)
        assert not recwarn.list


def test_a_batch_whose_size_is_fixed():
    model = Sequential([Dense(1, batch_input_shape=(8, 4), name='size')])
    model.compile('sgd', 'mse')
    assert model.predict(X).shape == (40, 1)
    fit(model, X, Y)
    for call in (lambda: fit(model, X[:30], Y[:30]), lambda: model.predict(X, batch_size=10)):
        with pytest.raises(ValueError, match='fixed batch size of 8'):
            call()


@pytest.mark.parametrize('call', [lambda m: m.predict(X[0]), lambda m: fit(m, X[0], Y[:1]), lambda m: m.evaluate(X[0], Y[:1])])
def test_one_sample_is_told_how_to_be_passed(call):
    with pytest.raises(ValueError, match=r'2 dimensions, \(samples, 4\), but got array with shape \(4,\); for one sample '
                                         r'.*x\[None\]'):
        call(regressor())
    image = Sequential([Flatten(input_shape=(3, 3, 1))])
    with pytest.raises(ValueError, match=r'but got array with shape \(3, 3, 1\); for one sample'):
        image.predict(np.ones((3, 3, 1)))


def test_text_is_named_with_its_column():
    table = np.array([['1', '2', '3', '4'], ['5', '6', 'seven', '8']])
    with pytest.raises(ValueError, match="text, such as 'seven' at row 1, column 2"):
        regressor().predict(table)
    with pytest.raises(ValueError, match="such as 'seven' at row 1, column 2"):
        regressor().predict(np.array([[1, 2, 3, 4], [5, 6, 'seven', 8]], object))
    pandas = pytest.importorskip('pandas')
    frame = pandas.DataFrame({'a': [1., 2], 'b': [1., 2], 'city': ['Bonn', 'Ulm'], 'd': [1., 2]})
    with pytest.raises(ValueError, match="'Bonn' at row 0, column 2 \\('city'\\)"):
        regressor().predict(frame)


def poisoned(value=np.nan):
    x = X.astype('float64')
    x[33, 2] = value
    return x


@pytest.mark.parametrize('value,shown', [(np.nan, 'nan'), (np.inf, 'inf'), (1e300, 'inf')])
@pytest.mark.parametrize('call', [
    lambda m, x: fit(m, x, Y, batch_size=8), lambda m, x: fit(m, x, Y, batch_size=8, shuffle=False),
    lambda m, x: fit(m, x, Y, batch_size=8, shuffle='batch'), lambda m, x: fit(m, x, Y, batch_size=8, steps_per_epoch=9),
    lambda m, x: m.evaluate(x, Y, batch_size=8, verbose=0), lambda m, x: m.train_on_batch(x, Y),
    lambda m, x: m.test_on_batch(x, Y)], ids=['fit', 'in_order', 'by_batch', 'steps', 'evaluate', 'train', 'test'])
def test_numbers_that_are_not_finite_are_named_once_the_loss_is_not(call, value, shown):
    model = Sequential([Dense(1, input_shape=(4,))])
    model.compile('sgd', 'mse')
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter('always')
        call(model, poisoned(value))
    text, = (str(w.message) for w in seen if w.category is RuntimeWarning and 'the loss' in str(w.message))
    assert f'holds {shown} at row 33, column 2; leave such samples out' in text and text.startswith('the loss of model')


def test_numbers_of_a_generator_and_of_targets_that_are_not_finite():
    model = regressor()
    with pytest.warns(RuntimeWarning, match='holds nan at row 1, column 2 of the batch'):
        model.fit(((poisoned()[k:k + 8], Y[k:k + 8]) for k in range(0, 40, 8)), steps_per_epoch=5, verbose=0)
    y = np.array(Y, 'float32').reshape(40, 1)
    y[7] = np.nan
    with pytest.warns(RuntimeWarning, match="the target of output 'size' holds nan at row 7, column 0"):
        regressor().fit(X, y, verbose=0)


def test_a_loss_that_grows_beyond_all_bounds_is_not_blamed_on_the_data():
    model = regressor(optimizer=SGD(1e20))
    with pytest.warns(RuntimeWarning, match='lower learning rate'):
        model.fit(X, Y, verbose=0, epochs=5)


def test_the_data_are_not_looked_at_while_the_loss_is_finite(monkeypatch):
    from fastkeras.training import finite
    monkeypatch.setattr(finite, 'blame', None)
    model = regressor()
    fit(model, X, Y, epochs=2)
    model.train_on_batch(X, Y)
