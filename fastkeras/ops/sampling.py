"""Images read at computed places: affine and perspective transforms, elastic distortions, `map_coordinates`.

Pixel (i, j) of the result is the image at a place (y, x), between its pixels: the nearest one, or the four around it in
proportion. What lies outside of the image, the mode says: 'constant' (a value), 'nearest' (the pixel at the edge), 'reflect'
(d c b a | a b c d | d c b a), 'mirror' (d c b | a b c d | c b a), 'wrap' (a b c d | a b c d).

The result is a sum of gathered pixels, so that gradients go to the images and to the places.
"""

import itertools

import numpy as np

from . import facts
from .core import FLOATS, Sample, apply, as_tensor, constant, dtype_of, error, is_symbolic, record, register
from .create import arange
from .elementwise import absolute, cast, clip, floor, less, logical_and, minimum, sign, where
from .gaussian import gaussian_blur
from .math import rint
from .move import expand_dims, reshape, squeeze, transpose
from .random import as_seed, random_normal
from .resize import image_of, saturated
from .shapes import count, shape_of
from .slices import concatenate, cut, stack

INTERPOLATIONS = ('nearest', 'bilinear')
MODES = ('constant', 'nearest', 'wrap', 'mirror', 'reflect')
_FAR = 2.0 ** 22      # what lies farther away, or nowhere, is outside


# ---- what lies outside
def _folded(i, size, mode):
    """Indices, whole numbers of a float type, brought into the axis."""
    if mode == 'reflect':
        i = _modulo(i, 2 * size)
        i = minimum(i, 2 * size - 1 - i)
    elif mode == 'mirror' and size > 1:
        i = _modulo(i, 2 * size - 2)
        i = minimum(i, 2 * size - 2 - i)
    elif mode == 'grid-wrap':
        i = _modulo(i, size)
    return clip(i, 0, size - 1)


def _modulo(i, period):
    return i - floor(i / period) * period


def _wrapped(place, size):
    """Places wrapped as TensorFlow's projective transform does: nothing lies between the last pixel and the first."""
    if size == 1:
        return place * 0
    # without its last bit, a quotient that should be whole falls below it
    back = place + (floor(-place / (size - 1)) + 1) * size
    ahead = place - floor(place / (size - 1)) * size
    return where(less(place, 0), back, where(less(size - 1, place), ahead, place))


def _folded_place(place, size, mode):
    """The same of places: those between two pixels beyond the edge come to lie between the two that stand for them."""
    if mode == 'wrap':
        place = _wrapped(place, size)
    elif mode == 'reflect':
        place = _modulo(place + 0.5, 2 * size)
        place = minimum(place, 2 * size - place) - 0.5
    elif mode == 'mirror' and size > 1:
        place = _modulo(place, 2 * size - 2)
        place = minimum(place, 2 * size - 2 - place)
    return clip(place, 0, size - 1)


def _pixels(place, size, order, mode):
    """([(index as int32, whether it is inside or None)], how far from the first to the second) of the pixels along one axis."""
    place = where(less(absolute(place), _FAR), place, -_FAR)
    if mode == 'wrap' or order == 1 and mode in ('reflect', 'mirror', 'nearest'):
        place, mode = _folded_place(place, size, mode), 'nearest'
    part = None
    if order == 0:
        around = [sign(place) * floor(absolute(place) + 0.5)]
    elif order == 'even':
        around = [rint(place)]
    else:
        low = floor(place)
        part, around = place - low, [low, low + 1]
    return [(cast(_folded(i, size, mode), 'int32'), logical_and(less(-1, i), less(i, size)) if mode == 'constant' else None)
            for i in around], part


