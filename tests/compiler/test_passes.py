"""Every pass on and off gives equal numbers, on random graphs against the NumPy references in float64."""
import numpy as np
import pytest

from fastkeras import ops
from fastkeras.compiler import fuse as fusion
from fastkeras.compiler import memory
from fastkeras.compiler.autodiff import gradients
from fastkeras.compiler.buffers import ARENA, Buffer, Step
from fastkeras.compiler.fuse import fuse
from fastkeras.compiler.lower import lower
from fastkeras.compiler.pipeline import compile_graph, optimise
from fastkeras.graph import verify
from fastkeras.runtime import Function, Variable
from fastkeras.runtime.function import trace

UNARY = [ops.relu, ops.tanh, ops.sigmoid, ops.negative, ops.square, ops.absolute]
BINARY = [ops.add, ops.subtract, ops.multiply, ops.maximum]


def random_program(seed, steps=25):
    """A function of four arrays that mixes elementwise operations, broadcasts, reshapes, reductions and products."""
    def fn(x, row, column, w):
        rng = np.random.default_rng(seed)
        values = [x, x + row, x * column]
        for _ in range(steps):
            a, b = (values[rng.integers(len(values))] for _ in range(2))
            kind = rng.integers(9)
            if kind < 3:
                values.append(UNARY[rng.integers(len(UNARY))](a))
            elif kind < 6:
                values.append(BINARY[rng.integers(len(BINARY))](a, b) * 0.5)
            elif kind == 6:
                values.append(ops.tanh(ops.matmul(a, w)) + (row if rng.integers(2) else b))
            elif kind == 7:
                values.append(ops.reshape(ops.reshape(a, (-1,)) * 2.0, a.shape) - ops.mean(b, axis=0))
            else:
                values.append(a - ops.sum(b, axis=-1, keepdims=True) * 0.1)
        return [values[-1], values[len(values) // 2], ops.mean(values[-2])]
    return fn


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return [rng.standard_normal(s).astype('float32') for s in [(5, 7), (7,), (5, 1), (7, 7)]]


@pytest.mark.parametrize('off', ['', 'fuse', 'simplify', 'fold_bn', 'hoist', 'fuse,simplify,fold_bn,hoist'])
@pytest.mark.parametrize('seed', range(12))
def test_random_graphs(seed, off, arrays, monkeypatch):
    monkeypatch.setenv('FASTKERAS_DISABLE', off)
    fn = random_program(seed)
    exact = Function(fn)(*[a.astype('float64') for a in arrays])
    for got, want in zip(Function(fn)(*arrays), exact):
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, want, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize('seed', range(12))
def test_no_two_live_buffers_share_memory(seed, arrays):
    graph, _ = trace(random_program(seed), [(a.shape, 'float32') for a in arrays])
    graph, _ = optimise(graph)
    steps, _, _, _ = lower(graph)
    memory.plan_arena(steps)
    first, last, buffers = {}, {}, {}
    for s, step in enumerate(steps):
        for b in (*step.read(), *step.written()):
            root = b.root()[0]
            if root.kind == ARENA:
                buffers[id(root)] = root
                first.setdefault(id(root), s)
                last[id(root)] = s
    for i, a in buffers.items():
        for j, b in buffers.items():
            if i < j and a.offset < b.offset + b.nbytes and b.offset < a.offset + a.nbytes:
                # only a hand-over within one tile step may overlap in time, at the step where one ends and one begins
                assert last[i] <= first[j] or last[j] <= first[i]
                assert a.offset == b.offset or last[i] < first[j] or last[j] < first[i]


def test_fusion_makes_one_step_of_a_dense_layer(arrays):
    x, bias, _, w = arrays
    graph, _ = trace(lambda x, w, b: ops.tanh(ops.matmul(x, w) + b) * 2.0, [(a.shape, 'float32') for a in (x, w, bias)])
    compiled = compile_graph(graph)
    assert [s.kernel for s in compiled.steps] == ['matmul']
    assert compiled.steps[-1].program is not None


def test_large_weights_exist_once():
    small, large = Variable(np.ones((64, 64), 'float32')), Variable(np.ones((2048, 1100), 'float32'))
    for rows in (1, 32):
        x = np.ones((rows, 64), 'float32')
        f = Function(lambda x: ops.matmul(x, small))
        f(x)
        assert len(f.traced_for([x]).compiled.statics) == 1
        x = np.ones((rows, 2048), 'float32')
        f = Function(lambda x: ops.matmul(x, large))
        np.testing.assert_array_equal(f(x), np.full((rows, 1100), 2048))
        compiled = f.traced_for([x]).compiled
        assert not compiled.statics and compiled.arena_bytes < large.array.nbytes


def test_fused_graph_is_valid(arrays):
    graph, _ = trace(random_program(3), [(a.shape, 'float32') for a in arrays])
    verify(fuse(graph))


def test_batch_normalisation_folds_into_the_kernel():
    rng = np.random.default_rng(1)
    w = Variable(rng.standard_normal((3, 3, 4, 6)).astype('float32'))
    scale, shift = (Variable(rng.standard_normal(6).astype('float32')) for _ in range(2))
    x = rng.standard_normal((2, 8, 8, 4)).astype('float32')
    f = Function(lambda x: ops.relu((ops.conv(x, w, padding='same') - shift) * scale + 1.0))
    got = f(x)
    steps = f.traced_for([x]).compiled.steps
    assert [s.kernel for s in steps] == ['conv_few']
    plain = Function(lambda x: ops.conv(x, w, padding='same'))(x)
    np.testing.assert_allclose(got, np.maximum((plain - shift.numpy()) * scale.numpy() + 1, 0), rtol=1e-4, atol=1e-4)
    scale.assign(2 * scale.numpy())  # a new version of a weight is folded and packed anew
    np.testing.assert_allclose(f(x), np.maximum((plain - shift.numpy()) * scale.numpy() + 1, 0), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('conv, x, w, kernel', [
    (lambda x, w: ops.conv(x, w, padding='same'), (1, 3, 6, 7, 4), (2, 3, 3, 4, 5), 'conv_few'),
    (lambda x, w: ops.conv_transpose(x, w, 2), (2, 5, 6, 4), (3, 3, 5, 4), 'conv_dx'),
    (lambda x, w: ops.conv_transpose(x, w, 2), (1, 2, 5, 6, 4), (2, 3, 3, 5, 4), 'conv_dx'),
    (lambda x, w: ops.matmul(x, w, transpose_b=True), (9, 4), (5, 4), 'matmul')])
def test_a_factor_on_channels_folds_into_every_product(conv, x, w, kernel):
    rng = np.random.default_rng(1)
    w, scale, shift = (Variable(rng.standard_normal(s).astype('float32')) for s in (w, 5, 5))
    x = rng.standard_normal(x).astype('float32')
    f = Function(lambda x: 2.0 - conv(x, w) * scale / 3.0 + shift)
    got = f(x)
    assert [s.kernel for s in f.traced_for([x]).compiled.steps] == [kernel]
    plain = Function(lambda x: conv(x, w))(x)
    np.testing.assert_allclose(got, 2 - plain * scale.numpy() / 3 + shift.numpy(), rtol=1e-4, atol=1e-4)


def test_a_program_behind_a_product_works_in_its_result():
    """Also where it reads a dying residual first: kernels then finish results in registers."""
    def f(x, w):
        residual = ops.matmul(x, w)
        return ops.matmul(ops.relu(residual + ops.matmul(w, x)), w)

    graph, _ = trace(f, [((8, 8), 'float32')] * 2)
    steps, *_ = lower(optimise(graph)[0])
    memory.plan_arena(steps)
    step, = [s for s in steps if s.program is not None]
    assert step.kernel == 'matmul' and step.tile_in[0] is not step.refs[2]
    assert step.tile_out[0].root()[0].offset == step.refs[2].root()[0].offset


@pytest.mark.parametrize('width', [5, 128, 200])
@pytest.mark.parametrize('axis', [0, 1, 2])
def test_what_is_joined_is_made_where_it_belongs(axis, width):
    rng = np.random.default_rng(5)
    x, y = (rng.standard_normal((4, 6, width)).astype('float32') for _ in range(2))
    w = Variable(rng.standard_normal((width, width)).astype('float32'))

    def f(x, y):
        gate = ops.sigmoid(x) * y
        return ops.concatenate([gate, ops.tanh(ops.matmul(y, w) * x), x - ops.square(gate[..., ::-1])], axis)

    function = Function(f)
    got = function(x, y)
    exact = Function(f)(x.astype('float64'), y.astype('float64'))
    np.testing.assert_allclose(got, exact, rtol=1e-4, atol=1e-4)
    kernels = [s.kernel for s in function.traced_for([x, y]).compiled.steps]
    assert kernels.count('copy') == 2       # the first value, which another reads, and its reversal for that


def test_what_is_joined_may_be_wanted_itself():
    x = np.random.default_rng(6).standard_normal((3, 130)).astype('float32')

    def f(x):
        a, b = ops.tanh(x), ops.square(x)
        return a, ops.concatenate([a, b, b], 1), ops.concatenate([ops.sqrt(b)], 1)
    a, joined, single = Function(f)(x)
    b = np.square(x)
    np.testing.assert_array_equal(joined, np.concatenate([a, b, b], 1))
    np.testing.assert_array_equal(single, np.sqrt(b))


def test_best_fit_reuses_gaps():
    a, b, c, d = (Buffer((n,), 'float32') for n in (64, 32, 32, 64))
    steps = [Step('copy', [a, b], [], [1]), Step('copy', [b, c], [], [1]), Step('copy', [c, d], [], [1])]
    assert memory.plan_arena(steps) <= (64 + 32 + 32) * 4


@pytest.mark.parametrize('seed', range(60))
def test_random_updates_of_state(seed, arrays):
    """Variables read, updated from one another and returned, old and new: three runs against float64."""
    start = [np.random.default_rng(9 + k).standard_normal((5, 7)) for k in range(3)]

    def make(dtype):
        state = [Variable(s.astype(dtype), dtype=dtype) for s in start]

        def fn(x, row, column, w):
            rng = np.random.default_rng(seed)
            values = [x, *[v.value for v in state], x * column]
            returned = []
            for _ in range(18):
                a, b = (values[rng.integers(len(values))] for _ in range(2))
                kind = rng.integers(6)
                if kind == 0:
                    v = state[rng.integers(3)]
                    v.assign(ops.tanh(a + b * 0.5))
                    values.append(v.value)
                elif kind == 1:
                    values.append(ops.tanh(ops.matmul(a, w)) + b)
                elif kind == 2:
                    state[rng.integers(3)].assign(b)
                elif kind == 3:
                    returned.append(a)
                else:
                    values.append(BINARY[rng.integers(len(BINARY))](a, b) * 0.5 + row)
            return [*returned, values[-1], ops.mean(values[-2], axis=0)]

        return Function(fn), state

    single, single_state = make('float32')
    double, double_state = make('float64')
    for _ in range(3):
        want = double(*[a.astype('float64') for a in arrays])
        for a, b in zip(single(*arrays), want):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)
        for a, b in zip(single_state, double_state):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-3, atol=1e-3)


PADDED = {
    'conv': lambda x, w: ops.conv(x, w, 2, 'valid', 'channels_last'),
    'depthwise': lambda x, w: ops.depthwise_conv(x, w[:, :, :, :1], 2, 'same', 'channels_last'),
    'max of no negative ones': lambda x, w: ops.max_pool(x, 3, 2, 'valid', 'channels_last'),
}


@pytest.mark.parametrize('window', PADDED)
@pytest.mark.parametrize('pad', [((0, 1), (0, 1)), ((1, 1), (2, 0))])
def test_zeros_around_an_image_become_padding(window, pad, monkeypatch):
    """Forward and both gradients read the image itself, and give the same numbers."""
    rng = np.random.default_rng(4)
    x, w = rng.standard_normal((2, 9, 8, 5)).astype('float32'), rng.standard_normal((3, 3, 5, 4)).astype('float32')

    def fn(x, w):
        y = PADDED[window](ops.pad(ops.relu6(x), ((0, 0), *pad, (0, 0))), w)
        return [y, *gradients(ops.sum(ops.square(y)), [x, w])] if window != 'max of no negative ones' else [y]
    function = Function(fn)
    got = function(x, w)
    assert not any(n.op == 'pad' for n in optimise(trace(fn, [(x.shape, 'float32'), (w.shape, 'float32')])[0])[0].nodes())
    monkeypatch.setenv('FASTKERAS_DISABLE', 'simplify')
    for a, b in zip(got, Function(fn)(x.astype('float64'), w.astype('float64'))):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_zeros_that_a_maximum_may_take_stay():
    x = -np.ones((1, 4, 4, 1), 'float32')
    y = Function(lambda x: ops.max_pool(ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))), 2, 2, 'valid', 'channels_last'))(x)
    assert (y[0, [0, 0, 2], [0, 2, 2], 0] == 0).all() and y[0, 1, 1, 0] == -1


