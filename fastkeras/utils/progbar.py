"""The progress bar of Keras 2: samples, = signs, time left, running averages."""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

from fastkeras import config
from fastkeras.utils.messages import on_terminal, print_msg


class Progbar:
    """Shows progress on standard output.

    target: number of units in all, None when unknown. width: characters of the bar. verbose: 0 silent, 1 a bar, 2 one
    line when the target is reached. interval: least seconds between two drawings. stateful_metrics: names whose last
    value is shown; all others are averaged over the units. stateless_metrics: when given, only these are averaged.
    unit_name: taken for Keras 3; the time of a unit is written as Keras 2 does, 'us/step'.

    On a terminal (or in a notebook) the bar is redrawn in place. Elsewhere, as in a log file, it is drawn once, when it is
    full or final.
    """

    def __init__(self, target: Any, width: int = 30, verbose: Any = 1, interval: float = 0.05, stateful_metrics: Any = None,
                 stateless_metrics: Any = None, unit_name: Any = 'step') -> None:
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.stateful_metrics = set(stateful_metrics or ())
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self.unit_name = unit_name
        self._in_place = on_terminal() or 'ipykernel' in sys.modules
        self._shown = 0     # characters of the line on the screen
        self._seen = 0
        self._sums = {}     # name → [sum of value × units, units]
        self._start = time.time()
        self._last = 0.0
        self._ended = False

    def update(self, current: Any, values: Any = None, finalize: bool | None = None) -> Any:
        """Move to unit `current`. values: pairs (name, value over the units since the last call). finalize: whether
        this is the last call; by default when the target is reached.
        """
        units = current - self._seen
        for name, value in values or ():
            if name in self.stateful_metrics or (
                    self.stateless_metrics is not None and name not in self.stateless_metrics):
                self._sums[name] = [value, 1]
                continue
            held = self._sums.get(name)
            if held is None:
                self._sums[name] = [value * units, units]
            else:
                held[0] += value * units
                held[1] += units
        self._seen = current
        if not self.verbose:
            return
        now = time.time()
        known = self.target is not None
        last = finalize if finalize is not None else known and current >= self.target
        if self.verbose == 1:
            if now - self._last < self.interval and known and not last:
                return
            if not last and not (self._in_place and config.is_interactive_logging_enabled()):
                return
            self._draw(current, now, last)
        elif self.verbose == 2 and (last or not known):
            print_msg(f' - {now - self._start:.0f}s' + self._averages())
        self._last = now
        self._ended = last

    def add(self, n: int, values: Any = None) -> Any:
        """Move on by n units."""
        self.update(self._seen + n, values)

    def finish(self) -> Any:
        """Show what was reached, unless the target was: no more units come."""
        if not self._ended:
            self.update(self._seen, finalize=True)

    def _draw(self, current, now, last):
        before = self._shown
        head = '\b' * before + '\r' if self._in_place else ''
        bar = self._bar(current, last)
        per_unit = (now - self._start) / current if current else 0.0
        if self.target is not None and not last:
            info = f' - ETA: {_left(per_unit * (self.target - current))}'
        else:
            info = f' - {now - self._start:.0f}s {_duration(per_unit)}/step'
        info += self._averages()
        self._shown = len(bar) + len(info)
        print_msg(head + bar + info + ' ' * (before - self._shown) + ('\n' if last else ''), line_break=False)

    def _bar(self, current, last):
        if self.target is None:
            return f'{current:7d}/Unknown'
        digits = len(str(int(self.target)))
        filled = int(self.width * (float(current) / self.target)) if self.target else self.width
        line = ''
        if filled > 0:
            line = '=' * (filled - 1) + ('=' if last else '>')
        return f'{current:{digits}d}/{self.target:d} [{line}{"." * (self.width - filled)}]'

    def _averages(self):
        text = ''
        for name, (total, units) in self._sums.items():
            average = float(np.mean(total / max(1, units)))
            text += f' - {name}: {average:.4f}' if abs(average) > 1e-3 else f' - {name}: {average:.4e}'
        return text


def _left(seconds):
    """Seconds as h:mm:ss, m:ss or 12s."""
    seconds = int(seconds)
    if seconds > 3600:
        return f'{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}'
    if seconds > 60:
        return f'{seconds // 60}:{seconds % 60:02d}'
    return f'{seconds}s'


def _duration(seconds):
    if seconds >= 1:
        return f'{seconds:.0f}s'
    if seconds >= 1e-3:
        return f'{seconds * 1e3:.0f}ms'
    return f'{seconds * 1e6:.0f}us'
