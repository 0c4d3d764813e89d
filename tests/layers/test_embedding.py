import numpy as np
import pytest

from fastkeras import config, ops
from fastkeras.compiler import pipeline
from fastkeras.layers import Dense, Embedding, Flatten, GlobalAveragePooling1D, Input, Masking, deserialize
from fastkeras.models import Model, Sequential
from tests.layer_harness import run_layer_test

IDS = np.random.default_rng(0).integers(0, 7, (3, 5)).astype(np.int32)


def rows(x, table):
    return table[x.astype(int)]


@pytest.mark.parametrize('kwargs, x', [
    ({}, IDS), ({'mask_zero': True}, IDS), ({'input_length': 5}, IDS), ({'input_length': (5,)}, IDS),
    ({'embeddings_initializer': 'normal', 'embeddings_regularizer': 'l2', 'activity_regularizer': 'l1'}, IDS),
    ({'embeddings_constraint': 'non_neg'}, IDS),
    ({}, IDS.astype(np.int64)), ({}, IDS.astype(np.uint8)), ({}, IDS[..., None]), ({}, IDS[:, 0])])
def test_embedding(kwargs, x):
    run_layer_test(Embedding, {'input_dim': 7, 'output_dim': 4, **kwargs}, input_data=x, expected=rows,
                   expected_mask=(x != 0) if kwargs.get('mask_zero') else None)


def test_floats_are_cut_off():
    layer = Embedding(7, 4)
    np.testing.assert_array_equal(layer(np.float32([[1.9, -0.5, 6.99]])), layer(np.int32([[1, 0, 6]])))
