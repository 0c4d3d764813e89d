"""The state of an optimizer: a Variable per slot and variable, and its values in the orders of Keras 2 and 3."""

import numpy as np

from fastkeras import config as settings
from fastkeras import initializers
from fastkeras.runtime import Variable
from fastkeras.runtime.variable import assign_all


def plain(name):
    """The name of a variable without what would be a path or an output number."""
    return str(name).replace('/', '_').split(':')[0]


def zeros(shape, dtype):
    """Zeros to be copied, which take no memory themselves: an array of them would have to be read from pages that the
    system makes meanwhile, which takes longer than writing the copy."""
    return np.broadcast_to(np.zeros((), dtype), shape)


# slots that any optimizer may have, by options
_COMMON_SLOTS = {'average': lambda v: v.numpy(), 'gradient_accumulator': lambda v: zeros(v.shape, v.dtype)}


class State:
    """Part of Optimizer: makes slots, finds them, and reads and sets them as lists of weights."""

    # Keras 2's order of weights: 'iterations' and slots
    _keras2_weights = ()

    def _no_state(self):
        self.built = False
        self.version = 0            # goes up when a step that was traced before would be wrong now
        self._slots = {}            # name → a Variable for each of the trainable variables
        self._extra = []            # state that belongs to no variable: (name, Variable)
        self._trainable_variables = []
        self._places = {}
        self._fillers = {}
        self._weights = None

    def slot_groups(self):
        """Names of the state that each variable has, in groups: a file of Keras 3 has a group variable by variable."""
        return ()

    def slot_initial(self, name, variable):
        """First value of a slot; None: the variable has none of this name."""
        return zeros(variable.shape, variable.dtype)

    def build(self, variables):
        """Make the state of these variables; what is there already stays."""
        seen = {id(v) for v in self._trainable_variables}
        self._trainable_variables += [v for v in variables if id(v) not in seen]
        groups = [('average',)] if self.use_ema else []
        groups += [('gradient_accumulator',)] if self.gradient_accumulation_steps else []
        made = False
        for name in (name for group in [*groups, *self.slot_groups()] for name in group):
            slots = self._slots.setdefault(name, [])
            for v in self._trainable_variables[len(slots):]:
                initial = self.slot_initial(name, v) if name not in _COMMON_SLOTS else _COMMON_SLOTS[name](v)
                slots.append(None if initial is None else Variable(initial, dtype=v.dtype, trainable=False,
                                                                   name=f'{self.name}/{plain(v.name)}_{name}'))
                made = True
        self.version += made and self.built
        self.built = True

    def slot(self, name, variable):
        """The state Variable of a slot."""
        return self._slots[name][self._get_variable_index(variable)]

    def add_variable(self, shape, initializer='zeros', dtype=None, aggregation='none', layout=None, name=None):
        """A new state Variable of the optimizer. aggregation and layout are Keras 3's, for clusters: without effect."""
        initial = initializers.get(initializer)(shape, dtype or settings.floatx())
        variable = Variable(initial, dtype=dtype or settings.floatx(), trainable=False, name=name or 'variable')
        self._extra.append((name, variable))
        return variable

    def add_variable_from_reference(self, reference_variable, name=None, initializer='zeros'):
        """A new state Variable of the shape and type of another."""
        return self.add_variable(reference_variable.shape, initializer, reference_variable.dtype,
                                 name=f'{plain(reference_variable.name)}_{name or "slot"}')

    def add_optimizer_variables(self, trainable_variables, name, initializer='zeros'):
        """A state Variable for each variable: a list of them, or one list for each of several names."""
        names = [name] if isinstance(name, str) else list(name)
        initial = [initializer] * len(names) if isinstance(initializer, str) or not hasattr(
            initializer, '__len__') else list(initializer)
        lists = [[] for _ in names]
        for v in trainable_variables:
            for made, n, i in zip(lists, names, initial):
                made.append(self.add_variable_from_reference(v, n, i))
        return lists[0] if isinstance(name, str) else tuple(lists)

    def _get_variable_index(self, variable):
        place = self._places.get(id(variable))
        # an id is only a guess: copies of an optimizer keep those of the variables they were copied from
        if place is None or self._trainable_variables[place] is not variable:
            self._places = {id(v): i for i, v in enumerate(self._trainable_variables)}
            place = self._places.get(id(variable))
        if place is None:
            raise KeyError(f'{type(self).__name__}: it was not built for the variable {variable.name!r}')
        return place

    def _state(self):
        out = []
        groups = [('average',), ('gradient_accumulator',), *self.slot_groups()]
        for group in groups:
            for i in range(len(self._trainable_variables)):
                slots = [self._slots[n][i] for n in group if i < len(self._slots.get(n, ()))]
                out += [slot for slot in slots if slot is not None]
        return out + [v for _, v in self._extra]

    @property
    def variables(self):
        """All state Variables in the order of Keras 3: iterations, the rate, then slots."""
        rate = [self._rate] if isinstance(self._rate, Variable) else []
        return [self._iterations, *rate, *self._state()]

    @property
    def weights(self):
        """The state Variables in the order of Keras 2 (in generation 3, `variables`)."""
        if self._weights is not None:               # an optimizer written for Keras 2 says itself
            return self._weights
        if self.generation == 3 or not self._keras2_weights:
            return self.variables
        out = []
        for name in self._keras2_weights:
            if name == 'iterations':
                out.append(self._iterations)
            else:
                out += [self._slot_or_filler(name, i) for i in range(len(self._trainable_variables))]
        return out

    @weights.setter
    def weights(self, variables):
        self._weights = list(variables)

    def _slot_or_filler(self, name, place):
        """A slot; where this optimizer does without, a Variable of the zeros that Keras 2 keeps in its place."""
        if place < len(self._slots.get(name, ())):
            return self._slots[name][place]
        fillers = self._fillers.setdefault(name, [])
        for v in self._trainable_variables[len(fillers):]:
            fillers.append(Variable(self._filler(name, v), trainable=False, name=f'{self.name}/{plain(v.name)}_{name}'))
        return fillers[place]

    def _filler(self, name, variable):
        return np.zeros(variable.shape, variable.dtype)

    def get_weights(self):
        """Values of `weights`, copied."""
        return [w.numpy() for w in self.weights]

    def set_weights(self, weights):
        """Set the state from arrays in the order of Keras 2, of Keras 3 (`variables`) or of tf.keras. Of what has a shape, as
        the arrays of a file, nothing else is looked at before all shapes fit.

        It must have its state, from a first step or `build`. Raises ValueError where numbers or shapes differ.
        """
        weights = [w if hasattr(w, 'shape') else np.asarray(w) for w in weights]
        slots = self._state()
        names = [n for group in self.slot_groups() for n in group]
        grouped = [slot for n in names for slot in self._slots.get(n, ()) if slot is not None]
        for targets in (self.weights, self.variables, [self._iterations, *grouped], [self._iterations, *slots], slots):
            if len(targets) == len(weights) and all(t.shape == w.shape for t, w in zip(targets, weights)):
                assign_all(targets, weights)
                self.restored(targets)
                return
        expected = [tuple(w.shape) for w in self.weights]
        raise ValueError(f'{type(self).__name__}.set_weights: expected {len(expected)} arrays of shapes {expected}, '
                         f'got {len(weights)} of shapes {[w.shape for w in weights]}'
                         + ('' if self.built else '; it has no state before its first step or build(variables)'))

    def restored(self, targets):
        """Called when these Variables of the state were given values: to set what follows from them and was not given."""

    def save_own_variables(self, store):
        """Write `variables` under '0', '1', … into a mapping."""
        for i, v in enumerate(self.variables):
            store[str(i)] = v.numpy()

    def load_own_variables(self, store):
        """Read what save_own_variables wrote. Raises ValueError where number or shapes differ."""
        variables = self.variables
        if len(store.keys()) != len(variables):
            raise ValueError(f'{type(self).__name__}: expected {len(variables)} stored variables, '
                             f'got {len(store.keys())}')
        values = [store[str(i)] for i in range(len(variables))]
        values = [value if hasattr(value, 'shape') else np.asarray(value) for value in values]
        for v, value in zip(variables, values):
            if tuple(v.shape) != tuple(value.shape):
                raise ValueError(f'{type(self).__name__}: its variable {v.name!r} has shape {v.shape}, the store has '
                                 f'{value.shape} for it')
        assign_all(variables, values)
