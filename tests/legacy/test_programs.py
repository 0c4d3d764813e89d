"""Programs in the style of Keras 2's examples: the files that Keras 2.2.4 ran run here as they are, and learn as well.

Each prints numbers as JSON in its last line; programs_keras224.json has those of a few seeds under Keras 2.2.4
(record_programs.py). A run here has to be as good as the worst of those, or worse by little more than they differ.
The slow tests take the means of as many runs, and real data where FASTKERAS_ARTIFACTS names their folder.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastkeras
from tests.artifacts import artifact
from tests.legacy.record_programs import NO_PROGRAMS

HERE = Path(__file__).parent
RECORDED = json.loads((HERE / 'programs_keras224.json').read_text())
REAL = {name for name, held in RECORDED.items() if 'real' in held}
# its generator predicts after few steps, with means of batch normalisation that Keras 2.2.4 corrects for their start
STRICT = {'mnist_acgan'}
SLOW = {'addition_rnn', 'lstm_seq2seq', 'mnist_acgan'}      # more than four seconds each


def last_line(name, seed=0, data=None, **variables):
    env = {k: v for k, v in os.environ.items() if k not in ('PROGRAM_DATA', 'FASTKERAS_DEBUG')}
    env.update({'PYTHONPATH': str(Path(fastkeras.__file__).parents[1])}, **variables)
    env.update({'PROGRAM_DATA': str(data)} if data else {})
    command = [sys.executable, '-m', 'fastkeras', str(HERE / 'programs' / f'{name}.py'), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def count(name, data):
    """How many runs were recorded."""
    return len(next(iter(RECORDED[name][data].values())))


def is_loss(key):
    """Whether less is better; with 'accuracy' in it, more is."""
    return key.endswith(('loss', 'error'))


def check(key, value, recorded):
    """One run against those of Keras."""
    worst, best = (max(recorded), min(recorded)) if is_loss(key) else (min(recorded), max(recorded))
    margin = max(1.5 * abs(worst - best), 0.1 * abs(np.mean(recorded)))
    assert value <= worst + margin if is_loss(key) else value >= worst - margin, (key, value, recorded)


def check_means(key, values, recorded):
    """As many runs as were recorded: the means are equal but for what chance explains, at four standard errors."""
    error = np.sqrt(np.var(values, ddof=1) / len(values) + np.var(recorded, ddof=1) / len(recorded))
    margin = max(4 * error, 0.02 * abs(np.mean(recorded)))
    assert abs(np.mean(values) - np.mean(recorded)) <= margin, (key, values, recorded)


def compare(runs, recorded):
    assert set(runs[0]) == set(recorded)
    for key, theirs in recorded.items():
        ours = [run[key] for run in runs]
        if not is_loss(key) and 'accuracy' not in key:
            assert all(value == pytest.approx(theirs[0], rel=1e-6) for value in ours), (key, ours, theirs)
        elif len(runs) == 1:
            check(key, ours[0], theirs)
        else:
            check_means(key, ours, theirs)


def test_every_program_was_recorded():
    there = {path.stem for path in (HERE / 'programs').glob('*.py')} - set(NO_PROGRAMS)
    assert there == set(RECORDED)


@pytest.mark.parametrize('name', [pytest.param(n, marks=[pytest.mark.slow] * (n in SLOW)) for n in sorted(RECORDED)])
def test_learns_as_well_as_under_keras(name):
    compare([last_line(name)], RECORDED[name]['made'])


@pytest.mark.slow
@pytest.mark.parametrize('name', sorted(RECORDED))
def test_the_means_of_runs_are_those_under_keras(name):
    strict = {'FASTKERAS_GENERATION': '2.2.4'} if name in STRICT else {}
    compare([last_line(name, seed, **strict) for seed in range(count(name, 'made'))], RECORDED[name]['made'])


@pytest.mark.slow
@pytest.mark.parametrize('name', sorted(REAL))
def test_real_data_are_learned_as_well(name):
    compare([last_line(name, seed, artifact('data')) for seed in range(count(name, 'real'))], RECORDED[name]['real'])
