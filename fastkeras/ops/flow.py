"""Loops and choices around ops, as Keras 3 names them. In a plan they are loops and choices too: their bodies are traced once,
and no Python runs between the rounds. On arrays they are traced and run as a plan of their own."""

import builtins

import numpy as np

from . import core, loop_ops  # noqa: F401  the records
from .bodies import body_of, leaves, over, packed
from .core import placeholder
from .move import reshape
from .shapes import shape_of
from .slices import along, concatenate, cut, flip, stack

__all__ = ['associative_scan', 'cond', 'fori_loop', 'map', 'scan', 'switch', 'vectorized_map', 'while_loop']


# ---- what they share
def _lively(*structures):
    return core.tracing() or any(core.is_symbolic(x) for s in structures for x in leaves(s))


def _run(function, *structures):
    """function(*structures) with placeholders for the leaves of the structures, run for their values."""
    arrays = [core.to_array(x) for s in structures for x in leaves(s)]

    def traced(*tensors):
        rest = iter(tensors)
        return function(*(over(lambda _: next(rest), s) for s in structures))
    return core.run(traced, arrays)


def _tensors(structure):
    return over(core.tensor, structure)


def _traced(call, op, values):
    """(what call(assigned) returned, variables that it assigned → their values). call is made again with placeholders for
    the variables that it assigns, so that they are carried: values(variables) makes these, id(variable) → Tensor."""
    with core.inner_trace() as trace:
        made = call({})
    if trace.assigned:
        variables = list(trace.assigned.values())
        begins = values(variables)
        with core.inner_trace({id(v): t for v, t in zip(variables, begins)}) as trace:
            made = call({id(v): t for v, t in zip(variables, begins)})
        if list(trace.assigned) != [id(v) for v in variables]:
            raise ValueError(f'[{op}]: expected the function to assign the same variables whenever it is traced')
    return made, {v: trace.current[k] for k, v in trace.assigned.items()}


def _like(value, begin, op, what):
    """What a round made of something that is carried, with Python's numbers in the type of what it is carried as."""
    symbolic = core.symbolic(value)
    if symbolic is None:
        value = np.asarray(value)
        weak = value.ndim == 0 and (value.dtype.kind in 'bi' or begin.dtype in core.FLOATS)
        symbolic = core.constant(value, begin.dtype if weak else None)
    if symbolic.dtype != begin.dtype or tuple(symbolic.shape) != tuple(begin.shape):
        raise core.error(op, f'{what}: expected {begin.dtype}{list(begin.shape)} as at the beginning, got '
                             f'{symbolic.dtype}{list(symbolic.shape)} from a round; a round must keep its shape and type')
    return symbolic


def _nested(function, op, what, *structures):
    try:
        return over(function, *structures)
    except ValueError as e:
        if str(e).startswith('['):
            raise
        raise core.error(op, f'{what}: {e}') from None


def _length(xs, length, op):
    """The number of rounds; ValueError unless it is known, positive, and that of all sequences."""
    sizes = {}
    for x in leaves(xs):
        shape = shape_of(core.as_tensor(x))
        if not shape:
            raise core.error(op, 'xs: expected tensors with a first axis to go along, got one without axes')
        sizes.setdefault(shape[0], len(sizes))
    if length is not None:
        if isinstance(length, bool) or int(length) != length:
            raise core.error(op, f'length: expected a whole number, got {length!r}')
        sizes.setdefault(int(length), len(sizes))
    if len(sizes) != 1 or None in sizes:
        got = ', '.join(sorted(builtins.map(str, sizes))) or 'none'
        raise core.error(op, f'xs, length: expected one known length of the first axes, got {got}; give `length`, or '
                             f'tensors of one length')
    n, = sizes
    if n <= 0:
        raise core.error(op, f'expected at least one round, got a length of {n}')
    return n


