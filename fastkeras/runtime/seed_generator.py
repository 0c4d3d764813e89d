"""The random state of a layer, or of an op without a seed: a variable that every run of a plan reads and advances."""

import numpy as np

from ..ops import random
from ..utils.seed import as_seed
from .variable import Variable


class SeedState(Variable):
    """The state of a SeedGenerator, an int32[2] of key and counter."""


class SeedGenerator:
    """A stream of seeds for random ops. seed: int, or None for a fresh one.

    `next` gives an int32[2] seed (key, counter) and advances the counter: inside a trace that is an update which each
    run of the plan makes, outside it happens at once. The state is no weight: it is not listed or saved with the layer.
    """

    def __init__(self, seed=None, name=None, **kwargs):
        self.seed = as_seed(seed)
        key = np.array([self.seed & 0xFFFFFFFF, 0], np.uint32).view(np.int32)
        self.state = SeedState(key, dtype='int32', trainable=False, name=name or 'seed_generator_state')

    def next(self, ordered=True):
        """The next seed."""
        now = self.state.value
        now = now.copy() if isinstance(now, np.ndarray) else now
        self.state.assign(now + np.array([0, 1], np.int32))
        return now

    def reset(self):
        """Begin the stream anew."""
        self.state.assign(np.array([self.seed & 0xFFFFFFFF, 0], np.uint32).view(np.int32))

    def get_config(self):
        return {'seed': self.seed}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


random.set_stream(lambda: SeedGenerator().next())
