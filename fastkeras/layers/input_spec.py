"""What a layer asks of its inputs, and the check of it."""

from fastkeras.utils import nest


class InputSpec:
    """Conditions on one input. dtype: its type (informative); shape: sizes, None for any; ndim, max_ndim, min_ndim:
    numbers of axes; axes: axis → size (negative axes count from the end)."""

    def __init__(self, dtype=None, shape=None, ndim=None, max_ndim=None, min_ndim=None, axes=None,
                 allow_last_axis_squeeze=False, name=None, optional=False):
        self.dtype = dtype
        self.shape = tuple(shape) if shape is not None else None
        self.ndim = len(shape) if shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(k): v for k, v in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional

    def get_config(self):
        """The arguments that make an equal one."""
        return {'dtype': self.dtype, 'shape': self.shape, 'ndim': self.ndim, 'max_ndim': self.max_ndim,
                'min_ndim': self.min_ndim, 'axes': self.axes}

    @classmethod
    def from_config(cls, config):
        """The conditions of a configuration."""
        return cls(**config)

    def __repr__(self):
        said = {k: v for k, v in vars(self).items() if v not in (None, {}, False)}
        return f'InputSpec({", ".join(f"{k}={v!r}" for k, v in said.items())})'

    def mismatch(self, shape):
        """What an input of this shape does not meet, in the words of Keras."""
        n, got = len(shape), f'got shape {tuple(shape)}'
        if self.shape is not None:
            return f'expected shape={tuple(self.shape)}, found shape={tuple(shape)}'
        if self.ndim is not None and n != self.ndim:
            return f'expected ndim={self.ndim}, found ndim={n}; {got}'
        if self.max_ndim is not None and n > self.max_ndim:
            return f'expected max_ndim={self.max_ndim}, found ndim={n}; {got}'
        if self.min_ndim is not None and n < self.min_ndim:
            return f'expected min_ndim={self.min_ndim}, found ndim={n}; {got}'
        axes = [f'axis {k} of input shape to have value {v}' for k, v in self.axes.items() if v is not None]
        return f'expected {" and ".join(axes)} but {got}'

    def accepts(self, shape):
        """Whether an input of this shape, None for unknown sizes, meets the conditions."""
        n = len(shape)
        if self.allow_last_axis_squeeze and self.shape is not None and n == len(self.shape) - 1:
            shape, n = (*shape, 1), n + 1
        if ((self.ndim is not None and n != self.ndim) or (self.max_ndim is not None and n > self.max_ndim)
                or (self.min_ndim is not None and n < self.min_ndim)):
            return False
        for axis, size in self.axes.items():
            if size is None:
                continue
            if not -n <= axis < n or shape[axis] not in (size, None):
                return False
        return self.shape is None or all(a is None or b is None or a == b for a, b in zip(self.shape, shape))


class UnknownSize(ValueError):
    """A weight needs a size of the input that is not known yet."""


def check_inputs(layer, specs, inputs):
    """Raise ValueError, naming the layer, where inputs do not meet the specs. specs: one, a list, or a dict by name."""
    if specs is None:
        return
    if isinstance(specs, InputSpec) and nest.is_nest(inputs) and len(inputs) == 1:
        raise ValueError(f'{title(layer)}: expected a tensor or an array, got a {type(inputs).__name__} of one')
    if isinstance(specs, dict):
        if not isinstance(inputs, dict):
            raise ValueError(f'{title(layer)}: expected a dict of inputs with the keys {list(specs)}, got '
                             f'{type(inputs).__name__}')
        missing = [k for k in specs if k not in inputs and not specs[k].optional]
        if missing:
            raise ValueError(f'{title(layer)}: the inputs lack {missing}; got the keys {list(inputs)}')
        pairs = [(specs[k], inputs[k], repr(k)) for k in specs if k in inputs]
    else:
        specs, values = nest.to_list(specs), nest.flatten(inputs)
        if len(specs) != len(values):
            raise ValueError(f'{title(layer)} expects {len(specs)} input{"s" * (len(specs) != 1)}, but it received '
                             f'{len(values)} input tensors'
                             + (': ' + ', '.join(str(tuple(v.shape)) for v in values) if values else ''))
        pairs = [(s, v, str(k) if len(specs) > 1 else '') for k, (s, v) in enumerate(zip(specs, values))]
    for spec, value, which in pairs:
        if spec is None or value is None:
            continue
        shape = tuple(value.shape)
        if not spec.accepts(shape):
            raise ValueError(f'{title(layer)}: Input {which or 0} is incompatible with the layer: {spec.mismatch(shape)}')


def title(layer):
    """"Dense layer 'dense_1'", for messages."""
    return f'{type(layer).__name__} layer {layer.name!r}'
