"""The second plan of a trace: taken up when weights stay, left when one changes, always the same bits."""
import numpy as np
import pytest

from fastkeras import ops
from fastkeras.runtime import Function, Variable
from fastkeras.runtime.settled import PATIENCE

RNG = np.random.default_rng(4)


@pytest.fixture
def made():
    table, w = (Variable(RNG.standard_normal(s).astype('float32')) for s in ((50, 64), (64, 80)))
    return table, w, Function(lambda i: ops.relu(ops.matmul(ops.gather(table, i), w)))


def test_it_is_taken_up_and_left(made):
    table, w, function = made
    x = RNG.integers(0, 50, (5, 5)).astype('int32')
    settled = function.traced_for([x]).settled
    runs = PATIENCE * 50 // 25
    for change in (lambda: None, lambda: w.assign(w * 2), lambda: table.assign(-table)):
        change()
        want = function(x)
        for k in range(2, runs + 4):
            np.testing.assert_array_equal(function(x), want)
            assert settled.rows == 25 * min(k, runs)
        np.testing.assert_allclose(want, np.maximum(table.numpy()[x] @ w.numpy(), 0), rtol=1e-4, atol=1e-4)
    assert settled.compiled.tables is None


def test_others_weights_leave_it(made):
    _, _, function = made
    other = Variable(np.zeros(3, 'float32'))
    x = RNG.integers(0, 50, (10, 10)).astype('int32')
    for _ in range(3):
        function(x)
    settled = function.traced_for([x]).settled
    assert settled.chosen() is not None
    other.assign(np.ones(3, 'float32'))
    assert settled.chosen() is not None


def test_an_index_out_of_range_is_told_by_both(made):
    _, _, function = made
    x = RNG.integers(0, 50, (10, 10)).astype('int32')
    bad = x.copy()
    bad[3, 3] = 50
    for _ in range(4):
        with pytest.raises(ValueError, match='outside the range of the array it points into of shape .50,'):
            function(bad)
        function(x)
    assert function.traced_for([x]).settled.compiled is not None


def test_released_with_its_trace(made):
    _, _, function = made
    x = RNG.integers(0, 50, (10, 10)).astype('int32')
    want = function(x)
    traced = function.traced_for([x])
    for _ in range(3):
        function(x)
    function.clear()
    np.testing.assert_array_equal(traced.run([x])[0], want)
