"""Images for models. Names are loaded when they are first used."""

import importlib

# name → module of this package
_NAMES = {
    'ImageFileError': 'files', 'array_to_img': 'files', 'img_to_array': 'files', 'load_img': 'files', 'save_img': 'files',
    'list_pictures': 'listing', 'Iterator': 'iterator', 'NumpyArrayIterator': 'array_iterator',
    'DirectoryIterator': 'directory_iterator', 'DataFrameIterator': 'dataframe_iterator',
    'ImageProblem': 'validate', 'validate_directory': 'validate',
    'ImageDataGenerator': 'generator', 'smart_resize': 'resizing',
    **dict.fromkeys(('random_rotation', 'random_shift', 'random_shear', 'random_zoom', 'random_channel_shift',
                     'random_brightness', 'apply_affine_transform', 'apply_channel_shift', 'apply_brightness_shift',
                     'apply_transform', 'flip_axis', 'transform_matrix_offset_center'), 'affine'),
}

__all__ = [*_NAMES]


def __getattr__(name):
    if name not in _NAMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    value = getattr(importlib.import_module(f'{__name__}.{_NAMES[name]}'), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
