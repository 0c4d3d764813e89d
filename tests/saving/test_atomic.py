"""Files that are put in place whole, whatever fails or is killed meanwhile."""

import errno
import itertools
import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from fastkeras.callbacks import BackupAndRestore, ModelCheckpoint
from fastkeras.layers import Dense
from fastkeras.models import Sequential, load_model
from fastkeras.saving import atomic

h5py = pytest.importorskip('h5py')


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def network(units=4):
    return Sequential([Dense(units, input_shape=(3,), name='one'), Dense(2, name='two')])


# ---- what open() would have done

def test_replaces_and_makes(tmp_path):
    atomic.write(tmp_path / 'a', b'one')
    atomic.write(tmp_path / 'a', 'zwei …')
    assert (tmp_path / 'a').read_text('utf8') == 'zwei …'
    with atomic.replacing(tmp_path / 'a') as f:
        f.write(b'0123456789')
        f.seek(2)
        f.write(b'xx')
        assert f.tell() == 4
        f.seek(0, os.SEEK_END)
        f.write(b'.')
    assert (tmp_path / 'a').read_bytes() == b'01xx456789.'
    atomic.write(tmp_path / 'b', np.arange(3, dtype=np.int16))
    assert (tmp_path / 'b').read_bytes() == b'\0\0\1\0\2\0'
    assert names(tmp_path) == ['a', 'b']


def test_relative_paths_and_long_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    atomic.write('a', b'1')
    long = 'é' * 125
    atomic.write(long, b'2')
    atomic.write(long, b'3')
    assert names(tmp_path) == ['a', long]


def test_mode(tmp_path):
    before = os.umask(0o027)
    try:
        atomic.write(tmp_path / 'new', b'')
        with open(tmp_path / 'plain', 'wb'):
            pass
    finally:
        os.umask(before)
    mode = [stat.S_IMODE((tmp_path / n).stat().st_mode) for n in ('new', 'plain')]
    assert mode == [0o640, 0o640]
    (tmp_path / 'new').chmod(0o604)
    atomic.write(tmp_path / 'new', b'')
    assert stat.S_IMODE((tmp_path / 'new').stat().st_mode) == 0o604


def test_links_stay(tmp_path):
    (tmp_path / 'there').mkdir()
    (tmp_path / 'there' / 'file').write_bytes(b'old')
    (tmp_path / 'link').symlink_to('there/file')
    (tmp_path / 'to_nothing').symlink_to('there/none')
    for link, file in ('link', 'file'), ('to_nothing', 'none'):
        atomic.write(tmp_path / link, b'new')
        assert (tmp_path / link).is_symlink() and (tmp_path / 'there' / file).read_bytes() == b'new'
    (tmp_path / 'round').symlink_to('round')
    with pytest.raises(OSError, match='round'):
        atomic.write(tmp_path / 'round', b'')


def test_what_cannot_be_replaced(tmp_path):
    with pytest.raises(IsADirectoryError):
        atomic.write(tmp_path, b'')
    with pytest.raises(FileNotFoundError, match='none/a'):
        atomic.write(tmp_path / 'none' / 'a', b'')
    os.mkfifo(tmp_path / 'pipe')
    for path in tmp_path / 'pipe', '/dev/null':
        with pytest.raises(ValueError, match='a pipe or a device'):
            atomic.write(path, b'')
    if os.geteuid():
        (tmp_path / 'kept').write_bytes(b'old')
        (tmp_path / 'kept').chmod(0o444)
        with pytest.raises(PermissionError, match='kept'):
            atomic.write(tmp_path / 'kept', b'')


def test_an_error_inside_leaves_the_old_file(tmp_path):
    atomic.write(tmp_path / 'a', b'old')
    with pytest.raises(KeyError), atomic.replacing(tmp_path / 'a') as f:
        f.write(b'new')
        raise KeyError('mine')
    with pytest.raises(FileNotFoundError, match='elsewhere'), atomic.replacing(tmp_path / 'a') as f:
        open('/elsewhere/of/mine')      # noqa: SIM115
    assert (tmp_path / 'a').read_bytes() == b'old' and names(tmp_path) == ['a']


# ---- writes that fail

def _failing(monkeypatch, name, at, code):
    """Have the call number `at` of a function of os fail; a list that counts them."""
    calls, real = [], getattr(os, name)

    def call(*args, **kwargs):
        calls.append(args)
        if len(calls) == at:
            raise OSError(code, os.strerror(code))
        return real(*args, **kwargs)
    monkeypatch.setattr(os, name, call)
    return calls


