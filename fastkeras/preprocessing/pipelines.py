"""The methods of `tf.data.Dataset` for data sets of this package: each gives a data set that makes its elements when they are
asked for, and again in every pass. Elements are arrays, in tuples and dicts; `fit`, `evaluate` and `predict` take them.

Source: TensorFlow's documentation of tf.data, and what TensorFlow 2.21 gives.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

from fastkeras.preprocessing.order import shuffled_items
from fastkeras.utils.quantities import as_whole

INFINITE, UNKNOWN = -1, -2
_NARROW = {'int64': 'int32', 'float64': 'float32'}


class TensorSpec(NamedTuple):
    """What an element, or a part of one, looks like. shape: None where sizes differ from element to element."""

    shape: tuple[int | None, ...]
    dtype: str
    name: str | None = None


class Cardinality(int):
    """A number of elements; -1: without end, -2: not known."""

    def numpy(self) -> int:
        """The number, as a tensor of TensorFlow's gives it."""
        return int(self)


def _count(method, name, value, least, special=()):
    number = as_whole(value)
    if number is None or number < least and number not in special:
        also = ''.join(f' or {s}' for s in special)
        raise ValueError(f'{method}: {name}: expected a whole number of at least {least}{also}, got {value!r}')
    return number


def _array(x):
    """A leaf of an element as an array, Python's numbers in 32 bits; a text as it is."""
    if isinstance(x, (str, bytes)):
        return x
    array = np.asarray(x)
    plain = not hasattr(x, 'dtype') and not hasattr(x, '__array__')
    return array.astype(_NARROW[array.dtype.name]) if plain and array.dtype.name in _NARROW else array


def _element(x):
    """What a function gave as an element: tuples and dicts are kept, a list is one array."""
    if isinstance(x, dict):
        return {k: _element(v) for k, v in x.items()}
    if isinstance(x, tuple):
        parts = [_element(v) for v in x]
        return type(x)(*parts) if hasattr(x, '_fields') else tuple(parts)
    return _array(x)


def _flat(x):
    """The leaves of an element."""
    if isinstance(x, dict):
        return [leaf for v in x.values() for leaf in _flat(v)]
    return [leaf for v in x for leaf in _flat(v)] if isinstance(x, tuple) else [x]


def _mapped(function, *elements):
    """function of the leaves of elements of one structure."""
    first = elements[0]
    if isinstance(first, TensorSpec):
        return function(*elements)
    if isinstance(first, dict):
        return {k: _mapped(function, *(e[k] for e in elements)) for k in first}
    if isinstance(first, tuple):
        parts = [_mapped(function, *column) for column in zip(*elements, strict=True)]
        return type(first)(*parts) if hasattr(first, '_fields') else tuple(parts)
    return function(*elements)


def _stacked(*leaves):
    if isinstance(leaves[0], (str, bytes)):
        column = np.empty(len(leaves), object)
        column[:] = leaves
        return column
    shapes = {np.shape(a) for a in leaves}
    if len(shapes) > 1:
        raise ValueError(f'batch: elements of different shapes cannot be one batch: {", ".join(map(str, sorted(shapes)))}; '
                         f'bring them to one shape with map first')
    return np.stack(leaves)


def _called(function, element):
    return function(*element) if isinstance(element, tuple) else function(element)


