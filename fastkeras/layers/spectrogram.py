"""Sound as spectra over time: STFTSpectrogram and MelSpectrogram."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastkeras import config as settings
from fastkeras import ops
from fastkeras.ops import core
from fastkeras.runtime.variable import Variable

from .base import InputSpec, Layer
from .checks import as_float, count, number, window_counts
from .input_spec import title

__all__ = ['MelSpectrogram', 'STFTSpectrogram']

# windows that are sums of cosines: the factors of cos(0), -cos(x), cos(2x), -cos(3x), … (Harris 1978, Nuttall 1981)
_COSINES = {'boxcar': (1.0,), 'hann': (0.5, 0.5), 'hamming': (0.54, 0.46), 'blackman': (0.42, 0.5, 0.08),
            'blackmanharris': (0.35875, 0.48829, 0.14128, 0.01168), 'nuttall': (0.3635819, 0.4891775, 0.1365995, 0.0106411),
            'flattop': (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368)}
_NAMES = (*_COSINES, 'bartlett', 'cosine')


def window_of(layer: Any, window: Any, n: int, periodic: bool) -> np.ndarray:
    """A window of n numbers, given by name or as an array, float64. periodic: its period is n, else n - 1."""
    if not isinstance(window, str):
        array = np.asarray(window, np.float64)
        if array.shape != (n,):
            raise ValueError(f'{title(layer)}: expected a window of {n} numbers, its frame, got shape {array.shape}')
        return array
    name = window.lower()
    if name not in _NAMES:
        raise ValueError(f'{title(layer)}: expected window to be one of {", ".join(map(repr, _NAMES))} or an array, got '
                         f'{window!r}')
    if n == 1:
        return np.ones(1)
    period = n if periodic else n - 1
    k = np.arange(n)
    if name == 'bartlett':
        return 1 - np.abs(2 * k / period - 1)
    if name == 'cosine':
        return np.sin(np.pi * (k + 0.5) / (n + periodic))
    return sum((-1) ** i * a * np.cos(2 * np.pi * i * k / period) for i, a in enumerate(_COSINES[name]))


def write_fourier(out: np.ndarray, side: int, window: np.ndarray, fft_length: int) -> None:
    """Write into an array (n, frequencies) the factors of the n samples of a frame, behind a window, in the real (side 0) or
    the imaginary part (1) of each frequency: row by row, so that nothing else of that size is made."""
    turn = (np.cos, np.sin)[side](-2 * np.pi / fft_length * np.arange(fft_length))
    turn[np.abs(turn) < 1e-12] = 0
    frequencies = np.arange(out.shape[1])
    for k in range(out.shape[0]):       # the angle of whole turns is 0, so that no precision is lost in large products
        out[k] = turn[k * frequencies % fft_length] * window[k]


class _Table:
    """An array for ops, that is no weight and is made when it is first used. fill: writes it."""

    __slots__ = ('_variable',)

    def __init__(self, shape, dtype, fill):
        self._variable = Variable(shape=shape, dtype=dtype, fill=fill, later=True, trainable=False, name='table')

    def __fastkeras_tensor__(self):
        return self._variable.__fastkeras_tensor__()


class _Spectrum:
    """Initializer of a kernel (frame, 1, frequencies): a side of Fourier's sum behind a window."""

    def __init__(self, side, window, fft_length):
        self.side, self.window, self.fft_length = side, window, fft_length

    def __call__(self, shape, dtype=None):
        out = np.empty(shape, dtype)
        write_fourier(out[:, 0], self.side, self.window, self.fft_length)
        return out


