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


TURN = [0.9, -0.4, 1.3, 0.4, 0.9, -1.1, 0, 0]
TILT = [1, .1, .2, -.1, 1, .3, .02, -.01]
SHIFT = [1, 0, -6.7, 0, 1, 5.2, 0, 0]
CORNERS = np.array([[[0, 0], [6, 0], [0, 5], [6, 5]]] * 2, 'float32')


def moved(fill_mode, **attrs):
    return 'affine_transform', [wave(2, 5, 6, 2), np.array([TURN, SHIFT], 'float32')], dict(attrs, fill_mode=fill_mode,
                                                                                            fill_value=0.25)


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
    **{f'affine {mode}': moved(mode) for mode in ('constant', 'nearest', 'reflect', 'wrap')},
    'affine nearest pixel': moved('constant', interpolation='nearest'),
    'affine first': ('affine_transform', [wave(2, 2, 5, 4), np.array([TURN, SHIFT], 'float32')],
                     {'data_format': 'channels_first', 'fill_mode': 'reflect'}),
    'affine bytes': ('affine_transform', [bytes_of(5, 6, 1), np.array(SHIFT, 'float32')], {'fill_value': 7}),
    'affine perspective': ('affine_transform', [wave(1, 6, 6, 1), np.array([TILT], 'float32')], {}),
    'perspective': ('perspective_transform', [wave(2, 6, 7, 2), CORNERS, CORNERS + wave(2, 4, 2, scale=1)], {}),
    'perspective nearest': ('perspective_transform', [wave(6, 7, 1), CORNERS[0] + wave(4, 2, scale=.5), CORNERS[0]],
                            {'interpolation': 'nearest', 'fill_value': 0.5}),
    **{f'map {mode} {order}': ('map_coordinates', [wave(4, 5), wave(2, 3, 4, scale=4) + np.float32(2)],
                               {'order': order, 'fill_mode': mode, 'fill_value': 0.5})
       for mode in ('constant', 'nearest', 'wrap') for order in (0, 1)},
    'map one axis': ('map_coordinates', [wave(7), wave(1, 5, scale=2) + np.float32(3)], {'order': 1}),
    'map three axes': ('map_coordinates', [wave(3, 4, 2), wave(3, 6, scale=1) + np.float32(1)], {'order': 1}),
    'blur': ('gaussian_blur', [wave(2, 6, 5, 3)], {'kernel_size': (3, 3), 'sigma': (1.0, 1.0)}),
    'blur first': ('gaussian_blur', [wave(2, 6, 5)], {'kernel_size': (5, 5), 'sigma': (2.0, 0.7),
                                                      'data_format': 'channels_first'}),
    'sobel': ('sobel_edges', [wave(1, 5, 4, 2)], {}),
    'sobel first': ('sobel_edges', [wave(1, 2, 5, 4)], {'data_format': 'channels_first'}),
    'ssim': ('ssim', [photo(2, 13, 12, 2), photo(2, 13, 12, 2, phase=.3)], {}),
    'ssim single': ('ssim', [photo(2, 9, 9), photo(2, 9, 9, phase=.1)],
                    {'filter_size': 5, 'filter_sigma': 1.0, 'max_val': 2.0, 'data_format': 'channels_first'}),
    'patches': ('extract_patches', [wave(1, 6, 5, 2)], {'size': (3, 2)}),
    'patches same': ('extract_patches', [wave(1, 5, 6, 1)], {'size': 3, 'strides': 2, 'padding': 'same'}),
    'patches dilated': ('extract_patches', [wave(6, 7, 1)], {'size': 2, 'strides': 1, 'dilation_rate': 2}),
    'patches 3d': ('extract_patches_3d', [wave(1, 4, 5, 4, 1)], {'size': 2}),
    'patches of three': ('extract_patches', [wave(4, 5, 4, 1)], {'size': (2, 2, 1), 'strides': (1, 2, 2)}),
    'grey': ('rgb_to_grayscale', [photo(1, 3, 4, 3)], {}),
    'grey bytes first': ('rgb_to_grayscale', [bytes_of(3, 4, 3)], {'data_format': 'channels_first'}),
    'hsv': ('rgb_to_hsv', [photo(2, 3, 4, 3)], {}),
    'hsv first': ('rgb_to_hsv', [photo(3, 3, 4, phase=1)], {'data_format': 'channels_first'}),
    'rgb': ('hsv_to_rgb', [photo(2, 3, 4, 3)], {}),
    'pad': ('pad_images', [wave(1, 2, 3, 1)], {'top_padding': 1, 'left_padding': 2, 'target_height': 5, 'target_width': 6}),
    'pad first': ('pad_images', [wave(1, 2, 3)], {'top_padding': 1, 'left_padding': 0, 'bottom_padding': 2, 'right_padding': 1,
                                                  'data_format': 'channels_first'}),
    'crop': ('crop_images', [wave(1, 6, 5, 2)], {'top_cropping': 1, 'left_cropping': 2, 'target_height': 3, 'target_width': 2}),
    'crop ends': ('crop_images', [wave(6, 5, 1)], {'bottom_cropping': 1, 'right_cropping': 2, 'top_cropping': 2,
                                                   'left_cropping': 1}),
    **{f'scale {method} {antialias}': ('scale_and_translate', [wave(6, 7, 2)], {
        'output_shape': (5, 8, 2), 'scale': np.array([0.6, 1.5], 'float32'), 'translation': np.array([0.7, -1.2], 'float32'),
        'spatial_dims': (0, 1), 'method': method, 'antialias': antialias})
       for method in ('linear', 'cubic', 'lanczos3', 'lanczos5') for antialias in (True, False)},
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
