"""What a training needs, beside weights and the optimizer's state, to go on from a file as it would have gone on: random
states of layers, the order of samples, and the weights that moving averages have replaced."""

import numpy as np

from fastkeras.layers import tracking
from fastkeras.runtime import SeedGenerator

_KINDS = (False, True, 'batch')


class Shuffling:
    """Where the orders of a model's epochs come from: NumPy's global state or, for a model from a file that says what that
    was, a state of the model's own, until it is compiled again."""

    def __init__(self):
        self.random = None      # a RandomState; None for the global one
        self.order = None       # the training.feed.Order of the last fit
        self.saved = None       # that of a file: its index and settings

    def begin(self, order, goes_on):
        """A fit takes an Order. goes_on: with a later epoch than the first, so from where the last one ended."""
        last, self.order = self.saved if self.order is None else _written(self.order), order
        if goes_on and last is not None and np.array_equal(last[1][:3], _written(order)[1][:3]):
            order.index, order.next = last[0].astype(order.index.dtype), int(last[1][3])

    def state(self):
        """name → array of what a file keeps; nothing where nothing was shuffled."""
        order = self.saved if self.order is None else _written(self.order)
        kind, keys, *rest = (self.random or np.random).get_state()
        if order is None or not order[1][2] or kind != 'MT19937':
            return {}
        return {'shuffle/keys': keys, 'shuffle/position': np.array(rest, 'float64'), 'shuffle/index': order[0],
                'shuffle/settings': order[1]}

    def restore(self, state):
        """Take what `state` gave."""
        if 'shuffle/keys' in state:
            self.random = np.random.RandomState()
            position, has_gauss, gauss = state['shuffle/position']
            self.random.set_state(('MT19937', state['shuffle/keys'], int(position), int(has_gauss), float(gauss)))
            self.saved = state['shuffle/index'], state['shuffle/settings']


def _written(order):
    """(index, [samples, size of a batch, kind of shuffling, next batch or -1]) of an Order."""
    kind = _KINDS.index('batch' if order.shuffle == 'batch' else bool(order.shuffle))
    small = order.index.astype('int32') if order.samples < 2 ** 31 else order.index
    return small, np.array([order.samples, order.batch_size, kind, -1 if order.next is None else order.next], 'int64')


class Resumable:
    """Part of Trainer: what a file keeps of a training beside weights and the optimizer's state."""

    _shuffling = None

    def _seed_generators(self):
        return tracking.unique(g for layer in self._flatten_layers() for g in tracking.found(layer, SeedGenerator))

    def _low_rank_weights(self):
        """Adapted weights and their factors: files of Keras 3 have the product only."""
        return [v for layer in self._flatten_layers() if getattr(layer, 'lora_enabled', False) for v in layer._low_rank_parts()]

    def _training_state(self):
        """name → array, for a file."""
        state = self._shuffling.state() if self._shuffling is not None else {}
        state.update((f'seeds/{k}', g.state.numpy()) for k, g in enumerate(self._seed_generators()))
        state.update((f'low_rank/{k}', v.numpy()) for k, v in enumerate(self._low_rank_weights()))
        replaced = getattr(self.optimizer, 'replaced', None) or ()
        state.update((f'replaced/{k}', value) for k, value in enumerate(replaced))
        return state

    def _set_training_state(self, state):
        """Take what _training_state gave, in a model of the same layers. ValueError where it does not fit."""
        generators = self._seed_generators()
        seeds = [state[f'seeds/{k}'] for k in range(sum(name.startswith('seeds/') for name in state))]
        if len(seeds) != len(generators):
            raise ValueError(f'it has {len(seeds)} random states, the model {len(generators)}')
        for g, value in zip(generators, seeds):
            g.state.assign(value)
        parts = self._low_rank_weights()
        adapted = [state[f'low_rank/{k}'] for k in range(sum(name.startswith('low_rank/') for name in state))]
        if [v.shape for v in parts] != [v.shape for v in adapted]:
            raise ValueError(f'it has {len(adapted)} parts of low-rank weights, the model {len(parts)}')
        for v, value in zip(parts, adapted):
            v.assign(value)
        self._shuffling = Shuffling()
        self._shuffling.restore(state)
        replaced = [state[f'replaced/{k}'] for k in range(sum(name.startswith('replaced/') for name in state))]
        if replaced:
            self.optimizer.replaced = replaced
