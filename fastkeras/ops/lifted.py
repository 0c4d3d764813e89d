"""Functions of functions: a function for each element, directional derivatives; and axes by names."""

import re

import numpy as np

from . import core
from .bodies import leaves, over, packed
from .core import as_tensor, error
from .flow import vectorized_map
from .move import broadcast_to, reshape, transpose
from .shapes import broadcast, shape_of

__all__ = ['jvp', 'rearrange', 'vectorize']


def jvp(fun, primals, tangents, has_aux=False):
    """(fun(*primals), its derivative in the direction of the tangents): forward-mode differentiation, made of two backward
    ones.

    primals: list of the arguments; tangents: of equal structure and shapes. has_aux: fun returns (value, anything else), which
    comes third. Raises ValueError where structures or shapes differ.
    """
    if not isinstance(primals, (list, tuple)) or not isinstance(tangents, (list, tuple)) or len(primals) != len(tangents):
        raise error('jvp', f'expected lists of as many primals as tangents, got {primals!r:.60} and {tangents!r:.60}')
    ins, along = leaves(primals), leaves(tangents)
    if [shape_of(x) for x in ins] != [shape_of(x) for x in along]:
        raise error('jvp', f'expected tangents of the shapes of the primals, {[shape_of(x) for x in ins]}, got '
                           f'{[shape_of(x) for x in along]}')
    aux = []

    def derived(*tensors):
        given = packed(list(primals), tensors[:len(ins)])
        value = fun(*given)
        if has_aux:
            value, extra = value
            aux[:] = [extra]
        outs = [core.tensor(y) for y in leaves(value)]
        # the backward derivative is linear in its cotangents u; its own, with respect to u, is the forward one
        u = [core.apply('multiply', (y, 0)) for y in outs]     # any value, but no constant: those have no gradient
        back = core.pullback(outs, u, list(tensors[:len(ins)]))
        pairs = [(g, t) for g, t in zip(back, tensors[len(ins):]) if g is not None]
        if not pairs:
            return value, over(lambda y: core.apply('multiply', (core.tensor(y), 0)), value)
        forward = core.pullback([g for g, _ in pairs], [t for _, t in pairs], u)
        rest = iter(core.apply('multiply', (y, 0)) if d is None else d for y, d in zip(outs, forward))
        return value, over(lambda _: next(rest), value)

    arrays = [*ins, *along]
    if core.tracing() or any(core.is_symbolic(x) for x in arrays):
        value, tangent = derived(*(core.tensor(x) for x in arrays))
    else:
        value, tangent = core.run(derived, [_floats(x) for x in arrays])
        if aux and any(core.is_symbolic(x) for x in leaves(aux)):
            aux[:] = [fun(*primals)[1]]
    return (value, tangent, *aux) if has_aux else (value, tangent)


def _floats(x):
    x = core.to_array(x)
    return x if x.dtype.kind == 'f' else x.astype(np.float32)


# ---- one call for each element
def vectorize(pyfunc, *, excluded=None, signature=None):
    """A function that calls `pyfunc` for each element of its arguments, broadcast together, traced once (see `vectorized_map`).

    excluded: numbers and names of arguments that are passed as they are. signature: what pyfunc takes and gives, as
    '(n),(n)->()': the named axes, the last ones, belong to each call.
    """
    if not callable(pyfunc):
        raise error('vectorize', f'pyfunc: expected a function, got {pyfunc!r}')
    excluded = set(excluded or ())
    if any(not isinstance(e, (int, str)) for e in excluded):
        raise error('vectorize', f'excluded: expected numbers and names of arguments, got {excluded!r}')
    inner = _parsed(signature)

    def vectorized(*args, **kwargs):
        fixed = {k: v for k, v in enumerate(args) if k in excluded}
        named = {k: v for k, v in kwargs.items() if k in excluded}
        mapped = [as_tensor(v) for k, v in enumerate(args) if k not in fixed]
        names = [k for k in kwargs if k not in named]
        mapped += [as_tensor(kwargs[k]) for k in names]
        if inner is not None and len(inner) != len(mapped):
            raise error('vectorize', f'signature {signature!r}: expected {len(inner)} arguments, got {len(mapped)}')
        own = inner or [0] * len(mapped)
        loops = [shape_of(x)[:len(shape_of(x)) - k] for x, k in zip(mapped, own)]
        shape = broadcast(*loops)

        def call(rows):
            rest = iter(rows)
            given = [fixed[k] if k in fixed else next(rest) for k in range(len(args))]
            return pyfunc(*given, **{k: next(rest) for k in names}, **named)
        if not shape:
            return call(mapped)
        flat = []
        for x, k in zip(mapped, own):
            core_shape = shape_of(x)[len(shape_of(x)) - k:]
            flat.append(reshape(broadcast_to(x, (*shape, *core_shape)), (-1, *core_shape)))
        return over(lambda y: reshape(y, (*shape, *shape_of(y)[1:])), vectorized_map(call, flat))
    return vectorized


