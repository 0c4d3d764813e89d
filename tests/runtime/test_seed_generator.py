"""Random draws without a seed, in plans."""
import subprocess
import sys

import numpy as np
import pytest

from fastkeras.runtime import Function, SeedGenerator

DRAWS = '''
import numpy as np
{}
from fastkeras import ops
from fastkeras.runtime import Function
np.random.seed(7)
f = Function(lambda x: x + ops.random_uniform((4,)))
for _ in range(2):
    print(f(np.zeros(4, np.float32)).tolist())
'''


@pytest.mark.parametrize('imported', ['', 'import fastkeras.layers', 'import fastkeras.models'])
def test_unseeded_draws_of_a_plan_do_not_depend_on_what_is_imported(imported):
    runs = [subprocess.run([sys.executable, '-c', DRAWS.format(text)], capture_output=True, text=True, check=True)
            .stdout.split('\n') for text in ('', imported)]
    assert runs[0] == runs[1]
    assert runs[0][0] != runs[0][1]         # each run draws anew


def test_a_stream_goes_on_in_plans_and_outside():
    seeds, again = SeedGenerator(3), SeedGenerator(3)
    inside = Function(lambda x: x + seeds.next())
    zero = np.zeros(2, np.int32)
    first = [inside(zero).tolist(), inside(zero).tolist(), seeds.next().tolist()]
    assert first == [again.next().tolist() for _ in range(3)] and first[0] != first[1]
    seeds.reset()
    assert inside(zero).tolist() == first[0]
