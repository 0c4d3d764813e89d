"""Dense, and the layers that reshape, mask, drop or wrap a function."""

from fastkeras import activations, constraints, initializers, ops, regularizers
from fastkeras import config as settings
from fastkeras.runtime import SeedGenerator

from .base import InputSpec, Layer
from .checks import as_float, count, last_axis, number, sequence
from .input_spec import title

__all__ = ['Activation', 'ActivityRegularization', 'Dense', 'Dropout', 'Flatten', 'Masking', 'Permute', 'RepeatVector',
           'Reshape', 'SpatialDropout1D', 'SpatialDropout2D', 'SpatialDropout3D']


class Dense(Layer):
    """activation(inputs · kernel + bias) over the last axis.

    units: size of the last axis of the result. activation: linear by default. use_bias, and initializers, regularizers
    and constraints of kernel (last, units) and bias (units,). Inputs (batch, …, last); at least two axes. Raises
    ValueError for units below 1, or when the last axis is unknown or changes.
    """

    supports_masking = True

    def __init__(self, units, activation=None, use_bias=True, kernel_initializer='glorot_uniform',
                 bias_initializer='zeros', kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                 kernel_constraint=None, bias_constraint=None, **kwargs):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = count(self, 'units', units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape):
        size = last_axis(self, input_shape)
        self.kernel = self._weight('kernel', (size, self.units))
        self.bias = self._weight('bias', (self.units,)) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})
        self.built = True

    def call(self, inputs):
        y = ops.matmul(as_float(self, inputs), self.kernel)
        if self.bias is not None:
            y = y + self.bias
        return self.activation(y)

    def compute_output_shape(self, input_shape):
        last_axis(self, input_shape)
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return self._config_with('units', 'activation', 'use_bias', 'kernel_initializer', 'bias_initializer',
                                 'kernel_regularizer', 'bias_regularizer', 'activity_regularizer', 'kernel_constraint',
                                 'bias_constraint')


class Activation(Layer):
    """activation(inputs). activation: a name or a function."""

    supports_masking = True

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs):
        return self.activation(inputs)

    def get_config(self):
        return self._config_with('activation')


class ActivityRegularization(Layer):
    """The inputs as they are, with l1 · sum |x| + l2 · sum x² of them added to the loss."""

    supports_masking = True

    def __init__(self, l1=0.0, l2=0.0, **kwargs):
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1 = l1
        self.l2 = l2

    def call(self, inputs):
        return inputs

    def get_config(self):
        return self._config_with('l1', 'l2')


class Masking(Layer):
    """Steps whose features all equal `mask_value` are masked, and become 0, for the layers behind that mind masks.

    Inputs (batch, steps, features…), the same shape comes out.
    """

    supports_masking = True

    def __init__(self, mask_value=0.0, **kwargs):
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def compute_mask(self, inputs, mask=None):
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs):
        kept = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return inputs * ops.cast(kept, inputs.dtype)

    def get_config(self):
        return self._config_with('mask_value')


# ---- dropout

class Dropout(Layer):
    """In training, each element is 0 with probability `rate` and the others are multiplied by 1 / (1 - rate); nothing
    happens in inference (Srivastava et al. 2014).

    rate: from 0 to 1. noise_shape: the shape of the mask, which is broadcast; None in it stands for the input's size.
    seed: int, or None for a fresh one; equal seeds give equal masks, other ones at each run.
    """

    supports_masking = True

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = number(self, 'rate', rate, 0, 1)
        if noise_shape is not None:
            if not isinstance(noise_shape, (tuple, list)):
                raise ValueError(f'{title(self)}: expected noise_shape to be a tuple of sizes, or None, got '
                                 f'{noise_shape!r}')
            noise_shape = tuple(n if n is None else count(self, 'each size in noise_shape', n) for n in noise_shape)
        self.noise_shape = noise_shape
        self.seed = seed
        if self.rate:
            self.seed_generator = SeedGenerator(seed)

    def _mask_shape(self, shape):
        if self.noise_shape is None:
            return shape
        if len(self.noise_shape) != len(shape):
            raise ValueError(f'{title(self)}: expected a noise_shape of {len(shape)} axes for inputs of shape {shape}, '
                             f'got {self.noise_shape}')
        return tuple(d if n is None else n for d, n in zip(shape, self.noise_shape))

    def call(self, inputs, training=None):
        inputs = as_float(self, inputs)
        if not training or not self.rate:
            return inputs
        if self.rate == 1:
            return ops.zeros_like(inputs)
        mask = ops.dropout_mask(self._mask_shape(tuple(inputs.shape)), self.rate, dtype=inputs.dtype,
                                seed=self.seed_generator.next())
        return inputs * mask

    def get_config(self):
        return self._config_with('rate', 'noise_shape', 'seed')


