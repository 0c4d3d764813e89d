"""What FeatureSpace of Keras 3.15 gives for a table of all types of columns; recorded by

    python -m tests.parity.feature_space
"""

import json
from pathlib import Path

import numpy as np

RECORDED = Path(__file__).parent / 'feature_space_keras3.json'
DATA = {'f': [0.0, 0.1, 0.2, 0.35, 1.5, -2.0] * 8, 'n': [float(i * i % 17) for i in range(48)],
        'r': [float(i) for i in range(48)], 'd': [float(i * 7 % 23) for i in range(48)], 'i': [i % 5 + 10 for i in range(48)],
        's': ['abc'[i % 3] * (i % 2 + 1) for i in range(48)], 'ih': list(range(48)), 'sh': [str(i) for i in range(48)]}


def space(keras, mode, output_mode='one_hot'):
    FS = keras.utils.FeatureSpace
    return FS({'f': 'float', 'n': 'float_normalized', 'r': FS.float_rescaled(0.5, 1.0),
               'd': FS.float_discretized(4, output_mode=output_mode), 'i': FS.integer_categorical(output_mode=output_mode),
               's': FS.string_categorical(max_tokens=4, output_mode=output_mode),
               'ih': FS.integer_hashed(6, output_mode=output_mode), 'sh': FS.string_hashed(5, output_mode=output_mode)},
              crosses=[FS.cross(('s', 'i'), 7, output_mode), FS.cross(('ih', 'sh'), 5, output_mode)], output_mode=mode)


def results(keras):
    """The vectors of some rows; the columns of a dict."""
    columns = {k: np.array(v) for k, v in DATA.items()}
    joined, apart = space(keras, 'concat'), space(keras, 'dict', 'int')
    joined.adapt(columns)
    apart.adapt(columns)
    y = np.asarray(joined(columns))
    return {'rows': np.round(y[::7], 5).tolist(), 'single': np.round(np.asarray(joined({k: v[3] for k, v in DATA.items()})),
                                                                     5).tolist(),
            'columns': {k: np.round(np.asarray(v)[:9], 5).tolist() for k, v in sorted(apart(columns).items())}}


if __name__ == '__main__':
    import keras
    RECORDED.write_text(json.dumps(results(keras)) + '\n')
