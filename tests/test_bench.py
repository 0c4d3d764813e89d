"""The bench runs without any other engine, and its results can be compared. What it measures is no matter here."""
import json
import subprocess
import sys

import numpy as np
import pytest

from bench import augmentation, compare, compile, feeding, harness, haswell, networks, report, tune
from bench.__main__ import main
from bench.cases import CASES, Case
from bench.engines import native


@pytest.fixture(scope='module')
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp('bench')
    files = [folder / name for name in ('result.json', 'result.md')]
    assert main(['models', 'training', '--only', 'dense', '--peers', 'none', '--threads', '1', '--rounds', '2', '--seconds',
                 '0.01', '--json', str(files[0]), '--markdown', str(files[1])]) == 0
    return files


def test_result_holds_samples_and_what_they_were_measured_on(result):
    found = json.loads(result[0].read_text())
    assert [row['name'] for row in found['results']] == ['dense b1', 'dense b1 predict()', 'dense b32']
    assert found['threads'] == 1 and found['machine']['processor'] and found['machine']['isa']
    for row in found['results']:
        ours = row['engines']['fastkeras']
        assert len(ours['samples']) >= 2 and ours['min'] <= ours['q1'] <= ours['median'] <= ours['q3']
        assert ours['difference'] == 0 and row['share'] is None
    assert '| dense b1 |' in result[1].read_text()


def test_compare(result, tmp_path, capsys):
    assert compare.main([str(result[0]), str(result[0])]) == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    assert len(lines) == 3 and all(' 1.000' in line for line in lines)
    before = {'q1': 1.0, 'median': 1.1, 'q3': 1.2}
    assert compare.verdict(before, {'q1': 1.3, 'median': 1.4, 'q3': 1.5}) == 'slower'
    assert compare.verdict(before, {'q1': 0.5, 'median': 0.6, 'q3': 0.7}) == 'faster'
    assert compare.verdict(before, {'q1': 1.1, 'median': 1.3, 'q3': 1.5}) == ''


def test_share_and_bound():
    engines = {'fastkeras': {'samples': [2.0]}, 'torch': {'samples': [5.0]}, 'jax': {'samples': [4.0]}, 'litert': {'error': ''}}
    row = report.row(Case('models', 'VGG16', 1, 0.45), engines)
    assert (row['best_peer'], row['share'], row['met']) == ('jax', 0.5, False) and row['share_min'] == 0.5
    assert report.row(Case('models', 'VGG16', 1, limit=2.5), engines)['met'] is True
    wide = Case('models', 'VGG16', 1, 0.6)
    working = {name: r for name, r in engines.items() if 'samples' in r}
    assert report.row(wide, working)['met'] is True
    assert report.row(wide, {**working, 'torch': {'error': 'computes something else'}})['met'] is None


def test_shares_beside_busy_processes(tmp_path):
    engines = {'fastkeras': {'samples': [2.0], 'company': {1: [3.0, 3.0, 9.0]}},
               'torch': {'samples': [4.0], 'company': {1: [5.0]}}, 'jax': {'samples': [3.0], 'company': {1: [8.0]}}}
    row = report.row(Case('models', 'VGG16', 1, 0.9), engines)
    assert row['company'] == {1: (3.0, 0.6)}
    assert row['best_peer'] == 'jax' and '1.50 times as long, share 0.60' in report.text({**row, 'engines': {
        'fastkeras': {**engines['fastkeras'], 'idle': 0, 'strangers': 0, 'variant': 'it', 'difference': 0.0}}})
    file = tmp_path / 'result.json'
    assert main(['models', '--only', 'dense b1$', '--peers', 'none', '--threads', '1', '--rounds', '1', '--seconds', '0.01',
                 '--beside', '1', '--json', str(file)]) == 0
    ours = json.loads(file.read_text())['results'][0]['engines']['fastkeras']
    assert len(ours['company']['1']) >= 1


def test_avx2_hides_what_came_later(tmp_path):
    try:
        library = haswell.build(tmp_path)
    except RuntimeError as error:
        pytest.skip(str(error))
    told = 'from fastkeras import _core, config; print(config.isa(), *_core.isas())'
    lines = [subprocess.run([sys.executable, '-c', told], env=env, capture_output=True, text=True, check=True).stdout.split()
             for env in (None, haswell.preloading(library))]
    assert lines[1][1:] == [isa for isa in lines[0][1:] if isa != 'v4'] and lines[1][0] != 'v4'
    crashing = 'import ctypes; ctypes.string_at(0)'  # what is no CPUID still ends the process
    assert subprocess.run([sys.executable, '-c', crashing], env=haswell.preloading(library)).returncode == -11


