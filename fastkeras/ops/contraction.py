"""einsum by transposes, matmul and sums."""

import builtins

import numpy as np

from ..utils.errors import unknown_argument
from .core import as_tensor, error
from .elementwise import multiply
from .linalg import matmul
from .move import expand_dims, reshape, squeeze, transpose
from .reduce import sum

__all__ = ['einsum']


def einsum(subscripts, *operands, **kwargs):
    """Sums of products over labelled axes, in NumPy's notation: 'bij,bjk->bik', implicit results, '...' for further
    axes.

    Operands are contracted two at a time, left to right, whatever `optimize`, NumPy's only other argument, says: the results
    are equal. A label twice in one operand takes its diagonal. Raises
    ValueError for a malformed text, unknown labels in the result, and sizes that disagree (1 is repeated, as in
    NumPy).
    """
    for name in kwargs:
        if name != 'optimize':
            raise unknown_argument('einsum', name, ['optimize'])
    operands = [as_tensor(x) for x in operands]
    terms, result = _parse(subscripts, operands)
    sizes = _sizes(subscripts, terms, operands)
    operands, terms = zip(*(_diagonal(x, labels) for x, labels in zip(operands, terms)))
    pending = [_without_ones(x, labels, sizes) for x, labels in zip(operands, terms)]
    while len(pending) > 1:
        (a, la), (b, lb), *rest = pending
        kept = set(result).union(*(labels for _, labels in rest))
        pending = [_contract(a, la, b, lb, kept), *rest]
    return _ordered(*_sum_out(*pending[0], set(result)), result)


def _parse(subscripts, operands):
    """Lists of labels of each operand and of the result. An ellipsis becomes the labels …, -2, -1."""
    text = subscripts.replace(' ', '')
    source, arrow, target = text.partition('->')
    terms = source.split(',')
    if len(terms) != len(operands):
        raise error('einsum', f'{subscripts!r} names {len(terms)} operands, got {len(operands)}')
    extra = [len(x.shape) - len(t.replace('...', '')) for t, x in zip(terms, operands)]
    lists = []
    for term, x, more in zip(terms, operands, extra):
        if more < 0 or (more and '...' not in term):
            raise error('einsum', f'{term!r} of {subscripts!r}: expected an operand of '
                                  f'{len(term.replace("...", ""))} dimensions, got shape {tuple(x.shape)}')
        lists.append(_labels(term, more, subscripts))
    wide = builtins.max((m for m, t in zip(extra, terms) if '...' in t), default=0)
    if arrow:
        result = _labels(target, wide, subscripts)
    else:
        letters = [c for c in source if c.isalpha()]
        result = [*range(-wide, 0), *sorted(c for c in set(letters) if letters.count(c) == 1)]
    known = set().union(*lists)
    if any(label not in known for label in result) or len(set(result)) < len(result):
        raise error('einsum', f'{subscripts!r}: expected a result of different labels, all of them among the operands')
    return lists, result


def _labels(term, ellipsis, subscripts):
    before, dots, after = term.partition('...')
    if before + after and not (before + after).isalpha():
        raise error('einsum', f'{term!r} of {subscripts!r}: expected letters and at most one ellipsis')
    return [*before, *(range(-ellipsis, 0) if dots else ()), *after]


def _sizes(subscripts, terms, operands):
    sizes = {}
    for labels, x in zip(terms, operands):
        for label, size in zip(labels, x.shape):
            old = sizes.get(label, 1)
            if 1 not in (old, size) and None not in (old, size) and old != size:
                name = label if isinstance(label, str) else '...'
                raise error('einsum', f'{subscripts!r}: label {name!r} has sizes {old} and {size} in operands of '
                                      f'shapes {[tuple(o.shape) for o in operands]}')
            sizes[label] = size if old in (1, None) else old
    return sizes


def _diagonal(x, labels):
    """x with every label once: a second axis of the same label is multiplied by the identity and summed."""
    for k, label in enumerate(labels):
        first = labels.index(label)
        if first < k:
            shape = [1] * len(labels)
            shape[first] = shape[k] = x.shape[k]
            diagonal = multiply(x, np.eye(x.shape[k], dtype=x.dtype).reshape(shape))
            return _diagonal(sum(diagonal, axis=k), labels[:k] + labels[k + 1:])
    return x, labels


def _without_ones(x, labels, sizes):
    """x without the axes that are repeated to another operand's size."""
    ones = tuple(k for k, (d, label) in enumerate(zip(x.shape, labels)) if d == 1 and sizes[label] != 1)
    return (squeeze(x, ones) if ones else x), [label for k, label in enumerate(labels) if k not in ones]


def _sum_out(x, labels, kept):
    axes = tuple(k for k, label in enumerate(labels) if label not in kept)
    return (sum(x, axis=axes) if axes else x), [label for label in labels if label in kept]


def _ordered(x, labels, wanted):
    order = [labels.index(label) for label in wanted]
    return x if order == list(range(len(order))) else transpose(x, order)


def _merged(x, groups):
    """x with each group of axes (counts, in order) as one; a group of none becomes a size 1."""
    if all(n == 1 for n in groups):
        return x
    shape, k = [], 0
    for n in groups:
        size = 1
        for d in x.shape[k:k + n]:
            size = None if size is None or d is None else size * d
        shape.append(size)
        k += n
    return reshape(x, tuple(shape))


def _contract(a, la, b, lb, kept):
    """The product of two operands summed over the labels that nothing else needs."""
    a, la = _sum_out(a, la, kept | set(lb))
    b, lb = _sum_out(b, lb, kept | set(la))
    batch = [x for x in la if x in lb and x in kept]
    common = [x for x in la if x in lb and x not in kept]
    left, right = [x for x in la if x not in lb], [x for x in lb if x not in la]
    if not common:
        a = _ordered(a, la, batch + left)
        b = _ordered(b, lb, batch + right)
        for _ in right:
            a = expand_dims(a, -1)
        for _ in left:
            b = expand_dims(b, len(batch))
        return multiply(a, b), batch + left + right
    sizes = dict(zip(la, a.shape)) | {k: d for k, d in zip(lb, b.shape) if d is not None}
    sizes |= {k: d for k, d in zip(la, a.shape) if d is not None}
    b = _merged(_ordered(b, lb, batch + common + right), [1] * len(batch) + [len(common), len(right)])
    ones = [1] * len(batch)
    if batch:
        a = _merged(_ordered(a, la, batch + left + common), ones + [len(left), len(common)])
    else:
        # b is one matrix: the axes of a stay as they are
        a = _merged(_ordered(a, la, left + common), [1] * len(left) + [len(common)])
        a = a if left else expand_dims(a, 0)
    y = matmul(a, b)
    if (len(left) == 1 or not batch and left) and len(right) == 1:
        return y, batch + left + right
    return reshape(y, tuple(sizes[x] for x in batch + left + right)), batch + left + right