# ---- loops
def scan(f, init=None, xs=None, length=None, reverse=False, unroll=1):
    """(carry, ys): carry, y = f(carry, x) for each row x of xs in turn; the ys stacked.

    f: function (carry, x) -> (carry, y), traced once. init: tensor, or nested lists, tuples and dicts of them: the first carry,
    whose shapes and types every round keeps. xs: tensors of equal first axes (n, …), or a nesting of them; None: x is None and
    `length` says n. reverse: from the last row on; ys[i] still belongs to xs[i]. unroll: a hint that nothing here depends on; a
    positive number or a truth value. Differentiable with respect to init, xs and all that f reads.

    Raises ValueError for a carry that changes its shape or type, sequences of unequal lengths, a length that is 0 or unknown.
    """
    if not isinstance(unroll, bool) and (not isinstance(unroll, int) or unroll < 1):
        raise core.error('scan', f'unroll: expected a positive whole number or a truth value, got {unroll!r}')
    if not _lively(init, xs):
        return _run(lambda i, x: _scan(f, i, x, _length(xs, length, 'scan'), bool(reverse)), init, xs)
    return _scan(f, init, xs, _length(xs, length, 'scan'), bool(reverse))


def _scan(f, init, xs, n, reverse, op='scan'):
    init, xs = _tensors(init), _tensors(xs)
    begins, rows = leaves(init), leaves(xs)
    inner = [placeholder(k, t.shape, t.dtype) for k, t in enumerate(begins)]
    sliced = [placeholder(k, t.shape[1:], t.dtype) for k, t in enumerate(rows)]

    def call(assigned):
        made = f(packed(init, inner), packed(xs, sliced))
        if not isinstance(made, (tuple, list)) or len(made) != 2:
            raise core.error(op, f'f: expected it to return (carry, y), got {made!r:.80}')
        return made

    outer = {}

    def values(variables):
        outer.update((v, core.tensor(v)) for v in variables)
        return [placeholder(0, t.shape, t.dtype) for t in outer.values()]

    states = []
    (carry, y), assigned = _traced(call, op, lambda vs: states.extend(values(vs)) or states)
    carry = _nested(lambda b, v: _like(v, b, op, 'the carry'), op, 'the carry', init, carry)
    y = _tensors(y)
    ends = leaves(carry) + [_like(t, s, op, f'variable {v.name!r}') for (v, t), s in zip(assigned.items(), states)]
    given = [*inner, *states, *sliced]
    body, captured = body_of(given, [*ends, *leaves(y)])
    results = core.apply('scan', [*begins, *outer.values(), *rows, *captured], body=body, carries=len(ends),
                         sequences=len(rows), length=n, reverse=reverse)
    for v, value in zip(assigned, results[len(begins):]):
        v.assign(value)
    return packed(init, results), packed(y, results[len(ends):])


def map(f, xs):
    """f of each row of xs (a tensor, or a nesting of them), the results stacked. ValueError where there is no row."""
    if not _lively(xs):
        _length(xs, None, 'map')
        return _run(lambda x: map(f, x), xs)
    return _scan(lambda _, x: (None, f(x)), None, xs, _length(xs, None, 'map'), False, 'map')[1]


def vectorized_map(function, elements):
    """As `map`."""
    return map(function, elements)


def fori_loop(lower, upper, body_fun, init_val):
    """val = body_fun(i, val) for i from lower to below upper, beginning with init_val, which it returns where there is nothing
    between. i: int32. Bounds that are tensors make a `while_loop`, which has no gradient."""
    bounds = [core.symbolic(b) if core.is_symbolic(b) else core.to_array(b) for b in (lower, upper)]
    if any(b.shape not in ((), (1,)) or b.dtype not in ('int32', 'int64', 'uint8') for b in bounds):
        raise core.error('fori_loop', f'lower, upper: expected whole numbers, got {lower!r} and {upper!r}')
    if not _lively(init_val, list(bounds)):
        if int(bounds[0].item()) >= int(bounds[1].item()):
            return over(core.to_array, init_val)
        return _run(lambda v: fori_loop(lower, upper, body_fun, v), init_val)
    if any(core.is_symbolic(b) for b in bounds):
        first, end = (reshape(core.tensor(b, 'int32'), ()) for b in bounds)
        return while_loop(lambda i, v: core.apply('less', (i, end)), lambda i, v: (i + 1, body_fun(i, v)),
                          (first, init_val))[1]
    first, end = (int(b.item()) for b in bounds)
    if first >= end:
        return _tensors(init_val)
    steps = core.constant(np.arange(first, end, dtype=np.int32))
    return _scan(lambda v, i: (body_fun(i, v), None), init_val, steps, end - first, False, 'fori_loop')[0]


