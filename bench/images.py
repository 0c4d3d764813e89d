"""From JPEG files to predictions: Pillow decodes and resizes, NumPy scales, the network predicts; the same for all engines."""
import contextlib
import tempfile
from pathlib import Path

import numpy as np

COUNT, SIZE = 32, (640, 480)  # of the files
SIDE = 224


@contextlib.contextmanager
def folder():
    """{'paths': JPEG files}, which last as long as the context: smooth colours with some noise, as photographs have."""
    from PIL import Image
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as where:
        paths = []
        for i in range(COUNT):
            coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
            noisy = np.asarray(coarse, np.int16) + rng.integers(-8, 9, (SIZE[1], SIZE[0], 3))
            path = Path(where, f'{i}.jpeg')
            Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path, quality=90)
            paths.append(str(path))
        yield {'paths': paths}


def read(path):
    from PIL import Image
    with Image.open(path) as image:
        return np.asarray(image.convert('RGB').resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def pipeline(paths, batch, feed, run):
    """A function from the files to the predictions, that many files at a time."""
    def predict():
        results = []
        for i in range(0, len(paths), batch):
            x = np.stack([read(path) for path in paths[i:i + batch]]).astype(np.float32)
            x *= 1 / 127.5
            x -= 1
            results.append(np.array(run(feed(x))))
        return np.concatenate(results)
    return predict
