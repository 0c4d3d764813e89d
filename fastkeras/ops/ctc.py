"""Connectionist temporal classification: its loss, a scan in the space of logarithms, and its decoding (Graves et al. 2006)."""

import numpy as np

from . import core
from .core import Sample, as_tensor, error, register
from .elementwise import add, cast, equal, less, logical_and, maximum, multiply, negative, not_equal, subtract, where
from .flow import scan
from .index import take_along_axis
from .logits import log_softmax
from .math import logaddexp
from .move import expand_dims, reshape, squeeze, transpose
from .reduce import argmax, max, sum
from .slices import along, cut, pad, stack
from .sorting import argsort

__all__ = ['ctc_decode', 'ctc_loss']

NEVER = -1e30       # the logarithm of probability 0: finite, so that gradients are


def _vector(op, name, x, batch):
    x = as_tensor(x)
    if len(x.shape) != 1 or core.dtype_of(x) in core.FLOATS:
        raise error(op, f'{name}: expected whole numbers of shape (batch,), got {core.dtype_of(x)}{list(x.shape)}')
    return cast(x, 'int32')


def ctc_loss(target, output, target_length, output_length, mask_index=0):
    """The negative logarithm of the probability of each target sequence, over all alignments: shape (batch,).

    target: whole numbers (batch, labels), of which target_length (batch,) count; output: logits (batch, steps, classes), of
    which output_length (batch,) steps count. mask_index: the class of the blank. A target that no alignment fits, as it is
    longer than the output, costs 1e30. Raises ValueError for unfit shapes.
    """
    target, output = as_tensor(target), as_tensor(output)
    if len(target.shape) != 2 or len(output.shape) != 3:
        raise error('ctc_loss', f'expected target (batch, labels) and output (batch, steps, classes), got shapes '
                                f'{tuple(target.shape)} and {tuple(output.shape)}')
    if None in (target.shape[1], *output.shape[1:]):
        raise error('ctc_loss', f'expected known numbers of labels, steps and classes, got shapes {tuple(target.shape)} and '
                                f'{tuple(output.shape)}')
    target = cast(target, 'int32')
    labels, (steps, classes) = target.shape[1], output.shape[1:]
    blank = mask_index % classes
    lengths = expand_dims(_vector('ctc_loss', 'target_length', target_length, target), 1)
    ends = _vector('ctc_loss', 'output_length', output_length, target)

    # blank, label, blank, label, …, blank: 2 · labels + 1 states
    states = 2 * labels + 1
    odd = np.arange(states) % 2 == 1
    twice = reshape(stack([target, target], axis=2), (-1, 2 * labels)) if labels else target
    path = where(odd, pad(twice, [(0, 0), (0, 1)]), blank)
    spoken = log_softmax(output if core.dtype_of(output) in core.FLOATS else cast(output, 'float32'))
    # labels behind a target's end may be anything, -1 too
    path = where(less(path, 0), blank, path)
    there = transpose(take_along_axis(spoken, expand_dims(path, 1), axis=2), (1, 0, 2))     # (steps, batch, states)
    # from two states before: not onto a blank, and not onto the same label
    jump = logical_and(not_equal(path, _later(path, 2, -1)), odd & (np.arange(states) > 1))
    first = where(np.arange(states) < 2, there[0], NEVER)

    def step(carry, row):
        before, t = carry
        now, = row
        total = logaddexp(before, _later(before, 1, NEVER))
        total = logaddexp(total, where(jump, _later(before, 2, NEVER), NEVER))
        after = maximum(add(total, now), NEVER)
        after = where(expand_dims(less(t, ends), 1), after, before)
        return (after, add(t, 1)), None
    last = first
    if steps > 1:
        (last, _), _ = scan(step, (first, np.int32(1)), (there[1:],))
    end = multiply(lengths, 2)
    on_blank = take_along_axis(last, end, axis=1)
    on_label = where(equal(lengths, 0), NEVER, take_along_axis(last, maximum(subtract(end, 1), 0), axis=1))
    return squeeze(negative(logaddexp(on_blank, on_label)), 1)


def _later(x, k, value):
    """x moved k states on along its last axis."""
    n = x.shape[1]
    if n <= k:
        return where(equal(x, x), value, x)
    return pad(cut(x, along(2, 1, 0, n - k)), [(0, 0), (k, 0)], constant_values=value)


