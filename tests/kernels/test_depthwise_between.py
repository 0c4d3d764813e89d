"""depthwise_between against the three kernels that it stands for, bit for bit."""
import numpy as np
import pytest
import step
from sweep import double_plus_channel, sweep

RNG = np.random.default_rng(15)
SHAPES = [  # n h w c e oc, kh kw, sh sw, dh dw, pt pl, oh ow, expands
    (1, 9, 10, 5, 24, 17, 3, 3, 1, 1, 1, 1, 1, 1, 9, 10, 1),
    (2, 13, 12, 8, 20, 24, 3, 3, 2, 2, 1, 1, 0, 0, 6, 6, 1),
    (1, 40, 44, 16, 96, 24, 3, 3, 1, 1, 1, 1, 1, 1, 40, 44, 1),     # several bands in a share, and shares
    (1, 61, 57, 3, 64, 33, 5, 5, 2, 2, 1, 1, 2, 2, 31, 29, 1),
    (3, 24, 40, 24, 130, 24, 3, 3, 1, 1, 2, 2, 2, 2, 24, 40, 1),
    (1, 33, 9, 7, 19, 40, 2, 3, 3, 1, 1, 1, 0, 0, 11, 7, 1),        # rows that no window sees
    (1, 30, 30, 512, 32, 8, 3, 3, 1, 1, 1, 1, 1, 1, 30, 30, 1),     # pixels of x a power of two apart
    (2, 40, 30, 40, 40, 16, 3, 3, 1, 1, 1, 1, 1, 1, 40, 30, 0),
    (1, 5, 5, 4, 8, 4, 3, 3, 1, 1, 1, 1, 6, 6, 15, 15, 1),          # windows outside the image
    (17, 6, 6, 3, 9, 5, 3, 3, 1, 1, 1, 1, 1, 1, 6, 6, 1),
    (0, 6, 6, 3, 9, 5, 3, 3, 1, 1, 1, 1, 1, 1, 6, 6, 1)]
NAMES = ['n', 'h', 'w', 'c', 'e', 'oc', 'kh', 'kw', 'sh', 'sw', 'dh', 'dw', 'pt', 'pl', 'oh', 'ow', 'expands']
CLIPS = {'low1': 0.0, 'high1': 6.0, 'low': -np.inf, 'high': 2.5}


def made(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def tensors(g):
    return (made(g['n'], g['h'], g['w'], g['c']), made(g['c'], g['e']), made(g['e']),
            made(g['kh'], g['kw'], g['e'], 1), made(g['e']), made(g['e'], g['oc']))


def packed(w, isa):
    k, n = w.shape
    attrs = dict(batch=1, k=k, n=n, ld=n, trans=0, src_batch=0)
    out = np.zeros(step.parts('pack_b', isa, **attrs), np.float32)
    step.run('pack_b', [w, out], isa=isa, **attrs)
    return out


def pixelwise(g, x, w, isa):
    h, width = x.shape[1:3]
    y = np.zeros((*x.shape[:3], w.shape[1]), np.float32)
    step.run('conv', [x, packed(w, isa), y], isa=isa, n=g['n'], d=1, h=h, w=width, c=w.shape[0], od=1, oh=h, ow=width,
             oc=w.shape[1], kd=1, kh=1, kw=1, sd=1, sh=1, sw=1, dd=1, dh=1, dw=1, pf=0, pt=0, pl=0, groups=1)
    return y


def one_by_one(g, isa, x, w1, b1, w, b, w2):
    if g['expands']:
        x = np.clip(pixelwise(g, x, w1, isa) + b1, CLIPS['low1'], CLIPS['high1'])
    d = np.zeros((g['n'], g['oh'], g['ow'], g['e']), np.float32)
    names = ('n', 'h', 'w', 'kh', 'kw', 'sh', 'sw', 'dh', 'dw', 'pt', 'pl', 'oh', 'ow')
    step.run('depthwise', [x, w, d], isa=isa, c=g['e'], mult=1, **{k: g[k] for k in names})
    return pixelwise(g, np.clip(d + b, CLIPS['low'], CLIPS['high']), w2, isa)


@pytest.mark.parametrize('shape', SHAPES, ids=str)
def test_it_makes_the_numbers_of_the_three(shape):
    g = dict(zip(NAMES, shape))
    ins = tensors(g)
    x, w1, b1, w, b, w2 = ins
    out = ((g['n'], g['oh'], g['ow'], g['oc']), np.float32)
    for isa in step.ISAS:
        inputs = [x, packed(w1, isa), b1, w, b, packed(w2, isa)]
        want = one_by_one(g, isa, *ins)
        assert step.parts('depthwise_between', isa, **g, **CLIPS) == 1
        (_, (y,)), = sweep('depthwise_between', inputs, [out], isas=(isa,), **g, **CLIPS)
        np.testing.assert_array_equal(y, want, err_msg=isa)


def test_a_program_of_its_own_follows():
    g = dict(zip(NAMES, SHAPES[2]))
    ins = tensors(g)
    x, w1, b1, w, b, w2 = ins
    bias, how = double_plus_channel(g['oc'])
    shape = (g['n'], g['oh'], g['ow'], g['oc'])
    for isa in step.ISAS:
        inputs = [x, packed(w1, isa), b1, w, b, packed(w2, isa)]
        (_, (y,)), = sweep('depthwise_between', inputs, [(shape, np.float32)], isas=(isa,), **how, **g, **CLIPS)
        np.testing.assert_array_equal(y, one_by_one(g, isa, *ins) * 2 + bias)


def test_rows_that_do_not_fit_are_refused():
    g = dict(zip(NAMES, (1, 64, 4096, 16, 960, 16, 3, 3, 1, 1, 1, 1, 1, 1, 64, 4096, 1)))
    assert step.parts('depthwise_between', **g, **CLIPS) == 0
