"""Messages on standard output, or in the log."""

import logging

import numpy as np
import pytest

import fastkeras as fk
from fastkeras import utils
from fastkeras.utils.messages import print_msg


@pytest.fixture
def logged():
    utils.disable_interactive_logging()
    yield
    fk.config.enable_interactive_logging()


def train():
    model = fk.Sequential([fk.layers.Dense(1, input_shape=(2,))])
    model.compile('sgd', 'mse')
    x, y = np.ones((10, 2)), np.ones((10, 1))
    stop = fk.callbacks.EarlyStopping('loss', min_delta=100, patience=1, verbose=1)
    model.fit(x, y, epochs=3, verbose=1, validation_data=(x, y), callbacks=[stop], batch_size=2)
    model.summary()


def test_on_standard_output(capsys, caplog):
    caplog.set_level(logging.INFO)
    assert utils.is_interactive_logging_enabled()
    train()
    out = capsys.readouterr().out
    assert 'Epoch 1/3' in out and 'early stopping' in out and 'Total params: 3' in out and not caplog.messages
    print_msg('more', line_break=False)
    print_msg('done')
    assert capsys.readouterr().out == 'moredone\n'


def test_in_the_log(logged, capsys, caplog):
    caplog.set_level(logging.INFO, 'fastkeras')
    assert not utils.is_interactive_logging_enabled()
    train()
    assert capsys.readouterr().out == ''
    bars = [m for m in caplog.messages if m.startswith('10/10 [====')]
    assert len(bars) == 2 and not any(c in m for m in caplog.messages for c in '\b\r\n')    # one line per epoch
    assert 'Epoch 2/3' in caplog.messages and 'Epoch 00002: early stopping' in caplog.messages
    assert {r.name for r in caplog.records} == {'fastkeras'} and {r.levelno for r in caplog.records} == {logging.INFO}
