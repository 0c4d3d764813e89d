"""Images between files, Pillow and arrays: `load_img`, `save_img`, `img_to_array`, `array_to_img`."""

import functools
import io
import os
import stat
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from fastkeras import config
from fastkeras.legacy import keras1
from fastkeras.utils.errors import warn

INTERPOLATIONS = {'nearest': Image.Resampling.NEAREST, 'bilinear': Image.Resampling.BILINEAR,
                  'bicubic': Image.Resampling.BICUBIC, 'hamming': Image.Resampling.HAMMING,
                  'box': Image.Resampling.BOX, 'lanczos': Image.Resampling.LANCZOS}
CHANNELS = {'grayscale': 1, 'rgb': 3, 'rgba': 4}
_GRAY_MODES = ('L', 'I;16', 'I')            # kept as they are: 8, 16 and 32 bits
_LAYOUTS = {**config.DIM_ORDERINGS, 'default': None}
# Decoders that any file may need, whatever it is called: cameras and sites call a JPEG .png. All others have had more faults
# than use, and some run other programs: they read only files whose names say so.
_COMMON = ('PNG', 'JPEG', 'BMP', 'PPM', 'GIF')
_BY_ENDING = {'.tif': 'TIFF', '.tiff': 'TIFF', '.webp': 'WEBP', '.avif': 'AVIF', '.jp2': 'JPEG2000', '.tga': 'TGA',
              '.ico': 'ICO'}
_IN_MEMORY = 1 << 26                        # bytes; a larger file is read as far as its decoder asks


class ImageFileError(UnidentifiedImageError):
    """A file that cannot be read as an image: an OSError, and what Pillow raises for unknown files.

    path: the file, as given. cause: one sentence that says what is wrong with it.
    """

    def __init__(self, path, cause):
        super().__init__(f'cannot read the image {path!r}: {cause}')
        self.path = path
        self.cause = cause

    def __reduce__(self):
        return type(self), (self.path, self.cause)


def _keras1_words(function):
    """Let `function` take `dim_ordering` for data_format."""
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        if 'dim_ordering' in kwargs:
            args, kwargs = keras1.convert(function.__name__, args, kwargs)
        return function(*args, **kwargs)
    return wrapper


def _layout(function, data_format):
    """`data_format` checked; None means the process's setting, 'th' and 'tf' what they meant in Keras 1."""
    data_format = _LAYOUTS.get(data_format, data_format) if isinstance(data_format, str) else data_format
    try:
        return config.standardize_data_format(data_format)
    except ValueError as error:
        raise ValueError(f'{function}: {error}') from None


def checked_size(function, size, argument='target_size'):
    """(height, width) as positive ints, or ValueError in the name of `function`."""
    try:
        height, width = (int(n.__index__()) for n in size)
    except (TypeError, ValueError, AttributeError):
        height = width = 0
    if height < 1 or width < 1:
        raise ValueError(f'{function}: expected {argument} to be two positive whole numbers (height, width), '
                         f'got {size!r}')
    return height, width


def checked_color_mode(function, color_mode):
    """`color_mode`, or ValueError in the name of `function`."""
    if not isinstance(color_mode, str) or color_mode not in CHANNELS:
        raise ValueError(f"{function}: expected color_mode 'grayscale', 'rgb' or 'rgba', got {color_mode!r}")
    return color_mode


def checked_interpolation(function, interpolation):
    """Pillow's filter of that name, or ValueError in the name of `function`."""
    if not isinstance(interpolation, str) or interpolation not in INTERPOLATIONS:
        raise ValueError(f'{function}: expected interpolation to be one of '
                         f"{', '.join(map(repr, INTERPOLATIONS))}, got {interpolation!r}")
    return INTERPOLATIONS[interpolation]


def open_regular(path):
    """A binary file to read from, in memory unless it is large. Only a regular file is opened: a pipe or a device
    would wait or never end.

    Raises ImageFileError for anything else and for an empty file, FileNotFoundError, PermissionError.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            kind = 'a folder' if stat.S_ISDIR(status.st_mode) else 'a pipe, a socket or a device'
            raise ImageFileError(name_of(path), f'it is {kind}, not a regular file')
        if status.st_size == 0:
            raise ImageFileError(name_of(path), 'the file is empty')
        if status.st_size > _IN_MEMORY:
            handle, file = None, os.fdopen(handle, 'rb')
            return file
        return io.BytesIO(os.read(handle, status.st_size))
    finally:
        if handle is not None:
            os.close(handle)


def name_of(path):
    return path if isinstance(path, str) else os.fsdecode(path)


def _cause(error):
    """What Pillow's error says, in a sentence that stands without its name of the file."""
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return f'{error}; if the file is trusted, raise PIL.Image.MAX_IMAGE_PIXELS'
    if isinstance(error, UnidentifiedImageError):
        return 'its content is not an image of a known format'
    if isinstance(error, MemoryError):
        return 'there is not enough memory for its pixels'
    return f'broken or truncated ({error})' if str(error) else f'broken or truncated ({type(error).__name__})'


