"""HDF5 files that hold what they should not, or not what they say: whole models and weights."""

import json
import os
import random

import h5py
import numpy as np
import pytest

from fastkeras.layers import Dense
from fastkeras.models import Sequential
from tests.saving.hostile_box import Case, check

KERNEL = 'model_weights/d/d/kernel:0'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp('hostile')
    model = Sequential([Dense(4, input_shape=(3,), name='d', activation='relu'), Dense(2, name='e')])
    model.compile('adam', 'mse')
    model.fit(np.ones((2, 3)), np.ones((2, 2)), verbose=0)
    model.save(made / 'good.h5')
    model.save_weights(made / 'good_weights.h5')
    os.mkfifo(made / 'canary')
    (made / 'raw').write_bytes(b'\0' * 4096)
    with h5py.File(made / 'other.h5', 'w') as file:
        file['x'] = np.ones((3, 4), 'float32')
        file.create_group('g')
    return made


class Maker:
    """Writes cases: the good files, with a change."""

    def __init__(self, folder):
        self.folder, self.cases = folder, []

    def both(self, name, change, **options):
        """change(file, path of the kernel, root of the weights), in a whole model and in a file of weights."""
        for how, source, root in (('model', 'good.h5', 'model_weights/'), ('weights', 'good_weights.h5', '')):
            path = self.folder / f'{len(self.cases)}.h5'
            path.write_bytes((self.folder / source).read_bytes())
            with h5py.File(path, 'r+') as file:
                change(file, f'{root}d/d/kernel:0', root)
            self.cases.append(Case(f'{name} ({how})', path, how, **options))

    def kernel(self, name, make, **options):
        """make(group, name) in the place of the kernel."""
        def change(file, kernel, root):
            del file[kernel]
            make(file[kernel.rpartition('/')[0]], kernel.rpartition('/')[2])
        self.both(name, change, **options)

    def bytes(self, name, data, how='model', **options):
        path = self.folder / f'{len(self.cases)}.h5'
        path.write_bytes(data)
        self.cases.append(Case(name, path, how, **options))


def test_links_and_arrays_elsewhere(folder):
    m = Maker(folder)
    canary, other = str(folder / 'canary'), str(folder / 'other.h5')
    links = [('external', h5py.ExternalLink(other, '/x')), ('to a pipe', h5py.ExternalLink(canary, '/x')),
             ('to /dev/zero', h5py.ExternalLink('/dev/zero', '/x')), ('to memory', h5py.ExternalLink('/proc/self/mem', '/x')),
             ('soft', h5py.SoftLink('/model_weights/e')), ('to itself', None)]
    for name, link in links:
        for depth in range(4):
            def change(file, kernel, root, depth=depth, link=link):
                parts = kernel.split('/')
                depth = min(depth, len(parts) - 1)
                at = '/'.join(parts[:len(parts) - depth])
                del file[at]
                file[at] = link or h5py.SoftLink('/' + at)
            m.both(f'a link {name}, {depth} above', change)
        for group in ('optimizer_weights', 'optimizer_variables', 'fastkeras_training_state'):
            def change(file, kernel, root, group=group, link=link):
                if group in file:
                    del file[group]
                    file[group] = link or h5py.SoftLink('/' + group)
            m.both(f'a link {name} for {group}', change, either=True)
    m.kernel('external storage', lambda g, n: g.create_dataset(n, (3, 4), 'float32', external=[(canary, 0, 48)]))
    m.kernel('external storage of zeros', lambda g, n: g.create_dataset(n, (3, 4), 'float32', external=[('/dev/zero', 0, 48)]))
    for source in (other, '.', canary):
        def virtual(group, name, source=source):
            layout = h5py.VirtualLayout((3, 4), 'float32')
            layout[:] = h5py.VirtualSource(source, 'x', shape=(3, 4))
            group.create_virtual_dataset(name, layout)
        m.kernel(f'a virtual array of {source}', virtual)
    m.kernel('hard links', lambda g, n: g.__setitem__(n, g['bias:0']))
    m.kernel('the same numbers', lambda g, n: g.__setitem__(n, np.ones((3, 4), 'float32')), loads=True)
    check(folder, m.cases)


