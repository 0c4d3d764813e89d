"""The wrappers of Keras 3: estimators in the sense of a current scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras.models import Model, clone_model

try:
    import sklearn
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
    from sklearn.utils.metadata_routing import MetadataRequest
    from sklearn.utils.multiclass import type_of_target
    from sklearn.utils.validation import check_is_fitted
    try:
        from sklearn.utils.validation import validate_data
    except ImportError:     # before scikit-learn 1.6
        def validate_data(estimator, *args, **kwargs):
            return estimator._validate_data(*args, **kwargs)
except ImportError as error:
    raise ImportError('fastkeras.wrappers needs scikit-learn, which is not installed: pip install scikit-learn '
                      f'({error})') from error


class _Estimator(BaseEstimator):
    """What the wrappers share.

    model: a compiled Model, which is cloned at each `fit`, with new weights and compiled as it was; or a function (X, y,
    **model_kwargs) that returns a compiled one. warm_start: `fit` goes on with the weights of the `fit` before, and the given
    Model itself is trained. model_kwargs: further arguments of the function. fit_kwargs: arguments of Model.fit, such as
    epochs; those given to `fit` come before them.

    After `fit`: model_, the trained Model, and history_, its History.
    """

    def __init__(self, model: Any, warm_start: bool = False, model_kwargs: Any = None, fit_kwargs: Any = None) -> None:
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    # ---- what scikit-learn asks
    def _more_tags(self):       # before scikit-learn 1.6
        return {'non_deterministic': True}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags

    def __sklearn_clone__(self):
        # a Model is cloned by `fit`
        return type(self)(**self.get_params(deep=False))

    @property
    def epoch_(self) -> Any:
        """The numbers of the epochs of the last `fit`; 0 before."""
        return self.history_.epoch if hasattr(self, 'history_') else 0

    def set_fit_request(self, **kwargs: Any) -> Any:
        """Say which metadata a meta-estimator passes on to `fit`: name=True, False, None or an alias. RuntimeError unless
        sklearn.set_config(enable_metadata_routing=True)."""
        if not sklearn.get_config().get('enable_metadata_routing', False):
            raise RuntimeError(f'{type(self).__name__}.set_fit_request: metadata routing is off; turn it on with '
                               'sklearn.set_config(enable_metadata_routing=True)')
        request = getattr(self, '_metadata_request', None) or MetadataRequest(owner=self)
        for name, alias in kwargs.items():
            request.fit.add_request(param=name, alias=alias)
        self._metadata_request = request
        return self

    # ---- fitting
    def _made(self, X, y):
        if self.warm_start and hasattr(self, 'model_'):
            return self.model_
        if isinstance(self.model, Model):
            model = self.model if self.warm_start else _compiled_clone(self.model)
        elif callable(self.model):
            model = self.model(X=X, y=y, **(self.model_kwargs or {}))
        else:
            raise TypeError(f'{type(self).__name__}: model: expected a Model, or a function (X, y) that returns one, got '
                            f'{self.model!r}')
        if not isinstance(model, Model) or not model.compiled or model.loss is None:
            raise RuntimeError(f'{type(self).__name__}: expected a compiled Model with a loss, got '
                               f'{model!r}; call model.compile(optimizer, loss) first')
        return model

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Any:
        """Train a model on X, of shape (samples, features), and y, of shape (samples,) or (samples, outputs). kwargs: of
        Model.fit. Returns the estimator."""
        shape = getattr(y, 'shape', ())
        several = len(shape) == 2 and shape[1] > 1
        X, y = validate_data(self, X, y, multi_output=several)
        target = self._encoded(y, reset=True)
        model = self._made(X, target)
        self.history_ = model.fit(X, target, **{'verbose': 0, **(self.fit_kwargs or {}), **kwargs})
        self.model_ = model
        return self

    def predict(self, X: Any) -> Any:
        """What the model says of X, in the shape and kind of y."""
        return self._decoded(self._outputs(X))

    def _outputs(self, X):
        check_is_fitted(self)
        return self.model_.predict(validate_data(self, X, reset=False))

    def _encoded(self, y, reset=False):
        if type_of_target(y) == 'unknown':
            raise ValueError(f'Unknown label type: {y!r:.80}')
        if reset:
            self._target_ndim = y.ndim
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def _decoded(self, outputs):
        return outputs[:, 0] if self._target_ndim == 1 and outputs.ndim == 2 and outputs.shape[1] == 1 else outputs


class SKLearnClassifier(ClassifierMixin, _Estimator):
    """A Model as a classifier: it is given the classes as rows with a 1 (one-hot), and answers with classes.

    model: a compiled Model, cloned at each `fit`, or a function (X, y, **model_kwargs) that returns one. warm_start: `fit` goes
    on with the weights of the `fit` before. model_kwargs: of the function. fit_kwargs: of Model.fit. After `fit`: model_ and
    history_, and classes_, sorted.
    """

    def decision_function(self, X: Any) -> Any:
        """The outputs of the model for X, one column for each class."""
        return self._outputs(X)

    def _encoded(self, y, reset=False):
        kind = type_of_target(y)
        if kind not in ('binary', 'multiclass'):
            raise ValueError(f'Unknown label type: {type(self).__name__} expects classes; only binary and multiclass targets '
                             f'are supported, got {kind} ones')
        y = y.reshape(-1)
        if reset:
            self.classes_ = np.unique(y)
            if len(self.classes_) == 1:
                raise ValueError(f'{type(self).__name__} cannot be trained when only one class is present, got '
                                 f'{self.classes_[0]!r} alone')
        return (y[:, None] == self.classes_).astype('float32')

    def _decoded(self, outputs):
        return self.classes_[outputs.argmax(axis=1)]

    def _more_tags(self):
        return {'poor_score': True, 'non_deterministic': True}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags


class SKLearnRegressor(RegressorMixin, _Estimator):
    """A Model as a regressor.

    model: a compiled Model, cloned at each `fit`, or a function (X, y, **model_kwargs) that returns one. warm_start: `fit` goes
    on with the weights of the `fit` before. model_kwargs: of the function. fit_kwargs: of Model.fit. After `fit`: model_ and
    history_.
    """

    def _more_tags(self):
        return {'poor_score': True, 'non_deterministic': True}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


class SKLearnTransformer(TransformerMixin, _Estimator):
    """A Model as a transformer: what it gives for X is handed on.

    model: a compiled Model, cloned at each `fit`, or a function (X, y, **model_kwargs) that returns one. warm_start: `fit` goes
    on with the weights of the `fit` before. model_kwargs: of the function. fit_kwargs: of Model.fit. After `fit`: model_ and
    history_.
    """

    def transform(self, X: Any) -> Any:
        """The outputs of the model for X."""
        return self._outputs(X)

    def _more_tags(self):
        return {'preserves_dtype': [], 'non_deterministic': True}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags


def _compiled_clone(model):
    """The model with new weights, compiled as it is."""
    new = clone_model(model)
    if model.compiled:
        arguments = {k: v for k, v in model._compile_args.items() if v is not None}
        optimizer = model.optimizer
        new.compile(type(optimizer).from_config(optimizer.get_config()), **arguments, run_eagerly=model.run_eagerly)
    return new
