"""Nested lists, tuples and dicts of values: how layers take and give several tensors."""


def is_nest(x):
    """Whether x is a container that is walked into."""
    return isinstance(x, (list, tuple, dict))


def map_structure(function, structure):
    """The same nesting with function(leaf) in place of every leaf; None is a leaf too."""
    if isinstance(structure, dict):
        return {k: map_structure(function, v) for k, v in structure.items()}
    if isinstance(structure, (list, tuple)):
        parts = [map_structure(function, v) for v in structure]
        return type(structure)(*parts) if hasattr(structure, '_fields') else type(structure)(parts)
    return function(structure)


def has_dict(structure):
    """Whether there is a dict in a nesting."""
    return isinstance(structure, dict) or isinstance(structure, (list, tuple)) and any(map(has_dict, structure))


def flatten(structure):
    """List of the leaves; dicts in the order of their keys' insertion."""
    if isinstance(structure, dict):
        structure = list(structure.values())
    if isinstance(structure, (list, tuple)):
        return [leaf for part in structure for leaf in flatten(part)]
    return [structure]


def pack(structure, leaves):
    """The nesting of `structure` with `leaves`, as flatten gives them, in place of its own."""
    leaves = iter(leaves)
    return map_structure(lambda _: next(leaves), structure)


def to_list(x):
    """x as a list: a tuple or list as a list, anything else as its only element."""
    return list(x) if isinstance(x, (list, tuple)) else [x]


def unpack(values):
    """The only element of a list of one, else the list."""
    return values[0] if len(values) == 1 else list(values)


def is_shape(x):
    """Whether x is one shape: a tuple or list of whole numbers and None. An empty list is no shape."""
    return (isinstance(x, tuple) or (isinstance(x, list) and len(x) > 0)) and all(
        d is None or hasattr(d, '__index__') for d in x)


def map_shapes(function, shapes):
    """function(shape) for every shape in a nesting of shapes."""
    if is_shape(shapes):
        return function(tuple(shapes))
    if isinstance(shapes, dict):
        return {k: map_shapes(function, v) for k, v in shapes.items()}
    if isinstance(shapes, (list, tuple)):
        return type(shapes)(map_shapes(function, v) for v in shapes)
    return None


def flatten_shapes(shapes):
    """List of the shapes in a nesting of shapes."""
    if shapes is None or is_shape(shapes):
        return [None if shapes is None else tuple(shapes)]
    return [s for part in (shapes.values() if isinstance(shapes, dict) else shapes) for s in flatten_shapes(part)]
