"""Scans beside the product that stands in them: `python -m bench ops scan`.

The body is a recurrent round of four gates (Hochreiter and Schmidhuber 1997, with forget gates): the carried h of
batch x 128 times 128 x 512, the round's row added, sigmoids and tanhs of the four parts, two carried values, a stack of one of
them. 'alone' is the product by itself, as `gemm` measures it with b packed. `share` is of its speed: forwards one product a
round is counted, forwards and backwards three.

For one row the time of a round beyond the product is printed; there the product is one of as many in one plan, since a call
from Python takes longer than it.
"""

import numpy as np

from fastkeras import config, ops
from fastkeras.compiler.autodiff import gradients
from fastkeras.runtime import Function, Variable

UNITS, ROUNDS = 128, 80


def _random(*shape):
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def _recurrent(w):
    def run(h, x):
        def step(carry, row):
            h, c = carry
            i, f, g, o = ops.split(ops.matmul(h, w) + row, 4, axis=-1)
            c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
            h = ops.sigmoid(o) * ops.tanh(c)
            return (h, c), h
        (h, _), stacked = ops.scan(step, (h, h), x)
        return h, stacked
    return run


def scans(args, measure):
    """measure(runs, seconds, rounds): as in bench/ops.py. All are measured in turn, so that what else the
    machine does meets each of them."""
    w = Variable(_random(UNITS, 4 * UNITS) / UNITS ** 0.5)
    forward = _recurrent(w)
    print(f'\nscan of {ROUNDS} rounds, {UNITS} x {4 * UNITS}: {args.threads} thread{"s" * (args.threads > 1)}, {config.isa()}')
    print(f'{"":34} {"us/round":>9} {"GFLOP/s":>9} {"share":>6}')
    for batch in (32, 1):
        h, x = _random(batch, UNITS), _random(ROUNDS, batch, 4 * UNITS)
        rows = [np.ascontiguousarray(v) for v in _random(ROUNDS, batch, UNITS)]
        product = 2 * batch * UNITS * 4 * UNITS
        runs = {
            'alone': (_call(lambda a: ops.matmul(a, w), (h,)), 1, product),
            'as many in one plan': (_call(lambda *rows: [ops.matmul(a, w) for a in rows], rows), ROUNDS, product),
            'forwards': (_call(lambda h, x: forward(h, x), (h, x)), ROUNDS, product),
            'forwards and backwards': (_call(lambda h, x: gradients(ops.sum(forward(h, x)[1]), [h, x, w]), (h, x)), ROUNDS,
                                       3 * product)}
        found = {name: [] for name in runs}
        for _ in range(7):
            for name, (run, rounds, _) in runs.items():
                found[name].append(measure([run], args.seconds / 7, 3)[0].seconds / rounds)
        times = {name: float(np.median(t)) for name, t in found.items()}
        for name, (_, _, work) in runs.items():
            speed = work / times[name] / 1e9
            share = speed / (product / times['alone'] / 1e9)
            print(f'{f"batch {batch}: {name}":34} {times[name] * 1e6:9.2f} {speed:9.1f} {share:6.2f}', flush=True)
        if batch == 1:
            beyond = (times['forwards'] - times['as many in one plan']) * 1e6
            print(f'{"batch 1: a round beyond the product":34} {beyond:9.2f}')


def _call(function, arrays):
    compiled = Function(function, reuse_outputs=True)
    compiled(*arrays)
    return lambda: compiled(*arrays)
