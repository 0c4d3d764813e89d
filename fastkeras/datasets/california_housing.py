"""California housing prices of 1990. Pace and Barry, Statistics & Probability Letters 33, 291-297, 1997"""

from fastkeras.datasets import npz, sources, splits

__all__ = ['load_data']


def load_data(version='large', path='california_housing.npz', test_split=0.2, seed=113):
    """Prices of houses in 20,640 districts of California, with 8 attributes of each.

    The attributes are longitude, latitude, median age of the houses, rooms, bedrooms, people, households and median income of
    a district.

    version: 'large', all districts, or 'small', the first 600. path: where the file is kept, relative to `~/.keras/datasets`
    (KERAS_HOME), or absolute; a file there with another name than `california_housing.npz` is taken whatever its hash.
    test_split: share of the samples to test with, from 0 up to, but not with, 1. seed: of the order of the samples; None for
    a fresh one.
    Returns `(x_train, y_train), (x_test, y_test)`: attributes (16512, 8) and (4128, 8) or, small, (480, 8) and (120, 8),
    median prices in dollars of the same lengths; both in the type of the file. Errors: ValueError for another version or
    test_split and a file of other contents, and as `utils.get_file`.
    https://keras.io/api/datasets/california_housing/
    """
    splits.check_test_split('california_housing.load_data', test_split)
    if version not in ('small', 'large'):
        raise ValueError(f"california_housing.load_data: version: expected 'small' or 'large', got {version!r}")
    x, y = npz.read_arrays(sources.find('california_housing.npz', path), ('x', 'y'))
    if version == 'small':
        x, y = x[:600], y[:600]
    return splits.split(x, y, test_split, seed)
