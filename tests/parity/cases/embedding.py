"""Embedding."""

import numpy as np

KERAS2 = [
    ('Embedding', {'input_dim': 9, 'output_dim': 3}, (2, 4), {'integers': 9}),
    ('Embedding', {'input_dim': 9, 'output_dim': 2, 'mask_zero': True, 'input_length': 4}, (2, 4), {'integers': 9}),
    ('Embedding', {'input_dim': 9, 'output_dim': 2, 'input_length': (3, 2), 'input_shape': (3, 2),
                   'embeddings_initializer': 'normal',
                   'embeddings_regularizer': 'l2', 'embeddings_constraint': 'unit_norm'}, (2, 3, 2), {'integers': 9}),
]
KERAS3 = [
    ('Embedding', {'input_dim': 9, 'output_dim': 3, 'mask_zero': True}, (2, 4), {'integers': 9}),
    ('Embedding', {'input_dim': 9, 'output_dim': 3}, (2, 4), {'data': lambda: np.float32([[0.2, 1.9, 8.99], [7.5, 3.0, 0.0]])}),
]
