"""Every record in the registry, by its own samples: gradient, kernel on every instruction set, empty batches, NaN."""

import pytest

from fastkeras import config
from fastkeras.ops import core

from .. import harness

CASES = harness.cases()
# float32 on the reference by design
HOST = {'argsort', 'max_pool2d_take'}


def sample_of(op, k):
    return core.record(op).samples()[k]


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
        if name in ('input', 'const', 'variable'):
            continue
        assert record.ref is not None and record.samples is not None and record.samples(), name
        assert (
            record.lower or record.micro or record.compose or record.view or name in HOST), name
        differentiable = any(s.grad for s in record.samples())
        assert not differentiable or record.vjp or record.compose, name


@by_sample([c for c in CASES if sample_of(c[1], c[2]).grad])
def test_gradient(op, k):
    harness.check_gradient(op, sample_of(op, k))


@by_sample(CASES)
def test_kernel(op, k, isa):
    harness.check_kernel(op, sample_of(op, k))


@by_sample(CASES)
def test_kernel_on_nan(op, k):
    sample = sample_of(op, k)
    arrays = harness.with_nan(sample.inputs)
    if arrays is None or sample.attrs.get('dtype') in ('int32', 'int64', 'uint8'):
        pytest.skip('no float input, or a conversion of NaN to an integer')
    harness.check_kernel(op, sample, arrays)


@by_sample([c for c in CASES if sample_of(c[1], c[2]).inputs[0].ndim])
def test_kernel_without_rows(op, k):
    sample = sample_of(op, k)
    arrays = harness.without_rows(op, sample)
    if arrays is None:
        pytest.skip('not defined for no rows')
    harness.check_kernel(op, sample, arrays)


@by_sample(CASES)
def test_float32_runs_on_kernels(op, k):
    sample = sample_of(op, k)
    _, dtype = harness.reference(op, sample.inputs, sample.attrs)
    types = {a.dtype.name for a in sample.inputs}
    native = 'float32' in types | {dtype} and types <= {'float32', 'int32', 'bool'}
    if op in HOST or dtype in ('float64', 'int64') or not native:
        pytest.skip('not float32, or on the reference by design')
    _, plan = harness.compiled(op, sample)
    assert harness.host_steps(plan) == []
