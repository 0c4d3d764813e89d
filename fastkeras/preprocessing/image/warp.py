"""What happens to every image of a batch, in one pass over it: the kernel `warp` and what it must be told.

In this order: rescale; affine warp; channel shift; flip of columns, then of rows; brightness; the sample's own mean and
deviation; the given mean and deviation. The channel shift is given in units of the image as it came, and brightness makes
an image of 0 … 255 before it is rescaled, as Keras does, which rescales after both.

In float64 the kernel does the warp and the flips, and NumPy the rest, so that nothing is rounded to float32 on the way.
"""

import numpy as np

from fastkeras import _core
from fastkeras.compiler.executor import parts, settings, single_step
from fastkeras.runtime import bounded

# what the kernel calls things, and the record of one image
_limits = _core.limits()
MODES, STANDARD, RECORD = _limits['warp_mode'], _limits['warp_standard'], _limits['warp_image']
TYPES = {np.dtype(name): code for name, code in _limits['warp_type'].items()}
MATRIX, FLIP_COLUMNS, FLIP_ROWS, SHIFT, BRIGHTNESS = (
    _limits['warp_what'][name] for name in ('matrix', 'flip_columns', 'flip_rows', 'shift', 'brightness'))
WORDS = RECORD.itemsize // 8
# of get_random_transform's dictionaries, with what is done where one is absent
GEOMETRY = (('theta', 0), ('tx', 0), ('ty', 0), ('shear', 0), ('zx', 1), ('zy', 1))
LARGEST = 2 ** 31 - 1

_plans = bounded.Bounded(128)


def transform_matrices(params, rows, columns):
    """The inverse mappings of n transforms about the middle of an image of rows × columns: where a pixel of the result
    comes from.

    params: array (n, 6) of theta (degrees), tx, ty (pixels), shear (degrees), zx, zy (factors).
    Returns matrix (n, 2, 2), offset (n, 2), and whether each does anything (n,): pixel (i, j) of the result is the
    image at matrix · (i, j) + offset.
    """
    theta, tx, ty, shear, zx, zy = params.T
    angle, slant = np.deg2rad(theta), np.deg2rad(shear)
    rotation, shift, shearing, zoom = np.tile(np.eye(3), (4, len(params), 1, 1))
    rotation[:, 0, 0] = rotation[:, 1, 1] = np.cos(angle)
    rotation[:, 1, 0] = np.sin(angle)
    rotation[:, 0, 1] = -rotation[:, 1, 0]
    shift[:, 0, 2], shift[:, 1, 2] = tx, ty
    shearing[:, 0, 1], shearing[:, 1, 1] = -np.sin(slant), np.cos(slant)
    zoom[:, 0, 0], zoom[:, 1, 1] = zx, zy
    matrix = about_center(rotation @ shift @ shearing @ zoom, rows, columns)
    changed = (params != [0, 0, 0, 0, 1, 1]).any(axis=1)
    return matrix[:, :2, :2], matrix[:, :2, 2], changed


def about_center(matrix, rows, columns):
    """Mappings (…, 3, 3) that are to happen about the middle of the image: Keras takes it half a pixel beyond.

    By the same products as in keras-preprocessing: where a row or column of the result comes from the very edge of the
    image, the last bit decides between the edge and what lies outside.
    """
    there, back = np.eye(3), np.eye(3)
    there[:2, 2] = rows / 2 + 0.5, columns / 2 + 0.5
    back[:2, 2] = -there[:2, 2]
    return there @ matrix @ back


def executor(**attrs):
    """The plan of one batch, kept: it depends on the sizes and settings alone."""
    key = (settings(), *attrs.values())
    plan = _plans.get(key)
    if plan is None:
        n, h, w, c = (attrs[k] for k in 'nhwc')
        shape = (c, h, w) if attrs['first'] else (h, w, c)
        layout = {'none': (0,), 'row': (w * c,), 'channel': (c,), 'element': shape}
        standard = next(layout[name] for name, code in STANDARD.items() if code == attrs['standard'])
        inputs = [((n, WORDS), 'float64'), (standard, 'float32'), (standard, 'float32')]
        room = (max(1, n * parts('warp', **attrs)),), 'float64'
        made = (n, *shape), 'float64' if attrs['wide'] else 'float32'
        plan = _plans.put(key, single_step('warp', inputs, made, room=[room], **attrs))
    return plan


def check(function, fill_mode, order):
    """ValueError, in the name of `function`, unless both are known."""
    if fill_mode not in MODES:
        raise ValueError(f'{function}: fill_mode must be one of {sorted(MODES)}, got {fill_mode!r}')
    if isinstance(order, bool) or order not in range(6):
        raise ValueError(f'{function}: the order of interpolation must be a whole number from 0 to 5, got {order!r}')


