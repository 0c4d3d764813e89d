"""What loading a model's file costs beside reading its numbers through h5py.

    python -m bench files

A stack of dense layers whose weights are 104 MB, as HDF5 and as .keras archive, on one thread; the three take turns. Processor
time, the least of all turns: the clock's also tells of the disk and of other programs.
"""
import tempfile
import time
from pathlib import Path

from bench.cases import matches
from bench.report import quantity

UNITS, LAYERS, TURNS = 1800, 8, 25
SHARE = 1.3  # of the time of h5py that loading may take


def numbers(path):
    """Read all arrays of an HDF5 file."""
    import h5py
    found = []
    with h5py.File(path, 'r') as file:
        file.visititems(lambda name, item: found.append(item[()]) if isinstance(item, h5py.Dataset) else None)
    return found


def least(calls):
    """The least milliseconds of processor time of each call, in turns."""
    best = [float('inf')] * len(calls)
    for _ in range(TURNS):
        for k, call in enumerate(calls):
            begin = time.process_time()
            kept = call()       # to let go of it is no part of it
            best[k] = min(best[k], (time.process_time() - begin) * 1e3)
            del kept
    return best


def rows(only):
    """The quantities, in milliseconds."""
    if not matches(only, 'loading'):
        return
    import fastkeras
    from fastkeras.layers import Dense
    from fastkeras.models import load_model
    model = fastkeras.Sequential([Dense(UNITS, input_shape=(UNITS,)), *(Dense(UNITS) for _ in range(LAYERS - 1))])
    model.compile('sgd', 'mse')
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f'model{ending}' for ending in ('.h5', '.keras')]
        for path in paths:
            model.save(path)
        read, *loads = least([lambda: numbers(paths[0]), *(lambda p=path: load_model(p) for path in paths)])
        size = paths[0].stat().st_size / 1e6
    yield quantity(f'loading: the numbers of {size:.0f} MB of HDF5 through h5py', read, 'ms')
    for path, took in zip(paths, loads):
        yield quantity(f'loading: load_model of {path.suffix}', took, 'ms', SHARE * read)
