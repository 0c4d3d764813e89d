"""A box in which hostile files are opened, and the rules that are held against what came out of it.

A refusal is a ModelFileError, an OSError or a MemoryError that names the file; it takes less than 5 s and 64 MB, opens nothing
but the file, runs nothing, and leaves the process as it was: a good model predicts the same bits afterwards. Each hostile file
has a benign twin that has to load.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MEMORY, SECONDS = 64 << 20, 5


@dataclass
class Case:
    """A file to be opened. how: 'model', 'weights' (into the good model), 'json', 'layer' (layers.deserialize), 'editor'
    (KerasFileEditor) or 'image' (load_img). loads: it is a benign twin. words: text of the message. justified: bytes of
    weights that it holds and needs."""

    name: str
    path: str
    how: str = 'model'
    loads: bool = False
    words: str = ''
    justified: int = 0
    either: bool = False        # a file of which something correct can be made, or nothing
    arguments: dict = field(default_factory=dict)


def run(folder, cases, seconds=300):
    """The outcomes of the cases, in one process. folder: has good.h5, a model of inputs (3,)."""
    given = [{'path': str(c.path), 'how': c.how, 'arguments': c.arguments} for c in cases]
    done = subprocess.run([sys.executable, '-m', 'tests.saving.hostile_child'], input=json.dumps([str(folder), given]),
                          capture_output=True, text=True, cwd=ROOT, timeout=seconds)
    assert done.returncode == 0, f'the process ended by {done.returncode}: {done.stderr[-2000:]}'
    return json.loads(done.stdout.splitlines()[-1])


def faults(case, result):
    """What is wrong with an outcome, as a list of texts."""
    wrong = []
    outcome, words = result['outcome'], result['words']
    if case.loads and outcome != 'loaded':
        wrong.append(f'a benign twin is refused: {outcome}: {words[:300]}')
    if not case.loads and not case.either and outcome == 'loaded':
        wrong.append('it was loaded')
    refusals = ('ModelFileError', 'OSError', 'MemoryError', *(['ValueError'] if case.how == 'layer' else []))
    if outcome != 'loaded' and outcome not in refusals:
        wrong.append(f'{outcome}: {words[:300]}')
    if outcome != 'loaded' and case.how in ('model', 'weights', 'editor', 'image') and repr(str(case.path))[1:-1] not in words:
        wrong.append(f'the message does not name the file: {words[:300]}')
    if outcome != 'loaded' and case.words and case.words not in words:
        wrong.append(f'{case.words!r} is not in the message: {words[:300]}')
    if result['seconds'] > SECONDS or result['waited'] > 4 * SECONDS:
        wrong.append(f'it took {result["seconds"]:.1f} s')
    if result['grown'] > MEMORY + 2 * case.justified:
        wrong.append(f'memory grew by {result["grown"] >> 20} MB')
    if result['seen']:
        wrong.append(f'it did {result["seen"]}')
    changed = [k for k in result['changed'] if not (case.how in ('json', 'layer') and outcome == 'loaded' and k == 'numpy')]
    if changed:
        wrong.append(f'it changed {changed}')
    if not result['same']:
        wrong.append('the good model predicts other numbers')
    return wrong


def check(folder, cases):
    """Open all in the box; AssertionError that lists what was wrong with which."""
    found = [f'{c.name}: {"; ".join(w)}' for c, r in zip(cases, run(folder, cases)) if (w := faults(c, r))]
    assert not found, '\n'.join(found)
