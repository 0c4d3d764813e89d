"""FASTKERAS_DEBUG=profile: where the time of a plan goes, printed to stderr when the process ends."""

import atexit
import sys

import numpy as np

from .. import _core
from .buffers import Host

ROWS = 40  # of a plan's table


def traffic(step):
    """Bytes of all tensors that a step reads and writes, each once."""
    return sum({id(b): b.nbytes for b in (*step.read(), *step.written())}.values())


class Profile:
    """Runs a plan in place of its executor, timed and on one thread.

    A step's time is that of its thread on a processor, the mean over all runs but the first, which meets cold memory.
    """

    def __init__(self, name, compiled):
        self.name, self.compiled, self.runs = name, compiled, 0
        self.total = np.zeros(len(compiled.steps))

    def run(self, arrays, outs=None):
        found = {}
        results = self.compiled.executor.run(arrays, outs, found)
        seconds = {id(s): t for segment, times in found.items() for s, t in zip(self.compiled.steps_of[segment], times)}
        self.total = np.array([seconds.get(id(s), 0.0) for s in self.compiled.steps]) + (self.total if self.runs > 1 else 0)
        self.runs += 1
        return results

    def table(self):
        """Two tables: the time by kernel, and the steps that take longest, in the order they run. In the Winograd domain the
        work is that of the direct convolution, so that a share of the peak may be above 1."""
        seconds = self.total / max(1, self.runs - 1)
        peak, whole = _core.fma_peak(0.02), max(seconds.sum(), 1e-12)
        lines = ['', f'{self.name}: {self.runs} runs of {len(seconds)} steps, one thread, {whole * 1e3:.3f} ms; '
                     f'arena {self.compiled.arena_bytes / 2 ** 20:.1f} MB; peak {peak:.0f} GFLOP/s',
                 f'{"":5}{"kernel":24}{"ms":>9}{"time":>7}{"GFLOP/s":>9}{"peak":>6}{"GB/s":>8}']

        def line(number, what, time, work, moved, text=''):
            speed = f'{work / time / 1e9:9.1f}{work / time / 1e9 / peak:6.2f}' if work and time else ' ' * 15
            lines.append(f'{number:<5}{what:24}{time * 1e3:9.3f}{time / whole:7.1%}{speed}'
                         f'{moved / max(time, 1e-12) / 1e9:8.2f}{text}')
        kinds = {}
        for step, time in zip(self.compiled.steps, seconds):
            row = kinds.setdefault(kind(step), [0, 0.0, 0, 0])
            for i, value in enumerate((1, time, step.flops, traffic(step))):
                row[i] += value
        for what, (count, *rest) in sorted(kinds.items(), key=lambda item: -item[1][1]):
            line(count, what, *rest)
        lines.append(f'the {min(ROWS, len(seconds))} longest steps:')
        for k in sorted(np.argsort(-seconds, kind='stable')[:ROWS]):
            step = self.compiled.steps[k]
            shapes = ' '.join(f'{list(b.shape)}' for b in step.read()), ' '.join(f'{list(b.shape)}' for b in step.written())
            line(k, kind(step), seconds[k], step.flops, traffic(step),
                 '  ' + ' -> '.join(shapes) + (f'  # {step.name}' if step.name else ''))
        return '\n'.join(lines)


def printed_at_exit(name, compiled):
    """A Profile whose table goes to stderr when the process ends."""
    profile = Profile(name, compiled)
    atexit.register(lambda: print(profile.table(), file=sys.stderr))
    return profile


def kind(step):
    """The kernel of a step and whether a tile program stands behind it."""
    if isinstance(step, Host):
        return 'host'
    return step.kernel + ('+tile' if step.program is not None and step.kernel != 'tile' else '')
