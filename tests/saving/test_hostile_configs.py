"""Configurations that ask for what they should not: in JSON alone and in HDF5 files, in the words of both generations."""

import copy
import json
import os
import sys

import h5py
import pytest

from fastkeras import generation
from fastkeras.layers import Dense, Dropout
from fastkeras.models import Sequential
from tests.saving.hostile_box import Case, check


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp('hostile')
    model = Sequential([Dense(4, input_shape=(3,), name='d', activation='relu'), Dropout(0.2, name='o'), Dense(2, name='e')])
    model.compile('sgd', 'mse', metrics=['mae'])
    model.save(made / 'good.h5')
    os.mkfifo(made / 'canary')
    return made


class Maker:
    """Writes cases: a changed configuration as JSON, and in an HDF5 file with the weights of the good model."""

    def __init__(self, folder):
        self.folder, self.cases = folder, []
        with h5py.File(folder / 'good.h5') as file:
            self.two = json.loads(file.attrs['model_config'])
            self.trained = json.loads(file.attrs['training_config'])
            self.data = (folder / 'good.h5').read_bytes()
        from fastkeras.models import load_model
        with generation.scope(3):
            self.three = json.loads(load_model(folder / 'good.h5').to_json())

    def text(self, name, text, **options):
        """Both as a text of JSON."""
        data = text if isinstance(text, bytes) else text.encode('utf8', 'surrogatepass')
        path = self.folder / f'{len(self.cases)}.json'
        path.write_bytes(data)
        self.cases.append(Case(f'{name} (json)', path, 'json', **options))
        self.h5(name, data, 'model_config', **options)

    def h5(self, name, data, attribute, **options):
        import numpy as np
        path = self.folder / f'{len(self.cases)}.h5'
        path.write_bytes(self.data)
        with h5py.File(path, 'r+') as file:
            del file.attrs[attribute]
            if len(data) > 60000:
                file.attrs.create(attribute, data.decode('latin1'), dtype=h5py.string_dtype())
            else:
                file.attrs[attribute] = np.bytes_(data)
        self.cases.append(Case(f'{name} ({attribute})', path, **options))

    def config(self, name, change, forms=(2, 3), **options):
        """The change applied to the configurations of both forms."""
        for form in forms:
            said = copy.deepcopy(self.two if form == 2 else self.three)
            said = change(said) or said
            self.text(f'{name}, form {form}', json.dumps(said), **options)

    def layer(self, name, change, **options):
        """The change applied to the configuration of the first Dense layer."""
        def all_of(said):
            change(next(e for e in said['config']['layers'] if e['class_name'] == 'Dense')['config'])
        self.config(name, all_of, **options)

    def training(self, name, change, **options):
        said = copy.deepcopy(self.trained)
        change(said)
        self.h5(name, json.dumps(said).encode(), 'training_config', **options)


FUNCTIONS = [
    ('os', 'system'), ('builtins', 'eval'), ('builtins', 'exec'), ('subprocess', 'Popen'), ('importlib', 'import_module'),
    ('numpy', 'test'), ('numpy', 'load'), ('keras.src.utils', 'get_file'), ('keras.saving', 'load_model'),
    ('keras.config', 'enable_unsafe_deserialization'), ('fastkeras..config', 'enable_unsafe_deserialization'),
    ('keras_hub.models', 'from_preset'), ('fastkeras.saving.objects', 'late'), ('../x', 'y'), ('', '')]
SLOTS = ['activation', 'kernel_initializer', 'bias_initializer', 'kernel_regularizer', 'activity_regularizer',
         'kernel_constraint', 'dtype']


def slotted(value):
    return [(slot, lambda c, slot=slot, value=value: c.update({slot: copy.deepcopy(value)})) for slot in SLOTS]


