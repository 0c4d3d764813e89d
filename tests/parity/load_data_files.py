"""Small files in the formats of Keras's data sets, the same each time they are made, and the calls that are compared."""

import gzip
import struct

import numpy as np

# arguments of load_data for the files below
IMDB = [{}, {'num_words': 8}, {'skip_top': 4}, {'num_words': 9, 'skip_top': 5, 'oov_char': None}, {'seed': 7},
        {'start_char': None}, {'start_char': None, 'index_from': 0}, {'start_char': 5, 'oov_char': 9, 'index_from': 6},
        {'start_char': None, 'index_from': None, 'num_words': 5}]
REUTERS = [*IMDB, {'test_split': 0.0}, {'test_split': 0.37, 'seed': 1}]
HOUSING = [{}, {'test_split': 0.0}, {'test_split': 0.33, 'seed': 5}]


def texts(count, seed):
    """Lists of 1 to 9 word numbers from 1 to 19."""
    rng = np.random.RandomState(seed)
    return [rng.randint(1, 20, rng.randint(1, 10)).tolist() for _ in range(count)]


def as_objects(lists):
    array = np.empty(len(lists), object)
    array[:] = lists
    return array


def imdb(path):
    np.savez(path, x_train=as_objects(texts(9, 1)), y_train=np.arange(9) % 2, x_test=as_objects(texts(7, 2)),
             y_test=np.arange(7) // 4)


def reuters(path):
    np.savez(path, x=as_objects(texts(11, 3)), y=np.arange(11) * 4)


def housing(path, count=23, columns=3):
    rng = np.random.RandomState(4)
    np.savez(path, x=rng.uniform(0, 9, (count, columns)).round(2), y=rng.uniform(0, 50, count).round(1))


def images(path):
    rng = np.random.RandomState(5)
    np.savez(path, x_train=rng.randint(0, 256, (6, 28, 28)).astype('uint8'), y_train=np.arange(6, dtype='uint8'),
             x_test=rng.randint(0, 256, (3, 28, 28)).astype('uint8'), y_test=np.arange(3, dtype='uint8'))


def idx(path, array):
    """A gzip file of uint8 in the IDX format."""
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f'>{array.ndim}I', *array.shape)
    path.write_bytes(gzip.compress(header + array.astype('uint8').tobytes(), mtime=0))


def cifar_pixels(count, seed):
    return np.random.RandomState(seed).randint(0, 256, (count, 3072)).astype('uint8')


def pickled_by_python_2(value):
    """A pickle of the protocol 2 with strings of Python 2, as the CIFAR files are."""
    return b'\x80\x02' + _opcodes(value) + b'.'


def _opcodes(value):
    if isinstance(value, np.ndarray):
        kind = b'cnumpy\ndtype\n' + _opcodes(b'u1') + b'K\x00K\x01\x87R(K\x03' + _opcodes(b'|') + b'NNN' + 2 * (
            b'J\xff\xff\xff\xff') + b'K\x00tb'
        return (b'cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n' + _opcodes(0) + b'\x85' + _opcodes(b'b')
                + b'\x87R(' + _opcodes(1) + b'(' + b''.join(map(_opcodes, value.shape)) + b't' + kind + b'\x89'
                + _opcodes(value.tobytes()) + b'tb')
    if isinstance(value, dict):
        return b'}(' + b''.join(_opcodes(k) + _opcodes(v) for k, v in value.items()) + b'u'
    if isinstance(value, list):
        return b'](' + b''.join(map(_opcodes, value)) + b'e'
    if isinstance(value, int):
        return b'K' + bytes([value]) if value < 256 else b'J' + struct.pack('<i', value)
    return b'T' + struct.pack('<i', len(value)) + value


def cifar10(folder, count=5):
    """The folder of CIFAR-10, with `count` images a batch."""
    folder.mkdir(parents=True)
    for i, name in enumerate([*(f'data_batch_{i}' for i in range(1, 6)), 'test_batch']):
        (folder / name).write_bytes(pickled_by_python_2({
            b'batch_label': name.encode(), b'labels': [(i + k) % 10 for k in range(count)], b'data': cifar_pixels(count, i),
            b'filenames': [b'image.png'] * count}))


def cifar100(folder):
    """The folder of CIFAR-100, with 8 and 4 images."""
    folder.mkdir(parents=True)
    for name, count in (('train', 8), ('test', 4)):
        (folder / name).write_bytes(pickled_by_python_2({
            b'filenames': [b'image.png'] * count, b'batch_label': name.encode(),
            b'fine_labels': list(range(99, 99 - count, -1)), b'coarse_labels': list(range(19, 19 - count, -1)),
            b'data': cifar_pixels(count, count)}))
