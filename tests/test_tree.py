"""`fastkeras.tree`, beside what Keras 3's tree gives."""

from collections import OrderedDict, defaultdict, namedtuple

import pytest

from fastkeras import tree

Pair = namedtuple('Pair', 'left right')
X = {'b': [1, 2], 'a': (3, None)}


def test_walks_in_the_order_of_sorted_keys():
    assert tree.flatten(X) == [3, None, 1, 2]
    assert tree.flatten_with_path(X) == [(('a', 0), 3), (('a', 1), None), (('b', 0), 1), (('b', 1), 2)]
    assert tree.flatten(OrderedDict([('b', 1), ('a', 2)])) == [1, 2] and tree.flatten(5) == [5]
    assert tree.pack_sequence_as({'b': 1, 'a': 2}, [10, 20]) == {'b': 20, 'a': 10}
    assert tree.is_nested(()) and tree.is_nested({}) and not tree.is_nested('ab')


def test_containers_keep_their_types():
    double = tree.map_structure(lambda v: v * 2, [Pair(1, 2), OrderedDict(b=3), defaultdict(int, a=4)])
    assert double == [Pair(2, 4), OrderedDict(b=6), {'a': 8}]
    assert isinstance(double[0], Pair) and isinstance(double[1], OrderedDict) and double[2]['other'] == 0
    assert list(tree.map_structure(lambda v: v, X)) == ['b', 'a']


def test_maps():
    assert tree.map_structure(lambda a, b: a + b, [1, (2,)], [10, (20,)]) == [11, (22,)]
    assert tree.map_structure(lambda v: v + 1, [None, 1], none_is_leaf=False) == [None, 2]
    assert tree.map_structure_up_to([1, 2], lambda v: v, [3, [4, 5]]) == [3, [4, 5]]
    assert tree.map_shape_structure(list, {'a': (None, 2), 'b': [(1, 2), [3]]}) == {'a': [None, 2], 'b': [[1, 2], [3]]}
    assert tree.lists_to_tuples([1, [2, {'a': [3]}]]) == (1, (2, {'a': (3,)}))


def test_traverse():
    def to_tuple(v):
        return tuple(v) if isinstance(v, list) else None
    assert tree.traverse(to_tuple, {'a': [1, [2]]}) == {'a': (1, [2])}
    assert tree.traverse(to_tuple, {'a': [1, [2]]}, top_down=False) == {'a': (1, (2,))}
    assert tree.traverse(lambda v: tree.MAP_TO_NONE if v == 1 else None, [1, 2]) == [None, 2]


@pytest.mark.parametrize('call, error', [
    (lambda: tree.assert_same_structure([1], (1,)), ValueError),
    (lambda: tree.assert_same_structure([1, 2], [1]), ValueError),
    (lambda: tree.assert_same_structure({'a': 1}, {'b': 1}), ValueError),
    (lambda: tree.assert_same_structure([1], 1), ValueError),
    (lambda: tree.map_structure(max, [1], [1, 2]), ValueError),
    (lambda: tree.map_structure(3, [1]), TypeError),
    (lambda: tree.map_structure_up_to([1, 2], max, (3, 4)), ValueError),
    (lambda: tree.pack_sequence_as([1, 2], [1]), ValueError),
    (lambda: tree.pack_sequence_as([1, 2], 5), TypeError),
    (lambda: tree.assert_same_paths([1], {'a': 1}), ValueError),
    (lambda: tree.map_shape_structure(list, 'x'), ValueError),
])
def test_mistakes(call, error):
    with pytest.raises(error):
        call()


def test_what_matches():
    tree.assert_same_structure([1], (1,), check_types=False)
    tree.assert_same_structure(X, {'a': (0, 0), 'b': [0, 0]})
    tree.assert_same_paths([1], (1,))
