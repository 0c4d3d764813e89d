"""Train a convolutional network on photos of cats and dogs in folders, shown a little differently in each epoch.

    python examples/cats_dogs.py --data data      # data/{train,validation}/{cats,dogs}/*.jpg
    python examples/cats_dogs.py                  # on drawings that it makes: cats have pointed ears, dogs hanging ones

The program of "Building powerful image classification models using very little data" (the Keras blog, 2016):
ImageDataGenerator, flow_from_directory and fit_generator.
"""

import argparse
import contextlib
import os
import tempfile
import time

import numpy as np
from PIL import Image, ImageDraw

from fastkeras.layers import Activation, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from fastkeras.models import Sequential
from fastkeras.preprocessing.image import ImageDataGenerator
from fastkeras.utils import set_random_seed

DRAWN = {'train': 100, 'validation': 40}    # of each kind


def draw(kind, random, side=180):
    """A face on a background of another colour: 'cats' have two triangles above it, 'dogs' two flaps at its sides."""
    dark, light = random.permutation([random.randint(0, 110, 3), random.randint(140, 256, 3)]).astype(int)
    image = Image.new('RGB', (side, side), tuple(dark))
    pen = ImageDraw.Draw(image)
    fur, inside = tuple(light), tuple((light * 3 + dark) // 4)
    x, y = side / 2 + random.uniform(-15, 15, 2)
    r = side * random.uniform(0.2, 0.28)
    pen.ellipse([x - r, y - r, x + r, y + r], fill=fur)
    for s in (-1, 1):
        if kind == 'cats':
            ear = [(x + s * r * 0.95, y - r * 0.3), (x + s * r * 0.2, y - r * 0.9), (x + s * r * 0.85, y - r * 1.6)]
            pen.polygon(ear, fill=fur)
        else:
            left, right = sorted((x + s * r * 0.75, x + s * r * 1.3))
            pen.ellipse([left, y - r * 0.7, right, y + r * 1.0], fill=inside)
        eye = x + s * r * 0.4
        pen.ellipse([eye - r / 8, y - r * 0.35, eye + r / 8, y - r * 0.1], fill=tuple(dark))
    pen.ellipse([x - r / 7, y + r * 0.15, x + r / 7, y + r * 0.4], fill=tuple(dark))
    noisy = np.asarray(image, np.int16) + random.randint(-20, 21, (side, side, 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


@contextlib.contextmanager
def drawings():
    """A folder of such pictures as JPEG files, which lasts as long as the context."""
    random = np.random.RandomState(0)
    with tempfile.TemporaryDirectory() as folder:
        for part, count in DRAWN.items():
            for kind in ('cats', 'dogs'):
                os.makedirs(os.path.join(folder, part, kind))
                for i in range(count):
                    draw(kind, random).save(os.path.join(folder, part, kind, f'{kind[:-1]}{i:03d}.jpg'), quality=90)
        yield folder


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
    parser.add_argument('--data', metavar='FOLDER', help='with train/ and validation/, a folder for each class in both')
    parser.add_argument('--epochs', type=int, default=10)
    parser.add_argument('--batch-size', type=int, default=16)
    parser.add_argument('--side', type=int, default=150, help='pixels that pictures are resized to')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--save', metavar='FILE', help='keep the weights in this HDF5 file')
    args = parser.parse_args()

    set_random_seed(args.seed)
    with contextlib.nullcontext(args.data) if args.data else drawings() as data:
        train_datagen = ImageDataGenerator(rescale=1. / 255, shear_range=0.2, zoom_range=0.2, horizontal_flip=True)
        test_datagen = ImageDataGenerator(rescale=1. / 255)
        train_generator = train_datagen.flow_from_directory(
            os.path.join(data, 'train'), target_size=(args.side, args.side), batch_size=args.batch_size,
            class_mode='binary', seed=args.seed)
        validation_generator = test_datagen.flow_from_directory(
            os.path.join(data, 'validation'), target_size=(args.side, args.side), batch_size=args.batch_size,
            class_mode='binary', shuffle=False)

        model = make_model(args.side)
        begin = time.perf_counter()
        model.fit_generator(
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
    if args.save:
        model.save_weights(args.save)


if __name__ == '__main__':
    main()
