"""Attention: what the registry's samples cannot say."""

import numpy as np
import pytest

from fastkeras import config, ops
from fastkeras.compiler.autodiff import gradients
from fastkeras.ops import attention, core
from fastkeras.ops.evaluate import evaluate
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import Function
from tests import harness


@pytest.fixture(params=config.isas())
def isa(request):
    before = config.isa()
    config.set_isa(request.param)
    yield request.param
    config.set_isa(before)


def arrays(n=2, steps=5, sources=7, heads=4, groups=2, dim=3, width=4, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(s).astype('float32') for s in
            ((n, steps, heads, dim), (n, sources, groups, dim), (n, sources, groups, width))]


def differences(fn, inputs, rtol=1e-5):
    """The gradient of the sum of fn's result times fixed numbers, in float64, against central differences."""
    rng = np.random.default_rng(5)
    inputs = [a.astype(float) for a in inputs]
    leaves = [Tensor('input', (), {'index': k}, a.shape, 'float64') for k, a in enumerate(inputs)]
    y = fn(*leaves)
    loss = ops.sum(y * rng.standard_normal(y.shape))
    for k, g in enumerate(gradients(loss, leaves)):
        direction = rng.standard_normal(inputs[k].shape)
        found = evaluate([g], dict(zip(leaves, inputs)))[0]
        ends = [float(evaluate([loss], {**dict(zip(leaves, inputs)), leaves[k]: inputs[k] + s * direction})[0])
                for s in (1e-6, -1e-6)]
        numeric = (ends[0] - ends[1]) / 2e-6
        assert abs((found * direction).sum() - numeric) <= rtol * max(1, abs(numeric)), k


@pytest.mark.parametrize('causal, bias', [(False, None), (True, None), (False, (2, 1, 1, 7)), (True, (4, 5, 1))])
def test_gradients(causal, bias):
    rest = [] if bias is None else [np.random.default_rng(1).standard_normal(bias)]
    differences(lambda q, k, v, *b: ops.dot_product_attention(q, k, v, bias=b[0] if b else None, is_causal=causal),
                [*arrays(), *rest])


def test_gradients_of_gradients():
    def slope(q, k, v):
        y = ops.dot_product_attention(q, k, v, is_causal=True)
        return gradients(ops.sum(ops.square(y)), [q])[0]
    differences(slope, arrays())

    def of_rows(x, gamma):
        y = ops.layer_normalization(x, gamma, None, epsilon=1e-2)
        return gradients(ops.sum(ops.power(y, 3.0)), [x])[0]
    differences(of_rows, [a[0, :, 0] for a in arrays(dim=5)[:1]] + [np.arange(1, 6.0)])


@pytest.mark.parametrize('steps, sources, causal', [(130, 300, False), (300, 300, True), (20, 600, False)])
def test_blocks_meet(steps, sources, causal, isa):
    """Several blocks of sources and steps, forward and backward, against products of matrices; one thread and two."""
    given = arrays(2, steps, sources, 4, 2, 24, 40)
    scale = 24 ** -0.5

    def gradient(fn):
        return lambda q, k, v: gradients(ops.sum(ops.square(fn(q, k, v))), [q, k, v])

    def ours(q, k, v):
        return ops.dot_product_attention(q, k, v, is_causal=causal)

    def plain(q, k, v):
        return attention._in_ops(q, k, v, None, scale, causal)
    before = config.get_num_threads()
    for a, b in ((lambda *x: [ours(*x)], lambda *x: [plain(*x)]), (gradient(ours), gradient(plain))):
        results = []
        for threads in 1, 2:
            config.set_num_threads(threads)
            results.append([np.array(y) for y in Function(a)(*given)])
        config.set_num_threads(before)
        for one, two, want in zip(*results, Function(b)(*given)):
            assert one.tobytes() == two.tobytes()
            np.testing.assert_allclose(one, want, rtol=1e-3, atol=2e-5 * np.abs(want).max())


def test_long_gradients_are_shared_out():
    """So much work that blocks of sources, and steps, are chunks of their own: the same bits as in one."""
    given = arrays(1, 700, 700, 2, 1, 64, 64)

    def slopes(q, k, v):
        y = ops.dot_product_attention(q, k, v, is_causal=True)
        return gradients(ops.sum(ops.square(y)), [q, k, v])
    alone = [np.array(y) for y in Function(slopes)(*given)]
    many = [np.concatenate([a] * 8) for a in given]     # enough groups, and each of them short of the limit
    together = Function(slopes)(*many)
    for one, eight in zip(alone, together):
        for row in eight:
            np.testing.assert_array_equal(row, one[0])


