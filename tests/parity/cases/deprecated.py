"""Layers of Keras 1."""

KERAS2 = [
    ('MaxoutDense', {'output_dim': 3, 'nb_feature': 2}, (3, 4)),
    ('Highway', {'activation': 'tanh'}, (3, 4)),
]
