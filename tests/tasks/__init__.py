"""Well-known examples of Keras, shortened, on real data: what they learn is held against what a real Keras learns with the same
budget.

    python tests/tasks/record.py --keras3 [NAME …]     # writes tasks.json; --keras2 for those of Keras 2.2.4

A task is a function (keras) → metric, written for any namespace that is Keras.
"""
from collections import namedtuple

import numpy as np

# run: (keras) → number; larger: whether a larger number is better; slack: how much worse than the worst recorded run of three
# ours may be; by: the generation of Keras that it is recorded with; data: the file that it needs, or None; seeds: of whose runs
# ours is the median
Task = namedtuple('Task', 'run larger slack by data seeds')
TASKS = {}


def task(larger=True, slack=0.03, by='3', data=None, seeds=(1,)):
    def note(function):
        TASKS[function.__name__] = Task(function, larger, slack, by, data, seeds)
        return function
    return note


def seeded(keras, seed):
    """Weights, shuffles and draws from this seed on."""
    np.random.seed(seed)
    if hasattr(keras.utils, 'set_random_seed'):
        keras.utils.set_random_seed(seed)


# ---- data
FOLDER = {0: None}     # where the files are


def imdb(words=5000, length=80, count=2000):
    """((x, y), (x, y)): the first `count` reviews, their last `length` words, 0 in front of short ones; 1 begins a review, 2 is
    a rare word."""
    file = np.load(FOLDER[0] / 'data/imdb_2000_2000_flat.npz')

    def part(kind):
        ends = np.cumsum(file[f'len_{kind}'])
        flat = file[f'x_{kind}'].astype(np.int64) + 3
        flat[flat >= words] = 2
        x = np.zeros((len(ends), length), 'int32')
        for row, (begin, end) in enumerate(zip([0, *ends[:-1]], ends)):
            review = np.concatenate([[1], flat[begin:end]])[-length:]
            x[row, length - len(review):] = review
        order = np.random.RandomState(0).permutation(len(ends))[:count]
        return x[order], file[f'y_{kind}'][order].astype('float32')[:, None]

    return part('train'), part('test')


def mnist(count=2000, tests=1000):
    """((images of 28 x 28 from 0 to 1, digits), the same for tests)"""
    file = np.load(FOLDER[0] / 'data/mnist.npz')
    return ((file['x_train'][:count].astype('float32') / 255, file['y_train'][:count].astype('int32')),
            (file['x_test'][:tests].astype('float32') / 255, file['y_test'][:tests].astype('int32')))


def score(model, x, y):
    """The second of what evaluate gives: the model's metric."""
    return float(model.evaluate(x, y, batch_size=100, verbose=0)[1])
