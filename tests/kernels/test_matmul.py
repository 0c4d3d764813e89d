"""matmul and pack_b: against float64, on every instruction set, and bitwise where the engine promises it."""
import numpy as np
import pytest
import step
from sweep import check_endings, double_plus_channel, sweep

RNG = np.random.default_rng(3)
SHAPES = [  # batch, m, n, k
    (1, 1, 1, 1), (1, 1, 10, 64), (1, 32, 32, 32), (1, 5, 33, 7), (1, 13, 65, 20), (2, 7, 31, 5),
    (1, 3, 130, 385), (1, 97, 70, 400), (1, 30, 515, 33), (70, 3, 9, 4), (3, 40, 48, 800), (1, 200, 3, 1025),
    (1, 0, 5, 3), (1, 4, 0, 3), (1, 4, 5, 0), (0, 4, 5, 3), (2, 0, 0, 0),
]


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def pack(b, isa, transposed=False):
    """b: [batch, k, n], or [batch, n, k] when transposed."""
    batch, k, n = b.shape if not transposed else (b.shape[0], b.shape[2], b.shape[1])
    attrs = {'batch': batch, 'k': k, 'n': n, 'ld': max(1, b.shape[2]), 'trans': int(transposed),
             'src_batch': b.shape[1] * b.shape[2]}
    size = step.parts('pack_b', isa, **attrs)
    out = np.full(batch * size, np.nan, np.float32)
    step.run('pack_b', [b, out], isa=isa, **attrs)
    return out


def attributes(a, n, k, transposed=False, shared=False):
    batch, m = a.shape[0], a.shape[2] if transposed else a.shape[1]
    return {'batch': batch, 'm': m, 'n': n, 'k': k, 'lda': max(1, a.shape[2]), 'trans_a': int(transposed),
            'ldb': 0, 'trans_b': 0, 'a_batch': m * k, 'b_batch': int(not shared)}


def product(a, packed, n, k, isa, **how):
    attrs = attributes(a, n, k, **how)
    out = np.full((attrs['batch'], attrs['m'], n), 7, np.float32)
    step.run('matmul', [a, packed, out], isa=isa, **attrs)
    return out


@pytest.mark.parametrize('transposed', [False, True])
@pytest.mark.parametrize('shape', SHAPES, ids=str)
def test_matmul(shape, transposed):
    batch, m, n, k = shape
    a, b = normal(batch, m, k), normal(batch, k, n)
    bias, epilogue = double_plus_channel(max(n, 1))
    exact = a.astype(np.float64) @ b.astype(np.float64)
    room = 1e-6 * (np.abs(a).astype(np.float64) @ np.abs(b).astype(np.float64)) + 1e-6
    stored = np.ascontiguousarray(a.swapaxes(1, 2)) if transposed else a
    b_stored = np.ascontiguousarray(b.swapaxes(1, 2)) if transposed else b
    for isa in step.ISAS:
        packed = pack(b_stored, isa, transposed)
        for extra in ({}, epilogue):
            results = []
            for threads in (1, 2):
                out = np.full((batch, m, n), 7, np.float32)
                tile = [out if t is sweep.first else t for t in extra.get('tile', ())]
                step.run('matmul', [stored, packed, out], tile=tile, words=extra.get('words'), isa=isa, threads=threads,
                         **attributes(stored, n, k, transposed))
                results.append(out)
            np.testing.assert_array_equal(*(r.view(np.int32) for r in results))
            wanted = exact if not extra else 2 * exact + bias[:n]
            assert (np.abs(results[0] - wanted) <= 2 * room + 1e-6 * np.abs(wanted)).all()


@pytest.mark.parametrize('isa', step.ISAS)
@pytest.mark.parametrize('m, n, k', [(1, 70, 33), (3, 37, 400), (13, 24, 16), (100, 50, 390), (30, 3, 20), (5, 8, 0)])
def test_endings(m, n, k, isa):
    a, b = normal(1, m, k), normal(1, k, n)
    exact, room = a.astype(np.float64) @ b, 1e-6 * (np.abs(a).astype(np.float64) @ np.abs(b)) + 2e-6
    attrs = attributes(a, n, k)
    check_endings('matmul', [a, pack(b, isa)], exact, room, RNG, isas=[isa], **attrs)
    check_endings('matmul', [a, b], exact, room, RNG, isas=[isa], **{**attrs, 'ldb': n})
    left, right = (np.ascontiguousarray(x.swapaxes(1, 2)) for x in (a, b))
    check_endings('matmul', [left, right], exact, room, RNG, isas=[isa],
                  **{**attributes(left, n, k, True), 'ldb': max(1, k), 'trans_b': 1})


@pytest.mark.parametrize('isa', step.ISAS)
def test_a_row_that_is_added_to_one_of_its_size(isa):
    """The bias of a batch of one is read element by element, and may stand before or behind the result."""
    a, b, bias = normal(1, 1, 9), normal(1, 9, 21), normal(21)
    wanted = a.astype(np.float64) @ b + bias
    for order in ((0, 1), (1, 0)):
        out = np.full((1, 1, 21), 7, np.float32)
        words = step.program([step.access(out), step.access(bias)], [('float32', 0)],
                             [('add', 0, *(('in', i) for i in order))])
        step.run('matmul', [a, pack(b, isa), out], tile=[out, bias, out], words=words, isa=isa, **attributes(a, 21, 9))
        np.testing.assert_allclose(out, wanted, rtol=1e-5, atol=1e-5)
        elsewhere = np.full((1, 1, 21), 7, np.float32)  # a result that leaves the kernel's own is not done in registers
        step.run('matmul', [a, pack(b, isa), out], tile=[out, bias, elsewhere], words=words, isa=isa, **attributes(a, 21, 9))
        np.testing.assert_array_equal(elsewhere.view(np.int32).ravel(), (out[0, 0] + bias).view(np.int32))


