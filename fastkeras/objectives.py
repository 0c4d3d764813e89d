"""`keras.objectives`: the losses, by the name of their module in Keras 1."""

from fastkeras.losses import *  # noqa: F403
from fastkeras.losses import deserialize, get, serialize  # noqa: F401