def _parsed(signature):
    """How many axes of each argument a call takes; None without a signature."""
    if signature is None:
        return None
    group = r'\(\s*(?:\w+\s*(?:,\s*\w+\s*)*)?\)'
    if not re.fullmatch(rf'\s*{group}(\s*,\s*{group})*\s*->\s*{group}(\s*,\s*{group})*\s*', signature):
        raise error('vectorize', f"signature: expected the form '(n),(n)->()', got {signature!r}")
    return [len(re.findall(r'\w+', g)) for g in re.findall(group, signature.split('->')[0])]


# ---- axes by names
def rearrange(tensor, pattern, **axes_lengths):
    """The tensor with its axes split, ordered and joined as a pattern of einops says: 'b (h p) c -> b h (c p)' with p=2.

    Names stand for axes, parentheses for axes that are one; sizes of parts that are not given follow from the others. Raises
    ValueError for a pattern that does not fit the tensor.
    """
    x = as_tensor(tensor)
    sides = pattern.split('->')
    if len(sides) != 2:
        raise error('rearrange', f"pattern: expected one '->', got {pattern!r}")
    before, after = (_axes(side, pattern) for side in sides)
    shape = shape_of(x)
    names = [n for group in before for n in group]
    if sorted(names) != sorted(n for group in after for n in group) or len(set(names)) != len(names):
        raise error('rearrange', f'pattern: expected the same names on both sides, each once, got {pattern!r}')
    unknown = set(axes_lengths) - set(names)
    if unknown:
        raise error('rearrange', f'{sorted(unknown)[0]!r} is not an axis of the pattern {pattern!r}')
    if len(before) != len(shape):
        raise error('rearrange', f'pattern: {pattern!r} has {len(before)} axes on the left, the tensor has shape {shape}')
    sizes = {}
    for group, size in zip(before, shape):
        open_ = [n for n in group if n not in axes_lengths]
        known = int(np.prod([axes_lengths[n] for n in group if n in axes_lengths], dtype=np.int64))
        if len(open_) > 1:
            raise error('rearrange', f'pattern: the sizes of {", ".join(open_)} are not known; give all but one of them')
        if size is not None and (size % known if open_ else size != known):
            raise error('rearrange', f'an axis of size {size} is not made of {" ".join(group)} with {axes_lengths}')
        for n in group:
            sizes[n] = axes_lengths[n] if n in axes_lengths else -1 if size is None else size // known
    order = [names.index(n) for group in after for n in group]
    y = reshape(x, tuple(sizes[n] for n in names)) if len(names) != len(shape) else x
    y = transpose(y, order) if order != sorted(order) else y
    joined = [[sizes[n] for n in group] for group in after]
    if any(len(g) != 1 for g in joined):
        y = reshape(y, tuple(-1 if -1 in g else int(np.prod(g, dtype=np.int64)) for g in joined))
    return y


def _axes(text, pattern):
    """The groups of names of one side: [['b'], ['h', 'p']]."""
    parts = re.findall(r'\(([^()]*)\)|(\w+)|(\S)', text)
    if any(bad for _, _, bad in parts) or not all(name or group.strip() or True for group, name, _ in parts):
        raise error('rearrange', f'pattern: expected names and parentheses, got {pattern!r}')
    return [[name] if name else group.split() for group, name, _ in parts]
