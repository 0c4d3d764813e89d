"""Archives: what is unpacked, and what is refused."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from fastkeras.utils.archives import extract_archive

FILES = {'d/a.txt': b'a' * 5000, 'd/e/b.txt': b'b', 'c.txt': b''}


def make_zip(path, files=FILES):
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as z:
        for name, data in files.items():
            z.writestr(name, data)
    return str(path)


def member(name, kind=tarfile.REGTYPE, link='', mode=0o644):
    m = tarfile.TarInfo(name)
    m.type, m.linkname, m.mode, m.uid = kind, link, mode, 12345
    return m


def make_tar(path, members, mode='w:gz'):
    """members: names → bytes, or TarInfos."""
    with tarfile.open(path, mode) as t:
        for m in members:
            data = members[m] if isinstance(members, dict) else b'x' if m.isreg() else b''
            m = member(m) if isinstance(m, str) else m
            m.size = len(data)
            t.addfile(m, io.BytesIO(data))
    return str(path)


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in Path(folder).rglob('*') if p.is_file()}


@pytest.fixture(params=[True, False], ids=['filter', 'older Python'])
def tar_filter(request, monkeypatch):
    if request.param and not hasattr(tarfile, 'data_filter'):
        pytest.skip('this Python has no tarfile.data_filter')
    if not request.param:
        monkeypatch.delattr(tarfile, 'data_filter', raising=False)


@pytest.mark.parametrize('mode', ['w:', 'w:gz', 'w:bz2', 'w:xz'])
def test_tar(tmp_path, mode, tar_filter):
    archive = make_tar(tmp_path / 'x', FILES, mode)
    assert extract_archive(archive, str(tmp_path / 'new' / 'folder'))
    assert contents(tmp_path / 'new' / 'folder') == FILES
    assert (tmp_path / 'new' / 'folder' / 'c.txt').stat().st_uid == os.getuid()


def test_zip(tmp_path):
    assert extract_archive(make_zip(tmp_path / 'x'), str(tmp_path / 'out'), ['tar', 'zip'])
    assert contents(tmp_path / 'out') == FILES


def test_over_what_is_there(tmp_path):
    out = tmp_path / 'out'
    (out / 'd' / 'e').mkdir(parents=True)
    (out / 'd' / 'e' / 'kept').write_bytes(b'k')
    (out / 'd' / 'a.txt').write_bytes(b'old')
    assert extract_archive(make_zip(tmp_path / 'x'), str(out))
    assert contents(out) == {**FILES, 'd/e/kept': b'k'}


def test_formats(tmp_path):
    archive = make_zip(tmp_path / 'x')
    for none in (None, [], 'tar'):
        assert not extract_archive(archive, str(tmp_path / 'out'), none)
    (tmp_path / 'y').write_bytes(b'no archive')
    assert not extract_archive(str(tmp_path / 'y'), str(tmp_path / 'out'))
    assert not (tmp_path / 'out').exists()
    with pytest.raises(ValueError, match=r"archive_format: expected 'auto'.*got 'rar'"):
        extract_archive(archive, str(tmp_path / 'out'), 'rar')


GOOD_LINKS = [member('a', tarfile.DIRTYPE), member('a/f'), member('a/l', tarfile.SYMTYPE, 'f'),
              member('b/up', tarfile.SYMTYPE, '../a/f'), member('b/hard', tarfile.LNKTYPE, 'a/f'),
              member('here', tarfile.SYMTYPE, '.')]


def test_links_within(tmp_path, tar_filter):
    assert extract_archive(make_tar(tmp_path / 'x', GOOD_LINKS), str(tmp_path / 'out'))
    assert (tmp_path / 'out' / 'b' / 'up').resolve() == tmp_path / 'out' / 'a' / 'f'
    assert (tmp_path / 'out' / 'a' / 'l').is_symlink() and (tmp_path / 'out' / 'b' / 'hard').read_bytes() == b'x'


SYM, HARD = tarfile.SYMTYPE, tarfile.LNKTYPE
BAD_TARS = {
    'absolute': [member('/etc/x')],
    'parent': [member('a/../../x')],
    'backslash': [member('..\\x')],
    'link to absolute': [member('l', SYM, '/etc/passwd')],
    'link to parent': [member('a/l', SYM, '../../x')],
    'file below a link': [member('l', SYM, '.'), member('l/x')],
    'link below a link': [member('here', SYM, '.'), member('here/l', SYM, '..')],
    'link down and up': [member('a/b', SYM, '.'), member('l', SYM, 'a/b/../..')],
    'link in place of a folder': [member('a/f'), member('a', SYM, '.')],
    'link twice': [member('l', SYM, 'a'), member('l', SYM, 'b')],
    'file in place of a link': [member('l', SYM, 'a'), member('l')],
    'hard link out': [member('h', HARD, '../../etc/passwd')],
    'hard link to a link': [member('f'), member('l', SYM, 'f'), member('h', HARD, 'l')],
    'hard link to nothing': [member('h', HARD, 'f')],
    'link in place of all': [member('.', SYM, 'x')],
    'device': [member('d', tarfile.CHRTYPE)],
    'pipe': [member('p', tarfile.FIFOTYPE)],
}


@pytest.mark.parametrize('case', BAD_TARS)
def test_refused(tmp_path, case, tar_filter):
    box = tmp_path / 'box'
    out = box / 'out'
    out.mkdir(parents=True)
    archive = make_tar(tmp_path / 'x', [member('first'), *BAD_TARS[case]])
    with pytest.raises(ValueError, match='archive member .* nothing was unpacked'):
        extract_archive(archive, str(out))
    assert os.listdir(box) == ['out'] and os.listdir(out) == []


@pytest.mark.parametrize('name', ['/x', '../x', 'a/../../x', '..\\x'])
def test_refused_zip(tmp_path, name):
    with pytest.raises(ValueError, match='archive member'):
        extract_archive(make_zip(tmp_path / 'x', {'first': b'', name: b''}), str(tmp_path / 'out'))
    assert os.listdir(tmp_path / 'out') == []


def test_link_in_a_zip_is_a_file(tmp_path):
    entry = zipfile.ZipInfo('l')
    entry.external_attr = 0o120777 << 16
    assert extract_archive(make_zip(tmp_path / 'x', {entry: b'/etc/passwd'}), str(tmp_path / 'out'))
    assert not (tmp_path / 'out' / 'l').is_symlink() and (tmp_path / 'out' / 'l').read_bytes() == b'/etc/passwd'


@pytest.mark.parametrize('make', [make_zip, make_tar])
def test_damaged(tmp_path, make):
    archive = Path(make(tmp_path / 'x', {'first': b'f', 'second': os.urandom(50_000)}))
    data = bytearray(archive.read_bytes())
    data[20_000:30_000] = bytes(10_000)
    archive.write_bytes(data)
    with pytest.raises(ValueError, match='x: cannot be unpacked as (zip|tar)'):
        extract_archive(str(archive), str(tmp_path / 'out'))
    assert os.listdir(tmp_path / 'out') == []


def test_cut_within_its_first_header(tmp_path):
    archive = Path(make_tar(tmp_path / 'x', FILES))
    archive.write_bytes(archive.read_bytes()[:40])
    with pytest.raises(ValueError, match='x: cannot be unpacked as tar'):
        extract_archive(str(archive), str(tmp_path / 'out'))
    assert not (tmp_path / 'out').exists()
