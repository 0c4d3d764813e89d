"""Steps that are done as soon as what they read stands."""

import numpy as np

from fastkeras import ops
from fastkeras.compiler.buffers import FIXED, Buffer, Step
from fastkeras.compiler.earlier import earlier
from fastkeras.runtime import Function, Variable

BIG, SMALL = (1 << 18,), (16,)


def step(name, reads, writes):
    return Step(name, [*reads, *writes], None, list(range(len(reads), len(reads) + len(writes))), name)


def order(steps, updates=()):
    return [s.name for s in earlier(steps, list(updates))]


def buffers(*shapes):
    return [Buffer(s, 'float32') for s in shapes]


def test_what_makes_little_of_much_comes_first():
    x, y, z, little, after = buffers(BIG, BIG, BIG, SMALL, SMALL)
    steps = [step('x', [], [x]), step('y', [x], [y]), step('z', [y], [z]), step('sums x', [x], [little]),
             step('reads', [z, little], [after])]
    assert order(steps) == ['x', 'sums x', 'y', 'z', 'reads']


def test_what_makes_much_stays():
    x, y, z = buffers(BIG, BIG, BIG)
    steps = [step('x', [], [x]), step('y', [x], [y]), step('z', [x], [z])]
    assert order(steps) == ['x', 'y', 'z']


def test_an_update_waits_for_those_that_read_the_old_value():
    weight = Variable(np.zeros(BIG, 'float32'))
    old = Buffer(BIG, 'float32', FIXED, array=weight.array)
    x, y, other, new = buffers(BIG, BIG, BIG, BIG)
    steps = [step('x', [], [x]), step('reads old', [x, old], [y]), step('other', [y], [other]),
             step('updates', [x, old], [new])]
    assert order(steps, [(weight, new)]) == ['x', 'reads old', 'updates', 'other']


def test_a_number_that_such_a_step_reads_comes_with_it():
    weight = Variable(np.zeros(BIG, 'float32'))
    x, y, rate, new = buffers(BIG, BIG, (), BIG)
    steps = [step('x', [], [x]), step('y', [x], [y]), step('rate', [], [rate]), step('updates', [x, rate], [new])]
    assert order(steps, [(weight, new)]) == ['rate', 'x', 'updates', 'y']


def test_nothing_passes_a_step_that_changes_what_it_reads():
    x, y, little = buffers(BIG, BIG, SMALL)
    steps = [step('x', [], [x]), step('y', [x], [y]), step('changes x', [y], [x]), step('z', [x], buffers(BIG)),
             step('sums x', [x], [little])]
    assert order(steps) == ['x', 'y', 'changes x', 'sums x', 'z']


def test_numbers_are_the_same(monkeypatch):
    rng = np.random.default_rng(1)
    x, start = rng.standard_normal((512, 96)).astype('f'), rng.standard_normal((4, 96, 96)).astype('f') / 10

    def trained():
        weights = [Variable(w) for w in start]

        def run(x):
            kept = [x]
            for w in weights:
                kept.append(ops.tanh(ops.matmul(kept[-1], w)))
            ct = kept[-1] * 0.01
            for w, x, y in zip(weights[::-1], kept[-2::-1], kept[::-1]):
                ct = ct * (1.0 - y * y)
                before = ops.matmul(ct, ops.transpose(w))
                w.assign(w - ops.matmul(ops.transpose(x), ct) * 0.01)
                ct = before
            return ops.sum(ct)
        f = Function(run)
        return [f(x) for _ in range(3)], [w.numpy() for w in weights]

    losses, weights = trained()
    monkeypatch.setenv('FASTKERAS_DISABLE', 'earlier')
    plain = trained()
    np.testing.assert_array_equal(losses, plain[0])
    for a, b in zip(weights, plain[1]):
        np.testing.assert_array_equal(a, b)