def warp(image, matrix, offset, fill_mode, cval, order):
    """One image (rows, columns, channels) moved: pixel (i, j) of the result is the image at matrix · (i, j) + offset.

    image: contiguous, of uint8, float32 or float64. matrix (2, 2), offset (2,). Returns float64 for float64, else float32.
    """
    check('affine transform', fill_mode, order)
    record = np.zeros(1, RECORD)
    record['pixels'], record['type'] = image.__array_interface__['data'][0], TYPES[image.dtype]
    record['matrix'], record['offset'], record['what'] = np.ravel(matrix), offset, MATRIX
    wide = image.dtype == np.float64
    if not image.size:
        return image.astype(np.float64 if wide else np.float32)
    h, w, c = image.shape
    run = executor(n=1, h=h, w=w, c=c, first=False, standard=STANDARD['none'], whole=False, order=int(order),
                   mode=MODES[fill_mode], cval=float(cval), rescale=1., center=False, scale=False, wide=int(wide))
    none = np.zeros(0, np.float32)
    made, = run.run([record.view(np.float64).reshape(1, WORDS), none, none], None)
    return made[0]


def working_type(dtype):
    """In which of the two float types images are worked on that are to be of this type: float32, unless it cannot hold all
    of its values, as those of float64 and of integers of 32 bits and more."""
    return np.float32 if np.result_type(dtype, np.float32) == np.float32 else np.float64


class Pipeline:
    """What is done to every image of a batch, in one pass over it in C.

    data_format: 'channels_last' or 'channels_first'.
    fill_mode: what lies outside of an image that is moved: 'nearest', 'constant' (`cval`), 'reflect', 'wrap', 'mirror'.
    cval: a value of the rescaled image. order: of the spline that interpolates, 0 to 5.
    rescale: factor, or None (and 0) for none.
    samplewise_center, samplewise_std_normalization: take off an image's own mean; divide by its deviation plus 1e-6.
    mean, std: arrays that broadcast to an image, or None: taken off; divided by, plus 1e-6.
    dtype: 'float32', or 'float64' in which all is computed then, in several passes.

    Threads may share a Pipeline.
    """

    def __init__(self, data_format='channels_last', fill_mode='nearest', cval=0., order=1, rescale=None,
                 samplewise_center=False, samplewise_std_normalization=False, mean=None, std=None,
                 dtype='float32'):
        if data_format not in ('channels_last', 'channels_first'):
            raise ValueError(f"data_format: expected 'channels_last' or 'channels_first', got {data_format!r}")
        check('Pipeline', fill_mode, order)
        if dtype not in ('float32', 'float64'):
            raise ValueError(f"dtype: expected 'float32' or 'float64', got {dtype!r}")
        self.first = data_format == 'channels_first'
        self._type = np.dtype(dtype)
        scale = float(rescale) if rescale else 1.
        self._attrs = dict(order=int(order), mode=MODES[fill_mode], cval=float(cval) / scale, rescale=scale,
                           center=bool(samplewise_center), scale=bool(samplewise_std_normalization), wide=0)
        self._mean = None if mean is None else np.asarray(mean, self._type)
        self._factor = None if std is None else (1 / (np.asarray(std, np.float64) + 1e-6)).astype(self._type)
        self._standards = bounded.Bounded(16)

    def run(self, images, params, out):
        """Do it.

        images: sequence or array of n arrays of the shape of out[0]; uint8 and float32 are read as they are, others are
            converted to float32; all of them to float64 where that is computed in.
        params: a dictionary for each image, as `get_random_transform` makes them, or None for no transforms. Read are
            'theta', 'shear' (degrees), 'tx', 'ty' (pixels along the rows and the columns), 'zx', 'zy' (factors),
            'flip_horizontal', 'flip_vertical', 'channel_shift_intensity', 'brightness'.
        out: array (n, …) that is written to, best of the Pipeline's dtype. Returns it.
        """
        n, shape = len(images), tuple(out.shape[1:])
        if len(shape) != 3 or len(out) != n:
            raise ValueError(f'out: expected an array of {n} images, one for each given, got the shape {out.shape}')
        if params is not None and len(params) != n:
            raise ValueError(f'params: expected one dictionary for each of {n} images, got {len(params)}')
        if max(shape) > LARGEST:
            raise ValueError(f'images: at most {LARGEST} rows or columns, got images of the shape {shape}')
        if not out.size:
            return out
        records = np.zeros(n, RECORD)
        keep = _bind(images, shape, records, self._type)
        c, h, w = shape if self.first else (shape[2], *shape[:2])
        if params is not None:
            _transforms(params, h, w, records)
        sizes = dict(n=n, h=h, w=w, c=c, first=self.first)
        direct = out if out.dtype == self._type and out.flags.c_contiguous and out.flags.aligned else None
        run = self._run_wide if self._type == np.float64 else self._run
        made = run(records, shape, sizes, direct)
        del keep  # the images, which the records point to
        if direct is None:
            out[...] = made
        return out

    def _run(self, records, shape, sizes, out):
        """The batch, written to `out` unless that is None."""
        whole = bool(self._attrs['center'] or self._attrs['scale'] or (records['what'] & (SHIFT | BRIGHTNESS)).any())
        standard, mean, factor = self._standard(shape)
        plan = executor(**sizes, standard=standard, whole=whole, **self._attrs)
        made, = plan.run([records.view(np.float64).reshape(-1, WORDS), mean, factor], None if out is None else [out])
        return made

    def _run_wide(self, records, shape, sizes, out):
        """`_run` in float64."""
        self._standard(shape)       # checks mean and std
        attrs = dict(self._attrs, wide=1, rescale=1., center=False, scale=False)
        none = np.zeros(0, np.float32)
        plan = executor(**sizes, standard=STANDARD['none'], whole=False, **attrs)
        made, = plan.run([records.view(np.float64).reshape(-1, WORDS), none, none], None if out is None else [out])
        for x, record in zip(made, records):
            if record['what'] & SHIFT:
                np.clip(x + record['shift'], x.min(), x.max(), out=x)
            if record['what'] & BRIGHTNESS:     # it makes bytes of the image, which float32 holds
                kind = 'channels_first' if self.first else 'channels_last'
                x[...] = Pipeline(kind).run([x], [{'brightness': record['brightness']}], np.empty((1, *shape), np.float32))[0]
        made *= self._attrs['rescale']
        if self._attrs['scale']:
            deviation = made.std((1, 2, 3), keepdims=True) + 1e-6
        if self._attrs['center']:
            made -= made.mean((1, 2, 3), keepdims=True)
        if self._attrs['scale']:
            made /= deviation
        if self._mean is not None:
            made -= self._mean
        if self._factor is not None:
            made *= self._factor
        return made

    def _standard(self, shape):
        """(kind, mean, factor): how the two are laid out."""
        known = self._standards.get(shape)
        if known is None:
            known = self._standards.put(shape, self._make_standard(shape))
        return known

    def _make_standard(self, shape):
        if self._mean is None and self._factor is None:
            return STANDARD['none'], np.zeros(0, np.float32), np.zeros(0, np.float32)
        both = [np.float32(0) if self._mean is None else self._mean, np.float32(1) if self._factor is None else self._factor]
        try:
            common = np.broadcast_shapes(both[0].shape, both[1].shape)
            np.broadcast_to(np.empty(common, bool), shape)
        except ValueError:
            raise ValueError(f'mean, std: expected arrays that broadcast to an image of the shape {shape}, got the shapes '
                             f'{both[0].shape} and {both[1].shape}') from None
        common = (1,) * (3 - len(common)) + common
        if self.first and common[1:] == (1, 1):
            kind, box = 'channel', (shape[0], 1, 1)
        elif not self.first and common[0] == 1:
            kind, box = 'row', (1, *shape[1:])
        else:
            kind, box = 'element', shape
        laid = [np.ascontiguousarray(np.broadcast_to(a, box)) for a in both]
        return STANDARD[kind], *(laid if kind == 'element' else [a.reshape(-1) for a in laid])


