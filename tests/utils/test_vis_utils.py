"""Pictures of models, as descriptions for Graphviz; and models for several devices."""

import builtins
import shutil

import numpy as np
import pytest

from fastkeras.layers import Dense, Input, Layer, add
from fastkeras.models import Model, Sequential
from fastkeras.utils import model_to_dot, multi_gpu_model, plot_model


@pytest.fixture
def branches():
    a, b = Input((4,), name='left'), Input((4,), name='right')
    shared = Dense(3, activation='relu', name='both')
    inner = Sequential([Dense(3, input_shape=(3,), name='first'), Dense(2, name='last')], name='inner')
    return Model([a, b], inner(add([shared(a), shared(b)], name='sum')))


def drawn(graph):
    """({label: of its box}, {(label, label): of an arrow}), of all clusters; a label's first field stands for it."""
    pytest.importorskip('pydot')
    names, arrows = {}, set()

    def walk(g):
        for node in g.get_nodes():
            if node.get_label() is not None:
                names[node.get_name().strip('"')] = node.get_label().strip('"')
        for edge in g.get_edges():
            arrows.add((str(edge.get_source()).strip('"'), str(edge.get_destination()).strip('"')))
        for inner in g.get_subgraphs():
            walk(inner)
    walk(graph)
    short = {k: v.split(':')[0].split('|')[0] for k, v in names.items()}
    return set(names.values()), {(short[a], short[b]) for a, b in arrows}


def test_boxes_and_arrows(branches):
    pytest.importorskip('pydot')
    boxes, arrows = drawn(model_to_dot(branches))
    assert boxes == {'left: InputLayer', 'right: InputLayer', 'both: Dense', 'sum: Add', 'inner: Sequential'}
    assert arrows == {('left', 'both'), ('right', 'both'), ('both', 'sum'), ('sum', 'inner')}
    boxes, arrows = drawn(model_to_dot(branches, expand_nested=True))
    assert {'first: Dense', 'last: Dense'} < boxes and 'inner: Sequential' not in boxes
    assert arrows == {('left', 'both'), ('right', 'both'), ('both', 'sum'), ('sum', 'first'), ('first', 'last')}
    boxes, _ = drawn(model_to_dot(branches, layer_range=['both', 'sum']))
    assert boxes == {'both: Dense', 'sum: Add'}
    assert model_to_dot(branches, rankdir='LR').get_rankdir() == 'LR'
    assert model_to_dot(branches, subgraph=True).get_name().startswith('cluster')


def test_what_a_box_says(branches):
    pytest.importorskip('pydot')
    boxes, _ = drawn(model_to_dot(branches, show_shapes=True))
    assert 'sum: Add|{input:|output:}|{{[(None, 3), (None, 3)]}|{(None, 3)}}' in boxes
    assert 'both: Dense|{input:|output:}|{{(None, 4)}|{(None, 3)}}' in boxes
    boxes, _ = drawn(model_to_dot(branches, show_layer_names=False, show_layer_activations=True, show_dtype=True,
                                  show_trainable=True))
    assert r'Dense\nactivation: relu\ndtype: float32\ntrainable' in boxes

    class Around(Layer):
        layer = Dense(2)

        def call(self, x):
            return self.layer(x)
    assert 'around: Around(Dense)' in drawn(model_to_dot(Sequential([Around(input_shape=(4,), name='around')])))[0]


def test_mistakes(branches, monkeypatch):
    pytest.importorskip('pydot')
    with pytest.raises(ValueError, match='not built yet'):
        model_to_dot(Sequential([Dense(1)]))
    with pytest.raises(ValueError, match="layer_range: .*'nobody'"):
        model_to_dot(branches, layer_range=['sum', 'nobody'])
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == 'pydot':
            raise ImportError(name)
        return real(name, *args, **kwargs)
    monkeypatch.setattr(builtins, '__import__', without)
    with pytest.raises(ImportError, match='pip install pydot'):
        plot_model(branches)


def test_files(branches, tmp_path):
    pytest.importorskip('pydot')
    plot_model(branches, tmp_path / 'model.dot', show_shapes=True)
    text = (tmp_path / 'model.dot').read_text()
    assert text.startswith('digraph') and 'both: Dense' in text
    if shutil.which('dot'):
        plot_model(branches, str(tmp_path / 'model.png'))
        assert (tmp_path / 'model.png').read_bytes().startswith(b'\x89PNG')
    else:
        with pytest.raises(OSError, match='Graphviz could not draw it'):
            plot_model(branches, str(tmp_path / 'model.png'))


def test_a_model_for_several_devices():
    model = Sequential([Dense(2, input_shape=(3,))])
    x, y = np.random.rand(8, 3), np.zeros((8, 2))
    several = multi_gpu_model(model, gpus=2)
    np.testing.assert_array_equal(several.predict(x), model.predict(x))
    several.compile('sgd', 'mse')
    several.fit(x, y, verbose=0)
    np.testing.assert_array_equal(several.predict(x), model.predict(x))
    assert not model.compiled and multi_gpu_model(model, [0, 1]).output_shape == (None, 2)
    for gpus in (1, 0, True, [0], 'two'):
        with pytest.raises(ValueError, match='multi_gpu_model: gpus'):
            multi_gpu_model(model, gpus)