@pytest.mark.parametrize('code', [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_every_write_is_checked(tmp_path, monkeypatch, code):
    monkeypatch.setattr(atomic, '_AT_ONCE', 1000)       # several writes for a small file
    model, other, path = network(), network(), tmp_path / 'm.h5'
    model.save(path)
    old = path.read_bytes()
    with monkeypatch.context() as m:
        writes = _failing(m, 'write', 0, code)
        syncs = _failing(m, 'fsync', 0, code)
        model.save(path)
    assert len(writes) > 10 and len(syncs) == 2
    for name, count in ('write', len(writes)), ('fsync', 1), ('replace', 1):
        for at in range(1, count + 1):
            with monkeypatch.context() as m:
                _failing(m, name, at, code)
                with pytest.raises(OSError, match=r'm\.h5') as info:
                    other.save(path)
            assert info.value.errno == code and path.read_bytes() == old and names(tmp_path) == ['m.h5']


def test_writes_that_take_a_part_are_continued(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, 'write', lambda fd, data: real(fd, data[:7]))
    atomic.write(tmp_path / 'a', bytes(range(100)))
    monkeypatch.setattr(os, 'write', lambda fd, data: 0)
    with pytest.raises(OSError, match='a'):
        atomic.write(tmp_path / 'a', b'new')
    assert (tmp_path / 'a').read_bytes() == bytes(range(100)) and names(tmp_path) == ['a']


def test_order(tmp_path, monkeypatch):
    """Written, on the disk, in place, and the folder on the disk."""
    done = []
    for name in ('write', 'fsync', 'replace'):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, name=name, real=real: (done.append((name, a[0])), real(*a))[1])
    atomic.write(tmp_path / 'a', b'x')
    assert [name for name, _ in done] == ['write', 'fsync', 'replace', 'fsync']
    assert done[0][1] == done[1][1]


_CHILD = '''
import resource, signal, sys
from fastkeras.layers import Dense
from fastkeras.models import Sequential
path, limit = sys.argv[1], int(sys.argv[2])
model = Sequential([Dense(300, input_shape=(300,))])
for save in model.save, model.save_weights:
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        save(path)
        print('saved')
    except OSError as error:
        print(type(error).__name__, error.errno, error.filename)
'''


def _child(*args):
    return subprocess.run([sys.executable, '-c', _CHILD, *map(str, args)], capture_output=True, text=True, timeout=120)


def test_limit_of_the_size_of_files(tmp_path):
    path = tmp_path / 'm.h5'
    path.write_bytes(b'old')
    done = _child(path, 100_000)
    assert done.stdout.splitlines() == [f'OSError {errno.EFBIG} {path}'] * 2, done.stderr
    assert path.read_bytes() == b'old' and names(tmp_path) == ['m.h5']


def test_full_disk(tmp_path):
    disk = tmp_path / 'disk'
    disk.mkdir()
    if os.geteuid() or subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=200k', 'none', disk],
                                      capture_output=True).returncode:
        pytest.skip('needs to mount a small disk')
    try:
        path = disk / 'm.h5'
        path.write_bytes(b'old')
        done = _child(path, 0)
        assert done.stdout.splitlines() == [f'OSError {errno.ENOSPC} {path}'] * 2, done.stderr
        assert path.read_bytes() == b'old' and names(disk) == ['m.h5']
    finally:
        subprocess.run(['umount', disk], check=True)


# ---- savings that are killed, and several at once

def _saves_until_killed(model, path, first):
    for k in itertools.count(first):
        model.set_weights([np.full_like(w, k) for w in model.get_weights()])
        (model.save if k % 2 else model.save_weights)(path)


