"""A dictionary of limited size that threads may share."""

import threading


class Bounded(dict):
    """put() forgets the oldest entries beyond `limit`. Reading needs no lock."""

    def __init__(self, limit):
        super().__init__()
        self.limit = limit
        self._lock = threading.Lock()

    def put(self, key, value):
        with self._lock:
            while len(self) >= self.limit and key not in self:
                del self[next(iter(self))]
            self[key] = value
        return value
