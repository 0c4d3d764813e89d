"""`merge` and `Merge` of Keras 1: one function, and one layer, for all ways to make one tensor of several."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from fastkeras import late
from fastkeras.legacy.keras1 import MERGED
from fastkeras.utils.errors import nearest, warn

from . import merge as _module
from . import naming
from .base import Layer
from .described import get_source_inputs
from .input import Input
from .keras1_layers import CosineOfProducts
from .lambda_ import Lambda
from .merge import Concatenate, Dot


def merge(inputs: Any, mode: Any = 'sum', concat_axis: int = -1, dot_axes: Any = -1, output_shape: Any = None,
          output_mask: Any = None, arguments: Any = None, name: str | None = None) -> Any:
    """One tensor of several, with a warning that shows the layer of today.

    inputs: a list of Keras tensors. mode: 'sum', 'mul', 'ave', 'max', 'concat' along concat_axis, 'dot' or 'cos' along dot_axes
    (one, or one for each input), or a function of the list, for which output_shape, output_mask and arguments are those of
    Lambda. ValueError for another mode.
    """
    layer, shown = _layer_of('merge', mode, concat_axis, dot_axes, output_shape, output_mask, arguments, name)
    warn(f'Update your `merge` call to the Keras 2 API: `{shown}(inputs)`')
    return layer(inputs)


def Merge(layers: Any = None, mode: Any = 'sum', concat_axis: int = -1, dot_axes: Any = -1, output_shape: Any = None,
          output_mask: Any = None, arguments: Any = None, name: str | None = None) -> Any:
    """The layer of today for a mode of `merge`; given layers, a model that joins what they give. With a warning that shows how
    it is written today.

    layers: a list of two or more models, or of layers that say their input or were called once. The model has the inputs of
    them all, each once, and may be the first of a Sequential, which then has them too. The others: as in `merge`. ValueError
    for a layer whose input is not known, a model of several outputs, an unknown mode.
    """
    if layers is None:
        layer, shown = _layer_of('Merge', mode, concat_axis, dot_axes, output_shape, output_mask, arguments, name)
        warn(f'Update your `Merge` call to the Keras 2 API: `{shown}`')
        return layer
    if not isinstance(layers, (list, tuple)) or len(layers) < 2:
        raise ValueError(f'Merge: expected a list of at least two layers or models, got {layers!r:.80}')
    name = naming.auto_name('merge') if name is None else name
    layer, shown = _layer_of('Merge', mode, concat_axis, dot_axes, output_shape, output_mask, arguments, name)
    results = [_result(branch) for branch in layers]
    begins = {id(t): t for result in results for t in get_source_inputs(result)}
    warn(f'Update your `Merge` call to the Keras 2 API: `Model(inputs, {shown}([…]))`, of the inputs and outputs of the '
         f'{len(layers)} models')
    model = late.part('models').Model(list(begins.values()), layer(results), name=f'{name}_model')
    model._order_of_merged = tuple(dict.fromkeys(inner.name for branch in layers for inner in _inside(branch)))
    return model


def _inside(branch):
    """The layers of a branch, in the order in which Keras 1 stored their weights."""
    return branch._stored_layers if hasattr(branch, '_is_stack') else [branch]


def _result(branch):
    """The Keras tensor that a branch of a Merge gives."""
    if isinstance(branch, Layer) and not branch._inbound_nodes and not hasattr(branch, '_is_stack'):
        shape = getattr(branch, 'batch_input_shape', None)
        if shape is not None:
            return branch(Input(batch_shape=shape, dtype=branch._given_dtype, name=f'{branch.name}_input'))
    elif isinstance(branch, Layer):
        tensors = getattr(branch, 'outputs', None) if hasattr(branch, '_is_stack') else [branch.output]
        if tensors is not None and len(tensors) != 1:
            raise ValueError(f'Merge: expected layers and models of one output, got {len(tensors)} of {branch.name!r}')
        if tensors is not None:
            return tensors[0]
    else:
        raise ValueError(f'Merge: expected layers or models, got {type(branch).__name__}: {branch!r:.80}; tensors are joined '
                         'by merge(tensors, mode=…)')
    raise ValueError(f'Merge: the input of {branch.name!r} is not known; give its first layer an input_shape')


def _layer_of(caller, mode, concat_axis, dot_axes, output_shape, output_mask, arguments, name):
    """(the layer of a mode, how it is written)."""
    names = {'name': name} if name is not None else {}
    if not isinstance(mode, str) and callable(mode):
        layer = Lambda(mode, output_shape=output_shape, mask=output_mask, arguments=arguments, **names)
        shown = f'Lambda({getattr(mode, "__name__", "mode")})'
    elif mode in MERGED:
        layer = getattr(_module, MERGED[mode])(**names)
        shown = f'{type(layer).__name__}()'
    elif mode == 'concat':
        layer, shown = Concatenate(axis=concat_axis, **names), f'Concatenate(axis={concat_axis})'
    elif mode == 'dot':
        layer, shown = Dot(axes=dot_axes, **names), f'Dot(axes={dot_axes})'
    elif mode == 'cos':
        layer, shown = CosineOfProducts(axes=dot_axes, **names), f'Dot(axes={dot_axes}, normalize=True)'
    else:
        known = (*MERGED, 'concat', 'dot', 'cos')
        raise ValueError(f'{caller}: the `mode` argument must be one of {", ".join(map(repr, known))} or a function, got '
                         f'{mode!r}; {nearest(str(mode), known)}')
    return layer, shown


class _Callable(ModuleType):
    """Keras had a module `layers.merge` and a function of that name beside it: the module is called as the function."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return merge(*args, **kwargs)


sys.modules[_module.__name__].__class__ = _Callable
