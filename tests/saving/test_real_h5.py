"""Real HDF5 files of Keras 1.1 to 2.5, with the predictions that their own generation made of stored inputs."""

import json

import numpy as np
import pytest

from fastkeras.models import load_model, model_from_json
from tests.artifacts import artifact

FILES = {
    'dl4j/weights/lstm_tensorflow_1.h5', 'dl4j/weights/bidirectional_lstm_tensorflow_1.h5',
    'dl4j/weights/bidirectional_lstm_no_return_sequences_tensorflow_1.h5', 'dl4j/weights/embedding_lstm_tensorflow_1.h5',
    'dl4j/weights/embedding_conv1d_tensorflow_1.h5', 'dl4j/weights/embedding_conv1d_flatten_tensorflow_1.h5',
    'dl4j/examples/simple_lstm/simple_lstm_tf_keras_1_model.h5'}


def entries():
    try:
        return json.loads(artifact('manifest.json').read_text())
    except pytest.skip.Exception:
        return []


def expected(entry):
    """(inputs, outputs)."""
    file = np.load(artifact(entry['expected'].split('#')[0]))
    start = entry['id'] + '/' if any(name.startswith(entry['id'] + '/') for name in file.files) else ''
    return [[file[f'{start}{kind}_{k}'] for k in range(64) if f'{start}{kind}_{k}' in file.files] for kind in ('in', 'out')]


def check(model, entry):
    inputs, outputs = expected(entry)
    got = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    for a, b in zip(got if isinstance(got, list) else [got], outputs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5 * max(1, np.abs(b).max()))


@pytest.mark.parametrize('version', ['1.1', '1.2', '2.0', '2.1', '2.2', '2.3', '2.4', '2.5'])
def test_whole_models(version):
    artifact('manifest.json')
    todo = [e for e in entries() if e['kind'] == 'h5' and str(e['kv']).startswith(version) and e.get('expected')]
    assert todo
    for entry in todo:
        check(load_model(artifact(entry['file']), compile=False), entry)


def test_json_and_weights():
    artifact('manifest.json')
    todo = [e for e in entries() if e['kind'] == 'jsonw']
    assert todo
    for entry in todo:
        model = model_from_json(artifact(entry['json_file']).read_text())
        assert model.load_weights(artifact(entry['file'])).complete
        check(model, entry)


@pytest.mark.parametrize('name', sorted(FILES))
def test_weights_of_whole_models_of_keras_1(name):
    model = load_model(artifact(name), compile=False)
    wanted = model.get_weights()
    model.set_weights([np.zeros_like(w) for w in wanted])
    assert model.load_weights(artifact(name)).complete
    for a, b in zip(model.get_weights(), wanted):
        np.testing.assert_array_equal(a, b)
