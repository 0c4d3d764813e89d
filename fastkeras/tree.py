"""Nested lists, tuples, named tuples and dicts of values, as `keras.tree` walks through them.

Everything else is a leaf; None too, unless a function says otherwise. The values of a dict are taken in the order of its
sorted keys (of an OrderedDict, in its own), which is Keras 3's order; layers and models go by `fastkeras.utils.nest`.
"""

from collections import OrderedDict

__all__ = ['MAP_TO_NONE', 'assert_same_paths', 'assert_same_structure', 'flatten', 'flatten_with_path', 'is_nested',
           'lists_to_tuples', 'map_shape_structure', 'map_structure', 'map_structure_up_to', 'pack_sequence_as', 'traverse']


class MAP_TO_NONE:
    """What the function of `traverse` returns for a None in place of a part: None itself means to go on into the part."""


def is_nested(structure):
    """Whether a value is walked into: a list, tuple or dict, an empty one too."""
    return isinstance(structure, (list, tuple, dict))


def _keys(structure):
    """The keys of a dict in order, or the indices of a sequence."""
    if not isinstance(structure, dict):
        return range(len(structure))
    return list(structure) if isinstance(structure, OrderedDict) else sorted(structure)


def _like(structure, parts):
    """A container like `structure` with these parts, in the order of its _keys."""
    if isinstance(structure, dict):
        found = dict(zip(_keys(structure), parts))
        items = [(k, found[k]) for k in structure]      # the order that the user sees stays
        return type(structure)(structure.default_factory, items) if hasattr(structure, 'default_factory') else (
            type(structure)(items))
    return type(structure)(*parts) if hasattr(structure, '_fields') else type(structure)(parts)


def flatten(structure):
    """List of the leaves."""
    return [leaf for _, leaf in _walk(structure, ())]


def flatten_with_path(structure):
    """List of pairs (path, leaf); a path is the tuple of keys and indices that lead to the leaf."""
    return list(_walk(structure, ()))


def _walk(structure, path):
    if not is_nested(structure):
        yield path, structure
        return
    for key in _keys(structure):
        yield from _walk(structure[key], (*path, key))


def map_structure(func, *structures, none_is_leaf=True):
    """The nesting of the first structure with func(leaf of each) for every leaf. none_is_leaf=False: None stays None, without
    a call. Raises ValueError where the structures differ, TypeError for a func that cannot be called.
    """
    _callable('map_structure', func)
    if not structures:
        raise ValueError('map_structure: expected at least one structure')
    for other in structures[1:]:
        assert_same_structure(structures[0], other)

    def mapped(*leaves):
        return None if not none_is_leaf and all(x is None for x in leaves) else func(*leaves)
    return _up_to(structures[0], mapped, structures)


def map_structure_up_to(shallow_structure, func, *structures):
    """func(part of each) for every leaf of shallow_structure, in its nesting; the structures may go on below. Raises
    ValueError where they do not have the shallow one at their top.
    """
    _callable('map_structure_up_to', func)
    if not structures:
        raise ValueError('map_structure_up_to: expected at least one structure')
    return _up_to(shallow_structure, func, structures)


def _callable(name, func):
    if not callable(func):
        raise TypeError(f'{name}: expected func to be callable, got {func!r}')


def _up_to(shallow, func, structures):
    if not is_nested(shallow):
        return func(*structures)
    for s in structures:
        _same_container(shallow, s, True)
    return _like(shallow, [_up_to(shallow[k], func, [s[k] for s in structures]) for k in _keys(shallow)])


def _same_container(a, b, check_types):
    if is_nested(a) != is_nested(b):
        raise ValueError(f'structures do not match: {a!r:.80} and {b!r:.80}')
    if not is_nested(a):
        return
    if isinstance(a, dict) != isinstance(b, dict) or (check_types and type(a) is not type(b)):
        raise ValueError(f'structures do not match: a {type(a).__name__} and a {type(b).__name__}')
    if len(a) != len(b) or (isinstance(a, dict) and set(a) != set(b)):
        raise ValueError(f'structures do not match: {_shown(a)} and {_shown(b)}')


def _shown(x):
    return f'keys {sorted(map(str, x))}' if isinstance(x, dict) else f'{type(x).__name__} of {len(x)}'


def assert_same_structure(a, b, check_types=None):
    """Raise ValueError unless a and b have the same nesting. check_types, an argument of older versions: also the same types of
    containers, which is what None means."""
    _same_container(a, b, check_types is not False)
    if is_nested(a):
        for key in _keys(a):
            assert_same_structure(a[key], b[key], check_types)


def assert_same_paths(a, b):
    """Raise ValueError unless the same paths lead to leaves in a and b; the types of containers may differ."""
    first, second = ({path for path, _ in _walk(x, ())} for x in (a, b))
    if first != second:
        raise ValueError(f'paths do not match: only in the first {sorted(first - second, key=str)}, only in the second '
                         f'{sorted(second - first, key=str)}')


def pack_sequence_as(structure, flat_sequence):
    """The nesting of `structure` with the leaves of a list. Raises TypeError for no list or tuple, ValueError for another
    number of leaves."""
    if not isinstance(flat_sequence, (list, tuple)):
        raise TypeError(f'pack_sequence_as: expected flat_sequence to be a list or tuple, got {flat_sequence!r:.80}')
    count = len(flatten(structure))
    if count != len(flat_sequence):
        raise ValueError(f'pack_sequence_as: the structure has {count} leaves, the sequence {len(flat_sequence)}')
    leaves = iter(flat_sequence)
    return _up_to(structure, lambda _: next(leaves), (structure,))


def lists_to_tuples(structure):
    """The nesting with every list as a tuple."""
    if not is_nested(structure):
        return structure
    parts = [lists_to_tuples(structure[k]) for k in _keys(structure)]
    return tuple(parts) if isinstance(structure, list) else _like(structure, parts)


def map_shape_structure(func, structure):
    """func(shape) for every shape in a nesting: a list or tuple of whole numbers and None is one shape."""
    _callable('map_shape_structure', func)
    if isinstance(structure, (list, tuple)) and all(d is None or hasattr(d, '__index__') for d in structure):
        return func(tuple(structure))
    if not is_nested(structure):
        raise ValueError(f'map_shape_structure: expected shapes, got {structure!r}')
    return _like(structure, [map_shape_structure(func, structure[k]) for k in _keys(structure)])


def traverse(func, structure, top_down=True):
    """The nesting with what func(part) returns in place of the parts for which that is not None. top_down: func sees a part
    before what is in it, and a part that it replaced is not entered; else after. MAP_TO_NONE stands for None.
    """
    _callable('traverse', func)

    def result(value):
        return None if value is MAP_TO_NONE or isinstance(value, MAP_TO_NONE) else value
    if top_down:
        found = func(structure)
        if found is not None:
            return result(found)
        if not is_nested(structure):
            return structure
        return _like(structure, [traverse(func, structure[k], True) for k in _keys(structure)])
    if is_nested(structure):
        structure = _like(structure, [traverse(func, structure[k], False) for k in _keys(structure)])
    found = func(structure)
    return structure if found is None else result(found)
