"""Twenty steps of each optimizer follow Keras 2.2.4 (recorded by record_optimizers.py)."""
import json
from pathlib import Path

import numpy as np
import pytest

import fastkeras

from . import network

RECORDED = json.loads((Path(__file__).parent / 'optimizers_keras224.json').read_text())['losses']


@pytest.mark.parametrize('name', network.OPTIMIZERS)
def test_losses_follow_keras(name):
    got = network.losses(fastkeras, name)
    error = np.max(np.abs(np.array(got) / np.array(RECORDED[name]) - 1))
    print(f'{name}: largest relative difference {error:.1e}')
    assert error < 1e-4
