"""Speed of single operations: GEMM and the convolutions of real networks against the FMA peak, all others in GB/s.

    python -m bench ops                         # everything, one thread
    python -m bench ops gemm resnet50           # some parts: gemm resnet50 vgg16 mobilenetv2 scan ops
    python -m bench ops vgg16 --grad --batch 8  # convolutions with their two gradients
    python -m bench ops ops --only softmax
    python -m bench ops scan --threads 2        # loops beside the product in them: see bench/scans.py

Each figure is a median over rounds, and each round measures the peak of one core (fused multiply-adds on registers, the
instruction set in force) right before and behind the run, so that a throttled machine slows both. With one thread the
processor's time is counted, not the clock's, so that other programs do not matter. `share` is the part of threads x peak that
was reached, of the peak in the same moments; operations are counted as the definition has them, so a convolution in the
Winograd domain (see config.set_winograd) may reach more than 1. Weights are constant, hence packed ahead; 'gemm' prints both
with and without packing. `bound`, of depthwise layers on one thread, is how many times as long they take as a call of next to
nothing and the longer of their multiply-adds at the peak and their bytes (read, written, and read to be written over) at the
speed at which x + 1 passes through as many. `rate`, of gradients, is their speed over that of the forward in the same round.
Operands begin with a cache line, as the results of steps do.
"""

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.scans import scans
from fastkeras import _core, config, ops
from fastkeras.graph import Node
from fastkeras.ops import core
from fastkeras.runtime import Function, Variable

SHAPES = Path(__file__).with_name('shapes')
PARTS = ('gemm', 'resnet50', 'vgg16', 'mobilenetv2', 'scan', 'ops')
FAMILIES = ('matmul', 'conv2d', 'conv2d_dx', 'conv2d_dw')  # measured by the other parts
TARGET = 1 << 22  # elements that samples are enlarged to


def rows(name):
    lines = (SHAPES / f'{name}.txt').read_text().splitlines()
    return [line.split() for line in lines if line.strip() and not line.startswith('#')]


class Found(NamedTuple):
    """Medians over rounds."""
    seconds: float          # of a run
    peak: float             # GFLOP/s of one core
    possible: float         # GFLOP of one core in the time of a run: seconds x peak, of the same moments
    bound: float            # seconds of the first over the least that there can be, likewise; else 0
    rate: float             # seconds of the first run over those of this one, of the same round


def measure(runs, seconds, rounds=9, least=None):
    """What was found of each of the runs, which take turns. least(clock, peak): the fewest seconds that the first can take,
    found in the same moments; or None."""
    clock = time.process_time if config.get_num_threads() == 1 else time.perf_counter
    turns = []
    for run in runs:
        run()
        begin = time.perf_counter()
        run()
        once = time.perf_counter() - begin
        turns.append((run, max(1, int(seconds / rounds / max(once, 1e-7))), []))
    for _ in range(rounds):
        before, first = _core.fma_peak(0.01), None
        for run, repeats, found in turns:
            begin = clock()
            for _ in range(repeats):
                run()
            took = (clock() - begin) / repeats
            first = took if first is None else first
            after = _core.fma_peak(0.01)
            peak, before = (before + after) / 2, after
            found.append((took, peak, took * peak, took / least(clock, peak) if least and run is runs[0] else 0, first / took))
    return [Found(*(float(np.median(values)) for values in zip(*found, strict=True))) for _, _, found in turns]


