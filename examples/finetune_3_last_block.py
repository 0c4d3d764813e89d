"""Train the last block of VGG16, and the dense layers of the second program on top of it, on photos of cats and dogs.

    python examples/finetune_2_bottleneck_features.py --data data     # first: it makes the weights of the dense layers
    python examples/finetune_3_last_block.py --data data

The third of the three programs of "Building powerful image classification models using very little data" (the Keras blog,
2016). The dense layers begin with weights that they have learned, or their large gradients would ruin what the convolutions
know; the first four blocks are frozen; the steps are small: SGD with a rate of 1e-4 and a momentum of 0.9.
"""

import argparse
import os

import photos
from finetune_2_bottleneck_features import TOP_MODEL, add_arguments, convolutions, top_model

from fastkeras import optimizers
from fastkeras.models import Model

FROZEN = 15     # the input and four blocks


def make_model(args):
    """VGG16's convolutions with the trained top; the last block and the top learn."""
    base = convolutions(args)
    top = top_model(base.output_shape[1:])
    top.load_weights(os.path.join(args.folder, TOP_MODEL))
    for layer in base.layers[:FROZEN]:
        layer.trainable = False
    model = Model(inputs=base.input, outputs=top(base.output))
    model.compile(loss='binary_crossentropy', optimizer=optimizers.SGD(lr=1e-4, momentum=0.9), metrics=['accuracy'])
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    photos.add_arguments(parser, epochs=50)
    add_arguments(parser)
    parser.add_argument('--save', metavar='FILE', help='keep the whole model in this file')
    args = parser.parse_args()

    model = make_model(args)
    with photos.folder_of(args.data) as data:
        train_generator, validation_generator = photos.generators(args, data)
        print(f'Before: loss {model.evaluate_generator(validation_generator)[0]:.4f} on the validation pictures')
        history = model.fit_generator(
            train_generator, steps_per_epoch=max(1, train_generator.samples // args.batch_size), epochs=args.epochs,
            validation_data=validation_generator, validation_steps=len(validation_generator))
        loss, accuracy = model.evaluate_generator(validation_generator)
        print(f'\nValidation accuracy: {accuracy:.4f} on {validation_generator.samples} pictures the network has not seen')
    if args.plot:
        photos.plot(history.history, args.plot)
    if args.save:
        model.save(args.save)


if __name__ == '__main__':
    main()
