"""ReversibleEmbedding."""

import numpy as np
import pytest

from fastkeras import layers
from fastkeras.models import Model
from tests.layer_harness import data_of, run_layer_test


def test_forth():
    x = np.random.default_rng(0).integers(0, 7, (3, 4)).astype('int32')
    run_layer_test(layers.ReversibleEmbedding, {'input_dim': 7, 'output_dim': 3}, input_data=x,
                   expected=lambda x, table: table[x.astype(int)])


@pytest.mark.parametrize('tied', [True, False])
def test_there_and_back_in_a_model(tied):
    words = layers.Input((4,), dtype='int32')
    layer = layers.ReversibleEmbedding(7, 3, tie_weights=tied, mask_zero=True, logit_soft_cap=5)
    rows = layer(words)
    back = layer(rows, reverse=True)
    assert back.shape == (None, 4, 7) and rows._keras_mask is not None and back._keras_mask is None
    model = Model(words, [rows, back])
    x = np.random.default_rng(0).integers(0, 7, (3, 4)).astype('int32')
    rows, back = model.predict(x)
    table = layer.embeddings.numpy().T if tied else layer.reverse_embeddings.numpy()
    np.testing.assert_allclose(back, 5 * np.tanh(rows @ table / 5), rtol=1e-5, atol=1e-7)
    assert len(layer.weights) == (1 if tied else 2)
    assert layer.compute_output_shape((None, 4, 3), reverse=True) == (None, 4, 7)
    again = Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(x)[1], back)


def test_mistakes():
    layer = layers.ReversibleEmbedding(7, 3)
    with pytest.raises(ValueError, match='last size 3 for reverse=True'):
        layer(data_of((2, 4)), reverse=True)
    with pytest.raises(ValueError, match='logit_soft_cap above 0'):
        layers.ReversibleEmbedding(7, 3, logit_soft_cap=-1.0)
    with pytest.raises(ValueError, match='reverse_dtype'):
        layers.ReversibleEmbedding(7, 3, reverse_dtype='int32')
