"""The images of a batch: transformed at once by our generator, or one by one by a user's methods."""

import numpy as np

from fastkeras.preprocessing.image import states
from fastkeras.preprocessing.image.warp import working_type


class Drawn:
    """The random numbers of a batch. params: one dict per image. numbers: one per image, for names of saved files.
    Both may be None still, and drawn from `random` when the images are made: where a user's code draws in between."""

    __slots__ = ('below', 'numbers', 'params', 'random')

    def __init__(self, random, below):
        self.random = random
        self.below = below
        self.params = self.numbers = None

    def finish(self, n):
        """Draw what comes last."""
        if self.below:
            self.numbers = [self.random.randint(self.below) for _ in range(n)]

    def keep(self, places):
        """Forget what was drawn for other images of the batch."""
        if self.params is not None:
            self.params = [self.params[i] for i in places]
        if self.numbers is not None:
            self.numbers = [self.numbers[i] for i in places]


def ours(function):
    """Mark a method of our generator: as long as it is not replaced, a batch is made without calling it."""
    function._is_ours = True
    return function


def is_ours(generator, name):
    return getattr(getattr(generator, name, None), '_is_ours', False)


def _by_image(generator):
    return not (is_ours(generator, 'apply_transform') and is_ours(generator, 'standardize'))


def draw(generator, shape, n, random, below=0):
    """What a batch of n images of this shape draws, as far as it can be drawn before they are there; a Drawn.

    generator: an ImageDataGenerator, anything with its methods, or None. below: limit of the numbers for file names, 0
    for none.
    """
    drawn = Drawn(random, below)
    if generator is not None:
        if _by_image(generator) or _may_draw(generator):
            return drawn
        drawn.params = _transforms(generator, shape, n, random)
    drawn.finish(n)
    return drawn


def _transforms(generator, shape, n, random):
    if is_ours(generator, 'get_random_transform'):
        return [generator._transform(shape, random) for _ in range(n)]
    with states.as_global(random):
        return [generator.get_random_transform(shape) for _ in range(n)]


def _may_draw(generator):
    """Whether the preprocessing function may draw random numbers: unless it has been seen not to."""
    function = generator.preprocessing_function
    return function is not None and generator._draws_nothing is not function


def augmented(generator, images, drawn, dtype='float32'):
    """A new array (n, *shape) of the images, transformed and standardized as the generator says.

    images: n arrays of rank 3 and one shape, of any number type; they are not changed. drawn: from `draw`. What float32
    cannot hold is computed in float64.
    """
    dtype = np.dtype(dtype)
    n = len(images)
    if n == 0:
        raise ValueError('augmented: a batch needs at least one image')
    if generator is None:
        made = np.stack(images).astype(dtype)
    elif _by_image(generator):
        made = _one_by_one(generator, images, drawn.random, dtype)
        drawn.finish(n)
    else:
        made = np.empty((n, *images[0].shape), working_type(dtype))
        if generator.preprocessing_function is None:
            generator._run(images, drawn.params, made)
        else:
            _run_behind_function(generator, images, drawn, made)
    return cast(made, dtype)


def cast(made, dtype):
    """`made` in this type: whole numbers are the nearest ones that it has."""
    if made.dtype == dtype:
        return made
    if dtype.kind in 'iu':
        limits = np.iinfo(dtype)
        made = np.clip(np.floor(made + 0.5), limits.min, limits.max)
    return made.astype(dtype)


def _one_by_one(generator, images, random, dtype):
    """By methods of a user's, in the order in which Keras calls them."""
    made = np.empty((len(images), *images[0].shape), dtype)
    with states.as_global(random):
        for out, image in zip(made, images):
            params = generator.get_random_transform(image.shape)
            out[...] = generator.standardize(generator.apply_transform(image.astype(dtype), params))
    return made


# ---- preprocessing functions
def _called(function, image, dtype):
    """The function's result for a copy of the image, both in this float type."""
    x = np.asarray(function(np.array(image, dtype)), dtype)
    if x.shape != image.shape:
        raise ValueError(f'preprocessing_function: expected an image of the shape {image.shape} that it was given, got '
                         f'{x.shape}')
    return x


def _mark():
    """What changes when something is drawn from NumPy's global state."""
    _, key, *rest = np.random.get_state()
    return int(key[0]), *rest


def _run_behind_function(generator, images, drawn, out):
    function, params = generator.preprocessing_function, drawn.params
    if params is not None:
        made = [_called(function, x, out.dtype) for x in images]
    else:       # it may draw as well, and does so between the transforms
        params, made, quiet = [], [], True
        with states.as_global(drawn.random):
            for image in images:
                params.append(generator.get_random_transform(image.shape))
                before = _mark()
                made.append(_called(function, image, out.dtype))
                quiet = quiet and _mark() == before
        drawn.finish(len(images))
        if quiet:
            generator._draws_nothing = function
    if any(p.get('brightness') is not None or p.get('channel_shift_intensity') is not None for p in params):
        _run_in_units_of_the_picture(generator, images, made, params, out)
    else:
        generator._run(made, params, out)


_STANDARDS = ('rescale', 'samplewise_center', 'samplewise_std_normalization', 'featurewise_center',
              'featurewise_std_normalization', 'zca_whitening')


def _run_in_units_of_the_picture(generator, images, made, params, out):
    """As `generator._run(made, params, out)`, with channel shift and brightness done to the pictures that the function
    was given, as far as its result is a multiple of them plus a constant.

    These two mean numbers from 0 to 255, and brightness gives some: behind a function that leaves numbers from -1 to 1,
    their results would be of no use. So the function's results are mapped back to the range that the picture had, and
    their transforms to the range of the function.
    """
    units = [_unit(image, x) for image, x in zip(images, made)]
    pictures = [_mapped_back(image, x, *unit) for image, x, unit in zip(images, made, units)]
    if generator.fill_mode == 'constant':       # cval means the function's numbers
        for x, p, o, (scale, offset, _) in zip(pictures, params, out, units):
            generator._geometry(out.dtype, (generator.cval - offset) / scale).run([x], [p], o[None])
    else:
        generator._geometry(out.dtype).run(pictures, params, out)
    for x, (scale, offset, _) in zip(out, units):
        x *= scale
        x += offset
    if any(getattr(generator, name) for name in _STANDARDS):
        generator._run(list(out.copy()), None, out)


_NEAR = 1e-3     # in a picture of 0 … 255


def _unit(image, x):
    """(scale, offset) that take the image's range to that of x, and how wide that is."""
    least, most = float(image.min()), float(image.max())
    low, high = float(x.min()), float(x.max())
    scale = (high - low) / (most - least) if most > least and high > low else 1.
    return scale, low - scale * least, high - low


def _mapped_back(image, x, scale, offset, spread):
    """x in the units of the image: the image itself, where the function is no more than this factor and constant."""
    kind = x.dtype.type
    far = np.multiply(image, kind(scale), dtype=kind)
    far += kind(offset)
    far -= x
    if max(far.max(), -far.min()) <= _NEAR / 255 * spread:
        return image
    picture = (x - kind(offset)) / kind(scale)
    whole = np.rint(picture)
    if image.dtype.kind in 'iu' or np.array_equal(image, np.rint(image)):
        # brightness cuts fractions off: 99.99999 must be 100 again
        picture = np.where(np.abs(picture - whole) < _NEAR, whole, picture)
    return picture
