"""Loops and choices: values against loops of NumPy, gradients against finite differences in float64, mistakes."""

import signal
import time

import numpy as np
import pytest

from fastkeras import config, ops
from fastkeras.compiler.autodiff import gradients
from fastkeras.compiler.buffers import Host
from fastkeras.ops.evaluate import evaluate
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import Function, Variable

RNG = np.random.default_rng(17)


def normal(*shape):
    return RNG.standard_normal(shape)


def placeholders(arrays, dtype='float64'):
    return [Tensor('input', (), {'index': k}, a.shape, dtype if a.dtype.kind == 'f' else a.dtype.name)
            for k, a in enumerate(arrays)]


def check_gradients(function, *arrays, step=1e-6, rtol=2e-5):
    """Of a function of float64 arrays that gives tensors, summed with random weights: against central differences."""
    leaves = placeholders(arrays)
    made = function(*leaves)
    made = made if isinstance(made, (list, tuple)) else [made]
    rng = np.random.default_rng(5)
    loss = sum(ops.sum(y * rng.normal(size=y.shape)) for y in made)
    chosen = [k for k, a in enumerate(arrays) if a.dtype == np.float64]
    found = gradients(loss, [leaves[k] for k in chosen])
    feed = dict(zip(leaves, arrays))
    values = evaluate(found, feed)
    for k, value in zip(chosen, values):
        way = rng.normal(size=arrays[k].shape)
        ahead, behind = (float(evaluate([loss], {**feed, leaves[k]: arrays[k] + s * way})[0]) for s in (step, -step))
        numeric = (ahead - behind) / (2 * step)
        assert abs(float((value * way).sum()) - numeric) <= rtol * max(1, abs(numeric)), k
        assert np.abs(value).max() > 1e-6, f'the gradient of {k} is nothing'
    return values


def recurrent(h, x, w, u):
    """Two carried values, masked rows, a stack of one."""
    def step(carry, row):
        before, total = carry
        value, mask = row
        new = ops.tanh(ops.matmul(before, w) + ops.matmul(value, u))
        new = ops.where(mask, new, before)
        return (new, total * 0.9 + ops.square(new)), {'h': new, 'twice': total + value[:, :1]}
    mask = np.random.default_rng(1).random((x.shape[0], x.shape[1], 1)) < 0.6
    mask[:, 0] = False     # a row that is masked all along
    return ops.scan(step, (h, h * 0.5), (x, mask))


def recurrent_by_numpy(h, x, w, u):
    mask = np.random.default_rng(1).random((x.shape[0], x.shape[1], 1)) < 0.6
    mask[:, 0] = False
    total, hs, twice = h * 0.5, [], []
    for value, m in zip(x, mask):
        new = np.where(m, np.tanh(h @ w + value @ u), h)
        twice.append(total + value[:, :1])
        total, h = total * 0.9 + new ** 2, new
        hs.append(h)
    return (h, total), {'h': np.stack(hs), 'twice': np.stack(twice)}


def recurrent_arrays(rows=5, length=6, n=4, k=3):
    return normal(rows, n), normal(length, rows, k), normal(n, n) / 2, normal(k, n)


# ---- scan
@pytest.mark.parametrize('rows, length', [(1, 1), (1, 7), (5, 6), (33, 20)])
def test_scan_of_several_carries_and_masks(rows, length):
    arrays = [a.astype(np.float32) for a in recurrent_arrays(rows, length)]
    (h, total), ys = Function(recurrent)(*arrays)
    (want_h, want_total), want = recurrent_by_numpy(*map(np.float64, arrays))
    for a, b in ((h, want_h), (total, want_total), (ys['h'], want['h']), (ys['twice'], want['twice'])):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


def test_gradients_with_several_carries_and_masks():
    def both(*args):
        (h, total), ys = recurrent(*args)
        return [h, total, ys['h'], ys['twice']]
    check_gradients(both, *recurrent_arrays())


