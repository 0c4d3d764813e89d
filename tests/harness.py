"""What the registry-driven tests do with a record's samples: gradients against finite differences in float64 on the
references, and the compiled plan against the reference."""

import numpy as np

from fastkeras.compiler.autodiff import gradients
from fastkeras.ops import core
from fastkeras.ops.evaluate import evaluate
from fastkeras.ops.tensor import Tensor


def cases():
    """(id, op, sample number) of every sample in the registry."""
    return [(f'{name}-{k}', name, k) for name, record in sorted(core.records().items()) if record.samples is not None
            for k in range(len(record.samples()))]


def wide(array):
    """float32 arrays in float64, others as they are."""
    return array.astype(np.float64) if array.dtype == np.float32 else array


def placeholders(arrays):
    return [Tensor('input', (), {'index': i}, a.shape, a.dtype.name) for i, a in enumerate(arrays)]


def reference(op, arrays, attrs):
    """The op's value by the references, in float64."""
    inputs = placeholders(arrays)
    out = core.apply(op, inputs, **attrs)
    return evaluate([out], dict(zip(inputs, map(wide, arrays))))[0], out.dtype


def check_gradient(op, sample, seed=0, step=1e-6, rtol=1e-5):
    """The vjp of every float input, along a random direction, against central differences in float64. The loss is the
    inner product of the op's value with fixed random weights."""
    rng = np.random.default_rng(seed)
    arrays = [wide(a) for a in sample.inputs]
    inputs = placeholders(arrays)
    out = core.apply(op, inputs, **sample.attrs)
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
