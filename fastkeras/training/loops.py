"""The loops over epochs and batches."""

import itertools
from contextlib import closing

import numpy as np

from fastkeras import config, generation
from fastkeras.callbacks.logs import Logs
from fastkeras.training import finite
from fastkeras.training.objective import in_order
from fastkeras.utils.errors import warn


def fit(model, batches, train, callbacks, names, stateful, epochs, initial_epoch=0, validate=None, validation_freq=1):
    """Train for the epochs from initial_epoch up to, not including, epochs.

    train: weighted flags → Function. names, stateful: of the numbers a step gives. validate: () → pairs (name,
    number) of the validation data; called after the epochs that validation_freq (a number, or a collection of epochs counted
    from 1) names. Stops where model.stop_training is set, and after an epoch for which the batches did not suffice.
    """
    begin = callbacks.methods('on_train_batch_begin')
    end = callbacks.methods('on_train_batch_end')
    warned = False
    epochs = min(epochs, config.max_epochs() or epochs)
    for epoch in range(initial_epoch, epochs):
        model.reset_metrics()
        callbacks.on_epoch_begin(epoch)
        totals, seen = None, 0
        function = weighted = None
        with closing(batches.epoch()) as given:
            for k, (arrays, size) in _some(given):
                if function is None or batches.weighted != weighted:
                    weighted = batches.weighted
                    function = train(weighted)
                if begin:
                    callbacks.on_train_batch_begin(k, Logs(batch=k, size=size))
                values = numbers(function(*arrays))
                seen += size
                totals = added(totals, values, size)
                if not warned and values and not finite.all_of(values[0]):
                    warned, model._warned_of_loss = True, False     # in every fit, whatever was said before
                    finite.check(model, values[0], f'at batch {k} of epoch {epoch + 1}', batches.slots, arrays,
                                 batches.rows(k))
                if end:
                    callbacks.on_train_batch_end(k, Logs([('batch', k), ('size', size), *zip(names, values)]))
                if model.stop_training:
                    break
        ended = batches.missing and not model.stop_training and not config.max_steps_per_epoch()
        if totals is None and epoch == initial_epoch:
            raise ValueError('fit: the generator ended before its first batch')
        if ended:
            warn(f'fit: the generator ran out of data after {batches.given} of the {batches.steps} batches of '
                 f'epoch {epoch + 1}, so training ends here; it must give steps_per_epoch * epochs = '
                 f'{batches.steps * (epochs - initial_epoch)} batches in all', UserWarning)
        if totals is None:
            break
        logs = Logs()
        if validate is not None and not model.stop_training and due(epoch, validation_freq):
            found = validate()
            logs = Logs([(f'val_{n}', v) for n, v in in_order(found)])
        trained = in_order(zip(names, averages(totals, seen, values, stateful)))
        if generation.of('logs.sorted'):
            logs = Logs([*trained, *logs.items()])
        else:
            logs.update(trained)
        callbacks.on_epoch_end(epoch, logs)
        if model.stop_training or ended:
            break


def warn_if_short(batches, method):
    """Warn of a generator that ended early."""
    if batches.missing and not config.max_steps_per_epoch():
        warn(f'{method}: the generator ran out of data after {batches.given} of {batches.steps} batches; the '
             'result is that of those', UserWarning)


def _some(given):
    """The batches of an epoch, numbered: as many as config.set_max_steps_per_epoch lets it have."""
    return enumerate(itertools.islice(given, config.max_steps_per_epoch()))


def due(epoch, freq):
    """Whether validation data are looked at after this epoch, counted from 0."""
    return (epoch + 1) in freq if hasattr(freq, '__contains__') else (epoch + 1) % freq == 0


def numbers(results):
    """Results of a step as Python floats, in the generation '2.2.4' as NumPy's of their type; what is no single number (a
    metric per class) as an array."""
    if generation.of('logs.values_are_float32'):
        return [v.copy()[()] for v in map(np.asarray, results)]
    try:
        return [float(v) for v in results]
    except TypeError:
        return [float(v) if not v.ndim else v.copy() for v in results]