@pytest.mark.parametrize('reverse', [False, True])
def test_gradients_of_reversed_scans(reverse):
    def f(h, x, w):
        last, ys = ops.scan(lambda c, v: (ops.tanh(c @ w + v), c * v), h, x, reverse=reverse)
        return [last, ys]
    check_gradients(f, normal(3, 4), normal(5, 3, 4), normal(4, 4))


def test_gradients_of_nested_scans():
    def f(c, xs, w):
        def outer(c, x):
            inner, ys = ops.scan(lambda a, v: (ops.tanh(a * v + ops.matmul(a, w)), a + v), c, x)
            back, zs = ops.scan(lambda a, v: (a * 0.5 + v, ops.square(a)), inner, ys, reverse=True)
            return back, ops.sum(zs, axis=0)
        return [*ops.scan(outer, c, xs)]
    check_gradients(f, normal(2, 3), normal(4, 3, 2, 3), normal(3, 3))
    arrays = [a.astype(np.float32) for a in (normal(2, 3), normal(4, 3, 2, 3), normal(3, 3))]
    got = Function(lambda *a: f(*a))(*arrays)
    leaves = placeholders(arrays)
    want = evaluate(f(*leaves), {t: a.astype(np.float64) for t, a in zip(leaves, arrays)})
    for a, b in zip(got, want):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_gradients_of_gradients():
    def f(h, x):
        def loss(h, x):
            last, ys = ops.scan(lambda c, v: (ops.tanh(c * v), ops.square(c)), h, x)
            return ops.sum(last) + ops.sum(ys * ys)
        return gradients(loss(h, x), [h, x])
    check_gradients(f, normal(3), normal(4, 3), rtol=1e-4)


def test_gradients_where_weights_are_read_in_other_ways():
    """A product over the rounds behind the loop, a bias, a weight that scales, one that is looked up."""
    def f(h, x, w, b, s):
        def step(c, v):
            new = ops.tanh(ops.matmul(c, w) + ops.matmul(v, ops.transpose(w)) + b) * s
            return new, ops.sum(new, axis=1)
        return [*ops.scan(step, h, x)]
    check_gradients(f, normal(3, 4), normal(5, 3, 4), normal(4, 4), normal(4), np.array(0.7))
    check_gradients(f, normal(1, 4), normal(5, 1, 4), normal(4, 4), normal(4), np.array(0.7))


def test_a_filters_gradient_is_one_step_behind_the_loop():
    def f(h, x, w):
        return [*ops.scan(lambda c, v: (ops.tanh(ops.conv(c, w, 1, 'same') + v), c), h, x)]
    arrays = normal(2, 5, 4, 3), normal(6, 2, 5, 4, 3), normal(3, 3, 3, 3) / 3
    check_gradients(f, *arrays)
    function = Function(lambda h, x, w: gradients(ops.sum(f(h, x, w)[1]), [w])[0])
    arrays = [a.astype(np.float32) for a in arrays]
    function(*arrays)
    plan = function.traced_for(arrays).compiled
    batches = [s.refs[0].shape[0] for s in plan.steps if getattr(s, 'kernel', '') in ('conv_dw', 'winograd_dw', 'conv_few_dw')]
    assert batches == [6 * 2]


def test_a_length_without_sequences_and_a_carry_of_integers():
    last, ys = Function(lambda x: ops.scan(lambda c, _: ((c[0] + 1, c[1] * 2), c[0]), (0, x), length=5))(np.float32([1, 3]))
    np.testing.assert_array_equal(last[1], [32, 96])
    assert last[0] == 5 and last[0].dtype == np.int32
    np.testing.assert_array_equal(ys, range(5))
    check_gradients(lambda x: ops.scan(lambda c, _: ((c[0] + 1, c[1] * ops.cast(c[0], c[1].dtype)), c[1]), (1, x),
                                       length=4)[1], normal(3))


def test_values_that_change_places():
    (a, b), ys = ops.scan(lambda c, x: ((c[1], c[0] + x), c[0]), (np.float32([1.]), np.float32([10.])),
                          np.float32([[1], [2], [3]]))
    want, first = [(1., 10.)], []
    for x in (1, 2, 3):
        first.append(want[-1][0])
        want.append((want[-1][1], want[-1][0] + x))
    assert (a[0], b[0]) == want[-1] and ys[:, 0].tolist() == first


