"""What a file may ask for at most, and text of JSON within these bounds."""

import json

import pytest

from fastkeras.layers import Dense
from fastkeras.models import Sequential, model_from_json
from fastkeras.saving import ModelFileError, limits


def test_limits_are_raised_for_a_block():
    text = json.dumps({'a': list(range(100))})
    with limits.raised(json_items=50), limits.raised(json_depth=9):
        with pytest.raises(ModelFileError, match=r'the text.* beyond the limit json_items=50; .*limits\.raised\(json_items=10'):
            limits.read_json(text, 'the text')
        assert limits.of('json_items') == 50 and limits.of('json_depth') == 9
    assert limits.read_json(text, 'the text') == {'a': list(range(100))}
    with pytest.raises(ValueError, match="unknown limit 'json_byte'; did you mean 'json_bytes'"), limits.raised(json_byte=1):
        pass
    for wrong in (0, -1, 1.5, True, '3', None):
        with pytest.raises(ValueError, match='positive whole number'), limits.raised(layers=wrong):
            pass


def test_commas_in_texts_are_no_values():
    text = json.dumps({'a': 'x,[{' * 1000, 'b': '\\",,,' * 100})
    with limits.raised(json_items=20):
        assert limits.read_json(text, 'x')['a'] == 'x,[{' * 1000


def test_more_than_a_limit_loads_where_it_is_raised():
    model = Sequential([Dense(2, input_shape=(3,)), Dense(2)])
    text = model.to_json()
    with limits.raised(layers=1), pytest.raises(ModelFileError, match=r'layers in it: 2 is beyond the limit layers=1'):
        model_from_json(text)
    with limits.raised(layers=2):
        assert len(model_from_json(text).layers) == 2


@pytest.mark.parametrize('text, words', [
    ('{"a": 1, "a": 2}', "the key 'a' stands twice"), ('{"a": NaN}', 'NaN is no number'),
    ('{"a": 1e999}', 'beyond the largest'), ('{"a": ' + '1' * 50 + '}', '50 digits'),
    ('[' * 300 + ']' * 300, 'nested more deeply than'), ('["\\udc00"]', 'half of a char'), ('\ufeff{}', 'byte order mark'),
    (b'\xff', 'no text in UTF-8'), (5, 'expected JSON text'), ('[]', 'no dictionary but list')])
def test_what_is_refused(text, words):
    with pytest.raises(ModelFileError, match=f'the file.*{words}'):
        limits.read_json(text, 'the file')


def test_what_is_read():
    assert limits.read_json('{"a": [1, 2.5, -1e300, "\\ud83d\\ude00", null, true]}', 'x') == {
        'a': [1, 2.5, -1e300, '\U0001f600', None, True]}
    assert limits.read_json('é'.encode().join([b'{"', b'": 1}']), 'x') == {'é': 1}
    assert limits.read_json('[1]', 'x', (dict, list)) == [1]
