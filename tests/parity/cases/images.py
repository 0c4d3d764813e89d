"""Layers that change images, where nothing is left to chance: with two equal numbers as the factor."""

import numpy as np


def photo(*shape):
    """Values from 0 to 255, the same everywhere."""
    n = int(np.prod(shape))
    return (127.5 + 127.5 * np.sin(np.arange(n) * 1.7)).astype('float32').reshape(shape)


def small(*shape):
    """Values from 0 to 1."""
    return (photo(*shape) / 255).astype('float32')


def boxed(*shape):
    return {'images': photo(*shape), 'labels': np.float32([[0, 1], [1, 0]]),
            'bounding_boxes': {'boxes': np.float32([[[1, 1, 4, 3], [0, 2, 2, 4]], [[2, 0, 5, 4], [1, 1, 2, 2]]]),
                               'labels': np.int32([[0, 3], [1, 2]])},
            'segmentation_masks': np.round(small(*shape[:3], 1) * 3)}


def case(name, arguments, data, *shape, **options):
    return name, arguments, shape, {'train': True, 'data': lambda: data(*shape), 'rtol': 1e-4, **options}


def moved(name, *variants, **arguments):
    return [case(name, {**arguments, **v}, photo, 2, 6, 7, 2) for v in variants]


FIRST = {'data_format': 'channels_first'}
XYXY = {'bounding_box_format': 'xyxy'}
MODES = [{'fill_mode': m} for m in ('reflect', 'wrap', 'nearest')] + [
    {'fill_mode': 'constant', 'fill_value': 9.0, 'interpolation': 'nearest'}]
KERAS3 = [
    *moved('Resizing', {'height': 4, 'width': 9}, {'height': 9, 'width': 5, 'interpolation': 'bicubic'},
           {'height': 3, 'width': 3, 'interpolation': 'lanczos3', 'antialias': True},
           {'height': 4, 'width': 4, 'crop_to_aspect_ratio': True},
           {'height': 4, 'width': 8, 'pad_to_aspect_ratio': True, 'fill_value': 3.0},
           {'height': 4, 'width': 4, 'interpolation': 'nearest', **FIRST}),
    case('Resizing', {'height': 3, 'width': 4, **XYXY}, boxed, 2, 5, 6, 1),
    *moved('CenterCrop', {'height': 3, 'width': 4}, {'height': 8, 'width': 4}, {'height': 3, 'width': 2, **FIRST}),
    case('CenterCrop', {'height': 3, 'width': 4, **XYXY}, boxed, 2, 5, 6, 1),
    *moved('RandomTranslation', *MODES, FIRST, height_factor=(0.23, 0.23), width_factor=(-0.31, -0.31)),
    case('RandomTranslation', {'height_factor': (0.2, 0.2), 'width_factor': (0.25, 0.25), **XYXY}, boxed, 2, 5, 6, 1),
    *moved('RandomRotation', *MODES, FIRST, factor=(0.11, 0.11)),
    *moved('RandomZoom', *MODES, FIRST, height_factor=(0.3, 0.3), width_factor=(-0.2, -0.2)),
    case('RandomZoom', {'height_factor': (0.5, 0.5), **XYXY}, boxed, 2, 5, 6, 1),
    *moved('RandomPerspective', {'factor': (1.0, 1.0), 'scale': 0.0}),
    *moved('RandomBrightness', {'factor': (0.2, 0.2)}, {'factor': (-0.3, -0.3)}),
    *moved('RandomContrast', {'factor': (0.0, 0.0)}),
    case('RandomColorDegeneration', {'factor': (0.4, 0.4)}, photo, 2, 3, 4, 3),
    case('RandomHue', {'factor': (1.0, 1.0)}, photo, 2, 3, 4, 3),
    case('RandomHue', {'factor': (1.0, 1.0), 'value_range': (0, 1), **FIRST}, small, 2, 3, 4, 3),
    case('RandomSaturation', {'factor': (0.7, 0.7), 'value_range': (0, 1)}, small, 2, 3, 4, 3),
    case('RandomSaturation', {'factor': (0.3, 0.3)}, photo, 2, 3, 4, 3),
    case('RandomGrayscale', {'factor': 1.0}, photo, 2, 3, 4, 3),
    case('RandomInvert', {'factor': (1.0, 1.0)}, photo, 2, 3, 4, 2),
    case('RandomPosterization', {'factor': (3, 3)}, photo, 2, 3, 4, 2),
    case('RandomPosterization', {'factor': (2, 2), 'value_range': (0, 1)}, small, 2, 3, 4, 2),
    *moved('RandomSharpness', {'factor': (0.7, 0.7)}, {'factor': (0.1, 0.1)}),
    *moved('RandomGaussianBlur', {'factor': (1.0, 1.0), 'sigma': (0.8, 0.8)},
           {'factor': (1.0, 1.0), 'kernel_size': 5, 'sigma': (1.0, 1.0), **FIRST}),
    *moved('AutoContrast', {}),
    case('AutoContrast', {'value_range': (0, 1)}, small, 2, 3, 4, 2),
    *moved('Solarization', {}),
    *moved('Equalization', {}, {'bins': 16}),
    case('Equalization', {'value_range': (0, 1), **FIRST}, small, 2, 2, 3, 4),
    case('ContrastLimitedAdaptiveHistogramEqualization', {'tile_grid_size': (2, 3)}, photo, 2, 9, 11, 2),
    case('ContrastLimitedAdaptiveHistogramEqualization', {'tile_grid_size': (2, 2), 'clip_limit': 0.0, 'value_range': (0, 1),
                                                          **FIRST}, small, 1, 2, 8, 6),
    *moved('RandomErasing', {'factor': 0.0}),
    case('MaxNumBoundingBoxes', {'max_number': 3, **XYXY}, boxed, 2, 5, 6, 1),
    case('MaxNumBoundingBoxes', {'max_number': 1, 'fill_value': -1, **XYXY}, boxed, 2, 5, 6, 1),
]
