"""The state of a model's parts into a store of Keras 3's kind, and back: variables, those of the optimizer, assets."""

import contextlib
import os
import tempfile

import numpy as np

from fastkeras.layers import input_spec
from fastkeras.layers.base import Layer
from fastkeras.layers.keeping import Keeping
from fastkeras.metrics import Metric
from fastkeras.optimizers import Optimizer
from fastkeras.saving import frozen_slots, values, walk
from fastkeras.saving.by_label import Labels
from fastkeras.saving.optimizer_state import has_not_begun
from fastkeras.saving.report import LoadReport
from fastkeras.utils.errors import ModelFileError, warn

_LISTED = 6


def save(model, store, assets=None, optimizer=True, skip=()):
    """Write the state of a model and of all its parts. assets: path → {name of a file: bytes}, filled with what layers keep in
    files. optimizer: also its state. skip: parts to leave out."""
    skipped = {id(p) for p in skip}
    for path, part in walk.parts(model):
        if id(part) in skipped:
            continue
        if isinstance(part, Optimizer):
            if not optimizer:
                continue
            with _made(part, model):
                _write(part, path, store)
            continue
        _write(part, path, store)
        if assets is not None and hasattr(part, 'save_assets'):
            found = _assets_of(part)
            if found:
                assets[path] = found


@contextlib.contextmanager
def _made(optimizer, model):
    """An optimizer that has not done a step yet has no state; what is written is that of its first step."""
    if not getattr(optimizer, 'built', True) and hasattr(optimizer, 'build'):
        optimizer.build(model.trainable_weights)
    yield


def _write(part, path, store):
    if hasattr(part, 'save_own_variables'):         # metrics have none, as in Keras 3: what they have seen is in no file
        part.save_own_variables(store.make(path, getattr(part, 'name', None)))


def load(model, store, assets=None, skip_mismatch=False, skip=(), optimizer=True, own=False):
    """Read the state of a model and of all its parts: all of it, or nothing.

    assets: archive.Assets. skip_mismatch: leave out, with a warning, parts whose variables are not there or of other
    shapes. skip: parts to leave as they are. optimizer: also its state, where the file has it. own: the model is the one
    of the file, so that its layers stand in the file's order. Returns a report.LoadReport.
    Raises ModelFileError, with the path, where variables are missing or of other shapes.
    """
    skipped = {id(p) for p in skip}

    def needs(part):
        return [] if id(part) in skipped else walk.own_variables(part)

    def holds(path, part):
        if isinstance(part, (Optimizer, Metric)) or id(part) in skipped:
            return True
        if _has_own_hook(part):
            return store.has(path)
        wanted = _number(part)
        return not wanted or len(store.at(path)) == wanted

    def fits(path, part):
        try:
            return _has_own_hook(part) or not isinstance(part, Keeping) or part._fitted(store.at(path)) is not None
        except ValueError:
            return False

    labels = Labels(store, fits)
    ways = walk.Ways(holds, store.of_213, (lambda path, inside: inside) if own else labels.arranged)
    found = ways.go(model)
    left_out = [_lacking(path, part, store) for path, part in ways.missing.values() if needs(part)]
    if left_out and not skip_mismatch:
        raise ModelFileError(_message(left_out, found, store))
    pairs, hooks, owners, read, misfits = [], [], {}, [], []
    for path, part in found:
        if id(part) in skipped or isinstance(part, Optimizer):
            continue
        kept = store.at(path)
        read.append((path, kept))
        try:
            if isinstance(part, Metric):
                pairs += _of_metric(part, kept)
            elif _has_own_hook(part):
                hooks.append((path, part, kept))
            elif kept or _number(part):
                fitted = part._fitted(kept)
                owners.update((id(v), part) for v, _ in fitted)
                pairs += fitted
        except ValueError as error:
            if not skip_mismatch:
                raise ModelFileError(f'{path or "the model"}: {error}') from error
            left_out.append(f'{path}: {error}')
            misfits.append(read.pop()[0])
    if left_out:
        warn(f'weights are left out: {"; ".join(left_out[:_LISTED])}' + ('; …' if len(left_out) > _LISTED else ''))
    unused = _unused(found, store)
    if unused:
        warn(f'the file has weights that the model has no place for: {", ".join(unused[:_LISTED])}'
             + (', …' if len(unused) > _LISTED else ''))
    not_used = [name for path in (*unused, *misfits) for name in _names(path, store.inside(_vars(path)) or store.at(path))]
    # read before anything is changed: what is wrong with it leaves the model as it was
    state = _optimizer_state(model, found, store, labels.moved) if optimizer else ()
    with _undone_by_errors(model, hooks):
        values.assign_all(pairs, lambda v: input_spec.title(owners[id(v)]) if id(v) in owners else 'a metric',
                          store.check)
        for path, part, kept in hooks:
            _run_hook(path, part, kept)
        _load_assets(found, assets)
    for part, other, arrays in state:
        _load_optimizer(part, other, arrays)
    used = {name for path, kept in read for name in _names(path, kept)}
    taken = {id(v) for v, _ in pairs} | {id(v) for _, part, _ in hooks for v in walk.own_variables(part)}
    return LoadReport(used=sorted(used), unused=sorted(not_used), missing=[v.name for v in model.weights if id(v) not in taken])


def _vars(path):
    return f'{path}/vars' if path else 'vars'


def _names(path, kept):
    """The variables at a path as a report has them."""
    return [f'{_vars(path)}/{name}' for name in kept]


def _has_own_hook(part):
    """Whether a class of the user's says itself how its variables are read."""
    return isinstance(part, Layer) and not type(part).load_own_variables.__module__.startswith('fastkeras.')


