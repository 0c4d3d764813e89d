"""Train a small network on what a trained one, VGG16, sees in photos of cats and dogs.

    python examples/finetune_2_bottleneck_features.py --data data     # data/{train,validation}/{cats,dogs}/*.jpg
    python examples/finetune_2_bottleneck_features.py --weights none  # no download: VGG16 with random weights

The second of the three programs of "Building powerful image classification models using very little data" (the Keras blog,
2016): each photo goes through the convolutions of VGG16 once, their results are kept in .npy files, and two dense layers are
trained on them. The weights of these are saved for the third program. With random weights the features tell little: enough to
tell drawings apart, not photos.
"""

import argparse
import os

import numpy as np
import photos

from fastkeras import applications
from fastkeras.layers import Dense, Dropout, Flatten
from fastkeras.models import Sequential
from fastkeras.preprocessing.image import ImageDataGenerator
from fastkeras.utils import set_random_seed

TOP_MODEL = 'bottleneck_fc_model.h5'


def add_arguments(parser):
    """Those that the third program has too: it must see the same network, and find the weights."""
    parser.add_argument('--weights', default='imagenet', help="of VGG16: 'imagenet' (59 MB, downloaded once), 'none' (random) "
                                                              'or a file')
    parser.add_argument('--folder', default='.', help='where features and weights of the top are kept')


def convolutions(args):
    """VGG16 without its dense layers. Random weights are the same for the same seed."""
    set_random_seed(args.seed)
    weights = None if args.weights == 'none' else args.weights
    return applications.VGG16(include_top=False, weights=weights, input_shape=(args.side, args.side, 3))


def top_model(input_shape):
    """Two dense layers on the features of an image; the probability of a dog."""
    model = Sequential()
    model.add(Flatten(input_shape=input_shape))
    model.add(Dense(256, activation='relu'))
    model.add(Dropout(0.5))
    model.add(Dense(1, activation='sigmoid'))
    return model


def save_bottleneck_features(args, data):
    """The features of both parts, and the class of each picture, as .npy files."""
    model = convolutions(args)
    datagen = ImageDataGenerator(rescale=1. / 255)
    for part in ('train', 'validation'):
        # in the order of the files, or the features would not belong to the classes
        generator = datagen.flow_from_directory(os.path.join(data, part), target_size=(args.side, args.side),
                                                batch_size=args.batch_size, class_mode=None, shuffle=False)
        features = model.predict_generator(generator, len(generator), verbose=1)
        np.save(os.path.join(args.folder, f'bottleneck_features_{part}.npy'), features)
        np.save(os.path.join(args.folder, f'bottleneck_classes_{part}.npy'), generator.classes)


def train_top_model(args):
    """Train the dense layers on the files; the history of training."""
    train_data, validation_data = (np.load(os.path.join(args.folder, f'bottleneck_features_{part}.npy'))
                                   for part in ('train', 'validation'))
    train_labels, validation_labels = (np.load(os.path.join(args.folder, f'bottleneck_classes_{part}.npy'))
                                       for part in ('train', 'validation'))
    model = top_model(train_data.shape[1:])
    model.compile(optimizer='rmsprop', loss='binary_crossentropy', metrics=['accuracy'])
    history = model.fit(train_data, train_labels, epochs=args.epochs, batch_size=args.batch_size,
                        validation_data=(validation_data, validation_labels))
    model.save_weights(os.path.join(args.folder, TOP_MODEL))
    loss, accuracy = model.evaluate(validation_data, validation_labels, verbose=0)
    print(f'\nValidation accuracy: {accuracy:.4f} on {len(validation_labels)} pictures the network has not seen')
    return history


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    photos.add_arguments(parser, epochs=50)
    add_arguments(parser)
    args = parser.parse_args()
    os.makedirs(args.folder, exist_ok=True)
    with photos.folder_of(args.data) as data:
        save_bottleneck_features(args, data)
    history = train_top_model(args)
    if args.plot:
        photos.plot(history.history, args.plot)


if __name__ == '__main__':
    main()
