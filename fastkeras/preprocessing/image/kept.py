"""Decoded images that stay in memory for the next epochs, for decoding is most of what it takes to make a batch."""

import os
import threading


class Kept:
    """Images by the paths of their files, up to `limit` bytes in all; 0 for none.

    An image is kept when its file is read for the second time: what is read once costs no memory. What is kept stays,
    even when there is no room for more: each epoch goes through all files, so whatever made room for another would be
    what is needed soonest. A file that has changed since (its time, size or inode) is read anew.

    Threads may share it. In another process it is a copy; what is pickled is empty.
    """

    def __init__(self, limit=256 * 2 ** 20):
        self.limit = limit
        self.size = 0       # bytes that are kept
        self._images = {}   # path → (state of the file, image)
        self._met = set()   # paths that were read once
        self._how = None
        self._lock = threading.Lock()

    def __len__(self):
        return len(self._images)

    def clear(self):
        """Forget them all."""
        with self._lock:
            self._images, self._met, self.size = {}, set(), 0

    def reader(self, read, how=None):
        """`read`, a function from paths to arrays, but that an image that is kept is not read again. It must not be written
        to. how: what the result depends on beside the path; when that changes, all are forgotten."""
        if how != self._how or (self._images and self.limit <= 0):
            self.clear()
            self._how = how
        return read if self.limit <= 0 else lambda path: self._get(read, path)

    def _get(self, read, path):
        state = _state(path)
        held = self._images.get(path)
        if held is not None and held[0] == state:
            return held[1]
        image = read(path)
        with self._lock:
            self._drop(path)
            if path in self._met and state is not None and self.size + image.nbytes <= self.limit:
                image.flags.writeable = False
                self._images[path] = state, image
                self.size += image.nbytes
            elif self.size < self.limit:
                self._met.add(path)
        return image

    def _drop(self, path):
        held = self._images.pop(path, None)
        if held is not None:
            self.size -= held[1].nbytes

    def __reduce__(self):
        return Kept, (self.limit,)


def _state(path):
    """What changes when a file does; None where that cannot be told."""
    try:
        s = os.stat(path)
    except OSError:
        return None     # reading it says what is wrong
    return s.st_mtime_ns, s.st_size, s.st_ino, s.st_dev
