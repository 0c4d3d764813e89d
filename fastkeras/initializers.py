"""Initial values of weights: callables (shape, dtype=None) → NumPy array.

An initializer with an int seed gives the same array for the same shape at every call, as in both Keras generations. One
without a seed draws a fresh one each time from NumPy's global state (see utils/seed.py).
"""

import copy
import math

import numpy as np

from fastkeras import config, generation
from fastkeras.saving import objects
from fastkeras.utils import seed as seeds
from fastkeras.utils.errors import Spelled
from fastkeras.utils.quantities import finite


def _checked_shape(owner, shape):
    try:
        shape = (int(shape),) if hasattr(shape, '__index__') else tuple(int(d) for d in shape)
    except (TypeError, ValueError):
        raise ValueError(f'{owner}: expected a shape of whole numbers, got {shape!r}') from None
    if any(d < 0 for d in shape):
        raise ValueError(f'{owner}: expected lengths of 0 or more in the shape, got {shape}')
    return shape


class Initializer(Spelled):
    """Base: define `__call__(shape, dtype=None)` → array and, to be saved, `get_config()`."""

    def __call__(self, shape, dtype=None):
        return np.zeros(_checked_shape(type(self).__name__, shape), dtype or config.floatx())

    def get_config(self):
        """The constructor's arguments; a subclass with arguments returns them."""
        return {}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        config.pop('dtype', None)           # Keras 1 and tf.keras wrote it; the call decides
        return cls(**config)

    def clone(self):
        """A new initializer with the same arguments."""
        return type(self).from_config(self.get_config())


class Zeros(Initializer):
    """All 0."""


class Ones(Initializer):
    """All 1."""

    def __call__(self, shape, dtype=None):
        return np.ones(_checked_shape('Ones', shape), dtype or config.floatx())


class Constant(Initializer):
    """All `value`: a number, or an array that has, or broadcasts to, the shape."""

    def __init__(self, value=0):
        if np.asarray(value).dtype.kind not in 'biuf':
            raise ValueError(f'Constant: expected value to be a number or an array of numbers, got {value!r}')
        self.value = value

    def __call__(self, shape, dtype=None):
        shape = _checked_shape('Constant', shape)
        value = np.asarray(self.value, dtype or config.floatx())
        if value.size == math.prod(shape) and value.shape != shape and value.ndim:
            return value.reshape(shape).copy()
        try:
            return np.broadcast_to(value, shape).copy()
        except ValueError:
            raise ValueError(f'Constant: expected a value that fits the shape {shape}, got one of shape {value.shape}'
                             ) from None

    def get_config(self):
        value = self.value
        return {'value': value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value}


class Identity(Initializer):
    """The identity matrix times `gain`. Only for two axes: ValueError otherwise."""

    def __init__(self, gain=1.0):
        self.gain = finite('Identity', 'gain', gain)

    def __call__(self, shape, dtype=None):
        shape = _checked_shape('Identity', shape)
        if len(shape) != 2:
            raise ValueError(f'Identity: expected a shape of two axes, got {shape}')
        return np.asarray(self.gain * np.eye(*shape), dtype or config.floatx())

    def get_config(self):
        return {'gain': self.gain}


# windows by name: value at the turn t from 0 to 2π
_WINDOWS = {'hann': lambda t: 0.5 - 0.5 * np.cos(t), 'hamming': lambda t: 0.54 - 0.46 * np.cos(t), 'boxcar': np.ones_like,
            'blackman': lambda t: 0.42 - 0.5 * np.cos(t) + 0.08 * np.cos(2 * t),
            'bartlett': lambda t: 1 - np.abs(t / np.pi - 1)}


