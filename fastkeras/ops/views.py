"""Numbers by their bits, and complex numbers, which are arrays of NumPy alone: tensors of the engine are real."""

import numpy as np

from . import core
from .core import Sample, apply, dtype_name, error, register
from .elementwise import cos, multiply, sin
from .facts import each_element
from .shapes import broadcast

__all__ = ['nextafter', 'polar', 'view', 'view_as_complex', 'view_as_real']


# ---- bits
def _view_ref(x, *, dtype):
    return np.ascontiguousarray(x).view(dtype)


@register('view', ref=_view_ref, rows=lambda node, moving: moving[0] and len(node.inputs[0].shape) > 1,
          samples=lambda: [Sample([np.arange(12, dtype=np.int32).reshape(3, 4)], {'dtype': d}, grad=False)
                           for d in ('float32', 'uint8', 'int64', 'float64')])
def _view_spec(x, *, dtype):
    old, new = np.dtype(x.dtype).itemsize, np.dtype(dtype).itemsize
    if old == new:
        return tuple(x.shape), dtype
    if not x.shape or x.shape[-1] is None or x.shape[-1] * old % new:
        raise ValueError(f'expected a last axis whose bytes are numbers of {dtype}, got {x.dtype}{list(x.shape)}')
    return (*x.shape[:-1], x.shape[-1] * old // new), dtype


def view(x, dtype=None):
    """The bits of x as numbers of another type; the last axis grows or shrinks where the sizes of the types differ. No
    gradient. A step of the host. Raises ValueError where the bytes do not divide."""
    x = core.as_tensor(x)
    return x if dtype is None or dtype_name(dtype) == core.dtype_of(x) else apply('view', (x,), dtype=dtype_name(dtype))


@register('nextafter', ref=np.nextafter, rows=each_element, promote=0, floating=True,
          samples=lambda: [Sample([np.float32([[2], [-5]]), np.float32([[1, -2, 0]])], grad=False)])
def _next_spec(x1, x2):
    return broadcast(x1.shape, x2.shape), x1.dtype


def nextafter(x1, x2):
    """The number next to x1 towards x2. No gradient. A step of the host."""
    return apply('nextafter', (x1, x2))


# ---- complex numbers
def _array(op, x):
    if core.is_symbolic(x):
        raise error(op, 'complex numbers are arrays, not symbolic tensors: keep pairs (real, imaginary), as fft does')
    return core.to_array(x)


def view_as_complex(x):
    """The complex numbers, as an array of NumPy, of an array (…, 2) of real and imaginary parts. Raises ValueError for a
    symbolic tensor."""
    x = _array('view_as_complex', x)
    if not x.ndim or x.shape[-1] != 2:
        raise error('view_as_complex', f'x: expected a last axis of size 2, got shape {x.shape}')
    return (x[..., 0] + 1j * x[..., 1]).astype(np.complex128 if x.dtype == np.float64 else np.complex64)


def view_as_real(x):
    """An array (…, 2) of the real and imaginary parts of an array of complex numbers."""
    if core.is_symbolic(x):
        raise error('view_as_real', 'symbolic tensors are real')
    x = np.asarray(x)
    return core.to_array(np.stack([x.real, x.imag], axis=-1))


def polar(abs_, angle):
    """The complex numbers, as an array of NumPy, of this absolute value and angle in radians. Raises ValueError for symbolic
    tensors; of those, abs_ · cos(angle) and abs_ · sin(angle) are the parts."""
    size, angle = _array('polar', abs_), _array('polar', angle)
    re, im = multiply(size, cos(angle)), multiply(size, sin(angle))
    return re + im * (np.complex64(1j) if re.dtype == np.float32 else 1j)
