"""The records of loops: `scan` with its gradient, and `while_loop`.

A scan carries values from round to round, reads a row of each sequence in each round, and stacks what each round makes. Its
gradient is the scan of its body's gradient, backwards. What that reads of the forward rounds is stacked by the forward scan; a
weight's gradient that is a sum over rounds of products, or of rows, is one product or sum behind the loop.
"""

import numpy as np

from ..graph import LEAVES, Body, toposort
from . import core, kept_rounds
from .bodies import fitted, inlined, written_out
from .core import Sample, apply, placeholder, register
from .elementwise import add, where
from .evaluate import evaluate
from .move import reshape


# ---- cases for tests
def _case(arrays, call, carries, sequences, attrs, **options):
    """A Sample of an op with the body call(*values of a round) → list of Tensors. The first `sequences` behind the carried
    ones lose their first axis in a round."""
    shapes = [a.shape[1:] if carries <= k < carries + sequences else a.shape for k, a in enumerate(arrays)]
    inputs = [placeholder(k, s, a.dtype.name) for k, (s, a) in enumerate(zip(shapes, arrays))]
    return Sample(arrays, {'body': Body(inputs, call(*inputs)), **attrs}, **options)


def _normal(*shapes):
    rng = np.random.default_rng(11)
    return [rng.standard_normal(s).astype(np.float32) for s in shapes]


def _cell(h, c, x, w):
    """A recurrent round: four gates behind one product."""
    z = add(apply('matmul', (h, w)), x)
    n = h.shape[-1]
    i, f, g, o = (apply('slice', (z,), key=((None, None, 1), (k * n, k * n + n, 1))) for k in range(4))
    kept = apply('multiply', (apply('sigmoid', (f,)), c))
    c = add(kept, apply('multiply', (apply('sigmoid', (i,)), apply('tanh', (g,)))))
    h = apply('multiply', (apply('sigmoid', (o,)), apply('tanh', (c,))))
    return [h, c, h]


def _scan_samples():
    def case(arrays, call, carries, sequences, length, reverse=False, **options):
        return _case(arrays, call, carries, sequences, {'carries': carries, 'sequences': sequences, 'length': length,
                                                        'reverse': reverse}, **options)

    def many(total, x):
        return [add(apply('multiply', (total, 0.5)), apply('sum', (x,), axis=(0,), keepdims=False)), apply('square', (x,))]

    made = [case(_normal((b, n), (b, n), (t, b, 4 * n), (n, 4 * n)), _cell, 2, 1, t, reverse, rtol=1e-4)
            for b, n, t, reverse in ((1, 3, 4, False), (13, 8, 9, False), (12, 5, 6, True), (33, 17, 20, False))]
    made.append(case(_normal((7,), (5, 3, 7)), many, 1, 1, 5))
    made.append(case(_normal((6, 4), (4, 4)), lambda x, w: [apply('tanh', (apply('matmul', (x, w)),)), x], 1, 0, 7))
    made.append(case(_normal((5, 40, 3)), lambda x: [apply('exp', (x,))], 0, 1, 5))
    made.append(case(_normal((3, 2), (3, 2), (4, 3, 2)), lambda a, b, x: [b, add(a, x)], 2, 1, 4))  # two that change places
    return made


def _while_samples():
    def case(limit, bound, grad=True):
        def call(x, n, go, w):
            x = apply('tanh', (apply('matmul', (x, w)),))
            n = add(n, 1)
            return [x, n, apply('less', (n, bound))]
        x, w = _normal((6, 5), (5, 5))
        arrays = [x, np.array(0, np.int32), np.array(True), w]
        return _case(arrays, call, 2, 0, {'carries': 2, 'limit': limit}, grad=grad, rtol=1e-4)
    return [case(4, 9), case(9, 4), case(None, 5, grad=False), case(0, 3)]


def _choose_samples():
    def case(index, n):
        x, y = _normal((6, n), (6, n))
        a, b = (placeholder(k, (6, n), 'float32') for k in range(2))
        graphs = [[apply('multiply', (a, b)), a], [apply('exp', (b,)), add(a, b)], [apply('negative', (a,)), b]]
        return Sample([np.array(index, np.int32), x, y], {'branches': tuple(Body([a, b], g) for g in graphs)})
    return [case(-1, 3), case(0, 5), case(1, 5), case(2, 8), case(7, 40)]


