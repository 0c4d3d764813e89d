"""Cases of `ops.image` whose results were recorded from Keras 3 on TensorFlow (image_keras3.json); test_image.py repeats them.

To record anew, where Keras 3 is installed: KERAS_BACKEND=tensorflow python tests/ops/image_cases.py
"""

import json
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name('image_keras3.json')


def wave(*shape, phase=0.0, scale=2.0):
    """The same numbers everywhere, without a generator."""
    n = int(np.prod(shape))
    return (np.sin(np.arange(n) * 1.7 + phase) * scale).astype('float32').reshape(shape)


def photo(*shape, phase=0.0):
    """Values in [0, 1]."""
    return wave(*shape, phase=phase, scale=0.5) + np.float32(0.5)


def bytes_of(*shape):
    return (photo(*shape) * 255).astype('uint8')


def resized(shape, size, interpolation, **attrs):
    return 'resize', [wave(*shape)], dict(attrs, size=size, interpolation=interpolation)


CASES = {
    **{f'resize {method} {name}': resized((1, 6, 5, 2), size, method)
       for method in ('bilinear', 'nearest', 'bicubic', 'lanczos3', 'lanczos5')
       for name, size in (('up', (9, 11)), ('down', (3, 4)))},
    'resize area': resized((1, 6, 5, 2), (4, 2), 'area'),
    **{f'resize {method} antialias': resized((1, 9, 8, 1), (4, 3), method, antialias=True)
       for method in ('bilinear', 'bicubic', 'lanczos3', 'nearest')},
    'resize single': resized((5, 6, 2), (3, 8), 'bilinear'),
    'resize first': resized((1, 2, 5, 6), (4, 4), 'bilinear', data_format='channels_first'),
    'resize crop': resized((1, 9, 5, 1), (4, 3), 'bilinear', crop_to_aspect_ratio=True),
    'resize pad': resized((1, 4, 9, 1), (4, 3), 'bilinear', pad_to_aspect_ratio=True, fill_value=0.5),
    'resize pad odd': resized((7, 4, 1), (4, 3), 'bilinear', pad_to_aspect_ratio=True),
    'resize bytes': ('resize', [bytes_of(1, 6, 5, 1)], {'size': (4, 7), 'interpolation': 'bicubic'}),
    'resize bytes nearest': ('resize', [bytes_of(6, 5, 1)], {'size': (4, 7), 'interpolation': 'nearest'}),
}


def record():
    from keras import ops
    results = {}
    for name, (op, args, attrs) in CASES.items():
        value = np.asarray(getattr(ops.image, op)(*args, **attrs))
        results[name] = {'shape': list(value.shape), 'dtype': value.dtype.name,
                         'values': [float(f'{v:.7g}') for v in value.reshape(-1).tolist()]}
    lines = [f'{json.dumps(k)}: {json.dumps(v)}' for k, v in sorted(results.items())]
    FILE.write_text('{\n' + ',\n'.join(lines) + '\n}\n')


if __name__ == '__main__':
    record()
