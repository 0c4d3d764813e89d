"""Operations of TensorFlow and of Keras 3 between layers, in files that tf_keras 2.21 and Keras 3.15 wrote
(tests/parity/record_tf_ops.py): predictions as there, and what is refused."""

import io
import json
import tarfile
import warnings
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from fastkeras.models import load_model, model_from_json, tf_ops
from fastkeras.utils.errors import ModelFileError

FOLDER = Path(__file__).parent.parent / 'parity'
ARCHIVES = 'tf_ops', 'keras3_ops'


@lru_cache(maxsize=2)
def recorded(archive):
    with tarfile.open(FOLDER / f'{archive}.tar.xz') as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


CASES = [(archive, name) for archive in ARCHIVES for name in recorded(archive)
         if not name.endswith('.npz') and not name.startswith('einsum')]


def check(model, archive, name):
    found = np.load(io.BytesIO(recorded(archive)[f'{name.rpartition(".")[0]}.npz']))
    inputs = [found[k] for k in found if k.startswith('in_')]
    outputs = [found[k] for k in found if k.startswith('out_')]
    y = model.predict(inputs if len(inputs) > 1 else inputs[0], batch_size=32)
    for got, want in zip(y if isinstance(y, list) else [y], outputs, strict=True):
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize('archive, name', CASES)
def test_predictions(archive, name):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        model = load_model(recorded(archive)[name])
    check(model, archive, name)


@pytest.mark.parametrize('archive, name', [
    ('tf_ops', 'arithmetic.keras'), ('tf_ops', 'joins.h5'), ('tf_ops', 'v1_slices.h5'), ('tf_ops', 'images.h5'),
    ('tf_ops', 'batch.keras'), ('tf_ops', 'v1_reductions.h5'), ('keras3_ops', 'activations.h5'), ('keras3_ops', 'joins.keras')])
