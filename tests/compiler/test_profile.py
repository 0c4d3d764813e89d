import os
import subprocess
import sys

import numpy as np

from fastkeras import ops
from fastkeras.compiler.profile import Profile, kind
from fastkeras.runtime import Function, Variable

RNG = np.random.default_rng(3)


def test_work_and_results_of_a_profiled_plan():
    w, k = (Variable(RNG.standard_normal(s).astype('float32')) for s in ((12, 5), (3, 3, 4, 6)))
    x, y = (RNG.standard_normal(s).astype('float32') for s in ((7, 12), (2, 8, 9, 4)))
    f = Function(lambda x, y: (ops.relu(ops.matmul(x, w)), ops.conv(y, k, padding='same')))
    want = f(x, y)
    compiled = f.traced_for([x, y]).compiled
    work = {s.kernel: s.flops for s in compiled.steps}
    assert work == {'matmul': 2 * 7 * 12 * 5, 'conv_few': 2 * 2 * 8 * 9 * 3 * 3 * 4 * 6}
    grid = Variable(RNG.standard_normal((3, 3, 16, 17)).astype('float32'))
    g = Function(lambda x: ops.conv(x, grid, padding='same'))
    z = RNG.standard_normal((2, 8, 9, 16)).astype('float32')
    g(z)
    assert [s.flops for s in g.traced_for([z]).compiled.steps] == [2 * 2 * 8 * 9 * 3 * 3 * 16 * 17]
    profile = Profile('step', compiled)
    for _ in range(3):
        for got, expected in zip(profile.run([x, y]), want):
            np.testing.assert_array_equal(got, expected)
    assert profile.runs == 3 and len(profile.total) == len(compiled.steps)
    table = profile.table()
    assert 'step: 3 runs of 2 steps' in table and 'matmul+tile' in table and '[2, 8, 9, 4]' in table
    assert [kind(s) for s in compiled.steps if s.kernel == 'conv_few'] == ['conv_few']


def test_the_variable_prints_tables_at_exit():
    code = ('import numpy as np; from fastkeras import ops; from fastkeras.runtime import Function; '
            'f = Function(lambda x: ops.softmax(x) * 2.0, "twice"); f(np.ones((3, 4), "float32")); '
            'f(np.ones((3, 4), "float64"))')
    env = {**os.environ, 'FASTKERAS_DEBUG': 'profile'}
    done = subprocess.run([sys.executable, '-c', code], env=env, capture_output=True, text=True, check=True)
    assert 'twice: 1 runs' in done.stderr and 'softmax' in done.stderr and 'host' in done.stderr
