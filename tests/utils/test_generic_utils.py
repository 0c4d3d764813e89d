"""Helpers under the module names of Keras 2, and the tuples, types and settings of Keras 3."""

import copy
import itertools
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import fastkeras as fk
from fastkeras import ops, utils
from fastkeras.utils import conv_utils, generic_utils, layer_utils, np_utils


def test_modules_hold_the_same_objects():
    for module in (generic_utils, layer_utils, np_utils, conv_utils, utils.io_utils):
        for name in module.__all__:
            assert getattr(module, name) is getattr(utils, name, getattr(module, name)), name


def test_generic():
    def f(a, *args, b=1, **kwargs):
        """A function with every kind of parameter."""

    assert [generic_utils.has_arg(f, n) for n in ('a', 'b', 'args', 'c')] == [True, True, False, False]
    assert generic_utils.has_arg(f, 'c', accept_all=True) and not generic_utils.has_arg(lambda a: a, 'c', True)
    assert generic_utils.to_list(3) == [3] and generic_utils.to_list((1, 2)) == [(1, 2)]
    assert generic_utils.to_list((1, 2), allow_tuple=True) == [1, 2]
    assert generic_utils.unpack_singleton([7]) == 7 and generic_utils.unpack_singleton((7, 8)) == (7, 8)
    assert generic_utils.object_list_uid([f, f]) == f'{id(f)}, {id(f)}'
    assert generic_utils.is_all_none((None, None)) and not generic_utils.is_all_none([None, 0])
    assert generic_utils.transpose_shape((16, 128, 64, 32), 'channels_first', (1, 2)) == (16, 32, 128, 64)
    assert generic_utils.transpose_shape([128, 64, 32], 'channels_first', (0, 1)) == [32, 128, 64]
    assert generic_utils.transpose_shape((1, 2, 3), 'channels_last', (1,)) == (1, 2, 3)
    with pytest.raises(ValueError, match='target_format'):
        generic_utils.transpose_shape((1, 2, 3), 'last', (1,))
    x = np.arange(10)
    assert generic_utils.slice_arrays(None) == [None] and generic_utils.slice_arrays(x, 2, 4).tolist() == [2, 3]
    a, b = generic_utils.slice_arrays([x, None], np.array([5, 1]))
    assert a.tolist() == [5, 1] and b is None
    assert generic_utils.slice_arrays(x, stop=3).tolist() == [0, 1, 2]


def test_lengths_are_those_of_keras_2():
    recorded = json.loads((Path(__file__).parent / 'conv_lengths.json').read_text())
    paddings = ('same', 'valid', 'full')
    for name, function, sizes in (
            ('out', conv_utils.conv_output_length, ((5, 12), (1, 3, 4), (*paddings, 'causal'), (1, 2, 3), (1, 2))),
            ('in', conv_utils.conv_input_length, ((5, 12), (1, 3, 4), paddings, (1, 2, 3))),
            ('de', conv_utils.deconv_length, ((5, 12), (1, 2, 3), (1, 3, 4), paddings, (None, 0, 1), (1, 2)))):
        assert [function(*arguments) for arguments in itertools.product(*sizes)] == recorded[name]
        others = [s[0] for s in sizes[1:]]
        assert function(None, *others) is None
        with pytest.raises(ValueError, match='padding: expected one of'):
            function(5, *('diagonal' if s == 'same' else s for s in others))


def test_tuples_and_padding():
    assert conv_utils.normalize_tuple(3, 2, 'strides') == (3, 3) and conv_utils.normalize_tuple([1, 2], 2, 's') == (1, 2)
    for bad in ((1, 2, 3), 'ab', None, 2.5, (1, 2.5)):
        with pytest.raises(ValueError, match='The `strides` argument must be a tuple of 2 integers. Received'):
            conv_utils.normalize_tuple(bad, 2, 'strides')
    assert conv_utils.normalize_padding('SAME') == 'same'
    with pytest.raises(ValueError, match='Received: 3'):
        conv_utils.normalize_padding(3)


def test_kernels():
    kernel = np.random.RandomState(0).normal(size=(3, 2, 4, 5)).astype('float32')
    np.testing.assert_array_equal(utils.layer_utils.convert_kernel(kernel), kernel[::-1, ::-1])
    with pytest.raises(ValueError, match='3 to 5 dimensions'):
        conv_utils.convert_kernel(kernel[0, 0])
    model = fk.Sequential([fk.layers.Conv2D(5, (3, 2), input_shape=(6, 6, 4)), fk.layers.Flatten(), fk.layers.Dense(2)])
    weights = model.get_weights()
    utils.convert_all_kernels_in_model(model)
    np.testing.assert_array_equal(model.get_weights()[0], weights[0][::-1, ::-1])
    for before, after in zip(weights[1:], model.get_weights()[1:]):
        np.testing.assert_array_equal(before, after)


