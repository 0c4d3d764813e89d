"""Choices and loops around ops. A plan has neither: a symbolic choice computes all branches and keeps one, a loop of
a known length is written out, and what only values could decide is computed at once on arrays."""

import builtins

import numpy as np

from . import core
from .core import Sample, apply, register
from .elementwise import where
from .shapes import shape_of
from .slices import stack, unstack

__all__ = ['cond', 'custom_gradient', 'fori_loop', 'map', 'scan', 'switch', 'vectorized_map', 'while_loop']


# ---- nested lists, tuples and dicts
def _leaves(structure):
    if isinstance(structure, dict):
        return [leaf for key in structure for leaf in _leaves(structure[key])]
    if isinstance(structure, (list, tuple)):
        return [leaf for part in structure for leaf in _leaves(part)]
    return [] if structure is None else [structure]


def _over(function, first, *others):
    """The function of corresponding leaves, in the nesting of the first structure; ValueError where nestings differ."""
    if isinstance(first, dict):
        if any(not isinstance(o, dict) or set(o) != set(first) for o in others):
            raise ValueError(f'expected structures with the keys {sorted(first)}')
        return {key: _over(function, first[key], *(o[key] for o in others)) for key in first}
    if isinstance(first, (list, tuple)):
        if any(not isinstance(o, (list, tuple)) or len(o) != len(first) for o in others):
            raise ValueError(f'expected structures of {len(first)} parts')
        parts = [_over(function, *part) for part in zip(first, *others)]
        return type(first)(*parts) if hasattr(first, '_fields') else type(first)(parts)
    return None if first is None else function(first, *others)


# ---- choices
def cond(pred, true_fn, false_fn):
    """true_fn() where pred is true, else false_fn(), of equal nesting. A symbolic pred computes both, and keeps one."""
    if not core.is_symbolic(pred):
        return true_fn() if bool(core.to_array(pred)) else false_fn()
    return _over(lambda a, b: where(pred, a, b), true_fn(), false_fn())


def switch(index, branches, *operands):
    """branches[index](*operands), the index brought into the range. A symbolic index computes all, and keeps one."""
    if not branches:
        raise ValueError('[switch] branches: expected at least one')
    if not core.is_symbolic(index):
        return branches[min(max(int(core.to_array(index)), 0), len(branches) - 1)](*operands)
    result = branches[-1](*operands)
    for k in reversed(range(len(branches) - 1)):
        result = _over(lambda a, b, k=k: where(apply('less_equal', (index, k)), a, b), branches[k](*operands), result)
    return result


# ---- loops
def while_loop(cond, body, loop_vars, maximum_iterations=None):
    """loop_vars = body(*loop_vars) while cond(*loop_vars). A symbolic condition needs maximum_iterations: so many
    rounds are written out, each of which keeps the variables once the condition is false."""
    single = not isinstance(loop_vars, (list, tuple))
    values = (loop_vars,) if single else tuple(loop_vars)
    rounds, go = 0, cond(*values)
    while maximum_iterations is None or rounds < maximum_iterations:
        if core.is_symbolic(go):
            if maximum_iterations is None:
                raise ValueError('[while_loop] maximum_iterations: needed where the condition is a symbolic tensor')
        elif not bool(core.to_array(go)):
            break
        new = body(*values)
        new = tuple(new) if isinstance(new, (list, tuple)) and not single else (new,)
        if core.is_symbolic(go):
            new = _over(lambda a, b, go=go: where(go, a, b), new, values)
            go = apply('logical_and', (go, cond(*new)))
        else:
            go = cond(*new)
        values, rounds = new, rounds + 1
    return values[0] if single else values


def fori_loop(lower, upper, body_fun, init_val):
    """val = body_fun(i, val) for i from lower to below upper, known numbers."""
    value = init_val
    for i in range(int(lower), int(upper)):
        value = body_fun(i, value)
    return value


def scan(f, init, xs=None, length=None, reverse=False, unroll=1):
    """(carry, stacked ys) of carry, y = f(carry, x) over the first axis of xs, written out. reverse: from the last
    one."""
    n, rows = _split_rows(xs, length, 'scan')
    carry, ys = init, [None] * n
    for i in (reversed(range(n)) if reverse else range(n)):
        carry, ys[i] = f(carry, rows(i))
    return carry, (_over(lambda *parts: stack(parts, 0), *ys) if n else None)


def _split_rows(xs, length, op):
    """(number of rows, i → the structure of rows i)."""
    sizes = {shape_of(core.as_tensor(x))[0] for x in _leaves(xs)} | ({int(length)} if length is not None else set())
    if len(sizes) != 1 or None in sizes:
        raise ValueError(f'[{op}]: expected one known length of the first axes, got {sorted(builtins.map(str, sizes))}')
    n = sizes.pop()
    split = {id(x): unstack(x, n, 0) for x in _leaves(xs)}
    return n, lambda i: _over(lambda x: split[id(x)][i], xs)


def map(f, xs):
    """f of each row of xs (a tensor, or a nesting of them), the results stacked."""
    n, rows = _split_rows(xs, None, 'map')
    if not n:
        raise ValueError('[map] xs: expected at least one row')
    return _over(lambda *parts: stack(parts, 0), *[f(rows(i)) for i in range(n)])


def vectorized_map(function, elements):
    """As `map`."""
    return map(function, elements)


# ---- a gradient of one's own
def _custom_vjp(node, ct):
    found = node.attrs['gradient'](ct)
    found = list(found) if isinstance(found, (list, tuple)) else [found]
    if len(found) != len(node.inputs) - 1:
        raise ValueError(f'[custom_gradient]: expected a gradient for each of {len(node.inputs) - 1} arguments, got '
                         f'{len(found)}')
    return [None, *(None if g is None else core.tensor(g) for g in found)]


def _nothing(ct):
    return ct


@register('custom_gradient', vjp=_custom_vjp, ref=lambda y, *xs, gradient: y, view=lambda node: 0,
          rows=lambda node, moving: moving[0],
          samples=lambda: [Sample([np.ones((2, 3), np.float32), np.ones((2, 3), np.float32)], {'gradient': _nothing},
                                  grad=False)])
def _custom_spec(y, *xs, gradient):
    return y.shape, y.dtype


def custom_gradient(f):
    """Decorator of f(*args) -> (value, gradient): gradient(ct) gives the gradients of the arguments, one or a list,
    in place of the ones that follow from the ops of f."""
    def wrapped(*args):
        value, gradient = f(*args)
        if not core.is_symbolic(value):
            return value
        return apply('custom_gradient', (apply('stop_gradient', (value,)), *args), gradient=lambda ct: gradient(ct))
    return wrapped
