"""Values that are made of weights once per version of them."""

import gc

import numpy as np

from fastkeras import config, ops
from fastkeras.compiler.cache import StaticCache
from fastkeras.compiler.pipeline import compile_graph
from fastkeras.runtime import Function, Variable
from fastkeras.runtime.function import trace

X = np.random.default_rng(0).normal(size=(4, 40)).astype(np.float32)


def compiled(function, cache):
    return compile_graph(trace(function, [(X.shape, 'float32')])[0], cache)


def run(plan):
    for s in plan.statics:
        s.refresh()
    return plan.executor.run([X])[0]


def test_a_hoisted_value_is_computed_once_per_version():
    w = Variable(np.ones(40, np.float32))
    plan = compiled(lambda x: x * ops.exp(w), StaticCache(compile_graph))
    static, = plan.statics
    assert (static.shape, static.dtype, static.version) == ((40,), 'float32', 0)
    np.testing.assert_allclose(run(plan), X * np.exp(1), rtol=1e-6)
    run(plan)
    assert static.version == 1
    w.assign(np.zeros(40))
    np.testing.assert_array_equal(run(plan), X)
    assert static.version == 2


def test_equal_values_are_shared_between_plans_and_unequal_ones_are_not():
    w, other = (Variable(np.ones(40, np.float32)) for _ in range(2))
    cache = StaticCache(compile_graph)
    plans = [compiled(f, cache) for f in (lambda x: x * ops.exp(w), lambda x: x - ops.exp(w), lambda x: x * ops.exp(other),
                                          lambda x: x * ops.tanh(w))]
    first, same, of_another, another = (plan.statics[0] for plan in plans)
    assert first is same and first is not of_another and first is not another


def test_packed_weights_follow_their_variable_and_are_shared():
    w = Variable(np.random.default_rng(1).normal(size=(40, 24)).astype(np.float32))
    cache = StaticCache(compile_graph)
    one, two = (compiled(f, cache) for f in (lambda x: ops.matmul(x, w), lambda x: ops.relu(ops.matmul(x, w))))
    assert [s for s in one.statics if any(s is t for t in two.statics)]
    for _ in range(2):
        np.testing.assert_allclose(run(one), X @ w.numpy(), rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(run(two), np.maximum(X @ w.numpy(), 0), rtol=1e-4, atol=1e-4)
        w.assign(w.numpy() * 2)


def test_a_static_of_a_static_is_brought_up_to_date_through_it():
    """The packed form of a kernel that is itself computed."""
    w = Variable(np.random.default_rng(1).normal(size=(40, 24)).astype(np.float32))
    plan = compiled(lambda x: ops.matmul(x, ops.tanh(w)), StaticCache(compile_graph))
    for _ in range(2):
        np.testing.assert_allclose(run(plan), X @ np.tanh(w.numpy()), rtol=1e-4, atol=1e-4)
        w.assign(-w.numpy())


def test_they_live_as_long_as_a_plan_that_reads_them():
    w = Variable(np.ones(40, np.float32))
    cache = StaticCache(compile_graph)
    plan = compiled(lambda x: x * ops.exp(w), cache)
    assert len(cache._known) == 1
    del plan
    gc.collect()
    assert len(cache._known) == 0


def test_what_a_plan_updates_itself_is_no_static():
    w = Variable(np.ones(40, np.float32))

    def step(x):
        y = x * ops.exp(w)
        w.assign(w - 1)
        return y

    plan = compiled(step, StaticCache(compile_graph))
    assert plan.statics == []
    f = Function(step)
    for k in range(3):
        np.testing.assert_allclose(f(X), X * np.exp(1. - k), rtol=1e-5)


def test_packed_forms_of_another_instruction_set_are_others():
    w = Variable(np.random.default_rng(1).normal(size=(40, 24)).astype(np.float32))
    f, before = Function(lambda x: ops.matmul(x, w)), config.isa()
    try:
        for name in config.isas():
            config.set_isa(name)
            np.testing.assert_allclose(f(X), X @ w.numpy(), rtol=1e-4, atol=1e-4)
    finally:
        config.set_isa(before)
