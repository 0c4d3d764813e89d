"""Fourier transforms against NumPy's, in every way they are composed."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.layers import Input, Lambda
from fastkeras.models import Model

from .test_nn import check_gradients

RNG = np.random.default_rng(0)


def close(got, want, tolerance=2e-6):
    size = np.abs(want).max()
    assert np.abs(np.asarray(got) - want).max() <= tolerance * size


# one product, two divisors, three, a small prime, one that is no product (Bluestein), twice such
@pytest.mark.parametrize('n', [1, 2, 7, 64, 96, 210, 127, 4096, 1031, 2062])
def test_transforms(n):
    re, im = RNG.standard_normal((2, 3, n)).astype('float32')
    want = np.fft.fft(re + 1j * im)
    a, b = ops.fft((re, im))
    assert a.dtype == np.float32
    close(a + 1j * b, want)
    half = ops.rfft(re)
    close(half[0] + 1j * half[1], np.fft.rfft(re))
    close(ops.irfft(half, n), re)
    close(ops.irfft((re, im), 2 * n - 2 or 2), np.fft.irfft(re + 1j * im, 2 * n - 2 or 2))


@pytest.mark.parametrize('n, length', [(8, 12), (12, 8), (5, 7), (300, 500), (500, 300)])
def test_lengths(n, length):
    x = RNG.standard_normal((2, n)).astype('float32')
    a, b = ops.rfft(x, length)
    close(a + 1j * b, np.fft.rfft(x, length))
    close(ops.irfft((x, x[:, ::-1].copy()), length), np.fft.irfft(x + 1j * x[:, ::-1], length))


def test_two_axes():
    x, y = RNG.standard_normal((2, 3, 6, 70)).astype('float32')
    a, b = ops.fft2((x, y))
    close(a + 1j * b, np.fft.fft2(x + 1j * y))
    back = ops.ifft2((a, b))
    close(back[0], x)
    close(back[1], y)


def test_a_signal_comes_back():
    x = RNG.standard_normal((2, 400)).astype('float32')
    for window, length in (('hann', 32), ('hamming', 24)):
        parts = ops.stft(x, length, 8, 32, window)
        assert parts[0].shape == (2, 51, 17)
        y = ops.istft(parts, length, 8, 32, window=window, length=400)
        close(y[:, 32:-32], x[:, 32:-32])


def test_in_a_model():
    x = Input((400,))
    y = Lambda(lambda v: ops.sqrt(ops.add(*map(ops.square, ops.stft(v, 64, 32, 64)))))(x)
    assert y.shape == (None, 13, 33)
    data = RNG.standard_normal((3, 400)).astype('float32')
    re, im = ops.stft(data, 64, 32, 64)
    close(Model(x, y).predict(data), np.hypot(re, im))


@pytest.mark.parametrize('function', [
    lambda x: ops.fft((x, x * x))[0], lambda x: ops.rfft(x, 8)[1], lambda x: ops.irfft((x, x), 11),
    lambda x: ops.stft(x, 4, 2, 6)[0], lambda x: ops.istft((x, x), 6, 2, 10),
], ids=range(5))
def test_gradients(function):
    check_gradients(function, [RNG.standard_normal((4, 6))])


@pytest.mark.parametrize('call, error, said', [
    (lambda: ops.fft(np.ones(3)), ValueError, 'pair of tensors'),
    (lambda: ops.fft((np.ones(3), np.ones(4))), ValueError, 'one shape'),
    (lambda: ops.fft((np.ones(3, int), np.ones(3, int))), ValueError, 'floats'),
    (lambda: ops.rfft(Input((None,))), ValueError, 'known sizes'),
    (lambda: ops.stft(np.ones(30, 'float32'), 8, 2, 4), ValueError, 'sequence_length ≤ fft_length'),
    (lambda: ops.stft(np.ones(30, 'float32'), 4, 2, 4, 'flat'), ValueError, "'hann', 'hamming'"),
    (lambda: ops.stft(np.ones(30, 'float32'), 4, 2, 4, np.ones(5)), ValueError, r'expected shape \(4,\)'),
    (lambda: ops.stft(np.ones(30, int), 4, 2, 4), TypeError, 'floats'),
    (lambda: ops.extract_sequences(np.ones(3), 4, 1), ValueError, 'from 1 to 3'),
])
def test_mistakes(call, error, said):
    with pytest.raises(error, match=said):
        call()
