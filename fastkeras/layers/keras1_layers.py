"""Layers that only Keras 1 had, for its files. `saving.keras1_configs` names them where no layer of today has their numbers."""

from __future__ import annotations

from typing import Any

from fastkeras import config as settings
from fastkeras import initializers, ops
from fastkeras.ops.windows import spatial

from .base import InputSpec, Layer
from .checks import as_float, number, one_of, with_spatial
from .convolution import Conv2DTranspose
from .input_spec import title
from .merge import Dot
from .normalization import BatchNormalization

__all__ = ['ParametricSoftplus', 'SReLU']      # the others are for files alone


class _OfPlaces(Layer):
    """Weights of the shape of the input without the batch. shared_axes: axes (from 1) along which they are one number."""

    supports_masking = True

    def __init__(self, shared_axes: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        axes = list(shared_axes) if isinstance(shared_axes, (list, tuple)) else [shared_axes]
        self.shared_axes = None if axes == [None] else axes

    def build(self, input_shape: Any) -> None:
        shape = list(input_shape[1:])
        for axis in self.shared_axes or ():
            if isinstance(axis, bool) or not hasattr(axis, '__index__') or not 1 <= axis <= len(shape):
                raise ValueError(f'{title(self)}: expected shared_axes from 1 to {len(shape)} for an input of shape '
                                 f'{tuple(input_shape)}, got {self.shared_axes}')
            shape[axis - 1] = 1
        for name in self._places:
            setattr(self, name, self.add_weight(name, shape, initializer=getattr(self, f'{name}_init')))
        self.input_spec = InputSpec(ndim=len(input_shape))
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**self._config_with('shared_axes'), **{
            f'{name}_init': initializers.serialize(getattr(self, f'{name}_init')) for name in self._places}}


class SReLU(_OfPlaces):
    """x between two thresholds, and beyond them lines of other slopes (Jin et al. 2015): below t_left the slope a_left, above
    t_left + |t_right| the slope a_right. All four are weights of the shape of the input without the batch."""

    _places = 't_left', 'a_left', 't_right', 'a_right'

    def __init__(self, t_left_init: Any = 'zero', a_left_init: Any = 'glorot_uniform', t_right_init: Any = 'glorot_uniform',
                 a_right_init: Any = 'one', shared_axes: Any = None, **kwargs: Any) -> None:
        super().__init__(shared_axes, **kwargs)
        self.t_left_init, self.a_left_init = initializers.get(t_left_init), initializers.get(a_left_init)
        self.t_right_init, self.a_right_init = initializers.get(t_right_init), initializers.get(a_right_init)

    def call(self, inputs: Any) -> Any:
        x, low, width = as_float(self, inputs), ops.convert_to_tensor(self.t_left), ops.abs(self.t_right)
        between = ops.minimum(ops.relu(x - low), width)
        return low + between - self.a_left * ops.relu(low - x) + self.a_right * ops.relu(x - (low + width))


class ParametricSoftplus(_OfPlaces):
    """alphas · log(1 + exp(betas · x)); both are weights of the shape of the input without the batch, which begin as alpha_init
    and beta_init."""

    _places = 'alphas', 'betas'

    def __init__(self, alpha_init: Any = 0.2, beta_init: Any = 5.0, shared_axes: Any = None, **kwargs: Any) -> None:
        super().__init__(shared_axes, **kwargs)
        self.alpha_init, self.beta_init = number(self, 'alpha_init', alpha_init), number(self, 'beta_init', beta_init)
        self.alphas_init, self.betas_init = (initializers.Constant(v) for v in (self.alpha_init, self.beta_init))

    def call(self, inputs: Any) -> Any:
        return self.alphas * ops.softplus(self.betas * as_float(self, inputs))

    def get_config(self) -> dict[str, Any]:
        return self._config_with('shared_axes', 'alpha_init', 'beta_init')


