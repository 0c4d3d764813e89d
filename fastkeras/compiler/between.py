"""A depthwise convolution and the convolutions of single pixels around it become one step, which makes the wide images between
them a few rows at a time: of a batch they would go to the main memory and back, of one image through the cache that all
processors share.
"""

import math

from .. import _core
from .buffers import ARENA, Step
from .executor import encode, named, parts

SHARE, PART = 3 / 4, 1 / 8  # of a core's L2: smaller wide images stay there in any case, larger weights not beside the rows


def _near(wide, weights):
    """Whether so many bytes of a wide image, and of the weights on both sides of it, suit such a step."""
    cache = _core.caches()['L2'] or 1 << 20
    return wide >= SHARE * cache and weights <= PART * cache


def between(steps, outputs, updates):
    """The steps with such ones in place of three or two. outputs, updates: as `lower` gives them."""
    kept = {id(b.root()[0]) for b in (*outputs, *(b for _, b in updates))}
    readers = {}
    for step in steps:
        for b in step.read():
            readers.setdefault(id(b.root()[0]), []).append(step)
    made, done = {}, []     # id of a buffer → the step that makes it
    for step in steps:
        joined = _joined(step, made, readers, kept)
        if joined is not None:
            step, *gone = joined
            done = [s for s in done if all(s is not g for g in gone)]
        done.append(step)
        for b in step.written():
            made[id(b)] = step
    return done


def _joined(last, made, readers, kept):
    """[the step in place of these, the others], or None."""
    if _pixelwise(last) is None:
        return None

    def before(step):
        """The step whose result, read by nobody else, is what this one reads, and how that ends: (channels, low, high)."""
        found = made.get(id(step.refs[0]))
        if not isinstance(found, Step) or found.kernel not in ('conv', 'depthwise') or len(found.tile_out) != 1:
            return None, None
        raw, out = found.refs[-1], found.tile_out[0]
        alone = all(b.kind == ARENA and b.base is None and id(b) not in kept for b in (raw, out)) and (
            out is step.refs[0] and readers[id(out)] == [step] and readers.get(id(raw), [found]) == [found])
        return (found, _core.program_ending(found.program.words)) if alone else (None, None)

    middle, ending = before(last)
    if middle is None or middle.kernel != 'depthwise' or ending is None:
        return None
    a = named(middle)
    if a['mult'] != 1 or ending[0] != a['c']:
        return None
    mine = {k: a[k] for k in ('n', 'h', 'w', 'c', 'oh', 'ow', 'kh', 'kw', 'sh', 'sw', 'dh', 'dw', 'pt', 'pl')}
    mine |= dict(e=a['c'], oc=_pixelwise(last)['oc'], expands=0, low=ending[1], high=ending[2], low1=-math.inf, high1=math.inf)
    x, w, bias = middle.refs[0], middle.refs[1], _bias(middle)
    steps, first = [last, middle], (w, bias)
    wide, ending = before(middle)
    if wide is not None and ending is not None and _pixelwise(wide) is not None and ending[0] == a['c']:
        mine |= dict(c=_pixelwise(wide)['c'], expands=1, low1=ending[1], high1=ending[2])
        x, first = wide.refs[0], (wide.refs[1], _bias(wide))
        steps.append(wide)
    narrow = mine['oc'] + mine['c'] * mine['expands']
    if not _near(4 * a['h'] * a['w'] * a['c'], 4 * a['c'] * narrow) or not parts('depthwise_between', **mine):
        return None
    step = Step('depthwise_between', [x, *first, w, bias, last.refs[1], last.refs[2]], encode('depthwise_between', mine), [6],
                last.name)
    step.program, step.tile_in, step.tile_out = last.program, last.tile_in, last.tile_out
    step.flops = sum(s.flops for s in steps)
    return [step, *steps[1:]]


def _bias(step):
    return next(b for b in step.tile_in if b is not step.refs[-1])


def _pixelwise(step):
    """The attributes of a step that is a convolution of single pixels in one group, or None."""
    if not isinstance(step, Step) or step.kernel != 'conv':
        return None
    a = named(step)
    one = ('kd', 'kh', 'kw', 'sd', 'sh', 'sw', 'groups')
    return a if all(a[k] == 1 for k in one) and (a['d'], a['h'], a['w']) == (a['od'], a['oh'], a['ow']) and not (
        a['pf'] or a['pt'] or a['pl']) else None
