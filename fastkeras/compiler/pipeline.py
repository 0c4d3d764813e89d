"""From a traced graph to something that runs: the passes in their order, then the encoded plan."""

import os
import sys

import numpy as np

from .. import _core
from ..graph import verify
from . import memory
from .buffers import ARENA, FIXED, INPUT, OUTPUT, Host, Step
from .cache import Packing
from .fold_bn import fold_bn
from .fuse import fuse
from .hoist import hoist
from .layout import layout
from .lower import encode, kernels, lower
from .profile import kind
from .simplify import simplify
from .sparse import sparse


def disabled():
    """Names of passes that FASTKERAS_DISABLE switches off (comma separated)."""
    return {n for n in os.environ.get('FASTKERAS_DISABLE', '').split(',') if n}


def debug():
    return os.environ.get('FASTKERAS_DEBUG', '').split(',')


class Compiled:
    """A graph ready to run. executor: the native thing; steps: what it runs, for messages and profiles; statics: values
    that depend on variables alone, to be brought up to date before a run."""

    __slots__ = ('executor', 'steps', 'statics', 'arena_bytes', 'updated')

    def describe(self):
        lines = [f'arena {self.arena_bytes} bytes, {len(self.steps)} steps']
        for k, step in enumerate(self.steps):
            what = kind(step)
            ins = ' '.join(f'{list(b.shape)}' for b in step.read())
            outs = ' '.join(f'{list(b.shape)}' for b in step.written())
            lines.append(f'{k:4d} {what:16s} {ins} -> {outs}' + (f'  # {step.name}' if step.name else ''))
        return '\n'.join(lines)


def optimise(graph, cache=None):
    """All passes that rewrite the graph; returns it with the list of static values it now reads."""
    off = disabled()
    statics = []
    verify(graph)
    if 'simplify' not in off:
        graph = simplify(graph)
    graph = layout(graph)  # kernels know one layout: never off
    if 'fold_bn' not in off:
        graph = fold_bn(graph)
    if 'simplify' not in off:
        graph = simplify(graph)
    if cache is not None and 'hoist' not in off:
        graph, statics = hoist(graph, cache)
    if 'sparse' not in off:
        graph = sparse(graph)
    if 'fuse' not in off:
        graph = fuse(graph)
    return graph, statics


def compile_graph(graph, cache=None):
    """graph: concrete shapes. cache: a StaticCache for packed weights and hoisted values, or None to keep all in the plan."""
    if 'graph' in debug():
        print(graph, file=sys.stderr)
    graph, statics = optimise(graph, cache)
    if 'fused' in debug():
        print(graph, file=sys.stderr)
    packed = Packing(cache, graph) if cache is not None else None
    steps, outputs, updates, inputs = lower(graph, packed)
    statics = statics + (packed.used if packed is not None else [])
    result = Compiled()
    outputs = memory.place_outputs(steps, outputs, updates, copy_step)
    memory.place_updates(steps, updates, copy_step)
    result.arena_bytes = memory.plan_arena(steps)
    result.steps, result.statics = steps, statics
    result.updated = [v for v, _ in updates]
    result.executor = executor_of(steps, inputs, outputs, result.arena_bytes)
    if 'plan' in debug():
        print(result.describe(), file=sys.stderr)
    return result


def copy_step(x, y):
    """A contiguous copy."""
    item = np.dtype(y.dtype).itemsize
    attrs = encode('copy', dict(ndim=1, shape=(y.size,), xstride=(1,), ystride=(1,), xoff=0, yoff=0, itemsize=item))
    return Step('copy', [x, y], attrs, [1])


def executor_of(steps, inputs, outputs, arena_bytes):
    """The Executor: consecutive native steps are one plan, host steps stand between them."""
    spaces, fixed = {ARENA: 0}, []

    def place(buffer):
        root, offset = buffer.root()
        if root.kind == ARENA:
            return 0, root.offset + offset
        key = (root.kind, root.index) if root.kind in (INPUT, OUTPUT) else id(root.array)
        if key not in spaces:
            spaces[key] = len(spaces)
            if root.kind == FIXED:
                fixed.append((spaces[key], root.array))
        return spaces[key], offset

    bound_in = [(place(b)[0], b.shape, b.dtype) for b in inputs]
    bound_out = [(place(b)[0], b.shape, b.dtype) for b in outputs]
    segments, native = [], []

    def flush():
        if native:
            segments.append(_plan(native, place))
            native.clear()

    for step in steps:
        if isinstance(step, Host):
            flush()
            segments.append(_core.HostStep(step.function, [(*place(b), b.shape, b.dtype) for b in step.refs],
                                           (*place(step.output), step.output.shape, step.output.dtype)))
        else:
            native.append(step)
    flush()
    return _core.Executor(segments, len(spaces), arena_bytes, fixed, bound_in, bound_out)


def _plan(steps, place):
    words, refs, attrs, programs = [], [], [], []
    known = {}
    for step in steps:
        program = -1
        if step.program is not None:
            key = step.program.words.tobytes()
            program = known.setdefault(key, len(programs))
            if program == len(programs):
                programs.extend(step.program.words.tolist())
        buffers = step.refs + step.tile_in + step.tile_out
        words += [kernels()[step.kernel][0], len(refs), len(buffers), len(step.refs), len(attrs), program]
        refs += [place(b) for b in buffers]
        attrs += step.attrs
    flat = [w for r in refs for w in r]
    return _core.Plan(*(np.array(w, np.int64) for w in (words, flat, attrs, programs)))
