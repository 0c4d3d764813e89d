"""Byte code in files, where the caller trusts their source: that of another Python, and damaged one, is told and never run."""

import base64
import json
import marshal
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastkeras import ops
from fastkeras.layers import Dense, Lambda, lambda_
from fastkeras.models import Sequential, load_model, model_from_json
from fastkeras.saving import ModelFileError, bytecode, trust

THIS = f'{sys.version_info[0]}.{sys.version_info[1]}'
RECORDED = json.loads((Path(__file__).parent / 'byte_code.json').read_text())
X = np.float32([[-1, 2, 3]])


def text_of(function):
    return base64.b64encode(marshal.dumps(function.__code__)).decode()


FUNCTIONS = [lambda x: x * 2 + 1, lambda x: ops.relu(x), lambda x, k=2: x ** k, lambda x: x[:, 1:] if x.shape[1] > 2 else x,
             lambda x: ops.concatenate([x, -x], axis=1), lambda x: ops.stack([p * 2 for p in (x, x)]),
             lambda x: (lambda y: y + x)(1), lambda x: ops.sum(x, axis=-1, keepdims=True) / max(1, len(x.shape))]


@pytest.mark.parametrize('k', range(len(FUNCTIONS)))
def test_code_of_this_python(k):
    function = FUNCTIONS[k]
    names = {'ops': ops, 'np': np}
    try:
        again = bytecode.function_of(text_of(function), names, function.__defaults__, None)
    except bytecode.NotRunnable as error:       # a comprehension, from 3.12 on
        assert sys.version_info >= (3, 12) and 'a file may not' in str(error) or 'exceptions' in str(error)
        return
    np.testing.assert_array_equal(again(X), function(X))


@pytest.mark.parametrize('version', RECORDED)
def test_code_of_other_pythons(version):
    for name, text in RECORDED[version].items():
        try:
            bytecode.function_of(text, {}, None, None)
        except bytecode.NotRunnable as error:
            assert version != THIS and THIS in str(error), name
            assert 'another Python' in str(error)
        else:       # 3.11 and 3.12 have some code in common
            assert version == THIS or {version, THIS} == {'3.11', '3.12'}, name
    with pytest.raises(bytecode.NotRunnable, match=rf'another Python \(3\.7\) than this one \({THIS}\)'):
        bytecode.function_of(text, {}, None, None, magic='420d0d0a')


def forms(text, defaults=None, closure=None):
    """Lambda's configuration as Keras 2 and Keras 3 write it."""
    return ({'name': 'l', 'function': [text, defaults, closure], 'function_type': 'lambda', 'output_shape': None,
             'output_shape_type': 'raw', 'arguments': {}},
            {'name': 'l', 'function': {'class_name': '__lambda__', 'config': {'code': text, 'defaults': defaults,
                                                                             'closure': closure}}, 'arguments': {}})


def test_lambdas_of_both_generations():
    for config in forms(text_of(lambda x, k=1: K.relu(x) * k), [3]):        # noqa: F821
        with pytest.raises(ValueError, match="Lambda layer 'l': .*safe_mode=False"):
            Lambda.from_config(config)
        with trust.unsafe():
            np.testing.assert_array_equal(Lambda.from_config(config)(X), [[0, 6, 9]])
    other = next(v for v in RECORDED if v not in ('3.11', '3.12', THIS))
    for config in forms(RECORDED[other]['call']):
        with trust.unsafe(), pytest.raises(ValueError, match=rf"Lambda layer 'l': .*another Python .*{THIS}.*custom_objects"):
            Lambda.from_config(config)


def test_a_file_with_code(tmp_path):
    model = Sequential([Dense(2, input_shape=(3,)), Lambda(lambda x: x * 2, name='l')])
    model.save(tmp_path / 'm.h5')
    model.save(tmp_path / 'm.keras')
    lambda_._written.clear()
    lambda_._tokens.clear()
    for name in ('m.h5', 'm.keras'):
        with pytest.raises(ModelFileError, match='safe_mode=False'):
            load_model(tmp_path / name)
        np.testing.assert_array_equal(load_model(tmp_path / name, safe_mode=False)(X), model(X))
        np.testing.assert_array_equal(load_model(tmp_path / name, {'l': lambda x: x * 2})(X), model(X))
    with pytest.raises(ModelFileError, match='safe_mode=False'):
        model_from_json(model.to_json().replace('"token"', '"other"'))


@pytest.mark.parametrize('text', ['', 'x', '4w==', 'é', None, 5, base64.b64encode(b'\xe3' + b'\xff' * 200).decode(),
                                  base64.b64encode(marshal.dumps([1, 2])).decode(), base64.b64encode(b'(' * 5000).decode(),
                                  base64.b64encode(b'(\xff\xff\xff\x7f').decode(),
                                  base64.b64encode(b'[' + b'\x01' * 90).decode()])
def test_what_is_no_code(text):
    with pytest.raises(bytecode.NotRunnable, match='is damaged'):
        bytecode.function_of(text, {}, None, None)


FUZZ = '''
import base64, json, random, signal, sys
from fastkeras.saving import bytecode

class Anything:
    shape = (1, 2, 3)
    def __getattr__(self, name): return self
    def __call__(self, *args, **kwargs): return self
    def __add__(self, other): return 1
    __radd__ = __mul__ = __add__
    def __getitem__(self, key): return 1

def stop(*args): raise TimeoutError
signal.signal(signal.SIGALRM, stop)
sys.setrecursionlimit(300)
draw, texts = random.Random(int(sys.argv[1])), json.load(sys.stdin)
for _ in range(2500):
    data = bytearray(base64.b64decode(draw.choice(texts)))
    for _ in range(draw.choice([1, 1, 2, 3])):
        data[draw.randrange(len(data))] = draw.randrange(256)
    if draw.random() < 0.1:
        del data[draw.randrange(len(data)):]
    try:
        function = bytecode.function_of(base64.b64encode(bytes(data)), {'K': Anything()}, None, None)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        function(Anything())
    except Exception:
        pass
    signal.setitimer(signal.ITIMER_REAL, 0)
print('alive')
'''


def test_damaged_code_does_not_end_the_process():
    texts = [text_of(f) for f in FUNCTIONS] + list(RECORDED.get(THIS, {}).values())
    done = subprocess.run([sys.executable, '-c', FUZZ, str(random.Random(7).randrange(99))], input=json.dumps(texts),
                          capture_output=True, text=True, cwd=Path(__file__).resolve().parents[2], timeout=300)
    assert done.stdout.strip() == 'alive', (done.returncode, done.stderr[-500:])
