"""Training runs against the numbers, names and texts that Keras 2.2.4 gave for the same code."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fastkeras import callbacks, layers, models, optimizers, regularizers
from tests.parity import training_cases

RECORDED = json.loads((Path(training_cases.__file__).parent / 'training.json').read_text())['cases']
KERAS = SimpleNamespace(callbacks=callbacks, layers=layers, models=models, optimizers=optimizers,
                        regularizers=regularizers)


def masked(text):
    """A transcript without what depends on the clock: times, and how often the bar was drawn in between."""
    text = re.sub(r'\d+(s|ms|us)/step', 'TIME/step', text)
    return re.sub(r'- \d+s', '- TIME', text)


def full_bars(text):
    """A transcript of Keras without the bars on the way, of which a file gets none here."""
    return re.sub(r'\n+', '\n', re.sub(r'\n.*ETA.*', '', text))


def same(got, want, where):
    if isinstance(want, dict):
        assert sorted(map(str, got)) == sorted(want), where
        for key, value in want.items():
            same(got[next(k for k in got if str(k) == key)], value, f'{where}.{key}')
    elif isinstance(want, list):
        got = list(got)
        assert len(got) == len(want), where
        for k, (a, b) in enumerate(zip(got, want)):
            same(a, b, f'{where}[{k}]')
    elif isinstance(want, str):
        assert masked(got) == masked(full_bars(want)), where
    elif isinstance(want, (float, int)) and not isinstance(want, bool):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=2e-6, err_msg=where)
    else:
        assert got == want, where


@pytest.mark.filterwarnings("ignore:output 'kind' has no loss")
@pytest.mark.parametrize('case', training_cases.CASES, ids=lambda c: c.__name__)
def test_as_keras_2(case):
    same(case(KERAS), RECORDED[case.__name__], case.__name__)
