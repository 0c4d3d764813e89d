"""The dictionary of logs and of a History: it answers to the names of both Keras generations."""

from fastkeras import config, generation

# (Keras 2's name in its logs, another name of the same number)
_PAIRS = (
    ('acc', 'accuracy'),
    ('lr', 'learning_rate'),
    ('mean_squared_error', 'mse'),
    ('mean_absolute_error', 'mae'),
    ('mean_absolute_percentage_error', 'mape'),
    ('mean_squared_logarithmic_error', 'msle'),
    ('kullback_leibler_divergence', 'kld'),
    ('kullback_leibler_divergence', 'kl_divergence'),
    ('logcosh', 'log_cosh'),
    ('cosine_proximity', 'cosine_similarity'),
    ('cosine_proximity', 'cosine'),
)
_OTHERS = {}
for _two, _other in _PAIRS:
    _OTHERS.setdefault(_two, []).append(_other)
    _OTHERS.setdefault(_other, []).append(_two)


def spellings(key):
    """Other spellings of a key: 'val_main_accuracy' → ['val_main_acc']; a prefix ends at an underscore."""
    if not isinstance(key, str):
        return []
    found = []
    for name, others in _OTHERS.items():
        if key == name or key.endswith('_' + name):
            found += [key[:len(key) - len(name)] + other for other in others]
    return found


def rate_key():
    """Key of the learning rate in epoch logs: 'lr' in generation 2, 'learning_rate' in 3."""
    return generation.of('logs.learning_rate', config.generation())


class Logs(dict):
    """A dict whose lookup also knows acc = accuracy, mse = mean_squared_error, lr = learning_rate and the like, with
    any prefix (val_, the name of an output). It iterates over the keys as they were stored; storing under another
    spelling of a key that is there overwrites that key. A key of nobody's raises KeyError, as in any dict.
    """

    __slots__ = ()

    def stored(self, key):
        """The spelling under which `key` is stored, or `key` itself when it is not."""
        if not dict.__contains__(self, key):
            for other in spellings(key):
                if dict.__contains__(self, other):
                    return other
        return key

    def __missing__(self, key):
        other = self.stored(key)
        if other is key:
            raise KeyError(key)
        return self[other]

    def __contains__(self, key):
        return dict.__contains__(self, key) or dict.__contains__(self, self.stored(key))

    def __setitem__(self, key, value):
        dict.__setitem__(self, self.stored(key), value)

    def __delitem__(self, key):
        dict.__delitem__(self, self.stored(key))

    def get(self, key, default=None):
        return dict.get(self, self.stored(key), default)

    def pop(self, key, *default):
        return dict.pop(self, self.stored(key), *default)

    def setdefault(self, key, default=None):
        return dict.setdefault(self, self.stored(key), default)

    def update(self, *args, **kwargs):
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def copy(self):
        return Logs(self)

    def __reduce__(self):
        return Logs, (dict(self),)
