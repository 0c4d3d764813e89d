"""Opens one file with Keras 3 in a process of its own, and prints what the box of hostile files (tests/saving) wants to know.

    python -m tests.parity.hostile_keras HOW PATH GOOD

HOW: 'model', 'weights' (into the model of the file GOOD) or 'image'.
"""

import json
import os
import sys
import time

from tests.saving import hostile_child as child


def main():
    how, path, good = sys.argv[1:]
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    import keras
    import numpy as np
    model = keras.models.load_model(good)
    x = np.array([[0.5, -1.0, 2.0]], 'float32')
    first = model.predict(x, verbose=0)
    do = {'model': keras.models.load_model, 'weights': model.load_weights, 'image': keras.utils.load_img}[how]
    child.forget_peak()
    used, began, clock = child.peak(), time.process_time(), time.monotonic()
    try:
        found = do(path)
        if how == 'image':
            found.load()
        outcome, words = 'loaded', ''
    except Exception as error:
        kinds = [c.__name__ for c in type(error).__mro__]
        outcome = next((k for k in kinds if k in ('OSError', 'MemoryError', 'ValueError')), kinds[0])
        words = str(error)
    result = {'outcome': outcome, 'words': words[:2000], 'seconds': time.process_time() - began,
              'waited': time.monotonic() - clock, 'grown': child.peak() - used, 'seen': [], 'changed': [],
              'same': bool((model.predict(x, verbose=0) == first).all())}
    print(json.dumps(result))


if __name__ == '__main__':
    main()