@pytest.mark.parametrize('seed', range(20))
def test_best_fit_among_neighbours_in_time_is_best_fit_among_all(seed):
    rng = np.random.default_rng(seed)
    steps, count = int(rng.integers(1, 400)), int(rng.integers(1, 400))
    placed, blocks = memory._Placed(steps, count), []
    for _ in range(count):
        first = int(rng.integers(steps))
        last = min(steps - 1, first + int(rng.integers(1, 8) if rng.integers(4) else rng.integers(1, steps + 1)))
        size = 64 * int(rng.integers(0, 9))
        gaps, edge = [], 0
        for lo, hi in sorted((o, o + n) for o, n, a, b in blocks if a <= last and first <= b):
            if lo > edge and lo - edge >= size:
                gaps.append((lo - edge, edge))
            edge = max(edge, hi)
        offset = placed.best_fit(size, first, last)
        assert offset == (min(gaps)[1] if gaps else edge) and type(offset) is int
        placed.add(offset, size, first, last)
        blocks.append((offset, size, first, last))



def test_regions_join_over_any_distance():
    """What stands between two nodes is looked at only where something has to move: many short ways do not keep them apart."""
    def fn(x):
        first = ops.matmul(x, w)
        sides = [ops.matmul(first, v) for v in others]
        return [first * 2.0, *sides]

    w, *others = (Variable(np.eye(4, dtype='float32')) for _ in range(2 * fusion.MAX_SEARCH))
    graph, _ = trace(fn, [((3, 4), 'float32')])
    steps = compile_graph(graph).steps
    assert steps[0].kernel == 'matmul' and steps[0].program is not None
    x = np.float32(np.arange(12).reshape(3, 4))
    np.testing.assert_array_equal(Function(fn)(x)[0], 2 * x)


@pytest.mark.parametrize('window', ['conv', 'depthwise'])
def test_the_gradient_by_an_image_is_made_without_the_zeros_around_it(window):
    def fn(x, w):
        y = PADDED[window](ops.pad(ops.relu6(x), ((0, 0), (0, 1), (1, 1), (0, 0))), w)
        return gradients(ops.sum(ops.square(y)), [x])
    x, w = np.ones((2, 9, 8, 5), 'float32'), np.ones((3, 3, 5, 4), 'float32')
    nodes = optimise(trace(fn, [(x.shape, 'float32'), (w.shape, 'float32')])[0])[0].nodes()
    assert not any(n.op in ('slice', 'part') and n.shape == x.shape for n in nodes)
    root, = [n.attrs['region'].root for n in nodes if n.op == 'fused' and n.attrs['region'].root is not None
             and n.attrs['region'].root.op.endswith('_dx')]
    assert root.shape == x.shape
