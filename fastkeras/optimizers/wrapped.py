"""Optimizers around others: one that scales the loss, one with an optimizer for each part of the weights."""

import re
from collections.abc import MutableMapping

import numpy as np

from fastkeras import ops
from fastkeras.optimizers.base import Optimizer
from fastkeras.optimizers.hyperparameters import COMMON
from fastkeras.runtime import Variable, active_trace
from fastkeras.saving import objects
from fastkeras.utils.errors import unknown_argument
from fastkeras.utils.quantities import finite, steps


class _Around(Optimizer):
    """What both have: their `version`, which goes up with those of the optimizers inside."""

    inner = ()

    @property
    def version(self):
        return self._own_version + sum(o.version for o in self.inner)

    @version.setter
    def version(self, value):
        self._own_version = value - sum(o.version for o in self.inner)

    def put_back(self, var_list):
        for o in self.inner:
            o.put_back(self._of(o, var_list))

    def finalize_variable_values(self, var_list):
        """Put the moving averages of the optimizers inside in place of the variables."""
        for o in self.inner:
            o.finalize_variable_values(self._of(o, var_list))

    def _of(self, optimizer, variables):
        return list(variables)

    def __repr__(self):
        return f'{type(self).__name__}({", ".join(map(repr, self.inner))})'


