"""Where the files of data sets are looked for, and what is said when they are nowhere."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastkeras
from fastkeras import config
from fastkeras.datasets import cifar10, fashion_mnist, mnist, sources
from tests.parity import load_data_files
from tests.utils.loopback import serve
from tests.utils.test_archives import make_tar

PUBLIC = 'https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz'


def trust(monkeypatch, name, *contents):
    """Let the data set's hash be that of these bytes."""
    hashes = tuple(hashlib.sha256(c).hexdigest() for c in contents)
    monkeypatch.setitem(sources.SOURCES, name, sources.SOURCES[name]._replace(hashes=hashes))


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The bytes of a small mnist.npz, which counts as the true one."""
    load_data_files.images(tmp_path / 'made.npz')
    data = (tmp_path / 'made.npz').read_bytes()
    trust(monkeypatch, 'mnist.npz', data)
    return data


def test_modules():
    code = ('import sys, fastkeras; d = fastkeras.datasets; assert "fastkeras.datasets.imdb" not in sys.modules; '
            'from fastkeras.datasets import cifar10; assert d.cifar10 is cifar10; '
            'assert not {"urllib.request", "fastkeras.layers", "tarfile"} & set(sys.modules)')
    subprocess.run([sys.executable, '-c', code], check=True)
    assert {'reuters', 'cifar'} <= set(dir(fastkeras.datasets))
    with pytest.raises(AttributeError, match='svhn'):
        _ = fastkeras.datasets.svhn


def test_addresses_and_hashes_are_those_of_keras():
    assert sources.SOURCES['mnist.npz'].address == PUBLIC
    assert {len(h) for s in sources.SOURCES.values() for h in s.hashes} == {32, 64}
    assert all(s.address.startswith('https://') for s in sources.SOURCES.values())


def test_found_in_the_cache(cache, file):
    (cache / 'mnist.npz').write_bytes(file)
    assert mnist.load_data()[0][0].shape == (6, 28, 28)
    assert sources.find('mnist.npz') == sources.find('mnist.npz', 'mnist.npz') == str(cache / 'mnist.npz')


def test_offline(cache, monkeypatch):
    monkeypatch.setenv('FASTKERAS_DATA_URL', '')
    monkeypatch.setenv('https_proxy', 'http://127.0.0.1:9')         # nobody is there
    expected = sources.SOURCES['mnist.npz'].hashes[0]
    with pytest.raises(OSError) as error:
        mnist.load_data()
    message = str(error.value)
    for part in (PUBLIC, str(cache / 'mnist.npz'), f'sha256 {expected}', 'FASTKERAS_DATA_URL', 'by hand'):
        assert part in message
    with pytest.raises(OSError, match=r'https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz.*sha256 6d958be0.*'
                                      rf'{cache}/cifar-10-batches-py.tar.gz by hand'):
        cifar10.load_data()


@pytest.mark.parametrize('generation', [2, 3])
def test_mirror(cache, file, monkeypatch, generation):
    config.set_generation(generation)
    try:
        with serve({'/data/mnist.npz': file}) as site:
            for base in (f'{site.address}/data', f'{site.address}/data/'):
                monkeypatch.setenv('FASTKERAS_DATA_URL', base)
                assert mnist.load_data()[1][0].shape == (3, 28, 28)
            assert len(site.log) == 1 and (cache / 'mnist.npz').read_bytes() == file
            assert mnist.load_data(os.path.join('sub', 'm.npz'))[1][0].shape == (3, 28, 28)
            assert (cache / 'sub' / 'm.npz').read_bytes() == file
    finally:
        config.set_generation(2)


@pytest.mark.parametrize('form', ['path', 'file address', 'with a blank'])
def test_folder(cache, file, monkeypatch, tmp_path, form):
    folder = tmp_path / ('some place' if form == 'with a blank' else 'place')
    folder.mkdir()
    (folder / 'mnist.npz').write_bytes(file)
    monkeypatch.setenv('FASTKERAS_DATA_URL', folder.as_uri() if form == 'file address' else str(folder))
    assert mnist.load_data()[0][1].tolist() == [0, 1, 2, 3, 4, 5]
    assert (cache / 'mnist.npz').exists()


def test_folder_that_is_a_copy_of_a_cache(cache, monkeypatch, tmp_path):
    folder = tmp_path / 'copy'
    (folder / 'fashion-mnist').mkdir(parents=True)
    for name in sources.SOURCES:
        if name.startswith('fashion'):
            shape = ([4] if 'train' in name else [2]) + ([28, 28] if 'images' in name else [])
            load_data_files.idx(folder / name, load_data_files.np.ones(shape))
            trust(monkeypatch, name, b'another', (folder / name).read_bytes())
    monkeypatch.setenv('FASTKERAS_DATA_URL', str(folder))
    (x, _), (_, y) = fashion_mnist.load_data()
    assert x.shape == (4, 28, 28) and y.shape == (2,)
    monkeypatch.setenv('FASTKERAS_DATA_URL', str(tmp_path / 'nothing'))
    assert fashion_mnist.load_data()[0][0].shape == (4, 28, 28)     # the second hash is good enough in the cache too


def test_wrong_file_at_a_mirror(cache, file, monkeypatch):
    with serve({'/mnist.npz': b'another'}) as site:
        monkeypatch.setenv('FASTKERAS_DATA_URL', site.address)
        with pytest.raises(ValueError, match='expected a file with the sha256 hash'):
            mnist.load_data()
    assert list(cache.iterdir()) == []


def test_damaged_file_in_the_cache(cache, file, monkeypatch, capsys):
    (cache / 'mnist.npz').write_bytes(file[:-5])
    with pytest.raises(OSError, match='No such file'):
        mnist.load_data()
    assert 'is incomplete or out of date' in capsys.readouterr().out
    assert (cache / 'mnist.npz').read_bytes() == file[:-5]
    with serve({'/mnist.npz': file}) as site:
        monkeypatch.setenv('FASTKERAS_DATA_URL', site.address)
        assert mnist.load_data()[0][0].shape == (6, 28, 28)


def test_file_of_the_users_own(cache, tmp_path):
    load_data_files.images(tmp_path / 'mine.npz')             # of which nobody knows the hash
    load_data_files.images(cache / 'mine.npz')
    for path in ('mine.npz', tmp_path / 'mine.npz', str(tmp_path / 'mine.npz')):
        assert mnist.load_data(path)[0][0].shape == (6, 28, 28)
    with pytest.raises(OSError, match=rf'put the file \(sha256 731c5ac6.*\) at {cache}/absent.npz by hand'):
        mnist.load_data('absent.npz')


@pytest.mark.parametrize('generation', [2, 3])
def test_archive(cache, monkeypatch, tmp_path, generation):
    made = tmp_path / 'cifar-10-batches-py'
    load_data_files.cifar10(made)
    members = {f'cifar-10-batches-py/{p.name}': p.read_bytes() for p in made.iterdir()}
    data = Path(make_tar(tmp_path / 'a.tar.gz', members)).read_bytes()
    trust(monkeypatch, 'cifar-10-batches-py.tar.gz', data)
    config.set_generation(generation)
    try:
        with serve({'/cifar-10-python.tar.gz': data}) as site:
            monkeypatch.setenv('FASTKERAS_DATA_URL', site.address)
            for _ in range(2):
                assert cifar10.load_data()[0][0].shape == (25, 32, 32, 3)
            assert len(site.log) == 1
    finally:
        config.set_generation(2)
    assert sorted(p.name for p in cache.iterdir()) == ['cifar-10-batches-py', 'cifar-10-batches-py.tar.gz']
    (cache / 'cifar-10-batches-py' / 'test_batch').unlink()         # unpacked again, from the archive in the cache
    assert cifar10.load_data()[1][0].shape == (5, 32, 32, 3)


def test_processes_that_load_at_once(cache, monkeypatch, tmp_path):
    made = tmp_path / 'cifar-10-batches-py'
    load_data_files.cifar10(made, 200)
    data = Path(make_tar(tmp_path / 'a.tar.gz', {f'{made.name}/{p.name}': p.read_bytes() for p in made.iterdir()})).read_bytes()
    name = 'cifar-10-batches-py.tar.gz'
    code = ('from fastkeras.datasets import cifar10, sources; '
            f'sources.SOURCES[{name!r}] = sources.SOURCES[{name!r}]._replace(hashes=({hashlib.sha256(data).hexdigest()!r},)); '
            '(x, y), (z, _) = cifar10.load_data(); print(x.shape, int(x.sum()), z.shape)')
    with serve({'/cifar-10-python.tar.gz': data}) as site:
        monkeypatch.setenv('FASTKERAS_DATA_URL', site.address)
        running = [subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
        results = {p.communicate(timeout=60)[0].splitlines()[-1] for p in running}
    assert [p.returncode for p in running] == [0, 0, 0] and len(results) == 1
    assert results.pop().startswith('(1000, 32, 32, 3) ')
    assert sorted(p.name for p in cache.iterdir()) == [made.name, name]


def test_archive_without_the_files(cache, monkeypatch, tmp_path):
    data = Path(make_tar(cache / 'cifar-10-batches-py.tar.gz', {'other': b''})).read_bytes()
    trust(monkeypatch, 'cifar-10-batches-py.tar.gz', data)
    with pytest.raises(ValueError, match='expected a tar archive with the files data_batch_1, .* in cifar-10-batches-py'):
        cifar10.load_data()
