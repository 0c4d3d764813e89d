"""The table of what depends on the Keras generation."""

import threading

import pytest

from fastkeras import config, generation


def test_scope_counts_in_its_block_and_thread():
    assert config.generation() == 2
    with generation.scope(3):
        assert config.generation() == 3
        assert generation.of('config.module_and_registered_name') is True
        seen = []
        other = threading.Thread(target=lambda: seen.append(config.generation()))
        other.start()
        other.join()
        assert seen == [2]
    assert config.generation() == 2
    assert generation.of('config.module_and_registered_name') is False
    assert generation.of('config.module_and_registered_name', 3) is True


def test_defaults():
    rate = generation.ADADELTA_RATE
    assert rate == 1.0 and generation.chosen(rate) == 1.0
    assert generation.chosen(rate, 3) == 0.001
    assert generation.chosen(1.0, 3) == 1.0         # what the caller gave stays


def test_unknown():
    with pytest.raises(KeyError):
        generation.of('nothing')
    with pytest.raises(ValueError, match='expected'), generation.scope(1):
        pass
