"""Layers that make one tensor of several, and their functional forms."""

from __future__ import annotations

from typing import Any

from fastkeras import ops
from fastkeras.ops.shapes import broadcast
from fastkeras.utils import nest

from .base import Layer
from .checks import whole
from .input_spec import title

__all__ = ['Add', 'Average', 'Concatenate', 'Dot', 'Maximum', 'Minimum', 'Multiply', 'Subtract', 'add', 'average',
           'concatenate', 'dot', 'maximum', 'minimum', 'multiply', 'subtract']


class _Merge(Layer):
    """Inputs: a list of tensors of one batch size, whose other sizes are equal or broadcast. One of fewer axes gets new
    ones behind the batch."""

    supports_masking = True

    def _shapes(self, input_shape, least=1):
        shapes = nest.flatten_shapes(input_shape)
        if nest.is_shape(input_shape) or len(shapes) < least:
            got = f'one of shape {tuple(input_shape)}' if nest.is_shape(input_shape) else len(shapes)
            raise ValueError(f'{title(self)}: it should be called on a list of at least {max(least, 2)} inputs, got {got}')
        return shapes

    def _prepare(self, inputs, kwargs):
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(f'{title(self)}: it should be called on a list of inputs, got one of shape {tuple(inputs.shape)}')
        super()._prepare(inputs, kwargs)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)
        self.built = True

    def compute_output_shape(self, input_shape):
        shapes = self._shapes(input_shape)
        batches = {s[0] for s in shapes if s and s[0] is not None}
        if len(batches) > 1:
            raise ValueError(f'{title(self)}: expected inputs of one batch size, got shapes {_listed(shapes)}')
        ranks = max(len(s) for s in shapes)
        full = [(*s[:1], *(1,) * (ranks - len(s)), *s[1:]) for s in shapes]
        try:
            return (batches.pop() if batches else None, *broadcast(*(s[1:] for s in full)))
        except ValueError:
            raise ValueError(f'{title(self)}: inputs have incompatible shapes: expected sizes that are equal or 1, '
                             f'else operands could not be broadcast together, got shapes {_listed(shapes)}') from None

    def call(self, inputs):
        self.compute_output_shape([tuple(x.shape) for x in inputs])
        ranks = max(len(x.shape) for x in inputs)
        full = [ops.expand_dims(x, tuple(range(1, 1 + ranks - len(x.shape)))) if len(x.shape) < ranks else x
                for x in inputs]
        return self._merge_function(full)

    def _merge_function(self, inputs):
        y = inputs[0]
        for x in inputs[1:]:
            y = self.operation(y, x)
        return y

    def compute_mask(self, inputs, mask=None):
        masks = [m for m in nest.flatten(mask) if m is not None]
        if not masks:
            return None
        together = masks[0]
        for m in masks[1:]:
            together = ops.logical_and(together, m)
        return together


def _listed(shapes):
    return ', '.join(str(tuple(s)) for s in shapes)


class Add(_Merge):
    """The sum of the inputs."""

    operation = staticmethod(ops.add)


class Multiply(_Merge):
    """The product of the inputs, element by element."""

    operation = staticmethod(ops.multiply)


class Maximum(_Merge):
    """The largest of the inputs, element by element."""

    operation = staticmethod(ops.maximum)


class Minimum(_Merge):
    """The smallest of the inputs, element by element."""

    operation = staticmethod(ops.minimum)


class Average(_Merge):
    """The mean of the inputs, element by element."""

    operation = staticmethod(ops.add)

    def _merge_function(self, inputs):
        return super()._merge_function(inputs) / len(inputs)


class Subtract(_Merge):
    """The first of two inputs less the second."""

    operation = staticmethod(ops.subtract)

    def compute_output_shape(self, input_shape: Any) -> Any:
        shapes = self._shapes(input_shape, 2)
        if len(shapes) != 2:
            raise ValueError(f'{title(self)}: expected two inputs, got {len(shapes)}')
        return super().compute_output_shape(input_shape)