@pytest.mark.parametrize('form', ['h5', 'keras'])
def test_they_are_saved_again(archive, name, form, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        load_model(recorded(archive)[name]).save(tmp_path / f'model.{form}')
        check(load_model(tmp_path / f'model.{form}'), archive, name)


def test_layers_have_the_names_of_the_file():
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        model = load_model(recorded('tf_ops')['mobile.keras'])
    names = [layer.name for layer in model.layers if layer.name.startswith('tf.')]
    assert names == ['tf.__operators__.add_9', 'tf.nn.relu6_1', 'tf.math.multiply_9', 'tf.math.multiply_10']


# ---- refused
def graph(*entries):
    """JSON of a model of an input of 3 and the entries, the last of which is its output."""
    layers = [{'class_name': 'InputLayer', 'name': 'i', 'inbound_nodes': [], 'config': {
        'name': 'i', 'batch_input_shape': [None, 3]}}, *entries]
    return json.dumps({'class_name': 'Functional', 'keras_version': '2.9.0', 'config': {
        'name': 'm', 'layers': layers, 'input_layers': [['i', 0, 0]], 'output_layers': [[layers[-1]['name'], 0, 0]]}})


def call(function, *node, class_name='TFOpLambda', name='o', **config):
    return {'class_name': class_name, 'name': name, 'inbound_nodes': [list(node)],
            'config': {'name': name, 'function': function, **config}}


def node(op, constants=(), inputs=('a', 'b'), **attrs):
    return {'class_name': 'TensorFlowOpLayer', 'name': 'o', 'inbound_nodes': [[['i', 0, 0, {}]]], 'config': {
        'name': 'o', 'node_def': json.dumps({'op': op, 'input': list(inputs), 'attr': attrs}), 'constants': dict(constants)}}


@pytest.mark.parametrize('entry, said', [
    (call('os.system', 'i', 0, 0, {}), "'o': TensorFlow's function 'os.system' cannot be read"),
    (call('io.read_file', 'i', 0, 0, {}), "'io.read_file' cannot be read"),
    (call('math.multipli', 'i', 0, 0, {'y': 2.0}), "did you mean 'math.multiply'"),
    (call(None, 'i', 0, 0, {}), 'None cannot be read'),
    (call(['math.abs'], 'i', 0, 0, {}), 'cannot be read'),
    (call('math.multiply', 'i', 0, 0, {'z': 2.0}), "'o': the arguments of math.multiply in the file do not fit"),
    (call('math.multiply', 'i', 0, 0, {'y': 'two'}), ''),
    (call('einsum', '_CONSTANT_VALUE', -1, 'bi,bj->bij', {}), 'tf.einsum without its operands'),
    (call('tile', '_CONSTANT_VALUE', -1, 1.0, {'multiples': [1000000000000]}), 'expected a tensor of the model'),
    (call('math.multiply', '_CONSTANT_VALUE', -1, [1.0] * 5, {'y': [2.0] * 5}), 'expected a tensor of the model'),
    (call('math.add', '_CONSTANT_VALUE', -1, 'text', {'y': 3}), "'o'"),
    (call('image.resize', 'i', 0, 0, {'size': [2, 2], 'method': 'gaussian'}), 'expected method to be one of'),
    (call('math.cumsum', 'i', 0, 0, {'reverse': True}), 'expected exclusive and reverse to be False'),
    (call('gather', 'i', 0, 0, {'indices': [0], 'batch_dims': 1}), 'batch_dims=0'),
    (call('where', 'i', 0, 0, {}), 'where: expected the two values'),
    (call('nn.avg_pool2d', 'i', 0, 0, {'ksize': 2, 'strides': 2, 'padding': 'SAME', 'data_format': 'NCHW'}), 'NHWC'),
    (call('unstack', 'i', 0, 0, {'axis': 0, 'num': 3000000}), "'o': unstack"),
    (call('split', 'i', 0, 0, {'num_or_size_splits': 3000000, 'axis': 1}), "'o': split: results of one operation: 3000000"),
    (node('ReadFile'), "'o': TensorFlow's 'ReadFile' cannot be read"),
    (node('Mul'), "'o': Mul of a graph cannot be made"),
    (node('Mul', {1: 2.0}, T={'type': 1, 'x': 2}), "'o': the attributes of its node are damaged"),
    (node('ResizeBilinear', {1: [2, 2]}, half_pixel_centers={'b': False}), 'expected half_pixel_centers'),
    ({**node('Mul'), 'config': {'name': 'o', 'node_def': 7}}, "'o': expected a node"),
    ({**node('Mul'), 'config': 7}, 'expected the configuration of an operation'),
])
def test_refusals(entry, said):
    with pytest.raises(ModelFileError, match=said or None):
        model_from_json(graph(entry))


def test_sizes_that_are_not_known():
    text = graph(call('shape', 'i', 0, 0, {}, name='s'),
                 call('__operators__.getitem', 's', 0, 0, {'slice_spec': 0}, name='n', class_name='SlicingOpLambda'),
                 call('math.multiply', 'n', 0, 0, {'y': 2}, name='twice'),
                 call('reshape', 'i', 0, 0, {'shape': [['twice', 0, 0], -1]}))
    with pytest.raises(ModelFileError, match='a number is computed of axis 0 of an input of shape \\(None, 3\\)'):
        model_from_json(text)


def test_a_class_of_the_users_own_goes_first():
    from fastkeras.layers import Layer

    class TFOpLambda(Layer):
        def __init__(self, function, **kwargs):
            super().__init__(**kwargs)

        def call(self, x):
            return x + 1
    model = model_from_json(graph(call('os.system', 'i', 0, 0, {})), custom_objects={'TFOpLambda': TFOpLambda})
    assert (model.predict(np.zeros((1, 3), 'float32')) == 1).all()


def test_tables_name_functions_of_ours_alone():
    for function in (*tf_ops.FUNCTIONS.values(), *tf_ops._GRAPH.values()):
        assert function.__module__ == 'fastkeras.models.tf_ops'