def test_functions_and_classes_by_name(folder):
    m = Maker(folder)
    for module, name in FUNCTIONS:
        for form in ({'module': module, 'class_name': 'function', 'config': name, 'registered_name': 'function'},
                     {'module': module, 'class_name': name, 'config': {}, 'registered_name': name},
                     {'class_name': name, 'config': {'command': 'touch x'}}):
            slot, change = slotted(form)[len(m.cases) % len(SLOTS)]
            m.layer(f'{module}.{name} as {slot}', change, forms=(3,))
    for slot, change in slotted({'module': 'os', 'class_name': 'function', 'config': 'system', 'registered_name': 'function'}):
        m.layer(f'os.system as {slot}', change)
    for slot, change in slotted({'class_name': '__lambda__', 'config': {'code': '4wEAAAABAAAA', 'defaults': None,
                                                                         'closure': None}}):
        m.layer(f'code as {slot}', change)
    for slot, change in slotted('system'):
        m.layer(f'a name as {slot}', change)
    # one family's things in another's place
    for name, config in (('Dense', {'units': 3}), ('Adam', {}), ('Huber', {}), ('MeanSquaredError', {}), ('L2', {'l2': .1}),
                         ('MaxNorm', {}), ('GlorotUniform', {}), ('StringLookup', {}), ('Sequential', {'layers': []}),
                         ('relu', {'x': [1]}), ('ExponentialDecay', {})):
        for slot, change in slotted({'class_name': name, 'config': config}):
            right = {'L2': 'regularizer', 'MaxNorm': 'constraint', 'GlorotUniform': 'initializer'}.get(name)
            if not (right and slot.endswith(right)):
                m.layer(f'{name} as {slot}', change, forms=(2,))
    for entry in ('relu', 'GlorotUniform', 'Adam', 'mse', 'Dense', None, 5, [], {'class_name': 'relu', 'config': {}},
                  {'class_name': 'Adam', 'config': {}}, {'class_name': 'Layer', 'config': {'__class__': 'x'}}):
        m.config(f'{entry} as a layer', lambda said, entry=entry: said['config']['layers'].__setitem__(-1, entry))
    m.layer('a good activation', lambda c: c.update(activation='tanh'), loads=True)
    good = {'class_name': 'L2', 'config': {'l2': 0.1}}
    m.layer('a good regularizer', lambda c: c.update(kernel_regularizer=good), loads=True)
    check(folder, m.cases)


def test_training_configurations(folder):
    m = Maker(folder)
    for module, name in FUNCTIONS[:5]:
        function = {'module': module, 'class_name': 'function', 'config': name, 'registered_name': 'function'}
        m.training(f'{name} as loss', lambda c, f=function: c.update(loss=f))
        m.training(f'{name} as metric', lambda c, f=function: c.update(metrics=[f]))
        m.training(f'{name} as optimizer', lambda c, f=function: c.update(optimizer_config=f))
        m.training(f'{name} as rate', lambda c, f=function: c['optimizer_config']['config'].update(learning_rate=f))
    for value in (None, 5, [], {'class_name': 'Dense', 'config': {'units': 2}}, {'class_name': 'SGD', 'config': {'x': 1}}):
        m.training(f'{value} as optimizer', lambda c, v=value: c.update(optimizer_config=v))
    for value in (5, {'class_name': 'Dense', 'config': {'units': 2}}, 'Dense', {'class_name': 'Adam', 'config': {}}, [[[]]]):
        m.training(f'{value} as loss', lambda c, v=value: c.update(loss=v))
        m.training(f'{value} as metrics', lambda c, v=value: c.update(metrics=[v]))
    m.training('a good one', lambda c: c.update(loss='mae'), loads=True)
    check(folder, m.cases)


def test_modules_of_others(folder):
    """A name of Keras's beside a module that is not: nothing is imported, and what is Keras's does not stand for it."""
    m = Maker(folder)
    for module in ('os', 'mine', 'numpy', 'os.path', '', '.', 'keras2', 'builtins.os.x', 5, ['keras'], {}, True):
        other = isinstance(module, str) and module.startswith('builtins')
        for key, value in (('activation', {'class_name': 'function', 'config': 'relu'}),
                           ('kernel_initializer', {'class_name': 'Zeros', 'config': {}}),
                           ('kernel_regularizer', {'class_name': 'L2', 'config': {'l2': 0.1}}),
                           ('kernel_constraint', {'class_name': 'NonNeg', 'config': {}})):
            said = {**value, 'module': module, 'registered_name': None}
            m.layer(f'{module!r} for {key}', lambda c, k=key, v=said: c.update({k: v}), either=other,
                    words='' if other else 'which is not imported')

        def change(said, module=module):
            said['config']['layers'][-1]['module'] = module
        m.config(f'{module!r} for a layer', change, either=other, words='' if other else 'which is not imported')
    for module in (None, 'keras.layers', 'keras.src.layers.core.dense', 'tf_keras.layers', 'tensorflow.keras.layers'):
        m.config(f'{module!r} for a layer', lambda said, v=module: said['config']['layers'][-1].update(module=v), loads=True)
    check(folder, m.cases)


