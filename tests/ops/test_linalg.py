"""Products and norms against NumPy."""

import numpy as np
import pytest

from fastkeras import ops


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype('float32')


def close(a, b):
    assert np.shape(a) == np.shape(b)
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('a, b', [
    ((3,), (3,)), ((3,), (3, 4)), ((2, 3), (3,)), ((5, 2, 3), (3,)), ((3,), (5, 3, 4)), ((2, 3), (3, 4)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((4, 1, 2, 3), (5, 3, 6)), ((0, 3), (3, 4)), ((2, 0), (0, 3)),
])
def test_matmul(a, b):
    a, b = random(*a), random(*b, seed=1)
    close(ops.matmul(a, b), a @ b)


@pytest.mark.parametrize('ta', [False, True])
@pytest.mark.parametrize('tb', [False, True])
def test_transposed(ta, tb):
    a, b = random(2, 3, 4), random(2, 4, 5, seed=1)
    close(ops.matmul(a.swapaxes(1, 2) if ta else a, b.swapaxes(1, 2) if tb else b, ta, tb), a @ b)


def test_matmul_says_what_does_not_fit():
    with pytest.raises(ValueError, match=r'\(2, 3\).*\(4, 5\)'):
        ops.matmul(random(2, 3), random(4, 5))
    with pytest.raises(ValueError, match='broadcast'):
        ops.matmul(random(2, 2, 3), random(3, 3, 5))


@pytest.mark.parametrize('a, b', [((3,), (3,)), ((2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((2, 5, 3), (4, 3, 6)),
                                  ((2, 3), (3,))])
def test_dot(a, b):
    a, b = random(*a), random(*b, seed=1)
    close(ops.dot(a, b), np.dot(a, b))


def test_products():
    a, b = random(2, 3), random(4, 3, seed=1)
    close(ops.inner(a, b), np.inner(a, b))
    close(ops.outer(a, b), np.outer(a, b))
    close(ops.vdot(a, a), np.vdot(a, a))


@pytest.mark.parametrize('axes', [0, 1, 2, ((0, 1), (1, 0)), ((-1,), (0,)), (1, 1)])
def test_tensordot(axes):
    a = random(4, 3, 3) if axes in (1, ((-1,), (0,))) else random(3, 4, 3) if axes == 0 else random(2, 3, 4)
    b = {0: (2, 2), 1: (3, 5), 2: (3, 4, 5), ((0, 1), (1, 0)): (3, 2, 5), ((-1,), (0,)): (3, 5), (1, 1): (5, 3)}[axes]
    b = random(*b, seed=1)
    close(ops.tensordot(a, b, axes), np.tensordot(a, b, axes))


@pytest.mark.parametrize('text, shapes', [
    ('ij,jk->ik', [(2, 3), (3, 4)]), ('ij,jk', [(2, 3), (3, 4)]), ('bij,bjk->bik', [(5, 2, 3), (5, 3, 4)]),
    ('ij->ji', [(2, 3)]),
    ('ij->', [(2, 3)]), ('ij->j', [(2, 3)]), ('ii->i', [(3, 3)]), ('ii', [(3, 3)]), ('iij->j', [(3, 3, 2)]),
    ('i,j->ij', [(2,), (3,)]), ('i,i->', [(3,), (3,)]), ('ij,ij->i', [(2, 3), (2, 3)]),
    ('abc,cd->abd', [(2, 3, 4), (4, 5)]),
    ('abc,dce->deab', [(2, 3, 4), (5, 4, 6)]), ('bqhd,bkhd->bhqk', [(2, 3, 4, 5), (2, 6, 4, 5)]),
    ('...ij,...jk->...ik', [(2, 3, 4), (5, 1, 4, 6)]), ('...ij->...ji', [(2, 3, 4)]),
    ('i...,i->...', [(2, 3, 4), (2,)]),
    ('ij,jk,kl->il', [(2, 3), (3, 4), (4, 5)]), ('ij,ij,j->i', [(2, 3), (2, 3), (3,)]), ('ij,k->ik', [(2, 3), (4,)]),
    ('ab,ab->ab', [(2, 1), (2, 3)]), ('abc,ab->c', [(2, 3, 4), (2, 3)]), ('btd,dhk->bthk', [(2, 3, 4), (4, 5, 6)]),
])
def test_einsum(text, shapes):
    arrays = [random(*s, seed=k) for k, s in enumerate(shapes)]
    close(ops.einsum(text, *arrays), np.einsum(text, *arrays))


@pytest.mark.parametrize('text, shapes', [
    ('ij,jk->iz', [(2, 3), (3, 4)]), ('ij,jk', [(2, 3)]), ('ijk->i', [(2, 3)]), ('ij,jk->ik', [(2, 3), (4, 5)]),
    ('i1->i', [(2, 3)]),
])
def test_einsum_refuses(text, shapes):
    with pytest.raises(ValueError, match='einsum'):
        ops.einsum(text, *(random(*s) for s in shapes))


@pytest.mark.parametrize('ord, axis', [(None, None), (None, 1), (2, 0), (1, 1), (3, -1), (0, 0), (np.inf, 1),
                                       (-np.inf, 0),
                                       ('fro', (0, 1)), (1, (0, 1)), (np.inf, (0, 1)), (-1, (1, 0))])
@pytest.mark.parametrize('keepdims', [False, True])
def test_norm(ord, axis, keepdims):
    x = random(3, 4)
    close(ops.norm(x, ord, axis, keepdims), np.linalg.norm(x, ord, axis, keepdims))


@pytest.mark.parametrize('ord', [2, -2, 'nuc'])
@pytest.mark.parametrize('keepdims', [False, True])
def test_norm_by_singular_values(ord, keepdims):
    x = random(3, 4, 2)
    close(ops.norm(x, ord, (0, 2), keepdims), np.linalg.norm(x, ord, (0, 2), keepdims))
    with pytest.raises(ValueError, match='ord'):
        ops.norm(x, 'all', (0, 1))
