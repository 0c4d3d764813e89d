"""The mnist_cnn network of the Keras 2 examples on the full MNIST: accuracy and time of each epoch.

    python -m bench mnist_cnn [--optimizer adadelta] [--epochs 12] [--seed 1] [--data mnist.npz]

The example itself uses Adadelta for 12 epochs; Adam, the default here, gets there sooner.
The file is Keras's own (arrays x_train, y_train, x_test, y_test); by default data/mnist.npz below FASTKERAS_ARTIFACTS.
"""
import argparse
import os
import time

import numpy as np

from fastkeras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from fastkeras.models import Sequential
from fastkeras.utils import set_random_seed, to_categorical


def train(path, epochs, seed, optimizer):
    set_random_seed(seed)
    with np.load(path) as f:
        (x_train, y_train), (x_test, y_test) = ((f[f'x_{s}'][..., None].astype('float32') / 255,
                                                 to_categorical(f[f'y_{s}'], 10)) for s in ('train', 'test'))
    model = Sequential([
        Conv2D(32, kernel_size=(3, 3), activation='relu', input_shape=(28, 28, 1)),
        Conv2D(64, (3, 3), activation='relu'),
        MaxPooling2D(pool_size=(2, 2)),
        Dropout(0.25),
        Flatten(),
        Dense(128, activation='relu'),
        Dropout(0.5),
        Dense(10, activation='softmax'),
    ])
    model.compile(loss='categorical_crossentropy', optimizer=optimizer, metrics=['accuracy'])
    start = time.perf_counter()
    model.fit(x_train, y_train, batch_size=128, epochs=epochs, verbose=2, validation_data=(x_test, y_test))
    seconds = time.perf_counter() - start
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f'test loss {loss:.4f}, test accuracy {accuracy:.4f} after {epochs} epochs of {optimizer}, seed {seed}, '
          f'{seconds:.1f} s')


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--data', default=os.path.join(os.environ.get('FASTKERAS_ARTIFACTS', '../shared/artifacts'),
                                                       'data', 'mnist.npz'))
    parser.add_argument('--epochs', type=int, default=2)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--optimizer', default='adam')
    args = parser.parse_args(argv)
    train(args.data, args.epochs, args.seed, args.optimizer)


if __name__ == '__main__':
    main()
