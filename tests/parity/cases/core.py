"""Dense and activations."""

KERAS2 = [
    ('Dense', {'units': 2, 'activation': 'tanh'}, (2, 3)),
]
KERAS3 = [
    ('Dense', {'units': 2, 'activation': 'silu'}, (2, 3, 4)),
    ('Activation', {'activation': 'gelu'}, (2, 5)),
    ('PReLU', {'shared_axes': [1]}, (2, 3, 4)),
    ('LeakyReLU', {'negative_slope': 0.1}, (2, 5)),
    ('Dot', {'axes': [2, 1]}, [(2, 3, 4), (2, 4, 5)]),
    ('Softmax', {'axis': 1}, (2, 3, 4)),
]
