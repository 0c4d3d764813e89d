"""STFTSpectrogram and MelSpectrogram; their numbers are compared with Keras 3.15 in tests/parity."""

import numpy as np
import pytest

from fastkeras import layers
from fastkeras.models import Sequential

from ..layer_harness import run_layer_test

RNG = np.random.default_rng(8)


def frames(x, n, step, window, fft):
    """Spectra (batch, frames, frequencies) of sounds (batch, samples), in float64."""
    starts = range(0, x.shape[1] - n + 1, step)
    return np.stack([np.fft.rfft(x[:, s:s + n] * window, fft) for s in starts], 1)


@pytest.mark.parametrize('mode', ['log', 'magnitude', 'psd', 'real', 'imag', 'stft'])
def test_spectra_of_frames(mode):
    window = np.hanning(16)
    window /= np.sqrt(np.square(window).sum())

    def expected(x, *kernels):
        y = frames(x[..., 0], 16, 8, window, 16)
        power = np.abs(y) ** 2
        psd = power * ([1] + [2] * 7 + [1])
        magnitude = np.sqrt(np.maximum(power, 1e-7))
        return {'log': np.log(magnitude), 'magnitude': magnitude, 'psd': psd, 'real': y.real, 'imag': y.imag,
                'stft': np.concatenate([y.real, y.imag], -1)}[mode]

    run_layer_test(layers.STFTSpectrogram, {'mode': mode, 'frame_length': 16}, (2, 60, 1), expected=expected, layouts=False,
                   rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('expand', [False, True])
@pytest.mark.parametrize('padding', ['valid', 'same'])
def test_channels_and_layouts(expand, padding):
    kwargs = {'frame_length': 8, 'frame_step': 3, 'fft_length': 16, 'padding': padding, 'expand_dims': expand}
    y = run_layer_test(layers.STFTSpectrogram, kwargs, (2, 20, 3), layouts=False)
    x = RNG.normal(size=(2, 20, 3)).astype(np.float32)
    y = layers.STFTSpectrogram(**kwargs)(x)
    each = [layers.STFTSpectrogram(**kwargs)(x[..., k:k + 1]) for k in range(3)]
    np.testing.assert_allclose(y, np.concatenate(each, -1), rtol=1e-5, atol=1e-5)
    z = layers.STFTSpectrogram(**kwargs, data_format='channels_first')(x.transpose(0, 2, 1))
    np.testing.assert_allclose(z, y.transpose((0, 3, 1, 2) if expand else (0, 2, 1)), rtol=1e-5, atol=1e-5)


def test_angles():
    x = np.cos(2 * np.pi * 3 / 16 * np.arange(64) + 0.5).astype(np.float32)[None, :, None]
    y = layers.STFTSpectrogram('angle', frame_length=16, frame_step=16, window=None)(x)
    np.testing.assert_allclose(y[0, :, 3], 0.5, atol=1e-4)
    run_layer_test(layers.STFTSpectrogram, {'mode': 'angle', 'frame_length': 8}, (2, 40, 1), layouts=False, rtol=1e-4,
                   smooth=False)


def test_sounds_of_any_length_and_frozen_kernels():
    model = Sequential([layers.Input((None, 1)), layers.STFTSpectrogram(frame_length=8, trainable=False)])
    assert model.output_shape == (None, None, 5) and not model.trainable_weights
    for n in (20, 33):
        assert model.predict(RNG.normal(size=(2, n, 1))).shape == (2, (n - 8) // 4 + 1, 5)


@pytest.mark.parametrize('kwargs', [{}, {'mag_exp': 1.0, 'power_to_db': False}, {'sequence_length': 20, 'window': None}])
def test_mel(kwargs):
    def expected(x):
        n = kwargs.get('sequence_length', 32)
        window = np.ones(20) if kwargs.get('window', 'hann') is None else 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
        window = np.pad(window, ((32 - n) // 2, (33 - n) // 2))
        y = frames(np.pad(x, ((0, 0), (16, 16)), mode='reflect'), 32, 10, window, 32)
        energy = np.abs(y) ** kwargs.get('mag_exp', 2.0)
        bands = energy @ layer.linear_to_mel_weight_matrix(6, 17, 16000, 200.0, 8000, 'float64')
        if kwargs.get('power_to_db', True):
            bands = 10 * np.log10(np.maximum(bands, 1e-10))
            bands = np.maximum(bands, bands.max() - 80)
        return bands.transpose(0, 2, 1)

    layer = layers.MelSpectrogram(num_mel_bins=6)
    kwargs = {'fft_length': 32, 'sequence_stride': 10, 'num_mel_bins': 6, 'min_freq': 200.0, **kwargs}
    y = run_layer_test(layers.MelSpectrogram, kwargs, (3, 77), expected=expected, rtol=1e-4, atol=1e-4)
    x = RNG.normal(size=(3, 77)).astype(np.float32)
    assert y.shape == (3, 6, 8)
    assert layers.MelSpectrogram(**kwargs)(x[0]).shape == (6, 8)


def test_bands_of_the_mel_scale():
    matrix = layers.MelSpectrogram(num_mel_bins=4).linear_to_mel_weight_matrix(20, 129, 8000)
    assert matrix.shape == (129, 20) and matrix.dtype == np.float32 and not matrix[0].any()
    assert matrix.max() <= 1 and (matrix.argmax(0) == np.sort(matrix.argmax(0))).all()


@pytest.mark.parametrize('make, message', [
    (lambda: layers.STFTSpectrogram('power'), "expected mode to be one of 'log', 'magnitude', .*, got 'power'"),
    (lambda: layers.STFTSpectrogram(scaling='x'), "expected scaling to be one of 'density', 'spectrum', None, got 'x'"),
    (lambda: layers.STFTSpectrogram(padding='causal'), "expected padding to be one of 'valid', 'same', got 'causal'"),
    (lambda: layers.STFTSpectrogram(frame_length=8, frame_step=9), 'expected frame_step to be at most frame_length=8, got 9'),
    (lambda: layers.STFTSpectrogram(frame_length=8, fft_length=4), 'expected fft_length to be at least frame_length=8, got 4'),
    (lambda: layers.STFTSpectrogram(window='round'), "expected window to be one of 'boxcar', .*, got 'round'"),
    (lambda: layers.STFTSpectrogram(frame_length=8, window=[1.0] * 7), r'expected a window of 8 numbers, .* got shape \(7,\)'),
    (lambda: layers.STFTSpectrogram()(np.zeros((2, 300))), 'expected'),
    (lambda: layers.MelSpectrogram(fft_length=8, sequence_length=9), 'at most fft_length=8, got 9'),
    (lambda: layers.MelSpectrogram(min_freq=9000), 'expected min_freq to be less than max_freq, got 9000 and 8000'),
    (lambda: layers.MelSpectrogram(fft_length=64)(np.zeros((2, 32))), 'expected sounds of more than 32 samples'),
    (lambda: layers.MelSpectrogram(fft_length=64)(np.zeros((2, 99, 1))), r'expected sounds of shape \(samples,\)'),
])
def test_mistakes(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_whole_numbers_are_no_sounds():
    with pytest.raises(TypeError, match='expected sounds of type float32 or float64, got int32'):
        layers.STFTSpectrogram(frame_length=8)(np.zeros((2, 30, 1), np.int32))
