"""Convolution beyond the registry's own checks: sizes and values against direct loops, SciPy, and bad arguments."""

import itertools

import numpy as np
import pytest
from scipy import signal

from fastkeras import config, ops
from fastkeras.ops.windows import outputs, pads
from fastkeras.runtime import Function


def direct(x, w, strides, padding, dilation, groups=1):
    """The definition, one output pixel at a time, in float64."""
    (pt, pb), (pl, pr) = pads(padding, x.shape[1:3], w.shape[:2], strides, dilation)
    x = np.pad(x.astype(float), ((0, 0), (pt, pb), (pl, pr), (0, 0)))
    kh, kw, depth, filters = w.shape
    reach_h, reach_w = (kh - 1) * dilation[0] + 1, (kw - 1) * dilation[1] + 1
    rows = range(0, x.shape[1] - reach_h + 1, strides[0])
    cols = range(0, x.shape[2] - reach_w + 1, strides[1])
    y = np.zeros((len(x), len(rows), len(cols), filters))
    for (i, r), (j, c), g in itertools.product(enumerate(rows), enumerate(cols), range(groups)):
        window = x[:, r:r + reach_h:dilation[0], c:c + reach_w:dilation[1], g * depth:(g + 1) * depth]
        mine = slice(g * filters // groups, (g + 1) * filters // groups)
        y[:, i, j, mine] = np.tensordot(window, w[..., mine], 3)
    return y


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype('float32')


@pytest.mark.parametrize('strides', [1, 2, (3, 1)])
@pytest.mark.parametrize('dilation', [1, (2, 3)])
@pytest.mark.parametrize('padding', ['valid', 'same', ((2, 0), (1, 3))])
@pytest.mark.parametrize('groups, channels, filters', [(1, 3, 5), (3, 6, 9), (1, 17, 33)])
def test_forward(strides, dilation, padding, groups, channels, filters):
    x, w = random(2, 9, 8, channels), random(3, 2, channels // groups, filters, seed=1)
    y = ops.conv(x, w, strides, padding, 'channels_last', dilation)
    pair = [v if isinstance(v, tuple) else (v, v) for v in (strides, dilation)]
    np.testing.assert_allclose(y, direct(x, w, pair[0], padding, pair[1], groups), rtol=1e-4, atol=1e-4)


def test_channels_first_is_a_transpose():
    x, w = random(2, 7, 6, 4), random(3, 3, 2, 6, seed=1)
    first = ops.conv(x.transpose(0, 3, 1, 2), w, 2, 'same', 'channels_first')
    last = ops.conv(x, w, 2, 'same', 'channels_last')
    np.testing.assert_allclose(first, last.transpose(0, 3, 1, 2), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('strides', [1, (2, 3, 1)])
@pytest.mark.parametrize('padding', ['valid', 'same', ((1, 0), (0, 2), (3, 1))])
@pytest.mark.parametrize('data_format', ['channels_last', 'channels_first'])
def test_volumes(strides, padding, data_format):
    """Against SciPy's correlation of each pair of channels, on the padded volume."""
    x, w = random(2, 6, 7, 8, 4), random(3, 2, 4, 2, 6, seed=1)
    step = strides if isinstance(strides, tuple) else (strides,) * 3
    whole = np.pad(x, ((0, 0), *pads(padding, x.shape[1:4], w.shape[:3], step), (0, 0)))
    expected = np.stack([[sum(signal.correlate(v[..., c + f // 3 * 2], w[..., c, f], 'valid') for c in range(2))
                          for f in range(6)] for v in whole])[..., ::step[0], ::step[1], ::step[2]]
    first = data_format == 'channels_first'
    y = ops.conv(x.transpose(0, 4, 1, 2, 3) if first else x, w, strides, padding, data_format)
    np.testing.assert_allclose(y if first else y.transpose(0, 4, 1, 2, 3), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('padding', ['valid', 'same'])
@pytest.mark.parametrize('stride', [1, 2, (3, 2, 1)])
def test_transpose_of_volumes_is_the_adjoint(padding, stride):
    y, w = random(1, 4, 5, 3, 3), random(3, 2, 4, 6, 3, seed=1)
    x = ops.conv_transpose(y, w, stride, padding)
    back = ops.conv(random(*x.shape, seed=2), w, stride, padding)
    assert back.shape == y.shape
    np.testing.assert_allclose(np.sum(x * random(*x.shape, seed=2)), np.sum(back * y), rtol=1e-3)


def test_against_scipy():
    x, w = random(12, 11), random(4, 3, seed=1)
    y = ops.conv(x[None, :, :, None], w[:, :, None, None], padding='valid')
    np.testing.assert_allclose(y[0, :, :, 0], signal.correlate2d(x, w, 'valid'), rtol=1e-4, atol=1e-4)


def test_causal_sees_no_later_step():
    x, w = random(1, 10, 3), random(3, 3, 4, seed=1)
    y = ops.conv(x, w, padding='causal', dilation_rate=2)
    x[0, 6:] = 99
    again = ops.conv(x, w, padding='causal', dilation_rate=2)
    assert y.shape == (1, 10, 4)
    np.testing.assert_array_equal(y[0, :6], again[0, :6])


@pytest.mark.parametrize('data_format', ['channels_last', 'channels_first'])
def test_sequences(data_format):
    x, w = random(2, 9, 3), random(4, 3, 5, seed=1)
    flip = (lambda a: a.transpose(0, 2, 1)) if data_format == 'channels_first' else (lambda a: a)
    y = flip(ops.conv(flip(x), w, 2, 'same', data_format))
    expected = direct(x[:, None], w[None], (1, 2), 'same', (1, 1))[:, 0]
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('padding', ['valid', 'same'])
@pytest.mark.parametrize('stride', [1, 2, 3])
def test_transpose_is_the_adjoint(padding, stride):
    y, w = random(1, 4, 5, 3), random(3, 2, 6, 3, seed=1)
    x = ops.conv_transpose(y, w, stride, padding)
    probe = random(*x.shape, seed=2)
    back = ops.conv(probe, w, stride, padding)
    assert back.shape == y.shape
    np.testing.assert_allclose(np.sum(x * probe), np.sum(back * y), rtol=1e-3)


@pytest.mark.parametrize('size, kernel, stride, dilation',
                         list(itertools.product(range(1, 12), (1, 2, 3, 5), (1, 2, 3), (1, 2))))
def test_same_has_ceil_results_and_the_larger_pad_after(size, kernel, stride, dilation):
    n, = outputs('same', (size,), (kernel,), (stride,), (dilation,), 'test')
    (before, after), = pads('same', (size,), (kernel,), (stride,), (dilation,))
    assert n == -(-size // stride) and 0 <= after - before <= 1
    assert outputs(((before, after),), (size,), (kernel,), (stride,), (dilation,), 'test') == (n,)


@pytest.mark.parametrize('arguments, words', [
    (((1, 5, 5), (3, 3, 3, 4)), 'kernel'),
    (((5, 5), (3, 3)), 'inputs'),
    (((1, 5, 5, 4), (3, 3, 3, 4)), 'channels'),
    (((1, 2, 5, 3), (3, 3, 3, 4)), 'does not fit'),
    (((1, 5, 5, 5, 3), (3, 3, 3, 4)), 'kernel'),
    (((1, 5, 5, 2, 3), (3, 3, 3, 3, 4)), 'does not fit'),
    (((1, 5, 5, 5, 5, 3), (3, 3, 3, 3, 3, 4)), 'inputs.*volumes'),
])
def test_bad_shapes(arguments, words):
    with pytest.raises(ValueError, match=words):
        ops.conv(*(random(*shape) for shape in arguments))


@pytest.mark.parametrize('attrs, word', [
    ({'strides': 0}, 'strides'), ({'strides': (1, 2, 3)}, 'strides'), ({'dilation_rate': 1.5}, 'dilation_rate'),
    ({'padding': 'full'}, 'padding'), ({'padding': 'causal'}, 'causal'), ({'data_format': 'nchw'}, 'data_format'),
])
def test_bad_attributes(attrs, word):
    with pytest.raises(ValueError, match=word):
        ops.conv(random(1, 5, 5, 3), random(3, 3, 3, 4), **attrs)


@pytest.mark.parametrize('size, channels, filters, expected', [
    (28, 64, 64, True), (7, 512, 512, True), (9, 17, 33, True), (6, 64, 64, False), (28, 3, 64, False), (28, 64, 8, False),
    (28, 1025, 64, False)])
def test_the_shape_alone_chooses_the_winograd_domain(size, channels, filters, expected):
    w = np.zeros((3, 3, channels, filters), 'float32')
    for n in (0, 1, 33):
        convolve = Function(lambda x: ops.conv(x, w, 1, 'same', 'channels_last'))
        plan = convolve.traced_for([np.zeros((n, size, size, channels), 'float32')])
        assert ('winograd' in {step.kernel for step in plan.compiled.steps}) == expected


@pytest.mark.parametrize('isa', config.isas())
@pytest.mark.parametrize('size, channels, filters', [((7, 7), 131, 48), ((8, 8), 300, 33), ((4, 12), 17, 16),
                                                     ((4, 16), 16, 70)])
def test_few_tiles_have_the_bits_of_many(isa, size, channels, filters):
    x, w = random(9, *size, channels), random(3, 3, channels, filters, seed=1)
    convolve = Function(lambda x: ops.conv(x, w, 1, 'same', 'channels_last'))
    before = config.isa()
    try:
        config.set_isa(isa)
        whole = convolve(x)
        for i in range(9):
            np.testing.assert_array_equal(convolve(x[i:i + 1])[0], whole[i])
    finally:
        config.set_isa(before)
    expected = direct(x[:1], w, (1, 1), 'same', (1, 1))
    np.testing.assert_allclose(whole[:1], expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def test_each_channel_of_a_volume_on_its_own_is_not_known():
    with pytest.raises(ValueError, match=r'inputs: expected 3 dimensions \(sequences\) or 4 dimensions \(images\), got'):
        ops.depthwise_conv(random(1, 5, 5, 5, 3), random(3, 3, 3, 3, 1))


def test_slices_that_do_not_meet_are_images():
    """They take an image's ways: the Winograd domain, or that of few channels."""
    for channels, kernel in (16, 'winograd'), (3, 'conv_few'):
        f = Function(lambda x, w: ops.conv(x, w, padding='same'))
        x, w = random(2, 3, 12, 12, channels), random(1, 3, 3, channels, 20, seed=1)
        y = f(x, w)
        assert kernel in {s.kernel for s in f.traced_for([x, w]).compiled.steps}
        np.testing.assert_array_equal(y, ops.conv(x.reshape(6, 12, 12, channels), w[0], padding='same').reshape(y.shape))
