"""What records tell the passes of the compiler: each fact of each record against what the reference or the kernel does, and
no record without the facts of its kind."""

import ast
import inspect
import itertools
from pathlib import Path

import numpy as np
import pytest

import fastkeras.compiler
from fastkeras.compiler import rows as rows_pass
from fastkeras.compiler.layout import layout
from fastkeras.compiler.simplify import simplify
from fastkeras.graph import LEAVES, Graph, toposort
from fastkeras.ops import core, facts
from fastkeras.ops.evaluate import evaluate
from fastkeras.ops.tensor import Tensor
from fastkeras.ops.windows import first_order, from_last, last_order, outputs, spatial, to_last
from fastkeras.runtime.function import trace

from .. import harness

RECORDS = {name: r for name, r in sorted(core.records().items()) if r.samples is not None}
RNG = np.random.default_rng(0)


def raw(record, inputs, attrs):
    """The node itself, also of an op that `apply` would write in others."""
    attrs = {**record.defaults, **attrs}
    made = record.spec(*inputs, **attrs)
    return Tensor(record.name, tuple(inputs), attrs, *(((), made[0][1]) if record.several else made))


def node_of(record, sample, arrays=None):
    return raw(record, harness.placeholders(sample.inputs if arrays is None else arrays), sample.attrs)


def cases(wanted=lambda record: True, fit=lambda record, node: True):
    """Parameters (record, sample) of the records that are wanted, with the samples whose nodes fit."""
    return pytest.mark.parametrize('record, sample', [
        pytest.param(r, s, id=f'{name}-{k}') for name, r in RECORDS.items() if wanted(r) for k, s in enumerate(r.samples())
        if fit(r, node_of(r, s))])


def with_fact(name, fit=lambda record, node: True):
    return cases(lambda record: getattr(record, name) not in (None, (), False), fit)


def reference(record, arrays, attrs):
    return np.asarray(record.ref(*map(harness.wide, arrays), **{**record.defaults, **attrs}))


def close(a, b):
    assert a.shape == b.shape
    np.testing.assert_allclose(a.astype(float), b.astype(float), rtol=1e-6, atol=1e-6)


def value(node, arrays):
    """What the references make of the node, whose placeholders stand for these arrays."""
    leaves = [n for n in toposort([node]) if n.op == 'input']
    return evaluate([node], {n: harness.wide(arrays[n.attrs['index']]) for n in leaves})[0]


# ---- tables
def test_no_pass_has_a_table_of_operations():
    """Two names of operations in one collection are one: what they share is a field of their records."""
    for path in Path(fastkeras.compiler.__file__).parent.glob('*.py'):
        for node in ast.walk(ast.parse(path.read_text())):
            items = node.keys if isinstance(node, ast.Dict) else getattr(node, 'elts', [])
            named = [i.value for i in items if isinstance(i, ast.Constant) and i.value in core.records()]
            assert len(set(named) - set(LEAVES)) < 2, f'{path.name}:{node.lineno} lists {named}'


# ---- images
@pytest.mark.parametrize('record', RECORDS.values(), ids=RECORDS)
def test_who_has_a_data_format_says_which_inputs_are_images(record):
    assert ('data_format' in inspect.signature(record.spec).parameters) == bool(record.images)


@with_fact('images')
def test_images(record, sample):
    """Transposed images in the other format give the transposed result, and layout finds the same by itself."""
    turned = first_order if sample.attrs['data_format'] == 'channels_last' else last_order
    other = 'channels_first' if turned is first_order else 'channels_last'

    def turn(a, k):
        return a.transpose(turned(a.ndim)) if k in record.images else a
    attrs = dict(sample.attrs, data_format=other)
    arrays = [turn(a, k) for k, a in enumerate(sample.inputs)]
    want = turn(reference(record, sample.inputs, sample.attrs), -1)
    close(reference(record, arrays, attrs), want)
    node = raw(record, harness.placeholders(arrays), attrs)
    assert node.shape == want.shape
    graph = layout(Graph(list(node.inputs), [node]))
    assert not any(n.attrs.get('data_format') == 'channels_first' for n in graph.nodes())
    close(value(graph.outputs[0], arrays), want)


# ---- rows
def rows_of(record, sample, arrays, n):
    """The kernel's result for n rows of the inputs; None where there is none."""
    attrs = {**sample.attrs, **dict.fromkeys(record.sized, (n, *node_of(record, sample).shape[1:]))}
    try:
        return core.apply(record.name, [a.copy() for a in arrays], **attrs)
    except (ValueError, IndexError):
        return None


