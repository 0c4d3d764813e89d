"""HDF5 files between a real Keras and this package, run by test_h5_round_trips.py under that Keras:

    python h5_with_keras.py KIND FOLDER

KIND: keras224 (PYTHONPATH has keras224.py), tf_keras or keras3. Writes FOLDER/theirs-NAME.h5 and what they predict, and prints
what differs in FOLDER/ours-NAME.h5, a line each, then how many it read.
"""

import importlib
import os
import sys

import h5_cases

MODULES = {'keras224': 'keras224', 'tf_keras': 'tf_keras', 'keras3': 'keras'}


def main(kind, folder):
    os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
    keras = importlib.import_module(MODULES[kind])
    keras = getattr(keras, 'keras', keras) if kind == 'keras224' else keras
    count = 0
    for name, (make, shapes, words) in h5_cases.networks(keras, kind).items():
        keras.backend.clear_session()
        x, model = h5_cases.inputs(shapes, words), h5_cases.filled(make())
        model.compile(optimizer='adam', loss='mse')
        model.save(f'{folder}/theirs-{name}.h5')
        h5_cases.kept(model, f'{folder}/theirs-{name}.npz', x)
        try:
            ours = keras.models.load_model(f'{folder}/ours-{name}.h5')
            wrong = h5_cases.differences(ours, f'{folder}/ours-{name}.npz', x)
        except Exception as error:
            wrong = f'{type(error).__name__}: {error}'
        count += 1
        if wrong:
            print(f'{name}: {wrong}'.replace('\n', ' ')[:300])
    print(f'read {count}')


if __name__ == '__main__':
    main(*sys.argv[1:])
