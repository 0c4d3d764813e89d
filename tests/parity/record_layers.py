"""Records results, tables, configurations and files of Keras 2.2.4 (KERAS224 is the folder of keras224.py, which runs
it):

    KERAS224=folder python tests/parity/record_layers.py
"""

import json
import os
import sys
from pathlib import Path

os.environ['TF_ENABLE_ONEDNN_OPTS'] = '0'      # it has no transposed convolution of some sizes

sys.path.insert(0, os.environ['KERAS224'])
from keras224 import keras, np, tf  # noqa: E402

tf.enable_resource_variables()    # with reference variables a step reads weights that it is updating

np.set_printoptions(legacy='1.25')      # shapes hold NumPy numbers: print them as numbers
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import layer_cases as cases  # noqa: E402


def result(name, kwargs, shapes):
    layer = getattr(keras.layers, name)(name='layer', **kwargs)
    x = cases.inputs(shapes)
    if isinstance(shapes, list):
        given = [keras.layers.Input(s[1:]) for s in shapes]
    else:
        given = keras.layers.Input(shapes[1:])
    model = keras.models.Model(given, layer(given))
    layer.set_weights(cases.weights([w.shape for w in layer.get_weights()]))
    y = model.predict(x)
    config = json.loads(json.dumps(layer.get_config(), default=lambda o: float(o) if np.ndim(o) == 0 else list(o)))
    return {'config': config, 'weights': [list(w.shape) for w in layer.get_weights()], 'shape': list(y.shape),
            'output_shape': [None if d is None else int(d) for d in layer.output_shape],
            'values': [float(f'{v:.7g}') for v in y.ravel().tolist()]}


def table(model):
    lines = []
    model.summary(print_fn=lines.append)
    return lines


def filled(model):
    for layer in model.layers:
        layer.set_weights(cases.weights([w.shape for w in layer.get_weights()]))
    return model


recorded = {'layers': [result(*case) for case in cases.CASES]}
model, stack = filled(cases.network(keras)), filled(cases.chain(keras))
recorded['network'] = {'json': json.loads(model.to_json()), 'summary': table(model)}
recorded['chain'] = {'json': json.loads(stack.to_json()), 'summary': table(stack)}
x = [cases.array((4, 8, 8, 1), 1), cases.array((4, 3), 2)]
recorded['network']['outputs'] = [np.round(y.astype(float), 7).tolist() for y in model.predict(x)]
model = filled(cases.network(keras, rate=0.0))
model.get_layer('conv').trainable = False
model.compile(keras.optimizers.Adam(lr=0.01), loss=['categorical_crossentropy', 'mse'], metrics=['accuracy'],
              loss_weights=[1.0, 0.5])
y = [np.eye(2)[[0, 1, 1, 0]], np.ones((4, 1))]
for _ in range(2):
    model.train_on_batch(x, y)
recorded['trained'] = {'outputs': [np.round(v.astype(float), 7).tolist() for v in model.predict(x)]}
model.save(str(HERE / 'network_keras224.h5'))
model.save_weights(str(HERE / 'weights_keras224.h5'))
# what the next step gives: it shows that the state of the optimizer was saved
recorded['trained']['loss'] = [float(v) for v in model.train_on_batch(x, y)]
recorded['trained']['next_loss'] = [float(v) for v in model.test_on_batch(x, y)]
(HERE / 'layers_keras224.json').write_text(json.dumps(recorded, indent=None, separators=(',', ':')) + '\n')