def test_arrays_that_lie(folder):
    m = Maker(folder)
    big = 3 << 28
    for name, shape, options in (
            ('3 GB that are not there', (big,), {}), ('3 GB in chunks that are not there', (big,), {'chunks': (1 << 20,)}),
            ('a petabyte', (1 << 48,), {'chunks': (1 << 10,)}), ('tiny chunks', (10_000_000,), {'chunks': (1,)}),
            ('a packed petabyte', (1 << 48,), {'chunks': (1 << 20,), 'compression': 'gzip'}),
            ('many axes', (1,) * 32, {}), ('no axes', (), {}), ('no numbers', (0, 4), {}), ('other axes', (4, 3), {}),
            ('half of it', (3, 2), {}), ('resizable', (3, 5), {'maxshape': (None, None), 'chunks': (64, 64)})):
        m.kernel(name, lambda g, n, s=shape, o=options: g.create_dataset(n, s, 'float32', **o))
    for dtype in ('S8', h5py.string_dtype(), [('a', 'f4')], 'c8', 'c16', np.dtype('(2,)f4'), h5py.ref_dtype, np.dtype('V8'),
                  h5py.vlen_dtype('f4'), h5py.opaque_dtype(np.dtype('M8[s]')), h5py.regionref_dtype, np.longdouble,
                  h5py.enum_dtype({'a': 1}, 'i4')):
        m.kernel(f'of {dtype!r:.40}', lambda g, n, d=dtype: g.create_dataset(n, (3, 4), d), either=str(dtype) == 'int32')
    for dtype in ('f8', '>f4', 'f2', 'i4', 'u1', '?'):
        m.kernel(f'of {dtype}', lambda g, n, d=dtype: g.create_dataset(n, data=np.ones((3, 4), d)), loads=True)
    for options in ({'compression': 'gzip'}, {'compression': 'gzip', 'shuffle': True, 'fletcher32': True}, {'chunks': (2, 2)},
                    {'compression': 'lzf'}, {'chunks': (1, 1)}, {'chunks': (2, 3), 'compression': 'gzip', 'shuffle': True}):
        m.kernel(f'packed {options}', lambda g, n, o=options: g.create_dataset(n, data=np.ones((3, 4), 'f4'), **o), loads=True)

    def piece(data, mask=0, chunk=(3, 4), **options):
        def make(group, name):
            dataset = group.create_dataset(name, (3, 4), 'float32', chunks=chunk, **options)
            dataset.id.write_direct_chunk((0, 0), data, mask)
        return make
    import zlib
    packer = zlib.compressobj(9)
    bomb = b''.join([*(packer.compress(bytes(1 << 20)) for _ in range(1 << 8)), packer.flush()])
    m.kernel('a chunk that unpacks to 256 MB', piece(bomb, compression='gzip'))
    m.kernel('a chunk cut off', piece(zlib.compress(bytes(48))[:-6], compression='gzip'))
    m.kernel('a chunk of nothing', piece(b'x', compression='gzip'))
    m.kernel('a chunk too long', piece(zlib.compress(bytes(49)), compression='gzip'))
    m.kernel('a chunk with junk', piece(os.urandom(48), compression='gzip'))
    m.kernel('a chunk of junk in lzf', piece(b'\xff' * 48, compression='lzf'))
    m.kernel('a wrong checksum', piece(bytes(48) + b'abcd', fletcher32=True))
    m.kernel('a chunk as it is', piece(zlib.compress(bytes(48)), compression='gzip'), loads=True)
    m.kernel('a chunk that was not packed', piece(bytes(48), 1, compression='gzip'), loads=True)

    def filtered(code):
        def make(group, name):
            kind = h5py.h5t.IEEE_F32LE
            settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            settings.set_chunk((3, 4))
            settings.set_filter(code, h5py.h5z.FLAG_OPTIONAL, (1, 2))
            made = h5py.h5d.create(group.id, name.encode(), kind, h5py.h5s.create_simple((3, 4)), settings)
            made.write_direct_chunk((0, 0), bytes(48))
        return make
    for code in (32001, 32015, 307, 65535):
        m.kernel(f'a filter {code} that is not built in', filtered(code))
    check(folder, m.cases)


