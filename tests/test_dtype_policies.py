"""Types of layers by policies: names, the global policy, maps, what is refused."""

import warnings

import numpy as np
import pytest

from fastkeras import config, dtype_policies, generation
from fastkeras.dtype_policies import DTypePolicy, DTypePolicyMap
from fastkeras.layers import Dense, InputLayer, Layer
from fastkeras.models import Sequential


@pytest.fixture(autouse=True)
def restored():
    yield
    config.set_dtype_policy(None)
    config.set_floatx('float32')


def quiet(name):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return DTypePolicy(name)


def test_names():
    assert DTypePolicy().name == 'float32' and DTypePolicy('float64').compute_dtype == 'float64'
    assert DTypePolicy(np.float32).name == 'float32' and DTypePolicy('int32').variable_dtype == 'int32'
    mixed = quiet('mixed_float16')
    assert (mixed.name, mixed.compute_dtype, mixed.variable_dtype, mixed.quantization_mode) == (
        'mixed_float16', 'float32', 'float32', None)
    assert mixed == quiet('mixed_float16') != quiet('mixed_bfloat16') and len({mixed, quiet('mixed_float16')}) == 1


def test_short_floats_warn_once(monkeypatch):
    monkeypatch.setattr(dtype_policies, '_warned', set())
    with pytest.warns(UserWarning, match="'mixed_bfloat16' computes"):
        DTypePolicy('mixed_bfloat16')
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        DTypePolicy('mixed_bfloat16')


@pytest.mark.parametrize('make', [
    lambda: DTypePolicy('int8_from_float32'), lambda: DTypePolicy('gptq/4/128_from_float32'),
    lambda: dtype_policies.QuantizedDTypePolicy('int8', 'float32'), lambda: dtype_policies.Int4DTypePolicy('int4/128'),
    lambda: dtype_policies.QuantizedFloat8DTypePolicy('float8', amax_history_length=3),
    lambda: dtype_policies.GPTQDTypePolicy('gptq/4/128'), lambda: dtype_policies.AWQDTypePolicy('awq/4/128'),
    lambda: Dense(2, dtype='int8_from_float32'), lambda: Dense(2).quantize('int8'), lambda: Dense(2).quantized_call(1),
])
def test_quantization_is_refused(make):
    with pytest.raises(ValueError, match='float32'):
        make()


def test_configurations():
    for policy in (DTypePolicy('float64'), quiet('mixed_float16'), DTypePolicyMap('float64', {'a/b': 'float32'})):
        config_ = dtype_policies.serialize(policy)
        again = dtype_policies.deserialize(config_)
        assert type(again) is type(policy) and again.get_config() == policy.get_config()
    assert dtype_policies.get({'class_name': 'DTypePolicy', 'config': {'name': 'float64'}}).name == 'float64'
    assert dtype_policies.get(None) == config.dtype_policy() and dtype_policies.deserialize(None) is None
    with pytest.raises(ValueError, match='expected one of'):
        dtype_policies.get('float31')


def test_a_layer_keeps_its_policy():
    layer = Dense(2, dtype=quiet('mixed_float16'))
    assert layer.dtype == layer.compute_dtype == layer.input_dtype == 'float32' and layer.dtype_policy.name == 'mixed_float16'
    assert Dense.from_config(layer.get_config()).dtype_policy.name == 'mixed_float16'
    with generation.scope(3):
        said = layer.get_config()
        assert said['dtype']['config'] == {'name': 'mixed_float16'}
        assert Dense.from_config(said).dtype_policy.name == 'mixed_float16'
    assert layer(np.ones((1, 3))).dtype == np.float32
    assert Dense(2, dtype=DTypePolicy('float64'))(np.ones((1, 3))).dtype == np.float64
    layer.dtype_policy = 'float64'
    assert layer.dtype == 'float64'
    assert Dense(2).dtype_policy == DTypePolicy('float32')


def test_the_global_policy():
    config.set_dtype_policy('float64')
    assert config.dtype_policy().name == 'float64' and Dense(2).variable_dtype == 'float64'
    config.set_dtype_policy(quiet('mixed_float16'))
    model = Sequential([InputLayer((3,)), Dense(2)])
    assert model.layers[-1].dtype_policy.name == 'mixed_float16' and model.predict(np.ones((2, 3))).dtype == np.float32
    config.set_dtype_policy(None)
    config.set_floatx('float64')
    assert config.dtype_policy().name == 'float64'


def test_a_map_by_paths():
    class Outer(Layer):
        def build(self, shape):
            self.inner = Dense(2, name='inner', dtype=policies)
            self.other = Dense(2, name='other', dtype=policies)

        def call(self, x):
            return self.other(self.inner(x))
    policies = DTypePolicyMap('float32', {'outer/in.*': 'float64'})
    outer = Outer(name='outer')
    outer.build((None, 3))
    assert outer.inner.path == 'outer/inner' and outer.inner.dtype == 'float64' and outer.other.dtype == 'float32'
    assert len(policies) == 1 and 'outer/in.*' in policies and policies.name == 'map_float32'
    policies['outer/inn'] = 'float32'
    with pytest.raises(ValueError, match='matched by'):
        policies['outer/inner']
    with pytest.raises(ValueError, match='has a policy already'):
        policies['outer/inn'] = 'float64'
    del policies['outer/inn']
    assert list(policies) == ['outer/in.*']


def test_inputs_are_converted():
    policy = DTypePolicy('float32')
    assert policy.convert_input(np.ones(2, np.float64), True, 'float32').dtype == np.float32
    assert policy.convert_input(np.ones(2, np.int32), True, 'float32').dtype == np.int32
    assert policy.convert_input(np.ones(2, np.float64), False, 'float32').dtype == np.float64
