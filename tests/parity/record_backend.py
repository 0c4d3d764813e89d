"""Record backend_keras224.npz, what functions of the backend give in Keras 2.2.4:

    TF_ENABLE_ONEDNN_OPTS=0 PYTHONPATH=<folder of keras224.py> python tests/parity/record_backend.py

keras224 is the module that record_training.py speaks of.
"""

from pathlib import Path

import backend_cases
import keras224
import numpy as np


def main():
    K, kept = keras224.keras.backend, {}
    for name in backend_cases.CASES:
        try:
            value, gradients = backend_cases.computed(K, name)
        except Exception as error:
            print(f'{name}: {type(error).__name__}: {str(error).splitlines()[0][:300]}')
            continue
        kept[f'{name}/value'] = value
        for k, g in enumerate(gradients):
            kept[f'{name}/gradient_{k}'] = np.array(0.0) if g is None else np.asarray(g)
            kept[f'{name}/there_{k}'] = np.array(g is not None)
    np.savez_compressed(Path(__file__).parent / 'backend_keras224.npz', **kept)


if __name__ == '__main__':
    main()
