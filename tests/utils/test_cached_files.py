"""Digests, the cache folder, and get_file in the ways of both Keras generations."""

import hashlib
import os
import stat
import tempfile
import warnings
from pathlib import Path

import pytest

from fastkeras import config
from fastkeras.utils import cached_files, data_utils, get_file, hashing
from tests.utils.loopback import serve
from tests.utils.test_archives import FILES, contents, make_tar, make_zip

DATA = b'some data'
MD5, SHA256 = hashlib.md5(DATA).hexdigest(), hashlib.sha256(DATA).hexdigest()


@pytest.fixture(scope='module')
def archives(tmp_path_factory):
    folder = tmp_path_factory.mktemp('archives')
    return {'/f.txt': DATA, '/x.tar.gz': Path(make_tar(folder / 't', FILES)).read_bytes(),
            '/x.zip': Path(make_zip(folder / 'z')).read_bytes()}


@pytest.fixture
def site(archives):
    with serve(archives) as site:
        yield site


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv('KERAS_HOME', str(tmp_path / 'home'))
    return tmp_path / 'home'


@pytest.fixture
def generation_3():
    config.set_generation(3)
    yield
    config.set_generation(2)


def test_hashes(tmp_path):
    path = tmp_path / 'f'
    path.write_bytes(DATA)
    assert hashing.hash_file(path) == hashing.hash_file(path, 'auto') == SHA256
    assert hashing.hash_file(path, 'md5', chunk_size=2) == MD5
    assert hashing.validate_file(path, MD5) and hashing.validate_file(path, SHA256.upper())
    assert hashing.validate_file(str(path), SHA256, 'sha256') and not hashing.validate_file(path, '0' * 32, 'md5')
    assert data_utils.validate_file is hashing.validate_file and data_utils.get_file is get_file


@pytest.mark.parametrize('file_hash, algorithm, message', [
    (MD5, 'sha1', "hash_algorithm: expected 'auto', 'md5' or 'sha256', got 'sha1'"),
    (MD5, 'sha256', r'file_hash: expected 64 hexadecimal digits \(sha256\)'),
    ('x' * 32, 'auto', r'file_hash: expected 32 hexadecimal digits \(md5\) or 64'),
    (None, 'auto', 'file_hash: expected')])
def test_wrong_hash_arguments(tmp_path, file_hash, algorithm, message):
    with pytest.raises(ValueError, match=message):
        hashing.validate_file(tmp_path / 'f', file_hash, algorithm)


def test_wrong_algorithm(tmp_path):
    with pytest.raises(ValueError, match="algorithm: expected 'sha256', 'md5' or 'auto', got 'crc'"):
        hashing.hash_file(tmp_path / 'f', 'crc')


def test_found_or_fetched(site, home, capsys):
    path = get_file('f.txt', f'{site.address}/f.txt')
    assert path == str(home / 'datasets' / 'f.txt') and Path(path).read_bytes() == DATA
    assert get_file('f.txt', f'{site.address}/f.txt', file_hash=SHA256) == path
    assert get_file('f.txt', f'{site.address}/f.txt', False, MD5.upper()) == path
    assert len(site.log) == 1
    Path(path).write_bytes(b'damaged')
    assert get_file('f.txt', f'{site.address}/f.txt') == path and len(site.log) == 1
    capsys.readouterr()
    assert get_file('f.txt', f'{site.address}/f.txt', md5_hash=MD5) == path and Path(path).read_bytes() == DATA
    assert f'its md5 hash is not {MD5}' in capsys.readouterr().out
    get_file('f.txt', f'{site.address}/f.txt', force_download=True)
    assert len(site.log) == 3


def test_places(site, home, tmp_path, monkeypatch):
    origin = f'{site.address}/f.txt'
    assert get_file('a', origin, cache_subdir='models') == str(home / 'models' / 'a')
    assert get_file('sub/a', origin) == str(home / 'datasets' / 'sub' / 'a')
    assert get_file('a', origin, cache_dir=tmp_path / 'other') == str(tmp_path / 'other' / 'datasets' / 'a')
    assert get_file('a', origin, cache_subdir=str(tmp_path / 'abs')) == str(tmp_path / 'abs' / 'a')
    assert get_file(tmp_path / 'here', origin) == str(tmp_path / 'here')
    monkeypatch.delenv('KERAS_HOME')
    monkeypatch.setenv('HOME', str(tmp_path / 'user'))
    assert get_file('a', origin) == str(tmp_path / 'user' / '.keras' / 'datasets' / 'a')
    assert get_file('a', origin, cache_dir='~/b') == str(tmp_path / 'user' / 'b' / 'datasets' / 'a')


def test_offline(home):
    with serve({}) as site:
        pass
    with pytest.raises(OSError, match=rf'URL fetch failure on {site.address}/f.txt: .* put the file \(md5 {MD5}\) at '
                                      rf'{home}/datasets/f.txt by hand'):
        get_file('f.txt', f'{site.address}/f.txt', file_hash=MD5)
    (home / 'datasets' / 'f.txt').write_bytes(DATA)
    assert get_file('f.txt', f'{site.address}/f.txt', file_hash=MD5) == str(home / 'datasets' / 'f.txt')