def test_kills(tmp_path):
    """A process that saves again and again is killed 200 times: the file is always whole."""
    draw, path, seen, left = random.Random(0), tmp_path / 'm.h5', set(), 0
    model = Sequential([Dense(150, input_shape=(200,), name='one', kernel_initializer='zeros')])
    model.save(path)
    for k in range(200):
        child = os.fork()
        if child == 0:
            try:
                _saves_until_killed(model, path, k * 1000 + 1)
            finally:
                os._exit(1)
        time.sleep(draw.random() * 0.06)
        os.kill(child, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        found = names(tmp_path)
        assert len(found) <= 2 and 'm.h5' in found
        left += len(found) == 2
        model.load_weights(path)
        kernel, bias = model.get_weights()
        assert np.ptp(kernel) == 0 and (bias == kernel[0, 0]).all()
        seen.add(float(kernel[0, 0]))
    assert left and len(seen) > 2       # it was killed in the middle, and between savings
    model.save(path)
    assert names(tmp_path) == ['m.h5']


def test_what_a_killed_one_left_is_removed_and_nothing_else(tmp_path):
    left = tmp_path / '.m.h5.0123456789abcdef.part'
    others = ['.m.h5.part', '.n.h5.0123456789abcdef.part', 'm.h5.0123456789abcdef.part', '.m.h5.0123456789abcdeX.part']
    for name in [left.name, *others]:
        (tmp_path / name).write_bytes(b'x')
    with atomic.replacing(tmp_path / 'm.h5') as f:
        assert not left.exists()
        at_work = set(names(tmp_path)) - {*others}
        atomic.write(tmp_path / 'm.h5', b'second')
        assert set(names(tmp_path)) == {*others, *at_work, 'm.h5'}
        f.write(b'first')
    assert (tmp_path / 'm.h5').read_bytes() == b'first' and set(names(tmp_path)) == {*others, 'm.h5'}
    left.symlink_to(others[0])
    atomic.write(tmp_path / 'm.h5', b'')
    assert left.is_symlink() and (tmp_path / others[0]).exists()


def test_threads_that_save_to_one_path(tmp_path):
    models, errors = [network() for _ in range(4)], []
    values = [m.get_weights() for m in models]

    def save(model):
        try:
            for _ in range(10):
                model.save(tmp_path / 'm.h5')
        except Exception as error:
            errors.append(error)
    threads = [threading.Thread(target=save, args=(m,)) for m in models]
    for t in threads:
        t.start()
    read = 0
    while any(t.is_alive() for t in threads):
        if (tmp_path / 'm.h5').exists():
            found = load_model(tmp_path / 'm.h5', compile=False).get_weights()
            assert any(all(np.array_equal(a, b) for a, b in zip(found, v)) for v in values)
            read += 1
    assert not errors and read and names(tmp_path) == ['m.h5']


def test_memory_of_saving(tmp_path):
    """About the weights and the file."""
    code = ('import resource, sys; from fastkeras.layers import Dense; from fastkeras.models import Sequential;'
            'm = Sequential([Dense(4000, input_shape=(4000,))]); m.save_weights(sys.argv[1] + "small");'
            'before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; m.save_weights(sys.argv[1]);'
            'print(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)')
    code = code.replace('m.save_weights(sys.argv[1] + "small")',
                        'Sequential([Dense(1, input_shape=(1,))]).save_weights(sys.argv[1] + "small")')
    done = subprocess.run([sys.executable, '-c', code, tmp_path / 'w.h5'], capture_output=True, text=True, timeout=120)
    before, after = map(int, done.stdout.split())
    size = (tmp_path / 'w.h5').stat().st_size
    assert size > 64e6 and (after - before) * 1024 < 2.2 * size


# ---- who writes files

def test_callbacks_leave_nothing_behind(tmp_path, monkeypatch):
    x, y = np.ones((4, 3), 'float32'), np.ones((4, 2), 'float32')
    model = network()
    model.compile('adam', 'mse')
    (tmp_path / '.c.h5.0123456789abcdef.part').write_bytes(b'')
    (tmp_path / 'b').mkdir()
    (tmp_path / 'b' / '.new.training_state.npz.0123456789abcdef.part').write_bytes(b'')
    model.fit(x, y, epochs=2, verbose=0, callbacks=[
        ModelCheckpoint(tmp_path / 'c.h5'), BackupAndRestore(tmp_path / 'b', delete_checkpoint=False)])
    assert names(tmp_path) == ['b', 'c.h5']
    assert names(tmp_path / 'b') == ['latest.weights.h5', 'training_metadata.json', 'training_state.npz']


@pytest.mark.parametrize('double', [False, True])
@pytest.mark.parametrize('at', range(1, 7))
def test_backup_that_is_interrupted_between_its_files(tmp_path, monkeypatch, at, double):
    x, y = np.ones((4, 3), 'float32'), np.ones((4, 2), 'float32')

    def trained(epochs):
        model = network()
        model.set_weights([np.full_like(w, 0.1) for w in model.get_weights()])
        model.compile('adam', 'mse')
        model.fit(x, y, epochs=epochs, verbose=0,
                  callbacks=[BackupAndRestore(tmp_path, double_checkpoint=double, delete_checkpoint=False)])
        return model

    whole = trained(3).get_weights()
    for path in tmp_path.iterdir():
        path.unlink()
    trained(1)
    with monkeypatch.context() as m:
        real, calls = os.replace, []

        def replace(*args):
            calls.append(args)
            if len(calls) == at:
                raise KeyboardInterrupt
            real(*args)
        m.setattr(os, 'replace', replace)
        with pytest.raises(KeyboardInterrupt):
            trained(2)
    for a, b in zip(trained(3).get_weights(), whole):
        np.testing.assert_array_equal(a, b)
