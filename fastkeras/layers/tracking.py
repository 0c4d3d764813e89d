"""Which layers and variables belong to a layer: those found in its attributes, also inside lists, tuples and dicts."""

from fastkeras.runtime import Variable

# what a layer keeps for itself
_OWN = frozenset(('_inbound_nodes', '_outbound_nodes', '_made_with', '_functions', '_call_ways', '_weights', '_weights_of_call',
                  '_asked_in_call', '_initial_weights', '_callable_losses', '_losses_of_call', '_graph',
                  'input_spec'))
# what holds nothing: most attributes
_PLAIN = frozenset((type(None), bool, int, float, str))
_CONTAINERS = (list, tuple, dict)


def found(layer, kind):
    """Objects of a class in the attributes of the layer, each once, in the order the attributes were first set."""
    seen, out, untracked, holds = set(), [], layer._untracked, (kind, *_CONTAINERS)

    def look(values):
        for value in values:
            if not isinstance(value, holds):        # as are most: one question for them
                continue
            if isinstance(value, kind):
                if id(value) not in seen:
                    seen.add(id(value))
                    out.append(value)
            else:
                look(value.values() if isinstance(value, dict) else value)

    look([value for name, value in layer.__dict__.items()
          if type(value) not in _PLAIN and name not in _OWN and name not in untracked])
    return out


def variables(layer):
    """The layer's own variables: made by add_weight or put into its lists, in order, then those set as attributes, but for what
    the backend makes: as in Keras 2, `self.x = K.variable(…)` alone is no weight."""
    out = list(layer._weights)
    known = {id(v) for v in out}
    out.extend(v for v in found(layer, Variable) if not v.of_graph and id(v) not in known)
    return out


class Weights(list):
    """Weights of a layer, as its property gives them; the layer takes what is put into the list."""

    def __init__(self, values=(), take=lambda variables: None):
        super().__init__(values)
        self._take = take       # take(list of the variables that are now in it)

    def append(self, variable):
        super().append(variable)
        self._take(list(self))

    def extend(self, variables):
        super().extend(variables)
        self._take(list(self))

    def __iadd__(self, variables):
        self.extend(variables)
        return self


def unique(values):
    """The values, each once, in order."""
    return list({id(v): v for v in values}.values())
