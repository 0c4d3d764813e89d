"""Discrete Fourier transforms, of pairs (real, imaginary) as Keras 3 has them: the engine's numbers are real.

A transform of n points is one product with a constant matrix where n is at most DIRECT or has no other divisor, else it is
composed of transforms of two divisors of n (Cooley and Tukey 1965). Transforms of a large prime number of points are composed
of those of a power of two (Bluestein 1970). Products have kernels and gradients, so these have.
"""

import functools

import numpy as np

from . import core
from .core import as_tensor, error
from .elementwise import add, multiply, negative, subtract
from .index import take
from .linalg import matmul
from .move import reshape, squeeze, swapaxes
from .slices import along, concatenate, cut, flip, pad

__all__ = ['extract_sequences', 'fft', 'fft2', 'ifft2', 'irfft', 'istft', 'rfft', 'stft']

DIRECT = 64         # points: one product
LARGEST = 1024      # of one product, where n has no divisors


# ---- constants, in float64; they take the type of the tensors that they meet
@functools.lru_cache(maxsize=64)
def _matrix(n, m=None):
    """[[cos, -sin], [sin, cos]] of the angles 2π·j·k/n: a row (real, imaginary) of 2n numbers times it is its transform. m:
    only so many results."""
    m = n if m is None else m
    angle = 2 * np.pi * (np.outer(np.arange(n), np.arange(m)) % n) / n
    c, s = np.cos(angle), np.sin(angle)
    return np.block([[c, -s], [s, c]])


@functools.lru_cache(maxsize=64)
def _twiddles(a, b):
    angle = 2 * np.pi * np.outer(np.arange(b), np.arange(a)) / (a * b)
    return np.cos(angle), -np.sin(angle)


def _constant(value, like):
    return value.astype(core.dtype_of(like))


def _divisor(n):
    """The largest divisor of n that is at most DIRECT, 1 where there is none."""
    return next((d for d in range(min(DIRECT, n - 1), 1, -1) if n % d == 0), 1)


