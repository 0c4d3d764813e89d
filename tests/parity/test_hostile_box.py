"""The box of hostile files (tests/saving/hostile_box.py) is tested itself: it has to catch Keras 3.15.1 on files that Keras is
known to open, where KERAS3_PYTHON names a Python that has it; the same files must not bring this package down."""

import io
import json
import os
import subprocess
import zipfile
import zlib

import h5py
import numpy as np
import pytest

from fastkeras import generation
from fastkeras.layers import Dense
from fastkeras.models import Sequential
from tests.saving import hostile_box
from tests.saving.hostile_box import Case


def png(width, height):
    """The bytes of a black picture in shades of grey."""
    def part(kind, data):
        return len(data).to_bytes(4, 'big') + kind + data + zlib.crc32(kind + data).to_bytes(4, 'big')
    head = width.to_bytes(4, 'big') + height.to_bytes(4, 'big') + bytes([8, 0, 0, 0, 0])
    packer, row = zlib.compressobj(9), bytes(width + 1)
    rows = b''.join([*(packer.compress(row) for _ in range(height)), packer.flush()])
    return b'\x89PNG\r\n\x1a\n' + part(b'IHDR', head) + part(b'IDAT', rows) + part(b'IEND', b'')


@pytest.fixture(scope='module')
def cases(tmp_path_factory):
    """[(case, what is wrong with Keras 3.15.1 on it)]."""
    folder = tmp_path_factory.mktemp('box')
    with generation.scope(3):
        model = Sequential([Dense(4, input_shape=(3,), name='dense')])
        model.save(folder / 'good.keras')
        model.save(folder / 'good.h5')
        model.save_weights(folder / 'good.weights.h5')
    os.mkfifo(folder / 'pipe')
    with h5py.File(folder / 'link.weights.h5', 'w') as file:
        file['layers'] = h5py.ExternalLink(str(folder / 'pipe'), '/layers')
    with h5py.File(folder / 'good.weights.h5') as good, h5py.File(folder / 'shape.weights.h5', 'w') as file:
        for name in good:
            good.copy(name, file)
        del file['layers/dense/vars/0']
        file.create_dataset('layers/dense/vars/0', (1 << 27,), 'float32')
    memory = io.BytesIO()
    with zipfile.ZipFile(folder / 'good.keras') as good, zipfile.ZipFile(memory, 'w', zipfile.ZIP_DEFLATED) as file:
        for name in good.namelist():
            file.writestr(name, good.read(name) + (b' ' * (120 << 20) if name == 'config.json' else b''))
    (folder / 'blanks.keras').write_bytes(memory.getvalue())
    (folder / 'cut.keras').write_bytes((folder / 'good.keras').read_bytes()[:-200])
    from PIL import Image
    picture = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), 'uint8')).save(picture, 'TIFF')
    (folder / 'tiff.png').write_bytes(picture.getvalue())
    (folder / 'large.png').write_bytes(png(13_000, 13_000))
    (folder / 'good.png').write_bytes(png(40, 30))
    return folder, [(Case('H01: a link to a pipe', folder / 'link.weights.h5', 'weights'), 'it took'),
                    (Case('H05: 512 MB that are not there', folder / 'shape.weights.h5', 'weights'), 'memory grew'),
                    (Case('Z01: blanks', folder / 'blanks.keras'), 'memory grew'),
                    (Case('Z07: a file cut off', folder / 'cut.keras'), 'not found'),
                    (Case('I01: TIFF as .png', folder / 'tiff.png', 'image'), 'it was loaded'),
                    (Case('I02: 169 million pixels', folder / 'large.png', 'image'), 'memory grew')]


def test_this_package(cases):
    folder, found = cases
    benign = [Case('a good picture', folder / 'good.png', 'image', loads=True),
              Case('good weights', folder / 'good.weights.h5', 'weights', loads=True),
              Case('a good archive', folder / 'good.keras', loads=True)]
    hostile_box.check(folder, [*(case for case, _ in found), *benign])


def test_keras3_is_caught(cases):
    python = os.environ.get('KERAS3_PYTHON')
    if not python:
        pytest.skip('needs a Python that has Keras 3, which KERAS3_PYTHON names')
    folder, found = cases
    missed = []
    for case, fault in found:
        wrong = hostile_box.faults(case, of_keras3(python, case, folder))
        if not any(fault in text for text in wrong):
            missed.append(f'{case.name}: {wrong}')
    assert not missed, '\n'.join(missed)
    for name, how in (('good.keras', 'model'), ('good.weights.h5', 'weights'), ('good.png', 'image')):
        case = Case(name, folder / name, how, loads=True)
        wrong = [text for text in hostile_box.faults(case, of_keras3(python, case, folder)) if 'memory' not in text]
        assert not wrong, f'{name}: {wrong}'


def of_keras3(python, case, folder, seconds=60):
    """What Keras makes of a case; one that does not end took all the time."""
    command = [python, '-m', 'tests.parity.hostile_keras', case.how, str(case.path), str(folder / 'good.keras')]
    environment = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=hostile_box.ROOT, timeout=seconds, env=environment)
    except subprocess.TimeoutExpired:
        return {'outcome': 'hung', 'words': '', 'seconds': seconds, 'waited': seconds, 'grown': 0, 'seen': [], 'changed': [],
                'same': True}
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])
