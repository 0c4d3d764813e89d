"""A part that knows its whole without keeping it alive.

A model holds its compiled steps, its metrics and its own node, which all refer to the model. Were these references strong,
the model would stand in a circle, and its weights would stay until Python's collector comes by.
"""

import weakref


class PartOf:
    """An attribute that holds its object weakly; None once that is gone."""

    def __set_name__(self, owner, name):
        self._slot = f'_{name}_weakly'

    def __get__(self, part, owner=None):
        return self if part is None else part.__dict__[self._slot]()

    def __set__(self, part, whole):
        part.__dict__[self._slot] = weakref.ref(whole)
