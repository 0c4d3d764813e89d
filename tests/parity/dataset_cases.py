"""Calls of `image_dataset_from_directory`, `text_dataset_from_directory` and `timeseries_dataset_from_array` on small files
made here, to be made with Keras 3 (record_datasets.py) and with ours (tests/preprocessing/test_datasets.py).
"""

import contextlib
import io
import os

import numpy as np

METHODS = ('bilinear', 'nearest', 'bicubic', 'area', 'lanczos3', 'lanczos5', 'gaussian', 'mitchellcubic')
SPLIT = {'validation_split': 0.3, 'seed': 4}

IMAGES = {
    'plain': {},
    'unshuffled': {'shuffle': False, 'batch_size': 4},
    'categorical': {'label_mode': 'categorical', 'seed': 2, 'batch_size': 2},
    'binary': {'label_mode': 'binary', 'class_names': ['dog', 'cat'], 'seed': 0, 'batch_size': 1},
    'no labels': {'labels': None},
    'no label mode': {'label_mode': None, 'seed': 11},
    'given labels': {'labels': [3, 1, 1, 3, 5, 3, 1, 5, 5], 'shuffle': False},
    'given labels, shuffled': {'labels': [2, 1, 1, 2, 0, 2, 1, 0, 0], 'label_mode': 'categorical'},
    'training': {**SPLIT, 'subset': 'training'},
    'validation': {**SPLIT, 'subset': 'validation', 'verbose': False},
    'both': {**SPLIT, 'subset': 'both', 'batch_size': 2},
    'both, unshuffled': {'validation_split': 0.5, 'subset': 'both', 'shuffle': False},
    'single': {'batch_size': None, 'image_size': 3},
    'gray': {'color_mode': 'grayscale', 'shuffle': False, 'class_names': ['dog', 'cat']},
    'first': {'data_format': 'channels_first', 'crop_to_aspect_ratio': True, 'shuffle': False},
    'pad first': {'data_format': 'channels_first', 'pad_to_aspect_ratio': True, 'shuffle': False},
    **{f'{method}{words}': {'interpolation': method, 'shuffle': False, 'batch_size': 9, 'class_names': ['bird', 'dog'], **how}
       for method in METHODS for words, how in (
           ('', {}), (', crop', {'crop_to_aspect_ratio': True}), (', pad', {'pad_to_aspect_ratio': True}))
       if words != ', crop' or method not in ('gaussian', 'mitchellcubic')},     # which Keras refuses there
    'enlarged': {'image_size': (8, 13), 'class_names': ['bird'], 'shuffle': False, 'interpolation': 'BICUBIC'},
}
BAD_IMAGES = {
    'labels': {'labels': 'folders'}, 'label_mode': {'label_mode': 'sparse'}, 'too few labels': {'labels': [0, 1]},
    'class_names': {'class_names': ['cat', 'fish']}, 'class_names with labels': {'labels': [0] * 9, 'class_names': ['cat']},
    'class_names without': {'labels': None, 'class_names': ['cat']}, 'binary': {'label_mode': 'binary'},
    'color_mode': {'color_mode': 'cmyk'}, 'image_size': {'image_size': (3, 4, 5)}, 'interpolation': {'interpolation': 'cubic'},
    'format': {'format': 'torch'}, 'validation_split': {'validation_split': 2, 'subset': 'training'},
    'split alone': {'validation_split': 0.5}, 'subset alone': {'subset': 'training'},
    'subset': {'subset': 'test', **SPLIT}, 'no seed': {'validation_split': 0.5, 'subset': 'training'},
    'crop and pad': {'crop_to_aspect_ratio': True, 'pad_to_aspect_ratio': True},
    'nothing left': {'validation_split': 0.01, 'subset': 'both', 'seed': 1},
}
TEXTS = {
    'plain': {'seed': 3, 'batch_size': 3}, 'cut': {'max_length': 4, 'shuffle': False}, 'both': {**SPLIT, 'subset': 'both'},
    'no labels': {'labels': None, 'shuffle': False, 'batch_size': None}, 'binary': {'label_mode': 'binary', 'seed': 5},
    'given labels': {'labels': [0, 1, 0, 1, 1, 0, 2], 'label_mode': 'categorical', 'seed': 5},
}
BAD_TEXTS = {'labels': {'labels': 3}, 'label_mode': {'label_mode': 'sparse'}, 'class_names': {'class_names': ['x']}}
SERIES = {
    'plain': {'sequence_length': 5}, 'sparse': {'sequence_length': 10, 'sampling_rate': 2, 'sequence_stride': 3},
    'part': {'sequence_length': 4, 'start_index': 7, 'end_index': 50, 'batch_size': 8},
    'shuffled': {'sequence_length': 3, 'shuffle': True, 'seed': 9, 'batch_size': 4},
    'single': {'sequence_length': 3, 'shuffle': True, 'seed': 9, 'batch_size': None},
    'no windows': {'sequence_length': 200},
}
BAD_SERIES = {
    'start': {'start_index': -1}, 'start beyond': {'start_index': 100}, 'end': {'end_index': 100},
    'end below': {'end_index': -2},
    'end first': {'start_index': 20, 'end_index': 10}, 'rate': {'sampling_rate': 0}, 'rate beyond': {'sampling_rate': 100},
    'stride': {'sequence_stride': 0}, 'stride beyond': {'sequence_stride': 100}, 'format': {'format': 'torch'},
}


