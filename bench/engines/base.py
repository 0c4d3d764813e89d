"""What an engine offers to the bench."""
import numpy as np


def first_channels(x):
    """Images as engines want them that have channels first."""
    return np.ascontiguousarray(np.moveaxis(x, -1, 1)) if x.ndim > 3 else x


class Engine:
    """One engine in a process of its own. An engine defines, of these, what its variants need:

    variants: for each task ('predict_on_batch', 'predict', 'train_on_batch') the ways in which this engine can do it; the
    fastest of them stands for it.
    versions() → {package: version}
    predictor(task, variant, network, batch, file) → (feed, run) of the network, or of the file that holds it: feed takes an
    array as Keras has it to what the engine takes; run(feed(x)) is the output, an array.
    trainer(variant, network, batch, dropout=True, rate=1e-3) → a function of no arguments that does one step on the
    network's data with Adam and returns the loss, a number.
    """
    variants = {}

    def __init__(self, threads):
        self.threads = threads
