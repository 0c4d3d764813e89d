"""What small things cost: a training step and a prediction of a tiny network, memory that a step allocates, the import.

    python -m bench latency
"""
import gc
import os
import statistics
import subprocess
import sys
import time
import tracemalloc

import numpy as np

from bench.cases import matches
from bench.installed import START
from bench.report import quantity


def median_us(call, repeats=15, number=400):
    """Median over `repeats` of the mean time of `number` calls, in microseconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(number):
            call()
        times.append((time.perf_counter() - start) / number * 1e6)
    return statistics.median(times)


def small_network():
    from fastkeras.layers import Dense
    from fastkeras.models import Sequential
    model = Sequential([Dense(32, activation='relu', input_shape=(10,)), Dense(1)])
    model.compile('adam', 'mse')
    return model


def changed(model, row):
    """A call that predicts a row behind a change of all weights."""
    weights = model.weights

    def call():
        for weight in weights:
            weight.touch()
        model.predict_on_batch(row)
    return call


def steps():
    from fastkeras import _core
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((32, 10)).astype('float32'), rng.standard_normal((32, 1)).astype('float32')
    model, row = small_network(), x[:1]
    wide = row.astype('float64')
    for _ in range(50):
        model.train_on_batch(x, y)
        for rows in (row, wide):
            model.predict(rows)
            model.predict_on_batch(rows)
        model(row)
    plan = model._predict_steps.function('predict').traced_for([row])
    outs = plan.run([row])
    yield quantity('train_on_batch, Dense(32)-Dense(1), batch 32, Adam', median_us(lambda: model.train_on_batch(x, y)), 'us')
    yield quantity('predict, one row of it', median_us(lambda: model.predict(row)), 'us')
    yield quantity('predict_on_batch, one row of it', median_us(lambda: model.predict_on_batch(row)), 'us')
    yield quantity('the same, float64', median_us(lambda: model.predict_on_batch(wide)), 'us')
    yield quantity('the same, each behind a change of weights', median_us(changed(model, row)), 'us')
    yield quantity('model(x), one row of it', median_us(lambda: model(row)), 'us')
    yield quantity('the plan of that row by itself', median_us(lambda: plan.execute([row], outs)), 'us')
    gc.collect()
    arenas = _core.allocations()
    tracemalloc.start()
    model.train_on_batch(x, y)
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(1000):
        model.train_on_batch(x, y)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    yield quantity('1000 training steps, Python memory grown', after - before, 'bytes')
    yield quantity('1000 training steps, allocations of arenas', _core.allocations()[0] - arenas[0], '')


IMPORT = '''
import resource, time
import numpy
rss = lambda: int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 2 ** 20
a, t = rss(), time.perf_counter()
import {module}
print((time.perf_counter() - t) * 1e3, rss() - a)
'''


def imports():
    # as installed: pip compiles the modules, the first run here does
    env = {k: v for k, v in os.environ.items() if k != 'PYTHONDONTWRITEBYTECODE'}
    for module in ('fastkeras', 'fastkeras.models, fastkeras.layers'):
        code = IMPORT.format(module=module)
        runs = [[float(v) for v in subprocess.run([sys.executable, '-c', code], capture_output=True, text=True,
                                                  check=True, env=env, cwd=START).stdout.split()] for _ in range(9)]
        ms, mb = (statistics.median(v) for v in zip(*runs))
        yield quantity(f'import {module}, beyond numpy', ms, 'ms')
        yield quantity(f'import {module}, beyond numpy: resident', mb, 'MB')


def rows(only):
    return (row for part in (steps, imports) for row in part() if matches(only, row['name']))
