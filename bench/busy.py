"""Predicting beside other programs: what one and two busy processes cost, many threads on one model, many processes.

    python -m bench busy

Networks that run alone and beside programs that do nothing but count take turns of half a second; a figure is the median of the
turns. Threads, and processes of two threads each, predict the small network row by row, and are counted together. How long
another thread of a process that predicts waits for its turn is what its sleeps of a millisecond last longer than they should.
"""
import os
import random
import statistics
import subprocess
import sys
import threading
import time

from bench import networks
from bench.cases import matches
from bench.company import beside
from bench.harness import ROOT, environment
from bench.report import quantity

# network, batch, how many times as long a batch may take beside one busy process
NETWORKS = (('mnist_mlp', 1, 1 / 0.6), ('mnist_cnn', 1, 1 / 0.6), ('cifar10_cnn', 32, None), ('ResNet50', 1, 1.6))
THREADS, OF_ONE = 32, 1 / 0.9           # all threads' rows take at most so many times as long as those of one
PROCESSES, OF_TWO = 8, 1 / 0.95
TURNS, SECONDS = 5, 0.5
CHILD = '''
import sys
from bench import busy
call = busy.predictor('mnist_mlp', 1)
print('ready', flush=True)
sys.stdin.readline()
print(busy.rate(call, 2.0), flush=True)
'''


def predictor(network, batch):
    """A call that predicts one batch."""
    from bench.engines import native
    model, x = native.build(network), networks.inputs(network, batch)
    for _ in range(20):
        model.predict_on_batch(x)
    return lambda: model.predict_on_batch(x)


def rate(call, seconds=SECONDS):
    """Calls a second."""
    done, begin = 0, time.perf_counter()
    while time.perf_counter() < begin + seconds:
        call()
        done += 1
    return done / (time.perf_counter() - begin)


def disturbed(network, batch):
    """Medians of the rates beside no, one and two busy processes."""
    call = predictor(network, batch)
    rates = ([], [], [])
    for _ in range(TURNS):
        for number, found in enumerate(rates):
            with beside(number):
                found.append(rate(call))
    return [statistics.median(found) for found in rates]


def by_threads(number, seconds=2.0):
    """Predictions a second of `number` Python threads on one model, together."""
    call = predictor('mnist_mlp', 1)
    counts, ended = [0] * number, threading.Event()

    def work(k):
        while not ended.is_set():
            call()
            counts[k] += 1

    workers = [threading.Thread(target=work, args=(k,)) for k in range(number)]
    begin = time.perf_counter()
    for worker in workers:
        worker.start()
    time.sleep(seconds)
    ended.set()
    for worker in workers:
        worker.join()
    return sum(counts) / (time.perf_counter() - begin)


def waits(seconds=2.0):
    """How much later than it should a thread goes on, which sleeps again and again beside one that predicts: sorted seconds."""
    call, ended, late = predictor('mnist_mlp', 1), threading.Event(), []

    def work():
        while not ended.is_set():
            call()

    worker = threading.Thread(target=work)
    worker.start()
    until = time.perf_counter() + seconds
    while (begin := time.perf_counter()) < until:
        asked = random.uniform(0.5e-3, 1.5e-3)
        time.sleep(asked)
        late.append(time.perf_counter() - begin - asked)
    ended.set()
    worker.join()
    return sorted(late)


def by_processes(number):
    """Predictions a second of `number` processes, together."""
    env = {**environment(), 'FASTKERAS_NUM_THREADS': os.environ.get('FASTKERAS_NUM_THREADS', '2')}
    children = [subprocess.Popen([sys.executable, '-c', CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                 cwd=ROOT, env=env) for _ in range(number)]
    for child in children:
        child.stdout.readline()
    for child in children:
        child.stdin.write('go\n')
        child.stdin.flush()
    return sum(float(child.communicate()[0]) for child in children)


def rows(only):
    """The quantities: rates, and how many times as long the same takes in company."""
    for network, batch, most in NETWORKS:
        name = f'{network} b{batch}'
        if matches(only, name):
            quiet, one, two = disturbed(network, batch)
            yield quantity(f'{name}, alone', quiet, 'batches/s')
            yield quantity(f'{name}, beside one busy process', quiet / one, 'times as long', most)
            yield quantity(f'{name}, beside two', quiet / two, 'times as long')
    name = 'waits of a thread beside one that predicts mnist_mlp b1'
    if matches(only, name):
        late = waits()
        for share, of_all in ((0.5, 'half'), (0.99, 'all but one in a hundred')):
            yield quantity(f'{name}, {of_all} below', late[int(share * len(late))] * 1e6, 'us')
    for name, measure, few, many, most in (('threads on one model', by_threads, 1, THREADS, OF_ONE),
                                           ('processes', by_processes, 2, PROCESSES, OF_TWO)):
        if matches(only, name):
            base, other = (statistics.median(measure(n) for _ in range(3)) for n in (few, many))
            yield quantity(f'{few} {name}, mnist_mlp b1', base, 'rows/s')
            yield quantity(f'{many} {name}, all together', base / other, 'times as long', most)
