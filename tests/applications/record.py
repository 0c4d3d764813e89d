"""Record applications_keras224.json with Keras 2.2.4, applications_keras3.json with Keras 3:

    TF_ENABLE_ONEDNN_OPTS=0 KERAS224=<folder of keras224.py> python tests/applications/record.py 2 [network …]
    TF_ENABLE_ONEDNN_OPTS=0 python tests/applications/record.py 3 [network …]

    python tests/applications/record.py 2 --files       (and 3): files.json, which files of weights they ask for

The networks named, by default all, are recorded again one after the other, each in a process of its own, and take the place
of what the file has of them. With --tables only their layers are recorded, and all in one process.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import cases  # noqa: E402
import numpy as np  # noqa: E402

FILES = {'2': 'applications_keras224.json', '3': 'applications_keras3.json'}
READABLE = ('MobileNet', 'VGG16')


def load(generation):
    if generation == '2':
        sys.path.insert(0, os.environ['KERAS224'])
        from keras224 import keras
        return keras, lambda v: v.name
    import keras
    return keras, cases.path_of


def without_numbers(keras):
    """Make weights of zeros, which is quicker, where their numbers do not count."""
    if keras.__version__ > '3':
        from keras.src import initializers
        initializers.get = lambda identifier: keras.initializers.Zeros()


def one(generation, name, outputs=True):
    """What is recorded of a network, as JSON on standard output."""
    keras, weight_name = load(generation)
    if not outputs:
        without_numbers(keras)
    build = getattr(keras.applications, name)

    def table(kwargs):
        keras.backend.clear_session()
        kwargs = dict(kwargs)
        keras.backend.set_image_data_format(kwargs.pop('format', 'channels_last'))
        try:
            model = build(weights=None, **kwargs)
            return model, cases.rows(model, weight_name)
        finally:
            keras.backend.set_image_data_format('channels_last')

    found = {'variants': {}}
    model, rows = table({})
    found['default'] = {'name': model.name, **cases.noted(rows, name in READABLE)}
    for key, network, kwargs in cases.variants(int(generation)):
        if network == name:
            found['variants'][key] = cases.noted(table(kwargs)[1])
    if not outputs:
        return found
    size, gain, last = cases.NETWORKS[name]
    keras.backend.clear_session()
    model = build(weights=None, input_shape=(size, size, 3), classes=10)
    cases.weights(model, gain, last, keras.backend if generation == '2' else None)
    holders = [layer for layer in model.layers if layer.weights]
    inner = keras.models.Model(model.inputs, [holders[-1].input, model.output])
    x = cases.images(size, cases.scales_itself(name))
    features, predictions = inner.predict(x)
    features = np.reshape(features, (2, -1))
    found['outputs'] = cases.outcome(features, predictions)
    apart = np.abs(features[0] - features[1]).mean() / np.abs(features).mean()
    print(f'{name}: features {np.abs(features).mean():.3g}, apart {apart:.3g}, largest {predictions.max(1)}', file=sys.stderr)
    return found


class Anything:
    """Stands for layers and tensors where only the files of weights matter: each call gives it back."""

    shape = (None, 64, 64, 64)

    def __call__(self, *args, **kwargs):
        return self

    def __getattr__(self, name):
        if name.startswith('__'):
            raise AttributeError(name)
        return self

    def __add__(self, other):
        return self

    __radd__ = __mul__ = __add__


class Asked(Exception):
    pass


def ask(name, origin, md5_hash=None, file_hash=None, **kwargs):
    raise Asked(name, origin, file_hash or md5_hash)


def builders(generation):
    """fn(name) → a function of Keras that builds a network of Anything, and asks for its file."""
    if generation == '3':
        import keras
        from keras.src.utils import file_utils
        file_utils.get_file = ask

        def find(name):
            function = getattr(keras.applications, name)
            for module in (m for k, m in sys.modules.items() if k.startswith('keras.src.applications.')):
                for part in ('layers', 'Functional', 'Sequential', 'LayerScale', 'StochasticDepth', 'CustomScaleLayer'):
                    if hasattr(module, part):
                        setattr(module, part, Anything())
            return function
        return find
    keras, _ = load(generation)
    import importlib

    class Utils:
        get_file = staticmethod(ask)

    class Backend:
        int_shape = staticmethod(lambda x: x.shape)
        image_data_format = staticmethod(lambda: 'channels_last')
        backend = staticmethod(lambda: 'tensorflow')
        name_scope = staticmethod(keras.backend.name_scope)

    def find(name):
        module = next(m for m in ('vgg16', 'vgg19', 'resnet50', 'inception_v3', 'inception_resnet_v2', 'xception', 'mobilenet',
                                  'mobilenet_v2', 'densenet', 'nasnet')
                      if hasattr(importlib.import_module(f'keras_applications.{m}'), name))
        function = getattr(importlib.import_module(f'keras_applications.{module}'), name)
        return lambda **kwargs: function(backend=Backend, layers=Anything(), models=Anything(), utils=Utils, **kwargs)
    return find


def files(generation):
    """What file of weights each network asks for: [name, address, hash]."""
    find, found = builders(generation), {}
    for key, name, kwargs in cases.files(int(generation)):
        try:
            find(name)(weights='imagenet', **kwargs)
        except Asked as asked:
            found[key] = [name, kwargs, list(asked.args)]
    path = HERE / 'files.json'
    every = json.loads(path.read_text()) if path.exists() else {}
    every[generation] = found
    lines = [f'"{g}":{{' + ',\n'.join(f'{json.dumps(k)}:{json.dumps(v)}' for k, v in every[g].items()) + '}'
             for g in sorted(every)]
    path.write_text('{' + ',\n'.join(lines) + '}\n')


def main(generation, *names):
    if '--files' in names:
        files(generation)
        return
    if '--one' in names:
        print(json.dumps(one(generation, names[1]), separators=(',', ':')))
        return
    tables, names = '--tables' in names, [name for name in names if name != '--tables']
    path = HERE / FILES[generation]
    every = cases.KERAS2 if generation == '2' else cases.NETWORKS
    for name in names or every:
        found = json.loads(path.read_text()) if path.exists() else {}
        if tables:
            found[name] = {**found.get(name, {}), **one(generation, name, False)}
            print(f'{name}: layers', file=sys.stderr, flush=True)
            save(path, every, found)
            continue
        run = subprocess.run([sys.executable, __file__, generation, '--one', name], stdout=subprocess.PIPE, text=True)
        if run.returncode:
            print(f'{name}: failed')
            continue
        found[name] = json.loads(run.stdout.strip().splitlines()[-1])
        save(path, every, found)


def save(path, every, found):
    lines = [f'{json.dumps(k)}:{json.dumps(found[k], separators=(",", ":"))}' for k in every if k in found]
    path.write_text('{' + ',\n'.join(lines) + '}\n')


if __name__ == '__main__':
    main(*sys.argv[1:])
