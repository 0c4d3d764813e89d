"""The process of one engine: waits for an order on its input, does it, answers with a line of JSON. See harness.py.

    python -m bench.worker ENGINE THREADS
"""
import gc
import json
import os
import sys
import time
import traceback

import numpy as np

from bench import engines, images, networks

SAMPLE = 2e-3  # seconds that one sample lasts at least: many calls of what is quick


def timed(call, number):
    """Milliseconds per call, over `number` of them."""
    begin = time.perf_counter()
    for _ in range(number):
        call()
    return (time.perf_counter() - begin) / number * 1e3


def samples(call, number, seconds):
    """Times in ms until the seconds are over, at least one. A first run, which is not counted, warms the caches."""
    timed(call, number)
    end, found = time.perf_counter() + seconds, []
    while not found or time.perf_counter() < end:
        found.append(timed(call, number))
    return found


def calls_per_sample(call):
    once = min(timed(call, 1) for _ in range(3))
    return max(1, int(SAMPLE * 1e3 / once))


class Worker:
    def __init__(self, engine, threads):
        self.engine = engines.load(engine, threads)
        self.call = None

    def versions(self):
        return self.engine.versions()

    def _caller(self, order, variant):
        """(call, feed, run) for predicting, (call, None, None) for training."""
        task, network, batch = order['task'], order['network'], order['batch']
        if task == 'train_on_batch':
            return self.engine.trainer(variant, network, batch), None, None
        feed, run = self.engine.predictor(task, variant, network, batch, order['file'])
        x = feed(networks.inputs(network, batch))
        return (lambda: run(x)), feed, run

    def prepare(self, order):
        """Takes the fastest variant, and leaves what it computes in the file `output`.

        With `paths`, of images, it then goes from these to predictions, and times are those of one image.
        """
        best, report = None, {}
        for variant in self.engine.variants[order['task']]:
            try:
                made = self._caller(order, variant)
                made[0]()
                number = calls_per_sample(made[0])
                report[variant] = float(np.median(samples(made[0], number, order['seconds'])))
            except Exception as error:
                report[variant] = f'{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ""}'[:200]
                continue
            if best is None or report[variant] < report[best[0]]:
                best = variant, made, number
            made = None
            gc.collect()
        if best is None:
            raise RuntimeError(f'no variant works: {report}')
        variant, (self.call, feed, run), self.number = best
        self.items = 1
        if order['task'] == 'train_on_batch':
            step = self.engine.trainer(variant, order['network'], order['batch'], dropout=False, rate=1e-4)
            result = [step() for _ in range(3)]
        elif 'paths' in order:
            pipeline = images.pipeline(order['paths'], order['batch'], feed, run)
            self.call, self.number, self.items = pipeline, 1, len(order['paths'])
            result = pipeline()
        else:
            result = self.call()
        np.save(order['output'], np.asarray(result, np.float32))
        return {'variant': variant, 'variants': report}

    def round(self, order):
        return {'samples': [ms / self.items for ms in samples(self.call, self.number, order['seconds'])]}

    def export(self, order):
        getattr(self.engine, f'export_{order["kind"]}')(order['network'], order['batch'], order['path'])
        return {}

    def forget(self):
        self.call = None
        gc.collect()
        return {}


def main(engine, threads):
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)  # what engines print is no answer
    if hasattr(os, 'sched_setaffinity') and threads < len(os.sched_getaffinity(0)):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    worker = Worker(engine, threads)
    answer = {}
    while True:
        print(json.dumps(answer), file=answers, flush=True)
        line = sys.stdin.readline()
        if not line:
            break
        order = json.loads(line)
        try:
            method = getattr(worker, order.pop('do'))
            answer = method(order) if order else method()
        except Exception as error:
            traceback.print_exc()
            answer = {'error': f'{type(error).__name__}: {error}'[:500]}
    os._exit(0)  # some engines take long to clear up


if __name__ == '__main__':
    main(sys.argv[1], int(sys.argv[2]))
