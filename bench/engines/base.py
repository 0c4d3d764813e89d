"""What an engine offers to the bench."""
import numpy as np


def first_channels(x):
    """Images as engines want them that have channels first."""
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if x.ndim == 4 else x


class Engine:
    """One engine in a process of its own.

    variants: for each task ('predict_on_batch', 'predict', 'train_on_batch') the ways in which this engine can do it; the
    fastest of them stands for it.
    """
    variants = {}

    def __init__(self, threads):
        self.threads = threads

    def versions(self):
        """{package: version}"""
        raise NotImplementedError

    def predictor(self, task, variant, network, batch, file):
        """(feed, run) of the network, or of the file that holds it.

        feed takes an array as Keras has it to what the engine takes; run(feed(x)) is the output, an array.
        """
        raise NotImplementedError

    def trainer(self, variant, network, batch, dropout=True, rate=1e-3):
        """A function of no arguments that does one step on the network's data with Adam and returns the loss, a number."""
        raise NotImplementedError
