"""What `compile` was told, resolved per output: losses, their weights, metrics and their names."""


from fastkeras import generation, losses, metrics
from fastkeras.training.data import Slot
from fastkeras.utils.errors import warn

_BY_LOSS = ('accuracy', 'acc', 'crossentropy', 'ce')    # which function they mean depends on loss and shapes


class Entry:
    """One metric of one output. name: in the logs. given: what the user wrote; measure: the function or Metric it
    means. weighted: whether sample weights count. stateful: a Metric, whose value is the result so far, not that of a
    batch."""

    def __init__(self, name, given, measure, weighted):
        self.name = name
        self.given = given
        self.measure = measure
        self.weighted = weighted
        self.stateful = hasattr(measure, 'update_state') or bool(getattr(measure, 'stateful', False))


class Output:
    """One output of the model. loss is None where it is not trained: it then takes no target."""

    def __init__(self, index, name, shape, dtype, loss, loss_weight, mode):
        self.index = index
        self.name = name
        self.shape = tuple(shape)
        self.loss = loss
        self.loss_weight = loss_weight
        self.temporal = mode == 'temporal'
        self.entries = []
        self.slot = None if loss is None else self._slot(dtype)

    def _slot(self, dtype):
        """What its targets must be. A loss of the user's own may want any shape."""
        shape, function = None, losses.loss_function(self.loss)
        sparse = losses.is_sparse(self.loss)
        ours = getattr(losses, getattr(function, '__name__', ''), None) is function
        if sparse:
            shape = (*self.shape[:-1], 1)
        elif ours:
            shape = self.shape
        classes = self.shape[-1] if sparse and self.shape else None
        return Slot('target', self.name, shape, 'int32' if sparse else dtype, classes,
                    metrics.name_of(self.loss) if ours else None,
                    lambda y: losses.check_target(y.shape, self.shape, self.loss, self.name),
                    getattr(self.loss, '_fn_kwargs', {}).get('ignore_class'))


