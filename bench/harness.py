"""Engines side by side: each in a process of its own, which waits on a pipe while another runs.

So no engine's threads, spinning or not, are there when another is measured (the processor time that waiting ones take
nevertheless is measured: `idle`), and none is hindered by another's allocator, thread pool or environment. Rounds go
A B C A B C …, so that what changes on the machine changes for all. The outputs are compared before anything is timed.
"""
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.company import beside
from bench.engines import ENGINES, OURS

ROOT = Path(__file__).resolve().parent.parent
PAUSE = 0.1  # seconds between two engines' turns: what spins after a run has stopped by then
TOLERANCE = 1e-3  # of the largest value; after training, of the losses of the first steps without dropout
QUIET = 0.1  # of a processor: when other programs take more during a turn, it is taken again,
ATTEMPTS = 4  # up to this often, and the quietest counts


class EngineError(RuntimeError):
    pass


def environment():
    """Ours without what steers the libraries of the others."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(('OPENBLAS_', 'OMP_', 'MKL_', 'KMP_', 'FASTKERAS_NUM'))}
    env['PYTHONPATH'] = os.pathsep.join([str(ROOT), *filter(None, [env.get('PYTHONPATH')])])
    return env


class Process:
    """An engine's process. Calling it sends an order and waits for the answer."""

    def __init__(self, engine, threads, log):
        self.engine = engine
        self.process = subprocess.Popen([sys.executable, '-m', 'bench.worker', engine, str(threads)], cwd=ROOT,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                                        env=environment())
        self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise EngineError(f'its process ended ({self.process.wait()})')
        answer = json.loads(line)
        if 'error' in answer:
            raise EngineError(answer['error'])
        return answer

    def __call__(self, do, **order):
        with contextlib.suppress(BrokenPipeError):  # then there is no answer either
            self.process.stdin.write(json.dumps({'do': do, **order}) + '\n')
            self.process.stdin.flush()
        return self._answer()

    def alive(self):
        return self.process.poll() is None

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def busy(processes):
    """Seconds of processor time that these have taken so far."""
    total = 0
    for process in processes:
        try:
            fields = Path(f'/proc/{process.process.pid}/stat').read_text().rsplit(')', 1)[1].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf('SC_CLK_TCK')


def machine_busy():
    """Seconds of processor time that everything on the machine has taken; 0 where that is not told."""
    try:
        user, nice, system, _, _, irq, softirq = (int(v) for v in Path('/proc/stat').read_text().split()[1:8])
    except OSError:
        return 0.0
    return (user + nice + system + irq + softirq) / os.sysconf('SC_CLK_TCK')


class Harness:
    """engines: names; ours always takes part. log: a file that takes what the engines print. beside: numbers of busy
    processes in whose company each engine takes its turns too.
    """

    def __init__(self, engines, threads, rounds, seconds, log=subprocess.DEVNULL, beside=()):
        self.names = [OURS, *(e for e in engines if e != OURS)]
        self.threads, self.rounds, self.seconds, self.log = threads, rounds, seconds, log
        self.beside = tuple(beside)
        self.processes, self.versions, self._files = {}, {}, {}
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for process in self.processes.values():
            process.close()
        self._folder.cleanup()

    def process(self, engine):
        """The engine's process, started if there is none."""
        if engine not in self.processes or not self.processes[engine].alive():
            self.processes.pop(engine, None)
            process = self.processes[engine] = Process(engine, self.threads, self.log)
            self.versions.update(process('versions'))
        return self.processes[engine]

    def file(self, kind, case):
        """The network as a file, or None. Those of the former case are removed."""
        if kind is None:
            return None
        key = kind, case.network, case.batch
        if key not in self._files:
            for old in [k for k in self._files if k[1:] != key[1:]]:
                self._files.pop(old).unlink(missing_ok=True)
            path = self.folder / f'{case.network}_{case.batch}.{kind}'
            writer = {'onnx': 'torch', 'tflite': 'tensorflow'}[kind]
            with contextlib.closing(Process(writer, self.threads, self.log)) as process:  # of its own: memory and settings
                process('export', kind=kind, network=case.network, batch=case.batch, path=str(path))
            self._files[key] = path
        return str(self._files[key])

    def prepare(self, engine, case, **order):
        """(what the worker said, the output of one run)"""
        path = self.folder / f'{engine}.npy'
        kind = ENGINES[engine].files
        answer = self.process(engine)('prepare', task=case.task, network=case.network, batch=case.batch,
                                      file=self.file(kind, case), output=str(path), seconds=min(self.seconds, 0.3),
                                      **order)
        return answer, np.load(path)

    def run(self, case, **order):
        """{engine: {variant, variants, difference, samples, company, idle, strangers}}, or {error} for one that could not.
        company: {number of busy processes beside it: samples}.

        order: more for the worker, see its `prepare`.
        """
        results, expected = {}, None
        for engine in self.names:
            if case.task not in ENGINES[engine].tasks:
                continue
            try:
                answer, output = self.prepare(engine, case, **order)
            except EngineError as error:
                results[engine] = {'error': str(error)}
                if engine == OURS:
                    break
                continue
            if expected is None:
                expected = output
            difference = float(np.abs(output - expected).max() / np.abs(expected).max())
            results[engine] = {**answer, 'difference': difference, 'samples': [], 'idle': 0.0, 'strangers': 0.0,
                               'company': {number: [] for number in self.beside}}
            if not difference <= TOLERANCE:
                results[engine]['error'] = f'computes something else: differs by {difference:.1e} of the largest value'
        running = [engine for engine, result in results.items() if 'error' not in result]
        for _ in range(self.rounds):
            for engine in list(running):
                try:
                    self._turn(engine, results[engine])
                except EngineError as error:
                    results[engine] = {'error': str(error)}
                    running.remove(engine)
            for number in self.beside:
                with beside(number):
                    for engine in running:
                        results[engine]['company'][number] += self._attempt(engine)[2]
        for process in filter(Process.alive, self.processes.values()):
            process('forget')
        return results

    def _turn(self, engine, result):
        """One round of one engine: the quietest of some attempts."""
        attempts = []
        while not attempts or attempts[-1][0] > QUIET and len(attempts) < ATTEMPTS:
            time.sleep(PAUSE)
            attempts.append(self._attempt(engine))
        strangers, idle, samples = min(attempts)
        result['strangers'], result['idle'] = max(strangers, result['strangers']), max(idle, result['idle'])
        result['samples'] += samples

    def _attempt(self, engine):
        """(strangers, idle, samples): what part of a processor's time programs that have nothing to do with this took
        meanwhile, and what part the engines that wait.
        """
        own, others = [self.process(engine)], [p for name, p in self.processes.items() if name != engine]
        begin, before = time.perf_counter(), (busy(own), busy(others), machine_busy())
        samples = own[0]('round', seconds=self.seconds)['samples']
        lasted, after = time.perf_counter() - begin, (busy(own), busy(others), machine_busy())
        mine, waiting, all_ = (b - a for a, b in zip(before, after))
        return max(0.0, all_ - mine - waiting) / lasted, waiting / lasted, samples
