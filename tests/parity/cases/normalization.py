"""Layers that normalise."""

import numpy as np

_KEPT = np.array([[1, 1, 0, 0], [1, 1, 1, 0]], bool)

KERAS2 = [
    ('BatchNormalization', {}, (2, 4, 3)),
    ('BatchNormalization', {}, (2, 4, 3), {'mask': [2, 3]}),
    ('Softmax', {}, (2, 4, 3)),
]
KERAS3 = [
    ('LayerNormalization', {}, (2, 3, 5)),
    ('LayerNormalization', {'axis': 1, 'epsilon': 0.01}, (2, 3, 5)),
    ('LayerNormalization', {'axis': [1, 2]}, (2, 3, 5)),
    ('LayerNormalization', {'axis': [1, 2], 'center': False}, (2, 3, 4, 2)),
    ('LayerNormalization', {'scale': False}, (2, 5)),
    ('LayerNormalization', {'rms_scaling': True}, (2, 5)),
    ('GroupNormalization', {'groups': 2}, (2, 3, 3, 4)),
    ('GroupNormalization', {'groups': 3, 'axis': 1, 'scale': False}, (2, 6, 2, 2)),
    ('GroupNormalization', {'groups': -1}, (2, 4, 2)),
    ('GroupNormalization', {'groups': 2}, (3, 4)),
    ('RMSNormalization', {}, (2, 3, 5)),
    ('RMSNormalization', {'axis': [1, 2], 'epsilon': 0.01}, (2, 3, 5)),
    ('UnitNormalization', {}, (2, 3, 5)),
    ('UnitNormalization', {'axis': [1, 2]}, (2, 3, 5)),
    ('BatchNormalization', {'axis': 1}, (2, 3, 2, 2), {'train': True}),
    ('BatchNormalization', {}, (2, 4, 3), {'train': True, 'call': {'mask': _KEPT}}),
    ('Softmax', {}, (2, 4), {'call': {'mask': np.array([[1, 1, 0, 1], [0, 0, 0, 0]], bool)}}),
    ('Softmax', {'axis': [1, 2]}, (2, 4, 3)),
    ('ELU', {'alpha': 0.5}, (2, 5)),
    ('ReLU', {'max_value': 1.0, 'negative_slope': 0.1, 'threshold': 0.25}, (2, 5)),
    ('Identity', {}, (2, 5)),
    ('SpectralNormalization', {'power_iterations': 2}, (2, 4), {'inner': lambda layers: {'layer': layers.Dense(3)}}),
    ('SpectralNormalization', {}, (2, 4), {'inner': lambda layers: {'layer': layers.Dense(3)}, 'train': True}),
]
