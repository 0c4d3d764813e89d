"""Nets as text that tests are made of, and the comparison with the reference."""

import numpy as np

from fastkeras.converters import load_caffe
from fastkeras.models import load_model
from tests.converters.caffe.reference import Reference


def net_of(*layers, shape=(2, 3, 7, 9), name='net'):
    """The text of a net: an input `data` and layers, each (type, the rest), which read what the one before gave unless the rest
    says bottoms. A layer is called by its type and number and gives a blob of that name unless it says a top."""
    text = [f'name: "{name}" layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ '
            + ' '.join(f'dim: {d}' for d in shape) + ' } } }']
    last = 'data'
    for k, (kind, rest) in enumerate(layers):
        own = f'{kind.lower()}{k}'
        bottom = '' if 'bottom:' in rest else f'bottom: "{last}" '
        top = '' if 'top:' in rest else f'top: "{own}" '
        text.append(f'layer {{ name: "{own}" type: "{kind}" {bottom}{top}{rest} }}')
        last = own
    return '\n'.join(text)


def images(*shape, seed=1):
    return np.random.default_rng(seed).standard_normal(shape).astype('f4')


def check(folder, text, inputs, tolerance=1e-5, how='packed', saved=True):
    """That a net gives what the reference does, in both data formats, and again when it was saved and loaded. → the models."""
    reference = Reference(text)
    blobs = reference.run(inputs)
    path, weights = folder / 'net.prototxt', folder / 'net.caffemodel'
    path.write_text(text)
    weights = reference.save(weights, how) if reference.held else None
    read = {b for layer in reference.net.layer for b in layer.bottom if b not in layer.top}
    outputs = [blobs[t] for k, layer in enumerate(reference.net.layer) for t in layer.top
               if layer.type != 'Input' and t not in read and all(t not in after.top for after in reference.net.layer[k + 1:])]
    made = {}
    for data_format in ('channels_first', 'channels_last'):
        model = made[data_format] = load_caffe(path, weights, data_format)
        given = [moved(inputs[x.name.split(':')[0]], data_format) for x in model.inputs]
        compare(model, given, outputs, tolerance, data_format)
        if saved:
            model.save(folder / 'saved.h5')
            compare(load_model(folder / 'saved.h5', compile=False), given, outputs, tolerance, data_format)
    return made


def moved(x, data_format):
    return x.transpose(0, 2, 3, 1) if data_format == 'channels_last' and x.ndim == 4 else x


def compare(model, given, expected, tolerance, data_format):
    got = model.predict(given if len(given) > 1 else given[0], verbose=0)
    got = got if isinstance(got, list) else [got]
    assert len(got) == len(expected)
    for g, want in zip(got, expected):
        want = [want, moved(want, data_format)]
        close = [w for w in want if w.shape == g.shape]
        assert close, f'{g.shape} instead of {want[0].shape}'
        worst = min(float(abs(g - w).max()) / max(1.0, float(abs(w).max())) if g.size else 0.0 for w in close)
        assert worst <= tolerance, f'{model.name} {data_format}: differs by {worst:.2e}'