def apart(record, sample, moving, n):
    """Whether rows alone, several and backwards give the bits that they give together."""
    whole = rows_of(record, sample, sample.inputs, n)
    for part in (slice(0, 1), slice(1, None), slice(n - 1, n), slice(None, None, -1)):
        arrays = [a[part] if m else a for a, m in zip(sample.inputs, moving)]
        some = rows_of(record, sample, arrays, len(range(n)[part]))
        if some is None or whole is None or some.shape != whole[part].shape or some.tobytes() != whole[part].tobytes():
            return False
    return True


def have_rows(node):
    return [node.shape[:1] == i.shape[:1] for i in node.inputs if node.ndim]


@cases(lambda record: not record.random, lambda record, node: any(have_rows(node)) and node.shape[0] > 1)
def test_rows(record, sample):
    """A record says that rows stay apart where they do, and only there."""
    node = node_of(record, sample)
    n, have = node.shape[0], have_rows(node)
    for moving in itertools.product(*((False, True) if h else (False,) for h in have)):
        if any(moving):
            says = bool(rows_pass._keeps_rows(node, moving, n))
            assert says == apart(record, sample, moving, n), f'{record.name}: inputs {moving} have the rows'


@with_fact('steps', lambda record, node: record.steps is not None and record.steps(node) is not None)
def test_steps(record, sample):
    k, m = record.steps(node_of(record, sample))
    assert {k, m} == {0, 1} == set(range(len(sample.inputs)))
    whole = reference(record, sample.inputs, sample.attrs)
    assert len(whole) == len(sample.inputs[k])
    for part, step in zip(whole, sample.inputs[k]):
        close(reference(record, [step if i == k else a for i, a in enumerate(sample.inputs)], sample.attrs), part)


@with_fact('sized')
def test_sized(record, sample):
    node = node_of(record, sample)
    for name in record.sized:
        said = node.attrs[name]
        assert len(said) == node.ndim and all(a in (None, -1, b) for a, b in zip(said, node.shape))


# ---- transposes
@with_fact('sink')
def test_sink(record, sample):
    node = node_of(record, sample)
    found = 0
    for order in itertools.islice(itertools.permutations(range(node.inputs[0].ndim)), 24):
        sunk = record.sink(node, order)
        if sunk is None:
            continue
        attrs, left = sunk
        before = [a.transpose(facts.inverse(order)) for a in sample.inputs]
        close(reference(record, before, attrs).transpose(left), reference(record, sample.inputs, sample.attrs))
        found += 1
    assert found or record.view is not None


@cases(lambda record: not record.random and (record.sink or record.micro))
def test_layout_moves_transposes_through(record, sample):
    """The whole pass: operands that are transposes, each alone and all of them."""
    for order in itertools.islice(itertools.permutations(range(max(a.ndim for a in sample.inputs))), 1, 24, 5):
        for chosen in {tuple(range(len(sample.inputs))), *((k,) for k in range(len(sample.inputs)))}:
            arrays = [a.transpose(facts.inverse(order)) if k in chosen and a.ndim == len(order) else a
                      for k, a in enumerate(sample.inputs)]
            leaves = harness.placeholders(arrays)
            inputs = [raw(core.record('transpose'), [x], {'axes': order}) if k in chosen and x.ndim == len(order) else x
                      for k, x in enumerate(leaves)]
            node = raw(record, inputs, sample.attrs)
            made = layout(Graph(leaves, [node])).outputs[0]
            close(value(made, arrays), value(node, arrays))


# ---- affine and linear
@with_fact('affine', lambda record, node: record.affine(node) is not None)
def test_affine(record, sample):
    node = node_of(record, sample)
    k, shape = record.affine(node)
    factors = RNG.normal(size=node.shape[-1])
    arrays = [harness.wide(a) for a in sample.inputs]
    want = reference(record, arrays, sample.attrs) * factors
    arrays[k] = arrays[k] * factors.reshape(shape)
    close(reference(record, arrays, sample.attrs), want)


@pytest.mark.parametrize('record', [r for r in RECORDS.values() if r.linear], ids=lambda r: r.name)
def test_linear(record):
    x, v = RNG.normal(size=(2, 4, 5))
    for k, step in record.linear.items():
        for scale, shift in itertools.product((None, 1.7), (None, -0.6)):
            inner = x * (1 if scale is None else scale) + (0 if shift is None else shift)
            want = reference(record, (inner, v) if k == 0 else (v, inner), {})
            a, b = step(scale, shift, v)
            close(x * (1 if a is None else a) + (0 if b is None else b), want)