def _blended(table, axes, base, steps, value, shape):
    """The pixels of a table (pixels,) or (pixels, c) at base + Σ index · step, blended along each axis; `value` outside."""
    if dtype_of(table) not in FLOATS:
        table = cast(table, 'float32')
    pixels = shape_of(table)[0]
    if axes[0][0][0][1] is not None:    # a pixel of that value behind the others
        table = concatenate([table, np.full((1, *shape_of(table)[1:]), value, dtype_of(table))], axis=0)
    ones = (1,) * (len(shape) - len(shape_of(axes[0][0][0][0])))

    def blended(k, index, inside):
        if k == len(axes):
            if inside is not None:
                index = where(inside, index, pixels)
            return reshape(apply('gather', (table, reshape(index, (-1,))), axis=0), shape)
        around, part = axes[k]
        made = []
        for i, within in around:
            i = i if steps[k] == 1 else i * steps[k]
            both = within if inside is None else logical_and(inside, within)
            made.append(blended(k + 1, i if index is None else index + i, both))
        if part is None:
            return made[0]
        return made[0] + (made[1] - made[0]) * reshape(part, (*shape_of(part), *ones))

    return blended(0, base, None)


# ---- images (n, h, w, c) at places y, x (n, …)
def _sample_compose(images, y, x, *, order, mode, value):
    n, h, w, c = images.shape
    corners = [_pixels(y, h, order, mode), _pixels(x, w, order, mode)]
    base = None if n == 1 else np.arange(n, dtype=np.int32).reshape(n, *(1,) * (len(y.shape) - 1)) * (h * w)
    return _blended(reshape(images, (n * h * w, c)), corners, base, (w, 1), value, (*y.shape, c))


def _fold_ref(place, size, mode):
    i = place
    if mode == 'reflect':
        i = np.mod(i, 2 * size)
        i = np.minimum(i, 2 * size - 1 - i)
    elif mode == 'mirror' and size > 1:
        i = np.mod(i, 2 * size - 2)
        i = np.minimum(i, 2 * size - 2 - i)
    elif mode == 'grid-wrap':
        i = np.mod(i, size)
    return np.clip(i, 0, size - 1).astype(np.intp)


def _sample_ref(images, y, x, *, order, mode, value):
    n = len(images)
    kind = images.dtype if images.dtype.kind == 'f' else np.dtype(np.float32)
    axes = []
    for place, size in ((y, images.shape[1]), (x, images.shape[2])):
        place = np.where(np.abs(place) < _FAR, place, -_FAR)
        kept = mode
        if mode == 'wrap':
            last, kept = max(size - 1, 1), 'nearest'
            place = np.where(place < 0, place + (np.floor(-place / last) + 1) * size,
                             np.where(place > size - 1, place - np.floor(place / last) * size, place))
            place = np.clip(place, 0, size - 1)
        low = np.floor(place)
        around = [(low, 1 - place + low), (low + 1, place - low)]
        if order == 0:
            around = [(np.sign(place) * np.floor(np.abs(place) + 0.5), np.ones_like(place))]
        axes.append([(_fold_ref(i, size, kept), weight, ((i >= 0) & (i < size)) | (kept != 'constant'))
                     for i, weight in around])
    which = np.arange(n).reshape(n, *(1,) * (y.ndim - 1))
    total = np.zeros((*y.shape, images.shape[3]), kind)
    for (i, wi, ini), (j, wj, inj) in itertools.product(*axes):
        part = np.where((ini & inj)[..., None], images[which, i, j].astype(kind), kind.type(value))
        total += part * (wi * wj)[..., None].astype(kind)
    return total


def _sample_samples():
    r = np.random.default_rng(8)

    def case(shape, size, order=1, mode='constant', value=0.5):
        places = [r.uniform(-d, 2 * d, (shape[0], *size)).astype(np.float32) for d in shape[1:3]]
        return Sample([r.normal(size=shape).astype(np.float32), *places], {'order': order, 'mode': mode, 'value': value},
                      rtol=1e-4, atol=1e-4)

    return [case((2, 5, 6, 3), (4, 3)), *(case((2, 5, 6, 1), (7,), 1, mode) for mode in ('nearest', 'reflect', 'mirror', 'wrap',
                                                                                         'grid-wrap')),
            case((1, 4, 4, 2), (3, 5), 0), case((3, 1, 6, 2), (2, 2), 1, 'reflect')]


