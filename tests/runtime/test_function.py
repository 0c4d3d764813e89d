import threading

import numpy as np
import pytest

from fastkeras import _core, config, ops
from fastkeras.compiler.autodiff import gradients
from fastkeras.runtime import Function, Variable


def test_nesting_and_types_are_kept():
    f = Function(lambda x, y: {'a': [x + 1, (y,)], 'b': None})
    out = f(np.float32([1, 2]), np.int32([3]))
    np.testing.assert_array_equal(out['a'][0], [2, 3])
    assert out['a'][1][0].dtype == np.int32 and out['b'] is None


def test_variables_are_updated_in_place():
    v = Variable(np.zeros(3, 'float32'))
    array = v.array

    def step(x):
        v.assign_add(x)
        return v * 1.0

    f = Function(step)
    versions = [v.version]
    for k in range(3):
        np.testing.assert_array_equal(f(np.float32([1, 2, 3])), np.float32([1, 2, 3]) * (k + 1))
        versions.append(v.version)
    assert v.array is array and len(set(versions)) == 4


def test_variables_can_be_exchanged():
    a, b = Variable(np.float32([1, 2])), Variable(np.float32([3, 4]))

    def swap():
        old = ops.add(a, 0.0)
        a.assign(b)
        b.assign(old)
        return old

    np.testing.assert_array_equal(Function(swap)(), [1, 2])
    np.testing.assert_array_equal(a.numpy(), [3, 4])
    np.testing.assert_array_equal(b.numpy(), [1, 2])


def test_old_value_returned_after_assignment():
    v = Variable(np.float32([1, 2]))

    def step():
        before = v.value
        v.assign(before * 2)
        return before, v.value

    before, after = Function(step)()
    np.testing.assert_array_equal(before, [1, 2])
    np.testing.assert_array_equal(after, [2, 4])


def test_gradient_step_matches_numpy():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((8, 3)).astype('float32'), rng.standard_normal((8, 1)).astype('float32')
    w = Variable(rng.standard_normal((3, 1)).astype('float32'))
    expected = w.numpy().astype('float64')

    def step(x, y):
        loss = ops.mean(ops.square(ops.matmul(x, w) - y))
        g, = gradients(loss, [w])
        w.assign_sub(g * 0.1)
        return loss

    f = Function(step, reuse_outputs=True)
    for _ in range(5):
        error = x @ expected - y
        assert f(x, y) == pytest.approx(np.mean(error ** 2), rel=1e-5)
        expected -= 0.1 * 2 * x.T @ error / 8
    np.testing.assert_allclose(w.numpy(), expected, rtol=1e-5)


def test_a_step_allocates_nothing():
    w = Variable(np.ones((4, 4), 'float32'))

    def step(x):
        w.assign_sub(ops.mean(ops.matmul(x, w), axis=0) * 0.01)
        return ops.sum(w)

    f = Function(step, reuse_outputs=True)
    x = np.ones((4, 4), 'float32')
    f(x)
    before = _core.allocations()
    for _ in range(50):
        f(x)
    assert _core.allocations() == before


