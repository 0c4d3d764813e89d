"""ConvLSTM."""

KERAS2 = [
    ('ConvLSTM2D', {'filters': 2, 'kernel_size': 2}, (2, 3, 4, 3, 2)),
    ('ConvLSTM2D', {'filters': 2, 'kernel_size': (3, 2), 'strides': (1, 2), 'padding': 'same', 'return_sequences': True,
                    'go_backwards': True}, (2, 3, 3, 4, 1)),
    ('ConvLSTM2D', {'filters': 2, 'kernel_size': 2, 'dilation_rate': 2, 'recurrent_activation': 'sigmoid', 'use_bias': False,
                    'return_state': True}, (2, 2, 4, 4, 1)),
    ('ConvLSTM2D', {'filters': 2, 'kernel_size': 2, 'stateful': True}, (2, 2, 3, 3, 1), {'times': 2}),
    ('ConvRNN2D', {}, (2, 3, 3, 3, 1), {'inner': lambda k: {'cell': k.ConvLSTM2DCell(2, 2, name='cell')}}),
]
KERAS3 = [
    ('ConvLSTM1D', {'filters': 2, 'kernel_size': 2, 'return_sequences': True}, (2, 3, 4, 2), {'generation': 3}),
    ('ConvLSTM2D', {'filters': 2, 'kernel_size': 2, 'strides': 2, 'padding': 'same', 'return_state': True}, (2, 3, 3, 4, 1),
     {'generation': 3}),
    ('ConvLSTM3D', {'filters': 1, 'kernel_size': 2, 'padding': 'same'}, (1, 2, 3, 2, 2, 2), {'generation': 3}),
]