def test_dense_after_flatten_changes_its_format():
    x = np.random.RandomState(0).normal(size=(5, 3, 4, 2)).astype('float32')
    last = fk.Sequential([fk.layers.Flatten(input_shape=(3, 4, 2)), fk.layers.Dense(6)])
    first = fk.Sequential([fk.layers.Flatten(input_shape=(2, 3, 4)), fk.layers.Dense(6)])
    weights = last.get_weights()
    first.set_weights(weights)
    layer_utils.convert_dense_weights_data_format(first.layers[-1], (2, 3, 4))
    np.testing.assert_allclose(first.predict(x.transpose(0, 3, 1, 2)), last.predict(x), atol=1e-5)
    layer_utils.convert_dense_weights_data_format(first.layers[-1], (3, 4, 2), 'channels_last')
    np.testing.assert_array_equal(first.get_weights()[0], weights[0])
    with pytest.raises(ValueError, match='a product of 24'):
        layer_utils.convert_dense_weights_data_format(first.layers[-1], (3, 3, 2))
    with pytest.raises(ValueError, match='target_data_format'):
        layer_utils.convert_dense_weights_data_format(first.layers[-1], (3, 4, 2), 'last')


def test_classes_of_probabilities():
    assert np_utils.probas_to_classes(np.array([[0.2, 0.8], [0.6, 0.4]])).tolist() == [1, 0]
    assert np_utils.probas_to_classes(np.array([[0.2], [0.7]])).tolist() == [0, 1]
    assert np_utils.probas_to_classes(np.array([0.2, 0.7])).tolist() == [0, 1]


def test_batch_tuples():
    assert utils.pack_x_y_sample_weight(1) == 1 and utils.pack_x_y_sample_weight([1]) == ([1],)
    assert utils.pack_x_y_sample_weight(1, 2) == (1, 2) and utils.pack_x_y_sample_weight(1, 2, 3) == (1, 2, 3)
    assert [utils.unpack_x_y_sample_weight(d) for d in (1, (1,), [1, 2], (1, 2, 3))] == [
        (1, None, None), (1, None, None), (1, 2, None), (1, 2, 3)]
    with pytest.raises(ValueError, match='got a tuple of 4'):
        utils.unpack_x_y_sample_weight((1, 2, 3, 4))


def test_tensors():
    x = fk.Input((3,))
    assert utils.is_keras_tensor(x) and utils.is_keras_tensor(ops.relu(x)) and utils.is_keras_tensor(x + 1)
    assert not utils.is_keras_tensor(np.ones(3)) and not utils.is_keras_tensor(fk.Variable(np.ones(3)))
    names = [utils.standardize_dtype(d) for d in (None, float, bool, 'int', np.float64, np.dtype('uint8'), 'bfloat16', str)]
    assert names == ['float32', 'float32', 'bool', 'int32', 'float64', 'uint8', 'bfloat16', 'string']
    for bad in ('float', 'f4', object, [], 3):
        with pytest.raises(ValueError, match='standardize_dtype: expected one of'):
            utils.standardize_dtype(bad)


def test_config():
    config = utils.Config(rate=0.1, name='a')
    config.epochs = 3
    config['keys'] = [1]
    assert config.rate == 0.1 and config['epochs'] == 3 and 'name' in config and len(config) == 4
    assert list(config) == ['epochs', 'keys', 'name', 'rate'] and sorted(config.keys()) == list(config)
    assert json.loads(config.to_json()) == config.as_dict() == dict(config.items())
    config.update(name='b', more=1)
    assert config.pop('more') == 1 and config.get('more') is None and config.get('more', 5) == 5
    config.freeze()
    assert config.frozen
    for change in (lambda: setattr(config, 'rate', 1), lambda: config.pop('rate'), lambda: config.update(a=1),
                   lambda: config.__setitem__('a', 1), lambda: config.__delitem__('rate')):
        with pytest.raises(ValueError, match='frozen'):
            change()
    for other in (copy.copy(config), copy.deepcopy(config), pickle.loads(pickle.dumps(config))):
        assert other.frozen and other.as_dict() == config.as_dict()
    config.unfreeze()
    del config['keys']
    with pytest.raises(AttributeError, match="unknown attribute 'rat'; did you mean 'rate'"):
        _ = config.rat
    with pytest.raises(AttributeError, match="'values' is a method"):
        config.values = 3


def test_custom_objects_by_keyword():
    def double(x):
        return 2 * x

    with utils.custom_object_scope({'double': double}), utils.CustomObjectScope(custom_objects={'other': double}):
        assert fk.activations.get('double') is fk.activations.get('other') is double
    with pytest.raises(ValueError, match='double'):
        fk.activations.get('double')


def test_a_function_goes_through_text():
    from fastkeras.utils.generic_utils import func_dump, func_load
    factor = 3

    def scaled(x, offset=2):
        return x * factor + offset
    dumped = func_dump(scaled)
    assert func_load(dumped)(5) == 17 and func_load(list(dumped))(5, 0) == 15
    other = 'MzMNCg' + dumped[0][6:]
    with pytest.raises(ValueError, match='not of func_dump under Python'):
        func_load(other, dumped[1], dumped[2])
