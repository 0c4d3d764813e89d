"""Work that is counted, and bounded."""

import threading

import pytest

from fastkeras import ops, work
from fastkeras.layers import Dense, Input


def refuse():
    return ValueError('too much')


def test_bounds():
    work.done(10**9)
    with pytest.raises(ValueError, match='too much'), work.at_most(3, refuse):
        work.done(3)
        work.done(1)
    with work.at_most(3, refuse):
        with work.at_most(100, refuse):
            work.done(50)
        work.done(3)
    work.done(10**9)


def test_what_is_counted():
    x = Input((3,))
    with work.at_most(10**6, refuse):
        Dense(2)(x)
        assert 10**6 - work._state.left == 2 * work.CALL + 2        # made and called; a product and a sum
        before = work._state.left
        ops.exp(x)
        assert before - work._state.left == 1


def test_other_threads_are_not_bound():
    found = []

    def other():
        try:
            found.append(work.done(10**9))
        except ValueError as error:
            found.append(error)
    with work.at_most(1, refuse):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert found == [None]