def test_runs_from_many_threads_agree():
    rng = np.random.default_rng(0)
    w = Variable(rng.standard_normal((64, 64)).astype('float32'))
    f = Function(lambda x: ops.tanh(ops.matmul(ops.tanh(ops.matmul(x, w)), w)))
    xs = [rng.standard_normal((32, 64)).astype('float32') for _ in range(4)]
    want = [f(x) for x in xs]
    wrong = []

    def work(x, y):
        for _ in range(100):
            if not np.array_equal(f(x), y):
                wrong.append(1)

    threads = [threading.Thread(target=work, args=a) for a in zip(xs, want)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not wrong


def test_index_out_of_range_names_the_op():
    f = Function(lambda i: ops.take(np.eye(3, dtype='float32'), i, axis=0) * 2.0)
    with pytest.raises(ValueError, match='index'):
        f(np.int32([0, 3]))
    np.testing.assert_array_equal(f(np.int32([2])), [[0, 0, 2]])


def test_float64_runs_on_the_reference():
    out = Function(lambda x: ops.tanh(x) @ ops.transpose(x))(np.ones((2, 2)))
    assert out.dtype == np.float64
    np.testing.assert_allclose(out, np.full((2, 2), 2 * np.tanh(1.0)), rtol=1e-15)


def test_threads_give_the_same_bits():
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal((300, 300)).astype('float32') for _ in range(2))
    f = Function(lambda x, w: [ops.matmul(x, w), ops.sum(ops.exp(x)), ops.mean(x, axis=0)])
    before = config.get_num_threads()
    try:
        results = []
        for n in (1, 2, 3):
            config.set_num_threads(n)
            assert config.get_num_threads() == n
            results.append(f(x, w))
    finally:
        config.set_num_threads(before)
    for r in results[1:]:
        for a, b in zip(r, results[0]):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize('rows', [1, 3, 32])
def test_runs_that_walk_weights_in_either_order_give_the_same_bits(rows):
    """Every other run and round of a loop reads the columns of weights that L2 may not hold in the opposite order."""
    rng = np.random.default_rng(0)
    x, first, again = (rng.standard_normal(shape, np.float32) for shape in ((rows, 300), (300, 712), (712, 712)))
    last = rng.standard_normal((712, 200), np.float32)
    variables = [Variable(w / np.float32(26)) for w in (first, again, last)]

    def network(x):
        x = ops.matmul(x, variables[0])
        x = ops.fori_loop(0, 3, lambda _, x: ops.tanh(ops.matmul(x, variables[1])), x)
        return ops.matmul(x, variables[2])

    want = x.astype(np.float64) @ (first / 26.0)
    for _ in range(3):
        want = np.tanh(want @ (again / 26.0))
    want = want @ (last / 26.0)
    before, results = config.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            config.set_num_threads(threads)
            f = Function(network)
            results += [sign * f(x * np.float32(sign)) for sign in (1, -1, 1, -1)]      # all of these functions are odd
    finally:
        config.set_num_threads(before)
    np.testing.assert_allclose(results[0], want, atol=1e-5)
    for other in results[1:]:
        np.testing.assert_array_equal(other.view(np.int32), results[0].view(np.int32))


def test_fork_leaves_a_working_child():
    import os
    x = np.ones((256, 256), 'float32')
    f = Function(lambda x: ops.sum(ops.matmul(x, x)))
    want = f(x)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if f(x) == want else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert f(x) == want


def test_a_run_that_fails_changes_no_state():
    w, table = Variable(np.ones(3, 'float32')), np.eye(3, dtype='float32')

    def step(i):
        w.assign_add(ops.sum(ops.take(table, i, axis=0), axis=0))
        return ops.sum(w)

    f = Function(step)
    f(np.int32([0]))
    before = w.numpy()
    with pytest.raises(ValueError, match='index'):
        f(np.int32([1, 99]))
    np.testing.assert_array_equal(w.numpy(), before)


def test_hoisted_values_of_equal_look_are_not_shared():
    v = Variable(np.arange(24.0, dtype='float32'))
    x = np.ones((1, 1), 'float32')

    def scaled(rows, columns):
        return Function(lambda x: x * ops.sum(ops.reshape(ops.reshape(v, (rows, columns)), (rows, -1)), axis=1, keepdims=True))

    a, b = scaled(2, 12), scaled(12, 2)
    np.testing.assert_array_equal(a(x), v.numpy().reshape(2, 12).sum(1, keepdims=True))
    np.testing.assert_array_equal(b(x), v.numpy().reshape(12, 2).sum(1, keepdims=True))


