"""Metrics by name, as functions (Keras 2) and as objects with state (Keras 3)."""

from fastkeras.losses import functions as _functions  # noqa: F401  the package before its part
from fastkeras.losses.functions import *  # noqa: F403
from fastkeras.metrics.choose import choose, name_of  # noqa: F401
from fastkeras.metrics.functions import *  # noqa: F403
from fastkeras.metrics.named import CLASSES as _CLASSES
from fastkeras.metrics.named import deserialize, get, serialize  # noqa: F401

globals().update(_CLASSES)
