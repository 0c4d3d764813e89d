"""Plans that are kept: a few of each function, and of all together no more bytes than `config.plan_memory()` says."""

import itertools
import threading
import weakref

from .. import config
from .bounded import Bounded

SMALL = 1 << 16     # bytes: what holds no more is bounded by number alone

_lock = threading.RLock()
_caches = weakref.WeakValueDictionary()     # by id
_numbers = itertools.count()


class Kept:
    """An executor that nobody but its cache holds between runs."""

    __slots__ = ('executor', 'held', 'used')

    def __init__(self, executor, held):
        self.executor, self.held, self.used = executor, held, False

    def release(self):
        """Nothing: it goes with its entry."""


class PlanCache(Bounded):
    """Values have `held`, the bytes they keep between runs; `used`, which a run sets; and release(), after which they keep
    nothing and a run of them makes them anew. Beyond the limits the least lately used goes first. What was put last stays,
    however large."""

    def __init__(self, limit):
        super().__init__(limit)
        self.order = {}     # key → number: a larger one was made, or seen to be used, later
        _caches[id(self)] = self

    def put(self, key, value):
        with _lock:
            if key in self:
                self._forget(key)
            self._look()
            while len(self) >= self.limit:
                self._forget(min(self.order, key=self.order.get))
            self[key] = value
            self.order[key] = next(_numbers)
            if value.held > SMALL:
                _bring_below(config.plan_memory(), value)
        return value

    def clear(self):
        with _lock:
            for key in list(self):
                self._forget(key)

    def _look(self):
        """Put what was used since the last look behind all others."""
        used = [key for key, value in self.items() if value.used]
        for key in sorted(used, key=self.order.get):
            self[key].used = False
            self.order[key] = next(_numbers)

    def _forget(self, key):
        del self.order[key]
        self.pop(key).release()


def held():
    """Bytes that all plans which are kept hold."""
    with _lock:
        return sum(value.held for cache in list(_caches.values()) for value in cache.values())


def clear_all():
    """Forget all plans. Who still holds one and runs it makes it anew."""
    for cache in list(_caches.values()):
        cache.clear()


def _bring_below(limit, newest):
    excess = held() - limit
    if excess <= 0:
        return
    caches = list(_caches.values())
    for cache in caches:
        cache._look()
    line = [(number, key, cache) for cache in caches for key, number in cache.order.items()
            if cache[key] is not newest and cache[key].held > SMALL]
    for _, key, cache in sorted(line, key=lambda entry: entry[0]):
        excess -= cache[key].held
        cache._forget(key)
        if excess <= 0:
            return