def test_predictions_are_fresh_after_concurrent_assignments():
    rng = np.random.default_rng(0)
    w = Variable(rng.standard_normal((200, 200)).astype('float32'))
    s = Variable(np.ones(200, 'float32'))
    f = Function(lambda x: ops.matmul(x, w) * ops.tanh(s * 2.0))
    x = rng.standard_normal((1, 200)).astype('float32')
    stop = threading.Event()

    def read():
        while not stop.is_set():
            f(x)

    threads = [threading.Thread(target=read) for _ in range(2)]
    [t.start() for t in threads]
    for k in range(30):
        w.assign(np.full((200, 200), k, 'float32'))
    stop.set()
    [t.join() for t in threads]
    np.testing.assert_allclose(f(x), np.full((1, 200), 29 * x.sum() * np.tanh(2.0)), rtol=1e-3)


def test_unchanged_values_are_never_seen_half_made():
    w = Variable(np.ones((300, 300), 'float32'))
    f = Function(lambda x: ops.matmul(x, ops.tanh(ops.matmul(w, w) * 0.001)))
    x = np.ones((1, 300), 'float32')
    want, wrong, stop = f(x), [], threading.Event()

    def read():
        while not stop.is_set():
            if not np.array_equal(f(x), want):
                wrong.append(1)

    threads = [threading.Thread(target=read) for _ in range(2)]
    [t.start() for t in threads]
    for _ in range(20):
        w.touch()
        f(x)
    stop.set()
    [t.join() for t in threads]
    assert not wrong


def test_uint8_wraps_around_inside_a_larger_graph():
    f = Function(lambda x: ops.cast(ops.cast(x, 'uint8'), 'int32') + 0)
    np.testing.assert_array_equal(f(np.int32([300, -1, 256, 5])), [44, 255, 0, 5])


def test_many_tensors_behind_one_kernel():
    rng = np.random.default_rng(0)
    a = rng.standard_normal((8, 8)).astype('float32')
    xs = [rng.standard_normal((8, 8)).astype('float32') for _ in range(15)]
    cs = [rng.standard_normal((8, 8)) > 0 for _ in range(15)]

    def fn(a, *rest):
        r, results = ops.matmul(a, a), []
        for c, x in zip(rest[:15], rest[15:]):
            r = ops.where(c, x, r)
            results.append(r)
        return results

    got = Function(fn)(a, *cs, *xs)
    r = a @ a
    for g, c, x in zip(got, cs, xs):
        r = np.where(c, x, r)
        np.testing.assert_allclose(g, r, rtol=1e-5, atol=1e-5)


def test_static_values_with_vectors_and_squeezes():
    m, u = Variable(np.ones((3, 3), 'float32')), Variable(np.ones(3, 'float32'))
    np.testing.assert_array_equal(Function(lambda x: x * ops.matmul(m, u))(np.ones(3, 'float32')), [3, 3, 3])


def test_constants_are_packed_once():
    c = np.eye(5, dtype='float32')
    f = Function(lambda x: ops.matmul(x, c))
    x = np.arange(10, dtype='float32').reshape(2, 5)
    np.testing.assert_array_equal(f(x), x)
    assert [s.kernel for s in f.traced_for([x]).compiled.steps] == ['matmul']


def test_views_of_arrays_are_taken():
    x = np.arange(6, dtype='float32').reshape(2, 3)
    np.testing.assert_array_equal(Function(lambda x: x + 1.0)(x.T), x.T + 1)


def test_ops_alone_run_on_the_engine():
    import subprocess
    import sys
    code = ('import numpy as np, sys; from fastkeras import ops; ops.exp(np.ones(3, "f")); '
            'from fastkeras.ops import core; print(core._hooks["eager"].__module__)')
    out = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert out.stdout.strip() == 'fastkeras.runtime.eager', out.stderr


def test_stages_of_a_plan_are_told(monkeypatch, capsys):
    monkeypatch.setenv('FASTKERAS_DEBUG', 'times')
    f = Function(lambda x: ops.tanh(x) * 2.0, name='small')
    f(np.ones((3, 2), 'float32'))
    f(np.ones((3, 2), 'float32'))
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith('small')]
    assert len(lines) == 1 and all(stage in lines[0] for stage in ('trace', 'fuse', 'lower', 'encode'))
