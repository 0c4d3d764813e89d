"""What a shape that was not seen before costs: tracing a model and making its plan, stage by stage; the first training step.

    python -m bench compile
    python -m bench compile --only 'resnet50 train'

Each case has a process of its own, so that the first call of each is a first one. A plan is made for several batch sizes; of
the second and later ones the medians count, as the first also computes and packs what depends on weights alone.
"""
import json
import statistics
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

from bench import networks
from bench.cases import matches
from bench.report import quantity

ROOT = Path(__file__).resolve().parent.parent

# bound: milliseconds for a plan of a new batch size, or for the first training step with its run, whichever the kind says
Case = namedtuple('Case', 'network kind batches bound')
CASES = [
    Case('five_layers', 'predict', tuple(range(1, 16)), 2.0),
    Case('mnist_cnn', 'predict', tuple(range(1, 12)), None),
    Case('MobileNetV2', 'predict', tuple(range(1, 8)), 40.0),
    Case('ResNet50', 'predict', tuple(range(1, 8)), 60.0),
    Case('ResNet152', 'predict', (1, 2, 3, 4), None),
    Case('mnist_cnn', 'train', tuple(range(1, 12)), None),
    Case('ResNet50', 'train', (1, 2, 3), 1000.0),
    Case('ResNet152', 'train', (1, 2), None),
]


def name_of(case):
    return f'{case.network} {case.kind}'


def call_of(case):
    """batch → a call of the network with that many rows."""
    from bench.engines import native
    from fastkeras import optimizers
    model = native.build(case.network)
    if case.kind == 'train':
        model.compile(optimizers.Adam(), networks.NETWORKS[case.network].loss)

    def call(batch):
        x = networks.inputs(case.network, batch)
        if case.kind == 'predict':
            return lambda: model.predict_on_batch(x)
        y = networks.targets(case.network, batch)
        return lambda: model.train_on_batch(x, y)
    return call


def seconds(call):
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def measured(case):
    """For each batch: seconds of its first call and of the next ones, and of the stages between (see compiler/stages.py)."""
    from fastkeras.compiler import stages
    made, found = call_of(case), []
    for batch in case.batches:
        call = made(batch)
        with stages.watched() as took:
            first = seconds(call)
        found.append({'batch': batch, 'first': first, 'next': min(seconds(call) for _ in range(3)), 'stages': took})
    return found


def in_own_process(case):
    out = subprocess.run([sys.executable, '-m', 'bench.compile', str(CASES.index(case))], capture_output=True, text=True,
                         cwd=ROOT)
    if out.returncode:
        raise RuntimeError(f'{name_of(case)}: {out.stderr[-2000:]}')
    return json.loads(out.stdout.splitlines()[-1])


def rows_of(case, found):
    """The quantities of one case, in milliseconds."""
    def ms(name, value, bound=None):
        return quantity(f'{name_of(case)}: {name}', value * 1e3, 'ms', bound)

    def plan(entry, which):
        return sum(took[which] for took in entry['stages'].values())
    cold, *warm = found
    training = case.kind == 'train'
    yield ms(f'first call, batch {cold["batch"]}', cold['first'], case.bound if training else None)
    yield ms('of it its plan', plan(cold, 0))
    yield ms('of it the run', cold['next'])
    yield ms('a batch size not seen before, its plan', statistics.median(plan(e, 0) for e in warm),
             None if training else case.bound)
    yield ms('the same in processor time', statistics.median(plan(e, 1) for e in warm))
    yield ms('the same call beyond the next one', statistics.median(e['first'] - e['next'] for e in warm))
    for stage in warm[-1]['stages']:
        yield ms(f'  {stage}, processor time', statistics.median(e['stages'].get(stage, [0, 0])[1] for e in warm))


def rows(only):
    for case in CASES:
        if matches(only, name_of(case)):
            yield from rows_of(case, in_own_process(case))


if __name__ == '__main__':
    print(json.dumps(measured(CASES[int(sys.argv[1])])))
