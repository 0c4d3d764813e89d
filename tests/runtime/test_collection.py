import gc

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.runtime import Function


def test_the_collector_rests_while_a_plan_is_made():
    seen = []

    def fn(x):
        seen.append(gc.isenabled())
        return ops.tanh(x)

    def broken(x):
        raise ValueError('no')

    assert gc.isenabled()
    Function(fn)(np.ones(3, 'float32'))
    with pytest.raises(ValueError):
        Function(broken)(np.ones(3, 'float32'))
    assert seen == [False] and gc.isenabled()
    gc.disable()
    try:
        Function(fn)(np.ones(3, 'float32'))
        assert not gc.isenabled()
    finally:
        gc.enable()
