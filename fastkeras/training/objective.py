"""What `compile` was told, resolved per output: losses, their weights, metrics and their names."""

import numpy as np

from fastkeras import generation, losses, metrics
from fastkeras.layers import InputLayer
from fastkeras.training.data import Slot
from fastkeras.utils import nest
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
    """One output of the model. loss is None where it is not trained: it then takes no target. target: what compile was given
    in place of one that is fed; slot: what a fed one must be, else None."""

    def __init__(self, index, name, shape, dtype, loss, loss_weight, mode, target):
        self.index = index
        self.name = name
        self.shape = tuple(shape)
        self.loss = loss
        self.loss_weight = loss_weight
        self.temporal = mode == 'temporal'
        self.entries = []
        self.target = target
        self.described = None if loss is None else self._slot(dtype)
        self.slot = None if target is not None else self.described

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

    names, shapes, dtypes: of the model's outputs; named: whether the names are of layers or of a dict, and not made up. The
    rest: the arguments of `compile`. ValueError for unknown names of
    outputs, losses and metrics, and for lists whose length is not the number of outputs.
    """

    def __init__(self, names, shapes, dtypes, loss=None, metrics=None, loss_weights=None, sample_weight_mode=None,
                 weighted_metrics=None, target_tensors=None, inputs=(), named=True):
        loss_list = [losses.get(f) for f in _per_output('loss', loss, names)]
        if isinstance(loss, dict) and 'class_name' not in loss:
            for name in names:
                if name not in loss:
                    warn(f'output {name!r} has no loss in the dict that compile got: it is not trained, and '
                         'takes no targets')
        weights = _per_output('loss_weights', loss_weights, names, 1.0, many=True)
        modes = _per_output('sample_weight_mode', sample_weight_mode, names)
        for name, weight, mode in zip(names, weights, modes):
            if mode not in (None, 'samplewise', 'temporal'):
                raise ValueError(f"sample_weight_mode of output {name!r}: expected None, 'samplewise' or 'temporal', "
                                 f'got {mode!r}')
            if isinstance(weight, bool) or not hasattr(weight, '__float__'):
                raise ValueError(f'loss_weights of output {name!r}: expected a number, got {weight!r}')
        self.outputs = [Output(i, *row) for i, row in enumerate(
            zip(names, shapes, dtypes, loss_list, [float(w) for w in weights], modes,
                _targets(target_tensors, names, inputs)))]
        self.trained = [o for o in self.outputs if o.loss is not None]
        self.slots = [o.slot for o in self.trained if o.slot is not None]     # of the targets that are fed
        self.temporal = [o.temporal for o in self.trained]
        self.names = ['loss']
        self.prefixed = len(names) > 1 and (named or not generation.of('logs.unnamed_outputs_by_loss'))
        if len(names) > 1:
            given = _per_output('loss', loss, names)
            for o in self.trained:
                self._add_name(f'{o.name if self.prefixed else _loss_name(given[o.index])}_loss')
        self.loss_names = self.names[1:]
        self._add_metrics(names, metrics, weighted_metrics)
        entries = [e for o in self.trained for e in o.entries]
        # which of the values that a step gives are results so far, not of the batch alone
        self.stateful = [False] * (len(self.names) - len(entries)) + [e.stateful for e in entries]
        self.stateful_names = [n for n, s in zip(self.names, self.stateful) if s]
        self.states = [e.measure for e in entries if e.stateful]
        self.appended = []      # (name, Keras tensor) that the user added to the model's metrics_names and metrics_tensors
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
        prefix = f'{output.name}_' if self.prefixed else ''
        if weighted and (generation.of('logs.full_metric_names') or prefix + name in self.names):
            name = f'weighted_{name}'
        output.entries.append(Entry(self._add_name(prefix + name), given, measure, weighted))

    def _add_name(self, first):
        name, number = first, 1
        while name in self.names:
            name = f'{first}_{number}'
            number += 1
        self.names.append(name)
        return name

    def names_listed(self, names=None):
        """Names of numbers in the order in which they are listed: as they are, in generation 3 the loss, then losses of outputs
        and the rest, sorted; or, where metrics have no name of an output before theirs, these, losses of outputs, the rest."""
        names = self.names if names is None else names
        if not generation.of('logs.sorted'):
            return names
        entries = [] if self.prefixed else [e.name for o in self.trained for e in o.entries]
        first = [n for n in ('loss', *entries, *self.loss_names) if n in names]
        return [*first, *sorted(n for n in names if n not in first)]

    def answer(self, values, return_dict=False):
        """The numbers of a step, or of evaluate, as they are given to the user: the only one, a list, or a dict by name."""
        return answered(values, self.names, self.names_listed(), return_dict)

    def of_fed(self, values):
        """Targets as `of_trained` has them, without those that compile was given."""
        values = self.of_trained(values)
        if isinstance(values, (list, tuple)) and len(values) == len(self.trained) != len(self.slots):
            return [v for v, o in zip(values, self.trained) if o.slot is not None]
        return values

    def of_trained(self, values):
        """A list with a member for each output (targets, weights), without those of outputs that have no loss, as a dict
        may name them too; anything else as it is."""
        if (isinstance(values, (list, tuple)) and len(values) == len(self.outputs) != len(self.trained) and self.trained
                and all(v is None or isinstance(v, dict) or hasattr(v, 'shape') or hasattr(v, '__array__') for v in values)):
            return [values[o.index] for o in self.trained]
        return values

    def listed(self, values, what):
        """A list with a member, or None, for each trained output: of a value for the only one, a list, or a dict by name. what:
        their name, for the ValueError where they do not fit."""
        if isinstance(values, dict):
            return [values.get(o.name) for o in self.trained]
        values = self.of_trained(list(values) if isinstance(values, (list, tuple)) else [values])
        if len(values) == 1 and values[0] is None:
            values = values * len(self.trained)
        if len(values) != len(self.trained):
            raise ValueError(f'{what}: expected one member for each of the {len(self.trained)} trained outputs '
                             f'({", ".join(repr(o.name) for o in self.trained)}), got {len(values)}')
        return values

    def add_reported(self, name, stateful=False):
        """A name for a number that a layer reports, by add_metric (known once the first step is traced) or by a Metric
        of its own."""
        if name not in self.names:
            self.names.append(name)
            self.stateful.append(stateful)
            self.reported.append(name)

    def append(self, tensors):
        """Report the Keras tensors too that were appended to the model's metrics_tensors, under the names that were appended to
        `names`. Returns whether there are new ones; ValueError where there are not as many."""
        names, tensors = self.names[len(self.stateful):], tensors[len(self.appended):]
        if len(names) != len(tensors):
            raise ValueError(f'expected as many names appended to metrics_names as tensors to metrics_tensors, got '
                             f'{len(names)} ({", ".join(map(repr, names))}) and {len(tensors)}')
        self.appended += zip(names, tensors)
        self.reported += names
        self.stateful += [False] * len(names)
        return bool(names)

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


def in_order(pairs):
    """Pairs (name, value) as logs have them: as compiled, in generation 3 by name."""
    return sorted(pairs, key=lambda pair: pair[0]) if generation.of('logs.sorted') else list(pairs)


def answered(values, names, listed, return_dict):
    """Numbers by name: the only one, a list in the order of `listed`, or a dict."""
    if return_dict:
        return dict(in_order(zip(names, values)))
    if listed is not names:
        by_name = dict(zip(names, values))
        values = [by_name[n] for n in listed if n in by_name]
    return nest.unpack(values)


def _loss_name(loss):
    return loss if isinstance(loss, str) else metrics.name_of(losses.get(loss))


def _targets(given, names, inputs):
    """For each output the target that compile was given, None where it is fed: also in place of an Input that is none of the
    model's, which in Keras 2 stands for what is fed."""
    if given is not None and not isinstance(given, (list, tuple, dict)):
        given = [given]
    found = _per_output('target_tensors', given, names)
    for k, (name, target) in enumerate(zip(names, found)):
        if target is not None and not (hasattr(target, '__fastkeras_tensor__') or isinstance(target, np.ndarray)):
            raise ValueError(f'target_tensors of output {name!r}: expected a Variable, an array or a Keras tensor, got '
                             f'{target!r}')
        layer = getattr(getattr(target, '_keras_history', None), 'layer', None)
        if isinstance(layer, InputLayer) and all(target is not t for t in inputs):
            found[k] = None
    return found


def _per_output(argument, value, names, default=None, many=False):
    """A list with one member per output from one value for all, a list, or a dict by name. many: no single value."""
    if value is None:
        return [default] * len(names)
    if isinstance(value, dict) and 'class_name' not in value:
        for name in value:
            if name not in names:
                raise ValueError(f'Unknown entry in {argument} dictionary: unknown output {name!r}; the outputs are '
                                 f'{", ".join(map(repr, names))}')
        return [value.get(n, default) for n in names]
    if isinstance(value, (list, tuple)):
        if len(value) != len(names):
            raise ValueError(f'{argument}: a list should have one entry per model output; the model has {len(names)} outputs '
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
