import numpy as np
import pytest
import step
from sweep import sweep

RNG = np.random.default_rng(17)


@pytest.mark.parametrize('rows, inner', [(1, 1), (70_001, 1), (9000, 3), (40_000, 10), (5000, 64), (777, 100), (2000, 256),
                                         (37, 1030), (19, 4096)])
def test_sums_of_what_a_program_makes(rows, inner):
    """Sums of x·y + row and of x, and the first of them kept too."""
    x, y = (RNG.standard_normal((rows, inner)).astype(np.float32) for _ in range(2))
    row = RNG.standard_normal(inner).astype(np.float32)
    made = x.astype(np.float64) * y + row
    words = step.program([step.access(x), step.access(y), step.access(row, step.MOD, inner)],
                         [('float32', 1), ('float32', ('in', 0)), ('float32', 1)],
                         [('mul', 0, ('in', 0), ('in', 1)), ('add', 1, 0, ('in', 2))])
    how = {'rows': rows, 'inner': inner, 'count': 2}
    parts = step.parts('sums', parts=0, **how)
    bounds = step.bounds(rows, parts)
    kept = np.empty((rows, inner), np.float32)
    for _, (sums,) in sweep('sums', [bounds], [((parts, 2, inner), np.float32)], tile=[x, y, row, kept], words=words,
                            parts=parts, **how):
        total = sums.astype(np.float64).sum(0)
        np.testing.assert_allclose(total[0], made.sum(0), rtol=1e-5, atol=1e-6 * rows ** 0.5 + 1e-6 * np.abs(made).sum(0).max())
        np.testing.assert_allclose(total[1], x.sum(0, np.float64), atol=1e-6 * np.abs(x).sum(0).max() + 1e-6)
        np.testing.assert_allclose(kept, made, rtol=1e-5, atol=1e-5)


def test_the_error_of_a_long_sum_stays_small():
    x = np.full((3_000_000, 1), 0.1, np.float32)
    words = step.program([step.access(x)], [('float32', 0)], [('copy', 0, ('in', 0))])
    how = {'rows': len(x), 'inner': 1, 'count': 1}
    parts = step.parts('sums', parts=0, **how)
    for _, (sums,) in sweep('sums', [step.bounds(len(x), parts)], [((parts, 1, 1), np.float32)], tile=[x], words=words,
                            parts=parts, **how):
        np.testing.assert_allclose(sums.astype(np.float64).sum(), x.sum(dtype=np.float64), rtol=1e-6)


@pytest.mark.parametrize('products', [1, 2, 3])
@pytest.mark.parametrize('rows, inner, bounds', [(1, 16, None), (9, 32, None), (5000, 64, None), (777, 100, None),
                                                 (777, 48, None), (300, 256, (0, 0, 7, 100, 300)), (65, 528, (0, 33, 65)),
                                                 (40, 4096, None)])
def test_products_with_what_is_less_its_mean(rows, inner, bounds, products):
    """Sums of y and of y · (x - mean), which are made in registers where rows are whole vectors."""
    y, *x = (RNG.standard_normal((rows, inner)).astype(np.float32) for _ in range(1 + products))
    x = [v + np.float32(100) for v in x]
    mean = [v.mean(0) for v in x]
    inputs, code, outputs = [step.access(y)], [], [('float32', ('in', 0))]
    for q in range(products):
        inputs += [step.access(x[q]), step.access(mean[q], step.MOD, inner)]
        code += [('sub', 9, ('in', 2 * q + 1), ('in', 2 * q + 2)), ('mul', q, *[9, ('in', 0)][::1 if q else -1])]
        outputs.insert(q, ('float32', q))
    how = {'rows': rows, 'inner': inner, 'count': 1 + products}
    bounds = step.bounds(rows, step.parts('sums', parts=0, **how)) if bounds is None else np.array(bounds)
    parts = len(bounds) - 1
    wanted = [y * (v.astype(np.float64) - m) for v, m in zip(x, mean)] + [y.astype(np.float64)]
    words, tile = step.program(inputs, outputs, code), [t for t, _ in inputs]
    for _, (sums,) in sweep('sums', [bounds], [((parts, 1 + products, inner), np.float32)], tile=tile, words=words,
                            parts=parts, **how):
        for got, terms in zip(sums.astype(np.float64).sum(0), wanted):
            np.testing.assert_allclose(got, terms.sum(0), atol=2e-6 * rows ** 0.5 * np.abs(terms).max())
