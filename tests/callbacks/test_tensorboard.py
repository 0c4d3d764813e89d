"""Event files: read back by a small parser of this file and, where it is there, by TensorBoard itself."""

import json
import struct

import numpy as np
import pytest

from fastkeras import config
from fastkeras.callbacks import TensorBoard, event_file
from fastkeras.layers import Dense, Input
from fastkeras.models import Model, Sequential
from fastkeras.optimizers import SGD

X = np.random.RandomState(0).rand(40, 3).astype('float32')
Y = X.sum(1, keepdims=True)


def fields(data):
    """(number, value) of the fields of a message."""
    at = 0

    def whole():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = whole()
        kind = key & 7
        if kind == 0:
            value = whole()
        else:
            size = {1: 8, 5: 4}.get(kind) or whole()
            value = data[at:at + size]
            at += size
            value = struct.unpack('<d' if kind == 1 else '<f', value)[0] if kind != 2 else value
        yield key >> 3, value


def events(folder):
    """(step, dict of the summaries by tag, graph) of the records of the only event file in a folder."""
    path, = folder.glob('events.out.tfevents.*')
    data, out = path.read_bytes(), []
    while data:
        length, = struct.unpack('<Q', data[:8])
        assert data[8:12] == event_file.masked(data[:8])
        record, crc, data = data[12:12 + length], data[12 + length:16 + length], data[16 + length:]
        assert crc == event_file.masked(record)
        event = dict(fields(record))
        tags = {}
        for number, value in fields(event.get(5, b'')):
            assert number == 1
            value = dict(fields(value))
            tags[value[1].decode()] = value
        out.append((event.get(2, 0), tags, event.get(4)))
    return out


def scalars(folder):
    found = {}
    for step, tags, _ in events(folder):
        for tag, value in tags.items():
            if 2 in value:
                found.setdefault(tag, []).append((step, value[2]))
    return found


def model_of(*more):
    model = Sequential([Dense(4, activation='relu', input_shape=(3,), name='h'), *more, Dense(1, name='out')])
    model.compile(SGD(0.05), 'mse', metrics=['mae'])
    return model


def test_checksum():
    assert event_file.crc32c(b'123456789') == 0xE3069283 and event_file.crc32c(bytes(32)) == 0x8A9136AA


def test_scalars_of_epochs(tmp_path):
    history = model_of().fit(X, Y, epochs=3, verbose=0, validation_data=(X, Y), callbacks=[TensorBoard(tmp_path)]).history
    train, val = scalars(tmp_path / 'train'), scalars(tmp_path / 'validation')
    assert set(train) == {'epoch_loss', 'epoch_mean_absolute_error', 'epoch_learning_rate'}
    for tag, key in (('epoch_loss', 'loss'), ('epoch_mean_absolute_error', 'mean_absolute_error')):
        assert [v for _, v in train[tag]] == pytest.approx(history[key], rel=1e-6)
        assert [v for _, v in val[tag]] == pytest.approx(history[f'val_{key}'], rel=1e-6)
        assert [s for s, _ in val[tag]] == [0, 1, 2]
    assert train['epoch_learning_rate'][0] == (0, pytest.approx(0.05))
    assert [s for s, _ in val['evaluation_loss_vs_iterations']] == [2, 4, 6]


@pytest.mark.parametrize('freq, generation, steps', [
    ('batch', 2, [1, 2, 3, 4, 5, 6, 7, 8]), (20, 2, [2, 4, 6, 8]), (3, 3, [3, 6])])
def test_scalars_of_batches(freq, generation, steps, tmp_path):
    config.set_generation(generation)
    try:
        model_of().fit(X, Y, epochs=2, batch_size=10, verbose=0, callbacks=[
            TensorBoard(tmp_path, update_freq=freq, write_steps_per_second=True)])
    finally:
        config.set_generation(2)
    found = scalars(tmp_path / 'train')
    assert [s for s, _ in found['batch_loss']] == steps
    assert len(found['batch_steps_per_second']) == 8 and len(found['epoch_steps_per_second']) == 2