def open_image(file, name):
    """The Pillow image in a binary file, its pixels not read yet.

    name: of the file. Its ending allows a decoder beside the common ones; a name without an ending, as of a file object,
    allows TIFF and WebP.
    """
    ending = os.path.splitext(name)[1].lower()
    wanted = [_BY_ENDING[ending]] if ending in _BY_ENDING else [] if ending else ['TIFF', 'WEBP']
    Image.preinit()     # the common ones
    if wanted:
        Image.init()    # the others, which is slow
        wanted = [name for name in wanted if name in Image.OPEN]    # Pillow may be built without
    image = Image.open(file, formats=[*_COMMON, *wanted])
    if image.format == 'MPO' and ending not in ('', '.jpg', '.jpeg', '.mpo'):     # which JPEG's decoder makes of some
        raise UnidentifiedImageError('several JPEGs')
    return image


def _checked_pixels(image):
    """Pillow itself warns only, up to twice as many."""
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and image.width * image.height > limit:
        raise Image.DecompressionBombError(f'it has {image.width} × {image.height} pixels, more than {limit}')


def decode(file, name, color_mode, size=None, resample=None, keep_aspect_ratio=False, draft=0, eight_bits=False):
    """The Pillow image in a binary file, with its pixels loaded.

    name: of the file, for errors. size: (width, height) in pixels, or None for the image's own.
    keep_aspect_ratio: cut the image about its centre to the proportions of `size` first. draft: let a JPEG be decoded
    at 1/2, 1/4 or 1/8 of its size where that is still at least `draft` × `size` in both directions; 0 for not.
    eight_bits: take the upper eight bits of a gray image of 16; Pillow makes one of colours by cutting values to 255.
    Raises ImageFileError for whatever cannot be decoded, and for more than PIL.Image.MAX_IMAGE_PIXELS pixels, of a draft as
    it is decoded.
    """
    try:
        image = open_image(file, name)
        if draft and size is not None and min(image.width // size[0], image.height // size[1]) >= 2 * draft:
            image.draft('L' if color_mode == 'grayscale' else 'RGB', (draft * size[0], draft * size[1]))
        _checked_pixels(image)
        image.load()
        if eight_bits and image.mode in _GRAY_MODES[1:]:
            image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        if color_mode == 'grayscale':
            if image.mode not in _GRAY_MODES:
                image = image.convert('L')
        elif image.mode != color_mode.upper():
            image = image.convert(color_mode.upper())
        if size is not None and image.size != size:
            box = _centred(image.size, size) if keep_aspect_ratio else None
            image = image.resize(size, resample, box=box)
    except Exception as error:          # a broken file may raise any of Pillow's own and of Python's errors
        raise ImageFileError(name, _cause(error)) from error
    return image


def _centred(size, target):
    """The largest box (left, top, right, bottom) about the centre of `size` with the proportions of `target`."""
    width = min(size[0], size[1] * target[0] // target[1])
    height = min(size[1], size[0] * target[1] // target[0])
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return left, top, left + width, top + height


def _keras3_order(second, target_size, interpolation, keep_aspect_ratio):
    """(target_size, interpolation, keep_aspect_ratio) where Keras 3's color_mode stands in the place of grayscale: what
    follows by position is then one place too early. `second`: what came as color_mode."""
    if isinstance(second, str):
        if second != 'rgb':
            raise TypeError('load_img: color_mode is given twice, by position and by name')
    elif isinstance(target_size, str):
        keep_aspect_ratio = interpolation if isinstance(interpolation, bool) else keep_aspect_ratio
        target_size, interpolation = second, target_size
    elif target_size is None:
        target_size = second
    else:
        raise TypeError('load_img: target_size is given twice, by position and by name')
    return target_size, interpolation, keep_aspect_ratio


def load_img(path, grayscale=False, color_mode='rgb', target_size=None, interpolation='nearest',
             keep_aspect_ratio=False):
    """Read an image file into a Pillow image.

    path: str, bytes, a Path, or a binary file object.
    grayscale: Keras 2's old word for color_mode='grayscale'. A text in its place is Keras 3's color_mode, with the
        arguments after it in Keras 3's order: `load_img(path, 'rgb', (150, 150), 'bilinear')`.
    color_mode: 'rgb', 'rgba' or 'grayscale'. Grayscale keeps images of 16 and 32 bits (modes I;16 and I), and makes any
        other one of 8 bits.
    target_size: (height, width) in pixels, or None for the size of the file.
    interpolation: 'nearest', 'bilinear', 'bicubic', 'hamming', 'box' or 'lanczos'.
    keep_aspect_ratio: cut the image about its centre to the proportions of target_size before it is resized.

    The format is told by the content: PNG, JPEG, BMP, PPM or GIF whatever the file is called; TIFF, WebP, AVIF, JPEG 2000,
    TGA and ICO where its name ends so (TIFF and WebP also where it has no ending, as that of a file object). Raises
    ImageFileError (an OSError with .path and .cause) for a file that is no such image, is truncated, empty or not a regular
    file, or has more than PIL.Image.MAX_IMAGE_PIXELS pixels; FileNotFoundError; ValueError for an unknown argument. Source:
    Keras 2.2.4, Keras 3, and keras-preprocessing 1.1.2 for the pixels.
    """
    if isinstance(grayscale, str):
        target_size, interpolation, keep_aspect_ratio = _keras3_order(
            color_mode, target_size, interpolation, keep_aspect_ratio)
        color_mode = grayscale
    elif grayscale:
        warn('load_img: grayscale=True is the old word for color_mode="grayscale"')
        color_mode = 'grayscale'
    checked_color_mode('load_img', color_mode)
    size = resample = None
    if target_size is not None:
        size = checked_size('load_img', target_size)[::-1]
        resample = checked_interpolation('load_img', interpolation)
    if hasattr(path, 'read'):
        name = getattr(path, 'name', None)
        return decode(path, name if isinstance(name, str) else 'a file object', color_mode, size, resample, keep_aspect_ratio)
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise TypeError(f'load_img: expected path to be a str, a Path or a binary file, got {type(path).__name__}')
    with open_regular(path) as file:
        return decode(file, name_of(path), color_mode, size, resample, keep_aspect_ratio)


@_keras1_words
def img_to_array(img, data_format=None, dtype=None):
    """A Pillow image as an array of rank 3.

    data_format: 'channels_last', (height, width, channels), or 'channels_first'; None takes the process's setting.
    dtype: None takes `config.floatx()`. Values are those of the image, 0 to 255 for one of 8 bits.
    """
    layout = _layout('img_to_array', data_format)
    x = np.array(img, dtype=dtype or config.floatx())
    if x.ndim == 2:
        return x[None] if layout == 'channels_first' else x[:, :, None]
    if x.ndim != 3:
        raise ValueError(f'img_to_array: expected an image of rank 2 or 3, got shape {x.shape}')
    return x.transpose(2, 0, 1) if layout == 'channels_first' else x


@_keras1_words
def array_to_img(x, data_format=None, scale=True, dtype=None):
    """An array of rank 3 as a Pillow image: mode L, RGB or RGBA for 1, 3 or 4 channels; one channel with values above
    255 makes an image of 32 bits (mode I).

    x: any array-like. data_format: 'channels_last', (height, width, channels), or 'channels_first'; None takes the
    process's setting. scale: bring the smallest value to 0 and the largest to 255; without it, values are cut to
    0 … 255 and then to whole numbers. dtype: in which x is read; None takes `config.floatx()`.
    """
    layout = _layout('array_to_img', data_format)
    x = np.asarray(x, dtype=dtype or config.floatx())
    if x.ndim != 3 or x.size == 0:
        raise ValueError(f'array_to_img: expected one image, an array of rank 3 with at least one pixel, '
                         f'got shape {x.shape}')
    if layout == 'channels_first':
        x = x.transpose(1, 2, 0)
    if x.shape[2] not in (1, 3, 4):
        raise ValueError(f'array_to_img: expected 1, 3 or 4 channels, got {x.shape[2]} in shape {x.shape} '
                         f'({layout})')
    if scale:
        x = x - x.min() if x.dtype.kind == 'f' else np.subtract(x, x.min(), dtype='float32')
        largest = x.max()
        if largest != 0:
            x /= largest
        x *= 255
    if x.shape[2] == 1 and x.max() > 255:
        return Image.fromarray(np.ascontiguousarray(x[:, :, 0].astype('int32')))
    pixels = np.ascontiguousarray(x if x.dtype == np.uint8 else np.clip(x, 0, 255).astype('uint8'))
    return Image.fromarray(pixels[:, :, 0] if x.shape[2] == 1 else pixels)


@_keras1_words
def save_img(path, x, data_format=None, file_format=None, scale=True, **kwargs):
    """Write an array of rank 3 as an image file.

    path: a name, a Path or a binary file. file_format: of Pillow, such as 'png' or 'jpeg'; None takes the name's
    extension, and is an error for a file object. kwargs: for Pillow's `save`, such as quality=90. x, data_format, scale:
    as for `array_to_img`. JPEG has no transparency: of four channels the last is left out, with a warning.
    """
    image = array_to_img(x, data_format=_layout('save_img', data_format), scale=scale)
    if file_format is None and isinstance(path, (str, os.PathLike)):
        file_format = Path(path).suffix[1:].lower() or None
    if file_format is not None:
        file_format = {'jpg': 'jpeg', 'tif': 'tiff'}.get(file_format.lower(), file_format)
    if image.mode == 'RGBA' and file_format is not None and file_format.lower() == 'jpeg':
        warn('save_img: JPEG has no transparency, the fourth channel is left out')
        image = image.convert('RGB')
    image.save(path, format=file_format, **kwargs)
