"""Records what the layers of a real Keras give for the cases of a family (cases/FAMILY.py):

    KERAS224=folder-of-keras224.py python tests/parity/record_cases.py --keras2 recurrent convolution
    python tests/parity/record_cases.py --keras3 recurrent
"""

import importlib
import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))
os.environ['TF_ENABLE_ONEDNN_OPTS'] = '0'


def numbers(y, digits=7):
    """Shape and values of an array, or of each of several."""
    import numpy as np
    if isinstance(y, (list, tuple)):
        return [numbers(v, digits) for v in y]
    if isinstance(y, dict):
        return {k: numbers(v, digits) for k, v in y.items()}
    y = np.asarray(y)
    return {'shape': list(y.shape), 'values': [float(f'{v:.{digits}g}') for v in y.ravel().tolist()]}


def plain(config):
    import numpy as np
    return json.loads(json.dumps(config, default=lambda o: float(o) if np.ndim(o) == 0 else list(o)))


def by_keras2(keras, case):
    from tests.parity import cases
    model, layer, x = cases.in_a_model(keras, case)
    weights = [list(w.shape) for w in layer.get_weights()]
    layer.set_weights(cases.weights([tuple(s) for s in weights]))
    results = [model.predict(x, batch_size=cases.rows(x)) for _ in range(case.options.get('times', 1))][-1]
    return {'config': plain(layer.get_config()), 'weights': weights, 'outputs': numbers(results)}


def by_keras3(keras, case):
    from tests.parity import cases
    layer = cases.made(keras, case)
    x = cases.inputs(case)
    results = cases.called(layer, x, case)
    weights = [list(w.shape) for w in layer.get_weights()]
    if not {'adapt', 'keep'} & set(case.options):
        layer.set_weights(cases.weights([tuple(s) for s in weights]))
    results = cases.called(layer, x, case)
    return {'weights': weights, 'outputs': numbers(results)}


def main(argv):
    generation, families = argv[0].removeprefix('--keras'), argv[1:]
    if generation == '2':
        sys.path.insert(0, os.environ['KERAS224'])
        from keras224 import keras, np, tf
        tf.enable_resource_variables()
        np.set_printoptions(legacy='1.25')      # shapes hold NumPy numbers: print them as numbers
    else:
        import keras
    from tests.parity import cases
    for family in families:
        module = importlib.import_module(f'tests.parity.cases.{family}')
        results = {}
        for key, case in cases.of(module, generation).items():
            keras.backend.clear_session()
            results[key] = (by_keras2 if generation == '2' else by_keras3)(keras, case)
        lines = ',\n'.join(f'{json.dumps(k)}:{json.dumps(v, separators=(",", ":"))}' for k, v in results.items())
        (HERE / 'cases' / f'{family}_keras{generation}.json').write_text('{\n' + lines + '\n}\n')
        print(family, len(results))


if __name__ == '__main__':
    main(sys.argv[1:])