# ---- scan
def _split(values, carries, sequences):
    return values[:carries], values[carries:carries + sequences], values[carries + sequences:]


def _row(x, length):
    """What a body sees of an input that is a sequence."""
    return placeholder(0, x.shape[1:], x.dtype) if length else x


def _scan_ref(*arrays, body, carries, sequences, length, reverse, made=()):
    carry, xs, weights = _split(list(arrays), carries, sequences)
    ys = [None] * length
    for t in (reversed(range(length)) if reverse else range(length)):
        made = evaluate(body.outputs, dict(zip(body.inputs, [*carry, *(x[t] for x in xs), *weights])))
        # a body that computes wide stays so: its carry may be narrower only before the first round
        carry, ys[t] = made[:carries], made[carries:]
    return (*(np.asarray(c) for c in carry), *(np.stack(parts) for parts in zip(*ys)))


def _scan_compose(*inputs, body, carries, sequences, length, reverse, made=()):
    carry, xs, weights = _split(inputs, carries, sequences)
    new = fitted(body, [*carry, *(_row(x, length) for x in xs), *weights])
    if new is body:
        return None
    return apply('scan', inputs, body=new, carries=carries, sequences=sequences, length=length, reverse=reverse)


def _scan_lower(ctx, node, ins):
    return ctx.scan(node, ins)


def _scan_vjp(node, cts):
    return Backward(node, cts).gradients()


@register('scan', vjp=_scan_vjp, ref=_scan_ref, lower=_scan_lower, compose=_scan_compose, several=True,
          supports=lambda node: True, samples=_scan_samples, bodies='body', rounds=True)
def _scan_spec(*inputs, body, carries, sequences, length, reverse, made=()):
    """inputs: initial values of what is carried, sequences, weights; results: the last values, the stacks. made: what
    compiler/loop_bodies.py made of the body."""
    for k, x in enumerate(inputs[carries:carries + sequences]):
        if not x.shape or x.shape[0] not in (length, None):
            raise ValueError(f'sequence {k}: expected {length} rows, got the shape {tuple(x.shape)}')
    carry = [(tuple(x.shape), x.dtype) for x in inputs[:carries]]
    for k, (want, made) in enumerate(zip(carry, body.outputs)):
        if want[1] != made.dtype or len(want[0]) != len(made.shape) or any(
                None not in (a, b) and a != b for a, b in zip(want[0], made.shape)):
            raise ValueError(f'value {k} that is carried: expected {want[1]}{list(want[0])} as at the beginning, got '
                             f'{made.dtype}{list(made.shape)} from a round; a round must keep its shape and type')
    return carry + [((length, *y.shape), y.dtype) for y in body.outputs[carries:]]