class Pipeline:
    """What all data sets have: ways to make another of one. None changes the data set that it is called on."""

    def __bool__(self):
        return True

    def __len__(self):
        """Number of elements. TypeError where there is no end, or it is not known."""
        n = self._cardinality()
        if n < 0:
            raise TypeError(f'the data set {"has no end" if n == INFINITE else "has a number of elements that is not known"}; '
                            f'cardinality() says so without an error')
        return n

    def cardinality(self) -> Cardinality:
        """Number of elements; -1: without end, -2: not known without a pass."""
        return Cardinality(self._cardinality())

    @property
    def element_spec(self) -> Any:
        """Shapes and types of an element, as `TensorSpec`s in its structure: as far as the first element shows them."""
        return self._spec()

    def as_numpy_iterator(self) -> Any:
        """The elements of one pass, with arrays as leaves; a single number is one of NumPy's, a text is bytes."""
        for element in self:
            yield _mapped(_numpy, element)

    def take(self, count: int, name: Any = None) -> Derived:
        """The first `count` elements; all for -1."""
        count = _count('take', 'count', count, 0, (-1,))
        return Derived(self, lambda: iter(self) if count < 0 else itertools.islice(self, count),
                       lambda n: n if count < 0 else count if n == INFINITE else n if n < 0 else min(n, count))

    def skip(self, count: int, name: Any = None) -> Derived:
        """What comes behind the first `count` elements; nothing for -1."""
        count = _count('skip', 'count', count, 0, (-1,))
        return Derived(self, lambda: iter(()) if count < 0 else itertools.islice(self, count, None),
                       lambda n: 0 if count < 0 else n if n < 0 else max(0, n - count))

    def map(self, map_func: Any, num_parallel_calls: Any = None, deterministic: Any = None, name: Any = None) -> Derived:
        """function(element) in place of each element; the members of a tuple are its arguments. It gets arrays and may return
        arrays, numbers, tensors, tuples and dicts; a list is one array. num_parallel_calls, deterministic: taken for tf.data,
        elements come one after the other here."""
        source = self

        def spec():
            first = source._first()
            if first is None:
                return source._spec()
            varying = any(s.shape[:1] == (None,) for s in _flat_specs(source._spec()))
            sizes = {np.shape(a)[0] for a in _flat(first) if np.ndim(a)} if varying else ()
            return _mapped(lambda a: _spec_of(a, np.ndim(a) and np.shape(a)[0] in sizes), _element(_called(map_func, first)))
        return Derived(self, lambda: (_element(_called(map_func, element)) for element in source), spec=spec)

    def filter(self, predicate: Any, name: Any = None) -> Derived:
        """The elements for which predicate(element) is true."""
        return Derived(self, lambda: (e for e in self if bool(np.all(_array(_called(predicate, e))))),
                       lambda n: n if n == 0 else UNKNOWN)

    def batch(self, batch_size: int, drop_remainder: bool = False, num_parallel_calls: Any = None, deterministic: Any = None,
              name: Any = None) -> Derived:
        """batch_size elements as one, along a new first axis. drop_remainder: leave out the last ones, which are fewer."""
        size = _count('batch', 'batch_size', batch_size, 1)

        def batches():
            elements = iter(self)
            while len(group := list(itertools.islice(elements, size))) == size or group and not drop_remainder:
                yield _mapped(_stacked, *group)
        leading = size if drop_remainder else None
        return Derived(self, batches, lambda n: n if n < 0 else n // size if drop_remainder else -(-n // size),
                       lambda: _mapped(lambda s: s._replace(shape=(leading, *s.shape)), self._spec()))

    def unbatch(self, name: Any = None) -> Derived:
        """Each element's rows as elements of their own."""
        def rows():
            for element in self:
                sizes = {len(leaf) if np.ndim(leaf) else None for leaf in _flat(element)}
                if len(sizes) != 1 or None in sizes:
                    raise ValueError(f'unbatch: expected parts with one number of rows, got the shapes '
                                     f'{", ".join(str(np.shape(leaf)) for leaf in _flat(element))}')
                for k in range(sizes.pop()):
                    yield _mapped(lambda leaf: leaf[k], element)     # noqa: B023

        def size(n):
            leading = {s.shape[0] if s.shape else None for s in _flat_specs(self._spec())} if n > 0 else {None}
            return n if n in (0, INFINITE) else n * leading.pop() if n > 0 and None not in leading else UNKNOWN
        return Derived(self, rows, size, lambda: _mapped(lambda s: s._replace(shape=s.shape[1:]), self._spec()))

    def rebatch(self, batch_size: int, drop_remainder: bool = False, name: Any = None) -> Derived:
        """The rows of all elements in batches of another size."""
        size = _count('rebatch', 'batch_size', batch_size, 1)
        leading = size if drop_remainder else None
        made = self.unbatch().batch(size, drop_remainder)
        return Derived(made, lambda: iter(made), lambda n: INFINITE if n == INFINITE else UNKNOWN,
                       lambda: _mapped(lambda s: s._replace(shape=(leading, *s.shape[1:])), self._spec()))

    def shuffle(self, buffer_size: int, seed: int | None = None, reshuffle_each_iteration: bool | None = None,
                name: Any = None) -> Derived:
        """The elements in another order, each drawn from `buffer_size` that wait: another one in every pass unless
        reshuffle_each_iteration=False. seed: a whole number for the orders that it gives in TensorFlow."""
        size = _count('shuffle', 'buffer_size', buffer_size, 1)
        seed = int(np.random.randint(1 << 31)) if seed is None else _count('shuffle', 'seed', seed, -1 << 63)
        passes = itertools.count() if reshuffle_each_iteration or reshuffle_each_iteration is None else itertools.repeat(None)
        return Derived(self, lambda: shuffled_items(iter(self), size, seed, next(passes)))

    def repeat(self, count: int | None = None, name: Any = None) -> Derived:
        """The elements over and over, `count` times; without end for None and -1."""
        count = INFINITE if count is None else _count('repeat', 'count', count, 0, (-1,))

        def passes():
            for _ in itertools.count() if count < 0 else range(count):
                nothing = True
                for element in self:
                    nothing = False
                    yield element
                if nothing:
                    return
        return Derived(self, passes, lambda n: 0 if 0 in (n, count) else INFINITE if INFINITE in (n, count) else
                       n if n < 0 else n * count)

    def cache(self, filename: str = '', name: Any = None) -> Derived:
        """Keep the elements of the first whole pass in memory for the next ones. ValueError for a filename: nothing is kept in
        files here; `model.fit` reads what `map` made once where `cache()` stands behind it."""
        if filename:
            raise ValueError(f'cache: expected no filename, got {filename!r}: elements are kept in memory; leave it out')
        kept = []

        def elements():
            if kept:
                yield from kept[0]
                return
            seen = []
            for element in self:
                seen.append(element)
                yield element
            kept.append(seen)
        return Derived(self, elements)

    def prefetch(self, buffer_size: int, name: Any = None) -> Derived:
        """The same elements. `fit` reads so many ahead of its steps; -1 (AUTOTUNE) lets it choose."""
        made = Derived(self, lambda: iter(self))
        size = _count('prefetch', 'buffer_size', buffer_size, 0, (-1,))
        if size > 0:
            made.max_queue_size = size
        return made

    def enumerate(self, start: int = 0, name: Any = None) -> Derived:
        """Pairs (number, element), numbers from `start` on."""
        start = _count('enumerate', 'start', start, -1 << 63)
        return Derived(self, lambda: ((np.int64(k), element) for k, element in enumerate(self, start)),
                       spec=lambda: (TensorSpec((), 'int64'), self._spec()))

    def concatenate(self, dataset: Pipeline, name: Any = None) -> Derived:
        """The elements, then those of another data set."""
        if not isinstance(dataset, Pipeline):
            raise TypeError(f'concatenate: expected a data set, got {type(dataset).__name__}')

        def size(n):
            m = dataset._cardinality()
            return INFINITE if INFINITE in (n, m) else UNKNOWN if UNKNOWN in (n, m) else n + m

        def spec():
            return _mapped(lambda a, b: a._replace(shape=tuple(p if p == q else None for p, q in zip(a.shape, b.shape))),
                           self._spec(), dataset._spec())
        return Derived(self, lambda: itertools.chain(self, dataset), size, spec)

    @staticmethod
    def zip(*datasets: Any, name: Any = None) -> Derived:
        """Tuples of the elements of several data sets, or of a tuple or dict of them, as long as each has one."""
        parts = datasets[0] if len(datasets) == 1 and not isinstance(datasets[0], Pipeline) else datasets
        flat = list(parts.values()) if isinstance(parts, dict) else list(parts)
        if not flat or not all(isinstance(part, Pipeline) for part in flat):
            raise TypeError(f'zip: expected data sets, or a tuple or dict of them, got {parts!r:.80}')

        def packed(values):
            return dict(zip(parts, values)) if isinstance(parts, dict) else tuple(values)

        def size(n):
            counts = [c for part in flat if (c := part._cardinality()) != INFINITE]
            return INFINITE if not counts else UNKNOWN if UNKNOWN in counts else min(counts)
        return Derived(flat[0], lambda: map(packed, zip(*flat)), size, lambda: packed([part._spec() for part in flat]))

    def apply(self, transformation_func: Any, name: Any = None) -> Any:
        """transformation_func of this data set, which must give a data set."""
        made = transformation_func(self)
        if not isinstance(made, Pipeline):
            raise TypeError(f'apply: expected the function to return a data set, got {type(made).__name__}')
        return made

    # ---- of each kind
    def _cardinality(self):
        raise TypeError(f'{type(self).__name__} needs a method _cardinality()')

    def _first(self):
        """An element, without counting as a pass; None where there is none."""
        return next(iter(self), None)

    def _spec(self):
        first = self._first()
        if first is None:
            raise ValueError('element_spec: the data set has no element to look at')
        return _mapped(lambda a: _spec_of(a, False), first)