def test_a_failed_refresh_leaves_the_file(site, home):
    path = get_file('f.txt', f'{site.address}/f.txt')
    site.files.clear()
    with pytest.raises(OSError, match='404'):
        get_file('f.txt', f'{site.address}/f.txt', force_download=True)
    assert Path(path).read_bytes() == DATA


@pytest.mark.parametrize('kwargs, message', [
    ({'origin': None}, 'get_file: origin: expected the address of the file, got None'),
    ({'fname': None, 'origin': 'http://127.0.0.1/'}, 'get_file: origin: expected an address that ends with the name'),
    ({'fname': None, 'origin': 'http://127.0.0.1/..'}, 'get_file: origin: expected an address that ends with the name'),
    ({'file_hash': 'abc'}, 'file_hash: expected'), ({'origin': 'f.txt'}, 'origin: expected an address such as')])
def test_wrong_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        get_file(**{'fname': 'f', 'origin': 'http://127.0.0.1/f', **kwargs})


@pytest.mark.parametrize('end', ['tar.gz', 'zip'])
def test_extract_as_keras_2(site, home, end):
    path = get_file(f'x.{end}', f'{site.address}/x.{end}', extract=True)
    assert path == str(home / 'datasets' / f'x.{end}')
    found = contents(home / 'datasets')
    found.pop(f'x.{end}')
    assert found == FILES
    (home / 'datasets' / 'c.txt').unlink()
    get_file(f'x.{end}', f'{site.address}/x.{end}', extract=True)
    assert (home / 'datasets' / 'c.txt').exists() and len(site.log) == 1


def test_untar_as_keras_2(site, home):
    for _ in range(2):
        assert get_file('d', f'{site.address}/x.tar.gz', untar=True) == str(home / 'datasets' / 'd')
    assert (home / 'datasets' / 'd.tar.gz').exists() and len(site.log) == 1
    assert (home / 'datasets' / 'd' / 'e' / 'b.txt').read_bytes() == b'b'
    (home / 'datasets' / 'd' / 'e' / 'b.txt').write_bytes(b'changed')
    get_file('d', f'{site.address}/x.tar.gz', untar=True)                       # unpacked only where it is not there
    assert (home / 'datasets' / 'd' / 'e' / 'b.txt').read_bytes() == b'changed'
    get_file('d', f'{site.address}/x.tar.gz', untar=True, force_download=True)
    assert (home / 'datasets' / 'd' / 'e' / 'b.txt').read_bytes() == b'b'


@pytest.mark.parametrize('fname, archive, folder', [
    ('x.tar.gz', 'x.tar.gz', 'x_extracted'), ('y', 'y_archive', 'y'), (None, 'x.tar.gz_archive', 'x.tar.gz')])
def test_extract_as_keras_3(site, home, generation_3, fname, archive, folder):
    for how in ({'extract': True}, {'untar': True}):
        assert get_file(fname, f'{site.address}/x.tar.gz', **how) == str(home / 'datasets' / folder)
    assert (home / 'datasets' / archive).is_file() and contents(home / 'datasets' / folder) == FILES
    assert len(site.log) == 1


def test_name_from_the_address(site, home):
    assert get_file(origin=f'{site.address}/f.txt') == str(home / 'datasets' / 'f.txt')
    assert get_file(origin=f'{site.address}/x.zip', extract=True) == str(home / 'datasets' / 'x.zip')
    assert contents(home / 'datasets' / 'x.zip') == FILES


def test_keras_3_takes_no_paths(generation_3):
    with pytest.raises(ValueError, match="fname: expected a name without folders, got 'a/b'"):
        get_file('a/b', 'http://127.0.0.1/f')


def test_no_archive(site):
    with pytest.warns(UserWarning, match="no archive of the format 'auto'"):
        get_file('f.txt', f'{site.address}/f.txt', extract=True)


def test_cache_that_cannot_be_written_to(site, home, tmp_path, monkeypatch):
    (home / 'datasets').mkdir(parents=True)
    (home / 'datasets' / 'f.txt').write_bytes(DATA)
    access = os.access
    monkeypatch.setattr(os, 'access', lambda path, mode: not str(path).startswith(str(home)) and access(path, mode))
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path / 'temporary'))
    (tmp_path / 'temporary').mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert get_file('f.txt', f'{site.address}/f.txt', file_hash=MD5) == str(home / 'datasets' / 'f.txt')
    with pytest.warns(UserWarning, match=f'nothing can be written to {home}/datasets'):
        path = get_file('g.txt', f'{site.address}/f.txt')
    private = tmp_path / 'temporary' / f'.keras-{os.getuid()}'
    assert path == str(private / 'datasets' / 'g.txt') and stat.S_IMODE(private.stat().st_mode) == 0o700
    private.chmod(0o777)
    with pytest.raises(PermissionError, match='set KERAS_HOME'):
        cached_files._private_temporary()
    private.chmod(0o700)
    with pytest.raises(PermissionError, match='nothing can be written to'):
        get_file('g.txt', f'{site.address}/f.txt', cache_subdir=str(home / 'datasets'))
