"""Folders of small pictures for tests."""

import numpy as np
from PIL import Image


def picture(seed, height=12, width=15, channels=3, smooth=False):
    """A uint8 array of noise, or of slow waves."""
    random = np.random.RandomState(seed)
    if not smooth:
        x = random.randint(0, 256, (height, width, channels))
    else:
        rows, columns = np.mgrid[:height, :width]
        a, b = random.uniform(0.5, 2, (2, channels))
        x = 127 + 120 * np.sin(a * rows[..., None] / height + b * columns[..., None] / width)
    x = x.astype(np.uint8)
    return x[..., 0] if channels == 1 else x


def save(path, seed=0, **how):
    """Write a picture; the ending of the name says in which format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(seed, **how)).save(path, **({'quality': 95} if path.suffix.lower() in ('.jpg', '.jpeg') else {}))
    return path


def folder(path, classes=('cat', 'dog', 'bird'), each=5):
    """A folder with `each` pictures per class, of several formats, sizes and colour modes; returns it."""
    seed = 0
    for name in classes:
        for i in range(each):
            ending = ('png', 'jpg', 'bmp', 'PNG', 'ppm')[i % 5]
            channels = 3 if ending not in ('PNG',) else (4, 1)[seed % 2]
            save(path / name / f'{9 - i}.{ending}', seed, height=10 + i, width=20 - i, channels=channels)
            seed += 1
    return path