def make_files(folder):
    """Nine pictures, and seven texts, of different sizes; none in hidden folders."""
    from PIL import Image
    random = np.random.RandomState(0)
    for i, name in enumerate(('cat/b', 'cat/a', 'cat/deep/c', 'dog/1', 'dog/2', 'dog/10', 'bird/x', 'bird/y', 'bird/z')):
        path = folder / 'images' / f'{name}.{"bmp" if name == "bird/y" else "png"}'
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.randint(0, 256, (7 + i % 4, 12 - i, 3)).astype(np.uint8)).save(path)
    for i, name in enumerate(('neg/1', 'neg/2', 'neg/10', 'pos/a', 'pos/b', 'pos/more/c', 'pos/d')):
        path = folder / 'texts' / f'{name}.txt'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f'text {i}\r\nand more'.encode() if i else b'')


def plain(batch):
    if isinstance(batch, (tuple, list)):
        return [plain(part) for part in batch]
    x = np.asarray(batch)
    if x.dtype.kind == 'f':
        x = np.round(x.astype(np.float64), 2)
        x = x.astype(int) if np.array_equal(x, np.rint(x)) else x
    return x.tolist() if x.dtype.kind in 'fiu' else np.vectorize(
        lambda text: text.decode() if isinstance(text, bytes) else text, otypes=[object])(x).tolist()


def seen(data, epochs):
    """What passes over a data set give, with types and what it has besides."""
    if isinstance(data, (list, tuple)):
        return [seen(part, epochs) for part in data]
    passes = [list(data) for _ in range(epochs)]
    parts = passes[0][0] if passes[0] else ()
    parts = parts if isinstance(parts, (tuple, list)) else (parts,)
    types = [str(part.dtype).replace("<dtype: '", '').replace("'>", '') for part in parts if hasattr(part, 'dtype')]
    names = getattr(data, 'class_names', None)
    return {'epochs': [[plain(batch) for batch in batches] for batches in passes], 'length': len(data), 'types': types,
            'class_names': names, 'file_names': [os.path.basename(p) for p in getattr(data, 'file_paths', ())]}


def run(utils, folder, seed=5):
    """{function: {case: what it gives}}, {function: [cases that raise a ValueError]}."""
    results, errors = {}, {}
    image = {'directory': str(folder / 'images'), 'image_size': (3, 2), 'seed': seed}
    text = {'directory': str(folder / 'texts')}
    series = {'data': np.arange(100.0)[:, None], 'targets': np.arange(100)}
    for function, base, good, bad in (
            ('image_dataset_from_directory', image, IMAGES, BAD_IMAGES),
            ('text_dataset_from_directory', text, TEXTS, BAD_TEXTS),
            ('timeseries_dataset_from_array', series, SERIES, BAD_SERIES)):
        call, results[function], errors[function] = getattr(utils, function), {}, []
        for name, how in good.items():
            with contextlib.redirect_stdout(io.StringIO()) as said:
                made = call(**{**base, **how})
            epochs = 3 if how.get('shuffle', base is not series) else 1
            results[function][name] = {'data': seen(made, epochs), 'said': said.getvalue()}
        for name, how in bad.items():
            how = {'sequence_length': 5, **how} if base is series else how
            how = {**base, **how, **({'seed': None} if name == 'no seed' else {})}
            with contextlib.redirect_stdout(io.StringIO()):
                try:
                    call(**how)
                except (ValueError, TypeError) as error:
                    errors[function].append([name, type(error).__name__])
    return results, errors