@register('sample_image', compose=_sample_compose, ref=_sample_ref, samples=_sample_samples, rows=facts.all_move)
def _sample_spec(images, y, x, *, order, mode, value):
    if len(images.shape) != 4 or tuple(y.shape) != tuple(x.shape) or not y.shape or (
            None not in (y.shape[0], images.shape[0]) and y.shape[0] != images.shape[0]):
        raise ValueError(f'expected images (n, h, w, c) and as many places, got shapes {tuple(images.shape)}, {tuple(y.shape)} '
                         f'and {tuple(x.shape)}')
    if 0 in images.shape[1:3]:
        raise ValueError(f'images: expected at least one pixel, got shape {tuple(images.shape)}')
    return (*y.shape, images.shape[3]), images.dtype if images.dtype in FLOATS else 'float32'


# ---- projective transforms
def _project_compose(images, transform, *, order, mode, value):
    n, h, w, _ = images.shape
    kind = transform.dtype
    a = [reshape(cut(transform, ((None, None, 1), (k, k + 1, 1))), (-1, 1, 1)) for k in range(transform.shape[1])]
    y = constant(np.arange(h, dtype=kind).reshape(1, h, 1))
    x = constant(np.arange(w, dtype=kind).reshape(1, 1, w))
    if len(a) == 6:
        places = [apply('broadcast_to', (a[k] * x + (a[k + 1] * y + a[k + 2]),), shape=(n, h, w)) for k in (3, 0)]
        return apply('sample_image', (images, *places), order=order, mode=mode, value=value)
    below = a[6] * x + a[7] * y + 1
    flat = less(absolute(below), 1e-30)     # the horizon: nothing is there
    below = where(flat, 1, below)
    places = []
    for k in (3, 0):
        place = (a[k] * x + a[k + 1] * y + a[k + 2]) / below
        places.append(apply('broadcast_to', (where(flat, 2 * _FAR, place),), shape=(n, h, w)))
    return apply('sample_image', (images, *places), order=order, mode=mode, value=value)


def _project_ref(images, transform, *, order, mode, value):
    n, h, w, _ = images.shape
    transform = np.concatenate([transform, np.zeros((len(transform), 8 - transform.shape[1]), transform.dtype)], axis=1)
    a = [transform[:, k, None, None] for k in range(8)]
    y, x = (np.arange(d, dtype=transform.dtype) for d in (h, w))
    y = y[:, None]
    below = a[6] * x + a[7] * y + 1
    places = [np.broadcast_to((a[k] * x + a[k + 1] * y + a[k + 2]) / below, (n, h, w)) for k in (3, 0)]
    return _sample_ref(images, *places, order=order, mode=mode, value=value)


def _project_samples():
    r = np.random.default_rng(9)

    def case(shape, n, mode='constant', order=1, bend=0.02, numbers=8):
        transform = (r.normal(scale=bend, size=(n, 8)) + [1, 0, 0.3, 0, 1, -0.7, 0, 0])[:, :numbers]
        return Sample([r.normal(size=shape).astype(np.float32), transform.astype(np.float32)],
                      {'order': order, 'mode': mode, 'value': 0.25}, rtol=1e-4, atol=1e-4)

    return [case((2, 5, 6, 3), 2), case((2, 5, 4, 1), 1, 'reflect'), case((1, 4, 7, 2), 1, 'nearest', 0),
            case((2, 4, 7, 1), 2, 'nearest', numbers=6)]


@register('project_image', compose=_project_compose, ref=_project_ref, samples=_project_samples,
          rows=lambda node, moving: moving[0] and (moving[1] or node.inputs[1].shape[0] == 1))
