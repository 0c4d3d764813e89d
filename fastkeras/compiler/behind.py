"""Where the shares of rows begin that sums over rows are made of, and which step they may follow chunk by chunk.

What a product or convolution makes is larger than a cache. A step that adds up its rows takes up the rows of each chunk right
behind the chunk, in the thread that made them, while they are in its cache, where the two have the same shares.
FASTKERAS_DISABLE=behind leaves the two apart, each with shares of its own.
"""

from functools import lru_cache

from .. import _core
from . import executor
from .buffers import FIXED, Buffer, Step
from .switches import disabled

NEAR = 16       # steps back in which what makes the rows is looked for
MOST = 128      # shares, which are added up once more
FEWEST = 16     # rows of one


def shares(steps, kernel, read, elsewhere, width, attrs):
    """(number of shares, buffer of the rows that they begin with, the step that the one to be made may follow or None).

    steps: those before it. kernel: of one that takes `parts` shares of `rows` rows. read: the buffers of which it reads rows of
    `width` elements, each share its own. elsewhere: what it reads otherwise."""
    rows = attrs['rows']
    leader, bounds = (None, None) if 'behind' in disabled() else _leader(steps, read, elsewhere, rows, width)
    if bounds is None:
        parts = executor.parts(kernel, parts=0, **attrs)
        bounds = tuple(i * rows // parts for i in range(parts + 1))
    return len(bounds) - 1, _constant(bounds), leader


def _leader(steps, read, elsewhere, rows, width):
    places = {id(b.root()[0]) for b in read if b.root()[1] == 0 and b.size == rows * width and not b.moves()}
    for step in reversed(steps[-NEAR:]):
        written = step.written()
        if places.isdisjoint(id(b.root()[0]) for b in written):
            continue
        made = {id(b.root()[0]) for b in written}
        if (not isinstance(step, Step) or any(b.size != rows * width for b in written) or
                any(id(b.root()[0]) in made for b in elsewhere) or
                any(id(b.root()[0]) in made - places for b in read)):
            break
        bounds = executor.chunk_rows(step.kernel, step.attrs)
        if bounds is None or not 1 < len(bounds) - 1 <= MOST or bounds[-1] != rows or rows < FEWEST * len(bounds):
            break
        return step, bounds
    return None, None


@lru_cache(maxsize=1024)
def _constant(bounds):
    array = _core.empty((len(bounds),), 'int64')
    array[...] = bounds
    return Buffer(array.shape, 'int64', FIXED, array=array)