def while_loop(cond, body, loop_vars, maximum_iterations=None):
    """loop_vars = body(*loop_vars) while cond(*loop_vars), at most maximum_iterations times (None: no limit).

    loop_vars: tensors, or a nesting of them, whose shapes and types every round keeps. Differentiable where
    maximum_iterations is given: the gradient then takes as many rounds.
    """
    if maximum_iterations is not None and (isinstance(maximum_iterations, bool) or int(maximum_iterations) < 0):
        raise core.error('while_loop', f'maximum_iterations: expected a number of at least 0, got {maximum_iterations!r}')
    if not _lively(loop_vars):
        return _run(lambda v: while_loop(cond, body, v, maximum_iterations), loop_vars)
    single = not isinstance(loop_vars, (list, tuple))
    init = _tensors((loop_vars,) if single else tuple(loop_vars))
    begins = leaves(init)
    first = _truth(cond(*init))     # before the loop reads the variables that this, too, may assign
    inner = [placeholder(k, t.shape, t.dtype) for k, t in enumerate(begins)]
    outer, states = {}, []

    def call(assigned):
        made = body(*packed(init, inner))
        made = (made,) if single or not isinstance(made, (list, tuple)) else tuple(made)
        made = _nested(lambda b, v: _like(v, b, 'while_loop', 'a loop variable'), 'while_loop', 'loop_vars', init, made)
        return made, _truth(cond(*made))

    def values(variables):
        outer.update((v, core.tensor(v)) for v in variables)
        states.extend(placeholder(0, t.shape, t.dtype) for t in outer.values())
        return states

    (made, again), assigned = _traced(call, 'while_loop', values)
    ends = leaves(made) + [_like(t, s, 'while_loop', f'variable {v.name!r}')
                           for (v, t), s in zip(assigned.items(), states)]
    go = placeholder(len(ends), (), 'bool')
    graph, captured = body_of([*inner, *states, go], [*ends, again])
    results = core.apply('while_loop', [*begins, *outer.values(), first, *captured], body=graph, carries=len(ends),
                         limit=None if maximum_iterations is None else int(maximum_iterations))
    for v, value in zip(assigned, results[len(begins):]):
        v.assign(value)
    new = packed(init, results)
    return new[0] if single else new


def _truth(value):
    value = core.tensor(value)
    if value.size != 1:
        raise core.error('while_loop', f'cond: expected one truth value, got {value.dtype}{list(value.shape)}')
    return reshape(core.tensor(value, 'bool'), ())


def associative_scan(f, elems, reverse=False, axis=0):
    """Running results of an associative f along an axis: y[0] = x[0], y[i] = f(y[i - 1], x[i]), in about 2·log2(n) calls of f
    on whole pieces.

    f: function (a, b) -> result, of structures like elems, that works on pieces of any length along the axis. elems: tensor, or
    nesting of tensors, of equal sizes along the axis. reverse: from the end on. Returns the nesting of elems.
    """
    if not _lively(elems):
        return _run(lambda e: associative_scan(f, e, reverse, axis), elems)
    elems = _tensors(elems)
    flat = leaves(elems)
    if not flat:
        raise core.error('associative_scan', 'elems: expected at least one tensor')
    bad = [t for t in flat if not -len(t.shape) <= axis < len(t.shape)]
    if bad:
        raise core.error('associative_scan', f'axis: expected an axis of each of elems, got {axis} for the shape '
                                             f'{bad[0].shape}')
    places = [axis % len(t.shape) for t in flat]
    sizes = {t.shape[p] for t, p in zip(flat, places)}
    if len(sizes) != 1 or None in sizes or 0 in sizes:
        raise core.error('associative_scan', f'elems: expected one known size of at least 1 along axis {axis}, got '
                                             f'{sorted(builtins.map(str, sizes))}')

    def each(function, *lists):
        return [function(p, *row) for p, row in zip(places, zip(*lists))]

    def joined(a, b):
        return _nested(lambda _, v: core.tensor(v), 'associative_scan', 'f', elems, f(packed(elems, a), packed(elems, b)))

    if reverse:
        flat = each(lambda p, x: flip(x, p), flat)
    made = _running(flat, each, lambda a, b: leaves(joined(a, b)), sizes.pop())
    return packed(elems, each(lambda p, x: flip(x, p), made) if reverse else made)