class Backward:
    """The gradient of one scan."""

    def __init__(self, node, cts):
        a = node.attrs
        self.node, self.body = node, a['body']
        self.carries, self.sequences, self.length, self.reverse = a['carries'], a['sequences'], a['length'], a['reverse']
        self.fresh = [placeholder(k, x.shape, x.dtype) for k, x in enumerate(self.body.inputs)]
        self.outs, _ = inlined(self.body, self.fresh)
        self.forward = {id(n) for n in toposort(self.outs)} | {id(n) for n in self.fresh}
        weights = {id(n) for n in self.fresh[self.carries + self.sequences:]}
        self.steady = set(weights)          # forward nodes that are the same in every round
        for n in toposort(self.outs):
            if n.op == 'const' or n.inputs and all(id(i) in self.steady for i in n.inputs):
                self.steady.add(id(n))
        self.kept = {}                      # forward nodes that the backward rounds read: id → node
        self._differentiate(cts)

    def _differentiate(self, cts):
        """Cotangents of a round as placeholders, and the gradients of a round's inputs in terms of them."""
        self.ct_carry = {j: self._like(self.outs[j]) for j in range(self.carries) if self.outs[j].dtype in core.FLOATS}
        self.ct_stack = {k: self._like(self.outs[k]) for k in range(self.carries, len(self.outs)) if cts.get(k) is not None}
        self.given = cts
        wanted = [n for n in self.fresh if n.dtype in core.FLOATS]
        ends = {**self.ct_carry, **self.ct_stack}
        found = core.pullback([self.outs[k] for k in ends], list(ends.values()), wanted)
        self.found = {id(n): g for n, g in zip(wanted, found)}

    @staticmethod
    def _like(node):
        return placeholder(0, node.shape, node.dtype)

    def gradients(self):
        """One for each input of the scan, or None."""
        inputs, first = self.node.inputs, self.carries + self.sequences
        carry = {j: self.found[id(self.fresh[j])] for j in self.ct_carry}
        carry = {j: self._zeros(self.outs[j]) if g is None else g for j, g in carry.items()}
        rows = {k: self.found.get(id(self.fresh[k])) for k in range(self.carries, first)}
        rows = {k: g for k, g in rows.items() if g is not None}
        weights = {k: self._terms(self.found[id(self.fresh[k])]) for k in range(first, len(self.fresh))
                   if self.found.get(id(self.fresh[k])) is not None}
        joined = {k: [t for t in terms if self._joins(t)] for k, terms in weights.items()}
        added = {k: [t for t in terms if not self._joins(t)] for k, terms in weights.items()}
        added = {k: terms for k, terms in added.items() if terms}
        stacked = {}                        # what a product behind the loop reads of each round, made by the rounds
        for terms in joined.values():
            for t in terms:
                for leaf in self._factors(t):
                    if id(leaf) not in self.forward and all(leaf is not c for c in (*self.ct_stack.values(), *rows.values())):
                        stacked[id(leaf)] = leaf
        sums = {k: self._like(self.fresh[k]) for k in added}
        outputs = [*carry.values()]
        for k, total in sums.items():
            for t in added[k]:
                total = add(total, t)
            outputs.append(total)
        outputs += [*rows.values(), *stacked.values()]
        last, made = self._scan(outputs, carry, sums)
        made_rows, made_stacks = made[:len(rows)], made[len(rows):]
        stacks = {**dict(zip(stacked, made_stacks)), **{id(g): made for g, made in zip(rows.values(), made_rows)}}
        result = [None] * len(inputs)
        for j, g in zip(carry, last):
            result[j] = g
        for k, g in zip(rows, made_rows):
            result[k] = g
        for k in weights:
            parts = [self._joined(t, stacks) for t in joined[k]]
            if k in sums:
                parts.append(last[len(carry) + list(sums).index(k)])
            total = parts[0]
            for p in parts[1:]:
                total = add(total, p)
            result[k] = total
        return result

    @staticmethod
    def _zeros(node):
        return core.constant(0, dtype=node.dtype, shape=node.shape)

    # ---- what adds up over the rounds
    def _terms(self, node):
        if node.op == 'add' and id(node) not in self.forward and all(i.shape == node.shape for i in node.inputs):
            return [t for i in node.inputs for t in self._terms(i)]
        return [node]

    def _joins(self, node):
        """Whether the sum of this over the rounds is one operation on what the rounds have in a row."""
        if node.op in ('reshape', 'negative') and id(node) not in self.forward:
            return self._joins(node.inputs[0])
        rule = core.record(node.op).over_rows if id(node) not in self.forward and node.op not in LEAVES else None
        return rule is not None and rule(node) and not any(
            id(i) in self.steady or i.op in ('const', 'variable') for i in node.inputs)

    def _factors(self, node):
        if node.op in ('reshape', 'negative'):
            return self._factors(node.inputs[0])
        for i in node.inputs:
            if id(i) in self.forward:
                self._keep(i)
        return node.inputs

    def _joined(self, node, stacks):
        if node.op == 'reshape':
            return reshape(self._joined(node.inputs[0], stacks), node.shape)
        if node.op == 'negative':
            return apply('negative', (self._joined(node.inputs[0], stacks),))
        parts = []
        for i in node.inputs:
            x = self._stack(i, stacks)
            parts.append(reshape(x, (x.shape[0] * x.shape[1], *x.shape[2:])))
        return apply(node.op, parts, **node.attrs)

    def _stack(self, node, stacks):
        """All rounds of a value in the order of the rows."""
        if id(node) in stacks:
            return stacks[id(node)]
        for k, ct in self.ct_stack.items():
            if node is ct:
                return core.tensor(self.given[k])
        for k in range(self.carries, self.carries + self.sequences):
            if node is self.fresh[k]:
                return self.node.inputs[k]
        return self.saved[id(node)]

    # ---- the backward scan
    def _keep(self, node):
        """Note that backward rounds read this forward node; a sequence's row is there already."""
        if id(node) not in self.steady and all(node is not self.fresh[k] for k in
                                               range(self.carries, self.carries + self.sequences)):
            self.kept[id(node)] = node

    def _reached(self, outputs, again=()):
        """Forward nodes that the outputs read, those in `again` apart, of which the inputs are read."""
        read, stack, seen = {}, list(outputs), set()
        while stack:
            n = stack.pop()
            if id(n) in seen:
                continue
            seen.add(id(n))
            if id(n) not in self.forward or (id(n) in self.steady or id(n) in again) and n.inputs:
                stack.extend(n.inputs)
            elif n.op != 'const':
                read[id(n)] = n
        return read

    def _scan(self, outputs, carry, sums):
        """(last values, stacks) of the rounds that compute the outputs, of which the first are carried."""
        free = {id(n) for n in self.fresh[self.carries:]} | self.steady | self.kept.keys()
        again = kept_rounds.made_again(self._reached(outputs).values(), lambda n: id(n) in free)
        read = self._reached(outputs, again)
        for n in read.values():
            self._keep(n)
        self._save()
        rows = [(ct, core.tensor(self.given[k])) for k, ct in self.ct_stack.items()]
        first = self.carries + self.sequences
        rows += [(self.fresh[k], self.node.inputs[k]) for k in range(self.carries, first) if id(self.fresh[k]) in read]
        rows += [(n, self.saved[id(n)]) for n in self.kept.values() if id(n) in read]
        weights = [(self.fresh[k], self.node.inputs[k]) for k in range(first, len(self.fresh)) if id(self.fresh[k]) in read]
        begins = [(self.ct_carry[j], self.given.get(j)) for j in carry]
        begins = [(n, self._zeros(n) if ct is None else core.tensor(ct)) for n, ct in begins]
        begins += [(n, self._zeros(n)) for n in sums.values()]
        leaves = [*begins, *rows, *weights]
        new = [placeholder(i, n.shape, n.dtype) for i, (n, _) in enumerate(leaves)]
        known = {id(n): p for (n, _), p in zip(leaves, new)}
        body = Body(new, written_out(outputs, known))
        count = len(begins)
        results = apply('scan', [x for _, x in leaves], body=body, carries=count, sequences=len(rows), length=self.length,
                        reverse=not self.reverse)
        return results[:count], results[count:]

    def _save(self):
        """The forward scan once more, which also stacks what is kept; it takes the place of the first (compiler/loops.py)."""
        self.saved = {}
        if not self.kept:
            return
        body = Body(self.fresh, [*self.outs, *self.kept.values()])
        results = apply('scan', self.node.inputs, body=body, carries=self.carries, sequences=self.sequences,
                        length=self.length, reverse=self.reverse)
        self.saved = dict(zip(self.kept, results[len(self.outs):]))


