"""Sparse tensors, as far as an engine of dense ones goes: they are made dense when they are fed, and labels become sparse when
they are evaluated."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from fastkeras import ops
from fastkeras.ops.tensor import Tensor

from .symbolic import as_symbol, lifted

__all__ = ['ctc_label_dense_to_sparse', 'is_sparse', 'to_dense']

SparseTensorValue = namedtuple('SparseTensorValue', 'indices values dense_shape')


def dense(x: Any) -> Any:
    """A matrix of scipy.sparse, or a SparseTensorValue, as an array; anything else as it is."""
    if isinstance(x, SparseTensorValue):
        out = np.zeros(x.dense_shape, x.values.dtype)
        out[tuple(x.indices.T)] = x.values
        return out
    return x.toarray() if hasattr(x, 'toarray') else x


def is_sparse(tensor: Any) -> bool:
    """Whether x is sparse: a matrix of scipy.sparse, or a placeholder made with sparse=True."""
    return hasattr(tensor, 'toarray') or isinstance(tensor, (SparseTensorValue, SparseLabels)) or (
        isinstance(tensor, Tensor) and bool(tensor.attrs.get('sparse')))


@lifted
def to_dense(tensor: Any) -> Any:
    """A sparse tensor as a dense one, any other as it is."""
    if isinstance(tensor, SparseLabels):
        return tensor.dense()
    if isinstance(tensor, Tensor) and tensor.attrs.get('sparse'):
        return ops.multiply(tensor, 1) if tensor.dtype != 'bool' else ops.logical_or(tensor, tensor)
    return dense(tensor)


class SparseLabels:
    """What ctc_label_dense_to_sparse gives of symbols: evaluated, it is a SparseTensorValue."""

    def __init__(self, labels: Any, lengths: Any) -> None:
        self.labels, self.lengths = labels, lengths

    def parts(self) -> Any:
        return self.labels, self.lengths

    def dense(self) -> Any:
        """The labels that count, and zeros."""
        length = self.labels.shape[1]
        kept = ops.less(np.arange(length, dtype='int32'), ops.reshape(ops.cast(self.lengths, 'int32'), (-1, 1)))
        return ops.where(kept, self.labels, ops.zeros_like(self.labels))

    def value(self, labels: Any, lengths: Any) -> SparseTensorValue:
        kept = np.arange(labels.shape[1]) < np.reshape(lengths, (-1, 1))
        return SparseTensorValue(np.argwhere(kept), labels[kept], np.array(labels.shape))


def ctc_label_dense_to_sparse(labels: Any, label_lengths: Any) -> Any:
    """Labels (batch, length), of which label_lengths (batch,) count, as a sparse tensor (indices, values, dense_shape)."""
    labels, label_lengths = as_symbol(labels), as_symbol(label_lengths)
    made = SparseLabels(labels, label_lengths)
    if isinstance(labels, Tensor) or isinstance(label_lengths, Tensor):
        return made
    return made.value(np.asarray(labels), np.asarray(label_lengths))
