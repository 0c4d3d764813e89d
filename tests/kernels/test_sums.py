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
    parts = step.parts('sums', **how)
    kept = np.empty((rows, inner), np.float32)
    for _, (sums,) in sweep('sums', [], [((parts, 2, inner), np.float32)], tile=[x, y, row, kept], words=words, **how):
        total = sums.astype(np.float64).sum(0)
        np.testing.assert_allclose(total[0], made.sum(0), rtol=1e-5, atol=1e-6 * rows ** 0.5 + 1e-6 * np.abs(made).sum(0).max())
        np.testing.assert_allclose(total[1], x.sum(0, np.float64), atol=1e-6 * np.abs(x).sum(0).max() + 1e-6)
        np.testing.assert_allclose(kept, made, rtol=1e-5, atol=1e-5)


def test_the_error_of_a_long_sum_stays_small():
    x = np.full((3_000_000, 1), 0.1, np.float32)
    words = step.program([step.access(x)], [('float32', 0)], [('copy', 0, ('in', 0))])
    parts = step.parts('sums', rows=len(x), inner=1, count=1)
    for _, (sums,) in sweep('sums', [], [((parts, 1, 1), np.float32)], tile=[x], words=words, rows=len(x), inner=1, count=1):
        np.testing.assert_allclose(sums.astype(np.float64).sum(), x.sum(dtype=np.float64), rtol=1e-6)