class BatchNormalizationOfMode(BatchNormalization):
    """The two other modes of Keras 1's BatchNormalization. Its moving averages are weights of a file, and nothing reads them.

    mode 1: each sample by itself, over the last axis: (x - mean) / (deviation + epsilon), with epsilon in the deviation's root
    too. mode 2: by mean and variance of the batch, in predictions also: there a row depends on its neighbours.
    """

    def __init__(self, mode: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mode = one_of(self, 'mode', mode, (1, 2))

    def call(self, inputs: Any) -> Any:
        x = as_float(self, inputs)
        if self.mode == 1:
            away = x - ops.mean(x, axis=-1, keepdims=True)
            deviation = ops.sqrt(ops.mean(ops.square(away), axis=-1, keepdims=True) + self.epsilon)
            y = away / (deviation + self.epsilon)
            return y * self.gamma + self.beta
        axis = self.axis % len(x.shape)
        mean, variance = ops.moments(x, tuple(a for a in range(len(x.shape)) if a != axis))
        return ops.batch_normalization(x, mean, variance, axis, self.beta, self.gamma, self.epsilon)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), 'mode': self.mode}


class CosineOfProducts(Dot):
    """What Keras 1's Merge calls 'cos': products of two inputs along `axes`, over the root of the products of each with itself,
    with an axis of 1 behind the batch. That is the cosine for inputs of two axes; of more, each product is divided by the root
    of the two at its own place."""

    def __init__(self, axes: Any, **kwargs: Any) -> None:
        super().__init__(axes=axes, **kwargs)

    def call(self, inputs: Any) -> Any:
        x, y = inputs
        products = super().call
        root = ops.sqrt(products([x, x]) * products([y, y]))
        return products([x, y]) / ops.maximum(root, settings.epsilon())

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, *rest = super().compute_output_shape(input_shape)
        return (batch, 1, *rest)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config['normalize']
        return config


class Conv2DTransposeOfSize(Conv2DTranspose):
    """A Conv2DTranspose whose result has the given rows and columns; written to files as a Conv2DTranspose wherever that can
    say it.

    output_size: (rows, columns), None where the size follows from the input. A convolution must make the input's size of it.
    """

    _keras2_name = property(lambda self: type(self).__name__ if self._beyond else 'Conv2DTranspose')
    _keras3_class = property(lambda self: None if self._beyond else ('keras.layers', 'Conv2DTranspose'))
    _beyond = None      # (padding, output_padding) of its own, where the words of Conv2DTranspose do not reach

    def __init__(self, *args: Any, output_size: Any = (None, None), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._output_size = tuple(output_size)

    def build(self, input_shape: Any) -> None:
        usual = spatial(super().compute_output_shape(input_shape), self.data_format)
        wanted = tuple(u if w is None else w for w, u in zip(self._output_size, usual))
        if wanted != tuple(usual):
            self._set_padding(spatial(input_shape, self.data_format), wanted)
        self._output_size = wanted
        super().build(input_shape)

    def _set_padding(self, sizes, wanted):
        same = self.padding == 'same'
        if None in sizes:
            raise ValueError(f'{title(self)}: a result of {wanted} rows and columns needs an input of known size, got {sizes}')
        if any(-(-(w - (0 if same else k - 1)) // s) != n
               for w, k, s, n in zip(wanted, self.kernel_size, self.strides, sizes)):
            raise ValueError(f'{title(self)}: no convolution makes the {sizes} rows and columns of the input from {wanted}')
        whole = [(n - 1) * s + k for n, k, s in zip(sizes, self.kernel_size, self.strides)]
        more = tuple(w - n + (2 * (k // 2) if same else 0) for w, n, k in zip(wanted, whole, self.kernel_size))
        if all(0 <= m < s for m, s in zip(more, self.strides)):
            self.output_padding = more
            return
        totals = [n - w for n, w in zip(whole, wanted)]
        self._beyond = (tuple((max(t, 0) // 2, max(t, 0) - max(t, 0) // 2) for t in totals), tuple(max(-t, 0) for t in totals))

    def call(self, inputs: Any) -> Any:
        if self._beyond is None:
            return super().call(inputs)
        padding, more = self._beyond
        return self._finished(ops.conv_transpose(as_float(self, inputs), self.kernel, self.strides, padding, more,
                                                 self.data_format, self.dilation_rate))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return with_spatial(input_shape, self._output_size, self.data_format, self.filters)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self._beyond is not None:
            config['output_size'] = self._output_size
        return config
