import gc
import threading
import weakref

import numpy as np
import pytest

from fastkeras import _core, config, ops
from fastkeras.layers import Dense
from fastkeras.models import Sequential
from fastkeras.runtime import Function, plans

ROW = 1 << 12       # bytes of a row of what `wide` makes: its arena holds two such for each row of x


def wide():
    return Function(lambda x: ops.sum(ops.sort(ops.tanh(x * np.ones(ROW // 4, 'float32')), axis=-1), axis=-1))


def call(f, rows):
    return f(np.full((rows, 1), 0.5, 'float32'))


def held(f):
    return sum(t.held for t in f._traced.values())


@pytest.fixture
def limit():
    before = config.plan_memory()
    gc.collect()
    yield lambda n: config.set_plan_memory(plans.held() + n)    # beside what other tests have left
    config.set_plan_memory(before)


def test_number_of_plans_is_bounded():
    f = Function(lambda x: x + 1.0)
    for rows in range(1, 80):
        np.testing.assert_array_equal(call(f, rows), np.full((rows, 1), 1.5, 'float32'))
    assert len(f._traced) == 64 and len(f._traced.order) == 64


def test_a_plan_in_use_outlives_those_that_are_not():
    f = Function(lambda x: x + 1.0)
    for rows in range(1, 80):
        call(f, rows)
        if rows > 1:
            kept = f._traced[((1, 1), 'f'),]
        call(f, 1)
    assert f._traced[((1, 1), 'f'),] is kept


def test_bytes_of_plans_are_bounded(limit):
    f = wide()
    want = call(f, 300)
    one = held(f)
    assert one >= 300 * ROW
    limit(2 * one + 1000)
    first, alive = weakref.ref(f._traced[((300, 1), 'f'),]), _core.allocations()[1]
    for rows in range(301, 320):
        np.testing.assert_array_equal(call(f, rows)[:300], want)
        assert held(f) <= 3.2 * one
    gc.collect()
    assert first() is None and _core.allocations()[1] < alive + 2.3 * one


def test_functions_share_the_bytes(limit):
    f, g = wide(), wide()
    call(f, 300)
    limit(1000)
    call(g, 301)
    assert held(f) == 0 and held(g) > 0
    np.testing.assert_array_equal(call(f, 300), call(wide(), 300))


def test_the_newest_plan_is_kept_however_large(limit):
    f = wide()
    config.set_plan_memory(0)
    call(f, 300)
    assert len(f._traced) == 1 and held(f) > 0
    call(f, 301)
    assert list(f._traced) == [(((301, 1), 'f'),)]


def test_a_released_plan_that_is_still_held_runs(limit):
    f = wide()
    x = np.full((300, 1), 0.5, 'float32')
    traced, want = f.traced_for([x]), call(f, 300)
    f.clear()
    assert traced.is_stale() and len(f._traced) == 0
    np.testing.assert_array_equal(traced.build(traced.run([x])), want)
    assert len(f._traced) == 1


def test_predictions_stay_right_while_plans_come_and_go(limit):
    model = Sequential([Dense(700, activation='relu', input_shape=(3,)), Dense(1)])
    x = np.random.default_rng(0).standard_normal((200, 3)).astype('float32')
    want = model.predict(x)
    limit(0)
    wrong, done = [], []

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(30):
            rows = int(rng.integers(100, 110))
            if not np.array_equal(model.predict_on_batch(x[:rows]), want[:rows]):
                wrong.append(rows)
        done.append(seed)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong and sorted(done) == [0, 1, 2, 3]       # no thread ended by an error


@pytest.mark.parametrize('value', [-1, True, 1.5, '1G', None])
def test_what_is_no_number_of_bytes_is_refused(value):
    with pytest.raises(ValueError, match='set_plan_memory: expected a whole number of bytes'):
        config.set_plan_memory(value)
    assert config.plan_memory() > 0


def test_memory_goes_with_the_function():
    gc.collect()
    gc.disable()
    try:
        before = _core.allocations()[1]
        f = wide()
        call(f, 300)
        assert _core.allocations()[1] > before + 300 * ROW
        del f
        assert _core.allocations()[1] < before + 100 * ROW
    finally:
        gc.enable()