def _bind(images, shape, records, kind):
    """The addresses and types of the images, for work in the float type `kind`; returns the arrays that own them."""
    known = (kind,) if kind == np.float64 else (np.uint8, np.float32)
    if isinstance(images, np.ndarray) and images.dtype in known and images.flags.c_contiguous:
        if images.shape[1:] != shape:
            raise ValueError(f'images: expected the shape {shape} of out, got {images.shape[1:]}')
        address = images.__array_interface__['data'][0]
        records['pixels'] = np.arange(address, address + images.nbytes, images.nbytes // len(images))
        records['type'] = TYPES[images.dtype]
        return images
    keep, addresses, types = [], [], []
    for i, image in enumerate(images):
        image = np.asarray(image)
        if image.shape != shape:
            raise ValueError(f'images: expected the shape {shape} of out, got {image.shape} at index {i}')
        if image.dtype not in known:
            image = image.astype(kind)
        image = np.ascontiguousarray(image)
        keep.append(image)
        addresses.append(image.__array_interface__['data'][0])
        types.append(TYPES[image.dtype])
    records['pixels'] = addresses
    records['type'] = types
    return keep


def _transforms(params, rows, columns, records):
    """What the dictionaries say, for an image of rows × columns."""
    geometry = np.array([[p.get(name, default) for name, default in GEOMETRY] for p in params], np.float64)
    matrix, records['offset'], changed = transform_matrices(geometry, rows, columns)
    records['matrix'] = matrix.reshape(-1, 4)
    what = changed * MATRIX
    for i, p in enumerate(params):
        shift, brightness = p.get('channel_shift_intensity'), p.get('brightness')
        if p.get('flip_horizontal'):
            what[i] |= FLIP_COLUMNS
        if p.get('flip_vertical'):
            what[i] |= FLIP_ROWS
        if shift is not None:
            what[i] |= SHIFT
            records['shift'][i] = shift
        if brightness is not None:
            what[i] |= BRIGHTNESS
            records['brightness'][i] = brightness
    records['what'] = what
