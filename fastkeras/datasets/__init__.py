"""The data sets that Keras comes with, downloaded when they are first loaded. Modules are imported when they are used."""

from fastkeras.lazy import front as _front

_MODULES = ('boston_housing', 'california_housing', 'cifar', 'cifar10', 'cifar100', 'fashion_mnist', 'imdb', 'mnist', 'reuters')

TYPE_CHECKING = False      # True to those who check types
if TYPE_CHECKING:
    from . import boston_housing as boston_housing
    from . import california_housing as california_housing
    from . import cifar as cifar
    from . import cifar10 as cifar10
    from . import cifar100 as cifar100
    from . import fashion_mnist as fashion_mnist
    from . import imdb as imdb
    from . import mnist as mnist
    from . import reuters as reuters
else:
    __getattr__, __dir__, __all__ = _front(__name__, _MODULES, {})
