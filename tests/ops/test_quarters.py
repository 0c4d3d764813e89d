"""Windows of 4 to 6 taps, two pixels apart, in the Winograd domain: over the image's quarters (ops/winograd.py, halves)."""

import numpy as np
import pytest

from fastkeras import config, ops
from fastkeras.ops.core import apply
from fastkeras.runtime import Function

SHAPES = [  # images, height, width, channels, filters, taps, padding before
    (2, 16, 16, 32, 64, 4, (1, 1)),
    (1, 16, 16, 64, 64, 4, (1, 1)),  # shares of the channels that are made
    (3, 18, 26, 64, 32, 5, (1, 2)),  # tiles that are not full
    (2, 22, 14, 32, 32, 5, (2, 1)),
    (1, 20, 16, 32, 96, 6, (2, 2)),
    (5, 36, 20, 96, 32, 4, (0, 2)),
    (1, 16, 528, 32, 32, 4, (1, 1)),  # rows of tiles in parts
    (40, 16, 16, 160, 32, 4, (2, 0)),  # two blocks of a quarter's channels
]


def arrays(n, h, w, c, oc, taps, before):
    rng = np.random.default_rng(3)
    x, kernel, dy = (rng.standard_normal(s).astype('float32') for s in (
        (n, h, w, c), (taps, taps, c, oc), (n, h // 2, w // 2, oc)))
    pads = tuple((b, taps - 2 - b) for b in before)
    return x, kernel, dy, {'strides': (2, 2), 'padding': pads, 'dilation': (1, 1), 'groups': 1}


def three(x, kernel, dy, attrs):
    """(record, its inputs, its attributes) of the convolution and its gradients."""
    return (('conv2d', [x, kernel], attrs), ('conv2d_dx', [dy, kernel], {**attrs, 'size': x.shape[1:3]}),
            ('conv2d_dw', [x, dy], {**attrs, 'kernel_size': kernel.shape[:2]}))


def kernels(function, inputs):
    return {step.kernel for step in function.traced_for(inputs).compiled.steps}


@pytest.fixture(params=config.isas())
def isa(request):
    before, threads = config.isa(), config.get_num_threads()
    config.set_isa(request.param)
    yield request.param
    config.set_isa(before)
    config.set_num_threads(threads)


def close(got, wanted):
    assert np.abs(got - wanted).max() <= 5e-6 * np.abs(wanted).max()


@pytest.mark.parametrize('shape', SHAPES, ids=str)
def test_against_float64(isa, shape):
    x, kernel, dy, attrs = arrays(*shape)
    for record, inputs, options in three(x, kernel, dy, attrs):
        f = Function(lambda *a, record=record, options=options: apply(record, list(a), **options))
        assert any(k.startswith('winograd') for k in kernels(f, inputs))
        found = []
        for threads in (1, 2):
            config.set_num_threads(threads)
            found.append(np.array(f(*inputs)))
        np.testing.assert_array_equal(*found)
        close(found[0], apply(record, [a.astype('float64') for a in inputs], **options))


@pytest.mark.parametrize('shape', SHAPES[1:4], ids=str)
def test_what_follows(isa, shape):
    """A bias and relu, finished in registers; more than that, on finished rows."""
    x, kernel, dy, attrs = arrays(*shape)
    for record, inputs, options in three(x, kernel, dy, attrs)[:2]:
        plain = apply(record, [a.astype('float64') for a in inputs], **options)
        bias, beside = np.linspace(-1, 1, plain.shape[-1], dtype='float32'), np.float32(plain[..., ::-1])
        y = Function(lambda a, w, b, record=record, options=options: ops.maximum(apply(record, [a, w], **options) + b, 0))
        close(y(*inputs, bias), np.maximum(plain + bias, 0))
        y = Function(lambda a, w, b, c, record=record, options=options:
                     ops.tanh(0.01 * apply(record, [a, w], **options) + b) * c)
        close(y(*inputs, bias, beside), np.tanh(0.01 * plain + bias) * beside)


def test_an_image_does_not_depend_on_the_others(isa):
    x, kernel, dy, attrs = arrays(9, 20, 18, 32, 64, 4, (1, 1))
    for record, (a, w), options in three(x, kernel, dy, attrs)[:2]:
        f = Function(lambda a, w, record=record, options=options: apply(record, [a, w], **options))
        whole = np.array(f(a, w))
        for n in range(1, 9):
            np.testing.assert_array_equal(f(a[:n].copy(), w), whole[:n])
            np.testing.assert_array_equal(f(a[-n:].copy(), w), whole[-n:])


@pytest.mark.parametrize('changes', [{'c': 40}, {'oc': 16}, {'h': 8, 'w': 8}, {'c': 288}, {'taps': 7}, {'before': (2, -1)}],
                         ids=str)
def test_others_are_products(changes):
    x, kernel, dy, attrs = arrays(**{'n': 1, 'h': 16, 'w': 16, 'c': 32, 'oc': 32, 'taps': 4, 'before': (1, 1), **changes})
    f = Function(lambda x, w: apply('conv2d', [x, w], **attrs))
    assert 'winograd' not in kernels(f, [x, kernel])


def test_few_outputs_of_a_fixed_kernel_read_it_packed():
    for size, expected in (8, False), (16, True):
        x, kernel, _, attrs = arrays(1, 2 * size, 2 * size, 32, 32, 4, (1, 1))
        f = Function(lambda x, kernel=kernel, attrs=attrs: apply('conv2d', [x, kernel], **attrs))
        assert ('winograd' in kernels(f, [x])) == expected


def test_it_can_be_forbidden():
    x, kernel, dy, attrs = arrays(*SHAPES[0])
    config.set_winograd(False)
    try:
        for record, inputs, options in three(x, kernel, dy, attrs):
            f = Function(lambda *a, record=record, options=options: apply(record, list(a), **options))
            assert not any(k.startswith('winograd') for k in kernels(f, inputs))
    finally:
        config.set_winograd(True)
