"""Downloads against a server on this machine: whole, resumed, changed meanwhile, damaged, and several at once."""

import hashlib
import os
import subprocess
import sys
import threading

import pytest

from fastkeras.utils import download
from fastkeras.utils.download import DownloadError, fetch
from tests.utils.loopback import serve

OLD, NEW = os.urandom(1000) * 1000, os.urandom(900) * 1000
HALF = 500_000


@pytest.fixture
def site():
    with serve({'/f.bin': OLD}) as site:
        yield site


@pytest.fixture
def once(monkeypatch):
    """One try a call, so that a broken connection is the caller's to see."""
    monkeypatch.setattr(download, 'TRIES', 1)


def md5(data):
    return hashlib.md5(data).hexdigest()


def only(folder):
    return sorted(p.name for p in folder.iterdir())


def get(site, tmp_path, **kwargs):
    target = tmp_path / 'f.bin'
    fetch(f'{site.address}/f.bin', str(target), **kwargs)
    return target.read_bytes()


def break_off(site, tmp_path, **kwargs):
    site.break_after = [HALF]
    with pytest.raises(DownloadError, match=f'broke off after {HALF} of {len(OLD)} bytes'):
        get(site, tmp_path, **kwargs)
    site.log.clear()


def test_whole_file(site, tmp_path, capsys):
    assert get(site, tmp_path, file_hash=md5(OLD)) == OLD
    assert only(tmp_path) == ['f.bin']
    shown = capsys.readouterr().out
    assert f'Downloading data from {site.address}/f.bin' in shown and f'{len(OLD)}/{len(OLD)} [====' in shown
    assert site.log == [('/f.bin', None, None)]


def test_permissions_are_those_of_the_user(site, tmp_path):
    get(site, tmp_path)
    (tmp_path / 'other').write_bytes(b'')
    assert (tmp_path / 'f.bin').stat().st_mode == (tmp_path / 'other').stat().st_mode


def test_unknown_length(site, tmp_path, capsys):
    site.length = False
    assert get(site, tmp_path) == OLD
    assert f'{len(OLD)}/Unknown' in capsys.readouterr().out


def test_empty_file(site, tmp_path):
    site.files['/f.bin'] = b''
    assert get(site, tmp_path) == b''


def test_broken_connection_is_resumed_within_a_call(site, tmp_path, capsys):
    site.break_after = [HALF, 100_000]
    assert get(site, tmp_path) == OLD
    assert site.log == [('/f.bin', None, None), ('/f.bin', f'bytes={HALF}-', '"1"'),
                        ('/f.bin', f'bytes={HALF + 100_000}-', '"1"')]
    assert f'from byte {HALF} on' in capsys.readouterr().out


def test_resumed_by_a_later_call(once, site, tmp_path):
    break_off(site, tmp_path)
    assert only(tmp_path) == ['f.bin.part', 'f.bin.part.json']
    assert get(site, tmp_path) == OLD
    assert site.log == [('/f.bin', f'bytes={HALF}-', '"1"')] and only(tmp_path) == ['f.bin']


def test_resumed_by_date_where_there_is_no_strong_etag(once, site, tmp_path):
    site.etag, site.date = 'W/"1"', 'Sat, 01 Jan 2022 00:00:00 GMT'
    break_off(site, tmp_path)
    assert get(site, tmp_path) == OLD
    assert site.log == [('/f.bin', f'bytes={HALF}-', site.date)]


def test_not_resumed_where_nothing_names_the_version(once, site, tmp_path):
    site.etag = None
    break_off(site, tmp_path)
    assert only(tmp_path) == []
    assert get(site, tmp_path) == OLD and site.log == [('/f.bin', None, None)]


def test_file_changed_meanwhile(once, site, tmp_path):
    break_off(site, tmp_path)
    site.files['/f.bin'], site.etag = NEW, '"2"'
    assert get(site, tmp_path) == NEW
    assert len(site.log) == 1           # the server answers with the whole file


def test_changed_file_from_a_server_that_does_not_check(once, site, tmp_path):
    break_off(site, tmp_path)
    site.files['/f.bin'], site.etag = NEW, '"2"'
    answer = site.answer
    site.answer = lambda request: (request.headers.__delitem__('If-Range'), setattr(site, 'date', None), answer(request))
    assert get(site, tmp_path) == NEW
    assert len(site.log) == 2           # asked again, from the start


@pytest.mark.parametrize('content_range', ['bytes 0-5/6', 'bytes 500000-999998/999999', 'nonsense'])
def test_some_other_range(once, site, tmp_path, content_range):
    break_off(site, tmp_path)
    site.content_range = lambda start, size: content_range
    assert get(site, tmp_path) == OLD
    assert [r[1] for r in site.log] == [f'bytes={HALF}-', None]


def test_server_without_ranges(once, site, tmp_path):
    site.ranges = False
    break_off(site, tmp_path)
    assert get(site, tmp_path) == OLD


def test_file_shrank_meanwhile(once, site, tmp_path):
    break_off(site, tmp_path)
    site.files['/f.bin'] = OLD[:1000]   # with the old ETag: 416
    assert get(site, tmp_path) == OLD[:1000]
    assert [r[1] for r in site.log] == [f'bytes={HALF}-', None]


def test_part_of_another_address(once, site, tmp_path):
    break_off(site, tmp_path)
    site.files['/g.bin'] = NEW
    fetch(f'{site.address}/g.bin', str(tmp_path / 'f.bin'))
    assert (tmp_path / 'f.bin').read_bytes() == NEW and site.log == [('/g.bin', None, None)]