# ---- while
def _while_ref(*arrays, body, carries, limit, made=()):
    carry, go, weights = list(arrays[:carries]), arrays[carries], list(arrays[carries + 1:])
    rounds = 0
    while bool(go) and (limit is None or rounds < limit):
        *carry, go = evaluate(body.outputs, dict(zip(body.inputs, [*carry, go, *weights])))
        rounds += 1
    return tuple(np.asarray(c) for c in carry)


def _while_compose(*inputs, body, carries, limit, made=()):
    new = fitted(body, inputs)
    return None if new is body else apply('while_loop', inputs, body=new, carries=carries, limit=limit)


def _while_vjp(node, cts):
    """That of a scan over the most rounds there may be, in which values stay once the condition is false."""
    a = node.attrs
    if a['limit'] is None:
        raise ValueError('[while_loop]: a loop without maximum_iterations has no gradient; give a number, or use scan or '
                         'fori_loop')
    n, body = a['carries'], a['body']
    if not a['limit']:
        return [cts.get(k) if k < n else None for k in range(len(node.inputs))]
    fresh = [placeholder(k, x.shape, x.dtype) for k, x in enumerate(node.inputs)]
    outs, _ = inlined(body, fresh)
    go = fresh[n]
    kept = [where(go, new, old) for new, old in zip(outs[:n], fresh)]
    masked = Body(fresh, [*kept, apply('logical_and', (go, outs[n]))])
    # placeholders for the inputs too: one tensor may be several of them, each of which has its part of the gradient
    given = [placeholder(k, x.shape, x.dtype) for k, x in enumerate(node.inputs)]
    results = apply('scan', given, body=masked, carries=n + 1, sequences=0, length=a['limit'], reverse=False)
    ends = [k for k in range(n) if cts.get(k) is not None]
    found = core.pullback([results[k] for k in ends], [cts[k] for k in ends], given)
    known = {id(p): x for p, x in zip(given, node.inputs)} | {id(cts[k]): cts[k] for k in ends}
    made = iter(written_out([g for g in found if g is not None], known))
    return [None if g is None else next(made) for g in found]


