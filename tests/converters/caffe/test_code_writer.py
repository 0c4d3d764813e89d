"""Models as code, and the command line that writes it."""

import runpy
import subprocess
import sys

import numpy as np
import pytest

from fastkeras.converters import load_caffe
from fastkeras.converters.caffe.__main__ import main
from fastkeras.models import load_model
from tests.converters.caffe.nets import images, moved, net_of
from tests.converters.caffe.reference import Reference

SHARED = 'param { name: "w" } param { name: "b" }'
TEXT = net_of(
    ('Convolution', 'convolution_param { num_output: 8 kernel_size: 3 pad: 1 stride: 2 }'), ('BatchNorm', 'top: "x"'),
    ('Scale', 'bottom: "x" top: "x" scale_param { bias_term: true }'), ('LRN', 'bottom: "x"'),
    ('Pooling', 'pooling_param { kernel_size: 3 stride: 2 pad: 1 }'), ('Flatten', 'top: "lambda"'),
    ('InnerProduct', f'bottom: "lambda" inner_product_param {{ num_output: 8 }} top: "y" {SHARED}'),
    ('TanH', 'bottom: "y"'), ('InnerProduct', 'bottom: "tanh7" top: "list" inner_product_param { num_output: 16 }'),
    ('Slice', 'bottom: "list" top: "a" top: "b"'), ('Eltwise', 'bottom: "a" bottom: "b" eltwise_param { coeff: 0.5 coeff: 2 }'),
    ('Softmax', ''), ('Sigmoid', 'bottom: "y" top: "z"'), name='its \\" \\\\ a name').replace('"lrn3"',
                                                                                                                    '"def"')


@pytest.fixture
def net(tmp_path):
    reference = Reference(TEXT)
    x = images(2, 3, 7, 9)
    blobs = reference.run({'data': x})
    (tmp_path / 'net.prototxt').write_text(TEXT)
    reference.save(tmp_path / 'net.caffemodel')
    return tmp_path, x, [blobs['softmax11'], blobs['z']]


@pytest.mark.parametrize('data_format', ['channels_first', 'channels_last'])
@pytest.mark.parametrize('suffix', ['npz', 'h5', 'npy'])
def test_code_and_weights(net, data_format, suffix):
    folder, x, expected = net
    (folder / 'out').mkdir()
    assert main([f'--caffemodel={folder}/net.caffemodel', f'--code-output-path={folder}/out/code.py',
                 f'--data-output-path={folder}/weights.{suffix}', '--data-format', data_format, f'{folder}/net.prototxt']) == 0
    made = runpy.run_path(str(folder / 'out' / 'code.py'))
    model = made['load']()
    for got, want in zip(model.predict(moved(x, data_format)), expected):
        np.testing.assert_allclose(got, want, atol=1e-5)
    assert [w.shape for w in made['build']().weights] == [w.shape for w in model.weights]
    assert max(map(len, (folder / 'out' / 'code.py').read_text().splitlines())) <= 120


def test_the_code_runs_as_it_is(net):
    folder = net[0]
    assert main([f'--caffemodel={folder}/net.caffemodel', f'--code-output-path={folder}/code.py',
                 f'--data-output-path={folder}/weights.npz', f'{folder}/net.prototxt']) == 0
    run = subprocess.run([sys.executable, folder / 'code.py'], capture_output=True, text=True, cwd='/')
    assert run.returncode == 0 and 'Total params' in run.stdout, run.stderr


@pytest.mark.parametrize('name', ['model.h5', 'model.keras'])
def test_a_model_file(net, name):
    folder, x, expected = net
    assert main([f'--caffemodel={folder}/net.caffemodel', f'--output={folder}/{name}', f'{folder}/net.prototxt']) == 0
    # a process that knows nothing of converters
    code = ('from fastkeras.models import load_model; import sys; m = load_model(sys.argv[1], compile=False); '
            'print(sorted({type(x).__name__ for x in m.layers if type(x).__name__.startswith("Caffe")}))')
    run = subprocess.run([sys.executable, '-c', code, folder / name], capture_output=True, text=True)
    assert run.stdout.strip() == "['CaffeLRN', 'CaffePooling', 'CaffeSlice', 'CaffeWeightedSum']", run.stderr
    np.testing.assert_allclose(load_model(folder / name, compile=False).predict(moved(x, 'channels_last'))[0],
                               expected[0],
                               atol=1e-5)


def test_several_calls_of_a_layer(tmp_path):
    text = net_of(('InnerProduct', f'bottom: "data" top: "a" inner_product_param {{ num_output: 6 }} {SHARED}'),
                  ('InnerProduct', f'bottom: "a" top: "b" inner_product_param {{ num_output: 6 }} {SHARED}'), shape=(2, 6))
    (tmp_path / 'n.prototxt').write_text(text)
    assert main([f'--code-output-path={tmp_path}/code.py', f'{tmp_path}/n.prototxt']) == 0
    model = runpy.run_path(str(tmp_path / 'code.py'))['build']()
    assert len(model.weights) == len(load_caffe(tmp_path / 'n.prototxt').weights) == 2


@pytest.mark.parametrize('words, message', [
    (['n.prototxt'], 'nothing to write'), (['--data-output-path=w.npz', 'n.prototxt'], 'needs --caffemodel'),
    (['--phase=OTHER', 'n.prototxt'], 'invalid choice')])
def test_a_command_line_that_cannot_be_meant(words, message, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2 and message in capsys.readouterr().err


def test_errors_are_one_line(tmp_path, capsys):
    assert main([f'--output={tmp_path}/m.h5', f'{tmp_path}/none.prototxt']) == 1
    assert 'none.prototxt' in capsys.readouterr().err
    (tmp_path / 'n.prototxt').write_text('layer { type: "Strange" name: "odd" bottom: "data" top: "y" } input: "data"')
    assert main([f'--output={tmp_path}/m.h5', f'{tmp_path}/n.prototxt', '--input-shape', 'data=3']) == 1
    assert "error: " in (said := capsys.readouterr().err) and "'odd' (Strange)" in said and 'Traceback' not in said
    assert main([f'--output={tmp_path}/m.h5', f'{tmp_path}/n.prototxt', '--input-shape', 'data']) == 1
    assert not (tmp_path / 'm.h5').exists()


def test_python_runs_the_package():
    run = subprocess.run([sys.executable, '-m', 'fastkeras.converters.caffe', '--help'], capture_output=True, text=True)
    assert run.returncode == 0 and '--code-output-path' in run.stdout and run.stderr == ''