@pytest.mark.parametrize('note', ['', '[]', '{"origin": 3}', '{"origin": "ORIGIN", "size": "a", "validator": "b"}',
                                  '{"origin": "ORIGIN", "size": 1, "validator": [1]}'])
def test_damaged_note(once, site, tmp_path, note):
    break_off(site, tmp_path)
    (tmp_path / 'f.bin.part.json').write_text(note.replace('ORIGIN', f'{site.address}/f.bin'))
    assert get(site, tmp_path) == OLD and site.log == [('/f.bin', None, None)]


def test_complete_part_is_not_asked_for_again(once, site, tmp_path):
    break_off(site, tmp_path)
    (tmp_path / 'f.bin.part').write_bytes(OLD)
    assert get(site, tmp_path, file_hash=md5(OLD)) == OLD and site.log == []


def test_wrong_part_is_found_by_the_hash_and_fetched_again(once, site, tmp_path):
    break_off(site, tmp_path)
    (tmp_path / 'f.bin.part').write_bytes(b'x' * HALF)
    assert get(site, tmp_path, file_hash=md5(OLD)) == OLD
    assert [r[1] for r in site.log] == [f'bytes={HALF}-', None]


def test_wrong_hash(site, tmp_path):
    (tmp_path / 'f.bin').write_bytes(b'mine')
    with pytest.raises(ValueError, match=f'expected a file with the md5 hash {md5(NEW)}, got {md5(OLD)}'):
        get(site, tmp_path, file_hash=md5(NEW))
    assert only(tmp_path) == ['f.bin'] and (tmp_path / 'f.bin').read_bytes() == b'mine'
    assert len(site.log) == 1


def test_wrong_hash_ends_also_where_connections_break(site, tmp_path):
    site.break_after = [HALF, len(OLD), HALF]
    with pytest.raises(ValueError, match='hash'):
        get(site, tmp_path, file_hash=md5(NEW))
    assert only(tmp_path) == []


def test_not_there(site, tmp_path):
    with pytest.raises(DownloadError, match=r'URL fetch failure on http://127.*/g.bin: 404 -- Not Found.*'
                                            rf'\(md5 {md5(OLD)}\) at {tmp_path}'):
        fetch(f'{site.address}/g.bin', str(tmp_path / 'g.bin'), md5(OLD))
    assert only(tmp_path) == []


def test_nobody_there(tmp_path):
    with serve({}) as site:
        pass
    with pytest.raises(DownloadError, match=r'URL fetch failure on http://127.*refused.*put the file at .*f\.bin'):
        get(site, tmp_path)


def test_silent_server(site, tmp_path):
    site.hold = threading.Event()
    try:
        with pytest.raises(DownloadError, match='timed out'):
            get(site, tmp_path, timeout=0.1)
    finally:
        site.hold.set()
    assert only(tmp_path) == []


@pytest.mark.parametrize('origin', ['f.bin', 'nothing://x/y'])
def test_no_address(tmp_path, origin):
    with pytest.raises((ValueError, DownloadError), match='unknown url type'):
        fetch(origin, str(tmp_path / 'f.bin'))
    assert only(tmp_path) == []


def test_local_file(tmp_path):
    (tmp_path / 'a b').write_bytes(OLD)
    fetch((tmp_path / 'a b').as_uri(), str(tmp_path / 'f.bin'), md5(OLD))
    assert (tmp_path / 'f.bin').read_bytes() == OLD
    with pytest.raises(DownloadError, match='No such file'):
        fetch((tmp_path / 'c').as_uri(), str(tmp_path / 'd'))


def test_interrupt_keeps_what_arrived(site, tmp_path, monkeypatch):
    class Interrupting(download.Progbar):
        def update(self, *args, **kwargs):
            raise KeyboardInterrupt

    with monkeypatch.context() as m, pytest.raises(KeyboardInterrupt):
        m.setattr(download, 'Progbar', Interrupting)
        get(site, tmp_path)
    kept = (tmp_path / 'f.bin.part').stat().st_size
    assert kept > 0
    site.log.clear()
    assert get(site, tmp_path) == OLD and site.log == [('/f.bin', f'bytes={kept}-', '"1"')]


def test_without_locks(site, tmp_path, monkeypatch):
    def unsupported(*args):
        raise OSError(95, 'not supported')

    monkeypatch.setattr(download.fcntl, 'flock', unsupported)
    (tmp_path / 'f.bin.part').write_bytes(b'of another')
    site.break_after = [HALF]
    assert get(site, tmp_path) == OLD and only(tmp_path) == ['f.bin', 'f.bin.part']
    site.files.clear()
    with pytest.raises(DownloadError):
        get(site, tmp_path)
    assert only(tmp_path) == ['f.bin', 'f.bin.part']


def test_threads_wait_for_one_another(site, tmp_path):
    site.hold = threading.Event()
    results = []
    threads = [threading.Thread(target=lambda: results.append(get(site, tmp_path, file_hash=md5(OLD)))) for _ in range(4)]
    for t in threads:
        t.start()
    while not site.log:
        pass
    site.hold.set()
    for t in threads:
        t.join()
    assert results == [OLD] * 4 and only(tmp_path) == ['f.bin']
    assert all(r == ('/f.bin', None, None) for r in site.log)


def test_processes_do_not_mix(site, tmp_path):
    code = f'from fastkeras.utils.download import fetch; fetch({site.address + "/f.bin"!r}, {str(tmp_path / "f.bin")!r})'
    running = [subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [p.wait(60) for p in running] == [0, 0, 0]
    assert (tmp_path / 'f.bin').read_bytes() == OLD and only(tmp_path) == ['f.bin']
