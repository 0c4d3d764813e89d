"""Fine-tuning by low-rank updates of a kernel, and the refusal of what this engine does not have: quantised weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import initializers, ops

from .checks import count, number
from .input_spec import title


class LowRank:
    """Mixin of layers with a weight `kernel`, which their `call` takes through `_adapted` (Hu et al. 2021).

    With a rank r the kernel is frozen, and kernel + a · b · alpha / r takes its place: a of the kernel's shape but r
    last, b (r, last size of the kernel), both trained. b begins as zeros, so that nothing changes at first.
    """

    _acts_in_training = False
    lora_rank = lora_alpha = None
    lora_enabled = False
    _low_rank_of = 'kernel'     # the weight

    def _set_low_rank(self, rank, alpha, quantization_config=None):
        if quantization_config is not None:
            raise ValueError(f'{title(self)}: quantised weights are not part of this engine, got quantization_config='
                             f'{quantization_config!r}; leave it out')
        if rank is not None:
            self.lora_rank = count(self, 'lora_rank', rank)
        if alpha is not None:
            number(self, 'lora_alpha', alpha)
        self.lora_alpha = self.lora_rank if alpha is None else alpha

    def _build_low_rank(self):
        if self.lora_rank is not None:
            self._add_low_rank('he_uniform', 'zeros')

    def enable_lora(self, rank: int, lora_alpha: float | None = None, a_initializer: Any = 'he_uniform',
                    b_initializer: Any = 'zeros') -> None:
        """Freeze the kernel and train a low-rank update of it instead, times lora_alpha / rank (1 unless given).

        a_initializer, b_initializer: of its two factors. A model that was compiled has to be compiled again. Raises ValueError
        before the layer is built, the second time, and where the kernel has a constraint.
        """
        weight = getattr(self, self._low_rank_of, None) if self.built else None
        if weight is None:
            raise ValueError(f'{title(self)}: enable_lora needs the weights, and it is not built yet; call it on an '
                             f'input, or build(input_shape), first')
        if self.lora_enabled:
            raise ValueError(f'{title(self)}: its low-rank update is there already; a layer has one')
        self._set_low_rank(rank, lora_alpha)
        self._add_low_rank(a_initializer, b_initializer)

    def _add_low_rank(self, a_initializer, b_initializer):
        name = self._low_rank_of
        weight = getattr(self, name)
        if getattr(self, f'{name}_constraint', None) is not None:
            raise ValueError(f'{title(self)}: a low-rank update and {name}_constraint exclude each other, since the '
                             f'{name} itself no more changes; leave one of them out')
        regularizer, shape = getattr(self, f'{name}_regularizer', None), tuple(weight.shape)
        factors = []
        for which, sizes, initializer in (('a', (*shape[:-1], self.lora_rank), a_initializer),
                                          ('b', (self.lora_rank, shape[-1]), b_initializer)):
            factors.append(self.add_weight(f'lora_{name}_{which}', sizes, initializer=initializers.get(initializer),
                                           regularizer=regularizer))
            setattr(self, f'lora_{name}_{which}', factors[-1])
        weight.trainable = False
        self.lora_enabled = True
        self._note_change()

    def _adapted(self, weight):
        """The weight with its update."""
        if not self.lora_enabled:
            return weight
        a, b = (getattr(self, f'lora_{self._low_rank_of}_{which}') for which in 'ab')
        return weight + ops.matmul(a, b) * (self.lora_alpha / self.lora_rank)

    # ---- files: the weight is kept with its update in it, as Keras 3 does
    def _low_rank_parts(self):
        name = self._low_rank_of
        return [getattr(self, name), getattr(self, f'lora_{name}_a'), getattr(self, f'lora_{name}_b')]

    def _stored_weights(self):
        parts = self._low_rank_parts()
        known = {id(v) for v in parts}
        return [parts[0], *(v for v in super()._own_weights() if id(v) not in known)]

    def save_own_variables(self, store: Any) -> None:
        """Write the layer's own weights into a mapping, under '0', '1', …: the one that is adapted first, with its low-rank
        update in it."""
        if not self.lora_enabled:
            super().save_own_variables(store)
            return
        for k, v in enumerate(self._stored_weights()):
            store[str(k)] = np.asarray(self._adapted(v)) if k == 0 else v.numpy()

    def _stored_number(self):
        return len(self._stored_weights()) if self.lora_enabled else super()._stored_number()

    def _fitted(self, store):
        if not self.lora_enabled:
            return super()._fitted(store)
        factors = self._low_rank_parts()[1:]
        return self._paired(self._stored_weights(), store) + [(v, 0.0) for v in factors]

    def _low_rank_config(self):
        return {'lora_rank': self.lora_rank, 'lora_alpha': self.lora_alpha} if self.lora_rank is not None else {}

    def quantize(self, mode: Any = None, type_check: bool = True, config: Any = None) -> None:
        """ValueError: quantised weights are not part of this engine."""
        raise ValueError(f'{title(self)}: quantised weights are not part of this engine, got quantize({mode!r}); models '
                         f'run in float32 as they are')
