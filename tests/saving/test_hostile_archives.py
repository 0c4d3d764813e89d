"""`.keras` archives and weights of Keras 3 that hold what they should not."""

import copy
import io
import json
import os
import random
import stat
import zipfile

import h5py
import numpy as np
import pytest

from fastkeras.layers import Bidirectional, Dense, Dropout, Input, Reshape, SimpleRNN
from fastkeras.models import Model
from tests.saving.hostile_box import Case, check


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp('hostile')
    x = Input((3,), name='x')
    y = Dropout(0.2, name='o')(Dense(4, name='d', activation='relu')(x))
    y = Bidirectional(SimpleRNN(2, name='r'), name='b')(Reshape((2, 2), name='s')(y))
    model = Model(x, Dense(2, name='e')(y))
    model.compile('adam', 'mse', metrics=['mae'])
    model.fit(np.ones((2, 3)), np.ones((2, 2)), verbose=0)
    model.save(made / 'good.h5')
    model.save(made / 'good.keras')
    model.save_weights(made / 'good.weights.h5')
    os.mkfifo(made / 'canary')
    with h5py.File(made / 'other.h5', 'w') as file:
        file['x'] = np.ones((3, 4), 'float32')
    return made


class Maker:
    def __init__(self, folder):
        self.folder, self.cases = folder, []
        with zipfile.ZipFile(folder / 'good.keras') as archive:
            self.members = {name: archive.read(name) for name in archive.namelist()}

    def path(self, suffix='.keras'):
        return self.folder / f'{len(self.cases)}{suffix}'

    def bytes(self, name, data, **options):
        path = self.path()
        path.write_bytes(data)
        self.cases.append(Case(name, path, **options))

    def zip(self, name, members, packed=zipfile.ZIP_STORED, **options):
        """members: pairs (name or ZipInfo, bytes)."""
        memory = io.BytesIO()
        import warnings
        with warnings.catch_warnings(), zipfile.ZipFile(memory, 'w', packed) as archive:
            warnings.simplefilter('ignore')
            for member, data in members.items() if isinstance(members, dict) else members:
                archive.writestr(member, data)
        self.bytes(name, memory.getvalue(), **options)

    def config(self, name, change, member='config.json', **options):
        said = json.loads(self.members[member])
        said = change(said) or said
        self.zip(name, {**self.members, member: json.dumps(said)}, **options)

    def layer(self, name, key, change, **options):
        self.config(name, lambda said: change(next(e for e in said['config']['layers'] if e['name'] == key)), **options)

    def weights(self, name, change, **options):
        """The change applied to the weights in an archive, and to a file of weights."""
        memory = io.BytesIO(self.members['model.weights.h5'])
        with h5py.File(memory, 'r+') as file:
            change(file)
        self.zip(name, {**self.members, 'model.weights.h5': memory.getvalue()}, **options)
        path = self.path('.weights.h5')
        path.write_bytes((self.folder / 'good.weights.h5').read_bytes())
        with h5py.File(path, 'r+') as file:
            change(file)
        self.cases.append(Case(f'{name} (weights)', path, 'weights', **options))


