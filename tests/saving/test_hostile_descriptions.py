"""Configurations of a few lines that would take gigabytes or years while a model is described, without a weight."""

import io
import json
import os
import zipfile

import h5py
import numpy as np
import pytest

from fastkeras.layers import Dense, Embedding, Input
from fastkeras.models import Model, Sequential, load_model, model_from_json
from fastkeras.saving import ModelFileError, limits
from tests.saving.hostile_box import Case, check

# a layer, arguments with a size, another size that is too much, its input
SIZES = [
    ('AdaptiveAveragePooling1D', {'output_size': 3}, {'output_size': 60_000_000}, (8, 2)),
    ('AdaptiveMaxPooling1D', {'output_size': 3}, {'output_size': 2**31}, (8, 2)),
    ('AdaptiveAveragePooling2D', {'output_size': [3, 2]}, {'output_size': [60_000_000, 2]}, (8, 8, 2)),
    ('AdaptiveMaxPooling2D', {'output_size': 3}, {'output_size': 60_000_000}, (8, 8, 2)),
    ('AdaptiveAveragePooling3D', {'output_size': 3}, {'output_size': 2**40}, (4, 4, 4, 2)),
    ('STFTSpectrogram', {'frame_length': 64}, {'frame_length': 60_000_000}, (400, 1)),
    ('STFTSpectrogram', {'fft_length': 256}, {'frame_length': 2**30, 'fft_length': 2**31}, (400, 1)),
    ('MelSpectrogram', {'num_mel_bins': 8}, {'num_mel_bins': 2**20}, (4000,)),
    ('MelSpectrogram', {'fft_length': 512}, {'fft_length': 2**26}, (4000,)),
    ('StringLookup', {'vocabulary': ['a'], 'num_oov_indices': 2}, {'num_oov_indices': 2**40, 'oov_token': 'a', 'invert': True},
     (3,)),
    ('LocallyConnected1D', {'filters': 2, 'kernel_size': 3, 'implementation': 3}, {'filters': 2**22}, (100, 3)),
    ('LSTM', {'units': 3}, {'units': 2000, 'stateful': True, 'batch_input_shape': [30_000, 5, 3]}, (5, 3)),
]


def one(name, config, shape):
    kind = {'dtype': 'string'} if 'Lookup' in name else {}
    given = {'batch_input_shape': [None, *shape], **kind, **config, 'name': 'l'}
    return {'class_name': 'Sequential', 'config': {'name': 's', 'layers': [{'class_name': name, 'config': given}]}}


def doubled(depth):
    """A model that calls another twice, which calls another twice, and so on."""
    def model(name, layer, calls):
        start = {'class_name': 'InputLayer', 'name': 'i', 'config': {'batch_input_shape': [None, 3], 'name': 'i'},
                 'inbound_nodes': []}
        last = layer['config']['name']
        nodes = [[[last if k else 'i', max(k - 1, 0), 0, {}]] for k in range(calls)]
        return {'class_name': 'Model', 'config': {
            'name': name, 'layers': [start, {**layer, 'name': last, 'inbound_nodes': nodes}],
            'input_layers': [['i', 0, 0]], 'output_layers': [[last, calls - 1, 0]]}}
    found = model('m0', {'class_name': 'Dense', 'config': {'name': 'd', 'units': 3}}, 1)
    for k in range(depth):
        found = model(f'm{k + 1}', found, 2)
    return found


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp('hostile')
    model = Sequential([Dense(4, input_shape=(3,), name='d', activation='relu'), Dense(2, name='e')])
    model.compile('sgd', 'mse')
    model.save(made / 'good.h5')
    os.mkfifo(made / 'canary')
    return made


class Maker:
    def __init__(self, folder):
        self.folder, self.cases = folder, []

    def add(self, name, suffix, data, how='model', **options):
        path = self.folder / f'{len(self.cases)}{suffix}'
        path.write_bytes(data)
        self.cases.append(Case(f'{name} ({suffix})', path, how, **options))

    def config(self, name, said, **options):
        """As a text of JSON, and in files of both forms, which hold no weights."""
        text = json.dumps(said)
        self.add(name, '.json', text.encode(), 'json', **options)
        memory = io.BytesIO()
        with h5py.File(memory, 'w') as file:
            file.attrs.create('model_config', text, dtype=h5py.string_dtype())
            file.create_group('model_weights').attrs['layer_names'] = np.array([], 'S1')
        bad = options if not options.get('loads') else {'either': True}
        self.add(name, '.h5', memory.getvalue(), **bad)
        memory, weights = io.BytesIO(), io.BytesIO()
        with h5py.File(weights, 'w') as file:
            file.create_group('layers')
        with zipfile.ZipFile(memory, 'w') as archive:
            archive.writestr('config.json', text)
            archive.writestr('model.weights.h5', weights.getvalue())
        self.add(name, '.keras', memory.getvalue(), **bad)