class STFT(Initializer):
    """The kernel of a convolution that is a short-time Fourier transform: shape (points, 1, points // 2 + 1), the real or
    imaginary part (`side`). window: a name, an array of as many points, or None. scaling: 'density' divides by the root of the
    window's squares, 'spectrum' by the sum of it, None by nothing. periodic: the window is a period of a longer one."""

    def __init__(self, side='real', window='hann', scaling='density', periodic=False):
        if side not in ('real', 'imag'):
            raise ValueError(f"STFT: expected side to be 'real' or 'imag', got {side!r}")
        if isinstance(window, str) and window not in _WINDOWS:
            raise ValueError(f'STFT: expected window to be one of {", ".join(map(repr, _WINDOWS))}, an array or None, got '
                             f'{window!r}')
        if scaling not in (None, 'density', 'spectrum'):
            raise ValueError(f"STFT: expected scaling to be 'density', 'spectrum' or None, got {scaling!r}")
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic

    def __call__(self, shape, dtype=None):
        if len(shape) != 3 or shape[1] != 1:
            raise ValueError(f'STFT: expected a shape (points, 1, frequencies), got {tuple(shape)}')
        points, _, frequencies = shape
        angle = -2 * np.pi * np.arange(points)[:, None, None] * np.arange(frequencies) / (2 * (frequencies - 1))
        kernel = np.cos(angle) if self.side == 'real' else np.sin(angle)
        if self.window is not None:
            window = self.window
            if isinstance(window, str):
                turns = np.arange(points) * (2 * np.pi / max(points if self.periodic else points - 1, 1))
                window = _WINDOWS[window](turns) if points > 1 else np.ones(1)
            window = np.asarray(window, float)
            if window.shape != (points,):
                raise ValueError(f'STFT: expected a window of shape ({points},), got {window.shape}')
            scale = {'density': np.sqrt(np.sum(window ** 2)), 'spectrum': np.sum(np.abs(window))}.get(self.scaling, 1.0)
            kernel = kernel * window[:, None, None] / scale
        return np.asarray(kernel, dtype or config.floatx())

    def get_config(self):
        return {'side': self.side, 'window': self.window, 'periodic': self.periodic, 'scaling': self.scaling}


STFTInitializer = stft = STFT


class RandomInitializer(Initializer):
    """Base of those that draw. seed: int, None, or an object whose method `next` gives seeds."""

    def __init__(self, seed=None):
        if seed is not None and not hasattr(seed, 'next'):
            seed = seeds.as_seed(seed)
        self.seed = seed

    def _generator(self):
        return seeds.generator(self.seed)

    def get_config(self):
        seed = self.seed
        return {'seed': objects.serialize(seed) if hasattr(seed, 'get_config') else seed}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        if isinstance(config.get('seed'), dict):        # a seed generator of Keras 3: it starts anew
            config['seed'] = config['seed'].get('config', {}).get('seed')
        return super().from_config(config)


def _truncated(generator, count, mean, stddev):
    """Normal numbers, drawn again while beyond two standard deviations."""
    x = generator.standard_normal(count)
    outside = np.flatnonzero(np.abs(x) > 2)
    while outside.size:
        x[outside] = generator.standard_normal(outside.size)
        outside = outside[np.abs(x[outside]) > 2]
    return x * stddev + mean


class _Elementwise(RandomInitializer):
    """Base of those whose elements are drawn one after another: define `_drawing(shape)` → function of a generator and a
    count. They are drawn in float64 a block at a time: a large weight exists once."""

    _BLOCK = 1 << 16

    def __call__(self, shape, dtype=None):
        shape = _checked_shape(type(self).__name__, shape)
        return self.fill(np.empty(shape, dtype or config.floatx()))

    def fill(self, array):
        """Draw into a contiguous array; returns it."""
        draw, generator, flat = self._drawing(array.shape), self._generator(), array.reshape(-1)
        for i in range(0, flat.size, self._BLOCK):
            block = flat[i:i + self._BLOCK]
            block[...] = draw(generator, block.size)
        return array


def fills(initializer):
    """Whether `initializer.fill(array)` gives what a call would: a subclass may have a call of its own."""
    return isinstance(initializer, _Elementwise) and type(initializer).__call__ is _Elementwise.__call__


def drawn(initializer):
    """(initializer, whether it may be called at any later time): one that will give what it would give now. Others than this
    package's may look at anything, so they have to be called at once."""
    if not type(initializer).__module__.startswith('fastkeras.'):
        return initializer, False
    if isinstance(initializer, RandomInitializer):
        bound = copy.copy(initializer)
        bound.seed = seeds.as_seed(initializer.seed)
        return bound, True
    return initializer, isinstance(initializer, Initializer)


