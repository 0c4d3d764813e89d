"""Reuters newswires of 1987 in 46 topics, from Reuters-21578. https://archive.ics.uci.edu/dataset/137"""

import numpy as np

from fastkeras.datasets import npz, sources, splits, words
from fastkeras.legacy.keras1 import accepts

__all__ = ['get_label_names', 'get_word_index', 'load_data']

# abbreviations of the newswires' own, in the order of the labels
_TOPICS = ('cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton carcass '
           'crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock retail ipi '
           'iron-steel rubber heat jobs lei bop zinc orange pet-chem dlr gas silver wpi hog lead')


@accepts('load_data', method=False)
def load_data(path='reuters.npz', num_words=None, skip_top=0, maxlen=None, test_split=0.2, seed=113, start_char=1, oov_char=2,
              index_from=3, **kwargs):
    """The Reuters newswires, 11,228 in 46 topics, as lists of word numbers, the frequent words first.

    path: where the file is kept, relative to `~/.keras/datasets` (KERAS_HOME), or absolute; a file there with another name
    than `reuters.npz` is taken whatever its hash. test_split: share of the newswires to test with, from 0 up to, but not with,
    1. The other arguments are as in `imdb.load_data`.

    Returns `(x_train, y_train), (x_test, y_test)`: 1-dimensional arrays of lists of ints, (8982,) and (2246,), and int64 arrays
    of topics of the same lengths, the places in `get_label_names`. ValueError for arguments of other kinds and for a file of
    other contents, of which nothing is run; other errors: as `utils.get_file`.
    https://keras.io/api/datasets/reuters/
    """
    words.check_no_more('reuters.load_data', load_data, kwargs)
    splits.check_test_split('reuters.load_data', test_split)
    place = sources.find('reuters.npz', path)
    (x,) = npz.read_lists(place, ('x',), sources.is_checked(place, 'reuters.npz'))
    (y,) = npz.read_arrays(place, ('y',))
    words.check_labels(place, x, y)
    order = splits.order(splits.stream(seed), len(x))
    coded = words.encode('reuters.load_data', [x[i] for i in order], num_words, skip_top, maxlen, start_char, oov_char,
                         index_from)
    labels, train = y[order].astype(np.int64), int(len(x) * (1 - test_split))
    return (coded[:train], labels[:train]), (coded[train:], labels[train:])


def get_word_index(path='reuters_word_index.json'):
    """The dict from words to their numbers, 1 for the most frequent; `load_data` adds index_from to them.

    path: where the file is kept, as in `load_data`. Errors: as there.
    """
    return words.word_index('reuters_word_index.json', path)


def get_label_names():
    """The names of the 46 topics, in a tuple; the labels of `load_data` are places in it."""
    return tuple(_TOPICS.split())
