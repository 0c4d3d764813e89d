"""Warnings point to the user's line; misspelt names get the right ones."""

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import fastkeras as fk
from fastkeras.utils import errors


def model(**kwargs):
    m = fk.Sequential([fk.layers.Dense(1, input_shape=(2,))])
    m.compile('sgd', 'mse')
    return m


X, Y = np.ones((4, 2)), np.ones((4, 1))


def nan_loss():
    model().fit(X, np.full((4, 1), np.nan), verbose=0)


def nan_loss_evaluated():
    model().evaluate(X, np.full((4, 1), np.nan), verbose=0)


def nan_loss_of_a_batch():
    model().train_on_batch(X, np.full((4, 1), np.nan))


def short_generator():
    model().fit(iter([(X, Y)]), steps_per_epoch=3, verbose=0)


def frozen_after_compile():
    m = model()
    m.layers[0].trainable = False
    m.fit(X, Y, verbose=0)


def both_weights():
    model().fit(X, Y, class_weight={0: 1, 1: 1}, sample_weight=np.ones(4), verbose=0)


def unknown_mode():
    fk.callbacks.EarlyStopping(mode='least')


def missing_quantity():
    model().fit(X, Y, verbose=0, callbacks=[fk.callbacks.EarlyStopping('val_loss')])


def unsaved_quantity():
    model().fit(X, Y, verbose=0, callbacks=[fk.callbacks.ModelCheckpoint('/tmp/never.h5', save_best_only=True)])


def without_gradient():
    m = model()
    m.add(fk.layers.Lambda(lambda x: x * 0 + 1))
    m.layers[0].add_weight('unused', (2,))
    m.compile('sgd', 'mse')
    m.fit(X, Y, verbose=0)


def old_words():
    fk.layers.Dense(3, init='zeros')


def many_workers():
    model().fit(iter([(X, Y)]), steps_per_epoch=1, verbose=0, workers=3, use_multiprocessing=True)


@pytest.mark.parametrize('case', [nan_loss, nan_loss_evaluated, nan_loss_of_a_batch, short_generator, frozen_after_compile,
                                  both_weights, unknown_mode, missing_quantity, unsaved_quantity, without_gradient, old_words,
                                  many_workers], ids=lambda f: f.__name__)
def test_warnings_point_to_the_user(case):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter('always')
        case()
    assert seen and {w.filename for w in seen} == {__file__}, [(w.filename, w.lineno, str(w.message)) for w in seen]


def test_a_warning_of_the_environment_points_to_the_import(tmp_path):
    script = tmp_path / 'mine.py'
    script.write_text('import os\n\nimport fastkeras.layers\n')
    err = subprocess.run([sys.executable, str(script)], capture_output=True, text=True,
                         env={**os.environ, 'FASTKERAS_NUM_THREADS': 'many'}).stderr
    assert f'{script}:3: RuntimeWarning: FASTKERAS_NUM_THREADS' in err


def test_nothing_else_warns():
    """warnings.warn with a number of frames is wrong as soon as a function is called from another depth."""
    package = Path(fk.__file__).parent
    found = [str(p) for p in package.rglob('*.py*') if p.suffix in ('.py', '.pyx') and p.name != 'errors.py'
             and re.search(r'warnings\.warn\b', p.read_text())]
    assert not found


def test_nearest():
    assert errors.nearest('epoch', ['epochs', 'verbose']) == "did you mean 'epochs'?"
    assert errors.nearest('maxPooling', ['max_pooling', 'x']) == "did you mean 'max_pooling'?"
    assert errors.nearest('q', ['epochs', 'x1']) == 'known are epochs, x1.'


