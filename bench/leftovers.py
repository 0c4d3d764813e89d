"""What stays in memory of models that are gone.

    python -m bench memory --only 'del|cycles'
    python -m bench.leftovers NETWORK        # what a child runs; 'cycles' for those

A process of its own makes a network, trains and predicts with it, and lets go of it by `del` alone, with Python's collector
off. The fourth time counts: the first ones also take what is the process's, such as room that each thread works in. Cycles
build a small model, fit, predict and call K.clear_session.
"""
import gc
import json
import subprocess
import sys

import numpy as np

from bench import networks
from bench.cases import matches
from bench.engines import OURS
from bench.harness import ROOT, environment
from bench.report import quantity

NETWORKS, STAYS = ('mnist_mlp', 'cifar10_cnn', 'MobileNetV2'), 0.01     # the share of its bytes that may stay
CYCLES, COUNTED_FROM, GROWTH = 300, 10, 2                               # MB that all cycles behind the tenth may add


def left(network, batch=4):
    """The share of the bytes a model took that is still taken when it was deleted."""
    from bench import memory
    from bench.engines import native
    gc.disable()
    x, y = networks.inputs(network, batch), networks.targets(network, batch)
    for _ in range(4):
        before = memory.megabytes('RssAnon')
        model = native.build(network)
        model.compile('adam', networks.NETWORKS[network].loss)
        model.fit(x, y, verbose=0)
        model.predict(x)
        at_most = memory.megabytes('RssAnon')
        del model
        after = memory.megabytes('RssAnon')
    return (after - before) / (at_most - before)


def growth():
    """MB that cycles behind the first ten add."""
    from bench import memory
    from fastkeras import backend, layers
    from fastkeras.models import Sequential
    x, y = np.zeros((32, 8, 8, 3), np.float32), np.zeros((32, 3), np.float32)
    for k in range(CYCLES):
        if k == COUNTED_FROM:
            begin = memory.megabytes('RssAnon')
        model = Sequential([layers.Conv2D(8, 3, activation='relu', input_shape=(8, 8, 3)), layers.BatchNormalization(),
                            layers.Flatten(), layers.Dropout(0.5), layers.Dense(3, activation='softmax')])
        model.compile('adam', 'categorical_crossentropy', metrics=['accuracy'])
        model.fit(x, y, verbose=0)
        model.predict(x)
        backend.clear_session()
    return memory.megabytes('RssAnon') - begin


def rows(only, bench):
    """The quantities."""
    def measured(what):
        done = subprocess.run([sys.executable, '-m', 'bench.leftovers', what], cwd=ROOT, env=environment(), check=True,
                              text=True, stdout=subprocess.PIPE, stderr=bench.log)
        return json.loads(done.stdout.splitlines()[-1])
    for network in NETWORKS:
        name = f'del model, {network}: what stays, {OURS}'
        if matches(only, name):
            yield quantity(name, measured(network), 'of its bytes', STAYS)
    name = f'{CYCLES} cycles of build, fit, predict, clear_session: growth behind the {COUNTED_FROM}th, {OURS}'
    if matches(only, name):
        yield quantity(name, measured('cycles'), 'MB', GROWTH)


if __name__ == '__main__':
    print(json.dumps(growth() if sys.argv[1] == 'cycles' else left(sys.argv[1])))
