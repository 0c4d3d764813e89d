"""What record_parts.py recorded, for the tests of losses, metrics, optimizers and the rest."""

import json
from pathlib import Path

import numpy as np

from . import record_parts

FOLDER = Path(__file__).parent
KERAS2 = json.loads((FOLDER / 'parts_keras2.2.4.json').read_text())
KERAS3 = json.loads((FOLDER / 'parts_keras3.json').read_text())
start, gradients = record_parts.start, record_parts.gradients


def arrays(names):
    """Recorded inputs by name, as they were given to Keras."""
    x = np.array(KERAS3['inputs']['x'], 'float32')
    made = {'unit': lambda: x / np.linalg.norm(x, axis=-1, keepdims=True),
            'flat': lambda: np.array(KERAS3['inputs']['labels'], 'int32')[:, 0],
            'labels': lambda: np.array(KERAS3['inputs']['labels'], 'int32')}
    return [made[n]() if n in made else np.array(KERAS3['inputs'][n], 'float32') for n in names.split()]
