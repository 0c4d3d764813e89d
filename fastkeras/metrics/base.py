"""Metrics with state: Variables that `update_state` adds to, in ops, so that it can be a part of a traced step."""

import numpy as np

from fastkeras import config, initializers, ops
from fastkeras.metrics.accumulator import Accumulator
from fastkeras.metrics.functions import TABLE
from fastkeras.runtime import Variable, stateless
from fastkeras.saving import objects
from fastkeras.utils.errors import Spelled
from fastkeras.utils.quantities import checked_name


def ratio(a, b):
    """a / b, and 0 where b is 0."""
    empty = ops.equal(b, 0.0)
    return ops.where(empty, 0.0, a / ops.where(empty, 1.0, b))


def _snake(name):
    return ''.join('_' + c.lower() if c.isupper() and i and not name[i - 1].isupper() else c.lower()
                   for i, c in enumerate(name))


class Metric(Spelled):
    """Base: make state in `__init__` with `add_weight`, define `update_state` and `result`.

    dtype: type of the state, config.floatx() unless given. Called, a metric updates itself and gives its result.
    """

    def __init__(self, dtype=None, name=None):
        self.name = checked_name(type(self).__name__, name or _snake(type(self).__name__))
        self._dtype = dtype
        self._variables = []

    @property
    def dtype(self):
        return self._dtype or config.floatx()

    def add_variable(self, shape, initializer, dtype=None, aggregation='sum', name=None):
        """A new state Variable of this first value, which adds up without loss. aggregation is Keras 3's, for clusters:
        without effect."""
        initializer = initializers.get('zeros' if initializer is None else initializer)
        dtype = dtype or self.dtype
        initial, name = np.asarray(initializer(tuple(shape), dtype)), f'{self.name}/{name or "state"}'
        variable = (Accumulator(initial, name) if dtype == 'float32' else
                    Variable(initial, dtype=dtype, trainable=False, name=name))
        self._variables.append(variable)
        return variable

    def add_weight(self, shape=(), initializer=None, dtype=None, name=None):
        """A new state Variable. A str first is its name, as in Keras 2."""
        if isinstance(shape, str):
            shape, name = (), shape
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self):
        """The state Variables."""
        return list(self._variables)

    weights = variables

    def update_state(self, *args, **kwargs):
        """Add a batch to the state."""
        raise TypeError(f'{type(self).__name__} must define update_state(self, …)')

    def result(self):
        """The value of all that was added: a scalar, an array or a dict of them."""
        raise TypeError(f'{type(self).__name__} must define result(self)')

    def reset_state(self):
        """Back to the start."""
        for v in self._variables:
            v.assign(np.zeros(v.shape, v.dtype))

    def reset_states(self):
        """Keras 2's name of reset_state."""
        self.reset_state()

    def __call__(self, *args, **kwargs):
        self.update_state(*args, **kwargs)
        return self.result()

    def stateless_update_state(self, metric_variables, *args, **kwargs):
        """Values of the state after a batch, from values before it (in the order of `variables`); the metric's own state stays.
        On arrays or, inside a trace, on tensors."""
        return stateless.compiled(self, 'update', Metric._updated, list(metric_variables), *args, **kwargs)

    def _updated(self, values, *args, **kwargs):
        return stateless.with_values(self.variables, values, lambda: self.update_state(*args, **kwargs))[1]

    def stateless_result(self, metric_variables):
        """The result from values of the state."""
        return stateless.compiled(self, 'result', Metric._result_of, list(metric_variables))

    def _result_of(self, values):
        return stateless.with_values(self.variables, values, self.result)[0]

    def stateless_reset_state(self):
        """Values of the state at the start."""
        return stateless.compiled(self, 'reset', Metric._at_start)

    def _at_start(self):
        return stateless.with_values(self.variables, self.variables, self.reset_state)[1]

    def get_config(self):
        """The constructor's arguments."""
        return {'name': self.name, 'dtype': self.dtype}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        if isinstance(config.get('dtype'), dict):       # a dtype policy of Keras 3
            config['dtype'] = config['dtype'].get('config', {}).get('name')
        return cls(**config)

    def __repr__(self):
        return f'<{type(self).__name__} {self.name!r}>'


def samplewise(values, sample_weight, dtype, reduce):
    """Values with one number per sample, weighted, and the weights as their shape needs (None for none).

    reduce: ops.mean or ops.sum, which takes all axes but the first, or but those of sample_weight.
    """
    values = ops.cast(ops.convert_to_tensor(values), dtype)
    if sample_weight is not None:
        sample_weight = ops.cast(ops.convert_to_tensor(sample_weight), dtype)
        if len(sample_weight.shape) == len(values.shape) + 1 and sample_weight.shape[-1] == 1:
            sample_weight = ops.squeeze(sample_weight, axis=-1)
        n, kept = len(values.shape), len(sample_weight.shape)
        if n > kept:
            values = reduce(values, axis=tuple(range(kept, n)))
        sample_weight = ops.broadcast_to(sample_weight, tuple(values.shape))
        values = values * sample_weight
        if kept > 1:
            sample_weight = reduce(sample_weight, axis=tuple(range(1, kept)))
    n = len(values.shape)
    return (reduce(values, axis=tuple(range(1, n))) if n > 1 else values), sample_weight


class Sum(Metric):
    """Sum of values, times sample_weight if given."""

    def __init__(self, name='sum', dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), 'zeros', name='total')

    def update_state(self, values, sample_weight=None):
        values, _ = samplewise(values, sample_weight, self.dtype, ops.sum)
        self.total.assign_add(ops.sum(values))

    def result(self):
        return ops.convert_to_tensor(self.total.value)


class Mean(Metric):
    """Mean of values, weighted by sample_weight if given."""

    def __init__(self, name='mean', dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), 'zeros', name='total')
        self.count = self.add_variable((), 'zeros', name='count')

    def update_state(self, values, sample_weight=None):
        values, weights = samplewise(values, sample_weight, self.dtype, ops.mean)
        self.total.assign_add(ops.sum(values))
        self.count.assign_add(ops.sum(weights) if weights is not None else
                              float(values.shape[0] if len(values.shape) else 1))

    def result(self):
        return ratio(self.total.value, self.count.value)


class MeanMetricWrapper(Mean):
    """Mean of a function (y_true, y_pred, **settings) → one number per sample."""

    def __init__(self, fn, name=None, dtype=None, **kwargs):
        super().__init__(name=name or getattr(fn, '__name__', None), dtype=dtype)
        self._fn = fn
        self._fn_kwargs = kwargs

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(self._fn(y_true, y_pred, **self._fn_kwargs), sample_weight)

    def get_config(self):
        out = {**super().get_config(), **self._fn_kwargs}
        if type(self) is MeanMetricWrapper:
            out['fn'] = objects.serialize_keras_object(self._fn)
        return out

    @classmethod
    def from_config(cls, config):
        if isinstance(config.get('fn'), (str, dict)):
            config = {**config, 'fn': objects.deserialize('metric', config['fn'], TABLE)}
        return super().from_config(config)
