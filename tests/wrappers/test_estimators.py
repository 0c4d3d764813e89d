"""The wrappers of Keras 3, by scikit-learn's own checks."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

from fastkeras import utils
from fastkeras.layers import Dense, Input
from fastkeras.models import Model, Sequential

sklearn = pytest.importorskip('sklearn', minversion='1.6')

from sklearn.base import clone  # noqa: E402
from sklearn.datasets import make_classification, make_regression  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from fastkeras.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer  # noqa: E402


def dynamic(X, y, loss, layers=(10,)):
    utils.set_random_seed(7)        # fits are then repeated to the last digit
    a = h = Input((X.shape[1],))
    for size in layers:
        h = Dense(size, activation='relu')(h)
    several = y.shape[1] if y.ndim > 1 else 1
    model = Model(a, Dense(several, activation='softmax' if 'crossentropy' in loss else None)(h))
    model.compile('adam', loss)
    return model


# of the checks that Keras 3's own wrappers are not asked to pass either (eight; these fits can be repeated)
EXCUSED = {
    'check_classifiers_classes': 'after so few steps some classes are not answered',
    'check_classifiers_train': 'decision_function gives a column for each class, also of two, as the model does',
}


@parametrize_with_checks(
    [SKLearnClassifier(dynamic, model_kwargs={'loss': 'categorical_crossentropy', 'layers': [20, 20]},
                       fit_kwargs={'epochs': 5}),
     SKLearnRegressor(dynamic, model_kwargs={'loss': 'mse'}),
     SKLearnTransformer(dynamic, model_kwargs={'loss': 'mse'})],
    expected_failed_checks=lambda e: EXCUSED if isinstance(e, SKLearnClassifier) else {})
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_a_search_in_a_pipeline():
    X, y = make_classification(200, 8, random_state=0)
    y = np.array(['no', 'yes'])[y]
    estimator = SKLearnClassifier(dynamic, model_kwargs={'loss': 'categorical_crossentropy'}, fit_kwargs={'epochs': 2})
    search = GridSearchCV(make_pipeline(StandardScaler(), estimator), {
        'sklearnclassifier__fit_kwargs': [{'epochs': 1}, {'epochs': 40}]}, cv=3)
    search.fit(X, y)
    assert search.best_params_ == {'sklearnclassifier__fit_kwargs': {'epochs': 40}} and search.best_score_ > 0.75
    assert set(search.predict(X)) <= {'no', 'yes'} and search.score(X, y) > 0.8
    best = search.best_estimator_[-1]
    assert list(best.classes_) == ['no', 'yes'] and best.decision_function(X[:3]).shape == (3, 2)
    assert best.history_.epoch[-1] == 39 == best.epoch_[-1]
    again = pickle.loads(pickle.dumps(best))
    np.testing.assert_array_equal(again.predict(X), best.predict(X))


def test_models_are_cloned_unless_they_go_on():
    X, y = make_regression(100, 4, random_state=0)
    y = (y - y.mean()) / y.std()
    model = Sequential([Dense(8, activation='relu', input_shape=(4,)), Dense(1)])
    model.compile('adam', 'mse')
    before = model.get_weights()
    estimator = SKLearnRegressor(model, fit_kwargs={'epochs': 3})
    assert estimator.fit(X, y) is estimator and estimator.predict(X).shape == (100,)
    assert estimator.model_ is not model and np.array_equal(before[0], model.get_weights()[0])
    assert estimator.model_.optimizer is not model.optimizer
    other = clone(estimator)
    assert other.model is model and other.fit_kwargs == {'epochs': 3} and not hasattr(other, 'model_')
    warm = SKLearnRegressor(model, warm_start=True)
    first = warm.fit(X, y, epochs=20, verbose=0).history_.history['loss'][0]
    assert warm.model_ is model and warm.fit(X, y).history_.history['loss'][0] < first
    Y = np.stack([y, -y], axis=1)
    several = SKLearnRegressor(dynamic, model_kwargs={'loss': 'mse'}, fit_kwargs={'epochs': 1}).fit(X, Y)
    assert several.predict(X).shape == (100, 2)
    features = SKLearnTransformer(dynamic, model_kwargs={'loss': 'mse'}).fit(X, Y).transform(X)
    assert features.shape == (100, 2)


def test_what_cannot_be_is_said():
    X, y = make_classification(20, 4, random_state=0)
    model = Sequential([Dense(1, input_shape=(4,))])
    with pytest.raises(RuntimeError, match='expected a compiled Model'):
        SKLearnRegressor(model).fit(X, y)
    with pytest.raises(TypeError, match='expected a Model, or a function'):
        SKLearnRegressor(3).fit(X, y)
    with pytest.raises(ValueError, match='only binary and multiclass'):
        SKLearnClassifier(model).fit(X, np.linspace(0, 1, 20))
    with pytest.raises(RuntimeError, match='enable_metadata_routing'):
        SKLearnClassifier(model).set_fit_request(sample_weight=True)
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = SKLearnClassifier(model).set_fit_request(sample_weight=True)
        assert estimator.get_metadata_routing().fit.requests == {'sample_weight': True}


def test_scikit_learn_is_not_imported_before_it_is_needed():
    code = ("import sys, fastkeras.wrappers.scikit_learn as w, fastkeras; print('sklearn' in sys.modules); "
            "sys.modules['sklearn'] = None\ntry: fastkeras.wrappers.SKLearnClassifier\nexcept ImportError as e: print(e)")
    out = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert out.stdout.startswith('False\nfastkeras.wrappers needs scikit-learn'), out