def _project_spec(images, transform, *, order, mode, value):
    if len(transform.shape) != 2 or transform.shape[1] not in (6, 8):
        raise ValueError(f'transform: expected 8 numbers or rows of 8, got shape {tuple(transform.shape)}')
    n, m = images.shape[0], transform.shape[0]
    if None not in (n, m) and m not in (1, n):
        raise ValueError(f'transform: expected one or {n}, one for each image, got {m}')
    if 0 in images.shape[1:3]:
        raise ValueError(f'images: expected at least one pixel, got shape {tuple(images.shape)}')
    return tuple(images.shape), images.dtype if images.dtype in FLOATS else 'float32'


def _checked(op, interpolation, fill_mode):
    if interpolation not in INTERPOLATIONS:
        raise error(op, f'interpolation: expected one of {", ".join(map(repr, INTERPOLATIONS))}, got {interpolation!r}')
    if fill_mode not in MODES:
        raise error(op, f'fill_mode: expected one of {", ".join(map(repr, MODES))}, got {fill_mode!r}')
    return INTERPOLATIONS.index(interpolation)


def as_batch(op, images, data_format):
    """(images as (n, h, w, c), function that gives a result of that form the one that `images` had)."""
    images, data_format, _ = image_of(op, images, data_format)
    single, first = len(shape_of(images)) == 3, data_format == 'channels_first'
    if single:
        images = expand_dims(images, 0)
    if first:
        images = transpose(images, (0, 2, 3, 1))

    def back(y):
        if first:
            y = transpose(y, (0, 3, 1, 2))
        return squeeze(y, 0) if single else y

    return images, back


def _projected(op, images, transform, interpolation, fill_mode, fill_value, data_format):
    order = _checked(op, interpolation, fill_mode)
    images, back = as_batch(op, images, data_format)
    dtype = dtype_of(images)
    kind = dtype if dtype in FLOATS else 'float32'
    y = apply('project_image', (images, cast(transform, kind)), order=order, mode=fill_mode, value=float(fill_value))
    if dtype not in FLOATS:
        y = cast(clip(y, 0, 255) if dtype == 'uint8' else y, dtype)
    return back(y)


def affine_transform(images, transform, interpolation='bilinear', fill_mode='constant', fill_value=0, data_format=None):
    """Images moved by projective transforms: pixel (x, y) of the result is the image at
    ((a0·x + a1·y + a2) / k, (b0·x + b1·y + b2) / k) with k = c0·x + c1·y + 1.

    images: (height, width, channels) or (batch, height, width, channels), or with channels first by data_format. transform:
    the numbers [a0, a1, a2, b0, b1, b2, c0, c1], or a row of them for each image; the last two, 0, may be left out.
    interpolation: 'bilinear' or 'nearest'.
    fill_mode: 'constant' (fill_value), 'nearest', 'reflect', 'mirror' or 'wrap'. Returns the type of the images; integers lose
    the fraction. ValueError for others. Source: Keras 3.15 on TensorFlow, whose 'wrap' does not blend the two edges.
    """
    transform = as_tensor(transform)
    if len(shape_of(transform)) == 1:
        transform = expand_dims(transform, 0)
    return _projected('affine_transform', images, transform, interpolation, fill_mode, fill_value, data_format)


def perspective_transform(images, start_points, end_points, interpolation='bilinear', fill_value=0, data_format=None):
    """Images moved so that four points of them, start_points, come to lie at end_points.

    start_points, end_points: (4, 2), each an (x, y) in pixels, or (batch, 4, 2) with own ones for each image; no three of them
    on a line. The other arguments and the result are those of `affine_transform`; what lies outside is fill_value.
    """
    op = 'perspective_transform'
    points = [as_tensor(p) for p in (start_points, end_points)]
    shapes = [shape_of(p) for p in points]
    if any(len(s) not in (2, 3) or s[-2:] != (4, 2) for s in shapes):
        raise error(op, f'start_points, end_points: expected shapes (4, 2) or (batch, 4, 2), got {shapes[0]} and {shapes[1]}')
    if len(shapes[0]) != len(shapes[1]):
        raise error(op, f'start_points, end_points: expected equal shapes, got {shapes[0]} and {shapes[1]}')
    return _projected(op, images, homography(*points), interpolation, 'constant', fill_value, data_format)


