"""Which block sizes of the kernels this machine likes best (docs/performance.md, Block sizes).

    python -m bench tune                        # every size, with the instruction set in force
    python -m bench tune --isa v3 --only kc,mc  # some sizes, with another set
    FASTKERAS_BLOCKS=… python my_script.py      # a run with what was found

Each value is tried in a process of its own, which gets it by FASTKERAS_BLOCKS, beside two with the sizes as they are. All take
turns on each case, one thread. A figure is processor time x the peak measured right beside it (fused multiply-adds on
registers), so a throttled machine slows both; what is printed is its ratio to the mean of the two, so below 1 is faster. How
the memory of a process falls on the caches moves single cases by several percent, so there are rounds with new processes, and
medians over these. What the two with the same sizes differ by is noise: a value is chosen when it is faster over all cases by
more than twice the standard error that this gives, and slower in none; otherwise the size stays. At the end all that were
chosen are tried together.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections import namedtuple

from bench import machine
from bench.harness import ROOT, environment
from fastkeras import _core, config

LEAST_NOISE = 0.015
WORSE = 0.02  # what a case may lose by, beside the noise
MATRICES = ('mm 512 512 512', 'mm 1024 1024 1024', 'ms 1024 1024 1024', 'conv 14 14 1024 1 1 256 4',
            'conv 28 28 512 1 2 1024 4')
STORED = ('ms 1024 1024 1024', 'ms 256 1024 2048', 'ms 128 512 2560')
SUMS = ('dw 56 56 64 1 1 256 4', 'dw 14 14 1024 1 1 256 8', 'dw 28 28 128 3 2 256 4')
TILED = ('conv 56 56 64 3 1 64 1', 'conv 28 28 128 3 1 128 1', 'conv 14 14 256 3 1 256 4', 'conv 56 56 256 3 1 256 1')
TILED_SUMS = ('dw 56 56 64 3 1 64 4', 'dw 28 28 128 3 1 128 4', 'dw 14 14 256 3 1 256 8')
# block size: what is tried, on which cases. Of a case: its kind, then its sizes (see `made`)
Trial = namedtuple('Trial', 'values cases')
TRIALS = {
    'kc': Trial((192, 256, 320, 512), MATRICES),
    'mc': Trial((48, 72, 144, 192), MATRICES),
    'nc': Trial((512, 2048), ('mm 512 2048 512', 'mm 1024 2048 1024', 'conv 14 14 512 1 1 2048 4')),
    'far_rows': Trial((96, 192, 1024), ('chain 49 1024', 'chain 196 1024', 'chain 784 1024')),
    'near_numbers': Trial((0, 65536, 196608), (*MATRICES[:2], *MATRICES[3:])),
    'near_columns': Trial((128, 256, 1024), ('mm 784 256 512', 'mm 3136 64 256', 'mm 196 512 1024')),
    'stored_columns': Trial((128, 192, 384, 512), STORED),
    'stored_cell': Trial((128, 192, 384, 512), STORED),
    'dw_rows': Trial((144, 192, 384), SUMS),
    'dw_columns': Trial((128, 192, 384), SUMS),
    'dw_steps': Trial((128, 192, 384), SUMS),
    'wino_channels': Trial((64, 96, 256), TILED),
    'wino_tiles': Trial((32, 48, 96), TILED),
    'wino_tiles_kb': Trial((1024, 2048), ('conv 28 28 512 3 1 512 1', 'conv 14 14 512 3 1 512 4')),
    'wino_filters': Trial((0, 2048, 8192), TILED),
    'wino_stay_kb': Trial((500, 750, 1500), TILED),
    'wino_fetch_kb': Trial((0, 256, 1024), TILED),
    'wino_dw_channels': Trial((64, 96), TILED_SUMS),
    'wino_dw_tiles': Trial((16, 24, 48, 72), TILED_SUMS),
    'few_pixels': Trial((48, 64, 128, 192), ('conv 224 224 3 3 1 64 1', 'conv 224 224 3 7 2 64 1', 'dw 112 112 3 3 1 32 2')),
    'depthwise_numbers': Trial((8192, 16384, 65536), ('deep 112 112 32 3 1 1', 'deep 56 56 144 3 1 2', 'deep 14 14 576 3 1 8')),
    'depthwise_near': Trial((2048, 4096, 8192, 16384), ('deep 28 28 192 3 2 1', 'deep 14 14 576 3 2 1')),
    'between_numbers': Trial((32768, 65536, 262144), ('between 56 56 24 144 1 1', 'between 14 14 64 384 1 4')),
    'past_kb': Trial((2048, 32768, 1048576), ('norm 112 112 64 8', 'norm 56 56 256 8')),
    'attention_steps': Trial((64, 96), ('attention 128 64 4', 'attention 512 64 2')),
    'attention_sources': Trial((128, 384, 512), ('attention 128 64 4', 'attention 512 64 2')),
    'attention_dx_sources': Trial((64, 192, 256), ('attention_dx 128 64 4', 'attention_dx 512 64 2')),
}


# ---- one process
def made(case):
    """A function to time. mm, ms: m × n × k with b packed, and as stored; chain: m rows through 8 square matrices, which
    are together more than a cache holds; conv, dw (its gradient by the kernel): h w c kernel stride channels batch; deep: the
    same of a depthwise one without the channels; between: h w c channels stride batch, those that h w c are widened to for a
    depthwise layer; norm: h w c of a batch by a scale, with a shift and relu, then a product; attention: steps, size of a head,
    batch, with 8 heads; attention_dx: with its gradient."""
    from bench.ops import _attributes, call, random
    from fastkeras import ops
    from fastkeras.compiler.autodiff import gradients
    from fastkeras.ops import core
    from fastkeras.runtime import Function, Variable
    kind, *sizes = case.split()
    sizes = [int(n) for n in sizes]
    if kind in ('mm', 'ms'):
        m, n, k = sizes
        weight = Variable(random(k, n))
        if kind == 'ms':
            return call(ops.matmul, (random(m, k), random(k, n)))
        return call(lambda a: ops.matmul(a, weight), (random(m, k),))
    if kind == 'chain':
        m, n = sizes
        weights = [Variable(random(n, n) / n ** 0.5) for _ in range(8)]

        def through(x):
            for w in weights:
                x = ops.matmul(x, w)
            return x
        return call(through, (random(m, n),))
    if kind.startswith('attention'):
        steps, dim, batch = sizes

        def attend(q, k, v):
            y = ops.dot_product_attention(q, k, v)
            return y if kind == 'attention' else gradients(ops.sum(y * y), [q, k, v])
        return call(attend, tuple(random(batch, steps, 8, dim) for _ in range(3)))
    if kind == 'between':
        h, w, c, e, stride, batch = sizes
        widen, deep, narrow = (Variable(random(*s) / 8) for s in ((1, 1, c, e), (3, 3, e, 1), (1, 1, e, c)))

        def block(x):
            y = ops.relu6(ops.conv(x, widen, 1, 'same', 'channels_last'))
            y = ops.relu6(ops.depthwise_conv(y, deep, stride, 'same', 'channels_last'))
            return ops.conv(y, narrow, 1, 'same', 'channels_last')
        return call(block, (random(batch, h, w, c),))
    if kind == 'norm':
        h, w, c, batch = sizes
        scale, shift, weight = random(c), random(c), Variable(random(c, 16))

        def normal(x):
            y = ops.relu(x * scale + shift)
            return y, ops.matmul(y, weight)
        return call(normal, (random(batch, h, w, c),))
    h, w, c, size, stride, *channels, batch = sizes
    kernel = Variable(random(size, size, c, channels[0] if channels else 1))
    x = random(batch, h, w, c)

    def forward(x):
        return (ops.depthwise_conv if kind == 'deep' else ops.conv)(x, kernel, stride, 'same', 'channels_last')
    if kind != 'dw':
        return call(forward, (x,))
    attrs, y = _attributes(forward, x), Function(forward)(x)
    return call(lambda x, y: core.apply('conv2d_dw', (x, y), kernel_size=(size, size), **attrs), (x, y))


def work():
    """Read orders, a line each, and answer: a case → 0; a number of seconds → the least time of some runs of it × the peak."""
    config.set_num_threads(1)
    run = None
    for line in sys.stdin:
        order = json.loads(line)
        if isinstance(order, str):
            run = made(order)
            run()
            begin = time.perf_counter()
            run()
            once = time.perf_counter() - begin
            print(0, flush=True)
            continue
        count, times = max(1, int(order / 4 / max(once, 1e-7))), []
        peak = _core.fma_peak(0.005)
        for _ in range(4):
            begin = time.process_time()
            for _ in range(count):
                run()
            times.append((time.process_time() - begin) / count)
        print(min(times) * max(peak, _core.fma_peak(0.005)), flush=True)


class Worker:
    def __init__(self, isa, blocks):
        env = {**environment(), 'FASTKERAS_ISA': isa, 'FASTKERAS_BLOCKS': ','.join(f'{k}={v}' for k, v in blocks.items())}
        self.process = subprocess.Popen([sys.executable, '-c', 'from bench import tune; tune.work()'], cwd=ROOT, env=env,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, order):
        self.process.stdin.write(json.dumps(order) + '\n')
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f'a process of the tuning ended ({self.process.wait()})')
        return float(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


# ---- all of them
def one_round(workers, cases, turns, seconds):
    """For each case, what each worker takes: medians over the turns of the ratio to the mean of the first two."""
    for case in cases:
        for worker in workers:
            worker.ask(case)
        taken = [[] for _ in workers]
        for turn in range(turns):
            order = list(enumerate(workers))
            for i, worker in order if turn % 2 == 0 else order[::-1]:
                taken[i].append(worker.ask(seconds))
        as_it_is = [math.sqrt(a * b) for a, b in zip(*taken[:2])]
        yield [statistics.median(t / a for t, a in zip(times, as_it_is)) for times in taken]


def ratios(isa, settings, cases, args, base):
    """(for each setting the ratios of its cases to the sizes as they are, `base`; the noise of a whole row of them)"""
    rounds = []
    for _ in range(args.rounds):
        workers = [Worker(isa, {**base, **s}) for s in ({}, {}, *settings)]
        try:
            rounds.append(list(one_round(workers, cases, args.turns, args.seconds)))
        finally:
            for worker in workers:
                worker.close()
    same = [math.log(row[1] / row[0]) for found in rounds for row in found]
    noise = 2 * math.sqrt(statistics.fmean(d * d for d in same) / len(same))
    return [[statistics.median(found[i][2 + s] for found in rounds) for i in range(len(cases))]
            for s in range(len(settings))], max(LEAST_NOISE, noise)


def whole(row):
    """One figure of the ratios of several cases."""
    return math.exp(statistics.fmean(map(math.log, row)))


def line(name, row):
    print(f'{name:>16} ' + ' '.join(f'{r:9.3f}' for r in row) + f' {whole(row):9.3f}', flush=True)


def head(cases):
    """The cases in nine letters at most: their kind, and which of its kind."""
    kinds = [case.split()[0][:7] for case in cases]
    names = [f'{kind}{kinds[:i + 1].count(kind)}' for i, kind in enumerate(kinds)]
    print(f'{"":16} ' + ' '.join(f'{name:>9}' for name in (*names, 'all')))


def choice(values, found, noise):
    """(the value that is worth taking, or None, and in words why). found: what `ratios` gives."""
    best = min(range(len(values)), key=lambda i: whole(found[i]))
    gain = whole(found[best])
    if gain >= 1 - noise:
        return None, f'nothing is faster beyond the noise of {noise:.3f}'
    if max(found[best]) > 1 + WORSE + noise:
        return None, f'{values[best]} is faster over all, and slower in one case'
    return values[best], f'{values[best]} takes {gain:.3f} of the time, noise {noise:.3f}'


def tune(isa, names, args, base):
    """{name: value} of the sizes that had better be others."""
    before, chosen = _core.isa(), {}
    config.set_isa(isa)
    now = {**_core.blocks(), **base}
    config.set_isa(before)
    for name in names:
        values = [v for v in TRIALS[name].values if v != now[name]]
        print(f'\n{name}: {_core.block_ranges()[name][3]}; it is {now[name]}')
        head(TRIALS[name].cases)
        found, noise = ratios(isa, [{name: v} for v in values], TRIALS[name].cases, args, base)
        for value, row in zip(values, found):
            line(value, row)
        value, why = choice(values, found, noise)
        print(f'    {name}={now[name] if value is None else value}: {why}', flush=True)
        if value is not None:
            chosen[name] = value
    return chosen


def together(isa, chosen, args, base):
    """Whether what was chosen size by size is also faster as a whole."""
    cases = list(dict.fromkeys(case for name in chosen for case in TRIALS[name].cases))
    print('\nall that were chosen')
    head(cases)
    (row,), noise = ratios(isa, [chosen], cases, args, base)
    line('chosen', row)
    print(f'    noise {noise:.3f}')
    return whole(row) < 1 - noise


def parse(argv):
    parser = argparse.ArgumentParser(prog='python -m bench tune', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--isa', default=config.isa(), help=f'of {" ".join(config.isas())}')
    parser.add_argument('--only', default=','.join(TRIALS), metavar='NAMES', help=f'of {",".join(TRIALS)}')
    parser.add_argument('--rounds', type=int, default=4, help='with new processes')
    parser.add_argument('--turns', type=int, default=3, help='of each process, for each case')
    parser.add_argument('--seconds', type=float, default=0.05, help='that a turn lasts')
    args = parser.parse_args(argv)
    args.only = args.only.split(',')
    for kind, given, known in (('sizes', args.only, TRIALS), ('instruction set', [args.isa], config.isas())):
        if set(given) - set(known):
            parser.error(f'unknown {kind} {sorted(set(given) - set(known))}; choose from {" ".join(known)}')
    return args


def main(argv):
    args = parse(argv)
    about = machine.describe({})
    base = dict(word.split('=') for word in os.environ.get('FASTKERAS_BLOCKS', '').replace(' ', '').split(',') if word)
    base = {name: int(value) for name, value in base.items()}
    caches = ', '.join(f'{name} {size}' for name, size in about['caches'].items())
    print(f'{about["processor"]}, caches {caches}, {args.isa}, one thread; {args.rounds} rounds, {args.turns} turns of '
          f'{args.seconds} s; ratios to the time with the sizes as they are', flush=True)
    chosen = tune(args.isa, args.only, args, base)
    if len(chosen) > 1 and not together(args.isa, chosen, args, base):
        print('together they are not faster: all stay')
        chosen = {}
    everything = {**base, **chosen}
    print('\nFASTKERAS_BLOCKS=' + ','.join(f'{k}={v}' for k, v in everything.items()) if everything else
          '\nall sizes stay: nothing to set in FASTKERAS_BLOCKS')
    return 0