class Derived(Pipeline):
    """A data set made of another. elements: () → an iterator, called in every pass. size: number of elements of the other (-1,
    -2) → of this one; spec: () → element_spec; both as the other has them unless given."""

    def __init__(self, source: Pipeline, elements: Any, size: Any = None, spec: Any = None) -> None:
        self._source, self._elements, self._size, self._own_spec = source, elements, size, spec

    def __iter__(self):
        return iter(self._elements())

    def __repr__(self):
        return f'<data set of {self._cardinality()} elements>'

    def _cardinality(self):
        n = self._source._cardinality()
        return n if self._size is None else self._size(n)

    def _first(self):
        if self._own_spec is None and self._size is None:   # in other orders, the same elements
            return self._source._first()
        return next(iter(self), None)

    def _spec(self):
        return self._source._spec() if self._own_spec is None else self._own_spec()


def _spec_of(array, any_length):
    if isinstance(array, (str, bytes)) or np.asarray(array).dtype.kind in 'OUS':
        shape, dtype = np.shape(array), 'string'
    else:
        array = np.asarray(array)
        shape, dtype = array.shape, array.dtype.name
    return TensorSpec((None, *shape[1:]) if any_length and shape else tuple(shape), dtype)


def _flat_specs(spec):
    return [spec] if isinstance(spec, TensorSpec) else [s for part in (
        spec.values() if isinstance(spec, dict) else spec) for s in _flat_specs(part)]


def _numpy(leaf):
    if isinstance(leaf, str):
        return leaf.encode('utf8')
    leaf = np.asarray(leaf)
    if leaf.dtype.kind in 'OU':
        made = np.empty(leaf.shape, object)
        for at in np.ndindex(leaf.shape):
            made[at] = leaf[at].encode('utf8') if isinstance(leaf[at], str) else leaf[at]
        return made
    return leaf if leaf.ndim else leaf[()]
