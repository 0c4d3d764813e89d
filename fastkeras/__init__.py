"""Keras on a CPU, on a native engine of its own.

Submodules are loaded when they are first used: `fastkeras.layers` works after `import fastkeras` alone.
"""

from fastkeras.lazy import front as _front

__version__ = '0.1.0'

_MODULES = ('activations', 'applications', 'backend', 'callbacks', 'config', 'constraints', 'converters', 'datasets',
            'distillation', 'dtype_policies', 'engine', 'generation', 'initializers', 'layers', 'legacy', 'losses', 'metrics',
            'mixed_precision', 'models', 'objectives', 'ops', 'optimizers', 'preprocessing', 'random', 'regularizers',
            'runtime', 'saving', 'training', 'tree', 'utils', 'visualization', 'wrappers')
_NAMES = {'Input': 'layers', 'InputSpec': 'layers', 'Layer': 'layers', 'Model': 'models', 'Sequential': 'models',
          'Variable': 'runtime', 'install_as_keras': 'legacy.drop_in',
          'DTypePolicy': 'dtype_policies', 'FloatDTypePolicy': 'dtype_policies',
          'Initializer': 'initializers', 'Loss': 'losses', 'Metric': 'metrics', 'Optimizer': 'optimizers',
          'Regularizer': 'regularizers', 'Quantizer': 'quantizers', 'version': 'about',
          **dict.fromkeys(('GradientTape', 'grad', 'value_and_grad'), 'runtime'),
          **dict.fromkeys(('Function', 'KerasTensor', 'Operation'), 'layers.operations'),
          **dict.fromkeys(('StatelessScope', 'SymbolicScope', 'device', 'name_scope'), 'layers.scopes'),
          **dict.fromkeys(('RematScope', 'remat'), 'layers.remat')}

TYPE_CHECKING = False      # True to those who check types
if TYPE_CHECKING:
    from fastkeras.about import version as version
    from fastkeras.dtype_policies import DTypePolicy as DTypePolicy
    from fastkeras.dtype_policies import FloatDTypePolicy as FloatDTypePolicy
    from fastkeras.initializers import Initializer as Initializer
    from fastkeras.layers import Input as Input
    from fastkeras.layers import InputSpec as InputSpec
    from fastkeras.layers import Layer as Layer
    from fastkeras.layers.operations import Function as Function
    from fastkeras.layers.operations import KerasTensor as KerasTensor
    from fastkeras.layers.operations import Operation as Operation
    from fastkeras.layers.remat import RematScope as RematScope
    from fastkeras.layers.remat import remat as remat
    from fastkeras.layers.scopes import StatelessScope as StatelessScope
    from fastkeras.layers.scopes import SymbolicScope as SymbolicScope
    from fastkeras.layers.scopes import device as device
    from fastkeras.layers.scopes import name_scope as name_scope
    from fastkeras.legacy.drop_in import install_as_keras as install_as_keras
    from fastkeras.losses import Loss as Loss
    from fastkeras.metrics import Metric as Metric
    from fastkeras.models import Model as Model
    from fastkeras.models import Sequential as Sequential
    from fastkeras.optimizers import Optimizer as Optimizer
    from fastkeras.quantizers import Quantizer as Quantizer
    from fastkeras.regularizers import Regularizer as Regularizer
    from fastkeras.runtime import GradientTape as GradientTape
    from fastkeras.runtime import Variable as Variable
    from fastkeras.runtime import grad as grad
    from fastkeras.runtime import value_and_grad as value_and_grad

    from . import activations as activations
    from . import applications as applications
    from . import backend as backend
    from . import callbacks as callbacks
    from . import config as config
    from . import constraints as constraints
    from . import converters as converters
    from . import datasets as datasets
    from . import distillation as distillation
    from . import dtype_policies as dtype_policies
    from . import engine as engine
    from . import generation as generation
    from . import initializers as initializers
    from . import layers as layers
    from . import legacy as legacy
    from . import losses as losses
    from . import metrics as metrics
    from . import mixed_precision as mixed_precision
    from . import models as models
    from . import objectives as objectives
    from . import ops as ops
    from . import optimizers as optimizers
    from . import preprocessing as preprocessing
    from . import random as random
    from . import regularizers as regularizers
    from . import runtime as runtime
    from . import saving as saving
    from . import training as training
    from . import tree as tree
    from . import utils as utils
    from . import visualization as visualization
    from . import wrappers as wrappers
else:
    __getattr__, __dir__, __all__ = _front(__name__, _MODULES, _NAMES)
    __all__ += ['__version__']
