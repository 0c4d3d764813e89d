"""Keras 3 on TensorFlow: its own methods and a tf.function, with and without XLA."""
import os
import tempfile

os.environ['KERAS_BACKEND'] = 'tensorflow'
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import tensorflow as tf  # noqa: E402

from bench import networks  # noqa: E402

from . import keras3  # noqa: E402


class WholeTables(keras3.keras.optimizers.Adam):
    """Adam that sums the gradients of a table's row over all places of the batch that read it, as the other engines do. Given
    TensorFlow's slices, Keras's squares each place's for itself, so that the second moment of a frequent word is another."""

    def apply(self, grads, trainable_variables=None):
        super().apply([tf.convert_to_tensor(g) for g in grads], trainable_variables)


class Engine(keras3.Engine):
    variants = {
        'predict_on_batch': ['predict_on_batch', 'predict_on_batch xla', 'function', 'function xla'],
        'predict': ['predict'],
        'train_on_batch': ['train_on_batch', 'train_on_batch xla', 'function', 'function xla'],
    }

    def __init__(self, threads):
        super().__init__(threads)
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)

    def versions(self):
        return {'tensorflow': tf.__version__, **super().versions()}

    @staticmethod
    def optimizer(rate, measured):
        """Measured as users have it, compared by what other engines compute too."""
        return keras3.keras.optimizers.Adam(rate) if measured else WholeTables(rate)

    def predictor(self, task, variant, network, batch, file):
        if 'function' in variant:
            function = self._function(keras3.build(network), network, batch, 'xla' in variant)
            return tf.constant, lambda x: function(x).numpy()
        if task == 'predict':
            model = keras3.build(network)
            return (lambda x: x), lambda x: model.predict(x, verbose=0)
        return super().predictor(task, variant, network, batch, file)

    @staticmethod
    def _function(model, network, batch, xla):
        signature = tf.TensorSpec((batch, *networks.NETWORKS[network].input_shape), networks.dtype(network))
        function = tf.function(lambda x: model(x, training=False), jit_compile=xla)
        return function.get_concrete_function(signature)

    def trainer(self, variant, network, batch, dropout=True, rate=1e-3):
        if 'function' not in variant:
            return super().trainer(variant, network, batch, dropout, rate)
        model = keras3.build(network, dropout)
        loss_of = keras3.keras.losses.get(networks.NETWORKS[network].loss)
        optimizer = self.optimizer(rate, measured=dropout)
        optimizer.build(model.trainable_variables)
        x, y = tf.constant(networks.inputs(network, batch)), tf.constant(networks.targets(network, batch))

        @tf.function(jit_compile='xla' in variant)
        def step(x, y):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(loss_of(y, model(x, training=True)))
            variables = model.trainable_variables
            optimizer.apply(tape.gradient(loss, variables), variables)
            return loss
        return lambda: float(step(x, y))

    def export_tflite(self, network, batch, path):
        """By way of a SavedModel, since the converter takes many times the weights' memory for a function."""
        shape = batch, *networks.NETWORKS[network].input_shape
        signature = keras3.keras.InputSpec(shape=shape, dtype=networks.dtype(network))
        with tempfile.TemporaryDirectory() as folder:
            keras3.build(network).export(folder, format='tf_saved_model', verbose=False, input_signature=[signature])
            content = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
        with open(path, 'wb') as f:
            f.write(content)
