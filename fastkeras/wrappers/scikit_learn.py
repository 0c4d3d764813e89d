"""The wrappers of Keras 2, which also work inside a current scikit-learn."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from fastkeras import losses
from fastkeras.models import Sequential
from fastkeras.utils import nest, to_categorical
from fastkeras.utils.errors import keywords


class BaseWrapper:
    """What KerasClassifier and KerasRegressor share.

    build_fn: a function, or an object with __call__, that returns a compiled model; None in a class that has a __call__ of
    its own for it. sk_params: arguments of build_fn and of fit, predict and evaluate, such as epochs and batch_size, which
    GridSearchCV may vary. ValueError for a name that none of them takes.
    """

    def __init__(self, build_fn: Any = None, **sk_params: Any) -> None:
        self.build_fn = build_fn
        self.sk_params = sk_params
        self.check_params(sk_params)

    def _maker(self):
        """The function that makes a model."""
        if self.build_fn is None:
            if not callable(self):
                raise ValueError(f'{type(self).__name__}: expected a build_fn that returns a compiled model, or a class with a '
                                 '__call__ of its own')
            return self.__call__
        return self.build_fn

    def check_params(self, params: Any) -> None:
        """ValueError for a name that neither build_fn nor fit, predict or evaluate take."""
        functions = [self._maker(), *_RUNS]
        for name in params:
            if name != 'nb_epoch' and not any(_takes(function, name) for function in functions):
                raise ValueError(f'{type(self).__name__}: {name} is not a legal parameter: build_fn, fit, predict and evaluate '
                                 'do not take it')

    def get_params(self, **params: Any) -> dict[str, Any]:
        """The parameters by name, build_fn among them. params: of scikit-learn, without effect."""
        return {**self.sk_params, 'build_fn': self.build_fn}

    def set_params(self, **params: Any) -> Any:
        """Change parameters; returns the estimator."""
        params = dict(params)
        if 'build_fn' in params:
            self.build_fn = params.pop('build_fn')
        self.check_params(params)
        self.sk_params.update(params)
        return self

    def filter_sk_params(self, fn: Any, override: Any = None) -> dict[str, Any]:
        """Those of the parameters that a function takes. override: dict of what comes before them."""
        return {**{name: value for name, value in self.sk_params.items() if _takes(fn, name)}, **(override or {})}

    def fit(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """Make a model and train it. kwargs: of Model.fit; they come before the parameters. Returns the History."""
        maker = self._maker()
        self.model = maker(**self.filter_sk_params(maker))
        arguments = self.filter_sk_params(Sequential.fit)
        if 'nb_epoch' in self.sk_params:
            arguments.setdefault('epochs', self.sk_params['nb_epoch'])
        return self.model.fit(x, self._targets(y), **{**arguments, **kwargs})

    def _targets(self, y):
        """Classes as rows with a 1 where the loss wants them so."""
        y = np.asarray(y)
        one_hot = losses.loss_function(losses.get(self.model.loss) if isinstance(self.model.loss, str) else self.model.loss)
        return to_categorical(y) if one_hot is losses.categorical_crossentropy and y.ndim != 2 else y

    def _fitted(self):
        if not hasattr(self, 'model'):
            raise ValueError(f'{type(self).__name__}: it is not fitted yet: call fit(x, y) first')
        return self.model

    def __sklearn_is_fitted__(self):
        return hasattr(self, 'model')

    def __sklearn_tags__(self):
        from sklearn import utils
        kind = getattr(self, '_estimator_type', None)
        tags = utils.Tags(estimator_type=kind, target_tags=utils.TargetTags(required=True))
        if kind == 'classifier':
            tags.classifier_tags = utils.ClassifierTags()
        elif kind == 'regressor':
            tags.regressor_tags = utils.RegressorTags()
        tags.non_deterministic = True
        return tags


class KerasClassifier(BaseWrapper):
    """A model as a classifier. y: classes, or rows with a 1 each. After `fit`: classes_ and n_classes_."""

    _estimator_type = 'classifier'

    def fit(self, x: Any, y: Any, sample_weight: Any = None, **kwargs: Any) -> Any:
        """Make a model and train it. y: of shape (samples,), (samples, 1) or (samples, classes). Returns the History."""
        y = np.array(y)
        if y.ndim == 2 and y.shape[1] > 1:
            self.classes_ = np.arange(y.shape[1])
        elif y.ndim == 1 or y.ndim == 2:
            self.classes_ = np.unique(y)
            y = np.searchsorted(self.classes_, y)
        else:
            raise ValueError(f'KerasClassifier.fit: y: expected shape (samples,) or (samples, classes), got {y.shape}')
        self.n_classes_ = len(self.classes_)
        if sample_weight is not None:
            kwargs['sample_weight'] = sample_weight
        return super().fit(x, y, **kwargs)

    def predict(self, x: Any, **kwargs: Any) -> Any:
        """The class of each sample. kwargs: of Model.predict."""
        found = self._fitted().predict(x, **self.filter_sk_params(Sequential.predict, kwargs))
        return self.classes_[found.argmax(axis=-1) if found.shape[-1] > 1 else (found > 0.5).astype('int32')]

    def predict_proba(self, x: Any, **kwargs: Any) -> Any:
        """Probabilities of the classes, of shape (samples, classes); of two classes, too, where the model has one output."""
        found = self._fitted().predict(x, **self.filter_sk_params(Sequential.predict, kwargs))
        return np.hstack([1 - found, found]) if found.shape[1] == 1 else found

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """Share of the samples that are classified rightly. kwargs: of Model.evaluate. ValueError where the model was compiled
        without metrics=['accuracy']."""
        y = np.asarray(y)
        if y.ndim == 1 or y.shape[1] == 1:
            y = np.searchsorted(self.classes_, y)
        values = self._fitted().evaluate(x, self._targets(y), **self.filter_sk_params(Sequential.evaluate, kwargs))
        for name, value in zip(self.model.metrics_names, nest.to_list(values)):
            if name in ('acc', 'accuracy'):
                return value
        raise ValueError("KerasClassifier.score: the model measures no accuracy; compile it with metrics=['accuracy']")


class KerasRegressor(BaseWrapper):
    """A model as a regressor."""

    _estimator_type = 'regressor'

    def predict(self, x: Any, **kwargs: Any) -> Any:
        """What the model says, without axes of size 1. kwargs: of Model.predict."""
        return np.squeeze(self._fitted().predict(x, **self.filter_sk_params(Sequential.predict, kwargs)))

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """The loss with a minus, so that more is better. kwargs: of Model.evaluate."""
        values = self._fitted().evaluate(x, y, **self.filter_sk_params(Sequential.evaluate, kwargs))
        return -nest.to_list(values)[0]


_RUNS = (Sequential.fit, Sequential.predict, Sequential.evaluate)


def _takes(function, name):
    """Whether a function names this argument, or is one of a model's that takes it as a keyword."""
    if any(function is run for run in _RUNS):
        return name in keywords(function)[0] and name != 'self'
    function = function if inspect.isfunction(function) or inspect.ismethod(function) else function.__call__
    return name in inspect.signature(function).parameters