class RandomNormal(_Elementwise):
    """Normal numbers."""

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        super().__init__(seed)
        self.mean = finite(type(self).__name__, 'mean', mean)
        self.stddev = finite(type(self).__name__, 'stddev', stddev, low=0)

    def _drawing(self, shape):
        return lambda generator, n: generator.standard_normal(n) * self.stddev + self.mean

    def get_config(self):
        return {'mean': self.mean, 'stddev': self.stddev, **super().get_config()}


class TruncatedNormal(RandomNormal):
    """Normal numbers, drawn again beyond two standard deviations."""

    def _drawing(self, shape):
        return lambda generator, n: _truncated(generator, n, self.mean, self.stddev)


class RandomUniform(_Elementwise):
    """Uniform numbers from `minval` up to `maxval`."""

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        super().__init__(seed)
        self.minval = finite('RandomUniform', 'minval', minval)
        self.maxval = finite('RandomUniform', 'maxval', maxval)

    def _drawing(self, shape):
        return lambda generator, n: generator.uniform(self.minval, self.maxval, n)

    def get_config(self):
        return {'minval': self.minval, 'maxval': self.maxval, **super().get_config()}


def compute_fans(shape, input_axes=None, output_axes=None):
    """Numbers of inputs and outputs that a weight of this shape joins.

    Kernels are channels_last (…spatial, in, out): the spatial size counts in both. One axis is both; none is 1.
    input_axes, output_axes: the axes to multiply instead.
    """
    def product(axes):
        return math.prod(shape[a] for a in ([axes] if isinstance(axes, int) else axes))
    if len(shape) < 2:
        fan_in = fan_out = shape[0] if shape else 1
    else:
        space = math.prod(shape[:-2])
        fan_in, fan_out = shape[-2] * space, shape[-1] * space
    return (fan_in if input_axes is None else product(input_axes),
            fan_out if output_axes is None else product(output_axes))


def _compute_fans(shape, data_format='channels_last'):
    """The same by the name and order of Keras 2, whose kernels of 'channels_first' are (out, in, …spatial) there."""
    if data_format == 'channels_first' and len(shape) > 2:
        shape = (*shape[2:], shape[1], shape[0])
    return compute_fans(shape)


_MODES = ('fan_in', 'fan_out', 'fan_avg')
_DISTRIBUTIONS = ('normal', 'truncated_normal', 'untruncated_normal', 'uniform')
# standard deviation of a normal distribution cut at two standard deviations, so that the variance asked for comes out
_CUT = 0.87962566103423978


class VarianceScaling(_Elementwise):
    """Random numbers of variance scale / n, n by `mode` from the shape: 'fan_in', 'fan_out' or 'fan_avg'.

    distribution: 'normal' and 'truncated_normal' are the same thing (of the two generations), 'untruncated_normal',
    'uniform'. input_axes, output_axes: see compute_fans. Raises ValueError for a scale that is not positive, another
    mode or distribution.
    """

    def __init__(self, scale=1.0, mode='fan_in', distribution='normal', seed=None, input_axes=None, output_axes=None):
        super().__init__(seed)
        mode, distribution = str(mode).lower(), str(distribution).lower()
        if mode not in _MODES:
            raise ValueError(f"VarianceScaling: expected mode to be one of {', '.join(_MODES)}, got {mode!r}")
        if distribution not in _DISTRIBUTIONS:
            raise ValueError(f"VarianceScaling: expected distribution to be one of {', '.join(_DISTRIBUTIONS)}, "
                             f'got {distribution!r}')
        self.scale = finite('VarianceScaling', 'scale', scale, above=0)
        self.mode = mode
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes

    def _drawing(self, shape):
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        n = {'fan_in': fan_in, 'fan_out': fan_out, 'fan_avg': (fan_in + fan_out) / 2}[self.mode]
        deviation = math.sqrt(self.scale / max(1.0, n))
        if self.distribution == 'uniform':
            limit = math.sqrt(3.0) * deviation
            return lambda generator, n: generator.uniform(-limit, limit, n)
        if self.distribution == 'untruncated_normal':
            return lambda generator, n: generator.standard_normal(n) * deviation
        return lambda generator, n: _truncated(generator, n, 0.0, deviation / _CUT)

    def get_config(self):
        normal = 'truncated_normal' if generation.of('initializers.named_scaling') else 'normal'
        out = {'scale': self.scale, 'mode': self.mode, 'distribution': self.distribution, **super().get_config()}
        if out['distribution'] in ('normal', 'truncated_normal'):
            out['distribution'] = normal
        if self.input_axes is not None or self.output_axes is not None or generation.of('initializers.named_scaling'):
            out.update(input_axes=self.input_axes, output_axes=self.output_axes)
        return out