def test_initializers(folder):
    """Arguments of the wrong kind: nothing of them is compiled."""
    m = Maker(folder)
    wrong = ('x', 'f4,(2,)i4', '__import__("os")', None, [[1, 2], [3]], {'class_name': '__numpy__', 'config': {
        'value': [1], 'dtype': '(2,)f4'}}, -1, 1e300)
    for name, keys in (('Constant', ('value',)), ('RandomNormal', ('mean', 'stddev', 'seed')), ('Orthogonal', ('gain',)),
                       ('VarianceScaling', ('scale', 'mode', 'distribution')), ('Zeros', ('dtype',))):
        for key in keys:
            for value in wrong:
                said = {'class_name': name, 'config': {key: value}}
                m.layer(f'{name} {key}={value!r:.20}', lambda c, v=said: c.update(kernel_initializer=v), either=True)
    check(folder, m.cases)


def test_sizes(folder):
    """Dimensions that no file holds: refused by arithmetic, before anything is allocated."""
    m = Maker(folder)
    for units in (10**12, 2**31, 2**31 - 1, 2**62, 2**63, 2**64, 10**6, 0, -1, 1e3, 4.5, '10', True, None, [], {}, [4]):
        m.layer(f'units {units!r}', lambda c, v=units: c.update(units=v), either=True)
    for sizes in ([None, 10**12], [None, 2**62], [None, -1], [None, 0], [None, '3'], [None, True], [None, 3.5], [None, None],
                  [10**12, 3], [None], [], 5, None, 'x', [[[None, 3]]], [None, 3] * 40):
        def change(said, v=sizes):
            for e in said['config']['layers']:
                for key in ('batch_input_shape', 'batch_shape'):
                    if key in e['config']:
                        e['config'][key] = v
        m.config(f'shape {sizes!r}', change, either=True)
    for entry in ({'class_name': 'ZeroPadding1D', 'config': {'padding': 2**62, 'batch_input_shape': [None, 3, 3]}},
                  {'class_name': 'ZeroPadding2D', 'config': {'padding': [[2**62, 2**62], [1, 1]],
                                                             'batch_input_shape': [None, 3, 3, 3]}},
                  {'class_name': 'UpSampling2D', 'config': {'size': [2**40, 2**40], 'batch_input_shape': [None, 3, 3, 3]}},
                  {'class_name': 'RepeatVector', 'config': {'n': 2**62, 'batch_input_shape': [None, 3]}},
                  {'class_name': 'Embedding', 'config': {'input_dim': 10**12, 'output_dim': 8, 'batch_input_shape': [None, 3]}},
                  {'class_name': 'Embedding', 'config': {'input_dim': -5, 'output_dim': 8, 'batch_input_shape': [None, 3]}},
                  {'class_name': 'DepthwiseConv2D', 'config': {'kernel_size': [3, 3], 'depth_multiplier': 2**40,
                                                               'batch_input_shape': [None, 9, 9, 3]}},
                  {'class_name': 'Conv2D', 'config': {'filters': 8, 'kernel_size': [2**31, 2**31],
                                                      'batch_input_shape': [None, None, None, 3]}},
                  {'class_name': 'LSTM', 'config': {'units': 2**20, 'batch_input_shape': [None, 5, 3]}},
                  {'class_name': 'LSTM', 'config': {'units': 2**14, 'stateful': True, 'batch_input_shape': [2**16, 5, 3]}},
                  {'class_name': 'GRU', 'config': {'units': 2**14, 'batch_input_shape': [2**16, 5, 3]}},
                  {'class_name': 'Hashing', 'config': {'num_bins': 2**62, 'batch_input_shape': [None, 3]}},
                  {'class_name': 'CategoryEncoding', 'config': {'num_tokens': 2**40, 'output_mode': 'one_hot',
                                                                'batch_input_shape': [None, 1]}},
                  {'class_name': 'Discretization', 'config': {'num_bins': 2**40, 'batch_input_shape': [None, 1]}},
                  {'class_name': 'IntegerLookup', 'config': {'max_tokens': 2**40, 'vocabulary': [1, 2],
                                                             'output_mode': 'one_hot', 'pad_to_max_tokens': True,
                                                             'batch_input_shape': [None, 1]}},
                  {'class_name': 'MelSpectrogram', 'config': {'fft_length': 2**31, 'num_mel_bins': 2**20,
                                                              'batch_input_shape': [None, 100]}},
                  {'class_name': 'STFTSpectrogram', 'config': {'frame_length': 2**20, 'fft_length': 2**20,
                                                               'batch_input_shape': [None, 2**21]}},
                  {'class_name': 'Resizing', 'config': {'height': 2**30, 'width': 2**30, 'batch_input_shape': [None, 8, 8, 3]}},
                  {'class_name': 'MultiHeadAttention', 'config': {'num_heads': 2**20, 'key_dim': 2**20}},
                  {'class_name': 'Reshape', 'config': {'target_shape': [2**62, 4], 'batch_input_shape': [None, 3]}},
                  {'class_name': 'Permute', 'config': {'dims': list(range(1, 200)), 'batch_input_shape': [None, 3]}},
                  {'class_name': 'Dense', 'config': {'units': 4, 'kernel_initializer': {
                      'class_name': 'Constant', 'config': {'value': [[1.] * 1000]}}, 'batch_input_shape': [None, 3]}},
                  {'class_name': 'Dense', 'config': {'units': 2**20, 'kernel_initializer': 'Orthogonal',
                                                     'batch_input_shape': [None, 2**12]}}):
        for path in (0, 1):
            def change(said, e=entry, path=path):
                said['config']['layers'] = [e] if path else [e, *said['config']['layers'][1:]]
            m.config(f'{entry["class_name"]} {json.dumps(entry["config"])[:60]}, {path}', change, forms=(2,), either=True)
    m.layer('the right units', lambda c: c.update(units=4), loads=True)
    check(folder, m.cases)


