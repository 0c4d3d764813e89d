"""`keras.utils.losses_utils` of Keras 2.3: from numbers of single samples to a loss."""

from __future__ import annotations

from typing import Any

from fastkeras import ops
from fastkeras.losses.classes import reduce_values


class Reduction:
    """What becomes of the numbers of a batch."""

    NONE = 'none'
    SUM = 'sum'
    SUM_OVER_BATCH_SIZE = 'sum_over_batch_size'

    @classmethod
    def all(cls) -> Any:
        """All of them."""
        return cls.NONE, cls.SUM, cls.SUM_OVER_BATCH_SIZE

    @classmethod
    def validate(cls, key: Any) -> None:
        """ValueError for what is none of them."""
        if key not in cls.all():
            raise ValueError(f'Invalid Reduction Key {key!r}: expected one of {", ".join(map(repr, cls.all()))}')


def squeeze_or_expand_dimensions(y_pred: Any, y_true: Any = None, sample_weight: Any = None) -> Any:
    """y_pred and, where they were given, y_true and sample_weight, so that their axes fit: a last axis of 1 goes from that of
    y_pred and y_true which has one more; sample_weight gets or loses one."""
    y_pred = ops.convert_to_tensor(y_pred)
    given = [y_pred]
    if y_true is not None:
        y_true = ops.convert_to_tensor(y_true)
        more = len(y_pred.shape) - len(y_true.shape)
        if more == 1 and y_pred.shape[-1] == 1:
            y_pred = ops.squeeze(y_pred, -1)
        elif more == -1 and y_true.shape[-1] == 1:
            y_true = ops.squeeze(y_true, -1)
        given = [y_pred, y_true]
    if sample_weight is not None:
        weight = ops.convert_to_tensor(sample_weight)
        more = len(weight.shape) - len(y_pred.shape)
        if more == 1 and weight.shape[-1] == 1:
            weight = ops.squeeze(weight, -1)
        elif more == -1 and weight.shape:
            weight = ops.expand_dims(weight, -1)
        given = [*given, weight] if y_true is not None else [y_pred, weight]
    return given[0] if len(given) == 1 else tuple(given)


def reduce_weighted_loss(weighted_losses: Any, reduction: str = Reduction.SUM_OVER_BATCH_SIZE) -> Any:
    """The numbers themselves, their sum, or that over their number."""
    Reduction.validate(reduction)
    return reduce_values(weighted_losses, None, reduction)


def compute_weighted_loss(losses: Any, sample_weight: Any = None, reduction: str = Reduction.SUM_OVER_BATCH_SIZE) -> Any:
    """The numbers times their weights, reduced."""
    Reduction.validate(reduction)
    return reduce_values(losses, sample_weight, reduction)
