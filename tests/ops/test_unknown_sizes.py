"""Composites on tensors whose batch (or more) is unknown, as models are described: the shape is the known one with
None."""

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.ops.tensor import Tensor

B = None


def symbol(*shape, dtype='float32'):
    return Tensor('input', (), {'index': 0}, shape, dtype)


W = np.zeros((3, 3, 3, 4), 'float32')


@pytest.mark.parametrize('call, shape', [
    (lambda: ops.conv(symbol(B, 8, 8, 3), W, 2, 'same'), (B, 4, 4, 4)),
    (lambda: ops.conv(symbol(B, B, B, 3), W, 2, 'same'), (B, B, B, 4)),
    (lambda: ops.conv(symbol(B, 3, B, 8), W, 1, 'valid', 'channels_first'), (B, 4, B, 6)),
    (lambda: ops.conv(symbol(B, B, 3), W[0], padding='causal'), (B, B, 4)),
    (lambda: ops.conv(symbol(B, 3, B), W[0], data_format='channels_first'), (B, 4, B)),
    (lambda: ops.depthwise_conv(symbol(B, B, 8, 3), W, 1, 'same'), (B, B, 8, 12)),
    (lambda: ops.separable_conv(symbol(B, 8, B, 3), W, np.zeros((1, 1, 12, 5), 'float32'), padding='same'),
     (B, 8, B, 5)),
    (lambda: ops.conv_transpose(symbol(B, 8, B, 4), W, 2, 'same'), (B, 16, B, 3)),
    (lambda: ops.conv_transpose(symbol(B, 8, 4), W[0], 2), (B, 17, 3)),
    (lambda: ops.max_pool(symbol(B, B, 9, 3), 2, padding='same'), (B, B, 5, 3)),
    (lambda: ops.average_pool(symbol(B, 9, 3), 2), (B, 4, 3)),
    (lambda: ops.global_average_pool(symbol(B, B, B, 3)), (B, 3)),
    (lambda: ops.matmul(symbol(B, 5, 4), np.zeros((4, 7), 'float32')), (B, 5, 7)),
    (lambda: ops.matmul(symbol(B, B, 4), symbol(B, B, 4), transpose_b=True), (B, B, B)),
    (lambda: ops.matmul(symbol(B, 4), np.zeros(4, 'float32')), (B,)),
    (lambda: ops.dot(symbol(B, 5, 4), np.zeros((4, 7), 'float32')), (B, 5, 7)),
    (lambda: ops.tensordot(symbol(B, 5, 4), np.zeros((4, 2, 3), 'float32'), 1), (B, 5, 2, 3)),
    (lambda: ops.einsum('bqhd,bkhd->bhqk', symbol(B, B, 2, 4), symbol(B, 5, 2, 4)), (B, 2, B, 5)),
    (lambda: ops.einsum('btd,dhk->bthk', symbol(B, B, 4), np.zeros((4, 2, 3), 'float32')), (B, B, 2, 3)),
    (lambda: ops.einsum('...d,de->...e', symbol(B, B, 4), np.zeros((4, 3), 'float32')), (B, B, 3)),
    (lambda: ops.softmax(symbol(B, 5)), (B, 5)),
    (lambda: ops.softmax(symbol(B, 5, 4), 1), (B, 5, 4)),
    (lambda: ops.softmax(symbol(B, B, 4), (1, 2)), (B, B, 4)),
    (lambda: ops.moments(symbol(B, B, 4), (0, 1), keepdims=True)[1], (1, 1, 4)),
    (lambda: ops.moments(symbol(B, 3, 4), (1, 2))[0], (B,)),
    (lambda: ops.batch_normalization(symbol(B, 3, B), np.zeros(3), np.ones(3), 1), (B, 3, B)),
    (lambda: ops.layer_normalization(symbol(B, B, 3), np.ones(3), np.ones(3)), (B, B, 3)),
    (lambda: ops.normalize(symbol(B, 3)), (B, 3)),
    (lambda: ops.categorical_crossentropy(symbol(B, 3), symbol(B, 3)), (B,)),
    (lambda: ops.binary_crossentropy(symbol(B, 3), ops.sigmoid(symbol(B, 3))), (B, 3)),
    (lambda: ops.sparse_categorical_crossentropy(symbol(B, 1, dtype='int32'), symbol(B, 3)), (B,)),
    (lambda: ops.sparse_categorical_crossentropy(symbol(B, B, 1, dtype='int32'), symbol(B, B, 3)), (B, B)),
    (lambda: ops.dropout(symbol(B, 3), 0.5, seed=1), (B, 3)),
    (lambda: ops.dropout(symbol(B, B, 3), 0.5, (B, 1, B), seed=1), (B, B, 3)),
    (lambda: ops.random_categorical(symbol(B, 3), 7, seed=1), (B, 7)),
    (lambda: ops.multi_hot(symbol(B, 3, dtype='int32'), 5), (B, 5)),
    (lambda: ops.in_top_k(symbol(B, dtype='int32'), symbol(B, 5), 2), (B,)),
    (lambda: ops.embedding(symbol(B, B, dtype='int32'), np.zeros((9, 4), 'float32')), (B, B, 4)),
    (lambda: ops.gelu(symbol(B, 3)), (B, 3)),
    (lambda: ops.glu(symbol(B, 4)), (B, 2)),
    (lambda: ops.dot_product_attention(*[symbol(B, B, 2, 4)] * 3, is_causal=True), (B, B, 2, 4)),
])
def test_shape(call, shape):
    assert call().shape == shape


def test_a_layer_being_traced_is_named():
    with ops.core.named('conv2d_3'), pytest.raises(ValueError, match=r"\[conv\] in layer 'conv2d_3': kernel.*channels"):
        ops.conv(symbol(B, 8, 8, 5), W)
    with ops.core.named('dense_1'), pytest.raises(ValueError, match=r"\[matmul\] in layer 'dense_1'.*\(None, 5\)"):
        ops.matmul(symbol(B, 5), np.zeros((4, 2), 'float32'))
