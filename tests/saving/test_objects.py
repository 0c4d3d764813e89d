"""Objects from names and configurations of both written forms, and back."""

import threading
import warnings

import numpy as np
import pytest

from fastkeras import (
    activations,
    constraints,
    generation,
    initializers,
    layers,
    losses,
    metrics,
    models,
    ops,
    regularizers,
)
from fastkeras.saving import objects


class Thing:
    def __init__(self, n=1):
        self.n = n

    def get_config(self):
        return {'n': self.n}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


class NeedsArgument:
    def __init__(self, n):
        self.n = n


TABLE = {'Thing': Thing, 'NeedsArgument': NeedsArgument, 'square': np.square}


@pytest.fixture(autouse=True)
def as_before():
    registered = objects.get_custom_objects(), objects._by_registered_name, objects._registered_names
    kept = [dict(names) for names in registered]
    yield
    for names, before in zip(registered, kept):
        names.clear()
        names.update(before)


def test_resolve():
    assert objects.resolve('thing', None, TABLE) is None
    assert objects.resolve('thing', 'Thing', TABLE).n == 1
    assert objects.resolve('thing', Thing, TABLE).n == 1
    assert objects.resolve('thing', 'square', TABLE) is np.square
    mine = Thing(5)
    assert objects.resolve('thing', mine, TABLE) is mine
    assert objects.resolve('thing', {'class_name': 'Thing', 'config': {'n': 4}}, TABLE).n == 4
    with pytest.raises(ValueError, match="Unknown thing: 'thign'.*did you mean 'Thing'"):
        objects.resolve('thing', 'thign', TABLE)
    with pytest.raises(ValueError, match='NeedsArgument.*give an instance'):
        objects.resolve('thing', 'NeedsArgument', TABLE)
    with pytest.raises(ValueError, match='expected a name'):
        objects.resolve('thing', 5, TABLE)
    with pytest.raises(ValueError, match='cannot be made from the configuration'):
        objects.resolve('thing', {'class_name': 'Thing', 'config': {'m': 4}}, TABLE)
    with pytest.raises(ValueError, match='class_name'):
        objects.resolve('thing', {'config': {}}, TABLE)


def test_custom_objects():
    class Mine(Thing):
        pass

    config = {'class_name': 'Mine', 'config': {'n': 3}}
    with pytest.raises(ValueError, match='Unknown'):
        objects.deserialize('thing', config, TABLE)
    assert objects.deserialize('thing', config, TABLE, {'Mine': Mine}).n == 3
    with objects.custom_object_scope({'Mine': Mine}, {'other': 1}):
        assert objects.resolve('thing', 'Mine', TABLE).n == 1
        with objects.CustomObjectScope({'Mine': Thing}):
            assert type(objects.resolve('thing', 'Mine', TABLE)) is Thing
        assert type(objects.resolve('thing', 'Mine', TABLE)) is Mine
        seen = []
        other = threading.Thread(target=lambda: seen.append('Mine' in objects.visible_custom_objects()))
        other.start()
        other.join()
        assert seen == [False]
    assert 'Mine' not in objects.visible_custom_objects()
    objects.get_custom_objects()['Mine'] = Mine
    assert objects.resolve('thing', 'Mine', TABLE).n == 1


def test_registered():
    @objects.register_keras_serializable('pack', name='Other')
    class Mine(Thing):
        pass

    @objects.register_keras_serializable()
    def function(x):
        return x

    assert objects.get_registered_name(Mine) == 'pack>Other' and objects.get_registered_name(Thing) == 'Thing'
    assert objects.get_registered_object('pack>Other') is Mine
    assert objects.get_registered_object('none') is None
    assert objects.serialize(function) == 'Custom>function'
    assert objects.resolve('thing', 'Custom>function', TABLE) is function
    two, three = objects.serialize(Mine(2), form=2), objects.serialize(Mine(2), form=3)
    assert two == {'class_name': 'pack>Other', 'config': {'n': 2}}
    assert three == {'module': None, 'class_name': 'Mine', 'config': {'n': 2}, 'registered_name': 'pack>Other'}
    for config in (two, three):
        assert type(objects.deserialize('thing', config, TABLE)) is Mine
        assert type(objects.deserialize_keras_object(config)) is Mine
    with pytest.raises(ValueError, match='get_config'):
        objects.register_keras_serializable()(NeedsArgument)


def test_plain_values():
    with generation.scope(3):
        value = {
            'a': [1, (2, None)],
            'b': np.arange(3, dtype='int32'),
            'c': slice(1, None),
            'd': regularizers.L2(0.5),
            'e': np.float32(0.5),
            'f': b'raw',
        }
        written = objects.serialize_keras_object(value)
        assert written['a'] == [1, {'class_name': '__tuple__', 'config': [2, None]}]
        assert written['d'] == {
            'module': 'keras.regularizers',
            'class_name': 'L2',
            'config': {'l2': 0.5},
            'registered_name': None,
        }
        again = objects.deserialize_keras_object(written)
        assert again['a'] == [1, (2, None)] and again['c'] == slice(1, None) and again['d'].l2 == 0.5
        assert again['e'] == 0.5 and again['f'] == b'raw'
        np.testing.assert_array_equal(again['b'], value['b'])
        assert again['b'].dtype == 'int32'


def test_keras2_form_of_deserialize():
    assert objects.deserialize_keras_object('square', TABLE, None, 'thing') is np.square
    made = objects.deserialize_keras_object({'class_name': 'Thing', 'config': {'n': 7}}, module_objects=TABLE)
    assert made.n == 7
    with pytest.raises(ValueError, match='Unknown thing'):
        objects.deserialize_keras_object('cube', TABLE, printable_module_name='thing')
    assert objects.serialize_keras_object(None) is None
    with pytest.raises(ValueError, match='cannot serialize'):
        objects.serialize_keras_object(object())


def test_code_in_files_is_refused():
    config = {'class_name': '__lambda__', 'config': {'value': 'x'}}
    with pytest.raises(ValueError, match='safe_mode'):
        objects.deserialize_keras_object(config)
    with pytest.raises(ValueError, match='Unknown'):
        objects.deserialize_keras_object(
            {'module': 'os', 'class_name': 'system', 'config': {}, 'registered_name': None}
        )


def test_a_function_with_the_name_of_one_of_keras_is_told_of():
    """Its name is all that a file has: read again, the model computes something else."""
    def relu(x):
        return ops.tanh(x)
    model = models.Sequential([layers.Dense(3, activation=relu, input_shape=(2,))])
    with pytest.warns(UserWarning, match=r"test_objects.relu has the name of 'relu' of Keras"):
        text = model.to_json()
    x = np.float32([[1, 2], [-3, 4]])
    copy = models.model_from_json(text, {'relu': relu})
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy.predict(x), model.predict(x))

    class L2(regularizers.Regularizer):
        def get_config(self):
            return {}
    with pytest.warns(UserWarning, match="L2 has the name of 'L2' of Keras"):
        regularizers.serialize(L2())


def test_names_of_ones_own_and_keras_s_own_functions_are_told_of_by_nobody():
    def mine(x):
        return x
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert activations.serialize(mine) == 'mine' and activations.serialize(activations.relu) == 'relu'
        for name in activations._TABLE:
            activations.serialize(activations.get(name))
        for get in (losses, metrics, constraints, initializers, regularizers):
            for known in getattr(get, '_TABLE', {}).values():
                if not isinstance(known, type):
                    get.serialize(known)