@register('while_loop', vjp=_while_vjp, ref=_while_ref, lower=lambda ctx, node, ins: ctx.while_loop(node, ins),
          compose=_while_compose, several=True, supports=lambda node: True,
          samples=_while_samples, bodies='body')
def _while_spec(*inputs, body, carries, limit, made=()):
    """inputs: what is carried, whether there is a first round, weights; the body gives the same two."""
    for k, (x, made) in enumerate(zip(inputs[:carries], body.outputs)):
        if x.dtype != made.dtype or tuple(x.shape) != tuple(made.shape):
            raise ValueError(f'loop variable {k}: expected {x.dtype}{list(x.shape)} as at the beginning, got '
                             f'{made.dtype}{list(made.shape)} from a round; a round must keep its shape and type')
    go = body.outputs[carries]
    if go.dtype != 'bool' or go.shape:
        raise ValueError(f'the condition: expected one truth value, got {go.dtype}{list(go.shape)}')
    return [(tuple(x.shape), x.dtype) for x in inputs[:carries]]


# ---- choice
def _choose_ref(index, *arrays, branches, made=()):
    body = branches[min(max(int(index), 0), len(branches) - 1)]
    return tuple(evaluate(body.outputs, dict(zip(body.inputs, arrays))))


def _choose_compose(index, *inputs, branches, made=()):
    new = tuple(fitted(b, inputs) for b in branches)
    return None if all(a is b for a, b in zip(new, branches)) else apply('choose', (index, *inputs), branches=new)


def _choose_vjp(node, cts):
    """The choice among the branches' gradients, each of which computes its branch again."""
    inputs, branches = node.inputs[1:], node.attrs['branches']
    ends = sorted(k for k in cts if cts[k] is not None)
    wanted = [k for k, x in enumerate(inputs) if x.dtype in core.FLOATS]
    made = []
    for body in branches:
        fresh = [placeholder(k, x.shape, x.dtype) for k, x in enumerate(inputs)]
        given = [placeholder(len(fresh) + k, cts[e].shape, cts[e].dtype) for k, e in enumerate(ends)]
        outs, _ = inlined(body, fresh)
        found = core.pullback([outs[e] for e in ends], given, [fresh[k] for k in wanted])
        made.append(([*fresh, *given], found))
    some = [i for i in range(len(wanted)) if any(found[i] is not None for _, found in made)]
    if not some:
        return [None] * len(node.inputs)
    bodies = tuple(Body(begins, [Backward._zeros(inputs[wanted[i]]) if found[i] is None else found[i] for i in some])
                   for begins, found in made)
    results = apply('choose', (node.inputs[0], *inputs, *(cts[e] for e in ends)), branches=bodies)
    gradients = [None] * len(node.inputs)
    for i, g in zip(some, results):
        gradients[1 + wanted[i]] = g
    return gradients


@register('choose', vjp=_choose_vjp, ref=_choose_ref, lower=lambda ctx, node, ins: ctx.choose(node, ins),
          compose=_choose_compose, several=True, supports=lambda node: True,
          samples=_choose_samples, bodies='branches')
def _choose_spec(index, *inputs, branches, made=()):
    """The results of one of the branches; index: int32 without axes, brought into the range."""
    first = [(tuple(n.shape), n.dtype) for n in branches[0].outputs]
    for k, body in enumerate(branches):
        made = [(tuple(n.shape), n.dtype) for n in body.outputs]
        if made != first:
            raise ValueError(f'branch {k}: expected the results {_shown(first)} of the first branch, got {_shown(made)}')
    return first


def _shown(results):
    return ', '.join(f'{dtype}{list(shape)}' for shape, dtype in results)