def test_words(folder):
    """Keys that are no arguments, and values of the wrong kind in every place."""
    m = Maker(folder)
    for key in ('__class__', '__dict__', 'call', '_weights', 'built', 'get_config', '__init__', 'self', 'cls', 'weights'):
        for value in ('x', {'a': 1}, [1]):
            words = key if key not in ('self', 'cls') else ''
            m.layer(f'{key}={value}', lambda c, k=key, v=value: c.update({k: v}), words=words)
            m.config(f'model {key}={value}', lambda said, k=key, v=value: said['config'].update({k: v}))
    for wrong in (None, 5, 'x', [], {}, True, -1, 1e300, [None], {'class_name': 'x'}, [[]]):
        for key in ('class_name', 'config'):
            m.config(f'{key} {wrong!r}', lambda said, k=key, v=wrong: said.update({k: v}), either=wrong == [])
            m.config(f'layer {key} {wrong!r}', lambda said, k=key, v=wrong: said['config']['layers'][-1].update({k: v}))
        m.config(f'layers {wrong!r}', lambda said, v=wrong: said['config'].update(layers=v), either=wrong == [])
        m.layer(f'name {wrong!r}', lambda c, v=wrong: c.update(name=v), either=True)
        m.layer(f'trainable {wrong!r}', lambda c, v=wrong: c.update(trainable=v), either=True)
        m.layer(f'dtype {wrong!r}', lambda c, v=wrong: c.update(dtype=v), either=True)
        m.layer(f'use_bias {wrong!r}', lambda c, v=wrong: c.update(use_bias=v), either=True)
    m.layer('a name', lambda c: c.update(name='other'), either=True)
    check(folder, m.cases)


