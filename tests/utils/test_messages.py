"""Messages on standard output, or in the log."""

import io
import logging
import subprocess
import sys

import numpy as np
import pytest

import fastkeras as fk
from bench.installed import ROOT
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


def test_a_log_file_gets_a_line_for_each_epoch(capsys):
    model = fk.Sequential([fk.layers.Dense(1, input_shape=(2,))])
    model.compile('sgd', 'mse')
    x, y = np.ones((1000, 2)), np.ones((1000, 1))
    model.fit(x, y, epochs=4, verbose=1, batch_size=2, validation_split=0.5)
    out = capsys.readouterr().out
    assert out.count('[====') == 4 and out.count('\n') == 9 and len(out) < 1000 and out.count('val_loss') == 4
    model.fit(((x[:2], y[:2]) for _ in range(6)), steps_per_epoch=3, epochs=2)
    model.evaluate(x, y, batch_size=2)
    model.evaluate(((x[:2], y[:2]) for _ in range(3)), steps=3)
    model.predict(x, batch_size=2, verbose=1)
    assert capsys.readouterr().out.count('\n') == 7


class Broken(io.StringIO):
    def write(self, text):
        raise BrokenPipeError(32, 'Broken pipe')


class Ascii(io.StringIO):
    def write(self, text):
        text.encode('ascii')
        super().write(text)


def closed():
    out = io.StringIO()
    out.close()
    return out


@pytest.mark.parametrize('make', [lambda: None, closed, Broken], ids=['none', 'closed', 'broken'])
def test_nowhere_to_talk_to(make, monkeypatch, caplog, tmp_path):
    caplog.set_level(logging.INFO, 'fastkeras')
    monkeypatch.setattr(sys, 'stdout', make())
    train()
    model = fk.Sequential([fk.layers.Dense(1, input_shape=(2,))])
    model.compile('sgd', 'mse')
    model.evaluate(np.ones((4, 2)), np.ones((4, 1)), verbose=1)
    assert model.predict(np.ones((4, 2)), verbose=1).shape == (4, 1)
    (tmp_path / 'a').mkdir()
    fk.preprocessing.image.ImageDataGenerator().flow_from_directory(tmp_path)
    assert 'Epoch 2/3' in caplog.messages and 'Epoch 00002: early stopping' in caplog.messages


def test_a_pipe_that_nobody_reads():
    code = (f'import sys; sys.path.append({str(ROOT)!r}); from tests.utils.test_messages import train; '
            'sys.stdin.readline(); train(); print("trained", file=sys.stderr)')
    process = subprocess.Popen([sys.executable, '-c', code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    _, err = process.communicate('\n', timeout=120)
    assert 'trained' in err and 'Traceback' not in err


def test_a_name_that_the_terminal_cannot_write(monkeypatch):
    monkeypatch.setattr(sys, 'stdout', Ascii())
    print_msg('größe')
    assert sys.stdout.getvalue() == 'gr\\xf6\\xdfe\n'
