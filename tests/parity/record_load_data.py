"""Record what Keras loads from the files of load_data_files.py, in load_data.json. In an environment with Keras 3:

    python tests/parity/record_load_data.py

and, to add what Keras 2.2.4 loads where it still can (NumPy has no arrays of lists by `np.array` any more):

    PYTHONPATH=<folder of keras224.py> python tests/parity/record_load_data.py keras2
"""

import hashlib
import importlib
import json
import sys
import tempfile
from pathlib import Path

import load_data_files as files
import numpy as np

HERE = Path(__file__).parent
KERAS2 = sys.argv[1:] == ['keras2']
if KERAS2:
    from keras224 import keras
    PACKAGE = 'keras.datasets.'
else:
    import keras
    PACKAGE = 'keras.src.datasets.'


def load(name, path, **kwargs):
    """load_data of the data set, from a file or folder of ours instead of the cache."""
    module = importlib.import_module(PACKAGE + name)
    module.get_file = lambda *a, **k: str(path)
    return module.load_data(**kwargs)


def plain(value):
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    value = np.asarray(value)
    if value.dtype == np.uint8 and value.ndim > 1:
        return [list(value.shape), hashlib.md5(value.tobytes()).hexdigest()]
    return value.tolist()


def main():
    folder = Path(tempfile.mkdtemp())
    path = folder / 'file.npz'
    result = {'keras': keras.__version__}
    if not KERAS2:
        for name, cases in (('imdb', files.IMDB), ('reuters', files.REUTERS)):
            getattr(files, name)(path)
            result[name] = [plain(load(name, path, **kwargs)) for kwargs in cases]
        files.housing(path, 700)
        result['california_housing'] = plain(load('california_housing', path, version='small'))
    files.housing(path)
    result['boston_housing'] = [plain(load('boston_housing', path, **kwargs)) for kwargs in files.HOUSING]
    files.images(path)
    result['mnist'] = plain(load('mnist', path))
    files.cifar100(folder / 'cifar-100-python')
    place = folder / 'cifar-100-python' if KERAS2 else folder
    for data_format in ('channels_last', 'channels_first'):
        keras.backend.set_image_data_format(data_format)
        result[f'cifar100 {data_format}'] = [plain(load('cifar100', place, label_mode=m)) for m in ('fine', 'coarse')]
    files.cifar10(folder / 'cifar-10-batches-py')
    cifar = importlib.import_module(PACKAGE + 'cifar')
    result['cifar10 batch'] = plain(cifar.load_batch(str(folder / 'cifar-10-batches-py' / 'data_batch_2')))
    out = HERE / 'load_data.json'
    recorded = json.loads(out.read_text()) if out.exists() else {}
    recorded['keras2' if KERAS2 else 'keras3'] = result
    out.write_text(json.dumps(recorded, indent=None, separators=(',', ':')).replace('},"', '},\n"') + '\n')


if __name__ == '__main__':
    main()
