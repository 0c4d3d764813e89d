"""What the three programs of fine-tuning share: a folder of photos, or of drawings made for it, and the plot of the curves."""

import contextlib
import os
import tempfile

import numpy as np
from PIL import Image, ImageDraw

from fastkeras.preprocessing.image import ImageDataGenerator

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


def folder_of(data):
    """The user's folder as a context, or one of drawings where he gave none."""
    return contextlib.nullcontext(data) if data else drawings()


def add_arguments(parser, epochs, side=150, batch_size=16):
    """The arguments that the programs have in common."""
    parser.add_argument('--data', metavar='FOLDER', help='with train/ and validation/, a folder for each class in both')
    parser.add_argument('--epochs', type=int, default=epochs)
    parser.add_argument('--batch-size', type=int, default=batch_size)
    parser.add_argument('--side', type=int, default=side, help='pixels that pictures are resized to')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--plot', metavar='FILE', help='draw the curves of training into this picture (needs matplotlib)')


def generators(args, data):
    """Batches of training pictures, each shown a little differently in every epoch, and of validation pictures as they are."""
    train_datagen = ImageDataGenerator(rescale=1. / 255, shear_range=0.2, zoom_range=0.2, horizontal_flip=True)
    test_datagen = ImageDataGenerator(rescale=1. / 255)
    train_generator = train_datagen.flow_from_directory(
        os.path.join(data, 'train'), target_size=(args.side, args.side), batch_size=args.batch_size,
        class_mode='binary', seed=args.seed)
    validation_generator = test_datagen.flow_from_directory(
        os.path.join(data, 'validation'), target_size=(args.side, args.side), batch_size=args.batch_size,
        class_mode='binary', shuffle=False)
    return train_generator, validation_generator


def plot(history, path):
    """Loss and accuracy of each epoch, on training and validation data, as a picture."""
    import matplotlib
    matplotlib.use('Agg')                   # no window: programs like this run on servers too
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4))
    epochs = range(1, len(history['loss']) + 1)
    for axis, name, title in zip(axes, ('loss', 'acc'), ('Loss', 'Accuracy')):
        axis.plot(epochs, history[name], marker='.', label='training')
        axis.plot(epochs, history[f'val_{name}'], marker='.', label='validation')
        axis.set(title=title, xlabel='Epoch')
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend()
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)
    print(f'The curves are in {path}')