def test_variables_assigned_in_a_round_are_carried():
    count, seen = Variable(np.float32(10)), Variable(np.zeros(2, np.float32))

    def f(x):
        def step(c, v):
            count.assign_add(1)
            seen.assign(seen * 0.5 + v)
            return c + count, c * count
        return ops.scan(step, ops.zeros((2,)), x)
    x = np.float32(normal(4, 2))
    function = Function(f)
    for start in (10, 14):
        last, ys = function(x)
        want, total = [], np.zeros(2)
        for k in range(4):
            want.append(total * (start + k + 1))
            total = total + start + k + 1
        np.testing.assert_allclose(ys, want, rtol=1e-6)
        np.testing.assert_allclose(last, total, rtol=1e-6)
        assert count.numpy() == start + 4
    once = np.zeros(2)
    for v in [*x, *x]:
        once = once * 0.5 + v
    np.testing.assert_allclose(seen.numpy(), once, rtol=1e-5)


def test_weights_that_a_plan_updates():
    w = Variable(np.float32(normal(3, 3)))

    def f(x):
        loss = ops.sum(ops.square(ops.scan(lambda c, v: (ops.tanh(ops.matmul(c, w) + v), None), x[0], x)[0]))
        grad, = gradients(loss, [w])
        w.assign(w - 0.1 * grad)
        return loss
    function, x = Function(f), np.float32(normal(4, 2, 3))
    before = w.numpy()
    losses = [float(function(x)) for _ in range(20)]
    assert losses[-1] < 0.7 * losses[0] and np.abs(w.numpy() - before).max() > 0.01


def test_a_step_on_the_reference_may_stand_in_a_loop():
    def f(c, x):
        return ops.scan(lambda c, v: (ops.tanh(ops.sort(c + v)), ops.argsort(c)), c, x)
    c, x = np.float32(normal(6)), np.float32(normal(5, 6))
    function = Function(f)
    last, ys = function(c, x)
    assert any(isinstance(s, Host) for s in function.traced_for([c, x]).compiled.steps)
    for k, v in enumerate(x):
        np.testing.assert_array_equal(ys[k], np.argsort(c))
        c = np.tanh(np.sort(c + v))
    np.testing.assert_allclose(last, c, rtol=1e-4)
    wide = ops.scan(lambda c, v: (c * v, c), np.float64([1, 1]), normal(3, 2))
    assert wide[0].dtype == np.float64


def test_a_raw_result_that_is_stacked_beside_what_is_made_of_it():
    """A product and its tanh are one step; the tanh alone is a result of the plan."""
    def f(c, x, w):
        def step(c, v):
            raw = ops.matmul(c, w)
            return c * 0.5 + v, (ops.tanh(raw), raw)
        made, raws = ops.scan(step, c, x)[1]
        return made, ops.sum(raws * raws)
    c, x, w = (np.float32(a) for a in (normal(3, 4), normal(5, 3, 4), normal(4, 4)))
    made, total = Function(f)(c, x, w)
    raws = []
    for v in x:
        raws.append(c @ w)
        c = c * 0.5 + v
    np.testing.assert_allclose(made, np.tanh(raws), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(total, np.square(raws).sum(), rtol=1e-4)


def test_loops_that_read_constants_alone():
    def f(x):
        last, ys = ops.scan(lambda c, v: (c + v, c * v), ops.zeros((2,)), ops.ones((3, 2)))
        chosen = ops.while_loop(lambda v: ops.sum(v) < 9., lambda v: v * 2, ops.ones((2,)))
        return x + last, x + ys, x + chosen
    last, ys, chosen = Function(f)(np.zeros(2, np.float32))
    assert last.tolist() == [3, 3] and ys[:, 0].tolist() == [0, 1, 2] and chosen.tolist() == [8, 8]


class Stop(Exception):
    pass


@pytest.mark.parametrize('n, body', [(2, lambda v: v * 1.0), (300, lambda v: ops.tanh(ops.matmul(v, v))), (3, ops.sort)])
def test_a_signal_ends_a_loop_without_end(n, body):
    """Whoever goes through its rounds: one thread, or the executor where a round has work for several or for the host."""
    function = Function(lambda x: ops.while_loop(lambda v: ops.sum(v) < 1e9, body, x))
    x = np.ones((n, n), np.float32)
    function.traced_for([x])
    times = []

    def stop(*_):
        times.append(time.monotonic())
        raise Stop
    before = signal.signal(signal.SIGALRM, stop)
    begin = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.15)
        with pytest.raises(Stop):
            function(x)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert times[0] - begin < 0.15 + 0.3


