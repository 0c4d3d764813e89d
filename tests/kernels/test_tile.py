"""Tile programs against NumPy: every way to read an input, types, scalars, places in a tile, memory shared in place."""
import numpy as np
import pytest
from step import DIV, ISAS, MICROS, MOD, SCALAR, STRIDED, access, elementwise, micro, parts, program, run

from fastkeras import _core

LENGTHS = [0, 1, 3, 15, 16, 17, 31, 32, 33, 128, 129, 511, 512, 513, 1000, 1024, 1500, 20_000, 100_003]
RNG = np.random.default_rng(7)


def floats(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def typed(dtype, n):
    if dtype == 'bool':
        return RNG.integers(0, 2, n).astype(bool)
    return RNG.integers(0, 200, n).astype(dtype) if dtype != 'float32' else floats(n)


@pytest.mark.parametrize('isa', ISAS)
@pytest.mark.parametrize('n', LENGTHS)
def test_chain_with_scalars_and_a_bias(n, isa):
    x, s, b = floats(n), floats(1), floats(10)
    code = [('mul', 0, ('in', 0), ('in', 1)), ('add', 1, 0, ('in', 2)), ('relu', 0, 1), ('sub', 0, ('imm', 0), 0)]
    inputs = [access(x), access(s, SCALAR), access(b, MOD, 10)]
    y, z = elementwise(n, inputs, [('float32', 0), ('float32', 1)], code, [.5], isa=isa, threads=2)
    want = x * s + b[np.arange(n) % 10]
    np.testing.assert_array_equal(z, want)
    np.testing.assert_array_equal(y, np.float32(.5) - np.maximum(want, 0))


def boxes(n):
    return {'transposed': ((-(-n // 12) or 1, 3, 4), (12, 1, 3)), 'outer': ((-(-n // 15) or 1, 3, 5), (3, 1, 0)),
            'middle': ((-(-n // 200) or 1, 20, 10), (10, 0, 1)), 'repeat': ((7, -(-n // 7) or 1), (0, 1)),
            'column': ((-(-n // 6) or 1, 1, 6), (0, 5, 2)), 'merged': ((-(-n // 30) or 1, 5, 6), (30, 6, 1)),
            'constant': ((1, -(-n // 4) or 1, 4), (3, 0, 0))}


def reading(kind, n, dtype):
    """An input and the index of the element that each i reads."""
    i = np.arange(n)
    if kind == 'flat':
        return access(typed(dtype, n)), i
    if kind == 'scalar':
        return access(typed(dtype, 1), SCALAR), 0 * i
    if kind.startswith('mod'):
        p = int(kind[3:])
        return access(typed(dtype, p), MOD, p), i % p
    if kind.startswith('div'):
        p = int(kind[3:])
        return access(typed(dtype, -(-n // p) + 1), DIV, p), i // p
    if kind.startswith('rows'):
        run = int(kind[4:])
        rows = -(-n // run) or 1
        dim, stride = ((2, -(-rows // 2), run), (-(-rows // 2) * (run + 20), run + 20, 1))
    else:
        dim, stride = boxes(n)[kind]
    at = np.indices(dim).reshape(len(dim), -1)[:, :n]
    where = (at * np.array(stride)[:, None]).sum(0)
    return access(typed(dtype, int(where.max(initial=0)) + 1), STRIDED, 0, dim, stride), where


KINDS = ['flat', 'scalar', 'mod1', 'mod3', 'mod10', 'mod16', 'mod96', 'mod700', 'mod1024', 'mod5000', 'div1', 'div3',
         'div16', 'div100', 'div4096', 'transposed', 'outer', 'middle', 'repeat', 'column', 'merged', 'constant',
         'rows1', 'rows24', 'rows128', 'rows160', 'rows200', 'rows512', 'rows700']


@pytest.mark.parametrize('isa', ISAS)
@pytest.mark.parametrize('dtype', ['float32', 'int32', 'uint8', 'bool', 'int64'])
@pytest.mark.parametrize('kind', KINDS)
def test_reading(kind, dtype, isa):
    whole = dtype in ('int32', 'int64')
    for n in (1, 33, 1030, 30_011):
        x, where = reading(kind, n, dtype)
        code = [('iadd' if whole else 'add', 0, ('in', 0), ('in', 1))]
        zero = access(np.zeros(n, np.int32 if whole else np.float32))
        y, = elementwise(n, [x, zero], [('int32' if whole else 'float32', 0)], code, isa=isa, threads=2)
        np.testing.assert_array_equal(y, x[0][where])


@pytest.mark.parametrize('isa', ISAS)
@pytest.mark.parametrize('n', [1, 17, 1000, 1024])
def test_output_types(n, isa):
    x, k = RNG.integers(0, 255, n).astype(np.float32), RNG.integers(-9, 9, n).astype(np.int32)
    code = [('copy', 0, ('in', 0)), ('copy', 1, ('in', 1))]
    outputs = [('float32', 0), ('uint8', 0), ('bool', 0), ('int32', 1), ('int64', 1), ('float32', ('in', 0)),
               ('int64', ('imm', 0)), ('uint8', ('imm', 1))]
    got = elementwise(n, [access(x), access(k)], outputs, code, [-5, 3.0], isa=isa)
    for y, want in zip(got, [x, x.astype('u1'), x != 0, k, k.astype('i8'), x, np.full(n, -5), np.full(n, 3)]):
        np.testing.assert_array_equal(y, want)


@pytest.mark.parametrize('isa', ISAS)
@pytest.mark.parametrize('run,other', [(1, 1), (24, 24), (128, 128), (128, 64), (160, 160), (512, 512), (700, 700)])
def test_output_in_rows(run, other, isa):
    """Rows that stand apart are written where they belong, and nothing between them."""
    for rows in (1, 2, 9, 33):
        n, pitch = rows * run, run + 48
        x = access(floats(rows * pitch), STRIDED, 0, (rows, run), (pitch, 1))
        s, b = access(floats(n)), access(floats(run), MOD, run)
        out = [np.full(rows * pitch, 7, 'f4'), np.full(n, 7, 'f4'), np.full(rows * pitch * 3, 7, 'u1'),
               np.full(n // other * (other + 16), 7, 'f4')]
        code = [('mul', 0, ('in', 0), ('in', 1)), ('square', 1, 0), ('add', 2, 1, ('in', 2)), ('sin', 2, 2)]
        kinds = [('float32', 0, run, pitch), ('float32', 2), ('uint8', 1, run, 3 * pitch),
                 ('float32', ('in', 1), other, other + 16)]
        elementwise(n, [x, s, b], kinds, code, out=out, isa=isa, threads=2)
        product = x[0].reshape(rows, pitch)[:, :run] * s[0].reshape(rows, run)
        got = out[0].reshape(rows, pitch)
        np.testing.assert_array_equal(got[:, :run], product)
        assert (got[:, run:] == 7).all()
        np.testing.assert_allclose(out[1].reshape(rows, run), np.sin(product ** 2 + b[0]), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(out[2].reshape(rows, 3 * pitch)[:, :run], (product ** 2).astype('i4').astype('u1'))
        assert (out[2].reshape(rows, 3 * pitch)[:, run:] == 7).all()
        got = out[3].reshape(-1, other + 16)
        np.testing.assert_array_equal(got[:, :other].ravel(), s[0])
        assert (got[:, other:] == 7).all()


@pytest.mark.parametrize('isa', ISAS)
def test_a_program_over_nothing(isa):
    """Rows of no columns: what is worked out when the plan is made must do with a period of 0."""
    y, = elementwise(0, [access(floats(0)), access(floats(0), MOD, 0), access(floats(0), DIV, 0)], [('float32', 0)],
                     [('add', 0, ('in', 0), ('in', 1)), ('mul', 0, 0, ('in', 2))], isa=isa)
    assert y.size == 0


@pytest.mark.parametrize('isa', ISAS)
@pytest.mark.parametrize('first', ['sum', 'product'])
def test_an_output_is_not_where_a_later_instruction_still_reads(first, isa):
    """One program and two ways to lay its outputs in memory: which results go straight to their place is for each run."""
    n, code = 700, [('add', 0, ('in', 0), ('in', 1)), ('exp', 1, 0), ('mul', 2, 1, ('in', 1))]
    for alias in (None, 0, 1):
        a, b = floats(n), floats(n)
        x, y = a.copy(), b.copy()
        order = [0, 2] if first == 'sum' else [2, 0]
        out = [np.empty(n, np.float32), np.empty(n, np.float32)]
        if alias is not None:
            out[order.index(0)] = (x, y)[alias]
        got = elementwise(n, [access(x), access(y)], [('float32', r) for r in order], code, out=out, isa=isa)
        np.testing.assert_array_equal(got[order.index(0)], a + b)
        np.testing.assert_array_equal(got[order.index(2)], micro('exp', a + b, isa=isa) * b)


@pytest.mark.parametrize('isa', ISAS)
def test_every_micro_operation_takes_scalars_in_any_place(isa):
    """A scalar gives what a vector of that scalar gives."""
    n = 50
    on_integers = {'iadd', 'isub', 'imul', 'imax', 'imin', 'ieq', 'ine', 'ilt', 'ile', 'to_float'}
    for name, (_, arity) in MICROS.items():
        columns = [floats(n) for _ in range(arity)]
        if name in on_integers:
            columns = [RNG.integers(-5, 5, n).astype(np.int32).view(np.float32) for _ in range(arity)]
        for mask in range(1 << arity):
            parts = [c[:1] if mask >> j & 1 else c for j, c in enumerate(columns)]
            inputs = [access(p, SCALAR if mask >> j & 1 else 0) for j, p in enumerate(parts)]
            y, = elementwise(n, inputs, [('float32', 0)], [(name, 0, *[('in', j) for j in range(arity)])], isa=isa)
            spread = [np.repeat(p, n) if p.size == 1 else p for p in parts]
            np.testing.assert_array_equal(y.view(np.int32), micro(name, *spread, isa=isa).view(np.int32), err_msg=name)


@pytest.mark.parametrize('isa', ISAS)
def test_truth_and_integers(isa):
    a, b = floats(300), floats(300)
    a[:9], b[:9] = [0, -0., 1, np.nan, np.inf, -np.inf, 2, 0, np.nan], [0, 0, 1, 1, np.inf, 1, np.nan, 3, np.nan]
    comparisons = {'eq': np.equal, 'ne': np.not_equal, 'lt': np.less, 'le': np.less_equal, 'gt': np.greater,
                   'ge': np.greater_equal, 'and': np.logical_and, 'or': np.logical_or, 'xor': np.logical_xor}
    for name, f in comparisons.items():
        np.testing.assert_array_equal(micro(name, a, b, isa=isa), f(a, b), err_msg=name)
    for name, f in {'not': np.logical_not, 'truth': np.bool_, 'isnan': np.isnan, 'isfinite': np.isfinite}.items():
        np.testing.assert_array_equal(micro(name, a, isa=isa), f(a), err_msg=name)
    np.testing.assert_array_equal(micro('select', a, b, a, isa=isa), np.where(a != 0, b, a))
    # words that would be signalling NaNs as floats must pass unharmed
    i, j = RNG.integers(-2 ** 31, 2 ** 31, (2, 300)).astype(np.int32)
    i[0], j[1] = 0x7f800001, -0x007fffff
    arithmetic = {'iadd': np.add, 'isub': np.subtract, 'imul': np.multiply, 'imax': np.maximum, 'imin': np.minimum}
    for name, f in arithmetic.items():
        for right in (access(j), access(j[:1], SCALAR)):
            y, = elementwise(300, [access(i), right], [('int32', 0)], [(name, 0, ('in', 0), ('in', 1))], isa=isa)
            np.testing.assert_array_equal(y, f(i, right[0]), err_msg=name)
    y, = elementwise(300, [access(i)], [('int32', 0)], [('iadd', 0, ('in', 0), ('imm', 0))], [0x7f800001], isa=isa)
    np.testing.assert_array_equal(y, i + np.int32(0x7f800001))
    y, = elementwise(280, [access(a[20:].copy())], [('int32', 0)], [('to_int', 0, ('in', 0))], isa=isa)
    np.testing.assert_array_equal(y, a[20:].astype(np.int32))


@pytest.mark.parametrize('isa', ISAS)
@pytest.mark.parametrize('n', [5, 64, 700, 40_007])
def test_outputs_in_the_memory_of_inputs(n, isa):
    """Two sums that each replace an operand of the other: what is read later must not be overwritten before."""
    a, b = floats(n), floats(n)
    x, y = a.copy(), b.copy()
    code = [('add', 0, ('in', 0), ('in', 1)), ('sub', 1, ('in', 0), ('in', 1)), ('mul', 2, 0, 1)]
    elementwise(n, [access(x), access(y)], [('float32', 0), ('float32', 2)], code, out=[x, y], isa=isa, threads=2)
    np.testing.assert_array_equal(x, a + b)
    np.testing.assert_array_equal(y, (a + b) * (a - b))


@pytest.mark.parametrize('isa', ISAS)
def test_more_inputs_and_registers_than_tiles(isa):
    n, count = 3000, 40
    columns = [floats(7) for _ in range(count)]
    code = [('copy', r, ('in', r)) for r in range(16)]
    code += [('add', j % 16, j % 16, ('in', j)) for j in range(16, count)]
    code += [('select', 0, ('in', 37), ('in', 38), ('in', 39))] + [('add', 0, 0, r) for r in range(1, 16)]
    y, = elementwise(n, [access(c, MOD, 7) for c in columns], [('float32', 0)], code, isa=isa)
    regs = columns[:16]
    for j in range(16, count):
        regs[j % 16] = regs[j % 16] + columns[j]
    want = columns[38]
    for r in range(1, 16):
        want = want + regs[r]
    np.testing.assert_array_equal(y, want[np.arange(n) % 7])


@pytest.mark.parametrize('isa', ISAS)
def test_an_element_does_not_depend_on_its_place(isa):
    x = floats(2100)
    names = [n for n, (_, arity) in MICROS.items() if arity == 1 and n != 'to_float']
    for name in names:
        whole = micro(name, np.abs(x), isa=isa)
        for at in (1, 7, 509, 1023):
            np.testing.assert_array_equal(micro(name, np.abs(x[at:at + 37]), isa=isa), whole[at:at + 37], err_msg=name)


@pytest.mark.parametrize('isa', ISAS)
def test_nothing_is_written_or_read_beyond_the_end(isa):
    for n in (1, 15, 17, 130, 515):
        y = np.full(n + 64, 7, np.float32)
        words = program([access(floats(n))], [('float32', 0)], [('neg', 0, ('in', 0))])
        run('tile', [], words=words, tile=[np.ones(n, np.float32), y], n=n, isa=isa)
        assert (y[:n] == -1).all() and (y[n:] == 7).all()


@pytest.mark.parametrize('isa', ISAS)
@pytest.mark.parametrize('shape', [(3, 17, 1), (5000, 9, 1), (2, 40, 33), (3, 5, 3000)])
def test_as_the_epilogue_of_a_reduction(shape, isa):
    """Mean, then a bias per column, of sums that the kernel has just written."""
    x, (outer, r, inner) = floats(*shape), shape
    y, bias = np.empty((outer, inner), np.float32), floats(inner)
    words = program([access(y), access(bias, MOD, inner)], [('float32', 1)],
                    [('mul', 0, ('in', 0), ('imm', 0)), ('add', 1, 0, ('in', 1))], [1 / r])
    run('reduce', [x, y], words=words, tile=[y, bias, y], kind=0, outer=outer, r=r, inner=inner, isa=isa, threads=2)
    np.testing.assert_allclose(y, x.astype(np.float64).mean(1) + bias, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('isa', ISAS)
@pytest.mark.parametrize('n', [513, 1024, 1030])
def test_an_input_that_repeats_with_rows_longer_than_tiles(n, isa):
    x, other = floats(2, 53, n)
    scale, shift, pattern = floats(n), floats(n), floats(7)
    inputs = [access(x), access(scale, MOD, n), access(shift, MOD, n), access(other), access(pattern, MOD, 7)]
    code = [('mul', 0, ('in', 0), ('in', 1)), ('add', 0, 0, ('in', 2)), ('add', 0, 0, ('in', 3))]
    want = x.astype('d') * scale + shift + other
    for last in ([], [('mul', 0, 0, ('in', 4))]):
        y = np.full(x.size + 16, 7, np.float32)
        run('tile', [], words=program(inputs, [('float32', 0)], code + last), tile=[x, scale, shift, other, pattern, y],
            n=x.size, isa=isa, threads=2)
        if last:
            want = want * pattern[np.arange(x.size).reshape(x.shape) % 7]
        np.testing.assert_allclose(y[:-16].reshape(x.shape), want, rtol=1e-5, atol=1e-5)
        assert (y[-16:] == 7).all()


@pytest.mark.parametrize('isa', ISAS)
@pytest.mark.parametrize('n', [1000, 1056])
def test_as_the_epilogue_of_a_product_cut_by_columns(n, isa):
    """Each way to read an input, for runs of rows that are shorter than the rows."""
    m, k = 26, 400
    a, b, residual = floats(m, k), floats(k, n), floats(m, n)
    bias, rows, pattern, scale, flags = floats(n), floats(m), floats(7), floats(1), RNG.integers(0, 2, (m, n)).astype(bool)
    packed = np.zeros(parts('pack_b', isa, batch=1, k=k, n=n, ld=n, trans=0, src_batch=0), np.float32)
    run('pack_b', [b, packed], batch=1, k=k, n=n, ld=n, trans=0, src_batch=0, isa=isa)
    y, z = np.empty((2, m, n), np.float32)
    i = np.arange(m * n).reshape(m, n)
    simple = [access(y), access(bias, MOD, n), access(residual), access(scale, SCALAR)]
    full = [*simple, access(rows, DIV, n), access(pattern, MOD, 7), access(flags)]
    for inputs in (simple, full):
        code = [('mul', 1, ('in', 3), ('imm', 0)), ('add', 0, ('in', 0), ('in', 1)), ('mul', 0, 1, 0),
                ('add', 0, ('in', 2), 0), ('relu', 2, 0)]
        if inputs is full:
            code += [('add', 2, 2, ('in', 4)), ('mul', 2, ('in', 5), 2), ('select', 2, ('in', 6), 2, ('in', 3))]
        words = program(inputs, [('float32', 2), ('float32', 0)], code, [.5])
        run('matmul', [a, packed, y], words=words, tile=[*(x for x, _ in inputs), y, z], batch=1, m=m, n=n, k=k, lda=k,
            trans_a=0, ldb=0, trans_b=0, a_batch=0, b_batch=0, isa=isa, threads=2)
        want_z = (a.astype('d') @ b + bias) * scale * .5 + residual
        want = np.maximum(want_z, 0)
        if inputs is full:
            want = np.where(flags, (want + rows[i // n]) * pattern[i % 7], scale)
        np.testing.assert_allclose(z, want_z, rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(y, want, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize('isa', ISAS)
@pytest.mark.parametrize('place', [0, 1])
def test_so_many_results_that_they_go_past_the_caches(place, isa):
    n = (_core.blocks()['past_kb'] << 8) + 777
    x, s, b = floats(n), floats(1), floats(64)
    room = np.full(n + 48, 7, np.float32)
    room = room[-room.ctypes.data % 64 // 4:][:n + 32]  # results go past the caches from whole vectors on: known in place 0
    y = room[place:place + n]
    assert (y.ctypes.data % 64 == 0) == (place == 0)
    code = [('mul', 0, ('in', 0), ('in', 1)), ('add', 1, 0, ('in', 2)), ('relu', 0, 1)]
    elementwise(n, [access(x), access(s, SCALAR), access(b, MOD, 64)], [('float32', 0)], code, out=[y], isa=isa, threads=2)
    np.testing.assert_array_equal(y, np.maximum(x * s + b[np.arange(n) % 64], 0))
    assert (room[:place] == 7).all() and (room[place + n:] == 7).all()
    elementwise(n, [access(y), access(s, SCALAR), access(b, MOD, 64)], [('float32', 0)], code, out=[y], isa=isa, threads=2)
    np.testing.assert_array_equal(y, np.maximum(np.maximum(x * s + b[np.arange(n) % 64], 0) * s + b[np.arange(n) % 64], 0))
