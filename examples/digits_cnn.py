"""Train a convolutional network on the 1,797 handwritten digits that scikit-learn ships, save it, load it, predict.

    python -m pip install '.[examples]' && python examples/digits_cnn.py

The digits are real: 8 × 8 pixels of 0 to 16, written by 43 people, from the UCI repository.
"""

import argparse
import os
import tempfile
import time

import numpy as np
from sklearn.datasets import load_digits

from fastkeras.callbacks import ReduceLROnPlateau
from fastkeras.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from fastkeras.models import Sequential, load_model
from fastkeras.utils import set_random_seed, to_categorical

CLASSES = 10


def load(test_share=0.2):
    """((x_train, y_train), (x_test, y_test)): images (n, 8, 8, 1) of 0 to 1, labels (n,); in a fixed random order."""
    digits = load_digits()
    x = (digits.images / 16.0).astype('float32')[..., np.newaxis]
    order = np.random.RandomState(0).permutation(len(x))
    x, y = x[order], digits.target[order]
    split = int(len(x) * (1.0 - test_share))
    return (x[:split], y[:split]), (x[split:], y[split:])


def make_model():
    """Two convolutions, pooling, one more, and two dense layers."""
    model = Sequential([
        Conv2D(32, (3, 3), padding='same', activation='relu', input_shape=(8, 8, 1)),
        BatchNormalization(),
        Conv2D(32, (3, 3), padding='same', activation='relu'),
        MaxPooling2D(),
        Conv2D(64, (3, 3), padding='same', activation='relu'),
        MaxPooling2D(),
        Dropout(0.25),
        Flatten(),
        Dense(64, activation='relu'),
        Dropout(0.4),
        Dense(CLASSES, activation='softmax'),
    ])
    model.compile(optimizer='adam', loss='categorical_crossentropy', metrics=['accuracy'])
    return model


def confusion_matrix(labels, guesses):
    """Array (10, 10): row i, column j counts the digits i that were taken for j."""
    matrix = np.zeros((CLASSES, CLASSES), int)
    np.add.at(matrix, (labels, guesses), 1)
    return matrix


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--epochs', type=int, default=15)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--save', metavar='FILE', help='keep the trained model in this HDF5 file')
    args = parser.parse_args()

    set_random_seed(args.seed)
    (x_train, y_train), (x_test, y_test) = load()
    model = make_model()
    model.summary()

    begin = time.perf_counter()
    model.fit(x_train, to_categorical(y_train, CLASSES), batch_size=32, epochs=args.epochs, validation_split=0.1,
              callbacks=[ReduceLROnPlateau(monitor='val_loss', factor=0.3, patience=3)])
    seconds = time.perf_counter() - begin

    _, accuracy = model.evaluate(x_test, to_categorical(y_test, CLASSES), verbose=0)
    guesses = model.predict(x_test).argmax(axis=1)
    print(f'\nTest accuracy: {accuracy:.4f} on {len(x_test)} digits the network has not seen, '
          f'after {seconds:.1f} s of training\n')
    print('Confusion matrix (rows: the digit; columns: what it was taken for)')
    print('     ' + ' '.join(f'{digit:3d}' for digit in range(CLASSES)))
    for digit, row in enumerate(confusion_matrix(y_test, guesses)):
        print(f'{digit:3d}  ' + ' '.join(f'{count:3d}' if count else '  .' for count in row))

    with tempfile.TemporaryDirectory() as folder:
        path = args.save or os.path.join(folder, 'digits.h5')
        model.save(path)
        size = os.path.getsize(path) / 1024
        loaded = load_model(path)
        same = np.array_equal(loaded.predict(x_test), model.predict(x_test))
    print(f'\nSaved to HDF5 ({size:.0f} KiB) and loaded again; its predictions are '
          f'{"the same, bit by bit" if same else "different"}.')
    print('The first ten test digits:', *y_test[:10])
    print('are taken for:            ', *loaded.predict(x_test[:10]).argmax(axis=1))


if __name__ == '__main__':
    main()