def added(totals, values, size):
    """Sums of values times batch sizes, with one batch more."""
    return [v * size for v in values] if totals is None else [t + v * size for t, v in zip(totals, values)]


def averages(totals, seen, last, stateful):
    """Values over all samples: averages, or the last value of what is a result so far."""
    return [v if s else t / seen for t, v, s in zip(totals, last, stateful)]


def evaluate(model, batches, test, names, stateful, callbacks=None, progbar=None):
    """List of the numbers of a test step, over all batches; empty where there is none."""
    begin = callbacks.methods('on_test_batch_begin') if callbacks is not None else None
    end = callbacks.methods('on_test_batch_end') if callbacks is not None else None
    totals, seen, values = None, 0, None
    if callbacks is not None:
        callbacks.on_test_begin()
    with closing(batches.epoch()) as given:
        for k, (arrays, size) in _some(given):
            if begin:
                callbacks.on_test_batch_begin(k, Logs(batch=k, size=size))
            values = numbers(test(batches.weighted)(*arrays))
            if values and not finite.all_of(values[0]):
                finite.check(model, values[0], 'in evaluate', batches.slots, arrays, batches.rows(k))
            seen += size
            totals = added(totals, values, size)
            if end:
                callbacks.on_test_batch_end(k, Logs([('batch', k), ('size', size), *zip(names, values)]))
            if progbar is not None:
                progbar.update(k + 1 if batches.samples is None or batches.steps else seen)
    if progbar is not None:
        progbar.finish()
    warn_if_short(batches, 'evaluate')
    result = averages(totals, seen, values, stateful) if totals is not None else []
    if callbacks is not None:
        callbacks.on_test_end(Logs(zip(names, result)))
    return result


def predict(batches, function, callbacks=None, progbar=None):
    """List of the arrays that the outputs give for all samples. function: key of a batch → Function.

    Batches of arrays are written straight into the result; others are put together at the end.
    """
    begin = callbacks.methods('on_predict_batch_begin') if callbacks is not None else None
    end = callbacks.methods('on_predict_batch_end') if callbacks is not None else None
    result, parts, done = None, [], 0
    total = batches.samples if batches.steps is None else None
    if callbacks is not None:
        callbacks.on_predict_begin()
    with closing(batches.epoch()) as given:
        for k, (arrays, size) in _some(given):
            if begin:
                callbacks.on_predict_batch_begin(k, Logs(batch=k, size=size))
            plan = function(batches.weighted).traced_for(arrays)
            by_row = total is not None and not batches.sizes_vary and all(s and s[0] == size for s, _ in plan.shapes)
            if by_row and result is None and not parts:
                result = [np.empty((total, *s[1:]), d) for s, d in plan.shapes]
            if by_row and result is not None:
                outs = [r[done:done + size] for r in result]
                plan.run(arrays, outs)
            else:
                outs = plan.run(arrays)
                parts.append(outs)
            done += size
            if end:
                callbacks.on_predict_batch_end(k, Logs(batch=k, size=size, outputs=outs))
            if progbar is not None:
                progbar.update(k + 1 if total is None else done)
    if progbar is not None:
        progbar.finish()
    warn_if_short(batches, 'predict')
    if result is None and not parts:
        raise ValueError('predict: the generator ended before its first batch')
    if callbacks is not None:
        callbacks.on_predict_end()
    if parts:
        try:
            result = [np.concatenate(column, axis=0) for column in zip(*parts)]
        except ValueError:
            shapes = sorted({str(a.shape) for column in parts for a in column})
            raise ValueError(f"predict: the results of batches cannot be joined along the first axis, their shapes are "
                             f"{', '.join(shapes)}; use predict_on_batch") from None
    elif done < total:
        result = [r[:done] for r in result]
    return result