def homography(start, end):
    """The rows of 8 with which `affine_transform` brings the points `start` to `end`, both (4, 2) or (n, 4, 2): by way of the
    unit square (Heckbert 1989, "Fundamentals of texture mapping and image warping")."""
    if not is_symbolic(start) and not is_symbolic(end):
        start, end = (np.asarray(p, np.float64) for p in (start, end))
    else:
        start, end = cast(start, 'float32'), cast(end, 'float32')
    if len(shape_of(start)) == 2:
        start, end = expand_dims(start, 0), expand_dims(end, 0)
    a, b, c, d, e, f, g, h = _from_square(start)
    p, q, r, s, t, u, v, w = _from_square(end)
    # the adjugate of the second, which leads back to the square
    back = ((t - u * w, r * w - q, q * u - r * t), (u * v - s, p - r * v, r * s - p * u),
            (s * w - t * v, q * v - p * w, p * t - q * s))
    rows = [[left[0] * back[0][k] + left[1] * back[1][k] + left[2] * back[2][k] for k in range(3)]
            for left in ((a, b, c), (d, e, f), (g, h, 1))]
    last = rows[2][2]
    numbers = [x / last for x in (*rows[0], *rows[1], *rows[2][:2])]
    return np.stack(numbers, -1).astype(np.float32) if isinstance(last, np.ndarray) else stack(numbers, axis=-1)


def _from_square(points):
    """The numbers of the transform that leads the corners (0, 0), (1, 0), (0, 1), (1, 1) to four points (n, 4, 2)."""
    x0, x1, x3, x2 = (points[:, k, 0] for k in range(4))
    y0, y1, y3, y2 = (points[:, k, 1] for k in range(4))
    dx1, dx2, sx = x1 - x2, x3 - x2, x0 - x1 + x2 - x3
    dy1, dy2, sy = y1 - y2, y3 - y2, y0 - y1 + y2 - y3
    whole = dx1 * dy2 - dx2 * dy1
    g, h = (sx * dy2 - dx2 * sy) / whole, (dx1 * sy - sx * dy1) / whole
    return x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0, g, h


# ---- any number of axes
def map_coordinates(inputs, coordinates, order, fill_mode='constant', fill_value=0):
    """Values of an array at any places between its elements.

    inputs: any rank. coordinates: (rank, …), for each axis of the inputs the places of the result. order: 0, the nearest
    element (halves to the even one), or 1, the ones around in proportion. fill_mode, fill_value: what lies outside, as the
    head of the module says. Returns coordinates.shape[1:] of the inputs' type, integers rounded. ValueError for others.
    Source: Keras 3.15 on JAX and NumPy; on TensorFlow 'reflect' and 'mirror' are off by one beyond the edges.
    """
    op = 'map_coordinates'
    inputs = as_tensor(inputs)
    places = stack(list(coordinates)) if isinstance(coordinates, (list, tuple)) else as_tensor(coordinates)
    shape, wanted = shape_of(inputs), shape_of(places)
    if len(wanted) < 2 or wanted[0] != len(shape):
        raise error(op, f'coordinates: expected shape ({len(shape)}, …), a row for each axis of inputs of shape {shape}, got '
                        f'{wanted}')
    if isinstance(order, bool) or order not in (0, 1):
        raise error(op, f'order: expected 0 or 1, got {order!r}')
    if fill_mode not in MODES:
        raise error(op, f'fill_mode: expected one of {", ".join(map(repr, MODES))}, got {fill_mode!r}')
    if None in shape or 0 in shape:
        raise error(op, f'inputs: expected known sizes of at least 1, got shape {shape}')
    dtype = dtype_of(inputs)
    kind = dtype if dtype in FLOATS else 'float32'
    places = cast(places, kind)
    mode = 'grid-wrap' if fill_mode == 'wrap' else fill_mode
    corners = [_pixels(places[k], size, order or 'even', mode) for k, size in enumerate(shape)]
    steps = [count(shape[k + 1:]) for k in range(len(shape))]
    y = _blended(reshape(inputs, (-1,)), corners, None, steps, float(fill_value), wanted[1:])
    return y if dtype in FLOATS else saturated(y, dtype)