# ---- windows
@with_fact('border')
def test_zeros_around_become_padding(record, sample):
    arrays = [np.abs(a) if record.border == 'least' else a for a in sample.inputs]
    first = sample.attrs['data_format'] == 'channels_first'
    leaves, rank = harness.placeholders(arrays), arrays[0].ndim - 2
    sizes = record.window(node_of(record, sample))
    assert len(sizes) == rank
    around = [(k // 2, k - 1 - k // 2) for k in sizes]
    widths = ((0, 0), (0, 0), *around) if first else ((0, 0), *around, (0, 0))
    x = raw(core.record('absolute'), [leaves[0]], {}) if record.border == 'least' else leaves[0]
    padded = raw(core.record('pad'), [x], {'widths': widths, 'value': 0})
    attrs = dict(sample.attrs, padding='valid')
    if 'kernel_size' in attrs:  # the output gradient has as many windows as the padded image
        count = outputs('valid', spatial(padded.shape, attrs['data_format']), sizes, attrs['strides'], attrs['dilation'], '')
        arrays[1] = RNG.normal(size=from_last((arrays[0].shape[0], *count, to_last(
            arrays[1].shape, attrs['data_format'])[-1]), attrs['data_format'])).astype('float32')
        leaves[1] = harness.placeholders(arrays)[1]
    node = raw(record, [padded, *leaves[1:]], attrs)
    made = simplify(Graph(leaves, [node])).outputs[0]
    assert not any(n.op == 'pad' for n in toposort([made])) or not any(map(any, around))
    close(value(made, arrays), value(node, arrays))


# ---- work
def products(record, sample):
    """How many products the op adds up, counted by what it makes of ones; None for an op that is not bilinear."""
    if len(sample.inputs) != 2 or any(a.dtype != np.float32 for a in sample.inputs):
        return None
    (a, b), (c, d) = ([RNG.normal(size=x.shape) for x in sample.inputs] for _ in range(2))

    def f(*arrays):
        return reference(record, arrays, sample.attrs)
    try:
        if not (np.allclose(f(a + 2 * c, b), f(a, b) + 2 * f(c, b)) and np.allclose(f(a, b + 2 * d), f(a, b) + 2 * f(a, d))):
            return None
    except (ValueError, TypeError):
        return None
    return int(round(float(f(*(np.ones(x.shape) for x in sample.inputs)).sum())))


@cases()
def test_work(record, sample):
    """Who multiplies more than elements says how much it is: the products that are counted, where none meets padding."""
    count, node = products(record, sample), node_of(record, sample)
    if count is None:
        assert record.flops is None
        return
    if count > max(node.size, *(i.size for i in node.inputs)):
        assert record.flops is not None, f'{record.name} adds up {count} products; say its flops'
    if record.flops is None:
        return
    work = record.flops(node)
    assert work == 2 * count if sample.attrs.get('padding', 'valid') == 'valid' else work >= 2 * count
    _, plan = harness.compiled(record.name, sample)
    assert sum(step.flops for step in plan.compiled.steps) == work


# ---- algebra
@pytest.mark.parametrize('record', [r for r in RECORDS.values() if r.zeros], ids=lambda r: r.name)
def test_zeros(record):
    for sample in record.samples()[:3]:
        for flags in itertools.product((False, True), repeat=len(sample.inputs)):
            which = record.zeros(list(flags))
            if which is None:
                continue
            arrays = [np.zeros_like(a) if f else np.abs(a) + 1 for a, f in zip(sample.inputs, flags)]
            if record.name == 'divide' and flags[1]:
                continue  # 0 / 0, where an optimizer's formula is not one
            got = reference(record, arrays, sample.attrs)
            close(got, np.broadcast_to(0.0 if which == facts.ZERO else arrays[which], got.shape))


@with_fact('nonnegative')
def test_nonnegative(record, sample):
    arrays = [RNG.normal(size=a.shape) * 3 for a in sample.inputs]
    node = node_of(record, sample, arrays)
    if record.nonnegative(node):
        assert (reference(record, arrays, sample.attrs) >= 0).all()


def shares_of(x):
    """The gradient of the largest of each channel, as far as they are such."""
    axes = tuple(range(x.ndim - 1))
    largest = raw(core.record('max'), [x], {'axis': axes, 'keepdims': True})
    return raw(core.record('extreme_dx'), [x, largest, raw(core.record('negative'), [largest], {})], {'axis': axes})


def candidates(record, sample):
    """(inputs, attributes) that rules of simplification look for."""
    leaves = harness.placeholders(sample.inputs)
    yield leaves, sample.attrs
    for k, x in enumerate(leaves):
        for c in (0.0, 1.0, 2.0, 0.5):
            constant = core.constant(np.full((1,) * x.ndim, c, x.dtype))
            yield [constant if i == k else y for i, y in enumerate(leaves)], sample.attrs
        other = core.constant(np.full((1,) * x.ndim, 3.0, x.dtype))
        for inner in (raw(core.record('negative'), [x], {}), raw(core.record('multiply'), [x, other], {})):
            yield [inner if i == k else y for i, y in enumerate(leaves)], sample.attrs
        if x.ndim > 1 and x.dtype == 'float32' and x.size:  # a gradient of maxima
            shares = shares_of(x)
            yield [shares if i == k else y for i, y in enumerate(leaves)], sample.attrs
            if record.name == 'where':
                zero = core.constant(np.zeros((1,) * x.ndim, x.dtype))
                yield [raw(core.record('greater'), [x, zero], {}), shares, zero], sample.attrs
    if record.name == 'scatter_add' and not sample.attrs['axis'] and leaves[0].ndim > 1:
        turn = core.record('transpose')
        yield [raw(turn, [x], {'axes': (1, 0, *range(2, x.ndim))}) for x in leaves], sample.attrs
    if len(leaves) == 1:
        yield [raw(record, leaves, sample.attrs)], sample.attrs
        unchanged = {'shape': leaves[0].shape, 'dtype': 'float32', 'axes': tuple(range(leaves[0].ndim))}
        yield leaves, {k: unchanged.get(k, v) for k, v in sample.attrs.items()}


@pytest.mark.parametrize('record', [r for r in RECORDS.values() if r.simplify], ids=lambda r: r.name)
def test_simplify(record):
    found = 0
    for sample in record.samples():
        plain = all(a.dtype in (np.float32, np.int32, bool) for a in sample.inputs)
        if not plain or max(a.size for a in sample.inputs) > 1 << 16:
            continue
        for inputs, attrs in candidates(record, sample):
            try:
                node = raw(record, inputs, attrs)
            except ValueError:
                continue
            made = record.simplify(node, node.inputs)
            if made is not None and made.shape == node.shape and made.dtype == node.dtype:
                close(value(made, sample.inputs), value(node, sample.inputs))
                found += 1
    assert found, f'no case shows what the rule of {record.name} does'


def test_static_is_what_no_run_changes():
    from fastkeras.runtime import Variable
    kept, changed = Variable(np.ones(3, 'float32')), Variable(np.ones(3, 'float32'))

    def fn(x):
        a, b = kept * 2.0 + 1.0, changed * 2.0
        changed.assign(changed + 1.0)
        return x + a, x + b, a
    graph, _ = trace(fn, [((3,), 'float32')])
    static = graph.static()
    assert [id(n) in static for n in graph.outputs] == [False, False, True]
    assert {n.attrs['var'] is kept for n in graph.nodes() if n.op == 'variable' and id(n) in static} == {True}


# ---- rows that add up
@with_fact('over_rows', lambda record, node: bool(record.over_rows(node)))
def test_over_rows(record, sample):
    """Two batches in one give the sum of what each gives alone."""
    others = [RNG.permutation(a) for a in sample.inputs]
    parts = [reference(record, arrays, sample.attrs) for arrays in (sample.inputs, others)]
    both = [np.concatenate(pair) for pair in zip(sample.inputs, others)]
    close(reference(record, both, sample.attrs), parts[0] + parts[1])


# ---- pixels apart
@with_fact('apart', lambda record, node: record.apart(node) is not None)
def test_apart(record, sample):
    """Zeros between the pixels that the operation makes with other attributes are the rest of the result."""
    attrs = record.apart(node_of(record, sample))
    made, strides = reference(record, sample.inputs, attrs), node_of(record, sample).attrs['strides']
    whole = reference(record, sample.inputs, sample.attrs)
    close(whole[(slice(None), *(slice(None, None, s) for s in strides))], made)
    assert np.count_nonzero(whole) <= made.size


# ---- images without what is around them
def outer(node):
    return tuple((min(1, n - 1), 0) for n in spatial(node.shape, node.attrs['data_format']))


@with_fact('cropped', lambda record, node: record.cropped(node, outer(node)) is not None)
def test_cropped(record, sample):
    node = node_of(record, sample)
    cut = from_last((slice(None), *(slice(b, None) for b, _ in outer(node)), slice(None)), node.attrs['data_format'])
    attrs = record.cropped(node, outer(node))
    close(reference(record, sample.inputs, attrs), reference(record, sample.inputs, sample.attrs)[cut])
