"""What Keras 3 does alike on all its backends."""
import keras

from bench import networks

from . import base


def build(network, dropout=True):
    layers = keras.layers if dropout else networks.WithoutDropout(keras.layers)
    model = keras.Model(*networks.NETWORKS[network].build(layers))
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(networks.weights(layer.name, [tuple(w.shape) for w in layer.weights]))
    return model


class Engine(base.Engine):
    """Variants with 'xla' are compiled by XLA."""

    def versions(self):
        return {'keras': keras.__version__}

    @staticmethod
    def optimizer(rate, measured):
        """Adam; not measured: its losses alone are wanted, to compare them."""
        return keras.optimizers.Adam(rate)

    def predictor(self, task, variant, network, batch, file):
        model = build(network)
        model.compile(jit_compile='xla' in variant)
        return (lambda x: x), model.predict_on_batch

    def trainer(self, variant, network, batch, dropout=True, rate=1e-3):
        model = build(network, dropout)
        model.compile(self.optimizer(rate, measured=dropout), networks.NETWORKS[network].loss, jit_compile='xla' in variant)
        x, y = networks.inputs(network, batch), networks.targets(network, batch)
        return lambda: float(model.train_on_batch(x, y))