def elastic_transform(images, alpha=20.0, sigma=5.0, interpolation='bilinear', fill_mode='reflect', fill_value=0.0, seed=None,
                      data_format=None):
    """Images distorted by smooth random displacements (Simard et al. 2003): normal noise of deviation sigma, blurred with a
    Gaussian of sigma pixels, times alpha; own ones along the rows and along the columns, where Keras has one for both.

    seed: int, a SeedGenerator's seed, or None for a new one. The other arguments and the result are those of
    `affine_transform`.
    """
    op = 'elastic_transform'
    _checked(op, interpolation, fill_mode)
    images, data_format, axis = image_of(op, images, data_format)
    shape = shape_of(images)
    h, w = shape[axis:axis + 2]
    if None in (h, w):
        raise error(op, f'images: expected a known height and width, got shape {shape}')
    if not sigma > 0:
        raise error(op, f'sigma: expected a number above 0, got {sigma!r}')
    y, x = distorted(images if len(shape) == 4 else expand_dims(images, 0), (h, w), alpha, sigma, int(6 * sigma) | 1, seed)
    return sampled(images, y, x, interpolation, fill_mode, fill_value, data_format)


def _noise_compose(x, seed, *, shape):
    return random_normal((x.shape[0], *shape), seed=seed)


@register('noise_for', compose=_noise_compose, random=True, vjp=lambda node, ct: [None, None],
          ref=lambda x, seed, *, shape: record('random_normal').ref(seed, shape=(len(x), *shape)),
          samples=lambda: [Sample([np.zeros((2, 3), np.float32), np.array([5, 1], np.int32)], {'shape': (3, 4)}, grad=False)])
def _noise_spec(x, seed, *, shape):
    """Normal numbers of this shape for each row of x, of which there may be an unknown number yet."""
    return (x.shape[0], *shape), 'float32'


def distorted(images, size, alpha, sigma, window, seed):
    """Places (n, h, w) along the rows and along the columns, for as many images of a size: moved by noise of deviation sigma
    blurred with a Gaussian of sigma pixels, times alpha: numbers or tensors of one. window: the size of the blur's."""
    h, w = size
    noise = apply('noise_for', (images, as_seed(getattr(seed, 'next', lambda: seed)())), shape=(h, w, 2))
    if is_symbolic(sigma):
        sigma = reshape(sigma, ())
    moved = gaussian_blur(noise, (window, window), (sigma, sigma), 'channels_last') * (sigma * alpha)
    return moved[..., 0] + reshape(arange(h, dtype='float32'), (1, h, 1)), moved[..., 1] + arange(w, dtype='float32')


def sampled(images, y, x, interpolation, fill_mode, fill_value, data_format):
    """The pixels of images at the places (n, h, w), as `map_coordinates` reads each of their channels."""
    images, back = as_batch('elastic_transform', images, data_format)
    dtype = dtype_of(images)
    mode = 'grid-wrap' if fill_mode == 'wrap' else fill_mode
    made = apply('sample_image', (images, y, x), order=INTERPOLATIONS.index(interpolation), mode=mode, value=float(fill_value))
    return back(made if dtype in FLOATS else saturated(made, dtype))