def test_attributes(folder):
    m = Maker(folder)

    def attribute(name, value, where=''):
        def change(file, kernel, root):
            group = file[root + where] if root + where else file
            if name in group.attrs:
                del group.attrs[name]
            if value is not None:
                group.attrs[name] = value
        return change
    for name, where in (('layer_names', ''), ('weight_names', 'd')):
        for value in (None, 5, 'd', [5, 6], [1.5], [[b'd', b'e']], [b'd', b'd'], [b'd', b''], [b'd', b'a/b'], [b'd', b'../e'],
                      [b'd', b'/'], [b'd', b'.'], [b'd', b'\xff'], [b'\xf0\x9f'], np.array([], 'S1'),
                      np.bytes_(b'x'), h5py.Empty('f4'), True, np.zeros(3, [('a', 'f4')]), np.array([b'd'] * 3000),
                      np.array([b'layer%05d' % k for k in range(6000)]), np.array(['d', 'd\0e'], 'S9')):
            m.both(f'{name} {value!r:.40}', attribute(name, value, where),
                   either=value is None or getattr(value, 'size', 1) == 0)
    for name in ('model_config', 'training_config', 'keras_version', 'backend'):
        for value in (5, [1, 2], b'\xff\xfe', np.bytes_(b'{'), h5py.Empty('S1'), 'x' * 100_000, '[]', 'null', '{}', '5',
                      np.arange(5), [b'{}', b'{}'], np.zeros((), [('a', 'f4')]), '{"class_name": "Sequential"}', '\ud800'):
            def change(file, kernel, root, name=name, value=value):
                if root and name in file.attrs:
                    del file.attrs[name]
                if isinstance(value, str) and len(value) > 60_000:
                    file.attrs.create(name, value, dtype=h5py.string_dtype())
                elif isinstance(value, str):
                    file.attrs[name] = np.bytes_(value.encode('utf8', 'surrogatepass'))
                else:
                    file.attrs[name] = value
            m.both(f'{name} {value!r:.40}', change, either=True)

    def huge(file, kernel, root):
        name = 'model_config' if root else 'layer_names'
        del file.attrs[name]
        file.attrs.create(name, 'x' * (50 << 20), dtype=h5py.string_dtype())
    m.both('an attribute of 50 MB', huge)

    def dense(file, kernel, root):
        group = file[root + 'd']
        for k in range(3000):
            group.attrs[f'a{k}'] = k
    m.both('many attributes', dense, loads=True)

    def members(file, kernel, root):
        group = file[root + 'd']
        for k in range(5000):
            group.create_group(f'g{k}')
    m.both('many members', members, loads=True)
    check(folder, m.cases)


def test_other_orders(folder):
    """All the model's names in another order: by name, never by place."""
    m = Maker(folder)

    def swapped(file, kernel, root):
        group = file[root] if root else file
        group.attrs['layer_names'] = [b'e', b'd']
    m.both('layers in another order', swapped, loads=True)

    def weights(file, kernel, root):
        file[root + 'd'].attrs['weight_names'] = [b'd/bias:0', b'd/kernel:0']
    m.both('weights in another order', weights, loads=True)
    check(folder, m.cases)
    from fastkeras.models import load_model
    good, x = load_model(folder / 'good.h5'), np.ones((2, 3), 'float32')
    for case in m.cases:
        if case.how == 'model':
            np.testing.assert_array_equal(load_model(case.path).predict(x), good.predict(x))


