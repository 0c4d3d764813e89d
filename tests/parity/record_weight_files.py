"""Files of weights that Keras 3 writes beside the usual ones, for test_weight_files.py:

    python tests/parity/record_weight_files.py [FOLDER]

with a Python that has Keras 3.15.1 on TensorFlow makes weight_files_keras3.tar.xz. With a folder in which the test has left
models, it reads these in place of that, and prints what differs.
"""
import io
import sys
import tarfile
import tempfile
from pathlib import Path

import keras
import numpy as np
from keras.src.saving import saving_lib

HERE = Path(__file__).parent
X = np.linspace(-1, 1, 12, dtype='float32').reshape(4, 3)


def filled(model, seed=0):
    """Give the weights numbers of their own."""
    random = np.random.RandomState(seed)
    model.set_weights([random.uniform(-1, 1, w.shape).astype('float32').astype(w.dtype) for w in model.get_weights()])
    return model


def stack(*names):
    """Layers of one shape under names."""
    return keras.Sequential([keras.Input((3,)), *(keras.layers.Dense(3, name=name) for name in names)])


def trained():
    """A small model behind two steps."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation='tanh'), keras.layers.BatchNormalization(),
                              keras.layers.Dense(3)])
    model.compile('adam', 'mse')
    for _ in range(2):
        model.train_on_batch(X, X)
    return model


def write(folder):
    """The files, and what the models in them predict."""
    results = {}
    model = filled(stack('a', 'b', 'c'))
    model.save_weights(folder / 'order.weights.h5')
    results['order'] = model.predict(X, verbose=0)
    model = trained()
    model.save(folder / 'folder', zipped=False)
    saving_lib.save_model(model, folder / 'npz.keras', weights_format='npz')
    results['trained'] = model.predict(X, verbose=0)
    results['losses'] = [float(np.asarray(model.train_on_batch(X, X))) for _ in range(3)]
    model = filled(keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, dtype='bfloat16')]))
    model.save_weights(folder / 'bfloat16.weights.h5')
    results['bfloat16'] = np.asarray(model.get_weights()[0]).astype('float32')
    model = keras.Sequential([keras.Input((5, 3), batch_size=4), keras.layers.LSTM(2, stateful=True),
                              keras.layers.Dropout(0.5)])
    model.compile('sgd', 'mse', metrics=['mae'])
    model.train_on_batch(np.ones((4, 5, 3)), np.ones((4, 2)))
    model.save_weights(folder / 'stateful.weights.h5')
    np.savez(folder / 'results.npz', **results)


def read(folder):
    """What Keras makes of models that were saved elsewhere."""
    results = np.load(folder / 'results.npz')
    model = keras.models.load_model(folder / 'folder')
    np.testing.assert_allclose(model.predict(X, verbose=0), results['trained'], rtol=1e-5, atol=1e-6)
    losses = [float(np.asarray(model.train_on_batch(X, X))) for _ in range(3)]
    np.testing.assert_allclose(losses, results['losses'], rtol=1e-5)
    model = stack('a', 'b', 'c')
    model.load_weights(folder / 'order.weights.h5')
    np.testing.assert_allclose(model.predict(X, verbose=0), results['order'], rtol=1e-5, atol=1e-6)
    print('the same')


if __name__ == '__main__':
    if len(sys.argv) > 1:
        read(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as found:
            write(Path(found))
            with tarfile.open(HERE / 'weight_files_keras3.tar.xz', 'w:xz') as tar:
                for path in sorted(p for p in Path(found).rglob('*') if p.is_file()):
                    data = path.read_bytes()
                    info = tarfile.TarInfo(str(path.relative_to(found)))
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
