"""Keras 2's path of the layers of images, sequences and volumes."""

from .base import InputSpec as InputSpec
from .base import Layer as Layer
from .border import *  # noqa: F403
from .convolution import *  # noqa: F403
from .deprecated import AtrousConv1D as AtrousConv1D
from .deprecated import AtrousConv2D as AtrousConv2D
from .deprecated import AtrousConvolution1D as AtrousConvolution1D
from .deprecated import AtrousConvolution2D as AtrousConvolution2D
from .pooling import *  # noqa: F403
from .separable import *  # noqa: F403