class STFTSpectrogram(Layer):
    """The spectrum of each frame of a sound: the short-time Fourier transform, by kernels that are weights.

    mode: what is given for each frequency: 'log' of the magnitude, 'magnitude', 'psd' (power; that of all but the first
    and last frequency twice), 'real', 'imag', 'angle' in radians, or 'stft', the real parts and then the imaginary
    ones. frame_length: samples of a frame. frame_step: from a frame to the next, half of it unless given. fft_length:
    samples that a frame is filled up to, the next power of two unless given; there are fft_length // 2 + 1 frequencies.
    window: 'hann', 'hamming', 'blackman', 'blackmanharris', 'nuttall', 'flattop', 'boxcar', 'bartlett', 'cosine', an
    array of frame_length numbers, or None. periodic: the window's period is a frame, else one sample less. scaling: the
    window is divided by the root of the sum of its squares ('density'), by its sum ('spectrum'), or not (None).
    padding: 'valid', or 'same' with zeros around. expand_dims: channels in an axis of their own, as images have them.

    Inputs (batch, samples, channels), or (batch, channels, samples) with data_format 'channels_first'. Results (batch,
    frames, channels · frequencies) or (batch, channels · frequencies, frames); with expand_dims (batch, frames,
    frequencies, channels) or (batch, channels, frames, frequencies). Weights: real_kernel, imag_kernel (frame_length,
    1, frequencies), trainable. Raises ValueError for other arguments, TypeError for inputs of whole numbers. Source:
    Keras 3.15.
    """

    def __init__(self, mode: str = 'log', frame_length: int = 256, frame_step: int | None = None,
                 fft_length: int | None = None, window: Any = 'hann', periodic: bool = False, scaling: Any = 'density',
                 padding: str = 'valid', expand_dims: bool = False, data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name, value, allowed in (
                ('mode', mode, ('log', 'magnitude', 'psd', 'real', 'imag', 'angle', 'stft')),
                ('scaling', scaling, ('density', 'spectrum', None)), ('padding', padding, ('valid', 'same'))):
            if value not in allowed:
                raise ValueError(f'{title(self)}: expected {name} to be one of {", ".join(map(repr, allowed))}, got {value!r}')
        self.mode, self.scaling, self.padding = mode, scaling, padding
        self.frame_length = count(self, 'frame_length', frame_length)
        self.frame_step = None if frame_step is None else count(self, 'frame_step', frame_step)
        if self.frame_step is not None and self.frame_step > self.frame_length:
            raise ValueError(f'{title(self)}: expected frame_step to be at most frame_length={frame_length}, got {frame_step}')
        self.fft_length = None if fft_length is None else count(self, 'fft_length', fft_length)
        if self.fft_length is not None and self.fft_length < self.frame_length:
            raise ValueError(f'{title(self)}: expected fft_length to be at least frame_length={frame_length}, got {fft_length}')
        self._step = self.frame_step or max(1, self.frame_length // 2)
        self._fft = self.fft_length or 2 ** math.ceil(math.log2(self.frame_length))
        self.window = np.asarray(window).tolist() if window is not None and not isinstance(window, str) else window
        self.periodic, self.expand_dims = bool(periodic), bool(expand_dims)
        self.data_format = settings.standardize_data_format(data_format)
        if self.window is not None:     # one by name is made when it is used
            window_of(self, self.window, 1 if isinstance(self.window, str) else self.frame_length, self.periodic)
        self.input_spec = InputSpec(ndim=3)

    def _scaled_window(self):
        if self.window is None:
            return np.ones(self.frame_length)
        window = window_of(self, self.window, self.frame_length, self.periodic)
        if self.scaling is None:
            return window
        return window / (np.sqrt(np.square(window).sum()) if self.scaling == 'density' else np.abs(window).sum())

    def build(self, input_shape: Any) -> None:
        self._kernels, window = [], self._scaled_window()
        # Keras makes the frequencies of an odd fft_length as of one less
        fft = self._fft // 2 * 2
        for k, side in enumerate(('real', 'imag')):
            if self.mode != ('imag', 'real')[k]:
                kernel = self.add_weight(f'{side}_kernel', (self.frame_length, 1, self._fft // 2 + 1),
                                         initializer=_Spectrum(k, window, fft))
                setattr(self, f'{side}_kernel', kernel)
                self._kernels.append(kernel)
        self.built = True

    def call(self, inputs: Any) -> Any:
        if core.dtype_of(inputs) not in core.FLOATS:
            raise TypeError(f'{title(self)}: expected sounds of type float32 or float64, got {core.dtype_of(inputs)}; divide '
                            f'whole numbers by their largest value first')
        first = self.data_format == 'channels_first'
        channels = inputs.shape[1 if first else 2]
        x = inputs if first or channels == 1 else ops.transpose(inputs, (0, 2, 1))
        x = ops.reshape(x, (-1, inputs.shape[2 if first else 1], 1)) if first or channels != 1 else x
        kernel = self._kernels[0] if len(self._kernels) == 1 else ops.concatenate(self._kernels, axis=-1)
        y = self._valued(ops.conv(x, kernel, strides=self._step, padding=self.padding, data_format='channels_last'))
        frames, n = y.shape[1:]
        if channels != 1:
            y = ops.reshape(y, (-1, channels, frames, n))
            if self.expand_dims:
                return y if first else ops.transpose(y, (0, 2, 3, 1))
            y = ops.transpose(y, (0, 1, 3, 2) if first else (0, 2, 1, 3))
            return ops.reshape(y, (-1, channels * n, frames) if first else (-1, frames, channels * n))
        if self.expand_dims:
            return ops.expand_dims(y, 1 if first else -1)
        return ops.transpose(y, (0, 2, 1)) if first else y

    def _valued(self, y):
        """What the mode gives, of the real parts and the imaginary ones behind them."""
        if self.mode in ('real', 'imag', 'stft'):
            return y
        real, imag = ops.split(y, 2, axis=-1)
        if self.mode == 'angle':
            return ops.arctan2(imag, real)
        power = ops.square(real) + ops.square(imag)
        if self.mode == 'psd':
            twice = np.full(self._fft // 2 + 1, 2.0, core.dtype_of(power))
            twice[[0, -1]] = 1.0
            return power * twice
        least = settings.epsilon()
        magnitude = ops.sqrt(ops.maximum(power, least))
        return magnitude if self.mode == 'magnitude' else ops.log(ops.maximum(magnitude, least))

    def compute_output_shape(self, input_shape: Any) -> Any:
        first = self.data_format == 'channels_first'
        batch, samples, channels = (input_shape[0], *(input_shape[:0:-1] if first else input_shape[1:]))
        frames, = window_counts(self, (samples,), (self.frame_length,), (self._step,), self.padding, (1,))
        n = (self._fft // 2 + 1) * (2 if self.mode == 'stft' else 1)
        if self.expand_dims:
            return (batch, channels, frames, n) if first else (batch, frames, n, channels)
        return (batch, channels * n, frames) if first else (batch, frames, channels * n)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('mode', 'frame_length', 'frame_step', 'fft_length', 'window', 'periodic', 'scaling',
                                 'padding', 'data_format', 'expand_dims')


class MelSpectrogram(Layer):
    """The energy of a sound in bands of equal width to the ear, over time, in decibels.

    fft_length: samples of a frame, filled up from sequence_length (fft_length unless given). sequence_stride: samples
    from a frame to the next; frame k is centred on sample k · stride of the sound, which is mirrored at its ends.
    window: of a frame: a name as in STFTSpectrogram, periodic, an array, or None. sampling_rate: samples per second.
    num_mel_bins: number of bands, from min_freq to max_freq in Hertz (half of the sampling rate unless given), with
    edges at equal distances of 1127 · ln(1 + f / 700). mag_exp: power of the magnitude that is added up: 1 for
    energies, 2 for power. power_to_db: 10 · log10 of at least min_power, relative to ref_power, and not lower than
    top_db below the largest of the whole batch.

    Inputs (samples,) or (batch, samples). Results (num_mel_bins, frames) or (batch, num_mel_bins, frames). Raises
    ValueError for other shapes and arguments, and for sounds that are not longer than half of a frame. Source: Keras
    3.15.
    """

    def __init__(self, fft_length: int = 2048, sequence_stride: int = 512, sequence_length: int | None = None,
                 window: Any = 'hann', sampling_rate: float = 16000, num_mel_bins: int = 128, min_freq: float = 20.0,
                 max_freq: float | None = None, power_to_db: bool = True, top_db: float = 80.0, mag_exp: float = 2.0,
                 min_power: float = 1e-10, ref_power: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fft_length = count(self, 'fft_length', fft_length)
        self.sequence_stride = count(self, 'sequence_stride', sequence_stride)
        self.sequence_length = self.fft_length if sequence_length is None else count(self, 'sequence_length', sequence_length)
        if self.sequence_length > self.fft_length:
            raise ValueError(f'{title(self)}: expected sequence_length to be at most fft_length={fft_length}, got '
                             f'{sequence_length}')
        self.window = np.asarray(window).tolist() if window is not None and not isinstance(window, str) else window
        self.sampling_rate = number(self, 'sampling_rate', sampling_rate, 0)
        self.num_mel_bins = count(self, 'num_mel_bins', num_mel_bins)
        self.min_freq = number(self, 'min_freq', min_freq, 0)
        self.max_freq = number(self, 'max_freq', int(self.sampling_rate / 2) if max_freq is None else max_freq, 0)
        if self.min_freq >= self.max_freq:
            raise ValueError(f'{title(self)}: expected min_freq to be less than max_freq, got {min_freq} and {self.max_freq}')
        self.power_to_db, self.top_db = bool(power_to_db), number(self, 'top_db', top_db)
        self.mag_exp, self.min_power = number(self, 'mag_exp', mag_exp), number(self, 'min_power', min_power, 0)
        self.ref_power = number(self, 'ref_power', ref_power)
        self._kernels = {}

    def _kernel(self, dtype):
        """(fft_length, 1, 2 · frequencies): factors of the samples of a frame in real and imaginary parts, made when they are
        first used."""
        n, frequencies = self.sequence_length, self.fft_length // 2 + 1
        window = np.ones(n) if self.window is None else window_of(self, self.window, n, periodic=True)
        before = (self.fft_length - n) // 2
        window = np.pad(window, (before, self.fft_length - n - before))

        def fill(out):
            for side in (0, 1):
                write_fourier(out[:, 0, side * frequencies:][:, :frequencies], side, window, self.fft_length)
        return _Table((self.fft_length, 1, 2 * frequencies), dtype, fill)

    def call(self, inputs: Any) -> Any:
        inputs = as_float(self, inputs)
        rank = len(inputs.shape)
        if rank not in (1, 2):
            raise ValueError(f'{title(self)}: expected sounds of shape (samples,) or (batch, samples), got '
                             f'{tuple(inputs.shape)}')
        samples, half = inputs.shape[-1], self.fft_length // 2
        if samples is not None and samples <= half:
            raise ValueError(f'{title(self)}: expected sounds of more than {half} samples, half of fft_length, to be mirrored '
                             f'at their ends, got {samples}')
        x = ops.pad(inputs if rank == 2 else ops.expand_dims(inputs, 0), ((0, 0), (half, half)), mode='reflect')
        dtype = core.dtype_of(inputs)
        if dtype not in self._kernels:
            self._kernels[dtype] = self._kernel(dtype)
        y = ops.conv(ops.expand_dims(x, -1), self._kernels[dtype], strides=self.sequence_stride, data_format='channels_last')
        real, imag = ops.split(y, 2, axis=-1)
        power = ops.square(real) + ops.square(imag)
        energy = power if self.mag_exp == 2 else ops.power(power, self.mag_exp / 2)
        shares = self.linear_to_mel_weight_matrix(self.num_mel_bins, self.fft_length // 2 + 1, self.sampling_rate,
                                                  self.min_freq, self.max_freq, 'float64')
        bands = ops.matmul(energy, shares.astype(dtype))
        if self.power_to_db:
            bands = self._decibels(bands)
        bands = ops.swapaxes(bands, -1, -2)
        return bands if rank == 2 else ops.squeeze(bands, 0)

    def _decibels(self, x):
        scale = 10 / math.log(10)
        x = ops.log(ops.maximum(x, self.min_power)) * scale
        x = x - math.log(max(abs(self.ref_power), self.min_power)) * scale
        return ops.maximum(x, ops.max(x) - self.top_db)

    def linear_to_mel_weight_matrix(self, num_mel_bins: int = 20, num_spectrogram_bins: int = 129, sampling_rate: float = 8000,
                                    lower_edge_hertz: float = 125.0, upper_edge_hertz: float = 3800.0,
                                    dtype: str = 'float32') -> np.ndarray:
        """(num_spectrogram_bins, num_mel_bins): the share of each frequency, evenly from 0 to half of the sampling
        rate, in each band: a triangle that rises from the centre of the band before to 1 and falls to the centre of the
        next, straight on the mel scale. The frequency 0 is in no band."""
        def mel(hertz):
            return 1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0)

        edges = np.linspace(mel(lower_edge_hertz), mel(upper_edge_hertz), num_mel_bins + 2)
        place = mel(np.linspace(0, sampling_rate / 2, num_spectrogram_bins))[:, None]
        width = np.diff(edges)
        share = np.minimum((place - edges[:-2]) / width[:-1], (edges[2:] - place) / width[1:])
        share[0] = 0
        return np.maximum(share, 0).astype(dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        samples = input_shape[-1]
        mirrored = None if samples is None else samples + 2 * (self.fft_length // 2)
        frames, = window_counts(self, (mirrored,), (self.fft_length,), (self.sequence_stride,), 'valid', (1,))
        return (*input_shape[:-1], self.num_mel_bins, frames)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('fft_length', 'sequence_stride', 'sequence_length', 'window', 'sampling_rate', 'num_mel_bins',
                                 'min_freq', 'max_freq', 'power_to_db', 'top_db', 'mag_exp', 'min_power', 'ref_power')