# ---- decoding
def ctc_decode(inputs, sequence_lengths, strategy='greedy', beam_width=100, top_paths=1, merge_repeated=True, mask_index=0):
    """(paths, scores): the label sequences that logits (batch, steps, classes) say. sequence_lengths (batch,): the steps
    that count.

    paths: int32 (top_paths, batch, steps), filled up with -1. strategy 'greedy': the most likely class of each step,
    repeated ones as one with merge_repeated, blanks (mask_index) left out; scores (batch, 1) are the sums of
    those logits, negated.
    'beam_search': the top_paths most likely sequences that are found by keeping beam_width beginnings at each step (a step of
    the host); scores (batch, top_paths) are the logarithms of their probabilities. No gradient.
    """
    x = as_tensor(inputs)
    if len(x.shape) != 3 or None in x.shape[1:]:
        raise error('ctc_decode', f'inputs: expected logits (batch, steps, classes) of known sizes, got shape {tuple(x.shape)}')
    lengths = _vector('ctc_decode', 'sequence_lengths', sequence_lengths, x)
    blank = mask_index % x.shape[2]
    if strategy == 'greedy':
        return _greedy(x, lengths, bool(merge_repeated), blank)
    if strategy != 'beam_search':
        raise error('ctc_decode', f"strategy: expected 'greedy' or 'beam_search', got {strategy!r}")
    if not 1 <= top_paths <= beam_width:
        raise error('ctc_decode', f'expected 1 ≤ top_paths ≤ beam_width, got {top_paths!r} and {beam_width!r}')
    return core.apply('ctc_beams', (log_softmax(x), lengths), width=int(beam_width), paths=int(top_paths), blank=blank)


def _greedy(x, lengths, merge, blank):
    steps = x.shape[1]
    counted = less(np.arange(steps, dtype=np.int32), expand_dims(lengths, 1))
    best = argmax(x, axis=-1)
    scores = negative(sum(where(counted, max(x, axis=-1), 0.0), axis=1, keepdims=True))
    kept = logical_and(counted, not_equal(best, blank))
    if merge:
        before = pad(cut(best, along(2, 1, 0, steps - 1)), [(0, 0), (1, 0)], constant_values=-1)
        kept = logical_and(kept, not_equal(best, before))
    order = argsort(where(kept, 0, 1), axis=1)      # stable: those kept come first, in their order
    paths = take_along_axis(where(kept, best, -1), order, axis=1)
    return expand_dims(cast(paths, 'int32'), 0), scores


def _beams_of(logs, width, paths, blank):
    """The most likely (sequence, logarithm of its probability) of one sample: beginnings, each with the probability of those
    alignments that end in a blank and of those that do not."""
    beams = {(): (0.0, -np.inf)}
    for now in logs:
        after = {}

        def more(prefix, on_blank, on_label, after=after):
            a, b = after.get(prefix, (-np.inf, -np.inf))
            after[prefix] = np.logaddexp(a, on_blank), np.logaddexp(b, on_label)
        for prefix, (b, nb) in beams.items():
            total = np.logaddexp(b, nb)
            more(prefix, total + now[blank], nb + now[prefix[-1]] if prefix else -np.inf)
            for c in range(len(now)):
                if c != blank:
                    more((*prefix, c), -np.inf, (b if prefix and prefix[-1] == c else total) + now[c])
        best = sorted(after.items(), key=lambda item: -np.logaddexp(*item[1]))
        beams = dict(best[:width])
    found = [(prefix, np.logaddexp(*p)) for prefix, p in beams.items()]
    return sorted(found, key=lambda f: -f[1])[:paths]


def _beams_ref(x, lengths, *, width, paths, blank):
    out = np.full((paths, *x.shape[:2]), -1, np.int32)
    scores = np.full((x.shape[0], paths), -np.inf, x.dtype)
    for n in range(x.shape[0]):
        for k, (prefix, score) in enumerate(_beams_of(x[n, :lengths[n]].astype(np.float64), width, paths, blank)):
            out[k, n, :len(prefix)] = prefix
            scores[n, k] = score
    return out, scores


@register('ctc_beams', ref=_beams_ref, several=True,
          samples=lambda: [Sample([np.log(np.random.default_rng(3).dirichlet(np.ones(4), (2, 5))).astype('float32'),
                                   np.array([5, 3], 'int32')], {'width': 9, 'paths': 2, 'blank': 0}, grad=False)])
def _beams_spec(x, lengths, *, width, paths, blank):
    return [((paths, *x.shape[:2]), 'int32'), ((x.shape[0], paths), x.dtype)]