def _number(part):
    """How many variables a part has in a file."""
    return part._stored_number() if isinstance(part, Keeping) else len(walk.own_variables(part))


def _lacking(path, part, store):
    found = len(store.at(path))
    return (f'{input_spec.title(part)} needs {_number(part)} variables at {path or "the root"}/vars, the file has '
            f'{found or "none"} there')


def _message(left_out, found, store):
    unused = _unused(found, store)
    text = '; '.join(left_out[:_LISTED]) + ('; …' if len(left_out) > _LISTED else '')
    if unused:
        text += f'. Not used are {", ".join(unused[:_LISTED])}' + (', …' if len(unused) > _LISTED else '')
    return text


def _is_other(path):
    """Whether a path is of what is not a layer's: the optimizer, metrics, seeds of random layers."""
    first, last = path.split('/')[0], path.split('/')[-1]
    return first in ('optimizer', 'metrics', '_metrics', 'compile_metrics', '_compile_metrics', '_loss_tracker') or (
        last in ('seed_generator', '_random_generator', 'generator', '_seed_generator'))


def _unused(found, store):
    used = {path for path, _ in found}
    return [p for p in store.paths() if p not in used and not _is_other(p)]


def _of_metric(metric, kept):
    variables = walk.own_variables(metric)
    if len(kept) != len(variables) or any(tuple(v.shape) != tuple(kept[str(k)].shape) if str(k) in kept else True
                                          for k, v in enumerate(variables)):
        return []       # what a metric has seen so far is not worth an error
    return [(v, kept[str(k)]) for k, v in enumerate(variables)]


@contextlib.contextmanager
def _undone_by_errors(model, hooks):
    """Where code of the user's takes part, put all weights back when it fails."""
    before = [(v, v.numpy()) for v in model.weights] if hooks else []
    try:
        yield
    except BaseException:
        for v, value in before:
            v.assign(value)
        raise


class Reading(dict):
    """What a hook of the user's reads from: arrays by name."""


def _run_hook(path, part, kept):
    try:
        part.load_own_variables(Reading((k, np.asarray(v)) for k, v in kept.items()))
    except ModelFileError:
        raise
    except Exception as error:
        raise ModelFileError(f'{path}: {input_spec.title(part)}, load_own_variables: {type(error).__name__}: '
                             f'{error}') from error


# ---- the optimizer
def _optimizer_state(model, found, store, moved):
    """[(optimizer of the model, None or one that has slots of frozen weights too, the arrays of the file for it)], read. moved:
    whether layers are in another order in the file, whose optimizer has its slots in that order."""
    state = []
    for path, part in found:
        kept = store.at(path) if isinstance(part, Optimizer) and part is getattr(model, 'optimizer', None) else None
        if kept and moved:
            _not_restored('the layers stand in another order in the file, and it numbers the slots')
        elif kept:
            if not part.built:
                part.build(model.trainable_weights)
            try:
                arrays = [kept[str(k)] for k in range(len(kept))]
            except KeyError as error:
                _not_restored(f'it lacks {error}')
                continue
            other, fits = None, _fits(part, arrays)
            if not fits:
                if has_not_begun(arrays):
                    continue
                other = frozen_slots.with_slots_of_all(model)
                fits = other is not None and _fits(other, arrays)
                other = other if fits else None
            if fits:
                arrays = [np.asarray(a) for a in arrays]        # others are refused by their shapes, unread
            state.append((part, other, arrays))
    return state


def _fits(optimizer, arrays):
    """Whether arrays have the shapes of the state of an optimizer, in either order."""
    shapes = [tuple(a.shape) for a in arrays]
    # `weights` makes what is not there, of as many numbers as the model has
    return shapes == [tuple(v.shape) for v in optimizer.variables] or shapes == [tuple(v.shape) for v in optimizer.weights]


def _load_optimizer(part, other, arrays):
    target = part if other is None else other
    own = target.variables
    try:
        if [tuple(a.shape) for a in arrays] == [tuple(v.shape) for v in own]:      # as Keras 3 writes them
            values.assign_all(zip(own, arrays))
            target.restored(own)
        else:
            target.set_weights(arrays)
    except ValueError as error:
        _not_restored(error)
    else:
        if other is not None:
            frozen_slots.take(part, other)


def _not_restored(why):
    warn(f'the state of the optimizer could not be restored, it begins anew: {why}')


# ---- assets: files of layers, kept in memory; only a layer of the user's gets a folder of its own
def _assets_of(part):
    if hasattr(part, '_assets') and type(part).save_assets.__module__.startswith('fastkeras.'):
        return part._assets()
    with tempfile.TemporaryDirectory() as folder:
        part.save_assets(folder)
        found = {}
        for base, _, names in os.walk(folder):
            for name in names:
                full = os.path.join(base, name)
                with open(full, 'rb') as file:
                    found[os.path.relpath(full, folder).replace(os.sep, '/')] = file.read()
        return found


def _load_assets(found, assets):
    for path, part in found if assets else ():
        files = assets.under(path) if hasattr(part, 'load_assets') else None
        if not files:
            continue
        try:
            if hasattr(part, '_set_assets') and type(part).load_assets.__module__.startswith('fastkeras.'):
                part._set_assets(files)
                continue
            with tempfile.TemporaryDirectory() as folder:
                for name, data in files.items():
                    full = os.path.join(folder, *name.split('/'))
                    os.makedirs(os.path.dirname(full), exist_ok=True)
                    with open(full, 'wb') as file:
                        file.write(data)
                part.load_assets(folder)
        except (OSError, ModelFileError):
            raise
        except Exception as error:
            raise ModelFileError(f'assets/{path}: {input_spec.title(part)}: {error}') from error
