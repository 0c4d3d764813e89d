"""Recurrent layers. Caffe has sequences as (steps, samples, …); the model has the samples first."""

from .caffe_recurrent import CaffeLSTM
from .draft import shown
from .known import layer_type, positive


@layer_type('LSTM')
def lstm(draft, layer, bottoms):
    p = layer.recurrent_param
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
    wide = 4 * units

    def turned(a):
        return a.T
    weights = draft.weights(((wide, x.shape[2]), turned), ((wide,),), *(((wide, b.shape[1]), turned) for b in static),
                            ((wide, units), turned))
    config = {'units': units, **({'static': True} if static else {})}
    return [draft.add(CaffeLSTM, config, [x, marks, *static], (*x.shape[:2], units), weights=weights)]
