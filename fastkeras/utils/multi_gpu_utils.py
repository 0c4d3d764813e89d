"""`multi_gpu_model`, which old training scripts wrap their model in."""

from __future__ import annotations

from typing import Any

from fastkeras.models import Model

__all__ = ['multi_gpu_model']


def multi_gpu_model(model: Any, gpus: Any = None, cpu_merge: bool = True, cpu_relocation: bool = False) -> Any:
    """A model that computes what `model` does, with the same layers and weights, to be compiled on its own.

    Keras splits each batch among devices and joins the results; here all processors work on the whole batch as it is.
    gpus: None, or a number from 2 up, or a list of at least 2 numbers of devices; it changes nothing, nor do cpu_merge
    and cpu_relocation. ValueError for other gpus.
    """
    several = len(gpus) >= 2 if isinstance(gpus, (list, tuple)) else gpus is None or (
        not isinstance(gpus, bool) and hasattr(gpus, '__index__') and gpus >= 2)
    if not several:
        raise ValueError('multi_gpu_model: gpus: expected None, a number of devices from 2 up or a list of at least 2 of '
                         f'them, got {gpus!r}')
    return Model(model.inputs, model.outputs)
