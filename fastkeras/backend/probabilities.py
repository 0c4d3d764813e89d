"""Losses, normalisation, and the labelling of sequences, by the names of Keras 2's backend."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import config, ops
from fastkeras.ops import core
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import active_trace

from .symbolic import deferred, lifted, trimmed

__all__ = ['batch_normalization', 'binary_crossentropy', 'categorical_crossentropy', 'ctc_batch_cost', 'ctc_decode',
           'in_top_k', 'normalize_batch_in_training', 'sparse_categorical_crossentropy']


@lifted
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """-t · log(p) - (1 - t) · log(1 - p), element by element. from_logits: the output is before the sigmoid."""
    return ops.binary_crossentropy(target, output, from_logits)


@lifted
def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """-sum(t · log(p)) along an axis. from_logits: the output is before the softmax."""
    _check_axis('categorical_crossentropy', output, axis)
    return ops.categorical_crossentropy(target, output, from_logits, axis)


@lifted
def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """-log of the probability of the class in target along an axis. from_logits: the output is before the softmax."""
    _check_axis('sparse_categorical_crossentropy', output, axis)
    rank = len(output.shape)
    if axis % rank != rank - 1:
        output = ops.moveaxis(output, axis, -1)
    if len(target.shape) == len(output.shape) and target.shape[-1] == 1:
        target = ops.squeeze(target, -1)
    return ops.sparse_categorical_crossentropy(target, output, from_logits)


def _check_axis(title, output, axis):
    rank = len(output.shape)
    if not -rank <= axis < rank:
        raise ValueError(f"K.{title}: Unexpected channels axis {axis}. Expected to be -1 or one of the axes of `output`, which "
                         f"has {rank} dimensions.")


@lifted
def in_top_k(predictions: Any, targets: Any, k: int) -> Any:
    """Whether the class of each target is among the k most likely of its prediction."""
    return ops.in_top_k(targets, predictions, k)


@lifted
def batch_normalization(x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1, epsilon: Any = 1e-3) -> Any:
    """gamma · (x - mean) / sqrt(var + epsilon) + beta, of which beta and gamma may be None. Statistics have one axis, or those
    of x."""
    def along(s):
        if s is None or len(s.shape) == 1:
            return s
        return ops.reshape(s, (-1,))
    channels = x.shape[axis]
    given = [along(s) for s in (mean, var, beta, gamma)]
    if all(s is None or tuple(s.shape) in ((channels,), (None,)) for s in given):
        mean, var, beta, gamma = given
        return ops.batch_normalization(x, mean, var, axis, beta, gamma, epsilon)
    y = ops.multiply(ops.subtract(x, mean), ops.rsqrt(ops.add(var, epsilon)))
    y = y if gamma is None else ops.multiply(y, gamma)
    return y if beta is None else ops.add(y, beta)


@lifted
def normalize_batch_in_training(x: Any, gamma: Any, beta: Any, reduction_axes: Any, epsilon: Any = 1e-3) -> Any:
    """(x normalised by its own mean and variance over the axes, the mean, the variance)."""
    axes = tuple(a % len(x.shape) for a in reduction_axes)
    mean, var = ops.moments(x, axes)
    shape = tuple(1 if k in axes else d for k, d in enumerate(x.shape))
    along = [None if s is None else ops.reshape(s, tuple(-1 if d is None else d for d in shape))
             for s in (mean, var, gamma, beta)]
    y = ops.multiply(ops.subtract(x, along[0]), ops.rsqrt(ops.add(along[1], epsilon)))
    y = y if gamma is None else ops.multiply(y, along[2])
    return (y if beta is None else ops.add(y, along[3])), mean, var


@lifted
def ctc_batch_cost(y_true: Any, y_pred: Any, input_length: Any, label_length: Any) -> Any:
    """The loss of connectionist temporal classification for each sample: (batch, 1).

    y_true: labels (batch, length); y_pred: probabilities (batch, steps, classes), of which the last is the blank; input_length,
    label_length: (batch, 1), how many count.
    """
    lengths = [ops.cast(ops.reshape(n, (-1,)), 'int32') for n in (label_length, input_length)]
    logits = ops.log(ops.add(y_pred, config.epsilon()))
    return ops.expand_dims(ops.ctc_loss(ops.cast(y_true, 'int32'), logits, *lengths, mask_index=-1), 1)


@lifted
def ctc_decode(y_pred: Any, input_length: Any, greedy: bool = True, beam_width: int = 100, top_paths: int = 1) -> Any:
    """(list of label sequences (batch, longest), filled up with -1, log-probabilities (batch, top_paths)).

    y_pred: probabilities (batch, steps, classes), of which the last is the blank; input_length: (batch,). greedy: the most
    likely class of each step; else the top_paths best sequences of a beam search. In a plan the sequences are as long as the
    steps; a function cuts them to the longest.
    """
    def decoded(y_pred, input_length):
        logits = ops.log(ops.add(y_pred, config.epsilon()))
        options = {'strategy': 'greedy'} if greedy else {'strategy': 'beam_search', 'beam_width': beam_width,
                                                         'top_paths': top_paths}
        paths, scores = ops.ctc_decode(logits, ops.cast(input_length, 'int32'), mask_index=-1, **options)
        # TensorFlow gives whole numbers of 64 bits
        return [*(ops.cast(paths[k], 'int64') for k in range(1 if greedy else top_paths)), scores]

    count = 1 if greedy else top_paths
    if active_trace() is None and not isinstance(y_pred, Tensor) and not isinstance(input_length, Tensor):
        *paths, scores = decoded(core.to_array(y_pred), core.to_array(input_length))
        return [trimmed(np.asarray(p), -1) for p in paths], scores
    spec = [*[(tuple(y_pred.shape[:2]), 'int64')] * count, ((y_pred.shape[0], count), core.dtype_of(y_pred))]
    *paths, scores = deferred('ctc_decode', decoded, [y_pred, input_length], spec)
    for p in paths:
        if p.op == 'input':
            p.attrs['filler'] = -1
    return paths, scores