# ---- along the last axis
def _dft(re, im):
    """The transform along the last axis; im: None where it is zero."""
    n = re.shape[-1]
    if n == 1:
        return re, multiply(re, 0.0) if im is None else im
    first = _divisor(n) if n > DIRECT else 1
    if first > 1:
        return _composed(re, im, first, n // first)
    if n > LARGEST:
        return _bluestein(re, im)
    matrix = _matrix(n)
    if im is None:
        both = matmul(re, _constant(matrix[:n], re))
    else:
        both = matmul(concatenate([re, im], axis=-1), _constant(matrix, re))
    return _halves(both)


def _halves(x):
    n, axis = x.shape[-1] // 2, len(x.shape) - 1
    return cut(x, along(axis + 1, axis, 0, n)), cut(x, along(axis + 1, axis, n, 2 * n))


def _composed(re, im, a, b):
    """n = a · b points: point j = j1 · b + j2, frequency k = k1 + a · k2."""
    lead = tuple(re.shape[:-1])

    def folded(x):
        return None if x is None else swapaxes(reshape(x, (*_open(lead), a, b)), -1, -2)
    re, im = _dft(folded(re), folded(im))               # (…, j2, k1)
    c, s = (_constant(t, re) for t in _twiddles(a, b))
    re, im = subtract(multiply(re, c), multiply(im, s)), add(multiply(re, s), multiply(im, c))
    re, im = _dft(swapaxes(re, -1, -2), swapaxes(im, -1, -2))       # (…, k1, k2)
    return tuple(reshape(swapaxes(x, -1, -2), (*_open(lead), a * b)) for x in (re, im))


def _open(lead):
    """Leading sizes for a reshape, of which one may be unknown."""
    return tuple(-1 if d is None else d for d in lead)


def _bluestein(re, im):
    n = re.shape[-1]
    size = 1 << (2 * n - 2).bit_length()
    angle = np.pi * (np.arange(n, dtype=np.int64) ** 2 % (2 * n)) / n
    c, s = (_constant(t, re) for t in (np.cos(angle), -np.sin(angle)))
    chirp = np.zeros(size, complex)
    chirp[:n] = np.exp(1j * angle)
    chirp[size - n + 1:] = chirp[1:n][::-1]
    spectrum = np.fft.fft(chirp)
    fr, fi = (_constant(t, re) for t in (spectrum.real, spectrum.imag))
    im = multiply(re, 0.0) if im is None else im
    widths = [(0, 0)] * (len(re.shape) - 1) + [(0, size - n)]
    x, y = (pad(v, widths) for v in (subtract(multiply(re, c), multiply(im, s)), add(multiply(re, s), multiply(im, c))))
    x, y = _dft(x, y)
    x, y = _inverse(subtract(multiply(x, fr), multiply(y, fi)), add(multiply(x, fi), multiply(y, fr)))
    axis = len(re.shape) - 1
    x, y = (cut(v, along(axis + 1, axis, 0, n)) for v in (x, y))
    return subtract(multiply(x, c), multiply(y, s)), add(multiply(x, s), multiply(y, c))


def _inverse(re, im):
    """The inverse: real and imaginary part change places, before and after."""
    n = re.shape[-1]
    im, re = _dft(im, re)
    return multiply(re, 1 / n), multiply(im, 1 / n)


# ---- public functions
def _pair(op, x, axes=1):
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise error(op, f'x: expected a pair of tensors, real and imaginary part, got {x!r:.80}')
    re, im = (as_tensor(v) for v in x)
    if tuple(re.shape) != tuple(im.shape):
        raise error(op, f'x: expected two tensors of one shape, got {tuple(re.shape)} and {tuple(im.shape)}')
    for v in (re, im):
        if core.dtype_of(v) not in core.FLOATS:
            raise error(op, f'x: expected floats, got {core.dtype_of(v)}')
    _known(op, re, axes)
    return re, im


def _known(op, x, axes=1):
    if len(x.shape) < axes or None in x.shape[-axes:]:
        raise error(op, f'x: expected at least {axes} axes, the last {axes} of known sizes, got shape {tuple(x.shape)}')


def fft(x):
    """The discrete Fourier transform along the last axis of x, a pair (real, imaginary); a pair comes back."""
    return _dft(*_pair('fft', x))


def fft2(x):
    """The two-dimensional transform along the last two axes of a pair (real, imaginary)."""
    return _both_axes(_dft, *_pair('fft2', x, 2))


def ifft2(x):
    """The inverse of `fft2`."""
    return _both_axes(_inverse, *_pair('ifft2', x, 2))


def _both_axes(transform, re, im):
    re, im = transform(re, im)
    re, im = transform(swapaxes(re, -1, -2), swapaxes(im, -1, -2))
    return swapaxes(re, -1, -2), swapaxes(im, -1, -2)


def _fitted(x, n):
    """x with its last axis cut, or filled up with zeros, to n."""
    axis, size = len(x.shape) - 1, x.shape[-1]
    if size > n:
        return cut(x, along(axis + 1, axis, 0, n))
    return x if size == n else pad(x, [(0, 0)] * axis + [(0, n - size)])


def rfft(x, fft_length=None):
    """The transform along the last axis of a real x: a pair (real, imaginary) of fft_length // 2 + 1 frequencies. fft_length:
    x is cut, or filled up with zeros, to it."""
    x = as_tensor(x)
    if core.dtype_of(x) not in core.FLOATS:
        raise error('rfft', f'x: expected floats, got {core.dtype_of(x)}')
    _known('rfft', x)
    n = x.shape[-1] if fft_length is None else int(fft_length)
    x, keep = _fitted(x, n), n // 2 + 1
    if n <= 4 * DIRECT:
        return _halves(matmul(x, _constant(_matrix(n, keep)[:n], x)))
    return tuple(_fitted(v, keep) for v in _dft(x, None))


def irfft(x, fft_length=None):
    """The real inverse of `rfft`, of a pair of frequencies. fft_length: the number of points, by default 2 · (frequencies - 1);
    frequencies are cut, or filled up with zeros, to fft_length // 2 + 1."""
    re, im = _pair('irfft', x)
    n = 2 * (re.shape[-1] - 1) if fft_length is None else int(fft_length)
    keep = n // 2 + 1
    re, im = _fitted(re, keep), _fitted(im, keep)
    if n <= 4 * DIRECT:
        twice = np.full(keep, 2.0)
        twice[0] = 1.0
        if n % 2 == 0:
            twice[-1] = 1.0
        angle = 2 * np.pi * (np.outer(np.arange(keep), np.arange(n)) % n) / n
        matrix = np.concatenate([twice[:, None] * np.cos(angle), -twice[:, None] * np.sin(angle)]) / n
        return matmul(concatenate([re, im], axis=-1), _constant(matrix, re))
    axis = len(re.shape) - 1
    rest = along(axis + 1, axis, 1, (n + 1) // 2)       # frequencies that stand for two
    first = np.ones(keep)
    first[0] = 0.0                                      # of a real signal these have no imaginary part
    if n % 2 == 0:
        first[-1] = 0.0
    im = multiply(im, _constant(first, im))
    re = concatenate([re, flip(cut(re, rest), axis=axis)], axis=axis)
    im = concatenate([im, negative(flip(cut(im, rest), axis=axis))], axis=axis)
    return _inverse(re, im)[0]


def extract_sequences(x, sequence_length, sequence_stride):
    """Windows over the last axis: (…, n) → (…, 1 + (n - sequence_length) // sequence_stride, sequence_length)."""
    x = as_tensor(x)
    _known('extract_sequences', x)
    n = x.shape[-1]
    if not 1 <= sequence_length <= n or sequence_stride < 1:
        raise error('extract_sequences', f'expected sequence_length from 1 to {n} and a positive sequence_stride, got '
                                         f'{sequence_length!r} and {sequence_stride!r}')
    starts = np.arange(0, n - sequence_length + 1, sequence_stride, dtype=np.int32)
    return take(x, starts[:, None] + np.arange(sequence_length, dtype=np.int32), axis=-1)


def _window(op, window, length, size):
    """The window in the middle of `size` points, or None."""
    if window is None:
        return None
    if isinstance(window, str):
        if window not in ('hann', 'hamming'):
            raise error(op, f"window: expected 'hann', 'hamming', a tensor of shape ({length},) or None, got {window!r}")
        turn = 2 * np.pi * np.arange(length) / length
        window = 0.5 - 0.5 * np.cos(turn) if window == 'hann' else 0.54 - 0.46 * np.cos(turn)
    window = core.to_array(window)
    if window.shape != (length,):
        raise error(op, f'window: expected shape ({length},), got {window.shape}')
    before = (size - length) // 2
    return np.pad(window, (before, size - length - before))


def _sizes(op, sequence_length, sequence_stride, fft_length):
    if not 1 <= sequence_length <= fft_length or sequence_stride < 1:
        raise error(op, f'expected 1 ≤ sequence_length ≤ fft_length and a positive sequence_stride, got sequence_length='
                        f'{sequence_length!r}, sequence_stride={sequence_stride!r}, fft_length={fft_length!r}')


def stft(x, sequence_length, sequence_stride, fft_length, window='hann', center=True):
    """The short-time Fourier transform: a pair (real, imaginary) of shape (…, frames, fft_length // 2 + 1) of x (…, n).

    A frame has fft_length points, of which the window leaves sequence_length in the middle; the next begins sequence_stride
    further. window: 'hann', 'hamming' (periodic), an array of sequence_length, or None. center: x is mirrored at both ends, so
    that frame t is around point t · sequence_stride.
    """
    x = as_tensor(x)
    if core.dtype_of(x) not in core.FLOATS:
        raise TypeError(f'[stft] x: expected floats, got {core.dtype_of(x)}')
    _sizes('stft', sequence_length, sequence_stride, fft_length)
    window = _window('stft', window, sequence_length, fft_length)
    if center:
        x = pad(x, [(0, 0)] * (len(x.shape) - 1) + [(fft_length // 2, fft_length // 2)], mode='reflect')
    frames = extract_sequences(x, fft_length, sequence_stride)
    return rfft(frames if window is None else multiply(frames, _constant(window, x)), fft_length)


def istft(x, sequence_length, sequence_stride, fft_length, length=None, window='hann', center=True):
    """The inverse of `stft` (Griffin and Lim 1984): the frames of a pair (…, frames, fft_length // 2 + 1) added up where they
    overlap, divided by the sum of the squared windows there. The other arguments are those of `stft`; length: of the result.
    """
    re, im = _pair('istft', x, 2)
    _sizes('istft', sequence_length, sequence_stride, fft_length)
    window = _window('istft', window, sequence_length, fft_length)
    frames = irfft((re, im), fft_length)
    if window is not None:
        # as if frames went on for ever on both sides
        many = -(-fft_length // sequence_stride)
        squares = np.zeros(many * sequence_stride)
        squares[:fft_length] = window ** 2
        total = np.tile(squares.reshape(many, sequence_stride).sum(0), many)[:fft_length]
        frames = multiply(frames, _constant(np.divide(window, total, out=np.zeros(fft_length), where=total > 0), frames))
    y = _overlapped(frames, sequence_stride)
    axis = len(y.shape) - 1
    start = fft_length // 2 if center else 0
    end = y.shape[-1] - (fft_length // 2 if center else 0) if length is None else min(start + length, y.shape[-1])
    return cut(y, along(axis + 1, axis, start, end))


def _overlapped(frames, stride):
    """(…, frames, n) → (…, stride · (frames - 1) + n), added up where they overlap."""
    count, n = frames.shape[-2:]
    parts = -(-n // stride)
    frames = _fitted(frames, parts * stride)
    lead = _open(tuple(frames.shape[:-2]))
    blocks = reshape(frames, (*lead, count, parts, stride))
    y, axis = None, len(blocks.shape) - 2
    for k in range(parts):
        piece = squeeze(cut(blocks, along(axis + 2, axis, k, k + 1)), axis)
        piece = pad(piece, [(0, 0)] * (axis - 1) + [(k, parts - 1 - k), (0, 0)])
        y = piece if y is None else add(y, piece)
    y = reshape(y, (*lead, (count + parts - 1) * stride))
    return _fitted(y, stride * (count - 1) + n)