def test_what_is_no_file(folder):
    m = Maker(folder)
    data, rng = (folder / 'good.h5').read_bytes(), random.Random(0)
    m.bytes('nothing', b'')
    m.bytes('text', b'hello')
    for size in [8, 9, 100, *range(500, len(data), len(data) // 40)]:
        m.bytes(f'cut at {size}', data[:size])
    for k in range(120):
        changed = bytearray(data)
        for _ in range(rng.choice([1, 2, 8])):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        m.bytes(f'other bytes {k}', bytes(changed), either=True)
    m.bytes('a user block', data[:0] + bytes(512) + data, either=True)
    m.bytes('what follows', data + bytes(100), either=True)
    for path in (folder, folder / 'canary', '/dev/zero', '/dev/null', folder / 'none.h5', '/proc/self/mem', '/',
                 folder / 'x\0y'):
        m.cases.append(Case(f'{path}', path))
        m.cases.append(Case(f'{path} weights', path, 'weights'))
    (folder / 'loop.h5').symlink_to('loop.h5')
    (folder / 'away.h5').symlink_to('not_there.h5')
    (folder / 'good_link.h5').symlink_to('good.h5')
    for how in ('model', 'weights', 'editor'):
        m.cases += [Case(f'a link to itself, {how}', folder / 'loop.h5', how, words="a link to 'loop.h5'"),
                    Case(f'a link to nothing, {how}', folder / 'away.h5', how, words="a link to 'not_there.h5'")]
    m.cases.append(Case('a link', folder / 'good_link.h5', loads=True))
    for libver in ('earliest', 'latest', 'v108', 'v110', 'v112'):
        path = folder / f'{libver}.h5'
        with h5py.File(folder / 'good.h5') as old, h5py.File(path, 'w', libver=libver) as new:
            for name in old:
                old.copy(name, new)
            for name, value in old.attrs.items():
                new.attrs[name] = value
        m.cases.append(Case(libver, path, loads=True))
    with h5py.File(folder / 'block.h5', 'w', userblock_size=512) as new, h5py.File(folder / 'good.h5') as old:
        for name in old:
            old.copy(name, new)
        new.attrs['model_config'] = old.attrs['model_config']
    m.cases.append(Case('a file with a user block', folder / 'block.h5', either=True))
    check(folder, m.cases)


def test_a_bomb_that_the_configuration_asks_for(folder):
    """A file of a few kilobytes whose configuration and arrays agree on gigabytes that are not there."""
    cases = []
    for name, options in (('late', {}), ('chunked', {'chunks': (1 << 10, 1 << 10)}),
                          ('packed', {'chunks': (1 << 10, 1 << 10), 'compression': 'gzip'})):
        path = folder / f'bomb_{name}.h5'
        with h5py.File(folder / 'good.h5') as file:
            said = json.loads(file.attrs['model_config'])
        said['config']['layers'] = [{'class_name': 'Dense', 'config': {'units': 1 << 15, 'name': 'd', 'use_bias': False,
                                                                       'batch_input_shape': [None, 3 << 13]}}]
        with h5py.File(path, 'w') as file:
            file.attrs['model_config'] = json.dumps(said).encode()
            group = file.create_group('model_weights')
            group.attrs['layer_names'] = [b'd']
            group.create_group('d').attrs['weight_names'] = [b'k']
            group['d'].create_dataset('k', (3 << 13, 1 << 15), 'float32', **options)
        assert path.stat().st_size < 1 << 20
        cases.append(Case(name, path, words='holds 0'))
    packed = folder / 'zeros.h5'
    with h5py.File(packed, 'w') as file:
        said['config']['layers'][0]['config'].update(units=1 << 13, batch_input_shape=[None, 1 << 15])
        file.attrs['model_config'] = json.dumps(said).encode()
        group = file.create_group('model_weights')
        group.attrs['layer_names'] = [b'd']
        group.create_group('d').attrs['weight_names'] = [b'k']
        made = group['d'].create_dataset('k', (1 << 15, 1 << 13), 'float32', chunks=(1 << 11, 1 << 11), compression='gzip')
        import zlib
        block = zlib.compress(bytes(4 << 22), 9)
        for row in range(0, 1 << 15, 1 << 11):
            for column in range(0, 1 << 13, 1 << 11):
                made.id.write_direct_chunk((row, column), block)
    cases.append(Case('a gigabyte of zeros', packed, words='packed'))
    check(folder, cases)
