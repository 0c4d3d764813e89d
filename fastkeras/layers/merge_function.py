"""`merge` of Keras 1: one function for all ways to make one tensor of several."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from fastkeras.legacy.keras1 import MERGED
from fastkeras.utils.errors import nearest, warn

from . import merge as _module
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
        raise ValueError(f'merge: the `mode` argument must be one of {", ".join(map(repr, known))} or a function, got '
                         f'{mode!r}; {nearest(str(mode), known)}')
    warn(f'Update your `merge` call to the Keras 2 API: `{shown}(inputs)`')
    return layer(inputs)


class _Callable(ModuleType):
    """Keras had a module `layers.merge` and a function of that name beside it: the module is called as the function."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return merge(*args, **kwargs)


sys.modules[_module.__name__].__class__ = _Callable