class SpatialDropout1D(Dropout):
    """Dropout of whole channels of (batch, steps, channels) (Tompson et al. 2014)."""

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(rate, seed=seed, **kwargs)
        self.input_spec = InputSpec(ndim=3)

    def _mask_shape(self, shape):
        return (shape[0], 1, shape[2])

    def get_config(self):
        return self._config_with('rate', 'noise_shape', 'seed')


class _SpatialDropout(Dropout):
    rank = 2

    def __init__(self, rate, data_format=None, seed=None, **kwargs):
        super().__init__(rate, seed=seed, **kwargs)
        self.data_format = settings.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _mask_shape(self, shape):
        ones = (1,) * self.rank
        return (*shape[:2], *ones) if self.data_format == 'channels_first' else (shape[0], *ones, shape[-1])

    def get_config(self):
        return self._config_with('rate', 'noise_shape', 'seed', 'data_format')


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of images, in either data format (Tompson et al. 2014)."""


class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of volumes, in either data format (Tompson et al. 2014)."""

    rank = 3


# ---- shapes

class Flatten(Layer):
    """(batch, …) → (batch, product of the rest); (batch,) → (batch, 1).

    data_format: 'channels_first' moves the second axis last before, so that weights behind fit either format.
    """

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = settings.standardize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs):
        n = len(inputs.shape)
        if self.data_format == 'channels_first' and n > 2:
            inputs = ops.transpose(inputs, (0, *range(2, n), 1))
        batch, size = self.compute_output_shape(inputs.shape)
        return ops.reshape(inputs, (batch, -1 if size is None else size))

    def compute_output_shape(self, input_shape):
        rest = input_shape[1:]
        return (input_shape[0], None if None in rest else _product(rest))

    def get_config(self):
        return self._config_with('data_format')


def _product(sizes):
    n = 1
    for d in sizes:
        n *= d
    return n


class Reshape(Layer):
    """(batch, …) → (batch, *target_shape), the same elements in order.

    target_shape: sizes without the batch; one of them may be -1: what is left. Raises ValueError where the numbers of
    elements differ.
    """

    def __init__(self, target_shape, **kwargs):
        super().__init__(**kwargs)
        self.target_shape = sequence(self, 'target_shape', target_shape)
        if self.target_shape.count(-1) > 1 or any(d < -1 for d in self.target_shape):
            raise ValueError(f'{title(self)}: expected sizes and at most one -1, got {target_shape!r}')

    def compute_output_shape(self, input_shape):
        rest, known = input_shape[1:], _product(d for d in self.target_shape if d != -1)
        if None in rest:
            return (input_shape[0], *(None if d == -1 else d for d in self.target_shape))
        total = _product(rest)
        if total != known and (-1 not in self.target_shape or known == 0 or total % known):
            raise ValueError(f'{title(self)}: {total} elements of an input of shape {tuple(rest)} (without the batch) '
                             f'cannot be arranged as {self.target_shape}')
        return (input_shape[0], *(total // known if d == -1 else d for d in self.target_shape))

    def call(self, inputs):
        shape = self.compute_output_shape(tuple(inputs.shape))
        return ops.reshape(inputs, (shape[0], *(-1 if d is None else d for d in shape[1:])))

    def get_config(self):
        return self._config_with('target_shape')


class Permute(Layer):
    """The axes behind the batch in another order. dims: their present positions, from 1, in the order wanted."""

    def __init__(self, dims, **kwargs):
        super().__init__(**kwargs)
        self.dims = sequence(self, 'dims', dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f'{title(self)}: expected dims to be the numbers 1 to {len(self.dims)} in some order, got '
                             f'{dims!r}')
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs):
        return ops.transpose(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *(input_shape[d] for d in self.dims))

    def get_config(self):
        return self._config_with('dims')


class RepeatVector(Layer):
    """(batch, features) → (batch, n, features)."""

    def __init__(self, n, **kwargs):
        super().__init__(**kwargs)
        self.n = count(self, 'n', n)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs):
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.n, input_shape[1])

    def get_config(self):
        return self._config_with('n')
