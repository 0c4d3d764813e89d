"""Every record in the registry, by its own samples: gradient, kernel on every instruction set, empty batches, NaN."""

import pytest

from fastkeras import config
from fastkeras.ops import core

from .. import harness

CASES = harness.cases()
# float32 on the reference by design
HOST = {'all_reduce', 'argsort', 'cholesky', 'ctc_beams', 'det', 'eigh', 'inv', 'lu_factor', 'max_pool2d_take',
        'max_pool3d_take', 'nextafter', 'on_host', 'pinv', 'qr', 'slogdet', 'solve', 'svd', 'view'}
# no sample of these can be without rows: their attributes, or another input, say how many there are
NO_ROWS = {'broadcast_to', 'dropout_mask', 'place', 'put_rows', 'random_normal', 'random_uniform', 'slice_update', 'squeeze'}


def sample_of(op, k):
    return core.record(op).samples()[k]


def takes_nan(op, k):
    """Whether there is a float to put NaN into, and NaN is not converted to a whole number, which is undefined."""
    sample = sample_of(op, k)
    return harness.with_nan(sample.inputs) is not None and sample.attrs.get('dtype') not in ('int32', 'int64', 'uint8')


def takes_no_rows(op, k):
    sample = sample_of(op, k)
    return sample.inputs[0].ndim > 0 and harness.without_rows(op, sample) is not None


def is_native(op, k):
    """Whether it is float32 among what kernels know, and not on the reference by design."""
    sample = sample_of(op, k)
    dtype = harness.applied(op, harness.placeholders(sample.inputs), sample.attrs).dtype
    types = {a.dtype.name for a in sample.inputs}
    return (op not in HOST and dtype not in ('float64', 'int64') and 'float32' in types | {dtype}
            and types <= {'float32', 'int32', 'bool'})


def where(holds):
    """The cases that a test is about, found before any runs: so nothing is skipped for being of another kind."""
    return [c for c in CASES if holds(*c[1:])]


def by_sample(cases):
    return pytest.mark.parametrize('op, k', [(op, k) for _, op, k in cases], ids=[name for name, _, _ in cases])


@pytest.fixture(params=config.isas())
def isa(request):
    before, threads = config.isa(), config.get_num_threads()
    config.set_isa(request.param)
    yield request.param
    config.set_isa(before)
    config.set_num_threads(threads)


def test_every_record_is_complete():
    for name, record in core.records().items():
        if name in ('input', 'const', 'variable', 'result', 'part'):  # made by no one's call
            continue
        assert record.ref is not None and record.samples is not None and record.samples(), name
        assert (
            record.lower or record.micro or record.compose or record.view or name in HOST), name
        differentiable = any(s.grad for s in record.samples())
        assert not differentiable or record.vjp or record.compose, name


@by_sample(where(lambda op, k: sample_of(op, k).grad))
def test_gradient(op, k):
    harness.check_gradient(op, sample_of(op, k))


@by_sample(CASES)
def test_kernel(op, k, isa):
    harness.check_kernel(op, sample_of(op, k))


@by_sample(where(takes_nan))
def test_kernel_on_nan(op, k):
    sample = sample_of(op, k)
    harness.check_kernel(op, sample, harness.with_nan(sample.inputs))


WITHOUT_ROWS = where(takes_no_rows)


@by_sample(WITHOUT_ROWS)
def test_kernel_without_rows(op, k):
    sample = sample_of(op, k)
    harness.check_kernel(op, sample, harness.without_rows(op, sample))


def test_which_ops_are_never_tried_without_rows():
    """Those whose first input is no batch, or whose attributes say how many rows there are."""
    tried = {op for _, op, _ in WITHOUT_ROWS}
    assert {op for _, op, k in CASES if sample_of(op, k).inputs[0].ndim} - tried <= NO_ROWS


@by_sample(where(is_native))
def test_float32_runs_on_kernels(op, k):
    _, plan = harness.compiled(op, sample_of(op, k))
    assert harness.host_steps(plan) == []