def test_json(folder):
    m = Maker(folder)
    good = json.dumps(m.two)
    m.text('the text as it is', good, loads=True)
    m.text('blanks', ' ' * 1000 + good, loads=True)
    for name, text in (
            ('deep list', '[' * 100_000 + ']' * 100_000), ('deep dictionary', '{"a":' * 100_000 + '1' + '}' * 100_000),
            ('deep inside', good[:-1] + ', "x": ' + '[' * 50_000 + ']' * 50_000 + '}'),
            ('an integer of a million digits', good[:-1] + ', "x": ' + '1' * 10**6 + '}'), ('NaN', good[:-1] + ', "x": NaN}'),
            ('-Infinity', good[:-1] + ', "x": -Infinity}'), ('1e999', good[:-1] + ', "x": 1e999}'),
            ('a key twice', good[:-1] + ', "class_name": "Sequential"}'), ('a surrogate', good[:-1] + ', "x": "\\ud800"}'),
            ('a list', '[]'), ('a number', '5'), ('nothing', ''), ('half', good[:-20]), ('more', good + '}'),
            ('a byte order mark', b'\xef\xbb\xbf' + good.encode()), ('UTF-16', good.encode('utf-16')),
            ('UTF-32', good.encode('utf-32')), ('no UTF-8', good.encode()[:-1] + b', "x": "\xff"}'),
            ('a NUL', good[:-1] + '\0}'), ('many values', good[:-1] + ', "x": [' + '[],' * 3_000_000 + '[]]}'),
            ('many blanks', good + ' ' * (40 << 20)), ('a long text', good[:-1] + ', "x": "' + 'a' * (30 << 20) + '"}')):
        m.text(name, text, either=name in ('a list',))
    check(folder, m.cases)


def test_amounts(folder):
    """Many layers, calls and objects, and calls in the worst order: each takes its time."""
    m = Maker(folder)

    def chain(n, backwards=False, inputs=None):
        layers = [{'class_name': 'InputLayer', 'name': 'l0', 'config': {'batch_input_shape': [None, 3], 'name': 'l0'},
                   'inbound_nodes': []}]
        layers += [{'class_name': 'Activation', 'name': f'l{k}', 'config': {'name': f'l{k}', 'activation': 'relu'},
                    'inbound_nodes': [[[f'l{k - 1}', 0, 0, {}]]]} for k in range(1, n)]
        return {'class_name': 'Model', 'config': {'name': 'm', 'layers': layers[::-1] if backwards else layers,
                                                  'input_layers': [['l0', 0, 0]], 'output_layers': [[f'l{n - 1}', 0, 0]]}}

    m.text('a chain backwards', json.dumps(chain(1500, True)), either=True)
    m.text('a long chain', json.dumps(chain(8000)), words='layers')
    shared = chain(2)
    shared['config']['layers'][1]['inbound_nodes'] = [[['l0', 0, 0, {}]]] * 20_000
    m.text('a layer called often', json.dumps(shared), words='calls')
    nested = {'class_name': 'Dense', 'config': {'units': 2, 'batch_input_shape': [None, 3]}}
    for _ in range(60):
        nested = {'class_name': 'Sequential', 'config': {'name': 's', 'layers': [nested]}}
    m.text('a model in a model', json.dumps(nested), either=True)
    for _ in range(2000):
        nested = {'class_name': 'TimeDistributed', 'config': {'layer': nested}}
    sys.setrecursionlimit(20_000)
    m.text('wrappers in wrappers', json.dumps(nested))
    sys.setrecursionlimit(1000)
    for which in (-1, 1, 10**20, True, 0.0, '0', None):
        wrong = chain(3)
        wrong['config']['layers'][2]['inbound_nodes'] = [[['l1', 0, which, {}]]]
        m.text(f'result {which!r}', json.dumps(wrong))
        wrong = chain(3)
        wrong['config']['output_layers'] = [['l2', 0, which]]
        m.text(f'output {which!r}', json.dumps(wrong))
        wrong = chain(3)
        wrong['config']['layers'][2]['inbound_nodes'] = [[['l1', -1 if which == 1 else which, 0, {}]]]
        m.text(f'call {which!r}', json.dumps(wrong))
    twice = chain(3)
    twice['config']['layers'].append(twice['config']['layers'][1])
    m.text('a layer twice', json.dumps(twice))
    circle = chain(3)
    circle['config']['layers'][1]['inbound_nodes'] = [[['l2', 0, 0, {}]]]
    m.text('a circle', json.dumps(circle))
    m.cases.append(Case('a chain', folder / 'chain.json', 'json', loads=True))
    (folder / 'chain.json').write_text(json.dumps(chain(3)))
    check(folder, m.cases)


