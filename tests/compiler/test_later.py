"""Steps that are done as late as what they make is read."""

import numpy as np

from fastkeras import ops
from fastkeras.compiler.buffers import Buffer, Step
from fastkeras.compiler.later import later
from fastkeras.runtime import Function

BIG, SMALL = (1 << 16,), (16,)


def step(name, reads, writes):
    return Step(name, [*reads, *writes], None, list(range(len(reads), len(reads) + len(writes))), name)


def names(steps):
    return [s.name for s in steps]


def test_a_large_result_waits_for_its_reader():
    x, big, a, b, y = (Buffer(s, 'float32') for s in (SMALL, BIG, SMALL, SMALL, SMALL))
    steps = [step('grows', [x], [big]), step('a', [x], [a]), step('b', [a], [b]), step('reads', [big, b], [y])]
    assert names(later(steps)) == ['a', 'b', 'grows', 'reads']


def test_what_lets_go_of_more_stays():
    x, big, a, y = (Buffer(s, 'float32') for s in ((1 << 17,), BIG, SMALL, SMALL))
    steps = [step('shrinks', [x], [big]), step('a', [], [a]), step('reads', [big, a], [y])]
    assert names(later(steps)) == ['shrinks', 'a', 'reads']


def test_nothing_passes_a_step_that_changes_what_it_reads():
    x, big, y = (Buffer(s, 'float32') for s in (SMALL, BIG, SMALL))
    steps = [step('grows', [x], [big]), step('changes', [], [x]), step('other', [], [Buffer(SMALL, 'float32')]),
             step('reads', [big], [y])]
    assert names(later(steps)) == ['grows', 'changes', 'other', 'reads']


def test_numbers_are_the_same(monkeypatch):
    x = np.random.default_rng(1).standard_normal((64, 40)).astype('f')
    table = np.random.default_rng(2).standard_normal((4000, 40)).astype('f')
    rows = np.arange(64, dtype='int32')

    def run(x, table, rows):
        picked = ops.scatter_add(rows, x, 4000)
        for _ in range(3):
            x = ops.tanh(ops.matmul(x, ops.transpose(x))) @ x
        return ops.sum(picked * table) + ops.sum(x), x

    with_it = Function(run)(x, table, rows)
    monkeypatch.setenv('FASTKERAS_DISABLE', 'later')
    for a, b in zip(with_it, Function(run)(x, table, rows)):
        np.testing.assert_array_equal(a, b)
