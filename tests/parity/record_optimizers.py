"""Record what Keras 2.2.4 computes: python tests/parity/record_optimizers.py, where `import keras224` gives that Keras.

Its TensorFlow must use resource variables: with reference variables a step's gradients read weights that the same step is
updating, and its losses differ from run to run by 1e-3.
"""
import json
import os
import sys

from keras224 import keras, tf

tf.enable_resource_variables()

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import network  # noqa: E402

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'optimizers_keras224.json'), 'w') as f:
    json.dump({'keras': keras.__version__, 'losses': {n: network.losses(keras, n) for n in network.OPTIMIZERS}}, f, indent=1)