def test_lambdas(folder):
    """Code and names of functions in every place where a function may stand, and in every nesting."""
    m = Maker(folder)
    code = {'class_name': '__lambda__', 'config': {'code': '4wEAAAABAAAA', 'defaults': None, 'closure': None}}
    old = ['4wEAAAABAAAA\n', None, None]
    for function, kind, module in ((code, 'lambda', None), (old, 'lambda', 'm'), ('system', 'function', 'os'),
                                   ('test', 'function', 'numpy'), ('load', 'function', 'numpy'), ('core', 'function', None),
                                   ('Dense', 'function', None),
                                   ({'class_name': 'Dense', 'config': {'units': 2}}, 'function', None),
                                   ({'class_name': 'function', 'module': 'os', 'config': 'system'}, 'function', 'os'),
                                   ('../../x', 'function', '/etc'), (5, 'function', None), (None, 'raw', None)):
        for slot in ('function', 'output_shape', 'mask'):
            config = {'name': 'l', 'function': 'relu', 'function_type': 'function', 'module': None, 'arguments': {}}
            config.update({slot: function, f'{slot}_type': kind, 'module' if slot == 'function' else f'{slot}_module': module})
            inner = {'class_name': 'Lambda', 'config': config}
            for entry in (inner, {'class_name': 'TimeDistributed', 'config': {'layer': inner}},
                          {'class_name': 'Sequential', 'config': {'name': 's', 'layers': [inner]}},
                          {'class_name': 'Bidirectional', 'config': {'layer': inner}}):
                wrapped = {**entry, 'config': {**entry['config']}}
                m.config(f'{function!r:.30} as {slot} in {entry["class_name"]}',
                         lambda said, e=wrapped: said['config']['layers'].__setitem__(-1, e), forms=(2,),
                         either=function is None or slot != 'function' and not isinstance(function, (dict, str)))
    for arguments in ({'safe_mode': False}, {'x': {'class_name': 'function', 'module': 'os', 'config': 'system'}},
                      {'x': code}, {'x': {'class_name': '__numpy__', 'config': {'value': [1], 'dtype': '(1000000000,)f4'}}},
                      {'x': {'class_name': '__tensor__', 'config': {'value': 1, 'dtype': 'O'}}},
                      {'x': {'class_name': '__numpy__', 'config': {'value': 'x', 'dtype': 'S1000000000'}}},
                      {'x': {'class_name': '__numpy__'}}, {'x': {'class_name': '__slice__', 'config': {}}}, 5, [1]):
        entry = {'class_name': 'Lambda', 'config': {'name': 'l', 'function': 'relu', 'function_type': 'function',
                                                    'arguments': arguments}}
        m.config(f'arguments {arguments!r:.60}', lambda said, e=entry: said['config']['layers'].insert(1, e), forms=(2,))
    good = {'class_name': 'Lambda', 'config': {'name': 'l', 'function': 'relu', 'function_type': 'function', 'arguments': {}}}
    m.config('a good one', lambda said: said['config']['layers'].insert(1, good), forms=(2,), loads=True)
    check(folder, m.cases)


def test_layers_that_open_paths(folder):
    m = Maker(folder)
    canary = str(folder / 'canary')
    for path in (canary, '/etc/passwd', 'http://127.0.0.1:9/x', 'gs://x/y', '\\\\host\\s', '../canary'):
        for entry in ([{'class_name': name, 'config': {'vocabulary': path}}
                       for name in ('StringLookup', 'IntegerLookup', 'TextVectorization')]
                      + [{'class_name': name, 'config': {'filepath': path, 'module': path, 'call_fn': path}}
                         for name in ('TFSMLayer', 'TorchModuleWrapper', 'JaxLayer', 'FlaxLayer')]
                      + [{'class_name': 'StringLookup', 'config': {'vocabulary': ['a'], 'idf_weights': path}},
                         {'class_name': 'FeatureSpace', 'config': {'features': path}}]):
            m.config(f'{entry["class_name"]} {path}', lambda said, e=entry: said['config']['layers'].__setitem__(0, e),
                     forms=(2,), words=entry['class_name'])
            m.config(f'{entry["class_name"]} {path} of 3', lambda said, e=entry: said['config']['layers'].__setitem__(
                -1, {**e, 'module': 'keras.layers', 'registered_name': None}), forms=(3,), words=entry['class_name'])
    check(folder, m.cases)
