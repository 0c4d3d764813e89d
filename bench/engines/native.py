"""fastkeras itself."""
import fastkeras
from bench import networks
from fastkeras import config, layers, optimizers
from fastkeras.models import Model

from . import base


def build(network, dropout=True):
    model = Model(*networks.NETWORKS[network].build(layers if dropout else networks.WithoutDropout(layers)))
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(networks.weights(layer.name, [w.shape for w in layer.weights]))
    return model


class Engine(base.Engine):
    variants = {'predict_on_batch': ['predict_on_batch'], 'predict': ['predict'], 'train_on_batch': ['train_on_batch']}

    def __init__(self, threads):
        super().__init__(threads)
        config.set_num_threads(threads)

    def versions(self):
        return {'fastkeras': getattr(fastkeras, '__version__', 'checkout')}

    def predictor(self, task, variant, network, batch, file):
        model = build(network)
        return (lambda x: x), model.predict_on_batch if task == 'predict_on_batch' else model.predict

    def trainer(self, variant, network, batch, dropout=True, rate=1e-3):
        model = build(network, dropout)
        model.compile(optimizers.Adam(rate), networks.NETWORKS[network].loss)
        x, y = networks.inputs(network, batch), networks.targets(network, batch)
        return lambda: float(model.train_on_batch(x, y))