class Concatenate(_Merge):
    """The inputs one after another along `axis`; their other sizes are equal."""

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = whole(self, 'axis', axis)

    def compute_output_shape(self, input_shape: Any) -> Any:
        shapes = self._shapes(input_shape)
        n = len(shapes[0])
        if any(len(s) != n for s in shapes) or not -n <= self.axis < n:
            raise ValueError(f'{title(self)}: expected inputs of equally many axes, {self.axis} among them, got shapes '
                             f'{_listed(shapes)}')
        axis = self.axis % n
        for k in range(n):
            if k != axis and len({s[k] for s in shapes if s[k] is not None}) > 1:
                raise ValueError(f'{title(self)} requires inputs with matching shapes except for the concat axis '
                                 f'{self.axis}, got shapes {_listed(shapes)}')
        known = [next((s[k] for s in shapes if s[k] is not None), None) for k in range(n)]
        sizes = [s[axis] for s in shapes]
        return tuple((None if None in sizes else sum(sizes)) if k == axis else known[k] for k in range(n))

    def call(self, inputs: Any) -> Any:
        self.compute_output_shape([tuple(x.shape) for x in inputs])
        return self._merge_function(inputs)

    def _merge_function(self, inputs):
        return ops.concatenate(inputs, axis=self.axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        masks = nest.flatten(mask)
        if all(m is None for m in masks):
            return None
        axis = self.axis % len(inputs[0].shape)
        parts = []
        for x, m in zip(inputs, masks):
            if m is None:
                m = ops.ones_like(ops.not_equal(x, x), dtype='bool')
            else:
                while len(m.shape) < len(x.shape):
                    m = ops.expand_dims(m, -1)
                if axis == len(x.shape) - 1 or m.shape != x.shape:
                    m = ops.logical_or(m, ops.zeros_like(x, dtype='bool'))
            parts.append(m)
        return ops.all(ops.concatenate(parts, axis=axis), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('axis')


class Dot(_Merge):
    """The dot product of two inputs along `axes`, for each sample on its own.

    axes: an int, or one for each input; the batch, axis 0, cannot be one. normalize: of vectors brought to length 1,
    their cosine. Result: the other axes of the first, then those of the second; (batch, 1) when there are none.
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not hasattr(axes, '__index__') and not (isinstance(axes, (list, tuple)) and len(axes) == 2 and all(
                hasattr(a, '__index__') for a in axes)):
            raise ValueError(f'{title(self)}: expected axes to be an int or two of them, got {axes!r}')
        self.axes = axes
        self.normalize = normalize

    def _places(self, shapes):
        axes = list(self.axes) if isinstance(self.axes, (list, tuple)) else [self.axes, self.axes]
        for a, s in zip(axes, shapes):
            if not -len(s) < a < len(s) or a == 0:
                raise ValueError(f'{title(self)}: expected axes of inputs of shapes {_listed(shapes)}, the batch '
                                 f'excepted, got {self.axes}')
        axes = [a % len(s) for a, s in zip(axes, shapes)]
        a, b = shapes[0][axes[0]], shapes[1][axes[1]]
        if a != b and None not in (a, b):
            raise ValueError(f'{title(self)}: dimension incompatibility: expected equal sizes along the axes {self.axes}, got '
                             f'{a} != {b} in the shapes {_listed(shapes)}')
        return axes

    def compute_output_shape(self, input_shape: Any) -> Any:
        shapes = self._shapes(input_shape, 2)
        if len(shapes) != 2:
            raise ValueError(f'{title(self)}: expected two inputs, got {len(shapes)}')
        a, b = self._places(shapes)
        rest = [d for k, d in enumerate(shapes[0]) if k not in (0, a)] + [d for k,
                                                                          d in enumerate(shapes[1]) if k not in (0, b)]
        return (shapes[0][0], *(rest or [1]))

    def call(self, inputs: Any) -> Any:
        return self._merge_function(inputs)

    def _merge_function(self, inputs):
        x, y = inputs
        a, b = self._places([tuple(x.shape), tuple(y.shape)])
        shape = self.compute_output_shape([tuple(x.shape), tuple(y.shape)])
        if self.normalize:
            x, y = ops.l2_normalize(x, axis=a), ops.l2_normalize(y, axis=b)
        x, y = ops.moveaxis(x, a, -1), ops.moveaxis(y, b, 1)
        if len(x.shape) != 3:
            x = ops.reshape(x, (x.shape[0], -1, x.shape[-1]))
        if len(y.shape) != 3:
            y = ops.reshape(y, (y.shape[0], y.shape[1], -1))
        z = ops.matmul(x, y)
        return z if len(shape) == 3 else ops.reshape(z, tuple(
            -1 if d is None and k and list(shape[1:]).count(None) == 1 else d for k, d in enumerate(shape)))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None

    def get_config(self) -> dict[str, Any]:
        return self._config_with('axes', 'normalize')


def _functional(cls, name):
    def function(inputs, **kwargs):
        return cls(**kwargs)(inputs)
    function.__name__ = function.__qualname__ = name
    if cls.__doc__:     # none under python -OO
        function.__doc__ = f'{cls.__doc__.splitlines()[0]} A {cls.__name__} layer, applied to a list of tensors.'
    return function


add, subtract, multiply = _functional(Add, 'add'), _functional(Subtract, 'subtract'), _functional(Multiply, 'multiply')
average, maximum = _functional(Average, 'average'), _functional(Maximum, 'maximum')
minimum = _functional(Minimum, 'minimum')


def concatenate(inputs: Any, axis: Any = -1, **kwargs: Any) -> Any:
    """The inputs one after another along `axis`: a Concatenate layer, applied to a list of tensors."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any, normalize: bool = False, **kwargs: Any) -> Any:
    """The dot product of two tensors along `axes`: a Dot layer, applied to a list of tensors."""
    return Dot(axes=axes, normalize=normalize, **kwargs)(inputs)
