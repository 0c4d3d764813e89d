"""Recurrent layers. Caffe has sequences as (steps, samples, …); the model has the samples first."""

from .caffe_recurrent import CaffeLSTM, CaffeRNN
from .draft import shown
from .known import layer_type, positive

# types of layers that take sequences and marks
RECURRENT = 'LSTM', 'RNN'


def _checked(draft, p, bottoms):
    """(units, sequences, marks, [static features]) of a recurrent layer."""
    units = positive(draft, 'num_output', p.num_output)
    if p.expose_hidden:
        raise draft.error('expose_hidden is not there: states cannot be given or taken; leave it out')
    if len(bottoms) not in (2, 3):
        raise draft.error(f'expected sequences, marks of where they go on, and perhaps static features; got '
                          f'{len(bottoms)} bottoms')
    x, marks = bottoms[:2]
    if len(x.shape) != 3 or len(marks.shape) != 2 or not x.layout == marks.layout == 'time':
        raise draft.error(f'expected sequences (steps, samples, features) and marks (steps, samples) that inputs bring, got '
                          f'blobs of shapes {shown(x.shape)} and {shown(marks.shape)}')
    static = [draft.as_caffe(b) for b in bottoms[2:]]
    if static and len(static[0].shape) != 2:
        raise draft.error(f'expected static features (samples, features), got {shown(static[0].shape)}')
    draft.known(x.shape[2], *(b.shape[1] for b in static))
    return units, x, marks, static


def _turned(a):
    return a.T


def _added(draft, cls, units, x, marks, static, weights):
    config = {'units': units, **({'static': True} if static else {})}
    return [draft.add(cls, config, [x, marks, *static], (*x.shape[:2], units), weights=weights)]


@layer_type('LSTM')
def lstm(draft, layer, bottoms):
    units, x, marks, static = _checked(draft, layer.recurrent_param, bottoms)
    wide = 4 * units
    weights = draft.weights(((wide, x.shape[2]), _turned), ((wide,),), *(((wide, b.shape[1]), _turned) for b in static),
                            ((wide, units), _turned))
    return _added(draft, CaffeLSTM, units, x, marks, static, weights)


@layer_type('RNN')
def rnn(draft, layer, bottoms):
    units, x, marks, static = _checked(draft, layer.recurrent_param, bottoms)
    weights = draft.weights(((units, x.shape[2]), _turned), ((units,),), *(((units, b.shape[1]), _turned) for b in static),
                            ((units, units), _turned), ((units, units), _turned), ((units,),))
    return _added(draft, CaffeRNN, units, x, marks, static, weights)
