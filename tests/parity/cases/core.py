"""Dense, activations, and layers that do nothing to predictions."""

KERAS2 = [
    ('Dense', {'units': 2, 'activation': 'tanh'}, (2, 3)),
    ('ActivityRegularization', {'l1': 0.1, 'l2': 0.2}, (2, 3)),
    ('Dropout', {'rate': 0.5, 'noise_shape': (2, 1), 'seed': 3}, (2, 3)),
    ('SpatialDropout1D', {'rate': 0.5}, (2, 3, 4)),
    ('SpatialDropout2D', {'rate': 0.5, 'data_format': 'channels_first'}, (2, 3, 4, 2)),
    ('SpatialDropout3D', {'rate': 0.5}, (1, 2, 2, 2, 2)),
    ('GaussianNoise', {'stddev': 0.5}, (2, 3)),
    ('GaussianDropout', {'rate': 0.5}, (2, 3)),
    ('AlphaDropout', {'rate': 0.5}, (2, 3)),
]
KERAS3 = [
    ('Dense', {'units': 2, 'activation': 'silu'}, (2, 3, 4)),
    ('Activation', {'activation': 'gelu'}, (2, 5)),
    ('PReLU', {'shared_axes': [1]}, (2, 3, 4)),
    ('LeakyReLU', {'negative_slope': 0.1}, (2, 5)),
    ('Dot', {'axes': [2, 1]}, [(2, 3, 4), (2, 4, 5)]),
    ('Softmax', {'axis': 1}, (2, 3, 4)),
]