# ---- bits
def test_bits_do_not_depend_on_threads_or_rows():
    w, b = (Variable(np.float32(a)) for a in (normal(16, 64) / 4, normal(64)))

    def f(h, c, x):
        def step(carry, v):
            h, c = carry
            i, f, g, o = ops.split(ops.matmul(h, w) + v + b, 4, axis=-1)
            c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
            h = ops.sigmoid(o) * ops.tanh(c)
            return (h, c), h
        (h, c), ys = ops.scan(step, (h, c), x)
        return [h, c, ys]

    def both(h, c, x):
        outs = f(h, c, x)
        return [*outs, *gradients(ops.sum(outs[2] * outs[2]), [h, c, x])]   # of weights rows meet
    arrays = [np.float32(normal(33, 16)), np.float32(normal(33, 16)), np.float32(normal(40, 33, 64))]
    rows_of = [0, 0, 1, 0, 0, 1]    # the axis of the rows
    before, whole = config.get_num_threads(), None
    try:
        for threads in (1, 2):
            config.set_num_threads(threads)
            for rows in (33, 1, 2, 3, 5, 8, 9, 13, 16, 21, 32):
                got = Function(both)(arrays[0][:rows], arrays[1][:rows], np.ascontiguousarray(arrays[2][:, :rows]))
                whole = whole or got
                for axis, a, all_rows in zip(rows_of, got, whole):
                    want = np.take(all_rows, range(rows), axis)
                    assert a.tobytes() == np.ascontiguousarray(want).tobytes(), (threads, rows)
    finally:
        config.set_num_threads(before)


@pytest.mark.parametrize('rows', [1, 2, 7, 33])
def test_weights_gradients_do_not_depend_on_threads(rows):
    arrays = [a.astype(np.float32) for a in recurrent_arrays(rows, 30, 16, 8)]

    def f(h, x, w, u):
        return gradients(ops.sum(recurrent(h, x, w, u)[1]['h']), [h, x, w, u])
    before, found = config.get_num_threads(), []
    try:
        for threads in (1, 2):
            config.set_num_threads(threads)
            found.append([g.tobytes() for g in Function(f)(*arrays)])
    finally:
        config.set_num_threads(before)
    assert found[0] == found[1]


# ---- other loops
def test_map_and_its_gradient():
    x = normal(5, 3)
    np.testing.assert_allclose(Function(lambda x: ops.map(lambda r: ops.sum(r) * r, x))(np.float32(x)),
                               x.sum(1, keepdims=True) * x, rtol=1e-4)
    check_gradients(lambda x: ops.map(lambda r: ops.sum(r) * ops.exp(r), x), x)
    check_gradients(lambda x: ops.vectorized_map(lambda r: ops.cumsum(r) * r, x), x)


