"""EinsumDense: a product with a kernel, along any axes."""

from __future__ import annotations

import re
from typing import Any

from fastkeras import activations, constraints, initializers, ops, regularizers

from .base import InputSpec, Layer
from .checks import as_float, sequence
from .input_spec import title
from .low_rank import LowRank

__all__ = ['EinsumDense']

_FORM = re.compile(r'(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?')


class EinsumDense(LowRank, Layer):
    """activation(einsum(equation, inputs, kernel) + bias).

    equation: 'abc,cd->abd', '...c,cd->...d' or 'ab...,bc->ac...': letters of the input, of the kernel, of the result.
    output_shape: sizes of the result without the batch and what an ellipsis stands for, an int for one; None where the
    input says the size. bias_axes: letters of the result along which there is a bias; None: none. activation: linear by
    default. Initializers, regularizers and constraints are of kernel and bias; lora_rank, lora_alpha: see `enable_lora`.
    Raises ValueError for an equation of another form, sizes that disagree, or one that the kernel needs and nothing
    says.
    """

    def __init__(self, equation: str, output_shape: Any, activation: Any = None, bias_axes: str | None = None,
                 kernel_initializer: Any = 'glorot_uniform', bias_initializer: Any = 'zeros',
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, kernel_constraint: Any = None,
                 bias_constraint: Any = None, lora_rank: int | None = None, lora_alpha: float | None = None,
                 gptq_unpacked_column_size: Any = None, quantization_config: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if gptq_unpacked_column_size is not None:
            raise ValueError(f'{title(self)}: quantised weights are not part of this engine, got '
                             f'gptq_unpacked_column_size={gptq_unpacked_column_size!r}; leave it out')
        self._set_low_rank(lora_rank, lora_alpha, quantization_config)
        self.equation = equation
        self._terms = _terms(self, equation)
        sizes = output_shape if isinstance(output_shape, (tuple, list)) else (output_shape,)
        sequence(self, 'output_shape', [d for d in sizes if d is not None])
        self.partial_output_shape = tuple(sizes)
        self.bias_axes = bias_axes
        for letter in bias_axes or '':
            if letter not in self._terms[2]:
                raise ValueError(f'{title(self)}: expected bias_axes to hold letters of the result of {equation!r}, got '
                                 f'{bias_axes!r}')
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def _sizes(self, input_shape):
        """({letter: size}, sizes that an ellipsis stands for) for an input of this shape."""
        source, kernel, result, ellipsis = self._terms
        shape = tuple(input_shape)
        more = len(shape) - len(source)
        if more < 0 or more and not ellipsis:
            raise ValueError(f'{title(self)}: expected an input of {len(source)} dimensions for {self.equation!r}, got '
                             f'shape {shape}')
        rest = shape[:more] if ellipsis == 'left' else shape[len(source):]
        sizes = dict(zip(source, shape[more:] if ellipsis == 'left' else shape))
        # the batch is the first axis, be it a letter or part of the ellipsis
        said = result if ellipsis == 'left' and more else result[1:]
        if len(said) != len(self.partial_output_shape):
            raise ValueError(f'{title(self)}: expected output_shape to have {len(said)} sizes, for {said!r} of '
                             f'{self.equation!r}, got {self.partial_output_shape}')
        for letter, size in zip(said, self.partial_output_shape):
            known = sizes.get(letter)
            if None not in (known, size) and known != size:
                raise ValueError(f'{title(self)}: {letter!r} of {self.equation!r} is {known} in the input of shape '
                                 f'{shape} and {size} in output_shape {self.partial_output_shape}')
            sizes[letter] = known if size is None else size
        return sizes, rest

    def build(self, input_shape: Any) -> None:
        source, kernel, result, ellipsis = self._terms
        sizes, rest = self._sizes(input_shape)
        for letter in kernel:
            if sizes.get(letter) is None:
                raise ValueError(f'{title(self)}: the size of {letter!r} in the kernel of {self.equation!r} is not known '
                                 f'from an input of shape {tuple(input_shape)} and output_shape '
                                 f'{self.partial_output_shape}')
        initializer = self.kernel_initializer
        if isinstance(initializer, initializers.VarianceScaling) and initializer.input_axes is None:
            axes = {'input_axes': [k for k, a in enumerate(kernel) if a not in result],
                    'output_axes': [k for k, a in enumerate(kernel) if a in result]}
            initializer = initializers.VarianceScaling(initializer.scale, initializer.mode, initializer.distribution,
                                                       seed=initializer.seed, **axes)
        self.kernel = self.add_weight('kernel', [sizes[a] for a in kernel], initializer=initializer,
                                      regularizer=self.kernel_regularizer, constraint=self.kernel_constraint)
        self.bias = None
        if self.bias_axes:
            along = result[min(map(result.index, self.bias_axes)):]
            shape = [sizes[a] if a in self.bias_axes else 1 for a in along]
            self.bias = self._weight('bias', shape + [1] * (len(rest) if ellipsis == 'right' else 0))
        self.input_spec = InputSpec(ndim=len(input_shape))
        self._build_low_rank()
        self.built = True

    def call(self, inputs: Any, training: Any = None) -> Any:
        y = ops.einsum(self.equation, as_float(self, inputs), self._adapted(self.kernel))
        return self.activation(y if self.bias is None else y + self.bias)

    def compute_output_shape(self, input_shape: Any) -> Any:
        _, _, result, ellipsis = self._terms
        sizes, rest = self._sizes(input_shape)
        own = tuple(sizes[a] for a in result)
        return (*rest, *own) if ellipsis == 'left' else (*own, *rest)

    def get_config(self) -> dict[str, Any]:
        config = self._config_with('equation', 'activation', 'bias_axes', 'kernel_initializer', 'bias_initializer',
                                   'kernel_regularizer', 'bias_regularizer', 'activity_regularizer', 'kernel_constraint',
                                   'bias_constraint')
        return {**config, 'output_shape': self.partial_output_shape, **self._low_rank_config()}


def _terms(layer, equation):
    """Letters of the input, of the kernel and of the result, and on which side an ellipsis is (None: there is none)."""
    found = _FORM.fullmatch(equation.replace(' ', '')) if isinstance(equation, str) else None
    if found:
        before, source, after, kernel, first, result, last = found.groups()
        sides = bool(before) + bool(after)
        if sides < 2 and (before, after) == (first, last):
            known = set(source) | set(kernel)
            lost = [a for a in result if a not in known] or [a for a in kernel if a not in source + result]
            if lost:
                raise ValueError(f'{title(layer)}: expected every letter of the kernel and of the result of {equation!r} '
                                 f'to be one of another term, got {lost[0]!r}')
            return source, kernel, result, 'left' if before else 'right' if after else None
    raise ValueError(f"{title(layer)}: expected an equation such as 'abc,cd->abd', '...c,cd->...d' or 'ab...,bc->ac...', "
                     f'got {equation!r}')
