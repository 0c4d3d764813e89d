"""Layers: one file per family, and one line here for each."""

from types import ModuleType as _ModuleType

from fastkeras.runtime import SeedGenerator as SeedGenerator

from .activation import *  # noqa: F403
from .adaptive_pooling import *  # noqa: F403
from .attention import *  # noqa: F403
from .base import *  # noqa: F403
from .border import *  # noqa: F403
from .categories import *  # noqa: F403
from .context import learning_phase as learning_phase
from .context import set_learning_phase as set_learning_phase
from .convolution import *  # noqa: F403
from .convolutional_recurrent import *  # noqa: F403
from .core import *  # noqa: F403
from .cudnn_recurrent import *  # noqa: F403
from .deprecated import *  # noqa: F403
from .einsum_dense import *  # noqa: F403
from .embeddings import *  # noqa: F403
from .hashed import *  # noqa: F403
from .image_colors import *  # noqa: F403
from .image_histograms import *  # noqa: F403
from .image_mixes import *  # noqa: F403
from .image_moves import *  # noqa: F403
from .image_size import *  # noqa: F403
from .implicit import *  # noqa: F403
from .input import *  # noqa: F403
from .keras1_layers import *  # noqa: F403
from .lambda_ import *  # noqa: F403
from .layer_pipeline import *  # noqa: F403
from .local import *  # noqa: F403
from .lookup import *  # noqa: F403
from .merge import *  # noqa: F403
from .merge_function import Merge as Merge
from .merge_function import merge as _merge  # noqa: F401 (the module `merge` becomes callable)
from .multi_head_attention import *  # noqa: F403
from .noise import *  # noqa: F403
from .normalization import *  # noqa: F403
from .pooling import *  # noqa: F403
from .recurrent import *  # noqa: F403
from .registry import deserialize as deserialize
from .registry import note_names as _note_names
from .registry import serialize as serialize
from .regularization import *  # noqa: F403
from .reshaping import *  # noqa: F403
from .residual import *  # noqa: F403
from .reversible_embedding import *  # noqa: F403
from .scaling import *  # noqa: F403
from .separable import *  # noqa: F403
from .spectral import *  # noqa: F403
from .spectrogram import *  # noqa: F403
from .text_vectorization import *  # noqa: F403
from .wrappers import *  # noqa: F403

_note_names(globals())
__all__ = [name for name, value in globals().items()
           if name[0] != '_' and (not isinstance(value, _ModuleType) or callable(value))]