def test_histograms_images_gradients(tmp_path):
    model = model_of()
    model.fit(X, Y, epochs=3, verbose=0, validation_data=(X, Y), callbacks=[
        TensorBoard(tmp_path, histogram_freq=2, write_images=True, write_grads=True, batch_size=15)])
    tags = [(step, tags) for step, tags, _ in events(tmp_path / 'train') if 'h/kernel_0/histogram' in tags]
    assert [step for step, _ in tags] == [0, 2]
    histogram = dict(fields(tags[-1][1]['h/kernel_0/histogram'][5]))
    kernel = model.layers[0].kernel.numpy().astype('float64')
    assert histogram[3] == 12 and histogram[4] == pytest.approx(kernel.sum()) and histogram[2] == kernel.max()
    assert histogram[5] == pytest.approx((kernel ** 2).sum())
    limits, counts = (np.frombuffer(histogram[k]) for k in (6, 7))
    assert len(limits) == len(counts) == 30 and counts.sum() == 12 and limits[-1] == pytest.approx(kernel.max())
    image = dict(fields(tags[-1][1]['h/kernel_0/image/0'][4]))
    assert (image[1], image[2], image[3]) == (3, 4, 1) and image[4].startswith(b'\x89PNG')
    gradient = dict(fields(tags[-1][1]['out/bias_0_grad'][5]))
    assert gradient[4] == pytest.approx(np.mean(2 * (model.predict(X) - Y)), rel=1e-4)


def test_the_graph(tmp_path):
    a, b = Input((3,), name='a'), Input((3,), name='b')
    shared = Dense(3, name='shared')
    from fastkeras.layers import add
    model = Model([a, b], Dense(1, name='out')(add([shared(a), shared(b)], name='sum')))
    model.compile('sgd', 'mse')
    model.fit([X, X], Y, verbose=0, callbacks=[TensorBoard(tmp_path)])
    graph, = (g for _, _, g in events(tmp_path / 'train') if g is not None)
    nodes = {}
    for number, value in fields(graph):
        if number == 1:
            node = list(fields(value))
            nodes[dict(node)[1].decode()] = dict(node)[2].decode(), [v.decode() for n, v in node if n == 3]
    assert nodes['shared'] == ('Dense', ['a']) and nodes['shared_1'] == ('Dense', ['b'])
    assert nodes['out'][1] == ['sum'] and sorted(nodes['sum'][1]) == ['shared', 'shared_1']
    TensorBoard(tmp_path / 'none', write_graph=False).set_model(model)
    assert not (tmp_path / 'none').exists()


def test_embeddings(tmp_path):
    model = model_of()
    model.fit(X, Y, verbose=0, callbacks=[TensorBoard(
        tmp_path, embeddings_freq=1, embeddings_layer_names=['h'], embeddings_data=X[:5],
        embeddings_metadata={'h': 'labels.tsv'})])
    text = (tmp_path / 'projector_config.pbtxt').read_text()
    assert 'tensor_path: "train/h.tsv"' in text and 'metadata_path: "labels.tsv"' in text
    np.testing.assert_allclose(np.loadtxt(tmp_path / 'train' / 'h.tsv'), model.layers[0](X[:5]), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="no layer 'g'"):
        model.fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path, embeddings_freq=1, embeddings_layer_names=['g'])])
    with pytest.raises(ValueError, match="embeddings_metadata: 'g'"):
        model.fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={'g': 'a'})])


def test_what_cannot_be_is_said(tmp_path):
    with pytest.raises(ValueError, match='profile_batch'):
        TensorBoard(profile_batch=(2, 4))
    with pytest.raises(ValueError, match='update_freq'):
        TensorBoard(update_freq='always')
    with pytest.raises(ValueError, match='histogram_freq'):
        TensorBoard(histogram_freq=-1)
    with pytest.raises(ValueError, match='validation_data'):
        model_of().fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path, histogram_freq=1, write_grads=True)])


def test_an_evaluation_alone(tmp_path):
    model_of().evaluate(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path)])
    assert [s for s, _ in scalars(tmp_path / 'validation')['evaluation_loss_vs_iterations']] == [0]


def test_tensorboard_reads_it(tmp_path):
    accumulator = pytest.importorskip('tensorboard.backend.event_processing.event_accumulator')
    model = model_of()
    history = model.fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y), callbacks=[
        TensorBoard(tmp_path, histogram_freq=1, write_images=True, update_freq='batch')]).history
    found = accumulator.EventAccumulator(str(tmp_path / 'train'), {'histograms': 0, 'images': 0})
    found.Reload()
    assert [e.value for e in found.Scalars('epoch_loss')] == pytest.approx(history['loss'], rel=1e-6)
    assert len(found.Histograms('h/kernel_0/histogram')) == 2 and found.Images('out/kernel_0/image/0')[0].width == 4
    assert {n.name for n in found.Graph().node} >= {'h', 'out'}
    assert found.SummaryMetadata('keras').plugin_data.plugin_name == 'graph_keras_model'
    from tensorboard.plugins.graph import keras_util
    assert len(keras_util.keras_model_to_graph_def(json.loads(model.to_json())).node) >= 2