def test_sizes(folder):
    m = Maker(folder)
    for name, good, bad, shape in SIZES:
        m.config(f'{name} {good}', one(name, good, shape), loads=True)
        m.config(f'{name} {bad}', one(name, {**good, **bad}, shape), either=name in ('MelSpectrogram', 'StringLookup'))
    check(folder, m.cases)


def test_layers_alone(folder):
    """A layer that is made of its configuration, and in no model yet, has no arrays."""
    m = Maker(folder)
    for name, good, bad, _ in SIZES:
        said = one(name, {**good, **bad}, (3,))['config']['layers'][0]
        m.add(f'{name} {bad}', '.json', json.dumps(said).encode(), 'layer', either=True)
        said = one(name, good, (3,))['config']['layers'][0]
        m.add(f'{name} {good}', '.json', json.dumps(said).encode(), 'layer', loads=True)
    check(folder, m.cases)


def test_models_in_models(folder):
    m = Maker(folder)
    m.config('twice, 5 levels', doubled(5), loads=True)
    m.config('twice, 14 levels', doubled(14), words='work=80000')
    m.config('twice, 60 levels', doubled(60), words='work=80000')
    chain = [{'class_name': 'Dense', 'config': {'units': 3, 'batch_input_shape': [None, 3], 'name': f'l{k}'}}
             for k in range(900)]
    inner = {'class_name': 'Sequential', 'config': {'name': 'inner', 'layers': chain}}
    often = doubled(0)
    often['config']['layers'][1] = {**inner, 'name': 'inner', 'inbound_nodes': [
        [['inner' if k else 'i', max(k - 1, 0), 0, {}]] for k in range(1000)]}
    often['config']['output_layers'] = [['inner', 999, 0]]
    m.config('a long chain called often', often, words='work=80000')
    m.config('many layers', {'class_name': 'Sequential', 'config': {'name': 's', 'layers': [
        {'class_name': 'LSTM', 'config': {'units': 2, 'return_sequences': True, 'batch_input_shape': [None, 4, 2]}}
        for _ in range(4900)]}}, words='work=80000')
    check(folder, m.cases)


def test_how_a_model_was_compiled(folder):
    m = Maker(folder)
    data = (folder / 'good.h5').read_bytes()
    for name, metric, options in (
            ('AUC', {'num_thresholds': 20}, {'loads': True}), ('AUC', {'num_thresholds': 60_000_000}, {}),
            ('MeanIoU', {'num_classes': 60_000}, {'either': True}), ('MeanIoU', {'num_classes': 2}, {'loads': True}),
            ('AUC', {'num_thresholds': 2**40}, {}),
            ('PrecisionAtRecall', {'recall': 0.5, 'num_thresholds': 2**40}, {}), ('MeanIoU', {'num_classes': 2**40}, {})):
        memory = io.BytesIO(data)
        with h5py.File(memory, 'r+') as file:
            said = json.loads(file.attrs['training_config'])
            said['metrics'] = [{'class_name': name, 'config': metric}]
            file.attrs['training_config'] = json.dumps(said).encode()
        m.add(f'{name} {metric}', '.h5', memory.getvalue(), **options)
    check(folder, m.cases)


def test_low_rank(folder):
    """Factors of a low-rank update are in no file, so they take no memory before they are used."""
    x = Input((4,))
    y = Dense(3, name='d')(x)
    model = Model(x, y)
    model.get_layer('d').enable_lora(2)
    z = Input((4,), dtype='int32')
    other = Model(z, Embedding(9, 3, name='e')(z))
    other.get_layer('e').enable_lora(2)
    m = Maker(folder)
    for kind, made in (('Dense', model), ('Embedding', other)):
        made.save(folder / 'low.keras')
        with zipfile.ZipFile(folder / 'low.keras') as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        np.testing.assert_array_equal(load_model(folder / 'low.keras').get_weights()[-1], made.get_weights()[-1])
        for rank, options in ((2, {'loads': True}), (60_000_000, {'either': True}), (2**40, {'either': True})):
            said = json.loads(members['config.json'])
            said['config']['layers'][1]['config']['lora_rank'] = rank
            memory = io.BytesIO()
            with zipfile.ZipFile(memory, 'w') as archive:
                for name, part in {**members, 'config.json': json.dumps(said)}.items():
                    archive.writestr(name, part)
            m.add(f'{kind}, rank {rank}', '.keras', memory.getvalue(), **options)
    check(folder, m.cases)


def test_limits_that_are_raised(folder):
    said = json.dumps(one('AdaptiveAveragePooling1D', {'output_size': 2_000_000}, (8, 2)))
    with pytest.raises(ModelFileError, match='array_bytes=50331648'):
        model_from_json(said)
    with limits.raised(array_bytes=1 << 30):
        assert model_from_json(said).output_shape == (None, 2_000_000, 2)
    said = json.dumps(doubled(11))
    with limits.raised(work=1000), pytest.raises(ModelFileError, match='work=1000'):
        model_from_json(said)
    assert model_from_json(json.dumps(doubled(2))).predict(np.ones((1, 3))).shape == (1, 3)
