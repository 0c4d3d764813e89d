"""Each row of docs/generations.md asked of Keras 2.2.4, of Keras 3 and of fastkeras in their generations: see row_cases."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import fastkeras
from fastkeras import config
from fastkeras.differences import DIFFERENCES

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import row_cases  # noqa: E402

sys.path.remove(str(HERE))
KERAS2, KERAS3 = (json.loads((HERE / f'rows_{name}.json').read_text())['cases'] for name in ('keras224', 'keras3'))
# rows with a switch that other tests look at, beside those of `row_cases`
ELSEWHERE = {
    'BatchNormalization under a mask': 'layers/test_normalization.py', 'Embedding as first layer': 'layers/test_embeddings.py',
    'softmax of a vector without batch axis': 'test_generation.py', 'states of stacked cells': 'layers/test_recurrent_cells.py',
    'a `call` that gives a list of one': 'models', "`verbose='auto'` of predict": 'training',
    '`model.metrics`': 'training/test_own_steps.py', '`update_freq` of TensorBoard': 'callbacks',
    'where `get_file` unpacks': 'utils/test_cached_files.py', '`model.save(path)`': 'test_generation.py',
    'type and shape in which targets reach a loss or metric of one\'s own': 'parity/test_results.py',
    'names for outputs of a model of one\'s own class': 'parity/test_results.py',
    'order of names in logs and History': 'parity/test_results.py',
    'Metric objects in train_on_batch, test_on_batch': 'parity/test_results.py'}


@pytest.fixture(autouse=True)
def restored():
    yield
    config.set_generation(2)
    fastkeras.backend.clear_session()


def asked(item, generation):
    config.set_generation(generation)
    fastkeras.backend.clear_session()
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return row_cases.CASES[item](fastkeras)


def same(found, expected):
    if isinstance(expected, list):
        found = list(found)
        return len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(expected, float):
        return bool(np.isclose(found, expected, rtol=1e-4, atol=1e-6))
    return found == expected


@pytest.mark.parametrize('item', row_cases.CASES)
@pytest.mark.parametrize('generation, recorded', [('2.2.4', KERAS2), (3, KERAS3)], ids=['2.2.4', '3'])
def test_is_that_keras(item, generation, recorded):
    found = asked(item, generation)
    assert same(found, recorded[item]), (found, recorded[item])


@pytest.mark.parametrize('row', [r for r in DIFFERENCES if r.item in row_cases.CASES], ids=lambda r: r.item)
def test_generation_2_takes_the_side_it_says(row):
    sides = {'Keras 2': KERAS2, 'Keras 3': KERAS3, 'same': KERAS2}
    recorded = sides.get(row.side(2)) or KERAS2     # of both: as Keras 2 unless told
    found = asked(row.item, 2)
    assert same(found, recorded[row.item]), (found, recorded[row.item])


def test_all_switches_are_looked_at():
    items = {row.item for row in DIFFERENCES}
    assert set(row_cases.CASES) | set(ELSEWHERE) <= items
    assert {row.item for row in DIFFERENCES if row.switches} <= set(row_cases.CASES) | set(ELSEWHERE)