@pytest.mark.parametrize('call,message', [
    (lambda: model().fit(X, Y, epoch=3), "fit: unknown argument 'epoch'; did you mean 'epochs'"),
    (lambda: model().evaluate(X, Y, batchsize=3), "evaluate: unknown argument 'batchsize'; did you mean 'batch_size'"),
    (lambda: model().predict(X, step=3), "predict: unknown argument 'step'; did you mean 'steps'"),
    (lambda: model().compile('sgd', 'mse', metric=['mae']), "compile: unknown argument 'metric'; did you mean 'metrics'"),
    (lambda: fk.layers.Dense(1, input_shpae=(2,)), "Dense: unknown argument 'input_shpae'; did you mean 'input_shape'"),
    (lambda: fk.layers.Dense(1, activaton='relu'), "Dense: unknown argument 'activaton'; did you mean 'activation'"),
    (lambda: fk.layers.Conv2D(1, 3, stride=2), "Conv2D: unknown argument 'stride'; did you mean 'strides'"),
    (lambda: fk.optimizers.Adam(learning_rat=1.), "Adam: unknown argument 'learning_rat'; did you mean 'learning_rate'"),
    (lambda: fk.optimizers.SGD(momentun=1.), "SGD: unknown argument 'momentun'; did you mean 'momentum'"),
    (lambda: fk.losses.BinaryCrossentropy(from_logit=True), "BinaryCrossentropy: .* did you mean 'from_logits'"),
    (lambda: fk.metrics.Mean(nme='a'), "Mean: unknown argument 'nme'; did you mean 'name'"),
    (lambda: fk.callbacks.EarlyStopping(patiance=3), "EarlyStopping: unknown argument 'patiance'; did you mean 'patience'"),
    (lambda: fk.callbacks.ReduceLROnPlateau(factr=.1), "ReduceLROnPlateau: .* did you mean 'factor'"),
    (lambda: fk.callbacks.LambdaCallback(on_epoch_ends=len), "LambdaCallback: .* did you mean 'on_epoch_end'"),
    (lambda: fk.initializers.RandomNormal(sdtdev=1.), "RandomNormal: .* did you mean 'stddev'"),
    (lambda: fk.regularizers.L1L2(l_1=1.), "L1L2: .* did you mean 'l1'"),
    (lambda: fk.constraints.MaxNorm(maxvalue=1.), "MaxNorm: .* did you mean 'max_value'"),
    (lambda: fk.optimizers.schedules.ExponentialDecay(1., 1, .5, stair_case=True), "did you mean 'staircase'"),
    (lambda: fk.datasets.imdb.load_data(numwords=3), "imdb.load_data: .* did you mean 'num_words'"),
])
def test_a_misspelt_argument(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_spelling_is_not_asked_of_those_who_take_anything():
    class Mine(fk.callbacks.Callback):
        def __init__(self, **kwargs):
            super().__init__()
            self.given = kwargs

    assert Mine(anything=1).given == {'anything': 1}


def test_notes_and_places():
    error = KeyError('a')
    errors.noted(error, 'in the call of X')
    errors.noted(error, 'in the call of Y')
    shown = str(error) + ''.join(getattr(error, '__notes__', ()))
    assert 'X' in shown and 'Y' not in shown
    error = ValueError('no')
    errors.located(error, 'X')
    errors.located(error, 'X')
    assert str(error) == 'X: no'


def test_what_callbacks_look_like():
    assert repr(fk.callbacks.EarlyStopping(patience=3)).startswith("EarlyStopping(monitor='val_loss', min_delta=0, patience=3")
    assert repr(fk.callbacks.ModelCheckpoint('w.h5')).startswith("ModelCheckpoint(filepath='w.h5', monitor='val_loss'")
    assert repr(fk.callbacks.LearningRateScheduler(test_nearest)) == 'LearningRateScheduler(schedule=test_nearest, verbose=0)'
    assert repr(fk.callbacks.History()) == 'History()'

    class Mine(fk.callbacks.Callback):
        def __init__(self, path):
            self.elsewhere = path

    assert repr(Mine('a')) == 'Mine()'


def test_what_optimizers_look_like():
    assert repr(fk.optimizers.SGD(0.1, momentum=0.5, clipnorm=1.)) == \
        'SGD(learning_rate=0.1, momentum=0.5, nesterov=False, clipnorm=1.0)'
    assert repr(fk.optimizers.Adam()).startswith('Adam(learning_rate=0.001, beta_1=0.9, ')
    decay = fk.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    assert repr(fk.optimizers.SGD(decay)).startswith('SGD(learning_rate=ExponentialDecay(initial_learning_rate=0.1, ')
    m = model()
    m.fit(X, Y, verbose=0)
    assert repr(m.optimizer).startswith('SGD(learning_rate=0.01, ')