class _NamedScaling(VarianceScaling):
    """A VarianceScaling with a name of its own. Keras 2 writes it as VarianceScaling, Keras 3 by its name."""

    _keras2_name = 'VarianceScaling'
    _settings = (1.0, 'fan_in', 'normal')

    def __init__(self, seed=None, input_axes=None, output_axes=None):
        super().__init__(*self._settings, seed=seed, input_axes=input_axes, output_axes=output_axes)

    def get_config(self):
        out = super().get_config()
        if generation.of('initializers.named_scaling'):
            for name in ('scale', 'mode', 'distribution'):
                del out[name]
        return out

    @classmethod
    def from_config(cls, config):
        return super().from_config({k: v for k, v in config.items() if k not in ('scale', 'mode', 'distribution')})


class GlorotUniform(_NamedScaling):
    """Uniform within ±sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010)."""

    _settings = (1.0, 'fan_avg', 'uniform')


class GlorotNormal(_NamedScaling):
    """Truncated normal of variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010)."""

    _settings = (1.0, 'fan_avg', 'normal')


class HeUniform(_NamedScaling):
    """Uniform within ±sqrt(6 / fan_in) (He et al. 2015)."""

    _settings = (2.0, 'fan_in', 'uniform')


class HeNormal(_NamedScaling):
    """Truncated normal of variance 2 / fan_in (He et al. 2015)."""

    _settings = (2.0, 'fan_in', 'normal')


class LecunUniform(_NamedScaling):
    """Uniform within ±sqrt(3 / fan_in) (LeCun et al. 1998)."""

    _settings = (1.0, 'fan_in', 'uniform')


class LecunNormal(_NamedScaling):
    """Truncated normal of variance 1 / fan_in (LeCun et al. 1998)."""

    _settings = (1.0, 'fan_in', 'normal')


class Orthogonal(RandomInitializer):
    """A random matrix with orthonormal rows or columns, whichever are fewer, times `gain` (Saxe et al. 2013).

    The last axis of the shape is the columns, all others the rows. ValueError for fewer than two axes.
    """

    def __init__(self, gain=1.0, seed=None):
        super().__init__(seed)
        self.gain = finite('Orthogonal', 'gain', gain)

    def __call__(self, shape, dtype=None):
        shape = _checked_shape('Orthogonal', shape)
        if len(shape) < 2:
            raise ValueError(f'Orthogonal: expected a shape of at least two axes, got {shape}')
        rows, columns = math.prod(shape[:-1]), shape[-1]
        normal = self._generator().standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(normal)
        q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)     # makes the draw uniform over all such matrices
        q = q if rows >= columns else q.T
        return np.ascontiguousarray(self.gain * q.reshape(shape), dtype or config.floatx())

    def get_config(self):
        return {'gain': self.gain, **super().get_config()}


constant = Constant
zero = zeros = Zeros
one = ones = Ones
identity = IdentityInitializer = Identity
orthogonal = OrthogonalInitializer = Orthogonal
normal = random_normal = RandomNormal
uniform = random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
he_uniform, he_normal = HeUniform, HeNormal
lecun_uniform, lecun_normal = LecunUniform, LecunNormal

_TABLE = {name: value for name, value in globals().items()
          if isinstance(value, type) and issubclass(value, Initializer) and not name.startswith('_')}
objects.add_family('initializers', _TABLE)
objects.add_slot('initializer', Initializer, functions=True)


def serialize(initializer):
    """The configuration of an initializer, or the name of a function."""
    return objects.serialize(initializer, table=_TABLE)


def deserialize(config, custom_objects=None):
    """The initializer of a configuration."""
    return objects.deserialize('initializer', config, _TABLE, custom_objects)


def get(identifier):
    """An initializer by name, configuration or itself; an array gives a Constant; None stays None.

    Raises ValueError for an unknown name.
    """
    if isinstance(identifier, np.ndarray):
        return Constant(identifier)
    return objects.resolve('initializer', identifier, _TABLE)
