"""Record files of trainings, and the losses of the steps that follow.

    python -m tests.parity.record_resume (keras224 | tf_keras | keras3)    # where that Keras can be imported

keras224: `keras` is Keras 2.2.4. The file is kept as what is in it, not as HDF5, which would take fifty times the room.
"""

import json
import os
import sys
import tempfile

import h5py
import numpy as np

from tests.parity import resume_cases as cases


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def content(path):
    """Attributes and arrays of a file."""
    with h5py.File(path, 'r') as f:
        out = {k: text(f.attrs[k]) for k in ('keras_version', 'backend', 'model_config', 'training_config')}
        for group in ('model_weights/a', 'model_weights/b', 'optimizer_weights'):
            # Keras 3 has the layer's arrays in a group of the model's name
            names = [text(n) for n in f[group].attrs['weight_names']]
            out[group] = [[n, f[group][n].dtype.name, np.asarray(f[group][n]).tolist()] for n in names]
        return out


def main(which):
    if which == 'tf_keras':
        import tf_keras as keras
    else:
        import keras
    x, y = cases.data()
    out = {}
    for name, (class_name, arguments) in cases.OPTIMIZERS.items():
        keras.backend.clear_session()
        if which != 'keras224':
            arguments = {('learning_rate' if k == 'lr' else k): v for k, v in arguments.items() if k != 'decay'}
        model = cases.network(keras)
        model.compile(optimizer=getattr(keras.optimizers, class_name)(**arguments), loss='mse')
        for _ in range(4):
            model.train_on_batch(x, y)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'm.h5')
            model.save(path)
            out[name] = content(path)
        out[name]['losses'] = [float(model.train_on_batch(x, y)) for _ in range(3)]
    with open(os.path.join(os.path.dirname(__file__), f'resume_{which}.json'), 'w') as f:
        json.dump(out, f, separators=(',', ':'))


if __name__ == '__main__':
    main(sys.argv[1])
