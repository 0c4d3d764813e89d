"""Which metric 'accuracy' and 'crossentropy' mean for an output, and by what name a metric is logged."""

from fastkeras import generation, losses
from fastkeras.metrics import functions, named

_ACCURACY = {'binary': functions.binary_accuracy, 'sparse': functions.sparse_categorical_accuracy,
             'categorical': functions.categorical_accuracy}
_CROSSENTROPY = {'binary': losses.binary_crossentropy, 'sparse': losses.sparse_categorical_crossentropy,
                 'categorical': losses.categorical_crossentropy}


def kind_of(loss, y_shape, output_shape):
    """'binary', 'sparse' or 'categorical': the kind of classification that a loss and shapes (or None) speak of."""
    function = losses.loss_function(loss)
    if output_shape[-1] == 1 or function is losses.binary_crossentropy:
        return 'binary'
    if losses.is_sparse(loss):
        return 'sparse'
    if function is not losses.categorical_crossentropy and y_shape is not None:
        fewer = len(y_shape) == len(output_shape) - 1
        if fewer or (len(y_shape) == len(output_shape) and y_shape[-1] == 1):
            return 'sparse'
    return 'categorical'


def choose(metric, loss, output_shape, y_shape=None):
    """(name in logs, function or Metric) for one entry of compile's `metrics`, on an output with this loss and shape.

    metric: name, function, Metric or configuration. Names: 'acc' for 'acc' and 'accuracy', the function's own for other
    words; in generation 3 as typed. Raises ValueError for an unknown name.
    """
    if isinstance(metric, str) and metric in ('acc', 'accuracy'):
        return generation.of('logs.accuracy') or metric, _ACCURACY[kind_of(loss, y_shape, output_shape)]
    if isinstance(metric, str) and metric in ('ce', 'crossentropy'):
        return 'ce' if generation.of('logs.full_metric_names') else metric, \
            _CROSSENTROPY[kind_of(loss, y_shape, output_shape)]
    found = named.get(metric)
    if isinstance(metric, str) and not generation.of('logs.full_metric_names'):
        return metric, found
    return name_of(found), found


def name_of(metric):
    """The name by which a function or Metric is logged."""
    name = getattr(metric, 'name', None) or getattr(metric, '__name__', None)
    if name is None and hasattr(metric, 'func'):            # functools.partial
        name = name_of(metric.func)
    return name or type(metric).__name__
