"""Records files that Keras 3 writes: python tests/parity/record_archives.py with Keras 3.

All go into one packed archives_keras3.tar.xz, since most of them is empty space: NAME.keras, and NAME.npz with what the model
gives for archive_cases.inputs(NAME). The function `check` reads files of this package with Keras 3, see test_archives.py.
"""

import io
import json
import os
import sys
import tarfile
import tempfile
from pathlib import Path

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ['TF_ENABLE_ONEDNN_OPTS'] = '0'

import keras  # noqa: E402
import numpy as np  # noqa: E402

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import archive_cases as cases  # noqa: E402


def outputs(model, name):
    x = cases.inputs(name)
    if x[0].dtype == object:
        import tensorflow as tf
        x = [tf.constant(x[0])]
    return cases.listed(model.predict(cases.given(name, x), verbose=0))


def trained():
    """A compiled model in the middle of its training, and the losses of the steps that follow."""
    keras.utils.set_random_seed(1)
    model = cases.trainable(keras)
    x, y = cases.data()
    for _ in range(3):
        model.train_on_batch(x, y)
    return model


def record(folder):
    for name in cases.CASES:
        model = cases.fill(cases.CASES[name][0](keras))
        np.savez(folder / f'{name}.npz', *outputs(model, name))
        model.save(folder / f'{name}.keras')
    model = trained()
    model.save(folder / 'trained.keras')
    model.save_weights(folder / 'trained.weights.h5')
    model.save_weights(folder / 'parts.weights.json', max_shard_size=4e-7)
    model.save(folder / 'trained.h5')
    x, y = cases.data()
    losses = [[float(v) for v in model.train_on_batch(x, y)] for _ in range(4)]
    (folder / 'trained.json').write_text(json.dumps({'losses': losses}))
    with tarfile.open(HERE / 'archives_keras3.tar.xz', 'w:xz', preset=9) as tar:
        for path in sorted(folder.iterdir()):
            info = tarfile.TarInfo(path.name)
            info.size = path.stat().st_size
            tar.addfile(info, io.BytesIO(path.read_bytes()))


def check(folder):
    """Read the files of a folder that this package wrote, and say what differs. They are saved again, as NAME.again.keras."""
    wrong = []
    for name in cases.CASES:
        path = folder / f'{name}.keras'
        if not path.exists():
            continue
        try:
            if name in cases.OWN_CLASSES:
                cases.CASES[name][0](keras)
            model = keras.models.load_model(path)
            with np.load(folder / f'{name}.npz') as kept:
                wanted = [kept[k] for k in kept.files]
            got = outputs(model, name)
            off = max(float(np.abs(a - b).max() / max(1.0, np.abs(b).max())) for a, b in zip(got, wanted))
            if len(got) != len(wanted) or off > 1e-5:
                wrong.append(f'{name}: outputs differ by {off:.1e}')
            model.save(folder / f'{name}.again.keras')
            before = [w.numpy() for w in model.weights]
            model.load_weights(folder / f'{name}.weights.h5')
            if not all(np.array_equal(a, w.numpy()) for a, w in zip(before, model.weights)):
                wrong.append(f'{name}: .weights.h5 differs')
        except Exception as error:
            wrong.append(f'{name}: {type(error).__name__}: {str(error)[:300]}')
    model = keras.models.load_model(folder / 'trained.keras')
    x, y = cases.data()
    losses = [[float(v) for v in model.train_on_batch(x, y)] for _ in range(4)]
    wanted = json.loads((folder / 'trained.json').read_text())['losses']
    if not np.allclose(losses, wanted, rtol=1e-4, atol=1e-6):
        wrong.append(f'trained: losses {losses}, expected {wanted}')
    print(json.dumps(wrong))


if __name__ == '__main__':
    if len(sys.argv) > 1:
        check(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as made:
            record(Path(made))