@pytest.mark.parametrize('arguments', [['nothing'], ['models', '--peers', 'abacus'], ['models', '--beside', 'two']])
def test_unknown_names_are_refused(arguments, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    assert ('--beside takes numbers' if 'two' in arguments else 'choose from') in capsys.readouterr().err


@pytest.mark.parametrize('name', ['mnist_cnn', 'cifar10_cnn', 'MobileNetV2', 'ResNet50'])
def test_outputs_tell_networks_apart(name):
    """No saturated softmax, which would be equal whatever an engine computes."""
    output = native.build(name).predict_on_batch(networks.inputs(name, 2))
    assert np.all(output.max(axis=1) < 0.99)
    assert np.abs(output[0] - output[1]).max() > 20 * harness.TOLERANCE * output.max()


def test_cases_name_networks():
    assert {case.network for case in CASES} <= set(networks.NETWORKS)


def test_feeding(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv('FASTKERAS_ARTIFACTS', str(tmp_path))    # so that pictures are made up
    for name, value in {'WARM': 1, 'ROUNDS': 1, 'SIDE': 32, 'COUNT': 12, 'BATCH': 4}.items():
        monkeypatch.setattr(feeding, name, value)
    found = {row['name'].partition(', batch 4, ')[2]: row for row in feeding.rows('feeding')}
    shares = {name: row['bound'] for name, row in found.items() if 'share' in name}
    assert sorted(shares.values(), key=str) == [feeding.BOUND, feeding.BOUND, None]
    assert all(row['value'] > 0 for row in found.values()) and 'Found' not in capsys.readouterr().out
    assert list(feeding.rows('vgg16')) == []


def test_compile():
    case = compile.Case('five_layers', 'predict', (1, 2, 3), 1e9)
    found = list(compile.rows_of(case, compile.measured(case)))
    assert all(row['value'] > 0 for row in found if 'beyond' not in row['name'])
    assert [row['met'] for row in found if row['bound']] == [True]
    assert {'trace', 'fuse', 'lower', 'memory', 'encode'} <= {row['name'].split(',')[0].split()[-1] for row in found}
    assert list(compile.rows('no such network')) == []
    assert {case.network for case in compile.CASES} <= set(networks.NETWORKS)


def test_tune(monkeypatch, capsys):
    cases = ('mm 9 8 7', 'ms 9 8 7', 'chain 2 8', 'dw 6 6 4 3 1 4 1', 'deep 6 6 4 3 1 1', 'attention 5 4 1',
             'attention_dx 5 4 1')
    monkeypatch.setattr(tune, 'TRIALS', {'kc': tune.Trial((64, 96), cases)})
    assert main(['tune', '--rounds', '1', '--turns', '1', '--seconds', '0.0001']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.startswith('      ') and '.' in line]== ['64', '96']
    assert 'FASTKERAS_BLOCKS' in lines[-1]
    with pytest.raises(SystemExit):
        main(['tune', '--only', 'nothing'])
    assert 'choose from kc' in capsys.readouterr().err


def test_tune_tries_what_can_be():
    ranges = tune._core.block_ranges()
    assert set(tune.TRIALS) == set(ranges)
    for name, trial in tune.TRIALS.items():
        low, high, multiple, _ = ranges[name]
        assert all(low <= v <= high and v % multiple == 0 for v in trial.values) and trial.cases


def test_tune_chooses_what_is_faster_beyond_the_noise():
    assert tune.choice((1, 2), [[0.97, 0.95], [0.99, 1.0]], 0.02)[0] == 1
    assert tune.choice((1, 2), [[0.995, 0.999], [1.2, 1.0]], 0.02)[0] is None
    assert tune.choice((1, 2), [[0.8, 1.1], [0.99, 1.0]], 0.02)[0] is None
    assert tune.choice((1, 2), [[0.97, 0.95], [0.99, 1.0]], 0.1)[0] is None


@pytest.mark.filterwarnings('ignore::DeprecationWarning')  # of scipy, for how it is called
def test_augmentation(monkeypatch):
    for name, value in {'ROUNDS': 1, 'SIDE': 32, 'FILES': 8, 'SIZE': (64, 48), 'TARGET': (24, 16), 'BATCH': 4}.items():
        monkeypatch.setattr(augmentation, name, value)
    pytest.importorskip('scipy.ndimage', reason='keras-preprocessing warps by scipy')
    pytest.importorskip('keras_preprocessing.image', reason='the peer')
    found = list(augmentation.rows('augmentation', 2))
    assert sorted(row['bound'] for row in found if row['bound']) == [1 / 15, 1 / 6, 1 / 6, 1.25]
    assert all(row['value'] > 0 for row in found)
    with pytest.raises(RuntimeError, match='differ'):
        augmentation.compared({'a': lambda: np.zeros((1, 2)), 'b': lambda: np.ones((1, 2))}, 'a', 'b')
