"""Names, settings and the session of the backend."""

from __future__ import annotations

from typing import Any

from fastkeras import config
from fastkeras.layers import naming, session
from fastkeras.layers.scopes import name_scope

from . import sessions, symbolic

__all__ = ['backend', 'clear_session', 'epsilon', 'floatx', 'get_uid', 'image_data_format', 'image_dim_ordering',
           'manual_variable_initialization', 'name_scope', 'reset_uids', 'set_epsilon', 'set_floatx', 'set_image_data_format',
           'set_image_dim_ordering']

epsilon, set_epsilon, floatx, set_floatx = config.epsilon, config.set_epsilon, config.floatx, config.set_floatx
image_data_format, set_image_data_format = config.image_data_format, config.set_image_data_format
get_uid, reset_uids = naming.get_uid, naming.reset_uids



def backend() -> str:
    """'fastkeras'."""
    return config.backend()


def image_dim_ordering() -> str:
    """Keras 1's word for the layout: 'tf' for channels_last, 'th' for channels_first."""
    return 'th' if image_data_format() == 'channels_first' else 'tf'


def set_image_dim_ordering(dim_ordering: str) -> None:
    """Set the layout by Keras 1's word: 'tf' or 'th'. ValueError for any other."""
    if dim_ordering not in config.DIM_ORDERINGS:
        raise ValueError(f"Unknown dim_ordering: {dim_ordering!r}; expected 'tf' (channels_last) or 'th' (channels_first)")
    set_image_data_format(config.DIM_ORDERINGS[dim_ordering])


def manual_variable_initialization(value: Any) -> None:
    """For programs that set the values of variables themselves: they may, here too. A Variable has a value as soon as it is
    made, so there is nothing to switch off."""
    if not isinstance(value, bool) and value not in (0, 1):
        raise ValueError(f'K.manual_variable_initialization: expected True or False, got {value!r}')


def clear_session() -> None:
    """Begin anew: names count from 1, the learning phase is open, what was described is let go of."""
    session.clear_session()
    symbolic._phase.clear()
    sessions.forget()