def bytes_and_sums(x, y, flops):
    """`least` of `measure`: what is read and written passes at the speed of x + 1 on as many bytes; a call costs what it does
    on one number."""
    passed = random((x.nbytes + y.nbytes) // 8)
    copy, nothing = (call(lambda x: x + 1, (passed[:count],)) for count in (passed.size, 1))
    repeats = max(1, int(2e8 / passed.nbytes / 10))

    def time_of(run, clock):
        begin = clock()
        for _ in range(repeats):
            run()
        return (clock() - begin) / repeats

    def least(clock, peak):
        called, passing = time_of(nothing, clock), time_of(copy, clock)
        return called + max(flops / peak / 1e9, (passing - called) * (x.nbytes + 2 * y.nbytes) / (3 * passed.nbytes))
    return least


def call(function, arrays):
    """The function on these arrays as a thing to time: compiled, its results written to the same memory each time."""
    compiled = Function(function, reuse_outputs=True)
    compiled(*arrays)
    return lambda: compiled(*arrays)


def random(*shape):
    """Where a plan's own arrays lie: at the beginning of a cache line."""
    numbers = _core.empty(shape, np.float32)
    return np.random.default_rng(0).standard_normal(dtype=np.float32, out=numbers)


class Table:
    """Prints lines of one part and, at its end, the whole weighted by how often each line occurs."""

    def __init__(self, title, args):
        self.args, self.time, self.work, self.possible = args, 0.0, 0.0, 0.0
        print(f'\n{title}: {args.threads} thread{"s" * (args.threads > 1)}, batch {args.batch}, {config.isa()}')
        print(f'{"":34} {"ms":>9} {"GFLOP/s":>9} {"peak":>7} {"share":>6} {"bound":>6}'
              f'{"   rate" if getattr(args, "grad", False) else ""}')

    def line(self, name, flops, run, times=1, least=None):
        self.lines({name: run}, flops, times, least)

    def lines(self, runs, flops, times=1, least=None):
        """A line for each of the runs, which take turns; what all but the first have of its rate."""
        measured = measure(list(runs.values()), self.args.seconds, least=least)
        for turn, (name, found) in enumerate(zip(runs, measured, strict=True)):
            seconds, peak, possible = found.seconds, found.peak * self.args.threads, found.possible * self.args.threads
            speed, share = flops / seconds / 1e9, flops / possible / 1e9
            text = f'{name:34} {seconds * 1e3:9.3f} {speed:9.1f} {peak:7.1f} {share:6.2f}'
            print(f'{text} {"":6} {found.rate:6.2f}' if turn else f'{text} {found.bound:6.2f}' if least else text, flush=True)
            self.time += times * seconds
            self.work += times * flops
            self.possible += times * possible

    def total(self):
        print(f'{"all of one pass":34} {self.time * 1e3:9.3f} {self.work / self.time / 1e9:9.1f} '
              f'{self.possible / self.time:7.1f} {self.work / self.possible / 1e9:6.2f}')


def gemm(args):
    table = Table('matmul m x n x k', args)
    for m, n, k in ([int(v) for v in row] for row in rows('gemm')):
        a, b = random(m, k), random(k, n)
        weight = Variable(b)
        table.line(f'{m} x {n} x {k}', 2 * m * n * k, call(ops.matmul, (a, b)))
        table.line(f'{m} x {n} x {k}, b packed', 2 * m * n * k, call(lambda a, w=weight: ops.matmul(a, w), (a,)))


def convolutions(name, args):
    table = Table(name, args)
    for layer, *sizes, padding, kind, times in rows(name):
        h, w, c, oc, kh, kw, stride = (int(v) for v in sizes)
        x = random(args.batch, h, w, c)
        deep = kind == 'conv'
        kernel = Variable(random(kh, kw, c, oc if deep else 1))
        function = ops.conv if deep else ops.depthwise_conv

        def forward(x, k=kernel, f=function, s=stride, p=padding):
            return f(x, k, s, p, 'channels_last')
        y = Function(forward)(x)
        flops = 2 * y.size * kh * kw * (c if deep else 1)
        least = None if deep or args.threads > 1 else bytes_and_sums(x, y, flops)
        runs = {f'{layer} {h}x{w}x{c} {kh}x{kw}/{stride} {oc}': call(forward, (x,))}
        if args.grad:
            record, attrs = 'conv2d' if deep else 'depthwise_conv2d', _attributes(forward, x)
            runs[f'{layer} dx'] = call(lambda y, k=kernel, r=record, a=attrs, size=(h, w): core.apply(
                f'{r}_dx', (y, k), size=size, **a), (y,))
            runs[f'{layer} dw'] = call(lambda x, y, r=record, a=attrs, size=(kh, kw): core.apply(
                f'{r}_dw', (x, y), kernel_size=size, **a), (x, y))
        table.lines(runs, flops, int(times), least)
    table.total()


def _attributes(forward, x):
    seen = {}

    def trace(x):
        node = forward(x)
        seen.update(node.attrs)
        return node
    Function(trace)(x)
    return seen


def enlarged(op, sample):
    """(inputs, attributes) of the sample with its leading axis repeated to TARGET elements, where the op takes that."""
    record, inputs, attrs = core.record(op), sample.inputs, dict(sample.attrs)
    if record.random:
        return inputs, dict(attrs, shape=(TARGET,))
    size = max((a.size for a in inputs), default=0)
    if not size or not inputs[0].ndim:
        return inputs, attrs
    lead, factor = inputs[0].shape[0], max(1, TARGET // size)
    if record.micro is not None and len({a.shape for a in inputs}) == 1:
        grown = [np.resize(a, (TARGET // 1024, 1024)) for a in inputs]
    else:
        grown = [np.tile(a, (factor,) + (1,) * (a.ndim - 1)) if a.ndim and a.shape[0] == lead else a for a in inputs]
    try:
        record.spec(*(Node('input', (), {}, a.shape, a.dtype.name) for a in grown), **attrs)
    except (ValueError, IndexError):
        return inputs, attrs
    return grown, attrs


def others(args):
    print(f'\nother operations: {args.threads} thread{"s" * (args.threads > 1)}, {config.isa()}')
    print(f'{"":50} {"ms":>9} {"GB/s":>8}')
    for op, record in sorted(core.records().items()):
        if record.samples is None or record.bodies or op in FAMILIES or (args.only and args.only not in op):
            continue
        sample = max(record.samples(), key=lambda s: (len({a.shape for a in s.inputs}) == 1, s.inputs[0].size))
        inputs, attrs = enlarged(op, sample)
        inputs = [np.ascontiguousarray(a) for a in inputs]
        run = call(lambda *x, op=op, attrs=attrs: core.apply(op, x, **attrs), inputs)
        seconds = measure([run], args.seconds / 3, 5)[0].seconds
        moved = sum(a.nbytes for a in inputs) + run().nbytes
        text = f'{op} {", ".join("x".join(map(str, a.shape)) for a in inputs)}'
        print(f'{text:50.50} {seconds * 1e3:9.3f} {moved / seconds / 1e9:8.2f}', flush=True)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('parts', nargs='*', help=' '.join(PARTS))
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--batch', type=int, default=1)
    parser.add_argument('--seconds', type=float, default=0.5, help='of each figure')
    parser.add_argument('--grad', action='store_true', help='the gradients of convolutions too')
    parser.add_argument('--only', help="of 'ops', those whose name holds this")
    args = parser.parse_args(argv)
    unknown = set(args.parts) - set(PARTS)
    if unknown:
        parser.error(f'unknown parts {sorted(unknown)}; choose from {" ".join(PARTS)}')
    config.set_num_threads(args.threads)
    for part in args.parts or PARTS:
        if part == 'gemm':
            gemm(args)
        elif part == 'scan':
            scans(args, measure)
        elif part == 'ops':
            others(args)
        else:
            convolutions(part, args)


if __name__ == '__main__':
    main()
