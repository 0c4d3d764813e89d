"""What the programs here learn from: real data where the environment variable PROGRAM_DATA names their folder, otherwise small
data that are made here, the same on every machine.
"""
import gzip
import io
import os
import zipfile

import numpy as np

# the ten digits, three columns and five rows each
_GLYPHS = ['111101101101111', '010110010010111', '111001111100111', '111001111001111', '101101111001001',
           '111100111001111', '111100111101111', '111001001010010', '111101111101111', '111101111001111']
_WORDS = ('the a one of and to in it is that will truth man soul world spirit faith moral power reason desire good evil noble '
          'free high deep old new true every no more than all what who has been made for with by not').split()


def _real(name):
    path = os.path.join(os.environ.get('PROGRAM_DATA', ''), name)
    return path if 'PROGRAM_DATA' in os.environ and os.path.exists(path) else None


def _digit_images(count, rng):
    labels = rng.randint(0, 10, count)
    images = rng.randint(0, 40, (count, 28, 28)) * (rng.rand(count, 28, 28) < 0.2)
    for image, label in zip(images, labels):
        glyph = np.array([int(c) for c in _GLYPHS[label]]).reshape(5, 3)
        drawn = np.kron(glyph, np.ones((rng.randint(3, 5), rng.randint(3, 6)), int)) * rng.randint(120, 196)
        top, left = [(28 - size) // 2 + rng.randint(-2, 3) for size in drawn.shape]
        image[top:top + drawn.shape[0], left:left + drawn.shape[1]] += drawn
    return images.astype('uint8'), labels.astype('uint8')


def digits(train, test):
    """(x_train, y_train), (x_test, y_test) as of keras.datasets.mnist: uint8 images (n, 28, 28) and labels (n,)."""
    path = _real('mnist.npz')
    if path:
        with np.load(path) as held:
            return tuple((held['x_' + p][:n], held['y_' + p][:n]) for p, n in (('train', train), ('test', test)))
    rng = np.random.RandomState(1)
    return _digit_images(train, rng), _digit_images(test, rng)


def photos(train, test):
    """The same of colour images (n, 32, 32, 3) of ten classes, labels (n, 1), as of keras.datasets.cifar10."""
    path = _real('cifar10_jpg_2000_400.zip')
    if path:
        return _unzipped(path, 'train', train), _unzipped(path, 'test', test)
    rng = np.random.RandomState(2)
    return _patches(train, rng), _patches(test, rng)


def _unzipped(path, part, count):
    from PIL import Image
    with zipfile.ZipFile(path) as file:
        names = [n for n in file.namelist() if '/%s/' % part in n and n.endswith('.jpg')]
        classes = sorted({n.split('/')[2] for n in names})
        names = [names[k] for k in np.random.RandomState(0).permutation(len(names))[:count]]
        x = np.stack([np.asarray(Image.open(io.BytesIO(file.read(n)))) for n in names])
    return x, np.array([[classes.index(n.split('/')[2])] for n in names], 'uint8')


def _patches(count, rng):
    """Five textures in two colours on a noisy ground."""
    y, x = np.mgrid[:32, :32]
    labels = rng.randint(0, 10, count)
    images = rng.randint(0, 120, (count, 32, 32, 3))
    for image, label in zip(images, labels):
        a, b, phase = rng.randint(8, 24), rng.randint(8, 24), rng.randint(0, 6)
        disc = (x - a) ** 2 + (y - b) ** 2 < rng.randint(40, 90)
        texture = [disc, (x + phase) // 3 % 2 == 0, (y + phase) // 3 % 2 == 0, ((x + phase) // 4 + y // 4) % 2 == 0,
                   (x + y + phase) // 4 % 2 == 0][label % 5]
        image[texture] += np.array([110, 30, 30] if label < 5 else [30, 30, 110])
    return images.clip(0, 255).astype('uint8'), labels[:, None].astype('uint8')


def reviews(train, test, words):
    """The same of lists of the numbers of words, 1 begins a text, 2 is any word above `words`; labels 0 and 1 (n,)."""
    path = _real('imdb_2000_2000_flat.npz')
    if path:
        held = np.load(path)
        return tuple(_cut(held['x_' + p], held['len_' + p], held['y_' + p], n, words)
                     for p, n in (('train', train), ('test', test)))
    rng = np.random.RandomState(3)
    return _texts(train, 2, words, rng), _texts(test, 2, words, rng)


def newswires(train, test, words, topics=8):
    """The same with labels from 0 to topics - 1, made in any case."""
    rng = np.random.RandomState(4)
    return _texts(train, topics, words, rng), _texts(test, topics, words, rng)


def _cut(flat, lengths, labels, count, words):
    ends = np.cumsum(lengths)
    texts = np.empty(count, object)
    texts[:] = [[int(w) if w < words else 2 for w in flat[e - n:e]] for e, n in zip(ends[:count], lengths)]
    return texts, labels[:count]


def _texts(count, topics, words, rng):
    """Common words, among them some of twenty that a topic has for itself."""
    texts, labels = np.empty(count, object), rng.randint(0, topics, count)
    for k, label in enumerate(labels):
        text = 3 + (rng.rand(rng.randint(20, 60)) ** 3 * (words - 3)).astype(int)
        own = rng.rand(len(text)) < 0.2
        text[own] = 3 + 20 * label + rng.randint(0, 20, own.sum())
        texts[k] = [1] + [int(w) for w in text]
    return texts, labels


def prose(length):
    """Text in small letters: Nietzsche's, or sentences of a few words."""
    path = _real('nietzsche.txt.gz')
    if path:
        with gzip.open(path, 'rt', encoding='utf-8') as file:
            return file.read().lower()[20000:20000 + length]
    rng, text = np.random.RandomState(5), ''
    while len(text) < length:
        text += ' '.join(_WORDS[int(k)] for k in rng.rand(rng.randint(4, 9)) ** 2 * len(_WORDS)) + '. '
    return text[:length]
