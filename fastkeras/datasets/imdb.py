"""IMDB: reviews of films, good or bad. Maas and others, ACL 2011, https://ai.stanford.edu/~amaas/data/sentiment/"""

import numpy as np

from fastkeras.datasets import npz, sources, splits, words
from fastkeras.legacy.keras1 import accepts

__all__ = ['get_word_index', 'load_data']


@accepts('load_data', method=False)
def load_data(path='imdb.npz', num_words=None, skip_top=0, maxlen=None, seed=113, start_char=1, oov_char=2, index_from=3,
              **kwargs):
    """The IMDB reviews: 25,000 to train on and 25,000 to test with, as lists of word numbers, the frequent words first.

    path: where the file is kept, relative to `~/.keras/datasets` (KERAS_HOME), or absolute; a file there with another name
    than `imdb.npz` is taken whatever its hash. num_words: words with numbers from this one on become oov_char; None, or 0, for
    the largest number there is, so that only the rarest word is cut, as in Keras. skip_top: words with numbers below this one
    become oov_char. maxlen: a longer review is cut to its first so many numbers; all reviews are kept (Keras drops those of
    maxlen numbers and more, which is not what it documents). seed: of the order of the reviews; None for a fresh one.
    start_char: number put before each review; None for none. oov_char: number in place of words that were cut; None to leave
    them out. index_from: added to the numbers of `get_word_index`. `nb_words` is the old name of num_words.

    Returns `(x_train, y_train), (x_test, y_test)`: 1-dimensional arrays of lists of ints, and int64 arrays (n,): 1 for a good
    review, 0 for a bad one. ValueError for arguments of other kinds and for a file of other contents, of which nothing is run;
    other errors: as `utils.get_file`.
    https://keras.io/api/datasets/imdb/
    """
    words.check_no_more('imdb.load_data', load_data, kwargs)
    place = sources.find('imdb.npz', path)
    random, texts, labels = splits.stream(seed), [], []
    lists = npz.read_lists(place, ('x_train', 'x_test'), sources.is_checked(place, 'imdb.npz'))
    parts = zip(lists, npz.read_arrays(place, ('y_train', 'y_test')))
    for x, y in parts:
        words.check_labels(place, x, y)
        order = splits.order(random, len(x))
        texts += [x[i] for i in order]
        labels.append(y[order])
    coded = words.encode('imdb.load_data', texts, num_words, skip_top, maxlen, start_char, oov_char, index_from)
    train = len(labels[0])
    return (coded[:train], labels[0].astype(np.int64)), (coded[train:], labels[1].astype(np.int64))


def get_word_index(path='imdb_word_index.json'):
    """The dict from words to their numbers, 1 for the most frequent; `load_data` adds index_from to them.

    path: where the file is kept, as in `load_data`. Errors: as there.
    """
    return words.word_index('imdb_word_index.json', path)