def test_fori_loop():
    f = Function(lambda x: ops.fori_loop(2, 6, lambda i, v: v * 0.5 + ops.cast(i, 'float32'), x))
    x, want = np.float32([3, 4]), np.float32([3, 4])
    for i in range(2, 6):
        want = want * 0.5 + i
    np.testing.assert_allclose(f(x), want)
    check_gradients(lambda x: ops.fori_loop(0, 4, lambda i, v: ops.sin(v) * x, x), normal(4))
    np.testing.assert_array_equal(ops.fori_loop(5, 2, lambda i, v: v * 2, x), x)
    g = Function(lambda n, x: ops.fori_loop(0, n, lambda i, v: v * 2, x))
    for n in (0, 1, 5):
        np.testing.assert_array_equal(g(np.array(n, np.int32), x), x * 2 ** n)
    with pytest.raises(ValueError, match=r'fori_loop.*whole numbers'):
        ops.fori_loop(0.5, 2, lambda i, v: v, x)


def test_while_loop_until_its_condition():
    f = Function(lambda x, top: ops.while_loop(lambda a, n: ops.sum(a) < top, lambda a, n: (a * 2, n + 1), (x, 0)))
    a, n = f(np.float32([1, 2]), np.float32(40))
    assert a.tolist() == [16, 32] and n == 4
    a, n = f(np.float32([100, 2]), np.float32(40))
    assert a.tolist() == [100, 2] and n == 0
    swapped = ops.while_loop(lambda a, b, n: n < 3, lambda a, b, n: (b, a, n + 1), (np.float32([1]), np.float32([2]), 0))
    assert [v.item() for v in swapped] == [2, 1, 3]


def test_a_condition_assigns_variables():
    """It is asked once more than there are rounds, and each time goes on from the time before."""
    asked = Variable(np.float32(0))

    def more(i):
        asked.assign_add(1)
        return i < 5
    f = Function(lambda i: ops.while_loop(more, lambda i: i + 1, i))
    for start, total in ((0, 6), (5, 7), (9, 8), (3, 11)):
        assert f(np.array(start, np.int32)) == max(start, 5) and asked.numpy() == total


def test_while_loop_with_a_limit_has_a_gradient():
    def f(x):
        return ops.while_loop(lambda v: ops.sum(ops.square(v)) < 50., lambda v: ops.sinh(v) + x, x, maximum_iterations=9)
    check_gradients(f, normal(4) / 2 + 0.5)
    x, = placeholders([normal(4)])
    with pytest.raises(ValueError, match='while_loop.*maximum_iterations'):
        gradients(ops.sum(ops.while_loop(lambda v: ops.sum(v) < 5., lambda v: v * 2, x)), [x])


@pytest.mark.parametrize('reverse', [False, True])
@pytest.mark.parametrize('n', [1, 2, 3, 6, 7, 16, 33])
def test_associative_scan(n, reverse):
    x = np.float32(normal(2, n, 3))
    got = Function(lambda x: ops.associative_scan(ops.add, x, reverse=reverse, axis=1))(x)
    want = np.cumsum(x[:, ::-1] if reverse else x, axis=1)
    np.testing.assert_allclose(got, want[:, ::-1] if reverse else want, rtol=1e-4, atol=1e-5)

    def affine(a, b):   # x → p·x + q, one behind the other
        return a[0] * b[0], a[1] * b[0] + b[1]
    p, q = np.float32(normal(n) / 2), np.float32(normal(n))
    ps, qs = ops.associative_scan(affine, (p, q))
    total = (np.float64(1), np.float64(0))
    for k in range(n):
        total = affine(total, (p[k], q[k]))
        np.testing.assert_allclose((ps[k], qs[k]), total, rtol=1e-3, atol=1e-5)
    if n > 1:
        check_gradients(lambda x: ops.associative_scan(ops.multiply, x, reverse=reverse), normal(n, 2))


# ---- choices
def test_a_choice_computes_one_branch():
    """The other's gradient would be NaN times 0."""
    def f(x):
        return ops.cond(ops.sum(x) > 0, lambda: ops.sqrt(ops.sum(x)), lambda: ops.sum(x) * 2)
    g = Function(lambda x: gradients(f(x), [x])[0])
    np.testing.assert_allclose(g(np.float32([-3, 1])), [2, 2])
    np.testing.assert_allclose(g(np.float32([3, 1])), [0.25, 0.25])
    branches = [lambda v: v * 2, lambda v: ops.exp(v) * v]
    check_gradients(lambda i, x: ops.switch(i, branches, x), np.array(1, np.int32), normal(3))
    check_gradients(lambda x: ops.scan(lambda c, v: (ops.cond(ops.sum(c) > 0, lambda: c * v, lambda: c - v), c), x[0], x)[1],
                    normal(6, 3))


