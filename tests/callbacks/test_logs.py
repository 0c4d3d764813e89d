import pickle

import pytest

from fastkeras.callbacks.logs import Logs, spellings


@pytest.mark.parametrize('stored, asked', [
    ('acc', 'accuracy'), ('accuracy', 'acc'), ('val_acc', 'val_accuracy'),
    ('val_main_output_acc', 'val_main_output_accuracy'),
    ('mean_squared_error', 'mse'), ('val_mse', 'val_mean_squared_error'),
    ('lr', 'learning_rate'), ('learning_rate', 'lr'),
    ('size_mean_absolute_percentage_error', 'size_mape'), ('cosine_proximity', 'cosine_similarity'),
])
def test_either_spelling_finds_the_value(stored, asked):
    logs = Logs({'loss': 1.0, stored: 2.0})
    assert logs[asked] == logs[stored] == logs.get(asked) == 2.0
    assert asked in logs
    assert list(logs) == ['loss', stored]
    assert logs.pop(asked) == 2.0 and stored not in logs


def test_a_prefix_ends_at_an_underscore():
    assert 'subaccuracy' not in Logs({'subacc': 1.0})
    assert spellings('val_loss') == []


def test_an_unknown_key_is_missing():
    logs = Logs({'acc': 1.0})
    with pytest.raises(KeyError, match='val_accuracy'):
        logs['val_accuracy']
    assert logs.get('val_acc') is None and logs.get('val_acc', 3) == 3 and 'val_acc' not in logs


def test_storing_under_the_other_spelling_overwrites():
    logs = Logs({'lr': 0.1})
    logs['learning_rate'] = 0.2
    logs.update(learning_rate=0.3)
    assert dict(logs) == {'lr': 0.3}
    assert logs.setdefault('learning_rate', 9) == 0.3
    del logs['learning_rate']
    assert not logs


def test_copies_keep_the_type():
    logs = Logs({'acc': 0.5})
    for copy in (logs.copy(), pickle.loads(pickle.dumps(logs))):
        assert copy['accuracy'] == 0.5 and copy == {'acc': 0.5}
