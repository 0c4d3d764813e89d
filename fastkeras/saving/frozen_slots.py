"""The state of an optimizer that also has slots of weights which are not trained any more.

`layer.trainable = False` behind `compile` changes nothing until the model is compiled again, which loading does: the file then
holds slots of more weights than the new training has. What belongs to those that are still trained is kept.
"""

from __future__ import annotations

from typing import Any

from fastkeras import generation
from fastkeras.layers import context
from fastkeras.optimizers import Optimizer
from fastkeras.saving import values


def with_slots_of_all(model: Any) -> Any:
    """An optimizer like the model's, with the state that it had if no layer were frozen; None where there is no such state, or
    nothing is frozen."""
    optimizer = model.optimizer
    with context.trainable_as({id(layer): True for layer in model._flatten_layers()}):
        variables = model.trainable_weights
    trained = {id(v) for v in model.trainable_weights}
    if len(trained) == len(variables) or not trained <= {id(v) for v in variables} or not _is_plain(optimizer):
        return None
    with generation.scope(optimizer.generation):
        try:
            other = type(optimizer).from_config(optimizer.get_config())
        except Exception:       # whatever a class of the user's says to its own configuration
            return None
    other.build(variables)
    return other


def _is_plain(optimizer):
    """Whether all of its state is in slots that are known by name, and in variables that all weights share."""
    return isinstance(optimizer, Optimizer) and not hasattr(optimizer, 'inner_optimizer') and optimizer._weights is None


def take(optimizer: Any, other: Any) -> None:
    """Give an optimizer the state that another has for the same weights, and what belongs to no weight."""
    pairs = [(optimizer._iterations, other._iterations)]
    if hasattr(optimizer._rate, 'assign') and hasattr(other._rate, 'assign'):
        pairs.append((optimizer._rate, other._rate))
    pairs += [(mine, its) for (_, mine), (_, its) in zip(optimizer._extra, other._extra)]
    for name, slots in optimizer._slots.items():
        pairs += [(mine, other.slot(name, v)) for mine, v in zip(slots, optimizer._trainable_variables) if mine is not None]
    values.assign_all([(mine, its.array) for mine, its in pairs])
    optimizer.restored([mine for mine, _ in pairs])
