"""Keras 2's path of the recurrent layers and their cells."""

from .base import InputSpec as InputSpec
from .base import Layer as Layer
from .recurrent_cells import *  # noqa: F403
from .recurrent_layers import *  # noqa: F403
from .rnn import *  # noqa: F403
from .stacked_cells import *  # noqa: F403
from .step_recurrent import *  # noqa: F403