@pytest.mark.parametrize('isa', step.ISAS)
@pytest.mark.parametrize('n, k', [(1, 5), (10, 64), (48, 32), (300, 401)])
def test_a_row_does_not_depend_on_the_others(isa, n, k):
    a, b = normal(1, 40, k), normal(1, k, n)
    packed = pack(b, isa)
    whole = product(a, packed, n, k, isa)
    transposed = product(np.ascontiguousarray(a.swapaxes(1, 2)), packed, n, k, isa, transposed=True)
    np.testing.assert_array_equal(whole, transposed)
    for m in range(1, 34):
        first = m % (40 - m + 1)
        part = product(np.ascontiguousarray(a[:, first:first + m]), packed, n, k, isa)
        np.testing.assert_array_equal(part[0], whole[0, first:first + m])


@pytest.mark.parametrize('isa', step.ISAS)
def test_few_rows_have_the_bits_of_many(isa):
    """Few rows go panel by panel, many strip by strip (gemm_reach); some have tall strips against a large B (gemm_tall)."""
    for n, k in ((200, 390), (450, 1024), (690, 601)):
        a, b = normal(1, 400, k), normal(1, k, n)
        packed = pack(b, isa)
        whole = product(a, packed, n, k, isa)
        np.testing.assert_allclose(whole, a.astype(np.float64) @ b, rtol=1e-4, atol=1e-4)
        for m in (7, 12, 13, 25, 36, 49, 96, 250):
            np.testing.assert_array_equal(product(a[:, :m].copy(), packed, n, k, isa), whole[:, :m])


@pytest.mark.parametrize('isa', step.ISAS)
@pytest.mark.parametrize('m', [1, 2, 3, 4, 5, 8, 13, 100, 201])
def test_a_stored_right_side_gives_the_bits_of_a_packed_one(m, isa):
    for n, k in [(1, 3), (10, 64), (31, 5), (64, 30), (130, 385), (300, 401), (777, 3), (1100, 50), (5, 0)]:
        a, b = normal(2, m, k), normal(2, k, n + 3)
        bias, epilogue = double_plus_channel(n)
        plain = np.ascontiguousarray(b[:, :, :n])
        packed = pack(plain, isa)
        for transposed in (False, True):
            left = np.ascontiguousarray(a.swapaxes(1, 2)) if transposed else a
            attrs = attributes(left, n, k, transposed)
            for right, how in [(plain, {'ldb': n}), (b, {'ldb': n + 3}),
                               (np.ascontiguousarray(plain.swapaxes(1, 2)), {'ldb': max(1, k), 'trans_b': 1})]:
                expected, out = np.full((2, 2, m, n), 7, np.float32)
                for result, operand, extra, threads in ((expected, packed, {}, 1), (out, right, how, 2)):
                    tile = [result if t is sweep.first else t for t in epilogue['tile']]
                    step.run('matmul', [left, operand, result], tile=tile, words=epilogue['words'], isa=isa,
                             threads=threads, **{**attrs, **extra})
                np.testing.assert_array_equal(out.view(np.int32), expected.view(np.int32))


@pytest.mark.parametrize('isa', step.ISAS)
@pytest.mark.parametrize('m, n, k', [(530, 270, 900), (140, 390, 1200), (300, 600, 800)])
def test_cells_of_a_long_product(m, n, k, isa):
    """A weight's gradient: both sides as stored, cut in cells of rows and columns, blocks of k fetched ahead."""
    a, b = normal(1, k, m), normal(1, k, n)
    attrs = {**attributes(a, n, k, True), 'ldb': n}
    one, two = np.full((2, 1, m, n), 7, np.float32)
    for out, threads in ((one, 1), (two, 2)):
        step.run('matmul', [a, b, out], isa=isa, threads=threads, **attrs)
    np.testing.assert_array_equal(one.view(np.int32), two.view(np.int32))
    np.testing.assert_array_equal(one, product(a, pack(b, isa), n, k, isa, transposed=True))
    wide = a.astype(np.float64).swapaxes(1, 2)
    assert (np.abs(one - wide @ b) <= 1e-6 * (np.abs(wide) @ np.abs(b)) + 1e-6).all()


@pytest.mark.parametrize('isa', step.ISAS)
def test_a_shared_right_side(isa):
    a, b = normal(5, 6, 30), normal(1, 30, 20)
    packed = pack(b, isa)
    shared = product(a, packed, 20, 30, isa, shared=True)
    np.testing.assert_array_equal(shared[3], product(a[3:4].copy(), packed, 20, 30, isa)[0])
    padded = np.full((5, 200), np.nan, np.float32)
    padded[:, :180] = a.reshape(5, 180)
    apart = np.full((5, 6, 20), 7, np.float32)
    step.run('matmul', [padded, packed, apart], isa=isa, **{**attributes(a, 20, 30, shared=True), 'a_batch': 200})
    np.testing.assert_array_equal(apart, shared)


@pytest.mark.parametrize('isa', step.ISAS)
def test_nan_and_infinity_stay_in_their_places(isa):
    a, b = normal(1, 9, 40), normal(1, 40, 37)
    a[0, 4, 7], b[0, 3, 36] = np.nan, np.inf
    out = product(a, pack(b, isa), 37, 40, isa)[0]
    assert np.isnan(out[4]).all()
    rest = np.delete(out, 4, 0)
    assert np.isinf(rest[:, 36]).all() and np.isfinite(rest[:, :36]).all()
    np.testing.assert_array_equal(np.sign(rest[:, 36]), np.sign(np.delete(a[0, :, 3], 4)))
