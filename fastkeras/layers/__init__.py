"""Layers: one file per family."""

from fastkeras.runtime import SeedGenerator

from . import activation, base, convolution, core, implicit, input, lambda_, merge, normalization, pooling, reshaping
from .activation import *  # noqa: F403
from .base import *  # noqa: F403
from .context import learning_phase, set_learning_phase
from .convolution import *  # noqa: F403
from .convolution import (
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
)
from .core import *  # noqa: F403
from .implicit import *  # noqa: F403
from .input import *  # noqa: F403
from .lambda_ import *  # noqa: F403
from .merge import *  # noqa: F403
from .normalization import *  # noqa: F403
from .pooling import *  # noqa: F403
from .pooling import (
    AveragePooling1D,
    AveragePooling2D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
    MaxPooling1D,
    MaxPooling2D,
)
from .registry import deserialize, serialize
from .reshaping import *  # noqa: F403

_FAMILIES = (activation, base, convolution, core, implicit, input, lambda_, merge, normalization, pooling, reshaping)

# other names of the same classes
AvgPool1D, AvgPool2D, MaxPool1D, MaxPool2D = AveragePooling1D, AveragePooling2D, MaxPooling1D, MaxPooling2D
GlobalAvgPool1D, GlobalMaxPool1D = GlobalAveragePooling1D, GlobalMaxPooling1D
GlobalAvgPool2D, GlobalMaxPool2D = GlobalAveragePooling2D, GlobalMaxPooling2D
GlobalAvgPool3D, GlobalMaxPool3D = GlobalAveragePooling3D, GlobalMaxPooling3D
Convolution1D, Convolution2D = Conv1D, Conv2D
Convolution1DTranspose, Convolution2DTranspose = Conv1DTranspose, Conv2DTranspose
Deconv2D = Deconvolution2D = Conv2DTranspose
DepthwiseConvolution2D = DepthwiseConv2D
SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D

_ALIASES = ['AvgPool1D', 'AvgPool2D', 'MaxPool1D', 'MaxPool2D', 'GlobalAvgPool1D', 'GlobalMaxPool1D', 'GlobalAvgPool2D',
            'GlobalMaxPool2D', 'GlobalAvgPool3D', 'GlobalMaxPool3D', 'Convolution1D', 'Convolution2D',
            'Convolution1DTranspose', 'Convolution2DTranspose', 'Deconv2D', 'Deconvolution2D', 'DepthwiseConvolution2D',
            'SeparableConvolution1D', 'SeparableConvolution2D']
__all__ = [*(name for family in _FAMILIES for name in family.__all__), *_ALIASES, 'SeedGenerator', 'deserialize',
           'learning_phase', 'serialize', 'set_learning_phase']
