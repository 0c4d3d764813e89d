"""The shape of a tensor as TensorFlow 1 gave it."""


class Size(int):
    """A known size; `value` is the number."""

    value = property(int)


class UnknownSize:
    """A size that is not known; `value` is None."""

    value = None

    def __eq__(self, other):
        return other is None or isinstance(other, UnknownSize)

    __hash__ = object.__hash__

    def __repr__(self):
        return '?'


class StaticShape(tuple):
    """Sizes, each with a `value`."""

    def __new__(cls, sizes):
        return super().__new__(cls, [UnknownSize() if d is None else Size(d) for d in sizes])

    ndims = property(len)

    def as_list(self):
        """The sizes as numbers, None where one is not known."""
        return [d.value for d in self]

    def is_fully_defined(self):
        """Whether all sizes are known."""
        return None not in self.as_list()
