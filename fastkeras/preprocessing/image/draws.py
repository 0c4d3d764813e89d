"""The random numbers of a transform, in the order in which keras-preprocessing draws them."""

import numbers

import numpy as np


def transform(settings, image_shape, random):
    """The parameters of one random transform, a dict.

    settings: an ImageDataGenerator. image_shape: of the image, for shifts that are fractions. random: a RandomState, or
    `numpy.random`.
    """
    uniform = random.uniform
    theta = uniform(-settings.rotation_range, settings.rotation_range) if settings.rotation_range else 0
    tx = _shift(settings.height_shift_range, image_shape[settings.row_axis - 1], random)
    ty = _shift(settings.width_shift_range, image_shape[settings.col_axis - 1], random)
    shear = uniform(-settings.shear_range, settings.shear_range) if settings.shear_range else 0
    least, most = settings.zoom_range
    zx, zy = (1, 1) if least == 1 and most == 1 else (uniform(least, most), uniform(least, most))
    # both are drawn, wanted or not
    horizontal = random.random_sample() < 0.5 and bool(settings.horizontal_flip)
    vertical = random.random_sample() < 0.5 and bool(settings.vertical_flip)
    channel_shift = brightness = None
    if settings.channel_shift_range != 0:
        channel_shift = uniform(-settings.channel_shift_range, settings.channel_shift_range)
    if settings.brightness_range is not None:
        brightness = uniform(*settings.brightness_range)
    return {'theta': theta, 'tx': tx, 'ty': ty, 'shear': shear, 'zx': zx, 'zy': zy, 'flip_horizontal': horizontal,
            'flip_vertical': vertical, 'channel_shift_intensity': channel_shift, 'brightness': brightness}


def _shift(span, size, random):
    """A shift in pixels. span: a fraction of the size, if below 1; a float: any shift up to that many pixels; a whole
    number: a whole number of pixels below it; a list: one of these. The last two with either sign."""
    if isinstance(span, (list, tuple, np.ndarray)):
        if len(span) == 0:
            return 0
        values = np.asarray(span)
        value, largest = values[random.randint(0, len(values))], values.max()
    elif not span:
        return 0
    elif isinstance(span, numbers.Integral) and span > 0:
        value, largest = random.randint(0, span), span
    else:
        value, largest = random.uniform(-span, span), span
        return value * size if largest < 1 else value
    value = value * (-1, 1)[random.randint(0, 2)]
    return value * size if largest < 1 else value
