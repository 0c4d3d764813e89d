"""Every network against Keras 2.2.4 and Keras 3: layers, shapes, weights, outputs."""

import numpy as np
import pytest

from fastkeras import applications
from fastkeras.models import load_model
from tests.applications import cases
from tests.applications.recorded import as_in, outputs, recorded, table


def some(names, quick):
    """Parameters for all names; those that are not quick are marked slow."""
    return [pytest.param(n, marks=() if n in quick else pytest.mark.slow) for n in names]


def compare(rows, want):
    """What is noted of layers, with what Keras's note says; where it differs, say about where."""
    have = cases.noted(rows)
    if have['sha256'] == want['sha256']:
        return
    for mine, its in zip(rows, want.get('table', ())):
        assert mine == its
    assert {k: have[k] for k in ('layers', 'weights', 'numbers')} == {k: want[k] for k in ('layers', 'weights', 'numbers')}
    first = next(k for k in range(0, len(have['every 16 layers']), 4)
                 if have['every 16 layers'][k:k + 4] != want['every 16 layers'][k:k + 4])
    raise AssertionError(f'one of these is not as in Keras: {rows[4 * first:4 * first + 16]}')


def check_layers(number, name):
    want = recorded(number)[name]
    model, rows = table(number, name)
    assert model.name == want['default']['name']
    compare(rows, want['default'])
    return model


# NASNetLarge is not recorded: Keras 2.2.4 builds it for many minutes
@pytest.mark.parametrize('name', some([n for n in cases.KERAS2 if n != 'NASNetLarge'], cases.QUICK))
def test_layers_are_those_of_keras_2(name):
    check_layers(2, name)


@pytest.mark.parametrize('name', some(cases.NETWORKS, cases.QUICK))
def test_layers_are_those_of_keras_3(name):
    model = check_layers(3, name)
    assert f'{model.count_params():,} weights, ' in getattr(applications, name).__doc__     # what the documentation says


def check_variant(number, key, name, kwargs):
    want = recorded(number)[name]['variants']
    compare(table(number, name, kwargs)[1], want[key])


def ways(number):
    """Parameters for the variants; quick are those of the smaller networks, and of others without pooling."""
    for key, name, kwargs in cases.variants(number):
        quick = name.startswith(('MobileNet', 'VGG')) or (
            name in ('ResNet50', 'EfficientNetB0', 'ConvNeXtTiny') and len(kwargs) == 2)
        yield pytest.param(key, name, kwargs, id=key, marks=() if quick else pytest.mark.slow)


@pytest.mark.parametrize('key, name, kwargs', list(ways(2)))
def test_other_ways_to_build_in_keras_2(key, name, kwargs):
    check_variant(2, key, name, kwargs)


@pytest.mark.parametrize('key, name, kwargs', list(ways(3)))
def test_other_ways_to_build_in_keras_3(key, name, kwargs):
    check_variant(3, key, name, kwargs)


def check_outputs(number, name):
    want = recorded(number)[name]['outputs']
    have = cases.outcome(*outputs(number, name))
    for part in ('features', 'predictions'):
        expected = np.array(want[part])
        # the last number is the sum of absolute values; small ones among many are as good as the large ones
        np.testing.assert_allclose(have[part], expected, rtol=3e-5, atol=3e-6 * expected[:, -1].max())
    assert np.abs(np.subtract(*want['features'])).max() > 1e-3 * np.abs(want['features']).max(), 'the images look alike'


def with_outputs(number):
    return [name for name, found in recorded(number).items() if 'outputs' in found]


@pytest.mark.parametrize('name', some(with_outputs(2), ('MobileNet', 'MobileNetV2')))
def test_outputs_are_those_of_keras_2(name):
    check_outputs(2, name)


@pytest.mark.parametrize('name', some(with_outputs(3), cases.QUICK_OUTPUTS))
def test_outputs_are_those_of_keras_3(name):
    check_outputs(3, name)


@pytest.mark.parametrize('name', some(cases.QUICK[:-1], ('MobileNet', 'EfficientNetB0', 'MobileNetV2')))
def test_channels_first_computes_the_same(name):
    size, gain, _ = cases.NETWORKS[name]
    x = cases.images(size, cases.scales_itself(name))
    results = []
    for layout, axis in (('channels_last', -1), ('channels_first', 1)):
        with as_in(3, layout):
            model = getattr(applications, name)(weights=None, include_top=False, pooling='avg',
                                                input_shape=(3, size, size) if axis == 1 else (size, size, 3))
            cases.weights(model, gain, 1.0)
            results.append(model.predict(np.moveaxis(x, -1, axis)))
    np.testing.assert_allclose(results[0], results[1], rtol=1e-4, atol=1e-5 * np.abs(results[0]).max())


@pytest.mark.parametrize('name, number', [
    ('MobileNetV3Small', 2), ('MobileNetV3Small', 3), *(pytest.param(*v, marks=pytest.mark.slow) for v in (
        ('DenseNet121', 2), ('InceptionResNetV2', 2), ('InceptionResNetV2', 3), ('ConvNeXtTiny', 3)))])
@pytest.mark.parametrize('ending', ['.h5', '.keras'])
def test_files_hold_them(name, number, ending, tmp_path):
    """MobileNetV3 and ConvNeXt have nodes that are no layers, DenseNet in generation 2 names with a slash."""
    with as_in(number):
        model = getattr(applications, name)(weights=None, include_top=False, pooling='avg', input_shape=(75, 75, 3))
        model.compile('sgd', 'mse')
        model.save(tmp_path / f'model{ending}')
        again = load_model(tmp_path / f'model{ending}')
        x = cases.images(75, True)[:1]
        np.testing.assert_array_equal(model.predict(x), again.predict(x))
        assert [layer.name for layer in model.layers] == [layer.name for layer in again.layers]
