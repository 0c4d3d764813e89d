"""Nested lists, tuples and dicts."""

from collections import namedtuple

import pytest

from fastkeras.utils import nest

Pair = namedtuple('Pair', 'a b')
NESTED = {'x': [1, (2, None)], 'y': Pair(3, [])}


def test_flatten_and_pack_are_each_others_inverse():
    leaves = nest.flatten(NESTED)
    assert leaves == [1, 2, None, 3]
    again = nest.pack(NESTED, leaves)
    assert again == NESTED and type(again['y']) is Pair and type(again['x'][1]) is tuple
    assert nest.flatten(5) == [5] and nest.pack('any', [7]) == 7
    assert nest.flatten({'b': 1, 'a': 2}) == [1, 2]     # in the order in which keys came
    with pytest.raises((StopIteration, RuntimeError)):
        nest.pack([1, 2], [1])


def test_map_structure_takes_none_for_a_leaf():
    assert nest.map_structure(lambda v: v is None, NESTED) == {'x': [False, (False, True)], 'y': Pair(False, [])}


def test_what_is_a_nest():
    assert all(map(nest.is_nest, ([], (), {}, NESTED))) and not any(map(nest.is_nest, (1, 'ab', None, {1})))
    assert nest.has_dict([1, (2, {'a': 3})]) and not nest.has_dict([1, (2, [3])])
    assert nest.to_list((1, 2)) == [1, 2] and nest.to_list(None) == [None] and nest.to_list({'a': 1}) == [{'a': 1}]
    assert nest.unpack([1]) == 1 and nest.unpack((1, 2)) == [1, 2] and nest.unpack([]) == []


def test_shapes():
    for shape in ((), (None, 3), [None, 3], (2,)):
        assert nest.is_shape(shape)
    for other in ([], [(None, 3)], ((1,), (2,)), {'a': (1,)}, 3, None, (1.5,), 'ab'):
        assert not nest.is_shape(other)
    several = {'a': [None, 3], 'b': [(2,), None]}
    assert nest.flatten_shapes(several) == [(None, 3), (2,), None]
    assert nest.flatten_shapes(None) == [None] and nest.flatten_shapes((1, 2)) == [(1, 2)]
    assert nest.map_shapes(len, several) == {'a': 2, 'b': [1, None]}