def test_a_choice_assigns_variables():
    n = Variable(np.float32(1))

    def more():
        n.assign_add(5)
        return n * 1
    f = Function(lambda p: ops.cond(p, more, lambda: n * 10))
    assert f(np.array(False)) == 10 and n.numpy() == 1
    assert f(np.array(True)) == 6 and n.numpy() == 6


# ---- mistakes
X = Tensor('input', (), {'index': 0}, (4, 3), 'float32')


@pytest.mark.parametrize('call, text', [
    (lambda: ops.scan(lambda c, x: (c[:1], c), X, X), r'\[scan\].*carry: expected float32\[4, 3\].*got float32\[1, 3\]'),
    (lambda: ops.scan(lambda c, x: (ops.cast(c, 'int32'), c), X[0], X), r'\[scan\].*expected float32\[3\].*got int32\[3\]'),
    (lambda: ops.scan(lambda c, x: ((c, c), c), X[0], X), r'\[scan\].*carry: expected'),
    (lambda: ops.scan(lambda c, x: c, X[0], X), r'\[scan\]: f: expected it to return \(carry, y\)'),
    (lambda: ops.scan(lambda c, x: (c, c), X[0], (X, X[:3])), r'\[scan\]: xs, length: expected one known length.*got 3, 4'),
    (lambda: ops.scan(lambda c, x: (c, c), X[0], X, length=5), r'\[scan\].*one known length.*got 4, 5'),
    (lambda: ops.scan(lambda c, x: (c, c), X[0]), r'\[scan\].*one known length.*got none'),
    (lambda: ops.scan(lambda c, x: (c, c), X[0], X[:0]), r'\[scan\].*at least one round, got a length of 0'),
    (lambda: ops.scan(lambda c, x: (c, c), X[0], length=0), r'\[scan\].*at least one round'),
    (lambda: ops.scan(lambda c, x: (c, c), X[0], Tensor('input', (), {'index': 1}, (None, 3), 'float32')),
     r'\[scan\].*one known length.*got None'),
    (lambda: ops.scan(lambda c, x: (c, c), X[0], X, unroll=0), r'\[scan\]: unroll'),
    (lambda: ops.map(lambda r: r, X[0, 0]), r'\[map\].*without axes'),
    (lambda: ops.while_loop(lambda v: ops.sum(v) < 1, lambda v: v[:2], X), r'\[while_loop\].*expected float32\[4, 3\]'),
    (lambda: ops.while_loop(lambda v: v < 1, lambda v: v, X), r'\[while_loop\]: cond: expected one truth value'),
    (lambda: ops.while_loop(lambda v: True, lambda v: v, X, maximum_iterations=-1), r'\[while_loop\]: maximum_iterations'),
    (lambda: ops.fori_loop(0, 3, lambda i, v: v[0], X), r'\[fori_loop\].*expected float32\[4, 3\]'),
    (lambda: ops.cond(X > 0, lambda: X, lambda: X), r'\[cond\]: pred: expected one truth value'),
    (lambda: ops.cond(ops.sum(X) > 0, lambda: X, lambda: X[0]), r'\[choose\].*branch 1: expected the results'),
    (lambda: ops.cond(ops.sum(X) > 0, lambda: [X], lambda: X), r'\[cond\]: the branches'),
    (lambda: ops.switch(ops.sum(X), [lambda: X]), r'\[switch\]: index: expected one whole number'),
    (lambda: ops.associative_scan(ops.add, X, axis=2), r'\[associative_scan\]: axis'),
    (lambda: ops.associative_scan(ops.add, [X, X[:3]]), r'\[associative_scan\]: elems'),
])
def test_mistakes(call, text):
    with pytest.raises(ValueError, match=text):
        call()
