import h5py
import numpy as np
import pytest

from fastkeras.utils.io_utils import H5Dict


@pytest.fixture(params=['path', 'group', 'dict'])
def made(request, tmp_path):
    if request.param == 'path':
        with H5Dict(str(tmp_path / 'd.h5'), 'w') as d:
            yield d
    elif request.param == 'group':
        with h5py.File(tmp_path / 'd.h5', 'w') as file:
            yield H5Dict(file.create_group('inside'))
    else:
        yield H5Dict({})


def test_what_goes_in_comes_out(made):
    made['array'] = np.arange(6.0).reshape(2, 3)
    made['number'], made['text'], made['names'] = 3, 'Ünicode', ['a', 'bcd']
    made['part']['inner']['x'] = np.ones(3)
    made.update({'more': {'y': np.zeros(2)}})
    np.testing.assert_array_equal(made['array'], np.arange(6.0).reshape(2, 3))
    assert made['number'] == 3
    text = made['text']
    assert (text.decode('utf8') if isinstance(text, bytes) else text) == 'Ünicode'
    assert [n.decode() if isinstance(n, bytes) else n for n in made['names']] == ['a', 'bcd']
    np.testing.assert_array_equal(made['part']['inner']['x'], np.ones(3))
    np.testing.assert_array_equal(made['more']['y'], np.zeros(2))
    assert set(made) == {'array', 'number', 'text', 'names', 'part', 'more'} and len(made) == 6
    assert 'part' in made and 'nothing' not in made and made.get('nothing', 5) == 5
    made['array'] = 'now a text'
    assert len(made) == 6


def test_reading_changes_nothing(tmp_path):
    path = tmp_path / 'd.h5'
    with H5Dict(path, 'w') as d:
        d['x'] = np.ones(2)
    with H5Dict(path, 'r') as d:
        with pytest.raises(KeyError, match='nothing'):
            d['nothing']
        with pytest.raises(ValueError, match='opened to be read'):
            d['x'] = 3
    with pytest.raises(ValueError, match='expected an array, number, text'):
        H5Dict(h5py.File(tmp_path / 'e.h5', 'w'))['x'] = object()
    with pytest.raises(TypeError):
        H5Dict(3)
    assert H5Dict.is_supported_type(path) and not H5Dict.is_supported_type(3)
