"""Masks go from layer to layer where these are called on arrays, as in Keras's guide to masking."""

import gc

import numpy as np

from fastkeras import layers
from fastkeras.layers import array_masks

TOKENS = np.array([[1, 2, 0, 0], [3, 0, 0, 0]])


def test_the_next_layer_finds_the_mask():
    embed, lstm = layers.Embedding(5, 3, mask_zero=True), layers.LSTM(2, return_sequences=True)
    embedded = embed(TOKENS)
    y = lstm(embedded)
    np.testing.assert_array_equal(y, lstm(embedded.copy(), mask=TOKENS != 0))
    assert not np.allclose(y, lstm(embedded.copy()))
    last = layers.LSTM(2)
    np.testing.assert_array_equal(last(y), last(y.copy(), mask=TOKENS != 0))      # it goes on through the first
    np.testing.assert_allclose(layers.GlobalAveragePooling1D()(embedded)[1], embedded[1, 0], rtol=1e-6)


def test_arguments_by_name_have_masks():
    x = layers.Masking()(np.random.default_rng(0).random((2, 4, 3)) * (TOKENS != 0)[..., None])
    attend = layers.MultiHeadAttention(2, 3)
    query = np.random.default_rng(1).random((2, 2, 3)).astype('float32')
    np.testing.assert_array_equal(attend(query, value=x), attend(query, value=x.copy(), value_mask=TOKENS != 0))
    both = layers.Concatenate(axis=1)([x, x])
    assert array_masks.of([both])[0].shape == (2, 8)


def test_masks_live_as_long_as_their_arrays():
    gc.collect()
    before = len(array_masks._masks)
    x = layers.Masking()(np.zeros((1, 2, 3)))
    assert len(array_masks._masks) == before + 1 and array_masks.of([None, x]).keys() == {1}
    del x
    gc.collect()
    assert len(array_masks._masks) == before
