"""TimeDistributed."""

KERAS2 = [
    ('TimeDistributed', {}, (2, 3, 4), {'inner': lambda k: {'layer': k.Dense(2, activation='tanh', name='inner')}}),
    ('TimeDistributed', {}, (2, 2, 4, 4, 1), {'inner': lambda k: {'layer': k.Conv2D(2, 3, name='inner')}}),
    ('TimeDistributed', {}, (2, 3, 4), {'inner': lambda k: {'layer': k.BatchNormalization(name='inner')}}),
    ('TimeDistributed', {}, (2, 3, 4), {'inner': lambda k: {'layer': k.Dense(2, name='inner')}, 'mask': [2, 3]}),
    ('TimeDistributed', {}, (2, 3, 2, 4),
     {'inner': lambda k: {'layer': k.TimeDistributed(k.Dense(2, name='inner'), name='middle')}}),
    ('TimeDistributed', {}, (2, 3, 2),
     {'inner': lambda k: {'layer': k.Embedding(5, 2, name='inner', mask_zero=True)}, 'integers': 5}),
]
KERAS3 = [
    ('TimeDistributed', {}, (2, 3, 4), {'inner': lambda k: {'layer': k.Dense(2, activation='silu')}}),
    ('TimeDistributed', {}, (2, 3, 4, 2), {'inner': lambda k: {'layer': k.Conv1D(2, 3)}}),
]