class Objective:
    """All outputs, what is computed of them, and the names under which the numbers are logged.

    names, shapes, dtypes: of the model's outputs. The rest: the arguments of `compile`. ValueError for unknown names of
    outputs, losses and metrics, and for lists whose length is not the number of outputs.
    """

    def __init__(self, names, shapes, dtypes, loss=None, metrics=None, loss_weights=None, sample_weight_mode=None,
                 weighted_metrics=None):
        loss_list = [losses.get(f) for f in _per_output('loss', loss, names)]
        if isinstance(loss, dict) and 'class_name' not in loss:
            for name in names:
                if name not in loss:
                    warn(f'output {name!r} has no loss in the dict that compile got: it is not trained, and '
                         'takes no targets')
        weights = _per_output('loss_weights', loss_weights, names, 1.0, many=True)
        modes = _per_output('sample_weight_mode', sample_weight_mode, names)
        for name, weight, mode in zip(names, weights, modes):
            if mode not in (None, 'temporal'):
                raise ValueError(f"sample_weight_mode of output {name!r}: expected None or 'temporal', got {mode!r}")
            if isinstance(weight, bool) or not hasattr(weight, '__float__'):
                raise ValueError(f'loss_weights of output {name!r}: expected a number, got {weight!r}')
        self.outputs = [Output(i, *row) for i, row in enumerate(
            zip(names, shapes, dtypes, loss_list, [float(w) for w in weights], modes))]
        self.trained = [o for o in self.outputs if o.loss is not None]
        self.slots = [o.slot for o in self.trained]
        self.temporal = [o.temporal for o in self.trained]
        self.names = ['loss']
        if len(names) > 1:
            self.names += [f'{o.name}_loss' for o in self.trained]
        self._add_metrics(names, metrics, weighted_metrics)
        entries = [e for o in self.trained for e in o.entries]
        # which of the values that a step gives are results so far, not of the batch alone
        self.stateful = [False] * (len(self.names) - len(entries)) + [e.stateful for e in entries]
        self.stateful_names = [n for n, s in zip(self.names, self.stateful) if s]
        self.states = [e.measure for e in entries if e.stateful]
        self.reported = []      # the last of the names: what layers report
        self.tracked = []       # (name, Metric) of those that are Metrics of theirs

    def _add_metrics(self, names, plain, weighted):
        lists = [_metrics_per_output(argument, value, names) for argument, value in
                 (('metrics', plain), ('weighted_metrics', weighted))]
        seen = []
        for output in self.trained:
            for weights_count, per_output in zip((False, True), lists):
                for given in per_output[output.index]:
                    name, measure = metrics.choose(given, output.loss, output.shape)
                    if isinstance(measure, type):
                        measure = measure()
                        name = metrics.name_of(measure) if generation.of('logs.full_metric_names') else name
                    if any(measure is m for m in seen) and hasattr(measure, 'update_state'):
                        measure = type(measure).from_config(measure.get_config())   # a state for each output
                    seen.append(measure)
                    self._add(output, name, given, measure, weights_count)

    def _add(self, output, name, given, measure, weighted):
        several = len(self.outputs) > 1
        prefix = f'{output.name}_' if several else ''
        if weighted and (generation.of('logs.full_metric_names') or prefix + name in self.names):
            name = f'weighted_{name}'
        name = first = prefix + name
        number = 1
        while name in self.names:
            name = f'{first}_{number}'
            number += 1
        output.entries.append(Entry(name, given, measure, weighted))
        self.names.append(name)

    def of_trained(self, values):
        """A list with a member for each output (targets, weights), without those of outputs that have no loss, as a dict
        may name them too; anything else as it is."""
        if (isinstance(values, (list, tuple)) and len(values) == len(self.outputs) != len(self.trained) and self.trained
                and all(v is None or isinstance(v, dict) or hasattr(v, 'shape') or hasattr(v, '__array__') for v in values)):
            return [values[o.index] for o in self.trained]
        return values

    def add_reported(self, name, stateful=False):
        """A name for a number that a layer reports, by add_metric (known once the first step is traced) or by a Metric
        of its own."""
        if name not in self.names:
            self.names.append(name)
            self.stateful.append(stateful)
            self.reported.append(name)

    def track(self, measures):
        """Report the Metrics that layers keep and update in their `call`, each once."""
        for measure in measures:
            if any(measure is m for m in self.states):
                continue
            name, number = measure.name, 1
            while name in self.names:
                name = f'{measure.name}_{number}'
                number += 1
            self.add_reported(name, True)
            self.stateful_names.append(name)
            self.states.append(measure)
            self.tracked.append((name, measure))

    def measure(self, entry, output, y_shape):
        """The function or Metric of an entry; for 'accuracy' the one that also suits the targets' shape."""
        if isinstance(entry.given, str) and entry.given in _BY_LOSS:
            return metrics.choose(entry.given, output.loss, output.shape, y_shape)[1]
        return entry.measure

    def reset(self):
        """Set the states of all Metrics back."""
        for state in self.states:
            (getattr(state, 'reset_state', None) or state.reset_states)()


def _per_output(argument, value, names, default=None, many=False):
    """A list with one member per output from one value for all, a list, or a dict by name. many: no single value."""
    if value is None:
        return [default] * len(names)
    if isinstance(value, dict) and 'class_name' not in value:
        for name in value:
            if name not in names:
                raise ValueError(f'{argument}: unknown output {name!r}; the outputs are {", ".join(map(repr, names))}')
        return [value.get(n, default) for n in names]
    if isinstance(value, (list, tuple)):
        if len(value) != len(names):
            raise ValueError(f'{argument}: expected one entry for each of the {len(names)} outputs '
                             f'({", ".join(map(repr, names))}), got {len(value)}: {value!r}')
        return list(value)
    if many and len(names) != 1:
        raise ValueError(f'{argument}: expected a list or a dict with a number for each of the outputs '
                         f'{", ".join(map(repr, names))}, got {value!r}')
    return [value] * len(names)


def _metrics_per_output(argument, value, names):
    """For each output the list of its metrics. A flat list counts for all outputs, as in Keras 2."""
    if value is None:
        return [[] for _ in names]
    if isinstance(value, dict) and 'class_name' not in value:
        return [_listed(v) for v in _per_output(argument, value, names)]
    value = _listed(value)
    if value and all(v is None or isinstance(v, (list, tuple)) for v in value):
        return [_listed(v) for v in _per_output(argument, value, names)]
    if any(isinstance(v, (list, tuple)) for v in value):
        return [_listed(v) for v in _per_output(argument, value, names)]
    return [[v for v in value if v is not None] for _ in names]


def _listed(value):
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
