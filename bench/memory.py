"""Resident memory that a network takes, above what its engine takes once imported; each figure from a fresh process.

    python -m bench.memory ENGINE predict_on_batch VARIANT NETWORK BATCH THREADS [FILE]     # what a child runs
"""
import gc
import json
import subprocess
import sys
from pathlib import Path

from bench import engines, leftovers, networks
from bench.cases import Case, matches
from bench.engines import OURS
from bench.harness import ROOT, EngineError, environment
from bench.report import quantity

STEPS = 5
BEYOND_WEIGHTS = 120  # MB that predicting with VGG16 may take beside its weights
SHARE = 0.5  # of what a peer's memory grows by in training
TRAINED = {'cifar10_cnn': ('torch', ('eager', 'eager channels_last')),      # case of training → its peer, and the ways it has
           'lstm': ('tensorflow', ('train_on_batch', 'function'))}


def megabytes(field):
    """Of this process: 'VmRSS' now, 'VmHWM' at its highest. Where there is no /proc, the highest for both."""
    try:
        lines = dict(line.split(':', 1) for line in Path('/proc/self/status').read_text().splitlines())
        return int(lines[field].split()[0]) / 1024
    except (OSError, KeyError):
        import resource
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2 ** 20 if sys.platform == 'darwin' else 1024)


def forget_peak():
    try:
        Path('/proc/self/clear_refs').write_text('5')
    except OSError:
        return


def child(engine, task, variant, network, batch, threads, file=None):
    """MB above the import: at the highest while the network is made, and while it runs."""
    engine = engines.load(engine, threads)
    x = networks.inputs(network, batch)
    imported = megabytes('VmRSS')
    forget_peak()
    if task == 'train_on_batch':
        call = engine.trainer(variant, network, batch)
    else:
        feed, run = engine.predictor(task, variant, network, batch, file)
        fed = feed(x)
        call = lambda: run(fed)  # noqa: E731
    gc.collect()
    making = megabytes('VmHWM') - imported
    forget_peak()
    for _ in range(STEPS):
        call()
    return {'making': making, 'running': megabytes('VmHWM') - imported}


def measure(engine, case, variant, bench):
    file = bench.file(engines.ENGINES[engine].files, case)
    command = [sys.executable, '-m', 'bench.memory', engine, case.task, variant, case.network, str(case.batch),
               str(bench.threads), *([file] if file else [])]
    done = subprocess.run(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=bench.log, check=True,
                          text=True)
    return json.loads(done.stdout.splitlines()[-1])


def rows(only, bench):
    """Predicting with VGG16, all engines; training, ours and one peer; what stays of ours when it is gone."""
    yield from leftovers.rows(only, bench)
    variants = {OURS: 'predict_on_batch', 'torch': 'eager channels_last', 'tensorflow': 'predict_on_batch',
                'onnxruntime': 'session', 'openvino': 'latency', 'litert': 'interpreter'}
    vgg = Case('models', 'VGG16', 1)
    for engine in [n for n in bench.names if n in variants and matches(only, vgg.name)]:
        try:
            found = measure(engine, vgg, variants[engine], bench)
        except (EngineError, subprocess.CalledProcessError) as error:
            if engine == OURS:
                raise
            print(f'{vgg.name}, {engine}: {error}')
            continue
        bound = weights(vgg.network) + BEYOND_WEIGHTS if engine == OURS else None
        yield quantity(f'{vgg.name}, predicting: peak above the import, {engine}', found['running'], 'MB', bound)
        yield quantity(f'{vgg.name}, making it: peak above the import, {engine}', found['making'], 'MB')
    for network, (peer, ways) in TRAINED.items():
        case = Case('training', network, 32)
        if not matches(only, case.name):
            continue
        other = min(measure(peer, case, way, bench)['running'] for way in ways) if peer in bench.names else None
        ours = measure(OURS, case, 'train_on_batch', bench)['running']
        name = f'{case.name}, training {STEPS} steps: peak above the import'
        yield quantity(f'{name}, {OURS}', ours, 'MB', other and SHARE * other)
        if other:
            yield quantity(f'{name}, {peer}', other, 'MB')


def weights(network):
    """MB of them."""
    from fastkeras import layers
    from fastkeras.models import Model
    return Model(*networks.NETWORKS[network].build(layers)).count_params() * 4 / 2 ** 20


if __name__ == '__main__':
    name, task, variant, network, batch, threads, *file = sys.argv[1:]
    print(json.dumps(child(name, task, variant, network, int(batch), int(threads), *file)))