class LossScaleOptimizer(_Around):
    """Another optimizer, whose loss is multiplied by a scale and whose gradients are divided by it again.

    It is there for programs that train in float16; this engine's float32 does not need it. A step with a gradient that is not
    finite is left out and halves the scale; dynamic_growth_steps steps without one double it. initial_scale: the first one.
    Options of the optimizer (clipnorm, weight_decay, …) are given to inner_optimizer; ValueError where they are given here.
    """

    def __init__(self, inner_optimizer, initial_scale=32768.0, dynamic_growth_steps=2000, name=None, **kwargs):
        if not kwargs.pop('dynamic', True):
            raise ValueError('LossScaleOptimizer: set loss_scale_factor of the optimizer inside in place of dynamic=False')
        for key, value in kwargs.items():
            if key not in COMMON:
                raise unknown_argument('LossScaleOptimizer', key, ['inner_optimizer', 'initial_scale', 'dynamic_growth_steps'])
            if value != COMMON[key]:
                raise ValueError(f'LossScaleOptimizer: set {key} of the optimizer inside, {type(inner_optimizer).__name__}')
        if not isinstance(inner_optimizer, Optimizer):
            raise ValueError(f'LossScaleOptimizer: expected inner_optimizer to be an Optimizer, got {inner_optimizer!r}')
        self.inner_optimizer, self.inner = inner_optimizer, (inner_optimizer,)
        super().__init__(None, name=name or 'loss_scale_optimizer')
        inner_optimizer.loss_scale_factor = None
        self.initial_scale = finite('LossScaleOptimizer', 'initial_scale', initial_scale, above=0)
        self.dynamic_growth_steps = steps('LossScaleOptimizer', 'dynamic_growth_steps', dynamic_growth_steps, 1)
        self._unused_rate = Variable(np.float32(0), trainable=False, name=f'{self.name}/learning_rate')     # Keras saves one
        self.step_counter = Variable(np.int32(0), trainable=False, name=f'{self.name}/step_counter')
        self.dynamic_scale = Variable(np.float32(self.initial_scale), trainable=False, name=f'{self.name}/dynamic_scale')

    def build(self, var_list):
        """Make the state of the optimizer inside."""
        self.inner_optimizer.build(var_list)
        super().build(var_list)

    @property
    def variables(self):
        """Its own state, then that of the optimizer inside."""
        return [self._iterations, self._unused_rate, self.step_counter, self.dynamic_scale, *self.inner_optimizer.variables]

    weights = property(lambda self: self.variables, doc='As `variables`.')

    @property
    def iterations(self):
        """Number of updates that the optimizer inside has done."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self):
        """That of the optimizer inside."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, rate):
        self.inner_optimizer.learning_rate = rate

    lr = learning_rate

    def scale_loss(self, loss):
        """The loss times the present scale."""
        return loss * self.dynamic_scale

    def check_finite(self, grads):
        """Whether all gradients are finite: a scalar of truth."""
        found = [ops.all(ops.isfinite(g)) for g in grads if g is not None]
        return ops.all(ops.stack(found)) if found else True

    def apply(self, grads, trainable_variables=None):
        """One step by gradients of the scaled loss, unless one of them is not finite."""
        grads = list(grads)
        variables = list(self._trainable_variables if trainable_variables is None else trainable_variables)
        self.build(variables)
        good = self.check_finite(grads)
        scale = self.dynamic_scale.value
        given = [None if g is None else g / scale for g in grads]
        if active_trace() is None:
            good = bool(good)
            if good:
                self.inner_optimizer.apply(given, variables)
        else:
            touched = [*variables, *self.inner_optimizer.variables]
            before = [v.value for v in touched]
            self.inner_optimizer.apply(given, variables)
            for v, old in zip(touched, before):
                if v.value is not old:
                    v.assign(ops.where(good, v.value, old))
        grown = ops.logical_and(good, ops.equal(self.step_counter.value, self.dynamic_growth_steps - 1))
        self.dynamic_scale.assign(ops.where(good, ops.where(grown, scale * 2.0, scale), scale * 0.5))
        counted = ops.logical_and(good, ops.logical_not(grown))
        self.step_counter.assign(ops.where(counted, self.step_counter.value + 1, 0))

    def get_config(self):
        inner = objects.serialize(self.inner_optimizer, form=self.inner_optimizer.generation)
        return {'name': self.name, 'inner_optimizer': inner,
                'initial_scale': self.initial_scale, 'dynamic_growth_steps': self.dynamic_growth_steps}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The optimizer of a configuration."""
        config = dict(config)
        inner = objects.deserialize_keras_object(config.pop('inner_optimizer'), custom_objects=custom_objects)
        return cls(inner, **config)


class OptimizerMap(MutableMapping):
    """Optimizers by the path of a variable ('encoder/dense/kernel'): the one whose key is the path, else the one whose key, a
    regular expression, matches all of it, else default_optimizer. Raises ValueError where several match."""

    def __init__(self, default_optimizer, optimizer_map=None):
        if not isinstance(default_optimizer, Optimizer):
            raise TypeError(f'OptimizerMap: expected default_optimizer to be an Optimizer, got {default_optimizer!r}')
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise TypeError(f'OptimizerMap: expected optimizer_map to be a dict, got {optimizer_map!r}')
        self._default_optimizer, self._map = default_optimizer, {}
        for key, optimizer in (optimizer_map or {}).items():
            self[key] = optimizer

    @property
    def default_optimizer(self):
        """The optimizer of what no key names."""
        return self._default_optimizer

    def __getitem__(self, key):
        if key in self._map:
            return self._map[key]
        hits = [k for k in self._map if re.fullmatch(k, key)]
        if len(hits) > 1:
            raise ValueError(f'OptimizerMap: the path {key!r} is matched by {", ".join(map(repr, hits))}')
        return self._map[hits[0]] if hits else self._default_optimizer

    def __setitem__(self, key, optimizer):
        if not isinstance(key, str):
            raise ValueError(f'OptimizerMap: expected a path or a pattern as key, got {key!r}')
        if key in self._map:
            raise ValueError(f'OptimizerMap: {key!r} has an optimizer already, {self._map[key]!r}; delete it first')
        if not isinstance(optimizer, Optimizer) or isinstance(optimizer, _Around):
            raise ValueError(f'OptimizerMap: expected an Optimizer that is no wrapper for {key!r}, got {optimizer!r}')
        self._map[key] = optimizer

    def __delitem__(self, key):
        del self._map[key]

    def __len__(self):
        return len(self._map)

    def __iter__(self):
        return iter(self._map)

    def __call__(self, variable):
        return self[variable.path]

    def get_config(self):
        return {'default_optimizer': objects.serialize(self._default_optimizer, form=self._default_optimizer.generation),
                'optimizer_map': {k: objects.serialize(o, form=o.generation) for k, o in self._map.items()}}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The map of a configuration."""
        made = objects.deserialize_keras_object
        return cls(made(config['default_optimizer'], custom_objects=custom_objects),
                   {k: made(v, custom_objects=custom_objects) for k, v in config['optimizer_map'].items()})


