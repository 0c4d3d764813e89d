"""What is measured, and the bounds that it is held to."""
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A network at a batch size. share: ours may take at most this part of the best peer's time in the same run.

    limit: milliseconds that ours may take. call: 'predict' is the method with the progress bar and batches, where an
    engine has such; by default one batch is predicted or trained on.
    """
    part: str  # 'models', 'training' or 'images'
    network: str
    batch: int
    share: float = None
    limit: float = None
    call: str = ''

    @property
    def task(self):
        return self.call or ('train_on_batch' if self.part == 'training' else 'predict_on_batch')

    @property
    def name(self):
        return f'{self.network} b{self.batch}' + (f' {self.call}()' if self.call else '')


CASES = [
    Case('models', 'VGG16', 1, 0.60),
    Case('models', 'VGG16', 16, 0.50),
    Case('models', 'ResNet50', 1, 0.90),
    Case('models', 'ResNet50', 16, 0.80),
    Case('models', 'MobileNetV2', 1, 1.0),
    Case('models', 'MobileNetV2', 16, 1.0),
    Case('models', 'cifar10_cnn', 1, 0.90),
    Case('models', 'cifar10_cnn', 32, 0.60),
    Case('models', 'mnist_cnn', 1, 0.90),
    Case('models', 'mnist_cnn', 128, 0.60),
    Case('models', 'mnist_mlp', 1, 1.0),
    Case('models', 'mnist_mlp', 128, 0.85),
    Case('models', 'dense', 1, limit=0.008),
    Case('models', 'dense', 1, limit=0.020, call='predict'),
    Case('models', 'lstm', 1, 0.80),
    Case('models', 'lstm', 32, 0.80),
    Case('models', 'transformer', 16, 0.80),
    Case('models', 'dcgan_generator', 16, 0.80),
    Case('training', 'dense', 32, 0.30),
    Case('training', 'mnist_mlp', 128, 0.60),
    Case('training', 'mnist_cnn', 128, 0.40),
    Case('training', 'cifar10_cnn', 32, 0.40),
    Case('training', 'ResNet50', 8, 0.60),
    Case('training', 'lstm', 32, 0.60),
    Case('training', 'gru', 32, 0.60),
    Case('training', 'bidirectional_lstm', 32, 0.60),
    Case('training', 'imdb_cnn', 32, 0.50),
    Case('training', 'transformer', 16, 0.70),
    Case('training', 'conv3d', 4, 0.60),
    Case('training', 'dcgan_generator', 16, 0.60),
    Case('training', 'unet', 4, 0.60),
    Case('images', 'MobileNetV2', 8),
    Case('images', 'ResNet50', 8),
]


def matches(only, name):
    """only: a regular expression that is looked for in the name, whatever the case of letters."""
    return re.search(only, name, re.IGNORECASE) is not None


def select(part, only=''):
    return [case for case in CASES if case.part == part and matches(only, case.name)]
