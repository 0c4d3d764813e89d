"""Files that ask for more than they hold end soon, in an error that names them, and leave the process as it was."""

import subprocess
import sys

import pytest

from tests.converters.caffe.test_blobs import block

HEAD = 'input: "x" input_shape { dim: 1 dim: 3 dim: 8 dim: 8 }\n'
LAYER = HEAD + 'layer { name: "l" type: "%s" bottom: "x" top: "y" %s }'
GOOD = HEAD + 'layer { name: "l" type: "TanH" bottom: "x" top: "y" }'
CHAIN = HEAD + ''.join(f'layer {{ name: "l" type: "Concat" bottom: "{a}" bottom: "{a}" top: "t{k}" }}'
                       for k, a in enumerate(['x', *(f't{k}' for k in range(60))]))

DESCRIPTIONS = {
    'layers': 'layer {}\n' * 100_000,
                'layers with a name': HEAD + 'layer { name: "a" type: "TanH" bottom: "x" top: "x" }' * 12_000,
    'parameters': LAYER % ('TanH', 'param {} ' * 100_000),
                'axes': 'input: "x" input_shape { ' + 'dim: 1 ' * 100_000 + '}' + GOOD[len(HEAD):],
    'bottoms': LAYER % ('Concat', 'bottom: "x" ' * 80_000), 'unknown': LAYER % ('TanH', 'zz { ' + 'a: 1 ' * 100_000 + '}'),
    'depth': LAYER % ('TanH', 'a { ' * 50_000), 'text': '#' * (2 << 20), 'braces': '{' * 1_000_000,
    'sizes of boxes': LAYER.replace('bottom: "x"', 'bottom: "x" bottom: "x"') % ('PriorBox',
                                                                                 'prior_box_param { ' + 'min_size: 1 '
                                                                                 * 50_000 + '}'),
    'weights': 'input: "x" input_shape { dim: 1 dim: 40000 } layer { name: "l" type: "InnerProduct" bottom: "x" top: "y" '
               'inner_product_param { num_output: 40000 } }',
    'units': LAYER % ('InnerProduct', 'inner_product_param { num_output: 4294967295 }'),
    'window': LAYER % ('Convolution', 'convolution_param { num_output: 4294967295 kernel_size: 4294967295 pad: 4294967295 }'),
    'groups': LAYER % ('Convolution', 'convolution_param { num_output: 4294967295 kernel_size: 1 group: 4294967295 }'),
    'pooling': LAYER % ('Pooling', 'pooling_param { kernel_size: 4294967295 stride: 4294967295 }'),
    'tiles': LAYER % ('Tile', 'tile_param { tiles: 2147483647 }'), 'doubling': CHAIN,
    'table': 'input: "x" input_shape { dim: 1 } layer { name: "l" type: "Embed" bottom: "x" top: "y" embed_param { num_output: '
             '4294967295 input_dim: 4294967295 } }',
    'size': 'input: "x" input_shape { dim: 1 dim: 9223372036854775807 dim: 9223372036854775807 }' + GOOD[len(HEAD):],
    'detections': HEAD + 'layer { name: "l" type: "DetectionOutput" bottom: "x" bottom: "x" bottom: "x" top: "y" '
                         'detection_output_param { num_classes: 4294967295 keep_top_k: 2147483647 } }'}
WEIGHTS = {
    'layers': b'\xa2\x06\x00' * 5_000_000, 'old layers': b'\x12\x00' * 5_000_000, 'blobs': block(100, b'\x3a\x00' * 5_000_000),
    'names': block(100, b'\x0a\x00' * 5_000_000), 'name': block(100, block(1, b'n' * 20_000_000)),
    'parts': block(100, block(1, b'l') + block(7, b'\x2a\x00' * 5_000_000)),
    'numbers': block(100, block(1, b'l') + block(7, b'\x2d\x00\x00\x00\x00' * 5_000_000)),
    'shape': block(100, block(1, b'l') + block(7, block(7, block(1, b'\x01' * 4_000))))}

CODE = '''
import json, os, resource, sys, time
import h5py, google.protobuf.text_format, numpy as np
import fastkeras.models
from fastkeras.converters import load_caffe
from fastkeras.utils.errors import ModelFileError

def state():
    return [fastkeras.config.floatx(), fastkeras.config.image_data_format(), np.random.get_state()[1].tolist(), os.getcwd(),
            len(os.listdir('/proc/self/fd')), sorted(os.environ.items()), sys.getrecursionlimit()]
def peak():
    return int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) / 1024
good = load_caffe('good.prototxt')
x = np.linspace(0, 1, 192, dtype='f4').reshape(1, 8, 8, 3)
before, bits = state(), good.predict(x).tobytes()
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
for name in json.loads(sys.argv[1]):
    memory, begun = peak(), time.process_time()
    try:
        load_caffe(name + '.prototxt' if os.path.exists(name + '.prototxt') else 'net.prototxt',
                   name + '.caffemodel' if os.path.exists(name + '.caffemodel') else None)
        said = 'a model'
    except ModelFileError as error:
        said = str(error) if name in str(error) else 'does not name the file: ' + str(error)
    print(json.dumps([name, time.process_time() - begun, peak() - memory, said]))
assert state() == before and load_caffe('good.prototxt').predict(x).tobytes() == bits
'''


@pytest.fixture(scope='module')
def outcomes(tmp_path_factory):
    """name → (seconds, MB, what was said), all in one process that has to be as before in the end."""
    folder = tmp_path_factory.mktemp('hostile')
    (folder / 'good.prototxt').write_text(GOOD)
    (folder / 'net.prototxt').write_text(LAYER % ('InnerProduct', 'inner_product_param { num_output: 2 }'))
    names = []
    for kind, files, suffix in (('n', DESCRIPTIONS, 'prototxt'), ('w', WEIGHTS, 'caffemodel')):
        for name, data in files.items():
            names.append(f'{kind}_{name.replace(" ", "_")}')
            (folder / f'{names[-1]}.{suffix}').write_bytes(data if isinstance(data, bytes) else data.encode())
    import json
    run = subprocess.run([sys.executable, '-W', 'error', '-c', CODE, json.dumps(names)], cwd=folder, capture_output=True,
                         text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    return {row[0]: row[1:] for row in map(json.loads, run.stdout.splitlines())}


@pytest.mark.parametrize('name', [*(f'n_{n.replace(" ", "_")}' for n in DESCRIPTIONS),
                                  *(f'w_{n.replace(" ", "_")}' for n in WEIGHTS)])
def test_refused_soon_and_cheaply(outcomes, name):
    seconds, megabytes, said = outcomes[name]
    assert name in said and 'does not name' not in said, said[:300]
    assert seconds < 5, f'{seconds:.1f} s'
    assert megabytes < 64 + 2 * (25 if name == 'w_numbers' else 1), f'{megabytes:.0f} MB'
