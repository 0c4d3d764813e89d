"""Models as estimators of scikit-learn: those of Keras 3 here, those of Keras 2 in `scikit_learn`.

Names are loaded when they are first used; scikit-learn is imported by none but those of Keras 3, and when an estimator of
Keras 2 is asked what scikit-learn alone asks.
"""

from fastkeras.lazy import front as _front

_MODULES = ('scikit_learn',)
_NAMES = dict.fromkeys(('SKLearnClassifier', 'SKLearnRegressor', 'SKLearnTransformer'), 'estimators')

TYPE_CHECKING = False      # True to those who check types
if TYPE_CHECKING:
    from fastkeras.wrappers.estimators import SKLearnClassifier as SKLearnClassifier
    from fastkeras.wrappers.estimators import SKLearnRegressor as SKLearnRegressor
    from fastkeras.wrappers.estimators import SKLearnTransformer as SKLearnTransformer

    from . import scikit_learn as scikit_learn
else:
    __getattr__, __dir__, __all__ = _front(__name__, _MODULES, _NAMES, __name__)
