"""Boston housing prices of the 1970s. Harrison and Rubinfeld, J. Environ. Economics & Management 5, 81-102, 1978"""

from fastkeras.datasets import npz, sources, splits

__all__ = ['load_data']


def load_data(path='boston_housing.npz', test_split=0.2, seed=113):
    """Prices of houses in 506 suburbs of Boston, with 13 attributes of each.

    The attributes (crime rate, share of large lots, of industry, at the river, nitric oxides, rooms, age, distance to work,
    highways, tax, pupils per teacher, B, share of lower status) are on different scales; B is computed from the share of
    Black people, for which the data set is no longer recommended (see `california_housing`).

    path: where the file is kept, relative to `~/.keras/datasets` (KERAS_HOME), or absolute; a file there with another name
    than `boston_housing.npz` is taken whatever its hash. test_split: share of the samples to test with, from 0 up to, but not
    with, 1. seed: of the order of the samples; None for a fresh one.
    Returns `(x_train, y_train), (x_test, y_test)`: float64, attributes (404, 13) and (102, 13), prices (404,) and (102,) in
    thousands of dollars. Errors: ValueError for another test_split and a file of other contents, and as `utils.get_file`.
    https://keras.io/api/datasets/boston_housing/
    """
    splits.check_test_split('boston_housing.load_data', test_split)
    x, y = npz.read_arrays(sources.find('boston_housing.npz', path), ('x', 'y'))
    return splits.split(x, y, test_split, seed)
