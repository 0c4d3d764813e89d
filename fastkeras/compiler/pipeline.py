"""From a traced graph to something that runs: the passes in their order, then the encoded plan."""

import sys

from .. import _core
from ..graph import verify
from . import invariants, memory
from .between import between
from .buffers import Loop, flat
from .cache import Packing
from .earlier import earlier
from .executor import copy_step, executor_of
from .fold_bn import fold_bn
from .fuse import fuse
from .hoist import hoist
from .later import later
from .layout import layout
from .loop_bodies import loops
from .lower import lower
from .pixels import pixels
from .profile import kind
from .simplify import simplify
from .sparse import sparse
from .stages import stage
from .switches import debug, disabled
from .tables import tables, worth


class Compiled:
    """A graph ready to run. executor: the native thing; steps: what it runs, those of loops once, for messages and profiles;
    steps_of: those of each of its segments; threads: how many its loops are shared by, None where it has no loop; statics:
    values that depend on variables alone, to be brought up to date before a run; tables: what `tables.worth` says of the graph,
    where it was compiled without that pass."""

    __slots__ = ('executor', 'steps', 'steps_of', 'statics', 'arena_bytes', 'updated', 'threads', 'tables')

    def describe(self):
        lines = [f'arena {self.arena_bytes} bytes, {len(self.steps)} steps']
        for k, step in enumerate(self.steps):
            what = kind(step)
            ins = ' '.join(f'{list(b.shape)}' for b in step.read())
            outs = ' '.join(f'{list(b.shape)}' for b in step.written())
            lines.append(f'{k:4d} {what:16s} {ins} -> {outs}' + (f'  # {step.name}' if step.name else ''))
        return '\n'.join(lines)


def optimise(graph, cache=None, in_tables=tables):
    """All passes that rewrite the graph; returns it with the list of static values it now reads. in_tables: the pass `tables`,
    or what stands in its place."""
    off, checked, statics = disabled(), 'verify' in debug(), []
    with stage('verify'):
        verify(graph)

    def hoisted(graph):
        graph, found = hoist(graph, cache)
        statics.extend(found)
        return graph

    passes = [('simplify', simplify), ('layout', layout), ('fold_bn', fold_bn), ('simplify', simplify), ('pixels', pixels),
              ('tables', in_tables), ('hoist', hoisted), ('sparse', sparse), ('loops', _bodies), ('fuse', fuse)]
    for name, rewrite in passes if cache is not None else [p for p in passes if p[0] not in ('tables', 'hoist')]:
        graph = _rewritten(graph, name, rewrite, off, checked)
    return graph, statics


def _rewritten(graph, name, rewrite, off, checked):
    """The graph after one pass, unless that is off. Kernels know one layout, and loops need their bodies: these two never
    are."""
    if name in off and name not in ('layout', 'loops'):
        return graph
    with stage(name):
        made = rewrite(graph)
    if checked:
        invariants.check(name, graph, made)
    return made


def _bodies(graph):
    """The pass for loops, which takes their bodies, graphs whose leaves are inputs and constants, through passes of their
    own."""
    off, checked = disabled(), 'verify' in debug()

    def optimised(body):
        for name, rewrite in (('simplify', simplify), ('layout', layout), ('simplify', simplify), ('loops', _bodies),
                              ('fuse', fuse)):
            body = _rewritten(body, name, rewrite, off, checked)
        return body
    return loops(graph, optimised, 'simplify' not in off)


def compile_graph(graph, cache=None, settled=False):
    """graph: concrete shapes. cache: a StaticCache for packed weights and hoisted values, or None to keep all in the plan.
    settled: whether weights are taken to stay as they are (tables.py)."""
    if 'graph' in debug():
        print(graph, file=sys.stderr)
    found = []

    def looked_at(graph):
        found.append(worth(graph))
        return graph
    graph, statics = optimise(graph, cache, tables if settled else looked_at)
    if 'fused' in debug():
        print(graph, file=sys.stderr)
    with stage('lower'):
        packed = Packing(cache, graph) if cache is not None else None
        steps, outputs, updates, inputs = lower(graph, packed)
    statics = statics + (packed.used if packed is not None else [])
    result = Compiled()
    result.tables = found[0] if found and 'hoist' not in disabled() else None
    if 'between' not in disabled():
        with stage('between'):
            steps = between(steps, outputs, updates)
    with stage('memory'):
        if 'later' not in disabled():
            steps = later(steps)
        if 'earlier' not in disabled():
            steps = earlier(steps, updates)
        outputs = memory.place_outputs(steps, outputs, updates, copy_step)
        memory.place_updates(steps, updates, copy_step)
    result.steps, result.statics = list(flat(steps)), statics
    result.updated = [v for v, _ in updates]
    result.threads = _core.threads() if any(isinstance(s, Loop) for s in steps) else None
    result.executor, result.arena_bytes, result.steps_of = executor_of(steps, inputs, outputs)
    if 'plan' in debug():
        print(result.describe(), file=sys.stderr)
    return result
