"""Recurrent layers: both formulas of GRU, both generations, masks, states, directions, cells."""

_X, _MASK = (3, 5, 2), {'mask': [5, 3, 0]}
_ALL = {'return_sequences': True, 'return_state': True}


def _cells(*sizes):
    def inner(layers):
        made = [getattr(layers, kind)(n, name=f'cell_{k}') for k, (kind, n) in enumerate(sizes)]
        return {'cell': made[0] if len(made) == 1 else layers.StackedRNNCells(made, name='cells')}
    return inner


def _of(kind, *more, reset=False):
    """The cases of one layer."""
    states = [(3, 4)] * (2 if kind == 'LSTM' else 1)
    base = {'units': 4, **({'reset_after': True} if reset else {})}
    return [
        (kind, base, _X),
        (kind, {**base, **_ALL}, _X, _MASK),
        (kind, {**base, **_ALL, 'go_backwards': True}, _X),
        (kind, {**base, 'return_sequences': True, 'go_backwards': True}, _X, _MASK),
        (kind, {**base, **_ALL, 'stateful': True}, _X, {**_MASK, 'times': 3}),
        (kind, {**base, **_ALL, 'use_bias': False, 'activation': 'relu'}, [_X, *states]),
        *[(kind, {**base, **kwargs}, _X, *rest) for kwargs, *rest in more],
    ]


_IMPLEMENTATIONS = [({'implementation': 2, 'return_sequences': True}, _MASK), ({'recurrent_activation': 'sigmoid'},),
                    ({'unroll': True, **_ALL, 'stateful': True}, {**_MASK, 'times': 2})]

KERAS2 = [
    *_of('SimpleRNN'),
    *_of('GRU', *_IMPLEMENTATIONS),
    *_of('GRU', ({'implementation': 2},), reset=True),
    *_of('LSTM', *_IMPLEMENTATIONS, ({'unit_forget_bias': False},)),
    ('RNN', {}, _X, {'inner': _cells(('LSTMCell', 3))}),
    ('RNN', _ALL, _X, {'inner': _cells(('LSTMCell', 3), ('GRUCell', 4), ('SimpleRNNCell', 2))}),
    ('RNN', {'go_backwards': True, **_ALL}, _X, {'inner': _cells(('GRUCell', 4), ('LSTMCell', 4))}),
]


def _of3(kind, *more):
    sizes = {'generation': 3}
    return [
        (kind, {'units': 4}, _X, sizes),
        (kind, {'units': 4, **_ALL}, _X, {**_MASK, **sizes}),
        (kind, {'units': 4, **_ALL, 'go_backwards': True}, _X, {**_MASK, **sizes}),
        (kind, {'units': 4, **_ALL, 'zero_output_for_mask': True}, _X, {**_MASK, **sizes}),
        *[(kind, {'units': 4, **kwargs}, shapes, {**sizes, **options}) for kwargs, shapes, options in more],
    ]


_WITH_STATE = (_ALL, [_X, (3, 4)], {'spread': True})

KERAS3 = [
    *_of3('SimpleRNN', _WITH_STATE),
    *_of3('GRU', _WITH_STATE, ({'reset_after': False}, _X, {}), ({'implementation': 1}, _X, {})),
    *_of3('LSTM', ({'recurrent_activation': 'hard_sigmoid'}, _X, {}), ({'implementation': 1}, _X, {})),
    ('RNN', {'return_sequences': True}, _X, {'inner': _cells(('LSTMCell', 3), ('GRUCell', 4)), 'generation': 3}),
    ('RNN', _ALL, _X, {'inner': _cells(('GRUCell', 3), ('SimpleRNNCell', 4)), 'generation': 3}),
]
