"""Bidirectional. Arguments are said that the generations have other defaults of."""


def lstm(k, **more):
    return k.LSTM(2, recurrent_activation='sigmoid', name='inner', **more)


def gru(k, **more):
    return k.GRU(2, recurrent_activation='sigmoid', reset_after=False, name='inner', **more)


def backwards(k):
    return {'layer': lstm(k), 'backward_layer': k.GRU(2, recurrent_activation='sigmoid', reset_after=True, go_backwards=True)}


KERAS2 = [
    ('Bidirectional', {}, (2, 3, 4), {'inner': lambda k: {'layer': k.LSTM(2, name='inner')}}),
    ('Bidirectional', {'merge_mode': 'sum'}, (2, 3, 4), {'inner': lambda k: {'layer': gru(k, return_sequences=True)}}),
    ('Bidirectional', {'merge_mode': 'mul'}, (3, 3, 4),
     {'inner': lambda k: {'layer': lstm(k, return_sequences=True)}, 'mask': [2, 3, 1]}),
    ('Bidirectional', {'merge_mode': 'ave'}, (3, 3, 4), {'inner': lambda k: {'layer': gru(k)}, 'mask': [2, 3, 0]}),
    ('Bidirectional', {'merge_mode': None}, (2, 3, 4), {'inner': lambda k: {'layer': k.SimpleRNN(2, name='inner')}}),
    ('Bidirectional', {'merge_mode': None}, (2, 3, 4),
     {'inner': lambda k: {'layer': lstm(k, return_sequences=True, return_state=True)}}),
    ('Bidirectional', {}, (2, 3, 4), {'inner': lambda k: {'layer': lstm(k, return_state=True, go_backwards=True)}}),
    ('Bidirectional', {}, (2, 3, 4),
     {'inner': lambda k: {'layer': k.RNN(
         k.StackedRNNCells([k.GRUCell(2, name='a'), k.LSTMCell(3, name='b')], name='stack'), name='inner')}}),
]
KERAS3 = [
    ('Bidirectional', {}, (2, 3, 4), {'inner': lambda k: {'layer': lstm(k, return_sequences=True)}}),
    ('Bidirectional', {}, (2, 3, 4), {'inner': backwards}),
    ('Bidirectional', {'merge_mode': 'sum'}, (3, 3, 4),
     {'inner': lambda k: {'layer': gru(k, return_sequences=True)}, 'mask': [2, 3, 1], 'generation': 3}),
    ('Bidirectional', {'merge_mode': None}, (2, 3, 4), {'inner': lambda k: {'layer': lstm(k, return_state=True)}}),
]
