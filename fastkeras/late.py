"""The one door upwards.

Imports point down, and yet a low room sometimes has to wait for a high one: an op on arrays is computed by the runtime, a
configuration names a model when only layers were imported. Such a room asks here for the part, by its public name. Nothing
is loaded before that; tests/test_imports.py lists who asks for what.
"""

# what the name of a class in a file begins with → the part that makes classes of such names known when it is loaded
_CLASSES = {'': 'models', 'Caffe': 'converters'}


def part(name):
    """The public module of the package, loaded now if it was not before; None where the package has none of that name."""
    import fastkeras
    return getattr(fastkeras, name) if name in fastkeras.__all__ else None


def load_classes(name):
    """Load the parts whose classes a name in a file may be of."""
    for beginning, where in _CLASSES.items():
        if name.startswith(beginning):
            part(where)
