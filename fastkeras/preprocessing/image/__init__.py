"""Images for models. Names are loaded when they are first used."""

from fastkeras.lazy import front as _front

# name → module of this package
_NAMES = {
    'ImageFileError': 'files', 'array_to_img': 'files', 'img_to_array': 'files', 'load_img': 'files', 'save_img': 'files',
    'list_pictures': 'listing', 'validate_filename': 'listing', 'Iterator': 'iterator', 'NumpyArrayIterator': 'array_iterator',
    'DirectoryIterator': 'directory_iterator', 'DataFrameIterator': 'dataframe_iterator',
    'ImageProblem': 'validate', 'validate_directory': 'validate',
    'ImageDataGenerator': 'generator', 'smart_resize': 'resizing',
    **dict.fromkeys(('random_rotation', 'random_shift', 'random_shear', 'random_zoom', 'random_channel_shift',
                     'random_brightness', 'apply_affine_transform', 'apply_channel_shift', 'apply_brightness_shift',
                     'apply_transform', 'flip_axis', 'transform_matrix_offset_center'), 'affine'),
}

TYPE_CHECKING = False      # True to those who check types
if TYPE_CHECKING:
    from fastkeras.preprocessing.image.affine import apply_affine_transform as apply_affine_transform
    from fastkeras.preprocessing.image.affine import apply_brightness_shift as apply_brightness_shift
    from fastkeras.preprocessing.image.affine import apply_channel_shift as apply_channel_shift
    from fastkeras.preprocessing.image.affine import apply_transform as apply_transform
    from fastkeras.preprocessing.image.affine import flip_axis as flip_axis
    from fastkeras.preprocessing.image.affine import random_brightness as random_brightness
    from fastkeras.preprocessing.image.affine import random_channel_shift as random_channel_shift
    from fastkeras.preprocessing.image.affine import random_rotation as random_rotation
    from fastkeras.preprocessing.image.affine import random_shear as random_shear
    from fastkeras.preprocessing.image.affine import random_shift as random_shift
    from fastkeras.preprocessing.image.affine import random_zoom as random_zoom
    from fastkeras.preprocessing.image.affine import transform_matrix_offset_center as transform_matrix_offset_center
    from fastkeras.preprocessing.image.array_iterator import NumpyArrayIterator as NumpyArrayIterator
    from fastkeras.preprocessing.image.dataframe_iterator import DataFrameIterator as DataFrameIterator
    from fastkeras.preprocessing.image.directory_iterator import DirectoryIterator as DirectoryIterator
    from fastkeras.preprocessing.image.files import ImageFileError as ImageFileError
    from fastkeras.preprocessing.image.files import array_to_img as array_to_img
    from fastkeras.preprocessing.image.files import img_to_array as img_to_array
    from fastkeras.preprocessing.image.files import load_img as load_img
    from fastkeras.preprocessing.image.files import save_img as save_img
    from fastkeras.preprocessing.image.generator import ImageDataGenerator as ImageDataGenerator
    from fastkeras.preprocessing.image.iterator import Iterator as Iterator
    from fastkeras.preprocessing.image.listing import list_pictures as list_pictures
    from fastkeras.preprocessing.image.listing import validate_filename as validate_filename
    from fastkeras.preprocessing.image.resizing import smart_resize as smart_resize
    from fastkeras.preprocessing.image.validate import ImageProblem as ImageProblem
    from fastkeras.preprocessing.image.validate import validate_directory as validate_directory
else:
    __getattr__, __dir__, __all__ = _front(__name__, (), _NAMES, __name__)
