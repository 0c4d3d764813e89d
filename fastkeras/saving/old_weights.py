"""Weights as other generations stored them, made into those of the layers here.

Keras 1 kept one array for each gate of a recurrent layer, and kernels of convolutions in the order of their data format;
Keras on Theano convolves with kernels that are turned around; cuDNN wants kernels in an order of its own, and two biases. The
arrays of a layer stand together in a file, however deep the layer is inside of wrappers and models: a `unit` is the Variables
of one such layer, in a row, and a rule turns the arrays of a file into its values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastkeras import layers
from fastkeras.saving import stored


class Origin(NamedTuple):
    """Who wrote a group of weights."""

    keras1: bool = False
    theano: bool = False


def origin(group: Any) -> Origin:
    """What the attributes of a group of weights say. Keras 1 wrote no version beside the weights, and its kernels are those of
    the backend that the file was made for."""
    version = stored.text_of(group, 'keras_version') or stored.text_of(group.parent, 'keras_version') or '1'
    return Origin(version.split('.')[0] == '1', stored.text_of(group, 'backend') == 'theano')


class Unit(NamedTuple):
    """Variables in a row that belong to one layer. layer: None where each array stands for itself."""

    layer: Any
    variables: list


def units(layer: Any, variables: Sequence[Any]) -> list[Unit]:
    """The Variables of a layer, in the order of a file, divided by the layers inside that own them."""
    owners = {id(v): inner for inner in _inside(layer) if _rule(inner) is not None for v in inner.weights}
    out: list[Unit] = []
    for v in variables:
        owner = owners.get(id(v))
        if owner is not None and out and out[-1].layer is owner:
            out[-1].variables.append(v)
        else:
            out.append(Unit(owner, [v]))
    return out


def _inside(layer):
    flatten = getattr(layer, '_flatten_layers', None)
    return list(flatten()) if flatten is not None else [layer]


def arrays_of(unit: Unit, rest: Sequence[Any], written: Origin) -> int:
    """How many arrays of a file, of which `rest` are the next, hold the values of a unit."""
    if unit.layer is None or not written.keras1:
        return len(unit.variables)
    return _rule(unit.layer).count(unit, rest)


def as_they_are(unit: Unit, arrays: Sequence[Any], written: Origin) -> bool:
    """Whether the arrays of a file, of which only the shapes are known, are the values of a unit."""
    return unit.layer is None or not written.keras1 and not written.theano and [tuple(a.shape) for a in arrays] == [
        tuple(v.shape) for v in unit.variables]


def may_fit(unit: Unit, arrays: Sequence[Any]) -> bool:
    """Whether the values of a unit could come of arrays of which only the shapes are known. (cuDNN has two biases for one.)"""
    return sum(a.size for a in arrays) <= 2 * sum(v.size for v in unit.variables)


def values(unit: Unit, arrays: list[np.ndarray], written: Origin) -> list[np.ndarray]:
    """The values of a unit's Variables from the arrays of a file. Where no rule makes them fit they come back as they are, for
    the caller to say so."""
    return arrays if unit.layer is None else _rule(unit.layer).values(unit, arrays, written)


def advice(unit: Unit, arrays: Sequence[Any]) -> str:
    """What to do about weights that do not fit, for the end of a message."""
    if isinstance(unit.layer, layers.GRU) and len(arrays) == 3:
        size = arrays[1].shape[-1] if arrays[1].shape else 0
        kept_apart = arrays[2].shape in ((2, size), (2 * size,))
        if kept_apart != unit.layer.reset_after:
            return f'; the file is of a GRU with reset_after={kept_apart}'
    return ''


class _Rule(NamedTuple):
    values: Callable[[Unit, list, Origin], list]
    count: Callable[[Unit, Sequence[Any]], int] = lambda unit, rest: len(unit.variables)


def _rule(layer):
    """How the arrays of a kind of layer are treated; None for those that never changed."""
    return next((rule for classes, rule in _RULES if isinstance(layer, classes)), None)


# ---- convolutions
def _fitting(array, shape, ways):
    """The first way to turn the axes that gives the shape wanted; the array as it is where none does."""
    for axes in ways:
        if axes is None and array.shape == shape or axes is not None and len(axes) == array.ndim and tuple(
                array.shape[a] for a in axes) == shape:
            return array if axes is None else array.transpose(axes)
    return array


def _turned_around(kernel, spatial):
    return kernel[(slice(None, None, -1),) * spatial] if kernel.ndim >= spatial else kernel


def _convolution(unit, arrays, written):
    out = []
    for v, array in zip(unit.variables, arrays):
        rank = len(v.shape) - 2
        if rank > 0 and v is unit.layer.kernel:
            if written.keras1:
                array = _kernel_of_keras1(unit.layer, array, tuple(v.shape))
            if written.theano:
                array = _turned_around(array, rank)
        out.append(array)
    return out


def _kernel_of_keras1(layer, kernel, shape):
    rank = len(shape) - 2
    if rank == 1:           # a two-dimensional one with an axis of 1; the first releases had it in the order of Theano
        found = _fitting(kernel, (shape[0], 1, *shape[1:]), (None, (2, 3, 1, 0)))
        return found[:, 0] if found.shape == (shape[0], 1, *shape[1:]) else kernel
    transposed = isinstance(layer, _TRANSPOSED)
    space = tuple(range(2, 2 + rank))
    if layer.data_format == 'channels_first':
        return _fitting(kernel, shape, ((*space, 0, 1) if transposed else (*space, 1, 0), None))
    return _fitting(kernel, shape, ((*range(rank), rank + 1, rank), None) if transposed else (None,))


def _separable(unit, arrays, written):
    if not written.keras1 or unit.layer.data_format != 'channels_first':
        return arrays
    return [_fitting(a, tuple(v.shape), ((2, 3, 1, 0), None)) if len(v.shape) == 4 else a
            for v, a in zip(unit.variables, arrays)]


# ---- activations with weights
def _of_places(unit, arrays, written):
    """Keras 1 did not write down along which axes a weight is one number: it is that number at all places here."""
    if not written.keras1:
        return arrays
    return [np.broadcast_to(a, v.shape) if a.ndim == len(v.shape) and all(n in (1, m) for n, m in zip(a.shape, v.shape)) else a
            for v, a in zip(unit.variables, arrays)]


# ---- recurrent layers
# where the arrays (kernel, recurrent kernel, bias) of each gate stand in Keras 1, in the order of the gates today
_GATES = {3: (0, 1, 2), 4: (0, 2, 1, 3)}


def _gates(unit):
    return 3 if isinstance(unit.layer, (layers.GRU, layers.CuDNNGRU)) else 4


def _count_of_gates(unit, rest):
    """Three arrays where consume_less was 'gpu', else three for each gate."""
    gates, whole = _gates(unit), tuple(unit.variables[0].shape)
    if rest and (tuple(rest[0].shape) == whole or len(rest) < 3 * gates):
        return len(unit.variables)
    return 3 * gates


def _joined(unit, arrays):
    """The arrays of the gates side by side; those of convolutional ones have the gates on the axis that holds the filters."""
    gates = _gates(unit)
    if len(arrays) != 3 * gates or len(unit.variables) != 3:
        return arrays
    first = getattr(unit.layer, 'data_format', None) == 'channels_first'
    out = []
    for k, v in enumerate(unit.variables):
        parts, rank = [arrays[3 * g + k] for g in _GATES[gates]], len(v.shape)
        if rank > 2:
            shape = (*v.shape[:-1], v.shape[-1] // gates)
            ways = ((*range(2, rank), 1, 0), None) if first else (None,)
            parts = [_fitting(p, shape, ways) for p in parts]
        if len({(p.ndim, p.shape[:-1]) for p in parts}) > 1 or not parts[0].ndim:
            return arrays
        out.append(np.concatenate(parts, -1))
    return out


def _convolutional_recurrent(unit, arrays, written):
    arrays = _joined(unit, arrays) if written.keras1 else arrays
    if written.theano:
        rank = len(unit.variables[0].shape) - 2
        arrays = [*(_turned_around(a, rank) for a in arrays[:2]), *arrays[2:]]
    return arrays


def _recurrent(unit, arrays, written):
    arrays = _joined(unit, arrays) if written.keras1 else arrays
    if len(arrays) != 3 or len(unit.variables) != 3 or arrays[1].ndim != 2 or arrays[0].ndim != 2:
        return arrays
    kernel, recurrent, bias = arrays
    layer, gates, size = unit.layer, _gates(unit), arrays[1].shape[1]
    ours, cudnn = tuple(unit.variables[2].shape), isinstance(layer, (layers.CuDNNGRU, layers.CuDNNLSTM))
    if bias.shape == ours or recurrent.shape[1] % gates or size != gates * recurrent.shape[0]:
        return arrays
    if bias.shape == (2 * size,) and not cudnn:
        # two biases: the LSTM adds them up, the GRU keeps them apart if it resets after the product
        if gates == 4:
            bias = bias[:size] + bias[size:]
        elif ours == (2, size):
            bias = bias.reshape(2, size)
        else:
            return arrays
        return [_of_cudnn(kernel, gates), _of_cudnn(recurrent, gates), bias]
    if cudnn and bias.shape in ((size,), (2, size)) and bias.ndim == (1 if gates == 4 else 2):
        bias = np.tile(bias * bias.dtype.type(0.5), 2) if gates == 4 else bias.reshape(-1)
        return [_to_cudnn(kernel, gates), _to_cudnn(recurrent, gates), bias]
    return arrays


def _of_cudnn(kernel, gates):
    """Each gate's block (size, units) holds the numbers of a matrix (units, size), row after row: that matrix, transposed."""
    size, units = kernel.shape[0], kernel.shape[1] // gates
    return np.concatenate([kernel[:, g * units:(g + 1) * units].reshape(units, size).T for g in range(gates)], 1)


def _to_cudnn(kernel, gates):
    """The other way round."""
    size, units = kernel.shape[0], kernel.shape[1] // gates
    return np.concatenate([kernel[:, g * units:(g + 1) * units].T.reshape(size, units) for g in range(gates)], 1)


_TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
_RULES = (
    ((layers.Conv1D, layers.Conv2D, layers.Conv3D, *_TRANSPOSED), _Rule(_convolution)),
    ((layers.SeparableConv2D,), _Rule(_separable)),
    ((layers.PReLU, layers.SReLU, layers.ParametricSoftplus), _Rule(_of_places)),
    ((layers.ConvLSTM1D, layers.ConvLSTM2D, layers.ConvLSTM3D), _Rule(_convolutional_recurrent, _count_of_gates)),
    ((layers.LSTM, layers.GRU, layers.CuDNNLSTM, layers.CuDNNGRU), _Rule(_recurrent, _count_of_gates)),
)