def _running(xs, each, f, n):
    """Running results of the lists of pieces: those of neighbours joined give every second one."""
    def part(values, *key):
        return each(lambda p, x: cut(x, along(len(x.shape), p, *key)), values)

    if n == 1:
        return xs
    pairs = f(part(xs, 0, n - 1, 2), part(xs, 1, n, 2))
    odd = _running(pairs, each, f, n // 2)
    if n == 2:
        return each(lambda p, a, b: concatenate([a, b], p), part(xs, 0, 1), odd)
    even = f(part(odd, 0, (n - 1) // 2), part(xs, 2, n, 2))
    even = each(lambda p, a, b: concatenate([a, b], p), part(xs, 0, 1), even)
    count = n // 2
    mixed = each(lambda p, a, b: _interleaved(a, b, p), part(even, 0, count), odd)
    return each(lambda p, a, b: concatenate([a, b], p), mixed, part(even, count, count + 1)) if n % 2 else mixed


def _interleaved(a, b, axis):
    shape = list(a.shape)
    shape[axis] *= 2
    return reshape(stack([a, b], axis + 1), shape)


# ---- choices
def cond(pred, true_fn, false_fn):
    """true_fn() where pred is true, else false_fn(). pred: one truth value. Where it is symbolic both are traced, and must
    return equal nestings of equal shapes and types; a run computes one of them."""
    if not core.is_symbolic(pred):
        return true_fn() if bool(core.to_array(pred)) else false_fn()
    pred = core.tensor(pred)
    if pred.size != 1:
        raise core.error('cond', f'pred: expected one truth value, got {pred.dtype}{list(pred.shape)}')
    false = core.apply('logical_not', (reshape(core.tensor(pred, 'bool'), ()),))
    return _choose('cond', core.apply('cast', (false,), dtype='int32'), [true_fn, false_fn])


def switch(index, branches, *operands):
    """branches[index](*operands), the index brought into the range. index: one whole number; where it is symbolic all branches
    are traced, and must return equal nestings of equal shapes and types; a run computes one of them."""
    branches = list(branches)
    if not branches:
        raise core.error('switch', 'branches: expected at least one')
    if not core.is_symbolic(index):
        return branches[min(max(int(core.to_array(index)), 0), len(branches) - 1)](*operands)
    index = core.tensor(index)
    if index.size != 1 or index.dtype in core.FLOATS:
        raise core.error('switch', f'index: expected one whole number, got {index.dtype}{list(index.shape)}')
    return _choose('switch', reshape(core.tensor(index, 'int32'), ()), [lambda b=b: b(*operands) for b in branches])


def _choose(op, index, functions):
    traced, variables = [], {}
    for function in functions:
        since = placeholder(0, (), 'float32').serial
        with core.inner_trace() as trace:
            made = _tensors(function())
        traced.append((made, since, {v: trace.current[k] for k, v in trace.assigned.items()}))
        variables.update(dict.fromkeys(traced[-1][2]))
    first = traced[0][0]
    outside = {v: core.tensor(v) for v in variables}
    ends = []
    for made, _, assigned in traced:
        _nested(lambda a, b: a, op, 'the branches', first, made)
        ends.append([*leaves(made), *(assigned.get(v, outside[v]) for v in variables)])
    captured, parts = {}, []
    for values, (_, since, _) in zip(ends, traced):
        body, read = body_of([], values, since)
        parts.append((body, read))
        captured.update((id(n), n) for n in read)
    if not ends[0]:
        return first
    bodies = tuple(_widened(body, read, list(captured.values())) for body, read in parts)
    with core.named(core.current_name()):
        results = core.apply('choose', [index, *captured.values()], branches=bodies)
    count = len(leaves(first))
    for v, value in zip(variables, results[count:]):
        v.assign(value)
    return packed(first, results)


def _widened(body, read, everything):
    """The body with the inputs of all branches."""
    place = {id(n): k for k, n in enumerate(read)}
    inputs = [body.inputs[place[id(n)]] if id(n) in place else placeholder(0, n.shape, n.dtype) for n in everything]
    return type(body)(inputs, body.outputs)
