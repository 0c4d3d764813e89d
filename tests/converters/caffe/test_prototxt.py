"""Descriptions as text: what is known of them, and what is not."""

import pytest

from fastkeras.converters import load_caffe
from fastkeras.utils.errors import ModelFileError

HEAD = 'input: "x" input_shape { dim: 1 dim: 3 }\n'
TANH = 'layer { name: "t" type: "TanH" bottom: "x" top: "y" }\n'


def load(folder, text):
    (folder / 'n.prototxt').write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_caffe(folder / 'n.prototxt')


def test_an_unknown_field_is_an_error_where_its_layer_counts(tmp_path):
    text = HEAD + TANH + '# a comment with a {\n' \
        'layer { name: "c{" type: "AbsVal" bottom: "y" top: "z"\n  strange_param { a: 1 } }'
    with pytest.raises(ModelFileError,
                       match=r"n.prototxt: layer 'c.' .AbsVal.: line 5: LayerParameter has no field 'strange_param'"):
        load(tmp_path, text)
    with pytest.raises(ModelFileError, match="PReLUParameter has no field 'chanel_shared'; did you mean 'channel_shared'"):
        load(tmp_path, HEAD + 'layer { name: "c" type: "PReLU" bottom: "x" top: "z" prelu_param { chanel_shared: true } }')
    with pytest.raises(ModelFileError, match="NetParameter has no field 'nmae'; did you mean 'name'"):
        load(tmp_path, 'nmae: "x" ' + HEAD + TANH)


def test_an_unknown_field_of_a_layer_that_does_not_count_is_passed_over(tmp_path):
    text = HEAD + TANH + '''layer { name: "l" type: "EuclideanLoss" bottom: "y" bottom: "x" strange: 1 odd_param { a { b < c:
    "}" > } } } layer { name: "d" type: "AnnotatedData" top: "data" annotated_data_param { batch_sampler { max_sample: 1 } }
    include { phase: TRAIN } }'''
    assert len(load(tmp_path, text).layers) == 2


def test_comments_and_marks(tmp_path):
    assert len(load(tmp_path, b'\xef\xbb\xbf# \xc3\xa4 {{{\n' + (HEAD + TANH).encode()).layers) == 2
    assert len(load(tmp_path, HEAD + TANH.replace('{', '<').replace('}', '>')).layers) == 2
    assert len(load(tmp_path, HEAD.replace('"', "'") + TANH).layers) == 2


@pytest.mark.parametrize('text, message', [
    (b'\xff\xfe\x00', 'no text'), ('layer {', 'no network description'), ('layer { name: 1 }', 'no network description'),
    ('}', 'no network description'), ('layer { type: "TanH" ' * 2000, 'no network description'),
    ('{"a": 1}', 'no network description'), ('input: "x" input_dim: 99999999999999999999', 'no network description'),
    ('layer { a { b ' * 3000, 'no network description'), ('layer { ' + 'a { ' * 5000 + '} ' * 5001, 'no network description'),
    (' ' * (5 << 20), 'at most 1 MiB'), (HEAD + TANH.replace('"t"', '"\\377"'), 'n.prototxt')])
def test_what_is_no_description(tmp_path, text, message):
    with pytest.raises(ModelFileError, match=message):
        load(tmp_path, text)


def test_what_is_no_file(tmp_path):
    with pytest.raises(OSError, match='none'):
        load_caffe(tmp_path / 'none.prototxt')
    with pytest.raises(ModelFileError, match='expected a file'):
        load_caffe(tmp_path)
    with pytest.raises(ModelFileError, match='expected a file'):
        load_caffe('/dev/zero')
