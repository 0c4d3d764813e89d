"""What the registry-driven tests do with a record's samples: gradients against finite differences in float64 on the
references, and the compiled plan against the reference."""

import numpy as np

from fastkeras import config
from fastkeras.compiler.autodiff import gradients
from fastkeras.compiler.buffers import Host
from fastkeras.ops import core
from fastkeras.ops.evaluate import evaluate
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import Function


def cases():
    """(id, op, sample number) of every sample in the registry."""
    return [(f'{name}-{k}', name, k) for name, record in sorted(core.records().items()) if record.samples is not None
            for k in range(len(record.samples()))]


def wide(array):
    """float32 arrays in float64, others as they are."""
    return array.astype(np.float64) if array.dtype == np.float32 else array


def placeholders(arrays):
    return [Tensor('input', (), {'index': i}, a.shape, a.dtype.name) for i, a in enumerate(arrays)]


def applied(op, inputs, attrs):
    """The op on Tensors; several results as one, in float32 or float64 one after the other."""
    out = core.apply(op, inputs, **attrs)
    if not isinstance(out, tuple):
        return out
    dtype = 'float64' if any(y.dtype == 'float64' for y in out) else 'float32'
    flat = [core.apply('reshape', (core.tensor(y, dtype),), shape=(y.size,)) for y in out]
    return core.apply('concatenate', flat, axis=0)


def reference(op, arrays, attrs):
    """The op's value by the references, in float64."""
    inputs = placeholders(arrays)
    out = applied(op, inputs, attrs)
    return evaluate([out], dict(zip(inputs, map(wide, arrays))))[0], out.dtype


def check_gradient(op, sample, seed=0, step=1e-6, rtol=1e-5):
    """The vjp of every float input, along a random direction, against central differences in float64. The loss is the
    inner product of the op's value with fixed random weights."""
    rng = np.random.default_rng(seed)
    arrays = [wide(a) for a in sample.inputs]
    inputs = placeholders(arrays)
    out = applied(op, inputs, sample.attrs)
    loss = core.apply('sum', (out * rng.normal(size=out.shape),), axis=tuple(range(out.ndim)), keepdims=False)
    chosen = [k for k, a in enumerate(arrays) if a.dtype == np.float64]
    found = gradients(loss, [inputs[k] for k in chosen])
    feed = dict(zip(inputs, arrays))
    for k, gradient in zip(chosen, found):
        shape = arrays[k].shape if gradient is None else gradient.shape
        assert shape == arrays[k].shape, f'{op}: the gradient of input {k} has shape {shape}'
        direction = rng.normal(size=arrays[k].shape)
        value = 0.0 if gradient is None else float((evaluate([gradient], feed)[0] * direction).sum())
        ahead, behind = (float(evaluate([loss], {**feed, inputs[k]: arrays[k] + s * direction})[0])
                         for s in (step, -step))
        numeric = (ahead - behind) / (2 * step)
        size = max(abs(numeric), abs(value), 1e-3)
        assert abs(value - numeric) <= rtol * size + 1e-7, (
            f'{op}: gradient of input {k}: {value}, differences give {numeric}')


# ---- kernels
def compiled(op, sample, arrays=None):
    """(Function of the op alone, the plan for the sample's inputs)."""
    function = Function(lambda *xs: applied(op, xs, sample.attrs), name=op)
    return function, function.traced_for(sample.inputs if arrays is None else arrays)


def host_steps(plan):
    """Names of the steps that the reference does in place of a kernel."""
    return [getattr(step.function, 'func', step.function) for step in plan.compiled.steps if isinstance(step, Host)]


def check_kernel(op, sample, arrays=None):
    """The plan against the reference in float64, with one thread and with two, of which the bits must be equal."""
    arrays = [np.asarray(a, order='C') for a in (sample.inputs if arrays is None else arrays)]
    with np.errstate(all='ignore'):
        want, dtype = reference(op, arrays, sample.attrs)
    function, plan = compiled(op, sample, arrays)
    kernels = {getattr(step, 'kernel', None) for step in plan.compiled.steps}
    results = []
    for threads in (1, 2):
        config.set_num_threads(threads)
        results.append(np.array(function(*arrays)))
    assert results[0].tobytes() == results[1].tobytes(), f'{op}: one and two threads differ'
    got = results[0]
    assert got.dtype.name == dtype and got.shape == want.shape
    if kernels & {'winograd', 'winograd_dw'}:
        close_in_winograd_domain(got, want, same_tile if 'winograd' in kernels else same_channels)
    elif want.dtype.kind == 'f':
        np.testing.assert_allclose(got, want, rtol=sample.rtol, atol=sample.atol, equal_nan=True, err_msg=op)
    else:
        np.testing.assert_array_equal(got, want, err_msg=op)


def close_in_winograd_domain(got, want, near):
    """Errors are relative to the largest output, and a NaN reaches what is near to it."""
    assert np.isnan(got[np.isnan(want)]).all()
    assert not (np.isnan(got) & ~near(np.isnan(want))).any()
    known = ~np.isnan(got)
    assert np.abs(got - want)[known].max(initial=0) <= 5e-6 * np.abs(want[known]).max(initial=0)


def same_tile(marked):
    """The outputs in a tile of 4 × 4 with one that is marked; the slices of a volume are images."""
    rows, columns = (np.arange(n) // 4 for n in marked.shape[-3:-1])
    same = (rows[:, None] == rows), (columns[:, None] == columns)
    return np.einsum('ij,...jkc,kl->...il', same[0].astype(int), marked.astype(int), same[1].astype(int))[..., None] > 0


def same_channels(marked):
    """All nine elements of a kernel's gradient of which one is marked."""
    return marked.any(tuple(range(marked.ndim - 2)))


def without_rows(op, sample):
    """The sample's arrays with the leading axis of the first made empty, and where it must agree that of the others of
    equal length; None where the op is not defined for no rows."""
    first, rest = sample.inputs[0], sample.inputs[1:]
    for others in (rest, [a[:0] if a.ndim and a.shape[0] == first.shape[0] else a for a in rest]):
        arrays = [first[:0], *others]
        try:
            reference(op, arrays, sample.attrs)
        except ValueError:
            continue
        return arrays
    return None


def with_nan(arrays):
    """Copies with NaN in the first, a middle and the last element of the first float array; None where there is
    none."""
    made = [a.copy() for a in arrays]
    for a in made:
        if a.dtype == np.float32 and a.size:
            flat = a.reshape(-1)
            flat[[0, flat.size // 2, flat.size - 1]] = np.nan
            return made
    return None
