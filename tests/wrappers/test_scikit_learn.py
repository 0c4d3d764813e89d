"""The wrappers of Keras 2, inside a current scikit-learn."""

import numpy as np
import pytest

from fastkeras.layers import Dense
from fastkeras.models import Sequential
from fastkeras.wrappers.scikit_learn import BaseWrapper, KerasClassifier, KerasRegressor

RNG = np.random.RandomState(0)
X = RNG.randn(120, 4).astype('float32')
CLASSES = np.argmax(X[:, :3], axis=1)


def classifier(hidden=8, loss='categorical_crossentropy', metrics=('accuracy',)):
    model = Sequential([Dense(hidden, activation='relu', input_shape=(4,)), Dense(3, activation='softmax')])
    model.compile('adam', loss, metrics=list(metrics))
    return model


def binary():
    model = Sequential([Dense(8, activation='relu', input_shape=(4,)), Dense(1, activation='sigmoid')])
    model.compile('adam', 'binary_crossentropy', metrics=['accuracy'])
    return model


def regressor(hidden=8):
    model = Sequential([Dense(hidden, activation='relu', input_shape=(4,)), Dense(1)])
    model.compile('adam', 'mse')
    return model


@pytest.mark.parametrize('loss', ['categorical_crossentropy', 'sparse_categorical_crossentropy'])
def test_a_classifier(loss):
    names = np.array(['a', 'b', 'c'])[CLASSES]
    estimator = KerasClassifier(classifier, hidden=16, loss=loss, epochs=60, batch_size=20, verbose=0)
    history = estimator.fit(X, names)
    assert len(history.history['loss']) == 60 and list(estimator.classes_) == ['a', 'b', 'c'] and estimator.n_classes_ == 3
    found = estimator.predict(X)
    assert estimator.score(X, names) == pytest.approx(np.mean(found == names)) and np.mean(found == names) > 0.85
    assert estimator.predict_proba(X, batch_size=7).shape == (120, 3)


def test_two_classes_and_rows_of_classes():
    estimator = KerasClassifier(build_fn=binary, epochs=3, verbose=0)
    y = (X[:, 0] > 0).astype(int) + 5
    estimator.fit(X, y, sample_weight=np.ones(120))
    proba = estimator.predict_proba(X)
    assert proba.shape == (120, 2) and np.allclose(proba.sum(1), 1) and set(estimator.predict(X).ravel()) <= {5, 6}
    assert 0 <= estimator.score(X, y) <= 1
    rows = KerasClassifier(classifier, nb_epoch=2, verbose=0)
    assert len(rows.fit(X, np.eye(3)[CLASSES]).epoch) == 2
    assert list(rows.classes_) == [0, 1, 2] and 0 <= rows.score(X, np.eye(3)[CLASSES]) <= 1


def test_a_regressor():
    y = X.sum(axis=1)
    estimator = KerasRegressor(regressor, epochs=2, verbose=0)
    estimator.fit(X, y)
    assert estimator.predict(X).shape == (120,)
    assert estimator.score(X, y) == pytest.approx(-np.mean((estimator.predict(X) - y) ** 2), rel=1e-4)


def test_parameters():
    estimator = KerasClassifier(classifier, hidden=3, epochs=2)
    assert estimator.get_params(deep=True) == {'hidden': 3, 'epochs': 2, 'build_fn': classifier}
    assert estimator.set_params(batch_size=4) is estimator and estimator.sk_params['batch_size'] == 4
    assert estimator.filter_sk_params(Sequential.fit, {'epochs': 5}) == {'epochs': 5, 'batch_size': 4}
    assert estimator.filter_sk_params(classifier) == {'hidden': 3}
    with pytest.raises(ValueError, match='hiden is not a legal parameter'):
        KerasClassifier(classifier, hiden=3)

    class Own(KerasRegressor):
        def __call__(self, hidden=2):
            return regressor(hidden)

    assert Own(hidden=3, epochs=1, verbose=0).fit(X, X[:, 0]).epoch == [0]

    class Maker:
        def __call__(self, hidden):
            return regressor(hidden)

    assert KerasRegressor(Maker(), hidden=3, verbose=0).fit(X, X[:, 0]).epoch == [0]
    with pytest.raises(ValueError, match='build_fn'):
        BaseWrapper()
    with pytest.raises(ValueError, match='not fitted yet'):
        KerasRegressor(regressor).predict(X)
    with pytest.raises(ValueError, match="metrics=\\['accuracy'\\]"):
        estimator = KerasClassifier(classifier, metrics=(), epochs=1, verbose=0)
        estimator.fit(X, CLASSES)
        estimator.score(X, CLASSES)


def test_inside_scikit_learn():
    pytest.importorskip('sklearn', minversion='1.6')
    from sklearn.base import clone, is_classifier, is_regressor
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    estimator = KerasClassifier(build_fn=classifier, epochs=30, batch_size=20, verbose=0)
    assert is_classifier(estimator) and is_regressor(KerasRegressor(regressor))
    assert clone(estimator).get_params() == estimator.get_params()
    search = GridSearchCV(estimator, {'hidden': [16], 'epochs': [1, 60]}, cv=2).fit(X, CLASSES)
    assert search.best_params_['epochs'] == 60 and search.best_score_ > 0.6
    scores = cross_val_score(make_pipeline(StandardScaler(), estimator), X, CLASSES, cv=2)
    assert scores.shape == (2,) and scores.mean() > 0.5
