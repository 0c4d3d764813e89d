"""Each task learns as well as with the Keras that recorded it."""
import json
import os
import statistics
from pathlib import Path

import pytest

import fastkeras as keras
from tests import tasks
from tests.artifacts import artifact
from tests.tasks import images, sequences  # noqa: F401

RECORDED = json.loads((Path(__file__).parent / 'tasks.json').read_text())


def test_all_are_recorded():
    assert sorted(RECORDED) == sorted(tasks.TASKS)


@pytest.mark.slow
@pytest.mark.parametrize('name', sorted(tasks.TASKS))
def test_task(name, monkeypatch):
    task = tasks.TASKS[name]
    if task.data:
        artifact(task.data)
        monkeypatch.setitem(tasks.FOLDER, 0, Path(os.environ['FASTKERAS_ARTIFACTS']))
    runs = []
    for seed in task.seeds:
        tasks.seeded(keras, seed)
        runs.append(task.run(keras))
    found = statistics.median(runs)
    print(f'{name}: {found:.4f}, recorded {RECORDED[name]}')
    if task.larger:
        assert found >= min(RECORDED[name]) - task.slack
    else:
        assert found <= max(RECORDED[name]) + task.slack
