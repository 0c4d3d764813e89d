"""Train a small convolutional network from scratch on photos of cats and dogs, shown a little differently in each epoch.

    python examples/finetune_1_small_convnet.py --data data   # data/{train,validation}/{cats,dogs}/*.jpg
    python examples/finetune_1_small_convnet.py               # on drawings: cats have pointed ears, dogs hanging ones

The first of the three programs of "Building powerful image classification models using very little data" (the Keras blog,
2016): ImageDataGenerator, flow_from_directory and fit_generator.
"""

import argparse
import time

import numpy as np
import photos

from fastkeras.layers import Activation, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from fastkeras.models import Sequential
from fastkeras.utils import set_random_seed


def make_model(side):
    """Three convolutions, each followed by pooling, and two dense layers; the probability of a dog."""
    model = Sequential()
    model.add(Conv2D(32, (3, 3), input_shape=(side, side, 3)))
    model.add(Activation('relu'))
    model.add(MaxPooling2D(pool_size=(2, 2)))
    model.add(Conv2D(32, (3, 3)))
    model.add(Activation('relu'))
    model.add(MaxPooling2D(pool_size=(2, 2)))
    model.add(Conv2D(64, (3, 3)))
    model.add(Activation('relu'))
    model.add(MaxPooling2D(pool_size=(2, 2)))
    model.add(Flatten())
    model.add(Dense(64))
    model.add(Activation('relu'))
    model.add(Dropout(0.5))
    model.add(Dense(1))
    model.add(Activation('sigmoid'))
    model.compile(loss='binary_crossentropy', optimizer='rmsprop', metrics=['accuracy'])
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    photos.add_arguments(parser, epochs=10)
    parser.add_argument('--save', metavar='FILE', help='keep the weights in this HDF5 file')
    args = parser.parse_args()

    set_random_seed(args.seed)
    with photos.folder_of(args.data) as data:
        train_generator, validation_generator = photos.generators(args, data)

        model = make_model(args.side)
        begin = time.perf_counter()
        history = model.fit_generator(
            train_generator, steps_per_epoch=max(1, train_generator.samples // args.batch_size), epochs=args.epochs,
            validation_data=validation_generator,
            validation_steps=max(1, validation_generator.samples // args.batch_size))
        seconds = time.perf_counter() - begin

        loss, accuracy = model.evaluate_generator(validation_generator)
        print(f'\nValidation accuracy: {accuracy:.4f} on {validation_generator.samples} pictures the network has not '
              f'seen, after {seconds:.1f} s of training')
        guesses = model.predict_generator(validation_generator)[:, 0]
        names = {number: name for name, number in train_generator.class_indices.items()}
        for i in np.argsort(np.abs(guesses - validation_generator.classes))[::-1][:3]:
            print(f'Least like the others: {validation_generator.filenames[i]}, taken for {names[int(guesses[i] > 0.5)]} '
                  f'with {max(guesses[i], 1 - guesses[i]):.2f}')
    if args.plot:
        photos.plot(history.history, args.plot)
    if args.save:
        model.save_weights(args.save)


if __name__ == '__main__':
    main()
