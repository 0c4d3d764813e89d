"""EinsumDense, and low-rank updates, which it shares with Dense."""

import numpy as np
import pytest

from fastkeras import layers
from fastkeras.models import Sequential
from tests.layer_harness import data_of, run_layer_test


@pytest.mark.parametrize('equation, sizes, bias, shape', [
    ('ab,bc->ac', 4, 'c', (3, 5)), ('abc,cd->abd', (None, 4), 'd', (2, 3, 5)),
    ('abc,cde->abde', (None, 2, 4), 'de', (2, 3, 5)), ('abde,dec->abc', (None, 7), None, (2, 3, 2, 4)),
    ('...b,bc->...c', 4, 'c', (2, 3, 2, 5)), ('ab...,bc->ac...', 4, 'c', (2, 5, 3, 2)),
    ('abc,bcd->abd', (None, 2), 'bd', (2, 3, 5)),
])
def test_einsum_dense(equation, sizes, bias, shape):
    def expected(x, kernel, *bias):
        return np.tanh(np.einsum(equation, x, kernel) + (bias[0] if bias else 0))
    run_layer_test(layers.EinsumDense, {'equation': equation, 'output_shape': sizes, 'bias_axes': bias,
                                        'activation': 'tanh', 'bias_initializer': 'uniform'}, shape, expected=expected)


def test_kernels_begin_by_their_own_fans():
    layer = layers.EinsumDense('abc,cde->abde', (None, 40, 50))
    layer.build((None, None, 100))
    np.testing.assert_allclose(np.abs(layer.kernel.numpy()).max(), np.sqrt(6 / (100 + 2000)), rtol=1e-2)


@pytest.mark.parametrize('arguments, shape, said', [
    (('abc,cd', 4), None, 'expected an equation such as'), (('ab,bc->ad', 4), None, "got 'd'"),
    (('...b,bc->c...', 4), None, 'expected an equation such as'),
    (('ab,bc->ac', 4, None, 'b'), None, 'bias_axes'), (('ab,bc->ac', 'x'), None, 'output_shape'),
    (('abc,cd->abd', (3, 4)), (2, 5, 6), "'b' of 'abc,cd->abd' is 5"), (('abc,cd->abd', (3,)), (2, 5, 6), 'to have 2 sizes'),
    (('ab,bc->ac', (None,)), (2, 3), "size of 'c' in the kernel"), (('ab,bc->ac', 3), (2, 3, 4), 'expected an input of 2 dim'),
])
def test_mistakes(arguments, shape, said):
    with pytest.raises(ValueError, match=said):
        layers.EinsumDense(*arguments)(np.ones(shape))


# ---- low-rank updates

@pytest.mark.parametrize('made', [lambda **k: layers.Dense(4, **k), lambda **k: layers.EinsumDense('ab,bc->ac', 4, **k)])
def test_low_rank_updates(made):
    x, y = data_of((64, 6)), data_of((64, 4), seed=2)
    layer = made(input_shape=(6,))
    model = Sequential([layer])
    before, kernel = model.predict(x), layer.kernel.numpy()
    layer.enable_lora(2, lora_alpha=3)
    np.testing.assert_array_equal(model.predict(x), before)
    assert [tuple(v.shape) for v in layer.trainable_weights if len(v.shape) == 2] == [(6, 2), (2, 4)]
    model.compile('adam', 'mse')
    model.optimizer.learning_rate = 0.05
    first = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=20, verbose=0)
    assert model.evaluate(x, y, verbose=0) < 0.9 * first
    np.testing.assert_array_equal(layer.kernel.numpy(), kernel)
    a, b = layer.lora_kernel_a.numpy(), layer.lora_kernel_b.numpy()
    bias = 0 if layer.bias is None else layer.bias.numpy()
    np.testing.assert_allclose(model.predict(x), x @ (kernel + 1.5 * a @ b) + bias, rtol=1e-4, atol=1e-5)
    again = Sequential.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.layers[-1].get_config()['lora_rank'], 2)
    np.testing.assert_allclose(again.predict(x), model.predict(x), rtol=1e-6)
    with pytest.raises(ValueError, match='is there already'):
        layer.enable_lora(2)


def test_low_rank_layers():
    def expected(x, bias, a, b, kernel):
        return x @ (kernel + 2 * a @ b) + bias
    run_layer_test(layers.Dense, {'units': 4, 'lora_rank': 2, 'lora_alpha': 4}, (3, 5), expected=expected, trains=False)


@pytest.mark.parametrize('call, said', [
    (lambda: layers.Dense(2).enable_lora(1), 'not built yet'), (lambda: layers.Dense(2, lora_rank=0), 'lora_rank.*got 0'),
    (lambda: layers.Dense(2, lora_rank=1, kernel_constraint='non_neg')(np.ones((1, 2))), 'kernel_constraint exclude'),
    (lambda: layers.Dense(2, quantization_config={}), 'quantised weights'),
    (lambda: layers.Dense(2).quantize('int8'), "'int8'"),
    (lambda: layers.EinsumDense('ab,bc->ac', 2, gptq_unpacked_column_size=2), 'gptq_unpacked_column_size'),
])
def test_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