def test_masks():
    q, k, v = arrays(2, 4, 6, 2, 2)
    mask = np.random.default_rng(3).random((2, 1, 4, 6)) > 0.5
    mask[0, 0, 1] = False       # attends to nothing: the mean of all values
    y = ops.dot_product_attention(q, k, v, mask=mask)
    np.testing.assert_allclose(y[0, 1], v[0].mean(0), rtol=1e-5)
    scores = np.einsum('bthd,bshd->bhts', q, k) / np.sqrt(q.shape[-1])
    shares = np.exp(np.where(mask, scores, -1e30) - np.where(mask, scores, -1e30).max(-1, keepdims=True))
    want = np.einsum('bhts,bshd->bthd', shares / shares.sum(-1, keepdims=True), v)
    np.testing.assert_allclose(y, want, rtol=1e-4, atol=1e-6)
    bias = np.random.default_rng(4).standard_normal((2, 4, 6)).astype('float32')
    both = ops.dot_product_attention(q, k, v, bias=bias, mask=mask[:, :, :1])
    one = ops.dot_product_attention(q, k, v, bias=np.where(mask[:, :, :1], bias, -1e30).astype('float32'))
    np.testing.assert_array_equal(both, one)
    causal = ops.dot_product_attention(q, k[:, :4], v[:, :4], mask=np.zeros((1, 1, 1, 4), bool), is_causal=True)
    np.testing.assert_allclose(causal, np.repeat(v[:, :4].mean(1, keepdims=True), 4, 1), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('causal', [False, True])
def test_steps_that_attend_to_nothing_have_no_gradient(isa, causal):
    """Their result is the mean of the values, whatever query and key are."""
    q, k, v = arrays(1, 5, 20, 2, 2)

    def slopes(q, k, v, mask):
        return gradients(ops.sum(ops.square(ops.dot_product_attention(q, k, v, mask=mask, is_causal=causal))), [q, k, v])
    dq, dk, dv = Function(slopes)(q, k, v, np.zeros((1, 1, 1, 20), bool))
    assert not dq.any() and not dk.any() and dv.any()
    some = np.ones((1, 1, 5, 20), bool)
    some[0, 0, 2] = False
    dq, dk, dv = Function(slopes)(q, k, v, some)
    assert not dq[:, 2].any() and dq[:, 1].any() and dq[:, 3].any()


def test_infinite_biases_and_later_blocks(isa):
    """A first block of sources that all have -inf."""
    q, k, v = arrays(1, 3, 300, 1, 1, 8, 8)
    bias = np.zeros(300, 'float32')
    bias[:290] = -np.inf
    y = ops.dot_product_attention(q, k, v, bias=bias)
    np.testing.assert_allclose(y, ops.dot_product_attention(q, k[:, 290:], v[:, 290:]), rtol=1e-5, atol=1e-6)
    assert np.isnan(ops.dot_product_attention(q, k, v, bias=np.full(300, -np.inf, 'float32'))).all()


def test_rows_stay_apart(isa):
    given = arrays(5, 33, 40, 4, 2, 16, 16)
    whole = ops.dot_product_attention(*given, is_causal=True)
    for part in slice(0, 1), slice(2, 4), slice(None, None, -1):
        np.testing.assert_array_equal(ops.dot_product_attention(*[a[part].copy() for a in given], is_causal=True), whole[part])


def test_no_array_of_shares():
    """A step of training on 2,000 steps takes less memory than one such array."""
    def slopes(q, k, v):
        return gradients(ops.sum(ops.square(ops.dot_product_attention(q, k, v))), [q, k, v])
    plan = Function(slopes).traced_for(arrays(1, 2000, 2000, 2, 2, 8, 8)).compiled
    assert plan.arena_bytes < 2000 * 2000 * 4 / 8
    assert not {'softmax', 'matmul'} & {getattr(s, 'kernel', '') for s in plan.steps}
    assert not harness.host_steps(Function(slopes).traced_for(arrays(groups=1)))


def test_large_heads_take_products():
    q, k, v = arrays(1, 3, 4, 1, 1, 1100, 8)
    np.testing.assert_allclose(ops.dot_product_attention(q, k, v), attention._ref(q, k, v, scale=1100 ** -0.5, causal=False)[0],
                               rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('shapes', [[(1, 2, 3, 4), (1, 2, 3, 5), (1, 2, 3, 5)], [(2, 2, 3, 4), (1, 2, 3, 4), (1, 2, 3, 4)],
                                    [(1, 2, 3, 4), (1, 2, 3, 4), (1, 3, 3, 4)]])
def test_mistakes(shapes):
    with pytest.raises(ValueError, match='expected query'):
        ops.dot_product_attention(*[np.ones(s, 'float32') for s in shapes])
    with pytest.raises(ValueError, match='bias: expected a shape that broadcasts'):
        core.apply('attention', [np.ones((1, 2, 3, 4), 'float32')] * 3 + [np.ones((2, 3), 'float32')], scale=1.0, causal=False)
