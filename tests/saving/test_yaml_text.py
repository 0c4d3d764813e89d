import numpy as np
import pytest

import fastkeras as keras
from fastkeras.layers import Dense, Input, concatenate
from fastkeras.models import model_from_yaml
from fastkeras.utils.errors import ModelFileError

yaml = pytest.importorskip('yaml')


def test_a_model_goes_through_yaml():
    a, b = Input((3,)), Input((2,))
    model = keras.Model([a, b], Dense(2, activation='tanh', kernel_regularizer='l2')(concatenate([a, b])))
    again = model_from_yaml(model.to_yaml())
    again.set_weights(model.get_weights())
    x = [np.random.rand(4, 3), np.random.rand(4, 2)]
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert again.get_config() == model.get_config()


@pytest.mark.parametrize('text, why', [
    ('!!python/object/apply:os.system ["touch x"]', 'tag'), ('a: &a [1]\nb: *a', 'references'), ('[1, 2', 'YAML'),
    ('3', 'dictionary'), ('class_name: Sequential\nclass_name: Model', 'twice'), ('? [1]\n: 2', 'YAML'), (None, 'text')])
def test_what_is_refused(text, why, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelFileError, match=why):
        model_from_yaml(text)
    assert not list(tmp_path.iterdir())


def test_a_bomb_of_references_is_refused_at_once():
    lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
    lines += [f'a{k}: &a{k} [{", ".join([f"*a{k - 1}"] * 9)}]' for k in range(1, 30)]
    with pytest.raises(ModelFileError, match='references'):
        model_from_yaml('\n'.join(lines))


def test_a_long_text_is_refused():
    text = 'class_name: Sequential\nconfig: [' + '1,' * 100_000 + '1]'
    with pytest.raises(ModelFileError, match='yaml_items=90000'):
        model_from_yaml(text)
