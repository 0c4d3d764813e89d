"""The text of the progress bar, against what Keras 2.2.4 wrote for the same calls at the same times."""

import json
from pathlib import Path

import pytest

from fastkeras.utils import progbar
from tests.parity import training_cases

RECORDED = json.loads((Path(training_cases.__file__).parent / 'training.json').read_text())['bars']


@pytest.mark.parametrize('name', sorted(RECORDED))
def test_text_is_that_of_keras_2(name):
    bar, where = name.split('/')
    text = training_cases.progress_text(progbar.Progbar, progbar, bar, where == 'terminal')
    if where == 'terminal':
        assert text == RECORDED[name]
    else:       # of what Keras writes to a file, the line of the full bar alone
        assert text == ''.join(line for line in RECORDED[name].splitlines(True) if line.endswith('\n') and 'ETA' not in line
                               and line != '\n' and 'Unknown' not in line)


def test_silent(capsys):
    bar = progbar.Progbar(3, verbose=0)
    for _ in range(3):
        bar.add(1, [('loss', 1.0)])
    assert capsys.readouterr().out == ''


def test_no_units_at_all(capsys):
    progbar.Progbar(0).update(0)
    assert '0/0 [====' in capsys.readouterr().out


def test_only_stateless_metrics_are_averaged(capsys):
    bar = progbar.Progbar(2, stateless_metrics=['loss'], verbose=2)
    bar.update(1, [('loss', 1.0), ('auc', 0.25)])
    bar.update(2, [('loss', 2.0), ('auc', 0.75)])
    assert capsys.readouterr().out.endswith('- loss: 1.5000 - auc: 0.7500\n')


def test_finalize_ends_a_bar_without_target(capsys):
    bar = progbar.Progbar(None)
    bar.update(5)
    bar.update(6, finalize=True)
    assert capsys.readouterr().out.endswith('step\n')


def test_a_file_gets_one_line(capsys):
    for target in (1000, None):
        bar = progbar.Progbar(target, interval=0)
        for _ in range(1000):
            bar.add(1, [('loss', 1.0)])
        bar.finish()
        out = capsys.readouterr().out
        assert out.count('\n') == 1 and out.endswith('loss: 1.0000\n') and '1000/' in out


def test_finish_is_for_a_target_that_was_not_reached(capsys):
    bar = progbar.Progbar(10)
    bar.update(7)
    bar.finish()
    bar.finish()
    assert capsys.readouterr().out.count(' 7/10 [') == 1