class MultiOptimizer(_Around):
    """An optimizer for each part of the weights. optimizer_map: an `OptimizerMap`, or a function of a variable that gives its
    optimizer. loss_scale_factor: of all of them. The rates are those of `optimizers`: it has none itself, an AttributeError.
    """

    def __init__(self, optimizer_map, loss_scale_factor=None, name=None):
        if not callable(optimizer_map):
            raise ValueError(f'MultiOptimizer: expected an OptimizerMap or a function, got {optimizer_map!r}')
        self._optimizer_map, self.inner, self._parts = optimizer_map, (), {}
        super().__init__(None, name=name or 'multi_optimizer')
        self._unused_rate = Variable(np.float32(0), trainable=False, name=f'{self.name}/learning_rate')     # Keras saves one
        if isinstance(optimizer_map, OptimizerMap):
            for o in (*optimizer_map._map.values(), optimizer_map.default_optimizer):
                self._take(o)
        self.loss_scale_factor = loss_scale_factor

    def _take(self, optimizer):
        if not isinstance(optimizer, Optimizer) or isinstance(optimizer, _Around):
            raise ValueError(f'MultiOptimizer: expected an Optimizer that is no wrapper for each variable, got {optimizer!r}')
        if all(o is not optimizer for o in self.inner):
            optimizer.loss_scale_factor = self.loss_scale_factor
            self.inner = (*self.inner, optimizer)
        return optimizer

    @property
    def optimizers(self):
        """The optimizers, in the order in which they were met."""
        return list(self.inner)

    @property
    def loss_scale_factor(self):
        """What the loss is multiplied with and gradients are divided by."""
        return self.__dict__.get('_loss_scale')

    @loss_scale_factor.setter
    def loss_scale_factor(self, value):
        self._loss_scale = value
        for o in self.inner:
            o.loss_scale_factor = value

    @property
    def learning_rate(self):
        raise AttributeError('MultiOptimizer: it has no rate of its own; read that of one of its `optimizers`')

    @learning_rate.setter
    def learning_rate(self, rate):
        raise AttributeError('MultiOptimizer: it has no rate of its own; set that of one of its `optimizers`')

    lr = learning_rate

    @property
    def iterations(self):
        """Number of steps."""
        return self._iterations

    def _of(self, optimizer, variables):
        return [v for v in variables if self._parts[id(v)] is optimizer]

    def build(self, var_list):
        """Give each variable to its optimizer, and make their state."""
        var_list = list(var_list)
        for v in var_list:
            if id(v) not in self._parts:
                self._parts[id(v)] = self._take(self._optimizer_map(v))
        for o in self.inner:
            part = self._of(o, var_list)
            if part:
                o.build(part)
        super().build(var_list)

    @property
    def variables(self):
        """Its own state, then that of its optimizers."""
        return [self._iterations, self._unused_rate, *(v for o in self.inner for v in o.variables)]

    weights = property(lambda self: self.variables, doc='As `variables`.')

    def apply(self, grads, trainable_variables=None):
        """One step of each optimizer with its share of the gradients."""
        grads = list(grads)
        variables = list(self._trainable_variables if trainable_variables is None else trainable_variables)
        if len(grads) != len(variables):
            raise ValueError(f'MultiOptimizer: expected a gradient for each of {len(variables)} variables, got {len(grads)}')
        self.build(variables)
        for o in self.inner:
            part = [(g, v) for g, v in zip(grads, variables) if self._parts[id(v)] is o]
            if any(g is not None for g, _ in part):
                o.apply([g for g, _ in part], [v for _, v in part])
        self._iterations.assign_add(1)

    def set_weights(self, weights):
        """Set the state from arrays in the order of `variables`. ValueError before `build`, or for other numbers or shapes."""
        if not self.built:
            raise ValueError('MultiOptimizer.set_weights: it has no state yet: call build(variables) first')
        super().set_weights(weights)

    def get_config(self):
        if not isinstance(self._optimizer_map, OptimizerMap):
            raise ValueError('MultiOptimizer: a function that chooses optimizers cannot be written down; give an OptimizerMap')
        return {'optimizer_map': objects.serialize(self._optimizer_map), 'loss_scale_factor': self.loss_scale_factor,
                'name': self.name}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The optimizer of a configuration."""
        config = dict(config)
        config['optimizer_map'] = objects.deserialize_keras_object(config['optimizer_map'], custom_objects=custom_objects)
        return cls(**config)
