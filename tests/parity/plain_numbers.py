"""Results as JSON has them, for the scripts that record."""

import numpy as np


def plain(value):
    """Arrays and numbers with 7 digits, which is what float32 holds, alone or in dicts and lists."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)) or getattr(value, 'shape', ()):
        return [plain(v) for v in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return int(value) if isinstance(value, np.integer) else float(f'{float(value):.7g}')