def test_zips(folder):
    m = Maker(folder)
    good = m.members
    m.zip('as it is', good, loads=True)
    m.zip('packed', good, zipfile.ZIP_DEFLATED, loads=True)
    m.zip('blanks of a gigabyte', {**good, 'config.json': good['config.json'] + b' ' * (120 << 20)}, zipfile.ZIP_DEFLATED)
    m.zip('metadata of blanks', {**good, 'metadata.json': good['metadata.json'] + b' ' * (120 << 20)}, zipfile.ZIP_DEFLATED)
    m.zip('weights of zeros', {**good, 'model.weights.h5': bytes(120 << 20)}, zipfile.ZIP_DEFLATED)
    m.zip('another member of zeros', {**good, 'assets/x': bytes(120 << 20)}, zipfile.ZIP_DEFLATED, either=True)
    for name in ('../x', '/tmp/x', 'a/../../x', 'C:\\x', '..\\x', 'a\0b', 'CONFIG.JSON', 'config.json/', './config.json',
                 'a' * 5000, 'a//b', 'assets/../../x'):
        m.zip(f'a member {name[:20]!r}', [*good.items(), (name, b'x')], either=name in ('a\0b', 'config.json/'))
    link = zipfile.ZipInfo('assets/link')
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    m.zip('a link', [*good.items(), (link, str(folder / 'canary').encode())])
    m.zip('a member twice', [*good.items(), ('config.json', b'{}')])
    for lacking in good:
        m.zip(f'without {lacking}', {k: v for k, v in good.items() if k != lacking}, either=lacking == 'metadata.json')
    m.zip('without all', {})
    m.zip('bzip2', good, zipfile.ZIP_BZIP2)
    m.zip('lzma', good, zipfile.ZIP_LZMA)
    m.zip('many members', [*good.items(), *((f'assets/{k}', b'') for k in range(60_000))])
    data = (folder / 'good.keras').read_bytes()
    rng = random.Random(0)
    for size in [0, 1, 4, 30, 100, *range(500, len(data), len(data) // 25)]:
        m.bytes(f'cut at {size}', data[:size])
    for k in range(80):
        changed = bytearray(data)
        for _ in range(rng.choice([1, 2, 8])):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        m.bytes(f'other bytes {k}', bytes(changed), either=True)
    for k in range(60):         # in the directory and in the headers, where most of what is read stands
        changed = bytearray(data)
        changed[-1 - rng.randrange(400)] = rng.randrange(256)
        m.bytes(f'another directory {k}', bytes(changed), either=True)
    m.bytes('a zip of nothing', b'PK\5\6' + bytes(18))
    m.bytes('an HDF5 file', (folder / 'good.h5').read_bytes(), loads=True)
    for path in (folder, folder / 'canary', '/dev/zero', folder / 'none.keras'):
        m.cases.append(Case(f'{path}', path))
    check(folder, m.cases)


def test_json_of_archives(folder):
    m = Maker(folder)
    good = m.members['config.json'].decode()
    for member in ('config.json', 'metadata.json'):
        text = m.members[member].decode()
        for name, data in (
                ('deep', '[' * 100_000 + ']' * 100_000), ('a million digits', text[:-1] + ', "x": ' + '1' * 10**6 + '}'),
                ('NaN', text[:-1] + ', "x": NaN}'), ('1e999', text[:-1] + ', "x": 1e999}'), ('a list', '[]'), ('a number', '5'),
                ('a key twice', text[:-1] + ', "class_name": "Model", "class_name": "Model"}'), ('nothing', ''),
                ('null', 'null'), ('half', text[:-9]), ('a surrogate', text[:-1] + ', "x": "\\ud800"}'),
                ('a mark', '\ufeff' + text), ('UTF-16', text.encode('utf-16'))):
            m.zip(f'{member}: {name}', {**m.members, member: data})
    m.zip('blanks', {**m.members, 'config.json': ' ' * 100 + good}, loads=True)
    for wrong in (None, 5, 'x', [], {}, True):
        for key in ('class_name', 'config', 'build_config', 'compile_config', 'module', 'registered_name'):
            m.config(f'{key} {wrong!r}', lambda said, k=key, v=wrong: said.update({k: v}), either=True)
            m.layer(f'layer {key} {wrong!r}', 'd', lambda e, k=key, v=wrong: e.update({k: v}), either=True)
        for key in ('keras_version', 'date_saved', 'fastkeras'):
            m.config(f'metadata {key} {wrong!r}', lambda said, k=key, v=wrong: said.update({k: v}), 'metadata.json',
                     either=True)
    check(folder, m.cases)


def test_configurations_of_archives(folder):
    m = Maker(folder)
    code = {'class_name': '__lambda__', 'config': {'code': '4wEAAAABAAAA', 'defaults': None, 'closure': None}}
    system = {'module': 'os', 'class_name': 'function', 'config': 'system', 'registered_name': 'function'}
    for value in (code, system, {'module': 'builtins', 'class_name': 'eval', 'config': {}, 'registered_name': 'eval'},
                  {'module': 'keras.layers', 'class_name': 'Dense', 'config': {'units': 1}, 'registered_name': None}, 'system'):
        for slot in ('kernel_initializer', 'bias_regularizer', 'kernel_constraint'):
            m.layer(f'{value!r:.60} as {slot}', 'd', lambda e, s=slot, v=value: e['config'].update({s: v}))
        if value != 'system':
            m.layer(f'{value!r:.60} as an argument', 'd', lambda e, v=value: e['inbound_nodes'][0]['kwargs'].update(training=v),
                    either='Dense' in str(value))
        for key in ('optimizer', 'loss', 'metrics', 'loss_weights', 'weighted_metrics'):
            said = json.loads(m.members['config.json'])
            said['compile_config'] = {'optimizer': 'sgd', 'loss': 'mse', key: value}
            m.zip(f'{value!r:.60} as {key}', {**m.members, 'config.json': json.dumps(said), 'metadata.json': '{}'},
                  either=key in ('loss_weights', 'weighted_metrics', 'metrics'))
        m.layer(f'{value!r:.60} as a layer inside', 'b', lambda e, v=value: e['config'].update(layer=v),
                either='Dense' in str(value))
    for function in (code, system, 'test'):
        entry = {'module': 'keras.layers', 'class_name': 'Lambda', 'registered_name': None, 'name': 'o', 'config': {
            'name': 'o', 'function': function, 'arguments': {'safe_mode': False}}}
        m.layer(f'Lambda {function!r:.40}', 'o', lambda e, n=entry: e.update(n))
    canary = str(folder / 'canary')
    for name, config in (('TFSMLayer', {'filepath': canary}), ('TorchModuleWrapper', {'module': canary}),
                         ('JaxLayer', {'call_fn': canary}), ('StringLookup', {'vocabulary': canary}),
                         ('TextVectorization', {'vocabulary': canary}), ('IntegerLookup', {'vocabulary': '/etc/passwd'})):
        m.layer(f'{name} of a path', 'o', lambda e, n=name, c=config: e.update(class_name=n, config={**c, 'name': 'o'}),
                words=name)
    for shape in ([None, 10**12], [None, 2**62], [None, -1], [10**12, 3], 5, None, 'x', [], [[None, 3]] * 3, {'a': 1}):
        m.layer(f'build_config {shape!r}', 'd', lambda e, s=shape: e.update(build_config={'input_shape': s}), either=True)
        m.config(f'build_config of the model {shape!r}', lambda said, s=shape: said.update(build_config={'input_shape': s}),
                 either=True)
    for units in (10**12, 2**31, 2**62, 0, -1, '10', True, 1e3):
        m.layer(f'units {units!r}', 'd', lambda e, u=units: e['config'].update(units=u))
    m.layer('the right units', 'd', lambda e: e['config'].update(units=4), loads=True)
    check(folder, m.cases)


def test_weights_of_keras_3(folder):
    m = Maker(folder)
    canary, other = str(folder / 'canary'), str(folder / 'other.h5')
    for name, link in (('external', h5py.ExternalLink(other, '/x')), ('to a pipe', h5py.ExternalLink(canary, '/x')),
                       ('to /dev/zero', h5py.ExternalLink('/dev/zero', '/x')), ('soft', h5py.SoftLink('/layers')),
                       ('to itself', None)):
        for at in ('layers', 'layers/dense', 'layers/dense/vars', 'layers/dense/vars/0', 'layers/bidirectional',
                   'layers/bidirectional/forward_layer/cell'):
            def change(file, at=at, link=link):
                del file[at]
                file[at] = link or h5py.SoftLink('/' + at)
            m.weights(f'a link {name} at {at}', change)

    def replaced(make):
        def change(file):
            del file['layers/dense/vars/0']
            make(file['layers/dense/vars'])
        return change
    m.weights('external storage', replaced(lambda g: g.create_dataset('0', (3, 4), 'f4', external=[(canary, 0, 48)])))

    def virtual(group):
        layout = h5py.VirtualLayout((3, 4), 'float32')
        layout[:] = h5py.VirtualSource(other, 'x', shape=(3, 4))
        group.create_virtual_dataset('0', layout)
    m.weights('a virtual array', replaced(virtual))
    for name, shape, options in (('3 GB', (3 << 28,), {}), ('a petabyte', (1 << 48,), {'chunks': (1 << 10,)}),
                                 ('tiny chunks', (10_000_000,), {'chunks': (1,)}), ('other axes', (4, 3), {}),
                                 ('no axes', (), {})):
        m.weights(name, replaced(lambda g, s=shape, o=options: g.create_dataset('0', s, 'f4', **o)))
    for dtype in ('S8', h5py.string_dtype(), [('a', 'f4')], 'c8', np.dtype('(2,)f4')):
        m.weights(f'of {dtype!r:.30}', replaced(lambda g, d=dtype: g.create_dataset('0', (3, 4), d)))
    m.weights('nothing', replaced(lambda g: None))
    m.weights('a group', replaced(lambda g: g.create_group('0')))
    m.weights('one more', lambda f: f['layers/dense/vars'].create_dataset('9', data=np.ones(3)))
    m.weights('a circle', lambda f: f['layers'].__setitem__('again', f['/']), either=True)
    m.weights('a name of ..', lambda f: f['layers/dense/vars'].create_dataset('..', data=np.ones(3)))
    m.weights('the same numbers', replaced(lambda g: g.__setitem__('0', np.ones((3, 4), 'f4'))), loads=True)
    data, rng = m.members['model.weights.h5'], random.Random(1)
    for k in range(60):
        changed = bytearray(data)
        for _ in range(rng.choice([1, 2, 8])):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        m.zip(f'other bytes {k}', {**m.members, 'model.weights.h5': bytes(changed)}, either=True)
    for size in range(0, len(data), len(data) // 20):
        m.zip(f'weights cut at {size}', {**m.members, 'model.weights.h5': data[:size]})
    check(folder, m.cases)


def test_the_member_to_blame(folder):
    m = Maker(folder)
    for key, value in (('loss', 5), ('optimizer', {'class_name': 'Nadaam', 'config': {}}), ('metrics', [['x']])):
        def of_keras(said, key=key, value=value):
            said['compile_config'] = {'optimizer': 'adam', 'loss': 'mse', **{key: value}}

        def own(said, key=key, value=value):
            key = 'optimizer_config' if key == 'optimizer' else key
            said['fastkeras']['training_config'][key] = value
        plain = {k: v for k, v in m.members.items() if k != 'metadata.json'}
        said = json.loads(plain['config.json'])
        of_keras(said)
        m.zip(f'{key} of Keras', {**plain, 'config.json': json.dumps(said)}, words='config.json')
        said = json.loads(m.members['metadata.json'])
        own(said)
        m.zip(f'{key} of this package', {**m.members, 'metadata.json': json.dumps(said)}, words='metadata.json')
    check(folder, m.cases)


def test_groups_in_many_places(folder):
    """Groups that hold another twice, which holds another twice: 2^30 paths."""
    m = Maker(folder)

    def twice(file):
        last = file['layers'].create_group('x0')
        last.create_group('vars')['0'] = np.ones(3)
        for k in range(1, 30):
            group = file['layers'].create_group(f'x{k}')
            group['a'] = group['b'] = last
            last = group
    m.weights('groups twice', twice, either=True)
    m.cases += [Case(f'{case.name} (editor)', case.path, 'editor') for case in m.cases]
    m.cases.append(Case('good ones', folder / 'good.weights.h5', 'editor', loads=True))
    check(folder, m.cases)


def test_values_of_a_configuration_are_left_alone(folder):
    """What is changed for a case is a copy."""
    m = Maker(folder)
    before = copy.deepcopy(m.members)
    m.layer('x', 'd', lambda e: e.clear(), either=True)
    assert m.members == before
