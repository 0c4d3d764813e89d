"""Names of layers that were not given one: dense_1, dense_2, … (in generation 3: dense, dense_1, …)."""

import re
from collections import defaultdict

from fastkeras import generation

_uids = defaultdict(int)


def to_snake_case(name):
    """'MaxPooling2D' → 'max_pooling2d'; a leading underscore becomes 'private_'."""
    snake = re.sub(r'(?<=[a-z])(?=[A-Z])|(?<=.)(?=[A-Z][a-z0-9])', '_', name).lower()
    return 'private' + snake if snake.startswith('_') else snake


def get_uid(prefix=''):
    """How many times this was asked for the prefix, from 1."""
    _uids[prefix] += 1
    return _uids[prefix]


def reset_uids():
    """Start all numbers anew."""
    _uids.clear()


def auto_name(prefix):
    """The next name with this prefix."""
    n = get_uid(prefix)
    if generation.of('names.first_has_number'):
        return f'{prefix}_{n}'
    return prefix if n == 1 else f'{prefix}_{n - 1}'
