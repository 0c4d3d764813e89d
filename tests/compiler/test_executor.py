"""The one door to native plans."""

import numpy as np
import pytest

from fastkeras import config
from fastkeras.compiler import executor
from fastkeras.compiler.buffers import FIXED, INPUT, OUTPUT, Buffer, Host, Step

COPY = dict(ndim=1, shape=(4,), xstride=(1,), ystride=(1,), xoff=0, yoff=0, itemsize=4)


def test_attributes_are_exactly_those_of_the_kernel():
    assert len(executor.encode('copy', COPY)) == 1 + 3 * 8 + 3
    for attrs in ({k: v for k, v in COPY.items() if k != 'xoff'}, {**COPY, 'more': 1}):
        with pytest.raises(TypeError, match=r"kernel 'copy' takes the attributes \['ndim'"):
            executor.encode('copy', attrs)


def test_a_single_step_of_arrays_bound_at_each_run():
    plan = executor.single_step('copy', [((4,), 'float32')], ((4,), 'float32'), **COPY)
    for k in range(2):
        x, y = np.arange(4, dtype=np.float32) + k, np.zeros(4, np.float32)
        np.testing.assert_array_equal(plan.run([x])[0], x)
        plan.run([x], [y])
        np.testing.assert_array_equal(y, x)


def test_a_single_step_of_an_array_bound_for_good_or_a_part_of_it():
    x = np.arange(8, dtype=np.float32)
    part = Buffer(x.shape, 'float32', FIXED, array=x).view((4,), 3)
    for given, at in ((x, 0), (part, 3)):
        plan = executor.single_step('copy', [given], ((4,), 'float32'), **COPY)
        for _ in range(2):
            np.testing.assert_array_equal(plan.run(())[0], x[at:at + 4])
            x += 1


def test_host_steps_stand_between_native_ones():
    x, y = Buffer((4,), 'float32', INPUT, index=0), Buffer((4,), 'float32', OUTPUT, index=0)
    between = [Buffer((4,), 'float32') for _ in range(2)]
    steps = [executor.copy_step(x, between[0]), Host(lambda a: a * 3, [between[0]], [between[1]]),
             executor.copy_step(between[1], y)]
    plan, size, steps_of = executor.executor_of(steps, [x], [y])
    np.testing.assert_array_equal(plan.run([np.float32([1, 2, 3, 4])])[0], [3, 6, 9, 12])
    assert size >= 2 * between[0].nbytes and isinstance(steps[0], Step)
    assert [steps_of[segment] for segment in plan.segments] == [[step] for step in steps]


def test_settings_are_what_plans_depend_on():
    before = executor.settings()
    config.set_winograd(not config.winograd())
    try:
        assert executor.settings() != before
    finally:
        config.set_winograd(not config.winograd())
    assert executor.settings() == before
